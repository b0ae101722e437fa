"""Triangular systems, which the gradients of factorisations rest on."""

from __future__ import annotations

import warnings
from typing import Any

from rushlight.backends.host import lapack
from rushlight.backends.meta.array import MetaArray, is_meta
from rushlight.base.errors import operands
from rushlight.base.shapes import broadcast_shapes
from rushlight.base.structure import structure
from rushlight.families.composite import composite, function
from rushlight.families.inplace import title
from rushlight.families.library import library
from rushlight.ops.creation import eye
from rushlight.ops.triangle import tril, triu
from rushlight.tensor import Tensor

Option = Any


class LinAlgError(RuntimeError):
    """A matrix that does not admit what was asked for: singular, not positive definite, ..."""


@library("_solve_triangular", family="linalg")
class _solve_triangular:
    """X with A X = B for triangular A."""

    def forward(input, other, upper: Option, unit: Option):
        if is_meta(input) or is_meta(other):
            batch = broadcast_shapes([input.shape[:-2], other.shape[:-2]])
            return MetaArray((*batch, *other.shape[-2:]), other.dtype)
        return lapack.solve_triangular(input, other, upper, unit)

    def backward(gradient, input, output, upper, unit, needs):
        to_other = _solve_triangular(input.mT.conj(), gradient, not upper, unit)
        if not needs[0]:
            return None, to_other
        whole = -(to_other @ output.mT.conj())
        kept = (1 if upper else -1) if unit else 0  # the diagonal is not read
        return (triu(whole, kept) if upper else tril(whole, kept)), to_other


def check_system(name: str, a: Any, b: Any, left: bool) -> None:
    """Refuse operands of A X = B (X A = B unless `left`) that do not fit."""
    for label, x in (("A", a), ("B", b)):
        if x.ndim < 2:
            raise RuntimeError(f"{name}: The input tensor {label} must have at least 2 dimensions.")
    if a.shape[-1] != a.shape[-2]:
        raise RuntimeError(f"{name}: A must be batches of square matrices, but they are "
                           f"{a.shape[-2]} by {a.shape[-1]} matrices")
    if a.dtype is not b.dtype:
        raise RuntimeError(f"{name}: Expected A and B to have the same dtype, but found A of type "
                           f"{title(a.dtype)} and B of type {title(b.dtype)} instead")
    if a.shape[-1] != b.shape[-2 if left else -1]:
        raise RuntimeError(
            f"{name}: Incompatible shapes of A and B for the equation "
            f"{'AX = B' if left else 'XA = B'} ({a.shape[-2]}x{a.shape[-1]} and "
            f"{b.shape[-2]}x{b.shape[-1]})")


def expanded(a: Any, b: Any) -> tuple[Any, Any]:
    """Two batches of matrices with the same batch dimensions."""
    batch = broadcast_shapes([a.shape[:-2], b.shape[:-2]])
    return (a.expand(*batch, *a.shape[-2:]) if a.shape[:-2] != batch else a,
            b.expand(*batch, *b.shape[-2:]) if b.shape[:-2] != batch else b)


@function("linalg.solve_triangular", out=True, samples=lambda x: [
    (x.regular(3), x(3, 2), {"upper": True}),
    (x.regular(2, 2), x(2, 3, 2), {"upper": False, "left": False, "unitriangular": True})])
def solve_triangular(A: Any, B: Any, *, upper: bool, left: bool = True,
                     unitriangular: bool = False) -> Tensor:
    """The solution X of A X = B (of X A = B unless `left`) for triangular A.

    A: (..., n, n), of which the upper or lower triangle is read. B: (..., n, k). unitriangular:
    the diagonal counts as ones. A zero on the diagonal gives infinities.

    >>> import rushlight as rl
    >>> a = rl.tensor([[2., 1.], [0., 4.]])
    >>> rl.linalg.solve_triangular(a, rl.tensor([[4.], [8.]]), upper=True)
    tensor([[1.],
            [2.]])
    """
    check_system("linalg.solve_triangular", A, B, left)
    A, B = expanded(A, B)
    if left:
        return _solve_triangular(A, B, upper, unitriangular)
    return _solve_triangular(A.mT, B.mT, not upper, unitriangular).mT


TRIANGULAR_SOLVE = structure("triangular_solve", "solution cloned_coefficient")


@composite("triangular_solve", out=True)
def triangular_solve(input: Any, A: Any, upper: bool = True, transpose: bool = False,
                     unitriangular: bool = False) -> Any:
    """(solution, copy of A): an older form of linalg.solve_triangular, with B first."""
    warnings.warn("torch.triangular_solve is deprecated in favor of "
                  "torch.linalg.solve_triangular(A, B)", UserWarning, stacklevel=3)
    check_system("triangular_solve", A, input, True)
    matrix, other = expanded(A, input)
    if transpose:
        solution = _solve_triangular(matrix.mT, other, not upper, unitriangular)
    else:
        solution = _solve_triangular(matrix, other, upper, unitriangular)
    return TRIANGULAR_SOLVE(solution, matrix.clone())


@library("_cholesky_solve", family="linalg")
class _cholesky_solve:
    """X with A X = B, given L with A = L L^H; the gradient is that of all of L, as torch's is."""

    def forward(input, other):
        if is_meta(input) or is_meta(other):
            return MetaArray(other.shape, other.dtype)
        half = lapack.solve_triangular(input, other, False)
        return lapack.solve_triangular(input.swapaxes(-1, -2).conj(), half, True)

    def backward(gradient, input, output, needs):
        to_other = _cholesky_solve(input, gradient)
        if not needs[0]:
            return None, to_other
        both = to_other @ output.mT.conj()
        return -((both + both.mT.conj()) @ input), to_other


@composite("cholesky_solve", out=True, samples=lambda x: [
    (x(3, 2), x.regular(3))])
def cholesky_solve(input: Any, L: Any, upper: bool = False) -> Tensor:
    """The solution X of A X = B, given the Cholesky factor L of A (or U, where upper).

    >>> import rushlight as rl
    >>> rl.cholesky_solve(rl.tensor([[4.]]), rl.tensor([[2.]]))
    tensor([[1.]])
    """
    check_system("cholesky_solve", L, input, True)
    factor, other = expanded(L, input)
    return _cholesky_solve(factor.mT.conj() if upper else factor, other)


@composite("cholesky_inverse", out=True, samples=lambda x: [
    (x.regular(3),), (x.regular(3, 2), True)])
def cholesky_inverse(L: Any, upper: bool = False) -> Tensor:
    """The inverse of A, given its Cholesky factor L (or U, where upper).

    >>> import rushlight as rl
    >>> rl.cholesky_inverse(rl.tensor([[2.]]))
    tensor([[0.2500]])
    """
    if L.ndim < 2 or L.shape[-1] != L.shape[-2]:
        raise RuntimeError("cholesky_inverse: A must be batches of square matrices, but they are "
                           f"{operands(L=L)}")
    return cholesky_solve(eye(L.shape[-1], dtype=L.dtype, device=L.device), L, upper)
