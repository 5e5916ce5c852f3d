"""Whole traces of every path a job can take, under a profile of whole seconds."""

from collections.abc import Callable
from typing import Any

import pytest
import simpy

from skahasim.cluster import Cluster
from skahasim.engine import Phase
from skahasim.job import IDLE, Container, Job, PullOutcome, State, Work
from skahasim.model import Model
from skahasim.policies import FirstComeFirstServed, FirstFit, Limits, OpenAdmission, Policies
from skahasim.profile import Profile, ProfileSettings
from skahasim.resources import NOTHING, Resources
from skahasim.transition import Step

IMAGE = "images.canfar.net/skaha/astroml:latest"
SLOW: dict[str, Any] = {
    "description": "whole seconds",
    "enqueue": 1,
    "pull": {"check": 1, "first": 2, "mib_per_second": 10},
    "create": 1,
    "start": 1,
    "init": 2,
    "ready": {"headless": 0, "default": 5},
    "stop": 3,
    "backoff": {"initial": 10, "longest": 40},
}
NONE: dict[str, Any] = {"description": "no delays"}
UNLIMITED = Limits()
MAIN = (Container("main", IMAGE, 50 * 2**20),)
NODE_IS_LOW = "The node was low on resource: memory."


class World:
    """A model, its trace, and its jobs by name."""

    def __init__(
        self,
        profile: dict[str, Any],
        *nodes: Resources,
        limits: Limits = UNLIMITED,
        suspends: bool = False,
        seed: int = 0,
    ) -> None:
        cluster = Cluster(
            "test", [(f"n{n}", capacity) for n, capacity in enumerate(nodes or [Resources.of(8, 32)])]
        )
        policies = Policies(
            FirstComeFirstServed(), OpenAdmission(per_user=limits, suspends=suspends), FirstFit()
        )
        self.model = Model(
            cluster, policies, Profile.of("test", ProfileSettings.model_validate(profile)), seed
        )
        self.jobs: list[Job] = []
        self.trace: list[str] = []
        self.model.listeners.append(
            lambda seen: self.trace.append(
                f"{seen.time:g} {seen.job.name} {seen.step}"
                + (
                    f" {seen.job.containers[seen.container].name}"
                    if seen.container >= 0 and seen.job.containers
                    else ""
                )
                + (f": {seen.reason}" if seen.reason else "")
            )
        )

    def submit(self, name: str, work: Work = IDLE, **more: Any) -> Job:
        request = more.pop("request", Resources.of(1, 4))
        given = {"containers": MAIN, "kind": "headless", "user": "alice", "limit": request} | more
        job = Job(len(self.jobs), name, request=request, work=work, **given)
        self.jobs.append(job)
        self.model.submit(job)
        return job

    def until(self, time: float) -> list[str]:
        """Advance, and give what was traced since the last call."""
        self.model.advance(time)
        seen = list(self.trace)
        self.trace.clear()
        return seen


def test_a_batch_job_from_end_to_end() -> None:
    world = World(SLOW)
    containers = (
        Container("backup", IMAGE, 50 * 2**20),
        Container("init", "redis", 10 * 2**20, always_pull=False),
        Container("main", IMAGE, 50 * 2**20),
    )
    job = world.submit("job", Work(30.0), containers=containers, deadline_seconds=1000.0, ttl_seconds=60.0)
    assert world.until(200) == [
        "0 job submitted",
        "1 job queued",
        "1 job admitted",
        "1 job scheduled: n0",
        "1 job pulling backup",
        "8 job pulled backup",  # 2 s of asking and 50 MiB at 10 MiB/s
        "9 job created backup",
        "10 job started backup",
        "12 job pulling init",
        "15 job pulled init",
        "16 job created init",
        "17 job started init",
        "19 job pulling main",
        "20 job pulled main",
        "21 job created main",
        "22 job started main",
        "22 job ready main",
        "52 job exited main: 0",
        "52 job finished: Completed",
        "52 job released",
        "112 job removed",
    ]
    assert (job.submit_time, job.start_time, job.schedule_time) == (0.0, 0.0, 1.0)
    assert (job.run_time, job.exit_time, job.finish_time) == (22.0, 52.0, 52.0)
    assert (job.state, job.reason) == (State.GONE, "Completed")
    assert world.model.cluster.allocated == NOTHING
    assert world.model.engine.next_due == float("inf")


