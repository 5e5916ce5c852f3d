"""One scenario of ``kueue-des/scenarios.jsonl`` played by the model: its engine, its lives of jobs and its nodes,
with Kueue as the discipline of its queue."""

from __future__ import annotations

from math import inf
from typing import Any

from skahasim.cluster import Cluster
from skahasim.engine import Phase
from skahasim.job import Job, Work
from skahasim.kueue import objects as kueue
from skahasim.kueue.discipline import KueueQueue
from skahasim.kueue.installation import Installation
from skahasim.kueue.manifests import Configuration
from skahasim.kueue.quantity import amount, quantity
from skahasim.kueue.settings import FairSharingSettings, KueueSettings
from skahasim.model import Model
from skahasim.policies import FirstComeFirstServed, FirstFit, OpenAdmission, Policies
from skahasim.profile import load_profile
from skahasim.resources import Resources
from skahasim.transition import Step, Transition

MIB = 2**20
STEPS = {Step.ADMITTED: "admit", Step.PREEMPTED: "evict", Step.FINISHED: "finish"}


def _groups(groups: list[dict[str, Any]]) -> tuple[kueue.ResourceGroup, ...]:
    def quota(resource: str, limits: list[str | None]) -> kueue.Quota:
        nominal, *rest = (None if limit is None else amount(resource, quantity(limit)) for limit in limits)
        assert nominal is not None
        return kueue.Quota(nominal, *rest)

    return tuple(
        kueue.ResourceGroup(
            tuple(group["resources"]),
            tuple(
                kueue.FlavorQuotas(flavor["name"], {r: quota(r, q) for r, q in flavor["quotas"].items()})
                for flavor in group["flavors"]
            ),
        )
        for group in groups
    )


def _cluster_queue(queue: dict[str, Any]) -> kueue.ClusterQueue:
    preemption, fungibility = queue["preemption"], queue["fungibility"]
    borrow = preemption["borrow"]
    weight = queue["fair_weight"]
    return kueue.ClusterQueue(
        queue["name"],
        _groups(queue["groups"]),
        queue["cohort"] or "",
        kueue.QueueingStrategy(queue["strategy"]),
        kueue.Preemption(
            kueue.PreemptionPolicy(preemption["within"]),
            kueue.PreemptionPolicy(preemption["reclaim"]),
            borrow
            and kueue.BorrowWithinCohort(
                kueue.PreemptionPolicy(borrow["policy"]), borrow.get("max_priority")
            ),
        ),
        kueue.FlavorFungibility(
            kueue.FungibilityPolicy(fungibility["whenCanBorrow"]),
            kueue.FungibilityPolicy(fungibility["whenCanPreempt"]),
        ),
        1.0 if weight is None else float(quantity(weight)),
    )


def configuration(scenario: dict[str, Any]) -> Configuration:
    """Kueue's objects in ``scenario``; a LocalQueue for each ClusterQueue, of the same name."""
    return Configuration(
        tuple(map(_cluster_queue, scenario["cluster_queues"])),
        tuple(
            kueue.Cohort(cohort["name"], cohort["parent"] or "", _groups(cohort["groups"]))
            for cohort in scenario["cohorts"]
        ),
        tuple(map(kueue.ResourceFlavor, scenario["flavors"])),
        tuple(kueue.LocalQueue(queue["name"], queue["name"]) for queue in scenario["cluster_queues"]),
    )


def _request(requests: dict[str, str]) -> Resources:
    memory = amount("memory", quantity(requests.get("memory", "0")))
    assert memory % MIB == 0
    return Resources(
        amount("cpu", quantity(requests.get("cpu", "0"))),
        memory // MIB,
        int(requests.get("nvidia.com/gpu", "0")),
    )


def play(scenario: dict[str, Any]) -> list[list[Any]]:
    """What happens, as the scenario's own ``events`` say it: ``[second, what, workload(, flavors or reason)]``."""
    settings = KueueSettings.model_construct(
        manifests=(),
        sessions={},
        nominal_quotas={},
        ephemeral_storage={f"with {size}": size for size in ("20Gi",)},
        fair_sharing=FairSharingSettings(enable=scenario["fair_sharing"]),
        cycles_per_instant=1000,
        admission_rate=None,
    )
    installation = Installation(configuration(scenario), settings)
    policies = Policies(
        FirstComeFirstServed(),
        OpenAdmission(),
        FirstFit(),
        discipline=lambda cluster, policies: KueueQueue(cluster, policies, installation),
    )
    roomy = Cluster("roomy", [("node", Resources(10**9, 10**9, 10**6))])
    model = Model(roomy, policies, load_profile("instant"))
    events: list[list[Any]] = []
    several = len(scenario["flavors"]) > 1

    def hear(transition: Transition) -> None:
        what = STEPS.get(transition.step)
        if what is None:
            return
        event: list[Any] = [round(transition.time), what, transition.job.name]
        if what == "admit" and several:
            event.append(dict(pair.split("=") for pair in transition.reason.split(", ")))
        elif what == "evict":
            event.append(transition.reason)
        events.append(event)

    model.listeners.append(hear)
    # Ties go by name, and the jobs' numbers follow it.
    for number, workload in enumerate(sorted(scenario["workloads"], key=lambda w: str(w["name"]))):
        request = _request(workload["requests"])
        storage = workload["requests"].get("ephemeral-storage", "0")
        job = Job(
            number,
            workload["name"],
            "user",
            f"with {storage}",
            request,
            request,
            work=Work(seconds=workload["run"]),
            priority=workload["priority"],
            queue=workload["cq"],
        )
        model.engine.after(workload["submit"], Phase.SUBMIT, model.submit, job)
    horizon = 1 + max((event[0] for event in scenario["events"]), default=0)
    while model.engine.next_due < min(inf, horizon):
        model.advance(model.engine.next_due)
    return events
