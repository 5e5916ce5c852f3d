"""A model of which calls faults strike, in a page, and the faults: after every call each has counted the same."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from mockskaha.testing.inprocess import started

pytestmark = pytest.mark.evidence("our own: faults")

DEEP = bool(os.environ.get("MOCKSKAHA_DEEP"))
OPERATIONS = {"listSessions": "/session", "listImages": "/image", "getContext": "/context"}
USERS = st.sampled_from(["alice", "bob"])
COUNTS = st.integers(1, 4)
SELECTIONS = st.one_of(
    st.fixed_dictionaries({}),
    st.fixed_dictionaries({"nth": st.lists(COUNTS, min_size=1, max_size=2, unique=True)}),
    st.fixed_dictionaries({"first": COUNTS}),
    st.fixed_dictionaries({"every": COUNTS}),
)
RULES = st.builds(
    lambda which, selection: {**which, **selection},
    st.fixed_dictionaries(
        {},
        optional={
            "operation": st.sampled_from([*OPERATIONS, ["listSessions", "getContext"]]),
            "user": st.sampled_from(["alice", "bob", "*"]),
            "skip": st.integers(0, 2),
            "times": st.integers(1, 3),
            "begin": st.sampled_from([0, 60]),
            "until": st.sampled_from([100, "2m"]),
            "probability": st.sampled_from([0, 1]),
        },
    ),
    SELECTIONS,
)
SECONDS = {"2m": 120}


@dataclass
class Told:
    """A fault as the model has it."""

    rule: dict[str, Any]
    status: int
    set_at: float
    met: int = 0
    struck: int = 0

    def meets(self, operation: str, user: str, now: float) -> bool:
        wanted = self.rule.get("operation", operation)
        until = self.rule.get("until")
        return (
            operation in ([wanted] if isinstance(wanted, str) else wanted)
            and self.rule.get("user", "*") in ("*", user)
            and now >= self.set_at + self.rule.get("begin", 0)
            and (until is None or now < self.set_at + SECONDS.get(until, until))
        )

    def strikes(self) -> bool:
        number, rule = self.met - self.rule.get("skip", 0), self.rule
        return (
            number >= 1
            and self.struck < rule.get("times", 10**9)
            and number in rule.get("nth", [number])
            and number <= rule.get("first", number)
            and number % rule.get("every", 1) == 0
            and rule.get("probability", 1) == 1
        )


class Struck(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.skaha = started({"profile": "instant"})
        self.clients = {user: self.skaha.client(user) for user in ("alice", "bob")}
        self.now = 0.0
        self.faults: dict[str, Told] = {}
        self.kept: Any = None
        self.count = 0

    @rule(given=RULES)
    def set(self, given: dict[str, Any]) -> None:
        status = 410 + self.count % 80
        self.count += 1
        made = self.skaha.faults.add(**given, status=status)
        assert made not in self.faults
        self.faults[made] = Told(given, status, self.now)

    @precondition(lambda self: self.faults)
    @rule(which=st.integers(0, 9))
    def remove(self, which: int) -> None:
        chosen = sorted(self.faults)[which % len(self.faults)]
        self.skaha.faults.remove(chosen)
        del self.faults[chosen]

    @rule(user=USERS, operation=st.sampled_from(sorted(OPERATIONS)), calls=st.integers(1, 4))
    def ask(self, user: str, operation: str, calls: int) -> None:
        for _ in range(calls):
            expected = 200
            for fault in self.faults.values():
                if fault.meets(operation, user, self.now):
                    fault.met += 1
                    if fault.strikes():
                        fault.struck += 1
                        expected = fault.status
                        break  # the answer is for the first that strikes; who comes behind does not meet the call
            assert self.clients[user].get(OPERATIONS[operation]).status_code == expected
        assert {fault.id: (fault.met, fault.struck) for fault in self.skaha.faults} == {
            name: (fault.met, fault.struck) for name, fault in self.faults.items()
        }

    @rule(seconds=st.sampled_from([1, 59, 60, 100]))
    def advance(self, seconds: int) -> None:
        self.skaha.advance(seconds)
        self.now += seconds

    @rule()
    def keep(self) -> None:
        copies = {name: Told(**vars(fault)) for name, fault in self.faults.items()}
        self.kept = (self.skaha.snapshot(), self.now, copies)

    @precondition(lambda self: self.kept)
    @rule()
    def go_back(self) -> None:
        document, self.now, faults = self.kept
        self.skaha.restore(document)
        self.faults = {name: Told(**vars(fault)) for name, fault in faults.items()}

    @rule()
    def reset(self) -> None:
        self.skaha.reset()
        self.faults, self.now = {}, 0.0

    @rule()
    def clear(self) -> None:
        self.skaha.faults.clear()
        self.faults = {}

    def teardown(self) -> None:
        if hasattr(self, "skaha"):
            self.skaha.close()


def test_faults_are_as_the_model() -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Struck,
        settings=settings(
            max_examples=1000 if DEEP else 40,
            stateful_step_count=60 if DEEP else 25,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
