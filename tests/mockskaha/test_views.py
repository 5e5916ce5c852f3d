"""Session objects, byte for byte."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockskaha.java import decimal_gb

pytestmark = pytest.mark.evidence("skaha-contract §2.1, §2.2, §2.4, §4.3")

SESSIONS = "/skaha/v1/session"
ASTROML = "images.canfar.net/skaha/astroml:latest"
FIXED = """{
  "id": "%(id)s",
  "userid": "alice",
  "runAsUID": "10001",
  "runAsGID": "10001",
  "supplementalGroups": [
    34241,
    34337
  ],
  "image": "images.canfar.net/skaha/astroml:latest",
  "type": "notebook",
  "status": "Running",
  "name": "my-notebook",
  "startTime": "2026-08-06T22:25:31Z",
  "expiryTime": "2026-08-10T22:25:31Z",
  "connectURL": "https://ws-uv.canfar.net/session/notebook/%(id)s/lab/tree/cavern/home/alice?token=%(id)s",
  "requestedRAM": "17.18",
  "requestedCPUCores": "2",
  "requestedGPUCores": "0",
  "ramInUse": "%(ram)s",
  "cpuCoresInUse": "%(cores)s",
  "isFixedResources": true
}"""
FLEXIBLE_PENDING = """[
  {
    "id": "%(id)s",
    "userid": "carol",
    "runAsUID": "10003",
    "runAsGID": "10003",
    "supplementalGroups": [],
    "image": "images.canfar.net/skaha/terminal:1.1.2",
    "type": "headless",
    "status": "Pending",
    "name": "reduce-1",
    "startTime": "2026-08-06T22:25:31Z",
    "expiryTime": "2026-08-20T22:25:31Z",
    "connectURL": "",
    "requestedGPUCores": "0",
    "isFixedResources": false
  }
]"""
APP = """{
  "id": "%(id)s",
  "userid": "alice",
  "runAsUID": "10001",
  "runAsGID": "10001",
  "supplementalGroups": [
    34241,
    34337
  ],
  "appid": "%(appid)s",
  "image": "images.canfar.net/casa-6/casa:6.6.4-34",
  "type": "desktop-app",
  "status": "Pending",
  "name": "casa-6-6-4-34",
  "startTime": "2026-08-06T22:26:31Z",
  "expiryTime": "2026-08-10T22:26:31Z",
  "connectURL": "",
  "requestedRAM": "4.29",
  "requestedCPUCores": "1",
  "requestedGPUCores": "0",
  "isFixedResources": true
}"""


def test_a_running_fixed_session_to_the_byte(start):
    skaha = start(sessions={"sessions_url": "https://ws-uv.canfar.net"})
    found = skaha.create(type="notebook", name="My-Notebook", image=ASTROML, cores=2, ram=16)
    skaha.until(found, "Running")
    skaha.advance(1)
    reply = skaha.get(f"{SESSIONS}/{found}")
    body = reply.json
    usage = {"id": found, "ram": body["ramInUse"], "cores": body["cpuCoresInUse"]}
    assert reply.told == (200, "application/json", FIXED % usage)
    assert 0 < float(usage["ram"]) < 17.18
    assert 0 < float(usage["cores"]) <= 2
    listed = skaha.get().text
    assert listed == "[\n" + "\n".join(f"  {line}" for line in reply.text.split("\n")) + "\n]"


def test_what_is_not_known_is_left_out(skaha):
    carol = skaha.as_user("carol")
    assert carol.get().told == (200, "application/json", "[]")
    found = carol.create(name="reduce-1")
    assert carol.get().told == (200, "application/json", FLEXIBLE_PENDING % {"id": found})


def test_an_app_to_the_byte(skaha):
    desktop = skaha.create(type="desktop")
    skaha.advance(60)
    app = skaha.create_app(desktop, image="images.canfar.net/casa-6/casa:6.6.4-34", cores=1, ram=4, name="x")
    reply = skaha.get(f"{SESSIONS}/{desktop}/app/{app}")
    assert reply.text == APP % {"id": desktop, "appid": app}


def test_nothing_is_escaped_for_html(skaha):
    found = skaha.create(type="desktop")
    assert f'/session/desktop/{found}/?password={found}&path=session/desktop/{found}/"' in skaha.get().text


@pytest.mark.parametrize("seconds", [0, 1, 59])
def test_start_time_loses_its_zero_seconds_and_expiry_time_does_not(start, seconds):
    skaha = start(epoch=1_786_055_100 + seconds)
    session = skaha.session(skaha.create())
    assert session["startTime"] == ("2026-08-06T22:25Z" if not seconds else f"2026-08-06T22:25:{seconds:02}Z")
    assert session["expiryTime"] == f"2026-08-20T22:25:{seconds:02}Z"
    assert skaha.get(f"{SESSIONS}?view=all").json[0]["startTime"] == session["startTime"]


def test_zero_seconds_stay_when_the_quirk_is_off(start):
    skaha = start(epoch=1_786_055_100, quirks={"drop_zero_seconds": False})
    assert skaha.session(skaha.create())["startTime"] == "2026-08-06T22:25:00Z"


RAM = """0.5→0.54 1→1.07 1.5→1.61 2→2.15 4→4.29 6→6.44 8→8.59 10→10.74 12→12.88 14→15.03 16→17.18 20→21.47
24→25.77 26→27.92 28→30.06 30→32.21 32→34.36 36→38.65 40→42.95 44→47.24 48→51.54 56→60.13 64→68.72 80→85.90
92→98.78 112→120.26 128→137.44 140→150.32 170→182.54 192→206.16"""


@pytest.mark.parametrize("row", RAM.split()[1:])
def test_requested_ram_is_decimal_gigabytes(instant, row):
    asked, shown = row.split("→")
    assert instant.session(instant.create(ram=asked))["requestedRAM"] == shown


def test_half_a_gibibyte_cannot_be_asked_for_and_would_read_so():
    assert decimal_gb(0.5) == "0.54"


@pytest.mark.parametrize(
    ("asked", "shown"),
    [("1", "1"), ("2", "2"), ("16", "16"), ("1.5", "1.500"), ("2.25", "2.250"), ("2d", "2"), ("0x1p1", "2")],
)
def test_requested_cores_are_bare_when_whole(instant, asked, shown):
    assert instant.session(instant.create(cores=asked, ram=4))["requestedCPUCores"] == shown


@pytest.mark.parametrize(
    ("enabled", "asked", "shown"), [(True, "1", "1"), (True, "", "0"), (False, "2", "0"), (True, "28", "28")]
)
def test_requested_gpus(start, enabled, asked, shown):
    skaha = start(sessions={"gpu_enabled": enabled})
    assert skaha.session(skaha.create(gpus=asked))["requestedGPUCores"] == shown


def usage_of(skaha, cores):
    found = skaha.create(cores=16, ram=32, env=[f"MOCKSKAHA_CORES={cores}", "MOCKSKAHA_MEMORY=8Gi"])
    skaha.advance(90)
    session = skaha.session(found)
    return session["cpuCoresInUse"], session["ramInUse"]


def test_usage_above_the_32_bits_comes_out_raw(start):
    cores, ram = usage_of(start(), 12)
    assert cores.endswith("n")
    assert cores[:-1].isdecimal()
    assert 11 < int(cores[:-1]) / 1e9 < 13
    assert ram == "8.59"
    cores, _ = usage_of(start(quirks={"cpu_usage_overflow": False}), 12)
    assert 11 < float(cores) < 13


def test_usage_below_is_in_thousandths(skaha):
    cores, _ = usage_of(skaha, 1)
    assert 0.9 < float(cores) < 1.1
    assert len(cores.partition(".")[2]) == 3


def test_usage_appears_with_the_first_look_of_the_metrics_server_and_goes_with_the_container(skaha):
    found = skaha.create(cmd="sleep", args="20")
    skaha.until(found, "Running")
    assert "cpuCoresInUse" not in skaha.session(found)
    skaha.advance(1.5)
    assert {"ramInUse", "cpuCoresInUse"} <= skaha.session(found).keys()
    skaha.until(found, "Completed")
    assert not {"ramInUse", "cpuCoresInUse"} & skaha.session(found).keys()


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("desktop", "/session/desktop/{id}/?password={id}&path=session/desktop/{id}/"),
        ("notebook", "/session/notebook/{id}/lab/tree/cavern/home/alice?token={id}"),
        ("carta", "/session/carta/{id}/"),
        ("contributed", "/session/contrib/{id}/"),
        ("firefly", "/session/firefly/{id}/firefly/"),
        ("headless", None),
    ],
)
def test_connect_urls(start, kind, path):
    skaha = start(sessions={"sessions_url": "https://ws-uv.canfar.net/"})
    found = skaha.create(type=kind)
    expected = "" if path is None else f"https://ws-uv.canfar.net{path.format(id=found)}"
    assert skaha.session(found)["connectURL"] == expected


def test_home_is_that_of_the_deployment(start):
    skaha = start(sessions={"home": "/arc/home"})
    assert "/lab/tree/arc/home/alice?token=" in skaha.session(skaha.create(type="notebook"))["connectURL"]


@pytest.mark.differs(
    "connectURL leads to this server, http and a port, where a plain page answers; `--sessions-url` gives any "
    "other base"
)
def test_connect_urls_lead_back_here(start):
    skaha = start(base_url="http://127.0.0.1:8080")
    found = skaha.create(type="carta")
    url = skaha.session(found)["connectURL"]
    assert url == f"http://127.0.0.1:8080/session/carta/{found}/"
    path = url.removeprefix("http://127.0.0.1:8080")
    assert skaha.as_user(None).get(path).status == 502
    skaha.until(found, "Running")
    assert "stand-in" in skaha.as_user(None).get(path).text
    skaha.delete(f"{SESSIONS}/{found}")
    assert skaha.as_user(None).get(path).status == 404


@settings(max_examples=25)
@given(name=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9-]{0,61}[A-Za-z0-9]", fullmatch=True))
def test_names_are_lower_cased(start, name):
    skaha = start(profile="instant")
    assert skaha.session(skaha.create(name=name))["name"] == name.lower()


@pytest.mark.evidence("skaha-contract §2.4: labels are cut to 63 characters")
def test_long_names_are_cut_when_the_cluster_takes_them(start):
    skaha = start(quirks={"unchecked_values_fail": False})
    assert skaha.session(skaha.create(name="A" * 80))["name"] == "a" * 63
    assert skaha.session(skaha.create(name="a" * 62 + "--b"))["name"] == "a" * 62
    assert skaha.session(skaha.create(name="end-"))["name"] == "end"


def test_groups_and_ids_are_those_of_the_user(start):
    skaha = start(users=[{"username": "Dora", "uid": 7, "gid": 8, "groups": [3, 1, 2]}]).as_user("Dora")
    session = skaha.session(skaha.create(type="notebook"))
    assert (session["userid"], session["runAsUID"], session["runAsGID"]) == ("Dora", "7", "7")
    assert session["supplementalGroups"] == [3, 1, 2]
