"""From a launch request to a command, or to the refusal the real service gives: skaha-contract §3.3, in its order."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Protocol

from mockskaha.catalogue import Catalogue
from mockskaha.commands import CreateSession
from mockskaha.config import Settings
from mockskaha.era import Era
from mockskaha.errors import Forbidden, InvalidRequest, NotFound, UnexpectedException
from mockskaha.identity import Identity
from mockskaha.inventory import Inventory
from mockskaha.overrides import overrides_in
from mockskaha.quota import ResourceRules
from mockskaha.session import (
    DESKTOP,
    DESKTOP_APP,
    FAILED,
    HEADLESS,
    KINDS,
    PENDING,
    RUNNING,
    is_label,
    label_name,
)
from mockskaha.wire import SessionType

_NAME = re.compile(r"[A-Za-z0-9\-]+", re.ASCII)
_LONGEST_HOSTNAME = 63
_COUNTED: Mapping[str, frozenset[str]] = MappingProxyType(
    {"active": frozenset({RUNNING, PENDING}), "unfinished": frozenset({RUNNING, PENDING, FAILED})}
)
"""Statuses that count towards the session limit."""
_NO_JOB = (
    "java.lang.RuntimeException: io.kubernetes.client.openapi.ApiException: Message: Not Found\n"
    "HTTP response code: 404\nHTTP response body: \nHTTP response headers: "
)
_KINDS: Mapping[str, SessionType] = MappingProxyType(
    {"": HEADLESS, DESKTOP_APP: DESKTOP_APP, **{kind: kind for kind in KINDS}}
)


class Launcher(Protocol):
    """What a launch is checked against."""

    @property
    def settings(self) -> Settings: ...
    @property
    def era(self) -> Era: ...
    @property
    def catalogue(self) -> Catalogue: ...
    @property
    def rules(self) -> ResourceRules: ...
    @property
    def inventory(self) -> Inventory: ...


class Parameters(Protocol):
    """The parameters of a request (``mockskaha.http.parameters``)."""

    def get(self, name: str) -> str | None: ...
    def values(self, name: str) -> list[str]: ...


def session_command(
    launcher: Launcher, user: Identity, parameters: Parameters, registry_auth: str | None
) -> CreateSession:
    """The command of ``POST /v1/session``. Raises the first refusal in the real service's order."""
    image = _image(launcher.settings.registry.hosts, parameters.get("image"))
    kind = _kind(launcher, image, parameters.get("type"), registry_auth)
    cores = launcher.rules.cores(parameters.get("cores"))
    ram_gib = launcher.rules.ram_gib(parameters.get("ram"))
    name = _name(parameters.get("name"))
    if kind != HEADLESS:
        _check_session_limit(launcher, user)
    gpus = launcher.rules.gpus(parameters.get("gpus"))
    _check_registry_auth(launcher.catalogue, image, registry_auth)
    if kind == HEADLESS:
        _check_headless_group(launcher, user)
    if launcher.era.labels_are_checked:
        if not label_name(name):
            raise InvalidRequest("canfar.net/name label value cannot be blank")
        _check_username(user)
    elif not label_name(name) or not _is_short_label(user.username):
        raise UnexpectedException(_NO_JOB)
    if kind == DESKTOP_APP:
        raise UnexpectedException("java.nio.file.NoSuchFileException: /config/launch-desktop_app.yaml")
    cmd: str = ""
    args: tuple[str, ...] = ()
    env = tuple(_environment(parameters.values("env")))
    if kind == HEADLESS:
        cmd = parameters.get("cmd") or ""
        args = _java_split(parameters.get("args") or "")
    values = (image, cmd, *args, *(part for pair in env for part in pair))
    if launcher.settings.quirks.dollar_breaks and any("$" in value for value in values):
        raise InvalidRequest("Illegal group reference")
    if launcher.settings.quirks.unchecked_values_fail:
        _check_manifest(name, values, env)
    overrides_in(env)
    return CreateSession(
        username=user.username, uid=user.uid, gid=user.gid, groups=user.groups,
        name=label_name(name), image=image, kind=kind, cores=cores, ram_gib=ram_gib, gpus=gpus,
        cmd=cmd, args=args, env=env,
    )  # fmt: skip


