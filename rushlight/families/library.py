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
        def samples(x): return [(x(2, 3, 4), x(2, 4, 5))]  # calls for the derived tests
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cached_property, partial
from typing import Any, NamedTuple

import numpy as np

from rushlight.backends.copies import copied
from rushlight.base.errors import type_name, user_site
from rushlight.base.flags import flags
from rushlight.engine.node import (
    LEAF,
    Node,
    Slot,
    edge_of,
    next_sequence,
    version_of,
)
from rushlight.families.declaration import Declaration, named, node_name, register
from rushlight.families.inplace import check_in_place, record_in_place, write_out, wrote
from rushlight.families.library_source import (
    ENVIRONMENT,
    asking,
    backward_source,
    head,
    wrapper_source,
)
from rushlight.families.saved_values import attributes
from rushlight.families.source import lazy_function
from rushlight.families.wrapped import is_wrapped, levels, override_op, refuse_out
from rushlight.tensor import Tensor, wrap


class KeptLayout(NamedTuple):
    """For calls without gradient: an operand of which a copy in another layout may be kept."""

    operand: str
    serves: Callable[[Any, Any], bool]  # whether that is quicker, of the first operand and this one
    forward: Callable[..., Any]  # the op's forward, and where copies are kept


class Library:
    """A declared library op."""

    def __init__(self, declaration: Declaration, cls: Any) -> None:
        self.declaration, self.name = declaration, declaration.name
        self.forward, self.rule = cls.forward, getattr(cls, "backward", None)
        self.keeps: tuple[str, ...] = getattr(cls, "keeps", ())
        self.outputs: int = getattr(cls, "outputs", 1)
        self.node: str = getattr(cls, "node", self.name)  # torch's op, or its node
        self.structure: Any = getattr(cls, "structure", tuple)
        self.differentiable: Any = getattr(cls, "differentiable", None)
        self.layout: KeptLayout | None = getattr(cls, "layout", None)
        self.in_target: bool = getattr(cls, "in_target", False)

    # What the signatures say is read when first asked for: importing stays quick.

    @cached_property
    def signature(self) -> inspect.Signature:
        """The parameters of `forward` as declared."""
        return inspect.signature(self.forward)

    @cached_property
    def operands(self) -> list[str]:
        """The parameters that are tensors."""
        return [p.name for p in self.signature.parameters.values()
                if str(p.annotation) != "Option"
                and (p.default is p.empty or str(p.annotation) == "Operand")]

    @cached_property
    def options(self) -> list[str]:
        """The parameters that are no tensors."""
        return [name for name in self.signature.parameters if name not in self.operands]

    @cached_property
    def reads(self) -> list[str]:
        """What the backward wants kept: the names of its parameters but the first."""
        return [] if self.rule is None else list(inspect.signature(self.rule).parameters)[1:]

    @cached_property
    def node_class(self) -> type[Node]:
        """The class of the nodes that record this op."""
        return _node_class(self)

    def is_output(self, name: str) -> bool:
        """Whether `name`, read by the backward, stands for a result: "output", "output1", ..."""
        return name.startswith("output") and name not in self.signature.parameters


def _node_class(op: Library) -> type[Node]:
    """The class of the nodes that record `op`, its backward written on first use."""
    members: dict[str, Any] = {"__slots__": (), "op": op, "outputs": op.outputs,
                               "keeps_tensors": any(
                                   name in op.operands or name in op.keeps or op.is_output(name)
                                   for name in op.reads),
                               "__module__": op.forward.__module__, **attributes(op.reads)}
    if op.rule is not None:
        members["backward"] = lazy_function("backward", op.forward.__module__,
                                            lambda: backward_source(op))
    name = op.node if op.node.endswith("Backward0") else node_name(op.node)
    return type(name, (Node,), members)


def record(op: Library, results: list[Tensor], values: dict[str, Any],
           kept: tuple[Any, ...] = ()) -> Node:
    """The node of a call whose results require grad; the caller attaches it."""
    node = object.__new__(op.node_class)
    node._sequence = next_sequence()
    node.edges = tuple(_edge(values[name]) for name in op.operands)
    saved: list[Any] = []
    for name in op.reads:
        saved += _keep(op, name, values, results, kept)
    node.saved = tuple(saved)
    if flags.anomaly:
        node.site = user_site()
    return node


