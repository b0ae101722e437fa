"""Gradients of gradients of fused ops: the op is run again in terms of others, which record.

A fused backward works on arrays and leaves no graph behind. Where the gradients themselves are
to be recorded, its rule calls `recorded_gradients` instead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rushlight.engine.node import Node, edge_of, next_sequence
from rushlight.engine.run import backward
from rushlight.tensor import Tensor, wrap


class AliasBackward(Node):
    """A tensor as itself: an edge of its own, at which a run can stop."""

    __slots__ = ()
    keeps_tensors = False

    def backward(self, gradient: Any, create: bool) -> tuple[Any, ...]:
        return (gradient,)


def _alias(tensor: Tensor) -> Tensor:
    """The same elements behind an edge that nothing recorded before leads to."""
    made = wrap(tensor._array)
    node = made._node = object.__new__(AliasBackward)
    node._sequence, node.edges, node.saved = next_sequence(), (edge_of(tensor),), ()
    made._writes = tensor._writes
    return made


def recorded_gradients(function: Callable[..., Any], operands: Sequence[Tensor | None],
                       gradients: Sequence[Tensor | None],
                       needs: Sequence[bool]) -> tuple[Any, ...]:
    """The gradients of `function(*operands)`, recorded.

    gradients: of its results, None where none arrived. needs: for which operands they are wanted.
    """
    given = [_alias(x) if need and x is not None else x for x, need in zip(operands, needs)]
    results = function(*given)
    results = results if isinstance(results, tuple) else (results,)
    roots = [(edge_of(y), gradient) for y, gradient in zip(results, gradients)
             if gradient is not None and y._node is not None]
    wanted = [edge_of(x) for x, need in zip(given, needs) if need and x is not None]
    found = backward(roots, True, True, wanted, accumulate=False)
    return tuple(found(edge_of(x)) if need and x is not None else None
                 for x, need in zip(given, needs))
