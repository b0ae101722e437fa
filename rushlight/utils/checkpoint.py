"""Checkpoints: a part of a model keeps nothing for backward and runs again there."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from rushlight.base.flags import flags
from rushlight.tensor import Tensor
from rushlight.utils.checkpoint_reentrant import Segment
from rushlight.utils.checkpoint_settings import (
    CheckpointError,
    DefaultDeviceType,
    Surroundings,
    check_backward_validity,
    debugging,
    detach_variable,
    set_checkpoint_debug_enabled,
    set_checkpoint_early_stop,
    stopping,
)
from rushlight.utils.pytree import tree_map
from rushlight.utils.recomputation import Recomputation

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
        early_stop: False: run the function to its end again; True: only until it has saved as
            many tensors as before, with use_reentrant=False.

    Raises ValueError for keyword arguments, a context or `debug` with use_reentrant=True, for
    `debug` with a context, and for another determinism_check; CheckpointError, a RuntimeError, in
    backward where the function, run again, does something else.

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
    if use_reentrant:
        return _reentrant(function, args, preserve_rng_state)
    debug = debugging(debug)
    if debug and context_fn is not noop_context_fn:
        raise ValueError("debug=True is incompatible with non-default context_fn: leave one out")
    first, again = context_fn()
    if not flags.grad_enabled:
        return function(*args, **kwargs)
    surroundings = Surroundings(again, preserve_rng_state)
    return Recomputation(function, kwargs, surroundings, stopping(early_stop),
                         determinism_check == "default", debug).run(args, first)


def _reentrant(function: Callable[..., Any], args: tuple[Any, ...],
               preserve_rng_state: bool) -> Any:
    if not flags.grad_enabled:
        return function(*args)
    if not any(isinstance(x, Tensor) and x.requires_grad for x in args):
        check_backward_validity(args)
        return tree_map(_detached, function(*args))
    return Segment(function, args, Surroundings(nullcontext(), preserve_rng_state)).run()


def _detached(value: Any) -> Any:
    return value.detach() if isinstance(value, Tensor) else value


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
