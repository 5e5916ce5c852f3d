"""``MOCKSKAHA_…`` variables: what one session shall do."""

from math import inf, isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockskaha.errors import InvalidRequest
from mockskaha.overrides import PREFIX, Overrides, overrides_in
from skahasim.amounts import duration
from skahasim.job import PullOutcome

pytestmark = pytest.mark.evidence("skaha-contract §3.3: variables reach a launch; the names are our own")

SESSIONS = "/skaha/v1/session"
IMAGE = "images.canfar.net/skaha/terminal:1.1.2"


KNOWN = (
    "MOCKSKAHA_RUNTIME, MOCKSKAHA_EXIT, MOCKSKAHA_MEMORY, MOCKSKAHA_CORES, MOCKSKAHA_READY, MOCKSKAHA_PULL, "
    "MOCKSKAHA_PULL_FOR, MOCKSKAHA_HOLD, MOCKSKAHA_SUSPEND, MOCKSKAHA_CRASH, MOCKSKAHA_OOM, MOCKSKAHA_EVICT, "
    "MOCKSKAHA_NODE_LOST, MOCKSKAHA_PREEMPT, MOCKSKAHA_PREEMPT_FOR, MOCKSKAHA_EXPIRE, MOCKSKAHA_STOP"
)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("RUNTIME", "90", Overrides(runtime=90)),
        ("RUNTIME", "90s", Overrides(runtime=90)),
        ("RUNTIME", "1h30m", Overrides(runtime=5400)),
        ("RUNTIME", "1d2h3m4.5s", Overrides(runtime=93784.5)),
        ("RUNTIME", "Forever", Overrides(runtime=inf)),
        ("RUNTIME", "0", Overrides(runtime=0)),
        ("EXIT", "0", Overrides(exit_code=0)),
        ("EXIT", "255", Overrides(exit_code=255)),
        ("MEMORY", "40Gi", Overrides(memory_gib=40)),
        ("MEMORY", "512Mi", Overrides(memory_gib=0.5)),
        ("MEMORY", "1073741824", Overrides(memory_gib=1)),
        ("CORES", "6", Overrides(cores=6)),
        ("CORES", "0.5", Overrides(cores=0.5)),
        ("READY", "30s", Overrides(ready=30)),
        ("READY", "never", Overrides(ready=inf)),
        ("PULL", "ok", Overrides(pull=PullOutcome.OK)),
        ("PULL", "Fail", Overrides(pull=PullOutcome.NOT_FOUND)),
        ("PULL", "unauthorized", Overrides(pull=PullOutcome.UNAUTHORIZED)),
        ("PULL", "not-found", Overrides(pull=PullOutcome.NOT_FOUND)),
        ("PULL_FOR", "1m", Overrides(pull_for=60)),
        ("HOLD", "1m", Overrides(hold=60)),
        ("HOLD", "forever", Overrides(hold=inf)),
        ("SUSPEND", "forever", Overrides(suspend=inf)),
        ("CRASH", "10s", Overrides(crash=10)),
        ("OOM", "10s", Overrides(oom=10)),
        ("EVICT", "10s", Overrides(evict=10)),
        ("NODE_LOST", "10s", Overrides(node_lost=10)),
        ("PREEMPT", "10s", Overrides(preempt=10)),
        ("PREEMPT_FOR", "forever", Overrides(preempt_for=inf)),
        ("EXPIRE", "2d", Overrides(expire=172800)),
        ("STOP", "30s", Overrides(stop=30)),
    ],
)
def test_what_is_understood(name, text, expected):
    assert overrides_in([("A", "x"), (PREFIX + name, text)]) == expected


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        *(("RUNTIME", text, "a duration such as 90s, 1h30m or forever") for text in
          ("soon", "-1", "1.5h", "1m1h", " ", "٣", "9" * 400, "99999d", "nan")),
        *(("EXIT", text, "an exit code from 0 to 255") for text in ("256", "-1", "x", "1.0", "9" * 5000)),
        *(("MEMORY", text, "an amount of memory such as 40Gi") for text in ("much", "40 Gi", "1Pi", "9" * 400, "-1")),
        *(("CORES", text, "a number of cores") for text in ("nan", "inf", "-1", "two")),
        *(("READY", text, "a duration such as 30s, or never") for text in ("forever", "x")),
        *((name, "x", "a duration such as 30s, or forever") for name in ("HOLD", "SUSPEND", "PULL_FOR", "PREEMPT_FOR")),
        *((name, "forever", "a duration such as 30s") for name in
          ("CRASH", "OOM", "EVICT", "NODE_LOST", "PREEMPT", "EXPIRE", "STOP")),
        *(("PULL", text, "ok, fail, not-found or unauthorized") for text in ("", "no")),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_said(name, text, expected):
    with pytest.raises(InvalidRequest) as refused:
        overrides_in([(PREFIX + name, text)])
    assert str(refused.value) == f"Invalid value for '{PREFIX}{name}': {text} (expected {expected})"


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(InvalidRequest) as refused:
        overrides_in([("MOCKSKAHA_SPEED", "2")])
    assert str(refused.value) == f"unknown override MOCKSKAHA_SPEED; known: {KNOWN}"


@given(
    days=st.integers(0, 3), hours=st.integers(0, 99), minutes=st.integers(0, 99),
    seconds=st.decimals(0, 99, places=2).map(str),
)  # fmt: skip
def test_a_duration_is_the_sum_of_its_parts(days, hours, minutes, seconds):
    expected = ((days * 24 + hours) * 60 + minutes) * 60 + float(seconds)
    assert duration(f"{days}d{hours}h{minutes}m{seconds}s") == pytest.approx(expected)


@given(
    name=st.sampled_from(["RUNTIME", "EXIT", "MEMORY", "CORES", "READY", "PULL", "HOLD", "STOP", ""]),
    text=st.text(),
)
def test_any_text_is_understood_or_refused(name, text):
    try:
        found = overrides_in([(PREFIX + name, text)])
    except InvalidRequest:
        return
    assert found.memory_gib is None or isfinite(found.memory_gib)
    assert found.cores is None or isfinite(found.cores)


@pytest.mark.differs(
    "`MOCKSKAHA_…` variables of a launch are obeyed, and one that means nothing is refused with 400; the real "
    "service passes them on like any other"
)
def test_a_launch_with_a_bad_override_is_refused(skaha):
    for env, text in (
        ("MOCKSKAHA_EXIT=many", "Invalid value for 'MOCKSKAHA_EXIT': many (expected an exit code from 0 to 255)\n"),
        ("MOCKSKAHA_X=1", f"unknown override MOCKSKAHA_X; known: {KNOWN}\n"),
    ):  # fmt: skip
        reply = skaha.post(SESSIONS, {"name": "a", "image": IMAGE, "env": env})
        assert reply.told == (400, "text/plain", text)
    assert skaha.sessions() == []


def test_they_reach_the_container_like_any_other_variable(skaha):
    found = skaha.create(cmd="env", args="", env="MOCKSKAHA_RUNTIME=5s")
    skaha.advance(3)
    assert "MOCKSKAHA_RUNTIME=5s\n" in skaha.logs(found)
    assert skaha.status(found) == "Running"
    skaha.advance(5)
    assert skaha.status(found) == "Completed"


def test_they_win_over_what_the_command_would_do(instant):
    failing = instant.create(cmd="true", args="", env="MOCKSKAHA_EXIT=4")
    going_on = instant.create(cmd="false", args="", env=["MOCKSKAHA_EXIT=0", "MOCKSKAHA_RUNTIME=forever"])
    assert (instant.status(failing), instant.status(going_on)) == ("Failed", "Running")
