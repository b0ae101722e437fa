"""Where the sequences of a batch lie, end to end, and in which order recurrent layers want them."""

from __future__ import annotations

from functools import cached_property
from itertools import count
from typing import NamedTuple

import numpy as np

from rushlight.tensor import Tensor, wrap

_numbers = count(1)


class Packing(NamedTuple):
    """The order of rows in a packed sequence, time by time, longest sequence first."""

    rows: np.ndarray  # of the sequences end to end, in packed order
    back: np.ndarray  # the permutation back
    batch_sizes: Tensor  # how many sequences go on at each time
    order: Tensor  # the sequences that have steps, longest first
    unorder: Tensor  # where each sequence of the batch stands then, those without steps last


class Layout:
    """The lengths of a batch of sequences; shared by all batches that an operation makes of it.

    offsets: (batch + 1,) int64, where each sequence begins, and where the last one ends.
    """

    def __init__(self, offsets: np.ndarray) -> None:
        self.offsets = offsets

    @classmethod
    def of(cls, lengths: object) -> Layout:
        """The layout of sequences of these lengths."""
        counts = np.asarray(lengths, np.int64).reshape(-1)
        offsets = np.zeros(len(counts) + 1, np.int64)
        np.cumsum(counts, out=offsets[1:])
        return cls(offsets)

    @cached_property
    def lengths(self) -> np.ndarray:
        """(batch,): how many steps each sequence has."""
        return np.diff(self.offsets)

    @property
    def batch(self) -> int:
        """How many sequences there are."""
        return len(self.offsets) - 1

    @property
    def steps(self) -> int:
        """How many steps there are in all."""
        return int(self.offsets[-1])

    @cached_property
    def longest(self) -> int:
        """The greatest length, 0 without sequences."""
        return int(self.lengths.max(initial=0))

    @cached_property
    def places(self) -> np.ndarray:
        """(steps,): for every step, how many of its sequence come before it."""
        return np.arange(self.steps) - np.repeat(self.offsets[:-1], self.lengths)

    @cached_property
    def numbers(self) -> np.ndarray:
        """(steps,): for every step, which sequence it belongs to."""
        return np.repeat(np.arange(self.batch), self.lengths)

    @cached_property
    def number(self) -> int:
        """Which one it is of those asked so far: shapes name it."""
        return next(_numbers)

    @cached_property
    def packing(self) -> Packing:
        """The order in which packed sequences lie."""
        order = np.argsort(-self.lengths, kind="stable")
        unorder = np.empty_like(order)
        unorder[order] = np.arange(self.batch)
        rows = np.lexsort((unorder[self.numbers], self.places))
        back = np.empty_like(rows)
        back[rows] = np.arange(self.steps)
        sizes = np.bincount(self.places, minlength=self.longest)
        return Packing(rows, back, wrap(sizes.astype(np.int64)),
                       wrap(order[: int((self.lengths > 0).sum())]), wrap(unorder))

    def agrees(self, other: Layout) -> bool:
        """Whether both have sequences of the same lengths."""
        return self is other or np.array_equal(self.offsets, other.offsets)

    def __repr__(self) -> str:
        shown = ", ".join(map(str, self.lengths[:8].tolist()))
        return f"lengths {shown}{', ...' if self.batch > 8 else ''}"
