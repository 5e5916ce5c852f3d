"""Policies by name: what a policy offers, and those of other packages.

A package offers a policy under the entry point group ``skahasim.policies``: the name of the entry point is the name
of the policy, its object an :class:`Offer`. Entry points are looked up only for a name that is not built in, so that
they cost nobody anything who uses none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, Literal, TypeAlias, TypeVar

from skahasim.policies.parameters import Parameters
from skahasim.section import Section

GROUP = "skahasim.policies"
Kind: TypeAlias = Literal["ordering", "admission", "placement", "backfill", "preemption"]
T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")

MUST_HAVE: Mapping[str, tuple[str, ...]] = {
    "ordering": ("key", "lane", "rank", "advance", "started", "ended", "moves_with_time"),
    "admission": ("suspends", "lane", "hold", "acquire", "release"),
    "placement": ("choose",),
    "backfill": ("__call__",),
    "preemption": ("victims",),
}


@dataclass(frozen=True, slots=True)
class Offer(Generic[T_co]):
    """A policy that a configuration can name."""

    kind: Kind
    build: Callable[[Any], T_co]
    """Makes the policy from its section (``queue.<kind>``), whose ``parameters`` are an instance of the class below."""
    parameters: type[Section] = Parameters
    """The keys that the policy adds to its section. An unknown key there is an error with file and line."""

    def __call__(self, settings: Any) -> T_co:
        return self.build(settings)


class UnknownPolicy(ValueError):
    """A configuration names a policy that does not exist, or cannot be used."""

    def __init__(self, key: str, name: str, known: Iterable[str]) -> None:
        self.key = key
        """The setting, e.g. ``queue.ordering.policy``."""
        self.explanation = f"unknown policy {name!r}; known: {', '.join(sorted(known))}"
        super().__init__(f"{key}: {self.explanation}")


class UnusablePolicy(UnknownPolicy):
    """A policy that is named exists, and cannot be loaded, built or combined with the others."""

    def __init__(self, key: str, explanation: str) -> None:
        self.key, self.explanation = key, explanation
        ValueError.__init__(self, f"{key}: {explanation}")


def setting(kind: Kind) -> str:
    """The key at which a policy of ``kind`` is named."""
    return f"queue.{kind}.policy"


def find(kind: Kind, name: str, built_in: Mapping[str, T]) -> T | Offer[Any]:
    """The policy called ``name``; a built-in one wins over one of another package.

    :raises UnknownPolicy: there is none; ``UnusablePolicy``: it cannot be loaded, or two packages offer it.
    """
    if name in built_in:
        return built_in[name]
    found = [(point, offer) for point, offer in _offers(kind, name) if offer.kind == kind]
    if not found:
        others = {point.name for point, _ in _offers(kind, None) if not isinstance(_, UnusablePolicy)}
        raise UnknownPolicy(setting(kind), name, {*built_in, *others})
    if len(found) > 1:
        packages = " and ".join(sorted(_package(point) for point, _ in found))
        raise UnusablePolicy(setting(kind), f"policy {name!r} is offered twice, by {packages}; remove one")
    return found[0][1]


def shadowed(kind: Kind, name: str) -> str:
    """The package that offers a policy under the name of a built-in one; empty when none does."""
    try:
        found = [point for point, offer in _offers(kind, name) if offer.kind == kind]
    except UnusablePolicy:
        return ""
    return _package(found[0]) if found else ""


def build(kind: Kind, name: str, maker: Callable[[Any], T], settings: Any, *, foreign: bool) -> T:
    """What ``maker`` makes of ``settings``.

    :raises UnusablePolicy: a policy of another package fails, or makes something that is no policy of its kind.
    """
    if not foreign:
        return maker(settings)
    try:
        policy = maker(settings)
    except Exception as error:
        text = f"policy {name!r} cannot be built: {type(error).__name__}: {error}"
        raise UnusablePolicy(setting(kind), text) from error
    lacking = [member for member in MUST_HAVE[kind] if not hasattr(policy, member)]
    if lacking:
        text = (
            f"policy {name!r} made {type(policy).__name__}, which is no {kind}: it lacks {', '.join(lacking)}"
        )
        raise UnusablePolicy(setting(kind), text)
    return policy


def _offers(kind: Kind, name: str | None) -> list[tuple[EntryPoint, Offer[Any]]]:
    """Entry points called ``name``, loaded; without a name, those of ``kind`` that can be loaded."""
    points = entry_points(group=GROUP) if name is None else entry_points(group=GROUP, name=name)
    found = []
    for point in points:
        try:
            offer = _loaded(kind, point)
        except UnusablePolicy:
            if name is not None:
                raise
            continue
        if name is not None or offer.kind == kind:
            found.append((point, offer))
    return found


def _loaded(kind: Kind, point: EntryPoint) -> Offer[Any]:
    try:
        offer = point.load()
    except Exception as error:  # whatever a stranger's module does when imported
        text = (
            f"policy {point.name!r} of {_package(point)} ({point.value}) cannot be loaded: "
            f"{type(error).__name__}: {error}"
        )
        raise UnusablePolicy(setting(kind), text) from error
    if not isinstance(offer, Offer):
        text = f"policy {point.name!r} of {_package(point)} ({point.value}) is no skahasim.policies.Offer"
        raise UnusablePolicy(setting(kind), text)
    return offer


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else point.module
