"""What backward keeps alive: the values that the nodes of a graph have saved, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rushlight.base.errors import describe_site
from rushlight.engine.node import Node, Slot
from rushlight.tensor import Tensor

LISTED = 20  # nodes that the table shows


@dataclass
class Saved:
    """What one node keeps."""

    node: str
    line: str  # where it was recorded; "" unless anomalies are traced or a guard is on
    bytes: int = 0  # what no node before in the list keeps as well
    values: list[str] = field(default_factory=list)  # each with the reason


@dataclass
class SavedBytes:
    """What a graph keeps alive; `str` is a table, the largest first.

    total: bytes that the graph holds, each piece of memory counted once. leaves: bytes of
    parameters and other leaves among what nodes saved, which live anyway. rows: the nodes, in
    the order in which backward will meet them. nodes: how many there are in all.
    """

    rows: list[Saved]
    total: int
    leaves: int
    nodes: int

    def __int__(self) -> int:
        return self.total

    def __str__(self) -> str:
        lines = [f"{self.total:,} bytes are kept by {len(self.rows)} of {self.nodes} nodes "
                 f"(and {self.leaves:,} bytes of leaves, which live anyway)"]
        largest = sorted(self.rows, key=lambda row: -row.bytes)
        for row in largest[:LISTED]:
            lines.append(f"{row.bytes:>14,}  {row.node}" + (f" at {row.line}" if row.line else ""))
            lines += [f"{'':16}{value}" for value in row.values]
        if len(largest) > LISTED:
            rest = sum(row.bytes for row in largest[LISTED:])
            lines.append(f"{rest:>14,}  {len(largest) - LISTED} more nodes")
        return "\n".join(lines)

    __repr__ = __str__


def saved_bytes(loss: Tensor) -> SavedBytes:
    """What the graph behind `loss` keeps in memory until backward() runs or `loss` is dropped.

    Args:
        loss: any recorded tensor.

    Raises RuntimeError for a tensor that no graph leads to.

    >>> import rushlight as rl
    >>> x = rl.ones(1000, requires_grad=True)
    >>> y = (x + 2).exp()
    >>> print(rl.saved_bytes(y))
    4,000 bytes are kept by 1 of 2 nodes (and 0 bytes of leaves, which live anyway)
             4,000  ExpBackward0
                    output float32[1000]: for the gradient of input
    """
    if loss.grad_fn is None:
        raise RuntimeError("element 0 of tensors does not require grad and does not have a "
                           f"grad_fn: no graph leads to {tuple(loss.shape)} {loss.dtype}")
    rows: list[Saved] = []
    seen: set[int] = set()
    total = leaves = count = 0
    for node in graph_of(loss):
        count += 1
        own = {id(owner(e._array)) for e in node.edges if isinstance(e, Tensor)}
        row = Saved(node.name(), "" if node.site is None else describe_site(node.site))
        for name, array, why in _values(node):
            memory = owner(array)
            leaf, again = id(memory) in own, id(memory) in seen
            size = 0 if again else memory.nbytes
            seen.add(id(memory))
            note = " (a leaf)" if leaf else " (kept already)" if again else ""
            row.values.append(f"{name} {array.dtype.name}{list(array.shape)}: {why}{note}")
            if leaf:
                leaves += size
            else:
                row.bytes += size
        if row.values:
            rows.append(row)
            total += row.bytes
    return SavedBytes(rows, total, leaves, count)


def graph_of(tensor: Tensor) -> Iterator[Node]:
    """The nodes behind a tensor, the latest recorded first."""
    root = tensor.grad_fn
    found: set[Node] = set()
    stack = [root] if root is not None else []
    while stack:
        node = stack.pop()
        if node in found:
            continue
        found.add(node)
        for edge in node.edges:
            target = edge.node if isinstance(edge, Slot) else edge
            if isinstance(target, Node):
                stack.append(target)
    return iter(sorted(found, key=lambda node: -node._sequence))


def owner(array: Any) -> Any:
    """The array whose memory `array` is a view of."""
    while isinstance(getattr(array, "base", None), np.ndarray):
        array = array.base
    return array


def _values(node: Node) -> Iterator[tuple[str, Any, str]]:
    """(name, array, reason) of what a node saved."""
    saved = node.kept()
    variant: Any = getattr(node, "variant", None)
    op: Any = getattr(node, "op", None)
    if saved is None:
        return
    if variant is not None:
        for name, array in zip(variant.saves, saved[1::3], strict=False):
            readers = [variant.differentiable[i] for i in variant.readers(name)
                       if node.edges[i] is not None]
            if isinstance(array, np.ndarray):
                yield name, array, f"for the gradient of {', '.join(readers)}"
        return
    if hasattr(op, "reads") and isinstance(saved, tuple):
        needing = [n for n, e in zip(op.operands, node.edges, strict=False) if e is not None]
        why = f"for the gradient of {', '.join(needing)}"
        names = _names(op)
        for name, value in zip(names, saved, strict=False):
            for array in _arrays(value):
                yield name, array, why
        return
    for array in _arrays([saved, *vars(node).values()]):
        yield "value", array, "for its gradient"


def _names(op: Any) -> list[str]:
    """What each entry of a library node's saved values belongs to."""
    names: list[str] = []
    for name in getattr(op, "reads", ()):
        wide = name in op.operands or op.is_output(name)
        names += [] if name == "needs" else [name] * (3 if wide else 1)
    return names


def _arrays(value: Any) -> Iterator[Any]:
    if isinstance(value, Tensor):
        yield value._array
    elif isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _arrays(item)
    elif isinstance(value, dict):
        yield from _arrays(list(value.values()))
    elif isinstance(value, Node):
        yield from _arrays([array for _, array, _ in _values(value)])
