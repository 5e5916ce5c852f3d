"""Policies of other packages: found by their entry point, their keys checked, their faults said in one line."""

import importlib.metadata
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from skahasim.configuration import QueueSettings, Section
from skahasim.job import Job
from skahasim.policies import (
    BUILT_IN,
    FirstComeFirstServed,
    Offer,
    UnknownPolicy,
    UnusablePolicy,
    policies_from,
)
from skahasim.resources import Resources
from skahasim.yamlfile import ConfigurationError, nested, parse, validate

EXAMPLE = Path(__file__).parents[2] / "examples" / "policy_plugin"


def install(
    monkeypatch: pytest.MonkeyPatch, folder: Path, package: str, points: dict[str, str], source: str
) -> None:
    """What an installer leaves behind: a module, and the metadata with its entry points."""
    module = package.replace("-", "_")
    (folder / f"{module}.py").write_text(source)
    info = folder / f"{module}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    lines = [f"{name} = {module}:{target}" for name, target in points.items()]
    (info / "entry_points.txt").write_text("\n".join(["[skahasim.policies]", *lines, ""]))
    if str(folder) not in sys.path:
        monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, module, raising=False)


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    source = (EXAMPLE / "youngest_first.py").read_text()
    install(monkeypatch, tmp_path, "youngest-first", {"youngest-first": "OFFER"}, source)


def settings(text: str) -> QueueSettings:
    return validate(QueueSettings, parse(text, "queue.yaml"))


def refusal(text: str) -> str:
    with pytest.raises((ConfigurationError, UnknownPolicy)) as refused:
        policies_from(settings(text))
    return str(refused.value)


def queued(number: int, cores: float) -> Job:
    request = Resources.of(cores, 1)
    return Job(number, f"job-{number}", "alice", "headless", request, request, submit_time=float(number))


@pytest.mark.usefixtures("example")
def test_the_example_is_found_by_its_entry_point() -> None:
    ordering = policies_from(settings("ordering: {policy: youngest-first, most_cores: 8}")).ordering
    jobs = [queued(1, 4), queued(2, 16), queued(3, 4), queued(4, 8)]
    jobs.sort(key=lambda job: (ordering.key(job), job.number))
    assert [job.number for job in jobs] == [4, 3, 1, 2]
    assert not ordering.moves_with_time


def test_the_example_is_a_package_that_offers_it() -> None:
    import tomllib

    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    assert project["entry-points"] == {"skahasim.policies": {"youngest-first": "youngest_first:OFFER"}}
    code = [
        line
        for line in (EXAMPLE / "youngest_first.py").read_text().splitlines()
        if line and not line.startswith('"""')
    ]
    assert len(code) <= 20


@pytest.mark.usefixtures("example")
def test_its_keys_are_its_own() -> None:
    assert refusal("ordering:\n  policy: youngest-first\n  most_core: 8\n") == (
        "queue.yaml:3: ordering.most_core: unknown key; did you mean 'most_cores'?"
    )
    assert refusal("ordering:\n  policy: youngest-first\n  most_cores: -8\n") == (
        "queue.yaml:3: ordering.most_cores: should be greater than 0"
    )
    assert refusal("ordering: {policy: fifo, most_cores: 8}") == (
        "queue.yaml:1: ordering.most_cores: unknown key; known: policy, size_classes"
    )


@pytest.mark.usefixtures("example")
def test_it_is_of_one_kind_and_among_the_known() -> None:
    assert "known: best-fit, dominant-resource" in refusal("placement: {policy: youngest-first}")
    assert "weighted-sum, youngest-first" in refusal("ordering: {policy: oldest-first}")
    assert refusal("placement: {policy: youngest-first}").startswith(
        "queue.placement.policy: unknown policy 'youngest-first'"
    )


def test_a_built_in_policy_wins_and_says_so_when_the_others_keys_are_given(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    source = (EXAMPLE / "youngest_first.py").read_text()
    install(monkeypatch, tmp_path, "impostor", {"fifo": "OFFER"}, source)
    assert isinstance(policies_from(settings("ordering: {policy: fifo}")).ordering, FirstComeFirstServed)
    assert refusal("ordering: {policy: fifo, most_cores: 8}") == (
        "queue.yaml:1: ordering.most_cores: no key of the built-in policy 'fifo'; "
        "that of impostor has the same name and is not used"
    )


def test_two_packages_with_one_name_are_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    source = (EXAMPLE / "youngest_first.py").read_text()
    for package in ("first", "second"):
        install(monkeypatch, tmp_path, package, {"youngest-first": "OFFER"}, source)
    assert refusal("ordering: {policy: youngest-first}") == (
        "queue.ordering.policy: policy 'youngest-first' is offered twice, by first and second; remove one"
    )


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import no_such_module", "cannot be loaded: ModuleNotFoundError: No module named 'no_such_module'"),
        ("OTHER = 1", "cannot be loaded: AttributeError: module 'broken' has no attribute 'OFFER'"),
        ("OFFER = 1", "is no skahasim.policies.Offer"),
    ],
)
def test_a_broken_package_is_one_clear_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, source: str, said: str
) -> None:
    install(monkeypatch, tmp_path, "broken", {"lottery": "OFFER"}, source)
    assert refusal("ordering: {policy: lottery}") == (
        f"queue.ordering.policy: policy 'lottery' of broken (broken:OFFER) {said}"
    )
    assert "known: aging" in refusal("ordering: {policy: lotteri}")


