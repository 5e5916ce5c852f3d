"""Every form of a launch, and those that contradict themselves."""

from __future__ import annotations

from typing import Any

import pytest

from skahaclient.cli.order import KINDS, Contradiction, Order, name_of, order

IMAGE = "skaha/astroml:latest"
ONE_TOO_MANY = "'x' is one word too many; the command stands behind -- or in --cmd"
RUN = ("python", "a.py", "--fast")


@pytest.mark.parametrize(
    ("words", "command", "options"),
    [
        (["headless", IMAGE], RUN, {}),
        ([IMAGE], RUN, {}),
        ([], RUN, {"image": IMAGE}),
        (["headless"], RUN, {"image": IMAGE}),
        (["Headless", IMAGE], RUN, {"kind": "headless"}),
        ([IMAGE], RUN, {"kind": "headless"}),
        ([], None, {"image": IMAGE, "cmd": "python a.py --fast"}),
        ([], None, {"image": IMAGE, "kind": "headless", "cmd": "python 'a.py' --fast"}),
        (["headless", IMAGE, "python", "a.py", "--fast"], None, {}),
        (["headless", "python", "a.py", "--fast"], None, {"image": IMAGE}),
    ],
)
def test_all_forms_say_the_same(words: list[str], command: Any, options: dict[str, str]) -> None:
    assert order(words, command, **options) == Order("headless", IMAGE, RUN)


def test_words_with_spaces_stay_whole_and_no_command_is_none() -> None:
    assert order(["notebook", IMAGE], None) == Order("notebook", IMAGE, ())
    assert order(["notebook", IMAGE], ()) == Order("notebook", IMAGE, ())
    assert order([IMAGE], ["sh", "-c", "a b"]).command == ("sh", "-c", "a b")
    assert order([IMAGE], None, cmd="sh -c 'a b'").command == ("sh", "-c", "a b")


@pytest.mark.parametrize(
    ("words", "command", "options", "told"),
    [
        ([], None, {}, "no image; say which: launch KIND IMAGE, or --image IMAGE"),
        (["headless"], RUN, {}, "no image; say which: launch KIND IMAGE, or --image IMAGE"),
        (["notebok", IMAGE], None, {}, "'notebok' is no kind of session; did you mean notebook?"),
        (["zzz"], None, {}, f"'zzz' is no kind of session; one of {', '.join(KINDS)}"),
        (["notebok"], None, {"image": IMAGE}, "'notebok' is no kind of session; did you mean notebook?"),
        ([], None, {"image": IMAGE, "kind": "cart"}, "'cart' is no kind of session; did you mean carta?"),
        (["headless", IMAGE], None, {"kind": "carta"}, "two kinds, headless and --kind carta; leave one out"),
        (["headless", IMAGE], None, {"image": "a/b"}, f"two images, {IMAGE} and --image a/b; leave one out"),
        ([IMAGE, "headless"], None, {}, "the kind comes before the image: launch headless skaha/astroml:latest"),
        (["headless", IMAGE], ["ls"], {"cmd": "env"}, "two commands, 'ls' and --cmd 'env'; leave one out"),
        (["headless", IMAGE, "x"], ["ls"], {}, ONE_TOO_MANY),
        (["headless", IMAGE, "x"], None, {"cmd": "ls"}, ONE_TOO_MANY),
        ([IMAGE], None, {"cmd": "sh -c 'x"}, "--cmd \"sh -c 'x\": no closing quotation"),
    ],
)  # fmt: skip
def test_contradictions_say_what_to_do(
    words: list[str], command: Any, options: dict[str, str], told: str
) -> None:
    with pytest.raises(Contradiction) as contradiction:
        order(words, command, **options)
    assert str(contradiction.value) == told


@pytest.mark.parametrize(
    ("image", "name"),
    [
        (IMAGE, "astroml"),
        ("images.canfar.net/casa-6/casa:6.6.4-34", "casa"),
        ("host:5000/x/My_Image.Tool@sha256:00", "my-image-tool"),
        ("x/---", "session"),
        ("x/" + "a" * 90, "a" * 40),
    ],
)
def test_a_session_without_a_name_is_called_as_its_image(image: str, name: str) -> None:
    assert name_of(image) == name
