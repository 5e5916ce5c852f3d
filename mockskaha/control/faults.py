"""What goes wrong: faults that are set, presets of them, and what befalls a session that is there."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path, Response
from pydantic import Field

from mockskaha.commands import Disturbance
from mockskaha.control.form import Form, Span, View, Whole
from mockskaha.control.problems import BadInput, Conflict, NotFound, bad_document
from mockskaha.control.scope import Handlers, Here, Text
from mockskaha.control.sessions import SessionSummary, summary
from mockskaha.faults.book import BadFault, SetFault
from mockskaha.faults.disturbance import CannotDisturb, NoSuchSession, disturb
from mockskaha.faults.presets import presets, written_faults
from skahasim.yamlfile import ConfigurationError

Id = Annotated[str, Path()]


class FaultView(View):
    """A fault that is set, and what it has met."""

    id: str
    rule: dict[str, Any]
    """As it is written, defaults left out."""
    operations: list[str]
    """Those it can strike."""
    set_at: float
    """Model time, in seconds."""
    met: int
    """So many calls were for it."""
    struck: int
    """So many of them it struck."""
    spent: bool
    """It strikes no more."""


class FaultList(View):
    """Faults, in the order in which calls meet them."""

    faults: list[FaultView]


class PresetView(View):
    """Faults that have a name."""

    name: str
    description: str
    source: str
    """Where it is known from."""
    parameters: dict[str, Any]
    """What can be given otherwise, and what it is when it is not."""
    faults: list[dict[str, Any]]
    """As they are written; ``$name`` stands for a parameter."""


class PresetList(View):
    """All presets."""

    presets: list[PresetView]


class DisturbSession(Form):
    """What shall befall a session."""

    what: Disturbance
    app: str = ""
    """Id of the desktop app that is meant, and not the session itself."""
    exit_code: Whole = Field(default=1, ge=0, le=255)
    """For ``exit``."""
    seconds: Span | None = None
    """For ``preempt`` and ``stall``: how long it is kept waiting."""


def fault_view(fault: SetFault) -> FaultView:
    return FaultView(
        id=fault.id,
        rule=fault.rule.plain(),
        operations=sorted(fault.rule.operations),
        set_at=fault.set_at,
        met=fault.met,
        struck=fault.struck,
        spent=fault.is_spent,
    )


async def list_faults(namespace: Here) -> FaultList:
    return FaultList(faults=[fault_view(fault) for fault in namespace.faults])


async def add_faults(namespace: Here, text: Text, response: Response) -> FaultList:
    try:
        rules = written_faults(text, "given")
        if not rules:
            raise BadInput("there is no fault in it")
        made = namespace.faults.add(rules, namespace.platform.time)
    except ConfigurationError as error:
        raise bad_document(error) from None
    except BadFault as error:
        raise Conflict(str(error)) from None
    response.status_code = 201
    return FaultList(faults=[fault_view(fault) for fault in made])


async def clear_faults(namespace: Here) -> Response:
    namespace.faults.clear()
    return Response(status_code=204)


async def get_fault(namespace: Here, fault: Id) -> FaultView:
    found = namespace.faults.find(fault)
    if found is None:
        raise NotFound(f"there is no fault {fault[:80]!r}")
    return fault_view(found)


async def delete_fault(namespace: Here, fault: Id) -> Response:
    if not namespace.faults.remove(fault):
        raise NotFound(f"there is no fault {fault[:80]!r}")
    return Response(status_code=204)


async def list_presets() -> PresetList:
    return PresetList(
        presets=[
            PresetView(name=name, **preset.model_dump(mode="json")) for name, preset in presets().items()
        ]
    )


async def disturb_session(namespace: Here, session: Id, body: DisturbSession) -> SessionSummary:
    try:
        found = disturb(
            namespace.platform,
            session,
            body.what,
            app_id=body.app,
            exit_code=body.exit_code,
            seconds=body.seconds,
        )
    except NoSuchSession as error:
        raise NotFound(str(error)) from None
    except CannotDisturb as error:
        raise (Conflict if error.in_this_state else BadInput)(str(error)) from None
    return summary(found)


HANDLERS: Handlers = {
    "listFaults": list_faults,
    "addFaults": add_faults,
    "clearFaults": clear_faults,
    "getFault": get_fault,
    "deleteFault": delete_fault,
    "listPresets": list_presets,
    "disturbSession": disturb_session,
}
