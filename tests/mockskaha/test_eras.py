"""What the versions of Skaha answer differently: for each row of the table what is told, in every version."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import pytest

from mockskaha import era as eras
from mockskaha.era import (
    DEFAULT,
    RELEASES,
    VERSIONS,
    UnknownVersion,
    era,
    is_before,
    questions,
    table,
    version_named,
)
from mockskaha.faults.disturbance import disturb
from tests.mockskaha.conftest import IMAGE, SESSIONS, Reply, Skaha

pytestmark = pytest.mark.evidence("skaha-contract §10, and the sections that mockskaha/data/eras.yaml names")

NOTEBOOK = "images.canfar.net/skaha/base-notebook:latest"
CARTA = "images.canfar.net/skaha/carta:5.1.0"
OLD_CARTA = "images.canfar.net/skaha/carta:1.4"
DESKTOP = "images.canfar.net/skaha/desktop:1.2.1"
UNKNOWN = "images.canfar.net/nobody/nothing:1"

At = Callable[..., Skaha]
"""Starts a service of the version that is looked at; keywords are settings."""
Proof = tuple[Callable[[At], Any], Mapping[str, Any]]
PROOFS: dict[str, Proof] = {}


def told_since(**answers: Any) -> Callable[[Callable[[At], Any]], Callable[[At], Any]]:
    """What the decorated function, called as a row of the table, finds: ``v0_29=…, v1_0=…``, from that version on."""

    def decorate(look: Callable[[At], Any]) -> Callable[[At], Any]:
        by_version = {name.removeprefix("v").replace("_", "."): told for name, told in answers.items()}
        assert set(by_version) <= set(VERSIONS)
        PROOFS[look.__name__] = look, by_version
        return look

    return decorate


def of(look: Mapping[str, Any], version: str) -> Any:
    """What is told in ``version``: by the last entry that is not after it."""
    since = [name for name in VERSIONS[: VERSIONS.index(version) + 1] if name in look]
    return look[since[-1]]


@pytest.fixture
def at(start: Callable[..., Skaha], version: str) -> At:
    return lambda **settings: start(**{"profile": "instant", "skaha_version": version} | settings)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("row", questions())
def test_each_row(row: str, version: str, at: At) -> None:
    look, by_version = PROOFS[row]
    assert look(at) == of(by_version, version)


def test_each_row_has_a_proof_on_both_sides_of_each_change() -> None:
    rows = {row["name"]: row for row in table()["differences"]}
    assert list(rows) == list(questions())
    assert set(PROOFS) == set(rows)
    for name, (_, by_version) in PROOFS.items():
        answers = [getattr(era(version), name) for version in VERSIONS]
        told = [of(by_version, version) for version in VERSIONS]
        changes = [number for number in range(1, len(VERSIONS)) if answers[number] != answers[number - 1]]
        assert changes, f"{name} never changes"
        assert set(changes) <= {n for n in range(1, len(VERSIONS)) if told[n] != told[n - 1]}, name


# -- addresses -------------------------------------------------------------------------------------------------

NOWHERE = (404, "text/html;charset=utf-8", "<!doctype html>")
THERE = (200, "application/json", "[]")


def beginning(reply: Reply) -> tuple[int, str | None, str]:
    return (*reply.told[:2], reply.text[:15])


@told_since(v0_29=(THERE, NOWHERE, NOWHERE), v1_0=(NOWHERE, THERE, NOWHERE))
def base_path(at: At) -> Any:
    skaha = at()
    return tuple(beginning(skaha.get(f"/skaha/{path}session", moved=False)) for path in ("v0/", "v1/", ""))


PLATFORM = "http://www.opencadc.org/std/platform#"
PROC = ("vos://cadc.nrc.ca~vospace/CADC/std/Proc#sessions-1.0", "http://testserver/skaha/v0")


@told_since(
    v0_29=[PROC],
    v1_0=[
        PROC,
        *((f"{PLATFORM}{name}-1", f"http://testserver/skaha/v1/{name}")
          for name in ("session", "context", "image", "repository")),
    ],
)  # fmt: skip
def platform_capabilities(at: At) -> Any:
    text = at().get("/skaha/capabilities").text
    found = re.findall(r'<capability standardID="([^"]+)">(.*?)</capability>', text, re.DOTALL)
    wanted = [pair for pair in found if pair[0].startswith((PLATFORM, PROC[0]))]
    return [(name, re.findall(r'use="base">([^<]+)<', inner)[0]) for name, inner in wanted]


# -- sessions --------------------------------------------------------------------------------------------------


def notebook(skaha: Skaha, **params: Any) -> str:
    return skaha.create(**{"type": "notebook", "image": NOTEBOOK} | params)


def found_by(skaha: Skaha, status: str) -> int:
    """How many are listed with this status, by everybody and by the owner."""
    mine, everybody = (len(skaha.sessions(status=status, **view)) for view in ({}, {"view": "all"}))
    assert mine == everybody
    return mine


@told_since(v0_29=("Running", 1, 0), v1_0=("Pending", 0, 1))
def status_of(at: At) -> Any:
    skaha = at()
    starting = notebook(skaha, env="MOCKSKAHA_READY=100")
    skaha.advance(50)
    assert skaha.sessions(view="all")[0]["status"] == skaha.status(starting)
    return skaha.status(starting), found_by(skaha, "Running"), found_by(skaha, "pending")


@told_since(v0_29=("Succeeded", 1, 0), v1_0=("Completed", 0, 1))
def completed_name(at: At) -> Any:
    skaha = at()
    job = skaha.create(cmd="true")
    skaha.advance(1)
    return skaha.status(job), found_by(skaha, "succeeded"), found_by(skaha, "COMPLETED")


@told_since(v0_29=(["Terminating"], 200, ["Terminating"], []), v1_0=([], 404, [], []))
def deletion_is_shown(at: At) -> Any:
    skaha = at(profile="fast")
    session = notebook(skaha)
    skaha.until(session, "Running")
    skaha.advance(60)
    skaha.delete(f"{SESSIONS}/{session}")
    once, alone = [item["status"] for item in skaha.sessions()], skaha.get(f"{SESSIONS}/{session}").status
    skaha.delete(f"{SESSIONS}/{session}", checked=False)
    twice = [item["status"] for item in skaha.sessions()]
    skaha.advance(120)
    return once, alone, twice, [item["status"] for item in skaha.sessions()]


SUSPENDED = """{
  "id": "ID",
  "userid": "alice",
  "runAsUID": "UID",
  "runAsGID": "UID",
  "supplementalGroups": [
    GROUPS
  ],
  "appid": "<none>",
  "image": "images.canfar.net/skaha/terminal:1.1.2",
  "type": "headless",
  "status": "Pending",
  "name": "test",
  "startTime": "<none>",
  "expiryTime": "<none>",
  "connectURL": "not-applicable",
  "requestedRAM": "16G",
  "requestedCPUCores": "2",
  "requestedGPUCores": "0",
  "ramInUse": "<none>",
  "gpuRAMInUse": "<none>",
  "cpuCoresInUse": "<none>",
  "gpuUtilization": "<none>"
}"""
SUSPENDED_JOB = """{
  "id": "ID",
  "userid": "alice",
  "runAsUID": "UID",
  "runAsGID": "UID",
  "supplementalGroups": [
    GROUPS
  ],
  "image": "images.canfar.net/skaha/terminal:1.1.2",
  "type": "headless",
  "status": "Pending",
  "name": "test",
  "connectURL": "",
  "requestedRAM": "17.18",
  "requestedCPUCores": "2",
  "requestedGPUCores": "0",
  "isFixedResources": true
}"""


@told_since(v0_29=(SUSPENDED, "<none>"), v1_0=(SUSPENDED_JOB, None))
def missing_as_none_text(at: At) -> Any:
    skaha = at()
    session = skaha.create(ram=16, cores=2, env="MOCKSKAHA_SUSPEND=forever")
    owner = skaha.platform.directory.identity("alice")
    text = skaha.get(f"{SESSIONS}/{session}").text.replace(session, "ID").replace(f'"{owner.uid}"', '"UID"')
    groups = re.sub(r'(?<="supplementalGroups": \[)[^\]]+(?=\])', "\n    GROUPS\n  ", text)
    return groups, skaha.sessions(view="all")[0].get("startTime")


@told_since(v0_29=("4G", "1"), v1_0=(None, None))
def requested_is_always_told(at: At) -> Any:
    skaha = at()
    flexible = skaha.session(skaha.create())
    return flexible.get("requestedRAM"), flexible.get("requestedCPUCores")


@told_since(v0_29=("16G", "0.5G"), v1_0=("17.18", "0.54"))
def session_ram(at: At) -> Any:
    skaha = at(profile="fast")
    session = skaha.create(ram=16, cores=1, env="MOCKSKAHA_MEMORY=0.5Gi")
    skaha.until(session, "Running")
    skaha.advance(200)
    told = skaha.session(session)
    return told["requestedRAM"], told["ramInUse"]


@told_since(v0_29=[], v1_0=[("isFixedResources", True)])
def fixed_is_told(at: At) -> Any:
    skaha = at()
    return [pair for pair in skaha.session(skaha.create(ram=16, cores=2)).items() if "Fixed" in pair[0]]


@told_since(
    v0_29=("2026-08-06T22:26:01Z", "2026-08-20T22:26:01Z", "2026-08-06T22:26:01Z"),
    v1_0=("2026-08-06T22:25:31Z", "2026-08-20T22:25:31Z", "2026-08-06T22:25:31Z"),
)
def start_time_of(at: At) -> Any:
    skaha = at()
    session = skaha.create(env="MOCKSKAHA_HOLD=30")
    skaha.advance(40)
    told = skaha.session(session)
    return told["startTime"], told["expiryTime"], skaha.sessions(view="all")[0]["startTime"]


@told_since(
    v0_29=("2026-08-06T22:25:00Z", "2026-08-06T22:25:00Z"), v1_0=("2026-08-06T22:25Z", "2026-08-06T22:25Z")
)
def seconds_are_always_told(at: At) -> Any:
    skaha = at(epoch=1_786_055_100)
    session = skaha.create()
    skaha.advance(0.5)
    return skaha.session(session)["startTime"], skaha.sessions(view="all")[0]["startTime"]


@told_since(v0_29=("not-applicable", "not-applicable"), v1_0=("", ""))
def no_connect_url(at: At) -> Any:
    skaha = at()
    job = skaha.create()
    desktop = skaha.create(type="desktop", image=DESKTOP)
    skaha.advance(1)
    app = skaha.create_app(desktop)
    answer = skaha.get(f"{SESSIONS}/{desktop}/app/{app}")
    assert answer.status == 200
    return skaha.session(job)["connectURL"], answer.json["connectURL"]


@told_since(
    v0_29=("/lab/tree/arc/home/alice", "HOME=/arc/home/alice", "/lab/tree/elsewhere/alice"),
    v1_0=("/lab/tree/cavern/home/alice", "HOME=/cavern/home/alice", "/lab/tree/elsewhere/alice"),
)
def home(at: At) -> Any:
    skaha, other = at(), at(sessions={"home": "/elsewhere"})
    urls = [it.session(notebook(it))["connectURL"] for it in (skaha, other)]
    paths = [re.sub(r"^http://testserver/session/notebook/\w+|\?token=\w+$", "", url) for url in urls]
    job = skaha.create(cmd="env")
    skaha.advance(1)
    (variable,) = [line for line in skaha.logs(job).splitlines() if line.startswith("HOME=")]
    return paths[0], variable, paths[1]


@told_since(v0_29=("carta/http", 404, 200), v1_2=("carta", 200, 404))
def carta_path(at: At) -> Any:
    skaha = at()
    session = skaha.create(type="carta", image=CARTA)
    skaha.advance(1)
    url = skaha.session(session)["connectURL"]
    pages = (skaha.get(f"/session/{path}/{session}/").status for path in ("carta", "carta/http"))
    return url.removeprefix("http://testserver/session/").removesuffix(f"/{session}/"), *pages


@told_since(
    v0_29=("http://testserver/session/carta/http/ID/?socketUrl=ws://testserver/session/carta/ws/ID/",
           "https://ws-uv.canfar.net/session/carta/http/ID/?socketUrl=wss://ws-uv.canfar.net/session/carta/ws/ID/"),
    v1_2=("http://testserver/session/carta/ID/", "https://ws-uv.canfar.net/session/carta/ID/"),
)  # fmt: skip
def carta_socket_url(at: At) -> Any:
    images = [{"id": OLD_CARTA, "types": ["carta"]}]
    urls = []
    for sessions in ({}, {"sessions_url": "https://ws-uv.canfar.net"}):
        skaha = at(extra_images=images, sessions=sessions)
        session = skaha.create(type="carta", image=OLD_CARTA)
        urls.append(skaha.session(session)["connectURL"].replace(session, "ID"))
    return tuple(urls)


@told_since(v0_29=(["headless", "notebook"], ["headless"]), v1_1=(["notebook"], ["notebook"]))
def interactive_view(at: At) -> Any:
    skaha = at()
    skaha.create()
    notebook(skaha)
    return tuple(
        [item["type"] for item in skaha.sessions(view="interactive", **query)]
        for query in ({}, {"type": "headless"})
    )


# -- launching -------------------------------------------------------------------------------------------------

NO_CREDENTIALS = (
    "No authentication provided for unknown or private image.  "
    "Use x-skaha-registry-auth request header with base64Encode(username:secret).\n"
)


@told_since(
    v0_29=(
        (400, "text/plain", f"image/type mismatch: {CARTA}/notebook\n"),
        (400, "text/plain", f"image/type mismatch: {CARTA}/CARTA\n"),
        (404, "text/plain", f"image not found or not labelled: {UNKNOWN}\n"),
        200,
    ),
    v1_0=(
        (200, "text/plain", "ID\n"),
        (200, "text/plain", "ID\n"),
        (400, "text/plain", NO_CREDENTIALS),
        200,
    ),
)
def image_types_are_checked(at: At) -> Any:
    skaha = at()
    replies = [
        skaha.post(SESSIONS, {"name": "test", "image": image, "type": kind})
        for image, kind in ((CARTA, "notebook"), (CARTA, "CARTA"), (UNKNOWN, "notebook"))
    ]
    told = [(*reply.told[:2], re.sub(r"^[a-z][a-z0-9]{7}\n$", "ID\n", reply.text)) for reply in replies]
    header = {"x-skaha-registry-auth": "YWxpY2U6c2VjcmV0"}
    form = {"name": "test", "image": UNKNOWN, "type": "headless"}
    return (*told, skaha.post(SESSIONS, form, headers=header).status)


@told_since(v0_29=("notebook", "carta", "headless"), v1_0=("headless", "headless", "headless"))
def type_from_image(at: At) -> Any:
    skaha = at()
    kinds = []
    for image in (NOTEBOOK, CARTA, IMAGE):
        reply = skaha.post(SESSIONS, {"name": "test", "image": image})
        kinds.append(skaha.session(reply.text.strip())["type"])
    return tuple(kinds)


@told_since(
    v0_29=(
        (400, "text/plain", "Invalid value for 'cores': 1.5\n"),
        (400, "text/plain", "Invalid value for 'ram': 4.0\n"),
        None,
    ),
    v1_2=((200, "text/plain", "ID\n"), (200, "text/plain", "ID\n"), "1.500"),
)
def decimal_resources(at: At) -> Any:
    skaha = at()
    given = {"name": "test", "image": IMAGE, "type": "headless", "cores": "1.5", "ram": "4"}
    replies = [
        skaha.post(SESSIONS, given | {"ram": "4"}),
        skaha.post(SESSIONS, given | {"cores": "2", "ram": "4.0"}),
    ]
    told = [(*reply.told[:2], re.sub(r"^[a-z][a-z0-9]{7}\n$", "ID\n", reply.text)) for reply in replies]
    cores = skaha.session(replies[0].text.strip())["requestedCPUCores"] if replies[0].status == 200 else None
    return (*told, cores)


@told_since(v0_29=(400, "text/plain", "User alice has reached the maximum of 1 active sessions.\n"), v1_0=200)
def limit_counts(at: At) -> Any:
    skaha = at(sessions={"max_interactive": 1})
    failed = notebook(skaha)
    skaha.advance(1)
    disturb(skaha.platform, failed, "expire")
    skaha.advance(60)
    assert skaha.status(failed) == "Failed"
    reply = skaha.post(SESSIONS, {"name": "test", "image": NOTEBOOK, "type": "notebook"})
    return reply.status if reply.status == 200 else reply.told


@told_since(
    v0_29=((403, "text/plain", "Not authorized to create a headless session\n"), 200, 200, 200),
    v1_4=(200, 200, 200, 200),
)
def headless_group_is_checked(at: At) -> Any:
    users = [
        {"username": "alice", "uid": 10001, "memberships": ["skaha-users"]},
        {"username": "bob", "uid": 10002, "memberships": ["skaha-users", "batch"]},
    ]
    job = {"name": "test", "image": IMAGE, "type": "headless", "cmd": "true"}
    skaha, without = at(users=users, sessions={"headless_group": "batch"}), at(users=users)
    asked = [
        skaha.post(SESSIONS, job),
        skaha.as_user("bob").post(SESSIONS, job),
        skaha.post(SESSIONS, {"name": "test", "image": NOTEBOOK, "type": "notebook"}),
        without.post(SESSIONS, job),
    ]
    return tuple(reply.status if reply.status == 200 else reply.told for reply in asked)


SYNTAX = (400, "text/plain", "canfar.net/id label value must match Kubernetes label value syntax\n")


@told_since(
    v0_29=(
        (404, "text/plain", "session a_ not found\n"),
        (200, "text/plain", ""),
        (404, "text/plain", "session a_ not found.\n"),
        500,
    ),
    v1_4=(SYNTAX, SYNTAX, SYNTAX, (400, "text/plain", "canfar.net/name label value cannot be blank\n")),
)
def labels_are_checked(at: At) -> Any:
    skaha = at()
    asked = [skaha.get(f"{SESSIONS}/a_{query}").told for query in ("", "?view=logs", "?view=events")]
    named = skaha.post(SESSIONS, {"name": "-x", "image": IMAGE, "type": "headless"})
    return (*asked, 500 if named.status == 500 else named.told)


# -- deleting --------------------------------------------------------------------------------------------------

DONE = (200, None, "")


@told_since(
    v0_29=((404, "text/plain", "a1b2c3d4\n"), (403, "text/plain", "forbidden\n"), DONE, "Running"),
    v1_0=(DONE, DONE, DONE, "Running"),
)
def unknown_deletion_is_refused(at: At) -> Any:
    skaha = at()
    bob = skaha.as_user("bob")
    mine, his = skaha.create(), bob.create()
    skaha.advance(1)
    told = [skaha.delete(f"{SESSIONS}/{session}").told for session in ("a1b2c3d4", his, mine)]
    return (*told, bob.status(his))


# -- the platform ----------------------------------------------------------------------------------------------

CLUSTER = {
    "nodes": [
        {"name": "wide", "count": 2, "cores": 64, "ram_gib": 128},
        {"name": "high", "count": 1, "cores": 16, "ram_gib": 500},
    ]
}
INSTANCES = """  "instances": {
    "session": 1,
    "desktopApp": 1,
    "headless": 2,
    "total": 4
  },
