"""Products and arrangements of several tensors: cross, multi_dot, block_diag, combinations."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from rushlight.backends.meta.array import is_meta
from rushlight.base import dtypes
from rushlight.base.errors import operands
from rushlight.base.shapes import broadcast_shapes, normalize_dim
from rushlight.families.composite import composite, function
from rushlight.families.inplace import title
from rushlight.families.node_names import called
from rushlight.ops.joining import cat, meshgrid, stack
from rushlight.ops.matmul import matmul
from rushlight.ops.ranges import arange
from rushlight.tensor import Tensor, wrap


@called("LinalgCross")
def _cross(name: str, input: Any, other: Any, dim: int) -> Tensor:
    if input.ndim != other.ndim:
        raise RuntimeError(f"{name}: inputs must have the same number of dimensions: "
                           f"{operands(input=input, other=other)}")
    axis = normalize_dim(dim, input.ndim)
    if input.shape[axis] != 3 or other.shape[axis] != 3:
        raise RuntimeError(f"{name}: inputs dimension {dim} must have length 3. Got "
                           f"{input.shape[axis]} and {other.shape[axis]}")
    a, b = input.unbind(axis), other.unbind(axis)
    return stack([a[i - 2] * b[i - 1] - a[i - 1] * b[i - 2] for i in range(3)], axis)


@function("linalg.cross", out=True, samples=lambda x: [
    (x(2, 3), x(2, 3)), (x(3, 2), x(3, 1), {"dim": 0})])
def linalg_cross(input: Any, other: Any, *, dim: int = -1) -> Tensor:
    """The cross product of vectors of three numbers along `dim`, with broadcasting.

    >>> import rushlight as rl
    >>> rl.linalg.cross(rl.tensor([1., 0., 0.]), rl.tensor([0., 1., 0.]))
    tensor([0., 0., 1.])
    """
    return _cross("linalg.cross", input, other, dim)


@composite("cross", out=True)
def cross(input: Any, other: Any, dim: int | None = None) -> Tensor:
    """The cross product along `dim`, or along the first dimension of size 3.

    >>> import rushlight as rl
    >>> rl.cross(rl.tensor([1., 0., 0.]), rl.tensor([0., 1., 0.]), dim=0)
    tensor([0., 0., 1.])
    """
    if dim is None:
        warnings.warn("Using torch.cross without specifying the dim arg is deprecated: pass dim=, "
                      "or call linalg.cross", UserWarning, stacklevel=3)
        shape = broadcast_shapes([input.shape, other.shape])
        dim = next((d for d, n in enumerate(shape) if n == 3), None)
        if dim is None:
            raise RuntimeError("no dimension of size 3 in input: "
                               f"{operands(input=input, other=other)}")
    return _cross("linalg.cross", input, other, dim)


@function("linalg.vecdot", out=True, samples=lambda x: [
    (x(2, 3), x(3)), (x(2, 3), x(2, 3), {"dim": 0})])
def vecdot(x: Any, y: Any, *, dim: int = -1) -> Tensor:
    """Sums of products along `dim`, the first conjugated, with broadcasting.

    >>> import rushlight as rl
    >>> rl.linalg.vecdot(rl.tensor([1., 2.]), rl.tensor([3., 4.]))
    tensor(11.)
    """
    return (x.conj() * y).sum(dim)


def _fitting(name: str, tensors: Sequence[Any]) -> None:
    """Refuse matrices whose product is not defined."""
    for i, (a, b) in enumerate(itertools.pairwise(tensors)):
        if a.shape[-1] != b.shape[0]:
            raise RuntimeError(f"{name}(): tensors {i} and {i + 1} with shapes {list(a.shape)} "
                               f"and {list(b.shape)} cannot be multiplied")
        if a.dtype is not b.dtype:
            raise RuntimeError(f"{name}(): all tensors must have be the same dtype but tensor "
                               f"{i} is {a.dtype.name} and tensor {i + 1} {b.dtype.name}")


def _best_order(sizes: Sequence[int]) -> dict[tuple[int, int], int]:
    """Where to split each chain of matrices for the fewest multiplications.

    Cormen, Leiserson, Rivest, Stein: Introduction to Algorithms, section 15.2.
    """
    n = len(sizes) - 1
    cost = {(i, i): 0 for i in range(n)}
    split = {}
    for length in range(1, n):
        for i in range(n - length):
            j = i + length
            cost[i, j], split[i, j] = min(
                (cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1], k)
                for k in range(i, j))
    return split


def _chain(tensors: Sequence[Any]) -> Any:
    split = _best_order([*(x.shape[0] for x in tensors), tensors[-1].shape[1]])

    def product(i: int, j: int) -> Any:
        if i == j:
            return tensors[i]
        k = split[i, j]
        return matmul(product(i, k), product(k + 1, j))

    return product(0, len(tensors) - 1)


@function("linalg.multi_dot", out=True, samples=lambda x: [
    ([x(2, 3), x(3, 4), x(4, 2)],), ([x(3), x(3, 2), x(2)],)])
def multi_dot(tensors: Sequence[Any]) -> Tensor:
    """The product of two or more matrices, in the order of the fewest multiplications.

    The first and the last may be vectors.

    >>> import rushlight as rl
    >>> rl.linalg.multi_dot([rl.ones(2, 3), rl.ones(3, 4), rl.ones(4)])
    tensor([12., 12.])
    """
    n = len(tensors)
    if n < 2:
        raise RuntimeError(f"multi_dot(): expected at least 2 tensors but got {n}")
    for i, x in enumerate(tensors):
        allowed = (1, 2) if i in (0, n - 1) else (2,)
        if x.ndim not in allowed:
            where = "the first tensor" if i == 0 else (
                "the last tensor" if i == n - 1 else f"tensor {i}")
            words = "1D or 2D" if len(allowed) == 2 else "2D"
            raise RuntimeError(f"multi_dot(): {where} must be {words} but got {x.ndim}D")
    chain = list(tensors)
    if chain[0].ndim == 1:
        chain[0] = chain[0].unsqueeze(0)
    if chain[-1].ndim == 1:
        chain[-1] = chain[-1].unsqueeze(1)
    _fitting("multi_dot", chain)
    result = _chain(chain)
    if tensors[-1].ndim == 1:
        result = result.squeeze(-1)
    return result.squeeze(0) if tensors[0].ndim == 1 else result


@function("chain_matmul", out=True, samples=lambda x: [(x(2, 3), x(3, 4), x(4, 2))])
def chain_matmul(*matrices: Any) -> Tensor:
    """The product of matrices, in the order of the fewest multiplications: see multi_dot.

    >>> import rushlight as rl
    >>> rl.chain_matmul(rl.ones(2, 3), rl.ones(3, 1))
    tensor([[3.],
            [3.]])
    """
    if not matrices:
        raise RuntimeError("chain_matmul(): Expected one or more matrices")
    for x in matrices:
        if x.ndim != 2:
            raise RuntimeError(f"Tensor dimension is {x.ndim}, expected 2 instead: "
                               f"chain_matmul({operands(matrix=x)})")
    _fitting("chain_matmul", matrices)
    return _chain(matrices)


@function("block_diag", samples=lambda x: [(x(2, 3), x(), x(2))])
@called("BlockDiag")
def block_diag(*tensors: Any) -> Tensor:
    """A matrix with the given ones along its diagonal, zeros elsewhere.

    >>> import rushlight as rl
    >>> rl.block_diag(rl.tensor([[1, 2]]), rl.tensor([[3]]))
    tensor([[1, 2, 0],
            [0, 0, 3]])
    """
    given = list(tensors[0]) if len(tensors) == 1 and not isinstance(tensors[0], Tensor) else list(
        tensors)
    if not given:
        return wrap(np.empty((1, 0), dtypes.default_dtype().array))
    for i, x in enumerate(given):
        if x.ndim > 2:
            raise RuntimeError("torch.block_diag: Input tensors must have 2 or fewer dimensions. "
                               f"Input {i} has {x.ndim} dimensions")
    blocks = [x if x.ndim == 2 else x.reshape(1, -1) for x in given]
    width = sum(x.shape[1] for x in blocks)
    rows, left = [], 0
    for x in blocks:
        height, own = x.shape
        rows.append(cat([x.new_zeros(height, left), x, x.new_zeros(height, width - left - own)], 1))
        left += own
    return cat(rows, 0)


def _vectors(tensors: Sequence[Any]) -> None:
    for x in tensors:
        if x.ndim != 1:
            raise RuntimeError(f"Expect a 1D vector, but got shape {list(x.shape)}")


@function("cartesian_prod", samples=lambda x: [(x(2), x(3))])
def cartesian_prod(*tensors: Any) -> Tensor:
    """All tuples with one element of each vector, as rows, the last varying fastest.

    >>> import rushlight as rl
    >>> rl.cartesian_prod(rl.tensor([1, 2]), rl.tensor([3, 4])).tolist()
    [[1, 3], [1, 4], [2, 3], [2, 4]]
    """
    given = tensors[0] if len(tensors) == 1 and not isinstance(tensors[0], Tensor) else tensors
    _vectors(given)
    if len(given) == 1:
        return given[0]
    return stack([grid.reshape(-1) for grid in meshgrid(*given)], 1)


@composite("combinations", samples=lambda x: [(x(4),), (x(3), 2, True)])
def combinations(input: Any, r: int = 2, with_replacement: bool = False) -> Tensor:
    """All choices of r elements of a vector, as rows, in the order of the vector.

    >>> import rushlight as rl
    >>> rl.combinations(rl.tensor([1, 2, 3])).tolist()
    [[1, 2], [1, 3], [2, 3]]
    """
    _vectors([input])
    if r < 0:
        raise RuntimeError(f"Expect a non-negative number, but got {r}")
    if r == 0:
        return input.new_empty(0)
    choose = itertools.combinations_with_replacement if with_replacement else (
        itertools.combinations)
    places = np.array(list(choose(range(input.shape[0]), r)), np.int64).reshape(-1, r)
    return input[wrap(places)]


def _powers(x: Any, count: int) -> Any:
    """x**0, x**1, ... along a new last dimension."""
    if x.dtype.category == 0:
        x = x.long()
    exponents = arange(count, dtype=dtypes.int64, device=x.device)
    return x.unsqueeze(-1) ** exponents


@function("vander", samples=lambda x: [(x(3),), (x(3), 2, True)])
def vander(x: Any, N: int | None = None, increasing: bool = False) -> Tensor:
    """The matrix whose rows hold the powers of the elements of a vector, falling.

    N: the number of columns, as many as elements if None.

    >>> import rushlight as rl
    >>> rl.vander(rl.tensor([2, 3]), 3)
    tensor([[4, 2, 1],
            [9, 3, 1]])
    """
    if x.ndim != 1:
        raise RuntimeError("x must be a one-dimensional tensor.")
    count = x.shape[0] if N is None else N
    if count < 0:
        raise RuntimeError("N must be non-negative.")
    powers = _powers(x, count)
    return powers if increasing else powers.flip(1)


@function("linalg.vander", samples=lambda x: [(x(2, 3),), (x(3), {"N": 2})])
def linalg_vander(x: Any, *, N: int | None = None) -> Tensor:
    """The powers 0, 1, ..., N - 1 of the elements, along a new last dimension.

    >>> import rushlight as rl
    >>> rl.linalg.vander(rl.tensor([2, 3]), N=3)
    tensor([[1, 2, 4],
            [1, 3, 9]])
    """
    if N is not None and N <= 1:
        raise RuntimeError("N must be greater than 1.")
    if not x.ndim and N is None:
        raise RuntimeError("linalg.vander: a tensor without dimensions needs N")
    return _powers(x if x.ndim else x.reshape(1), x.shape[-1] if N is None else N)


@composite("repeat_interleave", samples=lambda x: [(x(2, 3), 2), (x(2, 3), x.tensor([1, 2]), 0)])
def repeat_interleave(input: Any, repeats: Any = None, dim: int | None = None, *,
                      output_size: int | None = None) -> Tensor:
    """Each element along `dim` (of the flattened tensor if None) `repeats` times in a row.

    repeats: a number, or a tensor of them, one for each element or one for all. Called with a
    tensor of numbers alone, it repeats their places. output_size: accepted.

    >>> import rushlight as rl
    >>> rl.repeat_interleave(rl.tensor([7, 8]), rl.tensor([2, 1]))
    tensor([7, 7, 8])
    """
    if repeats is None:
        return wrap(_repeated_places(input, input.numel()))
    if dim is None:
        input, dim = input.reshape(-1), 0
    dim = normalize_dim(dim, input.ndim)
    size = input.shape[dim] if input.ndim else 1
    if isinstance(repeats, int):
        if repeats < 0:
            raise RuntimeError(f"Repeats must be non-negative, but is {repeats}")
        places = np.repeat(np.arange(size), repeats)
    else:
        places = _repeated_places(repeats, size)
    source = input if input.ndim else input.reshape(1)
    return source.index_select(dim, wrap(places))


def _repeated_places(repeats: Any, size: int) -> np.ndarray:
    counts = repeats._array
    if is_meta(counts):
        raise NotImplementedError("repeat_interleave() on meta tensors: the shape of the result "
                                  "depends on the data")
    if counts.dtype.kind not in "iu":
        raise NotImplementedError("\"repeat_interleave_cpu\" not implemented for "
                                  f"'{title(repeats.dtype)}': repeats must be integers")
    if counts.ndim > 1:
        raise RuntimeError("repeats must be 0-dim or 1-dim tensor")
    counts = np.broadcast_to(counts.reshape(-1), (size,)) if counts.size == 1 else counts
    if counts.size != size:
        raise RuntimeError("repeats must have the same size as input along dim, but got "
                           f"repeats.size(0) = {counts.size} and input.size(0) = {size}")
    if counts.size and counts.min() < 0:
        raise RuntimeError("repeats can not be negative")
    return np.repeat(np.arange(size), counts)
