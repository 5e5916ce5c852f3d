"""The metrics API (skaha-contract §7)."""

from __future__ import annotations

from email.utils import formatdate
from typing import TYPE_CHECKING

import orjson

from mockskaha.http.exchange import JSON, Answer, Call
from mockskaha.statistics import platform_metrics

if TYPE_CHECKING:
    from mockskaha.platform import Platform


def get_platform_metrics(platform: Platform, call: Call) -> Answer:
    """Capacity and use at this moment, with the headers of an answer just collected."""
    settings = platform.settings.metrics
    if not settings.enabled:
        return failed(
            platform,
            503,
            "platform_metrics_unavailable",
            "Could not load platform metrics from Kubernetes",
        )
    now = platform.now()
    body = orjson.dumps(platform_metrics(platform, now))
    modified = ("Last-Modified", formatdate(now, usegmt=True))
    if not settings.ttl_seconds:
        return Answer(body, JSON, headers=(modified, ("Cache-Control", "no-store")))
    return Answer(
        body,
        JSON,
        headers=(
            modified,
            ("Cache-Control", f"public, max-age={settings.ttl_seconds}"),
            ("Expires", formatdate(now + settings.ttl_seconds, usegmt=True)),
        ),
    )


def failed(platform: Platform, status: int, code: str, message: str) -> Answer:
    """What the metrics backend answers when it cannot."""
    body = {
        "version": "metrics.canfar.net/v1",
        "kind": "Status",
        "metadata": {"created": platform_metrics(platform, platform.now())["metadata"]["created"]},
        "status": "Error",
        "error": {"code": code, "message": message},
    }
    return Answer(orjson.dumps(body), JSON, status, (("Cache-Control", "no-store"),))


def get_metrics_health(platform: Platform, call: Call) -> Answer:
    return Answer(b'{"status":"ok"}', JSON)
