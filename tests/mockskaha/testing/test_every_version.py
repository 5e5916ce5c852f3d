"""One suite of a client, the reference client's, against every version of Skaha: by a marker, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from mockskaha.testing import VERSIONS
from mockskaha.testing.service import Skaha
from skahaclient import Session

pytestmark = [pytest.mark.skaha(version="all"), pytest.mark.evidence("skaha-contract §10")]
IMAGE = "images.canfar.net/skaha/terminal:1.1.2"


@pytest.fixture
def session(skaha: Skaha) -> Iterator[Session]:
    """It is told the service, and finds the version of the API."""
    url = f"{skaha.origin}/skaha"
    with Session(url=url, token=skaha.token, transport=skaha.transport(httpx)) as made:
        yield made


def test_a_job_is_launched_seen_renewed_and_deleted(skaha: Skaha, session: Session) -> None:
    ids = session.create(name="fit", image=IMAGE, cmd="sleep", args="60", cores=2, ram=16)
    skaha.until(ids[0])
    (info,) = session.info(ids)
    assert (info.status, info.kind, info.userid) == ("Running", "headless", "alice")
    assert (info.requested_cores, info.requested_ram) == (2.0, pytest.approx(16.0, abs=0.01))
    assert info.connect_url is None
    assert session.renew(ids) == {ids[0]: True}
    skaha.until(ids[0], "Completed")
    (done,) = session.fetch(status="Completed")
    assert done.status == session.fetch()[0].status == session.info(ids)[0].status
    assert session.destroy(ids) == {ids[0]: True}
    assert session.fetch() == []


def test_what_is_in_use_is_told_in_the_same_units(skaha: Skaha, session: Session) -> None:
    session.create(name="fit", image=IMAGE, cmd="sleep", args="60", cores=4, ram=16)
    skaha.advance("10s")
    stats = session.stats()
    assert (stats.requested_cores, stats.requested_ram) == (4.0, pytest.approx(16.0, abs=0.01))
    assert stats.capacity_ram == pytest.approx(10363, rel=0.001)
    assert (stats.sessions is None) is (VERSIONS.index(skaha.version) >= VERSIONS.index("1.1"))
