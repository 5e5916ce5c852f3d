"""The report's page: everything in one file, nothing fetched."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from skahasim.report import answer, style
from skahasim.report.kinds import Kind
from skahasim.report.material import Material
from skahasim.study.run import Run
from skahasim.study.words import duration


class Drawing(NamedTuple):
    """A figure as it was drawn; no picture where there was nothing to draw."""

    kind: Kind
    picture: str


def render(
    material: Material, drawings: Sequence[Drawing], classes: pd.DataFrame, system: pd.DataFrame
) -> str:
    """The page as HTML."""
    environment = Environment(
        loader=PackageLoader("skahasim.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html").render(
        heading=_heading(material),
        baseline=material.names[0],
        names=material.names,
        others=material.others,
        scenarios=[_scenario(material, name) for name in material.names],
        facts=_facts(material),
        found=material.found,
        basis=_basis(material),
        verdicts=answer.verdicts(material),
        rows=answer.rows(material),
        figures=[_figure(drawing) for drawing in drawings],
        class_heads=answer.CLASS_HEADS,
        class_rows=answer.class_rows(classes),
        system_rows=answer.system_rows(system, material.names),
        settings=answer.changed_settings(material),
    )


def _heading(material: Material) -> str:
    names = material.names
    if len(names) == 1:
        return names[0]
    return f"{', '.join(names[1:-1])}{' and ' if len(names) > 2 else ''}{names[-1]} against {names[0]}"


def _figure(drawing: Drawing) -> dict[str, Any]:
    kind = drawing.kind
    alt = f"{kind.title}. The numbers are in data/{kind.name}.csv."
    picture = style.inline(drawing.picture, kind.name, escape(alt, quote=True)) if drawing.picture else ""
    # The picture is our own drawing; names in it are outlines, not text.
    return {"kind": kind, "picture": Markup(picture)}  # noqa: S704


def _scenario(material: Material, name: str) -> dict[str, str]:
    runs = material.of(name)
    facts = runs[0].facts
    return {
        "name": name,
        "description": str(facts.get("description") or ""),
        "jobs": f"{len(runs[0].jobs):,}",
        "seeds": _seeds([run.seed for run in runs]),
        "hash": ", ".join(str(run.facts.get("hash") or "unknown")[:12] for run in runs[:3])
        + ("…" * (len(runs) > 3)),
        "version": str(facts.get("version") or "unknown"),
    }


def _seeds(seeds: Sequence[int]) -> str:
    if len(seeds) > 2 and list(seeds) == list(range(seeds[0], seeds[0] + len(seeds))):
        return f"{seeds[0]}–{seeds[-1]}"
    return ", ".join(map(str, seeds))


def _facts(material: Material) -> list[tuple[str, str]]:
    run = material.first(material.names[0])
    capacity = run.capacity
    memory = f", {capacity.ram_gib:,.0f} GiB of memory" if capacity.ram_gib else ""
    gpus = f", {capacity.gpus} GPUs" if capacity.gpus else ""
    nodes = run.facts.get("nodes") or []
    where = f" on {len(nodes)} {'node' if len(nodes) == 1 else 'nodes'}" if nodes else ""
    made = [("Cluster", f"{capacity.cores:,.10g} cores{memory}{gpus}{where}"), ("Time", _span(material, run))]
    made.append(
        (
            "Warm-up",
            f"{duration(material.warm_up)}, left out of all numbers" if material.warm_up else "none left out",
        )
    )
    return made


def _span(material: Material, run: Run) -> str:
    submissions = max(
        (float(r.jobs["submission_time"].max()) for r in material.runs if len(r.jobs)), default=0.0
    )
    text = f"{duration(submissions)} of submissions, the last job ended after {duration(run.end_time)}"
    if not run.start_time:
        return text
    zone = ZoneInfo(run.time_zone)
    start = datetime.fromtimestamp(run.start_time, UTC).astimezone(zone)
    return f"from {start:%a %d %b %Y, %H:%M} ({run.time_zone}): {text}"


def _basis(material: Material) -> str:
    """What the verdicts, and what everything else rests on."""
    here = max(len(material.of(name)) for name in material.names)
    if material.found is None:
        return f"{here} replications" if here > 1 else "one replication"
    count = material.found.replications
    told = f"{count} replications (seeds {_seeds(material.found.seeds)})" if count > 1 else "one replication"
    if count > here:
        text = "verdicts and the figures of differences rest on " + told
        return text + f"; all else shows {'the first' if here == 1 else f'the first {here}'}"
    return told
