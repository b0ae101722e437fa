"""Random fills: each takes an engine and a NumPy array, and draws torch's numbers into it.

The order of the draws is the order of the elements in memory, as in torch, so a transposed array
receives other numbers at an index than a contiguous one of its shape.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from rushlight.backends.host.box_muller import (
    BLOCK,
    exactly,
    fill_blocks,
    pairs64,
    uniform32,
    uniform64,
)
from rushlight.backends.host.fused import fma32, fma64
from rushlight.backends.host.mersenne import Mersenne

CHUNK = 1 << 14  # values drawn at a time: their temporaries stay in the cache
FRACTION = (1 << 53) - 1  # the bits of a long word that make a float64 in [0, 1)
LONG_RANGE = 1 << 28  # ranges from here on take 64 bits a number, smaller ones 32
SHORT_PERMUTATION = ((1 << 32) - 1) // 20  # longer ones take 64 bits a step
DIGITS = {"float64": 53, "float32": 24, "float16": 11, "bfloat16": 8}  # of the significand

Pairs = Callable[[Mersenne, int], np.ndarray]  # draws standard normals in pairs


def uniform(engine: Mersenne, out: np.ndarray, low: float = 0.0, high: float = 1.0) -> None:
    """Real numbers in [low, high): low + u * (high - low)."""
    if out.dtype == np.float64:
        def draw(count: int) -> Any:
            return fma64(uniform64(engine.long_words(count)), high - low, low)
    else:
        start, width = np.float32(low), np.float32(high) - np.float32(low)

        def draw(count: int) -> Any:
            u = uniform32(engine.words(count))
            return fma32(u, width, start) if start else u * width
    _fill(engine, out, draw)
    if out.dtype.itemsize == 2:  # where rounding to 16 bits reached `high`, torch starts over
        out[out >= out.dtype.type(high)] = low


def normal(engine: Mersenne, out: np.ndarray, mean: float = 0.0, std: float = 1.0,
           pairs: Pairs = pairs64) -> None:
    """Normal numbers; which of the forms of `box_muller` depends on dtype, size and layout."""
    if out.size < BLOCK or not out.flags.c_contiguous:
        _fill(engine, out, lambda count: fma64(pairs(engine, count), std, mean))
        return
    with engine.lock:
        if out.dtype.itemsize >= 4:
            fill_blocks(engine, out.reshape(-1), mean, std)
        else:
            whole = np.empty(out.size, np.float32)
            fill_blocks(engine, whole, mean, std, skip_rest=False)
            out.reshape(-1)[:] = whole


def log_normal(engine: Mersenne, out: np.ndarray, mean: float = 1.0, std: float = 2.0,
               pairs: Pairs = pairs64) -> None:
    """exp of a normal number of that mean and deviation."""
    exp = _precise(out, math.exp, np.exp)
    _fill(engine, out, lambda count: exp(fma64(pairs(engine, count), std, mean)))


def exponential(engine: Mersenne, out: np.ndarray, rate: float = 1.0) -> None:
    """Waiting times of that rate: -log(1 - u) / rate."""
    log1p = _precise(out, math.log1p, np.log1p)
    _fill(engine, out, lambda count: -1.0 / rate * log1p(-uniform64(engine.long_words(count))))


def geometric(engine: Mersenne, out: np.ndarray, p: float) -> None:
    """Trials up to the first success, each of probability p: ceil(log(u) / log(1 - p))."""
    log, failure = _precise(out, _log, np.log), math.log1p(-p)
    _fill(engine, out, lambda count: np.ceil(log(uniform64(engine.long_words(count))) / failure))


def cauchy(engine: Mersenne, out: np.ndarray, median: float = 0.0, sigma: float = 1.0) -> None:
    """median + sigma * tan(pi * (u - 1/2))."""
    tan = _precise(out, math.tan, np.tan)
    _fill(engine, out, lambda count: fma64(
        tan(math.pi * (uniform64(engine.long_words(count)) - 0.5)), sigma, median))


def bernoulli(engine: Mersenne, out: np.ndarray, p: float | np.ndarray,
              one: float | bool = 1) -> None:
    """`one` with probability p, else 0; p one number, or an array of `out`'s shape.

    One number and float64 arrays are compared with 53 bits, other arrays with 24.
    """
    if not isinstance(p, np.ndarray):
        limit, fraction = np.uint64(math.ceil(p * (FRACTION + 1))), np.uint64(FRACTION)
        _fill(engine, out, lambda count: (engine.long_words(count) & fraction) < limit)
        if one != 1:
            out *= out.dtype.type(one)
        return
    flat_p = in_memory_order(np.broadcast_to(p, out.shape), like=out).ravel()
    with engine.lock:
        if p.dtype == np.float64:
            flat = uniform64(engine.long_words(out.size)) < flat_p
        else:
            flat = uniform32(engine.words(out.size)) < flat_p.astype(np.float32)
    _place(out, flat)
    if one != 1:
        out *= out.dtype.type(one)


def integers(engine: Mersenne, out: np.ndarray, low: int, high: int) -> None:
    """Whole numbers in [low, high), by the remainder of a word; high - low at most 2**64.

    Bounds that a floating dtype would round outwards are first moved inwards.
    """
    if out.dtype.name in DIGITS:
        low, high = _inner_bounds(out.dtype, low, high)
    width = high - low
    if width >= 1 << 64:
        def draw(count: int) -> Any:
            return engine.long_words(count).view(np.int64)
    elif width >= LONG_RANGE:
        def draw(count: int) -> Any:
            return _remainder(engine.long_words(count), width).view(np.int64) + np.int64(low)
    else:
        def draw(count: int) -> Any:
            return _remainder(engine.words(count), width).astype(np.int64) + np.int64(low)
    _fill(engine, out, draw)


def digits(engine: Mersenne, out: np.ndarray) -> None:
    """Whole numbers over all that the dtype holds exactly from 0 up."""
    name = out.dtype.name
    if name in DIGITS:
        count_of_values = (1 << DIGITS[name]) + 1
    elif name == "bool":
        count_of_values = 2
    else:
        count_of_values = int(np.iinfo(out.dtype).max) + 1
    words = engine.long_words if name in ("int64", "float64") else engine.words
    _fill(engine, out, lambda count: _remainder(words(count), count_of_values))


def permutation(engine: Mersenne, count: int) -> np.ndarray:
    """0 .. count - 1 in random order, int64 (Fisher and Yates, 1938)."""
    if count < 2:
        return np.arange(count)
    left = np.arange(count, 1, -1)  # positions still open at each step
    with engine.lock:
        if count < SHORT_PERMUTATION:
            steps = engine.words(count - 1) % left
        else:
            steps = (engine.long_words(count - 1) % left.astype(np.uint64)).astype(np.int64)
    order = list(range(count))
    for here, step in enumerate(steps.tolist()):
        there = here + step
        order[here], order[there] = order[there], order[here]
    return np.array(order)


def multinomial(engine: Mersenne, weights: np.ndarray, count: int,
                replacement: bool = False) -> np.ndarray:
    """`count` indices a row drawn in proportion to weights (rows, categories): int64 (rows, count).

    Without replacement: the largest weight / Exp(1), which is an exponential race.
    """
    if not replacement or count == 1:
        race = np.empty(weights.shape, weights.dtype)
        exponential(engine, race)
        with np.errstate(divide="ignore", invalid="ignore"):
            np.divide(weights, race, out=race)
        return np.argsort(-race, axis=-1, kind="stable")[:, :count]
    with engine.lock:
        u: Any = uniform64(engine.long_words(len(weights) * count)).reshape(-1, count)
    wide = weights if weights.dtype.itemsize > 2 else weights.astype(np.float32)
    edges = np.cumsum(wide, axis=-1, dtype=wide.dtype)
    edges /= edges[:, -1:].copy()
    edges[:, -1] = 1
    return np.stack([np.searchsorted(row, draws) for row, draws in zip(edges, u, strict=True)])


def poisson(engine: Mersenne, out: np.ndarray, rates: np.ndarray) -> None:
    """Counts of events at the given rates, an array of `out`'s shape."""
    flat = in_memory_order(rates, like=out).ravel().astype(np.float64).tolist()
    with engine.lock:
        before, stream = engine.clone(), _Uniforms(engine)
        counts = [_poisson(rate, stream) for rate in flat]
        # The stream was read in blocks: go back, and on by what was used.
        engine.set_state(before.get_state())
        engine.long_words(stream.used)
    _place(out, np.array(counts, np.float64))


