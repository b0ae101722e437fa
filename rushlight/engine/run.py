"""The run backwards: from the roots through the recorded graph, in descending sequence.

What consumes a value was recorded after what made it, so a node whose sequence number is the
highest among those waiting has received all its gradients. Nothing recurses: depth is free.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from heapq import heappop, heappush
from sys import getrefcount
from typing import Any

import numpy as np

from rushlight.base.errors import describe_site
from rushlight.base.flags import flags
from rushlight.engine.node import LEAF, Node, Slot

IN_PLACE_FROM = 4096  # elements from which a new array costs more than asking who sees this one


class Run:
    """One pass backwards.

    create: record the gradients' own computation. keep: do not free what nodes saved.
    wanted: edges whose gradients are to be returned; None: accumulate into all leaves.
    """

    def __init__(self, create: bool, keep: bool, wanted: Sequence[Any] | None,
                 accumulate: bool) -> None:
        self.create, self.keep, self.accumulate = create, keep, accumulate
        self.wanted = None if wanted is None else {_key(edge) for edge in wanted}
        self.captured: dict[Any, Any] = {}
        self.gradients: dict[Any, Any] = {}  # node or leaf -> gradient, or list of them
        self.waiting: list[tuple[int, Node]] = []
        self.leaves: list[Any] = []
        self.needed: set[Node] | None = None
        self.roots: list[Any] = []

    def send(self, edge: Any, gradient: Any) -> None:
        """Add `gradient` to what `edge` has received."""
        gradients = self.gradients
        sequence = edge._sequence
        if sequence == -2:
            self._send_slot(edge, gradient)
        elif edge in gradients:
            gradients[edge] = self._sum(gradients[edge], gradient)
        elif sequence >= 0:
            if edge.outputs > 1:
                self._send_slot(Slot(edge, 0), gradient)
                return
            gradients[edge] = gradient
            heappush(self.waiting, (-sequence, edge))
        else:
            gradients[edge] = gradient
            self.leaves.append(edge)

    def _send_slot(self, slot: Slot, gradient: Any) -> None:
        node = slot.node
        received = self.gradients.get(node)
        if received is None:
            received = self.gradients[node] = [None] * node.outputs
            heappush(self.waiting, (-node._sequence, node))
        known = received[slot.index]
        received[slot.index] = gradient if known is None else self._sum(known, gradient)

    def _sum(self, known: Any, gradient: Any) -> Any:
        """The sum of two gradients, in the memory of `known` where nobody else can see it."""
        array, other = known._array, gradient._array
        if known.is_sparse:
            return gradient + known  # in this order: a dense sum takes sparse terms
        # The table of gradients, this frame and the question itself hold `known`.
        if (array.size >= IN_PLACE_FROM and not self.create and getrefcount(known) <= 3
                and getrefcount(array) <= 3 and array.base is None
                and array.dtype is other.dtype and array.shape == other.shape):
            known.add_(gradient)
            return known
        return known + gradient

    def run(self) -> None:
        """Visit every node that received a gradient, then the leaves."""
        waiting, gradients, send = self.waiting, self.gradients, self.send
        create, keep, plain = self.create, self.keep, self.wanted is None and not flags.anomaly
        results: Any
        while waiting:
            node = heappop(waiting)[1]
            gradient = gradients.pop(node)
            if plain and node.pre_hooks is None and node.hooks is None and node.retained is None:
                results = node.backward(gradient, create)
            else:
                results = self._visit(node, gradient)
                if results is None:
                    continue
            if not keep and node.keeps_tensors:
                node.saved = None
            for edge, result in zip(node.edges, results, strict=True):
                if edge is None or result is None:
                    continue
                if edge in gradients or edge._sequence < 0 or edge.outputs > 1:
                    send(edge, result)
                else:  # what send does, where most of the time goes
                    gradients[edge] = result
                    heappush(waiting, (-edge._sequence, edge))
        results = result = gradient = None  # so that leaves may take what they are sent
        for leaf in self.leaves:
            self._finish(leaf, gradients.pop(leaf))

    def _visit(self, node: Node, gradient: Any) -> Sequence[Any] | None:
        """Run a node with its hooks, captures and checks; None where it is not needed."""
        if node.pre_hooks is not None:
            gradient = _apply_pre_hooks(node, gradient)
        if node.retained is not None:
            _retain(node, gradient)
        if self.wanted is not None:
            self._capture(node, gradient)
            if self.needed is not None and node not in self.needed:
                return None
        results = _traced(node, gradient, self.create) if flags.anomaly else node.backward(
            gradient, self.create)
        if node.hooks is not None:
            received = tuple(gradient) if node.outputs > 1 else (gradient,)
            for hook in tuple(node.hooks.values()):
                replaced = hook(tuple(results), received)
                if replaced is not None:
                    results = _as_many(hook, replaced, len(results))
        return results

    def _capture(self, node: Node, gradient: Any) -> None:
        received = gradient if node.outputs > 1 else (gradient,)
        for index, g in enumerate(received):
            key = (node, index)
            if self.wanted is not None and key in self.wanted and g is not None:
                self.captured[key] = g

    def _finish(self, leaf: Any, gradient: Any) -> None:
        if self.wanted is not None and (leaf, 0) not in self.wanted:
            return
        hooks = leaf._hooks
        if hooks:
            for hook in tuple(hooks.values()):
                gradient = after_hook(hook, gradient)
        if self.wanted is not None:
            self.captured[leaf, 0] = gradient
        if self.accumulate and leaf._node is LEAF:  # not detached meanwhile
            leaf._accumulate(gradient, self.create)


class Current(threading.local):
    """The run of the thread, for hooks that have to know which it is."""

    run: Any = None


current = Current()


def reached(run: Run, edges: Sequence[Any]) -> list[bool]:
    """For each edge whether a gradient will arrive there in the run."""
    seen: set[Any] = set()
    stack = [_key(edge) for edge in run.roots]
    while stack:
        key = stack.pop()
        if key in seen:
            continue
        seen.add(key)
        node = key[0]
        if isinstance(node, Node) and (run.needed is None or node in run.needed):
            stack.extend(_key(edge) for edge in node.edges if edge is not None)
    wanted, needed = run.wanted, run.needed
    return [key in seen and (wanted is None or key in wanted or key[0] in (needed or ()))
            for key in map(_key, edges)]


def _key(edge: Any) -> tuple[Any, int]:
    return (edge.node, edge.index) if isinstance(edge, Slot) else (edge, 0)


def _apply_pre_hooks(node: Node, gradient: Any) -> Any:
    received = list(gradient) if node.outputs > 1 else [gradient]
    for hook in tuple((node.pre_hooks or {}).values()):
        replaced = hook(tuple(received))
        if replaced is not None:
            received = _as_many(hook, replaced, len(received))
    return received if node.outputs > 1 else received[0]


def _as_many(hook: Any, replaced: Any, count: int) -> list[Any]:
    """What a hook of a node returned, as a list; RuntimeError unless it is `count` long."""
    found = list(replaced) if isinstance(replaced, (tuple, list)) else [replaced]
    if len(found) != count:
        raise RuntimeError(f"hook '{_name(hook)}' has returned an incorrect number of values (got "
                           f"{len(found)}, but expected {count})")
    return found


def after_hook(hook: Callable[[Any], Any], gradient: Any) -> Any:
    """The gradient that a tensor's hook leaves; what it returns must be like what it was given."""
    found = hook(gradient)
    if found is None:
        return gradient
    if not isinstance(getattr(found, "_node", found), type(None) | type(LEAF) | Node | Slot):
        raise TypeError(f"expected Variable, but hook returned '{type(found).__name__}'; a hook "
                        "returns the new gradient, or None to leave it")
    if found.dtype is not gradient.dtype:
        raise RuntimeError(f"hook '{_name(hook)}' has changed the type of value (was "
                           f"{gradient.type()} got {found.type()})")
    if found.shape != gradient.shape:
        raise RuntimeError(f"hook '{_name(hook)}' has changed the size of value: it was "
                           f"{list(gradient.shape)} and is {list(found.shape)}")
    return found


