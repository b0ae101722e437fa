"""Ops that read or write elements through indices: gather, scatter, index_add, masked_fill, ...

A declaration's body works on arrays. One that reads returns a new array; one that writes changes
its first operand, and the family makes the copying, in-place and out= forms of it:

    @index_op("scatter_add", writes=True, saves="index",
              grad={"input": lambda g, call: g, "src": lambda g, call: gather(g, ...)})
    def scatter_add(input, dim, index, src): ...

A gradient is an ordinary function of tensors, so it has gradients itself. It is given the
gradient of the output and the call: its arguments, where tensors that are not in ``saves`` are
known by shape and dtype alone.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from rushlight.backends.meta.array import MetaArray, is_meta
from rushlight.base import dtypes
from rushlight.base.errors import user_site
from rushlight.base.flags import flags
from rushlight.base.shapes import broadcast_shapes
from rushlight.engine.node import COUNT, Node, changed, edge_of, freed, next_sequence, version_of
from rushlight.families.declaration import Declaration, named, node_name, register
from rushlight.families.inplace import (
    check_in_place,
    check_overlap,
    record_in_place,
    write_out,
    wrote,
)
from rushlight.families.inplace import title as dtype_title
from rushlight.families.source import lazy_function
from rushlight.tensor import Parameter, Tensor, wrap

INDEX_DTYPES = frozenset((np.dtype(np.int64), np.dtype(np.int32)))

Gradient = Callable[[Tensor, SimpleNamespace], Tensor]


class Geometry(NamedTuple):
    """What a gradient may know of a tensor that was not saved."""

    shape: tuple[int, ...]
    dtype: np.dtype


class IndexOp:
    """A declared op of this family."""

    def __init__(
        self,
        declaration: Declaration,
        writes: bool,
        saves: str,
        shape: Callable[..., Any] | None,
        broadcast: str,
        grad: Mapping[str, Gradient],
    ) -> None:
        self.declaration, self.name, self.body = declaration, declaration.name, declaration.body
        self.writes, self.saves, self.shape, self.grad = writes, saves.split(), shape, grad
        self.broadcast = broadcast
        self.signature = inspect.signature(self.body)
        notes = {n: str(p.annotation) for n, p in self.signature.parameters.items()}
        self.operands = [n for n, note in notes.items() if "Array" in note]
        self.optional = {n for n in self.operands if notes[n] != "Array"}
        self.node_class = type(
            node_name(self.name),
            (IndexNode,),
            {"__slots__": (), "op": self, "__module__": self.body.__module__},
        )


class IndexNode(Node):
    """A recorded op of this family; ``saved`` is its call and the versions of what it kept."""

    __slots__ = ()
    op: IndexOp

    def backward(self, gradient: Any, create: bool) -> tuple[Any, ...]:
        """Gradients of the operands, by the declaration's own functions of tensors."""
        if self.saved is None:
            raise freed(self)
        call, versions = self.saved
        for version, count in versions:
            if version[COUNT] != count:
                raise changed(self, version, count)
        return tuple(
            None if edge is None else function(gradient, call)
            for edge, function in zip(self.edges, self.op.grad.values(), strict=True)
        )


def index_op(
    paths: str,
    *,
    name: str = "",
    writes: bool = False,
    saves: str = "",
    shape: Callable[..., Any] | None = None,
    broadcast: str = "",
    method: bool = True,
    grad: Mapping[str, Gradient] | None = None,
) -> Callable[[Callable[..., Any]], Any]:
    """Declare an op of this family under the torch ``paths``; returns its eager function.

    A bare name stands for the function and the method, with ``writes`` for both in-place forms
    too. Parameters annotated ``Array`` (``Array | None``, ``Array | Number``) are operands.

    Args:
        name: what messages and nodes call it, where that is not the body's name.
        writes: the body changes its first operand, and returns None; else it returns an array.
        saves: operands whose values the gradients read.
        shape: the result's shape, from the body's arguments: for tensors without data. Left out
            for an op that reads, the shape depends on the data.
        broadcast: an operand that a copying call broadcasts the first one with.
        method: False where torch has no method of the name.
        grad: for each differentiable operand a function of (gradient, call).
    """

    def declare(body: Callable[..., Any]) -> Any:
        declaration = Declaration(name or body.__name__, "index", body)
        op = declaration.op = IndexOp(declaration, writes, saves, shape, broadcast, grad or {})
        function = declaration.function = _eager(op, op.name, apply)
        function.op = op
        for path in paths.split():
            holder, _, last = path.rpartition(".")
            register(declaration, path, function)
            if holder or not method:
                continue
            register(declaration, f"Tensor.{last}", function)
            if writes:
                in_place = _eager(op, f"{last}_", apply_in_place)
                register(declaration, f"Tensor.{last}_", in_place)
        return function

    return declare


