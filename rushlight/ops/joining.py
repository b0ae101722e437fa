"""Joining tensors and taking them apart: cat, stack, split, chunk, unbind, repeat, roll, flip."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from rushlight.backends.meta.array import MetaArray, is_meta
from rushlight.base.errors import describe
from rushlight.base.flags import flags
from rushlight.base.promotion import promote_ranks
from rushlight.base.shapes import normalize_dim, normalize_dims, size_argument
from rushlight.engine.node import Node, edge_of, next_sequence
from rushlight.families.cast import cast
from rushlight.families.composite import composite, function
from rushlight.families.inplace import write_out
from rushlight.families.library import library
from rushlight.families.view import view
from rushlight.tensor import Tensor, wrap


class CatBackward0(Node):
    """The gradient of cat: a piece for each tensor."""

    __slots__ = ()
    keeps_tensors = False

    def backward(self, gradient: Any, create: bool) -> tuple[Any, ...]:
        dim, sizes = self.saved
        pieces, start = [], 0
        for edge, size in zip(self.edges, sizes, strict=True):
            if size is None or edge is None:
                pieces.append(None)
            else:
                pieces.append(_slice(gradient, dim, start, size))
            start += size or 0
        return tuple(pieces)


def _slice(tensor: Tensor, dim: int, start: int, length: int) -> Tensor:
    return _narrow_view(tensor, dim, start, length)


@function("cat concat concatenate",
          samples=lambda x: [([x(2, 3), x(1, 3)],), ([x(2, 3), x(2, 1)], 1)])
def cat(tensors: Sequence[Tensor], dim: int = 0, *, out: Any = None, axis: Any = None) -> Tensor:
    """The tensors one after another along `dim`; all other sizes must be equal.

    Returns a new tensor of the promoted dtype. Raises RuntimeError that names the tensor and the
    dimension that do not fit.

    >>> import rushlight as rl
    >>> rl.cat([rl.zeros(1, 2), rl.ones(1, 2)])
    tensor([[0., 0.],
            [1., 1.]])
    """
    dim = dim if axis is None else axis
    tensors = list(tensors)
    if not tensors:
        raise ValueError("torch.cat(): expected a non-empty list of Tensors")
    for i, x in enumerate(tensors):
        if not isinstance(x, Tensor):
            raise TypeError(f"expected Tensor as element {i} in argument 0, but got "
                            f"{type(x).__name__}")
        if not x._array.ndim:
            raise RuntimeError(f"zero-dimensional tensor (at position {i}) cannot be concatenated")
    common = promote_ranks([x.dtype for x in tensors], [], []).array
    pieces = [cast(x, common) for x in tensors]
    # An empty 1-d tensor fits anywhere: old programs start lists with one.
    used = [x for x in pieces if x._array.shape != (0,)] or pieces[:1]
    dim = normalize_dim(dim, used[0]._array.ndim)
    _check_cat(used, dim)
    arrays = [x._array for x in used]
    if is_meta(arrays[0]):
        shape = list(arrays[0].shape)
        shape[dim] = sum(a.shape[dim] for a in arrays)
        joined: Any = MetaArray(shape, common)
    else:
        joined = np.concatenate(arrays, axis=dim)
    recorded = flags.grad_enabled and any(x._node is not None for x in pieces)
    if out is not None:
        return write_out(out, joined, "cat", recorded)
    result = wrap(joined)
    if recorded and joined.dtype.kind in "fcV":
        node = result._node = CatBackward0()
        node._sequence = next_sequence()
        node.edges = tuple(edge_of(x) for x in pieces)
        sizes = tuple(x._array.shape[dim] if x._array.shape != (0,) or len(used[0].shape) == 1
                      else None for x in pieces)
        node.saved = (dim, sizes)
    return result


def _check_cat(tensors: list[Tensor], dim: int) -> None:
    first = tensors[0]._array.shape
    for i, x in enumerate(tensors):
        shape = x._array.shape
        if len(shape) != len(first):
            raise RuntimeError(
                f"Tensors must have same number of dimensions: got {len(first)} and {len(shape)}: "
                f"tensor 0 is {describe(tensors[0])}, tensor {i} is {describe(x)}")
        for d, (a, b) in enumerate(zip(first, shape, strict=True)):
            if d != dim and a != b:
                raise RuntimeError(
                    f"Sizes of tensors must match except in dimension {dim}. Expected size {a} "
                    f"but got size {b} for tensor number {i} in the list: tensor 0 is "
                    f"{describe(tensors[0])}, tensor {i} is {describe(x)}, and dimension {d} "
                    "differs")


@function("stack", samples=lambda x: [([x(2, 3), x(2, 3)], 1)])
def stack(tensors: Sequence[Tensor], dim: int = 0, *, out: Any = None) -> Tensor:
    """Tensors of one shape side by side along a new dimension.

    >>> import rushlight as rl
    >>> rl.stack([rl.zeros(2), rl.ones(2)])
    tensor([[0., 0.],
            [1., 1.]])
    """
    tensors = list(tensors)
    if not tensors:
        raise RuntimeError("stack expects a non-empty TensorList")
    shape = tensors[0]._array.shape
    for i, x in enumerate(tensors):
        if x._array.shape != shape:
            raise RuntimeError(f"stack expects each tensor to be equal size, but got {list(shape)} "
                               f"at entry 0 and {list(x._array.shape)} at entry {i}")
    dim = normalize_dim(dim, len(shape) + 1)
    return cat([x.unsqueeze(dim) for x in tensors], dim, out=out)  # type: ignore[attr-defined]


def _at_least(tensors: Sequence[Tensor], n: int) -> list[Tensor]:
    return [x.reshape(1) if x.ndim < n else x for x in tensors]  # type: ignore[attr-defined]


@function("hstack", samples=lambda x: [([x(2), x(3)],)])
def hstack(tensors: Sequence[Tensor], *, out: Any = None) -> Tensor:
    """The tensors side by side: along dimension 1, or 0 for vectors."""
    tensors = _at_least(tensors, 1)
    return cat(tensors, 0 if tensors[0].ndim == 1 else 1, out=out)


@function("vstack row_stack", samples=lambda x: [([x(3), x(2, 3)],)])
def vstack(tensors: Sequence[Tensor], *, out: Any = None) -> Tensor:
    """The tensors, at least 2-d, one above another."""
    rows = [x.reshape(1, -1) if x.ndim < 2 else x for x in tensors]  # type: ignore[attr-defined]
    return cat(rows, 0, out=out)


@function("dstack", samples=lambda x: [([x(2, 3), x(2, 3)],)])
def dstack(tensors: Sequence[Tensor], *, out: Any = None) -> Tensor:
    """The tensors, at least 3-d, one behind another."""
    deep = []
    for x in tensors:
        x = x.reshape(1, -1, 1) if x.ndim < 2 else x  # type: ignore[attr-defined]
        deep.append(x.unsqueeze(-1) if x.ndim == 2 else x)  # type: ignore[attr-defined]
    return cat(deep, 2, out=out)


@function("column_stack", samples=lambda x: [([x(3), x(3, 2)],)])
def column_stack(tensors: Sequence[Tensor], *, out: Any = None) -> Tensor:
    """The tensors as columns of one matrix."""
    columns = [x.reshape(-1, 1) if x.ndim < 2 else x for x in tensors]  # type: ignore
    return cat(columns, 1, out=out)


def _narrow_grad(g: Tensor, shape: tuple[int, ...], dim: int, start: int, length: int) -> Tensor:
    whole = g.new_zeros(shape)  # type: ignore[attr-defined]
    _narrow_view(whole, dim, start, length).copy_(g)
    return whole


@view("_narrow_view", grad=_narrow_grad, samples=lambda x: [(x(2, 5), 1, 1, 3)])
def _narrow_view(input, dim, start, length):
    """`length` indices of dimension `dim` from `start` on."""
    return input[(slice(None),) * dim + (slice(start, start + length),)]


@view("_piece", grad=_narrow_grad, many=True, samples=lambda x: [(x(2, 5), 1, 1, 3)])
def _piece(input, dim, start, length):
    """One of the pieces of split and chunk."""
    return input[(slice(None),) * dim + (slice(start, start + length),)]


@view("_item", grad=lambda g, shape, dim, index: _narrow_grad(
    g.unsqueeze(dim), shape, dim, index, 1), many=True, samples=lambda x: [(x(2, 5), 1, 2)])
def _item(input, dim, index):
    """One of the items of unbind."""
    return input[(slice(None),) * dim + (index, ...)]  # with ... it stays an array


@composite("split split_with_sizes", samples=lambda x: [(x(5, 2), 2), (x(2, 5), [2, 3], 1)])
def split(tensor: Tensor, split_size_or_sections: Any = None, dim: int = 0, *,
          split_size: Any = None, split_sizes: Any = None) -> tuple[Tensor, ...]:
    """Pieces of the given size (the last may be smaller), or of the listed sizes. Share memory.

    >>> import rushlight as rl
    >>> rl.arange(5).split(2)
    (tensor([0, 1]), tensor([2, 3]), tensor([4]))
    """
    sections = next(s for s in (split_size_or_sections, split_size, split_sizes) if s is not None)
    if not tensor.ndim:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    dim = normalize_dim(dim, tensor.ndim)
    length = tensor._array.shape[dim]
    if isinstance(sections, Tensor):
        sections = sections.item() if not sections.ndim else sections.tolist()
    if isinstance(sections, int):
        if sections < 0 or (sections == 0 and length):
            raise RuntimeError("split expects split_size be non-negative, but got split_size="
                               f"{sections}")
        step = max(sections, 1)
        sizes = [min(step, length - i) for i in range(0, length, step)] or [0]
    else:
        sizes = list(sections)
        if sum(sizes) != length or any(n < 0 for n in sizes):
            raise RuntimeError(
                f"split_with_sizes expects split_sizes to sum exactly to {length} (input tensor's "
                f"size at dimension {dim}), but got split_sizes={sizes}")
    starts = np.cumsum([0, *sizes]).tolist()
    return tuple(_piece(tensor, dim, s, n) for s, n in zip(starts, sizes, strict=False))


@composite("chunk", samples=lambda x: [(x(5), 2)])
def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """At most `chunks` pieces of equal size (the last may be smaller). Share memory.

    >>> import rushlight as rl
    >>> rl.arange(5).chunk(2)
    (tensor([0, 1, 2]), tensor([3, 4]))
    """
    if not input.ndim:
        raise RuntimeError("chunk expects at least a 1-dimensional tensor")
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    length = input._array.shape[normalize_dim(dim, input.ndim)]
    size = math.ceil(length / chunks)
    return split(input, size if size else [0] * chunks, dim)


@composite("tensor_split", samples=lambda x: [(x(5), 2), (x(5), (1, 3))])
def tensor_split(input: Tensor, indices_or_sections: Any = None, dim: int = 0, *,
                 indices: Any = None, sections: Any = None) -> tuple[Tensor, ...]:
    """Pieces that differ in size by at most one, or that end at the given indices."""
    where = next(x for x in (indices_or_sections, indices, sections) if x is not None)
    if not input.ndim:
        raise RuntimeError("tensor_split expected at least a 1-dimensional tensor, but got a "
                           "tensor with 0 dims")
    if isinstance(where, Tensor):
        where = where.tolist()
    dim = normalize_dim(dim, input.ndim)
    n = input._array.shape[dim]
    if isinstance(where, int):
        if where <= 0:
            raise RuntimeError(f"number of sections must be larger than 0, got {where}")
        small, extra = divmod(n, where)
        stops = np.cumsum([small + (i < extra) for i in range(where)]).tolist()[:-1]
    else:
        stops = list(where)
    bounds = [0, *stops, n]
    pieces = []
    for start, stop in pairwise(bounds):
        a, b, _ = slice(start, stop).indices(n)
        pieces.append(_piece(input, dim, a, max(b - a, 0)))
    return tuple(pieces)


@composite("hsplit", samples=lambda x: [(x(2, 4), 2)])
def hsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """tensor_split along dimension 1, or 0 for vectors."""
    return tensor_split(input, indices_or_sections, 0 if input.ndim == 1 else 1)


@composite("vsplit", samples=lambda x: [(x(4, 2), 2)])
def vsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """tensor_split along dimension 0."""
    if input.ndim < 2:
        raise RuntimeError("torch.vsplit requires a tensor with at least 2 dimension, but got a "
                           f"tensor with {input.ndim} dimensions!")
    return tensor_split(input, indices_or_sections, 0)


@composite("dsplit", samples=lambda x: [(x(1, 2, 4), 2)])
def dsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """tensor_split along dimension 2."""
    if input.ndim < 3:
        raise RuntimeError("torch.dsplit requires a tensor with at least 3 dimension, but got a "
                           f"tensor with {input.ndim} dimensions!")
    return tensor_split(input, indices_or_sections, 2)


@composite("unbind", samples=lambda x: [(x(2, 3), 1), (x(3),)])
def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """The items along `dim`, without that dimension. Share memory.

    >>> import rushlight as rl
    >>> rl.tensor([[1, 2], [3, 4]]).unbind()
    (tensor([1, 2]), tensor([3, 4]))
    """
    if not input.ndim:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    dim = normalize_dim(dim, input.ndim)
    return tuple(_item(input, dim, i) for i in range(input._array.shape[dim]))


@library("_flip")
class _flip:
    """The elements in reverse order along `dims`, a tuple; a copy."""

    def forward(input, dims: Option):
        index = tuple(slice(None, None, -1) if i in dims else slice(None)
                      for i in range(input.ndim))
        return input[index].copy()

    def backward(gradient, dims):
        return _flip(gradient, dims)


@composite("flip", samples=lambda x: [(x(2, 3), 0, 1)])
def flip(input: Tensor, *dims: Any, **named: Any) -> Tensor:
    """The elements in reverse order along `dims`; a copy.

    >>> import rushlight as rl
    >>> rl.arange(3).flip(0)
    tensor([2, 1, 0])
    """
    given = size_argument(dims) if dims else tuple(named.get("dims", ()))
    return _flip(input, normalize_dims(given, input.ndim))


@composite("fliplr", samples=lambda x: [(x(2, 3),)])
def fliplr(input: Tensor) -> Tensor:
    """Reversed along dimension 1."""
    if input.ndim < 2:
        raise RuntimeError("Input must be >= 2-d.")
    return flip(input, 1)


@composite("flipud", samples=lambda x: [(x(3),)])
def flipud(input: Tensor) -> Tensor:
    """Reversed along dimension 0."""
    if input.ndim < 1:
        raise RuntimeError("Input must be >= 1-d.")
    return flip(input, 0)


@composite("rot90", samples=lambda x: [(x(2, 3),), (x(2, 3), 2)])
def rot90(input: Tensor, k: int = 1, dims: Sequence[int] = (0, 1)) -> Tensor:
    """Turned k times by 90 degrees in the plane of `dims`, from the first to the second."""
    if len(dims) != 2:
        raise RuntimeError(f"expected total rotation dims == 2, but got dims = {len(dims)}")
    a, b = (normalize_dim(d, input.ndim) for d in dims)
    if input.ndim < 2:
        raise RuntimeError(f"expected total dims >= 2, but got total dims = {input.ndim}")
    if a == b:
        raise RuntimeError(f"expected rotation dims to be different, but got dim0 = {a} and "
                           f"dim1 = {b}")
    k %= 4
    if k == 2:
        return flip(input, a, b)
    if k == 0:
        return input.clone()  # type: ignore[attr-defined]
    turned = flip(input, b if k == 1 else a)
    return turned.transpose(a, b).clone(memory_format=None)  # type: ignore[attr-defined]


@composite("roll", samples=lambda x: [(x(2, 3), 1), (x(2, 3), (1, -1), (0, 1))])
def roll(input: Tensor, shifts: Any, dims: Any = None) -> Tensor:
    """The elements moved on by `shifts` places along `dims`, around the end.

    >>> import rushlight as rl
    >>> rl.arange(4).roll(1)
    tensor([3, 0, 1, 2])
    """
    shifts = tuple(shifts) if isinstance(shifts, (tuple, list)) else (shifts,)
    if dims is None or (isinstance(dims, (tuple, list)) and not dims):
        if len(shifts) != 1:
            raise RuntimeError(f"shifts and dimensions must align. shifts: {len(shifts)}, dims:0")
        return roll(input.reshape(-1), shifts, (0,)).reshape(input.shape)  # type: ignore
    dims = tuple(dims) if isinstance(dims, (tuple, list)) else (dims,)
    if len(dims) != len(shifts):
        raise RuntimeError(f"shifts and dimensions must align. shifts: {len(shifts)}, dims:"
                           f"{len(dims)}")
    for shift, d in zip(shifts, dims, strict=True):
        dim = normalize_dim(d, input.ndim)
        n = input._array.shape[dim] if input.ndim else 0
        if n:
            cut = -shift % n
            input = cat([_narrow_view(input, dim, cut, n - cut),
                         _narrow_view(input, dim, 0, cut)], dim)
    return input


@composite("Tensor.repeat", samples=lambda x: [(x(2, 3), 2, 1, 2)])
def repeat(input: Tensor, *repeats: Any, **named: Any) -> Tensor:
    """The tensor repeated `repeats` times along each dimension; a copy.

    >>> import rushlight as rl
    >>> rl.tensor([1, 2]).repeat(2, 2)
    tensor([[1, 2, 1, 2],
            [1, 2, 1, 2]])
    """
    times = size_argument(repeats or (named["repeats"],))
    if len(times) < input.ndim:
        raise RuntimeError("Number of dimensions of repeat dims can not be smaller than number of "
                           "dimensions of tensor")
    shape = (1,) * (len(times) - input.ndim) + tuple(input._array.shape)
    spread = [n for t, s in zip(times, shape, strict=True) for n in (t, s)]
    apart = input.reshape([n for s in shape for n in (1, s)])  # type: ignore[attr-defined]
    out = [t * s for t, s in zip(times, shape, strict=True)]
    return apart.expand(spread).clone(memory_format=None).reshape(out)


@composite("tile", samples=lambda x: [(x(2, 3), 2)])
def tile(input: Tensor, *dims: Any) -> Tensor:
    """The tensor repeated `dims` times, missing dimensions counting from the last."""
    times = size_argument(dims)
    return repeat(input, (1,) * (input.ndim - len(times)) + times)


@function("meshgrid", samples=lambda x: [(x(2), x(3), {'indexing': 'xy'})])
def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Tensor, ...]:
    """Grids of coordinates from 1-d tensors: the i-th result varies along dimension i.

    >>> import rushlight as rl
    >>> rl.meshgrid(rl.arange(2), rl.arange(3), indexing="ij")[1]
    tensor([[0, 1, 2],
            [0, 1, 2]])
    """
    given = list(tensors[0]) if len(tensors) == 1 and not isinstance(tensors[0], Tensor) else list(
        tensors)
    if not given:
        raise RuntimeError("meshgrid expects a non-empty TensorList")
    if indexing not in ("ij", "xy"):
        raise RuntimeError("torch.meshgrid: indexing must be one of \"xy\" or \"ij\", but "
                           f"received: {indexing}")
    if any(x.ndim > 1 for x in given):
        raise RuntimeError("torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: "
                           f"{next(x for x in given if x.ndim > 1).shape}")
    swap = indexing == "xy" and len(given) > 1
    if swap:
        given[:2] = given[1::-1]
    shape = [x.numel() for x in given]
    grids = [x.reshape([n if i == j else 1 for j, n in enumerate(shape)]).expand(shape)
             for i, x in enumerate(given)]
    if swap:
        grids[:2] = grids[1::-1]
    return tuple(grids)


@function("broadcast_tensors", samples=lambda x: [(x(2, 1), x(3))])
def broadcast_tensors(*tensors: Any) -> tuple[Tensor, ...]:
    """The tensors broadcast to their common shape, without copies."""
    given = tensors[0] if len(tensors) == 1 and not isinstance(tensors[0], Tensor) else tensors
    try:
        shape = np.broadcast_shapes(*(x._array.shape for x in given))
    except ValueError:
        from_shapes = ", ".join(describe(x) for x in given)
        raise RuntimeError(f"The size of tensor a must match the size of tensor b: "
                           f"broadcast_tensors({from_shapes})") from None
    return tuple(x.expand(shape) for x in given)


@function("atleast_1d", samples=lambda x: [(x(),)])
def atleast_1d(*tensors: Any) -> Any:
    """The tensors with at least one dimension."""
    return _each(tensors, lambda x: x.reshape(1) if x.ndim < 1 else x)


@function("atleast_2d", samples=lambda x: [(x(3),)])
def atleast_2d(*tensors: Any) -> Any:
    """The tensors with at least two dimensions, new ones in front."""
    return _each(tensors, lambda x: x.reshape(1, -1) if x.ndim < 2 else x)


@function("atleast_3d", samples=lambda x: [(x(3),)])
def atleast_3d(*tensors: Any) -> Any:
    """The tensors with at least three dimensions."""
    return _each(tensors, lambda x: x.reshape(1, -1, 1) if x.ndim < 2 else (
        x.unsqueeze(-1) if x.ndim == 2 else x))


def _each(tensors: tuple, change: Any) -> Any:
    if len(tensors) == 1 and isinstance(tensors[0], Tensor):
        return change(tensors[0])
    given = tensors[0] if len(tensors) == 1 else tensors
    return tuple(change(x) for x in given)
