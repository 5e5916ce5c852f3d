"""The service itself: is it there, what can it do (skaha-contract §1, §8)."""

from __future__ import annotations

from xml.etree import ElementTree

from mockskaha.verify.check import NotChecked, check, differs, expect, expect_type
from mockskaha.verify.exchange import Caller, Exchange
from mockskaha.verify.skaha import Skaha

_AVAILABILITY = "{http://www.ivoa.net/xml/VOSIAvailability/v1.0}"
_CAPABILITIES = "{http://www.ivoa.net/xml/VOSICapabilities/v1.0}"


def _root(exchange: Exchange) -> ElementTree.Element:
    if b"<!ENTITY" in exchange.body or b"<!DOCTYPE" in exchange.body:
        differs("the document", "plain XML without a document type", exchange)
    try:
        return ElementTree.fromstring(exchange.body)  # noqa: S314 - without a document type nothing expands
    except ElementTree.ParseError as error:
        differs("the document", f"XML ({error})", exchange)


@check("service.availability", "§8.1")
def availability(skaha: Skaha) -> None:
    """Availability is VOSI XML, for anybody"""
    for caller in (Caller.NOBODY, Caller.OWNER):
        answer = skaha.ask("GET", "/availability", caller=caller)
        expect_type(answer, "text/xml")
        root = _root(answer)
        expect(root.tag == f"{_AVAILABILITY}availability", f"the root element is {root.tag}", answer)
        available = root.findtext(f"{_AVAILABILITY}available")
        expect(available == "true", f"available is {available!r}, not 'true'", answer)
        expect(root.findtext(f"{_AVAILABILITY}note"), "there is no note", answer)


@check("service.availability-min", "§8.1")
def availability_min(skaha: Skaha) -> None:
    """`detail=min` tells by the status alone"""
    answer = skaha.ask("GET", "/availability", query={"detail": "min"}, caller=Caller.NOBODY)
    expect(
        answer.status == 200 and not answer.body, f"expected 200 without a body, got {answer.told()}", answer
    )


@check("service.capabilities", "§8.2")
def capabilities(skaha: Skaha) -> None:
    """Capabilities are VOSI XML, for anybody, and name the interfaces clients look for"""
    answer = skaha.ask("GET", "/capabilities", caller=Caller.NOBODY)
    expect_type(answer, "text/xml")
    root = _root(answer)
    expect(root.tag == f"{_CAPABILITIES}capabilities", f"the root element is {root.tag}", answer)
    told = {item.get("standardID") for item in root}
    wanted = {"ivo://ivoa.net/std/VOSI#capabilities", "ivo://ivoa.net/std/VOSI#availability"}
    if skaha.era.platform_capabilities:
        wanted |= {
            f"http://www.opencadc.org/std/platform#{name}-1"
            for name in ("session", "context", "image", "repository")
        }
    expect(wanted <= told, f"capabilities lack {', '.join(sorted(wanted - told))}", answer)


@check("service.session-address", "§8.2", when=lambda era: era.platform_capabilities)
def session_address(skaha: Skaha) -> None:
    """The capability `platform#session-1` leads to /v1/session, with a way to log in by token"""
    answer = skaha.ask("GET", "/capabilities", caller=Caller.NOBODY)
    for item in _root(answer):
        if item.get("standardID") == "http://www.opencadc.org/std/platform#session-1":
            address = (item.findtext(".//accessURL") or "").strip()
            expect(address.endswith("/skaha/v1/session"), f"its accessURL is {address!r}", answer)
            methods = {method.get("standardID") for method in item.iter("securityMethod")}
            expect("ivo://ivoa.net/sso#token" in methods, f"its security methods are {methods}", answer)
            return
    differs("capabilities", "a capability platform#session-1", answer)


@check("service.capabilities-head", "§1, §8.2")
def capabilities_head(skaha: Skaha) -> None:
    """HEAD of the capabilities is answered without a body"""
    answer = skaha.ask("HEAD", "/capabilities", caller=Caller.NOBODY)
    expect_type(answer, "text/xml")
    expect(not answer.body, "HEAD has a body", answer)


@check("service.alive", "§1")
def alive(skaha: Skaha) -> None:
    """HEAD of /skaha, followed, is 200: how the Python client sees that somebody is there"""
    answer = skaha.ask("HEAD", "", caller=Caller.NOBODY)
    for _ in range(5):
        target = answer.header("location")
        if answer.status not in (301, 302, 303, 307, 308) or target is None:
            break
        answer = skaha.ask("HEAD", _below_root(answer, target), caller=Caller.NOBODY)
    expect(answer.status == 200, f"HEAD /skaha ends in {answer.told()}", answer)


def _below_root(answer: Exchange, target: str) -> str:
    from urllib.parse import urljoin, urlsplit

    url = urljoin(answer.url, target)
    if urlsplit(url).netloc != urlsplit(answer.url).netloc:
        raise NotChecked(f"/skaha leads to another host, {urlsplit(url).netloc}, which is not asked")
    return url


@check("service.no-such-page", "§1")
def no_such_page(skaha: Skaha) -> None:
    """What is below no resource is the servlet container's 404, a page, not a line of text"""
    dead = "v0" if skaha.era.base_path == "v1" else "v1"
    for path in (f"/{dead}/session", f"/{skaha.era.base_path}/banana"):
        answer = skaha.ask("GET", path)
        media_type = answer.content_type or ""
        if answer.status != 404 or not media_type.startswith("text/html"):
            differs(f"GET {path}", "404 text/html", answer)
