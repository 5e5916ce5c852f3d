import pytest

from skahasim.clock import ManualClock, WallClock, wall_time


def test_a_manual_clock_moves_only_when_told() -> None:
    clock = ManualClock(start=5.0)
    assert clock.now() == clock.now() == 5.0
    clock.advance(2.5)
    clock.advance(0.0)
    assert clock.now() == 7.5


@pytest.mark.parametrize("seconds", [-1.0, float("inf"), float("nan")])
def test_a_clock_goes_neither_back_nor_to_the_end_of_time(seconds: float) -> None:
    clock = ManualClock()
    with pytest.raises(ValueError, match="finite, non-negative"):
        clock.advance(seconds)
    assert clock.now() == 0.0


def test_a_wall_clock_counts_from_its_start_at_its_speed() -> None:
    wall = [1000.0]
    clock = WallClock(speed=3600.0, start=50.0, source=lambda: wall[0])
    assert clock.now() == 50.0
    wall[0] += 2.0
    assert clock.now() == 50.0 + 7200.0


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan")])
def test_a_wall_clock_must_move(speed: float) -> None:
    with pytest.raises(ValueError, match="speed must be positive"):
        WallClock(speed)


def test_wall_time_is_unix_time() -> None:
    assert wall_time() > 1_700_000_000
