"""View ops: another geometry over the same memory.

The body of a declaration works on arrays and returns one that shares their memory; `grad` gives
the gradient in terms of ops: a function of the gradient, the input's shape, and the arguments.

    @view("transpose Tensor.transpose", grad=lambda g, shape, dim0, dim1: transpose(g, dim0, dim1))
    def transpose(input, dim0, dim1): ...

A view remembers how it was made, so that it can be taken anew when its base is written to.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import cached_property
from textwrap import indent
from typing import Any
from weakref import ref as reference

from rushlight.base.errors import user_site
from rushlight.base.flags import flags, tracing
from rushlight.engine.node import LEAF, Node, Slot, freed, next_sequence
from rushlight.families.declaration import Declaration, Samples, named, node_name, register
from rushlight.families.override_source import ASKING, asking_lines
from rushlight.families.pieces import PiecesBackward, order_of
from rushlight.families.source import compile_function, lazy_function
from rushlight.families.wrapped import Call, Wrapped, levels, override
from rushlight.tensor import Parameter, Tensor

PRUNE_FROM = 64
new = object.__new__


class View:
    """A declared view op."""

    def __init__(self, declaration: Declaration, grad: Callable[..., Any],
                 otherwise: Callable[..., Any] | None, many: bool, node: str) -> None:
        self.declaration, self.name, self.body = declaration, declaration.name, declaration.body
        self.grad, self.otherwise, self.many = grad, otherwise, many
        parameters = list(inspect.signature(self.body).parameters.values())[1:]
        self.star = next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), None)
        self.parameters = parameters
        self.node = node or self.name

    @cached_property
    def node_class(self) -> type[Node]:
        """The class of the nodes that record this op."""
        return self._node_class(ViewBackward)

    @cached_property
    def pieces_class(self) -> type[Node]:
        """The class of the nodes that record one of several views."""
        return self._node_class(PiecesBackward)

    def _node_class(self, base: type[Node]) -> type[Node]:
        return type(node_name(self.node), (base,), {
            "__slots__": (), "op": self, "__module__": self.body.__module__})


class ViewBackward(Node):
    """The gradient of a view: through the declared rule."""

    __slots__ = ()
    op: View
    keeps_tensors = False

    def backward(self, gradient: Any, create: bool) -> tuple[Any, ...]:
        saved = self.saved
        if saved is None:
            raise freed(self)
        return (self.op.grad(gradient, *saved),)


# The tensor for `array`, a view of `input` that `function(input, *arguments)` makes. Views are the
# most frequent of small calls, so wrappers have these lines in them instead of a call.
TAKE = """\
result = new(Tensor)
result._array = array
known = input._view
result._view = (input if known is None else known[0], known, function, arguments)
version = input._writes
if version is None:
    result._writes = input._writes = [0, None, [reference(result)]]
else:
    result._writes = version
    views = version[2]
    if views is None:
        version[2] = [reference(result)]
    else:
        views.append(reference(result))
        n = len(views)
        if n >= PRUNE_FROM and not n & (n - 1):
            version[2] = [r for r in views if r() is not None]
edge = input._node
if edge is None or not flags.grad_enabled:
    result._node = None
    return result
node = result._node = new(node_class)
node._sequence = next_sequence()
node.edges = (input if edge is LEAF else edge,)
node.saved = (input._array.shape, *arguments)
if tracing and flags.anomaly:
    node.site = user_site()
