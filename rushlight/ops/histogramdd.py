"""Histograms of points of several dimensions."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.backends.meta.array import is_meta
from rushlight.base.errors import operands
from rushlight.base.structure import structure
from rushlight.families.composite import function
from rushlight.ops.counting import _extent, _floating
from rushlight.tensor import Tensor, wrap

Array = np.ndarray

HISTOGRAMDD = structure("histogramdd", "hist bin_edges")


@function("histogramdd", samples=lambda x: [
    (x(5, 2), [2, 3]), (x(5, 2), 2, {"weight": x(5, low=0.1), "range": [-2.0, 2.0, -2.0, 2.0]})])
def histogramdd(input: Tensor, bins: Any, *, range: Any = None, weight: Tensor | None = None,
                density: bool = False, out: Any = None) -> Any:
    """(hist, bin_edges): how many of the points (..., n) fall into each cell of an n-d grid.

    bins: their number, or one for each dimension, or for each a tensor (k + 1,) of ascending
    edges. range: (min, max, min, max, ...) for numbers of bins, else those of the data. weight:
    (...), added up instead of ones. density: divide by the total and the cells' sizes. Cells hold
    their lower edges, the last ones both.

    >>> import rushlight as rl
    >>> rl.histogramdd(rl.tensor([[0., 1.], [1., 0.], [2., 2.]]), [2, 2]).hist
    tensor([[0., 1.],
            [1., 1.]])
    """
    array = _floating("histogramdd", input)
    if is_meta(array):
        raise NotImplementedError("histogramdd() on meta tensors: the edges depend on the data")
    if array.ndim < 2:
        raise RuntimeError("torch.histogramdd: input tensor should have at least 2 dimensions, but "
                           f"got {array.ndim}")
    points = array.reshape(-1, array.shape[-1])
    edges = _edges(points, bins, range)
    weights = None
    if weight is not None:
        if weight._array.shape != array.shape[:-1] or weight.dtype is not input.dtype:
            raise RuntimeError("torch.histogramdd(): if weight tensor is provided it should have "
                               "the same shape and dtype as input without its last dimension: "
                               f"{operands(input=input, weight=weight)}")
        weights = weight._array.reshape(-1)
    counts = _counted(points, edges, weights)
    if density:
        counts = counts / counts.sum()
        for i, edge in enumerate(edges):
            shape = [1] * len(edges)
            shape[i] = -1
            counts = counts / np.diff(edge).reshape(shape)
    hist, bounds = wrap(counts.astype(array.dtype)), tuple([wrap(edge) for edge in edges])
    if out is None:
        return HISTOGRAMDD(hist, bounds)
    return HISTOGRAMDD(_put(out[0], hist), tuple(map(_put, out[1], bounds)))


def _counted(points: Array, edges: list[Array], weights: Array | None) -> Array:
    """How many points, or what weights, fall into each cell; a cell's lower edge belongs to it."""
    shape = tuple(len(edge) - 1 for edge in edges)
    cells, inside = np.zeros(len(points), np.int64), np.ones(len(points), bool)
    for x, edge, n in zip(points.T, edges, shape, strict=True):
        inside &= (x >= edge[0]) & (x <= edge[-1])
        cells = cells * n + np.minimum(np.searchsorted(edge, x, "right") - 1, n - 1)
    chosen = None if weights is None else weights[inside]
    return np.bincount(cells[inside], chosen, int(np.prod(shape))).reshape(shape)


def _put(out: Any, result: Tensor) -> Tensor:
    out.resize_(result._array.shape)
    return out.copy_(result)


def _edges(points: Array, bins: Any, range: Any) -> list[Array]:
    """The edges of the cells along each dimension."""
    n = points.shape[1]
    given = list(bins) if isinstance(bins, tuple | list) else [bins] * n
    if len(given) != n:
        raise RuntimeError("histogramdd: The size of bins must be equal to the innermost dimension "
                           f"of the input: got {len(given)} for points of {n} dimensions")
    if range is not None and len(range) != 2 * n:
        raise RuntimeError(f"torch.histogramdd: for a {n}-dimensional histogram range should have "
                           f"{2 * n} elements, but got {len(range)}")
    edges = []
    for i, own in enumerate(given):
        if isinstance(own, Tensor):
            edges.append(own._array.astype(points.dtype))
            continue
        if own <= 0:
            raise RuntimeError(f"torch.histogramdd(): bins must be > 0, but got {own} for "
                               f"dimension {i}")
        low, high = (0.0, 0.0) if range is None else range[2 * i:2 * i + 2]
        low, high = _extent("torch.histogramdd", points[:, i], low, high, 0.5)
        edges.append(np.linspace(low, high, own + 1, dtype=points.dtype))
    return edges
