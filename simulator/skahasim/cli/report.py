"""``skahasim report``: figures, tables and verdicts of simulated runs on one page."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from skahasim.cli.console import BAD_INPUT, complain, one_clear_error


class Picture(StrEnum):
    """A format of figures."""

    SVG = "svg"
    PNG = "png"


def report(
    folders: Annotated[
        list[Path],
        typer.Argument(
            metavar="DIR…", help="What run --out or compare --out wrote; the first scenario is the baseline."
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where to write the report.")] = Path("report"),
    figures: Annotated[
        Picture | None, typer.Option(help="Also write each figure as a file of that format.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite FOLDER whatever it holds.")] = False,
) -> None:
    """Draw simulated runs: one page that needs no network, report.html, and the data of every figure beside it.

    Runs of the same name are replications of one scenario. Several scenarios are compared on the seeds they share.
    """
    with one_clear_error():
        wrong = _in_the_way(folders, out)
        if wrong:
            complain(wrong)
            raise typer.Exit(BAD_INPUT)
        from skahasim.report.material import NoMaterial, load
        from skahasim.report.writing import PAGE, require_free, write

        require_free(out, force=force)
        try:
            write(load(folders), out, figures=figures.value if figures else None, force=force)
        except NoMaterial as error:
            complain(str(error))
            raise typer.Exit(BAD_INPUT) from None
    typer.echo(f"written to {out / PAGE}")


def _in_the_way(folders: list[Path], out: Path) -> str:
    """Writing the report must not overwrite what it is made of."""
    target = out.resolve()
    for folder in folders:
        if target in (folder.resolve(), *folder.resolve().parents):
            return f"--out {out}: the report would overwrite {folder}; choose another folder"
    return ""
