"""Images, context, repositories."""

import pytest

IMAGES = [
    {"id": "images.canfar.net/a/one:1", "types": ["notebook", "headless"], "digest": f"sha256:{'1' * 64}"},
    {"id": "images.canfar.net/a/two:2", "types": ["carta"], "digest": f"sha256:{'2' * 64}"},
    {"id": "images.canfar.net/a/own:3", "types": ["headless"], "public": False},
]
TWO = f"""[
  {{
    "id": "images.canfar.net/a/one:1",
    "types": [
      "headless",
      "notebook"
    ],
    "digest": "sha256:{"1" * 64}"
  }},
  {{
    "id": "images.canfar.net/a/two:2",
    "types": [
      "carta"
    ],
    "digest": "sha256:{"2" * 64}"
  }}
]"""
CONTEXT = (
    '{"cores":{"default":2,"defaultLimit":8,"options":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16],"defaultRequest":1},'
    '"gpus":{"options":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28]},'
    '"memoryGB":{"default":8,"defaultLimit":32,"options":[1,2,4,6,8,10,12,14,16,20,24,26,28,30,32,36,40,44,48,56,'
    '64,80,92,112,128,140,170,192],"defaultRequest":4},"maxInteractiveSessions":"5"}'
)


@pytest.mark.evidence("skaha-contract §2.12")
def test_public_images_to_the_byte(start):
    skaha = start(images=IMAGES)
    assert skaha.get("/skaha/v1/image").told == (200, "application/json", TWO)
    assert skaha.get("/skaha/v1/image/any/path").text == TWO
    assert start(images=[]).get("/skaha/v1/image").told == (200, "application/json", "[]")
    assert start(images=IMAGES[2:]).get("/skaha/v1/image").text == "[]"


@pytest.mark.evidence("skaha-contract §2.12")
@pytest.mark.parametrize(
    ("kind", "count"),
    [
        ("carta", 1),
        ("notebook", 1),
        ("headless", 1),
        *((k, 0) for k in ("desktop", "contributed", "firefly", "desktop-app")),
    ],
)
def test_images_of_a_type(start, kind, count):
    found = start(images=IMAGES).get(f"/skaha/v1/image?type={kind}")
    assert found.status == 200
    assert [kind in image["types"] for image in found.json] == [True] * count


@pytest.mark.evidence("skaha-contract §2.12, §3.4")
@pytest.mark.parametrize("kind", ["foo", "Notebook", "", "desktop_app", "carta,notebook"])
def test_other_types_are_refused(skaha, kind):
    assert skaha.get("/skaha/v1/image", query={"type": kind}).told == (
        400,
        "text/plain",
        f"unknown type: {kind}\n",
    )


@pytest.mark.evidence("skaha-contract §2.12 [INF on the order]")
@pytest.mark.parametrize("hashed", [True, False])
def test_types_come_in_the_order_of_a_hash_set(start, hashed):
    types = ["notebook", "contributed", "desktop-app", "firefly", "desktop", "carta", "headless"]
    skaha = start(images=[{"id": "images.canfar.net/a/b:1", "types": types}], quirks={"hash_order": hashed})
    expected = ["headless", "carta", "firefly", "desktop", "desktop-app", "notebook", "contributed"]
    assert skaha.get("/skaha/v1/image").json[0]["types"] == (expected if hashed else types)


@pytest.mark.evidence("skaha-contract §2.13")
def test_the_context_of_a_resource_file_to_the_byte(skaha):
    assert skaha.get("/skaha/v1/context").told == (200, "application/json", CONTEXT)
    assert skaha.get("/skaha/v1/context/any/path").text == CONTEXT


@pytest.mark.evidence("skaha-contract §2.13, §9.14")
def test_the_context_can_be_what_one_would_expect(start):
    skaha = start(
        sessions={"max_interactive": 3, "max_interactive_as_string": False}, quirks={"hash_order": False}
    )
    found = skaha.get("/skaha/v1/context", checked=False).json
    assert found["maxInteractiveSessions"] == 3
    assert list(found["cores"]) == ["default", "defaultRequest", "defaultLimit", "options"]


@pytest.mark.evidence("skaha-contract §2.13, §4.7")
def test_the_context_of_a_limit_range_to_the_byte(start):
    bounds = {
        "max": {"cores": 4, "memory_gib": 3, "gpus": 0},
        "default": {"cores": 2, "memory_gib": 2},
        "default_request": {"cores": 1, "memory_gib": 1},
    }
    expected = (
        '{"cores":{"default":1,"defaultLimit":2,"options":[1,2,3,4],"defaultRequest":1},"gpus":{"options":[]},'
        '"memoryGB":{"default":1,"defaultLimit":2,"options":[1,2,3],"defaultRequest":1},"maxInteractiveSessions":5}'
    )
    assert start(resources={"limit_range": bounds}).get("/skaha/v1/context").text == expected


@pytest.mark.evidence("skaha-contract §2.14")
@pytest.mark.parametrize(
    ("hosts", "body"),
    [(["images.canfar.net"], '["images.canfar.net"]'), (["a.b", "c.d"], '["a.b","c.d"]'), ([], "[]")],
)
def test_repositories_to_the_byte(start, hosts, body):
    skaha = start(registry={"hosts": hosts})
    for path in ("/skaha/v1/repository", "/skaha/v1/repository/x"):
        assert skaha.get(path).told == (200, "application/json", body)
