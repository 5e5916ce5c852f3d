"""Platform statistics, and the metrics API they come from."""

import json

import pytest

STATS = "/skaha/v1/session?view=stats"
METRICS = "/api/v1/metrics/platform"
FIXTURE = """{
  "cores": {
    "requestedCPUCores": 12.5,
    "cpuCoresAvailable": 64.0,
    "maxCPUCores": {
      "cpuCores": 8.0,
      "withRam": "32Gi"
    }
  },
  "ram": {
    "requestedRAM": "137.439G",
    "ramAvailable": "549.756G",
    "maxRAM": {
      "ram": "32Gi",
      "withCPUCores": 8.0
    }
  }
}"""
CLUSTER = {"nodes": [{"name": "node", "count": 2, "cores": 32, "ram_gib": 256}]}


def cluster(cores, ram_gib, count=1, gpus=0):
    return {"nodes": [{"name": "node", "count": count, "cores": cores, "ram_gib": ram_gib, "gpus": gpus}]}


@pytest.mark.evidence("skaha-contract §2.8")
def test_statistics_to_the_byte(start):
    skaha = start(profile="instant", cluster=CLUSTER)
    skaha.as_user("bob").create(cores="12.5", ram=128)
    assert skaha.get(STATS).told == (200, "application/json", FIXTURE)
    assert skaha.get(f"{STATS}&type=nonsense&status=x").text == FIXTURE


@pytest.mark.evidence("skaha-contract §2.8")
@pytest.mark.parametrize(
    ("cores", "ram_gib", "available", "ram_available"),
    [
        (2189, 9063, "2189.0", "9731.322G"),
        (28.8, 94, "28.8", "100.932G"),
        (12_000_000, 1, "1.2E7", "1.074G"),
        (0.5, 1000, "0.5", "1073.742G"),
    ],
)
def test_capacity_is_called_available(start, cores, ram_gib, available, ram_available):
    text = start(cluster=cluster(cores, ram_gib)).get(STATS).text
    assert f'"cpuCoresAvailable": {available},' in text
    assert f'"ramAvailable": "{ram_available}",' in text
    assert '"requestedCPUCores": 0.0,' in text
    assert '"requestedRAM": "0G",' in text


@pytest.mark.evidence("skaha-contract §2.8")
def test_the_most_a_session_gets_is_the_default_limit_not_the_largest_choice(start):
    resources = {"cores": {"default_limit": 3}, "memory_gib": {"default_limit": 24}}
    stats = start(resources=resources).get(STATS).json
    assert stats["cores"]["maxCPUCores"] == {"cpuCores": 3.0, "withRam": "24Gi"}
    assert stats["ram"]["maxRAM"] == {"ram": "24Gi", "withCPUCores": 3.0}


@pytest.mark.evidence("skaha-contract §2.8, §4.7")
def test_with_a_limit_range_the_most_is_its_maximum_and_its_unit_is_g(start):
    bounds = {"max": {"cores": 10, "memory_gib": 24}, "default": {"memory_gib": 16}}
    stats = start(resources={"limit_range": bounds}).get(STATS).json
    assert stats["cores"]["maxCPUCores"] == {"cpuCores": 10.0, "withRam": "24G"}


@pytest.mark.evidence("skaha-contract §2.8, §3.1, §3.4, §7")
def test_without_a_metrics_backend_statistics_are_unavailable(start):
    reply = start(metrics={"enabled": False}).get(STATS)
    assert reply.told == (503, "text/plain", "temporarily unavailable: null\n")
    assert reply.header("retry-after") == "30"
    assert reply.header("x-vo-authenticated") == "alice"


@pytest.mark.evidence("skaha-contract §2.8, §11")
def test_a_later_skaha_counts_gpus(start):
    skaha = start(profile="instant", quirks={"stats_gpu": True})
    skaha.create(gpus=2)
    stats = skaha.get(STATS, checked=False).json
    assert list(stats) == ["cores", "ram", "gpu"]
    assert stats["gpu"] == {"requestedGPU": 2.0, "gpuAvailable": 9.0}


@pytest.mark.evidence("skaha-contract §7")
def test_platform_metrics_to_the_byte(start):
    skaha = start(
        profile="instant", cluster=cluster(7.65, 10, count=2, gpus=1),
        metrics={"scratch_gib_per_node": 1, "ttl_seconds": 300},
    )  # fmt: skip
    skaha.create(cores="1.5", ram=6)
    skaha.advance(0.123456)
    reply = skaha.as_user(None).get(METRICS)
    assert reply.told == (
        200,
        "application/json",
        '{"version":"metrics.canfar.net/v1","kind":"PlatformMetrics",'
        '"metadata":{"created":"2026-08-06T22:25:31.123456Z"},"status":"Success","data":{"scope":"platform",'
        '"cluster":"prod","capacity":{"cpu":"15.3","ephemeral-storage":"2Gi","memory":"20Gi","nvidia.com/gpu":"2"},'
        '"allocated":{"cpu":"1.5","ephemeral-storage":"0Gi","memory":"6Gi","nvidia.com/gpu":"0"}}}',
    )
    assert reply.header("last-modified") == "Thu, 06 Aug 2026 22:25:31 GMT"
    assert reply.header("cache-control") == "public, max-age=300"
    assert reply.header("expires") == "Thu, 06 Aug 2026 22:30:31 GMT"


@pytest.mark.evidence("skaha-contract §7")
def test_figures_that_may_not_be_kept(start):
    reply = start(metrics={"ttl_seconds": 0}).get(METRICS)
    assert reply.header("cache-control") == "no-store"
    assert reply.header("expires") is None
    assert reply.header("last-modified") == "Thu, 06 Aug 2026 22:25:31 GMT"


@pytest.mark.evidence("skaha-contract §7")
def test_metrics_that_are_off_say_so(start):
    reply = start(metrics={"enabled": False}).get(METRICS)
    assert reply.status == 503
    assert reply.header("cache-control") == "no-store"
    body = reply.json
    assert body.pop("metadata") == {"created": "2026-08-06T22:25:31.000000Z"}
    assert json.dumps(body) == json.dumps(
        {
            "version": "metrics.canfar.net/v1",
            "kind": "Status",
            "status": "Error",
            "error": {
                "code": "platform_metrics_unavailable",
                "message": "Could not load platform metrics from Kubernetes",
            },
        }
    )


@pytest.mark.evidence("skaha-contract §7, §2.8")
def test_statistics_and_metrics_agree(skaha):
    for kind in ("desktop", "firefly", "notebook"):
        skaha.create(type=kind)
    skaha.advance(5)
    stats, metrics = skaha.get(STATS).json, skaha.get(METRICS).json["data"]
    assert stats["cores"]["requestedCPUCores"] == float(metrics["allocated"]["cpu"]) == 1.35
    assert stats["cores"]["cpuCoresAvailable"] == float(metrics["capacity"]["cpu"])
    assert metrics["allocated"].keys() == metrics["capacity"].keys()
    assert list(metrics["capacity"]) == sorted(metrics["capacity"])


@pytest.mark.evidence("skaha-contract §7")
def test_health(skaha):
    assert skaha.as_user(None).get("/healthz").told == (200, "application/json", '{"status":"ok"}')
