"""Our Kueue against the tables of Kueue's own unit tests.

A file holds cases of one table, told apart by their fields: available quota, dominant resource shares, flavor
assignment, preemption targets, one scheduling cycle. Cases of features that are not modelled are left out and
counted, by reason.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from skahasim.kueue.assignment import Assignment, Choice, Mode, PodSetChoice, Reason
from skahasim.kueue.claim import Claim, Shape
from skahasim.kueue.fairsharing import Shares
from skahasim.kueue.flavors import FlavorAssigner, Possibility
from skahasim.kueue.objects import FairSharing, FairSharingStrategy, FlavorResource, Workload
from skahasim.kueue.preemption import Preemptor
from skahasim.kueue.queue import LiveQueue
from skahasim.kueue.quota import QuotaTree
from skahasim.kueue.scheduler import Scheduler, UnknownQueue
from tests.conformance.kueue_objects import (
    assignments,
    cluster_queue,
    cohort,
    flavor,
    podset,
    workload,
)
from tests.conformance.report import Report

Case: TypeAlias = dict[str, Any]

LEFT_OUT = {
    "ConcurrentAdmission": "concurrent admission (alpha)",
    "ElasticJobsViaWorkloadSlices": "elastic jobs (alpha)",
    "MultiKueueOrchestratedPreemption": "preemption gates (alpha)",
    "TopologyAwareScheduling": "topology-aware scheduling",
}
NAMESPACES = {
    "eng-alpha": {"dep": "eng"},
    "eng-beta": {"dep": "eng"},
    "eng-gamma": {"dep": "eng"},
    "sales": {"dep": "sales"},
    "lend": {"dep": "lend"},
}
ALWAYS = -1e12
"""Creation time of those who have none: before all others."""


def check(path: Path, **options: object) -> Report:
    """Compare every case of ``path``. ``case``: only the one of that id."""
    only = options.get("case")
    cases = [
        one for one in json.loads(path.read_text(encoding="utf-8"))["cases"] if only in (None, one["id"])
    ]
    total = equal = 0
    first = ""
    out: dict[str, list[str]] = defaultdict(list)
    tags: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for one in cases:
        why = left_out(one)
        if why:
            out[why].append(one["id"])
            continue
        found, expected = compare(one)
        total += 1
        tags.update(one["tags"])
        if found == expected:
            equal += 1
            right.update(one["tags"])
        elif not first:
            first = f"{one['id']} ({one['case']}): ours {found}, expected {expected}"
    notes = [f"tag {tag}: {right[tag]}/{tags[tag]}" for tag in sorted(tags)]
    notes += [f"left out, {why}: {', '.join(ids)}" for why, ids in sorted(out.items())]
    return Report(total, equal, first, notes)


def left_out(case: Case) -> str:
    """Why the case is not ours to answer; empty when it is."""
    if "tas" in case.get("tags", ()):
        return LEFT_OUT["TopologyAwareScheduling"]
    for gate, on in (case.get("gates") or {}).items():
        if on and gate in LEFT_OUT:
            return LEFT_OUT[gate]
    if case["case"] == "multiple preemptions within cq when fair sharing":
        # Its queues have no reclaimWithinCohort, which counts as other than Never; the data says Never.
        return "a preemption policy left unset, which an API server sets"
    if "limitRange" in case["case"] or "requests exceed limits" in case["case"]:
        return "limit ranges and limits of pods, which the data does not tell"
    if case.get("admission_error"):
        return "an API server that fails"
    return ""


def compare(case: Case) -> tuple[Any, Any]:
    """What we make of the case, and what is expected, in one form."""
    for field, table in TABLES.items():
        if field in case:
            return table(case)
    raise ValueError(f"{case.get('id')}: no table this is known to be of")


# -- quota ---------------------------------------------------------------------------------------------


def _usage(usage: dict[str, int]) -> dict[FlavorResource, int]:
    return {(key.partition("/")[0], key.partition("/")[2]): amount for key, amount in usage.items()}


def _available(case: Case) -> tuple[Any, Any]:
    tree = QuotaTree(map(cluster_queue, case["cluster_queues"]), map(cohort, case["cohorts"]))
    for name, usage in case["usage"].items():
        tree.queues[name].use(_usage(usage))
    expected = case["expect"]
    found = {
        "available": {
            name: {key: tree.queues[name].available(pair) for key, pair in _keys(amounts)}
            for name, amounts in expected["available"].items()
        },
        "potentially_available": {
            name: {key: tree.queues[name].potential(pair) for key, pair in _keys(amounts)}
            for name, amounts in expected["potentially_available"].items()
        },
    }
    return found, expected


def _keys(amounts: dict[str, int]) -> list[tuple[str, FlavorResource]]:
    return list(zip(amounts, _usage(amounts), strict=True))


def _shares(case: Case) -> tuple[Any, Any]:
    queues = [case["cluster_queue"]]
    if case.get("lending_cluster_queue"):
        queues.append(case["lending_cluster_queue"])
    tree = QuotaTree(map(cluster_queue, queues), map(cohort, case["cohorts"]))
    node = tree.queues[case["cluster_queue"]["name"]]
    node.use(_usage(case["usage"]))
    node.use(_usage(case["incoming_usage"]))
    shares = Shares()
    found = []
    for one in case["expect"]:
        share = shares.of((tree.cohorts if one["kind"] == "cohort" else tree.queues)[one["node"]])
        found.append(
            one | {"share": share.rounded, "resource": share.resource, "borrowing": bool(share.borrowed)}
        )
    return found, case["expect"]


# -- flavors -------------------------------------------------------------------------------------------


def _flavors(case: Case) -> tuple[Any, Any]:
    queues = [case["cluster_queue"]]
    if case.get("secondary_cluster_queue"):
        queues.append(case["secondary_cluster_queue"])
    specs = [cluster_queue(one) for one in queues]
    tree = QuotaTree(specs)
    tree.queues[specs[0].name].use(_usage(case["usage"]))
    if len(specs) > 1:
        tree.queues[specs[1].name].use(_usage(case.get("secondary_usage") or {}))
    simulated = {
        key: tuple(map(int, re.findall(r":(\d+)", text)))
        for key, text in case["simulated_preemption"].items()
    }

    def oracle(_: Claim, key: FlavorResource, __: int) -> tuple[Possibility, int]:
        possibility, borrowing = simulated.get("/".join(key), (1, 0))
        return Possibility(possibility + 1), borrowing

    assigner = FlavorAssigner(map(flavor, case["flavors"]), oracle, fair_sharing=case["fair_sharing"])
    gone = {one["name"]: one["count"] for one in case["reclaimable"] or ()}
    if case["gates"].get("ReclaimablePods") is False:
        gone = {}
    podsets = tuple(
        podset(one | {"count": one["count"] - gone.get(one["name"], 0)}) for one in case["podsets"]
    )
    queue = LiveQueue(specs[0], tree.queues[specs[0].name])
    claim = Claim(Workload("wl", specs[0].name, podsets), Shape(podsets), queue)
    assignment = assigner.assign(claim)
    names = {Mode.NO_FIT: "NoFit", Mode.PREEMPT: "Preempt", Mode.FIT: "Fit"}
    found = {
        "mode": names[assignment.mode],
        "borrowing_level": assignment.borrowing,
        "podsets": [
            {
                "podset": one.name,
                "count": one.pods,
                "flavors": {
                    resource: {"flavor": choice.flavor, "mode": names[choice.mode]}
                    for resource, choice in one.choices.items()
                },
            }
            for one in assignment.podsets
        ],
        "usage_after": {"/".join(key): amount for key, amount in assignment.usage.items()},
    }
    expected = dict(case["expect"])
    expected["podsets"] = [one | {"flavors": one.get("flavors") or {}} for one in expected["podsets"]]
    expected.setdefault("usage_after", {})
    return found, {key: expected[key] for key in found}


# -- preemption ----------------------------------------------------------------------------------------


def _targets(case: Case) -> tuple[Any, Any]:
    specs = [cluster_queue(one) for one in case["cluster_queues"]]
    tree = QuotaTree(specs, map(cohort, case["cohorts"]))
    queues = {spec.name: LiveQueue(spec, tree.queues[spec.name]) for spec in specs}
    for one in case["admitted"]:
        queue = queues[one["admission"]["cq"]]
        own = workload(one, queue.name, 0.0 if "created_rel_s" in one else ALWAYS)
        usage: dict[FlavorResource, int] = {}
        for each in assignments(one["admission"]):
            for resource, name in each.flavors.items():
                usage[name, resource] = usage.get((name, resource), 0) + each.usage.get(resource, 0)
        claim = Claim(own, Shape(own.podsets), queue)
        queue.admit(claim, usage, float(one["reserved_rel_s"]))
        if one["conditions"].get("Evicted", "").startswith("True"):
            queue.stop(claim)
    fair = None
    if case["suite"] == "TestFairPreemptions":
        strategies = tuple(FairSharingStrategy(name) for name in case["strategies"] or ())
        fair = FairSharing(strategies) if strategies else FairSharing()
    one = case["incoming"]
    incoming = workload(one, case["target_cq"], 0.0 if "created_rel_s" in one else ALWAYS)
    claim = Claim(incoming, Shape(incoming.podsets), queues[case["target_cq"]])
    targets = Preemptor(queues, Shares(), fair).targets(claim, _assigned(case, claim))
    return (
        sorted((target.claim.workload.name, str(target.reason)) for target in targets),
        sorted((one["name"], one["reason"]) for one in case["expect"]["targets"]),
    )


def _assigned(case: Case, claim: Claim) -> Assignment:
    """The assignment the case gives."""
    assignment = Assignment()
    modes = {1: Mode.PREEMPT, 3: Mode.FIT}
    given = case.get("assignment") or [
        {
            "podset": one.name,
            "count": one.count,
            "flavors": {name: {"flavor": case["assignment_flavor"], "mode": 1} for name in one.requests},
        }
        for one in claim.shape.podsets
    ]
    for one, own in zip(given, claim.shape.podsets, strict=True):
        choices = {
            resource: Choice(choice["flavor"], modes[choice["mode"]], -1, 0)
            for resource, choice in (one["flavors"] or {}).items()
        }
        requests = {resource: amount * one["count"] for resource, amount in own.requests.items()}
        assignment.append(PodSetChoice(one["podset"], one["count"], requests, choices, (Reason(""),)))
    assignment.judge()
    return assignment


# -- one cycle -----------------------------------------------------------------------------------------


def _cycle(case: Case) -> tuple[Any, Any]:
    gates = case["gates"]
    scheduler = Scheduler(
        map(cluster_queue, case["cluster_queues"]),
        map(cohort, case["cohorts"]),
        map(flavor, case["flavors"]),
        fair_sharing=FairSharing() if case["fair_sharing"] else None,
        partial_admission=gates.get("PartialAdmission", True),
        retargets=gates.get("RecomputeAssignmentUponPreemptionTargetsOverlap", True),
    )
    admitted: dict[str, Any] = {}
    waiting: dict[str, Workload] = {}
    for one in case["workloads"]:
        admission = one.get("admission")
        queue = admission["cq"] if admission else one.get("cq", "")
        own = workload(one, queue, 0.0 if "created_rel_s" in one else ALWAYS)
        own.namespace_labels = NAMESPACES.get(one["ns"], {})
        if admission:
            scheduler.restore(own, assignments(admission), float(one.get("reserved_rel_s") or 0))
            admitted[own.name] = admission
        else:
            try:
                scheduler.submit(own)
            except UnknownQueue:
                continue
            waiting[own.name] = own
    cycle = scheduler.cycle(0.0)
    for admission in cycle.admitted:
        own = admission.workload
        waiting.pop(own.name)
        admitted[own.name] = {
            "cq": own.cluster_queue,
            "podsets": [
                {"name": each.name, "count": each.pods, "flavors": dict(each.flavors), "usage": each.usage}
                for each in admission.podsets
            ],
        }
    parked = {one.workload.name for one in cycle.pending if one.parked}
    left: dict[str, dict[str, list[str]]] = {"left_pending": {}, "left_inadmissible": {}}
    for name, own in sorted(waiting.items()):
        kind = "left_inadmissible" if name in parked else "left_pending"
        left[kind].setdefault(own.cluster_queue, []).append(name)
    found = {
        "admitted": admitted,
        **left,
        "evicted": sorted((one.workload.name, str(one.reason)) for one in cycle.preempted),
    }
    expected = case["expect"]
    return found, {
        "admitted": expected["admitted"],
        "left_pending": {name: sorted(names) for name, names in expected["left_pending"].items()},
        "left_inadmissible": {name: sorted(names) for name, names in expected["left_inadmissible"].items()},
        "evicted": sorted((f"{one['ns']}/{one['name']}", one["preempted"]) for one in expected["evicted"]),
    }


TABLES: dict[str, Callable[[Case], tuple[Any, Any]]] = {
    "lending_cluster_queue": _shares,
    "incoming_usage": _shares,
    "simulated_preemption": _flavors,
    "incoming": _targets,
    "workloads": _cycle,
    "usage": _available,
}
"""By a field that only cases of the table have."""
