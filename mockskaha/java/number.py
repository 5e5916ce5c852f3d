"""Java's ``double`` and ``int``, read and printed (Java SE API, classes ``Double`` and ``Integer``)."""

from __future__ import annotations

import math
import re
from decimal import Decimal

INT_MIN = -(2**31)
INT_MAX = 2**31 - 1

_TRIMMED = "".join(map(chr, range(0x21)))
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[fFdD]?")
_HEXADECIMAL = re.compile(
    r"[+-]?0[xX](?:[0-9a-fA-F]+\.?|[0-9a-fA-F]*\.[0-9a-fA-F]+)[pP][+-]?[0-9]+[fFdD]?",
)
_NAMED = re.compile(r"[+-]?(?:NaN|Infinity)")


def parse_double(text: str) -> float:
    """The number ``Double.valueOf`` reads, which is how Skaha reads cores and ram (skaha-contract §3.3).

    Characters up to U+0020 are trimmed at both ends; a type suffix (``2d``), hexadecimal floating point
    (``0x1p1``), ``NaN`` and ``Infinity`` are numbers; ``inf``, ``1_000`` and digits outside ASCII are not.

    Raises:
        ValueError: Java would throw NumberFormatException.
    """
    if text.isascii() and text.isdigit():
        return float(text)
    trimmed = text.strip(_TRIMMED)
    if _DECIMAL.fullmatch(trimmed):
        return float(trimmed.rstrip("fFdD"))
    if _HEXADECIMAL.fullmatch(trimmed):
        significand, _, exponent = trimmed.lower().partition("p")
        try:
            return float.fromhex(f"{significand}p{exponent.rstrip('fd')}")
        except OverflowError:
            return -math.inf if trimmed[0] == "-" else math.inf
    if _NAMED.fullmatch(trimmed):
        return float(trimmed)
    raise ValueError(f"not a Java double: {text!r}")


def truncated_int(value: float) -> int:
    """The cast ``(int) value``: towards zero, NaN is 0, what does not fit stops at the ends of 32 bits."""
    if INT_MIN <= value <= INT_MAX:
        return int(value)
    if value != value:
        return 0
    return INT_MAX if value > 0 else INT_MIN


def double_text(value: float) -> str:
    """``Double.toString``: ``8.0``, ``1.2E7``, ``1.0E-5`` (skaha-contract §2.8).

    The shortest digits that read back as the same number, at least two of them, as since JDK 19; the exponent
    form below 0.001 and from 10,000,000 on.
    """
    if 1e-3 <= value < 1e7 or -1e7 < value <= -1e-3 or value == 0:
        return repr(float(value))
    if not math.isfinite(value):
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    return _exponent_form(float(value))


def parse_int(text: str) -> int:
    """The number ``Integer.valueOf`` reads: an optional sign and digits, nothing trimmed, 32 bits.

    As ``Character.digit`` does, it takes the decimal digits of every script that are one UTF-16 unit each.

    Raises:
        ValueError: Java would throw NumberFormatException.
    """
    digits = text[1:] if text[:1] in ("+", "-") else text
    if not digits.isdecimal() or not (digits.isascii() or max(digits) <= "\uffff"):
        raise ValueError(f"not a Java int: {text!r}")
    if len(digits) > 10:
        # Zeros in front may be many; Python refuses to convert thousands of digits.
        digits = "".join(str(int(digit)) for digit in digits).lstrip("0")[:11] or "0"
    value = -int(digits) if text[0] == "-" else int(digits)
    if not INT_MIN <= value <= INT_MAX:
        raise ValueError(f"outside 32 bits: {text!r}")
    return value


def _exponent_form(value: float) -> str:
    sign, figures, exponent = Decimal(repr(value)).as_tuple()
    digits = "".join(map(str, figures)).rstrip("0")
    if len(digits) == 1:
        # Java always looks for two digits: among the smallest subnormals the second brings the text nearer.
        mantissa, _, power = f"{value:.1e}".partition("e")
        return f"{mantissa}E{int(power)}"
    return f"{'-' if sign else ''}{digits[0]}.{digits[1:]}E{len(figures) + int(exponent) - 1}"