def _eager(op: IndexOp, name: str, form: Callable[..., Any]) -> Any:
    """The function that users call, written on its first call."""
    module = op.body.__module__
    function = lazy_function(name, module, lambda: _write(op, name, form))
    return named(name, function, op.declaration)


def _write(op: IndexOp, name: str, form: Callable[..., Any]) -> tuple[str, dict[str, Any]]:
    """Source and globals of a wrapper: torch's signature, the arguments passed on by name."""
    parts, keyword_only = [], False
    environment: dict[str, Any] = {"op": op, "form": form}
    for p in op.signature.parameters.values():
        if p.kind is p.KEYWORD_ONLY and not keyword_only:
            parts.append("*")
            keyword_only = True
        if p.default is not p.empty:
            environment[f"default_{p.name}"] = p.default
        parts.append(p.name if p.default is p.empty else f"{p.name}=default_{p.name}")
    names = "{" + ", ".join(f"{n!r}: {n}" for n in op.signature.parameters) + "}"
    lines = [f"def {name}({', '.join(parts)}):"]
    if form is apply:
        parts += ["out=None"] if keyword_only else ["*", "out=None"]
        names += ", out"
        lines = [f"def {name}({', '.join(parts)}):", *_quick_path(op, environment)]
    lines.append(f"    return form(op, {names})")
    return "\n".join(lines) + "\n", environment


def _quick_path(op: IndexOp, environment: dict[str, Any]) -> list[str]:
    """Source for plain tensors without data to record: straight to the body."""
    tensors = [n for n in op.operands if n not in op.optional]
    tests = ["out is None"]
    tests += [f"(type({n}) is Tensor or type({n}) is Parameter)" for n in tensors]
    tests += [f"(type({n}) is float or type({n}) is int)" for n in op.operands if n in op.optional]
    tests += [f"({n}._node is None or not flags.grad_enabled)" for n in op.grad if n in tensors]
    tests += [f"type({n}._array) is ndarray" for n in tensors]
    if op.broadcast:
        tests.append(f"{tensors[0]}._array.shape == {op.broadcast}._array.shape")
    environment.update(
        Tensor=Tensor, Parameter=Parameter, flags=flags, ndarray=np.ndarray, array=np.array
    )
    environment.update(body=op.body, wrap=wrap)
    arguments = ", ".join(
        f"{n}={n}._array" if n in tensors else f"{n}={n}" for n in op.signature.parameters
    )
    lines = [f"    if {' and '.join(tests)}:"]
    if not op.writes:
        return [*lines, f"        return wrap(body({arguments}))"]
    first = op.operands[0]
    arguments = arguments.replace(f"{first}={first}._array", f"{first}=target", 1)
    lines.append(f"        target = array({first}._array, order='C')")
    return [*lines, f"        body({arguments})", "        return wrap(target)"]


def apply(op: IndexOp, arguments: dict[str, Any], out: Tensor | None = None) -> Tensor:
    """Run an op of this family; one that writes does so in a copy."""
    arrays = _arrays(op, arguments)
    first = op.operands[0]
    array: Any
    if op.broadcast:
        arrays[first] = _broadcast_first(arrays[first], arrays[op.broadcast])
    if any(is_meta(arrays[n]) for n in op.operands):
        array = _without_data(op, arrays)
    elif op.writes:
        array = arrays[first] = np.array(arrays[first], order="C")
        op.body(**arrays)
    else:
        array = op.body(**arrays)
    recorded = _is_recorded(op, arguments)
    if out is not None:
        _check_out(op, out, array, arguments)
        return write_out(out, array, op.name, recorded=recorded)
    result = wrap(array)
    if recorded and array.dtype.kind in "fcV":
        _record(op, result, arguments)
    return result


def _check_out(op: IndexOp, out: Any, array: Any, arguments: dict[str, Any]) -> None:
    """These ops neither cast into out=, nor read from where they write."""
    if not isinstance(out, Tensor):
        return  # write_out says so
    check_overlap(out)
    if out._array.dtype != array.dtype:
        raise RuntimeError(
            f"Expected out tensor to have dtype {title(array.dtype)}, but got "
            f"{title(out._array.dtype)} instead ({op.name})"
        )
    for name in op.operands:
        value = arguments[name]
        if isinstance(value, Tensor) and _share_memory(out._array, value._array):
            raise RuntimeError(
                "unsupported operation: some elements of the input tensor and the written-to "
                "tensor refer to a single memory location. Please clone() the tensor before "
                f"performing the operation. ({op.name}: out= shares memory with {name})"
            )


