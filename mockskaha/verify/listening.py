"""What a client of somebody's asks a Skaha server, kept on its way through this machine."""

from __future__ import annotations

import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final
from urllib.parse import parse_qsl, urlsplit

import httpx

from mockskaha.verify.client import MOST_BODY_BYTES
from mockskaha.verify.exchange import MASK, SECRET_HEADERS, Caller, Exchange, Request
from skahasim.clock import WallClock, wall_time

MOST_EXCHANGES: Final = 10_000
_ADDRESS: Final = "127.0.0.1"
_BELOW: Final = "/skaha"
_OF_THE_CONNECTION = frozenset(
    {
        "accept-encoding", "connection", "content-encoding", "content-length", "expect", "host", "keep-alive",
        "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
    }
)  # fmt: skip
"""Headers that are not passed on."""
_CREDENTIALS = SECRET_HEADERS - {"set-cookie", "x-skaha-registry-auth", "proxy-authorization"}
_VARIABLES = re.compile(r"((?:^|[?&])env=[^&=%]*(?:=|%3D))[^&]*", re.IGNORECASE)
_UNSEEN = frozenset({"all", "logs"})
"""Views that tell of other users, or what programs have to say."""


class Listener:
    """A server on this machine that passes on what is below ``/skaha``, and keeps what it was asked and answered.

    The credentials are those that the client sends. What it keeps is bounded; values of a launch's variables are masked
    in it, and lists of everybody's sessions, logs, and bodies that are no form are passed on and not kept.
    """

    def __init__(self, root: str, port: int, timeout: float) -> None:
        """Raises ``OSError`` when the port is taken."""
        self.root = root
        self.exchanges: list[Exchange] = []
        self.left_out = 0
        """Exchanges that were passed on and not kept."""
        self._credentials: list[str] = []
        self._lock = threading.Lock()
        self._http = httpx.Client(timeout=timeout, follow_redirects=False)
        self._server = ThreadingHTTPServer((_ADDRESS, port), _handler(self))
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        """Where clients reach it, without the version of the API."""
        return f"http://{_ADDRESS}:{self._server.server_port}{_BELOW}"

    @property
    def secrets(self) -> tuple[str, ...]:
        """What clients have shown, whole and in its parts."""
        return tuple(
            {word for shown in self._credentials for word in (shown, *shown.split()) if len(word) > 7}
        )

    def listen(self) -> None:
        """Until there is an interrupt, or :meth:`stop`."""
        self._server.serve_forever(poll_interval=0.1)

    def stop(self) -> None:
        """From another thread."""
        self._server.shutdown()

    def close(self) -> None:
        self._server.server_close()
        self._http.close()

    def passed_on(self, method: str, path: str, sent: list[tuple[str, str]], body: bytes) -> httpx.Response:
        """The answer of the server to ``path``, which begins with ``/skaha``. Raises ``httpx.HTTPError``."""
        below, url = path.removeprefix(_BELOW), self.root + path.removeprefix(_BELOW)
        headers = [(name, value) for name, value in sent if name.lower() not in _OF_THE_CONNECTION]
        started, clock = wall_time(), WallClock()
        content = body if body or method in ("POST", "PUT") else None
        made = self._http.build_request(
            method, url, headers=[*headers, ("accept-encoding", "identity")], content=content
        )
        answer = self._http.send(made)
        told = tuple((name.lower(), value) for name, value in answer.headers.multi_items())
        with self._lock:
            kept = tuple((name.lower(), value) for name, value in headers if name.lower() == "content-type")
            caller = self._caller(headers)
            if len(self.exchanges) >= MOST_EXCHANGES or not _is_kept(below, kept, body):
                self.left_out += 1
            else:
                shown = _VARIABLES.sub(rf"\g<1>{MASK}", body.decode("utf-8", "replace")).encode()
                request = Request(method, _VARIABLES.sub(rf"\g<1>{MASK}", below), caller, kept, shown)
                self.exchanges.append(
                    Exchange(request, self.root + request.path, answer.status_code, told,
                             answer.content[:MOST_BODY_BYTES], started, clock.now(), tuple(headers))
                )  # fmt: skip
        return answer

    def _caller(self, headers: list[tuple[str, str]]) -> Caller:
        """The first to show credentials is the owner, others come behind."""
        shown = next((value for name, value in headers if name.lower() in _CREDENTIALS), None)
        if shown is None:
            return Caller.NOBODY
        if shown not in self._credentials:
            self._credentials.append(shown)
        callers = (Caller.OWNER, Caller.SECOND)
        number = self._credentials.index(shown)
        return callers[number] if number < len(callers) else Caller.STRANGER


def _is_kept(path: str, headers: tuple[tuple[str, str], ...], body: bytes) -> bool:
    views = {value.lower() for name, value in parse_qsl(urlsplit(path).query) if name.lower() == "view"}
    media_type = dict(headers).get("content-type", "")
    return not views & _UNSEEN and (not body or media_type.startswith("application/x-www-form-urlencoded"))


def _handler(listener: Listener) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 60.0

        def answer(self) -> None:
            length = self.headers.get("content-length", "0")
            if "transfer-encoding" in self.headers or not length.isdecimal() or int(length) > MOST_BODY_BYTES:
                self.close_connection = True  # what follows is no request
                self._tell(411, [], b"a body needs a Content-Length\n")
                return
            body = self.rfile.read(int(length))
            if not re.match(rf"{_BELOW}(?:[/?]|$)", self.path):
                self._tell(404, [], f"only what is below {_BELOW} is passed on\n".encode())
                return
            try:
                told = listener.passed_on(self.command, self.path, list(self.headers.items()), body)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                self._tell(502, [], f"{listener.root} does not answer: {error or repr(error)}\n".encode())
                return
            pairs = [pair for pair in told.headers.multi_items() if pair[0].lower() not in _OF_THE_CONNECTION]
            self._tell(told.status_code, pairs, told.content)

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = answer  # noqa: N815

        def _tell(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
            self.send_response_only(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name it is called by
            """Paths and credentials are nobody's business."""

    return Handler
