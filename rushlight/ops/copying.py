"""Copies: clone, contiguous, conversion to other dtypes and devices, copy_, fill_."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.backends.channels_last import is_last
from rushlight.backends.copies import assign, copied
from rushlight.backends.copies import fill as fill_memory
from rushlight.backends.meta.array import MetaArray, is_meta
from rushlight.base import dtypes
from rushlight.base.device import as_device, device
from rushlight.base.dtypes import dtype
from rushlight.base.errors import operands, type_name, user_site
from rushlight.base.flags import flags
from rushlight.engine.node import LEAF, Node, edge_of, next_sequence, version_of
from rushlight.families.cast import astype, cast
from rushlight.families.composite import composite
from rushlight.families.inplace import (
    check_history,
    check_in_place,
    check_writable,
    may_write,
    record_in_place,
    wrote,
)
from rushlight.families.kernels import fitting
from rushlight.families.library import library
from rushlight.tensor import Tensor, wrap
from rushlight.tensor.shared import shared
from rushlight.tensor.storage import (
    channels_last,
    channels_last_3d,
    contiguous_format,
    preserve_format,
)


def is_dense(array: np.ndarray) -> bool:
    """Whether the elements fill their memory, in whatever order of dimensions."""
    if array.flags.c_contiguous:
        return True
    expected = array.itemsize
    for stride, n in sorted(zip(array.strides, array.shape, strict=True)):
        if n != 1 and stride != expected:
            return False
        expected *= n
    return True


RANKS = {channels_last: 4, channels_last_3d: 5}  # memory formats with channels last


@library("clone")
class clone:
    """A copy with memory of its own; gradients flow to the original.

    memory_format: preserve_format keeps the order of dimensions in memory, contiguous_format
    (or None) makes it row-major.

    >>> import rushlight as rl
    >>> x = rl.ones(2); y = x.clone(); y[0] = 5; x
    tensor([1., 1.])
    """

    def forward(input, *, memory_format=preserve_format):
        if is_meta(input):
            return MetaArray(input.shape, input.dtype)
        if memory_format in RANKS:
            if input.ndim != RANKS[memory_format]:
                raise RuntimeError(f"required rank {RANKS[memory_format]} tensor to use "
                                   f"{memory_format.name} format")
            order = (0, *range(2, input.ndim), 1)
            return copied(input.transpose(order)).transpose(np.argsort(order))
        return copied(input, "K" if memory_format is preserve_format else "C")

    def backward(gradient):
        return gradient

    def samples(x):
        return [(x(2, 3),)]


@composite("Tensor.contiguous", samples=lambda x: [(x(2, 3).t(),)])
def contiguous(input: Tensor, memory_format: Any = contiguous_format) -> Tensor:
    """The tensor itself if its elements are dense and row-major, else such a copy."""
    if memory_format in (contiguous_format, preserve_format):
        return input if input._array.flags.c_contiguous else clone(
            input, memory_format=contiguous_format)
    return input if input.is_contiguous(memory_format) else clone(
        input, memory_format=memory_format)


@composite("Tensor.to", samples=lambda x: [(x(2, 3), float)])
def to(input: Tensor, *args: Any, **options: Any) -> Tensor:
    """The tensor as another dtype or on another device; itself if nothing changes.

    Called as to(dtype), to(device), to(device, dtype), to(other); copy=True always copies.

    >>> import rushlight as rl
    >>> rl.tensor([1.7, -1.7]).to(rl.int64)
    tensor([ 1, -1])
    """
    if len(args) == 1 and not options:
        if type(args[0]) is dtype:
            return cast(input, args[0].array)
        if type(args[0]) is str and args[0] == "cpu" and type(input._array) is np.ndarray:
            return input
    target: Any = options.get("dtype")
    place: Any = options.get("device")
    extra = [a for a in args if not isinstance(a, (bool, type(None)))]
    for value in extra:
        if isinstance(value, Tensor):
            target, place = value.dtype, value.device
        elif isinstance(value, (str, device)):
            place = value
        else:
            target = value
    if options.get("other") is not None:
        target, place = options["other"].dtype, options["other"].device
    flags_given = [a for a in args if isinstance(a, bool)]
    copy = bool(options.get("copy", len(flags_given) > 1 and flags_given[1]))
    result = input
    if place is not None and as_device(place).type != input.device.type:
        if input.is_meta:
            raise NotImplementedError("Cannot copy out of meta tensor; no data! Use to_empty() "
                                      "or make the tensor on the CPU")
        result = wrap(MetaArray(input._array.shape, input._array.dtype))
        result._node = None if input._node is None else LEAF
    if target is not None:
        result = cast(result, dtypes.as_dtype(target).array)
    order = options.get("memory_format")
    if order not in (None, preserve_format) and (
            not result.is_contiguous(order) or (order in RANKS) != is_last(result._array)):
        return clone(result, memory_format=order)
    return clone(result) if copy and result is input else result


def _conversion(name: str, target: dtype) -> None:
    def convert(input: Tensor, memory_format: Any = None) -> Tensor:
        return cast(input, target.array)

    convert.__name__ = name
    convert.__doc__ = f"The tensor as {target.name}; itself if it is that already."
    composite(f"Tensor.{name}", samples=lambda x: [(x(2, 3),)])(convert)


for _name, _target in {**dtypes.ALIASES, "bool": dtypes.bool_, "byte": dtypes.uint8,
                       "char": dtypes.int8, "bfloat16": dtypes.bfloat16}.items():
    _conversion(_name, _target)


@composite("Tensor.type_as", samples=lambda x: [(x(2, 3), x(1))])
def type_as(input: Tensor, other: Tensor) -> Tensor:
    """`input` as the dtype of `other`."""
    return cast(input, other._array.dtype)


_TYPE_NAMES = {"float32": "Float", "float64": "Double", "float16": "Half", "int64": "Long",
               "int32": "Int", "int16": "Short", "int8": "Char", "uint8": "Byte",
               "bool": "Bool", "bfloat16": "BFloat16"}


@composite("Tensor.type", samples=lambda x: [(x(2, 3), "torch.FloatTensor")])
def type_(input: Tensor, dtype: Any = None, non_blocking: bool = False) -> Any:
    """The name of the tensor's type, or the tensor as another dtype."""
    if dtype is None:
        name = input.dtype.name
        return f"torch.{_TYPE_NAMES.get(name, name)}Tensor"
    if isinstance(dtype, str):  # "torch.FloatTensor"
        kinds = {f"torch.{name}Tensor": kind for kind, name in _TYPE_NAMES.items()}
        if dtype not in kinds:
            raise ValueError(f"invalid type: '{dtype}': it is none of {', '.join(kinds)}")
        dtype = getattr(dtypes, "bool_" if kinds[dtype] == "bool" else kinds[dtype])
    elif isinstance(dtype, type):  # FloatTensor
        dtype = getattr(dtype, "dtype", dtype)
    return cast(input, dtypes.as_dtype(dtype).array)


