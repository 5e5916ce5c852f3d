"""A fixed conversation with a server, to be kept: what is asked, in its order."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mockskaha.era import Era
from mockskaha.verify.check import NotChecked, Unmet
from mockskaha.verify.client import Client
from mockskaha.verify.exchange import Caller, Exchange
from mockskaha.verify.skaha import UNKNOWN, Skaha, Stage
from mockskaha.verify.verification import Verification

_MOST_SESSIONS = 3
"""Sessions of the user that are looked at one by one."""
_FOREIGN = "example.org/mockskaha-verify/there-is-no-such-image:0"


class Recording:
    """The exchanges of one conversation, and whether everything it launched is gone."""

    def __init__(self, client: Client, era: Era, stage: Stage, *, write: bool) -> None:
        self._verification = Verification(client, era, stage, write=write)
        self._skaha = Skaha(client, era, stage)
        self._write = write

    @property
    def exchanges(self) -> list[Exchange]:
        return self._skaha.exchanges

    @property
    def left(self) -> dict[str, str]:
        """Sessions that could not be removed: id -> name."""
        return self._verification.left

    def parts(self) -> Iterator[tuple[str, Callable[[], None]]]:
        """What is recorded, part by part. To be used inside ``with recording.removing():``."""
        yield "the service", self._service
        yield "images, context, statistics", self._platform
        yield "the user's sessions", self._sessions
        yield "refusals", self._refusals
        if self._write:
            yield "a batch job from its launch to its end", self._job
            yield "a notebook", self._notebook

    def removing(self) -> Verification:
        """Removes what was launched, at the end of a ``with``."""
        return self._verification

    def _service(self) -> None:
        ask = self._skaha.ask
        for method, path in (
            ("GET", "/availability"), ("GET", "/availability?detail=min"), ("GET", "/capabilities"),
            ("HEAD", "/capabilities"), ("HEAD", ""),
        ):  # fmt: skip
            ask(method, path, caller=Caller.NOBODY)
        for version in ("v0", "v1"):
            ask("GET", f"/{version}/session")
        for resource in ("session", "image", "context", "repository"):
            self._skaha.get(resource, caller=Caller.NOBODY)
            for method in ("PUT", "HEAD"):
                ask(method, self._skaha.api(resource))

    def _platform(self) -> None:
        get = self._skaha.get
        for resource in ("repository", "context", "image", "image/banana"):
            get(resource)
        for kind in ("headless", "carta", "banana", ""):
            get("image", {"type": kind})
        get("session", {"view": "stats"})

    def _sessions(self) -> None:
        skaha = self._skaha
        listed = skaha.get("session")
        for query in (
            {"view": "interactive"}, {"type": "headless"}, {"TYPE": "Notebook"}, {"status": "Running"},
            {"type": "banana"}, {"status": "banana"}, {"view": "banana"},
        ):  # fmt: skip
            skaha.get("session", query)
        # Everybody's sessions are nobody's business: their names and how many there are.
        for session_id in (
            UNKNOWN,
            "a_",
            "x" * 64,
            f"{UNKNOWN}/",
            f"{UNKNOWN}/app",
            f"{UNKNOWN}/app/zzz",
            "a/b/c/d",
        ):
            skaha.get(f"session/{session_id}")
        for view in ("logs", "events"):
            skaha.get(f"session/{UNKNOWN}", {"view": view})
        own = listed.json if listed.status == 200 else []
        for item in own[:_MOST_SESSIONS]:
            skaha.get(f"session/{item['id']}")
            skaha.get(f"session/{item['id']}", {"view": "events"})

    def _refusals(self) -> None:
        skaha = self._skaha
        for action in ({}, {"action": "banana"}, {"action": "renew"}):
            skaha.post(f"session/{UNKNOWN}", action)
        skaha.post(f"session/{UNKNOWN}/app")
        skaha.post(f"session/{UNKNOWN}/app/zzz")
        bad = {"type": "banana", "cores": "-1", "ram": "-2", "name": "mockskaha_verify", "gpus": "-1"}
        good: dict[str, str] = {"image": skaha.no_image}
        skaha.post("session", bad)
        for image in ("", _FOREIGN, skaha.no_image):
            skaha.post("session", {**bad, "image": image})
        for name, value in (("type", "headless"), ("cores", "1"), ("ram", "1")):
            good[name] = value
            skaha.post("session", {**bad, **good})
        skaha.post("session", {**bad, **good, "name": ""})
        skaha.post("session", content_type="application/json", body=b'{"name": "mockskaha_verify"}')

    def _job(self) -> None:
        skaha = self._skaha
        session_id = skaha.launch("Job", "headless", name=skaha.name("Job"), cmd="sleep", args="600")
        self._see_it_run(session_id)
        skaha.get(f"session/{session_id}", {"view": "events"})
        skaha.post(f"session/{session_id}", {"action": "renew"})
        skaha.get(f"session/{session_id}")
        self._see_it_go(session_id)
        greeting = skaha.launch("greeting", "headless", cmd="echo", args="hello from mockskaha")
        self._quietly(lambda: skaha.session(greeting)["status"] not in ("Pending", "Running"))
        skaha.get(f"session/{greeting}")
        skaha.get(f"session/{greeting}", {"view": "logs"})
        skaha.post(f"session/{greeting}", {"action": "renew"})
        self._see_it_go(greeting)

    def _notebook(self) -> None:
        skaha = self._skaha
        session_id = skaha.launch("notebook", "notebook", cores="1", ram="1")
        self._see_it_run(session_id)
        skaha.get("session", {"view": "interactive"})
        skaha.post(f"session/{session_id}", {"action": "renew"})
        skaha.get(f"session/{session_id}")
        self._see_it_go(session_id)

    def _see_it_run(self, session_id: str) -> None:
        self._skaha.get(f"session/{session_id}")
        self._quietly(lambda: self._skaha.session(session_id)["status"] == "Running")
        self._skaha.get(f"session/{session_id}")
        self._skaha.get("session")

    def _see_it_go(self, session_id: str) -> None:
        self._skaha.remove(session_id)
        gone = lambda: session_id not in [item["id"] for item in self._skaha.sessions()]  # noqa: E731
        self._quietly(gone)
        self._skaha.get(f"session/{session_id}")
        self._skaha.get(f"session/{session_id}", {"view": "logs"})
        self._skaha.get(f"session/{session_id}", {"view": "events"})

    def _quietly(self, holds: Callable[[], bool]) -> None:
        """Ask until it holds, and keep nothing of the asking: how often that is, is chance."""
        before = len(self.exchanges)
        try:
            self._skaha.until(holds, self._skaha.stage.patience)
        except (Unmet, NotChecked):
            pass  # what is asked next tells
        finally:
            del self.exchanges[before:]
