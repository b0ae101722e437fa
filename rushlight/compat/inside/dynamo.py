"""`torch._dynamo`: programs run as they are written, so there is nothing to trace or to reset."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

from rushlight.compat.inside import config
from rushlight.compiler import (
    allow_in_graph,
    assume_constant_result,
    disable,
    is_compiling,
    list_backends,
    reset,
)
from rushlight.compiler import compile as _compile
from rushlight.nn.optimized import OptimizedModule

__all__ = ["OptimizedModule", "allow_in_graph", "assume_constant_result", "config", "disable",
           "explain", "graph_break", "is_compiling", "list_backends", "mark_dynamic", "mark_static",
           "mark_static_address",
           "maybe_mark_dynamic", "optimize", "reset", "run"]


def optimize(backend: Any = "inductor", **options: Any) -> Any:
    """Decorator: the function as it is."""
    return lambda function: _compile(function, backend=backend)


def run(function: Any = None) -> Any:
    """The function as it is."""
    return function


def graph_break(msg: str = "") -> None:
    """Nothing: no graph is made."""


def mark_dynamic(tensor: Any, index: Any, **options: Any) -> None:
    """Nothing: sizes may change from call to call."""


mark_static = maybe_mark_dynamic = mark_dynamic


def explain(function: Any, *arguments: Any, **options: Any) -> Any:
    """Raises NotImplementedError: there is no graph to explain."""
    raise NotImplementedError("torch._dynamo.explain: programs run as they are written, without "
                              "a graph to explain")


class TransformGetItemToIndex(nullcontext[None]):
    """A block for a tracer, which needs it to index by batched tensors; vmap does so anyway."""


def mark_static_address(t: Any, guard: bool = False) -> None:
    """Nothing: no address is recorded."""
