"""All sessions, found by id, by owner, and in the order Kubernetes lists them."""

from __future__ import annotations

from collections.abc import Iterator

from mockskaha.session import Session


class Inventory:
    """Sessions and desktop apps. Finding one costs the same however many there are; listing a user's costs in
    proportion to the user's own."""

    def __init__(self) -> None:
        self._sessions: dict[str, Session] = {}
        self._of: dict[str, dict[str, Session]] = {}
        self._sorted: dict[str, list[Session]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._of.values()))

    def __iter__(self) -> Iterator[Session]:
        """Everybody's sessions and apps, sorted by job name."""
        return iter(
            sorted(
                (item for owned in self._of.values() for item in owned.values()),
                key=lambda item: item.job.name,
            )
        )

    def __contains__(self, session_id: str) -> bool:
        return session_id in self._sessions

    def add(self, session: Session) -> None:
        username = session.owner.username
        if session.is_app:
            parent = self._sessions[session.session_id]
            parent.apps = parent.apps or {}
            parent.apps[session.app_id] = session
        else:
            self._sessions[session.session_id] = session
        self._of.setdefault(username, {})[session.job.name] = session
        self._sorted.pop(username, None)

    def remove(self, session: Session) -> None:
        """Forget ``session``. Harmless when it is not known."""
        username = session.owner.username
        if session.is_app:
            parent = self._sessions.get(session.session_id)
            if parent is not None and parent.apps:
                parent.apps.pop(session.app_id, None)
        elif self._sessions.get(session.session_id) is session:
            del self._sessions[session.session_id]
        owned = self._of.get(username)
        if owned is not None and owned.pop(session.job.name, None) is not None:
            self._sorted.pop(username, None)
            if not owned:
                del self._of[username]

    def session(self, session_id: str) -> Session | None:
        """The session with this id, whoever owns it."""
        return self._sessions.get(session_id)

    def find(self, username: str, session_id: str) -> Session | None:
        """The user's session with this id."""
        session = self._sessions.get(session_id)
        return session if session is not None and session.owner.username == username else None

    def app(self, username: str, session_id: str, app_id: str) -> Session | None:
        """The user's desktop app with these ids."""
        session = self.find(username, session_id)
        return session.apps.get(app_id) if session is not None and session.apps else None

    def of(self, username: str) -> list[Session]:
        """The user's sessions and apps, sorted by job name as Kubernetes lists them (skaha-contract §2.5).
        Not to be changed."""
        listed = self._sorted.get(username)
        if listed is None:
            owned = self._of.get(username)
            if owned is None:
                return []
            listed = self._sorted[username] = [owned[name] for name in sorted(owned)]
        return listed
