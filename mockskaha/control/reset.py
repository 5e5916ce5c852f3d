"""Back to the beginning."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Body

from mockskaha.commands import DeleteSession
from mockskaha.control.form import Form
from mockskaha.control.namespaces import NamespaceView, namespace_view
from mockskaha.control.scope import Handlers, Here


class Reset(Form):
    """What goes back to its beginning."""

    what: Literal["seed", "all", "sessions", "journal"] = "seed"
    """``seed``: everything, to the state that was last seeded. ``all``: everything, to the settings of the server.
    ``sessions``: there are none any more; time, nodes and requests stay. ``journal``: the requests are forgotten."""


async def reset(namespace: Here, body: Annotated[Reset | None, Body()] = None) -> NamespaceView:
    what = (body or Reset()).what
    if what == "journal":
        namespace.requests.clear()
    elif what == "sessions":
        platform = namespace.platform
        for session in list(platform.inventory):
            if not session.is_app:
                platform.execute(DeleteSession(session.session_id))
    else:
        namespace.reset(to_seed=what == "seed")
    return namespace_view(namespace)


HANDLERS: Handlers = {"reset": reset}
