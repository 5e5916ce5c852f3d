"""Kueue's objects out of YAML, their mistakes, and back into YAML."""

import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skahasim.kueue import objects as kueue
from skahasim.kueue.manifests import Configuration, dump, load_manifests, parse_manifests
from skahasim.kueue.quantity import amount, quantity, written
from skahasim.yamlfile import ConfigurationError

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "kueue"
GIB = 2**30


# -- quantities ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2189", 2189), ("28.8", Fraction("28.8")), ("28800m", Fraction("28.8")), ("94Gi", 94 * GIB),
        ("1.5Gi", 3 * 2**29), ("2k", 2000), ("1E", 10**18), ("1e3", 1000), ("2E-3", Fraction(1, 500)),
        (".5", Fraction(1, 2)), ("5.", 5), ("7u", Fraction(7, 10**6)), ("1Ki", 1024), ("-2", -2), ("+2", 2),
        (9, 9), (28.8, Fraction("28.8")), (0, 0),
    ],
)  # fmt: skip
def test_a_quantity_is_exact(text: object, value: Fraction) -> None:
    assert quantity(text) == value


@pytest.mark.parametrize(
    "text", ["", "Gi", "2 Gi", "2GiB", "2gi", "1e", "two", "0x10", "--1", ".", None, True, [2], "1Ke3", "∞"]
)
def test_what_is_no_quantity_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="is not a Kubernetes quantity"):
        quantity(text)


def test_amounts_are_whole_and_rounded_up() -> None:
    assert [amount("cpu", quantity(text)) for text in ("1", "28.8", "0.0001", "1500m")] == [
        1000,
        28800,
        1,
        1500,
    ]
    assert [amount("memory", quantity(text)) for text in ("1Ki", "0.5", "1500m")] == [1024, 1, 2]


@given(st.sampled_from(["cpu", "memory", "nvidia.com/gpu"]), st.integers(0, 2**70))
def test_a_written_amount_is_read_back(resource: str, units: int) -> None:
    assert amount(resource, quantity(written(resource, units))) == units


# -- the examples ----------------------------------------------------------------------------------------


def canfar(
    cpu: int, cpu_limit: int, memory: tuple[int, int], scratch: tuple[int, int], gpus: int
) -> Configuration:
    quotas = {
        "cpu": kueue.Quota(cpu, cpu_limit, cpu_limit),
        "memory": kueue.Quota(memory[0] * GIB, memory[1] * GIB, memory[1] * GIB),
        "ephemeral-storage": kueue.Quota(scratch[0] * GIB, scratch[1] * GIB, scratch[1] * GIB),
    }
    if gpus:
        quotas["nvidia.com/gpu"] = kueue.Quota(gpus)
    lower = kueue.PreemptionPolicy.LOWER_PRIORITY
    return Configuration(
        cluster_queues=(
            kueue.ClusterQueue(
                "skaha-cluster-queue",
                (kueue.ResourceGroup(tuple(quotas), (kueue.FlavorQuotas("default", quotas),)),),
                cohort="skaha-cohort",
                queueing_strategy=kueue.QueueingStrategy.BEST_EFFORT_FIFO,
                preemption=kueue.Preemption(lower, lower, kueue.BorrowWithinCohort(lower, 10_000)),
                namespace_selector={
                    "matchExpressions": [
                        {
                            "key": "kubernetes.io/metadata.name",
                            "operator": "In",
                            "values": ["skaha-workload", "canfar-b-workload"],
                        }
                    ]
                },
            ),
        ),
        flavors=(kueue.ResourceFlavor("default"),),
        local_queues=(
            kueue.LocalQueue("skaha-local-queue", "skaha-cluster-queue", "skaha-workload"),
            kueue.LocalQueue("canfar-b-local-queue", "skaha-cluster-queue", "canfar-b-workload"),
        ),
        priority_classes=(
            kueue.WorkloadPriorityClass("low", 10_000, "Batch work; gives way to everything else."),
            kueue.WorkloadPriorityClass("medium", 100_000, "Gives way to interactive sessions."),
            kueue.WorkloadPriorityClass("high", 1_000_000, "Interactive sessions; give way to nothing."),
        ),
    )