def app_command(launcher: Launcher, user: Identity, session_id: str, parameters: Parameters) -> CreateSession:
    """The command of ``POST /v1/session/{id}/app``: no host, registry or limit checks (skaha-contract §3.4)."""
    image = parameters.get("image")
    if image is None:
        raise InvalidRequest("Missing parameter 'image'")
    if not image.strip():
        raise InvalidRequest("image is required")
    cores = launcher.rules.cores(parameters.get("cores"))
    ram_gib = launcher.rules.ram_gib(parameters.get("ram"))
    parent = launcher.inventory.find(user.username, session_id)
    if parent is None or parent.kind != DESKTOP or not parent.is_active or parent.job.node is None:
        raise NotFound(f"session {session_id} not found")
    if launcher.era.labels_are_checked:
        _check_username(user)
    return CreateSession(
        username=user.username, uid=user.uid, gid=user.gid, groups=user.groups,
        name=image, image=image, kind=DESKTOP_APP, cores=cores, ram_gib=ram_gib, parent=session_id,
    )  # fmt: skip


def _image(hosts: tuple[str, ...], image: str | None) -> str:
    if image is None:
        raise InvalidRequest("Missing parameter 'image'")
    image = image.strip()
    if not image:
        raise InvalidRequest("image is required")
    if not image.startswith(hosts):
        raise InvalidRequest(f"session image '{image}' must come from one of [{', '.join(hosts)}]")
    return image


def _kind(launcher: Launcher, image: str, sent: str | None, registry_auth: str | None) -> SessionType:
    """The type of the session, which up to Skaha 0.29 had to be one of the image's (skaha-contract §3.3)."""
    entry = launcher.catalogue.entry(image) if launcher.era.image_types_are_checked else None
    if entry is not None and sent is not None:
        if sent not in entry.types:
            raise InvalidRequest(f"image/type mismatch: {image}/{sent}")
    elif entry is None and launcher.era.image_types_are_checked and registry_auth is None:
        raise NotFound(f"image not found or not labelled: {image}")
    if sent is None and entry is not None and launcher.era.type_from_image:
        sent = entry.types[0]
    kind = _KINDS.get((sent or "").strip().lower())
    if kind is None:
        raise InvalidRequest(f"Invalid session type: {sent}")
    return kind


def _check_headless_group(launcher: Launcher, user: Identity) -> None:
    group = launcher.settings.sessions.headless_group
    if group and launcher.era.headless_group_is_checked and group not in user.memberships:
        raise Forbidden("Not authorized to create a headless session")


def _name(name: str | None) -> str:
    if name is None or not name.strip():
        raise InvalidRequest("Missing parameter 'name'")
    if not _NAME.fullmatch(name):
        raise InvalidRequest("name can only contain alpha-numeric chars and '-'")
    return name


def _check_session_limit(launcher: Launcher, user: Identity) -> None:
    most = launcher.settings.sessions.max_interactive
    counted = _COUNTED[launcher.era.limit_counts]
    active = sum(
        session.is_interactive and session.status in counted
        for session in launcher.inventory.of(user.username)
    )
    if active >= most:
        raise InvalidRequest(f"User {user.username} has reached the maximum of {most} active sessions.")


def _check_registry_auth(catalogue: Catalogue, image: str, header: str | None) -> None:
    if header is not None:
        try:
            decoded = base64.b64decode(header, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            decoded = ""
        parts = decoded.rstrip(":").split(":")
        if len(parts) != 2:
            raise InvalidRequest("Invalid input.  Must be in form of username:secret")
        if not parts[0].strip():
            raise InvalidRequest("username is required.")
        if not parts[1].strip():
            raise InvalidRequest("secret value cannot be empty.")
    elif not catalogue.is_public(image):
        raise InvalidRequest(
            "No authentication provided for unknown or private image.  "
            "Use x-skaha-registry-auth request header with base64Encode(username:secret)."
        )


def _is_short_label(name: str) -> bool:
    return is_label(name) and len(name) <= _LONGEST_HOSTNAME


def _check_username(user: Identity) -> None:
    if not _is_short_label(user.username):
        raise InvalidRequest("canfar.net/username label value must match Kubernetes label value syntax")


def _environment(items: list[str]) -> Iterator[tuple[str, str]]:
    """``NAME=value`` pairs; an item that does not split into exactly two is dropped (skaha-contract §3.3)."""
    for item in items:
        parts = item.rstrip("=").split("=")
        if len(parts) == 2:
            yield parts[0], parts[1]


def _java_split(text: str) -> tuple[str, ...]:
    """``String.split(" ")``: empty words stay, but for those at the end."""
    words = text.split(" ")
    while words and not words[-1]:
        words.pop()
    return tuple(words)


def _check_manifest(name: str, values: tuple[str, ...], env: tuple[tuple[str, str], ...]) -> None:
    """What Kubernetes refuses and the service does not check: the Job is missing when read back (§3.3, step 15)."""
    broken = any('"' in value or "\n" in value for value in values) or any(not key for key, _ in env)
    if broken or len(name) > _LONGEST_HOSTNAME or name.endswith("-"):
        raise UnexpectedException(_NO_JOB)
