"""Sessions: how many, how long, where (skaha-contract §4.3, §4.7)."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field

from mockskaha.config.images import SessionKind
from skahasim.configuration import DNS_LABEL, Section


class Lifetime(Section):
    """How long a session may run, and how long it is remembered."""

    deadline_seconds: int | None = Field(default=None, ge=1)
    """Time from start to expiry; ``sessions.expiry_seconds`` when not given."""
    ttl_seconds: int = Field(default=86_400, ge=0)
    """A finished session is listed for this long."""


class HeadlessLifetime(Lifetime):
    """Batch jobs run longer and are forgotten sooner."""

    deadline_seconds: int | None = Field(default=1_209_600, ge=1)
    ttl_seconds: int = Field(default=3_600, ge=0)


class Lifetimes(Section):
    """One lifetime for each type of session (skaha-contract §4.3)."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)

    carta: Lifetime = Field(default_factory=Lifetime)
    notebook: Lifetime = Field(default_factory=Lifetime)
    desktop: Lifetime = Field(default_factory=Lifetime)
    contributed: Lifetime = Field(default_factory=Lifetime)
    firefly: Lifetime = Field(default_factory=Lifetime)
    desktop_app: Lifetime = Field(default_factory=Lifetime, alias="desktop-app")
    headless: HeadlessLifetime = Field(default_factory=HeadlessLifetime)


class SessionPriorities(Section):
    """A priority class for each type of session; none where it is empty."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)

    default: str = ""
    """Of every type that has none of its own."""
    carta: str = ""
    notebook: str = ""
    desktop: str = ""
    contributed: str = ""
    firefly: str = ""
    desktop_app: str = Field(default="", alias="desktop-app")
    headless: str = ""


def _without_slash(url: str) -> str:
    return url.rstrip("/")


class SessionSettings(Section):
    """Sessions as the deployment allows them."""

    max_interactive: int = Field(default=5, ge=0)
    """Running or Pending sessions a user may have that are neither headless nor apps (§3.3, step 9; §4.7)."""
    max_interactive_as_string: bool = True
    """``maxInteractiveSessions`` of the context is the text ``"5"``, as in production (§2.13). With a limit
    range it is a number in any case."""
    expiry_seconds: int = Field(default=345_600, ge=1)
    """Lifetime of all sessions but headless ones, and what a renewal grants (§4.3, §4.4)."""
    lifetimes: Lifetimes = Field(default_factory=Lifetimes)
    home: str = Field(default="/cavern/home", pattern=r"^/\S*$")
    """The folder of the home folders; notebook URLs have it (§2.4)."""
    sessions_url: (
        Annotated[str, Field(pattern=r"^https?://[^\s/?#]+(/[^\s?#]*)?$"), AfterValidator(_without_slash)]
        | None
    ) = None
    """Base of every connectURL, such as ``https://ws-uv.canfar.net``; the server's own URL when not given."""
    namespace: str = Field(default="skaha-workload", pattern=DNS_LABEL, max_length=63)
    """Kubernetes namespace, seen in events (§5.1)."""
    gpu_enabled: bool = True
    """When false, ``gpus`` is accepted and has no effect (§6)."""
    priority_class: SessionPriorities = Field(default_factory=SessionPriorities)
    """Priority class by kind of session, of ``priority_classes``, for ``queue.preemption`` and orderings by priority;
    under Kueue ``queue.kueue.sessions`` says it."""
    headless_group: str = ""
    """Membership that batch jobs want, up to Skaha 1.2 (``skaha_version``); none when empty (§3.3, §10)."""
    users_group: str = Field(default="skaha-users", min_length=1)
    """Membership that lets a user in (§3.2)."""

    def priority_class_of(self, kind: SessionKind) -> str:
        """The priority class of sessions of type ``kind``; empty for none."""
        given: str = getattr(self.priority_class, kind.replace("-", "_"))
        return given or self.priority_class.default

    def lifetime(self, kind: SessionKind) -> Lifetime:
        """The lifetime of sessions of type ``kind``, its deadline filled in."""
        found: Lifetime = getattr(self.lifetimes, kind.replace("-", "_"))
        if found.deadline_seconds is None:
            return found.model_copy(update={"deadline_seconds": self.expiry_seconds})
        return found
