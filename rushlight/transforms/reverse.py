"""Reverse mode inside transforms: gradients of plain, dual and batched tensors alike.

The engine knows plain tensors. Of a batch, one run gives every lane its own gradient, since no
lane depends on another. Of dual tensors, the tangent of the gradient is the gradient of the
tangent. Cotangents may be wrapped at levels above the graph's: the engine then runs with
`create_graph`, where every rule is made of operations, which know wrapped tensors.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rushlight.base.flags import flags
from rushlight.engine.node import Node, Slot, edge_of
from rushlight.engine.run import backward
from rushlight.families.recompute import _alias
from rushlight.families.wrapped import Wrapped, highest, levels
from rushlight.ops import stack, zeros_like
from rushlight.tensor import Tensor
from rushlight.transforms.batched import Batched, lifted, lowered, raised
from rushlight.transforms.dual import Dual, joined, parted

Gradients = list[Tensor | None]


@contextmanager
def recorded() -> Iterator[None]:
    """Record what the block does, whatever the switch outside says."""
    before = flags.grad_enabled
    flags.grad_enabled = True
    try:
        yield
    finally:
        flags.grad_enabled = before


def fresh(x: Tensor) -> Tensor:
    """The same elements behind an edge of their own, at which gradients are collected.

    Inside vmap every lane gets its own, or the gradients of all lanes would be summed.
    """
    for level in levels.stack:
        if level.size >= 0:
            x = lifted(x, level.number, level.size)
    return _fresh(x)


def _fresh(x: Tensor) -> Tensor:
    if isinstance(x, Batched):
        return Batched(_fresh(x.value), x.level)
    if isinstance(x, Dual):
        return Dual(_fresh(x.primal), x.tangent, x.level)
    return _alias(x)


def pulled(outputs: Sequence[Tensor], inputs: Sequence[Tensor], cotangents: Sequence[Any],
           create: bool) -> Gradients:
    """The gradients of the sum of outputs * cotangents for `inputs`; None for those without.

    create: whether the gradients themselves are to be recorded.
    """
    top = highest([*outputs, *inputs])
    if top is None:
        return _plain(outputs, inputs, cotangents, create)
    level = top.level
    if isinstance(top, Batched):
        return _batched(level, top.value._array.shape[0], outputs, inputs, cotangents, create)
    return _dual(level, outputs, inputs, cotangents, create)


def _batched(level: int, size: int, outputs: Sequence[Tensor], inputs: Sequence[Tensor],
             cotangents: Sequence[Any], create: bool) -> Gradients:
    """One run for inputs that have lanes; for those that all lanes share, one run for each lane."""
    ys = [lowered(y, level, size) for y in outputs]
    us = [None if u is None else lowered(u, level, size) for u in cotangents]
    xs: list[Any] = [x.value for x in inputs if _at(x, level)]  # type: ignore[attr-defined]
    shared = [x for x in inputs if not _at(x, level)]
    own = iter(pulled(ys, xs, us, create) if xs else ())
    found = [pulled([y[i] for y in ys], shared, [None if u is None else u[i] for u in us], create)
             for i in range(size)] if shared else []
    common = iter([None if column[0] is None else stack(column)
                   for column in zip(*found, strict=True)])
    results = [next(own if _at(x, level) else common) for x in inputs]
    return [None if g is None else raised(g, level) for g in results]


def _at(x: Any, level: int) -> bool:
    return isinstance(x, Wrapped) and x.level == level


def _dual(level: int, outputs: Sequence[Tensor], inputs: Sequence[Tensor],
          cotangents: Sequence[Any], create: bool) -> Gradients:
    """The gradient for the primals, and its tangent."""
    ys = [parted(y, level) for y in outputs]
    us = [(None, None) if u is None else parted(u, level) for u in cotangents]
    xs = [parted(x, level)[0] for x in inputs]
    primal = pulled([y for y, _ in ys], xs, [u for u, _ in us], create)
    along = [(dy, u) for (_, dy), (u, _) in zip(ys, us, strict=True)
             if dy is not None and u is not None]
    along += [(y, du) for (y, _), (_, du) in zip(ys, us, strict=True) if du is not None]
    if not along:
        return primal
    tangent = pulled([y for y, _ in along], xs, [u for _, u in along], create)
    return [None if g is None and dg is None else
            joined(zeros_like(dg) if g is None else g, dg, level)
            for g, dg in zip(primal, tangent, strict=True)]


def _plain(outputs: Sequence[Tensor], inputs: Sequence[Tensor], cotangents: Sequence[Any],
           create: bool) -> Gradients:
    roots = [(edge_of(y), u) for y, u in zip(outputs, cotangents, strict=True)
             if y._node is not None and u is not None]
    create = create or any(isinstance(u, Wrapped) for u in cotangents)
    edges = [edge_of(x) for x in inputs]
    wanted = [edge for edge in edges if edge is not None]
    if not roots or not wanted:
        return [None] * len(inputs)
    found = backward(roots, create, True, wanted, accumulate=False)
    return [None if edge is None else found(edge) for edge in edges]


def reaches_outside(values: Sequence[Any], since: int) -> bool:
    """Whether gradients of the values flow to what was recorded before number `since`."""
    stack = [edge for value in values for edge in _edges(value)]
    seen: set[Any] = set()
    while stack:
        edge = stack.pop()
        node = edge.node if isinstance(edge, Slot) else edge
        if node is None or node in seen:
            continue
        if not isinstance(node, Node) or node._sequence < since:
            return True
        seen.add(node)
        stack.extend(node.edges)
    return False


def _edges(value: Any) -> list[Any]:
    if isinstance(value, Batched):
        return _edges(value.value)
    if isinstance(value, Dual):
        return _edges(value.primal) + _edges(value.tangent)
    return [edge_of(value)] if isinstance(value, Tensor) and value._node is not None else []


def settled(values: Sequence[Any], since: int, recording: bool) -> list[Any]:
    """What a transform returns: without history that leads nowhere outside it."""
    return [x if not isinstance(x, Tensor) or not _edges(x)
            or (recording and reaches_outside([x], since)) else x.detach() for x in values]