def _share_memory(one: Any, other: Any) -> bool:
    return not is_meta(one) and not is_meta(other) and np.may_share_memory(one, other)


def apply_in_place(op: IndexOp, arguments: dict[str, Any]) -> Tensor:
    """Run an op that writes on the memory of its first operand."""
    arrays = _arrays(op, arguments)
    first = op.operands[0]
    target: Tensor = arguments[first]
    recorded = _is_recorded(op, arguments)
    check_in_place(target, recorded)
    own = target._array
    if not any(is_meta(arrays[n]) for n in op.operands):
        for name in op.operands[1:]:  # what is read must not change meanwhile
            other = arrays[name]
            if isinstance(other, np.ndarray) and np.may_share_memory(own, other):
                arrays[name] = other.copy()
        if recorded and first in op.saves:
            arguments = {**arguments, first: _snapshot(target)}
        op.body(**arrays)
    if not recorded:
        wrote(target)
        return target
    result = wrap(own)
    _record(op, result, arguments)
    record_in_place(target, result)
    return target


def _snapshot(tensor: Tensor) -> Tensor:
    """What a tensor is before a write, for a gradient that reads it."""
    made = wrap(tensor._array.copy())
    made._node = tensor._node
    return made


def _arrays(op: IndexOp, arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments with tensors as arrays."""
    arrays = dict(arguments)
    for name in op.operands:
        value = arguments[name]
        if isinstance(value, Tensor):
            arrays[name] = value._array
        elif name not in op.optional:
            position = list(op.signature.parameters).index(name) + 1
            raise TypeError(
                f"{op.name}(): argument '{name}' (position {position}) must be Tensor, "
                f"not {type(value).__name__}"
            )
    return arrays


def _broadcast_first(array: Any, other: Any) -> Any:
    if array.shape == other.shape:
        return array
    shape = broadcast_shapes([other.shape, array.shape])
    if is_meta(array):
        return MetaArray(shape, array.dtype)
    return np.broadcast_to(array, shape)


def _without_data(op: IndexOp, arrays: dict[str, Any]) -> MetaArray:
    first = arrays[op.operands[0]]
    if op.writes:
        return MetaArray(first.shape, first.dtype)
    if op.shape is None:
        raise NotImplementedError(
            f"{op.name}() on meta tensors: the shape of the result depends on the data"
        )
    return MetaArray(op.shape(**arrays), first.dtype)


def _is_recorded(op: IndexOp, arguments: dict[str, Any]) -> bool:
    if not flags.grad_enabled:
        return False
    values = (arguments[n] for n in op.grad)
    return any(isinstance(v, Tensor) and v._node is not None for v in values)


def _record(op: IndexOp, result: Tensor, arguments: dict[str, Any]) -> None:
    """Give ``result`` its node, with edges as they were before an in-place write."""
    node = op.node_class()
    node._sequence = next_sequence()
    node.edges = tuple(
        edge_of(value) if isinstance(value, Tensor) else None
        for value in (arguments[n] for n in op.grad)
    )
    versions = []
    kept = dict(arguments)
    for name in op.operands:
        value = kept[name]
        if not isinstance(value, Tensor):
            continue
        if name in op.saves:
            version = version_of(value)
            versions.append((version, version[COUNT]))
        else:
            kept[name] = Geometry(value._array.shape, value._array.dtype)
    node.saved = (SimpleNamespace(**kept), tuple(versions))
    result._node = node
    if flags.anomaly:
        node.site = user_site()


def title(dtype: np.dtype) -> str:
    """An array's dtype as torch's messages name it."""
    return dtype_title(dtypes.from_array(dtype))


def zeros(like: Geometry | Any, beside: Tensor) -> Tensor:
    """A tensor of zeros to collect a gradient in, without data where ``beside`` has none."""
    array: Any
    shape, dtype = like.shape, like._array.dtype if isinstance(like, Tensor) else like.dtype
    if is_meta(beside._array):
        array = MetaArray(shape, dtype)
    else:
        array = np.zeros(shape, dtype)
    return wrap(array)


def at_least_1d(*arrays: np.ndarray) -> tuple[np.ndarray, ...]:
    """0-d arrays as views of one element, so that they have a dimension to index."""
    return tuple(a.reshape(1) if a.ndim == 0 else a for a in arrays)
