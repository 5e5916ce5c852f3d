"""A Skaha server as the checks see it: requests in its own words, what is known of it, sessions to look at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar
from urllib.parse import urlencode

from mockskaha.era import Era
from mockskaha.verify.check import NotChecked, Unmet, expect
from mockskaha.verify.client import Asks
from mockskaha.verify.exchange import Caller, Exchange, Request
from skahasim.clock import wall_time

FORM = "application/x-www-form-urlencoded"
UNKNOWN = "z9q8mockskaha"
"""Fits the syntax of an id and is none: Skaha's have eight characters."""
PREFIX = "mockskaha-verify-"
"""What the names of all sessions begin with that are launched here."""
_T = TypeVar("_T")


@dataclass(slots=True)
class Stage:
    """What one run has learned about a server, and what it has put there."""

    run: str = "0"
    """Tells the sessions of this run from those of another; letters and digits."""
    patience: float = 180.0
    """Seconds to wait for a session to run."""
    image: str | None = None
    """The image for batch jobs, where the first that fits will not do."""
    facts: dict[str, Any] = field(default_factory=dict)
    exhibits: dict[str, str] = field(default_factory=dict)
    """Sessions several checks look at, by what they are."""
    launched: dict[str, str] = field(default_factory=dict)
    """Sessions of this run that have to be removed: id -> name."""

    def copy(self) -> Stage:
        return replace(
            self, facts=dict(self.facts), exhibits=dict(self.exhibits), launched=dict(self.launched)
        )


Form = Mapping[str, str] | tuple[tuple[str, str], ...]


