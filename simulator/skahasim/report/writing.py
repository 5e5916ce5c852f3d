"""A report as a folder: ``report.html``, which stands alone, and the numbers of every figure and table in ``data/``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias

import pandas as pd

from skahasim.report import answer, style
from skahasim.report.kinds import KINDS
from skahasim.report.material import Material
from skahasim.report.page import Drawing, render
from skahasim.study.folder import MARK, FolderInUse, appearing

PAGE, DATA, FIGURES = "report.html", "data", "figures"
Format: TypeAlias = Literal["svg", "png"]


def write(material: Material, folder: Path, *, figures: Format | None = None, force: bool = False) -> None:
    """Write the report to ``folder``, whole or not at all; an earlier report there is replaced. Equal
    material makes equal files, byte for byte.

    ``figures``: also as files of that format in ``figures/``. Raises ``FolderInUse`` or ``NotWritable``.
    """
    require_free(folder, force=force)
    with appearing(folder, force=True) as staged, style.styled():
        (staged / DATA).mkdir()
        if figures:
            (staged / FIGURES).mkdir()
        drawings = []
        for kind in KINDS:
            data = kind.table(material)
            _csv(data, staged / DATA / f"{kind.name}.csv")
            picture = ""
            if len(data):
                made = kind.draw(material, data)
                picture = style.svg(made)
                if figures == "svg":
                    (staged / FIGURES / f"{kind.name}.svg").write_text(picture, "utf-8", newline="\n")
                elif figures == "png":
                    (staged / FIGURES / f"{kind.name}.png").write_bytes(style.png(made))
            drawings.append(Drawing(kind, picture))
        tables = {
            "verdicts": answer.verdict_table(material),
            "classes": answer.class_table(material),
            "system": answer.system_table(material),
        }
        for name, table in tables.items():
            _csv(table, staged / DATA / f"{name}.csv")
        text = render(material, drawings, tables["classes"], tables["system"])
        (staged / PAGE).write_text(text, "utf-8", newline="\n")


def require_free(folder: Path, *, force: bool = False) -> None:
    """Raise ``FolderInUse`` unless ``folder`` is absent, empty, an earlier report, or ``force`` is set."""
    if force or not folder.is_dir() or not any(folder.iterdir()):
        return
    if not (folder / PAGE).is_file() or (folder / MARK).exists():
        raise FolderInUse(folder)


def _csv(table: pd.DataFrame, path: Path) -> None:
    table.to_csv(path, index=False, lineterminator="\n", float_format="%.9g")
