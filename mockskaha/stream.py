"""The last of what happened on a platform, numbered, for whoever follows it: timelines, event streams, metrics."""

from __future__ import annotations

from collections import Counter, deque
from itertools import islice
from typing import NamedTuple

from mockskaha.session import Session
from skahasim.transition import Transition

MOST = 20_000
_new = tuple.__new__


class Happening(NamedTuple):
    """One transition of a session's job, or one change of a node. Holds nothing of the session alive."""

    number: int
    """From 1, without gaps."""
    time: float
    """Model time, in seconds."""
    step: str
    """What happened: a :class:`~skahasim.transition.Step`, or ``node-`` and a change of a node."""
    session_id: str = ""
    app_id: str = ""
    user: str = ""
    kind: str = ""
    name: str = ""
    container: str = ""
    reason: str = ""
    node: str = ""


class Stream:
    """A ring of the last :data:`MOST` happenings. Readers keep the number they have read up to."""

    def __init__(self, most: int = MOST) -> None:
        self._ring: deque[Happening] = deque(maxlen=most)
        self.count = 0
        """How many there have been."""
        self.steps: Counter[str] = Counter()
        """How many of each step."""

    @property
    def oldest(self) -> int:
        """The number of the oldest that is kept; one more than :attr:`count` when none is."""
        return self._ring[0].number if self._ring else self.count + 1

    def note(self, transition: Transition, session: Session) -> None:
        """Take in what happened to ``session``."""
        time, job, step, container, reason = transition
        self.count += 1
        self.steps[step] += 1
        names = job.containers
        node = job.node
        self._ring.append(
            _new(
                Happening,
                (
                    self.count, time, step.value, session.session_id, session.app_id, session.owner.username,
                    session.kind, session.name, names[container].name if 0 <= container < len(names) else "",
                    reason, "" if node is None else node.name,
                ),
            )
        )  # fmt: skip

    def note_node(self, time: float, node: str, change: str) -> None:
        """Take in what happened to a node."""
        self.count += 1
        step = f"node-{change}"
        self.steps[step] += 1
        self._ring.append(Happening(self.count, time, step, node=node))

    def since(self, number: int, most: int = MOST) -> list[Happening]:
        """At most ``most`` happenings after ``number``, oldest first."""
        first = max(0, number - self.oldest + 1)
        return list(islice(self._ring, first, first + most))

    def of(self, session_id: str) -> list[Happening]:
        """All kept happenings of a session and its apps, oldest first."""
        return [item for item in self._ring if item.session_id == session_id]
