"""a * b + c with one rounding, which NumPy lacks and torch's random kernels are compiled to."""

from __future__ import annotations

from typing import Any

import numpy as np

HALF_WAY = np.int64(0x10000000)  # the float64 bits below a float32, when they say exactly a half
BELOW_FLOAT32 = np.int64(0x1FFFFFFF)
SPLITTER = 134217729.0  # 2**27 + 1: cuts a float64 into two halves of 26 bits (Dekker, 1971)
HUGE = 2.0**900  # the splitter overflows above 2**996


def fma32(a: Any, b: Any, c: Any) -> Any:
    """float32 a * b + c. The product is exact in float64, so only the sum and the cast round."""
    product = np.multiply(a, b, dtype=np.float64)
    total = product + c
    # Two roundings differ from one where the first lands half way between two float32 values.
    bits = total.view(np.int64)
    half_way = (bits & BELOW_FLOAT32) == HALF_WAY
    if half_way.any():
        lost = _sum_error(product, np.asarray(c, np.float64), total)
        away = np.where(lost > 0, np.inf, -np.inf)
        total = np.where(half_way & (lost != 0), np.nextafter(total, away), total)
    return total.astype(np.float32)


def fma64(a: Any, b: float, c: float) -> Any:
    """float64 a * b + c, by error-free products and sums (Dekker, 1971; Knuth, 1969)."""
    product = a * b
    if c == 0 or abs(b) > HUGE:
        return product + c
    a_high, a_low = _split(a)
    b_high, b_low = _split(np.float64(b))
    lost = a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low)
    total = product + c
    return total + (lost + _sum_error(product, np.float64(c), total))


def _split(x: Any) -> tuple[Any, Any]:
    scaled = SPLITTER * x
    high = scaled - (scaled - x)
    return high, x - high


def _sum_error(a: Any, b: Any, total: Any) -> Any:
    """What the rounding of total = a + b lost, exactly."""
    b_seen = total - a
    return (a - (total - b_seen)) + (b - b_seen)