@composite("Tensor.cpu", samples=lambda x: [(x(2, 3),)])
def cpu(input: Tensor, memory_format: Any = None) -> Tensor:
    """The tensor in the machine's memory: itself."""
    return to(input, "cpu")


@composite("Tensor.cuda")
def cuda(input: Tensor, device: Any = None, non_blocking: bool = False) -> Tensor:
    """Refused: this build computes on the CPU."""
    return to(input, "cuda")


@composite("Tensor.pin_memory", samples=lambda x: [(x(2, 3),)])
def pin_memory(input: Tensor, device: Any = None) -> Tensor:
    """The tensor itself: page-locked memory only serves transfers to other devices."""
    return input


@composite("Tensor.share_memory_", samples=lambda x: [(x(2, 3),)])
def share_memory_(input: Tensor) -> Tensor:
    """Move the tensor's memory to where processes share it, in place; return the tensor.

    Processes that are forked from now on, and those that are sent the tensor through
    `multiprocessing`, see each other's writes. Other views of its former memory stay there.
    """
    if not is_meta(input._array):
        moved = shared(input._array)
        if moved is not input._array:
            input.data = wrap(moved)
    return input


class CopyBackwards(Node):  # torch's spelling
    """The gradient of copy_: zero for what was overwritten, all of it for the source."""

    __slots__ = ()
    keeps_tensors = False

    def backward(self, gradient: Any, create: bool) -> tuple[Any, ...]:
        shape, dtype = self.saved
        old = None if self.edges[0] is None else wrap(np.zeros_like(gradient._array))
        return old, None if self.edges[1] is None else cast(gradient.sum_to_size(shape), dtype)


