"""Reductions of consecutive segments of a dimension, of any lengths."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.base.errors import operands
from rushlight.base.shapes import normalize_dim
from rushlight.families.composite import function
from rushlight.families.inplace import real_only
from rushlight.tensor import Tensor, wrap

# How scatter_reduce calls a reduction, and what an empty segment gives.
KINDS = {"sum": ("sum", 0.0), "mean": ("sum", float("nan")), "max": ("amax", -float("inf")),
         "min": ("amin", float("inf")), "prod": ("prod", 1.0)}


@function("segment_reduce", samples=lambda x: [
    (x(4, 2), "mean", {"lengths": wrap(np.array([3, 1]))}),
    (x(2, 3), "max", {"offsets": wrap(np.array([[0, 2, 3], [0, 1, 3]])), "axis": 1})])
def segment_reduce(data: Any, reduce: str, *, lengths: Any = None, indices: Any = None,
                   offsets: Any = None, axis: int = 0, unsafe: bool = False,
                   initial: Any = None) -> Tensor:
    """The "sum", "mean", "max", "min" or "prod" of segments of dimension `axis`, one by one.

    lengths: (*, segments), of data's first `axis` dimensions, and sums to data's size at `axis`
    unless `unsafe`; or offsets: (*, segments + 1), where they begin, and the end. initial: counts
    as one more element, and is what empty segments give; without it they give the identity, or
    NaN for a mean. Returns (*, segments, ...).

    >>> import rushlight as rl
    >>> rl.segment_reduce(rl.tensor([1., 2., 4.]), "sum", lengths=rl.tensor([2, 1]))
    tensor([3., 4.])
    """
    if reduce not in KINDS:
        raise RuntimeError(f"segment_reduce(): reduce must be one of {', '.join(KINDS)}, but got "
                           f"{reduce!r}")
    if indices is not None:
        raise RuntimeError("segment_reduce(): indices based reduction is not supported yet.")
    if lengths is None and offsets is None:
        raise RuntimeError("segment_reduce(): Either lengths or offsets must be defined.")
    real_only("_segment_reduce_cpu", data._array)
    dim, size = normalize_dim(axis, data.ndim), data.shape[axis]
    counts = (lengths if lengths is not None else offsets[..., 1:] - offsets[..., :-1])._array
    if counts.shape[:-1] != tuple(data.shape[:dim]) or counts.ndim != dim + 1:
        given = operands(data=data, **({"offsets": offsets} if lengths is None
                                       else {"lengths": lengths}))
        raise RuntimeError("segment_reduce(): Expected the leading dimensions of lengths to be "
                           f"those of data before axis {dim}: {given}")
    if data.is_meta:
        return data.new_empty((*data.shape[:dim], counts.shape[-1], *data.shape[dim + 1:]))
    negative = counts.size and counts.min() < 0
    if not unsafe and (negative or (counts.sum(-1) != size).any()):
        raise RuntimeError("segment_reduce(): Expected all rows of lengths along axis to sum to "
                           "data.size(lengths.dim()-1) when !unsafe.")
    return _reduced(data, reduce, counts, dim, initial)


def _reduced(data: Any, reduce: str, counts: np.ndarray, dim: int, initial: Any) -> Tensor:
    number = counts.shape[-1]
    rows = counts.reshape(-1, number)
    places = np.stack([np.repeat(np.arange(number), row) for row in rows]) if len(rows) else rows
    trailing = (1,) * (data.ndim - dim - 1)
    index: Any = wrap(places.reshape(*data.shape[:dim], data.shape[dim], *trailing))
    index = index.expand(data.shape)
    kind, empty = KINDS[reduce]
    start = initial if initial is not None else (0.0 if reduce == "mean" else empty)
    base = data.new_full((*data.shape[:dim], number, *data.shape[dim + 1:]), start)
    result = base.scatter_reduce(dim, index, data, kind, include_self=True)
    if reduce != "mean":
        return result
    sizes = wrap(counts.reshape(*counts.shape, *trailing)).to(data.dtype)
    return result / (sizes if initial is None else sizes.clamp_min(1))
