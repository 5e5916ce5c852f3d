"""A live service and a study of the same submissions make the same schedule: one model, two clocks."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from mockskaha.config import Settings
from mockskaha.session import Session
from skahasim.resources import Resources
from skahasim.scenario import scenario_of
from skahasim.study.simulation import simulate
from skahasim.transition import Step, Transition
from skahasim.workload.arrival import Arrival
from tests.mockskaha.conftest import IMAGE, SESSIONS, Skaha

pytestmark = pytest.mark.evidence("ours: the live service and a study run one model")

ROOT = Path(__file__).parents[2]
CLUSTER = {
    "nodes": [
        {"name": "big", "count": 2, "cores": 16, "ram_gib": 64},
        {"name": "small", "count": 1, "cores": 8, "ram_gib": 48},
    ]
}
QUEUES: dict[str, dict[str, Any]] = {
    "canfar": {},
    "fifo, first fit, one user at most 20 cores": {
        "ordering": {"policy": "fifo"},
        "placement": {"policy": "first-fit"},
        "admission": {"per_user": {"cores": 20}},
    },
    "suspended above four jobs": {"admission": {"per_user": {"jobs": 4}, "suspend": True}},
    "easy": {"ordering": {"policy": "fifo"}, "backfill": {"policy": "easy"}},
    "strict": {"ordering": {"policy": "fifo"}, "backfill": {"policy": "none"}},
    "sjf, best fit": {"ordering": {"policy": "sjf"}, "placement": {"policy": "best-fit"}},
    "fair share": {"ordering": {"policy": "fair-share"}},
    "aging, conservative": {"ordering": {"policy": "aging"}, "backfill": {"policy": "conservative"}},
    "weighted sum, packed": {
        "ordering": {"policy": "weighted-sum"},
        "placement": {"policy": "dominant-resource"},
    },
}
KUEUE = {
    "kueue": {
        "manifests": [str(ROOT / "examples" / "kueue" / "canfar-development.yaml")],
        "sessions": {"headless": {"priority_class": "low"}, "default": {"priority_class": "high"}},
    }
}
"""28.8 cores and 94 GiB of the 40 and 176 that the nodes have; a session of the class high makes those of low stop."""
PREEMPTING: dict[str, dict[str, Any]] = {
    "kueue": KUEUE,
    "kueue, first fit, admitting slowly": {
        "kueue": KUEUE["kueue"] | {"admission_rate": 4},
        "placement": {"policy": "first-fit"},
    },
    "priority": {"ordering": {"policy": "priority-class"}, "preemption": {"policy": "priority"}},
}
CLASSES = {"headless": "low", "default": "high"}
START = 7.25
"""A service is not asked in its first instant."""


class Submission(NamedTuple):
    gap: float
    cores: int
    ram: int
    seconds: int
    user: str
    kind: str = "headless"
    deleted: tuple[int, ...] = ()
    """Earlier submissions that are deleted just before."""


def submissions_of(seed: int, *, interactive: float = 0.0, deleted: float = 0.0) -> list[Submission]:
    """Enough of them that most have to wait. Shares of those that are notebooks, and of those before which one is
    deleted."""
    chance = random.Random(seed)
    there: list[int] = []
    submissions = []
    for number in range(40):
        gap, gone = chance.choice([0.0, 0.0, 1.0, 2.5, 10.0]), ()
        if gap and there and chance.random() < deleted:  # of one instant, a table has deletions first
            gone = (there.pop(chance.randrange(len(there))),)
        submissions.append(
            Submission(
                gap=gap,
                cores=chance.choice([1, 2, 4, 8, 16]),
                ram=chance.choice([1, 4, 16, 48]),
                seconds=chance.randint(1, 60),
                user=chance.choice(["alice", "bob", "carol"]),
                kind="notebook" if chance.random() < interactive else "headless",
                deleted=gone,
            )
        )
        there.append(number)
    return submissions


Schedule = list[tuple[int, float, str, float]]
"""Number, last start (-1 if there was none), last node and end of each job."""


def lived(skaha: Skaha, submissions: list[Submission]) -> tuple[Schedule, int]:
    """What becomes of them on a live service, and how often somebody was preempted."""
    model = skaha.platform.model
    nodes: dict[int, str] = {}
    ended: dict[int, tuple[int, float, str, float]] = {}
    preemptions = 0

    def hear(seen: Transition) -> None:
        nonlocal preemptions
        job = seen.job
        if seen.step is Step.SCHEDULED:
            nodes[job.number] = seen.reason
        elif seen.step is Step.PREEMPTED:
            preemptions += 1
        elif seen.step in (Step.FINISHED, Step.FAILED, Step.DELETED) and isinstance(job.owner, Session):
            started = -1.0 if job.run_time is None else job.run_time
            ended.setdefault(job.number, (job.number, started, nodes.get(job.number, ""), seen.time))

    model.listeners.append(hear)
    skaha.advance(START)
    found: list[tuple[str, str]] = []
    for submission in submissions:
        skaha.advance(submission.gap)
        for number in submission.deleted:
            user, session_id = found[number]
            assert skaha.as_user(user).delete(f"{SESSIONS}/{session_id}").status == 200
        how = (
            {"cmd": "sleep", "args": str(submission.seconds)}
            if submission.kind == "headless"
            else {
                "type": submission.kind,
                "env": [f"MOCKSKAHA_RUNTIME={submission.seconds}", "MOCKSKAHA_MEMORY=0.5Gi"],
            }
        )
        session_id = skaha.as_user(submission.user).create(cores=submission.cores, ram=submission.ram, **how)
        found.append((submission.user, session_id))
    skaha.advance(5000)
    return sorted(ended.values()), preemptions


def studied(queue: dict[str, Any], profile: str, submissions: list[Submission]) -> Schedule:
    """What becomes of them in a study."""
    scenario = scenario_of(
        {
            "cluster": CLUSTER, "queue": queue, "profile": profile, "arrivals": "after-events",
            "image": {"name": IMAGE}, "workload": {"source": "poisson", "jobs": 1},
        }
    )  # fmt: skip
    time, arrivals = START, []
    for number, submission in enumerate(submissions):
        time += submission.gap
        for gone in submission.deleted:
            arrivals[gone] = arrivals[gone]._replace(deleted_after=time - arrivals[gone].submit_time)
        request = Resources.of(submission.cores, submission.ram)
        arrivals.append(
            Arrival(
                number, time, request, request, run_seconds=submission.seconds, user=submission.user,
                kind=submission.kind,
                priority_class="" if "kueue" in queue else CLASSES.get(submission.kind, CLASSES["default"]),
                deadline_seconds=Settings().sessions.lifetime(submission.kind).deadline_seconds,
            )
        )  # fmt: skip
    jobs = simulate(scenario, arrivals=arrivals).jobs.fillna({"starting_time": -1.0})
    columns = (jobs[name].tolist() for name in ("job_id", "starting_time", "node", "finish_time"))
    return sorted(zip(*columns, strict=True))


@pytest.mark.parametrize("seed", range(20 if os.environ.get("MOCKSKAHA_DEEP") else 1))
@pytest.mark.parametrize("profile", ["instant", "fast"])
@pytest.mark.parametrize("queue", QUEUES.values(), ids=QUEUES)
def test_a_study_of_the_same_submissions_is_the_same_schedule(
    start: Callable[..., Skaha], queue: dict[str, Any], profile: str, seed: int
) -> None:
    submissions = submissions_of(seed, deleted=0.4)
    live, _ = lived(start(profile=profile, queue=queue, cluster=CLUSTER), submissions)
    assert len(live) == len(submissions)
    assert studied(queue, profile, submissions) == live


@pytest.mark.parametrize("seed", range(20 if os.environ.get("MOCKSKAHA_DEEP") else 1))
@pytest.mark.parametrize("profile", ["instant", "fast"])
@pytest.mark.parametrize("queue", PREEMPTING.values(), ids=PREEMPTING)
def test_it_is_so_when_sessions_are_preempted(
    start: Callable[..., Skaha], queue: dict[str, Any], profile: str, seed: int
) -> None:
    submissions = submissions_of(seed, interactive=0.3, deleted=0.4)
    sessions: dict[str, Any] = {"max_interactive": 100}
    if "kueue" not in queue:
        sessions["priority_class"] = CLASSES
    live, preemptions = lived(
        start(profile=profile, queue=queue, cluster=CLUSTER, sessions=sessions), submissions
    )
    assert len(live) == len(submissions)
    assert preemptions
    assert studied(queue, profile, submissions) == live


def test_where_in_its_instant_a_job_arrives_matters() -> None:
    """Commands to a live service come after the events of their instant; a log's jobs before them."""
    queue = QUEUES["canfar"] | {"placement": {"policy": "first-fit"}}
    cluster = {"nodes": [{"name": "one", "count": 1, "cores": 16, "ram_gib": 64}]}
    starts = {}
    for order in ("before-events", "after-events"):
        scenario = scenario_of(
            {
                "cluster": cluster, "queue": queue, "arrivals": order,
                "workload": {"source": "poisson", "jobs": 1},
            }
        )  # fmt: skip
        request = Resources.of(16, 1)
        arrivals = [
            Arrival(0, 0.0, request, request, 10.0),
            Arrival(1, 0.0, request, request, 10.0),
            Arrival(2, 10.0, Resources.of(1, 1), Resources.of(1, 1), 5.0),
        ]
        starts[order] = simulate(scenario, arrivals=arrivals).jobs["starting_time"].tolist()
    assert starts == {"before-events": [0, 15, 10], "after-events": [0, 10, 20]}
