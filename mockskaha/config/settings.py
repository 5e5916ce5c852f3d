"""``Settings``: everything a server is started with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from mockskaha.config.auth import AuthSettings, UtcTime
from mockskaha.config.images import ImageEntry, packaged_images
from mockskaha.config.quirks import QuirkSettings
from mockskaha.config.resources import ResourceSettings
from mockskaha.config.service import KubernetesSettings, MetricsSettings, RegistrySettings, ServerSettings
from mockskaha.config.sessions import SessionSettings
from mockskaha.config.users import UnknownUserSettings, UserEntry, packaged_users
from mockskaha.era import DEFAULT, era, version_named
from mockskaha.faults.presets import Faults
from skahasim.configuration import ClusterSettings, QueueSettings, Section, repeated


def _text(value: object) -> object:
    """``1.4`` is a number to YAML."""
    return str(value) if isinstance(value, float) else value


SkahaVersion = Annotated[str, BeforeValidator(_text), AfterValidator(version_named)]
"""The name of a version of Skaha that can be stood in for, or of its release."""


class Settings(Section):
    """A whole configuration. ``Settings()`` is the CANFAR production deployment, at the pace of a test."""

    skaha_version: SkahaVersion = DEFAULT
    """Which Skaha to be: ``0.29``, ``1.0``, ``1.1``, ``1.2``, ``2026.1`` or ``1.4``, each as its last release was
    (§10; docs/eras.md has what differs)."""
    profile: str = Field(default="fast", min_length=1)
    """How long the steps of a session take: a name, or the path of a YAML file."""
    clock: Literal["wall", "manual"] = "wall"
    """Whether model time follows the wall clock, or moves only when told to."""
    speed: float = Field(default=1, gt=0)
    """Seconds of model time in a second of wall time."""
    seed: int = 0
    """Of everything random: the same seed and the same requests give the same answers."""
    epoch: UtcTime | None = None
    """Model time zero; the start of the server when not given."""

    server: ServerSettings = Field(default_factory=ServerSettings)
    auth: AuthSettings = Field(default_factory=AuthSettings)
    sessions: SessionSettings = Field(default_factory=SessionSettings)
    resources: ResourceSettings = Field(default_factory=ResourceSettings)
    cluster: ClusterSettings = Field(default_factory=ClusterSettings)
    queue: QueueSettings = Field(default_factory=QueueSettings)
    priority_classes: Mapping[str, int] = Field(
        default_factory=lambda: {"low": 10_000, "medium": 100_000, "high": 1_000_000}
    )
    """Value of each priority class that ``sessions.priority_class`` may name; the larger, the more important. Under
    Kueue its manifests say."""
    kubernetes: KubernetesSettings = Field(default_factory=KubernetesSettings)
    metrics: MetricsSettings = Field(default_factory=MetricsSettings)
    registry: RegistrySettings = Field(default_factory=RegistrySettings)
    quirks: QuirkSettings = Field(default_factory=QuirkSettings)

    faults: Faults = ()
    """What goes wrong from the start: faults, and presets by name."""

    unknown_users: UnknownUserSettings = Field(default_factory=UnknownUserSettings)
    users: tuple[UserEntry, ...] = Field(default_factory=packaged_users)
    extra_users: tuple[UserEntry, ...] = ()
    """Added to ``users``, in place of one of the same name; always empty in a finished ``Settings``."""
    images: tuple[ImageEntry, ...] = Field(default_factory=packaged_images)
    extra_images: tuple[ImageEntry, ...] = ()
    """Added to ``images``, in place of one of the same id; always empty in a finished ``Settings``."""

    @model_validator(mode="after")
    def _extras_are_added(self) -> Self:
        for field, identity in (("users", "username"), ("images", "id")):
            for entries in (getattr(self, field), getattr(self, f"extra_{field}")):
                if again := repeated([getattr(entry, identity) for entry in entries]):
                    raise ValueError(f"{field}: {again!r} is listed twice")
            extra = getattr(self, f"extra_{field}")
            if not extra:
                continue
            merged = {getattr(entry, identity): entry for entry in (*getattr(self, field), *extra)}
            # The only place where a frozen model is written: it is still being made.
            object.__setattr__(self, field, tuple(merged.values()))
            object.__setattr__(self, f"extra_{field}", ())
        return self

    @model_validator(mode="after")
    def _home_is_of_its_era(self) -> Self:
        home = era(self.skaha_version).home
        if "home" not in self.sessions.model_fields_set and self.sessions.home != home:
            object.__setattr__(self, "sessions", self.sessions.model_copy(update={"home": home}))
        return self

    @model_validator(mode="after")
    def _priority_classes_exist(self) -> Self:
        given = self.sessions.priority_class.model_dump(by_alias=True)
        kueue = self.queue.kueue
        wrong: dict[tuple[str, ...], str] = {}
        for kind, name in given.items():
            if name and kueue is not None:
                text = f"under Kueue queue.kueue.sessions.{kind}.priority_class says it"
            elif name and name not in self.priority_classes:
                text = f"there is no priority class {name!r}; known: {', '.join(self.priority_classes) or 'none'}"
            else:
                continue
            wrong["sessions", "priority_class", kind] = text
        for kind in () if kueue is None else kueue.sessions:
            if kind not in given:
                text = f"no type of session; known: {', '.join(given)}"
                wrong["queue", "kueue", "sessions", kind] = text
        if wrong:
            problems = [
                InitErrorDetails(
                    type=PydanticCustomError("unknown", "{text}", {"text": text}), loc=key, input=None
                )
                for key, text in wrong.items()
            ]
            raise ValidationError.from_exception_data("Settings", problems, hide_input=True)
        return self

    @property
    def ephemeral_storage_gib(self) -> float:
        """Scratch space of the whole cluster, in GiB (skaha-contract §7)."""
        return self.cluster.node_count * self.metrics.scratch_gib_per_node