def test_without_delays_and_containers_all_happens_at_once() -> None:
    world = World(NONE)
    world.submit("job", Work(0.0), containers=())
    assert world.until(0) == [
        "0 job submitted",
        "0 job queued",
        "0 job admitted",
        "0 job scheduled: n0",
        "0 job started",
        "0 job ready",
        "0 job exited: 0",
        "0 job finished: Completed",
        "0 job released",
    ]


def test_a_second_pull_is_quick() -> None:
    world = World(SLOW)
    world.submit("first")
    world.until(20)
    world.submit("second")
    assert [line for line in world.until(40) if "pull" in line] == [
        "21 second pulling main",
        "22 second pulled main",
    ]


def test_a_pull_under_way_is_waited_for() -> None:
    world = World(SLOW)
    world.submit("first")
    world.until(4)
    world.submit("shares")
    assert [line for line in world.until(20) if "pull" in line] == [
        "5 shares pulling main",
        "8 first pulled main",
        "8 shares pulled main",
    ]


def test_an_image_used_since_is_not_the_one_forgotten() -> None:
    world = World(NONE)
    redis = Container("init", "redis", always_pull=False)
    seen: list[str] = []
    for number in range(600):
        world.submit(f"job-{number}", Work(0.0), containers=(redis, Container("main", f"image-{number}")))
        seen += world.until(number)
    assert [line for line in seen if "pulling init" in line] == ["0 job-0 pulling init"]
    world.submit("old", Work(0.0), containers=(Container("main", "image-0", always_pull=False),))
    world.submit("new", Work(0.0), containers=(Container("main", "image-599", always_pull=False),))
    assert [line for line in world.until(600) if "pull" in line or "present" in line] == [
        "599 old pulling main",
        "599 old pulled main",
        "599 new present main",
    ]


@pytest.mark.parametrize("outcome", [PullOutcome.NOT_FOUND, PullOutcome.UNAUTHORIZED])
def test_an_image_that_cannot_be_pulled_is_asked_for_ever_more_rarely(outcome: PullOutcome) -> None:
    world = World(SLOW)
    job = world.submit("job", containers=(Container("main", IMAGE, pull=outcome),))
    pulls = [line for line in world.until(150) if "pull" in line]
    assert pulls == [
        f"{time} job {step}"
        for failed in (3, 15, 37, 79, 121)  # 10, 20, 40, 40 s, and 2 s of asking
        for time, step in (
            (failed - 2, "pulling main"),
            (failed, f"pull-failed main: {outcome}"),
            (failed, f"pull-back-off main: {outcome}"),
        )
    ]
    assert job.state is State.STARTING
    world.model.delete(job)
    assert world.until(1000) == ["150 job deleted", "150 job killing main", "153 job released"]


def test_a_command_that_cannot_start_fails_the_job() -> None:
    world = World(NONE)
    job = world.submit("job", Work(5.0, start_error="no such file"))
    assert world.until(10)[-4:] == [
        "0 job created main",
        "0 job start-failed main: no such file",
        "0 job failed: StartError",
        "0 job released",
    ]
    assert (job.run_time, job.state) == (None, State.FAILED)
    bare = world.submit("bare", Work(5.0, start_error="no such file"), containers=())
    world.until(10)
    assert bare.reason == "StartError"


