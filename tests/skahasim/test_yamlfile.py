import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from skahasim.yamlfile import ConfigurationError, Document, Origin, load_model, parse, read, validate


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Key(Closed):
    secret: SecretStr
    owner: str = "nobody"


class Node(Closed):
    name: str
    cores: int = Field(default=1, gt=0)


class Site(Closed):
    title: str = ""
    nodes: tuple[Node, ...] = ()
    spare: Node | None = None
    keys: tuple[Key, ...] = ()


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        validate(Site, parse(text, "site.yaml"))
    return str(caught.value).splitlines()


def test_every_value_knows_its_line() -> None:
    document = parse("title: x\nnodes:\n  - name: a\n    cores: 2\n  - {name: b}\n", "f")
    assert {key: origin.line for key, origin in document.origins.items()} == {
        (): 1,
        ("title",): 1,
        ("nodes",): 2,
        ("nodes", 0): 3,
        ("nodes", 0, "name"): 3,
        ("nodes", 0, "cores"): 4,
        ("nodes", 1): 5,
        ("nodes", 1, "name"): 5,
    }
    assert document.origin(("nodes", 1, "name", "deeper")) == Origin("f", 5)


def test_all_problems_are_listed_in_the_order_of_the_file() -> None:
    text = "nodes:\n  - name: a\n    cores: 0\n  - cores: two\n    nam: b\ntitel: x\nspare: 7\nkeys: k\n"
    assert problems(text) == [
        "site.yaml:3: nodes[0].cores: should be greater than 0, not 0",
        "site.yaml:4: nodes[1].name: missing, and has no default",
        "site.yaml:4: nodes[1].cores: should be a valid integer, not 'two'",
        "site.yaml:5: nodes[1].nam: unknown key; did you mean 'name'?",
        "site.yaml:6: titel: unknown key; did you mean 'title'?",
        "site.yaml:7: spare: should be a mapping of keys to values",
        "site.yaml:8: keys: should be a list",
    ]


def test_an_unknown_key_is_looked_for_elsewhere() -> None:
    assert problems("cores: 1") == ["site.yaml:1: cores: unknown key here; did you mean 'nodes.cores'?"]
    assert problems("zzz: 1") == ["site.yaml:1: zzz: unknown key; known: title, nodes, spare, keys"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3", "f:3: a: given twice, first on line 1"),
        ("a:\n  - {b: 1,\n     b: 2}", "f:3: a[0].b: given twice, first on line 2"),
        ("a: [1, 2\nb: 3\n", "f:2: not YAML: did not find expected ',' or ']'"),
        ("a: *other", "f:1: undefined alias; quote a value that starts with '*'"),
        ("a: !other b", "f:1: a: has an unknown YAML tag; quote a value that starts with '!'"),
        ("a: !!set {b}", "f:1: a: has a YAML tag that is not supported here"),
        ("a: 1\nb: 2026-13-45", "f:2: b: is not a YAML timestamp; quote it to mean text"),
        ("a: &x [1, *x]", "f:1: a[1]: refers to itself"),
        ("a: 1\n? [b, c]\n: 2", "f:2: a key must be a single word or text"),
        ("a: 1\n<<: 5", "f:2: '<<' takes a mapping"),
        ("a: 1\n---\nb: 2", "f:2: has a second document ('---'); one is read"),
        ("a: \x07", "f: has characters YAML does not allow"),
        ("[" * 100_000, "f:1: is nested too deeply"),
    ],
)
def test_what_is_not_good_yaml_is_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse(text, "f")
    assert str(caught.value) == message


def test_merged_mappings_give_way_to_what_is_written() -> None:
    text = (
        "base: &b {name: a, cores: 2}\nnode:\n  <<: *b\n  cores: 4\nboth:\n  <<: [*b, {name: z, gpus: 1}]\n"
    )
    data = parse(text, "f").data
    assert data["node"] == {"name": "a", "cores": 4}
    assert data["both"] == yaml.safe_load(text)["both"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"a: \xe9", "is not UTF-8 text"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, content: bytes | None, reason: str) -> None:
    path = tmp_path / "f.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        read(path)
    assert str(caught.value) == f"{path}: {reason}"


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="Is a directory"):
        read(tmp_path)


@pytest.mark.parametrize("content", ["", "# nothing\n", "---\n", "\ufeff"])
def test_an_empty_file_is_an_empty_mapping(tmp_path: Path, content: str) -> None:
    path = tmp_path / "f.yaml"
    path.write_text(content, encoding="utf-8")
    assert load_model(path, Site) == Site()


def test_grafted_parts_keep_their_own_origin() -> None:
    document = parse("title: x\nnodes:\n  - name: a\n", "site.yaml")
    document = document.graft(("nodes",), parse("- name: b\n- name: c\n  cores: -1\n", "nodes.yaml"))
    document = document.graft(("spare", "cores"), Document("--cores", 0, {(): Origin("--cores")}))
    with pytest.raises(ConfigurationError) as caught:
        validate(Site, document)
    assert str(caught.value).splitlines() == [
        "--cores: spare.cores: should be greater than 0, not 0",
        "nodes.yaml:3: nodes[1].cores: should be greater than 0, not -1",
        "site.yaml:1: spare.name: missing, and has no default",
    ]


def test_nothing_can_be_grafted_below_a_plain_value() -> None:
    document = parse("spare: 5", "site.yaml")
    with pytest.raises(ConfigurationError, match=r"site\.yaml:1: spare: should be a mapping"):
        document.graft(("spare", "cores"), parse("1", "x"))


SECRET = st.text("abcdefghjkmnpqrstuvwxyz", min_size=12, max_size=20).map("s3cr3t{}".format)


@hypothesis.settings(deadline=None)
@given(
    SECRET,
    st.sampled_from(
        [
            "keys: [{{secret: [{0}]}}]",
            "keys: [{{secret: {{{0}: 1}}}}]",
            "keys: [{{secret: !{0} x}}]",
            "keys: [{{secret: *{0}}}]",
            "keys: [{{secret: ok, owner: [1], {0}: alice}}]",
            "keys: [{{{0}: alice}}]",
            "keys: [{0}]",
            "keys: {0}",
            "keys: {{{0}: alice}}",
            "keys:\n  - secret: {0}: x\n",
            'keys: [{{secret: "{0}]',
        ]
    ),
)
def test_secrets_are_in_no_message(secret: str, text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        validate(Site, parse(text.format(secret), "f"))
    assert secret not in str(caught.value)
    assert secret not in "".join(traceback.format_exception(caught.value))


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def paths(data: Any, key: tuple[str | int, ...] = ()) -> set[tuple[str | int, ...]]:
    items = enumerate(data) if isinstance(data, list) else data.items() if isinstance(data, dict) else ()
    return {key}.union(*(paths(value, (*key, name)) for name, value in items))


@hypothesis.settings(deadline=None)
@given(st.dictionaries(st.text(), plain, min_size=1), st.booleans())
def test_what_is_written_is_read_back_and_has_lines(data: dict[str, Any], flow: bool) -> None:
    text = yaml.safe_dump(data, default_flow_style=flow)
    document = parse(text, "f")
    assert document.data == data
    assert set(document.origins) == paths(data)
    assert all(1 <= (origin.line or 0) <= text.count("\n") + 1 for origin in document.origins.values())


@hypothesis.settings(deadline=None)
@given(st.text() | st.text("ab:{}[]-#&*!|>%@`\"',? \n0123456789_.<=~", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(ConfigurationError):
        assert parse(text, "f").origin(()).name == "f"
