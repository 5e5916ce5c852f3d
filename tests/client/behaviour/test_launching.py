"""Launching, in every version of Skaha."""

from __future__ import annotations

import pytest

from skahaclient.errors import Forbidden, InvalidRequest, LaunchError, Refused
from tests.client.behaviour.conftest import Begin, World

ASTROML = "images.canfar.net/skaha/astroml:latest"
PRIVATE = "images.canfar.net/nobody/nothing:1"


def test_a_flexible_session_is_a_batch_job_unless_said_otherwise(world: World) -> None:
    (job,) = world.session.create("fit", "skaha/astroml")  # its first kind is notebook
    (info,) = world.session.info(job)
    assert (info.id, info.name, info.kind, info.image, info.userid) == (
        job,
        "fit",
        "headless",
        ASTROML,
        "alice",
    )
    assert not info.is_fixed
    # What is guaranteed to it anyhow, where that is told.
    told = world.era.requested_is_always_told
    assert (info.requested_cores, info.requested_ram) == ((1, 4) if told else (None, None))


def test_a_fixed_session_has_what_it_asked_for_in_gib(world: World) -> None:
    (job,) = world.session.create("fit", "skaha/astroml", cores=2, ram=16)
    (info,) = world.session.info(job)
    assert (info.requested_cores, info.requested_ram, info.requested_gpus) == (2, 16, 0)
    assert info.is_fixed is (True if world.era.fixed_is_told else None)
    assert info["requestedRAM"] == {"gib": "16G", "gb": "17.18"}[world.era.session_ram]


def test_half_a_core_more_is_refused_by_old_versions(world: World) -> None:
    if world.era.decimal_resources:
        (info,) = world.session.info(world.session.create("fit", "skaha/astroml", cores=1.5, ram=4))
        assert info.requested_cores == 1.5
        return
    with pytest.raises(LaunchError, match=r"Invalid value for 'cores': 1\.5") as failure:
        world.session.create("fit", "skaha/astroml", cores=1.5, ram=4)
    assert failure.value.failures[1].status == 400


def test_gpus_are_told_as_far_as_there_are_any(begin: Begin) -> None:
    for enabled, gpus in ((True, 2), (False, 0)):
        world = begin(sessions={"gpu_enabled": enabled})
        (info,) = world.session.info(world.session.create("train", "skaha/astroml", gpu=2))
        assert info.requested_gpus == gpus


def test_a_command_in_every_form_is_the_same(world: World) -> None:
    forms = [
        ("echo one two", None),
        ("echo", "one two"),
        ("echo", ["one", "two"]),
        (["echo", "one"], ["two"]),
    ]
    ids = [world.session.create("say", "skaha/astroml", cmd=cmd, args=args)[0] for cmd, args in forms]
    world.session.wait(ids)
    assert world.session.logs(ids) == dict.fromkeys(ids, "one two\n")


def test_text_beyond_ascii_arrives(world: World) -> None:
    job = world.session.create("say", "skaha/astroml", cmd="echo", args=["Größe", "☉"])
    world.session.wait(job)
    assert world.session.logs(job) == {job[0]: "Größe ☉\n"}


def test_replicas_know_which_they_are_and_have_the_variables(world: World) -> None:
    steps: list[tuple[int, int]] = []
    ids = world.session.create(
        "part", "skaha/astroml", cmd="printenv", args="REPLICA_ID REPLICA_COUNT MODE", env={"MODE": "deep"},
        replicas=4, progress=lambda *now: steps.append(now),
    )  # fmt: skip
    infos = world.session.wait(ids)
    assert [(info.id, info.name) for info in infos] == [(each, f"part-{n}") for n, each in enumerate(ids, 1)]
    assert world.session.logs(ids) == {each: f"{n}\n4\ndeep\n" for n, each in enumerate(ids, 1)}
    assert steps == [(done, 4) for done in range(1, 5)]


