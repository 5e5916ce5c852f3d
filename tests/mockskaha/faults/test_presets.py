"""Each preset, by what a real client library sees of it."""

import httpx
import pytest

from mockskaha.faults.presets import presets

from .test_refusals import page

pytestmark = pytest.mark.differs(
    "faults can be set: rules and presets that make answers, connections or sessions go wrong"
)

FINISHED = ("Completed", "Failed")


def pending_forever(world):
    found = world.create()
    why = "0/43 nodes are available: 43 Insufficient cpu. preemption: 0/43 nodes are available: 43 No preemption "
    assert f"Warning   FailedScheduling   {why}" in world.events(found).text
    world.advance(3 * 86400)
    session = world.session(found)
    assert session["status"] == "Pending"
    assert "startTime" in session
    world.advance(11 * 86400 + 60)
    assert world.status(found) == "Failed"


def suspended_no_start(world):
    found = world.create()
    world.advance(30 * 86400)
    session = world.session(found)
    assert session["status"] == "Pending"
    assert not {"startTime", "expiryTime"} & session.keys()
    assert (world.events(found).status_code, world.events(found).text) == (
        404,
        f"session {found} not found.\n",
    )
    assert world.get(f"/skaha/v1/session/{found}?view=logs").text == ""


def never_ready(world):
    found = world.create(type="notebook")
    world.advance(3600)
    assert world.status(found) == "Pending"
    assert "Started container" in world.events(found).text


def image_not_found(world):
    found = world.create()
    world.advance(3600)
    assert world.status(found) == "Pending"
    assert "ErrImagePull" in world.events(found).text
    assert "ImagePullBackOff" in world.events(found).text
    assert "NotFound" in world.events(found).text


def image_unauthorized(world):
    found = world.create()
    world.advance(3600)
    assert "pull access denied" in world.events(found).text


def oom(world):
    batch, notebook = world.create(), world.create(type="notebook")
    assert world.status(batch) == "Running"
    world.advance(11)
    assert world.status(batch) == "Failed"
    assert world.status(notebook) == "Pending"
    assert "Back-off restarting failed container" in world.events(notebook).text
    world.advance(86400)
    assert world.platform.inventory.session(notebook) is None or world.status(notebook) == "Failed"


def crash(world):
    found = world.create()
    world.advance(11)
    assert world.status(found) == "Failed"


def evicted(world):
    batch, notebook = world.create(), world.create(type="notebook")
    world.advance(29)
    assert world.status(notebook) == "Running"
    world.advance(2)
    assert world.status(batch) == "Failed"
    assert "The node was low on resource: memory." in world.events(batch).text
    assert world.status(notebook) == "Running"  # in a new pod
    assert world.platform.inventory.session(notebook).pods == 2
    world.advance(3600)
    assert world.status(notebook) == "Running"


def preempted(world):
    found = world.create()
    world.advance(21)
    assert world.status(found) == "Pending"
    assert "Insufficient cpu" not in world.events(found).text
    assert "Preempted by a pod of a higher priority class" in world.events(found).text
    world.advance(60)
    assert world.status(found) == "Running"
    world.advance(3600)
    assert world.status(found) == "Running"


def node_lost(world):
    found = world.create()
    world.advance(31)
    assert world.status(found) == "Failed"
    assert world.platform.inventory.session(found).job.reason == "NodeLost"
    assert all(node.is_open for node in world.platform.model.cluster.nodes)


def expires_after(world):
    found, renewed = world.create(type="notebook"), world.create(type="notebook")
    world.advance(500)
    with world.client() as client:
        assert client.post(f"/skaha/v1/session/{renewed}", data={"action": "renew"}).status_code == 200
    world.advance(101)
    assert (world.status(found), world.status(renewed)) == ("Failed", "Running")


def terminating_lingers(world):
    found = world.create()
    with world.client() as client:
        assert client.delete(f"/skaha/v1/session/{found}").status_code == 200
        world.advance(29)
        assert world.status(found) == "Terminating"
        assert client.post(f"/skaha/v1/session/{found}", data={"action": "renew"}).status_code == 400
        assert client.delete(f"/skaha/v1/session/{found}").status_code == 200
    world.advance(2)
    assert world.get(f"/skaha/v1/session/{found}").status_code == 404
    assert world.get().json() == []


def slow_create(world):
    with world.client(timeout=30) as client, pytest.raises(httpx.ReadTimeout):
        client.post("/skaha/v1/session", data={"name": "a", "image": IMAGE})
    assert len(world.get().json()) == 1  # launched all the same
    with world.client(timeout=180) as client:
        assert client.post("/skaha/v1/session", data={"name": "a", "image": IMAGE}).status_code == 200


def bad_gateway_after_create(world):
    answer = world.launch()
    assert (answer.status_code, answer.headers["content-type"]) == (502, "text/html")
    assert answer.headers["server"] == "nginx"
    assert "x-vo-authenticated" not in answer.headers
    assert answer.text == page(502, "Bad Gateway")
    assert [session["name"] for session in world.get().json()] == ["test"]


