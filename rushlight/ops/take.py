"""take and put: places counted through the whole tensor. take_along_dim: gather, broadcast."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np

from rushlight.backends.meta.array import is_meta
from rushlight.base.shapes import normalize_dim
from rushlight.families.composite import composite
from rushlight.families.index import Geometry, index_op, title, zeros
from rushlight.ops.scatter import gather
from rushlight.tensor import Tensor

Array = np.ndarray
LONG = np.dtype(np.int64)


def _check_places(op: str, input: Array, index: Array) -> None:
    if index.dtype != LONG:
        raise RuntimeError(
            f"{op}(): Expected a long tensor for index, but got {title(index.dtype)}"
        )
    if index.size == 0:
        return
    if input.size == 0:
        raise IndexError(f"{op}(): tried to {op.rstrip('_')} from an empty tensor")
    wrong = index[(index < -input.size) | (index >= input.size)]
    if wrong.size:
        raise IndexError(
            f"out of range: tried to access index {wrong[0]} on a tensor of {input.size} elements."
        )


@index_op(
    "take",
    saves="index",
    shape=lambda input, index: index.shape,
    grad={"input": lambda g, call: put(zeros(call.input, g), call.index, g, accumulate=True)},
    samples=lambda x: [
        (x(2, 3), x.tensor([[5, 0], [2, 2]]))],
)
def take(input: Array, index: Array) -> Array:
    """Return the elements at the given places, counted through ``input`` in row-major order.

    Args:
        index: int64, any shape; negative numbers count from the end.

    >>> import rushlight as rl
    >>> rl.take(rl.tensor([[1, 2], [3, 4]]), rl.tensor([0, -1]))
    tensor([1, 4])
    """
    _check_places("take", input, index)
    return np.asarray(input.take(index)) if index.size else np.empty(index.shape, input.dtype)


@index_op(
    "put",
    writes=True,
    saves="index",
    grad={
        "input": lambda g, call: g if call.accumulate else _with_zeros_at(g, call),
        "source": lambda g, call: take(g, call.index).reshape(call.source.shape),
    },
    samples=lambda x: [
        (x(2, 3), x.tensor([5, 0]), x(2)), (x(2, 3), x.tensor([5, 0, 5]), x(3), True)],
)
def put(input: Array, index: Array, source: Array, accumulate: bool = False) -> None:
    """Write elements at the given places, counted through ``input`` in row-major order.

    Args:
        index: int64, any shape; negative numbers count from the end.
        source: as many elements as ``index``, of the input's dtype.
        accumulate: add instead; places that repeat add up.

    >>> import rushlight as rl
    >>> rl.zeros(2, 2).put(rl.tensor([0, 3]), rl.tensor([1.0, 2.0]))
    tensor([[1., 0.],
            [0., 2.]])
    """
    if input.dtype != source.dtype:
        raise RuntimeError(
            "put_(): self and source expected to have the same dtype, but got self.dtype = "
            f"{title(input.dtype)} and source.dtype = {title(source.dtype)}"
        )
    if index.size != source.size:
        raise IndexError(
            "put_(): Expected source and index to have the same number of elements, but got "
            f"source.numel() = {source.size}, index.numel() = {index.size}"
        )
    _check_places("put_", input, index)
    if index.size == 0:
        return
    places = index.reshape(-1)
    if accumulate:
        places = np.where(places < 0, places + input.size, places)
        if input.flags.c_contiguous:
            np.add.at(input.reshape(-1), places, source.reshape(-1))
        else:
            np.add.at(input, np.unravel_index(places, input.shape), source.reshape(-1))
    else:
        np.put(input, places, source)


def _with_zeros_at(g: Tensor, call: SimpleNamespace) -> Tensor:
    size = math.prod(call.source.shape)
    return put(g, call.index, zeros(Geometry((size,), call.source.dtype), g))


@composite("take_along_dim", samples=lambda x: [
    (x(2, 3), x.tensor([[2, 0], [1, 1]]), 1), (x(2, 3), x.tensor([5, 0]))])
def take_along_dim(
    input: Tensor, indices: Tensor, dim: int | None = None, *, out: Tensor | None = None
) -> Tensor:
    """Pick along a dimension as ``gather``, the two broadcast against each other elsewhere.

    Args:
        indices: int64, from ``-input.size(dim)``, such as ``argmax(dim, keepdim=True)`` gives.
        dim: the dimension; None takes from the flattened input.

    >>> import rushlight as rl
    >>> x = rl.tensor([[10, 30, 20], [60, 40, 50]])
    >>> rl.take_along_dim(x, x.argmax(1, keepdim=True), 1)
    tensor([[30],
            [60]])
    """
    if indices._array.dtype != LONG:
        raise RuntimeError(
            "torch.take_along_dim(): dtype of indices should be Long but got "
            f"{title(indices._array.dtype)}"
        )
    if dim is None:
        return gather(input.reshape(-1), 0, indices.reshape(-1), out=out)
    if input.ndim != indices.ndim:
        raise RuntimeError(
            "torch.take_along_dim(): input and indices should have the same number of "
            f"dimensions, but got {input.ndim} dimensions for input, and {indices.ndim} "
            "dimensions for indices"
        )
    dim = normalize_dim(dim, input.ndim)
    own, other = input._array.shape, indices._array.shape
    if own[:dim] == other[:dim] and own[dim + 1 :] == other[dim + 1 :] and other and (
        not is_meta(indices._array) and indices._array.size and indices._array.min() >= 0
    ):
        return gather(input, dim, indices, out=out)
    shapes = [list(input.shape), list(indices.shape)]
    sizes = [shape[dim] for shape in shapes] if input.ndim else [1, 1]
    for shape in shapes:
        shape[dim : dim + 1] = [1]
    common = np.broadcast_shapes(*map(tuple, shapes))
    ours, theirs = ((*common[:dim], size, *common[dim + 1 :]) for size in sizes)
    if not input.ndim:
        ours = theirs = ()
    places = indices.expand(theirs)
    places = places.where(places >= 0, places + sizes[0])
    return gather(input.expand(ours), dim, places, out=out)
