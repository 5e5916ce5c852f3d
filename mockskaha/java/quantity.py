"""Resource amounts as Skaha writes them: a Kubernetes quantity, read and formatted by Java.

Source: skaha-contract §2.2 (sessions) and §2.8 (platform). Amounts are finite and not negative.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from functools import lru_cache

from mockskaha.java.number import INT_MAX

_BYTES_PER_GIB = 2**30
_BYTES_PER_GB = 1e9
_NANO = 10**9


@lru_cache(maxsize=4096)
def decimal_gb(gib: float) -> str:
    """requestedRAM and ramInUse: GiB in, decimal gigabytes with two decimals out: 16 is ``17.18`` (§2.2).

    ``String.format`` rounds half up on the digits ``Double.toString`` shows, so 0.015 is ``0.02``.
    """
    gigabytes = int(gib * _BYTES_PER_GIB) / _BYTES_PER_GB
    hundredths = gigabytes * 100
    if gigabytes < 1e6 and abs(hundredths % 1 - 0.5) > 1e-6:
        return f"{gigabytes:.2f}"
    return str(Decimal(repr(gigabytes)).quantize(Decimal("0.01"), ROUND_HALF_UP))


def request_cores(cores: float) -> str:
    """requestedCPUCores: whole cores bare, others with three decimals: ``2``, ``1.500``, ``0.100`` (§2.2)."""
    whole = int(cores)
    if whole == cores:
        return str(whole) if whole < 1000 else usage_cores(whole * _NANO)
    if round(cores * 1000) / 1000 == cores:
        return f"{cores:.3f}"
    return usage_cores(int((Decimal(repr(cores)) * _NANO).to_integral_value(ROUND_CEILING)))


def usage_cores(nanocores: int) -> str:
    """cpuCoresInUse: ``0.003``, and ``2`` for whole cores (§2.2).

    Skaha reads only quantities in milli and nano, and those as 32-bit integers; any other it passes on as
    Kubernetes wrote it: ``3123456789n`` above 2.147483647 cores, and ``2500u`` for exactly 2.5 millicores.
    """
    quantity = _decimal_quantity(nanocores)
    unit = quantity[-1]
    if unit in "mn":
        amount = int(quantity[:-1])
        if amount <= INT_MAX:
            return f"{amount / (1000 if unit == 'm' else _NANO):.3f}"
    return quantity


def cluster_ram(gib: float) -> str:
    """Platform RAM of view=stats: GiB in, decimal gigabytes with up to three decimals and ``G`` out (§2.8).

    ``DecimalFormat`` with the pattern ``#.###`` rounds the exact binary value half to even: 9063 is
    ``9731.322G``.
    """
    text = f"{int(gib * _BYTES_PER_GIB) / _BYTES_PER_GB:.3f}"
    return f"{text.rstrip('0').rstrip('.')}G"


def _decimal_quantity(nanocores: int) -> str:
    """The canonical Kubernetes text of a decimal quantity: the largest suffix that needs no fraction."""
    amount = nanocores
    if amount == 0:
        return "0"
    for suffix in ("n", "u", "m", "", "k"):
        if amount % 1000:
            return f"{amount}{suffix}"
        amount //= 1000
    return f"{amount}M"