def test_a_failing_session_is_restarted_until_its_limit() -> None:
    world = World(SLOW)
    job = world.submit("job", Work(2.0, exit_code=3), kind="notebook", restarts_allowed=4)
    world.until(10)
    seen = world.until(400)
    assert seen == [
        "12 job exited main: 3",
        "12 job restart-back-off main: Error",
        *[
            line
            for start, end in ((22, "restart"), (47, "restart"), (92, "restart"), (137, "end"))
            for line in (
                f"{start} job pulling main",
                f"{start + 1} job pulled main",
                f"{start + 2} job created main",
                f"{start + 3} job started main",
                f"{start + 5} job exited main: 3",
                f"{start + 5} job "
                + ("restart-back-off main: Error" if end == "restart" else "failed: Error"),
            )
        ],
        "142 job released",
    ]
    assert (job.state, job.reason, job.restarts, job.ready) == (State.FAILED, "Error", 4, False)


def test_a_restarted_session_gets_ready_again() -> None:
    world = World(SLOW)
    job = world.submit("job", Work(6.0, exit_code=1), kind="notebook", restarts_allowed=1)
    assert world.until(15)[-2:] == ["10 job started main", "15 job ready main"]
    assert job.ready
    world.until(16)
    assert (job.ready, job.state, job.exit_time) == (False, State.STARTING, 16.0)
    assert world.until(34)[-2:] == ["29 job started main", "34 job ready main"]
    assert (job.ready, job.exit_time) == (True, None)


def test_memory_beyond_the_limit_kills() -> None:
    world = World(NONE)
    work = Work(1000.0, ram_gib=8.02)  # grows for 60 s, from 0.02 GiB
    world.submit("batch", work, limit=Resources.of(1, 4.02))
    world.submit("session", work, limit=Resources.of(1, 4.02), kind="notebook", restarts_allowed=1)
    world.submit("roomy", work, limit=Resources.of(1, 8.5))
    world.until(0)
    seen = [line.split(" ", 1) for line in world.until(999)]
    assert [
        (pytest.approx(float(time), abs=0.1), line)
        for time, line in seen
        if not {"pulling", "pulled", "oom-killed"} & set(line.split())
    ] == [
        (30.0, "batch failed: OOMKilled"),
        (30.0, "batch released"),
        (30.0, "session restart-back-off main: OOMKilled"),
        (40.0, "session created main"),
        (40.0, "session started main"),
        (40.0, "session ready main"),
        (70.0, "session failed: OOMKilled"),
        (70.0, "session released"),
    ]
    assert [line for _, line in seen if "oom" in line] == [
        "batch oom-killed main: 137",
        "session oom-killed main: 137",
        "session oom-killed main: 137",
    ]


def test_an_evicted_batch_job_has_failed() -> None:
    world = World(SLOW)
    job = world.submit("job", Work(100.0))
    world.until(20)
    world.model.evict(job, NODE_IS_LOW)
    assert world.until(500) == [f"20 job evicted: {NODE_IS_LOW}", "20 job failed: Evicted", "20 job released"]
    assert (job.state, job.reason, job.exit_time) == (State.FAILED, "Evicted", 20.0)


def test_an_evicted_session_waits_again_in_its_old_turn() -> None:
    world = World(SLOW, Resources.of(1, 4))
    first = world.submit("first", kind="notebook", restarts_allowed=6, deadline_seconds=1000.0)
    world.until(20)
    world.submit("second")
    world.until(25)
    world.model.evict(first, NODE_IS_LOW)
    assert (first.exit_time, first.ready, first.restarts, first.state) == (25.0, False, 1, State.QUEUED)
    assert world.until(27)[:4] == [
        f"25 first evicted: {NODE_IS_LOW}",
        "25 first released",
        "25 second admitted",
        "25 second scheduled: n0",
    ]
    assert first.waiting_for.startswith("0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory.")
    world.submit("third")
    world.until(40)
    world.model.delete(world.jobs[1])
    assert world.until(60)[:5] == [
        "40 second deleted",
        "40 second killing main",
        "43 second released",
        "43 first admitted",
        "43 first scheduled: n0",
    ]
    assert first.start_time == 0.0


