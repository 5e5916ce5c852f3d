"""The contract as an explorer of one server needs it: its images, its options, and nothing that must not be asked."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from mockskaha.contract import load_document
from mockskaha.contract.document import definitions, resolve
from mockskaha.era import Era

Transport = Literal["form", "query"]

NEVER_ASKED = {
    "setAvailability": "it takes the service out of use",
    "setLogControl": "it changes what the service logs",
    "getLogControl": "it is for administrators",
    "redirectToIndex": "a page, not part of the interface",
    "headRoot": "a page, not part of the interface",
    "getIndex": "a page, not part of the interface",
    "headIndex": "a page, not part of the interface",
    "getIndexHtml": "a page, not part of the interface",
    "getOpenapi": "every installation has a document of its own",
    "getServiceYaml": "every installation has a document of its own",
    "getSwaggerAsset": "a page, not part of the interface",
    "deleteAllSessions": "a server that errs here would delete what is not ours",
}
"""Operations of a server that is explored, and why they are left out. Whatever is not below /skaha is, too."""
SAFE_METHODS = ("get", "head")
CHANGING = ("createSession", "createApp", "renewSession", "deleteSession", "deleteApp")
"""Operations that change something when they are done right."""


@dataclass(frozen=True, slots=True)
class Site:
    """What is particular about a server: the values that are right there."""

    images: tuple[str, ...]
    """That batch jobs can be launched with."""
    cores: tuple[int, ...]
    ram: tuple[int, ...]
    gpus: tuple[int, ...]
    names: str = ""
    """What the names of sessions have to begin with; anything, when empty."""
    is_modest: bool = False
    """Launches ask for next to nothing: a machine that others use."""


def split_transports(document: dict[str, Any], transport: Transport) -> dict[str, Any]:
    """``document`` with one way to say who calls, and one to pass parameters.

    The query and the form of a launch are merged, and the query wins: data that is wrong in one would be made good
    by the other. So each is explored without the other.
    """
    document["security"] = [{"bearer": []}]
    schemas = document["components"]["schemas"]
    # A form cannot say whether a value is a list of one, so no list is wrong.
    schemas["Environment"] = {}
    # Only here: see ``explore.text``. That the newline is sent is checked of every answer apart from this.
    schemas |= {"NewSessionID": schemas["SessionID"], "NewAppID": schemas["AppID"]}
    for path, method, _ in definitions(document):
        operation = document["paths"][path][method]
        parameters = [dict(item) for item in operation.get("parameters", ())]
        required = [*operation.get("x-required", ())]
        # What is right in this header follows from no schema: base64 of two words with a colon.
        operation["parameters"] = [p for p in parameters if p.get("name") != "x-skaha-registry-auth"]
        in_query = any(parameter.get("in") == "query" for parameter in parameters)
        if not required or not in_query:
            continue
        if transport == "query":
            del operation["requestBody"]
            for parameter in operation["parameters"]:
                parameter["required"] = parameter.get("in") == "path" or parameter.get("name") in required
        else:
            operation["parameters"] = [p for p in operation["parameters"] if p.get("in") != "query"]
            operation["requestBody"]["required"] = True
            for link in operation["responses"]["200"].get("links", {}).values():
                link["parameters"].pop("query.action", None)
            for form in operation["requestBody"]["content"].values():
                form["schema"] = {**resolve(document, form["schema"]), "required": required}
    return document


def narrowed(
    era: Era, site: Site, transport: Transport, *, write: bool, has_sessions: bool
) -> dict[str, Any]:
    """The contract of ``era`` for a server like ``site``.

    Without ``write`` it has the operations that only read, and the links lead from the sessions that are there.
    """
    document = load_document(version=era.version)
    sessions = document["paths"][f"/skaha/{era.base_path}/session"]
    if site.is_modest:
        sessions["post"]["x-required"] += [
            "type",
            "cmd",
            "args",
            "cores",
            "ram",
        ]
    split_transports(document, transport)
    schemas = document["components"]["schemas"]
    decimals = r"(\.[0-9]+)?" if era.decimal_resources else ""
    schemas["LaunchImage"] = {"type": "string", "enum": list(site.images)}
    # Of interactive sessions there may be no more: what is right depends on what was launched before.
    schemas["LaunchType"] = {"type": "string", "enum": ["headless", *([] if site.is_modest else [""])]}
    schemas["Cores"] = {"type": "string", "pattern": f"^({_any_of(site.cores)}{decimals})?$"}
    schemas["Ram"] = {"type": "string", "pattern": f"^({_any_of(site.ram)}{decimals})?$"}
    schemas["Gpus"] = (
        {"type": "string", "pattern": f"^({_any_of(site.gpus)})?$"} if site.gpus else {"const": ""}
    )
    if site.is_modest:
        schemas |= {
            "Cores": {"const": "1"}, "Ram": {"const": "1"}, "Gpus": {"const": ""}, "Command": {"const": "sleep"},
            "Arguments": {"const": "60"}, "Environment": {"const": "MOCKSKAHA_VERIFY=1"},
            "SessionName": {"type": "string", "pattern": f"^{site.names}[a-z0-9]{{1,8}}$"},
        }  # fmt: skip
    left_out = NEVER_ASKED.keys()
    for path, method, operation in list(definitions(document)):
        if (
            not path.startswith("/skaha")
            or operation["operationId"] in left_out
            or not (write or method in SAFE_METHODS)
        ):
            del document["paths"][path][method]
    _drop(document, (path for path, item in document["paths"].items() if not _methods(item)))
    if write:
        _keep_links(document, left_out)
    elif has_sessions:
        sessions["get"]["responses"]["200"]["links"] = {
            name: {
                "operationId": "getSession",
                "parameters": {
                    "path.sessionID": "$response.body#/0/id",
                    **({"query.view": view} if view else {}),
                },
            }
            for name, view in (("session", ""), ("logs", "logs"), ("events", "events"))
        }
    return document


def _any_of(options: Iterable[int]) -> str:
    return f"({'|'.join(map(str, options))})"


def _methods(item: dict[str, Any]) -> set[str]:
    return set(item) & {"get", "head", "post", "put", "patch", "delete"}


def _drop(document: dict[str, Any], paths: Iterable[str]) -> None:
    for path in list(paths):
        del document["paths"][path]


def _keep_links(document: dict[str, Any], left_out: Collection[str]) -> None:
    """Links to operations that are left out lead nowhere."""
    for _, _, operation in definitions(document):
        for response in operation["responses"].values():
            links = response.get("links", {})
            for name in [name for name, link in links.items() if link["operationId"] in left_out]:
                del links[name]
