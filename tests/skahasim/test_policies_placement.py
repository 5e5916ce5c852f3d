"""Placements: each choice against its definition, tried on every node."""

import os
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import hypothesis
from hypothesis import given
from hypothesis import strategies as st

from skahasim.cluster import Cluster, Node
from skahasim.configuration import PlacementSettings
from skahasim.job import Job
from skahasim.policies import PLACEMENTS, placement_from
from skahasim.resources import Resources

LAW = hypothesis.settings(deadline=None, max_examples=3000 if os.environ.get("MOCKSKAHA_DEEP") else 100)


def left(node: Node, request: Resources) -> list[Fraction]:
    """Free shares of the resources the node has, once ``request`` is there."""
    return [
        Fraction(free - wanted, capacity)
        for free, wanted, capacity in zip(node.free, request, node.capacity, strict=True)
        if capacity
    ]


Score = Callable[[Node, Resources], Any]
SCORES: dict[str, Score] = {
    "best-fit": lambda node, _: (node.free.millicores, node.free.ram_mib),
    "dominant-resource": lambda node, request: max(left(node, request)),
    "first-fit": lambda node, _: 0,
    "most-allocated": lambda node, request: sum(left(node, request)[:2]),
    "spread": lambda node, request: -sum(left(node, request)[:2]),
    "worst-fit": lambda node, _: (-node.free.millicores, -node.free.ram_mib),
}
"""The node with the smallest is chosen, the first among equals."""

# Powers of two, so that shares are exact in floating point and equal ones tie.
CAPACITY = st.builds(
    Resources.of, st.sampled_from([4, 8, 16]), st.sampled_from([16, 32, 64]), st.sampled_from([0, 0, 2])
)
REQUEST = st.builds(Resources.of, st.integers(0, 8), st.integers(0, 24), st.sampled_from([0, 0, 0, 1]))
NODES = st.lists(
    st.tuples(CAPACITY, st.lists(REQUEST, max_size=3), st.sampled_from([False] * 5 + [True])), max_size=6
)


def cluster_of(content: list[tuple[Resources, list[Resources], bool]]) -> Cluster:
    cluster = Cluster("test", [(f"node-{n}", capacity) for n, (capacity, _, _) in enumerate(content)])
    for node, (_, taken, closed) in zip(cluster.nodes, content, strict=True):
        for request in taken:
            if request.fits(node.free):
                cluster.bind(Job(0, "job", "a", "headless", request, request), node)
        if closed:
            cluster.close(node)
    return cluster


def test_every_placement_has_its_definition_here() -> None:
    assert set(SCORES) == set(PLACEMENTS)


@LAW
@given(content=NODES, request=REQUEST)
def test_the_choice_is_the_best_of_all_nodes(
    content: list[tuple[Resources, list[Resources], bool]], request: Resources
) -> None:
    nodes = cluster_of(content).nodes
    fitting = [node for node in nodes if request.fits(node.free)]
    for name, score in SCORES.items():
        best = min(((score(node, request), node.index) for node in fitting), default=None)
        chosen = placement_from(PlacementSettings(policy=name)).choose(request, nodes)
        assert chosen is (nodes[best[1]] if best else None), name


@LAW
@given(content=NODES, request=REQUEST)
def test_nodes_with_gpus_are_the_last_choice_of_who_needs_none(
    content: list[tuple[Resources, list[Resources], bool]], request: Resources
) -> None:
    nodes = cluster_of(content).nodes
    without = [node for node in nodes if not node.capacity.gpus and request.fits(node.free)]
    expected = without if without and not request.gpus else nodes
    for name in SCORES:
        plain = placement_from(PlacementSettings(policy=name))
        careful = placement_from(PlacementSettings(policy=name, avoid_gpu_nodes=True))
        assert careful.choose(request, iter(nodes)) is plain.choose(request, expected), name


def test_the_six_choices_differ_where_they_should() -> None:
    cluster = Cluster(
        "test",
        [
            ("middling", Resources.of(16, 64)),
            ("tight-in-cores", Resources.of(16, 64)),
            ("tight-in-both", Resources.of(32, 64)),
            ("roomy", Resources.of(64, 64)),
        ],
    )
    for node, free in zip(cluster.nodes, [(8, 32), (3, 60), (8, 16), (50, 40)], strict=True):
        taken = node.capacity.minus(Resources.of(*free))
        cluster.bind(Job(0, "job", "a", "headless", taken, taken), node)
    request = Resources.of(2, 4)
    chosen = {
        name: placement_from(PlacementSettings(policy=name)).choose(request, cluster.nodes) for name in SCORES
    }
    assert {name: node.name for name, node in chosen.items() if node} == {
        "best-fit": "tight-in-cores",
        "dominant-resource": "tight-in-both",
        "first-fit": "middling",
        "most-allocated": "tight-in-both",
        "spread": "roomy",
        "worst-fit": "roomy",
    }
