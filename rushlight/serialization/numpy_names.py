"""NumPy's numbers and arrays in checkpoints, of element types that are plain numbers."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from rushlight.serialization.errors import refused, shown
from rushlight.serialization.tensors import numbers

KINDS = frozenset("biufcSU")  # no objects, no records: those could hold anything
WIDEST = 1 << 20  # bytes of one element: only texts are wide


class ArrayInTheMaking:
    """What a pickled array is before its shape and bytes are known."""

    __slots__ = ("array",)

    def __init__(self) -> None:
        self.array: np.ndarray | None = None


def dtype(code: Any, align: Any = False, copy: Any = True) -> np.dtype:
    """An element type by its code, such as "f8"."""
    if not isinstance(code, str) or len(code) > 8 or code[:1] not in KINDS or (
            not code[1:].isdigit()):
        raise refused(f"It has NumPy's dtype {shown(code)}")
    try:
        made = np.dtype(code)
    except (TypeError, ValueError):
        raise refused(f"It has NumPy's dtype {shown(code)}") from None
    if made.itemsize > WIDEST:
        raise refused(f"It has NumPy's dtype {shown(code)}")
    return made


def with_byte_order(kind: np.dtype, state: Any) -> np.dtype:
    """A dtype in the byte order that its state, a tuple that begins (version, order), gives."""
    if not isinstance(state, tuple) or len(state) < 2 or state[1] not in ("<", ">", "|", "="):
        raise refused("A dtype of NumPy has a state that is not its own")
    if any(part is not None for part in state[2:5]):
        raise refused("A dtype of NumPy has fields, which a checkpoint cannot have")
    return kind.newbyteorder(state[1]) if state[1] in "<>" else kind


def scalar(kind: Any, data: Any = b"") -> Any:
    """One number."""
    if not isinstance(kind, np.dtype) or not isinstance(data, bytes) or (
            len(data) != kind.itemsize or kind.itemsize == 0):
        raise refused("A number of NumPy has other bytes than its dtype takes")
    return np.frombuffer(data, kind)[0]


def reconstruct(kind: Any, shape: Any, code: Any) -> ArrayInTheMaking:
    """The first half of an array; its state follows."""
    return ArrayInTheMaking()


def filled(state: Any) -> np.ndarray:
    """An array from its state: version, shape, dtype, whether it is in Fortran's order, bytes."""
    if not isinstance(state, tuple) or len(state) != 5:
        raise refused("An array of NumPy has a state that is not its own")
    _, shape, kind, fortran, data = state
    return from_buffer(data, kind, shape, "F" if fortran else "C")


def from_buffer(data: Any, kind: Any, shape: Any, order: Any) -> np.ndarray:
    """An array over a copy of `data`."""
    shape = numbers(shape, "sizes")
    if not isinstance(kind, np.dtype) or not isinstance(data, bytes | bytearray) or (
            order not in ("C", "F") or prod(shape) * kind.itemsize != len(data)
            or (len(data) == 0 and max(shape, default=0) >= 1 << 40)):
        raise refused("An array of NumPy has other bytes than its shape and dtype take")
    array = np.ndarray(shape, kind, bytearray(data), order=order) if data else (
        np.empty(shape, kind, order))
    array = array.copy(order=order)
    if kind.kind == "b":
        array = array.view(np.uint8) != 0
    return array
