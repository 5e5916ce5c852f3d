"""The model: jobs in, transitions out, on one engine."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from skahasim.cluster import UNREACHABLE, UNSCHEDULABLE, Cluster, Node
from skahasim.contention.neighbours import Neighbours
from skahasim.contention.settings import ContentionSettings
from skahasim.draws import Draws
from skahasim.engine import Engine, Phase, Timer
from skahasim.job import Job, State
from skahasim.lifecycle import OUT_OF_MEMORY_EXIT, Lifecycle
from skahasim.mishap import Hold
from skahasim.pending import PendingQueue
from skahasim.policies.protocol import Admitted, Policies, Preempted, Queue, Verdict, Wake
from skahasim.profile import Profile
from skahasim.resources import Resources
from skahasim.transition import Step, Transition

_STEP_SUBMITTED = Step.SUBMITTED
_STEP_QUEUED = Step.QUEUED
_STEP_HELD = Step.HELD
_STEP_UNSCHEDULABLE = Step.UNSCHEDULABLE
_STEP_ADMITTED = Step.ADMITTED
_STEP_SCHEDULED = Step.SCHEDULED
_STEP_PREEMPTED = Step.PREEMPTED
_STEP_RELEASED = Step.RELEASED
_STATE_QUEUED = State.QUEUED
_STATE_STARTING = State.STARTING
_PHASE_SCHEDULE = Phase.SCHEDULE
_PHASE_LIFECYCLE = Phase.LIFECYCLE
_PHASE_FINISH = Phase.FINISH
"""Members of enumerations that every job needs: to find one by name takes Python 3.11 ten times as long."""
Listener = Callable[[Transition], None]
_new = tuple.__new__
"""Makes a named tuple without the call in between: half of what telling a transition costs."""


class FixedNodes(Exception):
    """The queue cannot take in a further node."""


class Model:
    """A cluster, its queue and the lives of its jobs.

    State changes through ``submit``, ``delete``, ``evict`` and ``set_deadline``, through ``preempt``, ``end_run``,
    ``expire`` and ``stall``, through ``add_node``, ``close_node``, ``fail_node`` and ``reopen_node``, and through
    ``advance``; all else reads. What happens is told to
    ``listeners`` as transitions, in order; when they hear of one, the job's fields say so already. A listener
    must not call back what changes state. The model keeps no list of jobs.
    """

    def __init__(
        self,
        cluster: Cluster,
        policies: Policies,
        profile: Profile,
        seed: int = 0,
        contention: ContentionSettings | None = None,
    ) -> None:
        self.engine = Engine()
        self.cluster = cluster
        self.policies = policies
        self.accounts = [policies.ordering] if policies.ordering.moves_with_time else []
        """Orderings that are told of all that jobs hold."""
        self.draws = Draws(seed)
        self.queue: Queue = (policies.discipline or PendingQueue)(cluster, policies)
        self._each_event = policies.passes == "each-event"
        self.lifecycle = Lifecycle(self.engine, profile, self.draws, self._emit, self._finish, self._lose_pod)
        self.listeners: list[Listener] = []
        self._pass_due = False
        self._passing = False
        self._wake: Timer | None = None
        self.neighbours: Neighbours | None = None
        """Those who share nodes under contention; ``None``: nobody feels the others, run times are as given."""
        if contention is not None:
            self.share_nodes(contention)

    def share_nodes(self, settings: ContentionSettings) -> None:
        """Let running jobs share cores and memory as ``settings`` say. To be called before the first job."""
        if settings.is_off:
            return
        self.neighbours = Neighbours(settings, self.engine, self.lifecycle.move_end, self.evict)
        self.lifecycle.contention = self.neighbours

    @property
    def profile(self) -> Profile:
        return self.lifecycle.profile

    def set_profile(self, profile: Profile) -> None:
        """What begins from now on takes the time ``profile`` says; what is under way takes what it was given."""
        self.lifecycle.follow(profile)

    @property
    def now(self) -> float:
        """Model time, seconds since the epoch of the run."""
        return self.engine._now

    def advance(self, until: float) -> None:
        """Let happen all that is due at or before ``until``. Going back is a no-op."""
        self.engine.advance(until)

    # -- commands --------------------------------------------------------------------------------------

    def submit(self, job: Job) -> None:
        """``job`` arrives now."""
        job.submit_time = job.start_time = self.engine._now
        job.state = _STATE_QUEUED
        self._emit(job, _STEP_SUBMITTED)
        if job.deadline_seconds is not None:
            self._arm_deadline(job)
        self._requeue(job)

    def delete(self, job: Job) -> None:
        """The job's record goes at once; what it holds on a node comes free after the profile's ``stop``."""
        if job.state is State.GONE:
            return
        self._end(job, State.GONE, "Deleted", Step.DELETED)

    def evict(self, job: Job, message: str, *, reason: str = "Evicted", requeue: bool = False) -> None:
        """The job's pod is put off its node now. It starts again if it may, and has failed with ``reason`` if not.

        With ``requeue`` it always starts again and no restart is counted, as under a pod failure policy that ignores
        disruptions.
        """
        if job.state not in (_STATE_STARTING, State.RUNNING):
            return
        self._interrupt(job)
        if not requeue:
            if job.restarts >= job.restarts_allowed:
                self._emit(job, Step.EVICTED, reason=message)
                self._finish(job, State.FAILED, reason, Step.FAILED)
                return
            job.restarts += 1
        job.state = _STATE_QUEUED
        self._emit(job, Step.EVICTED, reason=message)
        self._give_back(job)
        self._requeue(job)

    def set_deadline(self, job: Job, seconds: float) -> None:
        """Change the active deadline, in seconds from ``start_time``; a past one ends the job at once. Of a job
        that has ended, nothing changes."""
        if not job.state.is_active:
            return
        job.deadline_seconds = seconds
        self.engine.cancel(job.deadline_timer)
        self._arm_deadline(job)

    def preempt(self, job: Job, message: str, hold: Hold | None = None) -> None:
        """The job's pod makes room for another, at once, and the job waits again: behind ``hold``, if there is one. It
        keeps its restarts."""
        if job.state not in (_STATE_STARTING, State.RUNNING):
            return
        self._interrupt(job)
        job.state = _STATE_QUEUED
        if self.queue.suspends:
            self._hold(job, held=True)
        self._emit(job, _STEP_PREEMPTED, reason=message)
        self._give_back(job)
        self.queue.discard(job)  # Kueue's quota, too
        job.hold = hold
        self._requeue(job)

    def end_run(self, job: Job, exit_code: int, *, out_of_memory: bool = False) -> None:
        """The main container ends now: by itself, or killed for its memory. Of a job that does not run, nothing
        changes."""
        if job.state is not State.RUNNING:
            return
        if out_of_memory:
            self.lifecycle.end_now(job, Step.OOM_KILLED, OUT_OF_MEMORY_EXIT)
        else:
            self.lifecycle.end_now(job, Step.EXITED, exit_code)

    def expire(self, job: Job) -> None:
        """The job's active deadline is now. Of a job that has ended, nothing changes."""
        if not job.state.is_active:
            return
        if job.start_time is not None:
            job.deadline_seconds = self.now - job.start_time
        self._expire(job)

    def stall(self, job: Job, hold: Hold) -> None:
        """From now on the job gets no further by itself: if it waits, it does so as ``hold`` says; else it starts for
        ever, or runs for ever. Of a job that has ended, nothing changes."""
        if job.state is not _STATE_QUEUED:
            if job.state.is_active:
                self.lifecycle.stop(job)
            return
        job.hold = hold
        if job.node is None:  # else its pod stops first
            self.engine.cancel(job.timer)
            self.queue.discard(job)
            job.admit_time = None
            self._hold_back(job)
            self._request_pass_later()

    def close_node(self, node: Node, why: str = UNSCHEDULABLE) -> None:
        """From now on ``node`` takes nothing (it is cordoned); what runs there goes on. Each closing wants one
        ``reopen_node`` with the same ``why``."""
        was_open = node.is_open
        self.cluster.close(node, why)
        closed = getattr(self.queue, "closed", None)
        if was_open and closed is not None:
            closed(node)
            self._request_pass_later()

    def drain_node(self, node: Node, message: str, *, reason: str = "Evicted", requeue: bool = False) -> None:
        """Evict all that runs on ``node``, which is closed already."""
        for job in list(node.jobs):
            if job.node is node:
                self.evict(job, message, reason=reason, requeue=requeue)

    def fail_node(self, node: Node, *, requeue: bool = False) -> None:
        """``node`` is down: it takes nothing, and what ran there is lost."""
        self.close_node(node, UNREACHABLE)
        self.drain_node(node, "Node is not ready", reason="NodeLost", requeue=requeue)

    def add_node(self, name: str, capacity: Resources) -> Node:
        """A further node, which takes jobs from now on. Raises :class:`FixedNodes` under a discipline that plans with
        the nodes it began with, and ``ValueError`` when there is one of that name."""
        if getattr(self.queue, "nodes_are_fixed", False):
            raise FixedNodes(f"{type(self.queue).__name__} plans with the nodes it began with")
        node = self.cluster.add(name, capacity)
        reopened = getattr(self.queue, "reopened", None)
        if reopened is not None:
            reopened(node)
        self._request_pass_later()
        return node

    def reopen_node(self, node: Node, why: str = UNSCHEDULABLE) -> None:
        """Take back one closing of ``node``; once none is left it takes jobs again."""
        if not self.cluster.reopen(node, why):
            return
        reopened = getattr(self.queue, "reopened", None)
        if reopened is not None:
            reopened(node)
        self._request_pass_later()

    def repair_node(self, node: Node) -> None:
        """Take back one ``fail_node``."""
        self.reopen_node(node, UNREACHABLE)

    def reconsider(self) -> None:
        """Limits, quotas or the order of waiting jobs have changed: those held may go now."""
        reconsider = getattr(self.queue, "reconsider", None)
        if reconsider is not None:
            reconsider()
        self._request_pass_later()

    # -- what follows ----------------------------------------------------------------------------------

    def _emit(self, job: Job, step: Step, container: int = -1, reason: str = "") -> None:
        listeners = self.listeners
        if listeners:
            transition = _new(Transition, (self.engine._now, job, step, container, reason))
            for listener in listeners:
                listener(transition)

    def _arm_deadline(self, job: Job) -> None:
        if job.deadline_seconds is None or job.start_time is None:
            return
        delay = max(0.0, job.start_time + job.deadline_seconds - self.now)
        job.deadline_timer = self.engine.after(delay, _PHASE_FINISH, self._expire, job)

    def _expire(self, job: Job) -> None:
        message = "Job was active longer than specified deadline"
        self._end(job, State.FAILED, "DeadlineExceeded", Step.EXPIRED, message)

    def _enqueue(self, job: Job) -> None:
        job.timer = None
        self.queue.add(job)
        self._emit(job, _STEP_QUEUED)
        self._request_pass()

    def _hold_back(self, job: Job) -> None:
        """The queue does not see ``job`` until its hold is over."""
        hold = job.hold
        assert hold is not None
        job.timer = None
        job.held, job.waiting_for = hold.suspended, hold.reason
        if hold.suspended:
            self._suspend(job, True)
        elif job.start_time is None:  # the queue had suspended it
            self._suspend(job, False)
        self._emit(job, _STEP_QUEUED)
        self._emit(job, _STEP_HELD if hold.suspended else _STEP_UNSCHEDULABLE, reason=hold.reason)
        if hold.seconds < inf:
            job.timer = self.engine.after(hold.seconds, _PHASE_LIFECYCLE, self._let_go, job)

    def _let_go(self, job: Job) -> None:
        """The hold of ``job`` is over."""
        job.timer = job.hold = None
        job.waiting_for = ""
        if job.held:
            job.held = False
            self._suspend(job, False)
        self.queue.add(job)
        self._request_pass()

    def _request_pass(self) -> None:
        if self._pass_due:
            return
        self._pass_due = True
        if not self._each_event:
            self.engine.after(0.0, _PHASE_SCHEDULE, self._pass, None)
        elif not self._passing:
            while self._pass_due:
                self._pass(None)

    def _request_pass_later(self) -> None:
        """A pass once all that changes in this instant has changed, whatever the mode."""
        self.engine.after(0.0, _PHASE_SCHEDULE, lambda _: self._request_pass(), None)

    def _pass(self, _: None) -> None:
        self._pass_due = False
        self._passing = True
        for decision in self.queue.serve(self.engine._now):
            if type(decision) is Verdict:
                self._judge(decision)
            elif type(decision) is Admitted:
                self._admit(decision.job, decision.reason)
            elif type(decision) is Preempted:
                self._preempt(decision.job, decision.reason)
            elif type(decision) is Wake:
                self._wake_at(decision.time)
        self._passing = False

    def _wake_at(self, time: float) -> None:
        if self._wake is None or self._wake.due != time:
            self.engine.cancel(self._wake)
            self._wake = self.engine.after(time - self.engine.now, _PHASE_SCHEDULE, self._woken, None)

    def _woken(self, _: None) -> None:
        self._wake = None
        self._request_pass()

    def _judge(self, verdict: Verdict) -> None:
        job, node, reason, held = verdict
        job.waiting_for = reason
        if held != job.held:
            self._hold(job, held)
        if node is None:
            self._emit(job, _STEP_HELD if held else _STEP_UNSCHEDULABLE, reason=reason)
            return
        job.schedule_time = now = self.engine._now
        for ordering in self.accounts:
            ordering.started(job, now)
        job.state = _STATE_STARTING
        if job.admit_time is None:
            self._admit(job, "")
        self._emit(job, _STEP_SCHEDULED, reason=node.name)
        self.lifecycle.begin(job)

    def _admit(self, job: Job, reason: str) -> None:
        job.admit_time = self.engine._now
        if job.held:
            self._hold(job, held=False)
        self._emit(job, _STEP_ADMITTED, reason=reason)

    def _preempt(self, job: Job, reason: str) -> None:
        """The job makes room and waits again; what it holds comes free once its pod has stopped."""
        if job.state is _STATE_QUEUED:  # admitted, and on no node
            self.engine.cancel(job.timer)  # it may be on its way to the queue, after an eviction
            job.timer = job.admit_time = None
            if self.queue.suspends:
                self._hold(job, held=True)
            self._emit(job, _STEP_PREEMPTED, reason=reason)
            self.queue.discard(job)
            self._requeue(job)
            return
        self._interrupt(job)
        job.state = _STATE_QUEUED
        if self.queue.suspends:
            self._hold(job, held=True)
        self._emit(job, _STEP_PREEMPTED, reason=reason)
        delay = self.profile.stop
        if delay.is_zero and not job.work.stop_seconds:
            self._vacate(job)
            return
        self._emit(job, Step.KILLING, job.container)
        seconds = job.work.stop_seconds
        if seconds is None:
            seconds = delay.sample(self.draws.uniform("stop", job.number, job.evictions))
        job.timer = self.engine.after(seconds, _PHASE_FINISH, self._vacate, job)

    def _lose_pod(self, job: Job, message: str) -> None:
        """What its own mishap, or the profile's trouble, does to a job that runs."""
        mishap = job.work.mishap
        if mishap is None:
            self.evict(job, message)
        elif mishap.step is _STEP_PREEMPTED:
            self.preempt(job, mishap.message, mishap.hold)
        else:
            self.evict(job, mishap.message, reason=mishap.reason)

    def _vacate(self, job: Job) -> None:
        job.timer = None
        self._give_back(job)
        self._requeue(job)

    def _requeue(self, job: Job) -> None:
        if job.hold is not None:
            self._hold_back(job)
            return
        enqueue = self.lifecycle.profile.enqueue
        if enqueue.is_zero:
            self._enqueue(job)
        else:
            self.lifecycle.delay(job, enqueue, "enqueue", _PHASE_LIFECYCLE, self._enqueue)

    def _interrupt(self, job: Job) -> None:
        """Its pod stops before its end."""
        self.lifecycle.stop(job)
        job.ready = False
        job.evictions += 1
        if job.schedule_time is not None:
            job.lost_seconds += self.now - job.schedule_time
        job.admit_time = None
        if job.run_time is not None and job.exit_time is None:
            job.exit_time = self.now

    def _hold(self, job: Job, held: bool) -> None:
        job.held = held
        if self.queue.suspends:
            self._suspend(job, held)

    def _suspend(self, job: Job, suspended: bool) -> None:
        """A suspended job has no start and its deadline does not run; let go, both begin anew."""
        self.engine.cancel(job.deadline_timer)
        job.deadline_timer = None
        job.start_time = None if suspended else self.now
        self._arm_deadline(job)

    def _finish(self, job: Job, state: State, reason: str, step: Step) -> None:
        """The job's own end: its pod has stopped, so what it held is free now."""
        self._close(job, state, reason)
        self._emit(job, step, reason=reason)
        self._give_back(job)
        if job.ttl_seconds is not None:
            self._arm_removal(job)

    def _end(self, job: Job, state: State, reason: str, step: Step, message: str = "") -> None:
        """An end that comes over the job: its pod is told to stop, and takes its time."""
        was_active = job.state.is_active
        was_waiting = job.state is _STATE_QUEUED
        self._close(job, state, reason)
        self._emit(job, step, reason=message)
        if was_active and job.node is not None:
            self._emit(job, Step.KILLING, job.container)
            delay = job.work.stop_seconds
            if delay is None:
                delay = self.profile.stop.sample(self.draws.uniform("stop", job.number))
            self.engine.after(delay, _PHASE_FINISH, self._give_back, job)
        self._arm_removal(job)
        if was_waiting and len(self.queue):
            self._request_pass()

    def _close(self, job: Job, state: State, reason: str) -> None:
        if job.state is _STATE_QUEUED:
            self.queue.discard(job)
        self.lifecycle.stop(job)
        if job.deadline_timer is not None:
            self.engine.cancel(job.deadline_timer)
            job.deadline_timer = None
        job.state, job.reason, job.ready, job.waiting_for = state, reason, False, ""
        now = self.engine._now
        if job.finish_time is None:
            job.finish_time = now
        if job.run_time is not None and job.exit_time is None:
            job.exit_time = now

    def _arm_removal(self, job: Job) -> None:
        if job.state is not State.GONE and job.ttl_seconds is not None:
            job.timer = self.engine.after(job.ttl_seconds, _PHASE_LIFECYCLE, self._remove, job)

    def _remove(self, job: Job) -> None:
        job.timer = None
        job.state = State.GONE
        self._emit(job, Step.REMOVED)

    def _give_back(self, job: Job) -> None:
        if job.node is None:
            return
        self.queue.unbind(job)
        for ordering in self.accounts:
            ordering.ended(job, self.engine._now)
        self._emit(job, _STEP_RELEASED)
        if len(self.queue):
            self._request_pass()
