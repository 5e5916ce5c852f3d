"""What is sent for a launch, and what is refused because Skaha would lose or misread it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mockskaha import testing
from mockskaha.testing.service import Skaha as Platform
from skahaclient import Session
from skahaclient.errors import InvalidRequest
from skahaclient.launch import launch, whole_image

CONTRACT = Path(__file__).parents[2] / "openapi" / "skaha.yaml"
ASTROML = "images.canfar.net/skaha/astroml:latest"


def form(**given: Any) -> list[tuple[str, str]]:
    return list(launch(**{"name": "n", "image": ASTROML, **given}).form(1))


def command(**given: Any) -> tuple[str | None, str | None]:
    fields = dict(form(**given))
    return fields.get("cmd"), fields.get("args")


def test_a_launch_is_a_form() -> None:
    made = launch(
        "study", "skaha/astroml", 4, 16.0, "Headless", 1, "python a.py", ["--fast", 1], {"MODE": "x"}, 2
    )
    assert list(made.form(2)) == [
        ("name", "study-2"),
        ("image", ASTROML),
        ("type", "headless"),
        ("cores", "4"),
        ("ram", "16"),
        ("gpus", "1"),
        ("cmd", "python"),
        ("args", "a.py --fast 1"),
        ("env", "MODE=x"),
        ("env", "REPLICA_ID=2"),
        ("env", "REPLICA_COUNT=2"),
    ]


def test_one_replica_keeps_the_name_and_knows_that_it_is_alone() -> None:
    assert form() == [
        ("name", "n"), ("image", ASTROML), ("type", "headless"), ("env", "REPLICA_ID=1"), ("env", "REPLICA_COUNT=1"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({"cmd": "sleep 60"}, ("sleep", "60")),
        ({"cmd": "sleep", "args": "60"}, ("sleep", "60")),
        ({"cmd": "sleep", "args": ["60"]}, ("sleep", "60")),
        ({"cmd": "python -u", "args": ["a.py", "b"]}, ("python", "-u a.py b")),
        ({"cmd": ["python", "a.py"]}, ("python", "a.py")),
        ({"cmd": "'my prog' x"}, ("my prog", "x")),
        ({"cmd": "grep 'a[0-9]+' f"}, ("grep", "a[0-9]+ f")),
        ({"cmd": "grep", "args": r"\d+ it's"}, ("grep", r"\d+ it's")),
        ({"args": ["--help"]}, (None, "--help")),
        ({"cmd": None}, (None, None)),
        ({"cmd": ""}, (None, None)),
        ({"cmd": "env", "args": ""}, ("env", None)),
    ],
)
def test_a_command_is_one_word_and_its_arguments(given: dict[str, Any], sent: tuple[Any, Any]) -> None:
    assert command(**given) == sent


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"cmd": "sh -c 'echo a'"}, "'echo a' has a space in it"),
        ({"cmd": "sh", "args": ["-c", "echo a"]}, "'echo a' has a space in it"),
        ({"cmd": "sh", "args": "-c 'echo a'"}, "do not hold 'echo a' together"),
        ({"cmd": "sh", "args": ["a", ""]}, "an empty argument"),
        ({"cmd": "echo 'open"}, "no closing quotation"),
        ({"cmd": "", "args": ["x"]}, "cmd is empty"),
        ({"cmd": ["", "x"]}, "the name of the program"),
        ({"cmd": "echo", "args": ['"']}, "double quote"),
        ({"cmd": "echo", "args": 5}, "a text or a list"),
        ({"env": {"A": "b=c"}}, "the value of A has a '=' in it"),
        ({"env": {"A": ""}}, "the variable A is empty"),
        ({"env": {"A": 'say "x"'}}, "the variable A: a double quote"),
        ({"env": {"A": "x\ny"}}, "a line break"),
        ({"env": {"1A": "x"}}, "'1A' cannot be the name of a variable"),
        ({"env": {"A=": "x"}}, "cannot be the name"),
        ({"env": ["A=b"]}, "env has to be a dictionary"),
        ({"name": "a_b"}, "letters, digits and '-'"),
        ({"name": "a-"}, "no '-' at the ends"),
        ({"name": "a" * 64}, "up to 63"),
        ({"name": "a" * 61, "replicas": 100}, "is too long"),
        ({"name": ""}, "cannot be the name"),
        ({"image": " "}, "is not an image"),
        ({"image": "a b"}, "is not an image"),
        ({"kind": "notebok"}, "is not a kind"),
        ({"kind": "desktop-app"}, "that can be launched"),
        ({"cores": 0}, "cores has to be a number from 1 on"),
        ({"cores": 0.5}, "from 1 on"),
        ({"ram": float("nan")}, "ram has to be a number"),
        ({"ram": "much"}, "ram has to be a number"),
        ({"cores": True}, "cores has to be a number"),
        ({"gpu": 1.5}, "gpu has to be a whole number"),
        ({"gpu": -1}, "gpu has to be a whole number"),
        ({"replicas": 0}, "replicas has to be"),
        ({"replicas": 2.0}, "replicas has to be"),
    ],
)  # fmt: skip
def test_what_skaha_would_lose_is_refused(given: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        form(**given)
    assert told in str(refusal.value)
    assert isinstance(refusal.value, ValueError)


@pytest.mark.parametrize(
    ("value", "sent"), [(1, "1"), (16.0, "16"), (1.5, "1.5"), ("2", "2"), (100, "100"), (2.125, "2.125")]
)
def test_amounts_are_written_as_skaha_reads_them(value: Any, sent: str) -> None:
    assert dict(form(cores=value))["cores"] == sent


def test_no_gpu_is_none_at_all() -> None:
    assert form(gpu=0) == form(gpu=None) == form()


@pytest.mark.parametrize(
    ("short", "whole"),
    [
        ("skaha/astroml", ASTROML),
        ("skaha/astroml:latest", ASTROML),
        ("astroml", ASTROML),
        (ASTROML, ASTROML),
        ("images.canfar.net/skaha/astroml", ASTROML),
        ("project/a/b:1.0", "images.canfar.net/project/a/b:1.0"),
        ("localhost:5000/x", "localhost:5000/x:latest"),
        ("localhost/x:1", "localhost/x:1"),
        ("skaha/x@sha256:ab", "images.canfar.net/skaha/x@sha256:ab"),
    ],
)
def test_short_names_of_images_are_completed(short: str, whole: str) -> None:
    assert whole_image(short) == whole
    assert whole_image(whole) == whole


# -- everything that is accepted is a request of the contract -----------------------------------------------------

WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)
OPTIONS = yaml.safe_load(CONTRACT.read_text())["components"]["schemas"]
CORES = st.one_of(st.none(), st.integers(1, 16), st.integers(1, 16).map(lambda n: n + 0.5))
RAM = st.one_of(st.none(), st.sampled_from([1, 2, 4, 6, 8, 16, 32, 64, 192]), st.just(16.5))


@pytest.fixture(scope="module")
def contract() -> jsonschema_rs.Draft202012Validator:
    document = yaml.safe_load(CONTRACT.read_text())
    return jsonschema_rs.Draft202012Validator({"$ref": "#/components/schemas/LaunchForm", **document})


@given(
    name=st.one_of(st.from_regex(r"[A-Za-z0-9-]{1,70}", fullmatch=True), WORDS),
    image=st.one_of(
        st.from_regex(r"[a-z]{1,5}(/[a-z]{1,5}){0,2}(:[a-z0-9.]{1,4})?", fullmatch=True), st.just(ASTROML)
    ),
    cores=CORES,
    ram=RAM,
    gpu=st.one_of(st.none(), st.integers(0, 28)),
    kind=st.sampled_from(["headless", "notebook", "CARTA", "firefly", "contributed", "desktop", "other"]),
    cmd=st.one_of(st.none(), WORDS, st.lists(WORDS, max_size=3)),
    args=st.one_of(st.none(), WORDS, st.lists(WORDS, max_size=3)),
    env=st.dictionaries(WORDS | st.just("A"), WORDS | st.integers(), max_size=3),
    replicas=st.integers(0, 3),
)
def test_whatever_is_accepted_is_a_form_of_the_contract_and_arrives_whole(
    contract: jsonschema_rs.Draft202012Validator, **given: Any
) -> None:
    try:
        made = launch(**given)
    except InvalidRequest:
        return
    for replica in range(1, given["replicas"] + 1):
        pairs = list(made.form(replica))
        fields: dict[str, Any] = dict(pairs)
        fields["env"] = [value for name, value in pairs if name == "env"]
        contract.validate(fields)
        # As Skaha reads them: arguments are split at single spaces, a variable has one '=' and a value.
        assert all(fields.get("args", "x").split(" "))
        assert all(len(value.split("=")) == 2 and value.split("=")[1] for value in fields["env"])
        sent = dict(value.split("=") for value in fields["env"])
        mine = {str(name): str(value) for name, value in given["env"].items()}
        assert sent == {**mine, "REPLICA_ID": str(replica), "REPLICA_COUNT": str(given["replicas"])}
        words = [fields.get("cmd"), *fields.get("args", "").split(" ")]
        if isinstance(given["cmd"], list) and isinstance(given["args"], list) and given["cmd"]:
            assert [word for word in words if word] == [*given["cmd"], *given["args"]]


# -- and arrives at the service as it was meant -------------------------------------------------------------------

WORD = st.text(
    st.characters(codec="utf-8", categories=("L", "N", "P", "S"), exclude_characters='"'),
    min_size=1,
    max_size=9,
)
LINE = st.lists(WORD, min_size=1, max_size=3).map(" ".join)
NAME = r"[A-Za-z0-9]([A-Za-z0-9-]{0,20}[A-Za-z0-9])?"
MEANT = {
    "name": st.from_regex(NAME, fullmatch=True),
    "cores": CORES,
    "ram": st.one_of(st.none(), st.sampled_from([1, 2, 4, 6, 8, 16, 32, 64, 192])),
    "gpu": st.one_of(st.none(), st.integers(0, 28)),
    "cmd": st.lists(WORD, min_size=1, max_size=3),
    "args": st.one_of(st.none(), st.lists(WORD, max_size=4)),
    "env": st.dictionaries(
        st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_.]{0,9}", fullmatch=True),
        LINE.filter(lambda text: "=" not in text),
        max_size=3,
    ),
    "replicas": st.integers(1, 2),
}  # fmt: skip


@pytest.fixture(scope="module")
def platform() -> Iterator[Platform]:
    with testing.skaha(profile="instant") as skaha:
        yield skaha


@given(**MEANT)
def test_whatever_is_accepted_arrives_at_the_service_as_it_was_meant(
    contract: jsonschema_rs.Draft202012Validator, platform: Platform, **wanted: Any
) -> None:
    platform.reset()
    with Session(url=platform.url, token="alice", transport=platform.transport(), concurrency=1) as session:
        ids = session.create(image="skaha/astroml", **wanted)
    assert len(ids) == wanted["replicas"]
    for replica, session_id in enumerate(ids, 1):
        request = platform.journal[replica - 1]
        fields: dict[str, Any] = {**dict(request.parameters), "env": request.values("env")}
        contract.validate(fields)
        made = platform.namespace.platform.inventory.session(session_id)
        assert [made.cmd, *made.args] == [*wanted["cmd"], *(wanted["args"] or [])]
        mine = {**wanted["env"], "REPLICA_ID": str(replica), "REPLICA_COUNT": str(wanted["replicas"])}
        assert dict(made.env) == mine
