"""What there is to launch with, and how full the platform is (skaha-contract §2.8, §2.12 to §2.14)."""

from __future__ import annotations

import json
import re
from typing import Any

from mockskaha.contract.layout import has_layout
from mockskaha.verify.check import NotChecked, check, expect, expect_refusal, expect_type
from mockskaha.verify.exchange import Exchange
from mockskaha.verify.skaha import Skaha

TYPES = ("carta", "notebook", "desktop", "contributed", "headless", "firefly", "desktop-app")
_QUANTITY = re.compile(r"[0-9]+(\.[0-9]+)?(Ei|Pi|Ti|Gi|Mi|Ki|E|P|T|G|M|K)?")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@check("platform.images", "§2.12, §9 (1)")
def images(skaha: Skaha) -> None:
    """There are public images, each with its id, what it can be launched as, and its digest"""
    answer = skaha.get("image")
    expect_type(answer, "application/json")
    found = answer.json
    expect(isinstance(found, list) and found, "the list of images is empty", answer)
    hosts = tuple(skaha.hosts)
    for image in found:
        expect(list(image) == ["id", "types", "digest"], f"the fields of an image are {list(image)}", answer)
        expect(image["id"].startswith(hosts), f"image {image['id']} is of no known host", answer)
        expect(
            image["types"] and set(image["types"]) <= set(TYPES), f"its types are {image['types']}", answer
        )
        expect(_DIGEST.fullmatch(image["digest"]), f"its digest is {image['digest']!r}", answer)


@check("platform.images-of-a-type", "§2.12")
def images_of_a_type(skaha: Skaha) -> None:
    """`type` picks the images that can be launched as one"""
    every = skaha.images
    for kind in TYPES:
        answer = skaha.get("image", {"type": kind})
        expect_type(answer, "application/json")
        told = {image["id"] for image in answer.json}
        wanted = {image["id"] for image in every if kind in image["types"]}
        expect(told == wanted, f"type={kind}: {len(told)} images, where {len(wanted)} have that type", answer)


@check("platform.images-of-no-type", "§2.12, §3.4")
def images_of_no_type(skaha: Skaha) -> None:
    """A type there is not is refused, the empty one and one in upper case among them"""
    for kind in ("banana", "", "CARTA"):
        expect_refusal(skaha.get("image", {"type": kind}), 400, f"unknown type: {kind}")


@check("platform.repositories", "§2.14, §9 (2)")
def repositories(skaha: Skaha) -> None:
    """There are hosts that images may come from"""
    answer = skaha.get("repository")
    expect_type(answer, "application/json")
    found = answer.json
    expect(isinstance(found, list) and found, "there is no host", answer)
    expect(all(isinstance(host, str) and host for host in found), f"hosts are {found}", answer)
    expect(has_layout(answer.text, "compact"), f"it is not written compactly: {answer.told(80)}", answer)


@check("platform.context", "§2.13")
def context(skaha: Skaha) -> None:
    """The context tells what one may ask for: options, defaults and limits that go together"""
    answer = skaha.get("context")
    expect_type(answer, "application/json")
    found: dict[str, Any] = answer.json
    names = {"cores", "gpus", "memoryGB", "maxInteractiveSessions"}
    expect(names <= set(found), f"the context lacks {sorted(names - set(found))}", answer)
    for resource in ("cores", "memoryGB"):
        part = found[resource]
        options = part["options"]
        expect(options == sorted(set(options)), f"options of {resource} are not in order", answer)
        for name in ("defaultRequest", "defaultLimit"):
            expect(part.get(name) in options, f"{resource}.{name} {part.get(name)} is no option", answer)
        expect(
            part["defaultRequest"] <= part["defaultLimit"], f"{resource} asks for more than its limit", answer
        )
    expect(0 not in found["gpus"]["options"], "0 GPUs are an option", answer)
    expect(int(found["maxInteractiveSessions"]) > 0, "nobody may launch anything", answer)


@check("platform.context-layout", "§2.13, §10")
def context_layout(skaha: Skaha) -> None:
    """The context is written compactly since 1.1, and before as somebody typed it"""
    answer = skaha.get("context")
    compact = has_layout(answer.text, "compact")
    expect(
        compact != skaha.era.context_as_file,
        f"the context is {'compact' if compact else 'not compact'}: {answer.told(80)}",
        answer,
    )


@check("platform.below-a-resource", "§1.1")
def below_a_resource(skaha: Skaha) -> None:
    """What comes below image, context and repository in a path is not looked at"""
    for resource in ("image", "context", "repository"):
        plain, below = skaha.get(resource), skaha.get(f"{resource}/banana")
        expect(
            (below.status, below.content_type) == (plain.status, plain.content_type),
            f"/{resource}/banana is answered {below.told(80)}, /{resource} {plain.told(80)}",
            below,
        )


def _statistics(skaha: Skaha) -> tuple[Exchange, dict[str, Any]]:
    answer = skaha.get("session", {"view": "stats"})
    if answer.status == 503:
        expect(skaha.era.stats_from_metrics, f"statistics are {answer.told()}", answer)
        raise NotChecked("the metrics backend of the server is down or not configured (503)")
    expect_type(answer, "application/json")
    return answer, dict(answer.json)


