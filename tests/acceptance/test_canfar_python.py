"""The Python API of canfar 1.5.2, driven by scripts such as its users write; each prints what it saw as JSON."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest

from examples.clients import Client
from examples.service import Service

pytestmark = pytest.mark.evidence("skaha-contract §2, §3; canfar 1.5.2's own code for what it makes of it")

SESSION_ID = re.compile(r"[a-z][a-z0-9]{7}")
PRIVATE = "images.canfar.net/survey-team/pipeline:1.0"
REFUSAL = (
    "No authentication provided for unknown or private image.  "
    "Use x-skaha-registry-auth request header with base64Encode(username:secret)."
)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.evidence("skaha-contract §2.1, §2.7, §2.9, §2.10, §4.2, §4.4, §4.6")
def test_a_session_from_create_to_destroy(canfar: Client, user: str) -> None:
    seen = canfar.python("""
import json
from canfar.sessions import Session
with Session(errors="raise") as session:
    job, = session.create(name="Reduce", image="skaha/casa:6.5", cores=8, ram=32, kind="headless",
                          cmd="sh", args="-c 'env; sleep 600'", env={"BAND": "K", "RUN": 7})
    notebook, = session.create(name="nb", image="skaha/base-notebook", kind="notebook")
    out = {"job": job, "notebook": notebook}
    out["all"] = session.fetch()
    out["headless"] = session.fetch(kind="headless", status="Running")
    out["none"] = session.fetch(status="Failed")
    out["info"] = session.info([job, notebook])
    out["logs"] = session.logs(job)
    out["events"] = session.events([job])
    out["stats"] = session.stats()
    out["renew"] = session.renew([job, notebook])
    out["renewed"] = session.info([job, notebook])
    out["destroy"] = session.destroy(job)
    out["left"] = [item["id"] for item in session.fetch()]
    out["with"] = session.destroy_with(prefix="n", kind="notebook", status="Running")
    out["end"] = session.fetch()
print(json.dumps(out))
""")
    job, notebook = seen["job"], seen["notebook"]
    assert SESSION_ID.fullmatch(job)
    assert SESSION_ID.fullmatch(notebook)
    assert [item["id"] for item in seen["all"]] == [item["id"] for item in seen["info"]] == [job, notebook]
    assert [set(item) for item in seen["all"]] == [set(item) for item in seen["info"]]
    assert [item["id"] for item in seen["headless"]] == [job]
    assert seen["none"] == []

    about = seen["info"][0]
    lifetime = moment(about["expiryTime"]) - moment(about["startTime"])
    assert lifetime == timedelta(days=14)
    fixed = {"requestedRAM": "34.36", "requestedCPUCores": "8", "isFixedResources": True}
    assert fixed.items() <= about.items()
    assert (about["name"], about["userid"], about["connectURL"]) == ("reduce", user, "")
    assert not {"requestedRAM", "requestedCPUCores"} & set(seen["info"][1])

    environment = dict(line.split("=", 1) for line in seen["logs"][job].splitlines())
    expected = {"BAND": "K", "RUN": "7", "REPLICA_ID": "1", "REPLICA_COUNT": "1", "OMP_NUM_THREADS": "8"}
    assert expected.items() <= environment.items()
    assert (environment["skaha_sessionid"], environment["HOME"]) == (job, f"/cavern/home/{user}")

    header, *rows = seen["events"][0][job].splitlines()
    assert header.split() == ["TYPE", "REASON", "MESSAGE", "FIRST-TIME", "LAST-TIME"]
    assert {len(re.split(r"\s{2,}", row)) for row in rows} == {5}

    assert seen["stats"]["cores"]["maxCPUCores"] == {"cpuCores": 8.0, "withRam": "32Gi"}
    assert seen["stats"]["ram"]["maxRAM"] == {"ram": "32Gi", "withCPUCores": 8.0}
    assert "instances" not in seen["stats"]

    assert seen["renew"] == {job: True, notebook: True}
    assert seen["renewed"][0]["expiryTime"] == about["expiryTime"]
    assert seen["renewed"][1]["expiryTime"] >= seen["info"][1]["expiryTime"]
    assert seen["destroy"] == {job: True}
    assert seen["left"] == [notebook]
    assert seen["with"] == {notebook: True}
    assert seen["end"] == []


@pytest.mark.evidence("skaha-contract §2.5, §3.3 step 9: headless sessions are unlimited")
def test_forty_at_once(canfar: Client) -> None:
    seen = canfar.python("""
