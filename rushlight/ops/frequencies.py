"""The frequencies of Fourier transforms, and their order."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.backends.meta.array import MetaArray
from rushlight.base import dtypes
from rushlight.base.device import as_device
from rushlight.families.composite import function
from rushlight.ops.flipping import roll
from rushlight.tensor import Tensor, wrap


def _tensor(name: str, values: Any, dtype: Any, device: Any, requires_grad: bool) -> Tensor:
    kind = dtypes.default_dtype() if dtype is None else dtypes.as_dtype(dtype)
    if kind.category < 2:
        raise RuntimeError(f"{name} requires a floating point or complex dtype, not {kind.name}")
    array = values.astype(kind.array)
    if as_device(device).type == "meta":
        array = MetaArray(array.shape, array.dtype)
    return wrap(array).requires_grad_(requires_grad)


@function("fft.fftfreq", out=True, samples=lambda x: [(5, 0.5)])
def fftfreq(n: int, d: float = 1.0, *, dtype: Any = None, layout: Any = None, device: Any = None,
            requires_grad: bool = False) -> Tensor:
    """The frequencies that fft of n samples at distance d gives, in its order, (n,).

    >>> import rushlight as rl
    >>> rl.fft.fftfreq(4)
    tensor([ 0.0000,  0.2500, -0.5000, -0.2500])
    """
    return _tensor("fftfreq", np.fft.fftfreq(n, d), dtype, device, requires_grad)


@function("fft.rfftfreq", out=True, samples=lambda x: [(6,)])
def rfftfreq(n: int, d: float = 1.0, *, dtype: Any = None, layout: Any = None, device: Any = None,
             requires_grad: bool = False) -> Tensor:
    """The frequencies that rfft of n samples at distance d gives, (n // 2 + 1,).

    >>> import rushlight as rl
    >>> rl.fft.rfftfreq(4)
    tensor([0.0000, 0.2500, 0.5000])
    """
    return _tensor("rfftfreq", np.fft.rfftfreq(n, d), dtype, device, requires_grad)


def _dims(input: Any, dim: Any) -> tuple[int, ...]:
    if dim is None:
        return tuple(range(input.ndim))
    return (dim,) if isinstance(dim, int) else tuple(dim)


@function("fft.fftshift")
def fftshift(input: Any, dim: Any = None) -> Tensor:
    """What fft gave, reordered so that frequency 0 stands in the middle of `dim` (of all).

    >>> import rushlight as rl
    >>> rl.fft.fftshift(rl.fft.fftfreq(4))
    tensor([-0.5000, -0.2500,  0.0000,  0.2500])
    """
    dims = _dims(input, dim)
    return roll(input, [input.shape[d] // 2 for d in dims], dims)


@function("fft.ifftshift")
def ifftshift(input: Any, dim: Any = None) -> Tensor:
    """The inverse of fftshift.

    >>> import rushlight as rl
    >>> rl.fft.ifftshift(rl.fft.fftshift(rl.arange(3)))
    tensor([0, 1, 2])
    """
    dims = _dims(input, dim)
    return roll(input, [(input.shape[d] + 1) // 2 for d in dims], dims)
