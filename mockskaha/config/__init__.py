"""What a server is started with: one frozen ``Settings``, its parts, and how it is read."""

from mockskaha.config.auth import AuthSettings, TokenEntry
from mockskaha.config.images import ImageEntry, SessionKind
from mockskaha.config.loading import load_settings
from mockskaha.config.quirks import QuirkSettings
from mockskaha.config.resources import LimitRangeSettings, ResourceSettings
from mockskaha.config.service import KubernetesSettings, MetricsSettings, RegistrySettings, ServerSettings
from mockskaha.config.sessions import Lifetime, SessionSettings
from mockskaha.config.settings import Settings
from mockskaha.config.users import UnknownUserSettings, UserEntry
from skahasim.yamlfile import ConfigurationError

__all__ = [
    "AuthSettings",
    "ConfigurationError",
    "ImageEntry",
    "KubernetesSettings",
    "Lifetime",
    "LimitRangeSettings",
    "MetricsSettings",
    "QuirkSettings",
    "RegistrySettings",
    "ResourceSettings",
    "ServerSettings",
    "SessionKind",
    "SessionSettings",
    "Settings",
    "TokenEntry",
    "UnknownUserSettings",
    "UserEntry",
    "load_settings",
]
