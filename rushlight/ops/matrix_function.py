"""Functions of square matrices: powers and the exponential; batched."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.backends.host import lapack
from rushlight.backends.meta.array import is_meta
from rushlight.families.composite import composite
from rushlight.families.library import library
from rushlight.ops.creation import eye
from rushlight.ops.decomposition import check_matrix, hermitian
from rushlight.ops.joining import cat
from rushlight.ops.linear_system import inv
from rushlight.tensor import Tensor


@composite("matrix_power linalg.matrix_power", out=True, samples=lambda x: [
    (x.regular(3), 3), (x.regular(2, 2), -2), (x(3, 3), 0)])
def matrix_power(input: Any, n: int) -> Tensor:
    """The n-th power of square matrices, by squaring; negative powers are those of the inverse.

    >>> import rushlight as rl
    >>> rl.matrix_power(rl.tensor([[1., 1.], [0., 1.]]), 3)
    tensor([[1., 3.],
            [0., 1.]])
    """
    if input.ndim < 2:
        raise RuntimeError("linalg.matrix_power: The input tensor A must have at least 2 "
                           "dimensions.")
    if input.shape[-1] != input.shape[-2]:
        raise RuntimeError("linalg.matrix_power: A must be batches of square matrices, but they "
                           f"are {input.shape[-2]} by {input.shape[-1]} matrices")
    if n == 0:
        return input.clone().copy_(eye(input.shape[-1], dtype=input.dtype, device=input.device))
    square, n = (inv(input), -n) if n < 0 else (input, n)
    result = None
    while n:
        if n & 1:
            result = square if result is None else result @ square
        n >>= 1
        if n:
            square = square @ square
    return result.clone() if result is input else result


@library("_matrix_exp", family="linalg")
class _matrix_exp:
    """e**A."""

    def forward(input):
        if is_meta(input):
            return input.copy()
        wide = np.dtype(np.complex128 if input.dtype.kind == "c" else np.float64)
        return lapack.matrix_exp(input.astype(wide)).astype(input.dtype)

    def backward(gradient, input):
        """The upper right block of exp([[A^H, G], [0, A^H]]) (Higham: Functions of Matrices)."""
        n = input.shape[-1]
        adjoint = hermitian(input)
        upper = cat([adjoint, gradient], -1)
        lower = cat([adjoint.new_zeros(adjoint.shape), adjoint], -1)
        return _matrix_exp(cat([upper, lower], -2))[..., :n, n:]


@composite("matrix_exp linalg.matrix_exp")
def matrix_exp(input: Any) -> Tensor:
    """The exponential of square matrices: the sum of A**k / k!.

    >>> import rushlight as rl
    >>> rl.matrix_exp(rl.zeros(2, 2))
    tensor([[1., 0.],
            [0., 1.]])
    """
    if input.dtype.itemsize > 2:
        check_matrix("linalg.matrix_exp", input, square=True)
    return _matrix_exp(input)
