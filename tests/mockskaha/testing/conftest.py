"""A platform as the fixtures for users give it, in place of the one that the tests of the service use."""

from __future__ import annotations

import pytest

from mockskaha.pytest_plugin import skaha
from mockskaha.testing.service import Skaha

__all__ = ["skaha"]


@pytest.fixture(params=["in-process", "live"])
def driven(request: pytest.FixtureRequest) -> Skaha:
    """One that stands still, in this process and live."""
    request.node.add_marker(pytest.mark.skaha(clock="manual"))
    name = "skaha" if request.param == "in-process" else "skaha_server"
    made: Skaha = request.getfixturevalue(name)
    return made
