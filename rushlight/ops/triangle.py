"""Triangles and diagonals of matrices: tril, triu, diag, diag_embed, trace."""

from __future__ import annotations

import operator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.backends import masks
from rushlight.backends.copies import copied
from rushlight.backends.meta.array import MetaArray, is_meta
from rushlight.base.errors import operands
from rushlight.base.first_use import Deferred
from rushlight.base.shapes import normalize_dim
from rushlight.families.composite import composite, function
from rushlight.families.library import library
from rushlight.families.node_names import called
from rushlight.tensor import Tensor

if TYPE_CHECKING:
    from rushlight.backends.cpu import triangles
else:
    triangles = Deferred("rushlight.backends.cpu.triangles", globals())

Array = np.ndarray
FEW = 1 << 16  # elements of masks that are kept
Option = Any


def _triangle(name: str, input: Array, diagonal: int) -> Array:
    if input.ndim < 2:
        raise RuntimeError(f"{name}: input tensor must have at least 2 dimensions, but it is "
                           f"{operands(input=input)}")
    if is_meta(input):
        return MetaArray(input.shape, input.dtype)
    diagonal = operator.index(diagonal)
    found = triangles.triangle(input, diagonal, name == "triu")
    if found is not None:
        return found
    result = copied(input)
    height, width = input.shape[-2:]
    mask = (_mask if height * width <= FEW else _mask.__wrapped__)(
        height, width, diagonal, name == "triu")
    masks.fill(result, mask, 0)
    return result


@lru_cache(maxsize=64)
def _mask(height: int, width: int, diagonal: int, upper: bool) -> Array:
    """Where a matrix has the elements that a triangle lacks; do not write to it."""
    lower = np.tri(height, width, diagonal - upper, dtype=bool)
    return lower if upper else ~lower


@library("tril", inplace=True)
class tril:
    """The lower triangle of a matrix or batch of matrices, zeros above.

    diagonal: the last that is kept, counted upwards from the main one.

    >>> import rushlight as rl
    >>> rl.tril(rl.ones(2, 2))
    tensor([[1., 0.],
            [1., 1.]])
    """

    def forward(input, diagonal=0):
        return _triangle("tril", input, diagonal)

    def backward(gradient, diagonal):
        return tril(gradient, diagonal)


@library("triu", inplace=True)
class triu:
    """The upper triangle of a matrix or batch of matrices, zeros below.

    diagonal: the first that is kept, counted upwards from the main one.

    >>> import rushlight as rl
    >>> rl.triu(rl.ones(2, 2))
    tensor([[1., 1.],
            [0., 1.]])
    """

    def forward(input, diagonal=0):
        return _triangle("triu", input, diagonal)

    def backward(gradient, diagonal):
        return triu(gradient, diagonal)


@library("_diag_embed")
class _diag_embed:
    """The last dimension as a diagonal in the dimensions dim1 and dim2 of a tensor of zeros."""

    def forward(input, offset: Option, dim1: Option, dim2: Option):
        n = input.shape[-1] + abs(offset)
        shape = list(input.shape[:-1])
        for dim in sorted((dim1, dim2)):
            shape.insert(dim, n)
        if is_meta(input):
            return MetaArray(tuple(shape), input.dtype)
        result = np.zeros(shape, input.dtype)
        places = np.arange(input.shape[-1])
        matrices = np.moveaxis(result, (dim1, dim2), (-2, -1))
        matrices[..., places + max(-offset, 0), places + max(offset, 0)] = input
        return result

    def backward(gradient, offset, dim1, dim2):
        return gradient.diagonal(offset, dim1, dim2)


@composite("diag_embed")
def diag_embed(input: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Matrices with the last dimension of `input` on a diagonal, zeros elsewhere.

    offset: which diagonal, counted upwards. dim1, dim2: the rows and columns in the result.

    >>> import rushlight as rl
    >>> rl.diag_embed(rl.tensor([1, 2]))
    tensor([[1, 0],
            [0, 2]])
    """
    if not input.ndim:
        raise RuntimeError("diag_embed: input must have at least 1 dimension")
    first, second = (normalize_dim(d, input.ndim + 1) for d in (dim1, dim2))
    if first == second:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    return _diag_embed(input, offset, first, second)


@composite("diag", out=True)
def diag(input: Tensor, diagonal: int = 0) -> Tensor:
    """A matrix with the vector `input` on a diagonal, or a copy of the matrix's diagonal.

    >>> import rushlight as rl
    >>> rl.diag(rl.tensor([[1, 2], [3, 4]]))
    tensor([1, 4])
    """
    if input.ndim not in (1, 2):
        raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {input.ndim}D")
    if input.ndim == 1:
        return diag_embed(input, diagonal)
    return input.diagonal(diagonal).clone()  # type: ignore[attr-defined]


@function("linalg.diagonal", samples=lambda x: [(x(2, 3, 4),), (x(3, 3), {"offset": 1})])
def linalg_diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """`diagonal` of matrices in the last two dimensions. Shares memory.

    >>> import rushlight as rl
    >>> rl.linalg.diagonal(rl.arange(8).view(2, 2, 2))
    tensor([[0, 3],
            [4, 7]])
    """
    return A.diagonal(offset, dim1, dim2)  # type: ignore[attr-defined,no-any-return]


@composite("diagflat")
def diagflat(input: Any, offset: int = 0) -> Tensor:
    """A matrix with all elements of `input` on a diagonal.

    >>> import rushlight as rl
    >>> rl.diagflat(rl.tensor([1, 2]), 1)
    tensor([[0, 1, 0],
            [0, 0, 2],
            [0, 0, 0]])
    """
    return diag_embed(input.reshape(-1), offset)


@composite("trace", out=True)
@called("Trace")
def trace(input: Any) -> Tensor:
    """The sum of the diagonal of a matrix.

    >>> import rushlight as rl
    >>> rl.trace(rl.tensor([[1, 2], [3, 4]]))
    tensor(5)
    """
    if input.ndim != 2:
        raise RuntimeError(f"trace: expected a matrix, but got tensor with dim {input.ndim}")
    return input.diagonal().sum()


@composite("Tensor.fill_diagonal_", samples=lambda x: [(x(3, 3), 0.5), (x(5, 2), 0.5, True)])
def fill_diagonal_(input: Any, fill_value: Any, wrap: bool = False) -> Tensor:
    """Write `fill_value` to the main diagonal of all dimensions, in place.

    wrap: in a tall matrix, start again below each square.

    >>> import rushlight as rl
    >>> rl.zeros(2, 2).fill_diagonal_(3)
    tensor([[3., 0.],
            [0., 3.]])
    """
    if input.ndim < 2:
        raise RuntimeError("dimensions must larger than 1")
    if input.ndim > 2 and len(set(input.shape)) > 1:
        raise RuntimeError("all dimensions of input must be of equal length, but they are "
                           f"{list(input.shape)}")
    step = sum(input.stride())
    count = min(input.shape)
    start = input.storage_offset()
    input.as_strided((count,), (step,), start).fill_(fill_value)
    height, width = input.shape[:2]
    if wrap and input.ndim == 2 and height > width + 1:
        for top in range(width + 1, height, width + 1):
            input.narrow(0, top, height - top).diagonal().fill_(fill_value)
    return input
