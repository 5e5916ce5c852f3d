"""One scenario under each packaged profile: every transition, compared whole with ``golden/<profile>.txt``.

``python -m tests.skahasim.test_golden`` writes the files anew.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from skahasim.cluster import Cluster
from skahasim.configuration import QueueSettings
from skahasim.job import Container, Job, PullOutcome, Work
from skahasim.model import Model
from skahasim.policies import policies_from
from skahasim.profile import load_profile, profile_names
from skahasim.resources import Resources
from skahasim.transition import Transition

GOLDEN = Path(__file__).parent / "golden"
SEED = 20
END = 20_000.0
TERMINAL = "images.canfar.net/skaha/terminal:1.1.2"
ASTROML = "images.canfar.net/skaha/astroml:latest"
FOREVER = Work(None, cores=0.1, ram_gib=0.5)
SMALL = Resources.of(1, 4)


def containers(image: str, pull: PullOutcome = PullOutcome.OK) -> tuple[Container, ...]:
    """As Skaha makes them: two init containers and the main one (skaha-contract §4.6)."""
    size = 3_000_000_000 if image == ASTROML else 300_000_000
    return (
        Container("backup", image, size, pull=pull),
        Container("init-users", "redis:8.2.2-bookworm", 45_000_000, always_pull=False),
        Container("main", image, size, pull=pull),
    )


def trace(profile_name: str) -> str:
    """Everything that happens in the scenario, one transition a line; times to the millisecond."""
    nodes = (("plain", Resources.of(8, 32)), ("gpu", Resources.of(8, 32, 2)))
    profile = load_profile(profile_name)
    model = Model(Cluster("test", nodes), policies_from(QueueSettings()), profile, SEED)
    lines: list[str] = []
    model.listeners.append(lambda transition: lines.append(line(transition)))
    made: dict[str, Job] = {}

    def submit(
        time: float,
        name: str,
        work: Work,
        *,
        kind: str = "headless",
        image: str = TERMINAL,
        pull: PullOutcome = PullOutcome.OK,
        request: Resources = SMALL,
        restarts: int = 0,
        deadline: float | None = None,
        ttl: float | None = None,
    ) -> None:
        model.advance(time)
        made[name] = Job(
            len(made), name, "alice", kind, request, request._replace(millicores=8000),
            containers=containers(image, pull), work=work, restarts_allowed=restarts,
            deadline_seconds=deadline, ttl_seconds=ttl,
        )  # fmt: skip
        model.submit(made[name])

    def delete(time: float, name: str) -> None:
        model.advance(time)
        model.delete(made[name])

    def unknown() -> Work:
        return Work(profile.work.sample(model.draws.uniform("work", len(made))))

    submit(0, "sleeps", Work(30.0), ttl=600)
    submit(1, "unknown", unknown())
    submit(2, "notebook", FOREVER, kind="notebook", image=ASTROML, restarts=6, deadline=345_600)
    submit(3, "no-image", Work(1.0), pull=PullOutcome.NOT_FOUND)
    submit(4, "no-login", Work(1.0), pull=PullOutcome.UNAUTHORIZED)
    submit(5, "no-command", Work(1.0, start_error='exec: "nope": executable file not found in $PATH'))
    submit(6, "too-fat", Work(100.0, ram_gib=6.0))
    submit(7, "too-large", Work(1.0), request=Resources.of(9, 33, 3), deadline=2000)
    submit(8, "expires", FOREVER, kind="carta", deadline=90, ttl=300)
    delete(150, "no-image")
    delete(151, "no-login")
    delete(152, "notebook")
    submit(400, "first-pull", Work(10.0), image=ASTROML, request=Resources.of(1, 4, 1))
    submit(600, "second-pull", Work(10.0), image=ASTROML, request=Resources.of(1, 4, 1))
    submit(800, "crash-loop", Work(2.0, exit_code=1), kind="contributed", restarts=2)
    submit(1000, "fills-one", FOREVER, kind="notebook", request=Resources.of(8, 8))
    submit(1001, "fills-two", Work(100.0), request=Resources.of(8, 8))
    submit(1002, "large", Work(1.0), request=Resources.of(8, 8))
    submit(1003, "waits", Work(1.0))
    delete(1400, "fills-one")
    for number in range(8):
        submit(2100 + number, f"batch-{number}", unknown())
        submit(2100.5 + number, f"desk-{number}", FOREVER, kind="desktop", restarts=6)
    for number in range(8):
        delete(4000 + number, f"desk-{number}")
    model.advance(END)
    assert model.cluster.allocated == Resources()
    return "".join(f"{text}\n" for text in lines)


def line(transition: Transition) -> str:
    time, job, step, container, reason = transition
    part = job.containers[container].name if container >= 0 else "-"
    return f"{time:9.3f}  {job.name:<11}  {part:<10}  {step:<16}  {reason}".rstrip()


@pytest.mark.parametrize("profile", profile_names())
def test_the_scenario_goes_as_it_always_went(profile: str) -> None:
    assert trace(profile).splitlines() == (GOLDEN / f"{profile}.txt").read_text("utf-8").splitlines()


def test_the_scenario_does_not_depend_on_hash_order() -> None:
    script = f"import runpy; print(end=runpy.run_path({str(Path(__file__))!r})['trace']('chaos'))"
    runs = [
        subprocess.run(
            [sys.executable, "-c", script],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout
        for seed in ("1", "2")
    ]
    assert runs == [trace("chaos")] * 2


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for name in profile_names():
        (GOLDEN / f"{name}.txt").write_text(trace(name), "utf-8", newline="\n")
