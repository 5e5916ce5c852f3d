"""The whole state as a document, and back."""

from __future__ import annotations

import orjson
from fastapi import Response

from mockskaha.control.namespaces import NamespaceView, namespace_view
from mockskaha.control.problems import BadInput, Conflict
from mockskaha.control.scope import Handlers, Here, Text
from mockskaha.journal import CommandsNotKept
from mockskaha.snapshot import SnapshotError, parse


async def get_snapshot(namespace: Here) -> Response:
    try:
        document = namespace.snapshot()
    except CommandsNotKept as error:
        raise Conflict(str(error)) from None
    return Response(document.model_dump_json(), media_type="application/json")


async def put_snapshot(namespace: Here, text: Text) -> NamespaceView:
    try:
        namespace.restore(parse(orjson.loads(text)))
    except orjson.JSONDecodeError as error:
        raise BadInput(
            f"the body is not JSON: line {error.lineno}, column {error.colno}: {error.msg}"
        ) from None
    except SnapshotError as error:
        raise BadInput(str(error)) from None
    return namespace_view(namespace)


HANDLERS: Handlers = {"getSnapshot": get_snapshot, "putSnapshot": put_snapshot}
