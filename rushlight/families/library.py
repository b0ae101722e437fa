"""Library ops: a function of whole arrays, run by NumPy or a kernel library.

A declaration is a class. `forward` works on arrays: parameters without a default (or marked
`Operand`) are tensors, the others options. `backward` works on tensors, in terms of ops, so that
every order is free; the names of its parameters say what it needs kept:

    the name of an operand      that tensor          "shape"    the first operand's shape
                                                 "kind"     its element type
    the name of an option       its value            "output"   the result
    a name in `keeps`           what forward returned besides    "needs"    which gradients to make

    @library("bmm")
    class bmm:
        def forward(input, mat2): ...
        def backward(gradient, input, mat2): return gradient @ mat2.mT, input.mT @ gradient
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from rushlight.base.errors import user_site
from rushlight.base.flags import flags
from rushlight.engine.node import (
    LEAF,
    Node,
    Slot,
    changed,
    edge_of,
    freed,
    next_sequence,
    version_of,
)
from rushlight.families.declaration import Declaration, named, register
from rushlight.families.inplace import check_in_place, record_in_place, write_out, wrote
from rushlight.families.source import lazy_function
from rushlight.tensor import Parameter, Tensor, wrap


class Library:
    """A declared library op."""

    def __init__(self, declaration: Declaration, cls: Any) -> None:
        self.declaration, self.name = declaration, declaration.name
        self.forward, self.rule = cls.forward, getattr(cls, "backward", None)
        self.keeps: tuple[str, ...] = getattr(cls, "keeps", ())
        self.outputs: int = getattr(cls, "outputs", 1)
        self.structure: Any = getattr(cls, "structure", tuple)
        self.differentiable: Any = getattr(cls, "differentiable", None)
        self.signature = inspect.signature(self.forward)
        self.operands: list[str] = []
        self.options: list[str] = []
        for p in self.signature.parameters.values():
            tensor = p.default is p.empty or str(p.annotation) == "Operand"
            tensor = tensor and str(p.annotation) != "Option"
            (self.operands if tensor else self.options).append(p.name)
        self.reads = [] if self.rule is None else list(
            inspect.signature(self.rule).parameters)[1:]
        title = "".join(part.capitalize() for part in self.name.strip("_").split("_"))
        self.node_class: type[Node] = type(f"{title}Backward0", (LibraryBackward,), {
            "__slots__": (), "op": self, "outputs": self.outputs, "__module__": cls.__module__})


class LibraryBackward(Node):
    """The gradient of a library op: through its declared backward."""

    __slots__ = ()
    op: Library

    def backward(self, gradient: Any, create: bool) -> tuple[Any, ...]:
        if self.saved is None:
            raise freed(self)
        op, edges = self.op, self.edges
        arguments = []
        for name, entry in zip(op.reads, self.saved, strict=True):
            if name == "needs":
                entry = tuple(edge is not None for edge in edges)
            elif type(entry) is Saved:
                entry = entry.unpack(self, create)
            arguments.append(entry)
        results = op.rule(gradient, *arguments)
        return results if type(results) is tuple else (results,)


class Saved:
    """A tensor that a node keeps: its array and version, and where it stands in the graph."""

    __slots__ = ("array", "count", "position", "version")

    def __init__(self, tensor: Tensor, position: int) -> None:
        self.array, self.position = tensor._array, position
        self.version = version_of(tensor)
        self.count = self.version[0]

    def unpack(self, node: Node, create: bool) -> Tensor:
        """The tensor again; with its place in the graph where gradients are recorded.

        Raises RuntimeError where it was overwritten meanwhile.
        """
        if self.version[0] != self.count:
            raise changed(node, self.version, self.count)
        if create and self.position >= 0:
            edge = node.edges[self.position]
            if isinstance(edge, Tensor) and edge._array is self.array:
                return edge
            made = wrap(self.array)
            made._node = edge
            made._version = self.version
            return made
        made = wrap(self.array)
        if create and self.position < 0:
            made._node = node if node.outputs == 1 else Slot(node, -1 - self.position)
        made._version = self.version
        return made


def record(op: Library, results: list[Tensor], values: dict[str, Any],
           kept: tuple = ()) -> Node:
    """The node of a call whose results require grad; the caller attaches it."""
    node = object.__new__(op.node_class)
    node._sequence = next_sequence()
    node.edges = tuple(_edge(values[name]) for name in op.operands)
    node.saved = tuple(_keep(op, name, values, results, kept) for name in op.reads)
    if flags.anomaly:
        node.site = user_site()
    return node


def _edge(value: Any) -> Any:
    if not isinstance(value, Tensor):
        return None
    node = value._node
    return value if node is LEAF else node


def _keep(op: Library, name: str, values: dict[str, Any], results: list[Tensor],
          kept: tuple) -> Any:
    if name in values:
        value = values[name]
        return Saved(value, op.operands.index(name)) if isinstance(value, Tensor) else value
    if name.startswith("output"):
        index = int(name[6:] or 0)
        return Saved(results[index], -1 - index)
    if name == "shape":
        return values[op.operands[0]]._array.shape
    if name == "kind":
        return values[op.operands[0]]._array.dtype
    return None if name == "needs" else kept[op.keeps.index(name)]


def call(op: Library, values: dict[str, Any], out: Any = None) -> Any:
    """Run a library op: `values` maps the names of operands and options to arguments."""
    arguments = {}
    requires = False
    for name, value in values.items():
        arguments[name] = value
        if name in op.operands and value is not None:
            if not isinstance(value, Tensor):
                raise _not_a_tensor(op, name, value)
            requires = requires or value._node is not None
            arguments[name] = value._array
    with np.errstate(all="ignore"):
        found = op.forward(**arguments)
    kept: tuple = ()
    if op.keeps:
        found, kept = found[0], tuple(found[1:])
    recording = requires and flags.grad_enabled and op.rule is not None
    if op.outputs > 1:
        return _several(op, values, found, kept, recording, out)
    if out is not None:
        return write_out(out, found, op.name, recorded=recording)
    result = wrap(found)
    if recording and found.dtype.kind in "fcV":
        result._node = record(op, [result], values, kept)
    return result


def _several(op: Library, values: dict[str, Any], arrays: tuple, kept: tuple, recording: bool,
             out: Any) -> Any:
    if out is not None:
        return _structure(op, [write_out(o, a, op.name, recorded=recording)
                               for o, a in zip(out, arrays, strict=True)])
    results = [wrap(a) for a in arrays]
    if recording:
        node = record(op, results, values, kept)
        for i in range(op.outputs) if op.differentiable is None else op.differentiable:
            if results[i]._array.dtype.kind in "fcV":
                results[i]._node = Slot(node, i)
    return _structure(op, results)


def _structure(op: Library, results: list) -> Any:
    return tuple(results) if op.structure is tuple else op.structure(*results)


def _not_a_tensor(op: Library, name: str, value: Any) -> TypeError:
    position = list(op.signature.parameters).index(name) + 1
    return TypeError(f"{op.name}(): argument '{name}' (position {position}) must be Tensor, not "
                     f"{type(value).__name__}")


def call_in_place(op: Library, values: dict[str, Any]) -> Tensor:
    """Run a library op and put the result where its first operand is."""
    target = values[op.operands[0]]
    recorded = flags.grad_enabled and any(
        isinstance(v, Tensor) and v._node is not None for v in values.values())
    check_in_place(target, recorded)
    before = wrap(target._array.copy() if op.operands[0] in op.reads else target._array)
    before._node = edge_of(target)
    result = call(op, {**values, op.operands[0]: before})
    if result._array.shape != target._array.shape:
        raise RuntimeError(f"output with shape {list(target._array.shape)} doesn't match the "
                           f"broadcast shape {list(result._array.shape)}")
    target._array[...] = result._array
    if recorded:
        record_in_place(target, result)
    else:
        wrote(target)
    return target


def library(paths: str, *, inplace: bool = False,
            family: str = "library") -> Callable[[Any], Any]:
    """Declare a library op under the torch `paths`; returns its eager function.

    A bare name stands for the function and, unless it is private, the method; inplace adds their in-place forms.
    """

    def declare(cls: Any) -> Any:
        cls.forward.__doc__ = cls.__doc__
        declaration = Declaration(cls.__name__, family, cls.forward)
        op = declaration.op = Library(declaration, cls)
        function = declaration.function = named(
            op.name, lazy_function(op.name, cls.__module__, lambda: _write(op)), declaration)
        for path in paths.split():
            holder, _, name = path.rpartition(".")
            register(declaration, path, function)
            if holder or name.startswith("_"):
                continue
            register(declaration, f"Tensor.{name}", function)
            if inplace:
                own = named(f"{name}_", lazy_function(
                    f"{name}_", cls.__module__, lambda n=name: _write(op, f"{n}_")), declaration)
                register(declaration, f"{name}_", own)
                register(declaration, f"Tensor.{name}_", own)
        return function

    return declare


def _write(op: Library, in_place: str | None = None) -> tuple[str, dict[str, Any]]:
    """Source and globals of a library op's wrapper."""
    environment: dict[str, Any] = {
        "Tensor": Tensor, "Parameter": Parameter, "new": object.__new__, "op": op, "call": call,
        "call_in_place": call_in_place, "forward": op.forward}
    head, keyword_only = [], False
    for p in op.signature.parameters.values():
        if p.kind is p.KEYWORD_ONLY and not keyword_only:
            head.append("*")
            keyword_only = True
        if p.default is p.empty:
            head.append(p.name)
        else:
            environment[f"default_{p.name}"] = p.default
            head.append(f"{p.name}=default_{p.name}")
    names = list(op.signature.parameters)
    mapping = "{" + ", ".join(f"{n!r}: {n}" for n in names) + "}"
    if in_place is not None:
        lines = [f"def {in_place}({', '.join(head)}):",
                 f"    return call_in_place(op, {mapping})"]
        return "\n".join(lines) + "\n", environment
    head += ([] if keyword_only else ["*"]) + ["out=None"]
    lines = [f"def {op.name}({', '.join(head)}):"]
    if op.outputs == 1 and not op.keeps and not any(n in op.signature.parameters and
                                                    op.signature.parameters[n].default is not
                                                    inspect.Parameter.empty
                                                    for n in op.operands):
        exact = " and ".join(f"(type({n}) is Tensor or type({n}) is Parameter)"
                             for n in op.operands)
        nodes = " or ".join(f"{n}._node is not None" for n in op.operands)
        keywords = {p.name for p in op.signature.parameters.values() if p.kind is p.KEYWORD_ONLY}
        passed = ", ".join(f"{n}._array" if n in op.operands else
                           (f"{n}={n}" if n in keywords else n) for n in names)
        lines += [f"    if out is None and {exact} and not ({nodes}):",
                  "        result = new(Tensor)",
                  f"        result._array = forward({passed})",
                  "        result._node = result._version = result._view = None",
                  "        return result"]
    lines.append(f"    return call(op, {mapping}, out)")
    return "\n".join(lines) + "\n", environment


