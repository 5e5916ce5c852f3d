"""A user at a shell of his own, beside the sources."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

TYPED = "alice\na password\n"
"""What he types when he is asked."""


def run(script: Iterable[str], home: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run ``script`` until something of it fails, in an empty folder, with these ``variables`` and few others."""
    return subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", "\n".join(script)],
        input=TYPED, capture_output=True, text=True, check=False, timeout=60, cwd=home,
        env={
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "NO_PROXY": "*",
            **variables,
        },
    )  # fmt: skip
