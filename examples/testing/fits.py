"""The program under test: fits each galaxy with a batch job, and waits for all of them. Any httpx client will do."""

from __future__ import annotations

import time
from collections.abc import Iterable

import httpx

IMAGE = "images.canfar.net/skaha/astroml:latest"
POLL_SECONDS = 30


class FitFailed(Exception):
    """A job did not end well; the text says which."""


def submit(client: httpx.Client, galaxies: Iterable[str]) -> dict[str, str]:
    """Galaxy -> id of its job."""
    return {galaxy: _submit(client, galaxy) for galaxy in galaxies}


def _submit(client: httpx.Client, galaxy: str) -> str:
    name = f"fit-{galaxy}"
    form = {"name": name, "image": IMAGE, "cores": 2, "ram": 4, "cmd": "python", "args": f"fit.py {galaxy}"}
    for pause in (1, 5, 30):
        answer = client.post("/session", data=form)
        if answer.status_code not in (502, 503):
            break
        time.sleep(float(answer.headers.get("retry-after", pause)))
        # The gateway may have lost no more than the answer.
        for session in client.get("/session").raise_for_status().json():
            if session["name"] == name:
                return str(session["id"])
    return answer.raise_for_status().text.strip()


def wait(client: httpx.Client, jobs: dict[str, str]) -> None:
    """Until all have ended. Raises :class:`FitFailed`."""
    waiting = dict(jobs)
    while waiting:
        for galaxy, session_id in list(waiting.items()):
            status = client.get(f"/session/{session_id}").raise_for_status().json()["status"]
            if status == "Failed":
                raise FitFailed(f"the fit of {galaxy} failed, see the logs of {session_id}")
            if status in ("Completed", "Succeeded"):
                del waiting[galaxy]
        if waiting:
            time.sleep(POLL_SECONDS)


def tidy(client: httpx.Client, jobs: dict[str, str]) -> None:
    """Delete the jobs."""
    for session_id in jobs.values():
        client.delete(f"/session/{session_id}").raise_for_status()
