"""`torch.fx`: marks of its tracer. Programs are not traced into graphs."""

from __future__ import annotations

from typing import Any, NoReturn

from rushlight.nn.modules.module import Module

__all__ = ["Graph", "GraphModule", "Node", "Proxy", "Tracer", "symbolic_trace", "wrap"]


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