import asyncio, json
from canfar.sessions import AsyncSession
async def main():
    async with AsyncSession(concurrency=40, errors="raise") as session:
        jobs = await session.create(name="study", image="skaha/astroml", kind="headless", cmd="env",
                                    replicas=40)
        listed = await session.fetch(kind="headless")
        info = await session.info(jobs)
        logs = await session.logs(jobs)
        events = await session.events(jobs)
        renew = await session.renew(jobs[0], errors="ignore")
        done = await session.destroy_with(prefix="study-1", status="Completed")
        done |= await session.destroy([item["id"] for item in await session.fetch()])
        return {"jobs": jobs, "listed": listed, "info": info, "logs": logs, "events": events,
                "renew": renew, "destroyed": done, "left": await session.fetch()}
print(json.dumps(asyncio.run(main())))
""")
    jobs = seen["jobs"]
    assert len(set(jobs)) == 40
    assert sorted(item["name"] for item in seen["listed"]) == sorted(f"study-{n}" for n in range(1, 41))
    assert {item["status"] for item in seen["listed"]} == {"Completed"}
    names = {item["id"]: item["name"] for item in seen["info"]}
    replicas = {}
    for job in jobs:
        environment = dict(line.split("=", 1) for line in seen["logs"][job].splitlines())
        replicas[job] = f"study-{environment['REPLICA_ID']}"
        assert environment["REPLICA_COUNT"] == "40"
    assert replicas == names
    assert {key for event in seen["events"] for key in event} == set(jobs)
    assert seen["renew"] == {jobs[0]: False}
    assert seen["destroyed"] == dict.fromkeys(jobs, True)
    assert seen["left"] == []


@pytest.mark.evidence("skaha-contract §3.3 steps 7, 9, 12, §3.4: text, status and media type of refusals")
def test_refusals_reach_the_caller_word_for_word(canfar: Client, user: str) -> None:
    seen = canfar.python(f"""
import asyncio, json
from canfar.exceptions.session import SessionRequestError
from canfar.sessions import AsyncSession, Session
def text(error):
    return {{str(key): [cause.response.status_code, cause.response.headers["content-type"], cause.response.text]
            for key, cause in error.errors.items()}}
