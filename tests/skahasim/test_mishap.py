"""Holds and mishaps of single jobs: whole traces."""

from math import inf

import pytest

from skahasim.cluster import Cluster
from skahasim.configuration import QueueSettings
from skahasim.job import Container, Job, PullOutcome, Work
from skahasim.mishap import Hold, Mishap
from skahasim.model import Model
from skahasim.policies import policies_from
from skahasim.profile import load_profile
from skahasim.resources import NOTHING, Resources
from skahasim.transition import Step

ONE = Resources.of(1, 1)


def told(*jobs, cores=4, until=inf, also=None):
    """``(time, job, step, reason)`` of a run; ``also(model)`` is called at time 5."""
    model = Model(
        Cluster("c", [("node", Resources.of(cores, 16))]),
        policies_from(QueueSettings()),
        load_profile("instant"),
    )
    log = []
    model.listeners.append(
        lambda seen: (
            log.append((seen.time, seen.job.number, seen.step.value, seen.reason))
            if seen.step not in (Step.ADMITTED, Step.SUBMITTED, Step.READY)
            else None
        )
    )
    for job in jobs:
        model.submit(job)
    if also is not None:
        model.advance(5)
        also(model)
    if until < inf:
        model.advance(until)
    else:
        model.engine.drain()
    return log, model


def job(number=0, seconds=10.0, *, hold=None, request=ONE, restarts=0, deadline=None, **work):
    return Job(
        number, f"job-{number}", "alice", "headless", request, request, work=Work(seconds, **work), hold=hold,
        restarts_allowed=restarts, deadline_seconds=deadline,
    )  # fmt: skip


def test_a_hold_keeps_a_job_from_the_queue_and_others_go():
    held = job(hold=Hold(3, "no room"))
    log, _ = told(held, job(1))
    assert log == [
        (0, 0, "queued", ""), (0, 0, "unschedulable", "no room"), (0, 1, "queued", ""), (0, 1, "scheduled", "node"),
        (0, 1, "started", ""), (3, 0, "scheduled", "node"), (3, 0, "started", ""), (10, 1, "exited", "0"),
        (10, 1, "finished", "Completed"), (10, 1, "released", ""), (13, 0, "exited", "0"),
        (13, 0, "finished", "Completed"), (13, 0, "released", ""),
    ]  # fmt: skip
    assert (held.start_time, held.hold, held.waiting_for) == (0, None, "")


def test_a_suspended_job_starts_and_its_deadline_runs_when_it_is_let_go():
    held = job(seconds=None, hold=Hold(100, "no quota", suspended=True), deadline=50)
    log, _ = told(held)
    assert [entry[::2] for entry in log] == [
        (0, "queued"), (0, "held"), (100, "scheduled"), (100, "started"), (150, "expired"), (150, "killing"),
        (150, "released"),
    ]  # fmt: skip
    assert held.start_time == 100


def test_a_held_job_expires_and_can_be_deleted():
    waits, suspended = (job(n, hold=Hold(inf, "x", suspended=n == 1), deadline=50) for n in range(2))
    log, model = told(waits, suspended, until=200)
    assert [entry for entry in log if entry[2] in ("expired", "failed")] == [
        (50, 0, "expired", "Job was active longer than specified deadline")
    ]
    model.delete(suspended)
    assert model.engine.next_due == inf


@pytest.mark.parametrize(
    ("mishap", "steps"),
    [
        (Mishap(Step.EXITED, 4, 3), [(4, "exited", "3"), (4, "failed", "Error")]),
        (Mishap(Step.OOM_KILLED, 4, 137), [(4, "oom-killed", "137"), (4, "failed", "OOMKilled")]),
        (Mishap(Step.EVICTED, 4, message="low"), [(4, "evicted", "low"), (4, "failed", "Evicted")]),
        (Mishap(Step.EVICTED, 4, message="lost", reason="Lost"), [(4, "evicted", "lost"), (4, "failed", "Lost")]),
        (Mishap(Step.EXITED, 10, 3), [(10, "exited", "0"), (10, "finished", "Completed")]),
    ],
)  # fmt: skip
def test_a_mishap_ends_a_run(mishap, steps):
    log, model = told(job(mishap=mishap))
    assert [(time, step, reason) for time, _, step, reason in log[3:]] == [
        *steps,
        (steps[0][0], "released", ""),
    ]
    assert model.cluster.allocated == NOTHING


def test_a_preempted_job_waits_behind_its_hold_and_is_preempted_once():
    log, _ = told(job(mishap=Mishap(Step.PREEMPTED, 4, message="room", hold=Hold(6, "room"))))
    assert [(time, step, reason) for time, _, step, reason in log[3:]] == [
        (4, "preempted", "room"), (4, "released", ""), (4, "queued", ""), (4, "unschedulable", "room"),
        (10, "scheduled", "node"), (10, "started", ""), (20, "exited", "0"), (20, "finished", "Completed"),
        (20, "released", ""),
    ]  # fmt: skip


def test_what_befalls_a_container_befalls_each_of_its_runs():
    log, _ = told(job(restarts=2, mishap=Mishap(Step.OOM_KILLED, 1, 137)))
    assert [entry[::2] for entry in log if entry[2] in ("oom-killed", "failed")] == [
        (1, "oom-killed"), (12, "oom-killed"), (33, "oom-killed"), (33, "failed"),
    ]  # fmt: skip


def test_an_image_that_can_be_pulled_later():
    late = job()
    late.containers = (Container("main", "x", 0, True, PullOutcome.NOT_FOUND, 25.0),)
    log, _ = told(late)
    assert [entry[::2] for entry in log if entry[2] in ("pull-failed", "pulled")] == [
        (0, "pull-failed"), (10, "pull-failed"), (30, "pulled"),
    ]  # fmt: skip


def test_a_pod_that_takes_its_time_to_stop():
    slow = job(stop_seconds=7.0)
    log, model = told(slow, until=5)
    model.delete(slow)
    model.engine.drain()
    assert [entry[::2] for entry in log[3:]] == [(5, "deleted"), (5, "killing"), (12, "released")]


def test_what_can_be_done_to_a_job_from_outside():
    running, waiting = job(0), job(1, request=Resources.of(4, 1))

    def stall(model):
        model.stall(running, Hold())
        model.stall(waiting, Hold(2, "stalled"))

    log, model = told(running, waiting, also=stall, until=10**6)
    assert [entry for entry in log if entry[0] >= 5] == [
        (5, 1, "queued", ""),
        (5, 1, "unschedulable", "stalled"),
        (7, 1, "unschedulable", model.cluster.explain(waiting.request)),
    ]
    model.end_run(waiting, 0)
    model.preempt(waiting, "x")
    assert len(log) == 8
    model.end_run(running, 0)
    model.advance(model.now)
    model.preempt(waiting, "room")
    model.expire(waiting)
    assert [entry[1:] for entry in log[8:]] == [
        (0, "exited", "0"), (0, "finished", "Completed"), (0, "released", ""), (1, "scheduled", "node"),
        (1, "started", ""), (1, "preempted", "room"), (1, "released", ""), (1, "queued", ""),
        (1, "expired", "Job was active longer than specified deadline"),
    ]  # fmt: skip
    model.expire(running)
    model.stall(running, Hold())
    model.advance(model.now)
    assert model.engine.next_due == inf
