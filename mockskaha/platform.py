"""One platform: a cluster, its users, their sessions. Commands go in, state comes out; looking changes nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from hashlib import blake2b
from math import inf
from typing import Any

from mockskaha.auth import Authenticator, AuthRules, Directory, KnownToken
from mockskaha.auth.directory import Account
from mockskaha.behaviour import LOW_ON_MEMORY, PREEMPTED, hold_of, work_of
from mockskaha.catalogue import Catalogue
from mockskaha.commands import (
    AdvanceClock,
    ChangeNode,
    Command,
    CreateSession,
    DeleteApp,
    DeleteSession,
    Disturb,
    OpenState,
    RenewSession,
    SetProfile,
)
from mockskaha.config import Settings
from mockskaha.environment import container_environment
from mockskaha.era import Era
from mockskaha.era import era as era_of
from mockskaha.identity import Identity
from mockskaha.inventory import Inventory
from mockskaha.journal import Journal, MemoryJournal, NoJournal, StateFile, StateFileError
from mockskaha.lifetimes import renewed_deadline, restarts_allowed
from mockskaha.overrides import Overrides, overrides_in
from mockskaha.program import UNKNOWN, outcome
from mockskaha.quota import ResourceRules
from mockskaha.session import HEADLESS, Session, app_job_name, app_name, job_name
from mockskaha.stream import Stream
from mockskaha.tokens import TokenIssuer
from mockskaha.views import views_of
from skahasim.clock import Clock, ManualClock, WallClock, wall_time
from skahasim.cluster import Cluster
from skahasim.job import Container, Job, State
from skahasim.mishap import Hold
from skahasim.model import Model
from skahasim.policies import policies_from
from skahasim.profile import Profile, ProfileSettings, load_profile
from skahasim.resources import Resources
from skahasim.transition import Step, Transition

logger = logging.getLogger("mockskaha")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_ALPHANUMERIC = _LETTERS + "0123456789"
_SESSION_ID_LENGTH = 8
_APP_ID_LENGTH = 3
DEFAULT_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
"""Time zero of a manual clock that was given none, so that equal runs are equal to the byte."""


class Platform:
    """The whole state behind one Skaha service.

    ``execute`` is the only way to change it, and time passes only in ``catch_up``: what a caller sees is a
    function of the commands, their times and the seed.
    """

    def __init__(self, settings: Settings, clock: Clock, epoch: int, journal: Journal | None = None) -> None:
        """``epoch`` is the Unix time, in whole seconds, of model time zero."""
        self.settings = settings
        self.era = era_of(settings.skaha_version)
        self.views = views_of(self.era)
        """How its sessions are shown."""
        self.clock = clock
        self.epoch = epoch
        self.base_url = f"http://{settings.server.host}:{settings.server.port}"
        self.catalogue = Catalogue(settings.images, hash_order=settings.quirks.hash_order)
        self.rules = ResourceRules.of(
            settings.resources,
            gpu_enabled=settings.sessions.gpu_enabled,
            decimal=self.era.decimal_resources,
        )
        self.inventory = Inventory()
        self.model = Model(
            _cluster(settings), policies_from(settings.queue), load_profile(settings.profile), settings.seed
        )
        self.model.listeners.append(self._heed)
        self.issuer = TokenIssuer(settings.seed)
        self.directory = _directory(settings)
        self.authenticator = _authenticator(
            settings, self.era, self.directory, self.issuer, self._owner_of_app_token
        )
        self.time = 0.0
        """Model time up to which everything has happened, in seconds since the epoch."""
        self.stream = Stream()
        """The last of what happened."""
        self.journal: Journal = journal or NoJournal()
        self._created = 0
        kubernetes = settings.kubernetes
        self._users_groups = Container(
            "init-users-groups", kubernetes.init_image, kubernetes.init_image_size_bytes, always_pull=False
        )

    @classmethod
    def from_settings(cls, settings: Settings) -> Platform:
        """A platform by its settings alone: a manual clock at zero, or a wall clock that starts now; its state
        rebuilt from ``settings.server.state`` when that is set.

        Raises ``StateFileError``, ``UnknownPolicy``, ``UnknownProfile`` or ``ConfigurationError``.
        """
        manual = settings.clock == "manual"
        epoch = settings.epoch or (DEFAULT_EPOCH if manual else datetime.fromtimestamp(wall_time(), UTC))
        path = settings.server.state
        if path is None:
            clock: Clock = ManualClock() if manual else WallClock(settings.speed)
            return cls(settings, clock, int(epoch.timestamp()), MemoryJournal())
        journal = StateFile(path, settings.seed, epoch.isoformat())
        platform = cls(
            settings, ManualClock(), int(datetime.fromisoformat(journal.epoch).timestamp()), journal
        )
        try:
            last_open = platform.replay(journal.replay())
        except StateFileError:
            journal.close()
            raise
        if journal.settings_changed(fingerprint(settings)):
            logger.warning(
                "%s was last used with another cluster, queue, profile, images or limits: its commands are replayed "
                "under the present ones, so sessions may stand elsewhere than they did",
                path,
            )
        if not manual:
            wall = wall_time()
            if last_open is not None:
                at, opened = last_open
                platform.time = max(platform.time, at + max(0.0, wall - opened.wall) * opened.speed)
            platform.clock = WallClock(settings.speed, start=platform.time)
            platform.execute(OpenState(wall, settings.speed))
        else:
            platform.clock = ManualClock(platform.time)
        return platform

    def close(self) -> None:
        """Close the state file, if there is one."""
        self.journal.close()

    # -- time --------------------------------------------------------------------------------------------

    def catch_up(self) -> float:
        """Let happen what is due by now, and return the model time."""
        now = self.clock.now()
        if now > self.time:
            self.time = now
        if self.model.engine.next_due <= self.time:
            self.model.advance(self.time)
        return self.time

    def now(self) -> float:
        """Unix time of the platform, in seconds."""
        return self.epoch + self.time

    def unix(self, model_time: float) -> int:
        """Unix time of a model time, in whole seconds."""
        return self.epoch + int(model_time)

    def advance(self, seconds: float) -> None:
        """Move the clock ``seconds`` on, at once; a wall clock goes on from there."""
        if not 0 <= seconds < inf:
            raise ValueError(f"a clock advances by a finite, non-negative number of seconds, not {seconds}")
        self._move_to(self.catch_up() + seconds)
        self._note_clock()

    def advance_until(self, reached: Callable[[], bool], within: float) -> bool:
        """Move the clock on, event by event, until ``reached()``, but at most ``within`` seconds. Whether it was."""
        limit = self.catch_up() + within
        while not (done := reached()):
            due = self.model.engine.next_due
            if due > limit:
                break
            self._move_to(due)
        if not done:
            self._move_to(limit)
            done = reached()
        self._note_clock()
        return done

    def set_clock(self, *, manual: bool, speed: float = 1.0) -> None:
        """From now on time stands still until told to move, or runs ``speed`` times as fast as wall time."""
        now = self.catch_up()
        self.clock = ManualClock(now) if manual else WallClock(speed, start=now)
        self._note_clock()

    def _note_clock(self) -> None:
        """Keep what the clock was set to; a state file is taken up again where the wall clock will be then."""
        if isinstance(self.clock, WallClock) and isinstance(self.journal, StateFile):
            self.execute(OpenState(wall_time(), self.clock.speed))
        else:
            self.execute(AdvanceClock())

    def _move_to(self, time: float) -> None:
        self.clock = (
            WallClock(self.clock.speed, start=time)
            if isinstance(self.clock, WallClock)
            else ManualClock(time)
        )
        self.catch_up()

    # -- commands ----------------------------------------------------------------------------------------

    def execute(self, command: Command) -> str:
        """Keep ``command``, then apply it at ``time``, where the last :meth:`catch_up` left it: what was checked just
        before still holds. Returns what it made (an id), or nothing."""
        self.journal.append(self.time, command)
        return self._apply(command)

    def replay(self, commands: Iterable[tuple[float, Command]]) -> tuple[float, OpenState] | None:
        """Rebuild state from commands and their times; returns the last :class:`OpenState` among them."""
        last_open = None
        for time, command in commands:
            self.time = max(self.time, time)
            self.model.advance(self.time)
            self._apply(command)
            if isinstance(command, OpenState):
                last_open = (time, command)
        return last_open

    def _apply(self, command: Command) -> str:
        self.model.advance(self.time)
        match command:
            case CreateSession():
                return self._create(command)
            case DeleteSession(session_id):
                self._delete(self.inventory.session(session_id))
            case DeleteApp(session_id, app_id):
                parent = self.inventory.session(session_id)
                self._delete((parent.apps or {}).get(app_id) if parent else None)
            case RenewSession(session_id):
                self._renew(self.inventory.session(session_id))
            case ChangeNode():
                self._change_node(command)
            case Disturb():
                self._disturb(command)
            case SetProfile(name, content):
                self.model.set_profile(Profile.of(name, ProfileSettings.model_validate_json(content)))
            case AdvanceClock() | OpenState():
                pass
        return ""

    def _create(self, command: CreateSession) -> str:
        number = self._created
        self._created += 1
        draws, model = self.model.draws, self.model
        parent = self.inventory.session(command.parent) if command.parent else None
        if command.parent and parent is None:
            return ""
        owner = command.identity
        if parent is None:
            session_id, app_id = self._new_id(number, _SESSION_ID_LENGTH, self.inventory), ""
            job_label = main = job_name(command.kind, owner.username, session_id)
            name = command.name
        else:
            session_id, app_id = parent.session_id, self._new_id(number, _APP_ID_LENGTH, parent.apps or ())
            job_label = app_job_name(session_id, app_id, owner.username, command.image)
            name = main = app_name(command.image)
        allotment = self.rules.allot(command.kind, command.cores, command.ram_gib, command.gpus)
        lifetime = self.settings.sessions.lifetime(command.kind)
        priority_class = self.settings.sessions.priority_class_of(command.kind)
        overrides = overrides_in((*command.env, *command.fate))
        session = Session(
            session_id, owner, name, command.image, command.kind, job=_NO_JOB,
            app_id=app_id, cmd=command.cmd, args=command.args, env=command.env, fate=command.fate,
            is_made_suspended=model.queue.suspends or overrides.suspend is not None,
            lingers=self.era.deletion_is_shown or overrides.stop is not None,
        )  # fmt: skip
        known = (
            outcome(
                command.cmd, command.args, container_environment(session, self.settings, allotment.request)
            )
            if command.kind == HEADLESS
            else UNKNOWN
        )
        session.job = Job(
            number, job_label, owner.username, command.kind, allotment.request, allotment.limit,
            group=str(owner.groups[0]) if owner.groups else "",
            containers=self._containers(main, command.image, overrides),
            work=work_of(
                command.kind, known, overrides, allotment.limit, model.profile, draws, number,
                suspends=model.queue.suspends,
            ),
            restarts_allowed=restarts_allowed(command.kind),
            deadline_seconds=lifetime.deadline_seconds if overrides.expire is None else overrides.expire,
            ttl_seconds=lifetime.ttl_seconds,
            priority=self.settings.priority_classes.get(priority_class, 0),
            priority_class=priority_class,
            hold=hold_of(overrides, len(model.cluster.nodes), allotment.request),
            owner=session,
        )  # fmt: skip
        self.inventory.add(session)
        model.submit(session.job)
        return app_id or session_id

    def idle_app_id(self, command: CreateSession) -> str:
        """The id told for an app that comes to nothing. Changes no state."""
        key = ("idle-app", command.parent, command.image)
        return self.model.draws.text(_APP_ID_LENGTH, _LETTERS, _ALPHANUMERIC, *key)

    def _new_id(self, number: int, length: int, taken: Any) -> str:
        attempt = 0
        while True:
            found = self.model.draws.text(length, _LETTERS, _ALPHANUMERIC, "id", number, attempt)
            if found not in taken:
                return found
            attempt += 1

    def _containers(self, main: str, image: str, overrides: Overrides) -> tuple[Container, ...]:
        size = self.catalogue.size_bytes(image)
        outcome = self.catalogue.pull(image) if overrides.pull is None else overrides.pull
        until = inf if overrides.pull_for is None else self.time + overrides.pull_for
        return (
            Container("backup-original-passwd-groups", image, size, True, outcome, until),
            self._users_groups,
            Container(main, image, size, True, outcome, until),
        )

    def _delete(self, session: Session | None) -> None:
        if session is None:
            return
        for app in tuple((session.apps or {}).values()):
            self._delete(app)
        self.model.delete(session.job)
        if session.lingers and session.job.node is not None:
            return  # until it has given that back
        self.inventory.remove(session)

    def _renew(self, session: Session | None) -> None:
        if session is None:
            return
        grant = self.settings.sessions.expiry_seconds
        for item in (session, *(session.apps or {}).values()):
            deadline = renewed_deadline(item, self.time, grant)
            if deadline is not None:
                self.model.set_deadline(item.job, deadline)

    def _disturb(self, command: Disturb) -> None:
        session = self.inventory.session(command.session_id)
        if session is not None and command.app_id:
            session = (session.apps or {}).get(command.app_id)
        if session is None:
            return
        model, job, seconds = self.model, session.job, command.seconds
        match command.what:
            case "evict":
                model.evict(job, LOW_ON_MEMORY)
            case "preempt":
                hold = None if seconds is None else Hold(seconds, PREEMPTED, suspended=model.queue.suspends)
                model.preempt(job, PREEMPTED, hold)
            case "oom":
                model.end_run(job, 0, out_of_memory=True)
            case "exit":
                model.end_run(job, command.exit_code)
            case "expire":
                model.expire(job)
            case "stall":
                nodes = len(model.cluster.nodes)
                stalled = Overrides(hold=inf if seconds is None else seconds)
                if job.held:
                    stalled = Overrides(suspend=stalled.hold)
                hold = hold_of(stalled, nodes, job.request)
                assert hold is not None
                model.stall(job, hold)
            case "node-lost":
                if job.node is not None:
                    self._change_node(ChangeNode(job.node.name, "fail"))

    def _change_node(self, command: ChangeNode) -> None:
        model, change = self.model, command.change
        if change == "add":
            model.add_node(command.node, Resources.of(command.cores, command.ram_gib, command.gpus))
        else:
            node = model.cluster.node(command.node)
            if change == "drain":
                model.close_node(node)
                if command.evicts:
                    model.drain_node(node, "Node is drained")
            elif change == "fail":
                model.fail_node(node)
            else:
                for why, times in list(node.closures.items()):
                    for _ in range(times):
                        model.reopen_node(node, why)
        self.stream.note_node(self.time, command.node, change)

    # -- looking -----------------------------------------------------------------------------------------

    @property
    def service_url(self) -> str:
        """What a client is pointed at: ``http://…/skaha/v1``."""
        return f"{self.base_url}/skaha/{self.era.base_path}"

    def status_of(self, session_id: str) -> str:
        """The session's status, whoever owns it; ``Gone`` when there is none."""
        session = self.inventory.session(session_id)
        return GONE if session is None else session.status

    def has_status(self, session_id: str, status: str) -> bool:
        """Whether the session's status is this one, in the words of any version of Skaha."""
        status = status.capitalize()
        return self.status_of(session_id) == SAME_STATUS.get(status, status)

    # -- what the model tells ------------------------------------------------------------------------------

    def _heed(self, transition: Transition) -> None:
        session = transition.job.owner
        if not isinstance(session, Session):
            return
        self.stream.note(transition, session)
        step = transition.step
        if step is Step.REMOVED:
            self._delete(session)  # with its apps, which its Job owns (skaha-contract §4.5)
        elif step is Step.RELEASED and session.lingers and session.job.state is State.GONE:
            self.inventory.remove(session)
        elif step is Step.QUEUED and session.history:  # it waits again, with a new pod
            session.pods += 1
            session.failed_pods += any(fact.step is Step.EVICTED for fact in session.history)
            session.history.clear()
        else:
            session.history.record(transition.time, step, transition.container, transition.reason)

    def _owner_of_app_token(self, token: str) -> Identity | None:
        """Whose desktop session handed out ``token`` (skaha-contract §1.3)."""
        session_id, _, signature = token.partition(".")
        session = self.inventory.session(session_id)
        if session is None or signature != self.app_token(session_id).partition(".")[2]:
            return None
        return session.owner

    def app_token(self, session_id: str) -> str:
        """The token a desktop session gives its apps (``DESKTOP_SESSION_APP_TOKEN``)."""
        return (
            f"{session_id}.{self.model.draws.text(16, _ALPHANUMERIC, _ALPHANUMERIC, 'app-token', session_id)}"
        )


