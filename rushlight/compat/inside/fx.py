"""`torch.fx`: marks of its tracer. Programs are not traced into graphs."""

from __future__ import annotations

from typing import Any, NoReturn

from rushlight.nn.modules.module import Module

__all__ = ["Graph", "GraphAppendingTracer", "GraphModule", "Interpreter", "Node", "Proxy", "Tracer",
           "Transformer", "symbolic_trace", "wrap"]


def _refuse(name: str) -> NoReturn:
    raise NotImplementedError(f"torch.fx.{name}: programs are not traced into graphs; "
                              "rushlight.taps gives the outputs of any layer")


def wrap(fn_or_name: Any) -> Any:
    """A function that a tracer would not enter: as it is."""
    return fn_or_name


def symbolic_trace(root: Any, *arguments: Any, **options: Any) -> NoReturn:
    """Raises NotImplementedError."""
    _refuse("symbolic_trace")


class Tracer:
    """Raises NotImplementedError when it is to trace; is_leaf_module answers as torch's."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.options = options

    def is_leaf_module(self, m: Module, module_qualified_name: str) -> bool:
        """Whether a module is of the library itself."""
        return type(m).__module__.startswith("rushlight.nn")

    def trace(self, root: Any, *arguments: Any, **options: Any) -> NoReturn:
        """Raises NotImplementedError."""
        _refuse("Tracer.trace")


class GraphModule(Module):
    """A traced module; there are none, so this is for isinstance tests."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__()
        _refuse("GraphModule")


class Graph:
    """A graph; there are none, so this is for annotations."""


class Node:
    """A node of a graph; there are none, so this is for annotations."""


class Proxy:
    """A value while tracing; there are none, so this is for isinstance tests."""


class Interpreter:
    """Raises NotImplementedError: there are no graphs to run."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        _refuse(type(self).__name__)


class Transformer(Interpreter):
    """Raises NotImplementedError: there are no graphs to change."""


class GraphAppendingTracer(Tracer):
    """Raises NotImplementedError when it is to trace."""


def get_proxy_mode() -> None:
    """The tracer at work: none."""


def guard_or_false(a: Any) -> bool:
    """A condition on sizes, which are numbers here."""
    return bool(a)


guard_or_true = guard_size_oblivious = guard_or_false