def _edge(value: Any) -> Any:
    if not isinstance(value, Tensor):
        return None
    node = value._node
    return value if node is LEAF else node


def _keep(op: Library, name: str, values: dict[str, Any], results: list[Tensor],
          kept: tuple[Any, ...]) -> tuple[Any, ...]:
    """What a node saves under `name`, in the layout that the written backward unpacks."""
    if name in op.operands or op.is_output(name):
        tensor = values[name] if name in op.operands else results[int(name[6:] or 0)]
        if tensor is None:
            return (None, None, None)
        version = version_of(tensor)
        return (tensor._array, version, version[0])
    if name in values:
        return (values[name],)
    first = values[op.operands[0]]._array
    if name == "shape":
        return (first.shape,)
    if name == "kind":
        return (first.dtype,)
    return () if name == "needs" else (kept[op.keeps.index(name)],)


def call(op: Library, values: dict[str, Any], out: Any = None) -> Any:
    """Run a library op: `values` maps the names of operands and options to arguments."""
    if levels.stack and is_wrapped(values.values()):
        refuse_out(op.name, out)
        return override_op(call, op, values)
    arguments = {}
    requires = False
    if op.in_target and values["dtype"] is None and isinstance(out, Tensor):
        values = {**values, "dtype": out.dtype}
    for name, value in values.items():
        arguments[name] = value
        if name in op.operands and (value is not None or name == op.operands[0]):
            if not isinstance(value, Tensor):
                raise _not_a_tensor(op, name, value)
            requires = requires or value._node is not None
            arguments[name] = value._array
    with np.errstate(all="ignore"):
        found = op.forward(**arguments)
    kept: tuple[Any, ...] = ()
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


def _several(op: Library, values: dict[str, Any], arrays: tuple[Any, ...],
             kept: tuple[Any, ...], recording: bool, out: Any) -> Any:
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


def _structure(op: Library, results: list[Any]) -> Any:
    return tuple(results) if op.structure is tuple else op.structure(*results)


def _not_a_tensor(op: Library, name: str, value: Any) -> TypeError:
    position = list(op.signature.parameters).index(name) + 1
    return TypeError(f"{op.name}(): argument '{name}' (position {position}) must be Tensor, not "
                     f"{type_name(value)}")


def call_in_place(op: Library, values: dict[str, Any]) -> Tensor:
    """Run a library op and put the result where its first operand is."""
    if levels.stack and is_wrapped(values.values()):
        return override_op(call_in_place, op, values, in_place=True)
    target = values[op.operands[0]]
    recorded = flags.grad_enabled and any(
        isinstance(v, Tensor) and v._node is not None for v in values.values())
    check_in_place(target, recorded)
    before = wrap(copied(target._array) if op.operands[0] in op.reads else target._array)
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

    A bare name stands for the function and, unless it is private, the method; inplace adds their
    in-place forms.
    """

    def declare(cls: Any) -> Any:
        cls.forward.__doc__ = cls.__doc__
        declaration = Declaration(cls.__name__, family, cls.forward,
                                  samples=getattr(cls, "samples", None))
        op = declaration.op = Library(declaration, cls)
        written = lazy_function(op.name, cls.__module__, lambda: wrapper_source(op, call))
        function = declaration.function = named(op.name, written, declaration)
        for path in paths.split():
            holder, _, name = path.rpartition(".")
            register(declaration, path, function)
            if holder or name.startswith("_"):
                continue
            register(declaration, f"Tensor.{name}", function)
            if inplace:
                own = named(f"{name}_", lazy_function(
                    f"{name}_", cls.__module__, partial(_write_in_place, op, f"{name}_")),
                    declaration)
                register(declaration, f"{name}_", own)
                register(declaration, f"Tensor.{name}_", own)
        return function

    return declare


def _write_in_place(op: Library, name: str) -> tuple[str, dict[str, Any]]:
    """Source and globals of a library op's in-place form."""
    environment: dict[str, Any] = {**ENVIRONMENT, "op": op, "call_in_place": call_in_place}
    mapping = "{" + ", ".join(f"{n!r}: {n}" for n in op.signature.parameters) + "}"
    lines = [f"def {name}({head(op, environment, out=False)}):", *asking(op, name, environment),
             f"return call_in_place(op, {mapping})"]
    return "\n    ".join(lines) + "\n", environment
