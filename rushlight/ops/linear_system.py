"""Systems of linear equations: solve, inv, pinv, lstsq; batched."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.backends.meta.array import MetaArray, is_meta
from rushlight.base import dtypes
from rushlight.base.errors import operands
from rushlight.base.first_use import Deferred
from rushlight.base.structure import structure
from rushlight.families.composite import composite, function
from rushlight.families.library import library
from rushlight.ops.decomposition import batch_element, check_matrix, hermitian, svdvals
from rushlight.ops.linear_triangular import LinAlgError, check_system, expanded
from rushlight.tensor import Tensor

if TYPE_CHECKING:
    from rushlight.backends import linalg
    from rushlight.backends.host import lapack
else:
    lapack = Deferred("rushlight.backends.host.lapack", globals())
    linalg = Deferred("rushlight.backends.linalg", globals())

Array = np.ndarray
Option = Any


def _solved(a: Array, b: Array) -> tuple[Array, Array]:
    """(X, info): the solutions of A X = B; info is the first zero pivot of A, 0 for none."""
    info = np.zeros(a.shape[:-2], np.int32)
    try:
        return linalg.solve(a, b), info
    except np.linalg.LinAlgError:
        pass
    # Some matrix is singular: the others are solved, its own solution holds NaN.
    info = lapack.lu(a)[2]
    one = np.eye(a.shape[-1], dtype=a.dtype)
    result = np.linalg.solve(np.where((info != 0)[..., None, None], one, a), b)
    result[info != 0] = np.nan
    return result, info


@library("_solve", family="linalg")
class _solve:
    """(X, info) with A X = B."""

    outputs = 2
    differentiable = (0,)

    def forward(input, other):
        if is_meta(input) or is_meta(other):
            return (MetaArray(other.shape, other.dtype),
                    MetaArray(input.shape[:-2], np.dtype(np.int32)))
        return _solved(input, other)

    def backward(gradient, input, output0, needs):
        to_other = _solve(hermitian(input), gradient[0])[0]
        return (-(to_other @ hermitian(output0)) if needs[0] else None), to_other


def _checked(info: Any, message: str, check: bool = True) -> None:
    if check and not is_meta(info._array) and info._array.any():
        where, place = batch_element(info._array)
        raise LinAlgError(message.format(where=where, place=place))


def _system(name: str, a: Any, b: Any, left: bool) -> tuple[Any, Any]:
    """(X, info) of A X = B, where B may be a vector or a batch of vectors."""
    check_matrix(name, a, square=True)
    vector = b.ndim == 1 or (a.ndim - 1 == b.ndim and b.shape == a.shape[:-1])
    other = b.unsqueeze(-1) if vector else b
    check_system(name, a, other, left or vector)
    matrix, other = expanded(a, other)
    if left or vector:
        solution, info = _solve(matrix, other)
    else:
        solution, info = _solve(matrix.mT, other.mT)
        solution = solution.mT
    return (solution.squeeze(-1) if vector else solution), info


SINGULAR = "{where}The solver failed because the input matrix is singular."
SOLVE_EX = structure("linalg_solve_ex", "result info")
INV_EX = structure("linalg_inv_ex", "inverse info")


@function("linalg.solve", out=True, samples=lambda x: [
    (x.regular(3), x(3)), (x.regular(3, 2), x(2, 3, 2)), (x.regular(2), x(3, 2), {"left": False})])
def solve(A: Any, B: Any, *, left: bool = True) -> Tensor:
    """The solution X of A X = B (of X A = B unless `left`).

    A: (..., n, n). B: (..., n, k), or (n), or (..., n) with the batch dimensions of A. Raises
    LinAlgError where A is singular.

    >>> import rushlight as rl
    >>> rl.linalg.solve(rl.tensor([[2., 0.], [0., 4.]]), rl.tensor([2., 8.]))
    tensor([1., 2.])
    """
    solution, info = _system("linalg.solve", A, B, left)
    _checked(info, "torch.linalg.solve: " + SINGULAR)
    return solution


@function("linalg.solve_ex", out=True, samples=lambda x: [(x.regular(3), x(3, 2))])
def solve_ex(A: Any, B: Any, *, left: bool = True, check_errors: bool = False) -> Any:
    """(solution, info): as solve; info is the first zero pivot of A, 0 for success."""
    solution, info = _system("linalg.solve_ex", A, B, left)
    _checked(info, "torch.linalg.solve_ex: " + SINGULAR, check_errors)
    return SOLVE_EX(solution, info)


@library("_inv", family="linalg")
class _inv:
    """(inverse, info)."""

    outputs = 2
    differentiable = (0,)

    def forward(input):
        if is_meta(input):
            return input.copy(), MetaArray(input.shape[:-2], np.dtype(np.int32))
        try:
            return linalg.inv(input), np.zeros(input.shape[:-2], np.int32)
        except np.linalg.LinAlgError:
            one = np.eye(input.shape[-1], dtype=input.dtype)
            return _solved(input, np.broadcast_to(one, input.shape))

    def backward(gradient, output0):
        adjoint = hermitian(output0)
        return -(adjoint @ gradient[0] @ adjoint)


NOT_INVERTIBLE = ("{where}The diagonal element {place} is zero, the inversion could not be "
                  "completed because the input matrix is singular.")


@composite("inverse linalg.inv", out=True)
def inv(input: Any) -> Tensor:
    """The inverse of square matrices. Raises LinAlgError where there is none.

    To solve A X = B, `linalg.solve` is faster and more exact.

    >>> import rushlight as rl
    >>> rl.linalg.inv(rl.tensor([[2., 0.], [0., 4.]]))
    tensor([[0.5000, 0.0000],
            [0.0000, 0.2500]])
    """
    check_matrix("linalg.inv", input, square=True)
    result, info = _inv(input)
    _checked(info, "linalg.inv: " + NOT_INVERTIBLE)
    return result


@function("linalg.inv_ex", out=True, samples=lambda x: [(x.regular(3),)])
def inv_ex(A: Any, *, check_errors: bool = False) -> Any:
    """(inverse, info): as inv; info is the first zero pivot of A, 0 for success."""
    check_matrix("linalg.inv", A, square=True)
    result, info = _inv(A)
    _checked(info, "linalg.inv_ex: " + NOT_INVERTIBLE, check_errors)
    return INV_EX(result, info)


@library("_pinv", family="linalg")
class _pinv:
    """The pseudoinverse; singular values up to `bound` count as zeros."""

    def forward(input, bound: Option, hermitian: Option):
        rows, columns = input.shape[-2:]
        if is_meta(input):
            return MetaArray((*input.shape[:-2], columns, rows), input.dtype)
        if hermitian:
            values, u = linalg.eigh(input, "L")
            vh = u.swapaxes(-1, -2).conj()
        else:
            u, values, vh = linalg.svd(input, False)
        size = np.abs(values)
        top = size.max(axis=-1, keepdims=True, initial=0)
        absolute, relative = (np.asarray(x)[..., None] for x in bound)
        with np.errstate(all="ignore"):
            turned = np.where(size > np.maximum(absolute, relative * top), 1 / values, 0)
        product = (vh.swapaxes(-1, -2).conj() * turned[..., None, :]) @ u.swapaxes(-1, -2).conj()
        return product.astype(input.dtype, copy=False)

    def backward(gradient, input, output):
        """Golub and Pereyra (1973), for a rank that does not change."""
        pinv, adjoint = output, hermitian(output)
        back = hermitian(gradient)
        left, right = back @ pinv, pinv @ back
        through = left @ adjoint if input.shape[-2] <= input.shape[-1] else None
        if through is not None:
            return (through - hermitian(pinv @ left) - (input @ pinv) @ through
                    + adjoint @ (pinv @ (back - left @ input)))
        through = adjoint @ right
        return (through - hermitian(right @ pinv) + (back - input @ right) @ (pinv @ adjoint)
                - (through @ pinv) @ input)


def tolerances(name: str, a: Any, atol: Any, rtol: Any) -> tuple[Any, Any]:
    """(atol, rtol) as arrays or numbers, with torch's default for rtol."""
    def plain(x: Any) -> Any:
        if isinstance(x, Tensor) and x.dtype.is_complex:
            raise RuntimeError(f"torch.linalg.{name}: tolerances must not be complex")
        return x._array if isinstance(x, Tensor) else x

    if rtol is None:
        default = dtypes.finfo(a.dtype).eps * max(a.shape[-2:])
        absolute = plain(atol)
        rtol = default if atol is None else np.where(np.asarray(absolute) > 0, 0.0, default)
    return (0.0 if atol is None else plain(atol)), plain(rtol)


