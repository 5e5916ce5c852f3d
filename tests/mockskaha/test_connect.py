"""The stand-in pages behind a connectURL."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockskaha.connect import not_ready_page, page, unknown_page

pytestmark = pytest.mark.evidence("skaha-contract §2.4")

KINDS = ["notebook", "desktop", "carta", "contributed", "firefly"]
HOSTILE = st.text(st.sampled_from("<>&\"'-!/=b x")) | st.sampled_from(
    ["<b>", '" id="x', "--><b>", "&lt;b&gt;"]
)
NEVER_CLOSED = {"meta", "link", "path", "rect", "circle", "ellipse"}


class Outline(HTMLParser):
    """The elements of a page, its text and its attributes, for pages whose elements all close."""

    def __init__(self, markup: bytes) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self.comments: list[str] = []
        self._open: list[str] = []
        self.feed(markup.decode())
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes += attrs
        if tag not in NEVER_CLOSED:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in NEVER_CLOSED:
            assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data.strip())

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_says_whose_it_is_and_that_it_is_a_stand_in(kind: str) -> None:
    markup = page(kind, "kx3w9q2d", "my-session", "alice", "images.canfar.net/skaha/x:1.0", "Running")
    outline = Outline(markup)
    assert "This is mockskaha's stand-in." in outline.texts
    facts = {"kx3w9q2d", kind, "my-session", "alice", "images.canfar.net/skaha/x:1.0", "Running"}
    assert facts <= set(outline.texts)
    assert {("data-session", "kx3w9q2d"), ("data-kind", kind), ("data-status", "Running")} <= set(
        outline.attributes
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_asks_for_nothing_else(kind: str) -> None:
    outline = Outline(page(kind, "kx3w9q2d", "n", "alice", "i", "Running"))
    assert {"script", "img", "iframe"}.isdisjoint(outline.elements)
    assert [value for name, value in outline.attributes if name in ("href", "src", "action")] == ["data:,"]
    assert all("url(" not in text and "@import" not in text for text in outline.texts)


def test_kinds_look_different() -> None:
    pages = {page(kind, "s", "n", "u", "i", "Running").replace(kind.encode(), b"") for kind in KINDS}
    icons = {markup.partition(b"<svg")[2].partition(b"</svg>")[0] for markup in pages}
    assert len(icons) == len(KINDS)


@pytest.mark.parametrize("kind", ["headless", "desktop-app", "contrib", ""])
def test_other_kinds_have_no_page(kind: str) -> None:
    with pytest.raises(ValueError, match="no page to connect to"):
        page(kind, "kx3w9q2d", "n", "alice", "i", "Running")


@given(*[HOSTILE | st.text()] * 5)
def test_nothing_a_user_chose_becomes_markup(
    session_id: str, name: str, username: str, image: str, status: str
) -> None:
    plain = Outline(page("carta", "s", "n", "u", "i", "Running"))
    outline = Outline(page("carta", session_id, name, username, image, status))
    assert outline.elements == plain.elements
    assert {session_id.strip(), username.strip(), image.strip(), status.strip()} <= set(outline.texts) | {""}
    assert [attribute for attribute, _ in outline.attributes] == [
        attribute for attribute, _ in plain.attributes
    ]


@pytest.mark.evidence("skaha-contract §4.2: Running implies the service answers; the page is nginx's")
def test_before_a_session_is_ready_the_gateway_is_bad() -> None:
    markup = not_ready_page("kx3w9q2d", "Pending")
    assert markup.startswith(
        b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
        b"<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    )
    assert Outline(markup.replace(b"<hr>", b"")).comments == [
        " mockskaha: session kx3w9q2d is Pending, and not ready "
    ]


@given(HOSTILE | st.text())
def test_an_unknown_session_cannot_leave_the_comment(session_id: str) -> None:
    markup = unknown_page(session_id)
    assert markup.startswith(b"<html>\r\n<head><title>404 Not Found</title></head>\r\n")
    outline = Outline(markup.replace(b"<hr>", b""))
    assert outline.elements == ["html", "head", "title", "body", "center", "h1", "center"]
    assert len(outline.comments) == 1
