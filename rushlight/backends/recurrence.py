"""Recurrent layers and single steps on arrays: generated code, or the NumPy forms of the host."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np

from rushlight.backends.cpu import gates, task
from rushlight.backends.cpu import recurrence as cpu
from rushlight.backends.cpu.features import Unavailable
from rushlight.backends.host import recurrence as host
from rushlight.backends.memory import LARGE, recycle

Array = Any  # an np.ndarray
GATES = gates.GATES


def serves(array: Any) -> bool:
    """Whether layers of this element type run here."""
    return type(array) is np.ndarray and array.dtype.char in "fd" and array.dtype.isnative


class Schedule(NamedTuple):
    """Which rows belong to which step, and in which order the steps run."""

    counts: Array
    offsets: Array
    order: range

    @classmethod
    def of(cls, counts: Sequence[int], back: bool) -> Schedule:
        """counts: how many sequences take part at each time, never growing."""
        steps = range(len(counts))
        starts = [0, *accumulate(counts)][:-1]
        return cls(np.array(counts, np.int64), np.array(starts, np.int64),
                   steps[::-1] if back else steps)

    def reversed(self) -> Schedule:
        """The same steps the other way round."""
        return self._replace(order=self.order[::-1])


class Saved(NamedTuple):
    """What a layer keeps for its gradient: rows as in the input."""

    schedule: Schedule
    gates: Array  # (rows, gates * n)
    y: Array  # (rows, n), as the others
    h: Array  # the state before each step
    c: Array | None
    e: Array | None


def forward(cell: str, x: Array, weight: Array, bias: Array | None, h: Array, c: Array | None,
            counts: Sequence[int], back: bool) -> tuple[Saved, Array, Array | None]:
    """Run a layer; returns what it saves (the output among that) and the final states.

    x: (rows, gates * n), what the input contributes, overwritten. weight: (gates * n, n).
    h, c: (batch, n). counts: the rows of each time. back: from the last time to the first.
    """
    if x.size >= LARGE:
        recycle()
    schedule, x = Schedule.of(counts, back), np.ascontiguousarray(x)
    h, c = h.copy(), None if c is None else c.copy()
    y, *saved = _native().forward(cell, x, weight, bias, h, c, *schedule)
    return Saved(schedule, x, y, *saved), h, c


def backward(cell: str, dy: Array, dh: Array, dc: Array | None, weight: Array,
             saved: Saved) -> tuple[Array, Array, Array, Array | None]:
    """The gradients (dx, da, dh, dc) of what input and state contribute and of the first states.

    da is dx itself where the two do not differ. dy: (rows, n). dh, dc: (batch, n).
    """
    schedule, g, *rest = saved
    dc = None if dc is None else dc.copy()
    dx, da, dh = _native().backward(cell, np.ascontiguousarray(dy), dh, dc, weight, g, rest,
                              *schedule.reversed())
    return dx, da, dh, dc


@cache
def _native() -> Any:
    return cpu if task.available() else host


@cache
def step(cell: str, dtype: np.dtype, back: bool = False) -> Callable[..., Any]:
    """One step of `cell` on whole batches; see `backends/cpu/gates.py` for the operands."""
    try:
        return gates.kernel(cell, dtype, back)
    except Unavailable:
        return host.kernel(cell, back)
