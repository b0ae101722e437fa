"""Broadcasting: its errors, and gradients summed back to the shape that was broadcast."""

from __future__ import annotations

from typing import Any

from rushlight.backends import reduce
from rushlight.backends.meta.array import MetaArray, is_meta
from rushlight.base.errors import operands
from rushlight.base.shapes import broadcast_shapes


def sum_to(array: Any, shape: tuple[int, ...]) -> Any:
    """`array` summed over the dimensions in which `shape` was broadcast to it."""
    if array.shape == shape:
        return array
    if is_meta(array):
        return MetaArray(shape, array.dtype)
    lead = array.ndim - len(shape)
    axes = tuple(range(lead)) + tuple(
        lead + i for i, n in enumerate(shape) if n == 1 and array.shape[lead + i] != 1)
    return reduce.sum(array, axes).reshape(shape)


def mismatch(op: str, **tensors: Any) -> RuntimeError:
    """The error for operands of `op` that do not broadcast, with their shapes and the remedy."""
    shapes = [tuple(t.shape) for t in tensors.values() if hasattr(t, "shape")]
    try:
        broadcast_shapes(shapes)
    except RuntimeError as error:
        return RuntimeError(f"{error}: {op}({operands(**tensors)}). Sizes are compared from the "
                            "last dimension; each pair must be equal or contain a 1")
    return RuntimeError(f"{op}({operands(**tensors)}) failed")
