"""A model of the service in a page, and the service: after every step each says the same, in every version of Skaha.

The model knows who owns what, when each session ends and is forgotten, what renewing does, and whom the limit stops.
Every step of a session is instant here, so that it can be exact; ``test_laws.py`` has the laws for any other profile.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from mockskaha.era import VERSIONS
from tests.mockskaha.conftest import EPOCH, IMAGE, SESSIONS, Skaha

pytestmark = pytest.mark.evidence("skaha-contract §3.3, §3.4, §4.2, §4.3, §4.4, §10")

DEEP = bool(os.environ.get("MOCKSKAHA_DEEP"))
USERS = ("alice", "bob")
HOUR, DAY = 3600, 86_400
MOST = 2
"""Interactive sessions at a time."""


@dataclass
class Life:
    """One session as the model has it. Times are seconds since the epoch of the service."""

    user: str
    kind: str
    created: int
    deadline: int
    runtime: int | None
    exit_code: int

    @property
    def end(self) -> int:
        done = self.deadline if self.runtime is None else self.created + self.runtime
        return min(done, self.deadline)

    @property
    def forgotten(self) -> int:
        return self.end + (HOUR if self.kind == "headless" else DAY)

    def status(self, now: int, completed: str) -> str:
        if now < self.end:
            return "Running"
        by_itself = self.runtime is not None and self.created + self.runtime <= self.deadline
        return completed if by_itself and self.exit_code == 0 else "Failed"

    def counts(self, now: int, limit_counts: str) -> bool:
        """Whether it is one of those that the limit is on."""
        if self.kind == "headless":
            return False
        return now < self.end or (limit_counts == "unfinished" and self.status(now, "") == "Failed")


class Modelled(RuleBasedStateMachine):
    start: Callable[..., Skaha]
    ids = Bundle("ids")

    @initialize(version=st.sampled_from(VERSIONS), seed=st.integers(0, 3))
    def begin(self, version: str, seed: int) -> None:
        self.skaha = type(self).start(
            profile="instant", seed=seed, skaha_version=version, sessions={"max_interactive": MOST}
        )
        self.era = self.skaha.platform.era
        self.now = 0
        self.lives: dict[str, Life] = {}
        """Those that are listed."""
        self.all_ids: set[str] = set()

    def mine(self, user: str) -> dict[str, Life]:
        return {found: life for found, life in self.lives.items() if life.user == user}

    @rule(
        target=ids,
        user=st.sampled_from(USERS),
        kind=st.sampled_from(["headless", "headless", "notebook", "carta", "desktop"]),
        runtime=st.sampled_from([None, None, 30, 2 * HOUR, 5 * DAY]),
        exit_code=st.sampled_from([0, 0, 3]),
    )
    def launch(self, user: str, kind: str, runtime: int | None, exit_code: int) -> Any:
        if kind != "headless":
            exit_code = 0  # it would be restarted
        variables = ["MOCKSKAHA_READY=0s", f"MOCKSKAHA_EXIT={exit_code}"]
        variables += [] if runtime is None else [f"MOCKSKAHA_RUNTIME={runtime}s"]
        image = IMAGE if kind == "headless" else next(
            image.id for image in self.skaha.platform.settings.images if kind in image.types and image.public
        )  # fmt: skip
        form = {"name": "n", "image": image, "type": kind, "env": variables}
        form |= {"cmd": "sleep", "args": "infinity"} if kind == "headless" else {}
        reply = self.skaha.as_user(user).post(SESSIONS, form)
        taken = sum(life.counts(self.now, self.era.limit_counts) for life in self.mine(user).values())
        if kind != "headless" and taken >= MOST:
            told = f"User {user} has reached the maximum of {MOST} active sessions.\n"
            assert reply.told == (400, "text/plain", told)
            return multiple()
        assert reply.told[:2] == (200, "text/plain")
        found = reply.text.removesuffix("\n")
        assert found not in self.all_ids
        self.all_ids.add(found)
        longest = 14 * DAY if kind == "headless" else 4 * DAY
        self.lives[found] = Life(user, kind, self.now, self.now + longest, runtime, exit_code)
        return found

    @rule(user=st.sampled_from(USERS), found=ids)
    def renew(self, user: str, found: str) -> None:
        reply = self.skaha.as_user(user).post(f"{SESSIONS}/{found}", {"action": "renew"})
        life = self.mine(user).get(found)
        if life is None or self.now >= life.end:
            assert reply.status == 400
            assert reply.text.startswith("No active job for user PosixPrincipal [uidNumber=")
            return
        assert reply.told == (200, None, "")
        life.deadline = max(life.deadline, self.now + 4 * DAY)

    @rule(user=st.sampled_from(USERS), found=ids)
    def delete(self, user: str, found: str) -> None:
        reply = self.skaha.as_user(user).delete(f"{SESSIONS}/{found}")
        if found in self.mine(user):
            assert reply.told == (200, None, "")
            del self.lives[found]
        elif not self.era.unknown_deletion_is_refused:
            assert reply.told == (200, None, "")
        elif found in self.lives:
            assert reply.told == (403, "text/plain", "forbidden\n")
        else:
            assert reply.told == (404, "text/plain", f"{found}\n")

    @rule(seconds=st.sampled_from([1, 29, 60, HOUR - 1, HOUR, DAY, 4 * DAY - 1, 4 * DAY, 10 * DAY]))
    def advance(self, seconds: int) -> None:
        self.skaha.advance(seconds)
        self.now += seconds
        self.lives = {found: life for found, life in self.lives.items() if self.now < life.forgotten}

    @rule(user=st.sampled_from(USERS), found=ids)
    def look(self, user: str, found: str) -> None:
        """At one, through its owner's eyes and through others'."""
        who, path = self.skaha.as_user(user), f"{SESSIONS}/{found}"
        if found in self.mine(user):
            assert who.get(path).json == self.listed(user)[found]
            return
        assert who.get(path).status == who.get(f"{path}?view=events").status == 404
        assert who.get(f"{path}?view=logs").told == (200, "text/plain", "")

    def listed(self, user: str) -> dict[str, dict[str, Any]]:
        sessions = self.skaha.as_user(user).sessions()
        found = {session["id"]: session for session in sessions}
        assert len(found) == len(sessions)
        return found

    @invariant()
    def each_user_sees_what_the_model_has(self) -> None:
        if not hasattr(self, "skaha"):
            return
        for user in USERS:
            told = {
                found: (session["userid"], session["type"], session["status"], moment(session["startTime"]),
                        moment(session["expiryTime"]))
                for found, session in self.listed(user).items()
            }  # fmt: skip
            assert told == {
                found: (
                    user,
                    life.kind,
                    life.status(self.now, self.era.completed_name),
                    life.created,
                    life.deadline,
                )
                for found, life in self.mine(user).items()
            }
        assert len(self.skaha.sessions(view="all")) == len(self.lives)


def moment(text: str) -> int:
    """Seconds since the epoch of the service."""
    return int(datetime.fromisoformat(text).timestamp()) - EPOCH


def test_the_service_is_as_the_model(start: Callable[..., Skaha]) -> None:
    class Here(Modelled):
        pass

    Here.start = staticmethod(start)  # type: ignore[method-assign,assignment]
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Here,
        settings=settings(
            max_examples=1000 if DEEP else 40,
            stateful_step_count=60 if DEEP else 25,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
