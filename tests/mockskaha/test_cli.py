import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from mockskaha import __version__
from mockskaha.cli import SETTING, app
from mockskaha.config import ConfigurationError, Settings
from mockskaha.platform import Platform
from mockskaha.serve import AddressInUse
from skahasim.yamlfile import Origin, Problem

pytestmark = pytest.mark.evidence("skaha-contract §1, §2.12, §2.13: what a deployment configures")


def run(*arguments: str | Path, **environment: str) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env=environment)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """What ``serve`` was asked to run, instead of running it."""
    settings: list[Settings] = []
    monkeypatch.setattr("mockskaha.serve.serve", settings.append)
    return settings


def test_without_options_the_default_is_served(served: list[Settings]) -> None:
    assert run("serve").exit_code == 0
    assert served == [Settings()]


def test_every_option_reaches_its_setting(served: list[Settings], tmp_path: Path) -> None:
    values: dict[str, Any] = {
        "host": "0.0.0.0",
        "port": 0,
        "profile": "realistic",
        "speed": 60.5,
        "clock": "manual",
        "seed": 7,
        "state": tmp_path / "s.db",
        "tls": tmp_path / "tls",
        "sessions-url": "https://ws-uv.canfar.net",
    }
    options = [part for name, value in values.items() for part in (f"--{name}", str(value))]
    result = run("serve", *options, "--access-log")
    assert result.exit_code == 0, result.output
    environment = {f"MOCKSKAHA_{n.upper().replace('-', '_')}": str(value) for n, value in values.items()}
    result = run("serve", MOCKSKAHA_ACCESS_LOG="1", **environment)
    assert result.exit_code == 0, result.output
    assert served[0] == served[1]
    dumped = served[0].model_dump()
    for name, value in (values | {"access-log": True}).items():
        found = dumped
        for part in SETTING[name.replace("-", "_")].split("."):
            found = found[part]
        assert found == value


def test_flag_beats_environment_beats_file_beats_default(served: list[Settings], tmp_path: Path) -> None:
    config = tmp_path / "site.yaml"
    config.write_text("seed: 1\nspeed: 1.5\nclock: manual\nserver: {access_log: true}\n")
    result = run(
        "serve",
        "--seed=3",
        "--no-access-log",
        MOCKSKAHA_SEED="2",
        MOCKSKAHA_SPEED="2.5",
        MOCKSKAHA_CONFIG=str(config),
    )
    assert result.exit_code == 0, result.output
    (settings,) = served
    assert (settings.seed, settings.speed, settings.clock, settings.profile) == (3, 2.5, "manual", "fast")
    assert settings.server.access_log is False


def test_a_bad_file_is_one_clear_line_for_each_mistake(served: list[Settings], tmp_path: Path) -> None:
    config = tmp_path / "site.yaml"
    config.write_text("speed: fast\nserver:\n  prot: 1\n")
    for command in ("serve", "config", "images"):
        result = run(command, "--config", config)
        assert result.exit_code == 2
        assert result.stdout == ""
        assert result.stderr == (
            f"error: {config}:1: speed: should be a valid number, not 'fast'\n"
            f"error: {config}:3: server.prot: unknown key; did you mean 'port'?\n"
        )
    assert not served


@pytest.mark.parametrize(
    ("arguments", "environment", "message"),
    [
        (["--speed", "0"], {}, "error: --speed: speed: should be greater than 0, not 0.0\n"),
        (
            [],
            {"MOCKSKAHA_SPEED": "-1"},
            "error: MOCKSKAHA_SPEED: speed: should be greater than 0, not -1.0\n",
        ),
        (
            ["--port", "70000"],
            {},
            "error: --port: server.port: should be less than or equal to 65535, not 70000\n",
        ),
        (["--config", "no.yaml"], {}, "error: no.yaml: cannot be read: No such file or directory\n"),
    ],
)
def test_a_bad_option_is_named(
    served: list[Settings], arguments: list[str], environment: dict[str, str], message: str
) -> None:
    result = run("serve", *arguments, **environment)
    assert (result.exit_code, result.stderr) == (2, message)


def test_a_mistake_found_when_serving_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(settings: Settings) -> None:
        raise ConfigurationError([Problem(Origin("settings"), ("profile",), "unknown")])

    monkeypatch.setattr("mockskaha.serve.serve", refuse)
    result = run("serve")
    assert (result.exit_code, result.stderr) == (2, "error: settings: profile: unknown\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("profile: nonsense", ":1: profile: unknown profile 'nonsense'; known: "),
        (
            "queue: {ordering: {policy: nonsense}}",
            ":1: queue.ordering.policy: unknown policy 'nonsense'; known: ",
        ),
        (
            "queue:\n  placement: {policy: nonsense}",
            ":2: queue.placement.policy: unknown policy 'nonsense'; known: ",
        ),
    ],
)
def test_a_name_that_only_the_model_knows_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str, message: str
) -> None:
    monkeypatch.setattr("mockskaha.serve.serve", Platform.from_settings)
    config = tmp_path / "site.yaml"
    config.write_text(text)
    result = run("serve", "--config", config)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"error: {config}{message}")
    assert result.stderr.count("\n") == 1


