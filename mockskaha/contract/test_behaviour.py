"""Every behaviour of Skaha, a test each: ``pytest --pyargs mockskaha.contract --skaha-url …``."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mockskaha.verify.check import Check
from mockskaha.verify.checks import all_checks
from mockskaha.verify.verification import Result, Verification


@pytest.mark.parametrize("check", all_checks(), ids=lambda check: check.id)
def test_behaviour(
    check: Check, skaha_verification: Verification, conclude: Callable[[Result], None]
) -> None:
    conclude(skaha_verification.run(check))