return result
"""
ENVIRONMENT: dict[str, Any] = {
    "Tensor": Tensor, "Parameter": Parameter, "new": new, "reference": reference,
    "PRUNE_FROM": PRUNE_FROM, "flags": flags, "tracing": tracing, "LEAF": LEAF,
    "next_sequence": next_sequence, "user_site": user_site,
    "Wrapped": Wrapped, "Call": Call, "levels": levels, "override": override}
take_view: Callable[..., Tensor] = compile_function(
    "take_view", "def take_view(function, node_class, input, array, arguments):\n"
    + indent(TAKE, "    "), {**ENVIRONMENT}, __name__)


def take_views(function: Any, input: Tensor, arrays: Sequence[Any],
               arguments: Sequence[tuple[Any, ...]]) -> tuple[Tensor, ...]:
    """The tensors for views that together cover `input`, each as `take_view` makes one by a
    declared op; they are recorded as one node."""
    if isinstance(input, Wrapped) and levels.stack:
        return tuple([function(input, *given) for given in arguments])
    known, edge, version = input._view, input._node, input._writes
    base = input if known is None else known[0]
    recorded = edge is not None and flags.grad_enabled
    target = input if edge is LEAF else edge
    if version is None:
        version = input._writes = [0, None, None]
    views = version[2]
    if views is None:
        views = version[2] = []
    before = len(views).bit_length()
    results: list[Tensor] = []
    if recorded:
        node = new(function.declaration.op.pieces_class)
        node._sequence = next_sequence()
        node.edges, node.outputs = (target,), len(arrays)
        node.saved = (input._array.shape, order_of(input._array), arguments)
        if tracing and flags.anomaly:
            node.site = user_site()
    for array, given in zip(arrays, arguments, strict=True):
        result = new(Tensor)
        result._array, result._writes, result._node = array, version, None
        result._view = (base, known, function, given)
        if recorded:
            result._node = Slot(node, len(results)) if len(arrays) > 1 else node
        results.append(result)
        views.append(reference(result))
    if len(views) >= PRUNE_FROM and len(views).bit_length() > before:
        version[2] = [r for r in views if r() is not None]
    return tuple(results)


def view(paths: str, *, grad: Callable[..., Any], otherwise: Callable[..., Any] | None = None,
         many: bool = False, node: str = "", samples: Samples | None = None,
         ) -> Callable[[Callable[..., Any]], Any]:
    """Declare a view op under the torch `paths`; returns its eager function.

    A bare name stands for the function and, unless it is private, the method. grad: (gradient,
    shape, *arguments) -> gradient of the input. otherwise: what to call where the body returns
    None because no view exists. many: the op returns one of several views, which may not be
    written to in place. node: the op that torch names its node after. samples: calls for the
    derived tests.
    """

    def declare(body: Callable[..., Any]) -> Any:
        declaration = Declaration(body.__name__, "view", body, samples=samples)
        op = declaration.op = View(declaration, grad, otherwise, many, node)
        function = declaration.function = named(
            op.name, lazy_function(op.name, body.__module__, lambda: _write(op)), declaration)
        function.many = many
        for path in paths.split():
            holder, _, name = path.rpartition(".")
            register(declaration, path, function)
            if not holder and not name.startswith("_"):
                register(declaration, f"Tensor.{name}", function)
        return function

    return declare


def _write(op: View) -> tuple[str, dict[str, Any]]:
    """Source and globals of a view op's wrapper."""
    environment = {**ENVIRONMENT, **ASKING, "op": op, "body": op.body,
                   "node_class": op.node_class, "checked": checked, "otherwise": op.otherwise,
                   "by_name": by_name, "function": op.declaration.function}
    names = [p.name for p in op.parameters]
    head = ["input"]
    for p in op.parameters:
        if p.kind is p.VAR_POSITIONAL:
            head.append(f"*{p.name}")
        elif p.default is p.empty:
            head.append(p.name)
        else:
            environment[f"default_{p.name}"] = p.default
            head.append(f"{p.name}=default_{p.name}")
    passed = ", ".join(f"*{n}" if n == op.star else n for n in names)
    packed = op.star if names == [op.star] else f"({passed}{',' if passed else ''})"
    call = f"input, {passed}" if passed else "input"
    if op.star:
        head.append("**named")
    lines = [f"def {op.name}({', '.join(head)}):"]
    if op.star:
        lines += ["    if named:", f"        {op.star} = by_name({op.name!r}, {op.star!r}, named)"]
    lines += ["    if type(input) is not Tensor and type(input) is not Parameter:",
              "        if isinstance(input, Wrapped) and levels.stack:",
              f"            arguments = ({call}{'' if passed else ','})",
              "            return override(Call(function, arguments, {}, op, op.name, 'view'))",
              *(f"        {line}" for line in _asking(op, environment)),
              "        checked(function, input)",
              f"    array = body(input._array{', ' + passed if passed else ''})"]
    if op.otherwise is not None:
        lines += ["    if array is None:", f"        return otherwise({call})"]
    lines.append(f"    arguments = {packed}")
    return "\n".join(lines) + "\n" + indent(TAKE, "    "), environment


def _asking(op: View, environment: dict[str, Any]) -> list[str]:
    """Offer the call to other types and to modes."""
    if op.name.startswith("_"):  # a part of an operation, which asked itself
        return []
    required = [p.name for p in op.parameters if p.default is p.empty and p.name != op.star]
    options = {p.name: p.default for p in op.parameters if p.default is not p.empty}
    return asking_lines("function", ["input", *required], list(options), options, environment,
                        star=op.star or "")


def by_name(op: str, star: str, named_arguments: dict[str, Any]) -> tuple[Any, ...]:
    """Arguments of `f(x, *dims)` given as `dims=`, or in torch's other spellings."""
    for name in (star, "dim", "dims", "shape", "size", "sizes", "dtype"):
        if name in named_arguments and len(named_arguments) == 1:
            value = named_arguments[name]
            return tuple(value) if isinstance(value, (tuple, list)) else (value,)
    raise TypeError(f"{op}() got an unexpected keyword argument '{next(iter(named_arguments))}'")


def checked(function: Any, input: Any) -> None:
    """Refuse what is no tensor."""
    if not isinstance(input, Tensor):
        raise TypeError(f"{function.__name__}(): argument 'input' (position 1) must be Tensor, "
                        f"not {type(input).__name__}")
