"""Answers of every version of Skaha, in one vocabulary."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockskaha.contract.document import load_document
from mockskaha.era import DEFAULT, VERSIONS, era
from skahaclient.errors import UnexpectedAnswer
from skahaclient.models.moment import moment
from skahaclient.models.platform import Image, PlatformStats, Resources
from skahaclient.models.quantity import cores, gib, whole
from skahaclient.models.session import STATUSES, SessionInfo, status_of

NOW = datetime(2026, 8, 6, 22, 25, tzinfo=UTC)
TODAY = {
    "id": "kx3w9q2d", "userid": "alice", "runAsUID": "10001", "runAsGID": "10001", "supplementalGroups": [34241],
    "image": "images.canfar.net/skaha/astroml:latest", "type": "notebook", "status": "Running", "name": "mine",
    "startTime": "2026-08-06T22:25Z", "expiryTime": "2026-08-10T22:25:00Z", "connectURL": "https://h/session/x",
    "requestedRAM": "17.18", "requestedCPUCores": "2", "requestedGPUCores": "0", "ramInUse": "0.45",
    "cpuCoresInUse": "0.003", "isFixedResources": True,
}  # fmt: skip
ONCE = {
    "id": "kx3w9q2d", "userid": "alice", "appid": "<none>", "image": "images.canfar.net/skaha/terminal:1.1.1",
    "type": "headless", "status": "Succeeded", "name": "job", "startTime": "<none>", "expiryTime": None,
    "connectURL": "not-applicable", "requestedRAM": "16G", "requestedCPUCores": 2, "requestedGPUCores": "<none>",
    "ramInUse": "<none>", "gpuRAMInUse": "<none>", "cpuCoresInUse": "<none>", "gpuUtilization": "<none>",
}  # fmt: skip


def test_a_session_of_today() -> None:
    info = SessionInfo.of(TODAY)
    assert info.model_dump() == {
        "id": "kx3w9q2d", "name": "mine", "kind": "notebook", "status": "Running", "status_reason": None,
        "image": TODAY["image"], "userid": "alice", "start_time": NOW, "expiry_time": NOW.replace(day=10),
        "connect_url": "https://h/session/x", "is_fixed": True, "requested_cores": 2.0, "requested_ram": 16.0,
        "requested_gpus": 0, "cores_in_use": 0.003, "ram_in_use": 0.42, "gpu_ram_in_use": None,
        "gpu_utilization": None, "run_as_uid": "10001", "run_as_gid": "10001", "supplemental_groups": [34241],
        "app_id": None,
    }  # fmt: skip
    assert info.model_dump(mode="json")["start_time"] == "2026-08-06T22:25:00Z"
    assert info.raw == TODAY
    assert not info.is_finished


def test_a_session_of_the_first_versions() -> None:
    info = SessionInfo.of(ONCE)
    assert info.is_finished
    told = {name: value for name, value in info.model_dump().items() if value is not None}
    assert told == {
        "id": "kx3w9q2d", "name": "job", "kind": "headless", "status": "Succeeded", "userid": "alice",
        "image": ONCE["image"], "requested_cores": 2.0, "requested_ram": 16.0, "supplemental_groups": [],
    }  # fmt: skip


def test_it_reads_as_the_dictionary_it_was() -> None:
    info = SessionInfo.of({**TODAY, "status": "Completed", "expiryTime": "<none>", "new": 1})
    assert (info["status"], info["startTime"], info["requestedRAM"], info["new"]) == (
        "Succeeded", "2026-08-06T22:25Z", "17.18", 1,
    )  # fmt: skip
    assert info["expiryTime"] is info["appid"] is None
    assert ("startTime" in info, "expiryTime" in info, "appid" in info) == (True, False, False)
    assert (info.get("expiryTime", "-"), info.get("name")) == ("-", "mine")
    assert dict(info) == dict(info.items())
    assert set(dict(info)) == set(info) == set(info.keys()) == {*TODAY, "new"} - {"expiryTime"}
    assert len(info) == len(TODAY)
    with pytest.raises(KeyError):
        info["nonsense"]
    assert info.raw["status"] == "Completed"


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("Pending", "Pending"), ("Running", "Running"), ("Succeeded", "Succeeded"), ("Completed", "Succeeded"),
        ("Failed", "Failed"), ("Error", "Failed"), ("Terminating", "Terminating"), ("Unknown", "Unknown"),
        ("Failed (BackoffLimitExceeded)", "Failed"), ("Suspended (JobSuspended)", "Pending"),
        ("Complete (CompletionsReached)", "Succeeded"), ("FailureTarget (DeadlineExceeded)", "Failed"),
        ("completed", "Succeeded"), ("<none>", "Unknown"), ("", "Unknown"), (None, "Unknown"), (7, "Unknown"),
    ],
)  # fmt: skip
def test_there_is_one_word_for_each_status(word: Any, status: str) -> None:
    assert status_of(word) == status
    assert status in STATUSES
    assert SessionInfo.of({"id": "a", "status": word}).status == status


def test_the_reason_is_kept() -> None:
    assert SessionInfo.of({"id": "a", "status": "Failed (OOMKilled)"}).status_reason == "OOMKilled"


@pytest.mark.parametrize(
    ("sent", "value"),
    [
        ("2", 2), ("1.500", 1.5), (2, 2), (2.5, 2.5), ("1980u", 0.00198), ("3123456789n", 3.123456789),
        ("250m", 0.25), ("1e1", 10), ("<none>", None), ("", None), (None, None), ("many", None), (True, None),
        (float("nan"), None), (-1, None), ("4Q", None),
    ],
)  # fmt: skip
def test_cores(sent: Any, value: float | None) -> None:
    assert cores(sent) == value


@pytest.mark.parametrize(
    ("sent", "value"),
    [
        ("17.18", 16), ("4.29", 4), ("0.54", 0.5), ("206.16", 192), (17.18, 16), ("16G", 16), ("16Gi", 16),
        ("512Mi", 0.5), ("1048576Ki", 1), ("1Ti", 1024), ("<none>", None), (None, None), ("16X", None),
    ],
)  # fmt: skip
def test_memory_is_gib(sent: Any, value: float | None) -> None:
    assert gib(sent) == value


@pytest.mark.parametrize(
    ("sent", "value"),
    [
        ("5", 5),
        (5, 5),
        ("0", 0),
        ("<none>", None),
        ("10000000000000001", 10**16 + 1),
        ("5G", None),
        ([], None),
    ],
)
def test_counts(sent: Any, value: int | None) -> None:
    assert whole(sent) == value


@pytest.mark.parametrize(
    ("sent", "value"),
    [
        ("2026-08-06T22:25Z", NOW), ("2026-08-06T22:25:00Z", NOW), ("2026-08-06T22:25:00", NOW),
        ("2026-08-06T15:25:00-07:00", NOW), ("2026-08-06T22:25:00.000000000Z", NOW), (NOW, NOW),
        ("0001-01-01T00:00:00+14:00", None), ("soon", None), ("<none>", None), (None, None), (7, None),
    ],
)  # fmt: skip
def test_times_are_utc(sent: Any, value: datetime | None) -> None:
    assert moment(sent) == value


STATS = {
    "cores": {
        "requestedCPUCores": 12.5, "cpuCoresAvailable": 64.0, "maxCPUCores": {"cpuCores": 8.0, "withRam": "32Gi"},
    },
    "ram": {
        "requestedRAM": "137.439G", "ramAvailable": "549.756G", "maxRAM": {"ram": "32Gi", "withCPUCores": 8.0},
    },
}  # fmt: skip


def test_the_load_of_the_platform_is_gib_in_every_version() -> None:
    today = PlatformStats.of(STATS)
    facts = {
        "requested_cores": 12.5, "capacity_cores": 64.0, "requested_ram": 128.0, "capacity_ram": 512.0,
        "most_cores": 8.0, "most_ram": 32.0, "sessions": None, "requested_gpus": None, "capacity_gpus": None,
    }  # fmt: skip
    assert today.model_dump() == facts
    assert today["cores"]["requestedCPUCores"] == 12.5
    assert today["instances"] is None
    before = {
        **STATS,
        "ram": {"requestedRAM": "128G", "ramAvailable": "512G", "maxRAM": {"ram": "32G", "withCPUCores": 8}},
        "instances": {"session": 3, "desktopApp": 0, "headless": 4, "total": 7},
    }
    assert PlatformStats.of(before).model_dump() == {**facts, "sessions": 7}
    later = PlatformStats.of({**STATS, "gpu": {"requestedGPU": 3.0, "gpuAvailable": 16.0}})
    assert later.model_dump() == {**facts, "requested_gpus": 3, "capacity_gpus": 16}
    node = {**STATS, "ram": {**STATS["ram"], "maxRAM": {"ram": "34.36G", "withCPUCores": 8}}}
    assert PlatformStats.of(node).most_ram == pytest.approx(32, abs=0.01)


def test_stats_without_numbers_are_stats() -> None:
    assert set(PlatformStats.of({}).model_dump().values()) == {None}
    assert PlatformStats.of({"cores": None, "ram": {"requestedRAM": "0G"}}).requested_ram == 0


@pytest.mark.parametrize("most", ["5", 5])
def test_what_sessions_may_ask_for(most: Any) -> None:
    part = {"default": 2, "defaultRequest": 1, "defaultLimit": 8, "options": [1, 2]}
    found = Resources.of(
        {"cores": part, "memoryGB": part, "gpus": {"options": []}, "maxInteractiveSessions": most}
    )
    assert found.max_interactive_sessions == 5
    assert (found.cores.flexible_request, found.ram.flexible_limit, found.cores.options) == (1, 8, (1, 2))
    assert found.gpus.options == ()
    assert found["cores"] == part


@pytest.mark.parametrize("answer", [None, [], "x", 7, {}, {"id": ""}, {"id": None}])
def test_what_is_no_session_is_told(answer: Any) -> None:
    with pytest.raises(UnexpectedAnswer, match="a session"):
        SessionInfo.of(answer)


# -- whatever the contract allows parses --------------------------------------------------------------------------

CHANGED = ("0.29", "1.0", "1.1", "1.4")
"""Versions whose schemas are not those of the version before."""


@cache
def schemas(version: str) -> dict[str, Any]:
    found: dict[str, Any] = load_document(version=version)["components"]["schemas"]
    return found


def schema(version: str, name: str) -> st.SearchStrategy[Any]:
    return _values(schemas(version), schemas(version)[name])


def _values(known: dict[str, Any], part: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values of a schema, of the kinds that the contract has."""
    if "$ref" in part:
        return _values(known, known[part["$ref"].rpartition("/")[2]])
    if "anyOf" in part:
        return st.one_of(*(_values(known, each) for each in part["anyOf"]))
    if "const" in part:
        return st.just(part["const"])
    if "enum" in part:
        return st.sampled_from(part["enum"])
    match part["type"]:
        case "string" if "pattern" in part:
            return st.from_regex(part["pattern"].replace("$", r"\Z"), alphabet=st.characters(codec="ascii"))
        case "string":
            return st.text(min_size=part.get("minLength", 0))
        case "integer":
            return st.integers(part.get("minimum", -(2**31)), 2**31)
        case "number":
            return st.floats(part["minimum"], allow_infinity=False)
        case "boolean":
            return st.booleans()
        case "array":
            return st.lists(_values(known, part["items"]), max_size=5)
        case "object":
            values = {name: _values(known, value) for name, value in part["properties"].items()}
            needed = part.get("required", [])
            return st.fixed_dictionaries(
                {name: values[name] for name in needed},
                optional={name: value for name, value in values.items() if name not in needed},
            )
    raise NotImplementedError(part)


