"""What a headless job does."""

from math import inf, isnan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockskaha.program import UNKNOWN, Outcome, outcome

pytestmark = pytest.mark.evidence("skaha-contract §3.3, headless quirks; §9.6")

ENV = (("A", "1"), ("HOME", "/h"), ("A", "2"))
SLEEP_HELP = "Try 'sleep --help' for more information."


def printed(found):
    return [line for _, line in found.lines]


@pytest.mark.parametrize(
    ("cmd", "args", "seconds"),
    [
        ("sleep", ("160",), 160),
        ("/usr/bin/sleep", ("1.5",), 1.5),
        ("sleep", (".5",), 0.5),
        ("sleep", ("5.",), 5),
        ("sleep", ("1m",), 60),
        ("sleep", ("1h", "2m", "3s"), 3723),
        ("sleep", ("2d",), 172_800),
        ("sleep", ("0",), 0),
        ("sleep", ("infinity",), inf),
        ("sleep", ("999999d",), 315_360_000),
        ("sleep", ("9" * 400,), inf),
    ],
)
def test_sleep(cmd, args, seconds):
    assert outcome(cmd, args, ENV) == Outcome(seconds=seconds)


@pytest.mark.parametrize(
    ("args", "complaint"),
    [
        ((), "sleep: missing operand"),
        (("",), "sleep: invalid time interval ''"),
        (("5x",), "sleep: invalid time interval '5x'"),
        (("1", "-2"), "sleep: invalid time interval '-2'"),
        (("nan",), "sleep: invalid time interval 'nan'"),
        (("٣",), "sleep: invalid time interval '٣'"),
    ],
)
def test_sleep_that_is_told_nonsense_fails_at_once(args, complaint):
    found = outcome("sleep", args, ENV)
    assert (found.seconds, found.exit_code, printed(found)) == (0, 1, [complaint, SLEEP_HELP])


@pytest.mark.parametrize(
    ("cmd", "args", "lines", "exit_code"),
    [
        ("echo", (), [""], 0),
        ("echo", ("a", "", "b"), ["a  b"], 0),
        ("echo", ("-n", "a"), ["a"], 0),
        ("echo", ("$A",), ["$A"], 0),
        ("env", (), ["A=2", "HOME=/h"], 0),
        ("printenv", (), ["A=2", "HOME=/h"], 0),
        ("printenv", ("A",), ["2"], 0),
        ("printenv", ("A", "B", "HOME"), ["2", "/h"], 1),
        ("true", ("x",), [], 0),
        ("false", (), [], 1),
    ],
)
def test_what_ends_at_once(cmd, args, lines, exit_code):
    found = outcome(cmd, args, ENV)
    assert (found.seconds, found.exit_code, printed(found)) == (0, exit_code, lines)


@pytest.mark.parametrize(
    ("cmd", "args"),
    [
        ("", ()),
        ("", ("x",)),
        ("python", ("a.py",)),
        ("env", ("X=1", "sh")),
        ("sh", ("run.sh",)),
        ("bash", ()),
    ],
)
def test_what_is_not_known(cmd, args):
    assert outcome(cmd, args, ENV) is UNKNOWN


@pytest.mark.parametrize("cmd", ["sleep 60", "a\tb", " ", "echo hi; echo ho"])
def test_a_command_with_a_space_is_a_file_that_is_not_there(cmd):
    assert f'exec: "{cmd}": executable file not found in $PATH' in outcome(cmd, (), ENV).start_error


@pytest.mark.differs(
    "the words after `sh -c`, which the service splits on spaces, are joined to a script again; a real shell would "
    "run the first word alone"
)
@pytest.mark.parametrize(
    ("script", "seconds", "lines", "exit_code"),
    [
        ("echo a b", 0, [(0, "a b")], 0),
        ("'echo hello; sleep 2; echo bye'", 2, [(0, "hello"), (2, "bye")], 0),
        ("sleep 1; sleep 2; exit 3", 3, [], 3),
        ("sleep 1 && echo done", 1, [(1, "done")], 0),
        ("false && echo never", 0, [], 1),
        ("false; echo ever", 0, [(0, "ever")], 0),
        ("false; exit", 0, [], 1),
        ("exit 0; echo never", 0, [], 0),
        ("exit 256", 0, [], 0),
        ("exit -1", 0, [], 2),
        ("exit ٣", 0, [], 2),
        (f"exit {'9' * 5000}", 0, [], 2),
        ("echo 'a;b' \"c d\"", 0, [(0, "a;b c d")], 0),
        ("echo a#b", 0, [(0, "a#b")], 0),
        ("sleep infinity; echo never", inf, [(inf, "never")], 0),
        ("printenv A; printenv B", 0, [(0, "2")], 1),
        ("", 0, [], 0),
        (";", 0, [], 0),
        ("echo 'a", 0, [(0, "sh: 1: Syntax error: Unterminated quoted string")], 2),
    ],
)
def test_scripts(script, seconds, lines, exit_code):
    for shell in ("sh", "/bin/bash"):
        found = outcome(shell, ("-c", *script.split(" ")), ENV)
        assert (found.seconds, list(found.lines), found.exit_code) == (seconds, lines, exit_code)


@pytest.mark.parametrize(
    "script",
    [
        "python a.py", "echo a | cat", "echo a > f", "echo a & echo b", "false || echo b", "echo $A", "echo `x`",
        "if true; then echo a; fi", "(echo a)", "echo a\necho b", "echo a # b", "# echo a", "ls *", "X=1 env",
        "echo ~", "sleep 1; ./run",
    ],
)  # fmt: skip
def test_other_scripts_are_not_known(script):
    assert outcome("sh", ("-c", *script.split(" ")), ENV).seconds is None


def test_what_was_known_before_the_unknown_is_printed():
    found = outcome("sh", ("-c", "echo", "start;", "sleep", "3;", "./run", "a;", "echo", "never"), ENV)
    assert found == Outcome(seconds=None, lines=((0.0, "start"),))


WORDS = st.text() | st.sampled_from(
    [
        "sleep",
        "echo",
        "env",
        "sh",
        "-c",
        "exit",
        ";",
        "&&",
        "'",
        '"',
        "\\",
        "1",
        "9d",
        "infinity",
        "printenv",
        "A",
        "$A",
    ]
)


@given(cmd=WORDS, args=st.lists(WORDS).map(tuple))
def test_every_command_has_an_outcome(cmd, args):
    check(outcome(cmd, args, ENV))


@given(script=st.lists(WORDS).map(" ".join))
def test_every_script_has_an_outcome(script):
    check(outcome("sh", ("-c", *script.split(" ")), ENV))


def check(found):
    assert found.seconds is None or (found.seconds >= 0 and not isnan(found.seconds))
    assert 0 <= found.exit_code <= 255
    times = [at for at, _ in found.lines]
    assert times == sorted(times)
    assert all(found.seconds is None or at <= found.seconds for at in times)
    assert not found.start_error or not found.lines
