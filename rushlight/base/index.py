"""What ``x[index]`` means, on NumPy arrays.

An index is split in two NumPy keys. The basic key (integers, slices of any step, None, Ellipsis)
gives a view; the advanced key (masks, integer arrays) then picks from that view. Applying integers
first is torch's rule, and the one place where its result shapes differ from NumPy's:
``x[0, :, [1, 2]]`` is (size of dim 1, 2). Steps below zero mean what they mean in NumPy.

Tensors inside an index come in as arrays.
"""

from __future__ import annotations

import operator
import warnings
from collections.abc import Sequence
from types import EllipsisType, NoneType
from typing import Any

import numpy as np

from rushlight.base.assign import copy_into, fill, fit

__all__ = [
    "BASIC",
    "accumulate",
    "basic_view",
    "dtype_mismatch",
    "only_last",
    "pick",
    "picked_shape",
    "read",
    "split",
    "write",
]

Key = tuple[Any, ...]

# An index made of these alone is a NumPy basic index. bool is absent: it is a mask.
BASIC = frozenset((int, slice, NoneType, EllipsisType))

WHOLE = slice(None)


def read(array: np.ndarray, index: Any) -> tuple[np.ndarray, bool]:
    """Return ``array[index]``, always as an array, and whether it is a view of ``array``.

    Raises:
        IndexError: out of range, too many indices, or an index of a wrong shape or dtype.
    """
    view = basic_view(array, index)
    if view is not None:
        return view, True
    basic, advanced = split(array.shape, index)
    view = array[basic]
    return (view, True) if advanced is None else (pick(view, advanced), False)


def basic_view(array: np.ndarray, index: Any) -> np.ndarray | None:
    """The quick way for common indices: the view, or None where ``split`` has to decide."""
    kind = type(index)
    if kind is tuple:
        for item in index:
            if type(item) not in BASIC:
                return None
    elif kind not in BASIC:
        return None
    try:
        view: np.ndarray = array[index]
        if type(view) is np.ndarray:
            return view
        # NumPy made a scalar of a 0-d result; an Ellipsis keeps it an array.
        view = array[(*index, ...)] if kind is tuple else array[index, ...]
        return view
    except (IndexError, ValueError, TypeError):
        return None  # split finds out what is wrong, and says it in torch's words


def pick(view: np.ndarray, advanced: Key) -> np.ndarray:
    """Return ``view[advanced]`` as a new array, for an advanced key from ``split``."""
    last = advanced[-1]
    try:
        # take copies whole rows, but would first copy an array that is not contiguous.
        mask = last.dtype == bool
        if view.flags.c_contiguous and (last.ndim == 1 or not mask) and only_last(advanced):
            places = np.flatnonzero(last) if mask else last
            picked: np.ndarray = view.take(places, len(advanced) - 1)
        else:
            picked = view[advanced]
        return picked
    except IndexError:
        _check_bounds(view, advanced)
        raise


def only_last(advanced: Key) -> bool:
    """Whether an advanced key takes all of the dimensions before its last."""
    return len(advanced) == 1 or all(part is WHOLE for part in advanced[:-1])


def write(array: np.ndarray, index: Any, value: Any) -> None:
    """Do ``array[index] = value`` in place; ``value`` is an array or a Python scalar.

    A basic index casts the value to the array's dtype; an advanced one wants the dtypes to match,
    as in torch. With repeated positions the last value stays.

    Raises:
        IndexError: as ``read``.
        RuntimeError: the value does not broadcast, its dtype is not the array's, or a scalar is
            out of the dtype's range.
    """
    view = basic_view(array, index)
    if view is not None:
        copy_into(view, value)
        return
    basic, advanced = split(array.shape, index)
    view = array[basic]
    if advanced is None:
        copy_into(view, value)
    elif not isinstance(value, np.ndarray):  # a number, or an error that fit explains
        _put(view, advanced, fit(value, array.dtype))
    elif value.size == 1 and _mask_of(advanced) is not None:
        _put(view, advanced, value.reshape(()))
    else:
        if value.dtype != array.dtype:
            raise dtype_mismatch(array, value)
        _put(view, advanced, value)


