"""``mockskaha record``, and ``mockskaha verify --replay``."""

from __future__ import annotations

import json as json_
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from mockskaha.verify import command_line
from mockskaha.verify.command_line import (
    INTERRUPTED,
    UNREACHABLE,
    ImageOption,
    RateOption,
    TimeoutOption,
    TokenOption,
    UrlArgument,
    WaitOption,
    WriteOption,
    ended_by_signals,
    usage,
)


def record(
    url: UrlArgument = None,
    token: TokenOption = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE.har", help="Where to write it.")] = None,
    write: WriteOption = False,
    skaha_version: Annotated[
        str, typer.Option(metavar="VERSION", help="What it answers like; auto tells it from the answers.")
    ] = "auto",
    rate: RateOption = None,
    timeout: TimeoutOption = 30.0,
    wait: WaitOption = 180.0,
    image: ImageOption = None,
    listen: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65535,
            metavar="PORT",
            help="Record what a client of yours asks at this port of 127.0.0.1, until Ctrl-C. 0: any.",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
) -> None:
    """Record a conversation with a Skaha server as a HAR, without its secrets, for `verify --replay`.

    The questions are the same every time and change nothing; with --write two jobs and a notebook are launched, looked
    at and removed. Users, ids, hosts and private images get other names, the same throughout; tokens are masked, other
    headers left out. Logs are recorded of what is launched here alone.

    With --listen it asks nothing itself: a client that is pointed at it asks, with its own token.
    """
    root = command_line.root_of(url)
    if not token and listen is None:
        usage("there is no token; give --token or set CANFAR_TOKEN")
    if out is None:
        usage("where to? Give --out FILE.har")
    if out.exists() and not force:
        usage(f"{out} exists; --force overwrites it")
    if not out.absolute().parent.is_dir():
        usage(f"{out}: there is no such folder")
    if listen is not None:
        _listen(root, listen, out, timeout, skaha_version)
    assert token is not None
    from mockskaha.era import era as era_of
    from mockskaha.verify.check import NotChecked, Unmet
    from mockskaha.verify.client import Refused, Unreachable, knock
    from mockskaha.verify.exchange import Caller
    from mockskaha.verify.har import write_har
    from mockskaha.verify.pseudonyms import Pseudonyms
    from mockskaha.verify.recording import Recording
    from mockskaha.verify.skaha import Stage, run_name
    from mockskaha.verify.versions import detected

    client = command_line.client_of(root, {Caller.OWNER: token}, rate, timeout)
    stage = Stage(run=run_name(), patience=wait, image=image)
    code, recording = 0, None
    try:
        with ended_by_signals():
            knock(client)
            guess = detected(client, stage) if skaha_version == "auto" else None
            if guess is not None:
                typer.echo(str(guess))
            era = command_line.era_named(skaha_version) if guess is None else era_of(guess.version)
            recording = Recording(client, era, stage, write=write)
            with recording.removing():
                for name, part in recording.parts():
                    before = len(recording.exchanges)
                    try:
                        part()
                    except (NotChecked, Unmet) as error:
                        code = 1
                        typer.echo(f"{name}: not complete: {error}", err=True)
                    typer.echo(f"{name}: {len(recording.exchanges) - before} exchanges")
    except KeyboardInterrupt:
        code = INTERRUPTED
        typer.echo("interrupted", err=True)
    except (Refused, Unreachable) as error:
        typer.echo(f"error: {error}", err=True)
        code = 2 if isinstance(error, Refused) else UNREACHABLE
    finally:
        client.close()
    if recording is not None and recording.exchanges:
        names = Pseudonyms(recording.exchanges, client.secrets, root)
        write_har(out, recording.exchanges, names, skaha_version=era.version, wrote=write)
        typer.echo(
            f"{len(recording.exchanges)} exchanges written to {out}; look at it before you give it away"
        )
        for session_id, name in recording.left.items():
            typer.echo(f"could not be removed: {session_id} {name}", err=True)
            code = code or 1
    raise typer.Exit(code)


def _listen(root: str, port: int, out: Path, timeout: float, version: str) -> NoReturn:
    """Record what clients ask until there is an interrupt, and end."""
    from contextlib import suppress

    from mockskaha.verify.har import write_har
    from mockskaha.verify.listening import Listener
    from mockskaha.verify.memory import Memory
    from mockskaha.verify.pseudonyms import Pseudonyms
    from mockskaha.verify.skaha import Stage
    from mockskaha.verify.versions import detected

    named = None if version == "auto" else command_line.era_named(version).version
    try:
        listener = Listener(root, port, timeout)
    except OSError as error:
        usage(f"--listen {port}: {error}")
    path = "/v0" if named == "0.29" else "/v1"
    typer.echo(f"export CANFAR_URL={listener.url}{path}  # is {root}; Ctrl-C ends the recording")
    with suppress(KeyboardInterrupt), ended_by_signals():
        listener.listen()
    listener.close()
    exchanges = listener.exchanges
    if not exchanges:
        typer.echo("nobody has asked anything that can be kept", err=True)
        raise typer.Exit(1)
    era = named or detected(Memory(root, exchanges), Stage()).version
    wrote = any(exchange.request.method not in ("GET", "HEAD") for exchange in exchanges)
    write_har(out, exchanges, Pseudonyms(exchanges, listener.secrets, root), skaha_version=era, wrote=wrote)
    typer.echo(f"{len(exchanges)} exchanges written to {out}; look at it before you give it away")
    if listener.left_out:
        typer.echo(
            f"{listener.left_out} were passed on and not kept: logs, everybody's sessions, other bodies"
        )
    raise typer.Exit(0)


def replay(path: Path, version: str, *, json: bool, junit: Path | None) -> NoReturn:
    """Hold a recording against the fake, and end."""
    from rich.console import Console

    from mockskaha.era import era as era_of
    from mockskaha.verify.documents import result_object, summary, write_junit
    from mockskaha.verify.har import UnreadableArchive, read_har
    from mockskaha.verify.memory import Memory
    from mockskaha.verify.replay import Replay
    from mockskaha.verify.report import Report
    from mockskaha.verify.scrub import Scrubber
    from mockskaha.verify.skaha import Stage
    from mockskaha.verify.versions import detected

    try:
        exchanges, _ = read_har(path)
    except (UnreadableArchive, OSError) as error:
        usage(str(error))
    if not exchanges:
        usage(f"{path} has no exchanges")
    guess = None
    if version == "auto":
        guess = detected(Memory(str(path), exchanges), Stage())
    era = command_line.era_named(version) if guess is None else era_of(guess.version)
    console = Console(width=None if sys.stdout.isatty() else 160, highlight=False, quiet=json)
    report = Report(console, Scrubber())
    console.print(f"[bold]{path}[/]: {len(exchanges)} exchanges")
    if guess is not None:
        console.print(f"[dim]{guess}[/]", soft_wrap=True)
    results = []
    for result in Replay(exchanges, era).results():
        results.append(result)
        report.tell(result)
    if junit is not None:
        write_junit(junit, results, Scrubber(), str(path))
    if json:
        written = {
            "recording": str(path),
            "skaha_version": era.version,
            "summary": summary(results),
            "results": [result_object(result, Scrubber()) for result in results],
        }
        typer.echo(json_.dumps(written, indent=2, ensure_ascii=False))
    else:
        report.end(results, era.version, {})
    raise typer.Exit(1 if any(result.outcome == "failed" for result in results) else 0)
