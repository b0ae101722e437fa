"""Taking tensors apart: split, chunk, unbind, into views that share memory."""

from __future__ import annotations

from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from rushlight.base.shapes import normalize_dim
from rushlight.families.composite import composite
from rushlight.families.view import take_views, view
from rushlight.tensor import Tensor


def _narrow_grad(g: Tensor, shape: tuple[int, ...], dim: int, start: int, length: int) -> Tensor:
    whole = g.new_zeros(shape)  # type: ignore[attr-defined]
    _narrow_view(whole, dim, start, length).copy_(g)
    return whole


@view("_narrow_view", grad=_narrow_grad, node="slice", samples=lambda x: [(x(2, 5), 1, 1, 3)])
def _narrow_view(input, dim, start, length):
    """`length` indices of dimension `dim` from `start` on."""
    return input[(slice(None),) * dim + (slice(start, start + length),)]


@view("_piece", grad=_narrow_grad, many=True, node="split", samples=lambda x: [(x(2, 5), 1, 1, 3)])
def _piece(input, dim, start, length):
    """One of the pieces of split and chunk."""
    return input[(slice(None),) * dim + (slice(start, start + length),)]


@view("_item", many=True, node="unbind", samples=lambda x: [(x(2, 5), 1, 2)],
      grad=lambda g, shape, dim, index: _narrow_grad(g.unsqueeze(dim), shape, dim, index, 1))
def _item(input, dim, index):
    """One of the items of unbind."""
    return input[(slice(None),) * dim + (index, ...)]  # with ... it stays an array


_WHOLE = (slice(None),) * 64


def _sizes(length: int, size: int) -> list[int]:
    """Pieces of `size`, the last one of what is left."""
    whole, rest = divmod(length, size)
    return [size] * whole + [rest] if rest or not length else [size] * whole


def _pieces(tensor: Tensor, dim: int, sizes: list[int]) -> tuple[Tensor, ...]:
    array, start, arrays, arguments = tensor._array, 0, [], []
    for n in sizes:
        arrays.append(array[(*_WHOLE[:dim], slice(start, start + n))])
        arguments.append((dim, start, n))
        start += n
    return take_views(_piece, tensor, arrays, arguments)


@composite("split split_with_sizes", samples=lambda x: [(x(5, 2), 2), (x(2, 5), [2, 3], 1)])
def split(tensor: Tensor, split_size_or_sections: Any = None, dim: int = 0, *,
          split_size: Any = None, split_sizes: Any = None) -> tuple[Tensor, ...]:
    """Pieces of the given size (the last may be smaller), or of the listed sizes. Share memory.

    >>> import rushlight as rl
    >>> rl.arange(5).split(2)
    (tensor([0, 1]), tensor([2, 3]), tensor([4]))
    """
    sections = split_size_or_sections
    if sections is None:
        sections = split_sizes if split_size is None else split_size
    shape = tensor._array.shape
    if not shape:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    dim = normalize_dim(dim, len(shape))
    length = shape[dim]
    if isinstance(sections, Tensor):
        sections = sections.item() if not sections.ndim else sections.tolist()
    if isinstance(sections, int):
        if sections < 0 or (sections == 0 and length):
            raise RuntimeError("split expects split_size be non-negative, but got split_size="
                               f"{sections}")
        sizes = _sizes(length, max(sections, 1))
    else:
        sizes = list(sections)
        if sum(sizes) != length or any(n < 0 for n in sizes):
            raise RuntimeError(
                f"split_with_sizes expects split_sizes to sum exactly to {length} (input tensor's "
                f"size at dimension {dim}), but got split_sizes={sizes}")
    return _pieces(tensor, dim, sizes)


@composite("chunk", samples=lambda x: [(x(5), 2)])
def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """At most `chunks` pieces of equal size (the last may be smaller). Share memory.

    >>> import rushlight as rl
    >>> rl.arange(5).chunk(2)
    (tensor([0, 1, 2]), tensor([3, 4]))
    """
    shape = input._array.shape
    if not shape:
        raise RuntimeError("chunk expects at least a 1-dimensional tensor")
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    dim = normalize_dim(dim, len(shape))
    length = shape[dim]
    size = -(-length // chunks)
    return _pieces(input, dim, _sizes(length, size) if size else [0] * chunks)


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
        stops = list(accumulate(small + (i < extra) for i in range(where)))[:-1]
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
def unbind(input: Tensor, dim: int = 0, *, axis: Any = None) -> tuple[Tensor, ...]:
    """The items along `dim`, without that dimension. Share memory.

    >>> import rushlight as rl
    >>> rl.tensor([[1, 2], [3, 4]]).unbind()
    (tensor([1, 2]), tensor([3, 4]))
    """
    array = input._array
    if not array.ndim:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    dim = normalize_dim(dim if axis is None else axis, array.ndim)
    if dim == 0 and array.ndim > 1 and type(array) is np.ndarray:
        arrays = list(array)
    else:
        arrays = [array[(*_WHOLE[:dim], i, ...)] for i in range(array.shape[dim])]
    return take_views(_item, input, arrays, [(dim, i) for i in range(len(arrays))])


def _unwatched(pieces: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Pieces that count as no views: writes to them are left to the caller to get right."""
    for piece in pieces:
        piece._view = None
        piece._writes = None
    return pieces


@composite("unsafe_split unsafe_split_with_sizes", samples=lambda x: [(x(5, 2), 2)])
def unsafe_split(tensor: Tensor, split_size: Any = None, dim: int = 0, *,
                 split_sizes: Any = None) -> tuple[Tensor, ...]:
    """`split`, whose pieces may be written to in place although they share memory.

    A gradient is right only if of the input and its pieces no two are used after such a write.
    """
    return _unwatched(split(tensor, split_size, dim, split_sizes=split_sizes))


@composite("unsafe_chunk", samples=lambda x: [(x(5), 2)])
def unsafe_chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """`chunk`, whose pieces may be written to in place although they share memory."""
    return _unwatched(chunk(input, chunks, dim))
