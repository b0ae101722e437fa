"""Views: the same memory under another shape, or a part of it."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided as array_as_strided

from rushlight.backends.meta.array import MetaArray, is_meta
from rushlight.base import dtypes
from rushlight.base.shapes import (
    infer_size,
    normalize_dim,
    normalize_dims,
    size_argument,
)
from rushlight.engine.node import version_of
from rushlight.families.composite import composite
from rushlight.families.view import view as declare_view
from rushlight.tensor import Tensor, wrap
from rushlight.tensor.storage import root_of


def strided(array: Any, shape: tuple[int, ...], strides: tuple[int, ...], start: int = 0) -> Any:
    """`array`'s memory from byte `start` on, with that shape and those strides in bytes."""
    if is_meta(array):
        return MetaArray(shape, array.dtype, strides)
    if array.flags.c_contiguous:
        try:
            return np.ndarray(shape, array.dtype, array, start, strides)
        except (ValueError, TypeError):  # half types export no buffer; views may reach further
            pass
    if start:
        flat = array_as_strided(array, (1,), (0,))
        interface = dict(flat.__array_interface__)
        interface.update(shape=shape, strides=strides,
                         data=(array.__array_interface__["data"][0] + start, False))
        return _over(interface, array)
    return array_as_strided(array, shape, strides)


class _Memory:
    """Carries an array interface, and keeps the memory's owner alive."""

    def __init__(self, interface: dict, owner: Any) -> None:
        self.__array_interface__, self.owner = interface, owner


def _over(interface: dict, owner: np.ndarray) -> np.ndarray:
    if owner.dtype == dtypes.bfloat16.array:
        interface["typestr"], interface["descr"] = "<u2", [("", "<u2")]
        return np.asarray(_Memory(interface, owner)).view(owner.dtype)
    return np.asarray(_Memory(interface, owner))


SMALL = 1024  # elements that cost nothing to copy in vain


def _viewed(array: Any, shape: tuple[int, ...]) -> Any:
    """`array` under another shape without a copy, or None where there is no such view."""
    if type(array) is np.ndarray and array.size < SMALL:
        try:
            found = array.reshape(shape)  # three times as fast as with copy=False
        except (ValueError, TypeError):
            pass
        else:
            base = found.base
            if base is array or (base is not None and base is array.base):
                return found
    shape = infer_size(tuple(map(operator.index, shape)), array.size)
    try:
        source = array.phantom if is_meta(array) else array
        found = np.reshape(source, shape, copy=False)
    except ValueError:
        return None
    return MetaArray.of(found) if is_meta(array) else found


@declare_view("Tensor.view", grad=lambda g, shape, *size: g.reshape(shape),
              otherwise=lambda input, *shape: _not_shaped(input, shape),
              samples=lambda x: [(x(2, 6), 3, -1), (x(2, 6), (12,))])
def view(input, *shape):
    """The same memory under another shape (one size may be -1), or as another dtype.

    Raises RuntimeError where the strides allow no such view; `reshape` copies then.

    >>> import rushlight as rl
    >>> rl.arange(6).view(2, -1)
    tensor([[0, 1, 2],
            [3, 4, 5]])
    """
    if len(shape) == 1 and type(shape[0]) is not int:
        if isinstance(shape[0], dtypes.dtype):
            return None
        shape = tuple(shape[0]) if isinstance(shape[0], (tuple, list)) else shape
    if type(input) is np.ndarray and input.flags.c_contiguous:
        try:
            return input.reshape(shape)
        except (ValueError, TypeError):  # torch's errors below
            pass
    return _viewed(input, shape)


def _not_shaped(input: Tensor, shape: Any) -> Tensor:
    """The view as another dtype; else there is none."""
    if len(shape) == 1 and isinstance(shape[0], dtypes.dtype):
        return _view_dtype(input, shape[0])
    raise RuntimeError(
        "view size is not compatible with input tensor's size and stride (at least one dimension "
        f"spans across two contiguous subspaces): size {list(input.shape)}, stride "
        f"{list(input.stride())}, asked for {list(size_argument(shape))}. Use .reshape(...) "
        "instead.")