class Skaha:
    """For one check: everything it asks is kept in ``exchanges``."""

    def __init__(self, asks: Asks, era: Era, stage: Stage) -> None:
        self.era = era
        self.stage = stage
        self.exchanges: list[Exchange] = []
        self._asks = asks

    # -- requests ------------------------------------------------------------------------------------------

    def ask(
        self,
        method: str,
        path: str,
        *,
        query: Form = (),
        form: Form | None = None,
        body: bytes = b"",
        content_type: str | None = None,
        headers: tuple[tuple[str, str], ...] = (),
        caller: Caller = Caller.OWNER,
    ) -> Exchange:
        """The answer to ``method path``, a path below the service's root or a whole URL."""
        if query:
            path = f"{path}?{urlencode(query)}"
        if form is not None:
            body, content_type = urlencode(form).encode(), FORM
        if content_type is not None:
            headers = (*headers, ("Content-Type", content_type))
        exchange = self._asks.ask(Request(method, path, caller, headers, body))
        self.exchanges.append(exchange)
        return exchange

    def api(self, path: str) -> str:
        """``path`` below ``/skaha`` of something below the API: ``api("session")`` -> ``/v1/session``."""
        return f"/{self.era.base_path}/{path}"

    def get(self, path: str, query: Form = (), *, caller: Caller = Caller.OWNER) -> Exchange:
        """GET of something below the API: ``get("session", {"view": "all"})``."""
        return self.ask("GET", self.api(path), query=query, caller=caller)

    def post(self, path: str, form: Form | None = None, **options: Any) -> Exchange:
        """POST of a form, to something below the API."""
        if form is None and "content_type" not in options:
            form = {}
        return self.ask("POST", self.api(path), form=form, **options)

    def delete(self, path: str, *, caller: Caller = Caller.OWNER) -> Exchange:
        return self.ask("DELETE", self.api(path), caller=caller)

    def json(self, path: str, query: Form = (), *, caller: Caller = Caller.OWNER) -> Any:
        """What a GET of something below the API answers, parsed. Raises :class:`Unmet` unless 200 and JSON."""
        return parsed(self.get(path, query, caller=caller))

    def sessions(self, query: Form = (), *, caller: Caller = Caller.OWNER) -> list[dict[str, Any]]:
        """The list of sessions; every item is an object with an id, or :class:`Unmet` is raised."""
        exchange = self.get("session", query, caller=caller)
        found = parsed(exchange)
        expect(isinstance(found, list), "the list of sessions is no JSON array", exchange)
        expect(all(isinstance(item, dict) for item in found), "not every session is an object", exchange)
        return list(found)

    def session(self, session_id: str, *, caller: Caller = Caller.OWNER) -> dict[str, Any]:
        exchange = self.get(f"session/{session_id}", caller=caller)
        found = parsed(exchange)
        expect(isinstance(found, dict), "a session is no JSON object", exchange)
        return dict(found)

    # -- time ----------------------------------------------------------------------------------------------

    def pause(self, seconds: float) -> None:
        """Let time pass on the server."""
        self._asks.pause(seconds)

    def until(self, ask: Callable[[], _T | None], within: float, every: float = 1.0) -> _T | None:
        """What ``ask`` answers as soon as that is true; ``None`` after ``within`` seconds."""
        waited = 0.0
        while not (found := ask()) and waited < within:
            self.pause(every)
            waited += every
        return found or None

    # -- what is known -------------------------------------------------------------------------------------

    def fact(self, name: str, find: Callable[[], _T]) -> _T:
        """``find()``, once a run."""
        if name not in self.stage.facts:
            self.stage.facts[name] = find()
        found: _T = self.stage.facts[name]
        return found

    @property
    def username(self) -> str:
        """Who the server says is calling."""

        def find() -> str:
            name = self.get("session").header("x-vo-authenticated")
            if name is None:
                raise NotChecked("the server does not tell who is calling (x-vo-authenticated)")
            return name

        return self.fact("username", find)

    @property
    def hosts(self) -> list[str]:
        """Where images may come from."""
        return self.fact("hosts", lambda: [str(host) for host in self.json("repository") if host])

    @property
    def context(self) -> dict[str, Any]:
        return self.fact("context", lambda: dict(self.json("context")))

    @property
    def images(self) -> list[dict[str, Any]]:
        return self.fact("images", lambda: list(self.json("image")))

    def image_for(self, kind: str) -> str:
        """A public image to launch as ``kind``. Raises :class:`NotChecked` when there is none."""
        if kind == "headless" and self.stage.image:
            return self.stage.image
        fitting = [image["id"] for image in self.images if kind in image.get("types", ())]
        for word in ("terminal", "astroml", f"/{kind}"):
            for image in fitting:
                if word in image:
                    return str(image)
        if not fitting:
            raise NotChecked(f"the server has no public image of type {kind}")
        return str(fitting[0])

    @property
    def no_image(self) -> str:
        """An image of a known host that does not exist: nothing can be launched with it."""
        host = self.hosts[0] if self.hosts else "images.canfar.net"
        return f"{host}/mockskaha-verify/there-is-no-such-image:0"

    # -- sessions to look at -------------------------------------------------------------------------------

    def name(self, what: str) -> str:
        return f"{PREFIX}{self.stage.run}-{what}"

    def try_launch(self, what: str, kind: str, **form: str) -> Exchange:
        """Ask for a session. Whatever it was, what it made is going to be removed."""
        name = form.pop("name", self.name(what))
        asked = {"name": name, "image": form.pop("image", None) or self.image_for(kind), "type": kind, **form}
        exchange = self.post("session", asked)
        self.note_launch(exchange, name)
        return exchange

    def note_launch(self, exchange: Exchange, name: str) -> None:
        """Whatever ``exchange`` has launched has to be removed."""
        if exchange.status == 200 and (session_id := exchange.text.strip()):
            self.stage.launched[session_id] = name

    def launch(self, what: str, kind: str, **form: str) -> str:
        """The id of a new session. Raises :class:`NotChecked` when the user has too many already."""
        exchange = self.try_launch(what, kind, **form)
        if exchange.status == 400 and "has reached the maximum" in exchange.text:
            raise NotChecked(f"{exchange.text.strip()} Remove some of them first.")
        session_id = exchange.text.strip()
        if exchange.status != 200 or not session_id.isalnum():
            raise Unmet(f"a {kind} session could not be launched: {exchange.told()}", exchange)
        return session_id

    def exhibit(self, what: str) -> str:
        """The id of one of the sessions that several checks look at."""
        if what not in self.stage.exhibits:
            kind, form = _EXHIBITS[what]
            self.stage.exhibits[what] = self.launch(what, kind, **form)
        return self.stage.exhibits[what]

    def running(self, what: str) -> dict[str, Any]:
        """An exhibit, once it is Running. Raises :class:`Unmet` when it does not get there in time."""
        session_id = self.exhibit(what)
        wanted = "Running"

        def ask() -> dict[str, Any] | None:
            found = [item for item in self.sessions() if item.get("id") == session_id]
            return found[0] if found and found[0].get("status") == wanted else None

        found = self.until(ask, self.stage.patience)
        if found is None:
            raise Unmet(
                f"the {what} is not {wanted} after {self.stage.patience:.0f} s (--wait gives it longer)",
                self.exchanges[-1],
            )
        return found

    def remove(self, session_id: str) -> None:
        """Delete a session of this run, for good."""
        self.delete(f"session/{session_id}")
        self.stage.exhibits = {what: made for what, made in self.stage.exhibits.items() if made != session_id}


_EXHIBITS: Mapping[str, tuple[str, dict[str, str]]] = {
    "notebook": ("notebook", {"cores": "1", "ram": "1"}),
    "desktop": ("desktop", {}),
    "carta": ("carta", {"cores": "1"}),
    "job": ("headless", {"cmd": "sleep", "args": "900"}),
    "memory": ("headless", {"cmd": "sleep", "args": "900", "ram": "1"}),
    "greeting": ("headless", {"cmd": "echo", "args": "hello from mockskaha verify"}),
}
"""What each is for: fixed resources; a home of apps; cores alone; nothing asked for; memory alone; one that ends."""


def run_name() -> str:
    """Tells the sessions of this run from those of any other."""
    return f"{int(wall_time() * 1000):x}"[-7:]


def parsed(exchange: Exchange) -> Any:
    """The JSON of an answer that has to be 200. Raises :class:`Unmet`."""
    if exchange.status != 200:
        raise Unmet(
            f"{exchange.request.method} {exchange.request.path}: expected 200, got {exchange.told()}",
            exchange,
        )
    try:
        return exchange.json
    except ValueError as error:
        raise Unmet(f"the body is not JSON: {error}; {exchange.told()}", exchange) from None
