"""Windows by the clock on the wall, and what a calendar does to a run."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from math import inf
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import hypothesis
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skahasim.calendar import (
    CalendarEntry,
    CalendarError,
    CalendarSettings,
    install,
    instant,
    prepare,
    windows,
)
from skahasim.calendar.settings import DAYS, WhenSettings
from skahasim.cluster import Cluster
from skahasim.configuration import QueueSettings
from skahasim.job import Job, State, Work
from skahasim.kueue.manifests import parse_manifests
from skahasim.kueue.objects import StopPolicy
from skahasim.model import Model
from skahasim.policies import UnknownPolicy, policies_from
from skahasim.profile import load_profile
from skahasim.resources import Resources
from skahasim.section import Section
from skahasim.transition import Step, Transition
from skahasim.yamlfile import ConfigurationError, load_model

VANCOUVER = ZoneInfo("America/Vancouver")
MONDAY = datetime(2026, 1, 5, tzinfo=VANCOUVER)
INSTANT = load_profile("instant")
H = 3600.0


def when(**settings: Any) -> WhenSettings:
    return WhenSettings.model_validate({key.rstrip("_"): value for key, value in settings.items()})


def local(
    settings: WhenSettings, start: datetime, count: int, lead: float = 0.0
) -> list[tuple[str, str, float]]:
    """The first windows: begin and end on the wall clock, and how many hours they last."""
    zone = start.tzinfo
    assert isinstance(zone, ZoneInfo)
    epoch = start.timestamp()

    def wall(seconds: float) -> str:
        return "-" if seconds == inf else f"{datetime.fromtimestamp(epoch + seconds, zone):%a %m-%d %H:%M}"

    found = islice(windows(settings, start=epoch, zone=zone, lead=lead), count)
    return [(wall(begin), wall(end), (end - begin) / H) for begin, end in found]


# -- windows -----------------------------------------------------------------------------------------------


def test_nights_begin_with_the_one_that_is_under_way() -> None:
    assert local(when(from_="18:00", to="08:00"), MONDAY, 3) == [
        ("Mon 01-05 00:00", "Mon 01-05 08:00", 8.0),
        ("Mon 01-05 18:00", "Tue 01-06 08:00", 14.0),
        ("Tue 01-06 18:00", "Wed 01-07 08:00", 14.0),
    ]


def test_days_that_touch_are_one_weekend() -> None:
    assert local(when(days=["sat", "sun"]), MONDAY, 2) == [
        ("Sat 01-10 00:00", "Mon 01-12 00:00", 48.0),
        ("Sat 01-17 00:00", "Mon 01-19 00:00", 48.0),
    ]


def test_a_window_of_hours_may_be_longer_than_a_day() -> None:
    weekend = when(days=["fri"], from_="18:00", hours=62)
    assert local(weekend, MONDAY + timedelta(days=6), 2) == [
        ("Sun 01-11 00:00", "Mon 01-12 08:00", 32.0),
        ("Fri 01-16 18:00", "Mon 01-19 08:00", 62.0),
    ]


def test_every_day_all_day_never_ends() -> None:
    assert local(when(from_="06:00", to="06:00"), MONDAY, 2) == [("Mon 01-05 00:00", "-", inf)]


def test_a_single_window() -> None:
    maintenance = when(start="2026-01-10T08:00", end="2026-01-10T20:00")
    assert local(maintenance, MONDAY, 9) == [("Sat 01-10 08:00", "Sat 01-10 20:00", 12.0)]
    assert local(maintenance, MONDAY + timedelta(days=30), 9) == []
    assert local(maintenance, MONDAY + timedelta(days=5.5), 9) == [
        ("Sat 01-10 12:00", "Sat 01-10 20:00", 8.0)
    ]
    assert local(when(start="2026-01-10T16:00Z", hours=4), MONDAY, 9) == [
        ("Sat 01-10 08:00", "Sat 01-10 12:00", 4.0)
    ]


def test_a_lead_is_before_the_window_and_may_join_it_to_the_one_before() -> None:
    lunch = when(days=["mon", "tue"], from_="12:00", to="13:00")
    assert local(lunch, MONDAY, 1, lead=2 * H) == [("Mon 01-05 10:00", "Mon 01-05 13:00", 3.0)]
    assert local(lunch, MONDAY, 1, lead=24 * H) == [("Mon 01-05 00:00", "Tue 01-06 13:00", 37.0)]


SPRING, AUTUMN = datetime(2026, 3, 7, tzinfo=VANCOUVER), datetime(2026, 10, 31, tzinfo=VANCOUVER)


@pytest.mark.parametrize(
    ("settings", "start", "expected"),
    [
        # The night of the change has an hour less in spring, one more in autumn; by the wall it is the same.
        (when(from_="18:00", to="08:00"), SPRING, ("Sat 03-07 18:00", "Sun 03-08 08:00", 13.0)),
        (when(from_="18:00", to="08:00"), AUTUMN, ("Sat 10-31 18:00", "Sun 11-01 08:00", 15.0)),
        (when(days=["sun"]), SPRING, ("Sun 03-08 00:00", "Mon 03-09 00:00", 23.0)),
        (when(days=["sun"]), AUTUMN, ("Sun 11-01 00:00", "Mon 11-02 00:00", 25.0)),
        # Hours are hours.
        (when(days=["sun"], from_="00:00", hours=10), SPRING, ("Sun 03-08 00:00", "Sun 03-08 11:00", 10.0)),
        (when(days=["sun"], from_="00:00", hours=10), AUTUMN, ("Sun 11-01 00:00", "Sun 11-01 09:00", 10.0)),
        # 02:30 does not exist in spring, 01:30 comes twice in autumn: the first.
        (when(days=["sun"], from_="02:30", to="05:00"), SPRING, ("Sun 03-08 03:30", "Sun 03-08 05:00", 1.5)),
        (when(days=["sun"], from_="01:30", to="03:00"), AUTUMN, ("Sun 11-01 01:30", "Sun 11-01 03:00", 2.5)),
        # One that the change swallows is left out: the next is a week later.
        (when(days=["sun"], from_="02:30", to="03:15"), SPRING, ("Sun 03-15 02:30", "Sun 03-15 03:15", 0.75)),
        (when(start="2026-03-08T01:00", end="2026-03-08T04:00"), SPRING, ("Sun 03-08 01:00", "Sun 03-08 04:00", 2.0)),
    ],
)  # fmt: skip
def test_when_the_clock_changes(
    settings: WhenSettings, start: datetime, expected: tuple[str, str, float]
) -> None:
    found = [
        window for window in local(settings, start, 3) if window[0][:3] != "Sat" or window[0] == expected[0]
    ]
    assert found[0] == expected


def test_a_lead_does_not_bring_back_a_window_that_the_change_swallows() -> None:
    swallowed = when(days=["sun"], from_="02:30", to="03:15")
    assert local(swallowed, SPRING, 1, lead=2 * H) == [("Sun 03-15 00:30", "Sun 03-15 03:15", 2.75)]


TIMES = st.builds(lambda h, m: f"{h:02d}:{m:02d}", st.integers(0, 23), st.sampled_from([0, 15, 30, 59]))


@hypothesis.settings(deadline=None, max_examples=60)
@given(
    st.sets(st.sampled_from(DAYS), min_size=1),
    TIMES,
    TIMES,
    st.integers(0, 365),
    st.sampled_from(["America/Vancouver", "UTC", "Australia/Lord_Howe", "Pacific/Apia"]),
)
def test_a_moment_is_in_a_window_exactly_if_the_wall_says_so(
    days: set[str], begins: str, ends: str, offset: int, name: str
) -> None:
    hypothesis.assume(begins != "00:00" or ends != "00:00")
    zone = ZoneInfo(name)
    first = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=offset)
    settings = when(days=tuple(days), from_=begins, to=ends)
    found = list(islice(windows(settings, start=first.timestamp(), zone=zone), 12))
    assert all(one.begin < one.end for one in found)
    assert all(one.end < two.begin for one, two in pairwise(found))
    last = min(found[-1].end if len(found) == 12 else inf, 8 * 86400.0)
    changes = {first + timedelta(days=day) for day in range(9)}
    offsets = {moment.astimezone(zone).utcoffset() for moment in changes}
    hypothesis.assume(len(offsets) == 1)  # what a change of the clock does has its own test
    moment = 7 * 60.0
    while moment < last:
        there = (first + timedelta(seconds=moment)).astimezone(zone)
        today, yesterday = DAYS[there.weekday()], DAYS[there.weekday() - 1]
        clock = f"{there:%H:%M}"
        if begins < ends:
            expected = today in days and begins <= clock < ends
        else:
            expected = (today in days and clock >= begins) or (yesterday in days and clock < ends)
        assert expected == any(one.begin <= moment < one.end for one in found), there
        moment += 31 * 60.0


def test_an_instant_is_local_unless_it_has_an_offset() -> None:
    assert instant(datetime.fromisoformat("2026-01-05"), VANCOUVER) == instant(
        datetime(2026, 1, 5, 8, tzinfo=UTC), VANCOUVER
    )


# -- settings ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "give days, from and to; or start and end"),
        ({"to": "08:00", "hours": 3}, "give to or hours, not both"),
        ({"from": "24:00"}, "from must be before 24:00"),
        ({"from": "00:00", "to": "00:00"}, "a whole day is from"),
        ({"from": "25:00"}, "pattern"),
        ({"from": 2000}, "valid string"),
        ({"days": ["sol"]}, "'mon', 'tue'"),
        ({"days": []}, "at least 1 item"),
        ({"end": "2026-01-05"}, "end needs a start"),
        ({"start": "2026-01-05"}, "give end or hours"),
        ({"start": "2026-01-05", "end": "2026-01-04"}, "end must be after start"),
        ({"start": "2026-01-05T00:00Z", "end": "2026-01-06"}, "must both have an offset"),
        ({"start": "2026-01-05", "hours": 3, "days": ["mon"]}, "has no days, from and to"),
    ],
)
def test_what_is_no_window(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(pydantic.ValidationError, match=message):
        WhenSettings.model_validate(settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "says when, but not what"),
        ({"limits": {}}, "give per_user or per_group"),
        ({"drain": {"names": ["a"], "count": 1}}, "give names; or group and count"),
        (
            {"quota": [{"cluster_queue": "q", "flavor": "f", "resource": "cpu", "nominal": "ten"}]},
            "not a Kubernetes",
        ),
        (
            {"quota": [{"cluster_queue": "q", "flavor": "f", "resource": "cpu", "nominal": -1}]},
            "must not be negative",
        ),
    ],
)
def test_what_is_no_entry(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(pydantic.ValidationError, match=message):
        CalendarEntry.model_validate({"when": {"days": ["mon"]}, **settings})


class Scenario(Section):
    calendar: CalendarSettings = ()


def test_as_it_is_written_in_a_file(tmp_path: Path) -> None:
    """YAML reads 18:00 as 1080, and a date with seconds as a date."""
    file = tmp_path / "night.yaml"
    file.write_text(
        "calendar:\n"
        "- name: night\n"
        "  when: {days: [mon, tue], from: 18:00, to: 08:00}\n"
        "  limits: {per_user: {cores: 512}}\n"
        "- when: {start: 2026-01-10T08:00:00, hours: 12}\n"
        "  drain: {group: plain, count: 2, lead_hours: 24}\n",
        "utf-8",
    )
    night, maintenance = load_model(file, Scenario).calendar
    assert (night.when.from_, night.when.to) == ("18:00", "08:00")
    assert maintenance.when.start == datetime.fromisoformat("2026-01-10T08:00")
    file.write_text("calendar:\n- when: {from: 18:00, too: 08:00}\n  drain:\n    groop: plain\n", "utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_model(file, Scenario)
    assert [str(problem).removeprefix(str(file)) for problem in caught.value.problems] == [
        ":2: calendar[0].when.too: unknown key; did you mean 'to'?",
        ":4: calendar[0].drain.groop: unknown key; did you mean 'group'?",
    ]


# -- what a calendar does ----------------------------------------------------------------------------------


def world(
    *entries: dict[str, Any],
    nodes: tuple[tuple[str, Resources], ...] = (
        ("node-01", Resources.of(4, 64)),
        ("node-02", Resources.of(4, 64)),
    ),
    queue: dict[str, Any] | None = None,
    start: datetime = MONDAY,
) -> Model:
    settings = QueueSettings.model_validate(
        {"ordering": {"policy": "fifo"}, "placement": {"policy": "first-fit"}, **(queue or {})}
    )
    calendar = tuple(CalendarEntry.model_validate(entry) for entry in entries)
    model = Model(Cluster("test", nodes), prepare(policies_from(settings), settings, calendar), INSTANT)
    install(model, calendar, start=start.timestamp(), time_zone="America/Vancouver")
    return model


def job(number: int, cores: float = 1, seconds: float | None = None, **more: Any) -> Job:
    request = Resources.of(cores, 1)
    return Job(number, f"job-{number}", "alice", "headless", request, request, work=Work(seconds), **more)


def starts(model: Model, *jobs: Job, until: float) -> list[float | None]:
    for one in jobs:
        model.submit(one)
    model.advance(until)
    return [one.run_time for one in jobs]


NIGHT = {"from": "18:00", "to": "08:00"}


def test_limits_of_the_night() -> None:
    """By day one core, by night three: two jobs that waited start at six, and a morning takes nothing back."""
    model = world(
        {"when": NIGHT, "limits": {"per_user": {"cores": 3}}},
        queue={"admission": {"per_user": {"cores": 1}}},
        start=MONDAY + timedelta(hours=12),
    )
    jobs = [job(number, seconds=20 * H) for number in range(5)]
    # At 18:00 (6 h) three may run. In the morning two still do, so of the others one begins when both have ended,
    # and the last at 18:00 (30 h).
    assert starts(model, *jobs, until=48 * H) == [0.0, 6 * H, 6 * H, 26 * H, 30 * H]


def test_entries_without_limits_leave_those_of_the_queue_as_they_are() -> None:
    """What somebody holds is counted once, however many entries there are."""
    model = world(
        {"when": NIGHT, "limits": {"per_user": {"cores": 4}}},
        {"when": {"days": ["sun"]}, "drain": {}},
        {"when": {"days": ["sat"]}, "drain": {}},
        queue={"admission": {"per_user": {"cores": 2}}},
        start=MONDAY + timedelta(hours=12),
    )
    assert starts(model, *(job(number) for number in range(5)), until=9 * H) == [0.0, 0.0, 6 * H, 6 * H, None]


def test_limits_where_there_are_none_by_day() -> None:
    """What was taken without a limit counts under the one that comes."""
    model = world({"when": NIGHT, "limits": {"per_user": {"jobs": 2}}}, start=MONDAY + timedelta(hours=17))
    early = [job(number, seconds=3 * H) for number in range(2)]
    late = job(2, seconds=H)
    model.submit(early[0])
    model.submit(early[1])
    model.advance(2 * H)
    assert starts(model, late, until=9 * H) == [3 * H]
    assert late.waiting_for == ""


def test_of_two_entries_the_later_is_in_force_and_the_earlier_when_it_ends() -> None:
    model = world(
        {"when": {"from": "00:00", "to": "12:00"}, "limits": {"per_user": {"jobs": 2}}},
        {"when": {"from": "04:00", "to": "06:00"}, "limits": {"per_user": {"jobs": 5}}},
        queue={"admission": {"per_user": {"jobs": 0}}},
    )
    jobs = [job(number, 0.1) for number in range(8)]
    assert starts(model, *jobs, until=1 * H) == [0.0] * 2 + [None] * 6
    model.advance(20 * H)
    assert [one.run_time for one in jobs] == [0.0] * 2 + [4 * H] * 3 + [None] * 3


def test_another_order_by_night() -> None:
    """FIFO by day; by night small before large. Both wait for the one that ends at 19:00."""
    day, night = (
        {"size_classes": {"small": {"cores": 2, "ram_gib": 16}, "large": {"cores": 4, "ram_gib": 64}}},
        NIGHT,
    )
    for begin, expected in (
        (MONDAY + timedelta(hours=8), [H, 2 * H]),
        (MONDAY + timedelta(hours=18), [2 * H, H]),
    ):
        model = world(
            {"when": night, "ordering": {"policy": "size-priority", **day}},
            nodes=(("node-01", Resources.of(4, 64)),),
            start=begin,
        )
        first, large, small = job(0, 4, H), job(1, 4, H), job(2, 1, H)
        starts(model, first, until=1.0)
        assert starts(model, large, small, until=10 * H) == expected


def test_the_order_changes_while_they_wait() -> None:
    model = world(
        {"when": NIGHT, "ordering": {"policy": "size-priority"}},
        nodes=(("node-01", Resources.of(16, 64)),),
        start=MONDAY + timedelta(hours=17),
    )
    first, large, small = job(0, 16, 2 * H), job(1, 16, 20 * H), job(2, 1, H)
    assert starts(model, first, large, small, until=20 * H) == [0.0, 3 * H, 2 * H]


def test_a_drain_stops_the_nodes_then_evicts_and_ends() -> None:
    entry = {
        "name": "maintenance",
        "when": {"start": "2026-01-05T04:00", "end": "2026-01-05T06:00"},
        "drain": {"names": ["node-01"], "lead_hours": 1},
    }
    model = world(entry)
    seen: list[tuple[float, str, Step, str]] = []

    def note(transition: Transition) -> None:
        if transition.step in (Step.SCHEDULED, Step.EVICTED, Step.FAILED, Step.UNSCHEDULABLE, Step.FINISHED):
            seen.append((transition.time / H, transition.job.name, transition.step, transition.reason))

    model.listeners.append(note)
    stays, ends = job(0, 3, 10 * H, restarts_allowed=1), job(1, 1, 4 * H)
    model.submit(stays)
    model.submit(ends)
    model.advance(3.5 * H)
    late, waits = job(2, 4, H), job(3, 4, H)
    model.submit(late)
    model.submit(waits)
    model.advance(100 * H)
    reason = (
        "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) were unschedulable. preemption: 0/2 nodes are "
        "available: 1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling."
    )
    assert seen == [
        (0.0, "job-0", Step.SCHEDULED, "node-01"),
        (0.0, "job-1", Step.SCHEDULED, "node-01"),
        (3.5, "job-2", Step.SCHEDULED, "node-02"),
        (3.5, "job-3", Step.UNSCHEDULABLE, reason),
        (4.0, "job-1", Step.FINISHED, "Completed"),
        (4.0, "job-0", Step.EVICTED, "Node is drained for maintenance"),
        (4.0, "job-0", Step.UNSCHEDULABLE, reason),
        (4.5, "job-2", Step.FINISHED, "Completed"),
        (4.5, "job-0", Step.SCHEDULED, "node-02"),
        (6.0, "job-3", Step.SCHEDULED, "node-01"),
        (7.0, "job-3", Step.FINISHED, "Completed"),
        (14.5, "job-0", Step.FINISHED, "Completed"),
    ]


def test_a_drain_may_let_run_what_runs() -> None:
    model = world({"when": {"from": "04:00", "to": "06:00"}, "drain": {"evict": False}})
    runs, waits = job(0, 4, 5 * H), job(1, 4, H)
    model.submit(runs)
    model.advance(4.5 * H)
    assert starts(model, waits, until=20 * H) == [6 * H]
    assert (runs.finish_time, runs.evictions) == (5 * H, 0)


def test_nodes_that_are_off_lose_what_they_run() -> None:
    model = world({"when": {"from": "04:00", "to": "06:00"}, "down": {"group": "node", "count": 1}})
    lost, safe = job(0, 4), job(1, 4)
    starts(model, lost, safe, until=5 * H)
    assert (lost.state, lost.reason, lost.finish_time) == (State.FAILED, "NodeLost", 4 * H)
    assert safe.state is State.RUNNING
    again = world({"when": {"from": "04:00", "to": "06:00"}, "down": {"count": 1, "requeue": True}})
    one = job(0, 4, 10 * H)
    assert starts(again, one, until=30 * H) == [4 * H]  # on the other node
    assert (one.state, one.restarts, one.evictions, one.lost_seconds) == (State.SUCCEEDED, 0, 1, 4 * H)


def test_overlapping_reasons_keep_a_node_closed_until_the_last_is_over() -> None:
    model = world(
        {"when": {"from": "01:00", "to": "05:00"}, "drain": {}},
        {"when": {"from": "03:00", "to": "07:00"}, "drain": {}},
        {"when": {"from": "04:00", "to": "06:00"}, "down": {}},
    )
    model.advance(2 * H)
    assert starts(model, job(0), until=20 * H) == [7 * H]


def test_a_stopped_queue_holds_its_jobs_and_drains_them() -> None:
    model = world(
        {"when": {"from": "02:00", "to": "04:00"}, "stop": {"queue": "batch", "policy": "HoldAndDrain"}},
        {"when": {"from": "06:00", "to": "07:00"}, "stop": {"queue": "*"}},
    )
    drained, other = job(0, seconds=3 * H, queue="batch"), job(1, queue="desk")
    starts(model, drained, other, until=2.5 * H)
    assert (drained.state, drained.waiting_for) == (State.QUEUED, "queue batch is stopped")
    assert other.state is State.RUNNING
    model.advance(6.5 * H)
    assert (drained.run_time, drained.state) == (4 * H, State.RUNNING)
    assert starts(model, job(2, queue="desk"), until=20 * H) == [7 * H]


def test_a_year_of_windows_is_one_timer_at_a_time() -> None:
    model = world(
        {"when": NIGHT, "limits": {"per_user": {"jobs": 1}}}, {"when": {"days": ["sun"]}, "drain": {}}
    )
    for _ in range(200):
        assert len(model.engine._entries) <= 3
        model.advance(model.engine.next_due)
    assert model.now > 60 * 86400


MANIFESTS = """\
apiVersion: kueue.x-k8s.io/v1beta1
kind: ClusterQueue
metadata: {name: skaha}
spec:
  resourceGroups:
  - coveredResources: [cpu]
    flavors:
    - name: default
      resources: [{name: cpu, nominalQuota: 10}]