def _view_dtype(input: Tensor, dtype: dtypes.dtype) -> Tensor:
    """The bytes of `input` as elements of another dtype."""
    array, size = input._array, input._array.itemsize
    if dtype.itemsize != size:
        if not array.ndim:
            raise RuntimeError(f"self.dim() cannot be 0 to view {input.dtype} as {dtype} "
                               "(different element sizes)")
        if array.strides[-1] != size and array.shape[-1] != 1:
            raise RuntimeError(f"self.stride(-1) must be 1 to view {input.dtype} as {dtype} "
                               f"(different element sizes), but got {input.stride(-1)}")
        if array.shape[-1] * size % dtype.itemsize:
            raise RuntimeError(f"self.size(-1) must be divisible by {dtype.itemsize // size} to "
                               f"view {input.dtype} as {dtype} (different element sizes), but "
                               f"got {array.shape[-1]}")
    result = wrap(array.view(dtype.array))
    result._writes = version_of(input)
    return result


@composite("Tensor.view_as", samples=lambda x: [(x(2, 6), x(3, 4))])
def view_as(input: Tensor, other: Tensor) -> Tensor:
    """`input` viewed under the shape of `other`."""
    return view(input, *other._array.shape)


@declare_view("reshape", node="view", grad=lambda g, shape, *size: g.reshape(shape),
              otherwise=lambda input, *shape: _copy_shape(input, *shape),
              samples=lambda x: [(x(2, 6), 3, -1), (x(2, 6).t(), (4, 3))])
def reshape(input, *shape):
    """The same elements under another shape (one size may be -1).

    Shares memory where the strides allow it, else it is a copy.

    >>> import rushlight as rl
    >>> rl.arange(4).reshape(2, 2)
    tensor([[0, 1],
            [2, 3]])
    """
    if len(shape) == 1 and type(shape[0]) is not int:
        shape = tuple(shape[0]) if isinstance(shape[0], (tuple, list)) else shape
    if type(input) is np.ndarray and input.flags.c_contiguous:
        try:
            return input.reshape(shape)
        except (ValueError, TypeError):  # torch's errors below
            pass
    return _viewed(input, shape)


def _copy_shape(input: Tensor, *shape: Any) -> Tensor:
    """A copy under another shape, which is nobody's view."""
    result = view(input.clone(memory_format=None), *shape)
    result._view = None
    return result


@composite("Tensor.reshape_as", samples=lambda x: [(x(2, 6), x(3, 4))])
def reshape_as(input: Tensor, other: Tensor) -> Tensor:
    """`input` reshaped to the shape of `other`."""
    return reshape(input, *other._array.shape)


@composite("flatten", samples=lambda x: [(x(2, 3, 4), 1), (x(),)])
def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """The dimensions from start_dim to end_dim as one; a view where possible.

    >>> import rushlight as rl
    >>> rl.zeros(2, 3, 5).flatten(1).shape
    torch.Size([2, 15])
    """
    shape = input._array.shape
    if not shape:
        return reshape(input, 1)
    if start_dim == 0 and end_dim == -1:
        return reshape(input, -1 if input._array.size else 0) if len(shape) > 1 else input
    if start_dim == 1 and end_dim == -1 and len(shape) > 2 and input._array.size:
        return reshape(input, shape[0], -1)
    first, last = normalize_dim(start_dim, len(shape)), normalize_dim(end_dim, len(shape))
    if first > last:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    if first == last:
        return input
    return reshape(input, *shape[:first], math.prod(shape[first:last + 1]), *shape[last + 1:])


@composite("ravel", samples=lambda x: [(x(2, 3),), (x(2, 3).t(),)])
def ravel(input: Tensor) -> Tensor:
    """All elements in one dimension; a view of a contiguous tensor."""
    return (view if input.is_contiguous() else _copy_shape)(input, input._array.size)


