"""How figures look: colours that all can tell apart, axes in hours and dates, drawings that are equal byte for byte."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

if TYPE_CHECKING:
    from skahasim.study.run import Run

INK, FAINT, GRID, PAPER = "#1c2128", "#57606a", "#d8dee4", "#ffffff"
WIDTH = 10.0
"""Inches: 9 point text is 13 pixels high on a page 1100 pixels wide."""
LINES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Okabe and Ito's palette for those who see colours differently ("Color universal design", 2008), without its yellow
and black, which vanish on light and dark paper."""
DASHES = ("-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)), "-", (0, (5, 2)))
MARKERS = ("o", "s", "^", "D", "v", "P")
HATCHES = ("", "///", "\\\\\\", "xxx", "---", "|||")
SIZES = ("small", "medium", "large")
MOST_SCENARIOS = len(LINES)
"""How many lines a figure can have."""
SETTINGS: Mapping[str, Any] = MappingProxyType(
    {
        "svg.fonttype": "path",
        "svg.hashsalt": "skahasim",
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans"],
        "font.size": 9.0,
        "axes.titlesize": 9.5,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.labelsize": 9.0,
        "axes.edgecolor": FAINT,
        "axes.labelcolor": INK,
        "axes.titlecolor": INK,
        "axes.facecolor": "none",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.linewidth": 0.8,
        "grid.color": GRID,
        "grid.linewidth": 0.7,
        "text.color": INK,
        "xtick.color": FAINT,
        "ytick.color": FAINT,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "xtick.labelsize": 8.5,
        "ytick.labelsize": 8.5,
        "legend.frameon": False,
        "legend.fontsize": 9.0,
        "lines.linewidth": 1.6,
        "lines.solid_capstyle": "butt",
        "hatch.linewidth": 0.6,
        "path.simplify": True,
        "figure.facecolor": PAPER,
        "figure.dpi": 100,
        "savefig.facecolor": PAPER,
    }
)
_TIMES = ((1, "1 s"), (10, "10 s"), (60, "1 min"), (600, "10 min"), (3600, "1 h"), (6 * 3600, "6 h"),
          (86_400, "1 d"), (7 * 86_400, "1 w"), (30 * 86_400, "30 d"), (365 * 86_400, "1 y"))  # fmt: skip
_ROUND = (0.01, 0.1, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400,
          2 * 86_400, 5 * 86_400, 10 * 86_400)  # fmt: skip
_STEPS = ((86_400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"))


@contextmanager
def styled() -> Iterator[None]:
    """Figures made and saved inside look alike everywhere, whatever a user's matplotlibrc says."""
    with mpl.rc_context():
        mpl.rcdefaults()
        parameters: Any = mpl.rcParams  # typed as if settings were a closed list
        parameters.update(SETTINGS)
        yield


def figure(height: float, width: float = WIDTH) -> Figure:
    """A figure that lays itself out, without pyplot."""
    return Figure(figsize=(width, height), layout="constrained")


def message(text: str) -> Figure:
    """A figure for when there is nothing to draw."""
    made = figure(1.2)
    made.text(0.5, 0.5, text, ha="center", va="center", color=FAINT)
    return made


def line(index: int) -> dict[str, Any]:
    """How the scenario ``index`` is drawn, the same in every figure."""
    place = index % MOST_SCENARIOS
    return {"color": LINES[place], "linestyle": DASHES[place]}


def marker(index: int, *, filled: bool = True) -> dict[str, Any]:
    """Like :func:`line`, for a dot; hollow when not ``filled``."""
    colour = LINES[index % MOST_SCENARIOS]
    return {
        "color": colour,
        "marker": MARKERS[index % MOST_SCENARIOS],
        "markerfacecolor": colour if filled else PAPER,
        "markeredgecolor": colour,
    }


def size_colours(labels: Sequence[str]) -> dict[str, Any]:
    """Of size classes, light to dark as they grow (viridis: in the same order to all eyes)."""
    shades = mpl.colormaps["viridis"](np.linspace(0.9, 0.15, max(len(labels), 2)))
    return {label: tuple(shades[index][:3]) for index, label in enumerate(labels)}


def by_size(labels: Iterable[str]) -> list[str]:
    """Small before medium before large; other names after, by the alphabet."""
    known = {name: index for index, name in enumerate(SIZES)}
    return sorted(set(labels), key=lambda label: (known.get(label, len(known)), label))


def scenario_legend(
    made: Figure, names: Sequence[str], handles: Sequence[Any], *, always: bool = False
) -> None:
    """One for the whole figure, above it; for a single name only if ``always``."""
    if len(names) > 1 or always:
        made.legend(
            handles,
            [shorten(name, 60) for name in names],
            loc="outside upper left",
            ncols=max(1, min(len(names), 4, 110 // (8 + max(map(len, names))))),
            handlelength=3.0,
        )


def shorten(text: str, limit: int = 34) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


# -- axes -----------------------------------------------------------------------------------------------------


def time_axis(axes: Axes, run: Run) -> None:
    """Local dates below; without a known start, days since it. Points are :func:`moments`."""
    if not run.start_time:
        axes.set_xlabel("days since the start")
        return
    zone = ZoneInfo(run.time_zone)
    locator: Any = AutoDateLocator(  # type: ignore[no-untyped-call]
        tz=zone, minticks=4, maxticks=9
    )
    axes.xaxis.set_major_locator(locator)
    formats = ["%Y", "%b %Y", "%a %d %b", "%H:%M", "%H:%M", "%H:%M:%S"]
    axes.xaxis.set_major_formatter(
        ConciseDateFormatter(  # type: ignore[no-untyped-call]
            locator,
            tz=zone,
            formats=formats,
            zero_formats=["", "%Y", "%b %Y", "%a %d %b", "%H:%M", "%H:%M"],
            offset_formats=["", "%Y", "%Y", "%Y", "%a %d %b %Y", "%a %d %b %Y"],
        )
    )
    axes.set_xlabel(f"local time ({run.time_zone})")


def moments(run: Run, seconds: Any) -> Any:
    """Seconds since the run's start as matplotlib has dates: days since 1970."""
    return (np.asarray(seconds, dtype=float) + run.start_time) / 86_400.0


def zero_based(axes: Axes, top: float | None = None) -> None:
    """From zero up, with few whole ticks."""
    axes.set_ylim(0, top if top else None)
    if axes.get_ylim()[1] <= 0:
        axes.set_ylim(0, 1)
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=axes.get_ylim()[1] >= 4))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))


def log_seconds(axis: Any, low: float, high: float) -> None:
    """A logarithmic axis from ``low`` to ``high`` seconds with ticks as people say them."""
    ticks = [(seconds, text) for seconds, text in _TIMES if low <= seconds <= high * 1.0001]
    axis.set_major_locator(FixedLocator([seconds for seconds, _ in ticks]))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: duration(value)))


