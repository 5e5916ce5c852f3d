import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skahasim.cluster import UNREACHABLE, UNSCHEDULABLE, Cluster
from skahasim.job import Job
from skahasim.policies import FirstFit, Placement, Spread
from skahasim.resources import NOTHING, Resources

AMOUNT = st.builds(Resources, st.integers(0, 4000), st.integers(0, 4096), st.integers(0, 1))


def job(number: int, request: Resources, limit: Resources | None = None) -> Job:
    return Job(number, f"job-{number}", "alice", "headless", request, limit or request)


def mixture() -> Cluster:
    """Full of cores, full of memory, full of GPUs, and one that has none."""
    cluster = Cluster(
        "test",
        [
            ("cores", Resources.of(8, 32, 1)),
            ("memory", Resources.of(8, 32, 1)),
            ("gpus", Resources.of(8, 32, 1)),
            ("none", Resources.of(8, 32)),
        ],
    )
    for number, request in enumerate((Resources.of(8, 1), Resources.of(1, 32), Resources.of(1, 1, 1))):
        cluster.bind(job(number, request), cluster.nodes[number])
    return cluster


@pytest.mark.parametrize(
    ("wanted", "reasons"),
    [
        (Resources.of(1, 1, 1), "1 Insufficient cpu, 1 Insufficient memory, 2 Insufficient nvidia.com/gpu"),
        (Resources.of(8, 1, 1), "1 Insufficient memory, 2 Insufficient nvidia.com/gpu, 3 Insufficient cpu"),
        (Resources.of(9, 1), "1 Insufficient memory, 4 Insufficient cpu"),
        (Resources.of(1, 33), "1 Insufficient cpu, 4 Insufficient memory"),
        (Resources.of(1, 1, 2), "1 Insufficient cpu, 1 Insufficient memory, 4 Insufficient nvidia.com/gpu"),
        (Resources.of(9, 33, 2), "4 Insufficient cpu, 4 Insufficient memory, 4 Insufficient nvidia.com/gpu"),
    ],
)
def test_why_no_node_takes_it(wanted: Resources, reasons: str) -> None:
    assert mixture().explain(wanted) == (
        f"0/4 nodes are available: {reasons}. preemption: 0/4 nodes are available: "
        "4 No preemption victims found for incoming pod."
    )


def test_reasons_are_in_the_order_of_their_text_as_kube_scheduler_sorts_them() -> None:
    cluster = Cluster("test", [(f"node-{n}", Resources.of(4, 8 if n < 10 else 64)) for n in range(12)])
    for node in cluster.nodes[3:]:
        cluster.bind(job(node.index, Resources.of(4, 1)), node)
    assert cluster.explain(Resources.of(1, 16)).startswith(
        "0/12 nodes are available: 10 Insufficient memory, 9 Insufficient cpu. "
    )


def test_a_closed_node_is_unschedulable_and_preemption_does_not_help() -> None:
    cluster = mixture()
    for node in cluster.nodes[1:3]:
        cluster.close(node)
    cluster.close(cluster.nodes[3], UNREACHABLE)
    assert cluster.explain(Resources.of(1, 1)) == (
        "0/4 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint "
        "{node.kubernetes.io/unreachable: }, 2 node(s) were unschedulable. preemption: 0/4 nodes are available: "
        "1 No preemption victims found for incoming pod, 3 Preemption is not helpful for scheduling."
    )
    cluster.close(cluster.nodes[0])
    assert cluster.explain(Resources.of(1, 1)).endswith(
        "preemption: 0/4 nodes are available: 4 Preemption is not helpful for scheduling."
    )
    cluster.reopen(cluster.nodes[3], UNREACHABLE)
    assert "3 node(s) were unschedulable. " in cluster.explain(Resources.of(9, 1))


@pytest.mark.parametrize("request_", [Resources(), Resources.of(0, 0, 1), Resources.of(1, 1)])
@pytest.mark.parametrize("placement", [FirstFit(), Spread()])
def test_a_closed_node_takes_nothing_not_even_what_asks_for_nothing(
    request_: Resources, placement: Placement
) -> None:
    cluster = Cluster("test", [("node", Resources.of(2, 8, 1))])
    node = cluster.nodes[0]
    assert placement.choose(request_, cluster.nodes) is node
    cluster.close(node)
    assert placement.choose(request_, cluster.nodes) is None
    with pytest.raises(ValueError, match="does not fit on Node"):
        cluster.bind(job(0, request_), node)