@function("linalg.pinv", out=True, samples=lambda x: [
    (x.regular(3),), (x(2, 3, 2),), (x(2, 3), {"rtol": 1e-8}),
    (x.definite(3), {"hermitian": True})])
def pinv(A: Any, rcond: Any = None, *, atol: Any = None, rtol: Any = None,
         hermitian: bool = False) -> Tensor:
    """The pseudoinverse of A: (..., m, n) gives (..., n, m).

    atol, rtol (also called rcond): singular values up to max(atol, rtol * largest) count as zeros.
    hermitian: A is Hermitian; its eigenvalues serve.

    >>> import rushlight as rl
    >>> rl.linalg.pinv(rl.tensor([[2.], [0.]]))
    tensor([[0.5000, 0.0000]])
    """
    if A.ndim < 2 or A.dtype.category < 2 or A.dtype.itemsize == 2:
        raise RuntimeError(f"linalg.pinv({operands(A=A)}): expected a tensor with 2 or more "
                           "dimensions of float, double, cfloat or cdouble types")
    if hermitian:
        check_matrix("linalg.pinv", A, square=True)
    rtol = rcond if rtol is None else rtol
    return _pinv(A, tolerances("pinv", A, atol, rtol), hermitian)


@composite("pinverse")
def pinverse(input: Any, rcond: float = 1e-15) -> Tensor:
    """The pseudoinverse: an older name of linalg.pinv."""
    return pinv(input, rcond)


