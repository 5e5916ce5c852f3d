"""Who may import what, and who may ask for the time or a random number; read from the syntax trees."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {
    "mockskaha": ROOT / "mockskaha",
    "skahaclient": ROOT / "client" / "skahaclient",
    "skahasim": ROOT / "simulator" / "skahasim",
}
FORBIDDEN = {
    "mockskaha": {"skahaclient"},
    "skahaclient": {"mockskaha", "skahasim"},
    "skahasim": {
        "mockskaha", "skahaclient", "fastapi", "starlette", "uvicorn", "httpx", "httpx2", "requests", "socket",
    },
}  # fmt: skip
CLIENT_NEEDS = {"httpx", "pydantic", "rich", "typer"}
NOT_IMPORTABLE = {"client", "simulator", "tests"}
"""Folders of the repository; in an installed wheel these names belong to somebody else."""
CLOCKS = {PACKAGES[package] / "clock.py" for package in ("skahaclient", "skahasim")}
TIME = {
    "time.time", "time.time_ns", "time.monotonic", "time.monotonic_ns", "time.perf_counter", "time.localtime",
    "time.gmtime", "datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today",
    "datetime.date.today",
}  # fmt: skip
SEEDED = PACKAGES["skahasim"] / "randomness.py"
CHANCE = {"random", "secrets", "uuid.uuid1", "uuid.uuid4", "os.urandom", "numpy.random"}
NEVER_AT_START = {
    "fastapi",
    "prometheus_client",
    "httpx",
    "numpy",
    "scipy",
    "pandas",
    "matplotlib",
    "jinja2",
    "cryptography",
    "rich",
}


def modules(package: str) -> list[Path]:
    return sorted(PACKAGES[package].rglob("*.py"))


def imported(tree: ast.AST) -> Iterator[str]:
    """Dotted names of all modules and members that are imported; relative imports stay in their package."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def used(tree: ast.AST) -> Iterator[str]:
    """Full names of everything imported and of every attribute reached from it."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                names[alias.asname or alias.name.partition(".")[0]] = (
                    alias.name if alias.asname else alias.name.partition(".")[0]
                )
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    yield from names.values()
    for node in ast.walk(tree):
        chain, value = [], node
        while isinstance(value, ast.Attribute):
            chain.append(value.attr)
            value = value.value
        if chain and isinstance(value, ast.Name) and value.id in names:
            yield ".".join([names[value.id], *reversed(chain)])


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), str(path))


def within(name: str, roots: set[str]) -> bool:
    return any(name == root or name.startswith(f"{root}.") for root in roots)


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_import_in_one_direction_only(package: str) -> None:
    found = modules(package)
    assert found
    wrong = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in found
        for name in imported(parse(path))
        if within(name, FORBIDDEN[package])
    ]
    assert wrong == []


def test_the_client_needs_four_libraries() -> None:
    allowed = CLIENT_NEEDS | set(sys.stdlib_module_names) | {"skahaclient"}
    wrong = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in modules("skahaclient")
        for name in imported(parse(path))
        if name.partition(".")[0] not in allowed
    ]
    assert wrong == []


def test_folders_of_the_repository_are_never_imported() -> None:
    shipped = [(path, NOT_IMPORTABLE) for package in PACKAGES for path in modules(package)]
    beside = [
        (path, NOT_IMPORTABLE - {"tests"})  # a test may import what stands beside it
        for folder in ("tests", "benchmarks", "examples")
        for path in sorted((ROOT / folder).rglob("*.py"))
    ]
    wrong = [
        f"{path.relative_to(ROOT)}: {name}"
        for path, names in shipped + beside
        for name in imported(parse(path))
        if within(name, names)
    ]
    assert wrong == []


def test_only_the_clocks_ask_for_the_time_and_nobody_for_chance() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}: {name}"
        for package in PACKAGES
        for path in modules(package)
        for name in used(parse(path))
        if (within(name, CHANCE) and not (path == SEEDED and within(name, {"numpy.random"})))
        or (within(name, TIME) and path not in CLOCKS)
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("import time\ntime.time()", "time.time"),
        ("from time import monotonic as tick", "time.monotonic"),
        ("import time as t\nclock = t.monotonic", "time.monotonic"),
        ("from datetime import datetime\ndatetime.now(UTC)", "datetime.datetime.now"),
        ("import datetime as dt\ndt.datetime.utcnow()", "datetime.datetime.utcnow"),
        ("from datetime import date\ndef f(): return date.today()", "datetime.date.today"),
        ("import random\nrandom.random()", "random.random"),
        ("from random import Random", "random.Random"),
        ("import numpy as np\nnp.random.default_rng()", "numpy.random.default_rng"),
        ("import uuid\nuuid.uuid4()", "uuid.uuid4"),
    ],
)
def test_the_reader_of_names_sees_through_aliases(source: str, name: str) -> None:
    names = set(used(ast.parse(source)))
    assert name in names
    assert within(name, TIME | CHANCE)


def test_what_comes_from_somewhere_else_is_not_the_time() -> None:
    source = (
        "from datetime import UTC, datetime\ndatetime.fromtimestamp(0, UTC)\nclock.now()\ntime = 1\ntime.time"
    )
    assert not any(within(name, TIME | CHANCE) for name in used(ast.parse(source)))


def test_the_service_starts_without_its_heavy_libraries() -> None:
    script = f"import sys, mockskaha.serve; print(*sorted({NEVER_AT_START!r} & set(sys.modules)))"
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert (run.returncode, run.stdout.strip(), run.stderr) == (0, "", "")
