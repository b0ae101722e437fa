"""Maps of values: invert, posterize, solarize, and those after the histogram."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.base import dtypes
from rushlight.ops import from_numpy, where
from rushlight.tensor import Tensor
from rushlight.vision.image import pillow
from rushlight.vision.transforms.functional_dimensions import (
    max_value,
    require_channels,
    require_pillow,
)


def invert(img: Any) -> Any:
    """White less the picture."""
    if not isinstance(img, Tensor):
        return pillow("ImageOps").invert(require_pillow(img))
    if require_channels(img).dtype is dtypes.bool_:
        return ~img
    return max_value(img.dtype) - img


def _require_bytes(img: Tensor) -> Tensor:
    if require_channels(img).dtype is not dtypes.uint8:
        raise TypeError(f"Only torch.uint8 image tensors are supported, but found {img.dtype}")
    return img


def posterize(img: Any, bits: int) -> Any:
    """Only the highest `bits` of the 8 of each value, the others 0. Bytes only."""
    if not isinstance(img, Tensor):
        return pillow("ImageOps").posterize(require_pillow(img), bits)
    return _require_bytes(img) & (256 - 2 ** (8 - bits))


def solarize(img: Any, threshold: float) -> Any:
    """Values at and above the threshold inverted. Raises TypeError where it is above white."""
    if not isinstance(img, Tensor):
        return pillow("ImageOps").solarize(require_pillow(img), threshold)
    if threshold > max_value(require_channels(img).dtype):
        raise TypeError("Threshold should be less than bound of img: it is "
                        f"{threshold}, and white {max_value(img.dtype)}.")
    return where(img >= threshold, invert(img), img)


def autocontrast(img: Any) -> Any:
    """Each channel stretched, so that its darkest value is black and its lightest white."""
    if not isinstance(img, Tensor):
        return pillow("ImageOps").autocontrast(require_pillow(img))
    require_channels(img)
    bound = max_value(img.dtype)
    wide = img if img.is_floating_point() else img.float()
    least, most = wide.amin((-2, -1), keepdim=True), wide.amax((-2, -1), keepdim=True)
    flat = most == least
    scale = where(flat, 1.0, bound / where(flat, 1.0, most - least))
    return ((wide - where(flat, 0.0, least)) * scale).clamp(0, bound).to(img.dtype)


def equalize(img: Any) -> Any:
    """Each channel mapped so that its values are spread evenly over 0..255. Bytes only."""
    if not isinstance(img, Tensor):
        return pillow("ImageOps").equalize(require_pillow(img))
    array = _require_bytes(img).detach().numpy()
    planes = array.reshape(-1, array.shape[-2] * array.shape[-1])
    return from_numpy(np.stack([_equalized(plane) for plane in planes]).reshape(array.shape))


def _equalized(plane: np.ndarray) -> np.ndarray:
    """One channel, (pixels,) bytes, spread by its histogram."""
    counts = np.bincount(plane, minlength=256)
    step = counts[counts != 0][:-1].sum() // 255
    if step == 0:
        return plane
    below = np.concatenate([[0], (np.cumsum(counts) + step // 2)[:-1] // step])
    return np.clip(below, 0, 255).astype(np.uint8)[plane]
