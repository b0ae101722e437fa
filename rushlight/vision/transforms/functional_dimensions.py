"""What every picture has: channels, height, width, the range of its values; and its interpolation.

A picture is a Pillow image, or a tensor of (..., channels, height, width) or (height, width).
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any

import numpy as np

from rushlight.base import dtypes
from rushlight.tensor import Tensor
from rushlight.vision.image import is_pillow


class InterpolationMode(Enum):
    """How values between pixels are found."""

    NEAREST = "nearest"
    NEAREST_EXACT = "nearest-exact"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"
    BOX = "box"
    HAMMING = "hamming"
    LANCZOS = "lanczos"


PILLOW_CODES = {"nearest": 0, "nearest-exact": 0, "lanczos": 1, "bilinear": 2, "bicubic": 3,
                "box": 4, "hamming": 5}
_BY_CODE = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic", 4: "box", 5: "hamming"}


def interpolation_mode(interpolation: Any) -> InterpolationMode:
    """The mode itself, of a name, or of Pillow's number. Raises TypeError for anything else."""
    if isinstance(interpolation, InterpolationMode):
        return interpolation
    if isinstance(interpolation, str):
        return InterpolationMode(interpolation.lower())
    if isinstance(interpolation, int) and int(interpolation) in _BY_CODE:
        return InterpolationMode(_BY_CODE[int(interpolation)])
    raise TypeError("Argument interpolation should be a InterpolationMode or a corresponding "
                    f"Pillow integer constant, not {interpolation!r}")


def pillow_code(interpolation: InterpolationMode) -> int:
    """Pillow's number of the mode."""
    return PILLOW_CODES[interpolation.value]


def require_pillow(img: Any) -> Any:
    """`img`, where it is a Pillow image. Raises TypeError otherwise."""
    if not is_pillow(img):
        raise TypeError(f"img should be PIL Image. Got {type(img)}")
    return img


def require_tensor(img: Any) -> Tensor:
    """`img`, where it is a tensor of two dimensions or more. Raises TypeError otherwise."""
    if not isinstance(img, Tensor):
        raise TypeError(f"img should be Tensor Image. Got {type(img)}")
    if img.ndim < 2:
        raise TypeError(f"Tensor is not a torch image: its shape is {tuple(img.shape)}, which has "
                        "no height and width.")
    return img


def get_dimensions(img: Any) -> list[int]:
    """[channels, height, width] of a picture. Raises TypeError for anything else."""
    if isinstance(img, Tensor):
        require_tensor(img)
        return [1 if img.ndim == 2 else img.shape[-3], img.shape[-2], img.shape[-1]]
    if not is_pillow(img):
        raise TypeError(f"Unexpected type {type(img)}")
    return [len(img.getbands()), img.height, img.width]


def get_image_size(img: Any) -> list[int]:
    """[width, height]."""
    return get_dimensions(img)[:0:-1]


def get_image_num_channels(img: Any) -> int:
    """The number of channels."""
    return get_dimensions(img)[0]


def require_color(img: Tensor) -> Tensor:
    """`img`, where it is a tensor of 1 or 3 channels. Raises TypeError otherwise."""
    channels = get_dimensions(require_tensor(img))[0]
    if channels not in (1, 3):
        raise TypeError(f"Input image tensor permitted channel values are [1, 3], but found "
                        f"{channels}")
    return img


def require_channels(img: Tensor) -> Tensor:
    """As `require_color`, and with a dimension of channels."""
    if require_tensor(img).ndim < 3:
        raise TypeError("Input image tensor should have at least 3 dimensions, but found "
                        f"{img.ndim}")
    return require_color(img)


def max_value(dtype: Any) -> int:
    """The value of white: 1 for floats and booleans, else the largest integer."""
    if dtype.is_floating_point or dtype is dtypes.bool_:
        return 1
    return int(np.iinfo(dtype.array).max)


def as_batch(img: Tensor) -> tuple[Tensor, Any]:
    """Pixels as floats of (batch, channels, height, width), and what turns a result back.

    Integers come back rounded; the result's height and width may differ.
    """
    shape, dtype = img.shape, img.dtype
    channels = 1 if img.ndim == 2 else shape[-3]
    batch = img.reshape(-1, channels, *shape[-2:])
    if dtype is not dtypes.float32 and dtype is not dtypes.float64:
        batch = batch.float()

    def back(out: Tensor) -> Tensor:
        if not dtype.is_floating_point:
            out = out.round()
        return out.to(dtype).reshape(*shape[:-2], *out.shape[-2:])

    return batch, back


def two(value: Any, message: str) -> list[int]:
    """[height, width] of a number, or of one or two of them. Raises ValueError otherwise."""
    if isinstance(value, int | float):
        return [int(value), int(value)]
    if not isinstance(value, Sequence) or len(value) not in (1, 2):
        raise ValueError(message)
    return list(value) * (3 - len(value))
