"""Folders and files that appear whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

MARK = "run.json"
"""What makes a folder a run's."""


class FolderInUse(ValueError):
    """The folder to write to holds something that is no earlier run."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"{folder} is not empty and is no earlier run; --force overwrites it")


class NotWritable(ValueError):
    """The folder cannot be made or written."""


def require_free(folder: Path, *, force: bool = False) -> None:
    """Raise :class:`FolderInUse` unless ``folder`` is absent, empty, an earlier run, or ``force`` is set."""
    if folder.is_dir():
        if not force and any(folder.iterdir()) and not (folder / MARK).is_file():
            raise FolderInUse(folder)
    elif folder.exists():
        raise NotWritable(f"{folder} is a file")


@contextmanager
def appearing(folder: Path, *, force: bool = False) -> Iterator[Path]:
    """An empty folder beside ``folder`` that takes its place when all went well, and vanishes when not.

    An earlier run in ``folder`` stays until then. Raises :class:`FolderInUse` or :class:`NotWritable`.
    """
    require_free(folder, force=force)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        staged = Path(mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        staged.chmod(0o755)
    except OSError as error:
        raise NotWritable(f"{folder} cannot be written: {error.strerror}") from None
    try:
        yield staged
        _replace(folder, staged)
    finally:
        rmtree(staged, ignore_errors=True)


@contextmanager
def appearing_file(path: Path) -> Iterator[Path]:
    """A path to write to, with the same name, that takes the place of ``path`` when all went well, and vanishes when
    not. Raises ``OSError``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    try:
        staged = folder / path.name
        yield staged
        staged.replace(path)
    finally:
        rmtree(folder, ignore_errors=True)


def _replace(folder: Path, staged: Path) -> None:
    if not folder.exists():
        staged.rename(folder)
        return
    old = Path(mkdtemp(prefix=f".{folder.name}-old-", dir=folder.parent))
    try:
        folder.rename(old / folder.name)
        try:
            staged.rename(folder)
        except BaseException:
            (old / folder.name).rename(folder)
            raise
    finally:
        rmtree(old, ignore_errors=True)
