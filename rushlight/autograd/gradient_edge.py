"""Edges of the graph as values, and hooks that wait for the gradients of several tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from threading import Lock
from typing import Any, NamedTuple

from rushlight.autograd.saved_tensors import saved_tensors_hooks
from rushlight.engine.node import LEAF, AccumulateGrad, Node, Slot, edge_of
from rushlight.engine.run import Run, current, reached
from rushlight.tensor import Tensor


class GradientEdge(NamedTuple):
    """A place where a gradient arrives: an output, by number, of a node of the graph.

    `autograd.grad` and `backward` take it in place of the tensor, which may be gone.
    """

    node: Any
    output_nr: int
    ownership_token: Any = None


def get_gradient_edge(tensor: Tensor) -> GradientEdge:
    """The edge at which the gradient of `tensor` arrives.

    Raises RuntimeError where it needs none.

    >>> import rushlight as rl
    >>> x = rl.tensor(3.0, requires_grad=True); y = x * x
    >>> edge = rl.autograd.graph.get_gradient_edge(y); edge.node.name()
    'MulBackward0'
    >>> rl.autograd.grad(y * 2, edge)
    (tensor(2.),)
    """
    if tensor._node is None:
        raise RuntimeError("It is not possible to get the gradient edge for a Tensor that does not "
                           "require gradients")
    if tensor._node is LEAF:
        return GradientEdge(AccumulateGrad(tensor), 0)
    edge = edge_of(tensor)
    return GradientEdge(edge.node, edge.index) if isinstance(edge, Slot) else GradientEdge(edge, 0)


def edge_for(place: Any) -> Any:
    """The engine's edge to a tensor or to a GradientEdge."""
    if isinstance(place, Tensor):
        return edge_of(place)
    if isinstance(place.node, AccumulateGrad):
        return place.node.variable
    return Slot(place.node, place.output_nr) if place.node.outputs > 1 else place.node


class MultiHandle:
    """Removes the hooks that wait together."""

    def __init__(self, handles: Sequence[Any]) -> None:
        self.handles = tuple(handles)

    def remove(self) -> None:
        """Take the hooks away; doing so twice is harmless."""
        for handle in self.handles:
            handle.remove()

    def __enter__(self) -> MultiHandle:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


class _Gathering:
    """The gradients of one run so far, and how many of the tensors get one."""

    def __init__(self, run: Run, tensors: Sequence[Tensor]) -> None:
        self.run = run
        self.gradients: list[Tensor | None] = [None] * len(tensors)
        self.missing = sum(reached(run, [edge_of(tensor) for tensor in tensors]))


def register_multi_grad_hook(tensors: Sequence[Tensor], fn: Callable[..., Any], *,
                             mode: str = "all") -> MultiHandle:
    """Call `fn` once in each run backwards that reaches one of `tensors`.

    mode: "all" calls `fn(gradients)` when the last gradient of the run is there, with None for the
    tensors that get none; "any" calls `fn(gradient)` with the first one. Returns a handle whose
    `remove()` ends it. Raises ValueError for another mode.

    >>> import rushlight as rl
    >>> a, b = rl.ones(1, requires_grad=True), rl.ones(1, requires_grad=True)
    >>> hook = rl.autograd.graph.register_multi_grad_hook((a, b), print)
    >>> (2 * a + 3 * b).backward()
    [tensor([2.]), tensor([3.])]
    """
    if mode not in ("all", "any"):
        raise ValueError(f"Expects mode to be one of ('all', 'any') but got {mode}")
    tensors = tuple(tensors)
    lock = Lock()
    last: list[_Gathering] = []  # of the run that called a hook last

    def arrived(index: int, gradient: Tensor) -> None:
        run = current.run
        with lock:
            fresh = not last or last[0].run is not run
            if fresh:
                last[:] = [_Gathering(run, tensors if mode == "all" else ())]
            gathered = last[0]
            gathered.gradients[index:index + 1] = [gradient]
            gathered.missing -= 1
            done = fresh if mode == "any" else gathered.missing == 0
        if done:
            fn(gradient if mode == "any" else gathered.gradients)

    return MultiHandle([tensor.register_hook(partial(arrived, index))
                        for index, tensor in enumerate(tensors)])


class SavedCopies:
    """What `allow_mutation_on_saved_tensors` hands out."""

    def clear(self) -> None:
        """Nothing: each node keeps its own copies, and gives them up when it has run."""


@contextmanager
def allow_mutation_on_saved_tensors() -> Iterator[SavedCopies]:
    """Within the block, what backward needs is copied, so tensors may be written to afterwards.

    >>> import rushlight as rl
    >>> x = rl.ones(2, requires_grad=True)
    >>> with rl.autograd.graph.allow_mutation_on_saved_tensors():
    ...     y = x.clone(); loss = (y ** 2).sum(); _ = y.zero_()
    >>> loss.backward(); x.grad
    tensor([2., 2.])
    """
    with saved_tensors_hooks(lambda tensor: tensor.clone(), lambda copy: copy):
        yield SavedCopies()


__all__ = ["GradientEdge", "MultiHandle", "Node", "allow_mutation_on_saved_tensors", "edge_for",
           "get_gradient_edge", "register_multi_grad_hook"]
