"""Views of every lane at once: one view of the whole, whatever the view operation is.

A view is an offset and strides. Those of lane 0 hold for every lane, one stride of the lanes
further on; so the rule is one, and writes through the view reach the batch.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.backends.meta.array import MetaArray, is_meta
from rushlight.base.flags import flags
from rushlight.engine.node import Node, Slot, edge_of, next_sequence, version_of
from rushlight.families.view import view
from rushlight.families.wrapped import Wrapped, entered
from rushlight.ops import stack, zeros_like
from rushlight.ops.viewing import strided
from rushlight.tensor import Tensor, wrap
from rushlight.transforms.batched import lowered, raised

# Of these the element type changes; they have no dimensions to mistake the lanes for.
BY_ELEMENT = frozenset(("_real", "_imag", "view_as_real", "view_as_complex"))


def _gradient(g: Tensor, shape: tuple[int, ...], taken: Any, given: Any) -> Tensor:
    """The declared gradient of the view, for each lane."""
    size = shape[0]
    with entered(size) as level:
        made = taken.declaration.op.grad(raised(g, level.number), shape[1:], *given)
        return lowered(made, level.number, size)


def _otherwise(input: Tensor, taken: Any, given: Any) -> Tensor:
    """Lanes that have no such view: a copy, by what the operation does then."""
    return stack([taken(lane, *given) for lane in unstacked(input)])


@view("_view_of_lanes", grad=_gradient, otherwise=_otherwise)
def view_of_lanes(input, taken, given):
    """`taken(lane, *given)` of every lane, by a view operation; shares memory."""
    innermost, own = taken, given
    while innermost.declaration.name == "view_of_lanes":
        innermost, own = own
    if innermost.declaration.name in BY_ELEMENT:
        return innermost.declaration.op.body(input, *own)
    body = taken.declaration.op.body
    lane = input[0, ...]
    part = body(lane, *given)
    if part is None:
        return None
    if is_meta(part):
        return MetaArray((input.shape[0], *part.shape), part.dtype,
                         (input.strides[0], *part.strides))
    start = _address(part) - _address(lane)
    return strided(input, (input.shape[0], *part.shape), (input.strides[0], *part.strides), start)


class LanesBackward(Node):
    """Lanes taken apart: their gradients are put together, once for all."""

    __slots__ = ()
    keeps_tensors = False

    @property
    def outputs(self) -> int:  # type: ignore[override]
        """How many lanes there are."""
        return int(self.saved[0])

    def backward(self, gradient: Any, create: bool) -> tuple[Any, ...]:
        known = next(g for g in gradient if g is not None)
        return (stack([zeros_like(known).detach() if g is None else g for g in gradient]),)


def unstacked(value: Tensor) -> list[Tensor]:
    """The lanes one by one, to be read only; their gradients cost no more than the whole."""
    size = value._array.shape[0]
    if isinstance(value, Wrapped) or value._node is None or not flags.grad_enabled:
        return [value[i] for i in range(size)]
    node = object.__new__(LanesBackward)
    node._sequence, node.edges, node.saved = next_sequence(), (edge_of(value),), (size,)
    lanes = []
    for i in range(size):
        lane = wrap(value._array[i, ...])
        lane._node, lane._writes = Slot(node, i), version_of(value)
        lanes.append(lane)
    return lanes


def _address(array: np.ndarray) -> int:
    return int(array.__array_interface__["data"][0])