def test_each_kind_of_session(world: World) -> None:
    for kind in ("notebook", "desktop", "carta", "contributed", "firefly"):
        image = world.images.fetch(kind)[0]
        (each,) = world.session.create("view", image, kind=kind)
        (info,) = world.session.wait(each, until="Running")
        assert (info.kind, info.status, info.image) == (kind, "Running", image)
        assert info.connect_url
        assert each in info.connect_url


def test_an_unknown_image_is_told_by_name_and_is_not_tried_twice(world: World) -> None:
    with pytest.raises(LaunchError) as failure:
        world.session.create("fit", PRIVATE)
    (error,) = failure.value.failures.values()
    checked = world.era.image_types_are_checked
    assert (error.status, error.name, error.may_exist) == (404 if checked else 400, "fit", False)
    assert (PRIVATE if checked else "unknown or private image") in str(failure.value)
    assert failure.value.created == []
    assert [request.operation for request in world.skaha.journal].count("createSession") == 1


def test_an_image_of_another_kind_is_the_services_affair(world: World) -> None:
    if not world.era.image_types_are_checked:
        assert world.session.create("look", "skaha/carta:5.1.0", kind="notebook")
        return
    with pytest.raises(LaunchError, match=r"image/type mismatch: \S+/carta:5\.1\.0/notebook"):
        world.session.create("look", "skaha/carta:5.1.0", kind="notebook")


def test_too_many_interactive_sessions_are_refused_with_the_ids_of_the_others(begin: Begin) -> None:
    world = begin(sessions={"max_interactive": 2})
    with pytest.raises(LaunchError, match="maximum of 2 active sessions") as failure:
        world.client(concurrency=1).create("nb", "skaha/astroml", kind="notebook", replicas=3)
    assert failure.value.created == [
        info.id for info in sorted(world.session.fetch(), key=lambda info: info.name)
    ]
    assert list(failure.value.failures) == [3]
    assert failure.value.failures[3].status == 400


def test_sessions_that_have_failed_count_in_old_versions(begin: Begin) -> None:
    world = begin(sessions={"max_interactive": 1})
    (first,) = world.session.create("nb", "skaha/astroml", kind="notebook")
    world.skaha.until(first)
    world.skaha.disturb(first, "expire")
    assert world.session.info(first)[0].status == "Failed"
    if world.era.limit_counts == "active":
        assert world.session.create("nb", "skaha/astroml", kind="notebook")
    else:
        with pytest.raises(LaunchError, match="maximum of 1 active sessions"):
            world.session.create("nb", "skaha/astroml", kind="notebook")


def test_who_may_not_have_batch_jobs_is_told(begin: Begin) -> None:
    world = begin(sessions={"headless_group": "batch"})
    if not world.era.headless_group_is_checked:
        assert world.session.create("fit", "skaha/astroml")
        return
    with pytest.raises(LaunchError, match="Not authorized to create a headless session") as failure:
        world.session.create("fit", "skaha/astroml")
    assert isinstance(failure.value.failures[1].cause, Forbidden)


def test_a_private_image_with_credentials(world: World) -> None:
    if world.era.image_types_are_checked:
        return  # there, only what is known can be launched
    session = world.client(registry=("alice", "cli-secret"))
    assert session.create("own", "survey-team/pipeline:1.0")
    assert world.skaha.journal[-1].header("x-skaha-registry-auth") == "***"


def test_what_versions_would_break_at_differently_is_not_even_sent(world: World) -> None:
    for wrong in ({"name": "-fit"}, {"name": "fit-"}, {"name": "a_b"}, {"env": {"A": "b=c"}}):
        with pytest.raises(InvalidRequest):
            world.session.create(**{"name": "fit", "image": "skaha/astroml", **wrong})
    assert len(world.skaha.journal) == 0


def test_what_is_refused_has_the_services_own_words(world: World) -> None:
    with pytest.raises(LaunchError) as failure:
        world.session.create("fit", "skaha/astroml", ram=3)
    (error,) = failure.value.failures.values()
    assert (error.text, error.status) == ("Invalid value for 'ram': 3", 400)
    assert isinstance(error.cause, Refused)
