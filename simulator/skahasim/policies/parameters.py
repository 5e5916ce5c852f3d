"""What the sections of single policies have in common."""

from __future__ import annotations

from pydantic import ConfigDict

from skahasim.section import Section


class Parameters(Section):
    """The keys that one policy adds to its section of the queue, e.g. ``half_life_hours`` of ``fair-share``."""

    model_config = ConfigDict(defer_build=True)
