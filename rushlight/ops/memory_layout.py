"""The memory below a tensor: given sizes and strides, resized, compared, in a given order."""

from __future__ import annotations

import operator
import os
from typing import Any

import numpy as np

from rushlight.backends.meta.array import MetaArray, is_meta
from rushlight.base import dtypes
from rushlight.base.device import as_device
from rushlight.base.dtypes import as_dtype
from rushlight.base.shapes import contiguous_strides, size_argument
from rushlight.families.composite import composite, function
from rushlight.families.inplace import wrote
from rushlight.ops.copying import RANKS
from rushlight.ops.creation import empty, empty_strided, tensor
from rushlight.ops.viewing import strided
from rushlight.tensor import Tensor, wrap
from rushlight.tensor.storage import (
    address,
    contiguous_format,
    lowest_address,
    preserve_format,
    root_of,
)


@composite("Tensor.new_empty_strided", samples=lambda x: [(x(2), (2, 3), (1, 2))])
def new_empty_strided(input: Tensor, size: Any, stride: Any, *, dtype: Any = None,
                      layout: Any = None, device: Any = None, requires_grad: bool = False,
                      pin_memory: bool = False) -> Tensor:
    """Uninitialised memory of the given size and strides (in elements), of this dtype and device.

    >>> import rushlight as rl
    >>> rl.ones(1).new_empty_strided((2, 3), (1, 2)).stride()
    (1, 2)
    """
    return empty_strided(size, stride, dtype=input.dtype if dtype is None else as_dtype(dtype),
                         device=input.device if device is None else device,
                         requires_grad=requires_grad)


@function("empty_permuted", samples=lambda x: [((2, 3), (1, 0))])
def empty_permuted(size: Any, physical_layout: Any, *, dtype: Any = None, layout: Any = None,
                   device: Any = None, requires_grad: bool = False,
                   pin_memory: bool = False) -> Tensor:
    """Uninitialised memory, dense with the dimensions in the order `physical_layout`.

    size: (n,) sizes; physical_layout: the dimensions from the slowest to the fastest in memory.
    Raises RuntimeError where that is no order of them.

    >>> import rushlight as rl
    >>> rl.empty_permuted((2, 3, 5), (0, 2, 1)).stride()
    (15, 1, 3)
    """
    shape, order = tuple(size), [operator.index(d) for d in physical_layout]
    if len(shape) != len(order):
        raise RuntimeError("Number of dimensions in size does not match the length of the "
                           f"physical_layout; i.e. len(size) = {len(shape)} is not equal to "
                           f"len(physical_layout) = {len(order)}")
    for position, d in enumerate(order):
        if not 0 <= d < len(shape):
            raise RuntimeError(f"Dimension out of range (expected to be between 0 and "
                               f"{len(shape) - 1}, but got {d} at index {position}).  NB: "
                               "negative dims not currently supported.")
    if len(set(order)) != len(order):
        raise RuntimeError(f"Duplicate dim not allowed: physical_layout = {order}")
    dense = empty(tuple(shape[d] for d in order), dtype=dtype, device=device)
    result = dense.permute([order.index(d) for d in range(len(order))])
    result._view = None
    return result.requires_grad_(requires_grad)


@composite("Tensor.resize_", samples=lambda x: [(x(2, 3), 3, 2)])
def resize_(input: Tensor, *sizes: Any, memory_format: Any = contiguous_format) -> Tensor:
    """Give the tensor itself another shape over the start of its memory; more if that is small.

    Elements keep their places in memory; new ones hold anything. Where the memory has to grow
    the tensor gets new memory, which tensors that shared the old one do not follow. Raises
    RuntimeError for a tensor that requires grad.

    >>> import rushlight as rl
    >>> rl.arange(6).resize_(2, 2)
    tensor([[0, 1],
            [2, 3]])
    """
    if input._node is not None:
        raise RuntimeError("cannot resize variables that require grad")
    shape = size_argument(sizes)
    if any(n < 0 for n in shape):
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(shape)}: "
                           f"{list(shape)}")
    if memory_format is preserve_format:
        raise RuntimeError("Unsupported memory format Preserve; use contiguous_format")
    order = _order(memory_format, len(shape))
    array: Any = input._array
    if is_meta(array):
        array = MetaArray(tuple(shape[d] for d in order), array.dtype)
    else:
        array = _resized(array, tuple(shape[d] for d in order))
    input._array = array.transpose(np.argsort(order)) if memory_format in RANKS else array
    wrote(input)
    return input


