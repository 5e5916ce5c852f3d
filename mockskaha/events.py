"""A session's Kubernetes events, as ``view=events`` shows them (skaha-contract §2.10, §5.1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mockskaha.history import Fact
from mockskaha.java import instant
from mockskaha.kubectl import NULL
from mockskaha.session import Session
from skahasim.job import Container
from skahasim.transition import Step

if TYPE_CHECKING:
    from mockskaha.platform import Platform

Row = tuple[str, str, str, str, str]
_NORMAL, _WARNING = "Normal", "Warning"


def pod_name(platform: Platform, session: Session) -> str:
    """Name of the session's latest pod (skaha-contract §4.1)."""
    letters = platform.model.draws.text(5, _SUFFIX, _SUFFIX, "pod", session.job.number, session.pods)
    return f"{session.job.name}-{letters}"


_SUFFIX = "bcdfghjklmnpqrstvwxz2456789"


def event_rows(platform: Platform, session: Session) -> list[Row]:
    """Rows of the event table, oldest first; events older than Kubernetes keeps them are left out."""
    oldest = platform.time - platform.settings.kubernetes.events_ttl_seconds
    pulling: dict[int, float] = {}
    rows: list[Row] = []
    for fact in session.history:
        if fact.step is Step.PULLING:
            pulling[fact.container] = fact.last
        if fact.last >= oldest:
            rows.extend(_rows(platform, session, fact, pulling.get(fact.container, fact.last)))
    return rows


def _rows(platform: Platform, session: Session, fact: Fact, pull_began: float) -> Iterator[Row]:
    first, last = (instant(platform.unix(time)) for time in (fact.first, fact.last))
    containers = session.job.containers
    container = containers[fact.container] if 0 <= fact.container < len(containers) else containers[-1]
    for kind, reason, message in _messages(platform, session, fact, container, pull_began):
        timeless = reason in ("Scheduled", "FailedScheduling")
        yield (kind, reason, message, NULL if timeless else first, NULL if timeless else last)


def _messages(
    platform: Platform, session: Session, fact: Fact, container: Container, pull_began: float
) -> Iterator[tuple[str, str, str]]:
    image = container.image
    match fact.step:
        case Step.SCHEDULED:
            pod = f"{platform.settings.sessions.namespace}/{pod_name(platform, session)}"
            yield _NORMAL, "Scheduled", f"Successfully assigned {pod} to {fact.reason}"
        case Step.UNSCHEDULABLE:
            yield _WARNING, "FailedScheduling", fact.reason
        case Step.PULLING:
            yield _NORMAL, "Pulling", f'Pulling image "{image}"'
        case Step.PULLED:
            took = go_duration(fact.last - pull_began)
            yield (
                _NORMAL,
                "Pulled",
                f'Successfully pulled image "{image}" in {took} ({took} including waiting). '
                f"Image size: {container.image_bytes} bytes.",
            )
        case Step.PRESENT:
            yield _NORMAL, "Pulled", f'Container image "{image}" already present on machine'
        case Step.CREATED | Step.STARTED:
            yield _NORMAL, fact.step.capitalize(), _container_message(platform, fact.step, container.name)
        case Step.PULL_FAILED:
            yield _WARNING, "Failed", f'Failed to pull image "{image}": {_pull_error(image, fact.reason)}'
            yield _WARNING, "Failed", "Error: ErrImagePull"
        case Step.PULL_BACKOFF:
            yield _NORMAL, "BackOff", f'Back-off pulling image "{image}"'
            yield _WARNING, "Failed", "Error: ImagePullBackOff"
        case Step.START_FAILED:
            yield _WARNING, "Failed", f"Error: {fact.reason}"
        case Step.UNHEALTHY:
            yield _WARNING, "Unhealthy", "Startup probe failed: dial tcp: connect: connection refused"
        case Step.RESTART_BACKOFF:
            pod = f"{pod_name(platform, session)}_{platform.settings.sessions.namespace}"
            yield (
                _WARNING,
                "BackOff",
                f"Back-off restarting failed container {container.name} in pod {pod}",
            )
        case Step.EVICTED:
            yield _WARNING, "Evicted", fact.reason
        case Step.PREEMPTED if platform.settings.queue.kueue is None:  # Kueue tells it of the Workload (§5.3)
            yield _NORMAL, "Preempted", fact.reason
        case Step.KILLING:
            yield _NORMAL, "Killing", f"Stopping container {container.name}"


def _container_message(platform: Platform, step: Step, name: str) -> str:
    """Created and Started, in the wording of the cluster's Kubernetes version (skaha-contract §5.1)."""
    verb = step.capitalize()
    match platform.settings.kubernetes.event_wording:
        case "1.31":
            return f"{verb} container {name}"
        case "1.32":
            return f"{verb} container: {name}"
        case _:
            return f"Container {step}"


def _pull_error(image: str, outcome: str) -> str:
    repository, _, tag = image.rpartition(":")
    if outcome == "unauthorized":
        return (
            f'failed to pull and unpack image "{image}": failed to resolve reference "{image}": '
            "pull access denied, repository does not exist or may require authorization: authorization failed: "
            "no basic auth credentials"
        )
    return (
        f'rpc error: code = NotFound desc = failed to pull and unpack image "{image}": failed to resolve '
        f'reference "{image}": {repository}:{tag}: not found'
    )


def go_duration(seconds: float) -> str:
    """A duration as Go prints it, to the millisecond: ``850ms``, ``1.2s``, ``2m3.4s``, ``1h0m2s``."""
    milliseconds = round(seconds * 1000)
    if milliseconds < 1000:
        return f"{milliseconds}ms" if milliseconds else "0s"
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    tail = f"{rest / 1000:.3f}".rstrip("0").rstrip(".") + "s"
    if hours:
        return f"{hours}h{minutes}m{tail}"
    return f"{minutes}m{tail}" if minutes else tail