def test_the_queue_of_canfar_in_production() -> None:
    found = load_manifests([EXAMPLES / "canfar-production.yaml"])
    assert found == canfar(2_189_000, 420_000, (9063, 1640), (52636, 13159), 9)


def test_the_queue_of_canfar_in_development() -> None:
    found = load_manifests([EXAMPLES / "canfar-development.yaml"])
    assert found == canfar(28_800, 6_000, (94, 32), (700, 200), 0)


# -- versions and shapes -----------------------------------------------------------------------------------

OLD = """\
# a comment before the first document
---
apiVersion: kueue.x-k8s.io/v1beta1
kind: ResourceFlavor
metadata: {name: spot}
spec:
  nodeLabels: {instance: spot}
  nodeTaints: [{key: spot, value: "true", effect: NoSchedule}]
  tolerations: [{key: spot, operator: Exists}]
---
apiVersion: kueue.x-k8s.io/v1alpha1
kind: Cohort
metadata: {name: team}
spec: {parent: all}
---
apiVersion: v1
kind: Namespace
metadata: {name: astronomy}
--- # nothing
---
apiVersion: kueue.x-k8s.io/v1beta1
kind: ClusterQueue
metadata: {name: cq}
spec:
  cohort: team
  admissionChecks: [sample]
  flavorFungibility: {whenCanBorrow: Borrow, whenCanPreempt: Preempt}
  fairSharing: {weight: "0.75"}
  resourceGroups:
  - coveredResources: [cpu, memory]
    flavors:
    - name: spot
      resources:
      - {name: cpu, nominalQuota: 9, lendingLimit: null}
      - {name: memory, nominalQuota: 36Gi, borrowingLimit: 1Gi, lendingLimit: 36Gi}
---
apiVersion: kueue.x-k8s.io/v1beta1
kind: LocalQueue
metadata: {name: lq}
spec: {clusterQueue: cq, stopPolicy: Hold}
"""
NEW = """\
apiVersion: v1
kind: List
items:
- apiVersion: kueue.x-k8s.io/v1beta2
  kind: ResourceFlavor
  metadata: {name: spot, creationTimestamp: "2026-01-01T00:00:00Z"}
  spec:
    nodeLabels: {instance: spot}
    nodeTaints: [{key: spot, value: "true", effect: NoSchedule}]
    tolerations: [{key: spot, operator: Exists}]
- apiVersion: kueue.x-k8s.io/v1beta2
  kind: Cohort
  metadata: {name: team}
  spec: {parentName: all}
- apiVersion: kueue.x-k8s.io/v1beta2
  kind: ClusterQueue
  metadata: {name: cq}
  spec:
    cohortName: team
    flavorFungibility: {whenCanBorrow: MayStopSearch, whenCanPreempt: MayStopSearch}
    fairSharing: {weight: 750m}
    queueingStrategy: BestEffortFIFO
    stopPolicy: None
    preemption: {borrowWithinCohort: {policy: Never}, reclaimWithinCohort: Never, withinClusterQueue: Never}
    resourceGroups:
    - coveredResources: [cpu, memory]
      flavors:
      - name: spot
        resources:
        - {name: cpu, nominalQuota: "9"}
        - {name: memory, nominalQuota: 36Gi, borrowingLimit: 1024Mi, lendingLimit: 36Gi}
  status: {pendingWorkloads: 3, flavorsReservation: []}
- apiVersion: kueue.x-k8s.io/v1beta2
  kind: LocalQueue
  metadata: {name: lq, namespace: default}
  spec: {clusterQueue: cq, stopPolicy: Hold}
"""


