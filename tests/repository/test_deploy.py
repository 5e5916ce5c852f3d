"""examples/deploy: what no engine is here to run is read, and what is a shell script is run."""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
import yaml
from typer.testing import CliRunner

from mockskaha.cli import SETTING, app
from tests.differences import ROOT
from tests.repository.conftest import borrow

DEPLOY = ROOT / "examples" / "deploy"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
COMMANDS = {command.name or command.callback.__name__ for command in app.registered_commands}
WORKFLOWS = ("github-action.yml", "github-pytest.yml", "github-service.yml")


def load(name: str):
    return yaml.safe_load((DEPLOY / name).read_text())


def instructions() -> list[tuple[str, str]]:
    """Each instruction of the Dockerfile with its arguments, on one line."""
    text = re.sub(r"^#.*\n", "", (DEPLOY / "Dockerfile").read_text(), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [(line.split()[0], line.split(None, 1)[1]) for line in lines if line.strip()]


def last_stage() -> dict[str, str]:
    found = instructions()
    begin = max(index for index, (word, _) in enumerate(found) if word == "FROM")
    return dict(found[begin:])


def environment() -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in shlex.split(last_stage()["ENV"]))


def copied() -> list[tuple[str, str]]:
    """(source, target) of every COPY."""
    pairs = []
    for word, arguments in instructions():
        if word == "COPY":
            *sources, target = arguments.split()
            pairs += [(source, target if len(sources) == 1 else f"{target}/{source}") for source in sources]
    return pairs