class _Uniforms(Iterator[float]):
    """The engine's float64 numbers in [0, 1) one by one, counted."""

    def __init__(self, engine: Mersenne) -> None:
        self.engine, self.used = engine, 0
        self.block: Iterator[float] = iter(())

    def __next__(self) -> float:
        self.used += 1
        for u in self.block:
            return u
        self.block = iter(uniform64(self.engine.long_words(1024)).tolist())
        return next(self.block)


def _poisson(rate: float, uniforms: Iterator[float]) -> int:
    if rate < 0 or rate != rate:
        raise RuntimeError("invalid Poisson rate, expected rate to be non-negative: "
                           f"got {rate}")
    if rate >= 10:
        return _poisson_by_rejection(rate, uniforms)
    if rate == 0:
        return 0
    limit, product, events = math.exp(-rate), 1.0, -1
    while product > limit or events < 0:
        product *= next(uniforms)
        events += 1
    return events


def _poisson_by_rejection(rate: float, uniforms: Iterator[float]) -> int:
    """The transformed rejection method PTRS (Hoermann, 1993)."""
    log_rate = math.log(rate)
    b = 0.931 + 2.53 * math.sqrt(rate)
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    sure = 0.9277 - 3.6224 / (b - 2)
    while True:
        u, v = next(uniforms) - 0.5, next(uniforms)
        edge = 0.5 - abs(u)
        events = math.floor((2 * a / edge + b) * u + rate + 0.43)
        if edge >= 0.07 and v <= sure:
            return events
        if events < 0 or (edge < 0.013 and v > edge):
            continue
        hat = math.log(v) + math.log(inverse_alpha) - math.log(a / (edge * edge) + b)
        if hat <= events * log_rate - rate - math.lgamma(events + 1):
            return events


