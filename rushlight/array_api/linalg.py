"""Linear algebra with the array API standard's names and signatures."""

from __future__ import annotations

from typing import Any

from rushlight import linalg, ops
from rushlight.array_api import reductions
from rushlight.array_api.data_types import result_type
from rushlight.array_api.elementwise import promoted
from rushlight.linalg import (
    cholesky,
    det,
    eig,
    eigh,
    eigvals,
    eigvalsh,
    inv,
    matrix_power,
    slogdet,
    svd,
    svdvals,
)
from rushlight.tensor import Tensor


def matmul(x1: Tensor, x2: Tensor, /) -> Tensor:
    """The matrix product, batched over the leading dimensions."""
    return ops.matmul(*promoted(x1, x2))


def matrix_transpose(x: Tensor, /) -> Tensor:
    """`x` with its last two dimensions swapped, as a view."""
    return x.mT


def tensordot(x1: Tensor, x2: Tensor, /, *, axes: Any = 2) -> Tensor:
    """The sum of products over `axes`: how many, or which of x1 and which of x2."""
    return ops.tensordot(*promoted(x1, x2), dims=axes)


def vecdot(x1: Tensor, x2: Tensor, /, *, axis: int = -1) -> Tensor:
    """The inner products sum(conj(x1) * x2) along `axis`."""
    x1, x2 = ops.broadcast_tensors(*promoted(x1, x2))
    return ops.sum(ops.conj(x1) * x2, axis, dtype=x1.dtype)


def cross(x1: Tensor, x2: Tensor, /, *, axis: int = -1) -> Tensor:
    """The cross product of vectors of three elements along `axis`."""
    return linalg.cross(*promoted(x1, x2), dim=axis)


def diagonal(x: Tensor, /, *, offset: int = 0) -> Tensor:
    """The diagonals of matrices, as a view."""
    return linalg.diagonal(x, offset=offset)


def trace(x: Tensor, /, *, offset: int = 0, dtype: Any = None) -> Tensor:
    """The sums of the diagonals of matrices."""
    return reductions.sum(diagonal(x, offset=offset), axis=-1, dtype=dtype)


def outer(x1: Tensor, x2: Tensor, /) -> Tensor:
    """The products of all pairs of elements of two vectors."""
    return ops.outer(*promoted(x1, x2))


def solve(x1: Tensor, x2: Tensor, /) -> Tensor:
    """The solution of x1 @ x = x2; x2 is a vector only where it has one dimension."""
    x1, x2 = promoted(x1, x2)
    if x2.ndim == 1:
        return linalg.solve(x1, x2[:, None])[..., 0]
    batch = ops.broadcast_shapes(x1.shape[:-2], x2.shape[:-2])
    return linalg.solve(x1.expand(*batch, *x1.shape[-2:]), x2.expand(*batch, *x2.shape[-2:]))


def qr(x: Tensor, /, *, mode: str = "reduced") -> Any:
    """The factors Q with orthonormal columns and R upper triangular."""
    return linalg.qr(x, mode)


def pinv(x: Tensor, /, *, rtol: Any = None) -> Tensor:
    """The pseudo-inverse; singular values below rtol times the largest count as zero."""
    return linalg.pinv(x) if rtol is None else linalg.pinv(x, rtol=rtol)


def matrix_rank(x: Tensor, /, *, rtol: Any = None) -> Tensor:
    """How many singular values are above rtol times the largest."""
    return linalg.matrix_rank(x) if rtol is None else linalg.matrix_rank(x, rtol=rtol)


def matrix_norm(x: Tensor, /, *, keepdims: bool = False, ord: Any = "fro") -> Tensor:
    """A norm of matrices: "fro", "nuc", or by number."""
    return linalg.matrix_norm(x, ord=ord, keepdim=keepdims)


def vector_norm(x: Tensor, /, *, axis: Any = None, keepdims: bool = False,
                ord: float = 2) -> Tensor:
    """A norm of vectors along `axis`; None: of all elements."""
    if axis == ():
        kept = ops.abs(x)
        return (kept != 0).to(result_type(kept)) if ord == 0 else kept
    return linalg.vector_norm(x, ord=ord, dim=axis, keepdim=keepdims)


__all__ = ["cholesky", "cross", "det", "diagonal", "eig", "eigh", "eigvals", "eigvalsh", "inv",
           "matmul", "matrix_norm", "matrix_power", "matrix_rank", "matrix_transpose", "outer",
           "pinv", "qr", "slogdet", "solve", "svd", "svdvals", "tensordot", "trace", "vecdot",
           "vector_norm"]
