"""The stream of events: it ends when it should, and a reader who does not read costs nothing."""

import asyncio
import json
import tracemalloc

import pytest

from mockskaha.control import events
from mockskaha.control.events import follow
from mockskaha.stream import Stream

pytestmark = pytest.mark.evidence("our own control API")


@pytest.fixture(autouse=True)
def without_waiting(monkeypatch):
    monkeypatch.setattr(events, "LOOK_SECONDS", 0.0)


async def take(stream, count):
    """The next ``count`` events (heartbeats left out) as name and data."""
    found = []
    while len(found) < count:
        chunk = (await anext(stream)).decode()
        for block in chunk.split("\n\n"):
            lines = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
            if lines:
                found.append((lines["event"], json.loads(lines["data"]), lines.get("id")))
    return found


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 20))


def test_it_tells_what_happened_and_what_happens(client):
    found = client.launch()

    async def read():
        stream = follow(client.host, client.host.root, 0)
        ((name, data, number),) = await take(stream, 1)
        assert (name, data["session"], number) == ("submitted", found, "1")
        client.host.root.platform.advance(30)
        told = await take(stream, 3)
        assert [item[2] for item in told[:3]] == ["2", "3", "4"]
        await stream.aclose()

    run(read())
    assert client.host.streams == 0


def test_it_gives_a_sign_of_life_when_nothing_happens(client, monkeypatch):
    monkeypatch.setattr(events, "HEARTBEAT_SECONDS", 0.0)

    async def read():
        stream = follow(client.host, client.host.root, 0)
        assert [await anext(stream) for _ in range(3)] == [b": still here\n\n"] * 3
        await stream.aclose()

    run(read())


def test_it_moves_a_wall_clock_on(drive):
    client = drive(clock="wall", speed=100_000)
    client.launch(args="60")

    async def read():
        stream = follow(client.host, client.host.root, 0)
        while "finished" not in [name for name, _, _ in await take(stream, 1)]:
            await asyncio.sleep(0.001)
        await stream.aclose()

    run(read())


def test_a_slow_reader_is_told_how_many_it_lost_and_nothing_is_kept_for_it(client):
    platform = client.host.root.platform
    platform.stream = Stream(most=100)
    client.launch()
    platform.advance(30)

    def happen(times):
        for number in range(times):
            platform.time += 1
            platform.stream.note_node(platform.time, f"n{number % 7}", "drain")

    async def read():
        stream = follow(client.host, client.host.root, 0)
        first = await take(stream, 1)
        happen(200)
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        happen(50_000)
        grown = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()
        assert grown < 200_000, "it keeps what nobody reads"
        told = await take(stream, 2)
        await stream.aclose()
        return first, told

    first, told = run(read())
    lost = next(data["count"] for name, data, _ in told if name == "lost")
    assert lost > 50_000
    following = next(data["number"] for name, data, _ in told if name != "lost")
    assert following == platform.stream.oldest
    assert following == len(first) + lost + 1


def test_it_begins_anew_after_a_reset_and_when_it_is_asked_for_what_is_not_there_yet(client):
    client.launch()

    async def read():
        stream = follow(client.host, client.host.root, 0)
        await take(stream, 1)
        client.host.root.reset()
        client.launch()
        told = await take(stream, 2)
        await stream.aclose()
        later = follow(client.host, client.host.root, 999)
        again = await take(later, 2)
        await later.aclose()
        return told, again

    for told in run(read()):
        assert [(name, number) for name, _, number in told] == [("reset", None), ("submitted", "1")]


@pytest.mark.parametrize("end", ["close", "remove"])
def test_it_ends_with_the_server_and_with_its_namespace(client, end):
    namespace = client.host.namespace("a")

    async def read():
        stream = follow(client.host, namespace, 0)
        waiting = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        if not waiting.done():
            await asyncio.sleep(0)
        assert client.host.streams == 1
        if end == "close":
            client.host.closing = True
        else:
            client.host.remove("a")
        await asyncio.wait([waiting])
        return [chunk async for chunk in stream]

    assert run(read()) == []
    assert client.host.streams == 0


def test_there_are_only_so_many(client, monkeypatch):
    monkeypatch.setattr(events, "MOST_STREAMS", 0)
    answer = client.ask("GET", "events", headers={"accept": "text/event-stream"})
    assert (answer.status, answer.error["code"]) == (409, "conflict")


def test_where_to_go_on_is_a_number(client):
    for given in ("x", "-1", "1.5", "9" * 17, "٣"):
        headers = {"accept": "text/event-stream", "last-event-id": given.encode().decode("latin-1")}
        assert client.ask("GET", "events", headers=headers).status == 400
