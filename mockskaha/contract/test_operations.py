"""Every operation: was each of its answers, in the tests before, one the contract knows?"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mockskaha.verify.ledger import skaha_operations
from mockskaha.verify.verification import Result, Verification

IDS = [*(f"contract.{operation.operation_id}" for operation in skaha_operations()), "contract.stray"]


@pytest.mark.parametrize("name", IDS)
def test_operation(name: str, skaha_verification: Verification, conclude: Callable[[Result], None]) -> None:
    results = {result.id: result for result in skaha_verification.contract_results()}
    if name not in results:
        pytest.skip("was not asked in this run")
    conclude(results[name])
