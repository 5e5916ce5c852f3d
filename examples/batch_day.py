"""A day of batch work on CANFAR, against a server of one's own, with the real ``canfar`` client.

Starts ``mockskaha serve`` on a free port, shows each command and what it prints, and checks that it did what it
should: ends with 0 only when everything did. The client is installed into ``.venvs/`` the first time.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.syntax import Syntax
from rich.text import Text

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from examples.clients import CANFAR_1_5, ENVIRONMENTS, Client, NotInstallable, Reply, installed
from examples.service import NotStarted, running

USER = "alice"
_WAIT_SECONDS = 30
_SESSION_ID = r"[a-z][a-z0-9]{7}"
_STUDY = """\
from canfar.sessions import Session

with Session() as session:
    jobs = session.create(
        name="parameter-study",
        image="images.canfar.net/skaha/astroml:latest",
        kind="headless",
        cmd="python",
        args="/arc/projects/demo/analyze.py",
        env={"SURVEY": "vlass"},
        replicas=10,
    )
print("submitted", *jobs)
"""


class Unexpected(Exception):
    """A step of the day did not do what it should; the text says which."""


class Day:
    """Runs commands as a user would, and shows them."""

    def __init__(self, client: Client, console: Console) -> None:
        self._client, self._console = client, console
        self._checked = 0

    def title(self, text: str) -> None:
        self._console.print()
        self._console.rule(f"[bold]{text}", align="left", style="dim")

    def say(self, text: str) -> None:
        self._console.print(f"\n[dim]# {text}")

    def canfar(self, *arguments: str, expect: str | tuple[str, ...] = (), status: int = 0) -> str:
        """Run ``canfar`` and show it. What it prints, its white space aside, must match every pattern of ``expect``.

        Returns the output without colours. Raises :class:`Unexpected`.
        """
        command = shlex.join(("canfar", *arguments))
        self._console.print(
            f"\n[bold green]$[/] [bold]{Text(command).markup}", highlight=False, soft_wrap=True
        )
        return self._shown(command, self._client.run("canfar", *arguments), expect, status)

    def python(self, script: str, expect: str) -> str:
        """Run a script with the client's Python, otherwise like :meth:`canfar`."""
        self._prompt("cat study.py")
        self._console.print(Syntax(script.rstrip(), "python", background_color="default"))
        self._prompt("python study.py")
        return self._shown("python study.py", self._client.run("python", "-c", script), expect, 0)

    def _prompt(self, command: str) -> None:
        self._console.print(f"\n[bold green]$[/] [bold]{escape(command)}", soft_wrap=True)

    def _shown(self, command: str, reply: Reply, expect: str | tuple[str, ...], status: int) -> str:
        printed = "\n".join(part.rstrip() for part in (reply.output, reply.errors) if part.strip())
        text = Text.from_ansi(printed)
        self._console.print(text, soft_wrap=True)
        self.check(command, reply.status == status, f"ended with {reply.status} instead of {status}")
        unfolded = " ".join(text.plain.split())
        for pattern in (expect,) if isinstance(expect, str) else expect:
            found = re.search(pattern, unfolded)
            self.check(command, found is not None, f"printed nothing like {pattern!r}")
        return text.plain

    def check(self, what: str, good: bool, problem: str) -> None:
        """Raise :class:`Unexpected` unless ``good``."""
        if not good:
            raise Unexpected(f"{what}: {problem}")
        self._checked += 1

    def created(self, *arguments: str) -> str:
        """``canfar create`` with ``arguments``; returns the id of the session."""
        output = self.canfar("create", *arguments, expect=r"Successfully created session '\S+'")
        return str(re.search(rf"ID: ({_SESSION_ID})", output)[1])  # type: ignore[index]

    def until(self, what: str, done: Callable[[], bool]) -> None:
        """Repeat ``done`` until it is true. Raises :class:`Unexpected` after half a minute."""
        deadline = time.monotonic() + _WAIT_SECONDS
        while not done():
            self.check(what, time.monotonic() < deadline, f"not so after {_WAIT_SECONDS} s")
            time.sleep(1)

    @property
    def checked(self) -> int:
        return self._checked


