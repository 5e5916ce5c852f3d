"""The results of a run for people: a line for each check as it comes, then every failure with how to see it again."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.text import Text

from mockskaha.verify.documents import summary
from mockskaha.verify.scrub import Scrubber
from mockskaha.verify.verification import NEEDS_SECOND_USER, NEEDS_WRITE, Outcome, Result

_SIGNS = {Outcome.PASSED: "[green]✓[/]", Outcome.FAILED: "[bold red]✗[/]", Outcome.SKIPPED: "[yellow]–[/]"}
_TITLES = {
    "service": "The service",
    "access": "Who is let in",
    "methods": "Methods and parameters",
    "platform": "The platform: images, context, statistics",
    "sessions": "Lists and single sessions",
    "refusals": "Launches that are refused",
    "launches": "Launched sessions",
    "lifecycle": "What becomes of a session",
    "apps": "Desktop apps",
    "isolation": "Other users",
    "contract": "openapi/skaha.yaml: every answer of this run",
    "schemathesis": "Schemathesis",
    "replay": "The recording, and the fake",
}
_SHOWN_BODY_LINES = 12


class Report:
    """Tells one run on a console."""

    def __init__(self, console: Console, scrubber: Scrubber) -> None:
        self.console = console
        self._scrubber = scrubber
        self._group = ""
        self._not_asked_for: dict[str, int] = {}

    def tell(self, result: Result) -> None:
        """A line for a result, under the heading of its group; those that nobody asked for are counted."""
        if result.group != self._group:
            self._tell_not_asked_for()
            self._group = result.group
            self.console.print(f"\n[bold]{escape(_TITLES.get(result.group, result.group))}[/]")
        if result.reason in (NEEDS_WRITE, NEEDS_SECOND_USER):
            self._not_asked_for[result.reason] = self._not_asked_for.get(result.reason, 0) + 1
            return
        title = escape(_marked(result.title))
        line = f"  {_SIGNS[result.outcome]} {title}"
        if result.outcome is Outcome.FAILED:
            line = f"  {_SIGNS[result.outcome]} [red]{title}[/]  [dim]{escape(result.id)}[/]"
        elif result.outcome is Outcome.SKIPPED:
            line += f"  [dim]({escape(self._scrubber.text(result.reason))})[/]"
        self.console.print(line, soft_wrap=True)

    def _tell_not_asked_for(self) -> None:
        for reason, number in self._not_asked_for.items():
            self.console.print(f"  {_SIGNS[Outcome.SKIPPED]} [dim]{number} more: {escape(reason)}[/]")
        self._not_asked_for.clear()

    def end(self, results: Sequence[Result], version: str, left: dict[str, str]) -> None:
        """Every failure once more, with what was asked and answered; and the sum of it."""
        self._tell_not_asked_for()
        failed = [result for result in results if result.outcome is Outcome.FAILED]
        for number, result in enumerate(failed, 1):
            self._failure(number, len(failed), result, version)
        counts = summary(results)
        colour = "red" if failed else "green"
        self.console.print(
            f"\n[bold {colour}]{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped[/] "
            f"[dim](checked as Skaha {version})[/]"
        )
        if left:
            self.console.print("\n[bold red]Could not be removed:[/]")
            for session_id, name in left.items():
                self.console.print(f"  {escape(session_id)}  {escape(name)}")

    def _failure(self, number: int, of: int, result: Result, version: str) -> None:
        print_ = self.console.print
        print_(f"\n[bold red]{number} of {of}: {escape(result.id)}[/]  [dim]{escape(result.section)}[/]")
        print_(Padding(Text(_marked(result.title)), (0, 0, 0, 2)))
        print_(Padding(Text(self._scrubber.text(result.reason), style="red"), (0, 0, 0, 2)))
        if result.versions:
            print_(
                f"  [yellow]Skaha {escape(', '.join(result.versions))} answers like that[/]; "
                f"this was checked as {version} [dim](--skaha-version)[/]"
            )
        elif result.versions is not None:
            print_("  [dim]no version of Skaha is known to answer like that[/]")
        if result.exchange is not None:
            print_(f"  [cyan]{escape(self._scrubber.text(result.exchange.curl()))}[/]", soft_wrap=True)
            self._answer(result)

    def _answer(self, result: Result) -> None:
        exchange = result.exchange
        if exchange is None:
            return
        lines = [f"HTTP {exchange.status}"]
        lines += [f"{name}: {value}" for name, value in self._scrubber.headers(exchange.headers)]
        body = self._scrubber.text(exchange.text).splitlines()
        lines += ["", *(line[:200] for line in body[:_SHOWN_BODY_LINES])]
        if len(body) > _SHOWN_BODY_LINES:
            lines.append(f"… {len(body) - _SHOWN_BODY_LINES} more lines")
        self.console.print(Padding(Text("\n".join(lines), style="dim"), (0, 0, 0, 4)))


def _marked(title: str) -> str:
    """A title as it is read: without the marks of code."""
    return title.replace("`", "")
