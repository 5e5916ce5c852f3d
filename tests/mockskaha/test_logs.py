"""What containers print, as far as they have got."""

import pytest

from mockskaha.session import KINDS

pytestmark = pytest.mark.evidence("skaha-contract §2.9")

SESSIONS = "/skaha/v1/session"


def test_what_is_printed_grows_and_never_changes(skaha):
    found = skaha.create(cmd="python", args="reduce.py", env="MOCKSKAHA_RUNTIME=100s")
    seen = [""]
    for _ in range(120):
        skaha.advance(1)
        text = skaha.logs(found)
        assert text.startswith(seen[-1])
        seen.append(text)
    assert skaha.status(found) == "Completed"
    assert len(set(seen)) > 5
    assert seen[-1].splitlines()[0].endswith("INFO    starting: python reduce.py")
    assert seen[-1].splitlines()[-1].endswith("INFO    done")


def test_lines_carry_the_time_they_are_printed_at(start, skaha):
    found = skaha.create(cmd="python", env="MOCKSKAHA_RUNTIME=60s")
    skaha.advance(120)
    stamps = [line[:19] for line in skaha.logs(found).splitlines()]
    assert stamps == sorted(stamps)
    assert stamps[0].startswith("2026-08-06 22:25:3")
    assert stamps[-1].startswith("2026-08-06 22:26:3")


def test_failing_says_so_and_the_log_stays_until_the_session_goes(skaha):
    found = skaha.create(cmd="python", env=["MOCKSKAHA_RUNTIME=5s", "MOCKSKAHA_EXIT=3"])
    skaha.until(found, "Failed")
    text = skaha.logs(found)
    assert text.endswith("ERROR   failed with exit code 3\n")
    skaha.advance(3000)
    assert skaha.logs(found) == text
    skaha.advance(601)
    assert skaha.logs(found) == ""


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_printed_before_the_container_runs_and_something_after(skaha, kind):
    found = skaha.create(type=kind, **({"cmd": "python"} if kind == "headless" else {}))
    assert skaha.get(f"{SESSIONS}/{found}?view=logs").told == (200, "text/plain", "")
    skaha.until(found, "Running")
    skaha.advance(1)
    text = skaha.logs(found)
    assert text.endswith("\n")
    assert skaha.get(f"{SESSIONS}/{found}?VIEW=logs").text == text
    skaha.delete(f"{SESSIONS}/{found}")
    assert skaha.logs(found) == ""


def test_echo_is_printed_as_it_is(skaha):
    launch = {"name": "a", "image": "images.canfar.net/skaha/terminal:1.1.2", "cmd": "echo"}
    reply = skaha.post(SESSIONS, {}, query=launch | {"args": "é <&> {id} %s"})
    found = reply.text.strip()
    skaha.advance(10)
    assert skaha.logs(found) == "é <&> {id} %s\n"


def test_a_restarted_container_shows_its_latest_run(skaha):
    found = skaha.create(type="notebook", env=["MOCKSKAHA_RUNTIME=5s", "MOCKSKAHA_EXIT=1"])
    skaha.advance(6)
    first = skaha.logs(found)
    assert first
    skaha.advance(30)
    assert skaha.logs(found) == first


def test_an_evicted_session_starts_with_an_empty_log(skaha):
    found = skaha.create(type="notebook")
    skaha.until(found, "Running")
    skaha.advance(1)
    assert skaha.logs(found)
    job = skaha.platform.inventory.session(found).job
    skaha.platform.model.evict(job, "The node was low on resource: memory.")
    for _ in range(8):
        assert (skaha.status(found), skaha.logs(found)) == ("Pending", "")
        skaha.advance(0.05)
    skaha.until(found, "Running")
    skaha.advance(1)
    assert skaha.logs(found)


def test_a_job_without_a_command_runs_its_image(skaha):
    found = skaha.create(cmd="", args="", env="MOCKSKAHA_RUNTIME=forever")
    skaha.advance(7200)
    assert "starting: images.canfar.net/skaha/terminal:1.1.2" in skaha.logs(found)
    assert skaha.status(found) == "Running"
    assert len(skaha.logs(found).splitlines()) <= 200
