"""IVOA support interfaces: capabilities, availability, log control (skaha-contract §8.1-8.3)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple, Protocol
from xml.sax.saxutils import escape, quoteattr

from mockskaha.auth import AuthRules
from mockskaha.era import era
from mockskaha.errors import InvalidRequest
from mockskaha.http.exchange import TEXT, XML, Answer, Call

_NOT_IN_AN_ADDRESS = re.compile(r"[^0-9A-Za-z:.%]")
_SECURITY_METHODS = ("cookie", "tls-with-certificate", "token")
_RESOURCES = ("session", "context", "image", "repository")
_STATES = ("Offline", "ReadOnly", "ReadWrite")
_LOGGED_PACKAGES = (
    "org.opencadc.permissions",
    "org.opencadc.skaha",
    "ca.nrc.cadc.util",
    "ca.nrc.cadc.rest",
    "ca.nrc.cadc.net",
)


class _Authenticator(Protocol):
    @property
    def rules(self) -> AuthRules: ...


class Site(Protocol):
    """What these handlers need of the platform."""

    @property
    def base_url(self) -> str:
        """Scheme, host and port that clients reach the service at, e.g. ``http://127.0.0.1:8080``."""

    @property
    def authenticator(self) -> _Authenticator: ...


class _Capability(NamedTuple):
    standard_id: str
    url: str
    base: bool = False
    """``use="base"``, once for every security method; otherwise one ``use="full"`` interface, open to all."""
    version: str | None = None


def get_capabilities(
    platform: Site, call: Call, *, faithful: bool = False, crlf: bool = True, by_resource: bool = True
) -> Answer:
    """What the service offers, and where (§8.2).

    Access URLs start with ``platform.base_url``, and every way to log in that is understood here is listed.
    ``faithful`` does as the real service does: https, the host of the request without its port, and only the
    security methods that its identity manager supports. Lines end with CR LF, or LF without ``crlf``. Without
    ``by_resource`` the API is one capability, below v0 (§10).
    """
    origin = f"https://{call.host}" if faithful else _origin(platform)
    only_tokens = faithful and platform.authenticator.rules.challenge_manager == "oidc"
    skaha = f"{origin}/skaha"
    return Answer(
        _capabilities(
            [
                _Capability("ivo://ivoa.net/std/VOSI#capabilities", f"{skaha}/capabilities"),
                _Capability("ivo://ivoa.net/std/VOSI#availability", f"{skaha}/availability"),
                _Capability(
                    "vos://cadc.nrc.ca~vospace/CADC/std/Logging#control-1.0",
                    f"{skaha}/logControl",
                    version="1.0",
                ),
                # Nothing answers below v0 since Skaha 0.30; the real service still announces it.
                _Capability(
                    "vos://cadc.nrc.ca~vospace/CADC/std/Proc#sessions-1.0", f"{skaha}/v0", True, "1.0"
                ),
                *(
                    _Capability(
                        f"http://www.opencadc.org/std/platform#{resource}-1",
                        f"{skaha}/v1/{resource}",
                        True,
                        "1.0",
                    )
                    for resource in (_RESOURCES if by_resource else ())
                ),
            ],
            ("token",) if only_tokens else _SECURITY_METHODS,
            crlf=crlf,
        ),
        XML,
    )


def head_capabilities(platform: Site, call: Call) -> Answer:
    """That there are capabilities: no body (§1)."""
    return Answer(content_type=XML)


def get_storage_capabilities(platform: Site, call: Call, *, crlf: bool = True) -> Answer:
    """A VOSpace that has capabilities and nothing else: clients want one beside Skaha before they use it."""
    arc = f"{_origin(platform)}/arc"
    return Answer(
        _capabilities(
            [
                _Capability("ivo://ivoa.net/std/VOSI#capabilities", f"{arc}/capabilities"),
                _Capability("ivo://ivoa.net/std/VOSpace/v2.0#nodes", f"{arc}/nodes", True, "2.1"),
            ],
            _SECURITY_METHODS,
            crlf=crlf,
        ),
        XML,
    )


