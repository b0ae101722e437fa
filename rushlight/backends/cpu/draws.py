"""Random fills as generated code: the numbers of `backends/host/draws.py`, several times faster.

Where no kernel covers a dtype or a layout, and where code cannot be generated, the function of the
host backend draws; both continue the same stream.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable
from functools import cache, lru_cache, partial
from struct import Struct
from typing import Any

import numpy as np

from rushlight.backends.cast import astype, never_warns
from rushlight.backends.cpu import builtin, fills, jit
from rushlight.backends.cpu.once import Unavailable
from rushlight.backends.host import draws as host
from rushlight.backends.host.box_muller import BLOCK, fill_pairs, pairs64
from rushlight.backends.host.draws import digits, multinomial, poisson
from rushlight.backends.host.mersenne import Mersenne

__all__ = ["bernoulli", "cauchy", "digits", "exponential", "geometric", "integers", "log_normal",
           "multinomial", "normal", "permutation", "poisson", "uniform"]

FLOAT32 = np.dtype(np.float32)
FEW = 4096  # numbers up to which holding the interpreter's lock costs nobody anything
_KINDS: dict[str, Any] = {"float": ctypes.c_float, "double": ctypes.c_double, "i64": ctypes.c_int64}


class _Fills(dict[str, Any]):
    """The compiled fills by name, and what their builtin functions are made of, made when first
    asked for; None where they cannot be."""

    def __missing__(self, name: str) -> tuple[Callable[..., None], Any] | None:
        self[name] = fill = self._compile(name)
        return fill

    @staticmethod
    def _compile(name: str) -> tuple[Callable[..., None], Any] | None:
        if not builtin.supported():
            return None  # another interpreter, whose arrays look otherwise
        try:
            address, few = jit.load(fills.write(name), "fill", "few", imports=builtin.imports())
        except Unavailable:
            return None
        arguments = [_KINDS[kind] for kind in fills.FILLS[name][0].split()]
        return ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64,
                                *arguments)(address), builtin.method(few)


_fills = _Fills()


@lru_cache(maxsize=256)
def _few(name: str, state: int) -> tuple[Callable[[np.ndarray], None], Callable[..., None]]:
    """The builtin function of a fill for one state, and what writes the count and the arguments
    into its block: both are for the holder of the engine's lock."""
    kinds = fills.FILLS[name][0].split()
    block = np.zeros(2 + len(kinds), np.int64)
    block[0] = state
    words = Struct("q" + "".join("q" if kind == "i64" else "d" for kind in kinds))
    return builtin.bind(_fills[name][1], block), partial(words.pack_into, block.data, 8)


def _drawn(name: str, engine: Mersenne, out: np.ndarray, *arguments: float) -> bool:
    """Fill `out` with the compiled fill `name`; False where there is none."""
    fill = _fills[name]
    if fill is None:
        return False
    count = out.size
    if not count:
        return True  # and the state remembers that nothing was drawn
    with engine.lock:
        state = engine.state_address()
        if not state:
            return False
        if count <= FEW:
            run, prepare = _few(name, state)
            prepare(count, *arguments)
            run(out)
        else:
            fill[0](state, id(out), count, *arguments)
    return True


def _drawn_as(wide: Any, name: str, engine: Mersenne, out: np.ndarray,
              *arguments: float) -> bool:
    """Fill `out`, of few elements, with numbers that the compiled fill `name` draws as `wide`."""
    if out.size > FEW or not out.flags.c_contiguous:
        return False
    numbers = np.empty(out.shape, wide)
    if not _drawn(name, engine, numbers, *arguments):
        return False
    dtype = out.dtype
    if dtype.itemsize == 2 and dtype.kind in "fV":  # torch rounds these twice
        numbers = astype(numbers, FLOAT32)
    out[...] = numbers if never_warns(numbers.dtype, dtype) else astype(numbers, dtype)
    return True


@cache  # NumPy makes a dtype's name anew whenever asked, which takes 2 us
def _exact(dtype: np.dtype) -> int:
    """The largest number up to which the dtype holds all whole numbers; 2**63 of integers."""
    return 1 << host.DIGITS.get(dtype.name, 63)


def uniform(engine: Mersenne, out: np.ndarray, low: float = 0.0, high: float = 1.0) -> None:
    """Real numbers in [low, high): low + u * (high - low)."""
    done = False
    if out.flags.c_contiguous:
        if out.dtype.char == "f":
            done = _drawn("uniform32", engine, out, low, high)
        elif out.dtype.char == "d":
            done = _drawn("uniform64", engine, out, low, high)
    if not done:
        host.uniform(engine, out, low, high)