def test_a_node_closed_twice_is_reopened_twice() -> None:
    cluster = Cluster("test", [("node", Resources.of(2, 8)), ("other", Resources.of(1, 4))])
    node = cluster.node("node")
    cluster.close(node)
    cluster.close(node)
    cluster.close(node, UNREACHABLE)
    assert (cluster.open_capacity, cluster.capacity) == (Resources.of(1, 4), Resources.of(3, 12))
    assert [cluster.reopen(node, why) for why in (UNSCHEDULABLE, UNREACHABLE)] == [False, False]
    with pytest.raises(ValueError, match="node is not closed because node"):
        cluster.reopen(node, UNREACHABLE)
    assert (node.is_open, cluster.reopen(node), node.is_open) == (False, True, True)
    assert (cluster.open_capacity, node.free) == (cluster.capacity, node.capacity)
    with pytest.raises(ValueError, match="is not closed"):
        cluster.reopen(node)


def test_what_ends_on_a_closed_node_is_free_when_it_opens() -> None:
    cluster = Cluster("test", [("node", Resources.of(8, 32))])
    node = cluster.nodes[0]
    stays, ends = job(0, Resources.of(1, 2)), job(1, Resources.of(4, 4))
    for one in (stays, ends):
        cluster.bind(one, node)
    cluster.close(node)
    assert node.idle == Resources.of(3, 26)
    cluster.unbind(ends)
    assert (cluster.allocated, node.idle) == (stays.request, Resources.of(7, 30))
    assert not Resources().fits(node.free)
    cluster.reopen(node)
    assert node.free == node.idle == Resources.of(7, 30)


def test_what_does_not_fit_is_refused() -> None:
    cluster = Cluster("test", [("node", Resources.of(2, 8))])
    with pytest.raises(ValueError, match="does not fit on Node"):
        cluster.bind(job(0, Resources.of(3, 1)), cluster.nodes[0])
    with pytest.raises(ValueError, match="is on no node"):
        cluster.unbind(job(0, Resources.of(1, 1)))
    assert (cluster.allocated, cluster.nodes[0].free) == (NOTHING, Resources.of(2, 8))


@hypothesis.settings(deadline=None)
@given(st.lists(st.tuples(AMOUNT, AMOUNT, st.integers(0, 1)), max_size=12), st.randoms(use_true_random=False))
def test_what_is_bound_is_what_is_missing(
    plan: list[tuple[Resources, Resources, int]], order: object
) -> None:
    cluster = Cluster("test", [("one", Resources(8000, 8192, 2)), ("two", Resources(4000, 8192, 0))])
    assert cluster.capacity == Resources(12000, 16384, 2)
    bound = []
    for number, (request, limit, index) in enumerate(plan):
        node = cluster.nodes[index]
        if request.fits(node.free):
            bound.append(job(number, request, limit))
            cluster.bind(bound[-1], node)
    order.shuffle(bound)  # type: ignore[attr-defined]
    while True:
        for node in cluster.nodes:
            here = [item for item in bound if item.node is node]
            held = NOTHING
            for item in here:
                held = held.plus(item.request)
            assert node.free == node.capacity.minus(held)
            assert set(node.jobs) == set(here)
            assert node.flexible_millicores == sum(item.request.millicores for item in here if item.may_burst)
        assert cluster.allocated == cluster.capacity.minus(cluster.nodes[0].free.plus(cluster.nodes[1].free))
        if not bound:
            break
        cluster.unbind(bound.pop())
    assert cluster.allocated == NOTHING


def test_a_node_forgets_the_image_used_longest_ago() -> None:
    node = Cluster("test", [("node", Resources.of(1, 1))]).nodes[0]
    for number in range(512):
        node.use_image(f"image-{number}", float(number))
    node.use_image("image-0", 600.0)
    node.use_image("image-512", 700.0)
    assert len(node.images) == 512
    assert "image-1" not in node.images
    assert node.images["image-0"] == 600.0
