"""Applications in a desktop (skaha-contract §2.11, §9 (13))."""

from __future__ import annotations

import re
from typing import Any

from mockskaha.verify.check import Needs, Unmet, check, expect, expect_empty, expect_refusal, expect_type
from mockskaha.verify.checks.launches import ram_text
from mockskaha.verify.exchange import Exchange
from mockskaha.verify.skaha import UNKNOWN, Skaha

_APP_ID = re.compile(r"[a-z][a-z0-9]{2}")


def _app(skaha: Skaha) -> str:
    """The id of an app in the desktop, once it is there."""
    if "app" not in skaha.stage.exhibits:
        desktop = skaha.running("desktop")["id"]
        form = {
            "image": skaha.image_for("desktop-app"),
            "cores": "1",
            "ram": "4",
            "name": "banana",
            "type": "banana",
        }
        answer = skaha.post(f"session/{desktop}/app", form)
        expect_type(answer, "text/plain")
        app_id = answer.text.removesuffix("\n")
        expect(
            answer.text.endswith("\n") and _APP_ID.fullmatch(app_id), f"the app id is {answer.told()}", answer
        )
        skaha.stage.exhibits["app"] = app_id
    return skaha.stage.exhibits["app"]


def _apps(skaha: Skaha, session_id: str) -> tuple[Exchange, list[dict[str, Any]]]:
    answer = skaha.get(f"session/{session_id}/app")
    expect_type(answer, "application/json")
    return answer, list(answer.json)


@check("apps.launch", "§2.7, §2.11, §9 (13)", needs=Needs.WRITE)
def launch(skaha: Skaha) -> None:
    """A desktop takes an app: an id of three characters, resources as asked, name from its image"""
    app_id, desktop = _app(skaha), skaha.exhibit("desktop")

    def ask() -> dict[str, Any] | None:
        _, found = _apps(skaha, desktop)
        mine = [item for item in found if item.get("appid") == app_id]
        return mine[0] if mine and mine[0].get("status") == "Running" else None

    found = skaha.until(ask, skaha.stage.patience)
    if found is None:
        raise Unmet("the app does not get to Running", skaha.exchanges[-1])
    image = skaha.image_for("desktop-app")
    wanted = {
        "id": desktop, "appid": app_id, "type": "desktop-app", "connectURL": skaha.era.no_connect_url,
        "name": re.sub(r"[:._]", "-", image.rsplit("/", 1)[-1]).lower(),
        "requestedRAM": ram_text(skaha, 4), "requestedCPUCores": "1",
    }  # fmt: skip
    told = {field: found.get(field) for field in wanted}
    expect(told == wanted, f"the app is {told}, not {wanted}", skaha.exchanges[-1])


@check("apps.one", "§2.11", needs=Needs.WRITE)
def one(skaha: Skaha) -> None:
    """An app has an address of its own, below its desktop"""
    app_id, desktop = _app(skaha), skaha.exhibit("desktop")
    answer = skaha.get(f"session/{desktop}/app/{app_id}")
    expect_type(answer, "application/json")
    told = (answer.json.get("id"), answer.json.get("appid"))
    expect(told == (desktop, app_id), f"it is {told}", answer)


@check("apps.any-session", "§2.11", needs=Needs.WRITE)
def any_session(skaha: Skaha) -> None:
    """The list of apps is that of all of the caller's desktops, whatever id it is asked with"""
    app_id = _app(skaha)
    answer, found = _apps(skaha, UNKNOWN)
    expect(app_id in [item.get("appid") for item in found], "the app is not in it", answer)


@check("apps.hidden", "§2.5, §2.6", needs=Needs.WRITE)
def hidden(skaha: Skaha) -> None:
    """The plain list has no apps; `type=desktop-app` and `view=interactive` have them"""
    app_id, desktop = _app(skaha), skaha.exhibit("desktop")
    expect(
        all("appid" not in item or item["appid"] == "<none>" for item in skaha.sessions()),
        "the list has an app",
    )
    queries = [{"type": "desktop-app"}, *([{"view": "interactive"}] if skaha.era.interactive_view else [])]
    for query in queries:
        found = skaha.sessions(query)
        expect(app_id in [item.get("appid") for item in found], f"{query} has no app", skaha.exchanges[-1])
    found_one = skaha.session(desktop)
    expect(found_one["type"] == "desktop", f"the desktop is a {found_one['type']}", skaha.exchanges[-1])


@check("apps.no-desktop", "§3.4", needs=Needs.WRITE)
def no_desktop(skaha: Skaha) -> None:
    """Only a desktop takes apps"""
    answer = skaha.post(f"session/{UNKNOWN}/app", {"image": skaha.image_for("desktop-app")})
    expect_refusal(answer, 404, f"session {UNKNOWN} not found")


@check("apps.delete-all", "§3.4", needs=Needs.WRITE)
def delete_all(skaha: Skaha) -> None:
    """The apps of a desktop cannot be deleted all at once"""
    expect_refusal(skaha.delete(f"session/{skaha.exhibit('desktop')}/app"), 400, "Missing app ID")


@check("apps.delete", "§2.7, §3.4, §9 (13)", needs=Needs.WRITE)
def delete(skaha: Skaha) -> None:
    """A deleted app is gone; its desktop stays"""
    app_id, desktop = _app(skaha), skaha.exhibit("desktop")
    expect_empty(skaha.delete(f"session/{desktop}/app/{app_id}"))
    skaha.stage.exhibits.pop("app")
    gone = skaha.until(
        lambda: not [item for item in _apps(skaha, desktop)[1] if item.get("appid") == app_id], 60.0
    )
    expect(gone, "a deleted app is still listed", skaha.exchanges[-1])
    expect(skaha.session(desktop)["id"] == desktop, "the desktop went with it", skaha.exchanges[-1])
    if not skaha.era.unknown_deletion_is_refused:
        expect_empty(skaha.delete(f"session/{desktop}/app/{app_id}"))
