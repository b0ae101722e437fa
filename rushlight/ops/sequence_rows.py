"""Rows of sequences laid end to end: spread over steps, summed, reordered, the greatest of each.

`offsets` says where each sequence begins, and at last where the last one ends.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.backends.quiet import quiet
from rushlight.families.library import library


def _sums(rows: np.ndarray, offsets: np.ndarray, fold: Any = np.add) -> np.ndarray:
    """The fold of each sequence's rows; zeros for one without any."""
    starts, some = offsets[:-1], offsets[1:] > offsets[:-1]
    if some.all() and len(starts):
        return quiet(fold.reduceat)(rows, starts, axis=0)
    result = np.zeros((len(starts), *rows.shape[1:]), rows.dtype)
    if some.any():
        result[some] = quiet(fold.reduceat)(rows, starts[some], axis=0)
    return result


@library("_spread_rows")
class _spread_rows:
    """(batch, *) to (steps, *): row i once for every step of sequence i."""

    def forward(input, offsets: Option):
        return np.repeat(input, np.diff(offsets), axis=0)

    def backward(gradient, offsets):
        return _sum_rows(gradient, offsets)


@library("_sum_rows")
class _sum_rows:
    """(steps, *) to (batch, *): the sum over the steps of each sequence."""

    def forward(input, offsets: Option):
        return _sums(input, offsets)

    def backward(gradient, offsets):
        return _spread_rows(gradient, offsets)


@library("_greatest_rows")
class _greatest_rows:
    """(steps, *) to (batch, *): the greatest, element by element, of each sequence's steps."""

    def forward(input, offsets: Option):
        return _sums(input, offsets, np.maximum)

    def backward(gradient, input, output, offsets):
        equal = (input == _spread_rows(output, offsets)).to(input.dtype)
        return _spread_rows(gradient / _sum_rows(equal, offsets), offsets) * equal


@library("_first_greatest_rows")
class _first_greatest_rows:
    """(steps, *) to (batch, *): in which row the greatest of each sequence stands first."""

    def forward(input, offsets: Option):
        greatest = np.repeat(_sums(input, offsets, np.maximum), np.diff(offsets), axis=0)
        rows = np.arange(len(input)).reshape(-1, *(1,) * (input.ndim - 1))
        with np.errstate(invalid="ignore"):
            found = (input == greatest) | (input != input)
        return _sums(np.where(found, rows, len(input)), offsets, np.minimum)


@library("_reorder_rows")
class _reorder_rows:
    """input[order] for a permutation; inverse: the permutation back."""

    def forward(input, order: Option, inverse: Option):
        return np.take(input, order, axis=0)

    def backward(gradient, order, inverse):
        return _reorder_rows(gradient, inverse, order)


# As the functions that the declarations are.
spread_rows: Any = _spread_rows
sum_rows: Any = _sum_rows
greatest_rows: Any = _greatest_rows
first_greatest_rows: Any = _first_greatest_rows
reorder_rows: Any = _reorder_rows
