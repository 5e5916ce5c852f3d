"""YAML that every reader of YAML reads as the same value."""

import math

import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from skahaclient.cli.yamltext import yaml_text

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)
)


@given(values)
@example({"a": [[], {}, [[1, {"b": []}]]], "": None})
@example("2026-01-01T00:00:00Z")
@example("12:30:45")
@example(" - x: y # z ")
@example(
    ["no", "~", "NULL", "1e3", "0x1f", "=", "<<", "a: b", "a:b", "x:", "[", "\x85\u2028\ufeff\x7f\ud800", "🛰"]
)
@example([1e300, -1e-300, 1e22, 0.1, math.inf, -math.inf, -0.0, 10**40])
@example({"1": 1, "true": 2, "null": 3, "a b": 4, "é": 5})
def test_it_is_read_back_as_it_was(value: object) -> None:
    assert yaml.safe_load(yaml_text(value)) == value


def test_not_a_number() -> None:
    assert math.isnan(yaml.safe_load(yaml_text(math.nan)))


def test_it_is_pleasant_to_read() -> None:
    session = {
        "id": "kx3w9q2d",
        "image": "images.canfar.net/skaha/astroml:latest",
        "startTime": "2026-08-06T22:25:31Z",
        "supplementalGroups": [34241, 34337],
        "requestedRAM": "17.18",
        "isFixedResources": True,
        "ramInUse": None,
        "env": {},
    }
    assert yaml_text([session, {"id": "b", "more": [{"c": 1}]}]) == (
        "- id: kx3w9q2d\n"
        "  image: images.canfar.net/skaha/astroml:latest\n"
        '  startTime: "2026-08-06T22:25:31Z"\n'
        "  supplementalGroups:\n"
        "    - 34241\n"
        "    - 34337\n"
        '  requestedRAM: "17.18"\n'
        "  isFixedResources: true\n"
        "  ramInUse: null\n"
        "  env: {}\n"
        "- id: b\n"
        "  more:\n"
        "    - c: 1\n"
    )
