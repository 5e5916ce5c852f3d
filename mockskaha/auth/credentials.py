"""Credentials as they travel in headers (skaha-contract §1.3)."""

from __future__ import annotations

import base64
import binascii
import re
from typing import NamedTuple
from urllib.parse import unquote

import orjson

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)


class Certificate(NamedTuple):
    """The part of a client certificate that matters here."""

    common_name: str
    expires: float
    """Epoch seconds."""


def cookie(header: str, name: str) -> str | None:
    """The value of one cookie of a ``Cookie`` header, unquoted; the first when it is repeated."""
    for pair in header.split(";"):
        key, separator, value = pair.partition("=")
        if separator and key.strip() == name:
            return value.strip().strip('"')
    return None


def certificate(header: str) -> Certificate:
    """The certificate in a header: PEM, its line breaks intact, folded to spaces or percent-encoded.

    Of a chain, the first. A proxy certificate carries its owner's common name first and a serial number last,
    so the first name counts. Raises ``ValueError`` for anything else.
    """
    # Imported here because only callers with certificates should pay for it.
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    found = _PEM.search(unquote(header) if "%" in header else header)
    if found is None:
        raise ValueError("no PEM certificate")
    try:
        der = base64.b64decode("".join(found[1].split()), validate=True)
    except binascii.Error as error:
        raise ValueError("the PEM certificate is not base64") from error
    try:
        read = x509.load_der_x509_certificate(der)
    except x509.InvalidVersion as error:
        raise ValueError("the certificate has an unknown version") from error
    names = read.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if not names:
        raise ValueError("the certificate has no common name")
    return Certificate(str(names[0].value), read.not_valid_after_utc.timestamp())


def jwt_claims(token: str) -> dict[str, object] | None:
    """The claims of a JSON Web Token, unverified; ``None`` when ``token`` is none."""
    segments = token.split(".")
    if len(segments) != 3:
        return None
    try:
        header, claims = (orjson.loads(_base64url(segment)) for segment in segments[:2])
    except (binascii.Error, ValueError):
        return None
    return claims if isinstance(header, dict) and isinstance(claims, dict) else None


def _base64url(segment: str) -> bytes:
    return base64.b64decode(segment + "=" * (-len(segment) % 4), altchars=b"-_", validate=True)
