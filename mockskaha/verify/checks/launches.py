"""What a launched session is (skaha-contract §2.1 to §2.4, §2.7, §4.1)."""

from __future__ import annotations

import re
from typing import Any

from mockskaha.verify.check import Needs, check, expect, expect_type
from mockskaha.verify.checks.sessions import SESSION_ID
from mockskaha.verify.skaha import FORM, Skaha

_GIB, _GB = 2**30, 10**9


def _shown(skaha: Skaha, what: str) -> dict[str, Any]:
    return skaha.session(skaha.exhibit(what))


def ram_text(skaha: Skaha, gib: float) -> str:
    """How an amount of RAM asked for in GiB is told."""
    return f"{gib * _GIB / _GB:.2f}" if skaha.era.session_ram == "gb" else f"{gib:g}G"


def _cores_text(cores: float) -> str:
    return str(int(cores)) if cores == int(cores) else f"{cores:.3f}"


@check("launches.answer", "§2.7, §4.1, §9 (6)", needs=Needs.WRITE)
def answer(skaha: Skaha) -> None:
    """A launch answers the bare id and a newline, as text"""
    made = skaha.try_launch("answer", "headless", cmd="sleep", args="60")
    expect_type(made, "text/plain")
    session_id = made.text.removesuffix("\n")
    expect(made.text.endswith("\n"), f"there is no newline after the id: {made.told()}", made)
    expect(SESSION_ID.fullmatch(session_id), f"the id is {session_id!r}", made)


@check("launches.ids-are-new", "§4.1", needs=Needs.WRITE)
def ids_are_new(skaha: Skaha) -> None:
    """Every launch has an id of its own, whatever its name is"""
    before = {item["id"] for item in skaha.sessions()}
    ids = [skaha.launch("twin", "headless", cmd="sleep", args="60") for _ in range(2)]
    expect(len(set(ids)) == 2, f"two launches have the id {ids[0]}", skaha.exchanges[-1])
    expect(not before & set(ids), "a launch has the id of a session that was there", skaha.exchanges[-1])
    listed = {item["id"] for item in skaha.sessions()}
    expect(set(ids) <= listed, f"the list lacks {set(ids) - listed}", skaha.exchanges[-1])
    for session_id in ids:
        skaha.remove(session_id)


@check("launches.by-query", "§1.2", needs=Needs.WRITE)
def by_query(skaha: Skaha) -> None:
    """A launch by query alone works, with the media type of a form: how the Python client does it"""
    name = skaha.name("query")
    query = {"name": name, "image": skaha.image_for("headless"), "cmd": "sleep", "args": "60"}
    made = skaha.ask("POST", skaha.api("session"), query=query, content_type=FORM)
    skaha.note_launch(made, name)
    expect_type(made, "text/plain")
    found = skaha.session(made.text.strip())
    expect(found["name"] == name, f"the name is {found['name']!r}, not {name!r}", skaha.exchanges[-1])
    if not skaha.era.type_from_image:
        expect(found["type"] == "headless", f"without a type it is {found['type']}", skaha.exchanges[-1])
    skaha.remove(found["id"])


@check("launches.name-lower-case", "§2.4", needs=Needs.WRITE)
def name_lower_case(skaha: Skaha) -> None:
    """The name of a session is told in lower case"""
    name = skaha.name("MixedCase")
    found = skaha.session(skaha.launch("name", "headless", name=name, cmd="sleep", args="60"))
    expect(found["name"] == name.lower(), f"{name} is told as {found['name']!r}", skaha.exchanges[-1])
    skaha.remove(found["id"])


@check("launches.as-asked", "§2.1, §9 (8)", needs=Needs.WRITE)
def as_asked(skaha: Skaha) -> None:
    """A session is the caller's, and of the type, image and name that were asked for"""
    for what, kind in (("notebook", "notebook"), ("job", "headless")):
        found = _shown(skaha, what)
        wanted = {
            "userid": skaha.username,
            "type": kind,
            "name": skaha.name(what),
            "image": skaha.image_for(kind),
        }
        told = {field: found.get(field) for field in wanted}
        expect(told == wanted, f"asked for {wanted}, got {told}", skaha.exchanges[-1])


@check("launches.connect-url", "§2.4", needs=Needs.WRITE)
def connect_url(skaha: Skaha) -> None:
    """The address of a session follows from its type and id, and a batch job has none"""
    notebook, desktop, carta, job = (_shown(skaha, what) for what in ("notebook", "desktop", "carta", "job"))
    shown = skaha.exchanges[-1]
    wanted = {
        "notebook": (notebook, rf"https?://[^/]+.*/session/notebook/{notebook['id']}/lab/tree/.+\?token={notebook['id']}"),
        "desktop": (
            desktop, rf"https?://[^/]+.*/session/desktop/{desktop['id']}/\?password={desktop['id']}&path=session/desktop/.*"
        ),
        "carta": (carta, rf"https?://[^/]+.*/session/{skaha.era.carta_path}/{carta['id']}/(\?.*)?"),
    }  # fmt: skip
    for kind, (found, pattern) in wanted.items():
        url = found["connectURL"]
        expect(re.fullmatch(pattern, url), f"the address of a {kind} is {url!r}", shown)
    empty = skaha.era.no_connect_url
    expect(
        job["connectURL"] == empty,
        f"the address of a batch job is {job['connectURL']!r}, not {empty!r}",
        shown,
    )


