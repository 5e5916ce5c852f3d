"""``ps``, ``info``, ``logs``, ``events``, ``stats``, ``images``, ``context``: at a live server."""

from __future__ import annotations

import json
import re

import pytest
import yaml

from mockskaha.commands import CreateSession
from mockskaha.config import Settings
from skahaclient.cli.ps import newest_first
from skahaclient.models.session import SessionInfo
from tests.client.cli.conftest import Skaha, Terminal, plain
from tests.client.serving import serving

IMAGE = "images.canfar.net/skaha/astroml:latest"


def launched(skaha: Skaha, *words: str) -> str:
    reply = skaha("launch", *words)
    assert reply.code == 0, reply
    (made,) = reply.ids
    return made


@pytest.fixture
def job(skaha: Skaha) -> str:
    """The id of a job that prints two lines and runs for long."""
    return launched(
        skaha, "-n", "job", IMAGE, "--", "sh", "-c", *["echo", "one;", "echo", "two;", "sleep", "1d"]
    )


@pytest.fixture
def ended(skaha: Skaha) -> str:
    """The id of a job that has ended well."""
    return launched(skaha, "-n", "ended", IMAGE, "--", "echo", "done")


@pytest.fixture
def failed(skaha: Skaha) -> str:
    """The id of a job that has failed."""
    return launched(skaha, "-n", "failed", IMAGE, "--", "false")


# -- ps ----------------------------------------------------------------------------------------------------------


def test_what_waits_or_runs_is_listed(skaha: Skaha, job: str, ended: str, failed: str) -> None:
    reply = skaha("ps")
    assert (reply.code, reply.errors) == (0, "")
    head, row = reply.output.splitlines()
    assert head.split() == ["ID", "NAME", "KIND", "STATUS", "AGE", "LEFT", "CORES", "GIB", "GPUS", "IMAGE"]
    cells = row.split()
    assert cells[:4] == [job, "job", "headless", "Running"]
    assert re.fullmatch(r"\d+s", cells[4])
    assert (cells[5], cells[6:]) == ("13d", ["flex", "flex", "-", "skaha/astroml:latest"])


def test_all_and_by_status_and_kind_and_quiet(skaha: Skaha, job: str, ended: str, failed: str) -> None:
    notebook = launched(skaha, "notebook", IMAGE)
    assert set(skaha("ps", "-q").ids) == {job, notebook}
    assert set(skaha("ps", "-a", "-q").ids) == {job, notebook, ended, failed}
    assert skaha("ps", "-qs", "failed").ids == [failed]
    for word in ("Completed", "succeeded"):  # two words for the same
        assert skaha("ps", "-qs", word).ids == [ended]
    assert skaha("ps", "-qk", "notebook").ids == [notebook]
    assert skaha("ps", "-qk", "carta").output == ""


def test_fixed_resources_are_shown_as_they_were_asked_for(skaha: Skaha) -> None:
    launched(skaha, "-n", "fixed", "-c", "4", "-m", "16", "-g", "1", IMAGE)
    (_, row) = skaha("ps", "-a").output.splitlines()
    assert row.split()[6:9] == ["4", "16", "1"]


def test_nobody_sees_the_sessions_of_others(skaha: Skaha, job: str) -> None:
    assert job in skaha("ps", "-q").ids
    assert skaha("ps", "-q", SKAHA_TOKEN="somebody-else").output == ""


@pytest.mark.parametrize("command", ["ps", "info"])
def test_for_programs(skaha: Skaha, job: str, command: str) -> None:
    words = [command, job] if command == "info" else [command]
    (found,) = json.loads(skaha(*words, "-o", "json").output)
    assert (found["id"], found["name"], found["kind"], found["status"]) == (job, "job", "headless", "Running")
    assert found["image"] == IMAGE
    assert yaml.safe_load(skaha(*words, "--output", "yaml").output) == [found]


def test_the_newest_come_first_and_replicas_by_their_number() -> None:
    def info(name: str, start: str | None) -> SessionInfo:
        return SessionInfo.of({"id": "abcdefgh", "name": name, "startTime": start})

    wanted = [
        info("waits", None),
        *(info(name, "2026-01-02T00:00Z") for name in ("2-a", "a", "a-2", "a-10", "a-10-b", "b")),
        info("old", "2026-01-01T00:00Z"),
    ]
    shuffled = [wanted[at] for at in (3, 7, 0, 5, 1, 6, 4, 2)]
    assert sorted(shuffled, key=newest_first) == wanted


