"""Checkpoints: a part of a model keeps nothing for backward and runs again there."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from rushlight.autograd import enable_grad
from rushlight.autograd.function import FunctionNode
from rushlight.base.flags import flags
from rushlight.engine.node import Node, Slot, edge_of, freed, next_sequence, version_of
from rushlight.engine.run import Run, current
from rushlight.families.saved_values import places, tensor_at
from rushlight.random import fork_rng, get_rng_state, set_rng_state
from rushlight.tensor import Tensor, wrap
from rushlight.utils.checkpoint_settings import (
    CheckpointError,
    DefaultDeviceType,
    check_backward_validity,
    compare,
    debugging,
    described,
    detach_variable,
    set_checkpoint_debug_enabled,
    set_checkpoint_early_stop,
)
from rushlight.utils.pytree import tree_leaves, tree_map

__all__ = ["CheckpointError", "DefaultDeviceType", "check_backward_validity", "checkpoint",
           "checkpoint_sequential", "detach_variable", "noop_context_fn",
           "set_checkpoint_debug_enabled", "set_checkpoint_early_stop"]

REENTRANT_WARNING = (
    "torch.utils.{}: the use_reentrant parameter should be passed explicitly. "
    "use_reentrant=False is recommended, but if you need to preserve the current default "
    "behavior, you can pass use_reentrant=True."
)


CHECKS = ("default", "none")  # of determinism


def noop_context_fn() -> tuple[Any, Any]:
    """Contexts, for the forward and for running it again, that do nothing."""
    return nullcontext(), nullcontext()


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    context_fn: Callable[[], tuple[Any, Any]] = noop_context_fn,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    preserve_rng_state: bool = True,
    **kwargs: Any,
) -> Any:
    """`function(*args, **kwargs)`, of which only the arguments are kept for backward.

    Backward runs the function again, so memory is traded for time. Gradients flow to the
    arguments and to every parameter that the function uses, at any order.

    Args:
        use_reentrant: True: as torch's older kind, the result has a gradient only if a tensor
            among `args` has, keyword arguments are refused, and in backward `grad` and
            `backward(inputs=...)` are. False: no such limits.
        context_fn: returns two context managers, for the forward and for running it again.
        preserve_rng_state: draw the same random numbers again.
        determinism_check: "default": in backward, what is saved must have the shapes and dtypes
            that it had; "none": only the number of saved tensors is compared.
        debug: whether the error of that comparison lists what was saved.
        early_stop: accepted; the function runs to its end.

    Raises ValueError for keyword arguments, a context or `debug` with use_reentrant=True, and for
    another determinism_check; CheckpointError, a RuntimeError, in backward where the function, run
    again, does something else.

    >>> import rushlight as rl
    >>> from rushlight.utils.checkpoint import checkpoint
    >>> x = rl.ones(2, requires_grad=True)
    >>> checkpoint(lambda x: (x * x).exp(), x, use_reentrant=False).sum().backward()
    >>> x.grad
    tensor([5.4366, 5.4366])
    """
    if use_reentrant is None:
        warnings.warn(REENTRANT_WARNING.format("checkpoint"), UserWarning, stacklevel=2)
        use_reentrant = True
    if use_reentrant and kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    if use_reentrant and (context_fn is not noop_context_fn or debug):
        raise ValueError("Passing `context_fn` or `debug` is only supported when "
                         "use_reentrant=False.")
    if not use_reentrant and determinism_check not in CHECKS:
        raise ValueError(f"determinism_check should be one of {list(CHECKS)}, but got "
                         f"{determinism_check}")
    first, again = context_fn()
    if not flags.grad_enabled:
        with first:
            return function(*args, **kwargs)
    check = None if use_reentrant else (determinism_check == "default", debugging(debug))
    segment = _Segment(function, args, kwargs, again, preserve_rng_state, check)
    with first:
        if use_reentrant and not any(isinstance(x, Tensor) and x.requires_grad for x in args):
            check_backward_validity(args)
            return tree_map(_detached, function(*args))
        return segment.run()


def _detached(value: Any) -> Any:
    return value.detach() if isinstance(value, Tensor) else value


class _Segment:
    """A function with its arguments and the random numbers it began with."""

    def __init__(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any],
                 context: Any, preserve_rng_state: bool, check: tuple[bool, bool] | None) -> None:
        self.function, self.args, self.kwargs = function, args, kwargs
        self.context = context
        self.check = check  # whether shapes are compared, and listed; None: nothing is
        self.kept: list[dict[str, Any]] = []
        self.autocast = flags.autocast, flags.autocast_dtype
        self.random = get_rng_state() if preserve_rng_state else None

    def run(self) -> Any:
        """The function's result, its graph replaced by one node that runs it again."""
        start = next_sequence()
        result = self.function(*self.args, **self.kwargs)
        own = self.recorded(result, start)
        if not own:
            return result
        inner, outer = _graph([x for x in own if _made_since(x, start)], start)
        if self.check is not None:
            self.kept = described(_saved(inner))
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

    def recorded(self, result: Any, start: int) -> list[Tensor]:
        """The tensors of a result that get the node: those with a gradient.

        With use_reentrant=True detached ones, too, as in torch.
        """
        return list({id(x): x for x in tree_leaves(result) if _made_since(x, start) or (
            self.check is None and isinstance(x, Tensor) and x.is_floating_point()
            and not x.requires_grad)}.values())

    @contextmanager
    def _as_it_was(self) -> Iterator[None]:
        now = flags.autocast, flags.autocast_dtype
        with fork_rng(enabled=self.random is not None), self.context, enable_grad():
            if self.random is not None:
                set_rng_state(self.random)
            flags.autocast, flags.autocast_dtype = self.autocast
            try:
                yield
            finally:
                flags.autocast, flags.autocast_dtype = now

    def gradients(self, node: Node, received: list[Any], create: bool) -> tuple[Any, ...]:
        """Run the function again, then backwards to the edges of `node`."""
        with self._as_it_was():
            start = next_sequence()
            result = self.function(*self.args, **self.kwargs)
        own = self.recorded(result, start)
        if len(own) != node.outputs:
            raise CheckpointError(
                "torch.utils.checkpoint: A different number of tensors was saved during the "
                f"original forward and recomputation: {node.outputs} results had gradients, now "
                f"{len(own)} have; the function has to do the same again"
            )
        made = [x for x in own if _made_since(x, start)]
        if not made:
            raise RuntimeError(
                "none of output has requires_grad=True, this checkpoint() is not necessary")
        inner, _ = _graph(made, start)
        if self.check is not None:
            compare(self.kept, described(_saved(inner)), *self.check)
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
    saved: _Segment | None

    def backward(self, gradient: Any, create: bool) -> tuple[Any, ...]:
        """Run the function again and give its gradients."""
        if self.saved is None:
            raise freed(self)
        if self.saved.check is None and current.run is not None and (
                current.run.wanted is not None):
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


