"""The commands that ``docs/faults.md`` shows, in their order."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.evidence("our own: faults")
PAGE = (Path(__file__).parents[3] / "docs" / "faults.md").read_text()


def test_what_it_shows_works(serve, tmp_path):
    if shutil.which("curl") is None or shutil.which("bash") is None:
        pytest.skip("curl and bash are not there")
    start, *blocks = re.findall(r"^```bash\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    program, verb, *options = shlex.split(start)
    assert (program, verb) == ("mockskaha", "serve")
    assert len(blocks) > 2
    server = serve("--clock", "manual", *options)
    walk = "\n".join(blocks)
    assert walk.count("http://127.0.0.1:8080") == 1
    names = {name: value for name, value in os.environ.items() if not name.startswith("MOCKSKAHA_")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euc", walk.replace("http://127.0.0.1:8080", server.url).replace("curl -s", "curl -sS --fail")],
        cwd=tmp_path, env=names | {"PATH": path, "NO_PROXY": "127.0.0.1"},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    for told in (
        '"id":"bad-gateway-after-create"',
        "late is removed",
        "there are no faults any more",
        "is Pending",
    ):
        assert told in done.stdout
    with server.client() as client:
        assert client.get("/_mockskaha/faults").json() == {"faults": []}
        (session,) = client.get("/_mockskaha/sessions").json()["sessions"]
        why = client.get(f"/_mockskaha/sessions/{session['id']}/why").json()
        assert (why["cause"], why["until"]) == ("fault", 60.0)
