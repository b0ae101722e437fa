"""The gradient of views that together cover a tensor: those of split, chunk and unbind.

One node has all of them for its outputs, so the gradient of the whole is written once, piece by
piece, instead of being summed from as many arrays that are zero but for one piece.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rushlight.backends.copies import assign
from rushlight.backends.memory import recycle
from rushlight.engine.node import Node
from rushlight.tensor import Tensor, wrap


class PiecesBackward(Node):
    """Puts the gradients of the pieces together."""

    __slots__ = ()
    op: Any  # the view op that takes one piece
    keeps_tensors = False

    def backward(self, gradient: Sequence[Any], create: bool) -> tuple[Any, ...]:
        shape, order, arguments = self.saved
        if self.outputs == 1:
            gradient = [gradient]
        pairs = list(zip(gradient, arguments, strict=True))
        dtype = next(g._array.dtype for g in gradient if g is not None)
        if not create and all(g is None or (type(g) is Tensor and type(g._array) is np.ndarray
                                            and g._array.dtype is dtype) for g in gradient):
            return (wrap(self._whole(shape, order, pairs, dtype)),)
        parts = [self.op.grad(g, shape, *given) for g, given in pairs if g is not None]
        total = parts[0]
        for part in parts[1:]:
            total = total + part
        return (total,)

    def _whole(self, shape: tuple[int, ...], order: Sequence[int],
               pairs: list[tuple[Any, tuple[Any, ...]]], dtype: np.dtype) -> np.ndarray:
        """The pieces in one array that lies in memory as the input did."""
        recycle()
        laid_out = np.empty([shape[axis] for axis in order], dtype)
        whole = laid_out.transpose(np.argsort(order))
        for g, given in pairs:
            target = self.op.body(whole, *given)
            if g is None:
                target[...] = 0
            else:
                assign(target, g._array)
        return whole


def order_of(array: Any) -> tuple[int, ...]:
    """The dimensions as they lie in memory, the outermost first."""
    strides = array.strides
    return tuple(sorted(range(len(strides)), key=lambda axis: -abs(strides[axis])))
