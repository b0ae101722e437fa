"""Orthogonal factors as products of Householder reflections: geqrf, householder_product, ormqr."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.base.errors import operands
from rushlight.base.structure import structure
from rushlight.families.composite import composite
from rushlight.ops.creation import eye
from rushlight.ops.decomposition import check_matrix, hermitian
from rushlight.tensor import Tensor, wrap

GEQRF = structure("geqrf", "a tau")


@composite("geqrf", out=True)
def geqrf(input: Any) -> Any:
    """(a, tau): R on and above the diagonal of `a`, below it the reflections that make up Q.

    No gradient flows: see linalg.qr.

    >>> import rushlight as rl
    >>> rl.geqrf(rl.tensor([[3.], [4.]])).a.abs()[0]
    tensor([5.])
    """
    check_matrix("torch.geqrf", input)
    rows, columns = input.shape[-2:]
    if not input.numel() or input.is_meta:
        return GEQRF(input.clone(), input.new_zeros(*input.shape[:-2], min(rows, columns)))
    reflections, tau = np.linalg.qr(input._array, mode="raw")
    return GEQRF(wrap(np.ascontiguousarray(reflections.swapaxes(-1, -2))), wrap(tau))


def _check(name: str, reflections: Any, tau: Any) -> None:
    if reflections.ndim < 2:
        raise RuntimeError(f"{name}: input must have at least 2 dimensions.")
    if tau.shape[:-1] != reflections.shape[:-2]:
        raise RuntimeError(f"{name}: Expected batch dimensions of tau to be equal to input.shape"
                           f"[:-2]: {operands(input=reflections, tau=tau)}")
    if tau.dtype is not reflections.dtype:
        raise RuntimeError(f"{name}: tau dtype {tau.dtype.name} does not match input dtype "
                           f"{reflections.dtype.name}")


def _vectors(reflections: Any, count: int) -> list[Any]:
    """The vectors of the reflections: a 1 on the diagonal, what lies below it, zeros above."""
    rows = reflections.shape[-2]
    one = eye(rows, dtype=reflections.dtype, device=reflections.device)
    vectors = []
    for i in range(count):
        below = wrap(np.arange(rows) > i).to(reflections.dtype)  # type: ignore[attr-defined]
        vectors.append((reflections[..., i] * below + one[i]).unsqueeze(-1))
    return vectors


@composite("linalg.householder_product orgqr", out=True, samples=lambda x: [
    (x(3, 2, low=-0.5, high=0.5), x(2)), (x(2, 3, 3, low=-0.5, high=0.5), x(2, 2))])
def householder_product(input: Any, tau: Any) -> Tensor:
    """The first columns of H_1 H_2 ... H_k, H_i = 1 - tau_i v_i v_i^H: the Q that geqrf found.

    input: (..., m, n) with m >= n, v_i below the diagonal of column i. tau: (..., k), k <= n.

    >>> import rushlight as rl
    >>> a = rl.tensor([[3.], [4.]])
    >>> rl.linalg.householder_product(*rl.geqrf(a)).abs()
    tensor([[0.6000],
            [0.8000]])
    """
    name = "torch.linalg.householder_product"
    _check(name, input, tau)
    rows, columns = input.shape[-2:]
    if rows < columns:
        raise RuntimeError(f"{name}: input.shape[-2] must be greater than or equal to "
                           f"input.shape[-1]: {operands(input=input)}")
    if columns < tau.shape[-1]:
        raise RuntimeError(f"{name}: input.shape[-1] must be greater than or equal to "
                           f"tau.shape[-1]: {operands(input=input, tau=tau)}")
    one = input.clone().copy_(eye(rows, columns, dtype=input.dtype, device=input.device))
    return _applied(input, tau, one, False)


def _applied(reflections: Any, tau: Any, x: Any, transpose: bool) -> Any:
    """Q x, or Q^H x, one reflection after the other."""
    count = tau.shape[-1]
    vectors = _vectors(reflections, count)
    for i in range(count) if transpose else reversed(range(count)):
        weight = tau[..., i].conj() if transpose else tau[..., i]
        v = vectors[i]
        x = x - weight.unsqueeze(-1).unsqueeze(-1) * (v @ (hermitian(v) @ x))
    return x


@composite("ormqr", out=True, samples=lambda x: [
    (x(3, 2, low=-0.5, high=0.5), x(2), x(3, 2)),
    (x(3, 2, low=-0.5, high=0.5), x(2), x(2, 3), False, True)])
def ormqr(input: Any, tau: Any, other: Any, left: bool = True, transpose: bool = False) -> Tensor:
    """Q C (C Q unless `left`), with the square Q of `input` and tau; Q^H if transpose.

    >>> import rushlight as rl
    >>> a = rl.tensor([[3.], [4.]])
    >>> rl.ormqr(*rl.geqrf(a), a, transpose=True).abs()[0]
    tensor([5.])
    """
    _check("torch.ormqr", input, tau)
    rows = other.shape[-2 if left else -1]
    if input.shape[-2] != rows:
        raise RuntimeError(f"torch.ormqr: other.shape[-{2 if left else 1}] must be equal to "
                           f"input.shape[-2]: {operands(input=input, other=other)}")
    if tau.shape[-1] > min(input.shape[-2:]):
        raise RuntimeError("torch.ormqr: tau.shape[-1] must be equal to min(other.shape[-2], "
                           f"input.shape[-1]): {operands(input=input, tau=tau)}")
    if left:
        return _applied(input, tau, other, transpose)
    return hermitian(_applied(input, tau, hermitian(other), not transpose))
