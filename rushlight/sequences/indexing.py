"""Indexing ragged sequences: sequences, steps, spans of time, features."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.sequences.layout import Layout
from rushlight.tensor import Tensor, wrap


def item(batch: Any, index: Any, make: Any) -> Any:
    """batch[index]: along the batch, then time, then the features."""
    parts = list(index) if isinstance(index, tuple) else [index]
    if Ellipsis in [p for p in parts if p is Ellipsis]:
        at = next(i for i, p in enumerate(parts) if p is Ellipsis)
        given = sum(p is not None for p in parts) - 1
        parts[at:at + 1] = [slice(None)] * (batch.ndim - given)
    if sum(p is not None for p in parts) > batch.ndim:
        raise IndexError(f"too many indices for {batch._short()}: {len(parts)}")
    if any(p is None for p in parts[:2]):
        raise TypeError(f"None is no index of {batch._short()} before its features; use "
                        "unsqueeze(-1)")
    first, *rest = parts
    if isinstance(first, int | np.integer) and not isinstance(first, bool):
        found = _sequence(batch, int(first))
        return found[tuple(rest)] if rest else found
    chosen = _chosen(batch, first, make)
    if not rest:
        return chosen
    time, *features = rest
    if isinstance(time, int | np.integer) and not isinstance(time, bool):
        found = _step(chosen, int(time))
        return found[(slice(None), *features)] if features else found
    made = _span(chosen, time, make)
    return made.with_values(made.values[(slice(None), *features)]) if features else made


def _sequence(batch: Any, number: int) -> Tensor:
    n = batch.layout.batch
    if not -n <= number < n:
        raise IndexError(f"index {number} is out of bounds for dimension 0 with size {n}")
    start, end = batch.layout.offsets[number % n:number % n + 2].tolist()
    found: Tensor = batch.values[start:end]
    return found


def _chosen(batch: Any, index: Any, make: Any) -> Any:
    """Some of the sequences: a slice, or a list or tensor of numbers or truth values."""
    layout = batch.layout
    if isinstance(index, slice):
        if index == slice(None):
            return batch
        numbers = np.arange(layout.batch)[index]
    else:
        array = index.numpy() if isinstance(index, Tensor) else np.asarray(index)
        if array.ndim != 1 or array.dtype.kind not in "iub":
            raise TypeError(f"{batch._short()} is indexed by numbers, slices, and lists or 1-d "
                            f"tensors of numbers or truth values, not {index!r}")
        if array.dtype.kind == "b" and len(array) != layout.batch:
            raise IndexError(f"The shape of the mask [{len(array)}] at index 0 does not match the "
                             f"shape of the indexed tensor [{layout.batch}] at index 0")
        if array.dtype.kind != "b" and array.size and not (
                -layout.batch <= array.min() and array.max() < layout.batch):
            raise IndexError(f"index {int(array.max())} is out of bounds for dimension 0 with size "
                             f"{layout.batch}")
        numbers = np.arange(layout.batch)[array]
    return _gathered(batch, layout.offsets[numbers], layout.lengths[numbers], make)


def _gathered(batch: Any, starts: np.ndarray, lengths: np.ndarray, make: Any) -> Any:
    """The sequences that begin at rows `starts` and have these lengths."""
    layout = Layout.of(lengths)
    rows = layout.places + np.repeat(starts, lengths)
    if len(rows) and rows[-1] - rows[0] == len(rows) - 1 and (np.diff(rows) == 1).all():
        return make(batch.values[int(rows[0]):int(rows[-1]) + 1], layout)
    return make(batch.values.index_select(0, wrap(rows)), layout)


def _step(batch: Any, time: int) -> Tensor:
    """(batch, *features): one step of each sequence, from its end if negative."""
    layout = batch.layout
    places = layout.lengths + time if time < 0 else np.full(layout.batch, time)
    short = np.flatnonzero((places < 0) | (places >= layout.lengths))
    if len(short):
        raise IndexError(f"index {time} is out of bounds for dimension 1: sequence "
                         f"{int(short[0])} of {batch._short()} has "
                         f"{int(layout.lengths[short[0]])} steps")
    found: Tensor = batch.values.index_select(0, wrap(layout.offsets[:-1] + places))
    return found


def _span(batch: Any, time: Any, make: Any) -> Any:
    """A slice of the time of each sequence."""
    if not isinstance(time, slice):
        raise TypeError(f"the time of {batch._short()} is indexed by a number or a slice, not "
                        f"{type(time).__name__}")
    if time == slice(None):
        return batch
    spans = [range(n)[time] for n in batch.layout.lengths.tolist()]
    if time.step in (None, 1):
        starts = batch.layout.offsets[:-1] + [s.start if len(s) else 0 for s in spans]
        return _gathered(batch, starts, np.array([len(s) for s in spans], np.int64), make)
    starts = batch.layout.offsets.tolist()
    rows = [a + place for a, span in zip(starts, spans, strict=False) for place in span]
    layout = Layout.of([len(s) for s in spans])
    return make(batch.values.index_select(0, wrap(np.array(rows, np.int64))), layout)
