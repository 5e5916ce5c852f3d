"""Which flavors a pod may go to: node labels, taints and tolerations, as Kubernetes reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple


class Taint(NamedTuple):
    key: str
    value: str = ""
    effect: str = "NoSchedule"


class Toleration(NamedTuple):
    key: str = ""
    """Empty with ``operator`` Exists tolerates every taint."""
    operator: str = "Equal"
    value: str = ""
    effect: str = ""
    """Empty tolerates every effect."""

    def tolerates(self, taint: Taint) -> bool:
        if self.effect and self.effect != taint.effect:
            return False
        if self.key and self.key != taint.key:
            return False
        return self.operator == "Exists" or (self.value == taint.value and bool(self.key))


class Requirement(NamedTuple):
    """One expression of a node selector term."""

    key: str
    operator: str
    """In, NotIn, Exists, DoesNotExist, Gt or Lt."""
    values: tuple[str, ...] = ()

    def holds(self, labels: Mapping[str, str]) -> bool:
        return _OPERATORS[self.operator](labels.get(self.key), self.values)


def _compares(value: str | None, values: tuple[str, ...], sign: int) -> bool:
    try:
        return value is not None and sign * int(value) > sign * int(values[0])
    except (ValueError, IndexError):
        return False


_OPERATORS: Mapping[str, Callable[[str | None, tuple[str, ...]], bool]] = MappingProxyType(
    {
        "In": lambda value, values: value in values,
        "NotIn": lambda value, values: value not in values,
        "Exists": lambda value, _: value is not None,
        "DoesNotExist": lambda value, _: value is None,
        "Gt": lambda value, values: _compares(value, values, 1),
        "Lt": lambda value, values: _compares(value, values, -1),
    }
)


def untolerated(taints: Iterable[Taint], tolerations: Iterable[Toleration]) -> Taint | None:
    """The first taint that keeps a pod away (NoSchedule, NoExecute) and that nothing tolerates."""
    tolerations = tuple(tolerations)
    for taint in taints:
        repels = taint.effect in ("NoSchedule", "NoExecute")
        if repels and not any(toleration.tolerates(taint) for toleration in tolerations):
            return taint
    return None


def selects(
    node_selector: Mapping[str, str],
    required: tuple[tuple[Requirement, ...], ...],
    labels: Mapping[str, str],
    keys: frozenset[str],
) -> bool:
    """Whether a node with ``labels`` is asked for, looking at the label ``keys`` only.

    A term left with no requirement of those keys holds for every node, as in Kueue; a selector of no terms
    too.
    """
    if any(key in keys and labels.get(key) != value for key, value in node_selector.items()):
        return False
    if not required:
        return True
    return any(all(need.holds(labels) for need in term if need.key in keys) for term in required)


def selector_matches(selector: Mapping[str, object], labels: Mapping[str, str]) -> bool:
    """Whether a Kubernetes label selector (``matchLabels``, ``matchExpressions``) selects ``labels``."""
    wanted = selector.get("matchLabels") or {}
    assert isinstance(wanted, Mapping)
    if any(labels.get(key) != value for key, value in wanted.items()):
        return False
    expressions = selector.get("matchExpressions") or ()
    assert isinstance(expressions, Iterable)
    return all(
        Requirement(one["key"], one["operator"], tuple(one.get("values") or ())).holds(labels)
        for one in expressions
    )