def _made_since(value: Any, start: int) -> bool:
    """Whether `value` is a tensor recorded after `start`."""
    if not isinstance(value, Tensor):
        return False
    made_by = value.grad_fn
    return made_by is not None and made_by._sequence > start


def _saved(nodes: set[Node]) -> list[Tensor]:
    """What the nodes keep for their gradients, in the order of their recording."""
    found: list[Any] = []
    for node in sorted(nodes, key=lambda node: node._sequence):
        saved = node.saved
        if isinstance(node, FunctionNode):
            found += [node._unpack(entry) for entry in saved or ()]
        elif type(saved) is tuple:
            found += [tensor_at(node, saved, place) for place in places(node, saved)]
    return [x for x in found if isinstance(x, Tensor)]


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


def checkpoint_sequential(
    functions: Any,
    segments: int,
    input: Any,
    use_reentrant: bool | None = None,
    **kwargs: Any,
) -> Any:
    """Run a sequence of modules in `segments` parts, all but the last of them checkpointed.

    functions: an `nn.Sequential`, or a list of functions. kwargs: `preserve_rng_state`.

    >>> import rushlight as rl
    >>> from rushlight.utils.checkpoint import checkpoint_sequential
    >>> model = rl.nn.Sequential(rl.nn.Linear(2, 3), rl.nn.ReLU(), rl.nn.Linear(3, 1))
    >>> checkpoint_sequential(model, 2, rl.ones(1, 2), use_reentrant=False).shape
    torch.Size([1, 1])
    """
    if use_reentrant is None:
        warnings.warn(REENTRANT_WARNING.format("checkpoint.checkpoint_sequential"), UserWarning,
                      stacklevel=2)
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    steps = list(functions.children() if hasattr(functions, "children") else functions)
    size = len(steps) // segments
    end = 0
    for start in range(0, size * (segments - 1), size):
        end = start + size
        input = checkpoint(_through(steps[start:end]), input, use_reentrant=use_reentrant,
                           preserve_rng_state=preserve)
    return _through(steps[end:])(input)


def _through(steps: list[Any]) -> Callable[[Any], Any]:
    def run(input: Any) -> Any:
        for step in steps:
            input = step(input)
        return input

    return run