def test_eviction_needs_a_pod_on_a_node() -> None:
    world = World(SLOW, Resources.of(1, 4))
    running = world.submit("running", Work(5.0))
    waiting = world.submit("waiting")
    world.until(2)
    world.model.evict(waiting, NODE_IS_LOW)
    assert world.until(2) == []
    world.until(100)
    assert (running.state, waiting.state) == (State.SUCCEEDED, State.RUNNING)
    world.model.delete(waiting)
    for job in (running, waiting):
        world.model.evict(job, NODE_IS_LOW)
    assert world.until(300) == ["100 waiting deleted", "100 waiting killing main", "103 waiting released"]


TIMES: list[tuple[str, float, dict[str, Any], list[str]]] = [
    ("before it is queued", 0.5, {}, ["deleted"]),
    ("while it waits", 5, {"request": Resources.of(9, 1)}, ["deleted"]),
    ("while its image is pulled", 3, {}, ["deleted", "killing main", "released"]),
    ("between created and started", 9.5, {}, ["deleted", "killing main", "released"]),
    ("while it gets ready", 12, {"kind": "notebook"}, ["deleted", "killing main", "released"]),
    ("while it runs", 20, {}, ["deleted", "killing main", "released"]),
    (
        "while it backs off",
        14,
        {"work": Work(1.0, exit_code=1), "restarts_allowed": 1},
        ["deleted", "killing main", "released"],
    ),
    ("after it succeeded", 50, {"work": Work(1.0)}, ["deleted"]),
    ("after it failed", 50, {"work": Work(1.0, exit_code=1), "ttl_seconds": 100.0}, ["deleted"]),
    ("after it expired", 26, {"deadline_seconds": 25.0}, ["deleted", "released"]),
    ("after it was removed", 50, {"work": Work(1.0), "ttl_seconds": 5.0}, []),
]


@pytest.mark.parametrize(("time", "more", "steps"), [row[1:] for row in TIMES], ids=[row[0] for row in TIMES])
def test_a_job_is_deleted_in_any_state(time: float, more: dict[str, Any], steps: list[str]) -> None:
    world = World(SLOW)
    job = world.submit("job", **more)
    world.until(time)
    world.model.delete(job)
    world.model.delete(job)
    assert job.state is State.GONE
    assert [line.split(" ", 2)[2] for line in world.until(10_000)] == steps
    assert world.model.cluster.allocated == NOTHING
    assert len(world.model.queue) == 0
    assert world.model.engine.next_due == float("inf")
    assert job.timer is job.deadline_timer is job.node is None


def test_what_is_deleted_frees_its_node_when_its_pod_has_stopped() -> None:
    world = World(SLOW, Resources.of(1, 4))
    first = world.submit("first")
    world.until(5)
    world.submit("second")
    world.until(20)
    world.model.delete(first)
    assert world.until(23) == [
        "20 first deleted",
        "20 first killing main",
        "23 first released",
        "23 second admitted",
        "23 second scheduled: n0",
        "23 second pulling main",
    ]


def test_a_session_expires_at_its_deadline_and_is_removed_after_its_time_to_live() -> None:
    world = World(SLOW)
    job = world.submit("job", deadline_seconds=30.0, ttl_seconds=2.0)
    world.until(29)
    assert world.until(100) == [
        "30 job expired: Job was active longer than specified deadline",
        "30 job killing main",
        "32 job removed",
        "33 job released",
    ]
    assert (job.reason, job.finish_time, job.exit_time) == ("DeadlineExceeded", 30.0, 30.0)


def test_a_job_expires_while_it_waits() -> None:
    world = World(SLOW)
    job = world.submit("job", request=Resources.of(9, 1), deadline_seconds=30.0)
    world.until(29)
    assert world.until(100) == ["30 job expired: Job was active longer than specified deadline"]
    assert (job.state, job.waiting_for, len(world.model.queue)) == (State.FAILED, "", 0)


def test_the_deadline_wins_over_an_end_at_the_same_instant() -> None:
    world = World(NONE)
    world.submit("job", Work(30.0), deadline_seconds=30.0)
    world.until(29)
    assert world.until(30)[0] == "30 job expired: Job was active longer than specified deadline"