@pytest.mark.parametrize(
    ("maker", "said"),
    [
        ("lambda settings: 1 / 0", "cannot be built: ZeroDivisionError: division by zero"),
        (
            "lambda settings: object()",
            "made object, which is no ordering: it lacks key, lane, rank, advance, started, ended, moves_with_time",
        ),
    ],
)
def test_a_policy_that_fails_when_built_is_one_clear_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, maker: str, said: str
) -> None:
    source = f"from skahasim.policies import Offer\nOFFER = Offer('ordering', {maker})"
    install(monkeypatch, tmp_path, "unlucky", {"lottery": "OFFER"}, source)
    assert refusal("ordering: {policy: lottery}") == f"queue.ordering.policy: policy 'lottery' {said}"


def test_nobody_looks_for_packages_while_names_are_built_in(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(**_: object) -> None:
        raise AssertionError("entry points were looked up")

    monkeypatch.setattr(importlib.metadata, "entry_points", forbidden)
    monkeypatch.setattr("skahasim.policies.registry.entry_points", forbidden)
    policies_from(QueueSettings())
    policies_from(settings("ordering: {policy: fair-share, half_life_hours: 2}"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "ordering:\n  policy: fair-share\n  half_life: 2\n",
            "queue.yaml:3: ordering.half_life: unknown key; did you mean 'half_life_hours'?",
        ),
        (
            "ordering:\n  policy: fair-share\n  by: project\n",
            "queue.yaml:3: ordering.by: should be 'user' or 'group'",
        ),
        (
            "ordering:\n  policy: sjf\n  nonsense: 1\n",
            "queue.yaml:3: ordering.nonsense: no key of policy 'sjf'; known: by",
        ),
        ("ordering:\n  polcy: fifo\n", "queue.yaml:2: ordering.polcy: unknown key; did you mean 'policy'?"),
        (
            "ordering:\n  per_user: {}\n",
            "queue.yaml:2: ordering.per_user: unknown key here; did you mean 'admission.per_user'?",
        ),
        (
            "preemption: {policy: priority}\nbackfill: {policy: easy}\n",
            "queue.preemption.policy: 'priority' works with queue.backfill.policy 'any-fit' only",
        ),
    ],
)
def test_what_is_wrong_is_said_with_file_line_and_key(text: str, said: str) -> None:
    assert refusal(text) == said


def test_settings_with_keys_of_a_policy_travel_to_other_processes() -> None:
    made = settings("ordering: {policy: fair-share, half_life_hours: 2, weights: {alice: 3}}")
    back = pickle.loads(pickle.dumps(made))
    assert back == made
    assert back.ordering.parameters.weights == {"alice": 3.0}
    assert made.model_dump()["ordering"]["half_life_hours"] == 2


def test_unusable_policies_are_unknown_ones_to_those_who_catch_these() -> None:
    assert issubclass(UnusablePolicy, UnknownPolicy)


def test_the_policies_load_without_the_libraries_of_studies() -> None:
    script = (
        "import sys, skahasim.policies as p; from skahasim.configuration import QueueSettings as Q\n"
        "p.policies_from(Q())\n"
        "print(*{'numpy', 'scipy', 'pandas', 'matplotlib', 'jinja2', 'rich'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "", "")


def test_the_page_on_policies_is_complete_and_its_example_is_the_one_that_is_tested() -> None:
    page = (EXAMPLE.parents[1] / "docs" / "policies.md").read_text()
    code = (EXAMPLE / "youngest_first.py").read_text().partition('"""\n\n')[2]
    assert f"```python\n{code}```" in page
    assert '[project.entry-points."skahasim.policies"]\nyoungest-first = "youngest_first:OFFER"\n' in page
    for policies in BUILT_IN.values():
        for name, offer in policies.items():
            assert f"`{name}`" in page
            if isinstance(offer, Offer):
                for key, field in offer.parameters.model_fields.items():
                    inner = nested(field.annotation)
                    keys = [key] if inner is None else [f"{key}.{below}" for below in inner.model_fields]
                    assert all(f"`{each}`" in page for each in keys), (name, key)
    text = page.partition("```yaml\n")[2].partition("```")[0]
    validate(Whole, parse(text, "policies.md"))


class Whole(Section):
    queue: QueueSettings
