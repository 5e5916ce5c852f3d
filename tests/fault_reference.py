"""The tables of ``docs/faults.md``, from the code and the data they describe.

``python -m tests.fault_reference`` writes them; ``tests/mockskaha/faults/test_docs.py`` holds the page to them.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator

from mockskaha.faults.disturbance import DISTURBANCES, TEXTS
from mockskaha.faults.presets import presets
from mockskaha.faults.refusals import EVERY, REFUSALS, V1
from mockskaha.faults.rule import MATCHING, SELECTING, Fate, FaultRule
from tests.configuration_reference import texts
from tests.differences import ROOT
from tests.written import with_parts

PAGE = ROOT / "docs" / "faults.md"
EXAMPLES = {
    "operation": "createSession", "method": "POST", "path": "/skaha/v1/session/*", "user": "alice", "name": "batch-*",
    "session": "kx3w9q2d", "kind": "[notebook, desktop]", "parameters": "{view: events}", "probability": "0.1",
    "nth": "[2, 5]", "first": "3", "every": "10", "skip": "5", "times": "1", "begin": "10m",
    "until": "2026-01-01T02:00:00Z", "status": "429", "body": '"slow down"', "headers": '{Retry-After: "7"}',
    "content_type": "text/html", "error": "unavailable", "after": "true", "delay": "{low: 1, high: 5}", "reset": "true",
    "truncate": "100", "drip": "50", "fate": "{oom: 10s}",
    "hold": "forever", "suspend": "5m", "pull": "not-found", "pull_for": "60s", "ready": "never", "runtime": "90s",
    "exit": "3", "crash": "10s", "oom": "10s", "evict": "30s", "node_lost": "30s", "preempt": "20s",
    "preempt_for": "60s",
    "expire": "10m", "stop": "30s",
}  # fmt: skip
"""What each key may be."""


def table(header: str, rows: Iterable[str]) -> str:
    columns = header.count("|") - 1
    return "\n".join([header, "|" + "---|" * columns, *rows])


def keys(names: Iterable[str]) -> Iterator[str]:
    told = texts(FaultRule)
    for name in names:
        yield f"| `{name}: {EXAMPLES[name]}` | {code(told[name])} |"


def code(text: str) -> str:
    return re.sub(r"``([^`]*)``", r"`\1`", text).replace("|", "\\|")


def calls() -> str:
    return table("| key | |", keys(MATCHING))


def selection() -> str:
    return table("| key | |", keys(SELECTING))


def effects() -> str:
    names = [
        name for name in FaultRule.model_fields if name not in (*MATCHING, *SELECTING, "id", "description")
    ]
    return table("| key | |", keys(names))


def fates() -> str:
    told = texts(Fate)
    return table(
        "| fate | variable of a launch | |",
        (
            f"| `{name}: {EXAMPLES[name]}` | `MOCKSKAHA_{name.upper()}={EXAMPLES[name]}` | {code(told[name])} |"
            for name in Fate.model_fields
        ),
    )


def disturbances() -> str:
    return table("| `what` | |", (f"| `{what}` | {TEXTS[what]} |" for what in DISTURBANCES))


def preset_table() -> str:
    return table(
        "| preset | what goes wrong | parameters | source |",
        (
            f"| `{name}` | {item.description} | "
            f"{', '.join(f'`{key}: {written(value)}`' for key, value in item.parameters.items())} | {item.source} |"
            for name, item in presets().items()
        ),
    )


def written(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {item}" for key, item in value.items()) + "}"
    return str(value)


def refusals() -> str:
    def meant(operations: frozenset[str]) -> str:
        if operations == EVERY:
            return "all"
        return "all below `/v1`" if operations == V1 else ", ".join(sorted(operations))

    return table(
        "| error | | operations | source |",
        (
            f"| `{name}` | {item.text} | {meant(item.operations)}"
            f"{''.join(f' ({operation}: `view={view}`)' for operation, view in item.views.items())} | {item.source} |"
            for name, item in REFUSALS.items()
        ),
    )


TABLES: dict[str, Callable[[], str]] = {
    "calls": calls, "selection": selection, "effects": effects, "fates": fates, "disturbances": disturbances,
    "presets": preset_table, "refusals": refusals,
}  # fmt: skip


def page() -> str:
    """The page with its tables as they should be."""
    return with_parts(PAGE.read_text(), "tests.fault_reference", TABLES)


if __name__ == "__main__":
    PAGE.write_text(page())
    sys.stdout.write(f"wrote {PAGE.relative_to(ROOT)}\n")
