"""One of the platforms of a server, with all that belongs to it: requests, faults, and the state it goes back to."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mockskaha.faults.book import FaultBook
from mockskaha.http.gateway import Gateway
from mockskaha.http.requests import RequestJournal
from mockskaha.journal import Journal, MemoryJournal, NoJournal
from mockskaha.platform import DEFAULT_EPOCH, Platform
from skahasim.clock import ManualClock, WallClock, wall_time

if TYPE_CHECKING:
    from mockskaha.config import Settings
    from mockskaha.seed import SeedState
    from mockskaha.snapshot import Snapshot


class Namespace:
    """A platform that can be replaced: by a fresh one, by one that was seeded, by one out of a snapshot.

    ``platform`` changes then; ``gateway`` stays and answers for the present one.
    """

    def __init__(
        self,
        name: str,
        settings: Settings,
        base_url: str,
        *,
        platform: Platform | None = None,
        seed: SeedState | None = None,
    ) -> None:
        """``platform`` is taken over as it is; else one is made by ``settings`` and populated as ``seed`` says. Raises
        what :func:`fresh` raises."""
        self.name = name
        self.base_url = base_url
        self.settings = settings
        """Those of the server, before any seed."""
        self.seed = seed
        """What :meth:`reset` goes back to."""
        self.requests = RequestJournal()
        made = fresh(settings, seed) if platform is None else platform
        made.base_url = base_url
        self.gateway = Gateway(made, requests=self.requests)
        self.faults = FaultBook(made.settings.seed, self._faults_changed)
        self.faults.begin(made.settings.seed, made.settings.faults, made.time)
        self.replaced: list[Callable[[], None]] = []
        """Called when the platform has been replaced."""

    @property
    def platform(self) -> Platform:
        """The present one."""
        return self.gateway.platform

    def reset(self, *, to_seed: bool = True) -> None:
        """As in the beginning: no requests, no faults but those of the settings, and the state the namespace was seeded
        with, if ``to_seed``; else that of the server's settings. Raises what :func:`fresh` raises; then all is as it
        was."""
        if not to_seed:
            self.seed = None
        self._replace(fresh(self.settings, self.seed, self.platform.journal))
        self.requests.clear()

    def populate(self, seed: SeedState) -> None:
        """Begin anew in the state that ``seed`` describes. Raises what :func:`fresh` raises; then all is as it
        was."""
        self._replace(fresh(self.settings, seed, self.platform.journal))
        self.seed = seed

    def snapshot(self) -> Snapshot:
        """The state as one document. Raises ``CommandsNotKept``."""
        from mockskaha import snapshot

        self.platform.catch_up()
        return snapshot.take(self.platform, self.faults.dump())

    def restore(self, document: Snapshot) -> None:
        """The state of ``document``. Raises ``SnapshotError``; then all is as it was."""
        from mockskaha import snapshot

        faults = snapshot.faults_of(document)
        platform = snapshot.restore(document, self.settings, self.platform.journal).platform
        self._replace(platform)
        self.faults.load(platform.settings.seed, faults)

    def close(self) -> None:
        """Close the state file, if there is one."""
        self.platform.close()

    def _faults_changed(self) -> None:
        """Without faults, requests do not pass by the book at all."""
        self.gateway.faults = self.faults if len(self.faults) else None

    def _replace(self, platform: Platform) -> None:
        """Faults are those of the new platform's settings then."""
        platform.base_url = self.base_url
        self.gateway.platform = platform
        self.faults.begin(platform.settings.seed, platform.settings.faults, platform.time)
        for tell in self.replaced:
            tell()


def fresh(settings: Settings, seed: SeedState | None = None, journal: Journal | None = None) -> Platform:
    """A new platform by ``settings``, changed and populated as ``seed`` says. A ``journal`` forgets what was in it.

    A manual clock stands at the settings' epoch, and a wall clock at the present, however old the seed's sessions.
    Raises ``ConfigurationError``, ``UnknownPolicy`` or ``UnknownProfile``; then ``journal`` is as it was.
    """
    if seed is not None:
        from mockskaha.seed import populate, settings_with

        settings = settings_with(settings, seed)
    manual = settings.clock == "manual"
    begin = settings.epoch or (DEFAULT_EPOCH if manual else datetime.fromtimestamp(wall_time(), UTC))
    epoch = int(begin.timestamp()) - (int(seed.oldest) if seed is not None else 0)
    kept = MemoryJournal()
    platform = Platform(settings, ManualClock(), epoch, kept)
    if seed is not None:
        populate(platform, seed)
    if not manual:
        platform.clock = WallClock(settings.speed, start=platform.time)
    if journal is not None and not isinstance(journal, NoJournal):
        journal.rewrite(settings.seed, datetime.fromtimestamp(epoch, UTC).isoformat(), kept.replay())
        platform.journal = journal
    return platform
