"""Random ops: fills, which draw numbers into a tensor, and functions made of them.

A fill is declared by a rule: it checks the arguments for a dtype and says what to draw.

    @fill("exponential_", accepts="floating")
    def exponential_(dtype, lambd: float = 1.0):
        return draws.exponential, (lambd,)

From it come the in-place method and, through `Fill.new` and `Fill.draw`, the functions that return
new tensors. Numbers are drawn in the order of memory, as in torch. The gradient of a fill is zero.
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from rushlight.backends.memory import LARGE, recycled
from rushlight.backends.memory_order import empty_like as memory_like
from rushlight.backends.meta.array import MetaArray, is_meta
from rushlight.base import dtypes
from rushlight.base.device import META, as_device
from rushlight.base.errors import describe, type_name
from rushlight.base.flags import flags
from rushlight.engine.node import Node, edge_of, next_sequence
from rushlight.families.declaration import Declaration, named, register
from rushlight.families.generator import engine_of
from rushlight.families.inplace import (
    check_in_place,
    check_overlap,
    may_write,
    record_in_place,
    resize_out,
    title,
    wrote,
)
from rushlight.families.source import compile_function
from rushlight.tensor import Tensor, wrap

KINDS = {"floating": "float", "complex": "complex", "integral": "integer", "bool": "bool"}


class Fill:
    """A declared fill: which dtypes it takes, and what it draws for given arguments."""

    def __init__(self, declaration: Declaration, accepts: str, kernel: str, name: str,
                 number: int) -> None:
        self.declaration, self.name, self.rule = declaration, name, declaration.body
        self.number = number
        declaration.op = self
        names = {KINDS[kind] for kind in accepts.split()}
        self.accepts = frozenset(d.array for d in dtypes.ALL
                                 if dtypes.CATEGORIES[d.category] in names)
        self.kernel = kernel or f"{self.name.strip('_')}_cpu"
        self.plain: dict[Any, Any] = {}  # dtype -> what the rule says without arguments

    def draw(self, array: Any, generator: Any, arguments: Sequence[Any]) -> None:
        """Draw into `array`, which may be a MetaArray: then the arguments are checked only."""
        dtype = array.dtype
        settled = None if arguments else self.plain.get(dtype)
        if settled is None:
            if dtype not in self.accepts:
                raise self.refusal(array)
            settled = self.rule(dtype, *arguments)
            if not arguments:
                self.plain[dtype] = settled
        draw, values = settled
        engine = engine_of(generator, self.name)
        if type(array) is MetaArray:
            return
        draw(engine, parts(array) if dtype.kind == "c" else array, *values)

    def refusal(self, array: Any) -> Exception:
        """The error for a dtype that is not accepted; a sentence as `kernel` is a RuntimeError."""
        kind = title(dtypes.FROM_ARRAY[array.dtype])
        if " " in self.kernel:
            return RuntimeError(f"{self.kernel} but you specified {kind}: {self.name} of "
                                f"{describe(array)}")
        return NotImplementedError(f"\"{self.kernel}\" not implemented for '{kind}': "
                                   f"{self.name} of {describe(array)}")

    def new(self, shape: tuple[int, ...], generator: Any, arguments: Sequence[Any],
            dtype: dtypes.dtype, device: Any = None) -> Tensor:
        """A new tensor with drawn elements."""
        array = empty(shape, dtype, device)
        self.draw(array, generator, arguments)
        return wrap(array)


def parts(array: np.ndarray) -> np.ndarray:
    """Real and imaginary parts along a last dimension of two, sharing memory."""
    real = array.real
    return as_strided(real, (*array.shape, 2), (*array.strides, real.itemsize))


def fill(name: str, *, accepts: str, kernel: str = "", method: bool = True,
         number: int = 0) -> Callable[[Callable[..., Any]], Any]:
    """Declare a fill by the name of its method, `"uniform_"`; returns its `Fill`.

    accepts: of "floating complex integral bool". kernel: what torch's error for others begins
    with. method: False where the method chooses between fills, and is declared by itself. number:
    of the node, as in BernoulliBackward2.
    """

    def declare(body: Callable[..., Any]) -> Fill:
        declaration = Declaration(body.__name__, "random", body)
        op = Fill(declaration, accepts, kernel, name, number)
        if method:
            register(declaration, f"Tensor.{name}", named(name, _method(op), declaration))
        return op

    return declare


def _method(op: Fill) -> Any:
    """The in-place method: the rule's parameters, and a generator."""
    parameters = list(inspect.signature(op.rule).parameters.values())[1:]
    defaults = {f"default_{p.name}": p.default for p in parameters if p.default is not p.empty}
    head = "".join(f", {p.name}" if p.default is p.empty else f", {p.name}=default_{p.name}"
                   for p in parameters)
    values = "(" + "".join(f"{p.name}, " for p in parameters) + ")"
    if parameters and len(defaults) == len(parameters):
        same = " and ".join(f"{p.name} is default_{p.name}" for p in parameters)
        values = f"() if {same} else {values}"
    source = (f"def {op.name}(input{head}, *, generator=None):\n"
              f"    return draw_in_place(op, input, {values}, generator)\n")
    return compile_function(op.name, source, {"op": op, "draw_in_place": draw_in_place, **defaults},
                            op.rule.__module__)


