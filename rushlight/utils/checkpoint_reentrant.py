"""Checkpoints of torch's older kind: one node stands for the function and runs it in backward."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight.engine.node import Node, Slot, edge_of, freed, next_sequence, version_of
from rushlight.engine.run import Run, current
from rushlight.tensor import Tensor, wrap
from rushlight.utils.checkpoint_settings import Surroundings
from rushlight.utils.pytree import tree_leaves, tree_map


class Segment:
    """A function with its arguments and what it ran in."""

    def __init__(self, function: Callable[..., Any], args: tuple[Any, ...],
                 surroundings: Surroundings) -> None:
        self.function, self.args, self.surroundings = function, args, surroundings

    def run(self) -> Any:
        """The function's result, its graph replaced by one node that runs it again."""
        start = next_sequence()
        result = self.function(*self.args)
        own = _recorded(result, start)
        if not own:
            return result
        _, outer = _graph([x for x in own if _made_since(x, start)], start)
        node = CheckpointFunctionBackward()
        node._sequence = next_sequence()
        node.edges = tuple(outer)
        node.saved = self
        node.outputs = len(own)
        known = {id(x) for x in own}
        places: dict[int, Tensor] = {}

        def attached(x: Any) -> Any:
            if id(x) not in known:
                return x
            if id(x) not in places:
                made = places[id(x)] = wrap(x._array)
                made._writes = version_of(x)
                made._node = Slot(node, len(places) - 1) if node.outputs > 1 else node
            return places[id(x)]

        return tree_map(attached, result)

    def gradients(self, node: Node, received: list[Any], create: bool) -> tuple[Any, ...]:
        """Run the function again, then backwards to the edges of `node`."""
        with self.surroundings.again():
            start = next_sequence()
            result = self.function(*self.args)
        own = _recorded(result, start)
        if len(own) != node.outputs:
            raise RuntimeError(
                "torch.utils.checkpoint: A different number of tensors was saved during the "
                f"original forward and recomputation: {node.outputs} results had gradients, now "
                f"{len(own)} have; the function has to do the same again"
            )
        made = [x for x in own if _made_since(x, start)]
        if not made:
            raise RuntimeError(
                "none of output has requires_grad=True, this checkpoint() is not necessary")
        inner, _ = _graph(made, start)
        run = _Inner(create, keep=create, wanted=node.edges, accumulate=False)
        run.needed = inner
        for x, gradient in zip(own, received, strict=True):
            if gradient is not None and _made_since(x, start):
                run.send(edge_of(x), gradient)
        run.run()
        return tuple([run.captured.get(_key(edge)) for edge in node.edges])


class CheckpointFunctionBackward(Node):
    """The node that stands for a whole checkpointed function."""

    __slots__ = ()
    saved: Segment | None

    def backward(self, gradient: Any, create: bool) -> tuple[Any, ...]:
        """Run the function again and give its gradients."""
        if self.saved is None:
            raise freed(self)
        if current.run is not None and current.run.wanted is not None:
            raise RuntimeError(
                "When use_reentrant=True, torch.utils.checkpoint is incompatible with .grad() or "
                "passing an `inputs` parameter to .backward(). To resolve this error, you can "
                "either set use_reentrant=False, or call .backward() without `inputs`.")
        received = list(gradient) if self.outputs > 1 else [gradient]
        return self.saved.gradients(self, received, create)


class _Inner(Run):
    """A run that stops at what is outside the function, whose hooks run outside."""

    def _visit(self, node: Node, gradient: Any) -> Any:
        if node not in (self.needed or ()):
            self._capture(node, gradient)
            return None
        return super()._visit(node, gradient)

    def _finish(self, leaf: Any, gradient: Any) -> None:
        self.captured[leaf, 0] = gradient


def _recorded(result: Any, start: int) -> list[Tensor]:
    """The tensors of a result that get the node: those with a gradient, and detached ones."""
    return list({id(x): x for x in tree_leaves(result) if _made_since(x, start) or (
        isinstance(x, Tensor) and x.is_floating_point() and not x.requires_grad)}.values())


def _made_since(value: Any, start: int) -> bool:
    """Whether `value` is a tensor recorded after `start`."""
    if not isinstance(value, Tensor):
        return False
    made_by = value.grad_fn
    return made_by is not None and made_by._sequence > start


def _key(edge: Any) -> tuple[Any, int]:
    return (edge.node, edge.index) if isinstance(edge, Slot) else (edge, 0)


def _graph(tensors: list[Tensor], start: int) -> tuple[set[Node], list[Any]]:
    """The nodes recorded after `start` above the tensors, and the edges that lead out of them."""
    inner: set[Node] = set()
    outer: dict[Any, Any] = {}
    stack: list[Any] = [x.grad_fn for x in tensors]
    while stack:
        node = stack.pop()
        if node in inner:
            continue
        inner.add(node)
        for edge in node.edges:
            if edge is None:
                continue
            below, index = _key(edge)
            if isinstance(below, Node) and below._sequence > start:
                stack.append(below)
            else:
                outer[below, index] = edge
    return inner, list(outer.values())
