"""Cores and RAM as Skaha's answers write them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockskaha.java import cluster_ram, decimal_gb, request_cores, usage_cores

pytestmark = pytest.mark.evidence("skaha-contract §2.2")

REQUESTED_RAM = """
0.5→0.54 1→1.07 1.5→1.61 2→2.15 4→4.29 6→6.44 8→8.59 10→10.74 12→12.88 14→15.03 16→17.18 20→21.47 24→25.77
26→27.92 28→30.06 30→32.21 32→34.36 36→38.65 40→42.95 44→47.24 48→51.54 56→60.13 64→68.72 80→85.90 92→98.78
112→120.26 128→137.44 140→150.32 170→182.54 192→206.16
"""
GIB = 2**30


@pytest.mark.parametrize(("gib", "text"), [row.split("→") for row in REQUESTED_RAM.split()])
def test_requested_ram_is_decimal_gigabytes(gib: str, text: str) -> None:
    assert decimal_gb(float(gib)) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0.00"),
        (5_000_000, "0.01"),
        (15_000_000, "0.02"),
        (1_005_000_000, "1.01"),
        (2_675_000_000, "2.68"),
        (125_000_000, "0.13"),
        (1_234_567_125_000_000, "1234567.13"),
        (4_999_999, "0.00"),
    ],
)
def test_gigabytes_round_half_up_on_the_digits_java_prints(size: int, text: str) -> None:
    assert decimal_gb(size / GIB) == text


@given(st.integers(0, 2**50))
def test_gigabytes_are_the_nearest_hundredth(size: int) -> None:
    assert abs(Decimal(decimal_gb(size / GIB)) - Decimal(size) / 10**9) <= Decimal("0.005000001")


@pytest.mark.parametrize(
    ("cores", "text"),
    [
        (1, "1"),
        (2.0, "2"),
        (16, "16"),
        (1.5, "1.500"),
        (0.1, "0.100"),
        (0.25, "0.250"),
        (1.001, "1.001"),
        (2.675, "2.675"),
        (0.0015, "1500u"),
        (0.0000012, "0.000"),
        (1000, "1k"),
        (1001, "1001"),
        (1000.5, "1000.500"),
    ],
)
def test_requested_cores_are_bare_when_whole(cores: float, text: str) -> None:
    assert request_cores(cores) == text


@given(st.integers(1, 200_000))
def test_requested_cores_in_milli_read_back(milli: int) -> None:
    text = request_cores(milli / 1000)
    assert text == (f"{milli // 1000}" if milli % 1000 == 0 and milli < 10**6 else text)
    assert float(text.replace("k", "e3")) == milli / 1000


@pytest.mark.parametrize(
    ("nanocores", "text"),
    [
        (0, "0"),
        (3_000_000, "0.003"),
        (2_512_345, "0.003"),
        (2_499_999, "0.002"),
        (1, "0.000"),
        (2_000_000_000, "2"),
        (1_500_000_000, "1.500"),
        (10_000_000_000, "10"),
        (2_147_483_647, "2.147"),
        (2_147_483_649, "2147483649n"),
        (3_123_456_789, "3123456789n"),
        (3_123_000_000, "3.123"),
        (3_123_456_000, "3123456u"),
        (2_500_000, "2500u"),
    ],
)
def test_cores_in_use_go_through_a_32_bit_int(nanocores: int, text: str) -> None:
    assert usage_cores(nanocores) == text


@given(st.integers(0, 10**13))
def test_cores_in_use_never_lose_more_than_half_a_milli(nanocores: int) -> None:
    text = usage_cores(nanocores)
    scale = {"n": 1, "u": 10**3, "k": 10**12}.get(text[-1])
    shown = Decimal(text[:-1]) * scale if scale else Decimal(text) * 10**9
    assert abs(shown - nanocores) <= 500_000


@pytest.mark.evidence("skaha-contract §2.8")
@pytest.mark.parametrize(
    ("gib", "text"),
    [
        (9063, "9731.322G"),
        (94, "100.932G"),
        (0, "0G"),
        (512, "549.756G"),
        (128, "137.439G"),
        (187_500_000 / GIB, "0.188G"),
        (62_500_000 / GIB, "0.062G"),
        (1e9 / GIB, "1G"),
        (1e10 / GIB, "10G"),
    ],
)
def test_platform_ram_has_up_to_three_decimals(gib: float, text: str) -> None:
    assert cluster_ram(gib) == text
