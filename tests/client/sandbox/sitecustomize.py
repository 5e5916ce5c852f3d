"""For the programs of the page, read before they start: time passes faster by SANDBOX_SPEED, and ``/arc`` and
``/scratch`` are folders of SANDBOX."""

import builtins
import io
import os
import time

_SPEED = float(os.environ["SANDBOX_SPEED"])
_ROOT = os.environ["SANDBOX"]
_open, _sleep, _statvfs = builtins.open, time.sleep, os.statvfs


def _inside(path):
    text = os.fspath(path) if not isinstance(path, int) else ""
    return _ROOT + text if isinstance(text, str) and text.startswith(("/arc", "/scratch")) else path


def _open_inside(file, *arguments, **options):
    return _open(_inside(file), *arguments, **options)


builtins.open = io.open = _open_inside
os.statvfs = lambda path: _statvfs(_inside(path))
time.sleep = lambda seconds: _sleep(seconds / _SPEED)
