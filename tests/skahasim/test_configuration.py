import re

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from skahasim.configuration import (
    DNS_LABEL,
    ClusterSettings,
    LimitSettings,
    NodeGroup,
    QueueSettings,
    SizeClassSettings,
)


def test_the_default_cluster_is_the_production_cluster() -> None:
    cluster = ClusterSettings()
    assert cluster.node_count == 43
    assert sum(group.count * group.gpus for group in cluster.nodes) == 9
    assert cluster.nodes[0].node_names()[:2] == ("keel-prod-k8s-node-01", "keel-prod-k8s-node-02")
    assert {(group.cores, group.ram_gib) for group in cluster.nodes} == {(64, 241)}


def test_the_default_queue_lets_everybody_in_by_size() -> None:
    queue = QueueSettings()
    assert (queue.ordering.policy, queue.admission.policy, queue.placement.policy) == (
        "size-priority",
        "open",
        "spread",
    )
    sizes = queue.ordering.size_classes
    assert (sizes.small.cores, sizes.small.ram_gib) == (4, 16)
    assert (sizes.large.cores, sizes.large.ram_gib) == (16, 64)
    assert queue.admission.per_user == queue.admission.per_group == LimitSettings()
    assert set(LimitSettings().model_dump().values()) == {None}


@hypothesis.settings(deadline=None)
@given(st.integers(min_value=1, max_value=2_000))
def test_node_names_differ_are_in_order_and_are_dns_labels(count: int) -> None:
    names = NodeGroup(name="node", count=count, cores=1, ram_gib=1).node_names()
    assert len(names) == count
    assert list(names) == sorted(set(names))
    assert all(re.match(DNS_LABEL, name) for name in names)


def test_part_of_a_section_may_be_given_and_an_empty_one_is_its_default() -> None:
    assert SizeClassSettings.model_validate({"small": {"cores": 2}}).small.ram_gib == 16
    assert QueueSettings.model_validate({"ordering": None}) == QueueSettings()


def test_sections_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        ClusterSettings().name = "other"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("model", "data", "message"),
    [
        (ClusterSettings, {"nodes": []}, "at least 1 item"),
        (ClusterSettings, {"nodes": [{"name": "a", "count": 1, "cores": 1, "ram_gib": 1}] * 2}, "called 'a'"),
        (NodeGroup, {"name": "Upper", "count": 1, "cores": 1, "ram_gib": 1}, "pattern"),
        (NodeGroup, {"name": "a", "count": 0, "cores": 1, "ram_gib": 1}, "greater than or equal to 1"),
        (NodeGroup, {"name": "a", "count": 1, "cores": float("inf"), "ram_gib": 1}, "finite"),
        (SizeClassSettings, {"small": {"cores": 20}}, "must not be above"),
        (LimitSettings, {"jobs": -1}, "greater than or equal to 0"),
        (LimitSettings, {"cpus": 1}, "not permitted"),
    ],
)
def test_what_makes_no_sense_is_refused(model: type, data: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        model.model_validate(data)  # type: ignore[attr-defined]
