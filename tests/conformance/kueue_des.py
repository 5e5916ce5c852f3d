"""Our Kueue in virtual time against the real scheduler's code: every admission, eviction and finish.

A file's first line says what the scenarios mean; every other line is one scenario with the events to come out.
"""

from __future__ import annotations

import heapq
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

from skahasim.kueue.objects import FairSharing, PodSet, ResourceFlavor, Workload
from skahasim.kueue.scheduler import Scheduler
from tests.conformance import kueue_through_model
from tests.conformance.kueue_objects import cluster_queue, cohort, requests_of
from tests.conformance.report import Report

Event: TypeAlias = list[Any]


def check(path: Path, **options: object) -> Report:
    """Compare every event of every scenario in ``path``, in order.

    ``families``: only those. ``through``: ``core`` plays them on the scheduler alone, ``model`` on the whole model,
    its nodes and lives of jobs included; the latter keeps no order within an instant, so there it is not compared.
    """
    families = str(options.get("families") or "")
    through = options.get("through") or "core"
    total = equal = 0
    first = ""
    seen: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for scenario in scenarios(path):
        if families and scenario["family"] not in families:
            continue
        expected = [list(event) for event in scenario["events"]]
        if through == "model":
            found, expected = _by_instant(kueue_through_model.play(scenario)), _by_instant(expected)
        else:
            found = list(run(scenario))
        same = sum(1 for ours, theirs in zip(found, expected, strict=False) if ours == theirs)
        total += max(len(expected), len(found))
        equal += same
        seen[scenario["family"]] += 1
        if found == expected:
            right[scenario["family"]] += 1
        elif not first:
            first = _difference(scenario["id"], found, expected)
    notes = [f"family {family}: {right[family]}/{seen[family]} scenarios" for family in sorted(seen)]
    return Report(total, equal, first, notes)


def scenarios(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            scenario = json.loads(line)
            if "workloads" in scenario:
                yield scenario


def _by_instant(events: Iterable[Event]) -> list[Event]:
    return sorted((list(event) for event in events), key=lambda event: (event[0], *map(str, event[1:])))


def run(scenario: dict[str, Any]) -> Iterator[Event]:
    """The events of a scenario: at each instant finishes by name, submissions, then cycles while they change
    anything."""
    scheduler = Scheduler(
        map(cluster_queue, scenario["cluster_queues"]),
        map(cohort, scenario["cohorts"]),
        map(ResourceFlavor, scenario["flavors"]),
        fair_sharing=FairSharing() if scenario["fair_sharing"] else None,
    )
    several = len(scenario["flavors"]) > 1
    workloads = {one["name"]: one for one in scenario["workloads"]}
    submissions = sorted((one["submit"], one["name"]) for one in scenario["workloads"])
    live: dict[str, Workload] = {}
    finishes: list[tuple[int, str, int]] = []
    runs: Counter[str] = Counter()
    while submissions or finishes:
        now = min([*(submissions[:1]), *(one[:2] for one in finishes[:1])])[0]
        while finishes and finishes[0][0] == now:
            _, name, number = heapq.heappop(finishes)
            if runs[name] == number:
                scheduler.withdraw(live[name])
                yield [now, "finish", name]
        while submissions and submissions[0][0] == now:
            one = workloads[submissions.pop(0)[1]]
            live[one["name"]] = Workload(
                one["name"],
                one["cq"],
                (PodSet(requests=requests_of(one["requests"])),),
                one["priority"],
                float(one["submit"]),
            )
            scheduler.submit(live[one["name"]])
        for cycle in scheduler.settle(float(now)):
            events: list[Event] = []
            for admission in cycle.admitted:
                name = admission.workload.name
                runs[name] += 1
                heapq.heappush(finishes, (now + workloads[name]["run"], name, runs[name]))
                flavors = dict(admission.podsets[0].flavors)
                events.append([now, "admit", name, flavors] if several else [now, "admit", name])
            for eviction in cycle.preempted:
                name = eviction.workload.name
                runs[name] += 1
                events.append([now, "evict", name, str(eviction.reason)])
            # The file lists what one cycle did by name.
            yield from sorted(events, key=lambda event: event[2])
            for eviction in cycle.preempted:
                scheduler.evicted(eviction.workload)


def _difference(name: str, found: list[Event], expected: list[Event]) -> str:
    for index, (ours, theirs) in enumerate(zip(found, expected, strict=False)):
        if ours != theirs:
            return f"{name} event {index}: ours {ours}, expected {theirs}"
    return f"{name}: {len(found)} events, expected {len(expected)}"