def _order(memory_format: Any, ndim: int) -> tuple[int, ...]:
    """The dimensions from the slowest to the fastest in memory."""
    if memory_format not in RANKS:
        return tuple(range(ndim))
    if RANKS[memory_format] != ndim:
        raise RuntimeError(f"required rank {RANKS[memory_format]} tensor to use {memory_format} "
                           "format")
    return (0, *range(2, ndim), 1)


def _resized(array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """`shape` over the memory of `array` from its first element on, moved where that is short."""
    if array.shape == shape:
        return array
    item, root = array.itemsize, root_of(array)
    behind = (lowest_address(root) + root.nbytes - address(array)) // item
    count = int(np.prod(shape, dtype=np.int64))
    if count > behind:
        kept = strided(array, (behind,), (item,)) if behind else array.reshape(-1)[:0]
        array = np.empty(count, array.dtype)
        array[:behind] = kept
    return strided(array, shape, tuple(s * item for s in contiguous_strides(shape)))


@composite("resize_as_", samples=lambda x: [(x(2, 3), x(3, 2))])
def resize_as_(input: Tensor, the_template: Tensor, *,
               memory_format: Any = contiguous_format) -> Tensor:
    """`resize_` to the shape of another tensor."""
    if memory_format is preserve_format:
        memory_format = contiguous_format
    return resize_(input, *the_template._array.shape, memory_format=memory_format)


@composite("Tensor.is_set_to", samples=lambda x: [(x(2, 3), x(2, 3))])
def is_set_to(input: Tensor, tensor: Tensor) -> bool:
    """Whether two tensors look at the same memory in the same way."""
    a, b = input._array, tensor._array
    return (a.shape == b.shape and input.stride() == tensor.stride() and a.dtype == b.dtype
            and address(a) == address(b) and not is_meta(a))


@composite("Tensor.dim_order", samples=lambda x: [(x(2, 3),), (x(2, 3).t(),)])
def dim_order(input: Tensor, *, ambiguity_check: Any = False) -> tuple[int, ...]:
    """The dimensions from the slowest to the fastest in memory.

    ambiguity_check: True raises RuntimeError where sizes or strides allow several orders.

    >>> import rushlight as rl
    >>> rl.zeros(2, 3, 5).transpose(1, 2).dim_order()
    (0, 2, 1)
    """
    strides, shape = input.stride(), input._array.shape
    if ambiguity_check is True and (len(set(strides)) < len(strides) or 1 in shape):
        raise RuntimeError("The tensor does not have unique dim order, or cannot map to exact one "
                           f"of the given memory formats: shape {list(shape)}, strides {strides}")
    return tuple(sorted(range(len(shape)), key=lambda d: -strides[d]))


@composite("Tensor.as_subclass")
def as_subclass(input: Tensor, cls: type) -> Tensor:
    """The same memory and history as an instance of `cls`, a subclass of Tensor."""
    if not (isinstance(cls, type) and issubclass(cls, Tensor)):
        raise TypeError(f"cls must be a type that inherits from Tensor, not {cls!r}")
    view, made = input.view_as(input), object.__new__(cls)
    made._array, made._node = view._array, view._node
    made._writes, made._view = view._writes, view._view
    return made


def _make_subclass(cls: type, data: Tensor, require_grad: bool = False) -> Tensor:
    """The same memory as a leaf of type `cls`: how libraries make their kinds of parameters."""
    made = as_subclass(data.detach(), cls)
    made._view = None  # a leaf of its own, not a view
    return made.requires_grad_(require_grad)


def _make_wrapper_subclass(cls: Any, size: Any, strides: Any = None, storage_offset: Any = None,
                           memory_format: Any = None, dtype: Any = None, layout: Any = None,
                           device: Any = None, pin_memory: bool = False,
                           requires_grad: bool = False, **options: Any) -> Any:
    """A tensor of type `cls` that says it has this size, dtype and device, but has no elements.

    What is done with it goes to `cls.__torch_dispatch__`. Raises TypeError for a class without.
    """
    if not hasattr(cls, "__torch_dispatch__"):
        raise TypeError(f"{cls.__name__} must define __torch_dispatch__")
    kind = (dtypes.default_dtype() if dtype is None else as_dtype(dtype)).array
    steps = None if strides is None else [step * kind.itemsize for step in strides]
    made = object.__new__(cls)
    made._array = MetaArray(tuple(size), kind, steps)
    made._node = made._writes = made._view = None
    made._wrapper_device = as_device("cpu" if device is None else device)
    return made.requires_grad_(requires_grad)


Tensor._make_subclass = staticmethod(_make_subclass)  # type: ignore[attr-defined]
Tensor._make_wrapper_subclass = staticmethod(  # type: ignore[attr-defined]
    _make_wrapper_subclass)


@composite("Tensor.new")
def new(input: Tensor, *args: Any, device: Any = None) -> Tensor:
    """A tensor of this dtype: of the given sizes, uninitialised, or of the numbers of a list
    or array.

    The way of old programs; `new_empty` and `new_tensor` say which is meant.
    """
    data = args[0] if len(args) == 1 else args
    if isinstance(data, Tensor):
        return data.detach()
    place = input.device if device is None else device
    if len(args) == 1 and (type(data) in (list, tuple) or isinstance(data, np.ndarray)):
        return tensor(data, dtype=input.dtype, device=place)
    return empty(*(args or (0,)), dtype=input.dtype, device=place)


@function("scalar_tensor", samples=lambda x: [(1.5,)])
def scalar_tensor(s: Any, *, dtype: Any = None, layout: Any = None, device: Any = None,
                  pin_memory: bool = False, requires_grad: bool = False) -> Tensor:
    """A 0-d tensor of the number `s`, of the default dtype unless one is given.

    >>> import rushlight as rl
    >>> rl.scalar_tensor(3)
    tensor(3.)
    """
    result = empty((), dtype=dtype, device=device).fill_(s)
    return result.requires_grad_(requires_grad)


@function("from_file")
def from_file(filename: Any, shared: bool | None = None, size: int | None = 0, *,
              dtype: Any = None, layout: Any = None, device: Any = None,
              pin_memory: bool = False, requires_grad: bool = False) -> Tensor:
    """A vector over the first `size` elements of a file, mapped into memory.

    shared: writes to the tensor go to the file, which is made longer where it is too short; else
    they stay in memory. Raises RuntimeError for a file that cannot be opened, or is too short.
    """
    d = dtypes.default_dtype() if dtype is None else as_dtype(dtype)
    count = size or 0
    try:
        room = os.path.getsize(filename) if os.path.exists(filename) or not shared else 0
        if room < count * d.itemsize and not shared:
            raise RuntimeError(f"file <{filename}> size <{room}> is smaller than the required "
                               f"mapping size <{count * d.itemsize}>")
        mode = "c" if not shared else ("r+" if room else "w+")
        mapped = np.memmap(filename, d.array, mode, shape=(count,)) if count else np.empty(
            0, d.array)
    except OSError as error:
        raise RuntimeError(f"unable to open file <{filename}>: {error}") from error
    return wrap(np.asarray(mapped)).requires_grad_(requires_grad)
