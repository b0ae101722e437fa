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
from functools import cached_property
from types import SimpleNamespace
from typing import Any

import numpy as np

from rushlight.backends.meta.array import MetaArray, is_meta
from rushlight.base import dtypes
from rushlight.base.errors import user_site
from rushlight.base.flags import flags
from rushlight.base.shapes import broadcast_shapes
from rushlight.engine.node import COUNT, Node, edge_of, next_sequence, version_of
from rushlight.families.declaration import (
    Declaration,
    Samples,
    named,
    node_name,
    register,
)
from rushlight.families.index_source import (
    Geometry,
    backward_source,
    in_place_source,
    wrapper_source,
)
from rushlight.families.inplace import (
    check_in_place,
    check_out,
    record_in_place,
    write_out,
    wrote,
)
from rushlight.families.inplace import title as dtype_title
from rushlight.families.saved_values import attributes
from rushlight.families.source import lazy_function
from rushlight.families.wrapped import is_wrapped, levels, override_op, refuse_out
from rushlight.tensor import Tensor, wrap

INDEX_DTYPES = frozenset((np.dtype(np.int64), np.dtype(np.int32)))

Gradient = Callable[[Tensor, SimpleNamespace], Tensor]


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
        notes = {name: str(note) for name, note in self.body.__annotations__.items()
                 if name != "return"}
        self.operands = [n for n, note in notes.items() if "Array" in note]
        self.optional = {n for n in self.operands if notes[n] != "Array"}
        module = self.body.__module__
        backward = lazy_function("backward", module, lambda: backward_source(self))
        self.node_class = type(node_name(self.name), (Node,), {
            "__slots__": (), "op": self, "backward": backward, "__module__": module,
            **attributes(self.saves)})

    @cached_property
    def signature(self) -> inspect.Signature:
        """The parameters of the body as declared."""
        return inspect.signature(self.body)


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
    samples: Samples | None = None,
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
        samples: calls for the derived tests.
    """

    def declare(body: Callable[..., Any]) -> Any:
        declaration = Declaration(name or body.__name__, "index", body, samples=samples)
        op = declaration.op = IndexOp(declaration, writes, saves, shape, broadcast, grad or {})
        function = declaration.function = _eager(op, op.name, wrapper_source, apply)
        function.op = op
        for path in paths.split():
            holder, _, last = path.rpartition(".")
            register(declaration, path, function)
            if holder or not method:
                continue
            register(declaration, f"Tensor.{last}", function)
            if writes:
                in_place = _eager(op, f"{last}_", in_place_source, apply_in_place)
                register(declaration, f"Tensor.{last}_", in_place)
        return function

    return declare


def _eager(op: IndexOp, name: str, source: Callable[..., Any], form: Callable[..., Any]) -> Any:
    """The function that users call, written on its first call; `form` is its general way."""
    function = lazy_function(name, op.body.__module__, lambda: source(op, name, form))
    return named(name, function, op.declaration)


def apply(op: IndexOp, arguments: dict[str, Any], out: Tensor | None = None) -> Tensor:
    """Run an op of this family; one that writes does so in a copy."""
    if levels.stack and is_wrapped(arguments.values()):
        refuse_out(op.name, out)
        return override_op(apply, op, arguments)
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
        check_out(op, out, array, arguments)
        return write_out(out, array, op.name, recorded=recorded)
    result = wrap(array)
    if recorded and array.dtype.kind in "fcV":
        _record(op, result, arguments)
    return result


def apply_in_place(op: IndexOp, arguments: dict[str, Any]) -> Tensor:
    """Run an op that writes on the memory of its first operand."""
    if levels.stack and is_wrapped(arguments.values()):
        return override_op(apply_in_place, op, arguments, in_place=True)
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
    node.saved = _saved_values(op, arguments)
    result._node = node
    if flags.anomaly:
        node.site = user_site()


def _saved_values(op: IndexOp, arguments: dict[str, Any]) -> tuple[Any, ...]:
    """What a node keeps: its call, operands as geometry if not by value, and their versions."""
    kept, versions = [], []
    for name in op.signature.parameters:
        value = arguments[name]
        if name in op.saves:
            version = version_of(value)
            versions += [version, version[COUNT]]
        elif name in op.operands and isinstance(value, Tensor):
            value = (value._array.shape, value._array.dtype)
        kept.append(value)
    return (*kept, *versions)


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