def in_memory_order(array: np.ndarray, like: np.ndarray | None = None) -> np.ndarray:
    """A view with axes from the widest stride to the narrowest, of `like` where it is given."""
    like = array if like is None else like
    if like.flags.c_contiguous:
        return array
    axes = sorted(range(like.ndim), key=lambda axis: -abs(like.strides[axis]))
    return array.transpose(axes)


def _fill(engine: Mersenne, out: np.ndarray, draw: Callable[[int], Any]) -> None:
    """Fill `out` in its memory order with draw(count) of the engine."""
    flat = out.reshape(-1) if out.flags.c_contiguous else np.empty(out.size, out.dtype)
    through_float32 = flat.dtype.itemsize == 2 and flat.dtype.name in DIGITS
    with engine.lock, np.errstate(all="ignore"):
        for start in range(0, out.size, CHUNK):
            part = flat[start:start + CHUNK]
            values = draw(part.size)
            # torch narrows to 16 bits by way of float32, which rounds twice.
            part[:] = values.astype(np.float32) if through_float32 else values
    if not out.flags.c_contiguous:
        _place(out, flat)


def _place(out: np.ndarray, flat: np.ndarray) -> None:
    """Write values in memory order."""
    target = in_memory_order(out)
    target[...] = flat.reshape(target.shape)


def _remainder(words: np.ndarray, divisor: int) -> Any:
    """words % divisor, by NumPy's fast division by a constant."""
    if divisor & (divisor - 1) == 0:
        return words & words.dtype.type(divisor - 1)
    if divisor > int(np.iinfo(words.dtype).max):
        return words
    by = words.dtype.type(divisor)
    return words - words // by * by


def _inner_bounds(dtype: np.dtype, low: int, high: int) -> tuple[int, int]:
    """The bounds of whole numbers that stay in [low, high) when a floating dtype rounds them."""
    def rounded(value: int) -> int:
        return int(float(np.float32(value).astype(dtype) if dtype.itemsize == 2
                         else dtype.type(value)))

    def spacing(value: int) -> int:
        return 1 << (abs(value).bit_length() - DIGITS[dtype.name])

    if rounded(low + 1) < low:
        low = rounded(low + 1) + spacing(low + 1)
    if rounded(high - 1) >= high:
        high = rounded(high - 1) - spacing(high - 1)
    return low, high


def _precise(out: np.ndarray, one: Callable[[float], float],
             many: Callable[[np.ndarray], np.ndarray]) -> Callable[[np.ndarray], np.ndarray]:
    """`many`, or `one` on each where its last bit would be seen."""
    return (lambda x: exactly(one, x)) if out.dtype == np.float64 else many


def _log(x: float) -> float:
    return math.log(x) if x else -math.inf