out = {{}}
def refused(case, call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except SessionRequestError as error:
        out[case] = [error.operation, error.results, text(error)]
async def several():
    async with AsyncSession() as session:
        try:
            await session.create(name="bad_name", image="skaha/astroml", replicas=2, errors="raise")
        except SessionRequestError as error:
            out["name"] = [error.operation, error.results, text(error)]
with Session(errors="raise") as session:
    refused("private", session.create, name="p", image="{PRIVATE}")
    refused("memory", session.create, name="m", image="skaha/astroml", ram=3)
    refused("cores", session.create, name="g", image="skaha/astroml", gpu=28, cores=17)
    refused("info", session.info, "nosuchid")
    refused("events", session.events, ["nosuchid"])
    refused("renew", session.renew, ["nosuchid"])
    out["logs"] = session.logs("nosuchid")
    out["destroy"] = session.destroy("nosuchid")
    kinds = [session.create(name="n", image="skaha/base-notebook", kind="notebook")[0] for _ in range(5)]
    refused("limit", session.create, name="n", image="skaha/base-notebook", kind="notebook")
    session.destroy(kinds)
asyncio.run(several())
print(json.dumps(out))
""")

    def answer(case: str) -> tuple[Any, ...]:
        operation, results, errors = seen[case]
        return operation, results, list(errors.values())

    def refusal(status: int, text: str) -> list[object]:
        return [status, "text/plain", f"{text}\n"]

    label = "name can only contain alpha-numeric chars and '-'"
    active = f"No active job for user PosixPrincipal [uidNumber=UID,UID,{user}] with session nosuchid"
    assert answer("private") == ("create", [], [refusal(400, REFUSAL)])
    assert answer("memory") == ("create", [], [refusal(400, "Invalid value for 'ram': 3")])
    assert answer("cores") == ("create", [], [refusal(400, "Invalid value for 'cores': 17")])
    assert answer("info") == ("info", [], [refusal(404, "session nosuchid not found")])
    assert answer("events") == ("events", [], [refusal(404, "session nosuchid not found.")])
    *call, ((status, media, text),) = answer("renew")
    assert (*call, status, media) == ("renew", {"nosuchid": False}, 400, "text/plain")
    assert re.sub(r"=\d+,\d+,", "=UID,UID,", text) == f"{active}\n"
    maximum = f"User {user} has reached the maximum of 5 active sessions."
    assert answer("limit") == ("create", [], [refusal(400, maximum)])
    assert seen["name"][2] == {"1": refusal(400, label), "2": refusal(400, label)}
    assert seen["logs"] == {"nosuchid": ""}
    assert seen["destroy"] == {"nosuchid": True}


@pytest.mark.evidence("skaha-contract §1.3, §3.3 step 12: x-skaha-registry-auth opens private images")
def test_a_private_image_with_registry_credentials(canfar: Client) -> None:
    script = f"""
import json
from canfar.sessions import Session
with Session() as session:
    print(json.dumps([session.info(made) for made in session.create(name="p", image="{PRIVATE}")]))
"""
    assert canfar.python(script) == []
    secret = {"CANFAR_REGISTRY__USERNAME": "alice", "CANFAR_REGISTRY__SECRET": "s3cret"}
    (((about,),)) = canfar.having(**secret).python(script)
    assert about["image"] == PRIVATE


@pytest.mark.evidence("skaha-contract §2.12, §2.13, §8.1")
def test_images_context_and_availability(canfar: Client) -> None:
    seen = canfar.python("""
import json
from canfar.context import Context
from canfar.images import Images
from canfar.models.http import ServerResources
from canfar.overview import Overview
images = Images()
context = Context().resources()
print(json.dumps({
    "all": images.fetch(), "carta": images.fetch(kind="carta"),
    "details": [image.model_dump() for image in images.details()],
    "context": context, "limits": ServerResources.from_context(context).model_dump(),
    "available": Overview().availability(),
}))
""")
    assert seen["available"] is True
    assert "images.canfar.net/skaha/carta:5.1.0" in seen["carta"]
    assert set(seen["carta"]) < set(seen["all"])
    assert [image["id"] for image in seen["details"]] == seen["all"]
    assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", image["digest"]) for image in seen["details"])
    assert seen["limits"] == {
        "flexible": {"cores": {"min": 1, "max": 8}, "ram": {"min": 4, "max": 32}},
        "fixed": {"cores": {"min": 1, "max": 16}, "ram": {"min": 1, "max": 192}},
        "gpus": {"min": 1, "max": 28},
        "sessions": 5,
    }
    assert seen["context"]["maxInteractiveSessions"] == "5"


@pytest.mark.evidence("skaha-contract §4.2, §10: Completed replaced Succeeded, so old loops never end")
def test_what_the_documented_monitoring_loop_sees(canfar: Client, fast: Service) -> None:
    """A whole command line in ``cmd`` is one program name, which no image has: such a job fails."""
    canfar = canfar.having(CANFAR_URL=fast.url)
    seen = canfar.python("""
import json, time
from canfar.sessions import Session
session = Session()
jobs = {}
for name, command in (("good", {"cmd": "sleep", "args": "0.2"}), ("whole-line", {"cmd": "sleep 60"}),
                      ("bad", {"cmd": "false"})):
    jobs[name], = session.create(name=name, image="images.canfar.net/skaha/astroml:latest", **command)
first = session.info(list(jobs.values()))
last, seen = {}, set()
for _ in range(300):
    states = {name: session.info(ids=job)[0]["status"] for name, job in jobs.items()}
    seen |= set(states.values())
    if set(states.values()) <= {"Completed", "Failed"}:
        break
    time.sleep(0.1)
events = session.events(jobs["whole-line"])[0][jobs["whole-line"]]
print(json.dumps({"first": first, "states": states, "seen": sorted(seen), "events": events}))
""")
    assert {item["status"] for item in seen["first"]} <= {"Pending", "Running"}
    assert all("startTime" in item for item in seen["first"])
    assert seen["states"] == {"good": "Completed", "whole-line": "Failed", "bad": "Failed"}
    assert set(seen["seen"]) <= {"Pending", "Running", "Terminating", "Completed", "Failed"}
    assert 'exec: "sleep 60": executable file not found in $PATH' in seen["events"]
