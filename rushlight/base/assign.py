"""Writing values into an array: casts, broadcasting, and Python numbers that must fit.

torch's rules: a tensor is cast to the dtype of what it is written into, silently; a Python number
must be in the range of that dtype.
"""

from __future__ import annotations

import math
import numbers
import warnings
from typing import Any

import numpy as np

__all__ = ["copy_into", "fill", "fit", "is_modest", "is_scalar"]


def is_scalar(value: Any) -> bool:
    """Whether ``value`` is a Python or NumPy number, bool included."""
    return isinstance(value, numbers.Number | np.generic)


def copy_into(target: np.ndarray, value: Any) -> None:
    """Do ``target[...] = value``: an array is cast and broadcast, a number must fit.

    Raises:
        RuntimeError: the value does not broadcast to the target's shape, or does not fit.
    """
    if not isinstance(value, np.ndarray):
        if is_modest(value, target.dtype.kind):  # the quick way for 0, 1, 0.5, ...
            target[...] = value
            return
        value = fit(value, target.dtype)
    kind, to = value.dtype.kind, target.dtype.kind
    if kind == "c" and to not in "cb":
        warnings.warn(
            "Casting complex values to real discards the imaginary part", UserWarning, stacklevel=3
        )
        value = value.real
    try:
        if to in "iu" and kind not in "iub":  # nan and inf have no integer: any will do
            with np.errstate(invalid="ignore"):
                np.copyto(target, value, casting="unsafe")
        elif value.dtype != target.dtype:
            with np.errstate(over="ignore"):
                np.copyto(target, value, casting="unsafe")
        else:
            np.copyto(target, value)
    except ValueError:
        _copy_without_leading_ones(target, value)


def is_modest(value: Any, kind: str) -> bool:
    """Whether every dtype of this kind holds the number (float16 ends at 65504, int8 at 127)."""
    if kind in "fc":
        return type(value) in (float, int) and -65504 <= value <= 65504
    return kind in "iu" and type(value) is int and 0 <= value <= 127


def _copy_without_leading_ones(target: np.ndarray, value: np.ndarray) -> None:
    extra = value.ndim - target.ndim
    if extra > 0 and value.shape[:extra] == (1,) * extra:
        copy_into(target, value.reshape(value.shape[extra:]))
        return
    raise expand_error(value.shape, target.shape)


def expand_error(shape: tuple[int, ...], target: tuple[int, ...]) -> RuntimeError:
    """The error for a value of ``shape`` that cannot be expanded to ``target``."""
    if len(shape) > len(target):
        return RuntimeError(
            f"expand(tensor of shape {list(shape)}, size={list(target)}): the number of sizes "
            f"provided ({len(target)}) must be greater or equal to the number of dimensions in "
            f"the tensor ({len(shape)})"
        )
    for back in range(1, len(shape) + 1):
        if shape[-back] not in (1, target[-back]):
            return RuntimeError(
                f"The expanded size of the tensor ({target[-back]}) must match the existing size "
                f"({shape[-back]}) at non-singleton dimension {len(target) - back}.  "
                f"Target sizes: {list(target)}.  Tensor sizes: {list(shape)}; what is assigned "
                "must broadcast to the place it is assigned to"
            )
    raise ValueError(f"{shape} does expand to {target}")


def fill(target: np.ndarray, value: np.ndarray, where: np.ndarray) -> None:
    """Write one 0-d value, cast, wherever ``where`` (broadcastable to the target) is true."""
    if value.dtype != target.dtype:
        single = np.empty((), target.dtype)
        copy_into(single, value)
        value = single
    np.copyto(target, value, where=where)


C_NAMES = {
    "uint8": "uint8_t",
    "int8": "int8_t",
    "int16": "int16_t",
    "int32": "int",
    "int64": "int64_t",
    "float32": "float",
    "float64": "double",
    "float16": "c10::Half",
    "bfloat16": "c10::BFloat16",
    "complex64": "c10::complex<float>",
}
LARGEST = float(np.finfo(np.float32).max)
SINGLE = (np.dtype(np.float32), np.dtype(np.complex64))


def fit(value: Any, dtype: np.dtype) -> np.ndarray:
    """Return a Python number as a 0-d array of ``dtype``.

    Fractions are cut off for integer dtypes and negative whole numbers wrap for uint8.

    Raises:
        RuntimeError: out of range, nan or infinite for an integer dtype, or an imaginary part for
            a real one.
        TypeError: not a number.
    """
    if not is_scalar(value):
        raise TypeError(f"can't assign a {type(value).__name__} to a tensor of {dtype}")
    if isinstance(value, np.generic):
        value = value.item()
    kind = dtype.kind
    if kind == "b":
        return np.array(bool(value))
    if isinstance(value, complex) and kind != "c":
        if value.imag != 0:
            raise _overflow(value, dtype)
        value = value.real
    if kind in "iu":
        return _fit_integer(value, dtype)
    if dtype in SINGLE and not _fits_single(value):
        raise _overflow(value, dtype)
    with np.errstate(over="ignore"):  # float16 and bfloat16 become infinite, as in torch
        try:
            return np.array(value, np.complex128 if kind == "c" else np.float64).astype(dtype)
        except OverflowError:  # a Python integer beyond float64
            raise _overflow(value, dtype) from None


def _fits_single(value: Any) -> bool:
    parts = (value.real, value.imag) if isinstance(value, complex) else (value,)
    return all(not math.isfinite(part) or abs(part) <= LARGEST for part in parts)


def _fit_integer(value: Any, dtype: np.dtype) -> np.ndarray:
    if isinstance(value, float) and not math.isfinite(value):
        raise _overflow(value, dtype)
    whole = int(value)
    limits = np.iinfo(dtype)
    smallest = limits.min
    if dtype.kind == "u" and not isinstance(value, float):
        smallest = -limits.max  # whole numbers wrap around
    elif dtype.kind == "u" and value < 0:
        raise _overflow(value, dtype)
    if not smallest <= whole <= limits.max:
        raise _overflow(value, dtype)
    return np.array(whole % (limits.max + 1) if dtype.kind == "u" else whole, dtype)


def _overflow(value: Any, dtype: np.dtype) -> RuntimeError:
    name = C_NAMES.get(dtype.name, dtype.name)
    return RuntimeError(
        f"value cannot be converted to type {name} without overflow (got {value!r})"
    )
