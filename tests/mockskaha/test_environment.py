"""The environment of a batch container."""

import pytest

pytestmark = pytest.mark.evidence("skaha-contract §4.6")


def environment(skaha, **params):
    found = skaha.create(cmd="printenv", args="", **params)
    skaha.advance(30)
    return found, dict(line.partition("=")[::2] for line in skaha.logs(found).splitlines())


def test_the_platforms_own_variables(start):
    skaha = start(
        users=[{"username": "Dora", "uid": 5}],
        sessions={"home": "/arc/home", "sessions_url": "https://ws-uv.canfar.net:8443/x"},
    ).as_user("Dora")
    found, variables = environment(skaha, name="Reduce-1", env=["REPLICA_ID=2", "skaha_username=me"])
    assert variables == {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOSTNAME": "reduce-1",
        "REPLICA_ID": "2",
        "skaha_hostname": "ws-uv.canfar.net",
        "skaha_username": "dora",
        "skaha_sessionid": found,
        "HOME": "/arc/home/dora",
        "PWD": "/arc/home/dora",
        "OMP_NUM_THREADS": "1",
    }


@pytest.mark.parametrize(("cores", "threads"), [("", "1"), ("1", "1"), ("1.9", "1"), ("16", "16")])
def test_threads_are_the_whole_cores_that_are_guaranteed(skaha, cores, threads):
    assert environment(skaha, cores=cores)[1]["OMP_NUM_THREADS"] == threads
