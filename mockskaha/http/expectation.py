"""Whether requests came as they should: so many of these, and if not, which came near."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from mockskaha.http.requests import Entry, RequestJournal, Wanted, parameters_of

NEAREST = 5
_FIELDS = ("operation", "method", "path", "user", "status", "fault")


class Near(NamedTuple):
    """A request that is not one of those wanted, and in what it differs."""

    entry: Entry
    differs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the journal says."""

    ok: bool
    count: int
    """How many of those kept are meant."""
    forgotten: int
    """How many are not kept any more, whatever they were."""
    text: str
    """The same as a sentence."""
    nearest: tuple[Near, ...]
    """When not ``ok`` for want of requests: those that came nearest, nearest first."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """How many of the requests that are ``wanted`` there should be; bounds may be left open."""

    wanted: Wanted
    at_least: int | None = None
    at_most: int | None = None

    def judge(self, journal: RequestJournal) -> Verdict:
        """Hold ``journal`` to it. What it has forgotten can neither help to a lower bound nor keep to an upper one."""
        count = len(journal.matching(self.wanted))
        forgotten = journal.count - len(journal)
        few = self.at_least is not None and count < self.at_least
        many = self.at_most is not None and count > self.at_most
        unsure = self.at_most is not None and not many and forgotten > 0
        text = f"{count} of {len(journal)} requests match; {self._expected()}"
        if unsure or (few and forgotten):
            text += f"; {forgotten} older ones are forgotten, so clear the journal at the start of a test"
        return Verdict(
            not (few or many or unsure), count, forgotten, text, self._nearest(journal) if few else ()
        )

    def _expected(self) -> str:
        if self.at_least is not None and self.at_least == self.at_most:
            return f"{self.at_least} expected"
        bounds = [
            f"at {word} {bound}"
            for word, bound in (("least", self.at_least), ("most", self.at_most))
            if bound is not None
        ]
        return f"{' and '.join(bounds)} expected" if bounds else "any number expected"

    def _nearest(self, journal: RequestJournal) -> tuple[Near, ...]:
        near = [
            Near(entry, tuple(differs)) for entry in journal if (differs := differences(self.wanted, entry))
        ]
        near.sort(key=lambda item: (len(item.differs), -item.entry.number))
        return tuple(near[:NEAREST])


def differences(wanted: Wanted, entry: Entry) -> list[str]:
    """In what ``entry`` is not what is wanted; empty when it is."""
    told = {
        "operation": entry.operation, "method": entry.method, "path": entry.path, "user": entry.username,
        "status": entry.status, "fault": entry.fault,
    }  # fmt: skip
    found = [
        f"{name} is {told[name] or 'none'}, not {value}"
        for name in _FIELDS
        if (value := getattr(wanted, name)) is not None and not Wanted(**{name: value}).takes(entry)
    ]
    sent: dict[str, list[str]] = {}
    for name, value in parameters_of(entry) if wanted.parameters else ():
        sent.setdefault(name.lower(), []).append(value)
    for name, value in wanted.parameters:
        if name.lower() not in sent:
            found.append(f"parameter {name} is missing")
        elif value not in sent[name.lower()]:
            found.append(f"parameter {name} is not {value}")
    return found