def bad_gateway_at_first(world):
    url = world.session(world.create(type="notebook"))["connectURL"]
    answers = [world.get(url) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [502, 502, 502, 200]
    assert answers[0].text == page(502, "Bad Gateway")
    assert world.status(world.get().json()[0]["id"]) == "Running"


def quota_full(world):
    answer = world.launch(type="notebook")
    assert (answer.status_code, answer.text) == (
        400,
        "User alice has reached the maximum of 5 active sessions.\n",
    )


def private_image(world):
    answer = world.launch()
    assert (answer.status_code, answer.text) == (
        400,
        "No authentication provided for unknown or private image.  "
        "Use x-skaha-registry-auth request header with base64Encode(username:secret).\n",
    )


def token_expires_mid_run(world):
    found = world.create()
    world.advance(3599)
    assert world.status(found) == "Running"
    world.advance(1)
    answer = world.get()
    assert (answer.status_code, answer.text) == (401, "Token has expired")
    assert answer.headers.get_list("www-authenticate")[-1] == (
        'Bearer error="invalid_token", error_description="Token has expired"'
    )
    assert "x-vo-authenticated" not in answer.headers


def certificate_expired(world):
    answer = world.get()
    assert (answer.status_code, answer.text) == (
        403,
        "permission denied -- reason: invalid proxy certficate\n",
    )


def events_404(world):
    found = world.create()
    assert (world.events(found).status_code, world.events(found).text) == (
        404,
        f"session {found} not found.\n",
    )
    assert world.status(found) == "Running"


def renew_refused(world):
    found = world.create(type="notebook")
    before = world.session(found)
    world.advance(60)
    with world.client() as client:
        answer = client.post(f"/skaha/v1/session/{found}", data={"action": "renew"})
    assert answer.status_code == 400
    user = world.platform.directory.identity("alice")
    assert answer.text == (
        f"No active job for user PosixPrincipal [uidNumber={user.uid},{user.gid},alice] with session {found}\n"
    )
    assert world.session(found)["expiryTime"] == before["expiryTime"]


def images_empty(world):
    answer = world.get("/skaha/v1/image")
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (
        200,
        b"[]",
        "application/json",
    )


def metrics_down(world):
    stats = world.get("/skaha/v1/session?view=stats")
    assert (stats.status_code, stats.text) == (503, "temporarily unavailable: null\n")
    assert stats.headers["retry-after"] == "30"
    metrics = world.get("/api/v1/metrics/platform", None)
    assert metrics.status_code == 503
    assert metrics.headers["cache-control"] == "no-store"
    assert metrics.content == (
        b'{"version":"metrics.canfar.net/v1","kind":"Status","metadata":{"created":"2026-01-01T00:00:00.000000Z"},'
        b'"status":"Error","error":{"code":"platform_metrics_unavailable",'
        b'"message":"Could not load platform metrics from Kubernetes"}}'
    )
    assert world.get().status_code == 200


def unavailable(world):
    answer = world.get()
    assert (answer.status_code, answer.text) == (503, "temporarily unavailable: null\n")
    assert answer.headers["retry-after"] == "30"
    assert answer.headers["x-vo-authenticated"] == "alice"


def flaky(world):
    answers = [world.get() for _ in range(100)]
    bad = [answer for answer in answers if answer.status_code == 500]
    assert 10 <= len(bad) <= 30
    assert bad[0].text.startswith("unexpected exception: java.lang.RuntimeException: io.kubernetes.client")


def slow_network(world):
    waited = 0
    with world.client(timeout=2) as client:
        for _ in range(50):
            try:
                assert client.get("/skaha/v1/session").status_code == 200
            except httpx.ReadTimeout:
                waited += 1
    assert 0 < waited < 50


def drip(world):
    delivery = world.namespace.gateway.respond(scope("/skaha/v1/session"))
    assert (delivery.harm.kind, delivery.harm.bytes_per_second) == ("drip", 200)
    assert world.get().status_code == 200


def truncated(world):
    with pytest.raises(httpx.RemoteProtocolError, match="received 40 bytes"):
        world.get("/skaha/v1/image")


def reset(world):
    with pytest.raises(httpx.ReadError):
        world.launch()
    world.namespace.faults.clear()
    assert world.get().json() == []


def reset_after_create(world):
    with pytest.raises(httpx.ReadError):
        world.launch()
    assert len(world.get().json()) == 1


IMAGE = "images.canfar.net/skaha/terminal:1.1.2"
CHECKS = {check.__name__.replace("_", "-"): check for check in (
    pending_forever, suspended_no_start, never_ready, image_not_found, image_unauthorized, oom, crash, evicted,
    preempted, node_lost, expires_after, terminating_lingers, slow_create, bad_gateway_after_create,
    bad_gateway_at_first, quota_full,
    private_image, token_expires_mid_run, certificate_expired, events_404, renew_refused, images_empty, metrics_down,
    unavailable, flaky, slow_network, drip, truncated, reset, reset_after_create,
)}  # fmt: skip


def scope(path):
    return {
        "type": "http", "method": "GET", "path": path, "query_string": b"",
        "headers": [(b"authorization", b"Bearer alice")],
    }  # fmt: skip


@pytest.mark.evidence(
    "clients.md §12: what users were bitten by; the bytes are those of skaha-contract §2, §3, §7"
)
@pytest.mark.parametrize("name", presets())
def test_what_a_client_sees_of_it(world, name):
    (fault,) = world.set(name)
    CHECKS[name](world)
    assert fault.struck or name == "reset"