@composite("unflatten", samples=lambda x: [(x(2, 6), 1, (2, -1))])
def unflatten(input: Tensor, dim: int, sizes: Any) -> Tensor:
    """The dimension `dim` split into `sizes`, of which one may be -1.

    >>> import rushlight as rl
    >>> rl.zeros(2, 6).unflatten(1, (2, 3)).shape
    torch.Size([2, 2, 3])
    """
    if not len(sizes):
        raise RuntimeError("unflatten: sizes must be non-empty")
    shape = input._array.shape
    if not shape:
        raise RuntimeError("unflatten got an unexpected error: Dimension specified as 0 but "
                           "tensor has no dimensions")
    dim = normalize_dim(dim, len(shape))
    try:
        split = infer_size(tuple(sizes), shape[dim])
    except RuntimeError as error:
        raise RuntimeError(f"unflatten: Provided sizes {list(sizes)} don't multiply up to the "
                           f"size of dim {dim} ({shape[dim]}) in the input tensor") from error
    return view(input, *shape[:dim], *split, *shape[dim + 1:])


@declare_view("squeeze", grad=lambda g, shape, *dim: g.reshape(shape),
              samples=lambda x: [(x(1, 3, 1),), (x(1, 3, 1), 2), (x(1),)])
def squeeze(input, *dim):
    """Without the dimensions of size 1, or without those of `dim` that have it. Shares memory.

    >>> import rushlight as rl
    >>> rl.zeros(1, 2, 1).squeeze().shape
    torch.Size([2])
    """
    shape = input.shape
    if not dim or dim[0] is None:
        return input.squeeze()
    if len(dim) == 1 and type(dim[0]) is int and -len(shape) <= dim[0] < len(shape):
        return input.squeeze(dim[0]) if shape[dim[0]] == 1 else input[...]
    drop = normalize_dims(dim[0] if len(dim) == 1 else dim, len(shape))
    index = tuple(0 if i in drop and n == 1 else slice(None) for i, n in enumerate(shape))
    return input[(*index, ...)]  # with ... it stays an array


@declare_view("unsqueeze", grad=lambda g, shape, dim: g.reshape(shape),
              samples=lambda x: [(x(2, 3), 1), (x(), -1)])
def unsqueeze(input, dim):
    """With a dimension of size 1 at `dim`. Shares memory.

    >>> import rushlight as rl
    >>> rl.zeros(2).unsqueeze(1).shape
    torch.Size([2, 1])
    """
    if type(dim) is int:
        if dim == 0:
            return input[None]
        if dim == -1:
            return input[..., None]
    dim = normalize_dim(dim, input.ndim + 1)
    return input[(slice(None),) * dim + (None,)]


@declare_view("Tensor.expand", grad=lambda g, shape, *size: g.sum_to_size(shape),
              samples=lambda x: [(x(2, 1), 2, 3), (x(3), 2, -1)])
def expand(input, *size):
    """Broadcast to `size` without a copy (-1 keeps a size). Shares memory.

    Several elements are one place in memory then: clone() before writing.

    >>> import rushlight as rl
    >>> rl.tensor([[1], [2]]).expand(2, 3)
    tensor([[1, 1, 1],
            [2, 2, 2]])
    """
    target = size if len(size) > 1 else size_argument(size)
    shape, strides = input.shape, input.strides
    lead = len(target) - len(shape)
    if target[lead:] == shape and lead == 1 and target[0] >= 0:  # the whole, repeated
        return strided(input, target, (0, *strides))
    if lead < 0:
        raise RuntimeError(
            f"expand(torch.Tensor{{{list(shape)}}}, size={list(target)}): the number of sizes "
            f"provided ({len(target)}) must be greater or equal to the number of dimensions in "
            f"the tensor ({len(shape)})")
    sizes, steps = [], []
    for i, n in enumerate(target):
        if i < lead:
            if n < 0:
                raise RuntimeError(f"The expanded size of the tensor ({n}) isn't allowed in a "
                                   f"leading, non-existing dimension {i}")
            sizes.append(n)
            steps.append(0)
            continue
        own = shape[i - lead]
        if n in (-1, own):
            sizes.append(own)
            steps.append(strides[i - lead])
        elif own == 1:
            sizes.append(n)
            steps.append(0)
        else:
            raise RuntimeError(
                f"The expanded size of the tensor ({n}) must match the existing size ({own}) at "
                f"non-singleton dimension {i}.  Target sizes: {list(target)}.  Tensor sizes: "
                f"{list(shape)}; only a dimension of size 1 can be expanded (repeat() copies)")
    return strided(input, tuple(sizes), tuple(steps))


