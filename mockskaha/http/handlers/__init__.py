"""What each operation of the contract does. Bound to ``openapi/skaha.yaml`` by operationId."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from mockskaha.http.exchange import Answer, Call
from mockskaha.http.handlers import access_control, apps, metrics, offers, pages, registry, sessions, vosi

if TYPE_CHECKING:
    from mockskaha.platform import Platform

Handler = Callable[["Platform", Call], Answer]


def _get_capabilities(platform: Platform, call: Call) -> Answer:
    quirks = platform.settings.quirks
    return vosi.get_capabilities(
        platform,
        call,
        faithful=quirks.rewrite_access_urls,
        crlf=quirks.xml_crlf,
        by_resource=platform.era.platform_capabilities,
    )


def _get_availability(platform: Platform, call: Call) -> Answer:
    """503 for a caller whose token does not hold (skaha-contract §8.1)."""
    holds = call.bad_token is None
    note = platform.era.availability_note.replace("{namespace}", platform.settings.sessions.namespace)
    crlf = platform.settings.quirks.xml_crlf
    answer = vosi.get_availability(platform, call, available=holds, crlf=crlf, note=note)
    return answer if holds else answer._replace(status=503)


def _get_storage_capabilities(platform: Platform, call: Call) -> Answer:
    return vosi.get_storage_capabilities(platform, call, crlf=platform.settings.quirks.xml_crlf)


def _whoami(platform: Platform, call: Call) -> Answer:
    call.refuse_bad_token()
    return access_control.whoami(platform, call)


def _get_user(platform: Platform, call: Call) -> Answer:
    call.refuse_bad_token()
    return access_control.get_user(platform, call, crlf=platform.settings.quirks.xml_crlf)


HANDLERS: Mapping[str, Handler] = MappingProxyType(
    {
        "listSessions": sessions.list_sessions,
        "createSession": sessions.create_session,
        "deleteAllSessions": sessions.delete_all_sessions,
        "getSession": sessions.get_session,
        "renewSession": sessions.renew_session,
        "deleteSession": sessions.delete_session,
        "listApps": apps.list_apps,
        "createApp": apps.create_app,
        "deleteAllApps": apps.delete_all_apps,
        "getApp": apps.get_app,
        "modifyApp": apps.modify_app,
        "deleteApp": apps.delete_app,
        "listImages": offers.list_images,
        "getContext": offers.get_context,
        "listRepositories": offers.list_repositories,
        "getCapabilities": _get_capabilities,
        "headCapabilities": vosi.head_capabilities,
        "getAvailability": _get_availability,
        "setAvailability": vosi.set_availability,
        "getLogControl": vosi.get_log_control,
        "setLogControl": vosi.set_log_control,
        "redirectToIndex": pages.redirect_to_index,
        "headRoot": pages.redirect_to_index,
        "getIndex": pages.get_index,
        "headIndex": pages.get_index,
        "getIndexHtml": pages.get_index,
        "getOpenapi": pages.get_openapi,
        "getServiceYaml": pages.get_openapi,
        "getSwaggerAsset": pages.get_swagger_asset,
        "login": access_control.login,
        "whoami": _whoami,
        "getUser": _get_user,
        "getResourceCaps": registry.get_resource_caps,
        "getStorageCapabilities": _get_storage_capabilities,
        "getPlatformMetrics": metrics.get_platform_metrics,
        "getMetricsHealth": metrics.get_metrics_health,
        "openSession": pages.open_session,
    }
)
__all__ = ["HANDLERS", "Handler"]
