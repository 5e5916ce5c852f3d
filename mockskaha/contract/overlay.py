"""The contract of another version of Skaha: the same document with overlays, which are data (``openapi/eras.yaml``)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any

from mockskaha.era import Era

APPENDED = "+"
"""At the end of a key: its list goes on with these."""


def overlaid(document: dict[str, Any], overlays: Iterable[Mapping[str, Any]], era: Era) -> dict[str, Any]:
    """``document`` as it is in ``era``: changed by each of the ``overlays`` whose ``when`` the era answers so."""
    about = []
    for overlay in overlays:
        if any(getattr(era, name) != value for name, value in overlay["when"].items()):
            continue
        about.append(overlay["about"])
        for begin, instead in overlay.get("move", {}).items():
            document["paths"] = {
                path.replace(begin, instead, 1): _moved(item, begin, instead)
                for path, item in document["paths"].items()
            }
        document = merged(document, overlay.get("patch", {}))
    lines = "\n".join(f"* {text}" for text in about)
    document["info"] |= {
        "version": era.release,
        "description": f"The interface of **Skaha {era.release}**. What is different from 1.4.0:\n\n{lines}\n",
    }
    return document


def merged(target: Any, patch: Any) -> Any:
    """``target`` with a JSON merge patch (RFC 7396): ``null`` removes. A list below ``name+`` is appended to ``name``;
    a patch that names all members of an object says their order, too."""
    if not isinstance(patch, dict):
        return deepcopy(patch)
    found = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            found.pop(name, None)
        elif name.endswith(APPENDED):
            found[name[:-1]] = [*found.get(name[:-1], ()), *deepcopy(value)]
        else:
            found[name] = merged(found.get(name), value)
    if set(found) <= set(patch):
        return {name: found[name] for name in patch if name in found}
    return found


def _moved(item: Mapping[str, Any], begin: str, instead: str) -> dict[str, Any]:
    moved = dict(item)
    if "x-also" in moved:
        moved["x-also"] = moved["x-also"].replace(begin, instead, 1)
    return moved