def test_no_sessions_for_programs(skaha: Skaha) -> None:
    assert (skaha("ps").output, skaha("ps", "-q").output) == (
        "ID  NAME  KIND  STATUS  AGE  LEFT  CORES  GIB  GPUS  IMAGE\n",
        "",
    )
    assert json.loads(skaha("ps", "-o", "json").output) == []
    assert yaml.safe_load(skaha("ps", "-o", "yaml").output) == []


def test_five_thousand_sessions_are_a_table_of_so_many_lines(skaha: Skaha, user: str) -> None:
    names = [f"crowd-{number}" for number in range(1, 5001)]
    with serving(Settings(profile="instant")) as server:  # its own: they fill the cluster
        for name in names:
            server.platform.execute(
                CreateSession(user, 1, 1, (), name, IMAGE, "headless", cmd="sleep", args=("1d",))
            )
        head, *rows = skaha("ps", SKAHA_URL=server.url).output.splitlines()
    assert len(rows) == 5000
    assert {row.split()[1] for row in rows} == set(names)
    assert {row.index("headless") for row in rows} == {head.index("KIND")}


# -- how it looks ------------------------------------------------------------------------------------------------

LONG = "a-name-that-is-about-as-long-as-names-may-be-before-they-are-cut"[:60]


def test_a_terminal_has_colours_and_its_own_width(skaha: Skaha, terminal: Terminal, failed: str) -> None:
    launched(skaha, "-n", LONG, IMAGE, "--", "sleep", "1d")
    for columns in (40, 80, 200):
        code, seen = terminal("ps", "-a", columns=columns)
        assert code == 0
        assert "\x1b[32mRunning" in seen
        assert "\x1b[31mFailed" in seen
        lines = plain(seen).splitlines()
        assert all(len(line) <= columns for line in lines)
        assert (LONG in plain(seen)) == (columns == 200)
        assert len(lines) == 3


