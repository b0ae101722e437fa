"""Casting to another dtype, with its gradient: what promotion does to operands."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.backends.cast import astype
from rushlight.base.flags import flags
from rushlight.engine.node import Node, edge_of, next_sequence
from rushlight.tensor import Tensor, wrap

__all__ = ["ToCopyBackward0", "astype", "cast"]


class ToCopyBackward0(Node):
    """The gradient of a cast: cast back."""

    __slots__ = ()
    keeps_tensors = False

    def backward(self, gradient: Any, create: bool) -> tuple[Any, ...]:
        return (cast(gradient, self.saved),)


def cast(tensor: Tensor, dtype: np.dtype) -> Tensor:
    """A tensor of another element type, with gradient; the same one if it has that type."""
    array = tensor._array
    if array.dtype == dtype:
        return tensor
    result = wrap(astype(array, dtype))
    if tensor._node is not None and flags.grad_enabled and dtype.kind in "fcV":
        node = result._node = ToCopyBackward0()
        node._sequence = next_sequence()
        node.edges, node.saved = (edge_of(tensor),), array.dtype
    return result
