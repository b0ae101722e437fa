"""LDL factorisations of symmetric and Hermitian matrices, and systems solved by them; batched."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.backends.host.lapack import flat
from rushlight.backends.meta.array import MetaArray, is_meta
from rushlight.base.first_use import Deferred
from rushlight.base.shapes import broadcast_shapes
from rushlight.base.structure import structure
from rushlight.families.composite import function
from rushlight.families.inplace import title
from rushlight.families.library import library
from rushlight.ops.decomposition import batch_element, check_matrix
from rushlight.tensor import Tensor

if TYPE_CHECKING:
    from rushlight.backends.host import ldl as host
else:
    host = Deferred("rushlight.backends.host.ldl", globals())

Option = Any

LDL_FACTOR = structure("linalg_ldl_factor", "LD pivots")
LDL_FACTOR_EX = structure("linalg_ldl_factor_ex", "LD pivots info")


@library("_ldl", family="linalg")
class _ldl:
    """(factors, pivots, info)."""

    outputs = 3

    def forward(input, hermitian: Option):
        if is_meta(input):
            small = np.dtype(np.int32)
            return (MetaArray(input.shape, input.dtype), MetaArray(input.shape[:-1], small),
                    MetaArray(input.shape[:-2], small))
        return host.factor(input, hermitian)


@function("linalg.ldl_factor_ex", out=True, samples=lambda x: [(x.definite(3),)])
def ldl_factor_ex(A: Any, *, hermitian: bool = False, check_errors: bool = False) -> Any:
    """(LD, pivots, info) of symmetric, or Hermitian, matrices A = P L D L^T P^T: as `ldl_factor`.

    info: int32, the first zero pivot, counted from 1; 0 for none. check_errors: raise then.
    """
    check_matrix("torch.linalg.ldl_factor_ex", A, square=True)
    factors, pivots, info = _ldl(A, hermitian)
    if check_errors:
        _singular("torch.linalg.ldl_factor_ex", info)
    return LDL_FACTOR_EX(factors, pivots, info)


def _singular(name: str, info: Any) -> None:
    if not is_meta(info._array) and info._array.any():
        where, place = batch_element(info._array)
        raise RuntimeError(f"{name}: {where}The factorization could not be completed because "
                           f"D[{place},{place}] is zero: solving with it would divide by zero")


@function("linalg.ldl_factor", out=True, samples=lambda x: [(x.definite(3),)])
def ldl_factor(A: Any, *, hermitian: bool = False) -> Any:
    """(LD, pivots) of symmetric matrices A = P L D L^T P^T (..., n, n), which may be indefinite.

    Only the lower triangles are read. LD: L below the diagonal, whose own diagonal is ones, and D,
    of blocks of one or two rows, on it. pivots: int32 (..., n) as LAPACK gives them. hermitian: of
    complex matrices take the conjugate transpose. Raises RuntimeError for a zero pivot. There is no
    gradient.

    >>> import rushlight as rl
    >>> a = rl.tensor([[4., 2.], [2., -3.]])
    >>> rl.linalg.ldl_solve(*rl.linalg.ldl_factor(a), rl.tensor([[2.], [-3.]]))
    tensor([[0.],
            [1.]])
    """
    factors, pivots, info = ldl_factor_ex(A, hermitian=hermitian)
    _singular("torch.linalg.ldl_factor", info)
    return LDL_FACTOR(factors, pivots)


@library("_ldl_solve", family="linalg")
class _ldl_solve:
    """X of A X = B, given the factors of A."""

    def forward(input, pivots, other, hermitian: Option):
        batch = broadcast_shapes([input.shape[:-2], other.shape[:-2]])
        if is_meta(input) or is_meta(other):
            return MetaArray((*batch, *other.shape[-2:]), other.dtype)
        factors, order, b = (np.broadcast_to(x, (*batch, *x.shape[-n:]))
                             for x, n in ((input, 2), (pivots, 1), (other, 2)))
        orders = order.reshape(math.prod(batch), order.shape[-1])
        found = host.solve(flat(factors), orders, flat(b), hermitian)
        return found.reshape(b.shape)


@function("linalg.ldl_solve", out=True, samples=lambda x: [
    (x.definite(3), x.tensor([1, 2, 3]).int(), x(3, 2))])
def ldl_solve(LD: Any, pivots: Any, B: Any, *, hermitian: bool = False) -> Tensor:
    """X of A X = B, (..., n, k), given `ldl_factor(A)`; there is no gradient."""
    name = "torch.linalg.ldl_solve"
    check_matrix(name, LD, square=True, argument="LD")
    if B.ndim < 2:
        raise RuntimeError(f"{name}: Expected B to have at least 2 dimensions, but it has "
                           f"{B.ndim} dimensions instead")
    if tuple(pivots.shape) != tuple(LD.shape[:-1]):
        raise RuntimeError(f"{name}: Expected LD.shape[:-1] and pivots.shape to be the same, but "
                           f"got pivots with shape {list(pivots.shape)} instead")
    if pivots.dtype.category != 1:
        raise RuntimeError(f"{name}: Expected pivots to be integers. Got {title(pivots.dtype)}")
    if LD.dtype is not B.dtype:
        raise RuntimeError(f"{name}: Expected LD and B to have the same dtype, but found LD of "
                           f"type {title(LD.dtype)} and B of type {title(B.dtype)} instead")
    if LD.shape[-1] != B.shape[-2]:
        raise RuntimeError(f"Incompatible matrix sizes for {name}: each A matrix is "
                           f"{LD.shape[-1]} by {LD.shape[-1]} but each b matrix is "
                           f"{B.shape[-2]} by {B.shape[-1]}")
    return _ldl_solve(LD, pivots, B, hermitian)
