import pytest

from skahasim.cluster import Cluster
from skahasim.configuration import QueueSettings
from skahasim.job import Job
from skahasim.policies import (
    FirstComeFirstServed,
    FirstFit,
    Limits,
    OpenAdmission,
    SizeClass,
    SizePriority,
    Spread,
    UnknownPolicy,
    policies_from,
)
from skahasim.resources import Resources


def job(request: Resources, user: str = "alice", group: str = "") -> Job:
    return Job(0, "job", user, "headless", request, request, group=group)


@pytest.mark.parametrize(
    ("cores", "ram_gib", "key"),
    [
        (1, 1, 0), (3.999, 15.99, 0), (4, 1, 1), (1, 16, 1), (4, 16, 1), (15.999, 63.99, 1),
        (16, 1, 2), (1, 64, 2), (16, 64, 2),
    ],
)  # fmt: skip
def test_size_classes(cores: float, ram_gib: float, key: int) -> None:
    assert SizePriority().key(job(Resources.of(cores, ram_gib))) == key
    assert FirstComeFirstServed().key(job(Resources.of(cores, ram_gib))) == 0


def test_size_classes_are_configurable() -> None:
    ordering = SizePriority(small=SizeClass(2, 2), large=SizeClass(3, 3))
    assert [ordering.key(job(Resources.of(cores, 1))) for cores in (1, 2, 3)] == [0, 1, 2]


def test_first_fit_takes_the_first_node_in_the_clusters_order() -> None:
    nodes = Cluster("test", [(f"node-{n}", Resources.of(n, 8)) for n in range(1, 5)]).nodes
    assert FirstFit().choose(Resources.of(2, 1), nodes) is nodes[1]
    assert FirstFit().choose(Resources.of(5, 1), nodes) is None


def test_spread_takes_the_node_with_most_left_of_cores_and_memory() -> None:
    cluster = Cluster(
        "test", [("a", Resources.of(10, 100)), ("b", Resources.of(10, 100)), ("c", Resources.of(2, 10))]
    )
    a, b, c = cluster.nodes
    spread = Spread()
    assert spread.choose(Resources.of(1, 1), cluster.nodes) is a
    cluster.bind(job(Resources.of(2, 10)), a)
    assert spread.choose(Resources.of(1, 1), cluster.nodes) is b
    cluster.bind(job(Resources.of(1, 50)), b)
    assert spread.choose(Resources.of(1, 1), cluster.nodes) is a
    assert spread.choose(Resources.of(1, 1), [c]) is c
    assert spread.choose(Resources.of(9, 1), cluster.nodes) is b
    assert spread.choose(Resources.of(1, 1, 1), cluster.nodes) is None


def test_limits_say_what_they_are_about() -> None:
    admission = OpenAdmission(Limits(jobs=3, cores=4), Limits(ram_gib=10, gpus=1))
    held = job(Resources.of(2, 4, 1), group="survey")
    admission.acquire(held)
    assert admission.hold(job(Resources.of(2, 4), group="survey")) == ""
    assert admission.hold(job(Resources.of(2.5, 4))) == "the limit of user alice on cores (4.5 > 4)"
    assert (
        admission.hold(job(Resources.of(1, 6.5), "bob", "survey"))
        == "the limit of group survey on memory (10.5Gi > 10Gi)"
    )
    assert (
        admission.hold(job(Resources.of(1, 1, 1), "bob", "survey"))
        == "the limit of group survey on gpus (2 > 1)"
    )
    for _ in range(2):
        admission.acquire(job(Resources.of(0.1, 1)))
    assert admission.hold(job(Resources.of(0.1, 1))) == "the limit of user alice on jobs (4 > 3)"
    assert admission.release(held)
    assert admission.hold(job(Resources.of(0.1, 1))) == ""


def test_a_job_of_no_group_has_no_groups_limit() -> None:
    admission = OpenAdmission(per_group=Limits(jobs=0))
    assert admission.hold(job(Resources.of(1, 1), group="")) == ""
    assert (
        admission.hold(job(Resources.of(1, 1), group="survey")) == "the limit of group survey on jobs (1 > 0)"
    )


def test_without_limits_all_jobs_share_a_lane_and_nobody_waits_for_a_release() -> None:
    admission = OpenAdmission()
    assert admission.lane(job(Resources(), "alice", "a")) == admission.lane(job(Resources(), "bob", "b"))
    assert not admission.release(job(Resources()))
    limited = OpenAdmission(per_user=Limits(jobs=1))
    assert limited.lane(job(Resources(), "alice", "a")) == limited.lane(job(Resources(), "alice", "b"))
    assert limited.lane(job(Resources(), "alice")) != limited.lane(job(Resources(), "bob"))


def test_policies_are_chosen_by_name() -> None:
    settings = QueueSettings.model_validate(
        {
            "ordering": {"policy": "fifo"},
            "admission": {"per_user": {"jobs": 2}},
            "placement": {"policy": "first-fit"},
        }
    )
    policies = policies_from(settings)
    assert isinstance(policies.ordering, FirstComeFirstServed)
    assert isinstance(policies.placement, FirstFit)
    assert policies.admission.lane(job(Resources())) == ("alice", None)
    default = policies_from(QueueSettings())
    assert isinstance(default.ordering, SizePriority)
    assert isinstance(default.placement, Spread)


@pytest.mark.parametrize("section", ["ordering", "admission", "placement"])
def test_an_unknown_policy_says_what_is_known(section: str) -> None:
    settings = QueueSettings.model_validate({section: {"policy": "lottery"}})
    with pytest.raises(UnknownPolicy, match=rf"queue\.{section}\.policy: unknown policy 'lottery'; known: "):
        policies_from(settings)
