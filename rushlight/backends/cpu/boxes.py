"""Windows of a pooling as boxes: a range of places along each of three dimensions."""

from __future__ import annotations

import numpy as np

from rushlight.backends.host.pooling import Ints, Windows

Spans = list[list[tuple[int, int]]]  # first and last of each window, by dimension


def strided(space: Ints, windows: Windows) -> Spans:
    """The elements, without padding, that windows with strides see; dilation must be 1."""
    found = []
    for extent, size, stride, padding, _, out in zip(space, *windows, strict=True):
        starts = [o * stride - padding for o in range(out)]
        found.append([(max(s, 0), max(min(s + size, extent), max(s, 0))) for s in starts])
    return found


def shared_out(space: Ints, out: Ints) -> Spans:
    """The elements that each of `out` windows sees when they share the planes out evenly."""
    return [[(o * extent // count, -(-(o + 1) * extent // count)) for o in range(count)]
            for extent, count in zip(space, out, strict=True)]


def table(spans: Spans) -> np.ndarray:
    """What the kernels read: the ranges of three dimensions, one after the other."""
    missing = [(0, 1)] * (3 - len(spans))
    return np.array(missing + [span for axis in spans for span in axis], np.int64)


def numbers(space: Ints, out: Ints) -> Ints:
    """The extents of input and output in three dimensions."""
    missing = (1,) * (3 - len(space))
    return (*missing, *space, *missing, *out)