@check("launches.ram-unit", "§2.2", needs=Needs.WRITE)
def ram_unit(skaha: Skaha) -> None:
    """RAM that was asked for in GiB is told in decimal GB (in GiB before 1.0)"""
    for what in ("notebook", "memory"):
        found = _shown(skaha, what)
        told, wanted = found.get("requestedRAM"), ram_text(skaha, 1)
        expect(told == wanted, f"ram=1 is told as requestedRAM {told!r}, not {wanted!r}", skaha.exchanges[-1])


@check("launches.fixed", "§2.3", needs=Needs.WRITE, when=lambda era: era.fixed_is_told)
def fixed(skaha: Skaha) -> None:
    """With cores and ram a session has fixed resources, and tells both"""
    found = _shown(skaha, "notebook")
    expect(found.get("isFixedResources") is True, "cores and ram do not make it fixed", skaha.exchanges[-1])
    cores = found.get("requestedCPUCores")
    expect(cores == "1", f"cores=1 is told as {cores!r}", skaha.exchanges[-1])


@check("launches.fixed-by-ram", "§2.3", needs=Needs.WRITE, when=lambda era: era.fixed_is_told)
def fixed_by_ram(skaha: Skaha) -> None:
    """With ram alone it is fixed, too, and tells the cores nobody asked for"""
    found = _shown(skaha, "memory")
    expect(found.get("isFixedResources") is True, "ram alone does not make it fixed", skaha.exchanges[-1])
    wanted = _cores_text(skaha.context["cores"]["defaultRequest"])
    told = found.get("requestedCPUCores")
    expect(
        told == wanted,
        f"requestedCPUCores is {told!r}, not the default request {wanted!r}",
        skaha.exchanges[-1],
    )


@check("launches.flexible", "§2.3", needs=Needs.WRITE, when=lambda era: era.fixed_is_told)
def flexible(skaha: Skaha) -> None:
    """With cores alone, or nothing, it is flexible, and tells neither; a desktop always is"""
    for what in ("carta", "job", "desktop"):
        found = _shown(skaha, what)
        expect(found.get("isFixedResources") is False, f"the {what} has fixed resources", skaha.exchanges[-1])
        told = {"requestedRAM", "requestedCPUCores"} & set(found)
        expect(not told, f"the {what} tells {', '.join(sorted(told))}", skaha.exchanges[-1])


@check("launches.cores-text", "§2.2", needs=Needs.WRITE, when=lambda era: era.decimal_resources)
def cores_text(skaha: Skaha) -> None:
    """Whole cores are told bare, others with three digits"""
    found = skaha.session(skaha.launch("cores", "headless", cmd="sleep", args="60", cores="1.5", ram="1"))
    told = found.get("requestedCPUCores")
    expect(told == "1.500", f"cores=1.5 is told as {told!r}, not '1.500'", skaha.exchanges[-1])
    skaha.remove(found["id"])


@check("launches.listed", "§2.5", needs=Needs.WRITE)
def listed(skaha: Skaha) -> None:
    """A launched session is in the list, in the lists of its type, and for everybody in `view=all`"""
    session_id = skaha.exhibit("job")
    for query in ({}, {"type": "headless"}, {"TYPE": "Headless"}):
        ids = [item["id"] for item in skaha.sessions(query)]
        expect(
            ids.count(session_id) == 1,
            f"it is {ids.count(session_id)} times in the list",
            skaha.exchanges[-1],
        )
    expect(
        session_id not in [item["id"] for item in skaha.sessions({"type": "notebook"})],
        "a batch job is listed as a notebook",
        skaha.exchanges[-1],
    )


@check("launches.limit", "§3.3 (9)", needs=Needs.WRITE)
def limit(skaha: Skaha) -> None:
    """There is a limit of interactive sessions, told by the context; it is looked at before the GPUs"""
    most = int(skaha.context["maxInteractiveSessions"])
    expected = f"User {skaha.username} has reached the maximum of {most} active sessions."
    made: list[str] = []
    try:
        for number in range(min(most, _MOST_TO_LAUNCH) + 1):
            tried = skaha.try_launch(f"limit-{number}", "carta", cores="1", ram="1")
            if tried.status != 200:
                expect(tried.text == f"{expected}\n", f"expected {expected!r}, got {tried.told()}", tried)
                tried = skaha.try_launch("limit-gpus", "carta", cores="1", ram="1", gpus="-1")
                expect(tried.text == f"{expected}\n", f"with bad GPUs, too; got {tried.told()}", tried)
                return
            made.append(tried.text.strip())
        expect(most > _MOST_TO_LAUNCH, f"{most} sessions are the limit, and one more was launched", tried)
    finally:
        for session_id in made:
            skaha.remove(session_id)


_MOST_TO_LAUNCH = 5
"""Of a server that allows more the limit is not looked for."""