def normal(engine: Mersenne, out: np.ndarray, mean: float = 0.0, std: float = 1.0) -> None:
    """Normal numbers of that mean and standard deviation."""
    done = False
    if out.size < BLOCK and std == 1 and out.dtype.char in "fd" and out.flags.c_contiguous:
        if out.dtype.char == "f" and not mean and not out.size & 1:
            with engine.lock:
                if engine.next_normal is None and _drawn("pairs32", engine, out):
                    return
        with engine.lock:  # the general way, without what a factor would take
            normals = pairs(engine, out.size).reshape(out.shape)
            if mean:
                np.add(normals, mean, out=out, casting="same_kind")
            else:
                out[...] = normals
        return
    if out.flags.c_contiguous and out.size >= BLOCK:
        if out.dtype.itemsize == 2:
            single = np.empty(out.shape, np.float32)
            done = _drawn("normal32", engine, single, mean, std, 0)
            if done:
                out[...] = single
        else:
            name = "normal64" if out.dtype.char == "d" else "normal32"
            done = _drawn(name, engine, out, mean, std, 1)
    if not done:
        host.normal(engine, out, mean, std, pairs)


def log_normal(engine: Mersenne, out: np.ndarray, mean: float = 1.0, std: float = 2.0) -> None:
    """exp of a normal number of that mean and deviation."""
    host.log_normal(engine, out, mean, std, pairs)


def pairs(engine: Mersenne, count: int) -> np.ndarray:
    """`count` float64 standard normals, two from each pair of uniform numbers."""
    if engine.next_normal is None and count & 1 == 0:
        normal = np.empty(count)
        if _drawn("pairs", engine, normal):
            return normal
    return pairs64(engine, count, _fill_pairs)


def _fill_pairs(engine: Mersenne, out: np.ndarray) -> None:
    if not _drawn("pairs", engine, out):
        fill_pairs(engine, out)


def exponential(engine: Mersenne, out: np.ndarray, rate: float = 1.0) -> None:
    """Waiting times of that rate: -log(1 - u) / rate."""
    name, scale = "exponential64", -1.0 / rate
    if not (_drawn(name, engine, out, scale) if _is_double(out)
            else _drawn_as(np.float64, name, engine, out, scale)):
        host.exponential(engine, out, rate)


def geometric(engine: Mersenne, out: np.ndarray, p: float) -> None:
    """Trials up to the first success, each of probability p: ceil(log(u) / log(1 - p))."""
    if not (_is_double(out) and _drawn("geometric64", engine, out, math.log1p(-p))):
        host.geometric(engine, out, p)


def cauchy(engine: Mersenne, out: np.ndarray, median: float = 0.0, sigma: float = 1.0) -> None:
    """median + sigma * tan(pi * (u - 1/2))."""
    if not (_is_double(out) and _drawn("cauchy64", engine, out, median, sigma)):
        host.cauchy(engine, out, median, sigma)


def _is_double(out: np.ndarray) -> bool:
    return out.dtype.char == "d" and out.flags.c_contiguous


def integers(engine: Mersenne, out: np.ndarray, low: int, high: int) -> None:
    """Whole numbers in [low, high), by the remainder of a word; high - low at most 2**64."""
    width = high - low
    name = "integers32" if width < host.LONG_RANGE else "integers64"
    done = False
    if width < 1 << 64:
        if out.dtype.char == "l":
            done = out.flags.c_contiguous and _drawn(name, engine, out, low, _signed(width))
        elif max(-low, high) <= _exact(out.dtype):
            done = _drawn_as(np.int64, name, engine, out, low, width)
    if not done:
        host.integers(engine, out, low, high)


def _signed(word: int) -> int:
    """The int64 with the bits of a uint64."""
    return word - (1 << 64) if word >> 63 else word


def bernoulli(engine: Mersenne, out: np.ndarray, p: float | np.ndarray,
              one: float | bool = 1) -> None:
    """`one` with probability p, else 0; p one number, or an array of `out`'s shape."""
    bits = 8 * out.dtype.itemsize
    done = False
    if bits <= 64 and out.flags.c_contiguous and not isinstance(p, np.ndarray):
        limit = math.ceil(p * 2.0**53)
        done = _drawn(f"bernoulli{bits}", engine, out, limit, _bits_of(one, out.dtype))
    if not done:
        host.bernoulli(engine, out, p, one)


@cache
def _bits_of(number: float | bool, dtype: np.dtype) -> int:
    return int.from_bytes(np.asarray(number).astype(dtype).tobytes(), "little")


def permutation(engine: Mersenne, count: int) -> np.ndarray:
    """0 .. count - 1 in random order, int64 (Fisher and Yates, 1938)."""
    if 1 < count < host.SHORT_PERMUTATION:
        order = np.arange(count)
        if _drawn("shuffle", engine, order):
            return order
    return host.permutation(engine, count)
