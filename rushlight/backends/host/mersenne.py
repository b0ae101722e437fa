"""The Mersenne twister MT19937 as torch's CPU generator runs it: same words, same state bytes."""

from __future__ import annotations

import ctypes
import os
import struct
import threading
import weakref

import numpy as np

DEFAULT_SEED = 67280421310721  # of a Generator that nobody seeded, as in torch
STATE_WORDS = 624
SMALL = 256  # below this many words `random_raw` starts faster, above it `randint` fills faster

# The layout of torch's saved state: seed, left, seeded, next, 624 words in 64 bits each, three
# doubles of which the middle one is the cached normal sample, its flag, and a float32 sample that
# torch reserves and never fills.
LAYOUT = struct.Struct("<QiiQ4992s3di4xf?3x")
WORD_LIMIT = 1 << 32
SEED_LIMIT = 1 << 64


class Mersenne:
    """MT19937 with torch's seeding, word order and saved state.

    The words come from NumPy's bit generator, which runs the same recurrence in C. A draw holds
    `lock` from its first word to its last, so threads that share an engine never interleave.
    `next_normal` is the second half of a Box-Muller pair that waits for the next odd draw.
    """

    __slots__ = ("__weakref__", "_address", "_bits", "_fresh", "_seed", "_stream", "lock",
                 "next_normal")

    def __init__(self, seed: int = DEFAULT_SEED) -> None:
        self.lock = threading.RLock()
        self._bits = np.random.MT19937(0)
        self._address: int | None = None
        self._stream = np.random.RandomState(self._bits)
        self.seed(seed)
        _engines.add(self)

    def seed(self, seed: int) -> None:
        """Start the stream of `seed`, an integer in [-2**63, 2**64); negative ones wrap."""
        if not -(SEED_LIMIT >> 1) <= seed < SEED_LIMIT:
            raise ValueError("Overflow when unpacking long long: the seed must be in "
                             f"[-2**63, 2**64), got {seed}")
        with self.lock:
            self._seed = seed % SEED_LIMIT
            self._stream.seed(self._seed % WORD_LIMIT)  # the recurrence starts from 32 bits
            self._fresh = True
            self.next_normal: float | None = None

    def initial_seed(self) -> int:
        """The seed that started this stream, in [0, 2**64)."""
        return self._seed

    def seed_from_entropy(self) -> int:
        """Seed from the operating system's entropy; returns the seed."""
        seed = int.from_bytes(os.urandom(8), "little")
        self.seed(seed)
        return seed

    def words(self, count: int) -> np.ndarray:
        """The next `count` words, uint32."""
        if count:
            self._fresh = False
        if count < SMALL:
            return self._bits.random_raw(count).astype(np.uint32)
        return self._stream.randint(0, WORD_LIMIT, count, dtype=np.uint32)

    def long_words(self, count: int) -> np.ndarray:
        """The next `count` 64-bit words, uint64: two words each, the high half drawn first."""
        if count:
            self._fresh = False
        if count < SMALL:
            halves = self._bits.random_raw(2 * count)
            return (halves[::2] << np.uint64(32)) | halves[1::2]
        return self._stream.randint(0, SEED_LIMIT, count, dtype=np.uint64)

    def state_address(self) -> int:
        """Where the 624 words and, after them, the position lie, all of 32 bits; 0 if unknown.

        For compiled fills, which draw in place: hold `lock` while they run.
        """
        self._fresh = False
        if self._address is None:
            self._address = _find_state(self._bits)
        return self._address

    def get_state(self) -> np.ndarray:
        """The state as torch saves it: uint8, 5056 bytes, a copy."""
        with self.lock:
            state = self._bits.state["state"]
            position = state["pos"]
            following = 0 if self._fresh else position
            cached = self.next_normal
            packed = LAYOUT.pack(
                self._seed, STATE_WORDS + 1 - position, 1, following,
                state["key"].astype("<u8").tobytes(),
                0.0, cached or 0.0, 0.0, cached is not None, 0.0, False)
        return np.frombuffer(bytearray(packed), np.uint8)

    def set_state(self, state: np.ndarray) -> None:
        """Continue from a state that `get_state`, or torch, saved. Copies it."""
        data = state.tobytes()
        if len(data) != LAYOUT.size:
            raise RuntimeError(f"Expected a CPUGeneratorImplState of size {LAYOUT.size} but found "
                               f"the input RNG state size to be {len(data)}")
        seed, left, seeded, following, key, _, cached, _, valid, _, _ = LAYOUT.unpack(data)
        position = STATE_WORDS + 1 - left
        fresh = following == 0 and left == 1
        if seeded != 1 or not 0 < left <= STATE_WORDS or not (fresh or following == position):
            raise RuntimeError(f"Invalid mt19937 state: seeded {seeded}, left {left}, "
                               f"next {following}; pass what get_rng_state() returned")
        words = np.frombuffer(key, "<u8").astype(np.uint32)
        with self.lock:
            self._bits.state = {"bit_generator": "MT19937",
                                "state": {"key": words, "pos": position}}
            self._seed, self._fresh = seed, fresh
            self.next_normal = cached if valid else None

    def unlock(self) -> None:
        """Go on from the same state with locks that nobody holds."""
        bits = np.random.MT19937(0)
        bits.state = self._bits.state
        self._bits, self._stream, self._address = bits, np.random.RandomState(bits), None
        self.lock = threading.RLock()

    def clone(self) -> Mersenne:
        """An independent engine at the same place of the same stream."""
        twin = Mersenne()
        twin.set_state(self.get_state())
        return twin

    def __copy__(self) -> Mersenne:
        return self.clone()

    def __deepcopy__(self, memo: dict[int, object]) -> Mersenne:
        return self.clone()

    def __reduce__(self) -> tuple[object, ...]:
        return _restore, (self.get_state().tobytes(),)


def _find_state(bits: np.random.MT19937) -> int:
    """The address of NumPy's state, if it is the 624 words and the position that kernels expect."""
    address = int(bits.ctypes.state_address)
    words = (ctypes.c_uint32 * (STATE_WORDS + 1)).from_address(address)
    state = bits.state["state"]
    return address if [*state["key"].tolist(), state["pos"]] == list(words) else 0


def _restore(state: bytes) -> Mersenne:
    """Rebuild a pickled engine."""
    engine = Mersenne()
    engine.set_state(np.frombuffer(state, np.uint8))
    return engine


_engines: weakref.WeakSet[Mersenne] = weakref.WeakSet()


def _open() -> None:
    """In a forked child: locks that another thread held, ours or NumPy's, would stay closed for
    ever. What that thread was drawing then, the child draws from somewhere in between."""
    for engine in list(_engines):
        engine.unlock()


# To hold all engines until the fork is over would be no better: what a signal interrupts there
# (Ctrl-C while a loader starts its workers) leaves the parent's locks closed.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_open)
