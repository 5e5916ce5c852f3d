"""One run of the checks behind all tests of this package; see ``mockskaha.verify.options``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mockskaha.era import UnknownVersion, era
from mockskaha.verify.client import (
    POLITE_RATE,
    Client,
    Refused,
    Unreachable,
    is_loopback,
    knock,
    service_root,
)
from mockskaha.verify.documents import details
from mockskaha.verify.exchange import Caller
from mockskaha.verify.options import Target, target
from mockskaha.verify.scrub import Scrubber
from mockskaha.verify.skaha import Stage, run_name
from mockskaha.verify.verification import Outcome, Result, Verification
from mockskaha.verify.versions import detected

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if any(item.path.parent == _HERE for item in items):
        asked = target(config)
        if not asked.url or not asked.token:
            raise pytest.UsageError(
                "which server? Give --skaha-url and --skaha-token or set CANFAR_URL and CANFAR_TOKEN"
            )


@pytest.fixture(scope="session")
def skaha_target(pytestconfig: pytest.Config) -> Target:
    """The server that is checked, and how."""
    return target(pytestconfig)


@pytest.fixture(scope="session")
def skaha_client(skaha_target: Target) -> Iterator[Client]:
    """What asks the server."""
    try:
        root, _ = service_root(skaha_target.url or "")
    except ValueError as error:
        raise pytest.UsageError(str(error)) from None
    tokens = {Caller.OWNER: skaha_target.token or ""}
    if skaha_target.user2_token:
        tokens[Caller.SECOND] = skaha_target.user2_token
    client = Client(root, tokens, rate=skaha_target.rate or (None if is_loopback(root) else POLITE_RATE))
    yield client
    client.close()


@pytest.fixture(scope="session")
def skaha_verification(skaha_target: Target, skaha_client: Client) -> Iterator[Verification]:
    """The run. At its end everything that was launched is removed, or the run fails."""
    stage = Stage(run=run_name(), patience=skaha_target.wait)
    try:
        knock(skaha_client)
        version = skaha_target.version
        assumed = era(detected(skaha_client, stage).version if version == "auto" else version)
    except (Refused, Unreachable, UnknownVersion) as error:
        pytest.exit(str(error), returncode=4 if isinstance(error, Unreachable) else 2)
    with Verification(skaha_client, assumed, stage, write=skaha_target.write) as verification:
        yield verification
    if verification.left:
        told = ", ".join(f"{session_id} ({name})" for session_id, name in verification.left.items())
        pytest.fail(f"sessions could not be removed: {told}", pytrace=False)


@pytest.fixture(scope="session")
def conclude(skaha_client: Client) -> Callable[[Result], None]:
    """Pass, skip or fail as a result says."""
    scrubber = Scrubber(skaha_client.secrets)

    def conclude(result: Result) -> None:
        if result.outcome is Outcome.SKIPPED:
            pytest.skip(scrubber.text(result.reason))
        if result.outcome is Outcome.FAILED:
            pytest.fail(details(result, scrubber), pytrace=False)

    return conclude
