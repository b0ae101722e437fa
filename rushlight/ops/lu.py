"""LU factorisations A = P L U with partial pivoting, and systems solved by them; batched."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.backends.host import lapack
from rushlight.backends.meta.array import MetaArray, is_meta
from rushlight.base.errors import operands
from rushlight.base.structure import structure
from rushlight.families.composite import composite, function
from rushlight.families.inplace import title
from rushlight.families.library import library
from rushlight.ops.decomposition import batch_element, hermitian
from rushlight.ops.joining import cat
from rushlight.ops.linear_triangular import expanded, solve_triangular
from rushlight.ops.triangle import tril, triu
from rushlight.tensor import Tensor, wrap

Array = np.ndarray
Option = Any


@library("_lu", family="linalg")
class _lu:
    """(factors, pivots, info): L below the diagonal of the factors, U on and above it."""

    outputs = 3
    differentiable = (0,)

    def forward(input, pivot: Option):
        if is_meta(input):
            batch, small = input.shape[:-2], np.dtype(np.int32)
            return (input.copy(), MetaArray((*batch, min(input.shape[-2:])), small),
                    MetaArray(batch, small))
        return lapack.lu(input, pivot)

    def backward(gradient, output0, output1):
        k = min(output0.shape[-2:])
        to_lower, to_upper = tril(gradient[0][..., :k], -1), triu(gradient[0][..., :k, :])
        return lu_gradient(to_lower, to_upper, output0, _exchanged(output1, output0.shape[-2]))


def _exchanged(pivots: Tensor, rows: int) -> Tensor:
    """The permutation matrix P that the pivots stand for, as whole numbers."""
    if is_meta(pivots._array):
        return wrap(MetaArray((*pivots.shape[:-1], rows, rows), np.dtype(np.int64)))
    order = lapack.permutation(pivots._array, rows)
    return wrap(np.eye(rows, dtype=np.int64)[order].swapaxes(-1, -2))


def _square(gradient_lower: Any, gradient_upper: Any, lower: Any, upper: Any) -> Any:
    """L^-H [tril(L^H gL, -1) + triu(gU U^H)] U^-H: the gradient of square P^T A."""
    inner = tril(hermitian(lower) @ gradient_lower, -1) + triu(gradient_upper @ hermitian(upper))
    inner = solve_triangular(hermitian(lower), inner, upper=True, unitriangular=True)
    return solve_triangular(hermitian(upper), inner, upper=False, left=False)


def lu_gradient(to_lower: Any, to_upper: Any, factors: Any, permutation: Any) -> Any:
    """The gradient of A from those of L, (..., m, k), and of U, (..., k, n)."""
    rows, columns = factors.shape[-2:]
    k = min(rows, columns)
    lower, upper = tril(factors[..., :k, :k], -1), triu(factors[..., :k, :k])
    lower = lower + wrap(np.eye(k, dtype=lower._array.dtype))
    if rows == columns:
        result = _square(to_lower, to_upper, lower, upper)
    elif rows < columns:  # A = P [L U1, L U2]: the right part is plain
        right = solve_triangular(hermitian(lower), to_upper[..., k:], upper=True,
                                 unitriangular=True)
        to_lower = to_lower - right @ hermitian(_right_of(factors, k))
        left = _square(to_lower, to_upper[..., :k], lower, upper)
        result = cat([left, right], -1)
    else:  # A = P [L1 U; L2 U]
        below = solve_triangular(hermitian(upper), to_lower[..., k:, :], upper=False, left=False)
        to_upper = to_upper - hermitian(_below(factors, k)) @ below
        top = _square(to_lower[..., :k, :], to_upper, lower, upper)
        result = cat([top, below], -2)
    return permutation.to(result.dtype) @ result


def _right_of(factors: Any, k: int) -> Any:
    return factors[..., k:]


def _below(factors: Any, k: int) -> Any:
    return factors[..., k:, :]


def _check(name: str, a: Any) -> None:
    if a.ndim < 2:
        raise RuntimeError(f"{name}: Expected tensor with 2 or more dimensions. Got size: "
                           f"{list(a.shape)} instead")
    if a.dtype.category < 2 or a.dtype.itemsize == 2:
        raise NotImplementedError(f"\"lu_cpu\" not implemented for '{title(a.dtype)}'; convert it "
                                  "with .float()")


def _singular(name: str, info: Any) -> None:
    if is_meta(info._array) or not info._array.any():
        return
    where, place = batch_element(info._array)
    raise RuntimeError(f"{name}: {where}U[{place},{place}] is zero and using it on lu_solve would "
                       "result in a division by zero. If you still want to perform the "
                       "factorization, consider calling linalg.lu(A, pivot) or "
                       "linalg.lu_factor_ex(A, pivot)")


LU = structure("linalg_lu", "P L U")
LU_FACTOR = structure("linalg_lu_factor", "LU pivots")
LU_FACTOR_EX = structure("linalg_lu_factor_ex", "LU pivots info")
LU_UNPACK = structure("lu_unpack", "P L U")


@function("linalg.lu_factor", out=True, samples=lambda x: [
    (x.regular(3),), (x(2, 3, 2),), (x(2, 3),)])
def lu_factor(A: Any, *, pivot: bool = True) -> Any:
    """(LU, pivots): L below the diagonal, whose own diagonal is ones, and U in one matrix.

    pivots: int32, the row that each row was exchanged with, counted from 1. Raises RuntimeError
    where U has a zero on its diagonal.

    >>> import rushlight as rl
    >>> rl.linalg.lu_factor(rl.tensor([[1., 2.], [2., 2.]])).pivots
    tensor([2, 2], dtype=torch.int32)
    """
    _check("torch.lu_factor", A)
    factors, pivots, info = _lu(A, pivot)
    _singular("torch.linalg.lu_factor", info)
    return LU_FACTOR(factors, pivots)


@function("linalg.lu_factor_ex", out=True, samples=lambda x: [(x.regular(3),)])
def lu_factor_ex(A: Any, *, pivot: bool = True, check_errors: bool = False) -> Any:
    """(LU, pivots, info): as lu_factor; info is the first zero of U's diagonal, 0 for none."""
    _check("torch.lu_factor", A)
    factors, pivots, info = _lu(A, pivot)
    if check_errors:
        _singular("torch.linalg.lu_factor_ex", info)
    return LU_FACTOR_EX(factors, pivots, info)


