"""torch's compiler, passed through: compiled functions and modules run as they are written."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

from rushlight.nn.modules.module import Module
from rushlight.nn.optimized import OptimizedModule

__all__ = ["allow_in_graph", "assume_constant_result", "compile", "cudagraph_mark_step_begin",
           "disable", "is_compiling", "is_dynamo_compiling", "is_exporting", "list_backends",
           "reset", "set_stance", "substitute_in_graph", "wrap_numpy"]

_MODES = (None, "default", "reduce-overhead", "max-autotune", "max-autotune-no-cudagraphs")


def compile(model: Any = None, *, fullgraph: bool = False, dynamic: bool | None = None,
            backend: Any = "inductor", mode: str | None = None,
            options: dict[str, Any] | None = None, disable: bool = False, **further: Any) -> Any:
    """Return `model`, to run eagerly, operation by operation.

    model: a function, returned as it is, or a module, whose parameters are then named
    "_orig_mod.weight" and so on, as by torch; without it, a decorator. fullgraph, dynamic,
    backend, mode, options, disable: as torch takes them, without effect. Raises RuntimeError where
    both mode and options are given, or an unknown mode.

    >>> import rushlight as rl
    >>> @rl.compile(mode="max-autotune")
    ... def double(x):
    ...     return 2 * x
    >>> double(rl.ones(2))
    tensor([2., 2.])
    """
    if mode is not None and options is not None:
        raise RuntimeError("Either mode or options can be specified, but both can't be specified "
                           "at the same time.")
    if mode not in _MODES:
        raise RuntimeError(f"Unrecognized mode={mode}, should be one of: "
                           f"{', '.join(filter(None, _MODES))}")
    if model is None:
        return lambda function: compile(function, mode=mode, options=options)
    if not callable(model):
        raise TypeError(f"compile() takes a function or a module, not {type(model).__name__}")
    return OptimizedModule(model) if isinstance(model, Module) else model


def disable(fn: Any = None, recursive: bool = True, *, reason: str | None = None) -> Any:
    """Decorator: the function as it is."""
    return (lambda function: function) if fn is None else fn


def allow_in_graph(fn: Any) -> Any:
    """Decorator: the function as it is."""
    return fn


assume_constant_result = wrap_numpy = allow_in_graph


def substitute_in_graph(original_fn: Any, **options: Any) -> Callable[[Any], Any]:
    """Decorator: the function as it is."""
    return allow_in_graph


def is_compiling() -> bool:
    """Whether code is being compiled: False."""
    return False


is_dynamo_compiling = is_exporting = is_compiling


def reset() -> None:
    """Forget what was compiled: nothing was."""


def cudagraph_mark_step_begin() -> None:
    """Nothing: no graphs of CUDA calls are kept."""


def list_backends(exclude_tags: Any = ()) -> list[str]:
    """The names of the compilers there are."""
    return ["eager"]


@contextmanager
def set_stance(*arguments: Any, **options: Any) -> Any:
    """A block in which nothing changes."""
    yield
