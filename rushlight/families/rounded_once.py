"""What torch computes in one go and we in several operations: half types are rounded once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight.base.dtypes import HALF_TYPES, float32
from rushlight.families.cast import cast
from rushlight.tensor import Tensor


def is_half(tensor: Tensor) -> bool:
    """Whether the elements are float16 or bfloat16."""
    return tensor._array.dtype in HALF_TYPES


def rounded_once(function: Callable[..., Any], *operands: Any) -> Any:
    """`function(*operands)`, computed in float32 where the first operand is of a half type.

    Operands of half types are cast, others are given as they are; the results, a tensor or a
    tuple of them, have the first operand's type.
    """
    kind = operands[0]._array.dtype
    if kind not in HALF_TYPES:
        return function(*operands)
    found = function(*[cast(x, float32.array) if isinstance(x, Tensor) and is_half(x) else x
                       for x in operands])
    return tuple(cast(x, kind) for x in found) if isinstance(found, tuple) else cast(found, kind)