def _parts(factors: Any) -> tuple[Any, Any]:
    """L, (..., m, k), and U, (..., k, n), of the factors in one matrix."""
    k = min(factors.shape[-2:])
    one = wrap(np.eye(factors.shape[-2], k, dtype=factors._array.dtype))
    return tril(factors[..., :k], -1) + one, triu(factors[..., :k, :])


@function("linalg.lu", out=True, samples=lambda x: [
    (x.regular(3),), (x(2, 3, 2),), (x(2, 3),), (x.regular(3), {"pivot": False})])
def lu(A: Any, *, pivot: bool = True) -> Any:
    """(P, L, U) with A = P L U: a permutation, a lower and an upper triangular matrix.

    >>> import rushlight as rl
    >>> rl.linalg.lu(rl.tensor([[1., 2.], [2., 2.]])).U
    tensor([[2., 2.],
            [0., 1.]])
    """
    _check("linalg.lu", A)
    factors, pivots, _ = _lu(A, pivot)
    lower, upper = _parts(factors)
    permutation = _exchanged(pivots, A.shape[-2]).to(A.dtype) if pivot else A.new_empty(0)
    return LU(permutation, lower, upper)


@composite("lu", out=True)
def old_lu(input: Any, pivot: bool = True, get_infos: bool = False) -> Any:
    """(LU, pivots), with get_infos (LU, pivots, info): an older form of linalg.lu_factor."""
    result = lu_factor_ex(input, pivot=pivot)
    return result if get_infos else tuple(result[:2])


@function("lu_unpack", out=True, samples=lambda x: [
    (x(3, 3), x.tensor([2, 2, 3]).int()), (x(3, 2), x.tensor([2, 2]).int())])
def lu_unpack(LU_data: Any, LU_pivots: Any, unpack_data: bool = True,
              unpack_pivots: bool = True) -> Any:
    """(P, L, U) of what lu_factor returned; what is not unpacked is empty.

    >>> import rushlight as rl
    >>> rl.lu_unpack(*rl.linalg.lu_factor(rl.tensor([[2., 4.], [1., 1.]]))).L
    tensor([[1.0000, 0.0000],
            [0.5000, 1.0000]])
    """
    if unpack_pivots and LU_pivots._array.dtype != np.int32:
        raise RuntimeError("torch.lu_unpack: LU_pivots is expected to be a contiguous tensor of "
                           f"torch.int32 dtype: {operands(LU_pivots=LU_pivots)}")
    empty = LU_data.new_empty(0)
    lower, upper = _parts(LU_data) if unpack_data else (empty, empty)
    permutation = empty
    if unpack_pivots:
        permutation = _exchanged(LU_pivots, LU_data.shape[-2]).to(LU_data.dtype)
    return LU_UNPACK(permutation, lower, upper)


@function("linalg.lu_solve", out=True, samples=lambda x: [
    (x.regular(3), x.tensor([2, 2, 3]).int(), x(3, 2)),
    (x.regular(3), x.tensor([1, 3, 3]).int(), x(2, 3), {"left": False, "adjoint": True})])
def linalg_lu_solve(LU: Any, pivots: Any, B: Any, *, left: bool = True,
                    adjoint: bool = False) -> Tensor:
    """The solution X of A X = B (X A = B unless `left`), given lu_factor of A.

    adjoint: of A^H instead of A.

    >>> import rushlight as rl
    >>> a = rl.tensor([[2., 0.], [0., 4.]])
    >>> rl.linalg.lu_solve(*rl.linalg.lu_factor(a), rl.tensor([[2.], [8.]]))
    tensor([[1.],
            [2.]])
    """
    if pivots._array.dtype != np.int32:
        raise RuntimeError("linalg.lu_solve: pivots should be a Tensor of scalar type torch.int32: "
                           f"{operands(pivots=pivots)}")
    if LU.shape[-1] != LU.shape[-2] or LU.shape[-1] != B.shape[-2 if left else -1]:
        raise RuntimeError("linalg.lu_solve: Incompatible shapes of A and B for the equation "
                           f"{'AX = B' if left else 'XA = B'} ({operands(LU=LU, B=B)})")
    if not left:
        solution = linalg_lu_solve(LU, pivots, hermitian(B), adjoint=not adjoint)
        return hermitian(solution)
    permutation = _exchanged(pivots, LU.shape[-1]).to(LU.dtype)
    factors, other = expanded(LU, B)
    if adjoint:
        half = solve_triangular(hermitian(factors), other, upper=False)
        half = solve_triangular(hermitian(factors), half, upper=True, unitriangular=True)
        return permutation @ half
    half = solve_triangular(factors, permutation.mT @ other, upper=False, unitriangular=True)
    return solve_triangular(factors, half, upper=True)


@composite("lu_solve", out=True, samples=lambda x: [
    (x(3, 2), x.regular(3), x.tensor([2, 2, 3]).int())])
def lu_solve(input: Any, LU_data: Any, LU_pivots: Any) -> Tensor:
    """The solution X of A X = B, given lu_factor of A: linalg.lu_solve, with B first."""
    return linalg_lu_solve(LU_data, LU_pivots, input)