def dtype_mismatch(array: np.ndarray, value: np.ndarray) -> RuntimeError:
    """The error for a value of another dtype than what it is written into."""
    return RuntimeError(
        "Index put requires the source and destination dtypes match, "
        f"got {array.dtype} for the destination and {value.dtype} for the source. "
        "Convert the value first, as with value.to(x.dtype)."
    )


def _put(view: np.ndarray, advanced: Key, value: np.ndarray) -> None:
    mask = _mask_of(advanced)
    if mask is not None and value.ndim == 0:
        # Where the mask holds: no list of positions is made.
        where = mask.reshape(mask.shape + (1,) * (view.ndim - len(advanced) + 1 - mask.ndim))
        fill(view, value, where)
        return
    try:
        view[advanced] = value
    except IndexError:
        _check_bounds(view, advanced)
        raise
    except ValueError:
        raise _value_mismatch(view, advanced, value) from None


def accumulate(view: np.ndarray, advanced: Key, value: np.ndarray) -> None:
    """Do ``view[advanced] += value`` in place, repeated positions adding up.

    The additions to one position happen in the order of the values, so the result is the same in
    every run. ``value`` broadcasts to the shape of ``view[advanced]``.
    """
    mask = _mask_of(advanced)
    try:
        if mask is not None:  # positions cannot repeat
            view[advanced] += value
            return
        if view.ndim == 1 and value.shape == advanced[0].shape:
            np.add.at(view, advanced[0], value)
            return
        arrays = np.broadcast_arrays(*(part for part in advanced if isinstance(part, np.ndarray)))
        places = [axis for axis, part in enumerate(advanced) if isinstance(part, np.ndarray)]
        if arrays[0].size <= 1:
            view[advanced] += value
            return
        rows, positions = _as_rows(view, places, arrays)
        if rows is None:
            np.add.at(view, advanced, value)
            return
        values = _value_rows(view, advanced, places, arrays[0].ndim, value)
        add_rows(rows, positions, values.reshape(positions.shape + rows.shape[1:]))
    except IndexError:
        _check_bounds(view, advanced)
        raise
    except ValueError:
        raise _value_mismatch(view, advanced, value) from None


def _as_rows(
    view: np.ndarray, places: list[int], arrays: Sequence[np.ndarray]
) -> tuple[np.ndarray | None, np.ndarray]:
    """View the indexed dimensions as one leading dimension, and the indices as positions in it."""
    rest = [axis for axis in range(view.ndim) if axis not in places]
    front = view.transpose(places + rest)
    sizes = front.shape[: len(places)]
    positions: np.ndarray = np.zeros(arrays[0].shape, np.intp)
    for axis, (part, size) in enumerate(zip(arrays, sizes, strict=True)):
        if part.size and (part.min() < -size or part.max() >= size):
            raise IndexError(axis)
        positions *= size
        positions += np.where(part < 0, part + size, part)
    positions = positions.ravel()
    if len(places) == 1:
        return front, positions
    rows = front.view()
    try:
        rows.shape = (-1, *front.shape[len(places) :])
    except (AttributeError, ValueError):  # these dimensions cannot be merged without a copy
        return None, positions
    return rows, positions


def _value_rows(
    view: np.ndarray, advanced: Key, places: list[int], index_ndim: int, value: np.ndarray
) -> np.ndarray:
    """Broadcast the value to the picked shape, with the index dimensions moved to the front."""
    shape = picked_shape(view.shape, advanced)
    values = np.broadcast_to(_without_leading_ones(value, len(shape)), shape)
    adjacent = places[-1] - places[0] == len(places) - 1
    start = places[0] if adjacent else 0
    return np.moveaxis(values, range(start, start + index_ndim), range(index_ndim))


def add_rows(rows: np.ndarray, positions: np.ndarray, values: np.ndarray) -> None:
    """Do ``rows[positions[i]] += values[i]`` for every i, in that order.

    ``rows`` is (n, ...), ``positions`` (m,) with 0 <= positions < n, ``values`` (m, ...).
    """
    width = values[0].size if len(values) else 0
    if width == 0:
        return
    if width >= WIDE or not rows.flags.c_contiguous:
        for position, value in zip(positions.tolist(), values, strict=True):
            target = rows[position, ...]
            np.add(target, value, out=target)
        return
    if width > 1:
        positions = (positions[:, None] * width + np.arange(width)).ravel()
    # On flat arrays of one dtype np.add.at has a fast loop; on rows it is ten times slower.
    np.add.at(rows.reshape(-1), positions, np.ascontiguousarray(values).reshape(-1))


