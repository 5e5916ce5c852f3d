"""What is different at night, on weekends and during maintenance.

:func:`prepare` before there is a model, :func:`install` on it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from skahasim.calendar.effects import CalendarError, Effects
from skahasim.calendar.recurrence import Recurrence
from skahasim.calendar.settings import CalendarEntry, CalendarSettings
from skahasim.calendar.switches import SwitchedAdmission, SwitchedOrdering
from skahasim.calendar.windows import Window, instant, windows
from skahasim.policies import policies_from

if TYPE_CHECKING:
    from skahasim.configuration import QueueSettings
    from skahasim.model import Model
    from skahasim.policies import Policies

__all__ = [
    "CalendarEntry",
    "CalendarError",
    "CalendarSettings",
    "Window",
    "install",
    "instant",
    "prepare",
    "windows",
]


def prepare(policies: Policies, queue: QueueSettings, settings: CalendarSettings) -> Policies:
    """``policies``, of ``queue``, such that the calendar can exchange their ordering and their limits.

    Where the calendar does neither, they are what they were. Raises :class:`CalendarError`, and what
    ``policies_from`` raises for an ordering that does not exist.
    """
    kueue = getattr(queue, "kueue", None) is not None
    ordering, admission = policies.ordering, policies.admission
    for index, entry in enumerate(settings):
        if entry.limits is not None and (kueue or queue.admission.policy != "open"):
            raise CalendarError(index, "limits", "only the admission policy 'open' has limits")
        if entry.ordering is not None and kueue:
            raise CalendarError(index, "ordering", "Kueue has an order of its own")
    if any(entry.ordering is not None for entry in settings):
        ordering = SwitchedOrdering(
            [
                ordering,
                *(
                    ordering
                    if entry.ordering is None
                    else policies_from(queue.model_copy(update={"ordering": entry.ordering})).ordering
                    for entry in settings
                ),
            ]
        )
    stops = not kueue and any(entry.stop is not None for entry in settings)
    if stops or any(entry.limits is not None for entry in settings):
        variants = [admission]
        for entry in settings:
            if entry.limits is None:
                variants.append(admission)
                continue
            given = {name: getattr(entry.limits, name) for name in entry.limits.model_fields_set}
            changed = queue.admission.model_copy(update={k: v for k, v in given.items() if v is not None})
            variants.append(policies_from(queue.model_copy(update={"admission": changed})).admission)
        admission = SwitchedAdmission(variants, stops=stops)
    return replace(policies, ordering=ordering, admission=admission)


def install(model: Model, settings: CalendarSettings, *, start: float, time_zone: str, seed: int = 0) -> None:
    """Let ``settings`` act on ``model``, whose time 0 is ``start``, in seconds since 1970-01-01T00:00Z.

    ``time_zone`` is an IANA name. The policies of the model went through :func:`prepare`. Where two entries set
    the same thing at the same time, the later in the list is in force. Raises :class:`CalendarError`.
    """
    zone = ZoneInfo(time_zone)
    effects = Effects(model)
    found = [
        (entry.when, effect) for index, entry in enumerate(settings) for effect in effects.of(index, entry)
    ]
    for when, effect in found:
        Recurrence(
            model.engine,
            windows(when, start=start, zone=zone, lead=effect.lead_seconds),
            effect.enter,
            effect.leave,
        )
