"""What the options of several commands may be."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from skahaclient.cli.screen import Format

OutputOption = Annotated[Format, typer.Option("--output", "-o", help="How to print it.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", "--force", "-f", help="Do not ask.")]


class Kind(StrEnum):
    """Kinds of session."""

    HEADLESS = "headless"
    NOTEBOOK = "notebook"
    DESKTOP = "desktop"
    CARTA = "carta"
    CONTRIBUTED = "contributed"
    FIREFLY = "firefly"
    DESKTOP_APP = "desktop-app"


class Status(StrEnum):
    """Where a session stands. ``Completed`` and ``Succeeded`` are two words for the same."""

    PENDING = "Pending"
    RUNNING = "Running"
    TERMINATING = "Terminating"
    SUCCEEDED = "Succeeded"
    COMPLETED = "Completed"
    FAILED = "Failed"
