"""Rules every test obeys: behaviour names its evidence, differences from the real service say why."""

from pathlib import Path

import pytest

BEHAVIOUR = ("mockskaha", "acceptance", "contract")
TESTS = Path(__file__).parent


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "evidence(source): what the asserted behaviour is known from, e.g. 'skaha-contract §2.4' (required)",
    )
    config.addinivalue_line(
        "markers", "differs(how): the asserted behaviour differs from the real service; listed in the README"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    without = [
        item.nodeid
        for item in items
        if item.path.is_relative_to(TESTS)
        and item.path.relative_to(TESTS).parts[0] in BEHAVIOUR
        and not any(mark.args and mark.args[0].strip() for mark in item.iter_markers("evidence"))
    ]
    if without:
        listing = "\n  ".join(without[:20])
        raise pytest.UsageError(
            f"{len(without)} behaviour tests name no evidence "
            f"(@pytest.mark.evidence('skaha-contract §…')):\n  {listing}"
        )
