"""The state a platform begins with, and the settings it runs by."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mockskaha.config.presentation import plain
from mockskaha.control.namespaces import NamespaceView, namespace_view
from mockskaha.control.problems import bad_document
from mockskaha.control.scope import Handlers, Here, Text
from mockskaha.seed import SeedState
from skahasim.policies import UnknownPolicy
from skahasim.profile import UnknownProfile
from skahasim.yamlfile import ConfigurationError, Document, Origin, Problem, parse, validate


async def put_state(namespace: Here, text: Text) -> NamespaceView:
    try:
        document = parse(text, "seed")
    except ConfigurationError as error:
        raise bad_document(error) from None
    try:
        namespace.populate(validate(SeedState, document))
    except ConfigurationError as error:
        raise bad_document(ConfigurationError(_located(item, document) for item in error.problems)) from None
    except UnknownPolicy as error:
        problem = Problem(Origin("seed"), tuple(error.key.split(".")), error.explanation)
        raise bad_document(ConfigurationError([_located(problem, document)])) from None
    except UnknownProfile as error:
        problem = Problem(Origin("seed"), ("profile",), str(error))
        raise bad_document(ConfigurationError([_located(problem, document)])) from None
    return namespace_view(namespace)


def _located(problem: Problem, document: Document) -> Problem:
    """``problem`` with its line, if it is one that was only found when the settings were put together."""
    if problem.origin.line is not None:
        return problem
    keys = [
        problem.key,
        ("settings", *problem.key),
        problem.key[1:],
    ]  # the last: cluster.nodes, given as nodes
    for length in range(max(map(len, keys)), 0, -1):
        for key in keys:
            if key[:length] in document.origins and length <= len(key):
                return replace(problem, origin=document.origins[key[:length]])
    return problem


async def get_settings(namespace: Here) -> dict[str, Any]:
    return dict(plain(namespace.platform.settings))


HANDLERS: Handlers = {"putState": put_state, "getSettings": get_settings}
