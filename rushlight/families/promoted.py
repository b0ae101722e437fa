"""Pointwise calls on operands of several dtypes: settled once, then looked up by what they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rushlight.backends.cast import never_warns
from rushlight.base import dtypes
from rushlight.base.flags import flags
from rushlight.families.cast import astype, cast
from rushlight.families.kernels import LARGE, number_beside
from rushlight.tensor import Parameter, Tensor, wrap

ndarray = np.ndarray

# How an operand comes to the dtype to compute in.
AS_IT_IS, QUICK, CAREFUL, NUMBER = range(4)


def kinds(values: Sequence[Any]) -> tuple[Any, ...]:
    """All that promotion asks of operands: dtypes, which tensors have no dimensions, types."""
    found: list[Any] = [dtypes.default_dtype()]
    for value in values:
        kind = type(value)
        if kind is Tensor or kind is Parameter:
            array = value._array
            found.append(array.dtype if array.ndim else (array.dtype,))
        else:
            found.append(kind)
    return tuple(found)


def settle(variant: Any, values: Sequence[Any], dtype: np.dtype) -> None:
    """Remember that operands such as these are computed in `dtype`."""
    if variant.op.natural and dtype.kind in "iu":
        return  # each number is looked at
    steps = []
    for name, value in zip(variant.names, values, strict=True):
        kind = type(value)
        if kind is bool or kind is int or kind is float:
            steps.append(NUMBER)
            continue
        if not (kind is Tensor or kind is Parameter) or type(value._array) is not ndarray:
            return
        source = value._array.dtype
        steps.append(AS_IT_IS if name == "condition" or source == dtype
                     else QUICK if never_warns(source, dtype) and source.kind != "c" else CAREFUL)
    variant.promotions[kinds(values)] = (dtype, tuple(steps))


def promoted(variant: Any, values: tuple[Any, ...]) -> Any:
    """The result for operands such as were settled before; None for others, or beside an error.

    Where the call is to be recorded: the operands, as a tuple, of the one dtype.
    """
    plan = variant.promotions.get(kinds(values))
    if plan is None:
        return None
    dtype, steps = plan
    arrays, size = [], 0
    for name, value, step in zip(variant.names, values, steps):
        if step == NUMBER:
            arrays.append(number_beside(variant.op, name, value, dtype))
            continue
        array = value._array
        if value._node is not None and flags.grad_enabled:
            return _recordable(values, plan)
        if type(array) is not ndarray or not array.flags.c_contiguous:
            return None
        if array.size > size:
            size = array.size
        if step == AS_IT_IS:
            arrays.append(array)
        elif step == QUICK and array.size < LARGE:
            arrays.append(array.astype(dtype))
        else:
            arrays.append(astype(array, dtype))
    kernel = (variant.small if size < LARGE else variant.large)[dtype]
    try:
        array = kernel(*arrays)
        if type(array) is not ndarray:
            array = kernel(*arrays, out=...)
    except (ValueError, FloatingPointError, RuntimeWarning):  # the general way explains
        return None
    return wrap(array)


def _recordable(values: tuple[Any, ...], plan: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """The operands of one dtype, as the flat wrappers take them; None if they are so already."""
    dtype, steps = plan
    if not (QUICK in steps or CAREFUL in steps) or any(type(v) is bool for v in values):
        return None
    return tuple([cast(v, dtype) if step in (QUICK, CAREFUL) else v
                  for v, step in zip(values, steps, strict=True)])
