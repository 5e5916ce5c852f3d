"""Every operation explored by Schemathesis, where ``--skaha-profile`` asks for it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mockskaha.verify.client import Client
from mockskaha.verify.options import Target
from mockskaha.verify.verification import Outcome, Result, Verification


def test_exploration(
    skaha_target: Target,
    skaha_client: Client,
    skaha_verification: Verification,
    conclude: Callable[[Result], None],
) -> None:
    if skaha_target.profile is None:
        pytest.skip("explored with --skaha-profile ci or deep")
    pytest.importorskip("schemathesis", reason="pip install 'mockskaha[verify]'")
    from mockskaha.verify.explore import explore

    found = explore(skaha_client, skaha_verification, skaha_target.profile, write=skaha_target.write)
    assert found
    for result in found:
        if result.outcome is Outcome.FAILED:
            conclude(result)
