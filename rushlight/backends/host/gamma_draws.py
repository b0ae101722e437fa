"""Gamma, Dirichlet and binomial numbers, each element drawn from the stream after the one before.

The numbers of torch: rejection, so how many words an element takes is known only by drawing it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from rushlight.backends.host.box_muller import uniform64
from rushlight.backends.host.draws import in_memory_order
from rushlight.backends.host.mersenne import Mersenne

BLOCK = 1024  # numbers read from the engine at a time
THIRD = float(np.float32(1.0) / np.float32(3.0))  # torch's constants here are float32
SQUEEZE = float(np.float32(0.0331))


class Stream:
    """Uniform and normal float64 numbers of an engine one by one; `close` hands the rest back."""

    def __init__(self, engine: Mersenne) -> None:
        self.engine, self.used = engine, 0
        self.before, self.spare = engine.clone(), engine.next_normal
        self.block: Iterator[float] = iter(())

    def uniform(self) -> float:
        """A number in [0, 1)."""
        self.used += 1
        for u in self.block:
            return u
        self.block = iter(uniform64(self.engine.long_words(BLOCK)).tolist())
        return next(self.block)

    def normal(self) -> float:
        """A standard normal number; they come in pairs (Box and Muller, 1958)."""
        if self.spare is not None:
            value, self.spare = self.spare, None
            return value
        angle, u = 2.0 * math.pi * self.uniform(), self.uniform()
        radius = math.sqrt(-2.0 * math.log1p(-u))
        self.spare = radius * math.sin(angle)
        return radius * math.cos(angle)

    def close(self) -> None:
        """Set the engine to just after the last number used."""
        self.engine.set_state(self.before.get_state())
        self.engine.long_words(self.used)
        self.engine.next_normal = self.spare


def _each(engine: Mersenne, out: np.ndarray, draw: Callable[..., float],
          *parameters: np.ndarray) -> None:
    """out = draw(stream, *parameters) for each element, in the order of out's memory."""
    target = in_memory_order(out)
    columns = [in_memory_order(p, like=out).ravel().tolist() for p in parameters]
    with engine.lock, np.errstate(all="ignore"):
        stream = Stream(engine)
        try:
            values = [draw(stream, *row) for row in zip(*columns, strict=True)]
        finally:
            stream.close()
    with np.errstate(all="ignore"):
        target[...] = np.array(values, np.float64).reshape(target.shape)


def standard_gamma(engine: Mersenne, out: np.ndarray, concentration: np.ndarray) -> None:
    """Gamma numbers of rate 1, at least the smallest normal number of the dtype."""
    narrow = np.float32 if out.dtype.itemsize <= 4 else np.float64
    _each(engine, out, lambda stream, a: _gamma(stream, a, narrow),
          concentration.astype(np.float64))
    np.maximum(out, _tiny(out.dtype), out=out)


def dirichlet(engine: Mersenne, out: np.ndarray, concentration: np.ndarray) -> None:
    """Points of the simplex along the last dimension: gamma numbers over their sum."""
    gamma = np.empty(out.shape)
    standard_gamma(engine, gamma, concentration)
    gamma /= gamma.sum(-1, keepdims=True)
    one = out.dtype.type(1)
    largest = np.nextafter(one, out.dtype.type(0))
    out[...] = np.clip(gamma.astype(out.dtype), _tiny(out.dtype), largest)


def _tiny(dtype: np.dtype) -> np.ndarray:
    return np.array(np.finfo(dtype).tiny, dtype)


def _gamma(stream: Stream, alpha: float, narrow: type) -> float:
    """Marsaglia and Tsang (2000); below 1 a number of alpha + 1 times U**(1 / alpha)."""
    if not alpha > 0.0:
        return 0.0 if alpha == 0.0 else math.nan
    scale = 1.0
    if alpha < 1.0:
        scale = (1.0 - stream.uniform()) ** float(narrow(1) / narrow(alpha))
        alpha = float(narrow(alpha) + narrow(1))
    d = float(narrow(alpha) - narrow(THIRD))
    c = 1.0 / math.sqrt(9.0 * d)
    while True:
        y = -1.0
        while y <= 0:
            x = stream.normal()
            y = 1.0 + c * x
        v, u, square = y * y * y, 1.0 - stream.uniform(), x * x
        if u < 1.0 - SQUEEZE * square * square:
            return scale * d * v
        if math.log(u) < 0.5 * square + d * (1.0 - v + math.log(v)):
            return scale * d * v


def binomial(engine: Mersenne, out: np.ndarray, count: np.ndarray, prob: np.ndarray) -> None:
    """Numbers of successes in `count` trials of probability `prob`."""
    _each(engine, out, _binomial, count.astype(np.float64), prob.astype(np.float64))


def _binomial(stream: Stream, count: float, prob: float) -> float:
    if not (count > 0 and prob > 0):
        return math.nan if count != count or prob != prob else 0.0
    if prob >= 1:
        return count
    flipped = prob > 0.5
    prob = 1.0 - prob if flipped else prob
    draw = _by_rejection if count * prob >= 10.0 else _by_waiting
    successes = draw(stream, count, prob)
    return count - successes if flipped else successes


def _by_waiting(stream: Stream, count: float, prob: float) -> float:
    """How many geometric waiting times fit into `count` trials (Devroye, 1986)."""
    failure = math.log1p(-prob)
    trials, successes = 0, 0.0
    while True:
        u = stream.uniform()
        if not u:  # an endless wait
            return successes
        trials += math.ceil(math.log(u) / failure)
        if trials > count:
            return successes
        successes += 1.0


def _by_rejection(stream: Stream, count: float, prob: float) -> float:
    """The transformed rejection BTRS (Hoermann, 1993)."""
    deviation = math.sqrt(count * prob * (1 - prob))
    b = 1.15 + 2.53 * deviation
    a = -0.0873 + 0.0248 * b + 0.01 * prob
    center = count * prob + 0.5
    sure = 0.92 - 4.2 / b
    odds = prob / (1 - prob)
    alpha = (2.83 + 5.1 / b) * deviation
    mode = math.floor((count + 1) * prob)
    at_mode = (mode + 0.5) * math.log((mode + 1) / (odds * (count - mode + 1)))
    while True:
        u, v = stream.uniform() - 0.5, stream.uniform()
        edge = 0.5 - abs(u)
        if not edge:
            continue
        k = math.floor((2 * a / edge + b) * u + center)
        if edge >= 0.07 and v <= sure:
            return float(k)
        if not 0 <= k <= count:
            continue
        hat = math.log(v * alpha / (a / (edge * edge) + b)) if v else -math.inf
        bound = (at_mode + (count + 1) * math.log((count - mode + 1) / (count - k + 1))
                 + (k + 0.5) * math.log(odds * (count - k + 1) / (k + 1))
                 + _tail(mode) + _tail(count - mode) - _tail(k) - _tail(count - k))
        if hat <= bound:
            return float(k)


def _tail(k: float) -> float:
    """What Stirling's formula lacks of log(k!)."""
    n = k + 1
    if k <= 9:
        return math.lgamma(n) - (n - 0.5) * math.log(n) + n - 0.5 * math.log(2 * math.pi)
    return (1 / 12 - (1 / 360 - 1 / 1260 / (n * n)) / (n * n)) / n
