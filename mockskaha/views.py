"""Sessions as the API shows them: the objects of ``GET /v1/session`` (skaha-contract §2.1 to §2.5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from mockskaha.era import Era
from mockskaha.era import era as default_era
from mockskaha.java import decimal_gb, instant, offset_datetime, request_cores, usage_cores
from mockskaha.session import COMPLETED, DESKTOP_APP, HEADLESS, RUNNING, Session
from mockskaha.wire import PlatformSessionView, SessionView
from skahasim.job import State
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
"""Session type -> its segment in connect URLs (skaha-contract §2.4); that of CARTA is the era's ``carta_path``."""
NONE = "<none>"
"""What kubectl prints for a field that is not there."""
_CARTA_WITH_SOCKET = ":1.4"


class Views(NamedTuple):
    """How one era shows sessions; chosen once for a platform."""

    session: Callable[[Platform, Session], Mapping[str, Any]]
    """To the owner."""
    anybody: Callable[[Platform, Session], Mapping[str, Any]]
    """To everybody: ``view=all``."""
    status: Callable[[Platform, Session], str]


_SHOWN = (
    "status_of", "completed_name", "missing_as_none_text", "requested_is_always_told", "session_ram", "fixed_is_told",
    "start_time_of", "seconds_are_always_told",
)  # fmt: skip
"""What :func:`session_view` takes to be as in the default era."""


def views_of(era: Era) -> Views:
    """The views of ``era`` (skaha-contract §2.1, §10)."""
    usual = default_era()
    if all(getattr(era, name) == getattr(usual, name) for name in _SHOWN):
        return Views(session_view, platform_session_view, job_status)
    return Views(
        any_session_view, any_platform_session_view, pod_status if era.status_of == "pod" else job_status
    )


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


def job_status(platform: Platform, session: Session) -> str:
    """The status of the session's Job (skaha-contract §4.2)."""
    return session.status


def pod_status(platform: Platform, session: Session) -> str:
    """The phase of the session's pod; ``Terminating`` while it is being deleted (skaha-contract §10)."""
    if session.job.state is State.RUNNING:
        return RUNNING
    status = session.status
    return platform.era.completed_name if status == COMPLETED else status


def any_session_view(platform: Platform, session: Session) -> dict[str, Any]:
    """The full object as any era tells it: :func:`session_view` is the short way of the default one."""
    era, job, owner = platform.era, session.job, session.owner
    started, expires = _any_times(platform, session)
    fixed = job.is_fixed
    told = fixed or era.requested_is_always_told
    usage = sample(job, platform.time, platform.model.profile.metrics_seconds, platform.model.draws)
    view: dict[str, Any] = {
        "id": session.session_id,
        "userid": owner.username,
        "runAsUID": str(owner.uid),
        "runAsGID": str(owner.uid),
        "supplementalGroups": list(owner.groups),
        "appid": session.app_id or None,
        "image": session.image,
        "type": session.kind,
        "status": platform.views.status(platform, session),
        "name": session.name,
        "startTime": started,
        "expiryTime": expires,
        "connectURL": connect_url(platform, session),
        "requestedRAM": _session_ram(era, job.request.ram_gib) if told else None,
        "requestedCPUCores": request_cores(job.request.cores) if told else None,
        "requestedGPUCores": str(job.limit.gpus),
        "ramInUse": None if usage is None else _session_ram(era, usage[1]),
        "gpuRAMInUse": None,
        "cpuCoresInUse": None if usage is None else _usage_text(platform, usage[0]),
        "gpuUtilization": None,
    }
    if era.fixed_is_told:
        view["isFixedResources"] = fixed
    return _without_none(era, view)


def any_platform_session_view(platform: Platform, session: Session) -> dict[str, Any]:
    """The object of ``view=all`` as any era tells it."""
    view = {
        "userid": session.owner.username,
        "type": session.kind,
        "status": platform.views.status(platform, session),
        "startTime": _any_times(platform, session)[0],
    }
    return _without_none(platform.era, view)


def _without_none(era: Era, view: dict[str, Any]) -> dict[str, Any]:
    """``view``, with what has no value as text, or without it."""
    if era.missing_as_none_text:
        return {name: NONE if value is None else value for name, value in view.items()}
    return {name: value for name, value in view.items() if value is not None}


def _session_ram(era: Era, ram_gib: float) -> str:
    """Memory of a session: ``16G`` is 16 GiB, ``17.18`` the same (skaha-contract §2.2, §10)."""
    if era.session_ram == "gb":
        return decimal_gb(ram_gib)
    return f"{ram_gib:.2f}".rstrip("0").rstrip(".") + "G"


def _any_times(platform: Platform, session: Session) -> tuple[str | None, str | None]:
    """startTime and expiryTime, as far as there are any."""
    era, job = platform.era, session.job
    start_time = job.schedule_time if era.start_time_of == "pod" else session.start_time
    if start_time is None:
        return None, None
    moment = platform.unix(start_time)
    started = instant(moment) if era.seconds_are_always_told else start_time_text(platform, start_time)
    if job.deadline_seconds is None:
        return started, None
    return started, instant(moment + int(job.deadline_seconds))


def start_time_text(platform: Platform, start_time: float) -> str:
    """startTime, without its seconds when they are zero (skaha-contract §4.3)."""
    moment = platform.unix(start_time)
    return offset_datetime(moment) if platform.settings.quirks.drop_zero_seconds else instant(moment)


def connect_url(platform: Platform, session: Session) -> str:
    """Where a browser opens the session; nothing for headless sessions and apps (skaha-contract §2.4)."""
    kind, session_id = session.kind, session.session_id
    if kind in (HEADLESS, DESKTOP_APP):
        return platform.era.no_connect_url
    base = platform.settings.sessions.sessions_url or platform.base_url
    if kind == "carta":
        return _carta_url(platform, session, base)
    url = f"{base}/session/{URL_KINDS[kind]}/{session_id}/"
    if kind == "desktop":
        return f"{url}?password={session_id}&path=session/desktop/{session_id}/"
    if kind == "notebook":
        home = platform.settings.sessions.home.strip("/")
        return f"{url}lab/tree/{home}/{session.owner.username}?token={session_id}"
    return f"{url}firefly/" if kind == "firefly" else url


def _carta_url(platform: Platform, session: Session, base: str) -> str:
    """CARTA's address; an old CARTA is told where its socket is (skaha-contract §10)."""
    url = f"{base}/session/{platform.era.carta_path}/{session.session_id}/"
    if platform.era.carta_socket_url and session.image.endswith(_CARTA_WITH_SOCKET):
        scheme, _, rest = base.partition("://")
        socket = "wss" if scheme == "https" else "ws"
        return f"{url}?socketUrl={socket}://{rest}/session/carta/ws/{session.session_id}/"
    return url


def _usage_text(platform: Platform, cores: float) -> str:
    """cpuCoresInUse. A metrics server counts nanocores, which above 2.147 cores come out raw (skaha-contract §2.2)."""
    if not platform.settings.quirks.cpu_usage_overflow:
        return request_cores(round(cores, 3))
    return usage_cores(round(cores * _NANO))
