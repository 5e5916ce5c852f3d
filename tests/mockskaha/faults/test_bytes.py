"""What a session that meets a fate looks like, to the byte: its own view, and its events."""

import re

import pytest

pytestmark = pytest.mark.evidence(
    "skaha-contract §2.2, §2.10: layout of both; §5.1, §5.3: what Kubernetes tells; when it happens is our own"
)
IMAGE = "images.canfar.net/skaha/terminal:1.1.2"
POD = "skaha-{kind}-alice-{id}-4z4r7"
NOW = "2026-01-01T00:00:00Z"
NEVER = "<nil>"
LATER = "2026-01-01T00:00:30Z"
UNPACK = f'failed to pull and unpack image "{IMAGE}": failed to resolve reference "{IMAGE}": '


def pulled(image, size, container):
    return [
        ("Normal", "Pulling", f'Pulling image "{image}"', NOW, NOW),
        ("Normal", "Pulled",
         f'Successfully pulled image "{image}" in 0s (0s including waiting). Image size: {size} bytes.', NOW, NOW),
        ("Normal", "Created", f"Created container {container}", NOW, NOW),
        ("Normal", "Started", f"Started container {container}", NOW, NOW),
    ]  # fmt: skip


ASSIGNED = (
    "Normal",
    "Scheduled",
    f"Successfully assigned skaha-workload/{POD} to keel-prod-k8s-node-01",
    NEVER,
    NEVER,
)
STARTED = [
    ASSIGNED,
    *pulled(IMAGE, 415236096, "backup-original-passwd-groups"),
    *pulled("redis:8.2.2-bookworm", 52428800, "init-users-groups"),
    *pulled(IMAGE, 415236096, "skaha-{kind}-alice-{id}"),
]  # fmt: skip
NO_NODE = (
    "0/43 nodes are available: 43 Insufficient cpu. preemption: 0/43 nodes are available: 43 No preemption victims "
    "found for incoming pod."
)


def backing_off(refusal):
    return [
        ASSIGNED,
        ("Normal", "Pulling", f'Pulling image "{IMAGE}"', NOW, LATER),
        ("Warning", "Failed", f'Failed to pull image "{IMAGE}": {refusal}', NOW, LATER),
        ("Warning", "Failed", "Error: ErrImagePull", NOW, LATER),
        ("Normal", "BackOff", f'Back-off pulling image "{IMAGE}"', NOW, LATER),
        ("Warning", "Failed", "Error: ImagePullBackOff", NOW, LATER),
    ]


def then(kind, reason, message, time):
    return [*STARTED, (kind, reason, message, time, time)]


AGAIN = "Back-off restarting failed container skaha-{kind}-alice-{id} in pod " + POD + "_skaha-workload"
NOTEBOOK_AGAIN = then("Warning", "BackOff", AGAIN, "2026-01-01T00:00:10Z")
TABLE = {
    "pending-forever": ("headless", 60, "Pending", [("Warning", "FailedScheduling", NO_NODE, NEVER, NEVER)]),
    "suspended-no-start": ("headless", 60, "Pending", None),
    "never-ready": ("notebook", 60, "Pending", STARTED),
    "image-not-found": ("headless", 40, "Pending", backing_off(
        f"rpc error: code = NotFound desc = {UNPACK}{IMAGE}: not found")),
    "image-unauthorized": ("headless", 40, "Pending", backing_off(
        f"{UNPACK}pull access denied, repository does not exist or may require authorization: authorization failed: "
        "no basic auth credentials")),
    "oom": ("headless", 11, "Failed", STARTED),
    "oom notebook": ("notebook", 11, "Pending", NOTEBOOK_AGAIN),
    "crash": ("headless", 11, "Failed", STARTED),
    "crash notebook": ("notebook", 11, "Pending", NOTEBOOK_AGAIN),
    "evicted": ("headless", 31, "Failed",
                then("Warning", "Evicted", "The node was low on resource: memory.", LATER)),
    "preempted": ("headless", 21, "Pending", [
        ("Warning", "FailedScheduling", "Preempted by a pod of a higher priority class", NEVER, NEVER)]),
    "node-lost": ("headless", 31, "Failed", then("Warning", "Evicted", "Node is not ready", LATER)),
    "expires-after": ("notebook", 601, "Failed", then(
        "Normal", "Killing", "Stopping container skaha-{kind}-alice-{id}", "2026-01-01T00:10:00Z")),
    "terminating-lingers": ("headless", 0, "Terminating", then(
        "Normal", "Killing", "Stopping container skaha-{kind}-alice-{id}", NOW)),
}  # fmt: skip


def events(rows):
    """As kubectl prints a table."""
    rows = [("TYPE", "REASON", "MESSAGE", "FIRST-TIME", "LAST-TIME"), *rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "".join(
        "   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() + "\n"
        for row in rows
    )


def view(found, kind, status, start, expiry):
    url = f"http://mockskaha/session/notebook/{found}/lab/tree/cavern/home/alice?token={found}"
    times = f'  "startTime": "{start}",\n  "expiryTime": "{expiry}",\n' if start else ""
    return f"""{{
  "id": "{found}",
  "userid": "alice",
  "runAsUID": "10001",
  "runAsGID": "10001",
  "supplementalGroups": [
    34241,
    34337
  ],
  "image": "{IMAGE}",
  "type": "{kind}",
  "status": "{status}",
  "name": "test",
{times}  "connectURL": "{url if kind == "notebook" else ""}",
  "requestedGPUCores": "0",
  "isFixedResources": false
}}"""


USAGE = re.compile(r'  "ramInUse": "[0-9.]+",\n  "cpuCoresInUse": "[0-9.]+",\n')
"""By the model of use, of which a fault changes nothing."""


@pytest.mark.parametrize("case", TABLE)
def test_what_is_told_of_it(world, case):
    kind, seconds, status, rows = TABLE[case]
    name, *_ = case.split()
    world.set(name)
    found = world.create(type=kind)
    if name == "terminating-lingers":
        with world.client() as client:
            assert client.delete(f"/skaha/v1/session/{found}").content == b""
    world.advance(seconds)
    lifetime = {"notebook": "2026-01-05T00:00:00Z", "headless": "2026-01-15T00:00:00Z"}[kind]
    expiry = "2026-01-01T00:10:00Z" if name == "expires-after" else lifetime
    start = "" if name == "suspended-no-start" else "2026-01-01T00:00Z"
    told = world.get(f"/skaha/v1/session/{found}")
    text, used = USAGE.subn("", told.text)
    assert text == view(found, kind, status, start, expiry)
    assert used == (name == "never-ready")
    answer = world.events(found)
    if rows is None:
        assert (answer.status_code, answer.text) == (404, f"session {found} not found.\n")
    else:
        rows = [tuple(cell.format(kind=kind, id=found) for cell in row) for row in rows]
        assert answer.text == events(rows)
