import random

import hypothesis
import pytest
import simpy
from hypothesis import given
from hypothesis import strategies as st

from skahasim.engine import Engine, Phase, Timer

LAW = hypothesis.settings(deadline=None)


def test_one_instant_goes_by_phase_and_then_by_the_order_of_scheduling() -> None:
    engine, log = Engine(), []
    for phase in (Phase.SCHEDULE, Phase.LIFECYCLE, Phase.FINISH, Phase.SUBMIT):
        for number in (1, 2):
            engine.after(5.0, phase, log.append, f"{phase.name} {number}")
    engine.after(4.0, Phase.SCHEDULE, log.append, "before")
    engine.drain()
    assert log == [
        "before",
        "SUBMIT 1", "SUBMIT 2", "FINISH 1", "FINISH 2", "LIFECYCLE 1", "LIFECYCLE 2", "SCHEDULE 1", "SCHEDULE 2",
    ]  # fmt: skip


@LAW
@given(
    st.lists(
        st.tuples(st.sampled_from([0.0, 0.5, 1.0, 2.0]), st.sampled_from(Phase), st.booleans()), max_size=30
    )
)
def test_timers_fire_sorted_unless_cancelled(plan: list[tuple[float, Phase, bool]]) -> None:
    engine, fired = Engine(), []
    timers = [engine.after(delay, phase, fired.append, n) for n, (delay, phase, _) in enumerate(plan)]
    for timer, (_, _, cancelled) in zip(timers, plan, strict=True):
        if cancelled:
            engine.cancel(timer)
    engine.drain()
    kept = [(delay, phase, n) for n, (delay, phase, cancelled) in enumerate(plan) if not cancelled]
    assert fired == [n for _, _, n in sorted(kept)]
    assert engine.now == max((delay for delay, _, _ in kept), default=0.0)


def test_what_an_event_schedules_for_its_own_instant_still_happens_in_it() -> None:
    engine, log = Engine(), []

    def late(_: None) -> None:
        log.append("schedule")
        engine.after(0.0, Phase.SUBMIT, log.append, "submit, from schedule")

    engine.after(1.0, Phase.SCHEDULE, late, None)
    engine.after(1.0, Phase.SCHEDULE, log.append, "second")
    engine.advance(1.0)
    assert log == ["schedule", "submit, from schedule", "second"]


def test_advance_handles_what_is_due_and_stands_at_its_end() -> None:
    engine, log = Engine(), []
    for time in (1.0, 2.0, 2.5):
        engine.after(time, Phase.LIFECYCLE, log.append, time)
    engine.advance(2.0)
    assert (log, engine.now, engine.next_due) == ([1.0, 2.0], 2.0, 2.5)
    engine.advance(2.25)
    engine.advance(1.0)
    assert (log, engine.now) == ([1.0, 2.0], 2.25)
    engine.after(0.5, Phase.LIFECYCLE, log.append, 2.75)
    engine.drain()
    assert (log, engine.now, engine.next_due) == ([1.0, 2.0, 2.5, 2.75], 2.75, float("inf"))


def test_a_cancelled_timer_does_nothing_not_even_to_time() -> None:
    engine, log = Engine(), []
    timer = engine.after(100.0, Phase.FINISH, log.append, "cancelled")
    engine.after(1.0, Phase.FINISH, log.append, "fired")
    engine.cancel(timer)
    engine.cancel(timer)
    engine.cancel(None)
    engine.advance(1.0)
    assert engine.next_due == float("inf")
    engine.drain()
    assert (log, engine.now) == (["fired"], 1.0)


def test_a_timer_that_fired_can_be_cancelled_even_by_itself() -> None:
    engine, log = Engine(), []
    timers: list[Timer] = []

    def fire(name: str) -> None:
        log.append(name)
        engine.cancel(timers[0])

    timers.append(engine.after(1.0, Phase.FINISH, fire, "once"))
    engine.drain()
    engine.cancel(timers[0])
    engine.after(1.0, Phase.FINISH, fire, "again")
    engine.drain()
    assert log == ["once", "again"]


def test_cancelled_timers_do_not_pile_up() -> None:
    engine, log = Engine(), []
    live = [engine.after(1e6 + n, Phase.FINISH, log.append, n) for n in range(100)]
    longest = 0
    for n in range(100_000):
        engine.cancel(engine.after(1e5, Phase.FINISH, log.append, n))
        longest = max(longest, len(engine._queue))
    assert longest < 10_000
    engine.drain()
    assert log == list(range(100))
    assert all(timer.action is None for timer in live)


@LAW
@given(st.integers(0, 2**32), st.integers(1, 200))
def test_dropping_cancelled_timers_changes_no_order(seed: int, count: int) -> None:
    shuffled = random.Random(seed)
    plan = [(shuffled.choice([1.0, 2.0, 3.0]), shuffled.random() < 0.9) for _ in range(count)]
    logs = []
    for compact_above in (0, 10**9):
        engine, log = Engine(), []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("skahasim.engine._COMPACT_ABOVE", compact_above)
            for n, (delay, cancelled) in enumerate(plan):
                timer = engine.after(delay, Phase.FINISH, log.append, n)
                if cancelled:
                    engine.cancel(timer)
        engine.drain()
        logs.append(log)
    assert logs[0] == logs[1]


def test_simpy_processes_run_beside_timers_in_order() -> None:
    engine, log = Engine(), []

    def arrivals(env: simpy.Environment) -> simpy.events.ProcessGenerator:
        log.append((env.now, "process starts"))
        for n in range(2):
            yield env.timeout(1.0)
            log.append((env.now, f"arrival {n}"))
        yield env.timeout(0.5) | env.timeout(9.0)
        log.append((env.now, "process ends"))

    for phase in Phase:
        engine.after(1.0, phase, lambda name: log.append((engine.now, name)), phase.name)
    engine.process(arrivals(engine))
    engine.after(2.5, Phase.SUBMIT, lambda name: log.append((engine.now, name)), "timer")
    engine.advance(1.0)
    assert log == [
        (0.0, "process starts"),
        (1.0, "SUBMIT"),
        (1.0, "FINISH"),
        (1.0, "arrival 0"),
        (1.0, "LIFECYCLE"),
        (1.0, "SCHEDULE"),
    ]
    engine.drain()
    assert log[6:] == [(2.0, "arrival 1"), (2.5, "timer"), (2.5, "process ends")]
    assert engine.now == 11.0


def test_simpy_resources_and_run_work_on_it() -> None:
    engine, log = Engine(), []
    desk = simpy.Resource(engine, capacity=1)

    def customer(name: str) -> simpy.events.ProcessGenerator:
        with desk.request() as turn:
            yield turn
            yield engine.timeout(2.0)
            log.append((engine.now, name))

    for name in ("a", "b"):
        engine.process(customer(name))
    engine.after(3.0, Phase.LIFECYCLE, lambda name: log.append((engine.now, name)), "timer")
    engine.run(until=2.5)
    assert (log, engine.now) == ([(2.0, "a")], 2.5)
    engine.run()
    assert log == [(2.0, "a"), (3.0, "timer"), (4.0, "b")]
    with pytest.raises(simpy.core.EmptySchedule):
        engine.step()


def test_a_failing_process_is_not_silent() -> None:
    engine = Engine()

    def fails(env: simpy.Environment) -> simpy.events.ProcessGenerator:
        yield env.timeout(1.0)
        raise ArithmeticError("broken")

    engine.process(fails(engine))
    with pytest.raises(ArithmeticError, match="broken"):
        engine.drain()
