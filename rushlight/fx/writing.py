"""A graph written as a Python function, and the names that its text needs."""

from __future__ import annotations

import builtins
import math
import operator
from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

from rushlight.base.device import device
from rushlight.base.dtypes import dtype
from rushlight.fx import naming
from rushlight.fx.node import Node, map_arg
from rushlight.tensor import Tensor

if TYPE_CHECKING:
    from rushlight.fx.graph import Graph

__all__ = ["CodeGen", "PythonCode"]

_BINARY = {"add": "+", "sub": "-", "mul": "*", "truediv": "/", "floordiv": "//", "mod": "%",
           "pow": "**", "matmul": "@", "lshift": "<<", "rshift": ">>", "and_": "&", "or_": "|",
           "xor": "^", "eq": "==", "ne": "!=", "lt": "<", "gt": ">", "le": "<=", "ge": ">="}
_SYMBOLS = {
    **{getattr(operator, name): f"{{}} {sign} {{}}" for name, sign in _BINARY.items()},
    operator.neg: "-{}", operator.pos: "+{}", operator.invert: "~{}", operator.getitem: "{}[{}]",
}


class PythonCode(NamedTuple):
    """A written program: its text, the function's part of it, and the names that it needs."""

    src: str
    globals: dict[str, Any]
    body: str


class CodeGen:
    """Writes a graph as the method `forward`."""

    def write(self, graph: Graph, root: str) -> PythonCode:
        """The function; `root` is its first argument, the module."""
        writer = _Writer(root)
        lines: list[str] = []
        parameters = [root]
        returned = ""
        last_uses = _last_uses(graph)
        for node in graph.nodes:
            if node.op == "placeholder":
                parameters.append(writer.parameter(node))
                bare = str(node.target).lstrip("*")
                if bare != node.name:
                    lines.append(f"{node.name} = {bare}")
                continue
            if node.op == "output":
                if node.type is not None:
                    returned = f" -> {writer.kind(node.type)}"
                lines.append(f"return {writer.value(node.args[0])}")
                continue
            done = last_uses.get(node, []) + ([] if node.users else [node])
            rest = f";  {' = '.join([*map(str, done), 'None'])}" if done else ""
            lines.append(f"{node.name} = {writer.call(node)}{rest}")
        inside = "\n".join(f"    {line}" for line in lines or ["pass"])
        body = f"def forward({', '.join(parameters)}){returned}:\n{inside}\n    "
        wrapped = "\n".join(f'torch.fx._symbolic_trace.wrap("{name}")' for name in writer.wrapped)
        return PythonCode(f"\n{wrapped}\n\n{body}", writer.globals, body)


def _last_uses(graph: Graph) -> dict[Node, list[Node]]:
    """Of each node, the values that nobody takes after it."""
    seen: set[Node] = set()
    found: dict[Node, list[Node]] = {}

    for user in reversed(graph.nodes):
        def meet(node: Node, user: Node = user) -> Node:
            if node not in seen:
                seen.add(node)
                found.setdefault(user, []).append(node)
            return node

        map_arg(user.args, meet)
        map_arg(user.kwargs, meet)
    return found


class _Writer:
    def __init__(self, root: str) -> None:
        self.root = root
        self.torch = SimpleNamespace()
        self.globals: dict[str, Any] = {"torch": self.torch, "inf": math.inf, "nan": math.nan,
                                        "device": device, "NoneType": type(None)}
        self.wrapped: list[str] = []

    def name(self, path: str, target: Any) -> str:
        """The text that means `target` in the program."""
        if path.startswith("torch."):
            *inner, last = path.split(".")[1:]
            place: Any = self.torch
            for part in inner:
                if not hasattr(place, part):
                    setattr(place, part, SimpleNamespace())
                place = getattr(place, part)
            setattr(place, last, target)
            return path
        if path.startswith("builtins."):
            return path.removeprefix("builtins.")
        wish = "".join(c if c.isalnum() else "_" for c in path)
        name, number = wish, 0
        while self.globals.get(name, target) is not target:
            number += 1
            name = f"{wish}_{number}"
        self.globals[name] = target
        return name

    def kind(self, annotation: Any) -> str:
        """A type annotation."""
        if isinstance(annotation, str):
            return repr(annotation)
        if isinstance(annotation, type):
            if issubclass(annotation, Tensor):
                return self.name(f"torch.{annotation.__name__}", annotation)
            name = annotation.__name__
            if getattr(builtins, name, None) is annotation:
                return name
        return self.name(str(annotation).replace("rushlight.", ""), annotation)

    def parameter(self, node: Node) -> str:
        kind = f" : {self.kind(node.type)}" if node.type is not None else ""
        default = f" = {self.value(node.args[0])}" if node.args else ""
        return f"{node.target}{kind}{default}"

    def value(self, value: Any) -> str:
        if isinstance(value, tuple):
            items = ", ".join(map(self.value, value)) + ("," if len(value) == 1 else "")
            if hasattr(value, "_fields"):
                return f"{self.name(type(value).__qualname__, type(value))}({items})"
            return f"({items})"
        if isinstance(value, list):
            return f"[{', '.join(map(self.value, value))}]"
        if isinstance(value, dict):
            items = ", ".join(f"{key!r}: {self.value(item)}" for key, item in value.items())
            return f"{{{items}}}"
        if isinstance(value, slice):
            return f"slice({', '.join(map(self.value, (value.start, value.stop, value.step)))})"
        if isinstance(value, Node | bool | int | float | complex | str | type(None) | device):
            return repr(value)
        if isinstance(value, dtype):
            return self.name(f"torch.{str(value).rpartition('.')[2]}", value)
        if value is ...:
            return "Ellipsis"
        if callable(value):
            return self.name(naming.path_of(value), value)
        return self.name(f"_{type(value).__name__}", value)

    def call(self, node: Node) -> str:
        """The right-hand side of a node's line."""
        if node.op == "get_attr":
            return self.path(str(node.target))
        if node.op == "call_module":
            return f"{self.path(str(node.target))}({self.arguments(node.args, node.kwargs)})"
        if node.op == "call_method":
            of = self.value(node.args[0])
            return f"{of}.{node.target}({self.arguments(node.args[1:], node.kwargs)})"
        return self.function(node)

    def function(self, node: Node) -> str:
        target, args = node.target, node.args
        if target in _SYMBOLS and not node.kwargs:
            return _SYMBOLS[target].format(*map(self.value, args))
        if target is getattr and len(args) == 2 and str(args[1]).isidentifier():
            return f"{self.value(args[0])}.{args[1]}"
        path = naming.path_of(target)
        name = self.name(path, target)
        if target in marked:
            self.wrapped = list(dict.fromkeys((*self.wrapped, name)))
        return f"{name}({self.arguments(args, node.kwargs)})"

    def arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        return ", ".join([*map(self.value, args),
                          *(f"{name} = {self.value(item)}" for name, item in kwargs.items())])

    def path(self, path: str) -> str:
        text = self.root
        for part in path.split("."):
            text = f"{text}.{part}" if part.isidentifier() else f'getattr({text}, "{part}")'
        return text


marked: set[Callable[..., Any]] = set()  # functions that `wrap` was told of