@composite("broadcast_to", samples=lambda x: [(x(2, 1), (4, 2, 3))])
def broadcast_to(input: Tensor, *size: Any) -> Tensor:
    """`input` broadcast to `size` without a copy."""
    return expand(input, *size)


@composite("Tensor.expand_as", samples=lambda x: [(x(2, 1), x(2, 3))])
def expand_as(input: Tensor, other: Tensor) -> Tensor:
    """`input` broadcast to the shape of `other` without a copy."""
    return expand(input, *other._array.shape)


@declare_view("diagonal", grad=lambda g, shape, offset, dim1, dim2: _embed(
    g, shape, lambda x: diagonal(x, offset, dim1, dim2)),
              samples=lambda x: [(x(3, 3),), (x(2, 3, 4), 1, 0, 2), (x(3, 4), -1)])
def diagonal(input, offset=0, dim1=0, dim2=1):
    """The elements whose indices at dim2 exceed those at dim1 by `offset`, as the last dimension.

    Shares memory.

    >>> import rushlight as rl
    >>> rl.arange(9).view(3, 3).diagonal()
    tensor([0, 4, 8])
    """
    n = input.ndim
    if n == 2 and dim1 == 0 and dim2 == 1 and type(input) is np.ndarray and input.flags.writeable:
        found = input.diagonal(offset)
        found.flags.writeable = True
        return found
    first, second = normalize_dim(dim1, n), normalize_dim(dim2, n)
    if first == second:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    shape, strides = input.shape, input.strides
    if offset >= 0:
        length = max(min(shape[first], shape[second] - offset), 0)
        start = offset * strides[second] if length else 0
    else:
        length = max(min(shape[first] + offset, shape[second]), 0)
        start = -offset * strides[first] if length else 0
    keep = [i for i in range(n) if i not in (first, second)]
    return strided(input, (*(shape[i] for i in keep), length),
                   (*(strides[i] for i in keep), strides[first] + strides[second]), start)


def _embed(g: Tensor, shape: tuple[int, ...], part: Any) -> Tensor:
    """Zeros of `shape` with `g` where `part` looks; each element is seen at most once."""
    whole = g.new_zeros(shape)
    part(whole).copy_(g)
    return whole


@declare_view("Tensor.unfold", grad=lambda g, shape, dimension, size, step: _fold_back(
    g, shape, dimension, size, step), samples=lambda x: [(x(5), 0, 3, 2), (x(2, 5), 1, 2, 1)])
def unfold(input, dimension, size, step):
    """Windows of `size` elements along `dimension`, `step` apart, as a new last dimension.

    Shares memory.

    >>> import rushlight as rl
    >>> rl.arange(5).unfold(0, 3, 2)
    tensor([[0, 1, 2],
            [2, 3, 4]])
    """
    n = input.ndim
    dim = normalize_dim(dimension, n)
    length = input.shape[dim] if n else 1
    if size > length:
        raise RuntimeError(f"maximum size for tensor at dimension {dim} is {length} but size is "
                           f"{size}")
    if step <= 0:
        raise RuntimeError(f"step is {step} but must be > 0")
    if not n:
        return strided(input, (size,), (input.itemsize,))
    shape, strides = list(input.shape), list(input.strides)
    shape[dim] = (length - size) // step + 1
    return strided(input, (*shape, size), (*strides[:dim], strides[dim] * step,
                                           *strides[dim + 1:], strides[dim]))