GONE = "Gone"
STATUSES = ("Pending", "Running", "Completed", "Failed", "Terminating", GONE)
"""What :meth:`Platform.has_status` knows, beside the words of other versions."""
SAME_STATUS = {"Succeeded": "Completed", "Deleted": GONE}
"""Words of other versions for the same."""
_NO_JOB = Job(-1, "", "", "", Resources(), Resources())
_DECIDING: dict[str, Any] = {
    **dict.fromkeys(
        (
            "cluster",
            "images",
            "kubernetes",
            "priority_classes",
            "profile",
            "queue",
            "resources",
            "skaha_version",
        ),
        True,
    ),
    "sessions": {"expiry_seconds", "lifetimes", "gpu_enabled", "home", "priority_class"},
}


def fingerprint(settings: Settings) -> str:
    """Of the settings that decide what becomes of a list of commands."""
    written = settings.model_dump_json(include=_DECIDING, exclude={"queue": {"kueue": {"manifests"}}})
    digest = blake2b(written.encode(), digest_size=16)
    if settings.queue.kueue is not None:
        for path in settings.queue.kueue.manifests:
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _cluster(settings: Settings) -> Cluster:
    return Cluster(
        settings.cluster.name,
        (
            (name, Resources.of(group.cores, group.ram_gib, group.gpus))
            for group in settings.cluster.nodes
            for name in group.node_names()
        ),
    )


def _directory(settings: Settings) -> Directory:
    return Directory(
        (
            Account(
                Identity(user.username, user.uid, user.gid, user.groups, frozenset(user.memberships)),
                first_name=user.first_name,
                last_name=user.last_name,
                email=user.email,
                institute=user.institute,
                password=user.password.get_secret_value() if user.password else None,
            )
            for user in settings.users
        ),
        unknown_groups=settings.unknown_users.groups,
        unknown_memberships=settings.unknown_users.memberships,
    )


def _authenticator(
    settings: Settings, era: Era, directory: Directory, issuer: TokenIssuer, app_tokens: Any
) -> Authenticator:
    auth = settings.auth
    return Authenticator(
        directory,
        issuer,
        AuthRules(
            auth.mode,
            settings.sessions.users_group,
            401 if era.anonymous_is_401 else auth.anonymous_status,
            auth.challenge_manager,
            auth.trust_certificate_header,
        ),
        (
            KnownToken(
                entry.token.get_secret_value(),
                entry.user,
                entry.expires.timestamp() if entry.expires else None,
            )
            for entry in auth.tokens
        ),
        app_tokens=app_tokens,
    )
