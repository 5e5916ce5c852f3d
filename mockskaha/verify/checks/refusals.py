"""Launches that are refused: which of several faults is told, and in which words (skaha-contract §3.3).

Each of these requests has two faults at least that every Skaha refuses, so that none can launch anything: an image that
does not exist, a name with an underscore, a negative number of GPUs.
"""

from __future__ import annotations

from mockskaha.verify.check import Needs, check, expect, expect_refusal
from mockskaha.verify.exchange import Exchange
from mockskaha.verify.skaha import Skaha

_BAD_NAME = "mockskaha_verify"
_BAD = {"type": "banana", "cores": "-1", "ram": "-2", "name": _BAD_NAME, "gpus": "-1"}


def _launch(skaha: Skaha, **form: str) -> Exchange:
    exchange = skaha.post("session", {**_BAD, **form})
    expect(exchange.status != 200, f"a launch with several faults was accepted: {exchange.told()}", exchange)
    return exchange


@check("refusals.image", "§3.3 (2, 4, 5)")
def image(skaha: Skaha) -> None:
    """The image is looked at first: is there one, and is it of a host that is allowed"""
    without = skaha.post("session", _BAD)
    expect_refusal(without, 400, "Missing parameter 'image'")
    expect_refusal(_launch(skaha, image=" "), 400, "image is required")
    hosts = ", ".join(skaha.hosts)
    foreign = "example.org/x/y:1"
    text = f"session image '{foreign}' must come from one of [{hosts}]"
    expect_refusal(_launch(skaha, image=foreign), 400, text)


@check("refusals.type", "§3.3 (6)", when=lambda era: not era.image_types_are_checked)
def kind(skaha: Skaha) -> None:
    """After the image the type is looked at"""
    expect_refusal(_launch(skaha, image=skaha.no_image), 400, "Invalid session type: banana")


@check("refusals.resources", "§3.3 (7)", when=lambda era: not era.image_types_are_checked)
def resources(skaha: Skaha) -> None:
    """After the type cores are, and then ram; the value is told as it was sent"""
    refused = {"image": skaha.no_image, "type": "headless"}
    for value in ("-1", "banana", "0.5", "NaN", "100000"):
        expect_refusal(_launch(skaha, **refused, cores=value), 400, f"Invalid value for 'cores': {value}")
    options = skaha.context["memoryGB"]["options"]
    between = next((n for n in range(1, max(options)) if n not in options), 100000)
    for value in ("-2", "banana", str(between)):
        text = f"Invalid value for 'ram': {value}"
        expect_refusal(_launch(skaha, **refused, cores="1", ram=value), 400, text)


@check("refusals.decimals", "§3.3 (7), §10", when=lambda era: not era.image_types_are_checked)
def decimals(skaha: Skaha) -> None:
    """Cores and ram may have decimals since 1.2"""
    answer = _launch(skaha, image=skaha.no_image, type="headless", cores="1.5", ram="1.5")
    if skaha.era.decimal_resources:
        expect_refusal(answer, 400, "name can only contain alpha-numeric chars and '-'")
    else:
        expect_refusal(answer, 400, "Invalid value for 'cores': 1.5")


@check("refusals.name", "§3.3 (8)", when=lambda era: not era.image_types_are_checked)
def name(skaha: Skaha) -> None:
    """After the resources the name is: is there one, and has it only letters, digits and hyphens"""
    refused = {"image": skaha.no_image, "type": "headless", "cores": "1", "ram": "1"}
    for value in ("", " "):
        expect_refusal(_launch(skaha, **refused, name=value), 400, "Missing parameter 'name'")
    for value in (_BAD_NAME, "a.b", "a b", "a/b"):
        text = "name can only contain alpha-numeric chars and '-'"
        expect_refusal(_launch(skaha, **refused, name=value), 400, text)


@check("refusals.gpus", "§3.3 (10)", when=lambda era: not era.image_types_are_checked)
def gpus(skaha: Skaha) -> None:
    """After the name the GPUs are, of which 0 cannot be asked for"""
    refused = {
        "image": skaha.no_image,
        "type": "headless",
        "cores": "1",
        "ram": "1",
        "name": "mockskaha-verify",
    }
    for value in ("-1", "0", "banana", "1.5"):
        expect_refusal(_launch(skaha, **refused, gpus=value), 400, f"Invalid value for 'gpus': {value}")


@check(
    "refusals.unknown-image", "§3.3 (12)", needs=Needs.WRITE, when=lambda era: not era.image_types_are_checked
)
def unknown_image(skaha: Skaha) -> None:
    """At last an image that is not public is refused, unless there are credentials for it"""
    # One fault alone, so a server that thinks otherwise launches something: not for a run that only reads.
    answer = skaha.try_launch("unknown-image", "headless", image=skaha.no_image, cores="1", ram="1")
    expect_refusal(
        answer,
        400,
        "No authentication provided for unknown or private image.  Use x-skaha-registry-auth request header "
        "with base64Encode(username:secret).",
    )


@check("refusals.type-in-any-case", "§3.3 (3, 6)", when=lambda era: not era.image_types_are_checked)
def type_in_any_case(skaha: Skaha) -> None:
    """The type may be in any case, with spaces around it, or blank"""
    for value in ("NoteBook", " carta ", "HEADLESS", ""):
        answer = _launch(skaha, image=skaha.no_image, type=value)
        expect_refusal(answer, 400, "Invalid value for 'cores': -1")
