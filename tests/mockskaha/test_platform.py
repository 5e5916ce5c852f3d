"""A platform and its clock."""

from datetime import UTC, datetime

import pytest

from mockskaha.config import Settings
from mockskaha.platform import Platform

pytestmark = pytest.mark.evidence("skaha-contract §4.1, §4.3; the clock is our own")

SESSIONS = "/skaha/v1/session"


def test_a_manual_clock_starts_at_a_time_of_its_own(platform):
    assert (
        Platform.from_settings(Settings(clock="manual")).now() == datetime(2026, 1, 1, tzinfo=UTC).timestamp()
    )
    epoch = datetime(2030, 5, 6, tzinfo=UTC)
    assert Platform.from_settings(Settings(clock="manual", epoch=epoch)).now() == epoch.timestamp()
    assert platform.now() == datetime(2026, 8, 6, 22, 25, 31, tzinfo=UTC).timestamp()


def test_a_wall_clock_starts_now_and_runs_by_itself():
    before = int(datetime.now(UTC).timestamp())
    platform = Platform.from_settings(Settings(speed=1e6))
    assert before <= platform.now() <= before + 60
    first = platform.catch_up()
    assert platform.catch_up() > first
    platform.advance(1e9)
    assert platform.catch_up() >= first + 1e9


def test_a_manual_clock_goes_forward_only(skaha):
    for seconds in (-1, float("inf"), float("nan")):
        with pytest.raises(ValueError, match="finite, non-negative"):
            skaha.advance(seconds)
    skaha.advance(0)
    assert skaha.platform.now() == 1_786_055_131


def test_looking_changes_nothing(start):
    """Ten minutes looked at every second end as ten minutes looked at once."""
    seen = []
    for steps in (600, 1):
        skaha = start(profile="chaos")
        ids = [
            skaha.create(type=kind, cmd="python") for kind in ("headless", "notebook", "headless", "carta")
        ]
        for _ in range(steps):
            skaha.advance(600 / steps)
            for found in ids:
                skaha.get(f"{SESSIONS}/{found}", checked=False)
        seen.append(
            [(skaha.get(f"{SESSIONS}/{found}"), skaha.logs(found), skaha.events(found)) for found in ids]
        )
    assert seen[0] == seen[1]


def test_ids_of_many_sessions_differ(start):
    skaha = start(profile="instant")
    platform = skaha.platform
    skaha.create()
    command = skaha.journal.commands[0][1]
    ids = {platform.execute(command) for _ in range(1000)}
    assert len(ids) == 1000
    assert all(len(found) == 8 and found[0].isalpha() for found in ids)
    assert len(platform.inventory.of("alice")) == 1001