def work(day: Day) -> None:
    """The day itself."""
    day.title("Morning: which images are there?")
    day.canfar("image", "ls", "--kind", "headless", expect=r"skaha/astroml:latest")

    day.title("Submit")
    day.say("flexible: starts small, may grow to 8 cores and 32 GiB")
    flexible = day.created(
        "headless",
        "skaha/astroml:latest",
        "-n",
        "data-reduction",
        "--",
        "python",
        "/arc/projects/demo/reduce.py",
    )
    day.say("fixed: exactly what is asked for, for as long as it runs")
    fixed = day.created(
        "headless", "skaha/astroml:latest", "--name", "large-simulation", "--cpu", "16", "--memory", "64",
        "--", "python", "/arc/projects/demo/simulation.py",
    )  # fmt: skip
    day.say("with an environment of its own")
    environment = day.created(
        "headless", "skaha/terminal:1.1.2", "-n", "settings", "-e", "BAND=K", "-e", "OUTPUT=hdf5", "--", "env"
    )
    day.say("a mistake: the whole command line as one word, which no image has as a program")
    broken = day.created("headless", "skaha/astroml:latest", "-n", "broken", "--", "sleep 60")
    day.say("too large: no node of this cluster has more than 3 GPUs")
    too_large = day.created(
        "headless", "skaha/astroml-gpu:latest", "-n", "too-large", "--gpu", "4", "--", "python", "train.py"
    )
    notebook = day.created(
        "notebook", "skaha/base-notebook:latest", "-n", "notes", "--cpu", "2", "--memory", "8"
    )
    day.say("ten replicas from Python: parameter-study-1 to parameter-study-10")
    output = day.python(_STUDY, expect=rf"submitted( {_SESSION_ID}){{10}}")
    study = output.split("submitted")[1].split()

    day.title("Monitor")
    day.canfar("stats", expect=r"Usage │ [1-9]")
    batch = (flexible, fixed, environment, broken, *study)

    def over() -> bool:
        lines = day.canfar("ps", "--all", expect=r"SESSION ID").splitlines()
        state = {line.split()[0]: line for line in lines if line.strip()}
        return all(re.search(r"\b(Completed|Failed)\b", state.get(job, "")) for job in batch)

    day.until("every batch job ends", over)
    day.canfar(
        "ps",
        expect=(
            rf"{too_large}\s+too-large\s+headless\s+Pending",
            rf"{notebook}\s+notes\s+notebook\s+Running",
        ),
    )
    failed = day.canfar("ps", "-a", "-s", "Failed", expect=rf"{broken}\s+broken\s+headless\s+Failed")
    day.check("canfar ps -s Failed", not re.search("|".join(study), failed), "shows a job that did not fail")

    day.title("What did they do?")
    day.canfar(
        "logs", flexible, environment, study[0],
        expect=(
            r"starting: python /arc/projects/demo/reduce\.py", r"\bdone\b",
            rf"BAND=K OUTPUT=hdf5 .*skaha_sessionid={environment}",
            r"starting: python /arc/projects/demo/analyze\.py",
        ),
    )  # fmt: skip
    day.say("why did this one fail?")
    day.canfar("events", broken, expect=r"executable file not found")
    day.say("and why does this one not start?")
    day.canfar("events", too_large, expect=r"FailedScheduling")

    day.title("The notebook stays four days from now")
    day.canfar("renew", notebook, expect=r"Successfully renewed 1 session")
    day.canfar(
        "info", notebook, fixed,
        expect=(
            r"Name notes Status Running", r"Expiry Time (4 days|3 days and 23\.9\d hours)",
            r"Connect URL http", r"of 8\.59 GB",
            r"Name large-simulation Status Completed",
        ),
    )  # fmt: skip

    day.title("Evening: tidy up")
    day.canfar("prune", "parameter-study", "headless", "Completed", expect=r"Deleted 10 sessions")
    rest = (flexible, fixed, environment, broken, too_large, notebook)
    day.canfar("delete", "--force", *rest, expect=tuple(rf"'{item}': True" for item in rest))
    left = day.canfar("ps", "--all", expect=r"SESSION ID")
    day.check(
        "canfar ps --all", not re.search(rf"^ *{_SESSION_ID}  ", left, re.MULTILINE), "still shows sessions"
    )


def main() -> int:
    """Run the day. Returns the status to end with."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    started = time.monotonic()
    try:
        if not (ENVIRONMENTS / CANFAR_1_5.folder).exists():
            console.print(f"Installing {CANFAR_1_5.name} into .venvs/ (once) …")
        programs = installed(CANFAR_1_5)
        with tempfile.TemporaryDirectory() as home, running("--profile", "fast") as service:
            console.print(f"mockskaha serves at {service.url}\n")
            settings = {"CANFAR_URL": service.url, "CANFAR_TOKEN": USER}
            for name, value in settings.items():
                console.print(f"[bold green]$[/] [bold]export {name}={value}")
            shown = {"CANFAR_CONSOLE__WIDTH": str(max(console.width, 120))}
            if console.is_terminal and "NO_COLOR" not in os.environ:
                shown |= {"FORCE_COLOR": "1"} | {
                    name: os.environ[name] for name in ("TERM", "COLORTERM") if name in os.environ
                }
            day = Day(Client(programs, Path(home), settings | shown), console)
            work(day)
            day.check("mockskaha serve", not service.complaints(), service.complaints())
    except (Unexpected, NotInstallable, NotStarted) as error:
        Console(stderr=True, highlight=False).print(f"\n[bold red]FAILED[/] {escape(str(error))}")
        return 1
    except KeyboardInterrupt:
        Console(stderr=True).print("\nstopped")
        return 130
    seconds = time.monotonic() - started
    console.print(f"\n[bold green]✓[/] The day went as it should: {day.checked} checks in {seconds:.0f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
