"""Scenarios from a few words: ``--policy sjf+easy``, ``--cluster processors:128``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

DISCIPLINES: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "fcfs": {"ordering": {"policy": "fifo"}, "backfill": {"policy": "none"}},
        "easy": {"ordering": {"policy": "fifo"}, "backfill": {"policy": "easy"}},
        "easy-sjbf": {"ordering": {"policy": "fifo"}, "backfill": {"policy": "easy-sjbf"}},
        "conservative": {"ordering": {"policy": "fifo"}, "backfill": {"policy": "conservative"}},
    }
)
"""The names the literature has for an ordering and a backfilling rule together. The ordering gives way to one that
is named beside it (``sjf+easy``)."""


class BadShortcut(ValueError):
    """A word on the command line that means nothing."""


def queue_of(policy: str, passes: str | None = None) -> dict[str, Any]:
    """The section ``queue`` for ``NAME`` or ``NAME+NAME…``: shortcuts, orderings, backfillings, placements and
    preemptions in any order, each at most once. Raises :class:`BadShortcut`."""
    from skahasim.policies import BACKFILLS, ORDERINGS, PLACEMENTS, PREEMPTIONS

    sections: dict[str, Any] = {}
    implied: dict[str, Any] = {}
    for name in policy.split("+"):
        if name in DISCIPLINES:
            implied = {"ordering": DISCIPLINES[name]["ordering"]}
            found = {"backfill": DISCIPLINES[name]["backfill"]}
        else:
            families = (
                ("ordering", ORDERINGS), ("backfill", BACKFILLS), ("placement", PLACEMENTS),
                ("preemption", PREEMPTIONS),
            )  # fmt: skip
            kind = next((kind for kind, known in families if name in known), "ordering")
            found = {kind: {"policy": name}}
        if again := sections.keys() & found:
            raise BadShortcut(f"--policy {policy}: names two policies for {again.pop()}")
        sections |= found
    queue = {**implied, **sections}
    if passes:
        queue["backfill"] = {**queue.get("backfill", {}), "passes": passes}
    return queue


def cluster_of(word: str) -> Any:
    """The section ``cluster`` for ``processors:128`` or a YAML file. Raises :class:`BadShortcut` or
    ``ConfigurationError``."""
    kind, colon, count = word.partition(":")
    if colon and kind == "processors":
        if not count.isdigit() or not int(count):
            raise BadShortcut(f"--cluster {word}: should be processors:N with N at least 1")
        return {"processors": int(count)}
    path = Path(word)
    if not path.is_file():
        raise BadShortcut(
            f"--cluster {word}: should be processors:N, or a YAML file, and there is no such file"
        )
    from skahasim.scenario import StudyCluster
    from skahasim.yamlfile import Document, read, validate

    document = read(path)
    if isinstance(document.data, dict) and list(document.data) == ["cluster"]:
        inner = {key[1:]: origin for key, origin in document.origins.items() if key[:1] == ("cluster",)}
        document = Document(document.name, document.data["cluster"], inner)
    elif isinstance(document.data, list):
        origins = {("nodes", *key): origin for key, origin in document.origins.items()}
        document = Document(document.name, {"nodes": document.data}, origins)
    validate(StudyCluster, document)
    return document.data


def change_of(word: str) -> tuple[str, Any]:
    """The setting and the value of ``KEY=VALUE``; the value as YAML has it. Raises :class:`BadShortcut` or
    ``ConfigurationError``."""
    key, equals, text = word.partition("=")
    if not equals or not all(key.split(".")):
        raise BadShortcut(f"--set {word}: should be KEY=VALUE, e.g. horizon.hours=48")
    from skahasim.yamlfile import parse

    return key, parse(text, f"--set {key}").data if text else None
