"""Settings: what is said nearer to the call wins, and the file is for its owner only."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from skahaclient import Session, config
from skahaclient.errors import ConfigurationError

URL = "https://skaha.example/skaha"


def found(**given: Any) -> dict[str, tuple[Any, str]]:
    effective = config.settings(**given)
    return {name: (value, effective.origins[name]) for name, value in effective.values.items()}


def test_nothing_said_is_nothing() -> None:
    assert found() == {}
    with pytest.raises(ConfigurationError, match="SKAHA_URL"):
        Session()


def test_an_argument_then_skaha_then_canfar_then_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    config.save(url=f"{URL}/1", timeout=1)
    assert found() == {"url": (f"{URL}/1", str(config.path())), "timeout": (1.0, str(config.path()))}
    monkeypatch.setenv("CANFAR_URL", f"{URL}/2")
    assert found()["url"] == (f"{URL}/2", "CANFAR_URL")
    monkeypatch.setenv("SKAHA_URL", f"{URL}/3/")
    assert found()["url"] == (f"{URL}/3", "SKAHA_URL")
    assert found(url=f"{URL}/4")["url"] == (f"{URL}/4", "--url")
    monkeypatch.setenv("SKAHA_URL", "")
    assert found()["url"] == (f"{URL}/2", "CANFAR_URL")


def test_whoever_is_nearest_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    config.save(url=URL, certificate="/c.pem")
    assert found()["certificate"] == ("/c.pem", str(config.path()))
    monkeypatch.setenv("CANFAR_TOKEN", "t")
    assert set(found()) == {"url", "token"}
    assert set(found(certificate="x.pem")) == {"url", "certificate"}


def test_the_token_of_one_service_is_not_sent_to_another() -> None:
    config.save(url=URL, token="kept")
    assert found()["token"][0] == "kept"
    assert found(url="https://skaha.example/skaha/v1")["token"][0] == "kept"
    for other in (
        "https://evil.example/skaha",
        "http://skaha.example/skaha",
        "https://skaha.example:8443/skaha",
    ):
        assert "token" not in found(url=other)
    assert found(url="https://evil.example/skaha", token="mine")["token"] == ("mine", "--token")


def test_the_registry_is_a_name_and_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANFAR_REGISTRY__USERNAME", "me")
    monkeypatch.setenv("CANFAR_REGISTRY__SECRET", "s1")
    assert found()["registry"] == ("me:s1", "CANFAR_REGISTRY__USERNAME")
    monkeypatch.setenv("SKAHA_REGISTRY_USERNAME", "me")
    with pytest.raises(
        ConfigurationError, match="SKAHA_REGISTRY_USERNAME: registry has to be username:secret"
    ):
        found()
    monkeypatch.setenv("SKAHA_REGISTRY_SECRET", "s2")
    assert found()["registry"] == ("me:s2", "SKAHA_REGISTRY_USERNAME")
    for form in ("a:b", ("a", "b"), {"username": "a", "secret": SecretStr("b")}):
        assert found(registry=form)["registry"] == ("a:b", "--registry")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"url": "here"}, "--url: not the URL of a service: 'here'"),
        ({"timeout": 0}, "--timeout: timeout has to be a number above 0"),
        ({"timeout": True}, "--timeout"),
        ({"timeout": float("inf")}, "--timeout"),
        ({"concurrency": 0}, "--concurrency"),
        ({"token": "two words"}, "--token: a token is one word"),
        ({"registry": "only-a-name"}, "--registry"),
        ({"certificate": 7}, "--certificate"),
    ],
)
def test_what_cannot_be_used_is_told_with_its_origin(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        config.settings(**given)
    assert told in str(refusal.value)
    assert "two words" not in str(refusal.value)


def test_a_variable_that_cannot_be_used_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKAHA_TIMEOUT", "long")
    with pytest.raises(
        ConfigurationError, match="SKAHA_TIMEOUT: timeout has to be a number above 0, and not 'long'"
    ):
        config.settings()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("url = ", "is not TOML"),
        ('urll = "x"', "unknown key 'urll'"),
        ("timeout = -1", "timeout: timeout has to be a number above 0"),
        ("token = 5", "token: has to be a text"),
        ("\xff", "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_with_the_key(text: str, told: str) -> None:
    config.path().parent.mkdir(parents=True)
    config.path().write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigurationError) as refusal:
        config.settings()
    assert str(refusal.value).startswith(str(config.path()))
    assert told in str(refusal.value)


def test_the_file_is_the_owners_and_replaced_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    config.save(url=URL, token="kept")
    assert stat.S_IMODE(config.path().stat().st_mode) == 0o600
    config.path().chmod(0o644)
    config.save(timeout=5)
    assert stat.S_IMODE(config.path().stat().st_mode) == 0o600

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    before = config.path().read_bytes()
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(ConfigurationError, match="cannot be written: No space left"):
        config.save(token="other")
    assert config.path().read_bytes() == before
    assert [each.name for each in config.path().parent.iterdir()] == ["config.toml"]


def test_who_logs_out_stays_at_the_service() -> None:
    config.save(url=URL, token="kept", certificate="/c.pem")
    config.forget()
    assert config.read() == {"url": URL}
    with pytest.raises(ConfigurationError, match="no setting is called 'tokn'"):
        config.save(tokn="x")


@given(st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs", "Cc"]), min_size=1))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_any_text_is_read_back_as_it_was(text: str) -> None:
    config.save(certificate=f"/{text}")
    assert config.read()["certificate"] == str(Path(f"/{text}"))


def test_secrets_are_in_no_repr() -> None:
    effective = config.settings(url=URL, token="very-secret", registry="me:very-secret")
    session = Session(url=URL, token=SecretStr("very-secret"), registry="me:very-secret")
    assert session.service.token == "very-secret"
    assert "very-secret" not in repr(effective) + repr(session) + repr(session.service)
    session.close()


def test_a_certificate_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.pem: No such file"):
        Session(url=URL, certificate=tmp_path / "nowhere.pem")
    (tmp_path / "x.pem").write_text("hello")
    with pytest.raises(ConfigurationError, match="no PEM certificate with its key"):
        Session(url=URL, certificate=tmp_path / "x.pem")