@pytest.mark.parametrize(
    ("seconds", "expires"), [(50.0, 50.0), (30.5, 30.5), (20.0, 20.0), (10.0, 20.0), (-5.0, 20.0)]
)
def test_a_deadline_counts_from_the_start_and_can_be_moved(seconds: float, expires: float) -> None:
    world = World(NONE)
    job = world.submit("job", deadline_seconds=30.0)
    world.until(20)
    world.model.set_deadline(job, seconds)
    assert job.deadline_seconds == seconds
    world.until(1000)
    assert job.finish_time == expires


def test_a_job_without_deadline_can_be_given_one() -> None:
    world = World(NONE)
    job = world.submit("job")
    world.until(20)
    world.model.set_deadline(job, 25.0)
    world.until(1000)
    assert (job.finish_time, job.reason) == (25.0, "DeadlineExceeded")


@pytest.mark.parametrize("ending", ["succeeded", "failed", "deleted"])
def test_the_deadline_of_what_has_ended_does_not_matter(ending: str) -> None:
    world = World(NONE)
    job = world.submit("job", Work(1.0, exit_code=int(ending == "failed")), deadline_seconds=30.0)
    if ending == "deleted":
        world.model.delete(job)
    world.until(10)
    state = job.state
    world.model.set_deadline(job, 15.0)
    assert world.until(1000) == []
    assert (job.state, job.deadline_seconds) == (state, 30.0)


def test_a_job_above_a_limit_has_started_and_waits_for_a_pod_while_its_deadline_runs() -> None:
    world = World(SLOW, limits=Limits(jobs=1))
    world.submit("first", Work(100.0))
    second = world.submit("second", deadline_seconds=30.0)
    world.until(10)
    assert (second.held, second.start_time, second.state) == (True, 0.0, State.QUEUED)
    assert "30 second expired: Job was active longer than specified deadline" in world.until(31)
    assert (second.state, second.node) == (State.FAILED, None)


def test_a_job_suspended_by_a_limit_has_no_pod_and_no_start_until_let_go() -> None:
    world = World(SLOW, limits=Limits(jobs=1), suspends=True)
    first = world.submit("first", Work(15.0))
    world.until(4)
    second = world.submit("second", deadline_seconds=30.0)
    other = world.submit("other", user="bob")
    assert (second.held, second.start_time) == (False, 4.0)
    assert [line for line in world.until(5) if "first" not in line][2:6] == [
        "5 second queued",
        "5 other queued",
        "5 second held: the limit of user alice on jobs (2 > 1)",
        "5 other admitted",
    ]
    assert (second.held, second.start_time, second.waiting_for) == (
        True,
        None,
        "the limit of user alice on jobs (2 > 1)",
    )
    world.until(24)
    world.model.set_deadline(second, 40.0)
    assert [line for line in world.until(40) if "other" not in line][:5] == [
        "25 first exited main: 0",
        "25 first finished: Completed",
        "25 first released",
        "25 second admitted",
        "25 second scheduled: n0",
    ]
    assert (second.held, second.start_time, second.waiting_for) == (False, 25.0, "")
    world.until(1000)
    assert (first.finish_time, second.finish_time, other.state) == (25.0, 65.0, State.RUNNING)


def test_a_held_job_that_is_let_go_and_fits_nowhere_says_so() -> None:
    world = World(NONE, Resources.of(2, 8), limits=Limits(jobs=1), suspends=True)
    first = world.submit("first", request=Resources.of(1, 1))
    world.until(1)
    held = [world.submit(name, request=Resources.of(2, 1)) for name in ("large", "larger")]
    world.until(1)
    world.submit("small", request=Resources.of(1, 1), user="bob")
    world.until(2)
    world.model.delete(first)
    why = (
        "0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: "
        "1 No preemption victims found for incoming pod."
    )
    assert world.until(3)[-2:] == [f"2 large unschedulable: {why}", f"2 larger unschedulable: {why}"]
    assert {(job.held, job.start_time, job.waiting_for) for job in held} == {(False, 2.0, why)}


