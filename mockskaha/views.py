"""Sessions as the API shows them: the objects of ``GET /v1/session`` (skaha-contract §2.1 to §2.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockskaha.java import decimal_gb, instant, offset_datetime, request_cores, usage_cores
from mockskaha.session import DESKTOP_APP, HEADLESS, Session
from mockskaha.wire import PlatformSessionView, SessionView
from skahasim.usage import sample

if TYPE_CHECKING:
    from mockskaha.platform import Platform

_NANO = 1e9
URL_KINDS = {
    "notebook": "notebook",
    "desktop": "desktop",
    "carta": "carta",
    "contributed": "contrib",
    "firefly": "firefly",
}
"""Session type -> its segment in connect URLs (skaha-contract §2.4)."""


def session_view(platform: Platform, session: Session) -> SessionView:
    """The full object, fields in the service's order, absent ones left out."""
    job, owner = session.job, session.owner
    uid = str(owner.uid)
    view: SessionView = {
        "id": session.session_id,
        "userid": owner.username,
        "runAsUID": uid,
        "runAsGID": uid,
        "supplementalGroups": list(owner.groups),
    }  # type: ignore[typeddict-item]  # the others follow, in the service's order
    if session.app_id:
        view["appid"] = session.app_id
    view["image"] = session.image
    view["type"] = session.kind
    view["status"] = session.status
    view["name"] = session.name
    start_time = session.start_time
    if start_time is not None:
        started = platform.unix(start_time)
        view["startTime"] = start_time_text(platform, start_time)
        if job.deadline_seconds is not None:
            view["expiryTime"] = instant(started + int(job.deadline_seconds))
    view["connectURL"] = connect_url(platform, session)
    fixed = job.is_fixed
    if fixed:
        view["requestedRAM"] = decimal_gb(job.request.ram_gib)
        view["requestedCPUCores"] = request_cores(job.request.cores)
    view["requestedGPUCores"] = str(job.limit.gpus)
    usage = sample(job, platform.time, platform.model.profile.metrics_seconds, platform.model.draws)
    if usage is not None:
        cores, ram_gib = usage
        view["ramInUse"] = decimal_gb(ram_gib)
        view["cpuCoresInUse"] = _usage_text(platform, cores)
    view["isFixedResources"] = fixed
    return view


def platform_session_view(platform: Platform, session: Session) -> PlatformSessionView:
    """The object of ``view=all``: whose, of what type, in which state, since when."""
    view: PlatformSessionView = {
        "userid": session.owner.username,
        "type": session.kind,
        "status": session.status,
    }
    start_time = session.start_time
    if start_time is not None:
        view["startTime"] = start_time_text(platform, start_time)
    return view


def start_time_text(platform: Platform, start_time: float) -> str:
    """startTime, without its seconds when they are zero (skaha-contract §4.3)."""
    moment = platform.unix(start_time)
    return offset_datetime(moment) if platform.settings.quirks.drop_zero_seconds else instant(moment)


def connect_url(platform: Platform, session: Session) -> str:
    """Where a browser opens the session; empty for headless sessions and apps (skaha-contract §2.4)."""
    kind, session_id = session.kind, session.session_id
    if kind in (HEADLESS, DESKTOP_APP):
        return ""
    base = platform.settings.sessions.sessions_url or platform.base_url
    url = f"{base}/session/{URL_KINDS[kind]}/{session_id}/"
    if kind == "desktop":
        return f"{url}?password={session_id}&path=session/desktop/{session_id}/"
    if kind == "notebook":
        home = platform.settings.sessions.home.strip("/")
        return f"{url}lab/tree/{home}/{session.owner.username}?token={session_id}"
    return f"{url}firefly/" if kind == "firefly" else url


def _usage_text(platform: Platform, cores: float) -> str:
    """cpuCoresInUse. A metrics server counts nanocores, which above 2.147 cores come out raw (skaha-contract §2.2)."""
    if not platform.settings.quirks.cpu_usage_overflow:
        return request_cores(round(cores, 3))
    return usage_cores(round(cores * _NANO))
