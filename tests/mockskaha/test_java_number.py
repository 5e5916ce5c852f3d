"""Java's numbers. The values of the tables are what JDK 21 and later print."""

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockskaha.java import double_text, parse_double, parse_int, truncated_int

pytestmark = pytest.mark.evidence("skaha-contract §3.3, §2.8")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3.0),
        ("1.5", 1.5),
        ("0.5", 0.5),
        ("5.", 5.0),
        (".5", 0.5),
        ("+2", 2.0),
        ("-2.5e-1", -0.25),
        ("1e3", 1000.0),
        ("1E+3", 1000.0),
        ("2d", 2.0),
        ("1f", 1.0),
        ("1e3D", 1000.0),
        ("0x1p1", 2.0),
        ("0X1P1F", 2.0),
        ("0x.8p0", 0.5),
        ("0x1.p1", 2.0),
        ("-0x1p-1074", -5e-324),
        (" 2 ", 2.0),
        ("\x00\t2\x1f\n", 2.0),
        ("1e99999999999999999999", math.inf),
        ("-0x1p99999999999999999999", -math.inf),
        ("0x0p99999999999999999999", 0.0),
        ("Infinity", math.inf),
        ("-Infinity", -math.inf),
    ],
)
def test_java_reads_these_doubles(text: str, value: float) -> None:
    assert parse_double(text) == value


def test_not_a_number_is_a_double_and_zero_as_an_int() -> None:
    assert math.isnan(parse_double("+NaN"))
    assert truncated_int(parse_double(" NaN ")) == 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        ".",
        "e1",
        "1e",
        "1e+",
        "1_000",
        "inf",
        "nan",
        "infinity",
        "NaNd",
        "Infinityf",
        "1L",
        "1dd",
        "+ 1",
        "--1",
        "0x1",
        "0x.p1",
        "0x1p",
        "0x1p1.0",
        "\u0662",
        "\uff12",
        "\u00a02",
        "2\u2003",
        "1,5",
        "two",
        "1 2",
    ],
)
def test_java_does_not_read_these_doubles(text: str) -> None:
    with pytest.raises(ValueError, match="not a Java double"):
        parse_double(text)


@given(st.text(alphabet="0123456789.eE+-xXpPdDfFaNIinty \t_\u00a0\u0662"))
def test_what_java_reads_without_a_suffix_python_reads_as_the_same_number(text: str) -> None:
    try:
        value = parse_double(text)
    except ValueError:
        return
    plain = text.strip("".join(map(chr, range(33)))).lower()
    if "x" in plain:
        mantissa, _, exponent = plain.partition("p")
        expected = float.fromhex(mantissa) * 2.0 ** int(exponent.rstrip("fd")) if len(exponent) < 4 else value
    else:
        expected = float(plain if plain.endswith("y") else plain.rstrip("fd"))
    assert value == expected or math.isnan(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (8.0, "8.0"),
        (64.0, "64.0"),
        (12.5, "12.5"),
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (0.001, "0.001"),
        (0.000999, "9.99E-4"),
        (1e-5, "1.0E-5"),
        (9999999.999999998, "9999999.999999998"),
        (1e7, "1.0E7"),
        (1.2e7, "1.2E7"),
        (-12345678.9, "-1.23456789E7"),
        (123456789012345680.0, "1.2345678901234568E17"),
        (2e23, "2.0E23"),
        (1e23, "1.0E23"),
        (5e-324, "4.9E-324"),
        (1e-323, "9.9E-324"),
        (1.7976931348623157e308, "1.7976931348623157E308"),
        (math.nan, "NaN"),
        (math.inf, "Infinity"),
        (-math.inf, "-Infinity"),
    ],
)
def test_java_prints_doubles(value: float, text: str) -> None:
    assert double_text(value) == text


@given(st.floats())
def test_a_printed_double_reads_back_as_itself(value: float) -> None:
    assert struct.pack(">d", parse_double(double_text(value))) == struct.pack(">d", value) or math.isnan(
        value
    )


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_the_form_of_a_double_follows_its_size(value: float) -> None:
    mantissa, exponent, power = double_text(value).partition("E")
    whole, point, fraction = mantissa.lstrip("-").partition(".")
    assert point
    assert whole.isdigit()
    assert fraction.isdigit()
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        assert not exponent
    else:
        assert len(whole) == 1
        assert whole != "0"
        assert int(power) >= 7 or int(power) <= -4


@pytest.mark.parametrize(
    ("value", "whole"),
    [
        (1.9, 1),
        (-1.9, -1),
        (0.5, 0),
        (2147483647.5, 2147483647),
        (2147483648.0, 2147483647),
        (-2147483648.5, -2147483648),
        (1e300, 2147483647),
        (-math.inf, -2147483648),
        (math.nan, 0),
    ],
)
def test_the_cast_to_int_truncates_and_saturates(value: float, whole: int) -> None:
    assert truncated_int(value) == whole


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("+5", 5),
        ("-5", -5),
        ("0", 0),
        ("-0", 0),
        ("2147483647", 2147483647),
        ("-2147483648", -2147483648),
        ("0" * 5000 + "7", 7),
        ("\u0662", 2),
        ("\uff13", 3),
    ],
)
def test_java_reads_these_ints(text: str, value: int) -> None:
    assert parse_int(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "+",
        "-",
        "+-1",
        " 1",
        "1 ",
        "1.0",
        "1_0",
        "0x1",
        "2147483648",
        "-2147483649",
        "9" * 5000,
        "\U0001d7d8",
        "\u00b2",
        "1\n",
        "one",
    ],
)
def test_java_does_not_read_these_ints(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a Java int|outside 32 bits"):
        parse_int(text)


@given(st.integers(-(2**31), 2**31 - 1))
def test_an_int_reads_back_as_itself(value: int) -> None:
    assert parse_int(str(value)) == value
