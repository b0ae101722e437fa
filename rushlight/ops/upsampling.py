"""The older names of interpolation: upsample_nearest, upsample_bilinear."""

from __future__ import annotations

from typing import Any

from rushlight.families.composite import function
from rushlight.ops.interpolation import deprecated, interpolate
from rushlight.tensor import Tensor


@function("nn.functional.upsample_nearest", samples=lambda x: [(x(1, 2, 3), 5)])
def upsample_nearest(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """(N, C, *space) resampled to `size`, or to its size times scale_factor, by nearest elements.

    >>> import rushlight as rl
    >>> rl.nn.functional.upsample_nearest(rl.tensor([[[1., 2.]]]), scale_factor=2)
    tensor([[[1., 1., 2., 2.]]])
    """
    deprecated("upsample_nearest")
    return interpolate(input, size, scale_factor, "nearest")


@function("nn.functional.upsample_bilinear", samples=lambda x: [(x(1, 2, 3, 2), (5, 3))])
def upsample_bilinear(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """Images resampled bilinearly, the corners' middles staying where they are."""
    deprecated("upsample_bilinear")
    return interpolate(input, size, scale_factor, "bilinear", align_corners=True)
