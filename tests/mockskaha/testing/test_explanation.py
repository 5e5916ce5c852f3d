"""Why a session is what it is."""

import pytest

from mockskaha import testing
from mockskaha.testing.service import Skaha

pytestmark = pytest.mark.evidence("skaha-contract §5.1: the words of kube-scheduler; the rest is ours")


def test_what_a_node_lacks(skaha: Skaha):
    session_id = skaha.launch("sleep", "1", gpus=1)
    others = [skaha.launch("sleep", "1d", gpus=3, user=f"user{number}") for number in range(3)]
    skaha.until(session_id)
    waiting = skaha.launch("sleep", "1", gpus=3)
    skaha.advance(30)
    assert {skaha.status(other) for other in others} >= {"Running"}
    assert skaha.why(waiting).startswith(
        "Pending: No node has room for it. The nearest is keel-prod-k8s-gpu-0"
    )
    assert "43 Insufficient nvidia.com/gpu" in skaha.why(waiting)


def test_what_the_queue_holds_back():
    limit = {"queue": {"admission": {"per_user": {"cores": 2}}}}
    with testing.skaha(settings=limit) as skaha:
        first, second = (skaha.launch("sleep", "1h", cores=2, name=name) for name in ("first", "second"))
        skaha.until(first)
        assert skaha.why(second).startswith("Pending: The user alice is at the limit: cores: holds 2 of 2")
        assert "[the limit of user alice on cores (4 > 2)]" in skaha.why(second)
        assert skaha.until(second, within="2h") > 3500


def test_an_image_that_cannot_be_pulled(skaha: Skaha):
    session_id = skaha.launch("sleep", "1", env={"MOCKSKAHA_PULL": "fail"})
    skaha.advance("1h")
    assert skaha.why(session_id).startswith("Pending: Its image images.canfar.net/skaha/")
    assert "cannot be pulled on keel-prod-k8s-node-01: there is no such image" in skaha.why(session_id)


@pytest.mark.parametrize(
    ("launch", "status", "reason"),
    [
        ({"cmd": "true"}, "Completed", "Completed: Its command ended with exit code 0."),
        ({"cmd": "false"}, "Failed", "Failed: It failed, Error: "),
        ({"cmd": "sleep 60"}, "Failed", "Failed: "),
        (
            {"env": {"MOCKSKAHA_MEMORY": "40Gi"}, "ram": 4},
            "Failed",
            "Failed: It failed, OOMKilled: it used more memory than its limit",
        ),
    ],
)
def test_how_it_ended(skaha: Skaha, launch, status, reason):
    session_id = skaha.launch(**launch)
    skaha.until(session_id, status)
    assert skaha.why(session_id).startswith(reason)


def test_what_is_gone_and_what_never_was(skaha: Skaha):
    session_id = skaha.launch("sleep", "60")
    skaha.client().delete(f"/session/{session_id}")
    assert skaha.why(session_id) == "Gone: It was deleted."
    assert skaha.why("abcdefgh") == "there never was a session 'abcdefgh', or it is too long ago"