# From this width a Python loop over rows costs less than an index for every element.
WIDE = 256


def split(shape: tuple[int, ...], index: Any) -> tuple[Key, Key | None]:
    """Split an index of a tensor of ``shape`` into its basic and its advanced key.

    Returns:
        ``(basic, advanced)``: ``array[basic]`` is a view, never a scalar, and ``advanced``, None
        for a basic index, applies to that view. An advanced key holds ``slice(None)`` and intp
        arrays, or ``slice(None)`` and one boolean mask at the end.

    Raises:
        IndexError, TypeError, ValueError: as torch, with its leading phrase.
    """
    if type(index) is np.ndarray and index.dtype == np.int64 and index.ndim and shape:
        return (Ellipsis,), (index,)  # the usual case, quickly
    items = [_normal_item(item) for item in _as_tuple(index)]
    ndim = len(shape)
    taken = sum(map(_dimensions_of, items))
    if taken > ndim:
        if ndim == 0:
            raise _index_of_scalar(items)
        raise IndexError(
            f"too many indices for tensor of dimension {ndim}: "
            f"{taken} for a tensor of shape {list(shape)}"
        )
    basic: list[Any] = []
    advanced: list[Any] = []
    axis = 0
    for item in items:
        if item is Ellipsis:
            count = ndim - taken
            taken = ndim  # a second Ellipsis stands for nothing
            basic += [WHOLE] * count
            advanced += [WHOLE] * count
            axis += count
        elif item is None:
            basic.append(None)
            advanced.append(WHOLE)
        elif type(item) is int:
            basic.append(_checked(item, axis, shape))
            axis += 1
        elif type(item) is slice:
            basic.append(_checked_slice(item))
            advanced.append(WHOLE)
            axis += 1
        elif item.ndim == 0:  # a truth value: a new dimension of size 1, kept or dropped
            basic.append(None)
            advanced.append(np.zeros(int(item), np.intp))
        elif item.dtype == bool:
            _check_mask(item, axis, shape)
            basic += [WHOLE] * item.ndim
            advanced.append(item)
            axis += item.ndim
        else:
            basic.append(WHOLE)
            advanced.append(item)
            axis += 1
    key = _advanced_key(advanced)
    if all(item is WHOLE for item in basic):
        return (Ellipsis,), key
    return (*basic, Ellipsis), key


def _advanced_key(parts: list[Any]) -> Key | None:
    while parts and parts[-1] is WHOLE:
        parts.pop()
    arrays = [part for part in parts if part is not WHOLE]
    if not arrays:
        return None
    if len(arrays) > 1:  # beside others, a mask is the integer arrays of its true positions
        spread = (
            part.nonzero() if part is not WHOLE and part.dtype == bool else (part,)
            for part in parts
        )
        parts = [part for group in spread for part in group]
        shapes = [part.shape for part in parts if part is not WHOLE]
        try:
            np.broadcast_shapes(*shapes)
        except ValueError:
            raise IndexError(
                "shape mismatch: indexing tensors could not be broadcast together with shapes "
                + ", ".join(str(list(shape)) for shape in shapes)
            ) from None
    return tuple(parts)


def _as_tuple(index: Any) -> Key:
    if isinstance(index, tuple):
        return index
    if isinstance(index, list) and len(index) < 32:
        inside = (Sequence, slice, np.ndarray, EllipsisType, NoneType)
        if any(isinstance(item, inside) and not isinstance(item, str) for item in index):
            warnings.warn(
                "Using a non-tuple sequence for multidimensional indexing is deprecated; "
                "use x[tuple(seq)] instead of x[seq], or x[tensor(seq)] to pick rows",
                UserWarning,
                stacklevel=3,
            )
            return tuple(index)
    return (index,)


def _normal_item(item: Any) -> Any:
    """Bring an item to one of: int, slice, None, Ellipsis, 0-d bool array, mask, intp array."""
    if type(item) in BASIC:
        return item
    if isinstance(item, bool | np.bool_):
        return np.array(item, bool)
    if isinstance(item, list | tuple | range):
        try:
            item = np.asarray(item)
        except ValueError as error:
            raise ValueError(f"expected sequence of equal lengths as an index: {error}") from None
        if item.size == 0:
            item = item.astype(np.intp)
    if isinstance(item, np.ndarray):
        return _normal_array(item)
    if isinstance(item, str):
        raise TypeError(f"new(): invalid data type 'str' as an index (got {item!r})")
    if hasattr(item, "__index__"):
        return operator.index(item)
    raise IndexError(
        "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables "
        f"are valid indices (got {type(item).__name__})"
    )