def test_both_versions_say_the_same_and_other_kinds_are_noted() -> None:
    old, new = parse_manifests(OLD, "old.yaml"), parse_manifests(NEW, "new.yaml")
    assert old.notes == ("old.yaml:17: Namespace is passed over",)
    assert new.notes == ()
    assert dump(old) == dump(new)
    (queue,) = old.cluster_queues
    assert (queue.cohort, queue.fair_weight) == ("team", 0.75)
    assert queue.flavor_fungibility == kueue.FlavorFungibility(
        kueue.FungibilityPolicy.MAY_STOP_SEARCH, kueue.FungibilityPolicy.MAY_STOP_SEARCH
    )
    assert queue.resource_groups[0].flavors[0].quotas == {
        "cpu": kueue.Quota(9000),
        "memory": kueue.Quota(36 * GIB, GIB, 36 * GIB),
    }
    assert old.cohorts == (kueue.Cohort("team", "all"),)
    assert old.local_queues == (kueue.LocalQueue("lq", "cq", stop_policy=kueue.StopPolicy.HOLD),)


def test_what_is_left_out_is_what_the_api_server_sets() -> None:
    (queue,) = parse_manifests(
        "apiVersion: kueue.x-k8s.io/v1beta2\nkind: ClusterQueue\nmetadata: {name: cq}\nspec:\n  preemption:\n"
    ).cluster_queues
    assert queue == kueue.ClusterQueue(
        "cq",
        queueing_strategy=kueue.QueueingStrategy.BEST_EFFORT_FIFO,
        preemption=kueue.Preemption(kueue.PreemptionPolicy.NEVER, kueue.PreemptionPolicy.NEVER, None),
        flavor_fungibility=kueue.FlavorFungibility(
            kueue.FungibilityPolicy.MAY_STOP_SEARCH,
            kueue.FungibilityPolicy.TRY_NEXT_FLAVOR,
            kueue.FungibilityPreference.BORROWING_OVER_PREEMPTION,
        ),
        fair_weight=1.0,
        stop_policy=kueue.StopPolicy.NONE,
        namespace_selector=None,
    )


NAMES = st.from_regex(r"[a-z]([a-z0-9-]{0,6}[a-z0-9])?", fullmatch=True)
WORDS = kueue.PreemptionPolicy


@st.composite
def configurations(draw: st.DrawFn) -> Configuration:
    flavors = draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))
    covered = draw(
        st.lists(st.sampled_from(["cpu", "memory", "nvidia.com/gpu", "pods"]), min_size=1, unique=True)
    )

    def groups(*, has_parent: bool) -> tuple[kueue.ResourceGroup, ...]:
        limits = st.none() | st.integers(0, 10**12) if has_parent else st.none()

        def quota() -> kueue.Quota:
            nominal = draw(st.integers(0, 10**12))
            lending = st.none() | st.integers(0, nominal) if has_parent else st.none()
            return kueue.Quota(nominal, draw(limits), draw(lending))

        return (
            kueue.ResourceGroup(
                tuple(covered),
                tuple(kueue.FlavorQuotas(name, {r: quota() for r in covered}) for name in flavors),
            ),
        )

    names = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    # A parent stands earlier in the list, so there is no circle.
    cohorts = tuple(
        kueue.Cohort(
            name,
            parent := draw(st.sampled_from(["", *names[:index]])),
            groups(has_parent=bool(parent)),
            draw(st.sampled_from([0.0, 0.5, 1.0, 3.0])),
        )
        for index, name in enumerate(names)
    )
    reclaim = draw(st.sampled_from([WORDS.NEVER, WORDS.LOWER_PRIORITY, WORDS.ANY]))
    borrow = kueue.BorrowWithinCohort(WORDS.LOWER_PRIORITY, draw(st.none() | st.integers(-5, 5)))
    cohort = draw(st.sampled_from(["", *names]))
    queue = kueue.ClusterQueue(
        draw(NAMES),
        groups(has_parent=bool(cohort)),
        cohort,
        draw(st.sampled_from(kueue.QueueingStrategy)),
        kueue.Preemption(
            draw(st.sampled_from([WORDS.NEVER, WORDS.LOWER_PRIORITY, WORDS.LOWER_OR_NEWER_EQUAL_PRIORITY])),
            reclaim,
            None if reclaim is WORDS.NEVER else draw(st.sampled_from([None, borrow])),
        ),
        kueue.FlavorFungibility(
            draw(st.sampled_from(kueue.FungibilityPolicy)),
            draw(st.sampled_from(kueue.FungibilityPolicy)),
            draw(st.sampled_from(kueue.FungibilityPreference)),
        ),
        draw(st.sampled_from([0.25, 1.0, 7.0])),
        draw(st.sampled_from(kueue.StopPolicy)),
        draw(st.sampled_from([None, {}, {"matchLabels": {"a": "b"}}])),
    )
    return Configuration(
        (queue,),
        cohorts,
        tuple(kueue.ResourceFlavor(name, {"zone": name}) for name in flavors),
        tuple(
            kueue.LocalQueue(name, queue.name, "astronomy", draw(st.sampled_from(kueue.StopPolicy)))
            for name in draw(st.lists(NAMES, max_size=2, unique=True))
        ),
        (kueue.WorkloadPriorityClass("low", draw(st.integers(-(2**31), 2**31 - 1)), "the last"),),
    )


