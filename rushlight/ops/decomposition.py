"""Factorisations of matrices: Cholesky, QR, singular values, eigenvalues; batched.

A is (..., rows, columns). The gradients are those of Giles (2008) and, for complex matrices, of
Townsend (2016): they exist where the factors are unique up to signs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.backends.meta.array import MetaArray, is_meta
from rushlight.base.first_use import Deferred
from rushlight.base.structure import structure
from rushlight.families.composite import composite, function
from rushlight.families.inplace import title
from rushlight.families.library import library
from rushlight.ops.linear_triangular import LinAlgError, solve_triangular
from rushlight.ops.triangle import diag_embed, tril
from rushlight.tensor import Tensor

if TYPE_CHECKING:
    from rushlight.backends import linalg
else:
    linalg = Deferred("rushlight.backends.linalg", globals())

Array = np.ndarray
Option = Any


def check_matrix(name: str, a: Any, square: bool = False, argument: str = "A") -> None:
    """Refuse what is no (square) matrix of floating point numbers of at least 32 bits."""
    if not isinstance(a, Tensor):
        raise TypeError(f"{name.replace('.', '_')}(): argument 'A' (position 1) must be Tensor, "
                        f"not {type(a).__name__}")
    if a.ndim < 2:
        raise RuntimeError(f"{name}: The input tensor {argument} must have at least 2 dimensions.")
    if square and a.shape[-1] != a.shape[-2]:
        raise RuntimeError(f"{name}: {argument} must be batches of square matrices, but they are "
                           f"{a.shape[-2]} by {a.shape[-1]} matrices")
    if a.dtype.category < 2:
        raise RuntimeError(f"{name}: Expected a floating point or complex tensor as input. Got "
                           f"{title(a.dtype)}")
    if a.dtype.itemsize == 2:
        raise NotImplementedError(f"{name}: Low precision dtypes not supported. Got "
                                  f"{title(a.dtype)}; convert it with .float()")


def batch_element(info: Array) -> tuple[str, int]:
    """Which matrix of a batch failed, for a message, and its info."""
    first = int(np.flatnonzero(info.reshape(-1))[0])
    return (f"(Batch element {first}): " if info.ndim else ""), int(info.reshape(-1)[first])


def hermitian(a: Any) -> Any:
    """The conjugate transpose of matrices."""
    return a.mT.conj()


# ---- Cholesky --------------------------------------------------------------------------------


@library("_cholesky", family="linalg")
class _cholesky:
    """(L, info) with L lower triangular and A = L L^H."""

    outputs = 2
    differentiable = (0,)

    def forward(input):
        if is_meta(input):
            return MetaArray(input.shape, input.dtype), MetaArray(input.shape[:-2],
                                                                  np.dtype(np.int32))
        return linalg.cholesky(input)

    def backward(gradient, output0):
        inner = tril(hermitian(output0) @ gradient[0])
        inner = inner - diag_embed(inner.diagonal(0, -2, -1)) / 2
        inner = solve_triangular(hermitian(output0), inner, upper=True)
        inner = solve_triangular(output0, inner, upper=False, left=False)
        return (inner + hermitian(inner)) / 2


CHOLESKY_EX = structure("linalg_cholesky_ex", "L info")


def _cholesky_checked(name: str, a: Any, upper: bool, check: bool) -> tuple[Any, Any]:
    check_matrix("linalg.cholesky", a, square=True)
    factor, info = _cholesky(hermitian(a) if upper else a)
    if check and not is_meta(info._array) and info._array.any():
        where, order = batch_element(info._array)
        raise LinAlgError(f"{name}: {where}The factorization could not be completed because the "
                          f"input is not positive-definite (the leading minor of order {order} is "
                          "not positive-definite).")
    return (hermitian(factor) if upper else factor), info


@function("linalg.cholesky", out=True, samples=lambda x: [
    (x.definite(3),), (x.definite(3, 2), {"upper": True})])
def cholesky(A: Any, *, upper: bool = False) -> Tensor:
    """The triangular L with A = L L^H (upper: U with A = U^H U), A Hermitian positive definite.

    Only the lower (upper) triangle of A is read. Raises LinAlgError where there is none.

    >>> import rushlight as rl
    >>> rl.linalg.cholesky(rl.tensor([[4., 2.], [2., 5.]]))
    tensor([[2., 0.],
            [1., 2.]])
    """
    return _cholesky_checked("linalg.cholesky", A, upper, True)[0]


@function("linalg.cholesky_ex", out=True, samples=lambda x: [(x.definite(3),)])
def cholesky_ex(A: Any, *, upper: bool = False, check_errors: bool = False) -> Any:
    """(L, info): as cholesky; info is the order of the first failing minor, 0 for success."""
    return CHOLESKY_EX(*_cholesky_checked("linalg.cholesky_ex", A, upper, check_errors))


@composite("cholesky", out=True)
def old_cholesky(input: Any, upper: bool = False) -> Tensor:
    """The Cholesky factor: an older name of linalg.cholesky."""
    return _cholesky_checked("cholesky", input, upper, True)[0]


# ---- QR --------------------------------------------------------------------------------------


@library("_qr", family="linalg")
class _qr:
    """(Q, R) with orthonormal columns and upper triangular R."""

    outputs = 2

    def forward(input, mode: Option):
        rows, columns = input.shape[-2:]
        inner = rows if mode == "complete" else min(rows, columns)
        if is_meta(input) or not input.size:
            shapes = (*input.shape[:-1], inner), (*input.shape[:-2], inner, columns)
            if is_meta(input):
                return tuple(MetaArray(s, input.dtype) for s in shapes)
            q = np.broadcast_to(np.eye(rows, inner, dtype=input.dtype), shapes[0]).copy()
            return q, np.zeros(shapes[1], input.dtype)
        return linalg.qr(input, mode)

    def backward(gradient, output0, output1, shape, mode):
        return _qr_gradient(*gradient, output0, output1, shape, mode)


def _qr_gradient(to_q: Any, to_r: Any, q: Any, r: Any, shape: Any, mode: str) -> Any:
    rows, columns = shape[-2:]
    if mode == "complete" and rows > columns:
        raise RuntimeError("The QR decomposition is not differentiable when mode='complete' and "
                           "nrows > ncols. Use mode='reduced'")
    if rows < columns:  # the right columns of R are Q^H A: their gradient is plain
        extra = to_r[..., rows:] if to_r is not None else None
        wide = r[..., rows:]
        if extra is not None:
            a_right = q @ wide
            to_q_extra = a_right @ hermitian(extra)
            to_q = to_q_extra if to_q is None else to_q + to_q_extra
            to_r = to_r[..., :rows]
        left = _qr_gradient(to_q, to_r, q, r[..., :rows], (*shape[:-1], rows), mode)
        whole = left.new_zeros(shape)
        whole[..., :rows] = left
        if extra is not None:
            whole[..., rows:] = q @ extra
        return whole
    inner = None
    if to_r is not None:
        inner = r @ hermitian(to_r)
    if to_q is not None:
        turned = hermitian(to_q) @ q
        inner = -turned if inner is None else inner - turned
    lower = tril(inner, -1)
    diagonal = inner.diagonal(0, -2, -1).real
    symmetric = lower + hermitian(lower) + diag_embed(diagonal.to(inner.dtype))
    total = q @ symmetric if to_q is None else to_q + q @ symmetric
    return solve_triangular(hermitian(r), total, upper=False, left=False)


QR = structure("linalg_qr", "Q R")
OLD_QR = structure("qr", "Q R")


@function("linalg.qr", out=True, samples=lambda x: [
    (x.regular(3),), (x(2, 3, 2), "reduced"), (x(2, 3), "reduced"), (x.regular(3), "complete"),
    (x(3, 2), "r")])
def qr(A: Any, mode: str = "reduced") -> Any:
    """(Q, R) with A = Q R, Q with orthonormal columns, R upper triangular.

    mode: "reduced", "complete" (Q square) or "r" (Q empty, no gradient).

    >>> import rushlight as rl
    >>> q, r = rl.linalg.qr(rl.tensor([[3., 1.], [4., 2.]]))
    >>> rl.allclose(q @ r, rl.tensor([[3., 1.], [4., 2.]]))
    True
    """
    check_matrix("linalg.qr", A)
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(f"qr received unrecognized mode '{mode}' but expected one of 'reduced' "
                           "(default), 'r', or 'complete'")
    if mode == "r":
        if A.requires_grad:
            raise RuntimeError("The derivative of linalg.qr depends on Q, which is not computed "
                               "when mode='r'. Use mode='reduced', or detach() the matrix")
        return QR(A.new_empty(0), _qr(A, "r")[1])
    return QR(*_qr(A, mode))


@composite("qr", out=True)
def old_qr(input: Any, some: bool = True) -> Any:
    """(Q, R): an older name of linalg.qr."""
    return OLD_QR(*qr(input, "reduced" if some else "complete"))


# ---- singular values -------------------------------------------------------------------------


@library("_svd", family="linalg")
class _svd:
    """(U, S, Vh) with A = U diag(S) Vh."""

    outputs = 3

    def forward(input, full: Option):
        if is_meta(input):
            rows, columns = input.shape[-2:]
            inner, batch = min(rows, columns), input.shape[:-2]
            real = np.zeros(0, input.dtype).real.dtype
            return (MetaArray((*batch, rows, rows if full else inner), input.dtype),
                    MetaArray((*batch, inner), real),
                    MetaArray((*batch, columns if full else inner, columns), input.dtype))
        try:
            return linalg.svd(input, full)
        except np.linalg.LinAlgError:
            raise LinAlgError("linalg.svd: The algorithm failed to converge because the input "
                              "matrix contained non-finite values, or is ill-conditioned") from None

    def backward(gradient, output0, output1, output2, full):
        k = output1.shape[-1]
        to_u, to_s, to_v = gradient
        if full and (to_u is not None or to_v is not None):
            to_u = None if to_u is None else to_u[..., :k]
            to_v = None if to_v is None else to_v[..., :k, :]
        return _svd_gradient(to_u, to_s, to_v, output0[..., :k], output1, output2[..., :k, :])


def _skew(x: Any) -> Any:
    return x - hermitian(x)


def _apart(values: Any) -> Any:
    """v_j - v_i for each pair (i, j), 1 on the diagonal."""
    gaps = values.unsqueeze(-2) - values.unsqueeze(-1)
    return gaps + diag_embed(values.new_ones(values.shape))


def _svd_gradient(to_u: Any, to_s: Any, to_v: Any, u: Any, s: Any, vh: Any) -> Any:
    if to_u is None and to_v is None:
        return u @ (to_s.unsqueeze(-1) * vh)
    middle = 0 if to_s is None else diag_embed(to_s).to(u.dtype)
    gaps = _apart(s * s)
    turned = None
    if to_u is not None:
        turned = hermitian(u) @ to_u
        skew = _skew(turned)
        middle = middle + skew / gaps * s.unsqueeze(-2)
        if u.dtype.is_complex:  # the phase of each pair of vectors is free
            middle = middle + diag_embed(skew.diagonal(0, -2, -1) / (2 * s))
    if to_v is not None:
        middle = middle + s.unsqueeze(-1) * (_skew(vh @ hermitian(to_v)) / gaps)
    result = u @ middle @ vh
    if to_u is not None and u.shape[-2] > s.shape[-1]:
        result = result + ((to_u - u @ turned) / s.unsqueeze(-2)) @ vh
    if to_v is not None and vh.shape[-1] > s.shape[-1]:
        result = result + u @ ((to_v - (to_v @ hermitian(vh)) @ vh) / s.unsqueeze(-1))
    return result


@library("_svdvals", family="linalg")
class _svdvals:
    """The singular values, falling."""

    def forward(input):
        if is_meta(input):
            return _svd.declaration.op.forward(input, False)[1]
        return linalg.svdvals(input)

    def backward(gradient, input):
        u, _, vh = _svd(input, False)
        return u @ (gradient.unsqueeze(-1) * vh)


SVD = structure("linalg_svd", "U S Vh")
OLD_SVD = structure("svd", "U S V")


def _no_driver(driver: Any) -> None:
    if driver is not None:
        raise RuntimeError("torch.linalg.svd: keyword argument `driver=` is only supported on CUDA "
                           "inputs with cuSOLVER backend.")


@function("linalg.svd", out=True, samples=lambda x: [
    (x.regular(3),), (x(2, 3, 2), False), (x(2, 3), False)])
def svd(A: Any, full_matrices: bool = True, *, driver: str | None = None) -> Any:
    """(U, S, Vh) with A = U diag(S) Vh, the singular values S falling.

    full_matrices: False gives U and Vh only the min(rows, columns) vectors that S belongs to.

    >>> import rushlight as rl
    >>> rl.linalg.svd(rl.tensor([[3., 0.], [0., 4.]])).S
    tensor([4., 3.])
    """
    check_matrix("linalg.svd", A)
    _no_driver(driver)
    return SVD(*_svd(A, bool(full_matrices)))


@function("linalg.svdvals", out=True, samples=lambda x: [(x.regular(3),), (x(2, 3, 2),)])
def svdvals(A: Any, *, driver: str | None = None) -> Tensor:
    """The singular values of A, falling.

    >>> import rushlight as rl
    >>> rl.linalg.svdvals(rl.tensor([[3., 0.], [0., 4.]]))
    tensor([4., 3.])
    """
    check_matrix("linalg.svd", A)
    _no_driver(driver)
    return _svdvals(A)


@composite("svd", out=True)
def old_svd(input: Any, some: bool = True, compute_uv: bool = True) -> Any:
    """(U, S, V): an older form of linalg.svd, with V where that has its conjugate transpose."""
    check_matrix("linalg.svd", input)
    if not compute_uv:
        rows, columns = input.shape[-2:]
        batch = input.shape[:-2]
        return OLD_SVD(input.new_zeros(*batch, rows, rows), svdvals(input),
                       input.new_zeros(*batch, columns, columns))
    u, s, vh = _svd(input, not some)
    return OLD_SVD(u, s, hermitian(vh))
