"""Random numbers while samples are fetched: of a batch's own, whoever fetches it.

Before each batch the three streams that data sets draw from, Rushlight's, NumPy's and Python's,
are started from seeds that follow from the epoch and the number of the batch alone. So batches are
the same with any number of worker processes. What the main program draws itself is not touched.

Programs written for torch may ask for torch's rule, by `follow_torch`: without workers samples are
drawn from the program's own streams, and each worker's are started once, from its number.
"""

from __future__ import annotations

import ctypes
import random
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from rushlight.backends.host.mersenne import Mersenne
from rushlight.random import default_generator
from rushlight.utils.data.sampler import random_seed

MASK = (1 << 64) - 1
WORDS = 625  # of a Mersenne twister: 624 and the position among them
START = -1  # in place of the number of a batch: when an iterable data set starts


def mix(seed: int, step: int) -> int:
    """A seed for a step: SplitMix64 (Steele, Lea & Flood, 2014) at that place of its stream."""
    z = (seed + (step + 2) * 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


class EpochSeeds(NamedTuple):
    """What the random numbers of an epoch's samples follow from, by stream."""

    rushlight: int
    numpy: int
    python: int

    @classmethod
    def of(cls, base_seed: int) -> EpochSeeds:
        """Seeds from the one drawn for the epoch and, without drawing, from where NumPy's and
        Python's streams are: so `numpy.random.seed` and `random.seed` are heard."""
        base = base_seed & MASK
        return cls(base, mix(base, zlib.crc32(_numpy.words() or b"")),
                   mix(base, zlib.crc32(_python.words())))

    def start(self, step: int, worker: int = 0) -> None:
        """Start the three streams for a batch, or for a worker's iterable data set."""
        default_generator.manual_seed(mix(self.rushlight, (step << 16) + worker))
        np.random.seed(mix(self.numpy, (step << 16) + worker) >> 32)
        random.seed(mix(self.python, (step << 16) + worker))


class TorchSeeds(NamedTuple):
    """The same by torch's rule: nothing follows from the batch."""

    rushlight: int

    def start(self, step: int, worker: int = 0) -> None:
        """Go on with the streams as they are."""


def start_worker(seed: int, number: int, seeds: type[EpochSeeds | TorchSeeds]) -> None:
    """Start the three streams of a worker process of this number; `seed` is its own."""
    if seeds is EpochSeeds:
        EpochSeeds(seed, seed, seed).start(START)
        return
    base = (seed - number) & MASK
    default_generator.manual_seed(seed)
    random.seed(seed)
    np.random.seed(np.random.SeedSequence(
        [number, base & 0xFFFFFFFF, base >> 32, 0]).generate_state(4))


_torch_rule = False


def follow_torch(enabled: bool) -> None:
    """Draw the random numbers of samples as torch does, or (the default) from a batch's own.

    With torch's rule a program's numbers are torch's for the same seed, and depend on the number
    of workers.

    >>> import rushlight as rl
    >>> loader = rl.utils.data.DataLoader(range(2), collate_fn=lambda _: rl.rand(()).item())
    >>> rl.utils.data.follow_torch(True)
    >>> _ = rl.manual_seed(0)
    >>> [round(number, 4) for number in loader]
    [0.0885, 0.132]
    >>> rl.utils.data.follow_torch(False)
    """
    global _torch_rule
    _torch_rule = enabled


def epoch_seeds(generator: Any, started: bool) -> EpochSeeds | TorchSeeds:
    """What the samples of an epoch are drawn by; `started`: by workers of an earlier epoch.

    A seed is drawn here, as torch does with and without workers, or all later numbers would
    differ.
    """
    if not _torch_rule:
        return EpochSeeds.of(random_seed(generator))
    return TorchSeeds(0 if started else random_seed(generator))


class _NumpyStream:
    """NumPy's global stream, and others to put in its place for a while."""

    def __init__(self) -> None:
        self._known: bytes | None = None
        self._normal: tuple[int, float] = (0, 0.0)  # half a pair of normal samples, kept by NumPy

    def words(self) -> bytes | None:
        """The state; None of a stream that is no Mersenne twister."""
        bits = np.random.get_bit_generator()
        if type(bits) is not np.random.MT19937:
            return None
        return ctypes.string_at(bits.ctypes.state_address, 4 * WORDS)

    def exchange(self, other: Any) -> tuple[Any, tuple[int, float]]:
        """Put another bit generator in its place; returns what `put_back` needs."""
        words = self.words()
        if words is None or words != self._known or self._normal[0]:
            state: Any = np.random.get_state(legacy=False)  # slow, so only where it has moved
            self._known, self._normal = words, (state["has_gauss"], state["gauss"])
        theirs = np.random.get_bit_generator()
        np.random.set_bit_generator(other)
        return theirs, self._normal

    def put_back(self, before: tuple[Any, tuple[int, float]]) -> None:
        """Go on where it was."""
        theirs, normal = before
        np.random.set_bit_generator(theirs)
        if normal[0]:  # lost with the exchange
            state: Any = np.random.get_state(legacy=False)
            state["has_gauss"], state["gauss"] = normal
            np.random.set_state(state)


class _PythonStream:
    """The stream of the module `random`, which cannot be exchanged: its state is."""

    def __init__(self) -> None:
        self._generator: Any = random.seed.__self__  # type: ignore[attr-defined]
        self._address: int | None = None

    def _find(self) -> int:
        """Where CPython keeps the state, position first; 0 if it does not look so."""
        if self._address is None:
            place = id(self._generator) + object.__basicsize__
            known = sys.implementation.name == "cpython" and (
                ctypes.string_at(place, 4 * WORDS) == self._packed())
            self._address = place if known else 0
        return self._address

    def _packed(self) -> bytes:
        *words, position = self._generator.getstate()[1]
        return np.array([position, *words], np.uint32).tobytes()

    def words(self) -> bytes:
        """The state."""
        place = self._find()
        return ctypes.string_at(place, 4 * WORDS) if place else self._packed()

    def state(self) -> Any:
        """What `put_back` needs."""
        if not self._find():
            return self._generator.getstate()
        return self.words(), self._generator.gauss_next

    def put_back(self, before: Any) -> None:
        """Go on where it was."""
        place = self._find()
        if place:
            ctypes.memmove(place, before[0], 4 * WORDS)
            self._generator.gauss_next = before[1]
        else:
            self._generator.setstate(before)


_numpy, _python = _NumpyStream(), _PythonStream()
_spare: list[tuple[Mersenne, Any]] = []  # engines that no batch is using


@contextmanager
def batch_streams(seeds: EpochSeeds | TorchSeeds, step: int) -> Iterator[None]:
    """Let a batch be fetched in this process with streams of its own."""
    if isinstance(seeds, TorchSeeds):
        yield
        return
    engines = _spare.pop() if _spare else (Mersenne(0), np.random.MT19937(0))
    theirs = default_generator.engine
    numpy, python = _numpy.exchange(engines[1]), _python.state()
    default_generator._engine = engines[0]
    try:
        seeds.start(step)
        yield
    finally:
        default_generator._engine = theirs
        _python.put_back(python)
        _numpy.put_back(numpy)
        _spare.append(engines)


class StreamStates(NamedTuple):
    """Where the three streams of the main program are."""

    rushlight: Any
    numpy: Any
    python: Any

    @classmethod
    def now(cls) -> StreamStates:
        """The states as they are."""
        return cls(default_generator.get_state(), np.random.get_state(legacy=False),
                   random.getstate())

    def restore(self) -> None:
        """Go on from these states."""
        default_generator.set_state(self.rushlight)
        np.random.set_state(self.numpy)
        random.setstate(self.python)
