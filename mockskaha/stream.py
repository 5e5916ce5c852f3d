"""The last of what happened on a platform, numbered, for whoever follows it: timelines, event streams, metrics."""

from __future__ import annotations

from collections import Counter, deque
from itertools import islice
from typing import NamedTuple

from mockskaha.session import NOBODY, Session, Tag
from skahasim.transition import Transition

MOST = 20_000
_Noted = tuple[float, str, Tag, str, str, str]
"""A happening in few words: time, step, whose, container, reason, node."""


class Happening(NamedTuple):
    """One transition of a session's job, or one change of a node. Holds nothing of the session alive."""

    number: int
    """From 1, without gaps."""
    time: float
    """Model time, in seconds."""
    step: str
    """What happened: a :class:`~skahasim.transition.Step`, or ``node-`` and a change of a node."""
    session_id: str
    app_id: str
    user: str
    kind: str
    name: str
    container: str
    reason: str
    node: str


class Stream:
    """A ring of the last :data:`MOST` happenings. Readers keep the number they have read up to."""

    def __init__(self, most: int = MOST) -> None:
        self._ring: deque[_Noted] = deque(maxlen=most)
        self.count = 0
        """How many there have been."""
        self.steps: Counter[str] = Counter()
        """How many of each step."""

    @property
    def oldest(self) -> int:
        """The number of the oldest that is kept; one more than :attr:`count` when none is."""
        return self.count - len(self._ring) + 1

    def note(self, transition: Transition, session: Session) -> None:
        """Take in what happened to ``session``."""
        time, job, step, container, reason = transition
        self.count += 1
        self.steps[step] += 1
        names, node = job.containers, job.node
        self._ring.append(
            (
                time, step, session.tag, names[container].name if 0 <= container < len(names) else "",
                reason, "" if node is None else node.name,
            )
        )  # fmt: skip

    def note_node(self, time: float, node: str, change: str) -> None:
        """Take in what happened to a node."""
        self.count += 1
        step = f"node-{change}"
        self.steps[step] += 1
        self._ring.append((time, step, NOBODY, "", "", node))

    def since(self, number: int, most: int = MOST) -> list[Happening]:
        """At most ``most`` happenings after ``number``, oldest first."""
        first = max(0, number - self.oldest + 1)
        begin = self.oldest + first
        return [
            _told(begin + place, noted) for place, noted in enumerate(islice(self._ring, first, first + most))
        ]

    def of(self, session_id: str) -> list[Happening]:
        """All kept happenings of a session and its apps, oldest first."""
        return [
            _told(number, noted)
            for number, noted in enumerate(self._ring, self.oldest)
            if noted[2].session_id == session_id
        ]


def _told(number: int, noted: _Noted) -> Happening:
    time, step, tag, container, reason, node = noted
    return Happening(number, time, str(step), *tag, container, reason, node)
