"""Matrix products on arrays, with and without data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.backends.kept_weights import Kept
from rushlight.backends.meta.array import MetaArray
from rushlight.base.first_use import Deferred

if TYPE_CHECKING:
    from rushlight.backends.cpu import matmul as cpu
else:
    cpu = Deferred("rushlight.backends.cpu.matmul", globals())


def matmul(a: Any, b: Any) -> Any:
    """a @ b as NumPy defines it, 0-d results as arrays; half types are summed in float32."""
    if type(a) is MetaArray or type(b) is MetaArray:
        return _meta(a, b)
    if a.dtype.kind == "b":
        raise NotImplementedError('"addmm_impl_cpu_" not implemented for \'Bool\'')
    return cpu.matmul(a, b)


def _meta(a: Any, b: Any) -> MetaArray:
    left = a.shape if a.ndim > 1 else (1, *a.shape)
    right = b.shape if b.ndim > 1 else (*b.shape, 1)
    shape = [*np.broadcast_shapes(left[:-2], right[:-2]), left[-2], right[-1]]
    if b.ndim == 1:
        del shape[-1]
    if a.ndim == 1:
        del shape[-1 if b.ndim == 1 else -2]
    return MetaArray(shape, a.dtype)


def keeps(x: Any, weight: Any) -> bool:
    """Whether `linear` is quicker with a copy of `weight` kept in another layout."""
    return type(x) is not MetaArray and type(weight) is not MetaArray and cpu.keeps(x, weight)


def add(product: Any, bias: Any) -> Any:
    """product += bias, which broadcasts."""
    return product if type(product) is MetaArray else np.add(product, bias, product)


def linear(x: Any, weight: Any, bias: Any, kept: Kept | None = None) -> Any:
    """x @ weight.T + bias; kept: where copies of a `weight` that `keeps` accepts are."""
    if kept is not None:
        return cpu.linear_kept(x, weight, bias, kept)
    if type(x) is MetaArray or type(weight) is MetaArray:
        return _meta(x, weight.transpose(tuple(range(weight.ndim))[::-1]))
    if x.dtype.kind == "b":
        raise NotImplementedError('"addmm_impl_cpu_" not implemented for \'Bool\'')
    return cpu.linear(x, weight, bias)