def draw_in_place(op: Fill, target: Tensor, arguments: Sequence[Any], generator: Any) -> Tensor:
    """Draw into a tensor; what it held before gets a gradient of zero."""
    if may_write(target):
        op.draw(target._array, generator, arguments)
        wrote(target)
        return target
    recorded = flags.grad_enabled and target._node is not None
    check_in_place(target, recorded)
    op.draw(target._array, generator, arguments)
    if not recorded:
        wrote(target)
        return target
    result = wrap(target._array)
    record_without_gradient(result, op.name, (target,), op.number)
    record_in_place(target, result)
    return target


class NoGradient(Node):
    """The node of a draw, which does not depend on its operands smoothly: gradients are zero."""

    __slots__ = ("geometry",)
    geometry: tuple[Any, ...]  # shape and dtype of each operand: nothing that a run would free

    def backward(self, gradient: Any, create: bool) -> tuple[Any, ...]:
        return tuple(None if edge is None else wrap(np.zeros(shape, dtype))
                     for edge, (shape, dtype) in zip(self.edges, self.geometry, strict=True))


@cache
def _node_class(name: str, number: int) -> type[NoGradient]:
    title = name.strip("_").title().replace("_", "")
    return type(f"{title}Backward{number}", (NoGradient,), {"__slots__": ()})


def record_without_gradient(result: Tensor, name: str, operands: Sequence[Any],
                            number: int = 0) -> None:
    """Record `result` as drawn by op `name` from `operands`, where one of them requires grad."""
    tensors = [t for t in operands if isinstance(t, Tensor)]
    if not flags.grad_enabled or all(t._node is None for t in tensors):
        return
    node = result._node = _node_class(name, number)()
    node._sequence = next_sequence()
    node.edges = tuple(edge_of(t) for t in tensors)
    node.geometry = tuple((t._array.shape, t._array.dtype) for t in tensors)


def random_op(paths: str) -> Callable[[Callable[..., Any]], Any]:
    """Declare a function that draws, as it stands, under the torch `paths`; returns it."""

    def declare(body: Callable[..., Any]) -> Any:
        declaration: Any = Declaration(body.__name__, "random", body)
        body.declaration = declaration  # type: ignore[attr-defined]
        declaration.function = body
        for path in paths.split():
            register(declaration, path, body)
        return body

    return declare


def empty(shape: tuple[int, ...], dtype: dtypes.dtype, device: Any = None) -> Any:
    """A new array of undefined elements, or a MetaArray."""
    if device is not None and as_device(device) == META:
        return MetaArray(shape, dtype.array)
    array = np.empty(shape, dtype.array)
    return recycled(array) if array.size >= LARGE else array


