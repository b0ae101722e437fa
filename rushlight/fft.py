"""Fourier transforms, named as in torch."""

from __future__ import annotations

# ---- operations: written by tools/write_index.py
from rushlight.ops.fft import (
    fft, fft2, fftn, hfft, hfft2, hfftn, ifft, ifft2, ifftn, ihfft, ihfft2, ihfftn, irfft, irfft2,
    irfftn, rfft, rfft2, rfftn,
)
from rushlight.ops.frequencies import fftfreq, fftshift, ifftshift, rfftfreq
# ---- by hand
# ---- all names: written by tools/write_index.py
__all__ = [
    "fft", "fft2", "fftfreq", "fftn", "fftshift", "hfft", "hfft2", "hfftn", "ifft", "ifft2",
    "ifftn", "ifftshift", "ihfft", "ihfft2", "ihfftn", "irfft", "irfft2", "irfftn", "rfft", "rfft2",
    "rfftfreq", "rfftn",
]