def _fold_back(g: Tensor, shape: tuple[int, ...], dimension: int, size: int, step: int) -> Tensor:
    """The sum of the windows' gradients at each element that they cover."""
    if not shape:
        return g.sum()
    dim = normalize_dim(dimension, len(shape))
    total = g.new_zeros(shape)
    for offset in range(size):
        index = (slice(None),) * dim + (slice(offset, offset + step * g.shape[dim], step),)
        total[index] += g[..., offset]
    return total


@declare_view("as_strided", grad=lambda g, shape, size, stride, storage_offset: _unstride(
    g, shape, size, stride, storage_offset),
              samples=lambda x: [(x(5), (2, 2), (2, 1)), (x(6), (2, 3), (1, 1), 1)])
def as_strided(input, size, stride, storage_offset=None):
    """The memory under any size, strides and offset, in elements. Shares memory.

    Raises RuntimeError where that reaches beyond the memory.

    >>> import rushlight as rl
    >>> rl.arange(5).as_strided((2, 2), (2, 1))
    tensor([[0, 1],
            [2, 3]])
    """
    size, stride = tuple(size), tuple(stride)
    if len(size) != len(stride):
        raise RuntimeError("mismatch in length of strides and shape")
    if min(stride, default=0) < 0:
        raise RuntimeError("as_strided: Negative strides are not supported at the moment, got "
                           f"strides: {list(stride)}")
    item = input.itemsize
    steps = tuple(s * item for s in stride)
    if is_meta(input):
        return MetaArray(size, input.dtype, steps)
    root = root_of(input)
    own = 0 if root is input else (
        input.__array_interface__["data"][0] - root.__array_interface__["data"][0]) // item
    offset = own if storage_offset is None else storage_offset
    last = offset + sum((n - 1) * s for n, s in zip(size, stride, strict=True)) + 1
    room = root.nbytes // item
    if 0 not in size and last > room:
        raise RuntimeError(
            f"setStorage: sizes {list(size)}, strides {list(stride)}, storage offset {offset}, "
            f"and itemsize {item} requiring a storage size of {last * item} are out of bounds for "
            f"storage of size {root.nbytes}")
    return strided(input, size, steps, (offset - own) * item)


def _unstride(g: Tensor, shape: tuple[int, ...], size: Any, stride: Any,
              storage_offset: int | None) -> Tensor:
    """Gradients summed at the elements of a dense input that the strided view looked at."""
    positions = np.full(tuple(size), storage_offset or 0, np.int64)
    for i, (n, s) in enumerate(zip(size, stride, strict=True)):
        positions += (np.arange(n) * s).reshape((n,) + (1,) * (len(size) - 1 - i))
    total = g.new_zeros(math.prod(shape))
    return total.index_add(0, wrap(positions.ravel()), g.reshape(-1)).reshape(shape)


@declare_view("view_as_real", grad=lambda g, shape: view_as_complex(g.contiguous()),
              samples=lambda x: [(x(2, 3).to(complex),)])
def view_as_real(input):
    """Complex numbers as pairs (real, imaginary) in a new last dimension. Shares memory."""
    if input.dtype.kind != "c":
        raise RuntimeError("view_as_real is only supported for complex tensors")
    half = np.dtype(f"f{input.itemsize // 2}")
    if is_meta(input):
        return MetaArray((*input.shape, 2), half)
    return input[..., None].view(half)


@declare_view("view_as_complex", grad=lambda g, shape: view_as_real(g),
              samples=lambda x: [(x(3, 2),)])
def view_as_complex(input):
    """Pairs (real, imaginary) in the last dimension as complex numbers. Shares memory."""
    if input.dtype.kind != "f":
        raise RuntimeError("view_as_complex is only supported for floating point tensors, but got "
                           f"a tensor of scalar type: {input.dtype}")
    if not input.ndim:
        raise RuntimeError("Input tensor must have one or more dimensions")
    if input.shape[-1] != 2:
        raise RuntimeError("Tensor must have a last dimension of size 2")
    if input.strides[-1] != input.itemsize:
        raise RuntimeError("Tensor must have a last dimension with stride 1")
    return input.view(np.dtype(f"c{2 * input.itemsize}"))[..., 0]
