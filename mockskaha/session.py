"""One session, or one desktop app: what was asked for, its names, and the job that runs it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from mockskaha.history import History
from mockskaha.identity import Identity
from mockskaha.wire import SessionStatus, SessionType
from skahasim.job import Job, State

DESKTOP_APP: Final = "desktop-app"
HEADLESS: Final = "headless"
DESKTOP: Final = "desktop"
KINDS: tuple[SessionType, ...] = ("carta", "contributed", "desktop", "firefly", "headless", "notebook")
"""Types a session can be launched as; ``desktop-app`` has its own endpoint."""

PENDING: Final = "Pending"
RUNNING: Final = "Running"
COMPLETED: Final = "Completed"
FAILED: Final = "Failed"
TERMINATING: Final = "Terminating"
_LABEL_LENGTH = 63
_APP_JOB_LENGTH = 57
_DNS_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)
_NOT_HOSTNAME = re.compile(r"[^0-9a-zA-Z-]")
_LABEL = re.compile(r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)?", re.ASCII)


def is_label(text: str) -> bool:
    """Whether ``text`` has the syntax of a Kubernetes label value (its length aside)."""
    return _LABEL.fullmatch(text) is not None


def label_name(name: str) -> str:
    """The name as the label holds it: lower-case, cut, trimmed from the right (skaha-contract §2.4, §3.3)."""
    name = name.lower()[:_LABEL_LENGTH]
    while name and not is_label(name):
        name = name[:-1]
    return name


def job_name(kind: str, username: str, session_id: str) -> str:
    """Name of the Kubernetes Job (skaha-contract §4.1)."""
    return f"skaha-{kind}-{_NOT_HOSTNAME.sub('-', username)}-{session_id}".lower()


def app_name(image: str) -> str:
    """Name of a desktop app: the last part of its image (skaha-contract §2.11)."""
    return re.sub(r"[:._]", "-", image.rsplit("/", 1)[-1]).lower()


def is_app_name(name: str) -> bool:
    """Whether Kubernetes takes ``name`` for a container: a DNS label."""
    return _DNS_LABEL.fullmatch(name) is not None


def app_job_name(session_id: str, app_id: str, username: str, image: str) -> str:
    """Name of a desktop app's Job (skaha-contract §4.1)."""
    name = f"{session_id}-{app_id}-{_NOT_HOSTNAME.sub('-', username)}-{app_name(image)}".lower()
    return _NOT_HOSTNAME.sub("-", name)[:_APP_JOB_LENGTH].rstrip("-")


class Tag(NamedTuple):
    """What a session is called in what is told of it; holds nothing of it alive."""

    session_id: str = ""
    app_id: str = ""
    user: str = ""
    kind: str = ""
    name: str = ""


NOBODY = Tag()


@dataclass(slots=True, eq=False)
class Session:
    """A session, or a desktop app of one (``app_id`` is set, ``session_id`` is its parent's)."""

    session_id: str
    owner: Identity
    name: str
    image: str
    kind: SessionType
    job: Job
    app_id: str = ""
    cmd: str = ""
    args: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    fate: tuple[tuple[str, str], ...] = ()
    """Overrides that a fault put on it."""
    is_made_suspended: bool = False
    """Its Job waits to be let in before it has a pod (Kueue)."""
    lingers: bool = False
    """Once deleted it is listed, as Terminating, until its pod has stopped."""
    pods: int = 1
    """Pods made for it so far; an evicted or preempted session gets another."""
    failed_pods: int = 0
    """Those among them that were evicted and are still listed; a preempted one is deleted."""
    history: History = field(default_factory=History)
    apps: dict[str, Session] | None = None
    """Desktop apps by id, where there are any."""
    tag: Tag = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.tag = Tag(self.session_id, self.app_id, self.owner.username, self.kind, self.name)

    @property
    def is_app(self) -> bool:
        return bool(self.app_id)

    @property
    def is_interactive(self) -> bool:
        """Counts towards the session limit (skaha-contract §3.3, step 9)."""
        return self.kind not in (HEADLESS, DESKTOP_APP)

    @property
    def _waits_to_be_let_in(self) -> bool:
        job = self.job
        if job.held:
            return True
        untried = (
            job.state is State.QUEUED
            and job.admit_time is None
            and job.schedule_time is None
            and not job.waiting_for
        )
        return self.is_made_suspended and untried

    @property
    def has_pod(self) -> bool:
        """A job that admission holds back has none (skaha-contract §2.10), once that of a preempted one has stopped."""
        return self.job.node is not None or not self._waits_to_be_let_in

    @property
    def is_active(self) -> bool:
        """Its Job has an active pod, so that it can be renewed (skaha-contract §4.4)."""
        return self.job.state.is_active and not self._waits_to_be_let_in

    @property
    def start_time(self) -> float | None:
        """Model time at which its Job was taken up; ``None`` while it is suspended (skaha-contract §4.3, §5.3)."""
        return None if self.is_made_suspended and self._waits_to_be_let_in else self.job.start_time

    @property
    def status(self) -> SessionStatus:
        """The first rule of skaha-contract §4.2 that holds."""
        job = self.job
        if job.state is State.RUNNING:
            return RUNNING if job.ready else PENDING
        if job.state is State.SUCCEEDED:
            return COMPLETED
        if job.state is State.FAILED:
            return FAILED if job.node is None else TERMINATING
        if job.state is State.GONE and job.node is not None:
            return TERMINATING
        return PENDING