def duration(seconds: float) -> str:
    """``1.5 h``, ``10 min``: two digits, in the largest unit that fits; ``0`` has none."""
    if not seconds:
        return "0"
    for size, unit in _STEPS:
        if abs(seconds) >= size * 0.9995:
            value = seconds / size
            return f"{value:.0f} {unit}" if abs(value) >= 9.95 else f"{value:.2g} {unit}"
    return f"{seconds:.1g} s"


def linear_seconds(axis: Any, span: float) -> None:
    """Ticks at whole units of time for values within ``span`` seconds of zero."""
    step = next((step for step in _ROUND if span / step <= 3.6), 10 ** np.ceil(np.log10(span / 3)))
    size, unit = next((size, unit) for size, unit in _STEPS if step >= size or unit == "s")
    count = int(span / step)
    axis.set_major_locator(FixedLocator([place * step for place in range(-count, count + 1)]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / size:+.3g} {unit}" if value else "0"))


# -- files ----------------------------------------------------------------------------------------------------


def svg(made: Figure) -> str:
    """The figure as an SVG document, the same bytes for the same figure. Letters are outlines, so that it looks the
    same wherever it is read."""
    buffer = BytesIO()
    made.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue().decode("utf-8")
    # Six digits after the point, as written, are far finer than any screen.
    return re.sub(r'\bd="[^"]+"', lambda path: re.sub(r"(\.\d{2})\d+", r"\1", path[0]), text)


def png(made: Figure) -> bytes:
    """1500 pixels wide for a figure of usual width."""
    buffer = BytesIO()
    made.savefig(buffer, format="png", dpi=150, metadata={"Software": None}, pil_kwargs={"optimize": True})
    return buffer.getvalue()


def inline(text: str, name: str, label: str) -> str:
    """An SVG document as an element of a page: its own ids, ink and paper those of the page, ``label`` for those who
    cannot see it."""
    body = text[text.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>\s*", "", body, flags=re.DOTALL)
    body = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', body)
    body = re.sub(r'href="#([^"]+)"', rf'href="#{name}-\1"', body)
    body = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", body)
    for colour, variable in ((INK, "--ink"), (FAINT, "--faint"), (GRID, "--grid"), (PAPER, "--paper")):
        body = body.replace(colour, f"var({variable})")
    shape = re.search(r'viewBox="[^"]+"', body)
    head = f'<svg role="img" aria-label="{label}" {shape[0] if shape else ""} xmlns="http://www.w3.org/2000/svg" '
    head += 'xmlns:xlink="http://www.w3.org/1999/xlink">'
    return head + body[body.index(">") + 1 :].strip()