def test_a_port_in_use_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(settings: Settings) -> None:
        raise AddressInUse(f"port {settings.server.port} is taken")

    monkeypatch.setattr("mockskaha.serve.serve", refuse)
    result = run("serve", "--port", "9000")
    assert (result.exit_code, result.stderr) == (2, "error: port 9000 is taken\n")


def test_config_prints_what_serve_would_run_with(tmp_path: Path) -> None:
    as_yaml, as_json = run("config", "--port", "0"), run("config", "--json", MOCKSKAHA_PORT="0")
    assert as_yaml.exit_code == as_json.exit_code == 0
    assert yaml.safe_load(as_yaml.stdout) == json.loads(as_json.stdout)
    printed = tmp_path / "printed.yaml"
    printed.write_text(as_yaml.stdout)
    assert run("config", "--config", printed).stdout == as_yaml.stdout
    assert json.loads(as_json.stdout)["server"]["port"] == 0


def test_config_masks_secrets(tmp_path: Path) -> None:
    auth = tmp_path / "tokens.yaml"
    auth.write_text("tokens: [{token: s3cret, user: alice}]\n")
    for flags in ([], ["--json"]):
        result = run("config", "--auth", auth, *flags)
        assert result.exit_code == 0
        assert "s3cret" not in result.output
        assert "**********" in result.output


def test_images_lists_every_image_on_a_line_of_its_own_when_piped() -> None:
    lines = run("images").stdout.splitlines()
    assert [line.split()[0] for line in lines[1:]] == [image.id for image in Settings().images]


def test_images_of_one_type() -> None:
    found = json.loads(run("images", "--type", "desktop-app", "--json").stdout)
    assert found
    assert all("desktop-app" in image["types"] for image in found)
    assert len(run("images", "-t", "desktop-app").stdout.splitlines()) == len(found) + 1
    assert run("images", "--type", "Notebook").exit_code == 2


@pytest.mark.parametrize("module", [True, False])
def test_version_loads_nothing_it_does_not_need(module: bool) -> None:
    code = "import runpy, sys; sys.argv = ['mockskaha', 'version']\n"
    code += (
        "try: runpy.run_module('mockskaha', run_name='__main__')\n"
        if module
        else "try:\n  from mockskaha.cli import main; main()\n"
    )
    code += "except SystemExit as end: print(end.code)\n"
    code += (
        "print(*{'fastapi', 'uvicorn', 'yaml', 'simpy', 'skahasim', 'mockskaha.config'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == f"mockskaha {__version__} (Skaha 1.4.0)\n0\n\n"


def test_faults_are_given_by_name_in_a_file_or_as_they_are(served: list[Settings], tmp_path: Path) -> None:
    path = tmp_path / "faults.yaml"
    path.write_text("- {id: mine, status: 500, user: bob}\n")
    given = ("--faults", "flaky", "--faults", path, "--faults", "{preset: quota-full, times: 2}")
    assert run("serve", *given).exit_code == 0
    assert [fault.id for fault in served[0].faults] == ["flaky", "mine", "quota-full"]
    assert run("serve", MOCKSKAHA_FAULTS="flaky oom").exit_code == 0
    assert [fault.id for fault in served[1].faults] == ["flaky", "oom"]
    printed = run("config", *given)
    assert yaml.safe_load(printed.stdout)["faults"][1] == {"id": "mine", "user": "bob", "status": 500}


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("flakey", "error: --faults: 'flakey' is neither a file nor a preset; did you mean 'flaky'?"),
        ("no.yaml", "error: --faults: no such file: no.yaml"),
        ("{status: 5}", "error: --faults:1: faults[0].status: should be greater than or equal to 200, not 5"),
    ],
)
def test_what_is_wrong_with_a_fault_is_said(given: str, text: str) -> None:
    result = run("serve", "--faults", given)
    assert (result.exit_code, result.stderr.strip()) == (2, text)


def test_the_presets_are_listed() -> None:
    result = run("faults")
    assert result.exit_code == 0
    assert "bad-gateway-after-create" in result.stdout
    listed = json.loads(run("faults", "--json").stdout)
    assert listed["flaky"]["parameters"] == {"probability": 0.2}
    assert set(listed["flaky"]) == {"description", "source", "parameters", "faults"}
