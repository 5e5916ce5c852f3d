import ssl
import stat
import threading
import time
from contextlib import contextmanager

import httpx
import pytest
import uvicorn

from mockskaha import tls
from mockskaha.http import certificates, protocol

pytestmark = pytest.mark.evidence("skaha-contract §1.3")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return tls.ensure(tmp_path_factory.mktemp("tls") / "new")


def contents(directory):
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def changed(before, after):
    return {name for name in before | after if before.get(name) != after.get(name)}


# Files


def test_the_directory_is_filled(tmp_path):
    files = tls.ensure(tmp_path / "a" / "b")
    directory = tmp_path / "a" / "b"
    assert files == tls.TLSFiles(
        directory / "ca.pem",
        directory / "server.pem",
        (directory / "client-alice.pem", directory / "client-bob.pem"),
    )
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()}
    assert modes == {
        "ca.pem": 0o644,
        "ca.key.pem": 0o600,
        "server.pem": 0o600,
        "client-alice.pem": 0o600,
        "client-bob.pem": 0o600,
    }


def test_good_files_are_kept_and_others_renewed(tmp_path):
    tls.ensure(tmp_path, ["localhost", "::1"])
    first = contents(tmp_path)
    tls.ensure(tmp_path, ["localhost"])
    assert contents(tmp_path) == first
    tls.ensure(tmp_path, ["localhost", "::1", "127.0.0.1", "skaha.example"])
    wider = contents(tmp_path)
    assert changed(first, wider) == {"server.pem"}
    (tmp_path / "client-bob.pem").write_text("nonsense")
    tls.ensure(tmp_path, ["localhost"])
    assert changed(wider, contents(tmp_path)) == {"client-bob.pem"}


def test_another_authority_renews_every_certificate(tmp_path):
    tls.ensure(tmp_path)
    first = contents(tmp_path)
    (tmp_path / "ca.pem").unlink()
    (tmp_path / "ca.key.pem").unlink()
    tls.ensure(tmp_path)
    assert changed(first, contents(tmp_path)) == first.keys()


@pytest.mark.parametrize("missing", ["ca.pem", "ca.key.pem"])
def test_half_an_authority_is_an_error(tmp_path, missing):
    tls.ensure(tmp_path)
    (tmp_path / missing).unlink()
    with pytest.raises(tls.TLSFilesError, match=f"{missing} is missing"):
        tls.ensure(tmp_path)


def test_an_authority_that_is_no_pem_is_an_error(tmp_path):
    (tmp_path / "ca.pem").write_text("nonsense")
    (tmp_path / "ca.key.pem").write_text("nonsense")
    with pytest.raises(tls.TLSFilesError, match="not usable PEM"):
        tls.ensure(tmp_path)


def test_a_client_can_be_issued_later(tmp_path):
    with pytest.raises(tls.TLSFilesError, match=r"no certificate authority here"):
        tls.issue_client(tmp_path, "carol")
    tls.ensure(tmp_path)
    before = contents(tmp_path)
    path = tls.issue_client(tmp_path, "carol")
    assert changed(before, contents(tmp_path)) == {path.name} == {"client-carol.pem"}
    assert tls.issue_client(tmp_path, "carol").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("user", ["", "../alice", "a/b", ".alice", "a b", "alice\n"])
def test_a_user_name_does_not_leave_the_directory(tmp_path, user):
    tls.ensure(tmp_path)
    before = contents(tmp_path)
    with pytest.raises(ValueError, match="client certificate cannot be written"):
        tls.issue_client(tmp_path, user)
    assert contents(tmp_path) == before


# Over the wire


async def who_is_there(scope, receive, send):
    extension = scope.get("extensions", {}).get("tls", "no extension")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": repr(extension).encode()})


@contextmanager
def serving(**options):
    config = uvicorn.Config(
        who_is_there, port=0, lifespan="off", ws="none", log_level="critical", log_config=None, **options
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        deadline = time.monotonic() + 10
        while not server.started:
            assert thread.is_alive()
            assert time.monotonic() < deadline
            time.sleep(0.005)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(timeout=10)


def client(files, certificate=None):
    context = ssl.create_default_context(cafile=str(files.ca))
    if certificate is not None:
        context.load_cert_chain(str(certificate))
    return httpx.Client(verify=context, trust_env=False)


@pytest.mark.parametrize("make", [protocol.httptools_protocol, protocol.h11_protocol])
def test_a_client_certificate_names_the_peer(files, make):
    with serving(**(certificates.options(files) | {"http": make()})) as port:
        url = f"https://localhost:{port}/"
        with client(files, files.clients[0]) as alice, client(files, files.clients[1]) as bob:
            assert alice.get(url).text == "{'client_cert_name': 'alice'}"
            assert bob.get(url).text == "{'client_cert_name': 'bob'}"
            assert alice.post(url, data={"a": "b"}).text == "{'client_cert_name': 'alice'}"
        with client(files) as nobody:
            assert nobody.get(url.replace("localhost", "127.0.0.1")).text == "{'client_cert_name': None}"


def test_a_certificate_of_another_authority_is_refused(files, tmp_path):
    stranger = tls.ensure(tmp_path).clients[0]
    with (
        serving(http=protocol.protocol(), **certificates.options(files)) as port,
        client(files, stranger) as mallory,
    ):
        with pytest.raises(httpx.TransportError):
            mallory.get(f"https://localhost:{port}/")
        with client(files, files.clients[0]) as alice:
            assert alice.get(f"https://localhost:{port}/").status_code == 200


def test_plain_http_has_no_extension():
    with serving(http=protocol.protocol()) as port:
        assert httpx.get(f"http://127.0.0.1:{port}/", trust_env=False).text == "'no extension'"


def test_the_fast_protocol_is_preferred():
    assert protocol.protocol().__name__ == protocol.httptools_protocol().__name__


@pytest.mark.parametrize(
    ("certificate", "name"),
    [
        (None, None),
        ({}, None),
        ({"subject": ((("organizationName", "hia"),),)}, None),
        ({"subject": ((("organizationName", "hia"),), (("commonName", "alice"),))}, "alice"),
        ({"subject": ((("commonName", "alice"),), (("commonName", "1234567"),))}, "alice"),
    ],
)
def test_the_first_common_name_is_the_owner(certificate, name):
    assert certificates.common_name(certificate) == name