def _name(hook: Any) -> str:
    return getattr(hook, "__name__", type(hook).__name__)


def _retain(node: Node, gradient: Any) -> None:
    """Leave the gradient with the outputs that asked for it."""
    received = gradient if node.outputs > 1 else [gradient]
    for index, reference in (node.retained or {}).items():
        tensor = reference()
        # A tensor written in place since then is the outcome of another node.
        if tensor is not None and tensor.grad_fn is node and received[index] is not None:
            tensor._keep_grad(received[index])


def _traced(node: Node, gradient: Any, create: bool) -> Sequence[Any]:
    """Run a node under anomaly detection: errors and NaN name the line that recorded it."""
    try:
        results = node.backward(gradient, create)
    except Exception as error:
        error.add_note(f"in {node.name()}, recorded at {describe_site(node.site)}")
        raise
    if flags.gradient_check is not None:
        flags.gradient_check(node, gradient, results)
    if flags.anomaly_check_nan:
        for index, result in enumerate(results):
            if result is not None and result._has_nan():
                raise RuntimeError(
                    f"Function '{node.name()}' returned nan values in its {index}th output. The "
                    f"forward call that was recorded stands at {describe_site(node.site)}"
                )
    return results


def _needed(roots: Iterable[Any], wanted: Iterable[Any]) -> set[Node]:
    """The nodes on a path from the roots to a wanted edge, the wanted ones themselves left out."""
    targets = {_key(edge)[0] for edge in wanted}
    order: list[Node] = []
    seen: set[Any] = set()
    stack = [_key(edge)[0] for edge in roots]
    while stack:
        node = stack.pop()
        if node in seen or not isinstance(node, Node):
            continue
        seen.add(node)
        order.append(node)
        stack.extend(_key(edge)[0] for edge in node.edges if edge is not None)
    order.sort(key=lambda node: node._sequence)
    needed: set[Node] = set()
    for node in order:
        for edge in node.edges:
            if edge is not None:
                below = _key(edge)[0]
                if below in targets or below in needed:
                    needed.add(node)
                    break
    return needed


def backward(roots: Sequence[tuple[Any, Any]], create: bool, keep: bool,
             wanted: Sequence[Any] | None = None, accumulate: bool = True,
             ) -> Callable[[Any], Any]:
    """Run backwards from `roots`, pairs (edge, gradient).

    Returns a function from a wanted edge to its gradient, or None where none arrived.
    """
    run = Run(create, keep, wanted, accumulate)
    if wanted is not None:
        run.needed = _needed([edge for edge, _ in roots], wanted)
    run.roots = [edge for edge, _ in roots]
    before, outer = flags.grad_enabled, current.run
    flags.grad_enabled, current.run = create, run
    try:
        with np.errstate(all="ignore"):  # inf and nan are gradients, too
            for edge, gradient in roots:
                run.send(edge, gradient)
            run.run()
    finally:
        flags.grad_enabled, current.run = before, outer
    return lambda edge: run.captured.get(_key(edge))


__all__ = ["LEAF", "Run", "after_hook", "backward", "current", "reached"]
