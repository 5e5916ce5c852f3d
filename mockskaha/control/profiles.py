"""How long the steps of a session take: read, and changed while it runs."""

from __future__ import annotations

from typing import Any, Self

from pydantic import Field, model_validator

from mockskaha.commands import SetProfile
from mockskaha.control.form import View
from mockskaha.control.problems import bad_document
from mockskaha.control.scope import Handlers, Here, Text
from mockskaha.platform import Platform
from skahasim.profile import Profile, ProfileSettings, load_profile, profile_names
from skahasim.section import Section
from skahasim.yamlfile import ConfigurationError, Origin, Problem, parse, validate


class ProfileChange(Section):
    """Another profile: a packaged one by ``name``, or one's own."""

    name: str = Field(default="", max_length=100)
    profile: ProfileSettings | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.name and self.profile is None:
            raise ValueError("give name, or profile, or both")
        return self


class ProfileView(View):
    """The profile that is followed now."""

    name: str
    description: str
    profile: dict[str, Any]
    """As a profile file has it."""
    packaged: list[str]
    """The names of those that can be set by name alone."""


def profile_view(platform: Platform) -> ProfileView:
    profile = platform.model.profile
    settings = profile.settings
    return ProfileView(
        name=profile.name,
        description=profile.description,
        profile={} if settings is None else settings.model_dump(mode="json", exclude_defaults=True),
        packaged=list(profile_names()),
    )


async def get_profile(namespace: Here) -> ProfileView:
    return profile_view(namespace.platform)


async def set_profile(namespace: Here, text: Text) -> ProfileView:
    try:
        document = parse(text, "profile")
        change = validate(ProfileChange, document)
        if change.profile is None and change.name not in profile_names():
            known = ", ".join(profile_names())
            origin: Origin = document.origin(("name",))
            message = f"unknown profile {change.name!r}; known: {known}; or send one as profile"
            raise ConfigurationError([Problem(origin, ("name",), message)])
    except ConfigurationError as error:
        raise bad_document(error) from None
    profile = (
        load_profile(change.name)
        if change.profile is None
        else Profile.of(change.name or "custom", change.profile)
    )
    assert profile.settings is not None
    namespace.platform.execute(SetProfile(profile.name, profile.settings.model_dump_json()))
    return profile_view(namespace.platform)


HANDLERS: Handlers = {"getProfile": get_profile, "setProfile": set_profile}
