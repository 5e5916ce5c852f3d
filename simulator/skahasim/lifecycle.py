"""From bound to a node until ended: image pulls, init containers, start, readiness, the end of the work.

Each step is one timer with a delay from the profile; a delay of zero happens at once, without a timer, so a
profile without delays costs a study nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import NamedTuple, Protocol

from skahasim.delay import Delay
from skahasim.draws import Draws
from skahasim.engine import Engine, Phase
from skahasim.job import Job, PullOutcome, State
from skahasim.profile import Profile, TroubleSettings
from skahasim.transition import Step
from skahasim.usage import exceeds_after

_STEP_STARTED = Step.STARTED
_STEP_READY = Step.READY
_STEP_EXITED = Step.EXITED
_STEP_FINISHED = Step.FINISHED
_STEP_EVICTED = Step.EVICTED
_STATE_RUNNING = State.RUNNING
_STATE_SUCCEEDED = State.SUCCEEDED
_PHASE_FINISH = Phase.FINISH
_PHASE_LIFECYCLE = Phase.LIFECYCLE
"""Members of enumerations that every job needs: to find one by name takes Python 3.11 ten times as long."""
_new = tuple.__new__
"""Makes a named tuple without the call in between."""
_TRANSIENT_PULL_FAILURES = 2
_TROUBLE_WITHIN_SECONDS = 60.0
_ROUNDING = 1e-7
"""Seconds; what adding and subtracting times of a year can come to."""
OUT_OF_MEMORY_EXIT = 137
CANNOT_START_EXIT = 128


class Ending(NamedTuple):
    """How and when the main container's run ends by itself."""

    time: float
    step: Step
    exit_code: int


_NEVER = Ending(inf, _STEP_EXITED, 0)


class Emit(Protocol):
    def __call__(self, job: Job, step: Step, container: int = -1, reason: str = "") -> None: ...


class Contention(Protocol):
    """What the jobs that run on one node do to one another."""

    def started(self, job: Job, stretches: bool) -> None:
        """The main container of ``job`` runs; ``stretches`` when its work's own end is what will end it."""
        ...

    def stopped(self, job: Job) -> None:
        """It runs no more. Harmless when it did not."""
        ...


