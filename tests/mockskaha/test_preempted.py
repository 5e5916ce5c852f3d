"""What a client sees of a session that Kueue holds, lets in and preempts, and of one that kube-scheduler preempts."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.mockskaha.conftest import SESSIONS, Skaha

pytestmark = pytest.mark.evidence("skaha-contract §4.2, §5.1, §5.3, §6")

ROOT = Path(__file__).parents[2]
KUEUE = {
    "kueue": {
        "manifests": [str(ROOT / "examples" / "kueue" / "canfar-development.yaml")],
        "sessions": {"headless": {"priority_class": "low"}, "default": {"priority_class": "high"}},
    }
}
"""The development cluster: 28.8 cores, 94 GiB."""
PRIORITY: dict[str, Any] = {"preemption": {"policy": "priority"}, "ordering": {"policy": "priority-class"}}
CLUSTER = {"nodes": [{"name": "one", "count": 1, "cores": 32, "ram_gib": 128}]}
CLASSES = {"headless": "low", "default": "high"}


def reasons(skaha: Skaha, session_id: str) -> list[str]:
    """The column REASON of the session's events."""
    reply = skaha.events(session_id)
    assert reply.status == 200, reply.text
    return [line.split()[1] for line in reply.text.splitlines()[1:]]


def allocated(skaha: Skaha) -> float:
    return float(skaha.get(f"{SESSIONS}?view=stats").json["cores"]["requestedCPUCores"])


def test_a_session_that_kueue_holds_is_suspended_from_the_first(start: Callable[..., Skaha]) -> None:
    skaha = start(queue=KUEUE)
    large = skaha.create(cores=16, ram=16)
    waits = skaha.create(cores=16, ram=16)
    for session_id in (large, waits):  # nobody looked at them yet
        session = skaha.session(session_id)
        assert session["status"] == "Pending"
        assert "startTime" not in session
        assert "expiryTime" not in session
        assert skaha.events(session_id).status == 404
    skaha.advance(5)
    assert skaha.status(large) == "Running"
    session = skaha.session(waits)
    assert session["status"] == "Pending"
    assert "startTime" not in session
    assert "expiryTime" not in session
    assert (skaha.events(waits).status, skaha.logs(waits)) == (404, "")
    assert skaha.post(f"{SESSIONS}/{waits}", {"action": "renew"}).status == 400
    assert [("startTime" in item, item["status"]) for item in skaha.sessions(view="all")].count(
        (False, "Pending")
    ) == 1
    assert allocated(skaha) == 16

    skaha.delete(f"{SESSIONS}/{large}")
    before = skaha.platform.unix(skaha.platform.time)
    assert skaha.until(waits, "Running") < 3
    started = skaha.session(waits)["startTime"]
    assert started >= skaha_time(before)  # ISO 8601 in one zone sorts as text
    assert reasons(skaha, waits)[0] == "Scheduled"


def skaha_time(unix: int) -> str:
    from mockskaha.java import instant

    return instant(unix)


def test_a_session_preempted_by_kueue_waits_suspended_and_comes_back_with_a_new_pod(
    start: Callable[..., Skaha],
) -> None:
    skaha = start(queue=KUEUE, cluster=CLUSTER)
    batch = skaha.create(cores=16, ram=16, cmd="sleep", args="100")
    skaha.until(batch, "Running")
    skaha.advance(30)
    old_pod, first_start = skaha.events(batch).text, skaha.session(batch)["startTime"]
    assert "Scheduled" in old_pod

    notebook = skaha.create(type="notebook", cores=16, ram=16)
    skaha.advance(0.15)  # preempted; its pod is stopping
    session = skaha.session(batch)
    assert session["status"] == "Pending"
    assert "startTime" not in session
    assert "ramInUse" not in session
    assert "Killing" in reasons(skaha, batch)
    assert "Preempted" not in reasons(skaha, batch)
    assert allocated(skaha) == 16, "its pod holds what it has until it has stopped"
    skaha.until(notebook, "Running")
    assert (skaha.status(batch), skaha.events(batch).status, skaha.logs(batch)) == ("Pending", 404, "")
    assert allocated(skaha) == 16

    skaha.advance(600)
    skaha.delete(f"{SESSIONS}/{notebook}")
    skaha.until(batch, "Running")
    again = skaha.session(batch)
    assert again["startTime"] > first_start
    told = reasons(skaha, batch)
    assert told.count("Scheduled") == 1
    assert "Killing" not in told
    name = {line.split("Successfully assigned ")[1].split()[0] for line in scheduled(skaha, batch)}
    assert name.isdisjoint(line.split("Successfully assigned ")[1].split()[0] for line in lines(old_pod))
    skaha.advance(105)
    assert skaha.status(batch) == "Completed", "it ran its whole time anew"


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if "Successfully assigned" in line]


def scheduled(skaha: Skaha, session_id: str) -> list[str]:
    return lines(skaha.events(session_id).text)


