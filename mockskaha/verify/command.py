"""``mockskaha verify``."""

from __future__ import annotations

import json as json_
import sys
from contextlib import nullcontext
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
from mockskaha.verify.recording_commands import replay as replay_recording

if TYPE_CHECKING:
    from mockskaha.era import Era
    from mockskaha.verify.check import Check
    from mockskaha.verify.client import Client
    from mockskaha.verify.verification import Result, Verification
    from mockskaha.verify.versions import Guess


class Profile(StrEnum):
    CI = "ci"
    DEEP = "deep"


def verify(
    url: UrlArgument = None,
    token: TokenOption = None,
    write: WriteOption = False,
    user2_token: Annotated[
        str | None,
        typer.Option(
            envvar="CANFAR_TOKEN2", metavar="TOKEN", help="Of another user: check what others can see."
        ),
    ] = None,
    skaha_version: Annotated[
        str,
        typer.Option(metavar="VERSION", help="What it should answer like; auto tells it from the answers."),
    ] = "auto",
    profile: Annotated[
        Profile | None,
        typer.Option(
            help="Explore every operation with Schemathesis, too: ci within a minute, deep for long."
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="GLOB", help="Checks with such ids: 'refusals.*'. Repeatable."),
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="List the checks and ask nothing.")] = False,
    replay: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.har", help="Compare a recording (mockskaha record) with the fake, and ask nobody."
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="The results as JSON.")] = False,
    junit: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the results as JUnit XML.")
    ] = None,
    har: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write every request and answer, without secrets.")
    ] = None,
    rate: RateOption = None,
    timeout: TimeoutOption = 30.0,
    wait: WaitOption = 180.0,
    image: ImageOption = None,
    max_time: Annotated[
        float | None,
        typer.Option(min=1, metavar="SECONDS", help="End the exploration of --profile after that long."),
    ] = None,
) -> None:
    """Check a Skaha server, fake or real, against the contract and the behaviour of Skaha.

    Without --write nothing on the server changes: it reads, and asks for what is certain to be refused.
    Exit code: 0 all is well, 1 something failed, 2 wrong usage, 4 nobody answers.
    """
    if replay is not None:
        replay_recording(replay, skaha_version, json=json, junit=junit)
    checks = _chosen(only)
    if list_:
        _list(checks, json=json)
        return
    root = command_line.root_of(url)
    era = None if skaha_version == "auto" else command_line.era_named(skaha_version)
    for path in (junit, har):
        if path is not None and not path.absolute().parent.is_dir():
            usage(f"{path}: there is no such folder")
    if not token:
        usage("there is no token; give --token or set CANFAR_TOKEN")
    from mockskaha.verify.client import Refused, Unreachable
    from mockskaha.verify.exchange import Caller
    from mockskaha.verify.skaha import Stage, run_name

    tokens = {Caller.OWNER: token} | ({Caller.SECOND: user2_token} if user2_token else {})
    client = command_line.client_of(root, tokens, rate, timeout)
    stage = Stage(run=run_name(), patience=wait, image=image)
    run = _Run(client, stage, json=json)
    code = 1
    try:
        with ended_by_signals():
            run.start(era)
            run.check(checks, write=write)
            if profile is not None:
                run.explore(profile.value, write=write, max_time=max_time)
            run.tell_contract()
    except KeyboardInterrupt:
        code = INTERRUPTED
        typer.echo("interrupted", err=True)
    except (Refused, Unreachable) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2 if isinstance(error, Refused) else UNREACHABLE) from None
    else:
        code = 1 if run.has_failed else 0
    finally:
        client.close()
        if run.verification is not None:
            run.write(junit, har)
    run.end()
    raise typer.Exit(code)


