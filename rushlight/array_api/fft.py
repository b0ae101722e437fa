"""Fourier transforms with the array API standard's signatures: `axis` for `dim`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight import fft as _fft
from rushlight.fft import fftfreq, rfftfreq
from rushlight.tensor import Tensor


def _along(name: str) -> Callable[..., Tensor]:
    computed: Any = getattr(_fft, name)

    def function(x: Tensor, /, *, n: int | None = None, axis: int = -1,
                 norm: str = "backward") -> Tensor:
        return computed(x, n=n, dim=axis, norm=norm)

    function.__name__ = function.__qualname__ = name
    function.__module__ = __name__
    function.__doc__ = f"`fft.{name}` along `axis`, of `n` elements."
    return function


def _over(name: str) -> Callable[..., Tensor]:
    computed: Any = getattr(_fft, name)

    def function(x: Tensor, /, *, s: Any = None, axes: Any = None,
                 norm: str = "backward") -> Tensor:
        return computed(x, s=s, dim=axes, norm=norm)

    function.__name__ = function.__qualname__ = name
    function.__module__ = __name__
    function.__doc__ = f"`fft.{name}` over `axes`, of `s` elements."
    return function


fft, ifft, rfft, irfft, hfft, ihfft = map(_along, ("fft", "ifft", "rfft", "irfft", "hfft",
                                                   "ihfft"))
fftn, ifftn, rfftn, irfftn = map(_over, ("fftn", "ifftn", "rfftn", "irfftn"))


def fftshift(x: Tensor, /, *, axes: Any = None) -> Tensor:
    """Move the frequency zero to the middle."""
    return _fft.fftshift(x, axes)


def ifftshift(x: Tensor, /, *, axes: Any = None) -> Tensor:
    """Move the frequency zero back to the start."""
    return _fft.ifftshift(x, axes)


__all__ = ["fft", "fftfreq", "fftn", "fftshift", "hfft", "ifft", "ifftn", "ifftshift", "ihfft",
           "irfft", "irfftn", "rfft", "rfftfreq", "rfftn"]