class Lifecycle:
    """Walks jobs through their containers. ``finish`` and ``evict`` tell the model of the end."""

    def __init__(
        self,
        engine: Engine,
        profile: Profile,
        draws: Draws,
        emit: Emit,
        finish: Callable[[Job, State, str, Step], None],
        evict: Callable[[Job, str], None],
    ) -> None:
        self._engine = engine
        self.follow(profile)
        self._draws = draws
        self._emit = emit
        self._finish = finish
        self._evict = evict
        self._endings: dict[int, Ending] = {}
        self.contention: Contention | None = None
        """Without it, run times are as given."""
        self._ready_at: dict[int, float] = {}
        """Under contention, when a running job gets ready if its run has not ended by then."""

    def follow(self, profile: Profile) -> None:
        """Delays and troubles drawn from now on are those of ``profile``."""
        self.profile = profile
        self._is_untroubled = profile.trouble == TroubleSettings()

    def begin(self, job: Job) -> None:
        """``job`` is bound to its node and in ``STARTING``: begin with its first container."""
        job.container = 0
        job.failed_pulls = 0
        if job.containers:
            self._next_container(job)
        else:
            self._started(job)

    def stop(self, job: Job) -> None:
        """Forget what was to come."""
        if job.timer is not None:
            self._engine.cancel(job.timer)
            job.timer = None
        self._endings.pop(job.number, None)
        if self.contention is not None:
            self._stopped(job, self.contention)

    def delay(self, job: Job, delay: Delay, what: str, phase: Phase, action: Callable[[Job], None]) -> None:
        """Call ``action(job)`` after a draw of ``delay``."""
        if delay.is_zero:
            action(job)
        else:
            key = self._draws.uniform(what, job.number, job.container, job.restarts, job.failed_pulls)
            self._in(job, delay.sample(key), phase, action)

    def _in(self, job: Job, seconds: float, phase: Phase, action: Callable[[Job], None]) -> None:
        job.timer = self._engine.after(seconds, phase, action, job)

    def _meets(self, job: Job, what: str, share: float) -> bool:
        return share > 0 and self._draws.uniform(what, job.number) < share

    # -- containers ------------------------------------------------------------------------------------

    def _next_container(self, job: Job) -> None:
        if not job.containers:
            self._started(job)
            return
        container, node = job.containers[job.container], job.node
        available = node.images.get(container.image) if node is not None else None
        if (
            node is not None
            and not container.always_pull
            and available is not None
            and available <= self._engine.now
        ):
            node.use_image(container.image, available)
            self._emit(job, Step.PRESENT, job.container)
            self._create(job)
            return
        self._emit(job, Step.PULLING, job.container)
        self.delay(
            job,
            self.profile.pull_first if available is None else self.profile.pull_check,
            "pull",
            _PHASE_LIFECYCLE,
            self._asked_registry,
        )

    def _asked_registry(self, job: Job) -> None:
        container, node = job.containers[job.container], job.node
        outcome = container.pull
        if outcome is not PullOutcome.OK and container.pull_fails_until <= self._engine.now:
            outcome = PullOutcome.OK
        if (
            outcome is PullOutcome.OK
            and job.failed_pulls < _TRANSIENT_PULL_FAILURES
            and self._meets(job, "pull-fails", self.profile.trouble.pull_fails)
        ):
            outcome = PullOutcome.NOT_FOUND
        if outcome is not PullOutcome.OK:
            self._emit(job, Step.PULL_FAILED, job.container, outcome)
            job.failed_pulls += 1
            self._emit(job, Step.PULL_BACKOFF, job.container, outcome)
            self._in(job, self._backoff(job.failed_pulls), _PHASE_LIFECYCLE, self._next_container)
            return
        if node is None:  # unreachable for a bound job; a study may run containers without nodes
            self._pulled(job)
            return
        now = self._engine.now
        available = node.images.get(container.image)
        if available is None:
            rate = self.profile.bytes_per_second
            available = now + (container.image_bytes / rate if rate else 0.0)
        node.use_image(container.image, available)
        if available > now:
            self._in(job, available - now, _PHASE_LIFECYCLE, self._pulled)
        else:
            self._pulled(job)

    def _backoff(self, failures: int) -> float:
        return min(
            self.profile.backoff_initial * 2.0 ** (min(failures, 30) - 1), self.profile.backoff_longest
        )

    def _pulled(self, job: Job) -> None:
        self._emit(job, Step.PULLED, job.container)
        self._create(job)

    def _create(self, job: Job) -> None:
        self.delay(job, self.profile.create, "create", _PHASE_LIFECYCLE, self._created)

    def _created(self, job: Job) -> None:
        self._emit(job, Step.CREATED, job.container)
        self.delay(job, self.profile.start, "start", _PHASE_LIFECYCLE, self._started)

    def _started(self, job: Job) -> None:
        if job.container < len(job.containers) - 1:
            self._emit(job, _STEP_STARTED, job.container)
            self.delay(job, self.profile.init, "init", _PHASE_LIFECYCLE, self._init_done)
        elif job.work.start_error:
            self._emit(job, Step.START_FAILED, job.container, job.work.start_error)
            self._container_failed(job, "StartError")
        else:
            self._main_started(job)

    def _init_done(self, job: Job) -> None:
        job.container += 1
        job.failed_pulls = 0
        self._next_container(job)

    # -- the main container ----------------------------------------------------------------------------

    def _main_started(self, job: Job) -> None:
        now = self._engine._now
        job.state = _STATE_RUNNING
        job.run_time, job.exit_time = now, None
        self._emit(job, _STEP_STARTED, job.container)
        ending = self._ending(job, now)
        if ending is not _NEVER:
            self._endings[job.number] = ending
        delay = self.profile.ready(job.kind)
        fixed = job.work.ready_seconds
        ready_in = (
            fixed
            if fixed is not None
            else 0.0
            if delay.is_zero
            else delay.sample(self._draws.uniform("ready", job.number, job.restarts))
        )
        if self.contention is not None:
            if ready_in > 0.0:
                self._ready_at[job.number] = now + ready_in
            own = ending.step is _STEP_EXITED and ending.time == now + (job.work.seconds or 0.0)
            self.contention.started(job, own)
        if ready_in <= 0.0:
            self._ready(job)
        elif now + ready_in < ending.time:
            if self._meets(job, "unhealthy", self.profile.trouble.unhealthy):
                self._emit(job, Step.UNHEALTHY, job.container)
            self._in(job, ready_in, _PHASE_LIFECYCLE, self._ready)
        else:
            self._await_ending(job)

    def _ready(self, job: Job) -> None:
        job.ready = True
        if self._ready_at:
            self._ready_at.pop(job.number, None)
        self._emit(job, _STEP_READY, job.container)
        self._await_ending(job)

    def _await_ending(self, job: Job) -> None:
        ending = self._endings.get(job.number)
        if ending is None or ending.time == inf:
            job.timer = None
        elif ending.time > self._engine._now:
            engine = self._engine
            job.timer = engine.after(ending.time - engine._now, _PHASE_FINISH, self._ended, job)
        else:
            self._ended(job)

    def move_end(self, job: Job, time: float) -> None:
        """The work of ``job``, whose main container runs, ends at ``time`` and not when it was to; never, when
        infinite."""
        self._endings[job.number] = Ending(time, _STEP_EXITED, job.work.exit_code)
        timer = job.timer
        if timer is None:
            self._rearm(job)
        elif timer.due > time:
            self._engine.cancel(timer)
            self._rearm(job)
        # Else the timer goes off too early, and is set anew then: ends are put off far more often than they come.

    def _rearm(self, job: Job) -> None:
        now, time = self._engine.now, self._endings[job.number].time
        ready_at = self._ready_at.get(job.number, inf)
        if ready_at < time:
            self._in(job, ready_at - now, _PHASE_LIFECYCLE, self._ready)
        elif time < inf:
            self._in(job, max(0.0, time - now), _PHASE_FINISH, self._ended)
        else:
            job.timer = None

    def _stopped(self, job: Job, contention: Contention) -> None:
        self._ready_at.pop(job.number, None)
        contention.stopped(job)

    def _ending(self, job: Job, now: float) -> Ending:
        """The first of what can end the run: the work's own end, the memory limit, the profile's troubles."""
        work, trouble = job.work, self.profile.trouble
        seconds = work.seconds
        ending = _NEVER if seconds is None else _new(Ending, (now + seconds, _STEP_EXITED, work.exit_code))
        over = exceeds_after(work, job.limit.ram_gib) if work.ram_gib and job.limit.ram_mib else None
        if over is not None and now + over < ending.time:
            ending = Ending(now + over, Step.OOM_KILLED, OUT_OF_MEMORY_EXIT)
        mishap = work.mishap
        if mishap is not None:
            spared = mishap.ends_the_pod and job.evictions > 0
            if not spared and now + mishap.seconds < ending.time:
                # Whatever takes the pod away is the model's to carry out.
                step = _STEP_EVICTED if mishap.ends_the_pod else mishap.step
                ending = Ending(now + mishap.seconds, step, mishap.exit_code)
            return ending
        if self._is_untroubled:
            return ending
        for what, share, step, code in (
            ("crashes", trouble.crashes, _STEP_EXITED, 1),
            ("out-of-memory", trouble.out_of_memory, Step.OOM_KILLED, OUT_OF_MEMORY_EXIT),
            ("evicted", trouble.evicted, _STEP_EVICTED, 0),
        ):
            if job.restarts == 0 and self._meets(job, what, share):
                span = min(ending.time - now, _TROUBLE_WITHIN_SECONDS)
                ending = Ending(now + span * self._draws.uniform("when", what, job.number), step, code)
        return ending

    def end_now(self, job: Job, step: Step, exit_code: int) -> None:
        """The main container of ``job``, which runs, ends now."""
        self._engine.cancel(job.timer)
        self._endings[job.number] = Ending(self._engine.now, step, exit_code)
        self._ended(job)

    def _ended(self, job: Job) -> None:
        if self.contention is not None and self._endings[job.number].time - self._engine.now > _ROUNDING:
            self._rearm(job)
            return
        ending = self._endings.pop(job.number)
        job.timer = None
        job.exit_time = self._engine._now
        if self.contention is not None:
            self._stopped(job, self.contention)
        if ending.step is _STEP_EVICTED:
            self._evict(job, "The node was low on resource: memory.")
            return
        code = ending.exit_code
        self._emit(job, ending.step, job.container, str(code) if code else "0")
        if ending.exit_code:
            self._container_failed(job, "OOMKilled" if ending.step is Step.OOM_KILLED else "Error")
        else:
            self._finish(job, _STATE_SUCCEEDED, "Completed", _STEP_FINISHED)

    def _container_failed(self, job: Job, reason: str) -> None:
        job.ready = False
        if job.restarts >= job.restarts_allowed:
            self._finish(job, State.FAILED, reason, Step.FAILED)
            return
        job.restarts += 1
        job.state = State.STARTING
        self._emit(job, Step.RESTART_BACKOFF, job.container, reason)
        self._in(job, self._backoff(job.restarts), _PHASE_LIFECYCLE, self._next_container)