class _Run:
    """One run on a console: what has come of it so far, and how it is told."""

    def __init__(self, client: Client, stage: Any, *, json: bool) -> None:
        from rich.console import Console

        from mockskaha.verify.report import Report
        from mockskaha.verify.scrub import Scrubber

        self.client = client
        self.stage = stage
        self.results: list[Result] = []
        self.verification: Verification | None = None
        self.guess: Guess | None = None
        self._json = json
        self._scrubber = Scrubber(client.secrets)
        console = Console(width=None if sys.stdout.isatty() else 160, highlight=False, quiet=json)
        self._report = Report(console, self._scrubber)

    def start(self, era: Era | None) -> None:
        """See that somebody is there, and of which version. Raises ``Unreachable``, ``Refused``."""
        from mockskaha.era import era as era_of
        from mockskaha.verify.client import knock
        from mockskaha.verify.verification import Verification
        from mockskaha.verify.versions import detected

        knock(self.client)
        print_ = self._report.console.print
        print_(f"[bold]{self.client.root}[/]")
        if era is None:
            with self._busy("which version is it?"):
                self.guess = detected(self.client, self.stage)
            print_(f"[dim]{self.guess}[/]", soft_wrap=True)
            era = era_of(self.guess.version)
        self.verification = Verification(self.client, era, self.stage)

    def check(self, checks: tuple[Check, ...], *, write: bool) -> None:
        assert self.verification is not None
        self.verification.write = write
        with self.verification as verification:
            for check in checks:
                with self._busy(check.title):
                    result = verification.run(check)
                self.tell(result)

    def tell_contract(self) -> None:
        """At last: what was found of the answers of the whole run."""
        assert self.verification is not None
        for result in self.verification.contract_results():
            self.tell(result)

    def explore(self, profile: str, *, write: bool, max_time: float | None) -> None:
        assert self.verification is not None
        try:
            from mockskaha.verify.explore import explore
        except ImportError as error:
            typer.echo(
                f"error: --profile needs more than is installed ({error.name}): pip install 'mockskaha[verify]'",
                err=True,
            )
            raise typer.Exit(2) from None
        with self._busy(f"exploring, profile {profile}"):
            found = explore(self.client, self.verification, profile, max_time=max_time, write=write)
        for result in found:
            self.tell(result)

    def tell(self, result: Result) -> None:
        self.results.append(result)
        self._report.tell(result)

    @property
    def has_failed(self) -> bool:
        assert self.verification is not None
        return any(result.outcome == "failed" for result in self.results) or bool(self.verification.left)

    def write(self, junit: Path | None, har: Path | None) -> None:
        """The files that were asked for, of as much as there is."""
        from mockskaha.verify.documents import write_junit
        from mockskaha.verify.har import write_har

        assert self.verification is not None
        if junit is not None:
            write_junit(junit, self.results, self._scrubber, self.client.root)
        if har is not None:
            write_har(har, self.verification.ledger.exchanges, self._scrubber)

    def end(self) -> None:
        from mockskaha.verify.documents import result_object, summary

        if self.verification is None:
            return
        version, left = self.verification.era.version, self.verification.left
        if not self._json:
            self._report.end(self.results, version, left)
            return
        written = {
            "server": self.client.root,
            "skaha_version": version,
            "detected": None if self.guess is None else str(self.guess),
            "summary": summary(self.results),
            "left": left,
            "results": [result_object(result, self._scrubber) for result in self.results],
        }
        typer.echo(json_.dumps(written, indent=2, ensure_ascii=False))

    def _busy(self, what: str) -> Any:
        if self._json or not sys.stdout.isatty():
            return nullcontext()
        return self._report.console.status(what.replace("`", ""))


def _chosen(only: list[str] | None) -> tuple[Check, ...]:
    from mockskaha.verify.checks import all_checks

    checks = all_checks()
    if not only:
        return checks
    chosen = tuple(check for check in checks if any(fnmatchcase(check.id, pattern) for pattern in only))
    if not chosen:
        usage(f"no check is called {' or '.join(only)}; --list tells what there is")
    return chosen


def _list(checks: tuple[Check, ...], *, json: bool) -> None:
    if json:
        listed = [
            {"id": check.id, "section": check.section, "title": check.title, "needs": check.needs.value}
            for check in checks
        ]
        typer.echo(json_.dumps(listed, indent=2, ensure_ascii=False))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for column in ("check", "needs", "what is so", "contract"):
        table.add_column(column, no_wrap=column != "what is so")
    for check in checks:
        needs = "" if check.needs.value == "nothing" else check.needs.value
        table.add_row(check.id, needs, check.title.replace("`", ""), check.section)
    Console(width=None if sys.stdout.isatty() else 200, highlight=False).print(table)