@pytest.mark.parametrize("having", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_who_wants_no_colours_gets_none(terminal: Terminal, job: str, having: dict[str, str]) -> None:
    for words in (("ps",), ("stats", job), ("info", job), ("stats",), ("events", job)):
        code, seen = terminal(*words, **having)
        assert code == 0
        assert "\x1b[" not in seen, words


def test_piped_output_is_neither_folded_nor_coloured(skaha: Skaha) -> None:
    launched(skaha, "-n", LONG, IMAGE, "--", "sleep", "1d")
    reply = skaha("ps", COLUMNS="40", FORCE_COLOR="1")
    assert LONG in reply.output
    assert "\x1b" not in reply.output
    assert len(reply.output.splitlines()) == 2


def test_what_has_ended_is_hinted_at_but_only_to_people(
    skaha: Skaha, terminal: Terminal, ended: str, failed: str
) -> None:
    assert skaha("ps").errors == ""
    assert terminal("ps")[1] == "2 more have ended; ps -a shows them\n"


# -- ids ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("typed", ["{} {}", "{}\n{}\n", "\n {} {} {} "])
def test_ids_are_read_from_standard_input(skaha: Skaha, job: str, ended: str, typed: str) -> None:
    ids = typed.format(job, ended, job)
    for words in (("info",), ("info", "-")):
        found = json.loads(skaha(*words, "-o", "json", typed=ids).output)
        assert [each["id"] for each in found] == [job, ended]


@pytest.mark.parametrize("command", ["info", "logs", "events", "renew", "delete", "wait", "open"])
def test_without_any_id_it_says_what_to_do(skaha: Skaha, command: str) -> None:
    reply = skaha(command)
    assert (reply.code, reply.output) == (2, "")
    assert reply.errors == "error: no session; give its id (skahaclient ps shows them), or pipe ids in\n"


@pytest.mark.parametrize("command", ["info", "events", "stats"])
def test_one_unknown_among_others_is_1_and_the_others_are_shown(skaha: Skaha, job: str, command: str) -> None:
    reply = skaha(command, "unknown1", job, "-o", "json")
    assert reply.code == 1
    assert job in reply.output or "Scheduled" in reply.output
    assert reply.errors.startswith("error: unknown1: session unknown1 not found")
    assert reply.errors.count("\n") == 1
    assert skaha(command, "unknown1").code == 1


# -- info, logs, events ------------------------------------------------------------------------------------------


def test_info_is_a_list_of_facts(skaha: Skaha, job: str, user: str) -> None:
    facts = dict(line.split(maxsplit=1) for line in skaha("info", job).output.splitlines() if " " in line)
    assert (facts["id"], facts["name"], facts["status"], facts["kind"]) == (job, "job", "Running", "headless")
    assert facts["image"] == IMAGE
    assert user in facts.values()


def test_logs_of_one_are_bare_and_of_several_have_heads(skaha: Skaha, job: str, ended: str) -> None:
    assert skaha("logs", job).output == "one\ntwo\n"
    assert skaha("logs", job, ended).output == f"==> {job} <==\none\ntwo\n\n==> {ended} <==\ndone\n"


def test_logs_are_followed_to_the_end(skaha: Skaha, ended: str, failed: str) -> None:
    reply = skaha("logs", "-f", ended)
    assert (reply.code, reply.output) == (0, "done\n")
    reply = skaha("logs", "--follow", ended, failed)
    assert (reply.code, reply.output) == (0, f"{ended}  done\n")


def test_events(skaha: Skaha, job: str) -> None:
    head, first, *_ = skaha("events", job).output.splitlines()
    assert head.split() == ["LAST", "TYPE", "REASON", "MESSAGE"]
    assert re.fullmatch(r"-\s+Normal\s+Scheduled\s+Successfully assigned .*", first)
    found = json.loads(skaha("events", job, "-o", "json").output)[job]
    assert {tuple(event) for event in found} == {("type", "reason", "message", "first_time", "last_time")}
    assert found[0]["first_time"] is None
    assert found[-1]["reason"] == "Started"


# -- the platform ------------------------------------------------------------------------------------------------


def test_stats_of_the_platform(skaha: Skaha, job: str) -> None:
    head, cores, ram = skaha("stats").output.splitlines()
    assert head.split() == ["REQUESTED", "CAPACITY", "LOAD", "MOST", "PER", "SESSION"]
    assert re.fullmatch(r"cores +[\d.]+ +[\d.]+ +\d+% +\d+", cores)
    assert re.fullmatch(r"memory, GiB +[\d.]+ +[\d.]+ +\d+% +\d+", ram)


def test_stats_of_a_session_are_use_of_what_was_asked_for(skaha: Skaha) -> None:
    fixed = launched(
        skaha, "-n", "fixed", "-c", "4", "-m", "16", IMAGE, "-e", "MOCKSKAHA_CORES=3", "--", "sleep", "1d"
    )
    (use,) = json.loads(skaha("stats", fixed, "-o", "json").output)
    assert (use["id"], use["requested_cores"]) == (fixed, 4)
    assert 0 < use["cores_in_use"] <= 4
    head, row = skaha("stats", fixed).output.splitlines()
    assert "CORES USED" in head
    assert row.split()[:3] == [fixed, "fixed", "Running"]
    assert re.search(r"\d+%", row)


def test_images(skaha: Skaha) -> None:
    head, *rows = skaha("images").output.splitlines()
    assert head.split() == ["IMAGE", "KINDS"]
    assert "skaha/astroml:latest" in [row.split()[0] for row in rows]
    assert [row.split()[0] for row in skaha("images", "carta:5").output.splitlines()[1:]] == [
        "skaha/carta:5.1.0"
    ]
    notebooks = json.loads(skaha("images", "-k", "notebook", "-o", "json").output)
    assert all("notebook" in image["types"] for image in notebooks)
    assert IMAGE in [image["id"] for image in notebooks]


def test_context(skaha: Skaha) -> None:
    assert skaha("context").output == (
        "             FLEXIBLE  UP TO  CHOICES\n"
        "cores               1      8  1-16\n"
        "memory, GiB         4     32  1, 2, 4, 6, 8, 10, 12, 14, 16, 20, 24, 26, 28, 30, 32, 36, 40, 44, 48, 56, 64, "
        "80, 92, 112, 128, 140, 170, 192\n"
        "GPUs                -      -  1-28\n"
    )
    assert json.loads(skaha("context", "-o", "json").output)["cores"]["options"][0] == 1
