"""Every operation of a server explored by Schemathesis: examples, edges, random data, and chains of links.

Needs the extra ``verify``. Nothing else imports this module before somebody asks for it.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema

from mockskaha.contract.document import definitions
from mockskaha.verify.check import NotChecked, Unmet
from mockskaha.verify.client import STRANGERS_TOKEN, Client, Unreachable, is_loopback
from mockskaha.verify.exchange import Caller, Exchange, Request
from mockskaha.verify.narrowing import CHANGING, Site, Transport, narrowed
from mockskaha.verify.skaha import PREFIX, Skaha
from mockskaha.verify.verification import Outcome, Result, Verification
from skahasim.clock import WallClock, wall_time

BARE_ID = re.compile(r"[a-z][a-z0-9]{2}([a-z0-9]{5})?\n")
MOST_LAUNCHES_ELSEWHERE = 30
"""Sessions that are launched on a server on another machine before the exploration ends."""
_LINK = re.compile(r" -> \[200\] (\w+) -> .*")
_SHOWN_CASES = 5


@dataclass(frozen=True, slots=True)
class Profile:
    """How much is tried."""

    seed: int
    examples: int
    chains: int
    transports: tuple[Transport, ...]
    max_time: float
    """Seconds."""


def profile_named(name: str) -> Profile:
    """``ci``: the same each time, within a minute. ``deep``: from a fresh seed, for half an hour."""
    if name == "ci":
        return Profile(1, 15, 30, ("form",), 55.0)
    if name == "deep":
        return Profile(int(wall_time()), 100, 300, ("form", "query"), 1800.0)
    raise ValueError(f"no profile is called {name!r}; there are ci and deep")


@schemathesis.deserializer("text/plain")
def text(context: Any, response: Any) -> str:
    """A text as it is; but of an answer to a launch the bare id, to be put into the next request."""
    content: str = response.content.decode()
    return content.removesuffix("\n") if BARE_ID.fullmatch(content) else content


@dataclass
class Findings:
    """What came of an exploration."""

    failures: dict[str, list[tuple[str, Exchange | None]]] = field(default_factory=dict)
    """By operation: what is wrong, and the exchange that shows it."""
    errors: list[str] = field(default_factory=list)
    links: set[str] = field(default_factory=set)
    """Followed from a 200 to a 200, as ``POST /skaha/v1/session: logs``."""
    cases: dict[str, int] = field(default_factory=dict)
    """Requests of each operation, as ``GET /skaha/v1/session``."""
    statuses: dict[int, int] = field(default_factory=dict)
    """Of operations of the API: how often each status was answered."""
    ended: str = ""
    """Why it ended before it was done."""


def configuration(*, seed: int, examples: int, chains: int) -> dict[str, Any]:
    """The packaged settings of Schemathesis: what is switched off for which operation, and why."""
    settings = tomllib.loads((files("mockskaha") / "verify" / "schemathesis.toml").read_text("utf-8"))
    settings["seed"] = seed
    settings["generation"]["max-examples"] = examples
    settings["phases"]["stateful"]["generation"]["max-examples"] = chains
    return settings


def explore(
    client: Client, verification: Verification, profile: str, *, write: bool, max_time: float | None = None
) -> list[Result]:
    """Explore the server of ``verification``; every answer goes into its ledger. What is launched is removed."""
    plan = profile_named(profile)
    explorer = _Explorer(client, verification, plan, write=write)
    clock = WallClock()
    try:
        for transport in plan.transports:
            left = (max_time or plan.max_time) - clock.now()
            if left > 0:
                explorer.run(transport, left)
    finally:
        explorer.clean()
    if explorer.was_interrupted:
        raise KeyboardInterrupt
    return list(explorer.results())


class _Explorer:
    def __init__(self, client: Client, verification: Verification, plan: Profile, *, write: bool) -> None:
        self.found = Findings()
        self.was_interrupted = False
        self._client = client
        self._verification = verification
        self._plan = plan
        self._write = write
        self._is_near = is_loopback(client.root)
        self._skaha = Skaha(client, verification.era, verification.stage)
        self._launched: list[str] = []
        self._links_of_the_contract: set[str] = set()
        self._has_sessions = bool(self._skaha.sessions())
        answer = self._skaha.get("session", caller=Caller.STRANGER)
        self._takes_any_token = answer.header("x-vo-authenticated") == STRANGERS_TOKEN
        self._site = self._look()

    def _look(self) -> Site:
        context = self._skaha.context
        options = context["gpus"]["options"]
        images = [image["id"] for image in self._skaha.images if "headless" in image["types"]]
        if not self._is_near:
            images = [self._skaha.image_for("headless")]
        return Site(
            tuple(images),
            tuple(context["cores"]["options"]),
            tuple(context["memoryGB"]["options"]),
            tuple(options),
            f"{PREFIX}{self._verification.stage.run}-",
            is_modest=not self._is_near,
        )

    def run(self, transport: Transport, seconds: float) -> None:
        config = self._configuration(transport, seconds)
        era = self._verification.era
        document = narrowed(era, self._site, transport, write=self._write, has_sessions=self._has_sessions)
        self._links_of_the_contract |= {
            name
            for _, _, operation in definitions(document)
            for response in operation["responses"].values()
            for name in response.get("links", ())
        }
        schema = schemathesis.openapi.from_dict(document, config=SchemathesisConfig.from_dict(config))

        @schema.hook
        def after_call(context: Any, case: Any, response: Any) -> None:
            self._note_launch(response)

        clock = WallClock()
        stream = from_schema(schema).execute()
        for event in stream:
            if isinstance(event, events.ScenarioFinished):
                self._note(event.recorder)
            elif isinstance(event, events.Interrupted):
                self.was_interrupted = not self.found.ended  # to be stopped is told like that, too
            elif isinstance(event, events.NonFatalError | events.FatalError):
                told = getattr(event, "value", None) or getattr(event, "exception", event)
                self.found.errors.append(f"{getattr(event, 'label', 'all')}: {told}")
            if clock.now() > seconds and not self.found.ended:
                self.found.ended = f"ended after {seconds:.0f} s"
                stream.stop()
            if not self._is_near and len(self._launched) > MOST_LAUNCHES_ELSEWHERE:
                self.found.ended = f"ended after {len(self._launched)} launches"
                stream.stop()

    def _configuration(self, transport: Transport, seconds: float) -> dict[str, Any]:
        plan, client = self._plan, self._client
        settings = configuration(seed=plan.seed, examples=plan.examples, chains=plan.chains)
        settings["base-url"] = client.root.removesuffix("/skaha")
        settings["auth"]["openapi"]["bearer"]["bearer"] = client.token(Caller.OWNER)
        settings["request-timeout"] = client.timeout
        if authority := os.environ.get("SSL_CERT_FILE"):  # which the other requests heed as well
            settings["tls-verify"] = authority
        if client.rate:
            settings["rate-limit"] = f"{max(1, round(client.rate))}/s"
        # The methods a narrowed document has not are those that must not be tried: POST and DELETE change things.
        settings["phases"]["coverage"] = {"unexpected-methods": ["PUT", "PATCH"]}
        if transport == "query":
            settings["headers"] = {"Content-Type": "application/x-www-form-urlencoded"}
        if self._takes_any_token:  # a mockskaha that is not strict: every token is somebody's
            settings["checks"] = {"ignored_auth": {"enabled": False}}
        settings["phases"]["stateful"]["enabled"] = self._write or self._has_sessions
        if self._write and not self._is_near:
            settings["operations"].append(
                {
                    "include-operation-id": list(CHANGING),
                    "generation": {"mode": "positive"},
                    "phases": {phase: {"enabled": False} for phase in ("examples", "coverage", "fuzzing")},
                }
            )
        return settings

    def _note_launch(self, response: Any) -> None:
        request = response.request
        if request.method != "POST" or response.status_code != 200:
            return
        if urlsplit(request.url).path.endswith("/session") and BARE_ID.fullmatch(response.text):
            self._launched.append(response.text.strip())

    def _note(self, recorder: Any) -> None:
        found = self.found
        exchanges = {
            case_id: _exchange(interaction, self._client.root)
            for case_id, interaction in recorder.interactions.items()
            if interaction.response is not None
        }
        for exchange in exchanges.values():
            self._verification.ledger.keep(exchange)
            if "/v1/" in exchange.url or "/v0/" in exchange.url:
                found.statuses[exchange.status] = found.statuses.get(exchange.status, 0) + 1
        for case_id, checks in recorder.checks.items():
            for check in checks:
                if check.failure_info is not None and not _is_known(check):
                    failure = check.failure_info.failure
                    told = f"{check.name}: {failure}"
                    found.failures.setdefault(str(failure.operation), []).append(
                        (told, exchanges.get(case_id))
                    )
        for case_id, case in recorder.cases.items():
            if case_id in exchanges:
                label = case.value.operation.label
                found.cases[label] = found.cases.get(label, 0) + 1
                if case.is_transition_applied and exchanges[case_id].status == 200:
                    found.links.add(_LINK.sub(r": \1", case.transition.id))

    # -- what came of it -----------------------------------------------------------------------------------

    def results(self) -> Iterable[Result]:
        found = self.found
        for label in sorted(set(found.cases) | set(found.failures)):
            title = f"{label}: {found.cases.get(label, 0)} requests"
            failures = found.failures.get(label)
            if failures:
                told = list(dict.fromkeys(reason for reason, _ in failures))
                more = f" (and {len(told) - _SHOWN_CASES} more)" if len(told) > _SHOWN_CASES else ""
                yield _result(
                    label, title, Outcome.FAILED, "\n".join(told[:_SHOWN_CASES]) + more, failures[0][1]
                )
            else:
                yield _result(label, title, Outcome.PASSED)
        if found.errors:
            yield _result(
                "errors", "The exploration itself works", Outcome.FAILED, "\n".join(found.errors[:3])
            )
        yield self._links()
        yield self._let_in()

    def _links(self) -> Result:
        links = self.found.links
        if not self._write and not self._has_sessions:
            reason = "the user has no session to follow a link from (--write launches some)"
            return _result("links", "Chains of requests", Outcome.SKIPPED, reason)
        if not links:
            ended = f"; it {self.found.ended} (--max-time)" if self.found.ended else ""
            return _result("links", "Chains of requests", Outcome.FAILED, f"not one link was followed{ended}")
        named = sorted({_name(link) for link in links} & self._links_of_the_contract)
        title = (
            f"Chains of requests: {len(named)} of {len(self._links_of_the_contract)} links of the contract were "
            f"followed ({', '.join(named)}), {len(links)} with those that follow from it"
        )
        return _result("links", title, Outcome.PASSED)

    def _let_in(self) -> Result:
        """All could be well because all was refused."""
        statuses = self.found.statuses
        title = f"The explorer was let in: {statuses.get(200, 0)} of {sum(statuses.values())} answers are 200"
        if not statuses.get(200):
            return _result("let-in", title, Outcome.FAILED, f"no request was answered with 200: {statuses}")
        if self._write and not self._launched:
            return _result("let-in", title, Outcome.FAILED, "no session could be launched")
        return _result("let-in", title, Outcome.PASSED)

    def clean(self) -> None:
        """Delete every session that was launched; those that stay are told by the verification."""
        left: dict[str, str] = {}
        try:
            there = {item["id"]: str(item.get("name")) for item in self._skaha.sessions()}
            mine = {session_id: there[session_id] for session_id in self._launched if session_id in there}
            for session_id in mine:
                self._skaha.delete(f"session/{session_id}")
            if mine:
                still = {i["id"] for i in self._skaha.sessions() if i.get("status") != "Terminating"}
                left = {session_id: name for session_id, name in mine.items() if session_id in still}
        except (Unmet, NotChecked, Unreachable):
            left = dict.fromkeys(self._launched, "(the server does not tell)")
        self._verification.left |= left


def _is_known(check: Any) -> bool:
    """A session that is gone has an empty log (skaha-contract §2.9)."""
    return check.name == "use_after_free" and "view=logs" in check.failure_info.code_sample


def _name(link: str) -> str:
    return link.rpartition(": ")[2]


def _result(
    name: str, title: str, outcome: Outcome, reason: str = "", exchange: Exchange | None = None
) -> Result:
    return Result(
        f"schemathesis.{name}",
        "skaha-contract §1 to §8",
        title,
        "schemathesis",
        outcome,
        reason,
        exchange,
        None,
    )


def _exchange(interaction: Any, root: str) -> Exchange:
    request, response = interaction.request, interaction.response
    sent = tuple((name, value) for name, values in request.headers.items() for value in values)
    known = any(name.lower() == "authorization" for name, _ in sent)
    shown = tuple((name, value) for name, value in sent if name.lower() == "content-type")
    path = request.uri.removeprefix(root) if request.uri.startswith(root) else request.uri
    caller = Caller.OWNER if known else Caller.NOBODY
    return Exchange(
        Request(request.method, path, caller, shown, request.body or b""),
        request.uri,
        response.status_code,
        tuple((name.lower(), value) for name, values in response.headers.items() for value in values),
        response.content,
        wall_time(),
        response.elapsed,
        sent,
    )
