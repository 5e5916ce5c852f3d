"""``ctl faults`` and ``ctl disturb``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from mockskaha.ctl.command import app, command, group
from mockskaha.ctl.remote import USAGE, Remote
from mockskaha.ctl.state import content

faults = group("faults", "What goes wrong: list, show, presets, apply, add, remove, clear.")
_HEADER = ("fault", "met", "struck", "what it does")
WHAT = "evict|preempt|oom|exit|expire|stall|node-lost"
"""Written out, since what knows them takes long to load."""
_TOLD = frozenset({"id", "description"})
_TEXT = frozenset({"id", "description", "method", "path", "user", "name", "session", "begin", "until"})
"""Parameters that are text, whatever they look like."""
Id = Annotated[str, typer.Argument(metavar="ID")]
Values = Annotated[
    list[str] | None,
    typer.Argument(metavar="KEY=VALUE", help="Of a preset, such as user=alice, times=1 or seconds=30."),
]


def _row(fault: dict[str, Any]) -> list[Any]:
    from json import dumps

    rule = {key: value for key, value in fault["rule"].items() if key not in _TOLD}
    text = ", ".join(
        f"{key}={value if isinstance(value, str) else dumps(value, ensure_ascii=False)}"
        for key, value in rule.items()
    )
    return [fault["id"], fault["met"], f"{fault['struck']}{' (spent)' if fault['spent'] else ''}", text]


def _table(remote: Remote, answer: dict[str, Any]) -> None:
    remote.table(answer, _HEADER, (_row(fault) for fault in answer["faults"]))


@command(faults)
def listed(remote: Remote) -> None:
    """What goes wrong: list, show, presets, apply, add, remove, clear."""
    _table(remote, remote.get("faults"))


@command(faults, "list")
def list_(remote: Remote) -> None:
    """Those that are set, in the order in which calls meet them."""
    listed(remote)


@command(faults, "show")
def show(remote: Remote, fault: Id) -> None:
    """One, as it is written, and what it has met."""
    answer = remote.get(f"faults/{quote(fault, safe='')}")
    if remote.wants_json:
        remote.show(answer)
        return
    import yaml

    spent = "; it strikes no more" if answer["spent"] else ""
    remote.show(
        answer,
        yaml.safe_dump(answer["rule"], sort_keys=False, allow_unicode=True, width=110).rstrip(),
        f"# set at {answer['set_at']:g} s; met {answer['met']} calls, struck {answer['struck']}{spent}",
        f"# operations: {', '.join(answer['operations'])}",
    )


@command(faults, "presets")
def presets(remote: Remote) -> None:
    """Those that have a name."""
    answer = remote.get("fault-presets")
    remote.table(
        answer,
        ("preset", "what goes wrong", "parameters"),
        (
            (
                preset["name"],
                preset["description"],
                [f"{key}={value}" for key, value in preset["parameters"].items()],
            )
            for preset in answer["presets"]
        ),
    )


@command(faults, "apply")
def apply(
    remote: Remote, preset: Annotated[str, typer.Argument(metavar="PRESET")], values: Values = None
) -> None:
    """Set a preset, with its parameters and with which calls it meets and strikes."""
    _add(remote, _use(remote, preset, values or []))


@command(faults, "add")
def add(
    remote: Remote,
    given: Annotated[
        str,
        typer.Argument(metavar="FAULT|FILE|PRESET", help="- reads standard input."),
    ],
    values: Values = None,
) -> None:
    """Set a fault as it is written, '{status: 500, user: alice}', those of a YAML or JSON file, or a preset."""
    written = given.lstrip().startswith(("{", "["))
    if not written and given != "-" and not Path(given).is_file():
        _add(remote, _use(remote, given, values or []))
        return
    if values:
        remote.fail("KEY=VALUE goes with a preset", USAGE)
    _add(remote, given.encode() if written else content(remote, given))


def _add(remote: Remote, document: bytes) -> None:
    _table(remote, remote.ask("POST", "faults", document=document).json())


def _use(remote: Remote, preset: str, values: list[str]) -> bytes:
    """A preset with parameters, as it is written."""
    from json import dumps

    use: dict[str, Any] = {"preset": preset}
    for pair in values:
        key, separator, value = pair.partition("=")
        if not separator or key == "preset":
            remote.fail(f"{pair!r} should be KEY=VALUE", USAGE)
        use[key] = value if key in _TEXT else _value(value)
    return dumps(use).encode()


def _value(text: str) -> Any:
    """What YAML takes ``text`` for, if JSON has that; else ``text``."""
    from json import dumps

    import yaml

    try:
        value = yaml.safe_load(text)
        dumps(value, allow_nan=False)
    except (yaml.YAMLError, TypeError, ValueError):
        return text
    return value


@command(faults, "remove")
def remove(remote: Remote, fault: Id) -> None:
    """Remove one."""
    remote.ask("DELETE", f"faults/{quote(fault, safe='')}")
    remote.show({"removed": fault}, f"{fault} is removed")


@command(faults, "clear")
def clear(remote: Remote) -> None:
    """Remove all."""
    remote.ask("DELETE", "faults")
    remote.show({"faults": []}, "there are no faults any more")


@command(app, "disturb")
def disturb(
    remote: Remote,
    session: Annotated[str, typer.Argument(metavar="ID")],
    what: Annotated[str, typer.Argument(metavar=WHAT)],
    exit_code: Annotated[int, typer.Option(metavar="N", help="For exit.")] = 1,
    seconds: Annotated[
        str | None, typer.Option(metavar="DURATION", help="For preempt and stall: keep it waiting so long.")
    ] = None,
    app_id: Annotated[
        str, typer.Option("--app", metavar="APP", help="A desktop app, and not the session itself.")
    ] = "",
) -> None:
    """Let something befall a session that is there."""
    body = {"what": what, "app": app_id, "exit_code": exit_code, "seconds": seconds}
    view = remote.ask("POST", f"sessions/{quote(session, safe='')}/disturb", body=body).json()
    reason = f" ({view['reason']})" if view["reason"] else ""
    remote.show(view, f"{view['app'] or view['id']} is {view['status']}{reason}")
