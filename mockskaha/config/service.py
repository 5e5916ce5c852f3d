"""The services around the sessions, and the server process itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretStr

from skahasim.configuration import Section


def _text(value: Any) -> Any:
    # ``event_wording: 1.31`` is a number to YAML.
    return str(value) if isinstance(value, float) else value


class RegistrySettings(Section):
    """Where images come from."""

    hosts: tuple[Annotated[str, Field(min_length=1)], ...] = ("images.canfar.net",)
    """Hosts that sessions may take images from, in the order reported (skaha-contract §2.14, §3.3)."""


class MetricsSettings(Section):
    """The metrics API, which also feeds the platform statistics (skaha-contract §7)."""

    enabled: bool = True
    """When false, platform statistics answer 503, as a deployment without this backend does."""
    ttl_seconds: int = Field(default=300, ge=0)
    """How long an answer may be cached; 0 means not at all."""
    cluster: str = Field(default="prod", min_length=1)
    """Name of the cluster it reports."""
    scratch_gib_per_node: float = Field(default=2048, ge=0)
    """Ephemeral storage of every node, in GiB."""


class KubernetesSettings(Section):
    """Details of the cluster's software that clients can see."""

    event_wording: Annotated[Literal["1.31", "1.32", "1.35"], BeforeValidator(_text)] = "1.31"
    """Kubernetes version whose wording container events have (skaha-contract §5.1)."""
    events_ttl_seconds: int = Field(default=3_600, ge=1)
    """How long events are kept (§2.10)."""
    init_image: str = Field(default="redis:8.2.2-bookworm", pattern=r"^\S+$")
    """Image of the init container ``init-users-groups``; the other one runs the session's image (§4.6)."""
    init_image_size_bytes: int = Field(default=52_428_800, ge=1)


class ServerSettings(Section):
    """The server process."""

    host: str = Field(default="127.0.0.1", min_length=1)
    port: int = Field(default=8080, ge=0, le=65_535)
    """0 takes any free port."""
    access_log: bool = False
    state: Path | None = None
    """File that keeps the state over restarts; none, when not given."""
    control_token: Annotated[SecretStr, Field(min_length=1)] | None = None
    """What callers of the control API must show as a bearer token. Without one it answers to this machine alone, on a
    server that listens on a loopback address."""
    tls: Path | None = None
    """Directory of certificates, made when missing; plain HTTP, when not given."""