def test_a_job_deleted_while_held_leaves_nothing_behind() -> None:
    world = World(NONE, limits=Limits(jobs=0), suspends=True)
    job = world.submit("job", deadline_seconds=10.0)
    world.until(100)
    assert (job.held, job.state) == (True, State.QUEUED)
    world.model.delete(job)
    assert world.until(1000) == ["100 job deleted"]
    assert len(world.model.queue) == 0


@pytest.mark.parametrize(
    ("wanted", "reasons"),
    [
        (Resources.of(5, 1), "3 Insufficient cpu"),
        (Resources.of(1, 17), "3 Insufficient memory"),
        (Resources.of(1, 1, 2), "3 Insufficient nvidia.com/gpu"),
        (Resources.of(3, 1, 1), "1 Insufficient cpu, 2 Insufficient nvidia.com/gpu"),
        (Resources.of(4, 16, 1), "1 Insufficient cpu, 1 Insufficient memory, 2 Insufficient nvidia.com/gpu"),
    ],
)
def test_what_fits_nowhere_says_why(wanted: Resources, reasons: str) -> None:
    world = World(NONE, Resources.of(4, 16), Resources.of(4, 8), Resources.of(2, 16, 1))
    job = world.submit("job", request=wanted)
    why = (
        f"0/3 nodes are available: {reasons}. preemption: 0/3 nodes are available: "
        "3 No preemption victims found for incoming pod."
    )
    assert world.until(0)[-1] == f"0 job unschedulable: {why}"
    assert job.waiting_for == why


def trouble(**shares: float) -> dict[str, Any]:
    return SLOW | {"trouble": shares}


def test_a_registry_that_fails_twice_for_each_container() -> None:
    world = World(trouble(pull_fails=1.0))
    world.submit("job", Work(1.0), containers=(*MAIN, Container("second", IMAGE)))
    steps = [line.split(" ", 2)[2] for line in world.until(500) if "pull" in line]
    once = ["pulling {0}", "pull-failed {0}: not-found", "pull-back-off {0}: not-found"]
    assert steps == [
        line.format(name)
        for name in ("main", "second")
        for line in (*once, *once, "pulling {0}", "pulled {0}")
    ]


@pytest.mark.parametrize(
    ("what", "reason", "code"),
    [("crashes", "Error", 1), ("out_of_memory", "OOMKilled", 137), ("evicted", "Evicted", 0)],
)
def test_trouble_of_the_profile_comes_in_the_first_minute_of_the_first_run(
    what: str, reason: str, code: int
) -> None:
    world = World(trouble(**{what: 1.0}), Resources.of(100, 1000))
    batch = [world.submit(f"batch-{n}", Work(1000.0)) for n in range(20)]
    session = world.submit("session", kind="notebook", restarts_allowed=1)
    seen = world.until(100)
    assert {job.reason for job in batch} == {reason}
    lives = [job.finish_time - job.run_time for job in batch]  # type: ignore[operator]
    assert 0 <= min(lives) < 15 < 45 < max(lives) < 60
    if code:
        assert sum(line.endswith(f" main: {code}") for line in seen) == 21
    assert (session.restarts, session.state, session.ready) == (1, State.RUNNING, True)
    assert world.until(10_000) == []


def test_a_probe_that_fails_once() -> None:
    world = World(trouble(unhealthy=1.0))
    world.submit("session", kind="notebook")
    world.submit("batch", Work(1.0))
    seen = [line.split(" ", 1)[1] for line in world.until(100) if "unhealthy" in line or "ready" in line]
    assert seen == ["session unhealthy main", "batch ready main", "session ready main"]


