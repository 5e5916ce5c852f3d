"""What a pod's events are kept as."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockskaha.history import Fact, History
from skahasim.transition import Step

pytestmark = pytest.mark.evidence("skaha-contract §2.10: FIRST-TIME and LAST-TIME of an event that repeats")

KEPT = [Step.SCHEDULED, Step.PULLING, Step.CREATED, Step.UNSCHEDULABLE, Step.KILLING]
steps = st.tuples(
    st.sampled_from([*KEPT, Step.SUBMITTED, Step.READY]),
    st.integers(-1, 3),
    st.sampled_from(["", "a", "b", "ü"]),
)


@given(st.lists(steps, max_size=40))
def test_each_kind_is_there_once_with_its_first_and_last_time(happened):
    history, expected = History(), {}
    for time, (step, container, reason) in enumerate(happened):
        history.record(float(time), step, container, reason)
        if step in KEPT:
            first = expected.get((step, container, reason), (float(time),))[0]
            expected[(step, container, reason)] = (first, float(time))
    assert list(history) == [Fact(*kind, first, last) for kind, (first, last) in expected.items()]
    history.clear()
    assert list(history) == []


def test_it_stops_growing():
    history = History()
    for number in range(1000):
        history.record(float(number), Step.UNSCHEDULABLE, -1, f"reason {number}")
    history.record(5000.0, Step.UNSCHEDULABLE, -1, "reason 0")
    facts = list(history)
    assert len(facts) == 64
    assert facts[0] == Fact(Step.UNSCHEDULABLE, -1, "reason 0", 0.0, 5000.0)


def test_what_is_kept_is_bounded_with_its_reasons():
    history = History()
    for number in range(5000):
        history.record(float(number), Step.EVICTED, -1, f"reason {number}")
    assert len(list(history)) == 64
    assert len(history._reasons) == 64
