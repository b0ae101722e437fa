"""Hashes of tensors, to tell whether two hold the same bits."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.backends.meta.array import MetaArray, is_meta
from rushlight.base.shapes import normalize_dims
from rushlight.families.composite import composite
from rushlight.families.inplace import title
from rushlight.tensor import Tensor, wrap


@composite("hash_tensor", out=True)
def hash_tensor(input: Tensor, dim: Any = None, *, keepdim: bool = False, mode: int = 0) -> Tensor:
    """The exclusive or, over `dim` (None or (): all), of the elements' bits as 64-bit numbers.

    Floats count as float64, integers as int64. mode: 0, the only one. Returns uint64. Raises
    IndexError for dimensions without elements, RuntimeError for other modes.

    >>> import rushlight as rl
    >>> rl.hash_tensor(rl.tensor([1, 2, 4]))
    tensor(7, dtype=torch.uint64)
    """
    if mode != 0:
        raise RuntimeError(f"Unknown hash_tensor mode: {mode}")
    array = input._array
    if input.dtype.is_complex:
        raise NotImplementedError(f"\"xor_sum_cpu\" not implemented for '{title(input.dtype)}'; "
                                  "take view_as_real()")
    every = dim is None or dim == ()
    if every and not array.size:
        raise RuntimeError("hash_tensor: Expected reduction dim to be specified for input.numel() "
                           "== 0. Specify the reduction dim with the 'dim' argument.")
    dims = normalize_dims(None if every else dim, array.ndim)
    for d in dims if array.ndim else ():
        if not array.shape[d]:
            raise IndexError(f"hash_tensor: Expected reduction dim {d} to have non-zero size.")
    shape = [1 if d in dims else n for d, n in enumerate(array.shape) if keepdim or d not in dims]
    if is_meta(array):
        return wrap(MetaArray(tuple(shape), np.dtype(np.uint64)))  # type: ignore[arg-type]
    wide = array.astype(np.float64 if input.dtype.is_floating_point else np.int64)
    bits = wide.view(np.uint64)
    found = np.bitwise_xor.reduce(bits, axis=dims) if array.ndim else bits
    return wrap(np.asarray(found).reshape(shape))
