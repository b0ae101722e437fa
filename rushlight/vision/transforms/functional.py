"""Transforms as functions of pictures (Pillow, or tensors of (..., channels, height, width))."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any

import numpy as np

from rushlight.base import dtypes
from rushlight.nn.functional import interpolate
from rushlight.ops import from_numpy, tensor
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


_PILLOW = {"nearest": 0, "nearest-exact": 0, "lanczos": 1, "bilinear": 2, "bicubic": 3, "box": 4,
           "hamming": 5}


def get_image_size(img: Any) -> list[int]:
    """[width, height]."""
    return list(img.size) if is_pillow(img) else [img.shape[-1], img.shape[-2]]


def pil_to_tensor(pic: Any) -> Tensor:
    """A Pillow picture as a uint8 tensor of (channels, height, width)."""
    if not is_pillow(pic):
        raise TypeError(f"pic should be PIL Image. Got {type(pic)}")
    array = np.array(pic, copy=True)
    array = array[:, :, None] if array.ndim == 2 else array
    return from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1)))


def convert_image_dtype(image: Tensor, dtype: Any = dtypes.float32) -> Tensor:
    """The picture in another dtype; between integers and floats the range is scaled to [0, 1]."""
    if image.dtype is dtype:
        return image
    if image.is_floating_point():
        if dtype.is_floating_point:
            return image.to(dtype)
        largest = np.iinfo(dtype.array).max
        return (image * (largest + 1.0 - 1e-3)).to(dtype)
    largest = np.iinfo(image.dtype.array).max
    if dtype.is_floating_point:
        return image.to(dtype) / largest
    other = np.iinfo(dtype.array).max
    if largest > other:
        return (image // ((largest + 1) // (other + 1))).to(dtype)
    return image.to(dtype) * ((other + 1) // (largest + 1))


def normalize(tensor_: Tensor, mean: Sequence[float], std: Sequence[float],
              inplace: bool = False) -> Tensor:
    """(x - mean) / std, channel by channel. Raises TypeError for integers, ValueError for std 0."""
    if not tensor_.is_floating_point():
        raise TypeError(f"Input tensor should be a float tensor. Got {tensor_.dtype}.")
    shape = (-1, 1, 1)
    by = tensor(list(std), dtype=tensor_.dtype).reshape(shape)
    if (by == 0).any():
        raise ValueError(f"std evaluated to zero after conversion to {tensor_.dtype}, leading to "
                         "division by zero.")
    target = tensor_ if inplace else tensor_.clone()
    return target.sub_(tensor(list(mean), dtype=tensor_.dtype).reshape(shape)).div_(by)


def resize(img: Any, size: Any, interpolation: InterpolationMode = InterpolationMode.BILINEAR,
           max_size: int | None = None, antialias: bool | None = True) -> Any:
    """The picture with its shorter side of `size`, or of (height, width)."""
    width, height = get_image_size(img)
    sizes = [size] if isinstance(size, int) else list(size)
    if len(sizes) == 1:
        short, long = min(width, height), max(width, height)
        longer = int(sizes[0] * long / short)
        new = (longer, sizes[0]) if width <= height else (sizes[0], longer)
    else:
        new = (sizes[0], sizes[1])
    if (height, width) == new:
        return img
    mode = InterpolationMode(interpolation).value
    if is_pillow(img):
        return img.resize(new[::-1], _PILLOW[mode])
    batch = img.reshape(-1, *img.shape[-3:])
    smooth = bool(antialias) and mode in ("bilinear", "bicubic")
    wide = batch if batch.is_floating_point() else batch.float()
    out = interpolate(wide, new, mode=mode, antialias=smooth,
                      align_corners=False if mode in ("bilinear", "bicubic") else None)
    if not img.is_floating_point():
        limits = np.iinfo(img.dtype.array)
        out = out.clamp(limits.min, limits.max).round().to(img.dtype)
    return out.reshape(*img.shape[:-2], *new)


def center_crop(img: Any, output_size: Any) -> Any:
    """The middle of the picture; zeros around one that is too small."""
    sizes = [output_size] if isinstance(output_size, int) else list(output_size)
    rows, columns = sizes if len(sizes) == 2 else sizes * 2
    width, height = get_image_size(img)
    top, left = round((height - rows) / 2), round((width - columns) / 2)
    if is_pillow(img):
        return img.crop((left, top, left + columns, top + rows))
    out = img.new_zeros((*img.shape[:-2], rows, columns))
    here = (slice(max(top, 0), min(top + rows, height)),
            slice(max(left, 0), min(left + columns, width)))
    there = (slice(max(-top, 0), max(-top, 0) + here[0].stop - here[0].start),
             slice(max(-left, 0), max(-left, 0) + here[1].stop - here[1].start))
    out[(..., *there)] = img[(..., *here)]
    return out
