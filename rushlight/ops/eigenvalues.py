"""Eigenvalues and eigenvectors of matrices: eigh for Hermitian ones, eig for all; batched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.backends.meta.array import MetaArray, is_meta
from rushlight.base.first_use import Deferred
from rushlight.base.structure import structure
from rushlight.families.composite import function
from rushlight.families.library import library
from rushlight.ops.decomposition import check_matrix, hermitian
from rushlight.ops.linear_system import solve
from rushlight.ops.linear_triangular import LinAlgError
from rushlight.ops.triangle import diag_embed
from rushlight.tensor import Tensor

if TYPE_CHECKING:
    from rushlight.backends import linalg
else:
    linalg = Deferred("rushlight.backends.linalg", globals())

Array = np.ndarray
Option = Any


def _real(dtype: np.dtype) -> np.dtype:
    return np.zeros(0, dtype).real.dtype


@library("_eigh", family="linalg")
class _eigh:
    """(eigenvalues, eigenvectors) of Hermitian matrices."""

    outputs = 2

    def forward(input, uplo: Option):
        if is_meta(input):
            return (MetaArray(input.shape[:-1], _real(input.dtype)),
                    MetaArray(input.shape, input.dtype))
        try:
            return linalg.eigh(input, uplo)
        except np.linalg.LinAlgError:
            raise LinAlgError("linalg.eigh: The algorithm failed to converge because the input "
                              "matrix is ill-conditioned or has too many repeated "
                              "eigenvalues") from None

    def backward(gradient, output0, output1):
        to_values, to_vectors = gradient
        if to_vectors is None:
            return (output1 * to_values.unsqueeze(-2)) @ hermitian(output1)
        gaps = output0.unsqueeze(-2) - output0.unsqueeze(-1)
        gaps = gaps + diag_embed(output0.new_ones(output0.shape))
        inner = hermitian(output1) @ to_vectors / gaps
        inner = inner - diag_embed(inner.diagonal(0, -2, -1))
        if to_values is not None:
            inner = inner + diag_embed(to_values).to(inner.dtype)
        return output1 @ inner @ hermitian(output1)


EIGH = structure("linalg_eigh", "eigenvalues eigenvectors")


def _check_triangle(uplo: str) -> str:
    if str(uplo).upper() not in ("L", "U"):
        raise RuntimeError(f"Expected UPLO argument to be 'L' or 'U', but got {uplo}")
    return str(uplo).upper()


@function("linalg.eigh", out=True, samples=lambda x: [(x.definite(3),), (x.definite(2, 2), "U")])
def eigh(A: Any, UPLO: str = "L") -> Any:
    """(eigenvalues, eigenvectors) of Hermitian A: real values, rising, and vectors as columns.

    UPLO: which triangle of A is read, "L" or "U".

    >>> import rushlight as rl
    >>> rl.linalg.eigh(rl.tensor([[2., 0.], [0., 1.]])).eigenvalues
    tensor([1., 2.])
    """
    check_matrix("linalg.eigh", A, square=True)
    return EIGH(*_eigh(A, _check_triangle(UPLO)))


@function("linalg.eigvalsh", out=True, samples=lambda x: [
    (x.definite(3),), (x.definite(2, 2), "U")])
def eigvalsh(A: Any, UPLO: str = "L") -> Tensor:
    """The eigenvalues of Hermitian A, rising: see eigh.

    >>> import rushlight as rl
    >>> rl.linalg.eigvalsh(rl.tensor([[2., 0.], [0., 1.]]))
    tensor([1., 2.])
    """
    check_matrix("linalg.eigh", A, square=True)
    return _eigh(A, _check_triangle(UPLO))[0]


def _complex(array: Array) -> np.dtype:
    return np.dtype(np.complex64 if array.dtype in (np.float32, np.complex64) else np.complex128)


@library("_eig", family="linalg")
class _eig:
    """(eigenvalues, eigenvectors), both complex."""

    outputs = 2

    def forward(input):
        kind = _complex(input)
        if is_meta(input):
            return MetaArray(input.shape[:-1], kind), MetaArray(input.shape, kind)
        if not np.isfinite(input).all():
            raise RuntimeError("torch.linalg.eig: input tensor should not contain infs or NaNs.")
        try:
            values, vectors = np.linalg.eig(input)
        except np.linalg.LinAlgError:
            raise LinAlgError("linalg.eig: The algorithm failed to converge because the input "
                              "matrix is ill-conditioned") from None
        return values.astype(kind, copy=False), vectors.astype(kind, copy=False)

    def backward(gradient, output0, output1, kind):
        result = _eig_gradient(*gradient, output0, output1)
        return result if kind.kind == "c" else result.real


def _eig_gradient(to_values: Any, to_vectors: Any, values: Any, vectors: Any) -> Any:
    """Boeddeker et al. (2017), for eigenvectors of norm 1."""
    adjoint = hermitian(vectors)
    if to_vectors is None:
        inner = diag_embed(to_values)
    else:
        turned = adjoint @ to_vectors
        along = turned.diagonal(0, -2, -1).real.to(turned.dtype)
        turned = turned - (adjoint @ vectors) * along.unsqueeze(-2)
        gaps = (values.unsqueeze(-2) - values.unsqueeze(-1)).conj()
        gaps = gaps + diag_embed(values.new_ones(values.shape))
        inner = turned / gaps
        inner = inner - diag_embed(inner.diagonal(0, -2, -1))
        if to_values is not None:
            inner = inner + diag_embed(to_values)
    return solve(adjoint, inner @ adjoint)


EIG = structure("linalg_eig", "eigenvalues eigenvectors")


@function("linalg.eig", out=True, samples=lambda x: [(x.regular(3),), (x(2, 2, 2),)])
def eig(A: Any) -> Any:
    """(eigenvalues, eigenvectors) of square A, complex, the vectors as columns of norm 1.

    >>> import rushlight as rl
    >>> rl.linalg.eig(rl.tensor([[2., 0.], [0., 1.]])).eigenvalues
    tensor([2.+0.j, 1.+0.j])
    """
    check_matrix("linalg.eig", A, square=True)
    return EIG(*_eig(A))


@function("linalg.eigvals", out=True, samples=lambda x: [(x.regular(3),), (x(2, 2, 2),)])
def eigvals(A: Any) -> Tensor:
    """The eigenvalues of square A, complex: see eig."""
    check_matrix("linalg.eigvals", A, square=True)
    return _eig(A)[0]