@pytest.mark.parametrize(("ready", "steps"), [(0.0, "ready"), (3.0, "ready"), (7.0, ""), (float("inf"), "")])
def test_ready_seconds_of_the_work_go_before_the_profile(ready: float, steps: str) -> None:
    world = World(SLOW)
    job = world.submit("job", Work(7.0, ready_seconds=ready))
    seen = [line for line in world.until(100) if "ready" in line]
    assert seen == ([f"{10 + ready:g} job ready main"] if steps else [])
    assert (job.reason, job.finish_time) == ("Completed", 17.0)


def test_simpy_processes_submit_beside_the_models_own_timers() -> None:
    world = World(NONE, Resources.of(1, 4))
    engine = world.model.engine

    def workload(env: simpy.Environment) -> simpy.events.ProcessGenerator:
        for number in range(3):
            world.submit(f"job-{number}", Work(1.5), containers=())
            yield env.timeout(1.0)

    engine.process(workload(engine))
    engine.after(1.5, Phase.SUBMIT, lambda name: world.submit(name, Work(0.5), containers=()), "timer")
    assert [
        line
        for line in world.until(100)
        if line.split()[2].rstrip(":") in ("submitted", "scheduled", "finished")
    ] == [
        "0 job-0 submitted",
        "0 job-0 scheduled: n0",
        "1 job-1 submitted",
        "1.5 timer submitted",
        "1.5 job-0 finished: Completed",
        "1.5 job-1 scheduled: n0",
        "2 job-2 submitted",
        "3 job-1 finished: Completed",
        "3 timer scheduled: n0",
        "3.5 timer finished: Completed",
        "3.5 job-2 scheduled: n0",
        "5 job-2 finished: Completed",
    ]


CHECKS: dict[Step, Callable[[Job], bool]] = {
    Step.SUBMITTED: lambda job: job.state is State.QUEUED and job.submit_time == job.start_time,
    Step.HELD: lambda job: job.held and job.start_time is not None and bool(job.waiting_for),
    Step.UNSCHEDULABLE: lambda job: not job.held and job.start_time is not None and bool(job.waiting_for),
    Step.SCHEDULED: lambda job: job.state is State.STARTING and job.node is not None and not job.waiting_for,
    Step.STARTED: lambda job: job.state is State.RUNNING and job.exit_time is None,
    Step.READY: lambda job: job.ready,
    Step.EXITED: lambda job: job.exit_time is not None,
    Step.RESTART_BACKOFF: lambda job: not job.ready and job.restarts > 0,
    Step.EVICTED: lambda job: not job.ready and job.exit_time is not None,
    Step.FINISHED: lambda job: job.state is State.SUCCEEDED and job.finish_time is not None,
    Step.FAILED: lambda job: job.state is State.FAILED and job.finish_time is not None,
    Step.EXPIRED: lambda job: job.state is State.FAILED and job.reason == "DeadlineExceeded",
    Step.DELETED: lambda job: job.state is State.GONE and job.finish_time is not None,
    Step.RELEASED: lambda job: job.node is None,
    Step.REMOVED: lambda job: job.state is State.GONE,
}


def test_listeners_hear_of_what_the_job_already_says() -> None:
    world = World(NONE, Resources.of(4, 16), limits=Limits(jobs=3))
    seen = set()

    def check(time: float, job: Job, step: Step, *_: object) -> None:
        if step in CHECKS:
            seen.add(step)
            assert CHECKS[step](job), (time, job.name, step)

    world.model.listeners.append(lambda transition: check(*transition))
    world.submit("done", Work(5.0), ttl_seconds=1.0)
    world.submit("crash", Work(1.0, exit_code=1), restarts_allowed=1)
    evicted = world.submit("evicted", restarts_allowed=1)
    world.submit("held")
    world.submit("large", request=Resources.of(5, 1), user="bob")
    world.submit("expires", deadline_seconds=60.0, user="bob")
    world.until(10)
    world.model.evict(evicted, NODE_IS_LOW)
    world.until(100)
    for job in world.jobs:
        world.model.delete(job)
    world.until(200)
    assert seen == set(CHECKS)
