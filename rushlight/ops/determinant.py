"""Determinants of square matrices and their logarithms; batched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.backends.meta.array import MetaArray, is_meta
from rushlight.base.first_use import Deferred
from rushlight.base.structure import structure
from rushlight.families.composite import composite, function
from rushlight.families.library import library
from rushlight.ops.decomposition import _svd, check_matrix, hermitian
from rushlight.ops.linear_system import _inv
from rushlight.tensor import Tensor

if TYPE_CHECKING:
    from rushlight.backends import linalg
else:
    linalg = Deferred("rushlight.backends.linalg", globals())

Array = np.ndarray


@library("_det", family="linalg")
class _det:
    """The determinant."""

    def forward(input):
        if is_meta(input):
            return MetaArray(input.shape[:-2], input.dtype)
        return linalg.det(input)

    def backward(gradient, input, output):
        weight = (gradient * output.conj()).unsqueeze(-1).unsqueeze(-1)
        inverse, info = _inv(input)
        if not info._array.any():
            return weight * hermitian(inverse)
        return gradient.unsqueeze(-1).unsqueeze(-1) * _cofactors(input).conj()


def _cofactors(a: Any) -> Any:
    """The matrices of cofactors, of singular matrices too: from singular values."""
    u, s, vh = _svd(a, False)
    n = s.shape[-1]
    others = [s[..., [j for j in range(n) if j != i]].prod(-1) for i in range(n)]
    weights = s.new_zeros(s.shape)
    for i, product in enumerate(others):
        weights[..., i] = product
    sign = _det(u) * _det(vh)
    return sign.unsqueeze(-1).unsqueeze(-1) * (u.conj() @ (weights.unsqueeze(-1) * vh.conj()))


@composite("det linalg.det", out=True)
def det(input: Any) -> Tensor:
    """The determinant of square matrices.

    >>> import rushlight as rl
    >>> rl.det(rl.tensor([[2., 1.], [0., 3.]]))
    tensor(6.)
    """
    check_matrix("linalg.det", input, square=True)
    return _det(input)


@library("_slogdet", family="linalg")
class _slogdet:
    """(sign, logarithm of the modulus) of the determinant."""

    outputs = 2

    def forward(input):
        if is_meta(input):
            real = np.zeros(0, input.dtype).real.dtype
            return MetaArray(input.shape[:-2], input.dtype), MetaArray(input.shape[:-2], real)
        return linalg.slogdet(input)

    def backward(gradient, input, output0):
        to_sign, to_log = gradient
        weight = 0 if to_log is None else to_log
        if to_sign is not None and input.dtype.is_complex:
            weight = weight - 1j * (to_sign * output0.conj()).imag * -1
        if isinstance(weight, int):
            return input.new_zeros(input.shape)
        return weight.unsqueeze(-1).unsqueeze(-1) * hermitian(_inv(input)[0])


SLOGDET = structure("linalg_slogdet", "sign logabsdet")
OLD_SLOGDET = structure("slogdet", "sign logabsdet")


@function("linalg.slogdet", out=True, samples=lambda x: [(x.regular(3),), (x(2, 2, 2),)])
def linalg_slogdet(A: Any) -> Any:
    """(sign, logabsdet) of the determinant, which is sign * e**logabsdet.

    >>> import rushlight as rl
    >>> rl.linalg.slogdet(rl.tensor([[-1., 0.], [0., 1.]])).sign
    tensor(-1.)
    """
    check_matrix("linalg.slogdet", A, square=True)
    return SLOGDET(*_slogdet(A))


@composite("slogdet", out=True)
def slogdet(input: Any) -> Any:
    """(sign, logabsdet) of the determinant: see linalg.slogdet."""
    return OLD_SLOGDET(*linalg_slogdet(input))


@composite("logdet")
def logdet(input: Any) -> Tensor:
    """The logarithm of the determinant; NaN where that is negative, -inf where it is 0.

    >>> import rushlight as rl
    >>> rl.logdet(rl.eye(2))
    tensor(0.)
    """
    check_matrix("linalg.det", input, square=True)
    sign, logarithm = _slogdet(input)
    if input.dtype.is_complex:
        return sign.log() + logarithm
    return logarithm.masked_fill(sign < 0, float("nan"))
