"""pytest: the fixtures come with mockskaha, nothing is to be imported or started."""

import fits
import pytest


@pytest.fixture
def client(skaha, monkeypatch):
    monkeypatch.setattr("time.sleep", skaha.advance)  # a nap of the program is time on the platform
    return skaha.client()


def test_all_galaxies_are_fitted(skaha, client):
    jobs = fits.submit(client, ["m31", "m33"])
    fits.wait(client, jobs)
    assert [skaha.status(session_id) for session_id in jobs.values()] == ["Completed", "Completed"]
    skaha.journal.assert_called("createSession", times=2, parameters={"cores": 2, "ram": 4})


@pytest.mark.skaha(profile="realistic")
def test_on_the_real_platform_it_takes_minutes_there_and_none_here(skaha, client):
    fits.wait(client, fits.submit(client, ["m31"]))
    assert skaha.elapsed > 60


@pytest.mark.skaha(cluster=[{"name": "node", "count": 1, "cores": 2, "ram_gib": 8}])
def test_a_full_cluster_is_waited_out(skaha, client):
    skaha.until(skaha.launch("sleep", "6h", user="bob", cores=2, ram=4))
    fits.wait(client, fits.submit(client, ["m31"]))
    assert skaha.elapsed > 6 * 3600


def test_a_fit_that_fails_is_told(skaha, client):
    jobs = {"m31": skaha.launch(env={"MOCKSKAHA_EXIT": "1"})}
    with pytest.raises(fits.FitFailed, match="the fit of m31 failed"):
        fits.wait(client, jobs)


@pytest.mark.parametrize("fault", ["bad-gateway-after-create", "unavailable"])
def test_an_answer_that_is_lost_launches_nothing_twice(skaha, client, fault):
    skaha.faults.add(fault, operation="createSession", times=1)
    jobs = fits.submit(client, ["m31"])
    assert [session["id"] for session in client.get("/session").json()] == list(jobs.values())


def test_nothing_is_left(skaha, client):
    jobs = fits.submit(client, ["m31", "m33"])
    fits.tidy(client, jobs)
    assert client.get("/session").json() == []
    skaha.journal.assert_called("deleteSession", times=2)
