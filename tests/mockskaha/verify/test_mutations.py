"""Behaviours broken one at a time: the run goes red each time, and names the check that is about it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest

from mockskaha import launch, views
from mockskaha import platform as platform_module
from mockskaha.errors import InvalidRequest, NotFound
from mockskaha.http import gateway
from mockskaha.http.exchange import Answer
from mockskaha.http.handlers import HANDLERS
from mockskaha.http.parameters import Parameters, parse
from mockskaha.inventory import Inventory
from mockskaha.platform import Platform
from mockskaha.verify.checks import all_checks
from tests.mockskaha.verify.conftest import Alter, failures, service, verified

pytestmark = pytest.mark.evidence("skaha-contract §1 to §4, §9: what each check is about")

Break = Callable[[pytest.MonkeyPatch], Alter | None]
MUTATIONS: dict[str, tuple[Break, str]] = {}


def breaks(check_id: str) -> Callable[[Break], Break]:
    """The check that has to notice."""

    def noted(mutation: Break) -> Break:
        MUTATIONS[mutation.__name__] = (mutation, check_id)
        return mutation

    return noted


def changed(answer: httpx.Response, **parts: Any) -> httpx.Response:
    """``answer`` with another status, content, or headers (``None`` takes one away)."""
    headers = [
        (n, v)
        for n, v in answer.headers.multi_items()
        if n not in ("content-length", *parts.get("headers", ()))
    ]
    headers += [(name, value) for name, value in parts.get("headers", {}).items() if value is not None]
    return httpx.Response(
        parts.get("status", answer.status_code), headers=headers, content=parts.get("content", answer.content)
    )


def on_sessions(change: Callable[[dict[str, Any]], None]) -> Alter:
    """Changes every session that is told in full."""

    def alter(request: httpx.Request, answer: httpx.Response) -> httpx.Response | None:
        if (
            not request.url.path.startswith("/skaha/v1/session")
            or answer.headers.get("content-type") != "application/json"
        ):
            return None
        value = answer.json()
        for item in value if isinstance(value, list) else [value]:
            if "connectURL" in item:
                change(item)
        return changed(answer, content=json.dumps(value, indent=2).encode())

    return alter


def handle(patch: pytest.MonkeyPatch, operation_id: str, handler: Callable[[Any, Any], Answer]) -> None:
    """Let another handler answer for an operation."""
    patch.setattr(gateway, "HANDLERS", {**HANDLERS, operation_id: handler})


# -- what is done ----------------------------------------------------------------------------------------------


@breaks("lifecycle.delete")
def delete_does_not_delete(patch: pytest.MonkeyPatch) -> None:
    handle(patch, "deleteSession", lambda platform, call: Answer())


@breaks("lifecycle.delete")
def delete_hides_from_the_list_alone(patch: pytest.MonkeyPatch) -> None:
    hidden: set[str] = set()
    of = Inventory.of

    def delete(platform: Any, call: Any) -> Answer:
        hidden.add(call.segments[0])
        return Answer()

    handle(patch, "deleteSession", delete)
    patch.setattr(
        Inventory, "of", lambda self, user: [i for i in of(self, user) if i.session_id not in hidden]
    )


@breaks("apps.delete")
def delete_does_not_delete_an_app(patch: pytest.MonkeyPatch) -> None:
    handle(patch, "deleteApp", lambda platform, call: Answer())


@breaks("lifecycle.renew")
def renew_does_nothing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(platform_module, "renewed_deadline", lambda session, now, grant: None)


@breaks("lifecycle.renew-batch")
def renew_extends_batch_jobs(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        platform_module,
        "renewed_deadline",
        lambda session, now, grant: int(now) - int(session.job.start_time or 0) + 15 * 86400,
    )


@breaks("launches.ids-are-new")
def ids_repeat(patch: pytest.MonkeyPatch) -> None:
    execute, first = Platform.execute, []

    def repeated(self: Platform, command: Any) -> str:
        made = execute(self, command)
        if len(made) == 8:
            first.append(made)
            return first[0]
        return made

    patch.setattr(Platform, "execute", repeated)


@breaks("launches.limit")
def nobody_counts_sessions(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(launch, "_check_session_limit", lambda launcher, user: None)


# -- who may ----------------------------------------------------------------------------------------------------


@breaks("isolation.get")
def sessions_of_others_are_found(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Inventory, "find", lambda self, username, session_id: self.session(session_id))


@breaks("isolation.list")
def sessions_of_others_are_listed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Inventory, "of", lambda self, username: list(self))


@breaks("isolation.delete")
def sessions_of_others_can_be_deleted(patch: pytest.MonkeyPatch) -> None:
    from mockskaha.commands import DeleteSession

    def delete(platform: Platform, call: Any) -> Answer:
        if platform.inventory.session(call.segments[0]) is not None:
            platform.execute(DeleteSession(call.segments[0]))
        return Answer()

    handle(patch, "deleteSession", delete)


@breaks("access.anonymous")
def nobody_is_let_in(patch: pytest.MonkeyPatch) -> None:
    admitted = gateway.Gateway._admitted

    def everybody(self: Any, call: Any, certificate: Any) -> Any:
        call.headers = {"authorization": "Bearer token-of-alice"} | dict(call.headers)
        return admitted(self, call, certificate)

    patch.setattr(gateway.Gateway, "_admitted", everybody)


# -- what is told -----------------------------------------------------------------------------------------------


@breaks("launches.ram-unit")
def ram_in_gib(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(views, "decimal_gb", lambda gib: f"{gib:.2f}")


@breaks("launches.name-lower-case")
def names_keep_their_case(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(launch, "label_name", lambda name: name)


@breaks("launches.flexible")
def cores_alone_are_fixed(patch: pytest.MonkeyPatch) -> Alter:
    def change(item: dict[str, Any]) -> None:
        if item["type"] == "carta":
            item |= {"isFixedResources": True, "requestedCPUCores": "1", "requestedRAM": "4.29"}

    return on_sessions(change)


@breaks("launches.fixed-by-ram")
def ram_alone_is_flexible(patch: pytest.MonkeyPatch) -> Alter:
    def change(item: dict[str, Any]) -> None:
        if "-memory" in item["name"]:
            item["isFixedResources"] = False
            del item["requestedCPUCores"]

    return on_sessions(change)


@breaks("lifecycle.running")
def sessions_stay_pending(patch: pytest.MonkeyPatch) -> Alter:
    return on_sessions(
        lambda item: item.update(status="Pending" if item["status"] == "Running" else item["status"])
    )


@breaks("lifecycle.completed")
def done_is_succeeded(patch: pytest.MonkeyPatch) -> Alter:
    return on_sessions(
        lambda item: item.update(status="Succeeded" if item["status"] == "Completed" else item["status"])
    )


@breaks("contract.getSession")
def a_field_too_many(patch: pytest.MonkeyPatch) -> Alter:
    return on_sessions(lambda item: item.update(banana="yellow"))


@breaks("sessions.list")
def absent_fields_are_null(patch: pytest.MonkeyPatch) -> Alter:
    return on_sessions(lambda item: item.setdefault("gpuUtilization", None))


@breaks("launches.connect-url")
def batch_jobs_have_an_address(patch: pytest.MonkeyPatch) -> Alter:
    return on_sessions(lambda item: item.update(connectURL=item["connectURL"] or "https://example.org/"))


@breaks("launches.answer")
def a_launch_answers_json(patch: pytest.MonkeyPatch) -> Alter:
    def alter(request: httpx.Request, answer: httpx.Response) -> httpx.Response | None:
        if request.method == "POST" and request.url.path == "/skaha/v1/session" and answer.status_code == 200:
            return changed(answer, headers={"content-type": "application/json"})
        return None

    return alter


@breaks("launches.answer")
def a_launch_answers_no_newline(patch: pytest.MonkeyPatch) -> Alter:
    def alter(request: httpx.Request, answer: httpx.Response) -> httpx.Response | None:
        if request.method == "POST" and request.url.path == "/skaha/v1/session" and answer.status_code == 200:
            return changed(answer, content=answer.content.strip())
        return None

    return alter


@breaks("platform.stats")
def statistics_in_another_case(patch: pytest.MonkeyPatch) -> Alter:
    def alter(request: httpx.Request, answer: httpx.Response) -> httpx.Response | None:
        return changed(answer, content=answer.content.replace(b"cpuCoresAvailable", b"cpucoresavailable"))

    return alter


@breaks("platform.stats-limits")
def maxima_are_those_of_a_node(patch: pytest.MonkeyPatch) -> Alter:
    def alter(request: httpx.Request, answer: httpx.Response) -> httpx.Response | None:
        return changed(answer, content=answer.content.replace(b'"ram": "32Gi"', b'"ram": "192G"'))

    return alter


@breaks("platform.context-layout")
def the_context_is_pretty(patch: pytest.MonkeyPatch) -> Alter:
    def alter(request: httpx.Request, answer: httpx.Response) -> httpx.Response | None:
        if request.url.path == "/skaha/v1/context" and answer.status_code == 200:
            return changed(answer, content=json.dumps(answer.json(), indent=4).encode())
        return None

    return alter


# -- refusals ---------------------------------------------------------------------------------------------------


@breaks("sessions.unknown-events")
def events_of_nothing(patch: pytest.MonkeyPatch) -> Alter:
    def alter(request: httpx.Request, answer: httpx.Response) -> httpx.Response | None:
        if "view=events" in str(request.url) and answer.status_code == 404:
            return changed(answer, status=200, content=b"<none>\n")
        return None

    return alter


@breaks("sessions.unknown-logs")
def logs_of_nothing_are_not_found(patch: pytest.MonkeyPatch) -> Alter:
    def alter(request: httpx.Request, answer: httpx.Response) -> httpx.Response | None:
        if "view=logs" in str(request.url) and not answer.content:
            return changed(answer, status=404, content=b"session not found\n")
        return None

    return alter


@breaks("lifecycle.delete-unknown")
def deleting_nothing_is_an_error(patch: pytest.MonkeyPatch) -> None:
    delete = HANDLERS["deleteSession"]

    def strict(platform: Platform, call: Any) -> Answer:
        if platform.inventory.find(call.user.username, call.segments[0]) is None:
            raise NotFound(call.segments[0])
        return delete(platform, call)

    handle(patch, "deleteSession", strict)


@breaks("refusals.type")
def the_name_is_looked_at_first(patch: pytest.MonkeyPatch) -> None:
    create = HANDLERS["createSession"]

    def eager(platform: Platform, call: Any) -> Answer:
        if "_" in (call.parameters.get("name") or ""):
            raise InvalidRequest("name can only contain alpha-numeric chars and '-'")
        return create(platform, call)

    handle(patch, "createSession", eager)


@breaks("refusals.resources")
def another_text(patch: pytest.MonkeyPatch) -> Alter:
    def alter(request: httpx.Request, answer: httpx.Response) -> httpx.Response | None:
        return changed(
            answer, content=answer.content.replace(b"Invalid value for 'ram'", b"Invalid value for ram")
        )

    return alter


@breaks("refusals.name")
def a_text_without_its_newline(patch: pytest.MonkeyPatch) -> Alter:
    def alter(request: httpx.Request, answer: httpx.Response) -> httpx.Response | None:
        return changed(
            answer, content=answer.content.replace(b"Missing parameter 'name'\n", b"Missing parameter 'name'")
        )

    return alter


@breaks("methods.only-forms")
def parameters_without_a_form(patch: pytest.MonkeyPatch) -> None:
    def lenient(
        method: str, query: bytes, content_type: str | None, body: bytes, **options: Any
    ) -> Parameters:
        return parse(method, query, "application/x-www-form-urlencoded", body, **options)

    patch.setattr(gateway, "parse", lenient)


@breaks("methods.names-in-any-case")
def names_of_parameters_in_lower_case_only(patch: pytest.MonkeyPatch) -> None:
    def exact(method: str, query: bytes, content_type: str | None, body: bytes, **options: Any) -> Parameters:
        found = parse(method, query, content_type, body, **options)
        sent = {name for name, _ in parse_qsl((query + b"&" + body).decode(), keep_blank_values=True)}
        return Parameters({name: found.values(name) for name in found if name in sent})

    patch.setattr(gateway, "parse", exact)


def unallowed(request: httpx.Request, answer: httpx.Response) -> httpx.Response | None:
    return changed(answer, headers={"allow": None}) if answer.status_code == 405 else None


@breaks("methods.allow")
def no_methods_are_told(patch: pytest.MonkeyPatch) -> Alter:
    return unallowed


@breaks("methods.head")
def head_is_answered(patch: pytest.MonkeyPatch) -> Alter:
    def alter(request: httpx.Request, answer: httpx.Response) -> httpx.Response | None:
        return changed(answer, status=200) if request.method == "HEAD" else None

    return alter


@breaks("apps.any-session")
def apps_of_one_desktop(patch: pytest.MonkeyPatch) -> None:
    listing = HANDLERS["listApps"]

    def own(platform: Platform, call: Any) -> Answer:
        known = platform.inventory.find(call.user.username, call.segments[0])
        return listing(platform, call) if known is not None else Answer(b"[]", "application/json")

    handle(patch, "listApps", own)


@pytest.mark.parametrize("name", sorted(MUTATIONS))
def test_a_broken_behaviour_is_noticed_by_the_check_that_is_about_it(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mutation, check_id = MUTATIONS[name]
    assert check_id.startswith("contract.") or check_id in {check.id for check in all_checks()}
    alter = mutation(monkeypatch)
    found = failures(verified(service(alter)))
    assert check_id in found, found


def test_the_service_as_it_is_passes_everything() -> None:
    results = verified(service())
    assert failures(results) == {}
    assert {result.id for result in results if result.outcome == "skipped"} == {"platform.stats-down"}
    assert len(results) > 110


def test_there_is_a_mutation_of_every_kind() -> None:
    assert len(MUTATIONS) >= 35