---
apiVersion: kueue.x-k8s.io/v1beta1
kind: ResourceFlavor
metadata: {name: default}
---
apiVersion: kueue.x-k8s.io/v1beta1
kind: LocalQueue
metadata: {name: local, namespace: default}
spec: {clusterQueue: skaha}
"""


class Installed:
    configuration = parse_manifests(MANIFESTS)


class FakeKueue:
    """A queue under Kueue, as far as a calendar is concerned."""

    suspends = True
    installation = Installed

    def __init__(self, *_: object) -> None:
        self.heard: list[tuple[object, ...]] = []

    def __len__(self) -> int:
        return 0

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *arguments: self.heard.append((name, *arguments))

    def serve(self, now: float) -> Iterator[Any]:
        return iter(())


def kueue_world(*entries: dict[str, Any]) -> tuple[Model, FakeKueue]:
    settings = QueueSettings()
    calendar = tuple(CalendarEntry.model_validate(entry) for entry in entries)
    policies = replace(policies_from(settings), discipline=FakeKueue)  # type: ignore[arg-type]
    model = Model(Cluster("test", [("node", Resources.of(4, 64))]), policies, INSTANT)
    install(model, calendar, start=MONDAY.timestamp(), time_zone="America/Vancouver")
    assert isinstance(model.queue, FakeKueue)
    return model, model.queue


CPU = {"cluster_queue": "skaha", "flavor": "default", "resource": "cpu"}


def test_quotas_and_stops_of_kueue() -> None:
    model, queue = kueue_world(
        {"when": NIGHT, "quota": [{**CPU, "nominal": "28800m"}]},
        {
            "when": {"from": "06:00", "to": "09:00"},
            "quota": [{**CPU, "nominal": 3}],
            "stop": {"queue": "skaha"},
        },
    )
    heard = {}
    for hour in (0, 6, 8, 9, 18):
        model.advance(hour * H)
        heard[hour] = [call for call in queue.heard if call[0] != "reconsider"]
        queue.heard.clear()
    quota = ("set_quota", "skaha", "default", "cpu")
    stop = ("set_stop_policy", "skaha")
    assert heard == {
        0: [(*quota, 28_800)],
        6: [(*quota, 3_000), (*stop, StopPolicy.HOLD)],
        8: [(*quota, 3_000)],
        9: [(*quota, 10_000), (*stop, StopPolicy.NONE)],
        18: [(*quota, 28_800)],
    }


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"quota": [{**CPU, "nominal": 1}]}, r"calendar\[0\].quota: only a queue under Kueue"),
        ({"drain": {"names": ["node-01", "no"]}}, r"calendar\[0\].drain.names: there is no node no"),
        ({"drain": {"group": "nodes"}}, r"calendar\[0\].drain.group: there is no group of nodes 'nodes'"),
        ({"down": {"count": 3}}, r"calendar\[0\].down.count: there are only 2 such nodes"),
    ],
)
def test_what_this_cluster_does_not_have(entry: dict[str, Any], message: str) -> None:
    with pytest.raises(CalendarError, match=message):
        world({"when": NIGHT, **entry})


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"quota": [{**CPU, "cluster_queue": "no", "nominal": 1}]}, "quota: there is no ClusterQueue 'no'"),
        (
            {"quota": [{**CPU, "resource": "memory", "nominal": 1}]},
            "quota: there is no quota for 'memory' in flavor",
        ),
        ({"stop": {"queue": "no"}}, "stop.queue: there is no ClusterQueue 'no'"),
    ],
)
def test_what_kueue_does_not_have(entry: dict[str, Any], message: str) -> None:
    with pytest.raises(CalendarError, match=message):
        kueue_world({"when": NIGHT, **entry})


def test_an_ordering_that_does_not_exist() -> None:
    with pytest.raises(UnknownPolicy, match="unknown policy 'no'"):
        world({"when": NIGHT, "ordering": {"policy": "no"}})


@pytest.mark.parametrize("what", [{"ordering": {"policy": "fifo"}}, {"limits": {"per_user": {"jobs": 1}}}])
def test_policies_that_nobody_prepared_are_refused(what: dict[str, Any]) -> None:
    entry = CalendarEntry.model_validate({"when": NIGHT, **what})
    model = Model(Cluster("test", [("node", Resources.of(4, 64))]), policies_from(QueueSettings()), INSTANT)
    with pytest.raises(TypeError, match="did not go through prepare"):
        install(model, (entry,), start=0.0, time_zone="UTC")
