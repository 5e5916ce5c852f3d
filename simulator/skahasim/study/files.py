"""A run as a folder of files, and back.

``jobs.csv`` (Batsim's columns, then ours), ``schedule.json`` (Batsim's), ``events.jsonl``, ``workload.swf`` (what
arrived, with the waits of this schedule), ``timeline.csv`` and ``run.json`` (configuration, seed, version, hash). Equal
runs are equal files, byte for byte: nothing in them says when or where they were made.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from json import JSONDecodeError, dumps, loads
from math import isnan
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from skahasim.model import Listener
from skahasim.resources import Resources
from skahasim.study.events import DamagedFile, Event, event_writer, line_of
from skahasim.study.folder import appearing
from skahasim.study.recorder import Keep
from skahasim.study.rows import FAILED, SUCCESSFUL, WALLTIME_REACHED, Row
from skahasim.study.run import JOB_COLUMNS, TIMELINE_COLUMNS, Run
from skahasim.study.simulation import Progress, simulate

if TYPE_CHECKING:
    import pandas as pd

    from skahasim.scenario import Scenario

JOBS, SCHEDULE, EVENTS = "jobs.csv", "schedule.json", "events.jsonl"
SWF, TIMELINE, RUN = "workload.swf", "timeline.csv", "run.json"
_WORDS = (
    "workload_name", "profile", "final_state", "allocated_resources", "metadata", "name", "user", "group", "kind",
    "job_class", "size_class", "priority_class", "queue", "node", "reason",
)  # fmt: skip
_WHOLE = (
    "job_id", "requested_number_of_resources", "success", "requested_gpus", "evictions", "preemptions",
)  # fmt: skip
_SWF_STATUS = {SUCCESSFUL: 1, FAILED: 0, WALLTIME_REACHED: 0}
_CANCELLED = 5


class NotARun(ValueError):
    """A folder that does not hold a run, or a damaged one."""

    def __init__(self, folder: Path, message: str) -> None:
        super().__init__(f"{folder}: {message}")


def simulate_into(
    scenario: Scenario,
    folder: Path,
    *,
    seed: int | None = None,
    force: bool = False,
    stream: bool = False,
    observers: Sequence[Listener] = (),
    progress: Callable[[Progress], None] | None = None,
) -> Run:
    """:func:`~skahasim.study.simulation.simulate`, with everything written to ``folder``, which appears whole at the
    end, or not at all.

    ``stream``: jobs are written as they end, so memory does not grow with their number; ``jobs.csv`` is then in the
    order of ends, there is no ``workload.swf``, and the run's table of jobs is empty. Raises ``FolderInUse``,
    ``NotWritable`` or ``ConfigurationError``.
    """
    with appearing(folder, force=force) as staged:
        with (staged / EVENTS).open("w", encoding="utf-8", newline="\n") as events:
            listeners = (*observers, event_writer(events.write))
            if not stream:
                run = simulate(scenario, seed=seed, observers=listeners, progress=progress)
            else:
                with (staged / JOBS).open("w", encoding="utf-8", newline="") as jobs:
                    sink = job_writer(jobs, scenario.name)
                    run = simulate(scenario, seed=seed, observers=listeners, progress=progress, sink=sink)
        _write_tables(run, staged, jobs=not stream)
        return run


def job_writer(file: IO[str], workload: str) -> Keep:
    """A sink that writes ``jobs.csv`` line by line, the header first. ``file`` is opened with ``newline=""``."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(JOB_COLUMNS)

    def keep(row: Row) -> None:
        writer.writerow(map(_cell, row.cells(workload)))

    return keep


def write(run: Run, folder: Path, *, events: Iterable[Event] = (), force: bool = False) -> None:
    """Write ``run`` to ``folder``, whole or not at all. Raises ``FolderInUse`` or ``NotWritable``."""
    with appearing(folder, force=force) as staged:
        with (staged / EVENTS).open("w", encoding="utf-8", newline="\n") as file:
            for event in events:
                file.write(line_of(event))
        _write_tables(run, staged, jobs=True)


def _write_tables(run: Run, staged: Path, *, jobs: bool) -> None:
    if jobs:
        table = run.jobs.assign(flexible=run.jobs["flexible"].map({True: "true", False: "false"}))
        table.to_csv(staged / JOBS, index=False, lineterminator="\n", columns=list(JOB_COLUMNS))
        write_swf(run, staged / SWF)
    run.timeline.to_csv(staged / TIMELINE, index=False, lineterminator="\n", columns=list(TIMELINE_COLUMNS))
    _write_json(staged / SCHEDULE, run.facts.get("schedule", {}))
    _write_json(
        staged / RUN,
        {
            "name": run.name,
            "seed": run.seed,
            "start_time": run.start_time,
            "time_zone": run.time_zone,
            "end_time": run.end_time,
            "capacity": run.capacity._asdict(),
            "integrals": run.integrals,
            "facts": run.facts,
        },
    )