def get_availability(
    platform: Site, call: Call, *, available: bool = True, crlf: bool = True, note: str | None = None
) -> Answer:
    """Whether the service is up (§8.1). With ``detail=min`` the status alone tells: 200 or 503.

    ``note`` is that of the default era when not given.
    """
    if call.parameters.get("detail") == "min":
        return Answer(status=200 if available else 503)
    # The address may come from a header: it must not end the comment.
    note = era().availability_note if note is None else note
    client_ip = _NOT_IN_AN_ADDRESS.sub("?", call.client_ip)
    return Answer(
        _document(
            '<vosi:availability xmlns:vosi="http://www.ivoa.net/xml/VOSIAvailability/v1.0">',
            f"  <vosi:available>{'true' if available else 'false'}</vosi:available>",
            f"  <vosi:note>{escape(note)}</vosi:note>",
            f"  <!--<clientip>{client_ip}</clientip>-->",
            "</vosi:availability>",
            crlf=crlf,
        ),
        XML,
    )


def set_availability(platform: Site, call: Call) -> Answer:
    """Accept a ``state`` and send the caller back to look (§8.1). Skaha does not keep it, nor does this.

    Raises :class:`InvalidRequest` without a known state.
    """
    state = call.parameters.get("state")
    if state not in _STATES:
        raise InvalidRequest("Missing parameter 'state'" if not state else f"Invalid state: {state}")
    return Answer(status=302, headers=(("Location", f"{_origin(platform)}/skaha/availability"),))


def get_log_control(platform: Site, call: Call) -> Answer:
    """One line ``<package> <LEVEL>`` for each package that logs; 403 for nobody in particular (§8.3)."""
    if call.identity is None:
        return Answer(status=403)
    return Answer("".join(f"{package} INFO\n" for package in _LOGGED_PACKAGES).encode(), TEXT)


def set_log_control(platform: Site, call: Call) -> Answer:
    """Accept log levels, which change nothing here, and send the caller back to look (§8.3)."""
    if call.identity is None:
        return Answer(status=403)
    return Answer(status=303, headers=(("Location", f"{_origin(platform)}/skaha/logControl"),))


def _origin(platform: Site) -> str:
    return platform.base_url.rstrip("/")


def _capabilities(capabilities: Iterable[_Capability], methods: tuple[str, ...], *, crlf: bool) -> bytes:
    return _document(
        '<vosi:capabilities xmlns:vosi="http://www.ivoa.net/xml/VOSICapabilities/v1.0" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        'xmlns:vs="http://www.ivoa.net/xml/VODataService/v1.1">',
        *(line for capability in capabilities for line in _capability(capability, methods)),
        "</vosi:capabilities>",
        crlf=crlf,
    )


def _capability(capability: _Capability, methods: tuple[str, ...]) -> list[str]:
    version = "" if capability.version is None else f' version="{capability.version}"'
    lines = [f"  <capability standardID={quoteattr(capability.standard_id)}>"]
    # An interface whose security method is not supported stays, bare.
    for method in _SECURITY_METHODS if capability.base else (None,):
        lines.append(f'    <interface xsi:type="vs:ParamHTTP" role="std"{version}>')
        use = "base" if capability.base else "full"
        lines.append(f'      <accessURL use="{use}">{escape(capability.url)}</accessURL>')
        if method in methods:
            lines.append(f'      <securityMethod standardID="ivo://ivoa.net/sso#{method}" />')
        lines.append("    </interface>")
    return [*lines, "  </capability>"]


def _document(*lines: str, crlf: bool) -> bytes:
    text = "\n".join(('<?xml version="1.0" encoding="UTF-8"?>', *lines, ""))
    return (text.replace("\n", "\r\n") if crlf else text).encode()
