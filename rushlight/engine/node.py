"""Nodes and edges of the recorded graph.

A tensor's `_node` says where its gradient goes: None (it needs none), LEAF (into its own
`.grad`), a Node (the one output of a recorded op), or a Slot (one of several outputs).
A node's `edges` lead to its inputs' nodes; the edge to a leaf is the leaf tensor itself, so that
no leaf is part of a reference cycle, and dropping a loss frees its graph at once.
"""

from __future__ import annotations

import itertools
from typing import Any, ClassVar

from rushlight.base.errors import Site, describe_site

next_sequence = itertools.count().__next__

# A version counts the in-place writes to some memory: [count, site of the last one, weak references
# to the views taken]. Tensors that share memory share it; None stands for memory that was never
# written, viewed or saved.
Version = list[Any]
COUNT, SITE, VIEWS = 0, 1, 2


class Leaf:
    """The `_node` of a tensor that collects its gradient itself."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "LEAF"


LEAF = Leaf()


class Node:
    """One recorded op: where gradients go (`edges`) and what it kept for them (`saved`)."""

    __slots__ = ("__dict__", "__weakref__", "_sequence", "edges", "saved")
    outputs = 1  # how many outputs the op has
    _sequence: int  # creation order: what consumes a value comes after what made it
    edges: tuple[Any, ...]
    saved: Any  # None once freed
    keeps_tensors: ClassVar[bool] = True  # so that a run gives up what was saved
    site: Site | None = None  # where it was recorded, while anomalies are being traced
    pre_hooks: ClassVar[dict[Any, Any] | None] = None
    hooks: ClassVar[dict[Any, Any] | None] = None
    # Number of an output -> weak reference to the tensor that keeps its gradient.
    retained: ClassVar[dict[Any, Any] | None] = None

    def backward(self, gradient: Any, create: bool) -> tuple[Any, ...]:
        """Gradients for the edges, None where there is none.

        gradient: that of the output (a list, with None for unused ones, where outputs > 1).
        create: whether the computation itself is to be recorded.
        """
        raise NotImplementedError(f"the derivative for {type(self).__name__} is not implemented")

    def kept(self) -> Any:
        """What `saved` is, for whoever only describes it: values may stand for others there."""
        return self.saved

    def name(self) -> str:
        """The node's name as torch prints it, such as AddBackward0."""
        return type(self).__name__

    def __repr__(self) -> str:
        return f"<{self.name()} object at {hex(id(self))}>"

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        """Pairs (node, output number), one for each input; (None, 0) where no gradient goes."""
        return tuple(_function_of(edge) for edge in self.shown_edges())

    def shown_edges(self) -> tuple[Any, ...]:
        """The edges as torch's users see them."""
        return self.edges

    @property
    def metadata(self) -> dict[Any, Any]:
        """A dictionary for the user's own notes on this node."""
        return self.__dict__.setdefault("_metadata", {})

    def _register(self, table: str, hook: Any) -> Any:
        hooks = self.__dict__.setdefault(table, {})
        handle = Handle(hooks)
        hooks[handle.id] = hook
        return handle

    def register_hook(self, hook: Any) -> Handle:
        """Call `hook(grad_inputs, grad_outputs)` after the node ran; it may return new ones."""
        return self._register("hooks", hook)

    def register_prehook(self, hook: Any) -> Handle:
        """Call `hook(grad_outputs)` before the node runs; it may return new grad_outputs."""
        return self._register("pre_hooks", hook)


class Slot:
    """The edge to one of several outputs of a node."""

    __slots__ = ("index", "node")
    _sequence = -2

    def __init__(self, node: Node, index: int) -> None:
        self.node, self.index = node, index


class Handle:
    """Removes a hook: by `remove()`, or at the end of a `with` block."""

    _ids = itertools.count()

    def __init__(self, hooks: dict[Any, Any], extra: dict[Any, Any] | None = None) -> None:
        self.hooks, self.id = hooks, next(Handle._ids)
        self.extra = extra

    def remove(self) -> None:
        """Take the hook away; doing so twice is harmless."""
        self.hooks.pop(self.id, None)
        if self.extra is not None:
            self.extra.pop(self.id, None)

    def __enter__(self) -> Handle:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


class AccumulateGrad:
    """How a leaf appears in `next_functions`: a view of the leaf, made on demand."""

    def __init__(self, variable: Any) -> None:
        self.variable = variable

    next_functions: tuple[Any, ...] = ()

    def name(self) -> str:
        """Its name as torch prints it."""
        return "torch::autograd::AccumulateGrad"

    def __repr__(self) -> str:
        return f"<AccumulateGrad object at {hex(id(self))}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AccumulateGrad) and other.variable is self.variable

    def __hash__(self) -> int:
        return id(self.variable)

    def register_hook(self, hook: Any) -> Handle:
        """Call `hook(grad_inputs, grad_outputs)` after the gradient was added to the leaf."""
        return self.variable.register_post_accumulate_grad_hook(lambda t: hook((), (t.grad,)))


def _function_of(edge: Any) -> tuple[Any, int]:
    if edge is None:
        return None, 0
    if isinstance(edge, Node):
        return edge, 0
    if isinstance(edge, Slot):
        return edge.node, edge.index
    return AccumulateGrad(edge), 0


def edge_of(tensor: Any) -> Any:
    """The edge that leads to `tensor`, or None where it needs no gradient."""
    node = tensor._node
    return tensor if node is LEAF else node


def version_of(tensor: Any) -> Version:
    """The version of a tensor's memory, made on first use."""
    version = tensor._writes
    if version is None:
        version = tensor._writes = [0, None, None]
    return version


def freed(node: Node) -> RuntimeError:
    """The error for a second backward through a graph that was freed."""
    return RuntimeError(
        "Trying to backward through the graph a second time (or directly access saved tensors "
        f"after they have already been freed): {node.name()} gave up what it had saved when "
        "backward() or autograd.grad() first ran. Specify retain_graph=True there if you need to "
        "run backward twice"
    )


def changed(node: Node, version: Version, expected: int) -> RuntimeError:
    """The error for a saved value that was overwritten in place."""
    return RuntimeError(
        "one of the variables needed for gradient computation has been modified by an inplace "
        f"operation: {node.name()} saved a value at version {expected}, and it is now at version "
        f"{version[COUNT]}; it was overwritten at {describe_site(version[SITE])}. Use the "
        "out-of-place form there, or clone() the tensor before writing to it"
    )
