"""The index of roomy nodes chooses what looking at every node would."""

from __future__ import annotations

import os

import hypothesis
import hypothesis.strategies as st
from hypothesis import given

from skahasim.cluster import Cluster
from skahasim.job import Job
from skahasim.policies.placement import Spread
from skahasim.resources import Resources

CAPACITIES = st.sampled_from(
    [Resources.of(64, 241), Resources.of(3, 7), Resources.of(7, 3), Resources.of(64, 241, 2)]
)
REQUESTS = st.builds(
    Resources, st.integers(0, 9).map((1000).__mul__), st.integers(0, 9).map((1100).__mul__), st.integers(0, 1)
)


def job(number: int, request: Resources) -> Job:
    return Job(number, f"j{number}", "u", "headless", request, request)


@hypothesis.settings(deadline=None, max_examples=1000 if os.environ.get("MOCKSKAHA_DEEP") else 80)
@given(
    st.lists(CAPACITIES, min_size=9, max_size=14),
    st.lists(st.tuples(REQUESTS, st.integers(0, 6), st.integers(0, 30)), min_size=1, max_size=40),
)
def test_the_roomiest_node_is_the_one_a_look_at_all_finds(
    capacities: list[Resources], steps: list[tuple[Resources, int, int]]
) -> None:
    cluster = Cluster("c", [(f"n{index}", capacity) for index, capacity in enumerate(capacities)])
    spread = Spread()
    bound: list[Job] = []
    for number, (request, what, which) in enumerate(steps):
        node = cluster.nodes[which % len(cluster.nodes)]
        if what == 0 and bound:
            cluster.unbind(bound.pop(which % len(bound)))
        elif what == 1 and node.is_open:
            cluster.close(node)
        elif what == 1:
            cluster.reopen(node)
        chosen = spread.choose(request, cluster.nodes)
        assert chosen is spread.choose(request, list(cluster.nodes))
        if chosen is not None:
            bound.append(job(number, request))
            cluster.bind(bound[-1], chosen)


def test_among_equals_the_first_node_is_chosen() -> None:
    cluster = Cluster("c", [(f"n{index:02}", Resources.of(8, 32)) for index in range(12)])
    chosen = []
    for number in range(13):
        node = Spread().choose(Resources.of(1, 4), cluster.nodes)
        assert node is not None
        cluster.bind(job(number, Resources.of(1, 4)), node)
        chosen.append(node.index)
    assert chosen == [*range(12), 0]
