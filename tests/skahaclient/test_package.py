"""The package itself: quick to import, with everything under its name."""

from __future__ import annotations

import subprocess
import sys

import pytest

import skahaclient


def test_importing_it_loads_nothing() -> None:
    script = (
        "import sys, skahaclient; print(sorted({'httpx', 'pydantic', 'typer', 'asyncio'} & set(sys.modules)));"
        "skahaclient.SkahaError; print('httpx' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\nFalse\n"


def test_everything_it_names_is_there() -> None:
    assert set(skahaclient.__all__) <= set(dir(skahaclient))
    assert all(getattr(skahaclient, name).__name__ == name for name in skahaclient.__all__)


def test_nothing_else_is() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Sesion'"):
        skahaclient.Sesion  # type: ignore[attr-defined]  # noqa: B018
