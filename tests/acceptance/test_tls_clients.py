"""HTTPS with client certificates: what a client needs to come in with ``client-alice.pem`` instead of a token.

The clients have no option for an authority of one's own. canfar's certificate mode uses OpenSSL's default
verification paths, and its token mode the system's trust store: both heed ``SSL_CERT_FILE``.
"""

from __future__ import annotations

import importlib
import re
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.clients import Client
from examples.service import Service, running

pytestmark = pytest.mark.evidence("skaha-contract §1.3 (client certificate), §3.2")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tls")


@pytest.fixture(scope="module")
def secure(certificates: Path) -> Iterator[Service]:
    with running("--profile", "instant", "--tls", str(certificates)) as service:
        yield service


def test_canfar_with_a_certificate(
    canfar_programs: Path, secure: Service, certificates: Path, home: Path
) -> None:
    assert secure.url.startswith("https://127.0.0.1:")
    variables = {
        "CANFAR_URL": secure.url,
        "CANFAR_CERTIFICATE": str(certificates / "client-alice.pem"),
        "SSL_CERT_FILE": str(certificates / "ca.pem"),
    }
    alice = Client(canfar_programs, home, variables)
    made = alice.run("canfar", "create", "headless", "skaha/astroml", "-n", "signed", "--", "env")
    match = re.search(r"Successfully created session 'signed' \(ID: (\w{8})\)", made.output)
    assert match, made
    about = alice.run("canfar", "info", match[1])
    assert re.search(r"User ID\s+alice\b", about.output), about

    without_authority = Client(canfar_programs, home, variables | {"SSL_CERT_FILE": "/dev/null"})
    refused = without_authority.run("canfar", "ps")
    assert (refused.status, refused.errors.splitlines()[0]) == (1, "Unable to list sessions.")


def test_canfar_with_a_token_over_https(
    canfar_programs: Path, secure: Service, certificates: Path, home: Path, user: str
) -> None:
    variables = {
        "CANFAR_URL": secure.url,
        "CANFAR_TOKEN": user,
        "SSL_CERT_FILE": str(certificates / "ca.pem"),
    }
    seen = Client(canfar_programs, home, variables).python(
        "import json; from canfar.sessions import Session; session = Session(errors='raise')\n"
        "made = session.create(name='n', image='skaha/base-notebook', kind='notebook')\n"
        "print(json.dumps(session.info(made)))"
    )
    assert seen[0]["userid"] == user
    assert seen[0]["connectURL"].startswith(f"{secure.origin}/session/notebook/")


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
@pytest.mark.parametrize("holder", ["alice", "bob"])
def test_a_certificate_names_its_holder(
    library: str, holder: str, secure: Service, certificates: Path
) -> None:
    context = ssl.create_default_context(cafile=str(certificates / "ca.pem"))
    context.load_cert_chain(certificates / f"client-{holder}.pem")
    with importlib.import_module(library).Client(verify=context, trust_env=False) as caller:
        answer = caller.get(f"{secure.url}/session")
        assert (answer.status_code, answer.headers["x-vo-authenticated"]) == (200, holder)


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_without_certificate_and_token_nobody_comes_in(
    library: str, secure: Service, certificates: Path
) -> None:
    context = ssl.create_default_context(cafile=str(certificates / "ca.pem"))
    with importlib.import_module(library).Client(verify=context, trust_env=False) as caller:
        assert caller.get(f"{secure.url}/session").status_code == 401
        token = {"Authorization": "Bearer carol"}
        assert caller.get(f"{secure.url}/session", headers=token).headers["x-vo-authenticated"] == "carol"
