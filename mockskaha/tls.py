"""A certificate authority of its own for the server and for clients who log in with certificates."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.exceptions import InvalidSignature

DEFAULT_HOSTS = ("localhost", "127.0.0.1", "::1")
DEFAULT_USERS = ("alice", "bob")

_FILE_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*", re.ASCII)


class TLSFilesError(Exception):
    """The directory holds files that cannot serve; the text says which and what to do."""


@dataclass(frozen=True, slots=True)
class TLSFiles:
    """Where the PEM files are. ``server`` and each client file hold a key and its certificate."""

    ca: Path
    """What clients must trust, e.g. through ``SSL_CERT_FILE``."""
    server: Path
    clients: tuple[Path, ...]


def ensure(
    directory: Path, hosts: Iterable[str] = DEFAULT_HOSTS, users: Sequence[str] = DEFAULT_USERS
) -> TLSFiles:
    """TLS files in ``directory``: those that are there if they are good, new ones otherwise.

    Writes ``ca.pem``, ``ca.key.pem``, ``server.pem`` and a ``client-<user>.pem`` for each of ``users``; only
    their owner can read those that hold a key. The server's certificate is renewed when it does not cover
    ``hosts`` (names or addresses), every certificate when another authority signed it. Raises
    :class:`TLSFilesError` for an authority without its key, and for files that are no PEM.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    authority = _authority(directory)
    wanted = tuple(dict.fromkeys(hosts))
    server = directory / "server.pem"
    if not _is_good(server, authority, wanted):
        _write(server, authority.issue_cert(*wanted).private_key_and_cert_chain_pem.bytes(), 0o600)
    return TLSFiles(
        directory / "ca.pem", server, tuple(_ensure_client(directory, authority, user) for user in users)
    )


def issue_client(directory: Path, user: str) -> Path:
    """The PEM file, key and certificate, with which ``user`` logs in to a server of this directory.

    Raises :class:`TLSFilesError` when the directory has no authority yet, ``ValueError`` for a user name that
    cannot name a file.
    """
    if not (directory / "ca.pem").exists():
        raise TLSFilesError(f"{directory}: no certificate authority here (no ca.pem)")
    return _ensure_client(directory, _authority(directory), user)


def _ensure_client(directory: Path, authority: trustme.CA, user: str) -> Path:
    if _FILE_SAFE.fullmatch(user) is None:
        raise ValueError(f"a client certificate cannot be written for user name {user!r}")
    path = directory / f"client-{user}.pem"
    if not _is_good(path, authority):
        leaf = authority.issue_cert(common_name=user, organization_unit_name="mockskaha")
        _write(path, leaf.private_key_and_cert_chain_pem.bytes(), 0o600)
    return path


def _authority(directory: Path) -> trustme.CA:
    certificate, key = directory / "ca.pem", directory / "ca.key.pem"
    if certificate.exists() and key.exists():
        try:
            return trustme.CA.from_pem(certificate.read_bytes(), key.read_bytes())
        except (ValueError, TypeError) as error:
            raise TLSFilesError(
                f"{directory}: ca.pem or ca.key.pem is not usable PEM ({error}); remove both for new ones"
            ) from error
    if certificate.exists() or key.exists():
        missing = key if certificate.exists() else certificate
        raise TLSFilesError(f"{directory}: {missing.name} is missing; put it back, or remove the other one")
    authority = trustme.CA(organization_name="mockskaha", organization_unit_name="mockskaha CA")
    _write(key, authority.private_key_pem.bytes(), 0o600)
    _write(certificate, authority.cert_pem.bytes(), 0o644)
    return authority


def _is_good(path: Path, authority: trustme.CA, hosts: Sequence[str] = ()) -> bool:
    """Whether a key and a certificate of this authority are in the file, and it covers ``hosts``."""
    try:
        pem = path.read_bytes()
        leaf = x509.load_pem_x509_certificate(pem)
        leaf.verify_directly_issued_by(x509.load_pem_x509_certificate(authority.cert_pem.bytes()))
    except (FileNotFoundError, ValueError, TypeError, InvalidSignature):
        return False
    return b"PRIVATE KEY-----" in pem and (not hosts or set(hosts) <= _covered(leaf))


def _covered(leaf: x509.Certificate) -> set[str]:
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    addresses = names.get_values_for_type(x509.IPAddress)
    return {*names.get_values_for_type(x509.DNSName), *map(str, addresses)}


def _write(path: Path, content: bytes, mode: int) -> None:
    # Created with its mode, never opened up for a moment; renamed, so that no reader sees half a file.
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
    partial.replace(path)