def _write_json(path: Path, data: Any) -> None:
    path.write_text(dumps(data, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _cell(value: object) -> object:
    if type(value) is float:
        return "" if isnan(value) else repr(value)
    if type(value) is bool:
        return "true" if value else "false"
    return value


def write_swf(run: Run, path: Path) -> None:
    """The jobs of ``run`` as a log: waits and run times are those of its schedule."""
    from skahasim.workload.swf import Record, write_log

    users, groups, classes, queues = ({"": -1} for _ in range(4))

    def number(names: dict[str, int], name: str) -> int:
        return names.setdefault(name, len(names))

    def records() -> Iterable[Record | str]:
        yield "; Version: 2.2"
        yield f"; Computer: {run.name}"
        yield f"; UnixStartTime: {int(run.start_time)}"
        yield f"; TimeZoneString: {run.time_zone}"
        yield f"; MaxProcs: {int(run.capacity.cores)}"
        yield f"; MaxJobs: {len(run.jobs)}"
        for job in run.jobs.itertuples(index=False):
            row: Any = job
            size = max(1, int(row.requested_number_of_resources))
            ram = row.requested_ram_gib * 2**20 / size
            yield Record(
                number=int(row.job_id) + 1,
                submit_time=row.submission_time,
                wait_time=_known(row.waiting_time),
                run_time=_known(row.execution_time),
                allocated_processors=-1 if isnan(row.starting_time) else size,
                requested_processors=size,
                requested_time=row.requested_time,
                requested_memory=ram if ram else -1,
                status=_SWF_STATUS.get(row.final_state, _CANCELLED),
                user=number(users, row.user),
                group=number(groups, row.group),
                executable=number(classes, row.job_class),
                queue=number(queues, row.queue),
                partition=-1 if not row.allocated_resources else int(row.allocated_resources),
            )

    write_log(path, records())


def _known(value: float) -> float:
    return -1 if isnan(value) else value


# -- reading --------------------------------------------------------------------------------------------------


def read(folder: Path) -> Run:
    """The run in ``folder``; its jobs in the order of ``job_id``. Raises :class:`NotARun`."""
    if not (folder / RUN).is_file():
        raise NotARun(folder, f"no run is here: {RUN} is missing")
    try:
        facts = loads((folder / RUN).read_text("utf-8"))
        return Run(
            name=str(facts["name"]),
            seed=int(facts["seed"]),
            jobs=_read_jobs(folder / JOBS),
            timeline=_read_timeline(folder / TIMELINE),
            capacity=Resources(**facts["capacity"]),
            start_time=float(facts["start_time"]),
            time_zone=str(facts["time_zone"]),
            end_time=float(facts["end_time"]),
            integrals={str(name): float(value) for name, value in facts["integrals"].items()},
            facts=dict(facts["facts"]),
        )
    except OSError as error:
        missing = Path(str(error.filename)).name
        raise NotARun(folder, f"{missing} cannot be read: {error.strerror}") from None
    except DamagedFile as error:
        raise NotARun(folder, str(error)) from None
    except (JSONDecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError, ValueError):
        raise NotARun(folder, f"{RUN} is damaged") from None


def _read_jobs(path: Path) -> pd.DataFrame:
    import pandas as pd

    table = _csv(path, JOB_COLUMNS, dict.fromkeys((*_WORDS, "flexible"), "str"))
    table = table.fillna(dict.fromkeys(_WORDS, ""))
    try:
        for name in JOB_COLUMNS:
            if name in _WHOLE:
                table[name] = table[name].astype("int64")
            elif name == "flexible":
                table[name] = table[name].map({"true": True, "false": False}).astype(bool)
            elif name not in _WORDS:
                table[name] = pd.to_numeric(table[name]).astype("float64")
    except (ValueError, TypeError) as error:
        raise DamagedFile(f"{path.name} is damaged: {error}") from None
    return table.sort_values("job_id", kind="stable", ignore_index=True)


def _read_timeline(path: Path) -> pd.DataFrame:
    return _csv(path, TIMELINE_COLUMNS, {}).astype("float64")


def _csv(path: Path, columns: Sequence[str], types: dict[str, str]) -> pd.DataFrame:
    import pandas as pd

    try:
        table = pd.read_csv(path, dtype=types, keep_default_na=False, na_values=[""])
    except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError) as error:
        raise DamagedFile(f"{path.name} is damaged: {error}") from None
    if list(table.columns) != list(columns):
        raise DamagedFile(f"{path.name} has other columns than a run's")
    return table
