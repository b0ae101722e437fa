"""Norms, condition numbers and ranks of matrices; batched."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rushlight.backends.meta.array import MetaArray, is_meta
from rushlight.base import dtypes
from rushlight.base.errors import operands
from rushlight.base.shapes import normalize_dim
from rushlight.families.cast import cast
from rushlight.families.composite import composite, function
from rushlight.families.inplace import title
from rushlight.ops.decomposition import svdvals
from rushlight.ops.eigenvalues import eigvalsh
from rushlight.ops.linear_system import inv_ex, tolerances
from rushlight.ops.norm import vector_norm
from rushlight.tensor import Tensor, wrap

INFINITY = math.inf


@function("linalg.matrix_norm", out=True, samples=lambda x: [
    (x(2, 3),), (x.regular(3), "nuc"), (x(2, 2, 3), 2, {"keepdim": True}), (x(2, 3), 1),
    (x(2, 3), float("inf")), (x.regular(3), -2, (1, 0)), (x(2, 3), -1)])
def matrix_norm(A: Any, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False, *,
                dtype: Any = None) -> Tensor:
    """A norm of the matrices in the two dimensions `dim`.

    ord: "fro" (root of the sum of squares), "nuc" (sum of singular values), 2 and -2 (largest and
    smallest singular value), 1, -1 (largest and smallest sum of a column), inf, -inf (of a row).

    >>> import rushlight as rl
    >>> rl.linalg.matrix_norm(rl.tensor([[3., 0.], [0., 4.]]))
    tensor(5.)
    """
    if isinstance(ord, str) and ord not in ("fro", "nuc"):
        raise RuntimeError(f"linalg.matrix_norm: Order {ord} not supported.")
    if not isinstance(ord, str) and abs(ord) not in (1, 2, INFINITY):
        raise RuntimeError(f"linalg.matrix_norm: Order {ord} not supported.")
    if A.dtype.category < 2:
        raise RuntimeError("linalg.matrix_norm: Expected a floating point or complex tensor as "
                           f"input. Got {title(A.dtype)}")
    if A.ndim < 2:
        raise RuntimeError("linalg.matrix_norm: The input tensor A must have at least 2 "
                           "dimensions.")
    dims = tuple(dim) if isinstance(dim, tuple | list) else (dim,)
    if len(dims) != 2:
        raise RuntimeError(f"linalg.matrix_norm: dim must be a 2-tuple. Got {list(dims)}")
    rows, columns = (normalize_dim(d, A.ndim) for d in dims)
    if rows == columns:
        raise RuntimeError("linalg.matrix_norm: dims must be different. Got "
                           f"({dims[0]}, {dims[1]})")
    if dtype is not None:
        A = cast(A, dtypes.as_dtype(dtype).array)
    if ord == "fro":
        return vector_norm(A, 2, (rows, columns), keepdim)
    if ord == "nuc" or abs(ord) == 2:
        return _of_singular_values(A, ord, rows, columns, keepdim)
    if abs(ord) == INFINITY:
        rows, columns = columns, rows
    sums = A.abs().sum(rows, keepdim=True)
    result = _largest(sums, columns, True) if ord > 0 else sums.amin(columns, True)
    return result if keepdim else _without(result, rows, columns)


def _largest(x: Any, dim: int, keepdim: bool) -> Any:
    """The largest of nonnegative numbers; of none it is 0."""
    return x.amax(dim, keepdim) if x.shape[dim] else x.sum(dim, keepdim)


def _without(x: Any, *dims: int) -> Any:
    for d in sorted(dims, reverse=True):
        x = x.squeeze(d)
    return x


def _of_singular_values(a: Any, ord: Any, rows: int, columns: int, keepdim: bool) -> Any:
    values = svdvals(a.movedim((rows, columns), (-2, -1)))
    if ord == "nuc":
        result = values.sum(-1)
    else:
        result = _largest(values, -1, False) if ord > 0 else values.amin(-1)
    for d in sorted((rows, columns)) if keepdim else ():
        result = result.unsqueeze(d)
    return result


@function("linalg.norm", out=True, samples=lambda x: [
    (x(2, 3),), (x(2, 3), 3, 1), (x(2, 3), "nuc", (0, 1)), (x(2, 2, 3), "fro", (1, 2), True),
    (x(3), float("-inf"))])
def norm(A: Any, ord: Any = None, dim: Any = None, keepdim: bool = False, *,
         dtype: Any = None) -> Tensor:
    """A norm: of vectors where `dim` is one dimension, of matrices where it is two.

    Without ord it is the root of the sum of squares over `dim`, or over everything.

    >>> import rushlight as rl
    >>> rl.linalg.norm(rl.tensor([3., 4.]))
    tensor(5.)
    """
    if ord is None:
        return vector_norm(A, 2, dim, keepdim, dtype=dtype)
    if dim is None and A.ndim not in (1, 2):
        raise RuntimeError("linalg.norm: If dim is not specified but ord is, the input must be 1D "
                           f"or 2D. Got {A.ndim}D.")
    if dim is not None:
        dims = tuple(dim) if isinstance(dim, tuple | list) else (dim,)
        if len(dims) not in (1, 2):
            raise RuntimeError("linalg.norm: If dim is specified, it must be of length 1 or 2. "
                               f"Got {list(dims)}")
    else:
        dims = tuple(range(A.ndim))
    if len(dims) == 2:
        return matrix_norm(A, ord, dims, keepdim, dtype=dtype)
    if isinstance(ord, str):
        raise RuntimeError(f"linalg.norm: Order {ord} is for matrices, but the input is 1D or dim "
                           "names one dimension")
    return vector_norm(A, ord, dims, keepdim, dtype=dtype)


@composite("frobenius_norm")
def frobenius_norm(input: Any, dim: Any = None, keepdim: bool = False) -> Tensor:
    """The root of the sum of squares."""
    return vector_norm(input, 2, dim, keepdim)


@composite("nuclear_norm")
def nuclear_norm(input: Any, dim: Any = (-2, -1), keepdim: bool = False) -> Tensor:
    """The sum of the singular values."""
    return matrix_norm(input, "nuc", dim, keepdim)


@function("linalg.cond", out=True, samples=lambda x: [
    (x.regular(3),), (x.regular(2, 2), 1), (x.regular(3), "nuc")])
def cond(A: Any, p: Any = None) -> Tensor:
    """The condition number: the norm p of A times that of its inverse; inf for singular A.

    p: as ord of matrix_norm; None is 2.

    >>> import rushlight as rl
    >>> rl.linalg.cond(rl.tensor([[1., 0.], [0., 4.]]))
    tensor(4.)
    """
    if A.ndim < 2:
        raise RuntimeError("linalg.cond: The input tensor must have at least 2 dimensions.")
    p = 2 if p is None else p
    if isinstance(p, str) and p not in ("fro", "nuc"):
        raise RuntimeError(f"linalg.cond got an invalid norm type: {p}")
    if not isinstance(p, str) and abs(p) == 2:
        values = svdvals(A)
        if not values.shape[-1]:
            return values.new_zeros(values.shape[:-1])
        first, last = values[..., 0], values[..., -1]
        return first / last if p > 0 else last / first
    if A.shape[-1] != A.shape[-2]:
        raise RuntimeError(f"linalg.cond({operands(A=A)}): with norm types other than 2, -2 and "
                           "None the matrices must be square")
    if not A.numel():
        return A.new_zeros(A.shape[:-2]).abs()
    inverse, info = inv_ex(A)
    result = matrix_norm(A, p) * matrix_norm(inverse, p)
    return result.masked_fill(info != 0, INFINITY)


@function("linalg.matrix_rank", out=True, samples=lambda x: [
    (x.regular(3),), (x(2, 3, 2), {"rtol": 1e-3}), (x.definite(3), {"hermitian": True})])
def matrix_rank(A: Any, tol: Any = None, *, atol: Any = None, rtol: Any = None,
                hermitian: bool = False) -> Tensor:
    """The number of singular values above max(atol, rtol * largest), int64.

    tol: an older name of atol. hermitian: A is Hermitian; its eigenvalues serve.

    >>> import rushlight as rl
    >>> rl.linalg.matrix_rank(rl.tensor([[1., 0.], [0., 0.]]))
    tensor(1)
    """
    if A.ndim < 2:
        raise RuntimeError("torch.linalg.matrix_rank: The input tensor input must have at least 2 "
                           "dimensions.")
    if tol is not None:
        atol, rtol = tol, 0.0
    absolute, relative = tolerances("matrix_rank", A, atol, rtol)
    a = A.detach()
    values = (eigvalsh(a).abs() if hermitian else svdvals(a))._array
    if is_meta(values):
        return wrap(MetaArray(values.shape[:-1], np.dtype(np.int64)))
    top = values.max(axis=-1, initial=0)
    bound = np.maximum(absolute, np.asarray(relative) * top)
    return wrap(np.add.reduce(values > bound[..., None], axis=-1, dtype=np.int64, out=...))