def test_each_change_of_the_schemas_is_looked_at() -> None:
    told = [json.dumps([schemas(version)[name] for name in sorted(schemas(version))]) for version in VERSIONS]
    assert {
        new for new, (before, now) in zip(VERSIONS[1:], pairwise(told), strict=True) if before != now
    } <= {*CHANGED}


@pytest.mark.parametrize("version", CHANGED)
@given(st.data())
def test_every_session_of_the_contract(version: str, data: st.DataObject) -> None:
    answer = data.draw(schema(version, "Session"))
    info = SessionInfo.of(answer)
    assert (info.id, info.name, info.kind, info.raw) == (answer["id"], answer["name"], answer["type"], answer)
    assert info.status == {"Completed": "Succeeded"}.get(answer["status"], answer["status"])
    for wire, value in {
        "requestedRAM": info.requested_ram, "requestedCPUCores": info.requested_cores, "startTime": info["startTime"],
        "cpuCoresInUse": info.cores_in_use, "ramInUse": info.ram_in_use, "appid": info.app_id,
    }.items():  # fmt: skip
        assert (answer.get(wire) not in (None, "<none>")) == (value is not None), wire
    assert (info.connect_url or "") == answer["connectURL"].replace("not-applicable", "")
    SessionInfo.model_validate_json(info.model_dump_json())