def _normal_array(item: np.ndarray) -> Any:
    dtype = item.dtype
    if dtype.kind == "b":
        return item
    if dtype == np.uint8:
        if item.ndim:
            warnings.warn(
                "indexing with dtype torch.uint8 is now deprecated, "
                "please use a dtype torch.bool instead.",
                UserWarning,
                stacklevel=4,
            )
        return item.astype(bool)
    if item.ndim == 0 and dtype.kind in "iu":
        return int(item)
    if dtype == np.int64 or dtype == np.int32:
        return item.astype(np.intp, copy=False)
    raise IndexError(
        f"tensors used as indices must be long, int, byte or bool tensors (got {dtype})"
    )


def _dimensions_of(item: Any) -> int:
    if type(item) is int or type(item) is slice:
        return 1
    if item is None or item is Ellipsis:
        return 0
    return item.ndim if item.dtype == bool else 1


def _index_of_scalar(items: Sequence[Any]) -> IndexError:
    if type(items[0]) is slice:
        return IndexError("slice() cannot be applied to a 0-dim tensor.")
    if type(items[0]) is int:
        return IndexError(
            "invalid index of a 0-dim tensor. Use `tensor.item()` to convert it to a number"
        )
    return IndexError("too many indices for tensor of dimension 0")


def _checked(position: int, axis: int, shape: tuple[int, ...]) -> int:
    if -shape[axis] <= position < shape[axis]:
        return position
    raise IndexError(
        f"index {position} is out of bounds for dimension {axis} with size {shape[axis]}: "
        f"{_range(shape[axis])} of a tensor of shape {list(shape)}"
    )


def _range(size: int) -> str:
    if not size:
        return "there is nothing to index"
    return f"indices go from {-size} to {size - 1}"


def _checked_slice(item: slice) -> slice:
    if type(item.step) is int and item.step == 0:
        raise ValueError("slice step cannot be zero")
    try:
        item.indices(0)
    except TypeError:
        raise TypeError(
            "slice indices must be integers or None or have an __index__ method "
            f"(got {item.start!r}:{item.stop!r}:{item.step!r})"
        ) from None
    return item


def _check_mask(mask: np.ndarray, axis: int, shape: tuple[int, ...]) -> None:
    for offset, size in enumerate(mask.shape):
        if shape[axis + offset] != size:
            raise IndexError(
                f"The shape of the mask {list(mask.shape)} at index {offset} does not match "
                f"the shape of the indexed tensor {list(shape)} at index {axis + offset}: "
                "a mask has the sizes of the dimensions that it selects from"
            )


def _check_bounds(view: np.ndarray, advanced: Key) -> None:
    for axis, part in enumerate(advanced):
        if part is WHOLE or part.dtype == bool:
            continue
        size = view.shape[axis]
        wrong = part[(part < -size) | (part >= size)]
        if wrong.size:
            raise IndexError(
                f"index {wrong.flat[0]} is out of bounds for dimension {axis} with size {size}: "
                f"{_range(size)}"
            )


def _mask_of(advanced: Key) -> np.ndarray | None:
    last = advanced[-1]
    return last if last.dtype == bool else None


def picked_shape(shape: tuple[int, ...], key: Key) -> tuple[int, ...]:
    """The shape that a key, basic or advanced, picks from an array of ``shape``."""
    # A stand-in of one byte without strides: no memory but that byte is read.
    return np.broadcast_to(np.zeros((), np.int8), shape)[key].shape


def _without_leading_ones(value: np.ndarray, ndim: int) -> np.ndarray:
    while value.ndim > ndim and value.shape[0] == 1:
        value = value[0]
    return value


def _value_mismatch(view: np.ndarray, advanced: Key, value: np.ndarray) -> RuntimeError:
    return RuntimeError(
        f"shape mismatch: value tensor of shape {list(value.shape)} cannot be broadcast "
        f"to indexing result of shape {list(picked_shape(view.shape, advanced))}"
    )
