"""Every refusal's status and bytes, in one place (skaha-contract §3.1)."""

from __future__ import annotations

import logging

from mockskaha.errors import (
    InvalidToken,
    SkahaError,
    TemporarilyUnavailable,
    UnexpectedException,
)
from mockskaha.http.exchange import TEXT, Answer

logger = logging.getLogger("mockskaha")
RETRY_AFTER_SECONDS = 30


def refusal(error: SkahaError) -> Answer:
    """The answer that tells ``error``."""
    match error:
        case TemporarilyUnavailable():
            return Answer(
                b"temporarily unavailable: null\n", TEXT, 503, (("Retry-After", str(RETRY_AFTER_SECONDS)),)
            )
        case UnexpectedException():
            return Answer(f"unexpected exception: {error}".encode(), TEXT, 500)
        case InvalidToken():
            return Answer(str(error).encode(), TEXT, 401)
        case _:
            return Answer(f"{error}\n".encode(), TEXT, error.status)


def broken(error: Exception) -> Answer:
    """The answer when this program itself is at fault. The cause goes to the log, not to the client."""
    logger.error("a request failed unexpectedly", exc_info=error)
    return Answer(
        b"unexpected exception: java.lang.IllegalStateException: mockskaha failed, see its log", TEXT, 500
    )


def not_allowed(method: str, allow: str, *, declare_charset: bool) -> Answer:
    """405, which the real service sends before it looks at who calls (skaha-contract §1.4)."""
    content_type = f"{TEXT};charset=ISO-8859-1" if declare_charset else TEXT
    return Answer(f"unsupported: HTTP {method}\n".encode(), content_type, 405, (("Allow", allow),))


def too_large(limit: int) -> Answer:
    """413 for a body above ``limit`` bytes."""
    return Answer(f"limit: {limit}\n".encode(), TEXT, 413)


_TOMCAT_404 = """<!doctype html><html lang="en"><head><title>HTTP Status 404 – Not Found</title>\
<style type="text/css">body {font-family:Tahoma,Arial,sans-serif;} h1, h2, h3, b {color:white;\
background-color:#525D76;} h1 {font-size:22px;} h2 {font-size:16px;} h3 {font-size:14px;} p {font-size:12px;} \
a {color:black;} .line {height:1px;background-color:#525D76;border:none;}</style></head><body>\
<h1>HTTP Status 404 – Not Found</h1><hr class="line" /><p><b>Type</b> Status Report</p><p><b>Description</b> \
The origin server did not find a current representation for the target resource or is not willing to disclose \
that one exists.</p><hr class="line" /><h3>Apache Tomcat</h3></body></html>""".encode()


def no_such_page() -> Answer:
    """The servlet container's own 404: the path belongs to no operation (skaha-contract §1)."""
    return Answer(_TOMCAT_404, "text/html;charset=utf-8", 404, (("Content-Language", "en"),))
