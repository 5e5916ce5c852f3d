"""From ``cores``, ``ram`` and ``gpus`` to requests and limits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockskaha.config.resources import ResourceSettings
from mockskaha.errors import InvalidRequest
from mockskaha.quota import ResourceRules
from skahasim.resources import Resources

pytestmark = pytest.mark.evidence("skaha-contract §2.3, §3.3 (7, 10), §4.7")

SHOWN = ("requestedRAM", "requestedCPUCores", "isFixedResources")


def rules(**limit_range):
    settings = ResourceSettings.model_validate({"limit_range": limit_range} if limit_range else {})
    return ResourceRules.of(settings, gpu_enabled=True)


@pytest.mark.parametrize(
    ("kind", "asked", "shown"),
    [
        ("notebook", {"cores": 2, "ram": 16}, ("17.18", "2", True)),
        ("notebook", {"ram": 16}, ("17.18", "1", True)),
        ("notebook", {"cores": 2}, (None, None, False)),
        ("notebook", {}, (None, None, False)),
        ("notebook", {"gpus": 1}, (None, None, False)),
        ("headless", {"cores": 16, "ram": 192, "gpus": 1}, ("206.16", "16", True)),
        ("headless", {"ram": 1}, ("1.07", "1", True)),
        ("carta", {"cores": " 2 ", "ram": " "}, (None, None, False)),
        ("desktop", {"cores": 2, "ram": 16}, (None, None, False)),
        ("desktop", {}, (None, None, False)),
        ("firefly", {"cores": 2, "ram": 16}, ("4.29", "0.100", True)),
        ("firefly", {}, ("4.29", "0.100", True)),
    ],
)
def test_fixed_or_flexible_goes_by_memory_alone(instant, kind, asked, shown):
    session = instant.session(instant.create(type=kind, **asked))
    assert tuple(session.get(field) for field in SHOWN) == shown


@pytest.mark.parametrize(
    ("kind", "cores", "ram", "request_", "limit"),
    [
        ("notebook", None, None, (1, 4), (8, 32)),
        ("notebook", 2, None, (2, 4), (2, 32)),
        ("notebook", None, 16, (1, 16), (8, 16)),
        ("desktop-app", 1, 4, (1, 4), (1, 4)),
        ("headless", 1.5, 1.5, (1.5, 1.5), (1.5, 1.5)),
        ("desktop", 16, 192, (0.25, 1), (1, 4)),
        ("firefly", 16, 192, (0.1, 4), (1, 4)),
    ],
)
def test_requests_and_limits(kind, cores, ram, request_, limit):
    given_ = rules().allot(kind, cores, ram, 0)
    assert (given_.request, given_.limit) == (Resources.of(*request_), Resources.of(*limit))


def test_what_is_reserved_shows_in_the_statistics(instant):
    for kind in ("notebook", "desktop", "firefly"):
        instant.create(type=kind)
    stats = instant.get("/skaha/v1/session?view=stats").json
    assert stats["cores"]["requestedCPUCores"] == 1 + 0.25 + 0.1
    assert stats["ram"]["requestedRAM"] == "9.664G"


@pytest.mark.parametrize(
    ("text", "cores"),
    [
        *((text, None) for text in (None, "", "  ")),
        *((text, float(text)) for text in ("1", "16", "1.5", "16.9", "1e1")),
        ("2d", 2.0), ("0x1p1", 2.0), (" 2 ", 2.0), ("+3f", 3.0),
    ],
)  # fmt: skip
def test_cores_are_read_as_java_reads_them(text, cores):
    assert rules().cores(text) == cores


BAD = ["0", "0.5", "17", "-1", "NaN", "Infinity", "two", "1_0", "inf", "1,5", "0x2", "2 3", "٢", "1e400"]


@pytest.mark.parametrize("text", BAD)
def test_other_cores_are_refused_as_they_were_sent(text):
    with pytest.raises(InvalidRequest) as refused:
        rules().cores(text)
    assert str(refused.value) == f"Invalid value for 'cores': {text}"


@pytest.mark.parametrize("text", ["3", "0.5", "193", "5", *BAD[4:]])
def test_other_memory_is_refused(text):
    with pytest.raises(InvalidRequest) as refused:
        rules().ram_gib(text)
    assert str(refused.value) == f"Invalid value for 'ram': {text}"


@pytest.mark.parametrize(("text", "gpus"), [(None, 0), ("", 0), (" ", 0), ("1", 1), ("28", 28), ("+2", 2)])
def test_gpus(text, gpus):
    assert rules().gpus(text) == gpus


@pytest.mark.parametrize("text", ["0", "29", "-1", "1.0", "1.5", " 1", "one", "99999999999", "0x1"])
def test_other_gpus_are_refused(text):
    with pytest.raises(InvalidRequest) as refused:
        rules().gpus(text)
    assert str(refused.value) == f"Invalid value for 'gpus': {text}"


@given(text=st.text() | st.floats().map(repr) | st.integers().map(str))
def test_any_text_is_a_choice_or_is_refused(text):
    found = rules()
    for read, options in (
        (found.cores, found.core_options),
        (found.ram_gib, found.ram_options),
        (found.gpus, found.gpu_options | {0}),
    ):
        try:
            value = read(text)
        except InvalidRequest:
            continue
        assert value is None or int(value) in options


def test_a_limit_range_replaces_choices_and_defaults(start):
    bounds = {
        "max": {"cores": 4, "memory_gib": 24, "gpus": 1},
        "default": {"cores": 2, "memory_gib": 8},
        "default_request": {"cores": 1, "memory_gib": 3},
    }
    found = rules(**bounds)
    assert found.allot("notebook", None, None, 0).request == Resources.of(1, 3)
    assert found.allot("notebook", None, None, 0).limit == Resources.of(2, 8)
    assert found.ram_gib("23") == 23
    for read, text in ((found.cores, "5"), (found.ram_gib, "25"), (found.gpus, "2")):
        with pytest.raises(InvalidRequest):
            read(text)
    skaha = start(resources={"limit_range": bounds})
    assert skaha.session(skaha.create(ram=23))["requestedRAM"] == "24.70"
