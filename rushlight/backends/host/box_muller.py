"""Normal numbers from uniform ones (Box and Muller, 1958), rounding for rounding as torch's.

Three forms exist, chosen by dtype, size and layout:

- float32, bfloat16, float16, contiguous, 16 values or more: blocks of 16 words, the first eight for
  the radius and the last eight for the angle, in float32 with Cephes polynomials;
- float64, contiguous, 16 values or more: the same blocks in float64;
- everything else: pairs in float64, of which an odd draw leaves one half for the next.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from rushlight.backends.host.fused import fma32, fma64
from rushlight.backends.host.mersenne import Mersenne

BLOCK = 16
CHUNK = 512 * BLOCK  # values worked on at a time: their temporaries stay in the cache

F = np.float32
SQRT_HALF = F(0.707106781186547524)
LOG_POLYNOMIAL = [F(c) for c in (
    7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
    -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1)]
LOG_2_LOW, LOG_2_HIGH = F(-2.12194440e-4), F(0.693359375)
COS_POLYNOMIAL = [F(c) for c in (2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)]
SIN_POLYNOMIAL = [F(c) for c in (-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)]
PI_QUARTERS = [F(c) for c in (-0.78515625, -2.4187564849853515625e-4, -3.77489497744594108e-8)]
FOUR_OVER_PI = F(1.27323954473516)
MANTISSA, EXPONENT_OF_HALF = np.int32(0x007FFFFF), np.int32(0x3F000000)


def uniform32(words: np.ndarray) -> np.ndarray:
    """float32 in [0, 1) from the low 24 bits of each word."""
    return (words & np.uint32(0xFFFFFF)).astype(F) * F(2.0**-24)


def uniform64(words: np.ndarray) -> np.ndarray:
    """float64 in [0, 1) from the low 53 bits of each 64-bit word."""
    return (words & np.uint64((1 << 53) - 1)).astype(np.float64) * 2.0**-53


def log32(x: Any) -> Any:
    """Natural logarithm of positive float32 numbers, Cephes' `logf`."""
    bits = x.view(np.int32)
    exponent = ((bits >> 23) - 126).astype(F)
    x = ((bits & MANTISSA) | EXPONENT_OF_HALF).view(F)  # [0.5, 1)
    low = x < SQRT_HALF
    exponent -= low
    x = (x - F(1)) + np.where(low, x, F(0))
    square = x * x
    y = _horner(LOG_POLYNOMIAL, x) * x
    y = fma32(y, square, exponent * LOG_2_LOW)
    y = fma32(square, F(-0.5), y)
    return fma32(exponent, LOG_2_HIGH, x + y)


def sincos32(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sine and cosine of float32 angles in [0, 8192), Cephes' `sinf` and `cosf`."""
    octant = ((x * FOUR_OVER_PI).astype(np.int32) + 1) & ~1
    turns = octant.astype(F)
    for part in PI_QUARTERS:  # pi / 4 in three parts, so that the difference keeps its low bits
        x = fma32(turns, part, x)
    square = x * x
    cosine = _horner(COS_POLYNOMIAL, square) * square
    cosine = fma32(cosine, square, square * F(-0.5)) + F(1)
    sine = _horner(SIN_POLYNOMIAL, square) * square
    sine = fma32(sine, x, x)
    swapped = (octant & 2) != 0
    s = np.where(swapped, cosine, sine)
    c = np.where(swapped, sine, cosine)
    return np.where(octant & 4, -s, s), np.where((octant - 2) & 4, c, -c)


def _horner(coefficients: list[np.float32], x: np.ndarray) -> np.ndarray:
    y = np.broadcast_to(coefficients[0], x.shape)
    for coefficient in coefficients[1:]:
        y = fma32(y, x, coefficient)
    return y


def blocks32(uniform: np.ndarray, mean: float, std: float) -> np.ndarray:
    """float32 normals from uniform numbers, a multiple of 16."""
    pairs = uniform.reshape(-1, 2, BLOCK // 2)
    radius = np.sqrt(F(-2) * log32(F(1) - pairs[:, 0]))
    sine, cosine = sincos32(F(2 * math.pi) * pairs[:, 1])
    normal = np.empty_like(pairs)
    normal[:, 0] = fma32(radius * cosine, F(std), F(mean))
    normal[:, 1] = fma32(radius * sine, F(std), F(mean))
    return normal.reshape(-1)


def blocks64(uniform: np.ndarray, mean: float, std: float) -> np.ndarray:
    """float64 normals from uniform numbers, a multiple of 16."""
    pairs = uniform.reshape(-1, 2, BLOCK // 2)
    radius = np.sqrt(-2.0 * exactly(math.log, 1.0 - pairs[:, 0]))
    angle = (2 * math.pi) * pairs[:, 1]
    normal = np.empty_like(pairs)
    normal[:, 0] = fma64(radius * np.cos(angle), std, mean)
    normal[:, 1] = fma64(radius * np.sin(angle), std, mean)
    return normal.reshape(-1)


def fill_blocks(engine: Mersenne, out: np.ndarray, mean: float, std: float,
                skip_rest: bool = True) -> None:
    """Fill a flat float32 or float64 array of at least 16 values.

    The last 16 of a size that 16 does not divide are drawn anew. `skip_rest` draws and drops
    words for the values past the last whole block before, as float32 and float64 do.
    """
    if out.dtype == np.float64:
        words, uniform, blocks = engine.long_words, uniform64, blocks64
    else:
        words, uniform, blocks = engine.words, uniform32, blocks32
    whole = out.size - out.size % BLOCK
    for start in range(0, whole, CHUNK):
        part = out[start:min(start + CHUNK, whole)]
        part[:] = blocks(uniform(words(part.size)), mean, std)
    if whole < out.size:
        if skip_rest:
            words(out.size - whole)
        out[-BLOCK:] = blocks(uniform(words(BLOCK)), mean, std)


def fill_pairs(engine: Mersenne, out: np.ndarray) -> None:
    """Fill a flat float64 array of even size with standard normals, two from two numbers."""
    uniform = uniform64(engine.long_words(out.size)).reshape(-1, 2)
    radius = np.sqrt(-2.0 * exactly(math.log1p, -uniform[:, 1]))
    angle = (2 * math.pi) * uniform[:, 0]
    normal = out.reshape(-1, 2)
    normal[:, 0] = radius * np.cos(angle)
    normal[:, 1] = radius * np.sin(angle)


def pairs64(engine: Mersenne, count: int,
            fill: Callable[[Mersenne, np.ndarray], None] = fill_pairs) -> np.ndarray:
    """`count` float64 standard normals; of an odd count the engine keeps the spare one."""
    normal = np.empty(count + 2)
    filled = 0
    if count and engine.next_normal is not None:
        normal[0], engine.next_normal, filled = engine.next_normal, None, 1
    end = filled + (count - filled + 1) // 2 * 2
    fill(engine, normal[filled:end])
    if end > count:
        engine.next_normal = float(normal[count])
    return normal[:count]


def exactly(function: Callable[[float], float], x: np.ndarray) -> np.ndarray:
    """A function of `math` on every number: NumPy's vector forms differ in the last bit."""
    return np.fromiter(map(function, x.ravel().tolist()), np.float64, x.size).reshape(x.shape)