@composite("Tensor.copy_", samples=lambda x: [(x(2, 3), x(3))])
def copy_(input: Tensor, src: Tensor, non_blocking: bool = False) -> Tensor:
    """Overwrite the elements with those of `src`, broadcast and converted to this dtype.

    Raises RuntimeError where `src` does not broadcast to this shape.
    """
    if type(src) is Tensor and (src._node is None or not flags.grad_enabled):
        target, source = input._array, src._array
        if target.shape == source.shape and may_write(input) and type(source) is np.ndarray:
            same = target.dtype is source.dtype
            assign(target, source if same else astype(source, target.dtype))
            wrote(input)
            return input
    if not isinstance(src, Tensor):
        raise TypeError(f"copy_(): argument 'other' (position 1) must be Tensor, not "
                        f"{type_name(src)}")
    recorded = input._array.dtype.kind in "fcV" and _recording(input, src)
    check_in_place(input, recorded)
    return _overwrite(input, src, recorded)


def _overwrite(input: Tensor, src: Tensor, recorded: bool) -> Tensor:
    target, source = input._array, src._array
    if source.ndim > target.ndim:
        raise RuntimeError(f"output with shape {list(target.shape)} doesn't match the broadcast "
                           f"shape {list(source.shape)}: copy_({operands(input=input, src=src)})")
    if not is_meta(target):
        if is_meta(source):
            raise NotImplementedError("Cannot copy out of meta tensor; no data!")
        converted = source if source.dtype == target.dtype else astype(source, target.dtype)
        try:
            assign(target, converted)
        except ValueError:
            raise RuntimeError(
                f"The size of tensor a ({list(target.shape)}) must match the size of tensor b "
                f"({list(source.shape)}): copy_({operands(input=input, src=src)})") from None
    if not recorded:
        wrote(input)
        return input
    result = wrap(target)
    node = result._node = CopyBackwards()
    node._sequence = next_sequence()
    node.edges, node.saved = (edge_of(input), edge_of(src)), (source.shape, source.dtype)
    if flags.anomaly:
        node.site = user_site()
    record_in_place(input, result)
    return input


def _recording(*tensors: Tensor) -> bool:
    return flags.grad_enabled and any(t._node is not None for t in tensors)


@composite("fill", samples=lambda x: [(x(2, 3), 1.5)])
def fill(input: Tensor, value: Any) -> Tensor:
    """A tensor of this shape with `value` everywhere."""
    return clone(input).fill_(value)  # type: ignore[attr-defined]


@composite("fill_", samples=lambda x: [(x(2, 3), 1.5), (x(2, 3), x())])
def fill_(input: Tensor, value: Any) -> Tensor:
    """Overwrite every element with `value`, a number or a 0-d tensor.

    >>> import rushlight as rl
    >>> rl.empty(2).fill_(3)
    tensor([3., 3.])
    """
    if (type(value) is float or type(value) is int) and may_write(input):
        fill_memory(input._array, fitting(value, input._array.dtype))
        wrote(input)
        return input
    if isinstance(value, Tensor):
        if value._array.ndim:
            raise RuntimeError("fill_ only supports 0-dimension value tensor but got tensor with "
                               f"{value._array.ndim} dimensions.")
    else:
        if isinstance(value, str):
            raise TypeError("fill_() received an invalid combination of arguments - got (str); "
                            "expected (Tensor value) or (Number value)")
        value = wrap(fitting(value, input._array.dtype))
    recorded = input._array.dtype.kind in "fcV" and _recording(input, value)
    check_history(input, recorded)  # elements that share memory get the same number
    check_writable(input)
    return _overwrite(input, value, recorded)


@composite("zero_", samples=lambda x: [(x(2, 3),)])
def zero_(input: Tensor) -> Tensor:
    """Overwrite every element with 0."""
    if may_write(input):
        fill_memory(input._array, 0)
        wrote(input)
        return input
    return fill_(input, 0)


@composite("Tensor.set_", samples=lambda x: [(x(2, 3), x(4))])
def set_(input: Tensor, source: Tensor | None = None) -> Tensor:
    """Make this tensor look at the memory of `source`; at none, which frees its own, without."""
    if source is None:
        source = input.new_empty(0)
    input._array = source._array
    input._writes = version_of(source)
    return input


@composite("Tensor.to_dense", samples=lambda x: [(x(2, 3),)])
def to_dense(input: Tensor, dtype: Any = None) -> Tensor:
    """The tensor itself: all tensors are dense."""
    return input if dtype is None else to(input, dtype)
