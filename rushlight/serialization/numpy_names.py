"""NumPy's numbers and arrays in checkpoints, of element types that are plain numbers."""

from __future__ import annotations

import sys
from math import prod
from typing import Any

import numpy as np

from rushlight.serialization.errors import refused, shown
from rushlight.serialization.tensors import numbers

KINDS = frozenset("biufc")  # no objects, texts or records: those could hold anything
LARGEST_EMPTY = 1 << 40


def dtype(code: Any, align: Any = False, copy: Any = True) -> np.dtype:
    """An element type by its code, such as "f8"."""
    if not isinstance(code, str) or code[:1] not in KINDS or code[1:] not in (
            "1", "2", "4", "8", "16"):
        raise refused(f"It has NumPy's dtype {shown(code)}")
    try:
        return np.dtype(code)
    except TypeError:
        raise refused(f"It has NumPy's dtype {shown(code)}") from None


def check_dtype_state(state: Any) -> None:
    """The state of a plain dtype says nothing but its byte order, which must be this machine's."""
    if not isinstance(state, tuple) or len(state) < 5 or any(p is not None for p in state[2:5]):
        raise refused("A dtype of NumPy has fields, which those of plain numbers have not")
    native = "<" if sys.byteorder == "little" else ">"
    if state[1] not in ("|", "=", native):
        raise refused("An array of NumPy has the byte order of other machines")


def scalar(kind: Any, data: Any = b"") -> Any:
    """One number."""
    if not isinstance(kind, np.dtype) or not isinstance(data, bytes) or (
            len(data) != kind.itemsize):
        raise refused("A number of NumPy has other bytes than its dtype takes")
    return from_buffer(data, kind, (1,), "C")[0]


def reconstruct(kind: Any, shape: Any, code: Any) -> np.ndarray:
    """The first half of an array; `set_state` gives it shape and bytes."""
    return np.empty(0, np.uint8)


def set_state(array: np.ndarray, state: Any) -> None:
    """Fill in an array: version, shape, dtype, whether it is in Fortran's order, bytes."""
    if not isinstance(state, tuple) or len(state) != 5 or array.size:
        raise refused("An array of NumPy has a state that is not its own")
    _, shape, kind, fortran, data = state
    data = data.encode("latin1") if isinstance(data, str) else data  # Python 2's bytes
    checked = from_buffer(data, kind, shape, "F" if fortran else "C")
    new: Any = (1, checked.shape, checked.dtype, bool(fortran), bytes(data))
    array.__setstate__(new)


def from_buffer(data: Any, kind: Any, shape: Any, order: Any) -> np.ndarray:
    """An array with a copy of `data`."""
    shape = numbers(shape, "sizes")
    if not isinstance(kind, np.dtype) or not isinstance(data, bytes | bytearray) or (
            order not in ("C", "F") or prod(shape) * kind.itemsize != len(data)
            or max(shape, default=0) >= LARGEST_EMPTY):
        raise refused("An array of NumPy has other bytes than its shape and dtype take")
    array = np.frombuffer(bytearray(data), kind).reshape(shape, order=order)
    if kind.kind == "b" and array.size and array.view(np.uint8).max() > 1:
        raise refused("An array of NumPy holds bools that are neither true nor false")
    return array
