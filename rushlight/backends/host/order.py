"""Sorting along the last axis: stable, NaN greatest, as torch orders.

Elements of up to 32 bits are turned into unsigned keys of the same order, with their place in the
lower half of a 64-bit word: one vectorised sort of integers then gives values and places, and
equal elements stay in their order.
"""

from __future__ import annotations

import math

import numpy as np

from rushlight.base import dtypes

Array = np.ndarray

PLACES = np.uint64(0xFFFFFFFF)
SIGN = np.uint32(0x80000000)
FEWEST = 6  # elements in a block for which looking at blocks first pays


def _keys(array: Array, descending: bool) -> Array:
    """Unsigned 32-bit numbers in the order of the elements."""
    if array.dtype in dtypes.HALF_TYPES:
        array = array.astype(np.float32)
    if array.dtype.kind == "f":
        bits = (array + np.float32(0)).view(np.uint32)  # -0 becomes 0: the two are equal
        keys = np.where(bits & SIGN, ~bits, bits | SIGN)
        keys[np.isnan(array)] = 0xFFFFFFFE
    elif array.dtype.kind == "u":
        keys = array.astype(np.uint32)
    else:
        keys = array.astype(np.int32).view(np.uint32) ^ SIGN
    return ~keys if descending else keys


def _packed(array: Array, descending: bool) -> Array | None:
    """Keys and places in one word each; None where they do not fit."""
    if array.dtype.itemsize > 4 or array.shape[-1] >> 32:
        return None
    words = _keys(array, descending).astype(np.uint64)
    words <<= np.uint64(32)
    words |= np.arange(array.shape[-1], dtype=np.uint64)
    return words


def order(array: Array, descending: bool = False) -> Array:
    """The places of the elements in their order along the last axis, int64."""
    words = _packed(array, descending)
    if words is not None:
        words.sort(axis=-1)
        return (words & PLACES).astype(np.int64)
    if not descending:
        return np.argsort(array, axis=-1, kind="stable").astype(np.int64, copy=False)
    # The ascending order of the reversed row, read backwards: equal elements keep their order.
    reverse = np.argsort(array[..., ::-1], axis=-1, kind="stable")[..., ::-1]
    return array.shape[-1] - 1 - reverse.astype(np.int64, copy=False)


def nth(array: Array, position: int) -> Array:
    """The place of the element that stands at `position` of the ascending order, (..., 1)."""
    words = _packed(array, False)
    if words is None:
        return np.ascontiguousarray(order(array)[..., position:position + 1])
    words.partition(position, axis=-1)
    return (words[..., position:position + 1] & PLACES).astype(np.int64)


def _candidates(array: Array, count: int, descending: bool, size: int) -> Array:
    """Places that hold the first `count` of the order, rising: those of the best blocks of `size`.

    An element outside the first `count` blocks, in the order of their extremes, has as many
    before it.
    """
    n = array.shape[-1]
    whole = n // size * size
    blocks = array[..., :whole].reshape(*array.shape[:-1], n // size, size)
    extremes = (np.maximum if descending else np.fmin).reduce(blocks, axis=-1)
    best = np.sort(first(extremes, count, descending), axis=-1)
    places = (best[..., None] * size + np.arange(size)).reshape(*array.shape[:-1], -1)
    rest = np.broadcast_to(np.arange(whole, n), (*array.shape[:-1], n - whole))
    return np.concatenate([places, rest], axis=-1)


def first(array: Array, count: int, descending: bool) -> Array:
    """The first `count` places of the order along the last axis."""
    n = array.shape[-1]
    size = math.isqrt(n // count) if count else 0  # as many blocks as elements in the best
    if size >= FEWEST and array.dtype.kind != "V":
        places = _candidates(array, count, descending, size)
        chosen = first(np.take_along_axis(array, places, -1), count, descending)
        return np.take_along_axis(places, chosen, -1)
    words = _packed(array, descending) if 4 * count < n else None
    if words is None:
        return np.ascontiguousarray(order(array, descending)[..., :count])
    if count:
        words = np.partition(words, count - 1, axis=-1)[..., :count]
        words.sort(axis=-1)
    return (words[..., :count] & PLACES).astype(np.int64)


def most_frequent(array: Array) -> Array:
    """The place of the most frequent element along the last axis, the smallest of equals.

    Of its occurrences the last is meant.
    """
    places = order(array)
    ordered = np.take_along_axis(array, places, -1)
    n = array.shape[-1]
    starts = np.ones(array.shape, bool)
    starts[..., 1:] = ordered[..., 1:] != ordered[..., :-1]
    index = np.arange(n)
    start = np.maximum.accumulate(np.where(starts, index, 0), axis=-1)
    length = index - start  # of its run so far
    longest = length.max(axis=-1, keepdims=True)
    where = np.argmax(length == longest, axis=-1)[..., None]
    return np.take_along_axis(places, where, -1)
