"""Matrix products on arrays: which library computes them.

BLAS through NumPy for small products, oneDNN for large ones where it is installed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.backends.meta.array import MetaArray, is_meta


def matmul(a: Any, b: Any) -> Any:
    """a @ b as NumPy defines it, 0-d results as arrays; half types are summed in float32."""
    if is_meta(a) or is_meta(b):
        return _meta(a, b)
    kind = a.dtype
    if kind.itemsize == 2 and kind.kind in "fV":
        return matmul(a.astype(np.float32), b.astype(np.float32)).astype(kind)
    if kind.kind == "b":
        raise NotImplementedError('"addmm_impl_cpu_" not implemented for \'Bool\'')
    return np.matmul(a, b, out=...) if a.ndim > 1 or b.ndim > 1 else np.array(np.dot(a, b))


def _meta(a: Any, b: Any) -> MetaArray:
    left = a.shape if a.ndim > 1 else (1, *a.shape)
    right = b.shape if b.ndim > 1 else (*b.shape, 1)
    shape = [*np.broadcast_shapes(left[:-2], right[:-2]), left[-2], right[-1]]
    if b.ndim == 1:
        del shape[-1]
    if a.ndim == 1:
        del shape[-1 if b.ndim == 1 else -2]
    return MetaArray(shape, a.dtype)


def linear(x: Any, weight: Any, bias: Any) -> Any:
    """x @ weight.T + bias."""
    product = matmul(x, weight.T if not is_meta(weight) else weight.transpose(
        tuple(range(weight.ndim))[::-1]))
    if bias is None:
        return product
    if is_meta(product) or product.dtype.kind == "V":
        return product if is_meta(product) else (product + bias)
    return np.add(product, bias, out=product) if product.ndim else np.add(product, bias, out=...)
