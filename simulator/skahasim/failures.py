"""Nodes that fail and are repaired: after random times, or as a list says.

The n-th time to failure and the n-th repair of a node are keyed draws (:mod:`skahasim.draws`): they depend on the
seed, the node's name and n alone, so every policy that is compared meets the same failures.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from math import exp, gamma, log1p
from statistics import NormalDist
from typing import TYPE_CHECKING, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from skahasim.calendar.effects import of_group
from skahasim.calendar.recurrence import Recurrence
from skahasim.calendar.windows import Window, instant
from skahasim.configuration import Section
from skahasim.draws import Draws

if TYPE_CHECKING:
    from skahasim.cluster import Node
    from skahasim.model import Model

_HOUR = 3600.0
_SHORTEST = 1.0
"""Seconds; no time drawn is shorter, so time passes between a failure and the next."""
_NORMAL = NormalDist()


class TimeSettings(Section):
    """A distribution of times, by its mean."""

    distribution: Literal["exponential", "weibull", "lognormal", "constant"] = "exponential"
    mean_hours: float = Field(gt=0, le=1e7)
    shape: float = Field(default=0.7, ge=0.1, le=20)
    """Of a Weibull distribution; below 1, failures come in bunches (Schroeder and Gibson, DSN 2006: 0.7 to 0.8
    between the failures of HPC nodes)."""
    sigma: float = Field(default=1.0, ge=0, le=5)
    """Of the logarithm, for a log-normal distribution (Schroeder and Gibson: the best fit of repair times)."""

    def seconds(self, uniform: float) -> float:
        """The quantile at ``uniform``, a number in [0, 1)."""
        mean = self.mean_hours * _HOUR
        match self.distribution:
            case "exponential":
                value = -mean * log1p(-uniform)
            case "weibull":
                value = mean / gamma(1 + 1 / self.shape) * (-log1p(-uniform)) ** (1 / self.shape)
            case "lognormal":
                value = mean * exp(self.sigma * _NORMAL.inv_cdf(max(uniform, 1e-12)) - self.sigma**2 / 2)
            case _:
                value = mean
        return max(value, _SHORTEST)


class RandomFailures(Section):
    """Nodes that fail on their own, each independent of the others."""

    group: str = ""
    """A group of nodes (``cluster.nodes[].name``), or one node; left out, all nodes."""
    up: TimeSettings
    """How long a node runs until it fails (MTBF), counted from the start or from its last repair."""
    down: TimeSettings
    """How long its repair takes (MTTR)."""


class Outage(Section):
    """One failure that is known."""

    node: str = Field(min_length=1)
    down: datetime
    """When it fails; local time unless it says otherwise."""
    up: datetime
    """When it is back."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if (self.down.tzinfo is None) != (self.up.tzinfo is None):
            raise ValueError("down and up must both have an offset, or none")
        if self.up <= self.down:
            raise ValueError("up must be after down")
        return self


class FailuresSettings(Section):
    """The scenario section ``failures:``."""

    random: tuple[RandomFailures, ...] = ()
    outages: tuple[Outage, ...] = ()
    requeue: bool = False
    """Jobs of a failed node wait again whatever restarts they have left, as a pod failure policy that ignores
    disruptions has it. Otherwise a lost pod uses a restart, and a job without any fails (``NodeLost``)."""


class UnknownNode(ValueError):
    """``failures`` names a node, or a group, that the cluster does not have."""

    def __init__(self, key: str, name: str) -> None:
        self.key = key
        """The setting, e.g. ``outages[0].node``."""
        self.explanation = f"there is no node or group of nodes {name!r}"
        super().__init__(f"failures.{key}: {self.explanation}")


def install(model: Model, settings: FailuresSettings, *, start: float, time_zone: str, seed: int) -> None:
    """Let nodes of ``model`` fail as ``settings`` say.

    Time 0 of the model is ``start``, in seconds since 1970-01-01T00:00Z; ``time_zone`` is an IANA name. A node that
    fails while it is down for another reason is up again when it is repaired of both. Raises
    :class:`UnknownNode`.
    """
    zone = ZoneInfo(time_zone)
    draws = Draws(seed)
    for index, failing in enumerate(settings.random):
        nodes = [node for node in model.cluster.nodes if node.name == failing.group]
        nodes = nodes or of_group(model.cluster.nodes, failing.group)
        if not nodes:
            raise UnknownNode(f"random[{index}].group", failing.group)
        for node in nodes:
            _fail(model, node, failures(failing, node.name, draws, index), settings.requeue)
    for index, outage in enumerate(settings.outages):
        try:
            node = model.cluster.node(outage.node)
        except KeyError:
            raise UnknownNode(f"outages[{index}].node", outage.node) from None
        down, up = (instant(time, zone) - start for time in (outage.down, outage.up))
        if up > 0.0:
            _fail(model, node, iter([Window(max(0.0, down), up)]), settings.requeue)


def failures(settings: RandomFailures, node: str, draws: Draws, index: int = 0) -> Iterator[Window]:
    """When ``node`` is down, in seconds of model time, without end. ``index`` tells several causes apart."""
    time, count = 0.0, 0
    while True:
        begin = time + settings.up.seconds(draws.uniform("failure", index, node, count))
        time = begin + settings.down.seconds(draws.uniform("repair", index, node, count))
        yield Window(begin, time)
        count += 1


def _fail(model: Model, node: Node, windows: Iterator[Window], requeue: bool) -> None:
    Recurrence(
        model.engine,
        windows,
        lambda: model.fail_node(node, requeue=requeue),
        lambda: model.repair_node(node),
    )