LSTSQ = structure("linalg_lstsq", "solution residuals rank singular_values")
DRIVERS = ("gels", "gelsy", "gelsd", "gelss")


@function("linalg.lstsq", out=True, samples=lambda x: [
    (x(3, 2), x(3, 2)), (x(2, 2, 3), x(2, 2, 1))])
def lstsq(A: Any, B: Any, rcond: Any = None, *, driver: str | None = None) -> Any:
    """The X that makes the norm of A X - B smallest, and of those the smallest.

    Returns (solution, residuals, rank, singular_values). residuals: the squared norms, where A
    has more rows than columns and full rank. singular_values: for driver "gelsd" and "gelss".

    >>> import rushlight as rl
    >>> a, b = rl.tensor([[1.], [1.]]), rl.tensor([[1.], [3.]])
    >>> rl.linalg.lstsq(a, b).solution.round(decimals=4)
    tensor([[2.]])
    """
    check_matrix("torch.linalg.lstsq", A)
    driver = "gelsy" if driver is None else driver
    if driver not in DRIVERS:
        raise RuntimeError("torch.linalg.lstsq: parameter `driver` should be one of (gels, gelsy, "
                           f"gelsd, gelss), not {driver!r}")
    if B.ndim < 1:
        raise RuntimeError("torch.linalg.lstsq: other must have at least 1 dimension.")
    vector = A.ndim - 1 == B.ndim and B.shape == A.shape[:-1]
    other = B.unsqueeze(-1) if vector else B
    if other.ndim < 2 or A.shape[-2] != other.shape[-2]:
        raise RuntimeError("torch.linalg.lstsq: input.size(-2) should match other.size(-"
                           f"{1 if other.ndim < 2 else 2}): {operands(A=A, B=B)}")
    if A.dtype is not B.dtype:
        raise RuntimeError("torch.linalg.lstsq: Expected input and other to have the same dtype, "
                           f"but got {operands(A=A, B=B)}")
    rows, columns = A.shape[-2:]
    bound = (0.0, dtypes.finfo(A.dtype).eps * max(rows, columns) if rcond is None else float(rcond))
    solution = _pinv(A, bound, False) @ other
    values = svdvals(A.detach())
    empty = values.new_empty(0)
    top = values.amax(-1, keepdim=True) if values.numel() else values
    rank = (values > bound[1] * top).sum(-1)
    residuals = solution.reshape(-1)[:0].abs()  # none
    if rows > columns and driver != "gelsy" and bool((rank == columns).all()):
        residuals = ((A @ solution - other).abs() ** 2).sum(-2)
    if vector:
        solution = solution.squeeze(-1)
    return LSTSQ(solution, residuals, rank if driver != "gels" else rank.new_empty(0),
                 values if driver in ("gelsd", "gelss") else empty)


@function("linalg.tensorinv", out=True, samples=lambda x: [(x(2, 3, 6), 2), (x(4, 2, 2), 1)])
def tensorinv(A: Any, ind: int = 2) -> Tensor:
    """The inverse of A as a map from its last dimensions to its first `ind`.

    >>> import rushlight as rl
    >>> rl.linalg.tensorinv(rl.eye(4).reshape(2, 2, 4), ind=2).shape
    torch.Size([4, 2, 2])
    """
    if ind <= 0:
        raise RuntimeError("Expected a strictly positive integer for 'ind'")
    first, last = tuple(A.shape[:ind]), tuple(A.shape[ind:])
    if math.prod(first) != math.prod(last):
        raise RuntimeError("Expected self to satisfy the requirement prod(self.shape[ind:]) == "
                           f"prod(self.shape[:ind]), but got {math.prod(last)} != "
                           f"{math.prod(first)}")
    return inv(A.reshape(math.prod(first), math.prod(last))).reshape(*last, *first)


@function("linalg.tensorsolve", out=True, samples=lambda x: [(x(2, 3, 6), x(2, 3))])
def tensorsolve(A: Any, B: Any, dims: Any = None) -> Tensor:
    """The X with tensordot(A, X, X.ndim) = B. dims: those of A that are moved to its end first.

    >>> import rushlight as rl
    >>> rl.linalg.tensorsolve(rl.eye(4).reshape(2, 2, 4), rl.ones(2, 2))
    tensor([1., 1., 1., 1.])
    """
    if dims is not None:
        moved = [d % A.ndim for d in dims]
        A = A.permute([d for d in range(A.ndim) if d not in moved] + moved)
    shape = tuple(A.shape[B.ndim:])
    rows, columns = math.prod(A.shape[:B.ndim]), math.prod(shape)
    if rows != columns:
        raise RuntimeError("Expected self to satisfy the requirement prod(self.shape[other.ndim:]) "
                           f"== prod(self.shape[:other.ndim]), but got {columns} != {rows}")
    return solve(A.reshape(rows, columns), B.reshape(-1)).reshape(shape)