@check("platform.stats-down", "§2.8, §3.1", when=lambda era: era.stats_from_metrics)
def stats_down(skaha: Skaha) -> None:
    """Statistics that cannot be had are 503 with Retry-After"""
    answer = skaha.get("session", {"view": "stats"})
    if answer.status == 200:
        raise NotChecked("the metrics backend of the server is up")
    expect_refusal(answer, 503, "temporarily unavailable: null")
    expect(answer.header("retry-after") == "30", f"Retry-After is {answer.header('retry-after')!r}", answer)


@check("platform.stats", "§2.8, §9 (3)")
def stats(skaha: Skaha) -> None:
    """Statistics have their names, cores as numbers and RAM as text with a unit"""
    answer, found = _statistics(skaha)
    names = ["cores", "ram"] if not skaha.era.stats_instances else ["instances", "cores", "ram"]
    expect(list(found) == names, f"the parts are {list(found)}, not {names}", answer)
    cores, ram = found["cores"], found["ram"]
    wanted = ["requestedCPUCores", "cpuCoresAvailable", "maxCPUCores"]
    expect(list(cores) == wanted, f"cores has {list(cores)}, not {wanted}", answer)
    wanted = ["requestedRAM", "ramAvailable", "maxRAM"]
    expect(list(ram) == wanted, f"ram has {list(ram)}, not {wanted}", answer)
    expect(
        list(cores["maxCPUCores"]) == ["cpuCores", "withRam"], f"maxCPUCores: {cores['maxCPUCores']}", answer
    )
    expect(list(ram["maxRAM"]) == ["ram", "withCPUCores"], f"maxRAM: {ram['maxRAM']}", answer)
    numbers = (cores["requestedCPUCores"], cores["cpuCoresAvailable"], cores["maxCPUCores"]["cpuCores"])
    expect(
        all(isinstance(number, (int, float)) for number in (*numbers, ram["maxRAM"]["withCPUCores"])),
        "cores are no numbers",
        answer,
    )
    texts = (ram["requestedRAM"], ram["ramAvailable"], ram["maxRAM"]["ram"], cores["maxCPUCores"]["withRam"])
    for text in texts:
        expect(isinstance(text, str) and _QUANTITY.fullmatch(text), f"RAM is {text!r}", answer)


@check("platform.stats-numbers", "§2.8", when=lambda era: era.stats_ram == "gb")
def stats_numbers(skaha: Skaha) -> None:
    """Numbers of the statistics are Java's doubles, and RAM of the platform is in `G`"""
    answer, found = _statistics(skaha)
    for text in (found["ram"]["requestedRAM"], found["ram"]["ramAvailable"]):
        expect(re.fullmatch(r"[0-9]+(\.[0-9]{1,3})?G", text), f"RAM of the platform is {text!r}", answer)
    written = re.findall(
        r'"(?:requestedCPUCores|cpuCoresAvailable|cpuCores|withCPUCores)": ([^,\s}]+)', answer.text
    )
    expect(len(written) == 4, "the statistics are not laid out as Gson does", answer)
    for number in written:
        expect(re.fullmatch(r"[0-9]+\.[0-9]+(E[0-9]+)?", number), f"a double is written {number}", answer)


@check("platform.stats-limits", "§2.8, §10")
def stats_limits(skaha: Skaha) -> None:
    """The maxima of the statistics are the default limits of a session (before 1.4 those of the largest node)"""
    answer, found = _statistics(skaha)
    if skaha.era.stats_most == "node":
        for text in (found["cores"]["maxCPUCores"]["withRam"], found["ram"]["maxRAM"]["ram"]):
            expect(re.fullmatch(r"[0-9]+(\.[0-9]+)?G", text), f"the most RAM is {text!r}, not in G", answer)
        return
    context = skaha.context
    cores = float(context["cores"]["defaultLimit"])
    # Where a LimitRange sets the limits the unit is called G, and is GiB all the same.
    memory = {f"{context['memoryGB']['defaultLimit']}{unit}" for unit in ("Gi", "G")}
    most_cores, most_ram = found["cores"]["maxCPUCores"], found["ram"]["maxRAM"]
    expect(most_cores["cpuCores"] == most_ram["withCPUCores"] == cores, f"not {cores} cores: {found}", answer)
    expect(
        most_cores["withRam"] in memory, f"withRam is {most_cores['withRam']}, not {sorted(memory)}", answer
    )
    expect(most_ram["ram"] in memory, f"maxRAM is {most_ram['ram']}, not {sorted(memory)}", answer)


@check("platform.stats-plain", "§2.8")
def stats_plain(skaha: Skaha) -> None:
    """Statistics heed no other parameter"""
    _, plain = _statistics(skaha)
    answer = skaha.get("session", {"view": "stats", "type": "banana", "status": "banana"})
    expect_type(answer, "application/json")
    expect(
        list(answer.json) == list(plain), f"with other parameters they are {json.dumps(answer.json)}", answer
    )
