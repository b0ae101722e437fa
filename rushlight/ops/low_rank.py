"""Leading parts of matrix factorisations: svd_lowrank, pca_lowrank, lobpcg."""

from __future__ import annotations

from typing import Any

from rushlight.base.errors import operands
from rushlight.families.composite import function
from rushlight.ops.decomposition import cholesky, hermitian, qr, svd
from rushlight.ops.eigenvalues import eigh
from rushlight.ops.linear_triangular import solve_triangular
from rushlight.ops.random import randn
from rushlight.tensor import Tensor


def _range(a: Any, q: int, niter: int) -> Any:
    """An orthonormal basis (..., m, q) near the range of `a`: random columns, powers of a a^H."""
    basis = qr(a @ randn(a.shape[-1], q, dtype=a.dtype))[0]
    for _ in range(niter):
        basis = qr(a @ qr(hermitian(a) @ basis)[0])[0]
    return basis


@function("svd_lowrank")
def svd_lowrank(A: Any, q: int | None = 6, niter: int | None = 2,
                M: Any = None) -> tuple[Tensor, Tensor, Tensor]:
    """(U, S, V) with A - M close to U diag(S) V^H, of rank q (Halko, Martinsson, Tropp, 2011).

    A: (..., m, n). q: somewhat more than the rank looked for. niter: how often the random columns
    are multiplied with A A^H. M: subtracted, broadcast to A. Draws random numbers. Returns
    (..., m, q), (..., q) and (..., n, q).

    >>> import rushlight as rl
    >>> _ = rl.manual_seed(0)
    >>> rl.svd_lowrank(rl.tensor([[3., 0.], [0., 4.]]), q=2)[1].round()
    tensor([4., 3.])
    """
    q, niter = 6 if q is None else q, 2 if niter is None else niter
    a = A if M is None else A - M
    if a.shape[-2] < a.shape[-1]:
        v, s, u = _svd_tall(hermitian(a), q, niter)
        return u, s, v
    return _svd_tall(a, q, niter)


def _svd_tall(a: Any, q: int, niter: int) -> tuple[Any, Any, Any]:
    basis = _range(a, q, niter)
    u, s, vh = svd(hermitian(basis) @ a, full_matrices=False)
    return basis @ u, s, hermitian(vh)


@function("pca_lowrank")
def pca_lowrank(A: Any, q: int | None = None, center: bool = True,
                niter: int = 2) -> tuple[Tensor, Tensor, Tensor]:
    """(U, S, V): the first q principal directions V of the rows of A, (..., m, n).

    q: min(6, m, n) unless given. center: subtract the mean row first. Raises ValueError for q or
    niter out of range.
    """
    m, n = A.shape[-2:]
    q = min(6, m, n) if q is None else q
    if not 0 <= q <= min(m, n):
        raise ValueError(f"q(={q}) must be non-negative integer and not greater than min(m, n)="
                         f"{min(m, n)}")
    if niter < 0:
        raise ValueError(f"niter(={niter}) must be non-negative integer")
    return svd_lowrank(A - A.mean(-2, keepdim=True) if center else A, q, niter)


@function("lobpcg")
def lobpcg(A: Any, k: int | None = None, B: Any = None, X: Any = None, n: int | None = None,
           iK: Any = None, niter: int | None = None, tol: float | None = None,
           largest: bool | None = None, method: str | None = None, tracker: Any = None,
           ortho_iparams: Any = None, ortho_fparams: Any = None,
           ortho_bparams: Any = None) -> tuple[Tensor, Tensor]:
    """(values, vectors): k extreme eigenvalues of symmetric A x = lambda B x, B positive definite.

    All eigenvalues are computed, by `linalg.eigh`, and k of them returned; what steers torch's
    iteration (X but for its width, iK, niter, tol, method, tracker, ...) is not needed. largest:
    the largest (by default) in descending order, else the smallest ascending. Raises ValueError
    where A is smaller than 3 k, as in torch.

    >>> import rushlight as rl
    >>> rl.lobpcg(rl.diag(rl.tensor([1., 5., 2., 3., 4., 0.])), 2)[0]
    tensor([5., 4.])
    """
    count = k if k is not None else (1 if X is None else X.shape[-1])
    rows = A.shape[-1]
    if A.ndim < 2 or A.shape[-2] != rows:
        raise ValueError(f"A must be a square matrix: lobpcg({operands(A=A)})")
    if rows < 3 * count:
        raise ValueError(f"LOBPCG algorithm is not applicable when the number of A rows (={rows}) "
                         f"is smaller than 3 x the number of requested eigenpairs (={count})")
    if B is None:
        values, vectors = eigh(A)
    else:
        lower = cholesky(B)
        inner = solve_triangular(lower, A, upper=False)
        inner = hermitian(solve_triangular(lower, hermitian(inner), upper=False))
        values, vectors = eigh(inner)
        vectors = solve_triangular(hermitian(lower), vectors, upper=True)
    if largest is None or largest:
        values, vectors = values.flip(-1), vectors.flip(-1)
    return values[..., :count], vectors[..., :count]