"""


@told_since(v0_29=INSTANCES, v1_1="")
def stats_instances(at: At) -> Any:
    skaha = at(cluster=CLUSTER)
    skaha.create()
    skaha.as_user("bob").create()
    skaha.create(cmd="true")
    desktop = skaha.create(type="desktop", image=DESKTOP)
    skaha.create(env="MOCKSKAHA_HOLD=forever")
    skaha.advance(1)
    skaha.create_app(desktop)
    skaha.advance(1)
    text = skaha.get(f"{SESSIONS}?view=stats").text
    return text[2 : text.index('  "cores"')]


@told_since(v0_29=("16G", "756G"), v1_1=("17.18G", "811.749G"))
def stats_ram(at: At) -> Any:
    skaha = at(cluster=CLUSTER)
    skaha.create(ram=16, cores=1)
    skaha.advance(1)
    ram = skaha.get(f"{SESSIONS}?view=stats").json["ram"]
    return ram["requestedRAM"], ram["ramAvailable"]


@told_since(
    v0_29=({"cpuCores": 64.0, "withRam": "128G"}, {"ram": "500G", "withCPUCores": 16.0}),
    v1_1=({"cpuCores": 64.0, "withRam": "137.439G"}, {"ram": "536.871G", "withCPUCores": 16.0}),
    v1_4=({"cpuCores": 8.0, "withRam": "32Gi"}, {"ram": "32Gi", "withCPUCores": 8.0}),
)
def stats_most(at: At) -> Any:
    found = at(cluster=CLUSTER).get(f"{SESSIONS}?view=stats").json
    return found["cores"]["maxCPUCores"], found["ram"]["maxRAM"]


@told_since(v0_29=200, v1_4=(503, "text/plain", "temporarily unavailable: null\n"))
def stats_from_metrics(at: At) -> Any:
    reply = at(metrics={"enabled": False}).get(f"{SESSIONS}?view=stats")
    return 200 if reply.status == 200 else reply.told


FILE = """{
  "cores": {
    "default": 2,
    "defaultRequest": 1,
    "defaultLimit": 4,
    "options": [
      1,
      2,
      4
    ]
  },
  "memoryGB": {
    "default": 2,
    "defaultRequest": 1,
    "defaultLimit": 4,
    "options": [
      1,
      2,
      4
    ]
  },
  "gpus": {
    "options": [
      1
    ]
  },
  "maxInteractiveSessions": "5"
}"""
COMPACT = (
    '{"cores":{"default":2,"defaultLimit":4,"options":[1,2,4],"defaultRequest":1},"gpus":{"options":[1]},'
    '"memoryGB":{"default":2,"defaultLimit":4,"options":[1,2,4],"defaultRequest":1},"maxInteractiveSessions":"5"}'
)


@told_since(v0_29=FILE, v1_1=COMPACT)
def context_as_file(at: At) -> Any:
    part = {"default": 2, "defaultRequest": 1, "defaultLimit": 4, "options": [1, 2, 4]}
    resources = {"cores": part, "memoryGB": part, "gpus": {"options": [1]}}
    return at(resources=resources).get("/skaha/v1/context").text


# -- the service -----------------------------------------------------------------------------------------------

UNAUTHORIZED = (401, "text/plain", "Unauthorized\n")


@told_since(
    v0_29=(UNAUTHORIZED, UNAUTHORIZED),
    v1_4=(UNAUTHORIZED, (400, "text/plain", "cannot get group memberships for anonymous\n")),
)
def anonymous_is_401(at: At) -> Any:
    return tuple(
        at(**settings).as_user(None).get(SESSIONS).told
        for settings in ({}, {"auth": {"anonymous_status": 400}})
    )


FEATURES = "Enabled Experimental Features:\r\n ExperimentalFeatures{featureGates={}}"


@told_since(
    v0_29="service is accepting requests",
    v1_0=f"Skaha Service Available.\r\n\r\nCurrent Pods in mine:\r\n{{}}\r\n\r\n{FEATURES}",
    v1_1=f"Skaha Service Available.\r\n\r\n{FEATURES}",
)
def availability_note(at: At) -> Any:
    text = at(sessions={"namespace": "mine"}).get("/skaha/availability").text
    return text[text.index("<vosi:note>") + len("<vosi:note>") : text.index("</vosi:note>")]


# -- the table -------------------------------------------------------------------------------------------------


def test_versions_and_releases_are_those_of_the_table() -> None:
    assert {row["name"]: row["release"] for row in table()["versions"]} == RELEASES
    assert tuple(row["name"] for row in table()["versions"]) == VERSIONS
    assert era().version == DEFAULT == VERSIONS[-1]


def test_rows_say_what_it_is_and_where_that_is_known_from() -> None:
    for row in table()["differences"]:
        assert set(row) == {"name", "concern", "what", "values", "source", "certainty"}, row["name"]
        assert row["what"], row["name"]
        assert row["source"].startswith("skaha-contract §"), row["name"]
        assert row["certainty"] in ("certain", "inferred", "uncertain"), row["name"]
        starts = list(row["values"])
        assert starts[0] == RELEASES["0.29"], row["name"]
        assert all(is_before(a, b) for a, b in pairwise(starts)), row["name"]
        assert len({repr(value) for value in row["values"].values()}) > 1, row["name"]


def test_a_version_goes_by_the_name_of_its_release_too() -> None:
    assert [version_named(name) for name in ("1.4", "1.4.0", "1.2.1", "0.29.2")] == [
        "1.4",
        "1.4",
        "1.2",
        "0.29",
    ]
    with pytest.raises(UnknownVersion, match=r"'1\.3'; known: 0\.29, 1\.0, 1\.1, 1\.2, 2026\.1, 1\.4"):
        version_named("1.3")


def test_nobody_asks_for_a_version_but_for_what_it_answers() -> None:
    """Comparing versions is for the module of the eras alone."""
    from pathlib import Path

    package = Path(eras.__file__).parent
    asks = re.compile(r"era\.(version|release)\s*(==|!=|<|>|in\b)|is_before\(")
    found = [
        str(path.relative_to(package))
        for path in package.rglob("*.py")
        if path.name != "era.py" and "verify" not in path.parts and asks.search(path.read_text())
    ]
    assert found == []