@pytest.mark.parametrize("version", CHANGED)
@given(st.data())
def test_every_load_of_the_contract(version: str, data: st.DataObject) -> None:
    told = PlatformStats.of(data.draw(schema(version, "Stats"))).model_dump()
    missing = [name for name, value in told.items() if value is None]
    gpus = ["requested_gpus", "capacity_gpus"]
    assert missing == (gpus if era(version).stats_instances else [*gpus, "sessions"])


@given(schema(DEFAULT, "Context"))
def test_every_context_of_the_contract(answer: dict[str, Any]) -> None:
    found = Resources.of(answer)
    assert list(found.cores.options) == answer["cores"]["options"]
    assert found.max_interactive_sessions == int(answer["maxInteractiveSessions"])


@given(schema(DEFAULT, "Image"))
def test_every_image_of_the_contract(answer: dict[str, Any]) -> None:
    assert Image.of(answer).model_dump() == answer


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.dictionaries(st.sampled_from([*TODAY, "appid", "gpuRAMInUse", "gpuUtilization"]), JSON), JSON)
def test_no_value_of_any_version_breaks_the_list(values: dict[str, Any], stranger: Any) -> None:
    info = SessionInfo.of({**values, "id": "abcdefgh", "stranger": stranger})
    assert info.status in STATUSES
    PlatformStats.of({"cores": stranger, "ram": stranger, "instances": stranger})
    Resources.of(
        {"cores": stranger, "memoryGB": stranger, "gpus": stranger, "maxInteractiveSessions": stranger}
    )
