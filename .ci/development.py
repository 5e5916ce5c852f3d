"""Print the requirements of the ``dev`` dependency group, for a pip too old to read the group itself."""

import tomllib
from pathlib import Path

project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())
print(*project["dependency-groups"]["dev"])  # noqa: T201