def test_a_session_preempted_by_kube_scheduler_keeps_its_start_time(start: Callable[..., Skaha]) -> None:
    skaha = start(queue=PRIORITY, cluster=CLUSTER, sessions={"priority_class": CLASSES})
    batches = [skaha.create(cores=16, ram=16) for _ in range(2)]
    for batch in batches:
        skaha.until(batch, "Running")
    skaha.advance(60)
    starts = [skaha.session(batch)["startTime"] for batch in batches]
    notebook = skaha.create(type="notebook", cores=16, ram=16)
    skaha.advance(0.15)
    (victim,) = [batch for batch in batches if skaha.status(batch) == "Pending"]
    assert {"Preempted", "Killing"} <= set(reasons(skaha, victim))
    assert allocated(skaha) == 32
    skaha.until(notebook, "Running")
    assert allocated(skaha) == 32
    session = skaha.session(victim)
    assert session["status"] == "Pending"
    assert session["startTime"] == starts[batches.index(victim)]
    assert reasons(skaha, victim) == ["FailedScheduling"]
    skaha.delete(f"{SESSIONS}/{notebook}")
    skaha.until(victim, "Running")
    assert reasons(skaha, victim)[:2] == ["FailedScheduling", "Scheduled"]


@pytest.mark.parametrize("queue", [KUEUE, PRIORITY], ids=["kueue", "priority"])
def test_a_session_deleted_while_it_makes_room_gives_back_what_it_holds(
    start: Callable[..., Skaha], queue: dict[str, Any]
) -> None:
    sessions = {} if queue is KUEUE else {"priority_class": CLASSES}
    skaha = start(queue=queue, cluster=CLUSTER, sessions=sessions)
    batches = [skaha.create(cores=12, ram=16) for _ in range(2)]
    for batch in batches:
        skaha.until(batch, "Running")
    notebook = skaha.create(type="notebook", cores=16, ram=16)
    skaha.advance(0.15)
    for batch in batches:
        skaha.delete(f"{SESSIONS}/{batch}")
        assert skaha.get(f"{SESSIONS}/{batch}").status == 404
    skaha.until(notebook, "Running", within=5)
    skaha.advance(5)
    assert allocated(skaha) == 16
    skaha.delete(f"{SESSIONS}/{notebook}")
    skaha.advance(5)
    assert allocated(skaha) == 0
    again = skaha.create(cores=16, ram=64)
    skaha.until(again, "Running", within=5)


@pytest.mark.parametrize("queue", [KUEUE, PRIORITY], ids=["kueue", "priority"])
def test_a_deleted_session_whose_pod_still_stops_is_preempted_by_nobody(
    start: Callable[..., Skaha], queue: dict[str, Any]
) -> None:
    sessions = {} if queue is KUEUE else {"priority_class": CLASSES}
    skaha = start(queue=queue, cluster=CLUSTER, sessions=sessions)
    batch = skaha.create(cores=16, ram=64)
    skaha.until(batch, "Running")
    steps: list[str] = []
    skaha.platform.model.listeners.append(lambda seen: steps.append(f"{seen.job.kind} {seen.step}"))
    skaha.delete(f"{SESSIONS}/{batch}")
    notebook = skaha.create(type="notebook", cores=16, ram=80)
    skaha.until(notebook, "Running", within=5)
    assert [step for step in steps if step.startswith("headless")] == [
        "headless deleted", "headless killing", "headless released",
    ]  # fmt: skip
    skaha.delete(f"{SESSIONS}/{notebook}")
    skaha.advance(60)
    assert allocated(skaha) == 0


def test_a_preempted_session_can_expire_and_be_forgotten(start: Callable[..., Skaha]) -> None:
    skaha = start(
        queue=PRIORITY,
        cluster=CLUSTER,
        sessions={"priority_class": CLASSES, "lifetimes": {"headless": {"deadline_seconds": 100}}},
    )
    batch = skaha.create(cores=16, ram=64)
    skaha.until(batch, "Running")
    for _ in range(2):
        skaha.create(type="notebook", cores=16, ram=64)
    skaha.advance(50)
    assert skaha.status(batch) == "Pending"
    skaha.advance(60)
    assert skaha.status(batch) == "Failed"
    skaha.advance(3600)
    assert skaha.get(f"{SESSIONS}/{batch}").status == 404
    assert allocated(skaha) == 32


def test_the_same_commands_give_the_same_state(start: Callable[..., Skaha], tmp_path: Path) -> None:
    """A server that takes up its state file goes on where it stopped, preempted sessions too."""
    settings = {"queue": KUEUE, "cluster": CLUSTER, "server": {"state": str(tmp_path / "state.db")}}
    skaha = start(**settings)
    ids = [skaha.create(cores=12, ram=16), skaha.create(cores=12, ram=16)]
    skaha.advance(10)
    ids.append(skaha.create(type="notebook", cores=16, ram=16))
    skaha.advance(10)
    told = [(skaha.session(item), skaha.events(item).told) for item in ids]
    assert {session["status"] for session, _ in told} == {"Running", "Pending"}
    skaha.platform.close()
    again = start(**settings)
    assert [(again.session(item), again.events(item).told) for item in ids] == told
    again.platform.close()


def test_who_has_no_kueue_does_not_load_it() -> None:
    program = (
        "import sys, mockskaha.serve, mockskaha.cli\n"
        "from mockskaha.config import Settings\n"
        "from mockskaha.platform import Platform\n"
        "Platform.from_settings(Settings(clock='manual'))\n"
        "print(*sorted(name for name in sys.modules if name.startswith('skahasim.kueue.')\n"
        "    or name.partition('.')[0] in {'numpy', 'pandas', 'scipy', 'matplotlib', 'jinja2'}))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["skahasim.kueue.settings", "skahasim.kueue.strategy"]