@hypothesis.settings(deadline=None, max_examples=300 if os.environ.get("MOCKSKAHA_DEEP") else 30)
@given(configurations())
def test_what_is_dumped_is_read_back(configuration: Configuration) -> None:
    assert parse_manifests(dump(configuration)) == configuration


# -- mistakes --------------------------------------------------------------------------------------------


def mistakes(text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        parse_manifests(text, "k.yaml")
    return [str(problem) for problem in caught.value.problems]


FLAVOR = "apiVersion: kueue.x-k8s.io/v1beta2\nkind: ResourceFlavor\nmetadata: {name: default}\n---\n"
QUEUE = "apiVersion: kueue.x-k8s.io/v1beta2\nkind: ClusterQueue\nmetadata: {name: cq}\nspec:\n"
GROUP = """\
  resourceGroups:
  - coveredResources: [cpu, memory]
    flavors:
    - name: default
      resources:
      - {name: cpu, nominalQuota: 1}
      - {name: memory, nominalQuota: 1Gi}
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "apiVersion: kueue.x-k8s.io/v2\nkind: LocalQueue",
            "k.yaml:1: apiVersion: unknown apiVersion 'kueue.x-k8s.io/v2' of LocalQueue; known: "
            "kueue.x-k8s.io/v1beta1, kueue.x-k8s.io/v1beta2",
        ),
        ("\n\nkind: LocalQueue", "k.yaml:3: apiVersion: missing, or not text"),
        ("- 1", "k.yaml:1: should be a Kubernetes object"),
        (QUEUE + "  cohort: c", "k.yaml:5: spec.cohort: unknown key; did you mean 'cohortName'?"),
        (
            QUEUE + "  queueingStrategy: Fifo",
            "k.yaml:5: spec.queueingStrategy: should be 'StrictFIFO' or 'BestEffortFIFO', not 'Fifo'",
        ),
        (
            FLAVOR + QUEUE + GROUP.replace("1Gi", "1GiB"),
            "k.yaml:15: spec.resourceGroups[0].flavors[0].resources[1].nominalQuota: "
            "'1GiB' is not a Kubernetes quantity, such as 2, 28800m or 241Gi",
        ),
        (
            FLAVOR + QUEUE + GROUP.replace("1Gi", "-1Gi"),
            "k.yaml:15: spec.resourceGroups[0].flavors[0].resources[1].nominalQuota: must not be negative, not '-1Gi'",
        ),
        (
            FLAVOR + QUEUE + GROUP.replace("name: default", "name: other"),
            "k.yaml:12: spec.resourceGroups[0].flavors[0].name: there is no ResourceFlavor 'other'; known: default",
        ),
        (
            FLAVOR + QUEUE + GROUP.replace("[cpu, memory]", "[memory, cpu]"),
            "k.yaml:13: spec.resourceGroups[0].flavors[0].resources: "
            "must list the covered resources, in their order: memory, cpu",
        ),
        (
            FLAVOR + QUEUE + GROUP.replace("nominalQuota: 1}", "nominalQuota: 1, borrowingLimit: 1}"),
            "k.yaml:14: spec.resourceGroups[0].flavors[0].resources[0].borrowingLimit: "
            "there is no cohort to borrow from or to lend to",
        ),
        (
            FLAVOR + QUEUE + "  cohortName: c\n" + GROUP.replace("1}", "1, lendingLimit: 2}"),
            "k.yaml:15: spec.resourceGroups[0].flavors[0].resources[0].lendingLimit: is more than nominalQuota",
        ),
        (
            QUEUE + "  preemption:\n    borrowWithinCohort:\n      policy: LowerPriority",
            "k.yaml:7: spec.preemption.borrowWithinCohort.policy: needs a reclaimWithinCohort other than Never",
        ),
        (
            FLAVOR.replace("ResourceFlavor", "LocalQueue") + QUEUE,
            "k.yaml:1: spec: missing, and has no default",
        ),
        (
            QUEUE + "---\napiVersion: kueue.x-k8s.io/v1beta1\nkind: LocalQueue\nmetadata: {name: l}\nspec:\n"
            "  clusterQueue: other",
            "k.yaml:10: spec.clusterQueue: there is no ClusterQueue 'other'; known: cq",
        ),
        (
            FLAVOR + FLAVOR,
            "k.yaml:7: metadata.name: a second ResourceFlavor 'default'; the first is at k.yaml:3",
        ),
        ("a: [", "k.yaml:2: not YAML: did not find expected node content"),
    ],
)
def test_a_mistake_is_told_with_its_line(text: str, expected: str) -> None:
    assert mistakes(text) == [expected]


def test_a_resource_or_flavor_has_one_group() -> None:
    group = GROUP.replace("  resourceGroups:\n", "")
    assert mistakes(FLAVOR + QUEUE + GROUP + group) == [
        "k.yaml:16: spec.resourceGroups[1].coveredResources[0]: cpu is covered already; once is all it may be",
        "k.yaml:16: spec.resourceGroups[1].coveredResources[1]: memory is covered already; once is all it may be",
        "k.yaml:18: spec.resourceGroups[1].flavors[0].name: flavor 'default' has its quotas already",
    ]


def test_a_circle_of_cohorts_is_told_once() -> None:
    cohort = "apiVersion: kueue.x-k8s.io/v1beta2\nkind: Cohort\nmetadata: {name: %s}\nspec: {parentName: %s}\n---\n"
    text = cohort % ("a", "b") + cohort % ("b", "c") + cohort % ("c", "b") + cohort % ("d", "d")
    assert mistakes(text) == [
        "k.yaml:9: spec.parentName: the cohort is its own ancestor: b -> c -> b",
        "k.yaml:19: spec.parentName: the cohort is its own ancestor: d -> d",
    ]


def test_all_mistakes_of_all_files_are_told_together(tmp_path: Path) -> None:
    one, two = tmp_path / "one.yaml", tmp_path / "two.yaml"
    one.write_text(QUEUE + "  stopPolicy: Never\n  queueingStrategy: 3\n---\nkind: Cohort\n")
    two.write_text("apiVersion: kueue.x-k8s.io/v1\nkind: Cohort\n")
    with pytest.raises(ConfigurationError) as caught:
        load_manifests([one, two, tmp_path / "three.yaml"])
    assert [(problem.origin.name, problem.origin.line) for problem in caught.value.problems] == [
        (str(one), 5), (str(one), 6), (str(one), 8), (str(tmp_path / "three.yaml"), None), (str(two), 1),
    ]  # fmt: skip


def test_reading_manifests_loads_nothing_heavy() -> None:
    heavy = {"numpy", "scipy", "pandas", "matplotlib", "jinja2", "rich"}
    script = f"import sys, skahasim.kueue.discipline, skahasim.policies; print(*sorted({heavy!r} & set(sys.modules)))"
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert (run.returncode, run.stdout.strip(), run.stderr) == (0, "", "")
