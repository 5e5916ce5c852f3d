"""What a session's containers print, as far as they have got: a function of the session and of time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mockskaha.environment import container_environment
from mockskaha.java import instant
from mockskaha.program import outcome
from mockskaha.session import DESKTOP, DESKTOP_APP, HEADLESS, Session
from skahasim.job import State

if TYPE_CHECKING:
    from mockskaha.platform import Platform

_MOST_LINES = 200
_LINE_EVERY = 0.1
_ROUNDING = 1e-6
_STAGES = (
    "reading configuration",
    "opening input files",
    "reading headers",
    "calibrating",
    "flagging bad data",
    "computing statistics",
    "writing intermediate products",
)
_GREETINGS: dict[str, tuple[str, ...]] = {
    "notebook": (
        "[I ServerApp] jupyterlab | extension was successfully loaded.",
        "[I ServerApp] Serving notebooks from local directory: {home}",
        "[I ServerApp] Jupyter Server is running at:",
        "[I ServerApp] http://{pod}:8888/session/notebook/{id}/lab/tree{home}",
        "[I ServerApp] Use Control-C to stop this server and shut down all kernels.",
    ),
    "carta": (
        "[info] Writing to the log file: {home}/.carta/log/carta.log",
        "[info] Serving CARTA frontend from /usr/share/carta/frontend",
        "[info] CARTA is accessible at http://{pod}:6901/session/carta/{id}/",
    ),
    "desktop": (
        "Starting websocket proxy on port 6901",
        "noVNC HTML client started for session {id}",
        "Window manager is up for user {user}",
    ),
    "firefly": (
        "INFO Firefly is starting for user {user}",
        "INFO Server startup in 4127 milliseconds",
        "INFO baseURL=/session/firefly/{id}/",
    ),
    "contributed": ("Starting contributed session {id} for user {user}", "Listening on port 5000"),
    DESKTOP_APP: ("Application {name} started for user {user}",),
}


def log_text(platform: Platform, session: Session) -> str:
    """Raw output of the main container up to now; of a desktop, also that of its apps (skaha-contract §2.9)."""
    parts = [session]
    if session.kind == DESKTOP and session.apps:
        parts.extend(session.apps[app_id] for app_id in sorted(session.apps))
    return "".join(f"{line}\n" for part in parts for line in _printed(platform, part))


def _printed(platform: Platform, session: Session) -> Iterator[str]:
    job = session.job
    if job.run_time is None or job.state is State.QUEUED:
        return
    if job.schedule_time is not None and job.run_time < job.schedule_time:
        return  # an evicted pod took its output along
    until = platform.time if job.exit_time is None else job.exit_time
    age = until - job.run_time
    for count, (at, line) in enumerate(_script(platform, session)):
        if at > age + _ROUNDING or count >= _MOST_LINES:
            return
        yield line


def _script(platform: Platform, session: Session) -> Iterator[tuple[float, str]]:
    """(seconds after start, line), in order."""
    if session.kind != HEADLESS:
        username = session.owner.username
        facts = {
            "home": f"{platform.settings.sessions.home}/{username}",
            "pod": session.job.name,
            "id": session.session_id,
            "user": username,
            "name": session.name,
        }
        for number, line in enumerate(_GREETINGS[session.kind]):
            yield number * _LINE_EVERY, line.format_map(facts)
        return
    environment = container_environment(session, platform.settings, session.job.request)
    known = outcome(session.cmd, session.args, environment)
    yield from known.lines
    if known.seconds is None:
        yield from _work(platform, session)


def _work(platform: Platform, session: Session) -> Iterator[tuple[float, str]]:
    """Progress of a command nothing is known of, over its run time."""
    job = session.job
    start = job.run_time or 0.0
    seconds = job.work.seconds
    task = " ".join((session.cmd, *session.args)).strip() or session.image

    def line(at: float, level: str, text: str) -> tuple[float, str]:
        stamp = instant(platform.unix(start + at)).replace("T", " ").rstrip("Z")
        return at, f"{stamp} {level:<7} {text}"

    yield line(0.0, "INFO", f"starting: {task}")
    span = 3600.0 if seconds is None else seconds
    steps = max(2, min(_MOST_LINES - 4, round(span / 5) if span > 60 else 8))
    for step in range(1, steps):
        stage = _STAGES[(step - 1) * len(_STAGES) // (steps - 1)]
        yield line(span * step / steps, "INFO", f"step {step} of {steps - 1}: {stage}")
    if seconds is None:
        return
    if job.work.exit_code:
        yield line(seconds, "ERROR", f"failed with exit code {job.work.exit_code}")
    else:
        yield line(seconds, "INFO", "done")