def empty_like(input: Any, dtype: dtypes.dtype | None = None, device: Any = None) -> Any:
    """A new array of the shape, element type, device and order of memory of a tensor."""
    array = input._array
    wanted = array.dtype if dtype is None else dtypes.as_dtype(dtype).array
    if is_meta(array) or (device is not None and as_device(device) == META):
        return MetaArray(array.shape, wanted)
    return memory_like(array, wanted)


def tensor_argument(value: Any, name: str, argument: str = "input") -> Tensor:
    """`value`, which has to be a tensor. Raises TypeError otherwise."""
    if not isinstance(value, Tensor):
        raise TypeError(f"{name}(): argument '{argument}' (position 1) must be Tensor, not "
                        f"{type_name(value)}")
    return value


def size_of(sizes: Any, name: str, position: int = 1) -> tuple[int, ...]:
    """A shape from `f(2, 3)` or `f((2, 3))`: `sizes` is (2, 3) or ((2, 3),).

    Raises TypeError for what are no integers, RuntimeError for negative ones.
    """
    if len(sizes) == 1 and isinstance(sizes[0], tuple | list):
        sizes = sizes[0]
    for size in sizes:
        if type(size) is not int or size < 0:
            break
    else:
        return tuple(sizes)
    try:
        shape = tuple(map(operator.index, sizes))
    except TypeError:
        wrong = next(s for s in sizes if not hasattr(s, "__index__"))
        raise TypeError(f"{name}(): argument 'size' (position {position}) must be tuple of ints, "
                        f"not {type(wrong).__name__}") from None
    if shape and min(shape) < 0:
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(shape)}: "
                           f"{list(shape)}")
    return shape


def create(op: Fill, shape: tuple[int, ...], arguments: Sequence[Any], generator: Any,
           dtype: Any, device: Any, requires_grad: bool, out: Tensor | None,
           default: dtypes.dtype | None = None) -> Tensor:
    """What the functions return that make a tensor of a shape: a new one, or `out`."""
    if out is None and device is None and dtype is None and not requires_grad:
        wanted = dtypes.default_dtype() if default is None else default
        array = np.empty(shape, wanted.array)
        if array.size >= LARGE:
            array = recycled(array)
        settled = op.plain.get(wanted.array) if generator is None and not arguments else None
        if settled is None or wanted.array.kind == "c":
            op.draw(array, generator, arguments)
        else:  # as `draw` would end
            settled[0](engine_of(None, op.name), array, *settled[1])
        return wrap(array)
    if out is not None:
        array = out_array(out, shape, dtype, op.name)
        op.draw(array, generator, arguments)
        wrote(out)
        return out
    if dtype is not None:
        wanted = dtypes.as_dtype(dtype)
    else:
        wanted = dtypes.default_dtype() if default is None else default
    check_requires_grad(requires_grad, wanted)
    result = op.new(shape, generator, arguments, wanted, device)
    result.requires_grad = requires_grad
    return result


def out_array(out: Any, shape: tuple[int, ...], dtype: Any, name: str) -> Any:
    """The memory of `out=`, resized to `shape`.

    Raises RuntimeError where it has another dtype than `dtype`, or requires grad.
    """
    if not isinstance(out, Tensor):
        raise TypeError(f"{name}(): argument 'out' must be Tensor, not {type_name(out)}")
    if dtype is not None and dtypes.as_dtype(dtype) is not out.dtype:
        raise RuntimeError(f"dtype {title(dtypes.as_dtype(dtype))} does not match dtype of out "
                           f"parameter ({title(out.dtype)})")
    if out._array.shape != shape:
        resize_out(out, shape)
    check_overlap(out)
    check_in_place(out, flags.grad_enabled and out._node is not None)
    return out._array


def check_requires_grad(requires_grad: bool, dtype: dtypes.dtype) -> None:
    """Refuse to let integers require grad, before anything is drawn. Raises RuntimeError."""
    if requires_grad and dtype.category < 2:
        raise RuntimeError("Only Tensors of floating point and complex dtype can require "
                           f"gradients, not {dtype.name}")