def test_the_image_has_all_that_a_wheel_is_built_of(wheel, tmp_path):
    """Built from what the Dockerfile copies and nothing else, it is the same wheel."""
    assert copied()
    for source, target in copied():
        place = tmp_path / "source" / target
        place.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, place, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / source, place)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path / "dist", "."]
    built = subprocess.run(command, cwd=tmp_path / "source", capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    names = [zipfile.ZipFile(file).namelist() for file in (wheel, *(tmp_path / "dist").glob("*.whl"))]
    assert sorted(names[0]) == sorted(names[1])


def test_what_the_image_copies_is_let_through_to_the_builder():
    let_through = [
        line[1:]
        for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
        if line.startswith("!")
    ]
    assert sorted(source for source, _ in copied()) == sorted(let_through)
    assert all((ROOT / path).exists() for path in let_through)
    assert not any(fnmatch.fnmatch(".git", path) for path in let_through)


def test_the_image_runs_the_command_as_nobody_special():
    stage = last_stage()
    assert int(stage["USER"]) >= 1000
    assert json.loads(stage["ENTRYPOINT"])[0] in PYPROJECT["project"]["scripts"]
    assert json.loads(stage["CMD"])[0] in COMMANDS
    known = {f"MOCKSKAHA_{name.upper()}" for name in SETTING} | {"PYTHONUNBUFFERED"}
    assert set(environment()) <= known
    assert (stage["EXPOSE"], environment()["MOCKSKAHA_HOST"]) == (environment()["MOCKSKAHA_PORT"], "0.0.0.0")


def test_the_image_is_asked_for_its_health_without_a_shell():
    _, command = last_stage()["HEALTHCHECK"].split("CMD ")
    program, *arguments = json.loads(command)
    assert program in PYPROJECT["project"]["scripts"]
    if arguments[0] not in COMMANDS:
        pytest.skip("`mockskaha health` is not there yet")
    assert CliRunner().invoke(app, [*arguments, "--help"]).exit_code == 0


def test_the_composition_fits_the_image():
    service = load("compose.yaml")["services"]["skaha"]
    build = service["build"]
    context = (DEPLOY / build["context"]).resolve()
    assert (context, context / build["dockerfile"]) == (ROOT, DEPLOY / "Dockerfile")
    command, *options = service["command"]
    assert command in COMMANDS
    shown = CliRunner().invoke(app, ["config", *options])
    assert shown.exit_code == 0, shown.output
    assert service["ports"][0].endswith(f":{last_stage()['EXPOSE']}")
    (volume,) = service["volumes"]
    state = Path(options[options.index("--state") + 1]).parent
    assert volume.split(":") == [*load("compose.yaml")["volumes"], str(state)]
    assert f"10001 {state}" in last_stage()["RUN"], "the user of the image may write there"


# -- the GitHub Action -------------------------------------------------------------------------------------------


def step(name: str) -> dict[str, object]:
    return next(step for step in load("action.yml")["runs"]["steps"] if step["id"] == name)


def expression(text: str, inputs: dict[str, str], context: dict[str, str]) -> str:
    """The few of GitHub's expressions that the action has."""

    def value(match: re.Match[str]) -> str:
        inside = match[1].strip()
        if inside.startswith("inputs.requirement || format("):
            return inputs["requirement"] or f"{context['github.action_path']}/../.."
        return inputs[inside.removeprefix("inputs.")] if inside.startswith("inputs.") else context[inside]

    return re.sub(r"\$\{\{(.*?)\}\}", value, text)


class Runner:
    """What GitHub would do with the action's shell steps, in a folder of its own."""

    def __init__(self, folder: Path, **inputs: str) -> None:
        self.folder = folder
        defaults = {name: given["default"] for name, given in load("action.yml")["inputs"].items()}
        assert set(inputs) <= set(defaults)
        self.inputs = {**defaults, **inputs}
        self.files = {name: folder / name for name in ("GITHUB_ENV", "GITHUB_OUTPUT")}
        for file in self.files.values():
            file.touch()

    def run(self, name: str) -> subprocess.CompletedProcess[str]:
        context = {"steps.python.outputs.python-path": sys.executable, "github.action_path": str(DEPLOY)}
        found = step(name)
        assert found["shell"] == "bash"
        given = {key: expression(text, self.inputs, context) for key, text in found["env"].items()}
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", found["run"]],
            env={"PATH": os.environ["PATH"], "RUNNER_TEMP": str(self.folder), "PIP_NO_INDEX": "1", "PIP_NO_DEPS": "1",
                 **{key: str(file) for key, file in self.files.items()}, **given},
            cwd=self.folder, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

    def told(self, name: str) -> dict[str, str]:
        return dict(line.split("=", 1) for line in self.files[name].read_text().splitlines())


def test_the_action_installs_starts_and_tells_where(wheel, tmp_path):
    runner = Runner(tmp_path, requirement=str(wheel), profile="instant", options="--seed 3 --no-access-log")
    installed = runner.run("install")
    assert installed.returncode == 0, installed.stderr
    borrow(tmp_path / "mockskaha")
    served = runner.run("serve")
    assert served.returncode == 0, served.stdout + served.stderr
    try:
        told = runner.told("GITHUB_ENV")
        assert set(told) == {"CANFAR_URL", "CANFAR_TOKEN"}
        request = Request(
            f"{told['CANFAR_URL']}/session", headers={"Authorization": f"Bearer {told['CANFAR_TOKEN']}"}
        )
        with urlopen(request, timeout=30) as answer:
            assert (answer.status, json.load(answer)) == (200, [])
        outputs = runner.told("GITHUB_OUTPUT")
        assert outputs["url"] == told["CANFAR_URL"]
        assert Path(outputs["log"]).read_text() == ""
    finally:
        for server in processes(tmp_path):
            os.kill(server, signal.SIGTERM)


def test_the_action_says_why_it_did_not_start(installed, tmp_path):
    (tmp_path / "mockskaha").symlink_to(installed.parent)
    runner = Runner(tmp_path, profile="instnat")
    served = runner.run("serve")
    assert served.returncode == 1
    assert served.stdout.startswith(
        "::error title=mockskaha did not start::error: --profile: profile: unknown profile"
    )
    assert runner.told("GITHUB_ENV") == {}


def test_the_action_without_a_requirement_installs_what_it_stands_in():
    text = step("install")["env"]["REQUIREMENT"]
    given = expression(text, {"requirement": ""}, {"github.action_path": str(DEPLOY)})
    assert Path(given).resolve() == ROOT


def test_the_action_tells_what_its_steps_make():
    action = load("action.yml")
    for output in action["outputs"].values():
        made, name = re.fullmatch(r"\$\{\{ steps\.(\w+)\.outputs\.(\w+) \}\}", output["value"]).groups()
        assert f"{name}=" in step(made)["run"]
    used = set(re.findall(r"inputs\.([\w-]+)", (DEPLOY / "action.yml").read_text()))
    assert used == set(action["inputs"])


def processes(folder: Path) -> list[int]:
    """Those started from ``folder``."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if str(folder).encode() in words.split(b"\0")[0]:
                found.append(int(entry.name))
    return found


# -- workflows ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", WORKFLOWS)
def test_workflows_use_what_is_there(name):
    workflow = load(name)
    assert set(workflow) == {"name", True, "jobs"}, "YAML reads `on` as true"
    for job in workflow["jobs"].values():
        assert job["runs-on"]
        for used in (step["uses"] for step in job["steps"] if "uses" in step):
            owner, repository, *path = used.partition("@")[0].split("/")
            if repository == "mockskaha":
                assert (ROOT / Path(*path) / "action.yml").exists()
                given = next(step.get("with", {}) for step in job["steps"] if step.get("uses") == used)
                assert set(given) <= set(load("action.yml")["inputs"])
            else:
                assert owner == "actions"
        for service in job.get("services", {}).values():
            assert service["ports"] == [f"{last_stage()['EXPOSE']}:{last_stage()['EXPOSE']}"]
            assert {name.removeprefix("MOCKSKAHA_").lower() for name in service["env"]} <= {
                *SETTING,
                "control_token",
            }


def test_gitlab_reaches_the_service_by_its_name():
    job = load("gitlab-ci.yml")["curl"]
    (service,) = job["services"]
    assert job["variables"]["CANFAR_URL"] == f"http://{service['alias']}:{last_stage()['EXPOSE']}/skaha/v1"


pytestmark = pytest.mark.xdist_group("wheel")
