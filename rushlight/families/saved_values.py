"""What nodes have saved for their gradients, by name: `grad_fn._saved_self`, `_saved_result`, ...

The families lay out `Node.saved` each in its own way; `places` is the one reader of all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from rushlight.engine.node import LEAF, Node, changed, freed
from rushlight.families.library_source import restored
from rushlight.tensor import Tensor, wrap

PREFIX = "_saved_"


class Place(NamedTuple):
    """Where a node keeps one tensor: the entries of `saved`, and what the tensor is in the call."""

    name: str
    value: int  # the entry that holds the array or tensor
    version: int  # the entry that holds its memory's version; the next holds the count
    position: int  # operand's place among the edges, or -1 - number of the output


def places(node: Node, saved: tuple[Any, ...]) -> list[Place]:
    """The tensors that a node keeps, by the names that torch gives them in order."""
    variant, op = getattr(node, "variant", None), getattr(node, "op", None)
    found: Iterator[Place] = iter(())
    if variant is not None:
        found = _of_pointwise(variant)
    elif hasattr(op, "reads"):
        found = _of_library(op)
    elif hasattr(op, "saves"):
        found = _of_index(op)
    kept = [place for place in found if isinstance(saved[place.value], np.ndarray | Tensor)
            and saved[place.version] is not None]  # numbers have no version
    return sorted(kept, key=lambda place: spelled(place.name))


def _of_pointwise(variant: Any) -> Iterator[Place]:
    for i, name in enumerate(variant.saves):
        own = name in variant.differentiable
        position = -1 if name == "output" else (
            variant.differentiable.index(name) if own else len(variant.differentiable))
        yield Place(name, 1 + 3 * i, 2 + 3 * i, position)


def _of_library(op: Any) -> Iterator[Place]:
    at = 0
    for name in op.reads:
        if name in op.operands or op.is_output(name):
            output = -1 - int(name[6:] or 0) if op.is_output(name) else 0
            yield Place(name, at, at + 1, output or op.operands.index(name))
            at += 3
        elif name != "needs":
            at += 1


def _of_index(op: Any) -> Iterator[Place]:
    names = list(op.signature.parameters)
    gradients = list(op.grad)
    for i, name in enumerate(n for n in names if n in op.saves):
        position = gradients.index(name) if name in gradients else len(gradients)
        yield Place(name, names.index(name), len(names) + 2 * i, position)


def spelled(name: str) -> str:
    """torch's name of a saved operand."""
    if name == "input":
        return "self"
    return "result" + name[6:] if name.startswith("output") else name


def tensor_at(node: Node, saved: tuple[Any, ...], place: Place) -> Tensor:
    """A saved tensor with its place in the graph; the leaf itself where it is one."""
    value = saved[place.value]
    if isinstance(value, Tensor):
        return value
    version = saved[place.version]
    if place.position < len(node.edges):
        made = restored(node, value, version, place.position)
        if isinstance(made._node, Tensor):  # what a leaf held then, or what stands for it
            made._node = LEAF
        return made
    made = wrap(value)  # an operand that has no gradient
    made._writes = version
    return made


class Saved:
    """The attribute `_saved_...` of a class of nodes: one of the tensors that they may keep."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, node: Node | None, owner: type[Node]) -> Any:
        if node is None:
            return self
        saved = node.saved
        if saved is None:
            raise freed(node)
        for place in places(node, saved):
            if place.name == self.name:
                version = saved[place.version]
                if version is not None and version[0] != saved[place.version + 1]:
                    raise changed(node, version, saved[place.version + 1])
                return tensor_at(node, saved, place)
        raise AttributeError(f"{owner.__name__!r} object has no attribute "
                             f"'{PREFIX}{spelled(self.name)}'")


def attributes(names: Iterable[str]) -> dict[str, Saved]:
    """Members of a class of nodes that may keep tensors of these names, by ours and by torch's.

    A `__getattr__` would serve all classes at once, but each attribute of each node would be
    found more slowly then: Python has quick ways only where there is none.
    """
    return {PREFIX + spelling: Saved(name) for name in names
            for spelling in (name, spelled(name))}


def _names(node: Node) -> list[str]:
    saved = node.saved
    kept = [] if saved is None else places(node, saved)
    return sorted({*(name for name in object.__dir__(node) if not name.startswith(PREFIX)),
                   *(PREFIX + spelled(place.name) for place in kept)})


def install() -> None:
    """Let `dir` of a node name what it keeps; once, when operations are declared."""
    Node.__dir__ = _names  # type: ignore[assignment, method-assign]
