"""Operations on pictures that only the second interface has, or has in another form."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.base import dtypes
from rushlight.nn.functional import interpolate
from rushlight.ops import as_tensor, from_numpy, linspace, randn
from rushlight.tensor import Tensor
from rushlight.vision import io
from rushlight.vision.image import is_pillow
from rushlight.vision.transforms import functional as F
from rushlight.vision.transforms.functional_dimensions import (
    InterpolationMode,
    interpolation_mode,
    max_value,
    require_pillow,
)
from rushlight.vision.transforms.functional_geometry import resized_size
from rushlight.vision.tv_tensors import Image


def to_image(inpt: Any) -> Image:
    """A tensor, array (height, width[, channels]) or PIL image as `Image`. Raises TypeError."""
    if isinstance(inpt, np.ndarray):
        array = inpt[:, :, None] if inpt.ndim == 2 else inpt
        return Image(from_numpy(np.ascontiguousarray(np.moveaxis(array, -1, -3))))
    if not isinstance(inpt, Tensor) and not is_pillow(inpt):
        raise TypeError("Input can either be a pure Tensor, a numpy array, or a PIL image, but got "
                        f"{type(inpt)} instead.")
    return Image(inpt)


def resize(img: Any, size: Any, interpolation: InterpolationMode = InterpolationMode.BILINEAR,
           max_size: int | None = None, antialias: bool | None = True) -> Any:
    """In another size. Bytes are resized as bytes: rounded after the rows, and after the columns.

    size, interpolation, max_size, antialias: as in `transforms.functional.resize`.
    """
    mode = interpolation_mode(interpolation)
    if (not isinstance(img, Tensor) or img.dtype is not dtypes.uint8
            or mode not in (InterpolationMode.BILINEAR, InterpolationMode.BICUBIC)):
        return F.resize(img, size, interpolation, max_size, antialias)
    channels, height, width = F.get_dimensions(img)
    new = resized_size(height, width, size, max_size)
    if [height, width] == new:
        return img
    found = interpolate(img.reshape(-1, channels, height, width),  # type: ignore[attr-defined]
                        new, mode=mode.value, align_corners=False, antialias=bool(antialias))
    return found.reshape(*img.shape[:-2], *new)


def resized_crop(img: Any, top: int, left: int, height: int, width: int, size: Any,
                 interpolation: InterpolationMode = InterpolationMode.BILINEAR,
                 antialias: bool | None = True) -> Any:
    """`resize(crop(img, top, left, height, width), size)`."""
    cut = F.crop(img, top, left, height, width)
    return resize(cut, size, interpolation, antialias=antialias)


def to_dtype(inpt: Tensor, dtype: Any = dtypes.float32, scale: bool = False) -> Tensor:
    """In another dtype; with `scale` the range of values goes with it."""
    return F.convert_image_dtype(inpt, dtype) if scale else inpt.to(dtype)


def erase(inpt: Any, i: int, j: int, h: int, w: int, v: Tensor, inplace: bool = False) -> Any:
    """`v` written over h rows from row i, w columns from column j."""
    if is_pillow(inpt):
        return F.to_pil_image(F.erase(F.pil_to_tensor(inpt), i, j, h, w, v), mode=inpt.mode)
    return F.erase(inpt, i, j, h, w, v, inplace)


def posterize(inpt: Any, bits: int) -> Any:
    """Only the highest `bits` of each value; floats in as many steps."""
    if not isinstance(inpt, Tensor) or inpt.dtype is dtypes.uint8:
        return F.posterize(inpt, bits)
    levels = 1 << bits
    return (inpt * levels).floor().clamp(0, levels - 1) * (1.0 / levels)


def equalize(inpt: Any) -> Any:
    """Each channel mapped so that its values are spread evenly; floats by way of bytes."""
    if not isinstance(inpt, Tensor) or inpt.dtype is dtypes.uint8:
        return F.equalize(inpt)
    return F.convert_image_dtype(F.equalize(F.convert_image_dtype(inpt, dtypes.uint8)), inpt.dtype)


def grayscale_to_rgb(inpt: Any) -> Any:
    """Three equal channels for one; other pictures as they are."""
    if not isinstance(inpt, Tensor):
        return require_pillow(inpt).convert("RGB")
    return F.rgb_to_grayscale(inpt, 3) if inpt.shape[-3] == 1 else inpt


def permute_channels(inpt: Any, permutation: Any) -> Any:
    """The channels in another order."""
    order = as_tensor(permutation)
    if is_pillow(inpt):
        return F.to_pil_image(F.pil_to_tensor(inpt).index_select(-3, order), mode=inpt.mode)
    if inpt.shape[-3] != len(order):
        raise ValueError(f"Length of permutation does not match number of channels: {len(order)} "
                         f"!= {inpt.shape[-3]}")
    return inpt.index_select(-3, order)


def gaussian_noise(inpt: Tensor, mean: float = 0.0, sigma: float = 0.1, clip: bool = True
                   ) -> Tensor:
    """Normal noise added, for values of 0..1; cut to the range with `clip`. Bytes and floats."""
    if sigma < 0:
        raise ValueError(f"sigma shouldn't be negative. Got {sigma}")
    if not inpt.is_floating_point() and inpt.dtype is not dtypes.uint8:
        raise ValueError("Input tensor is expected to be in uint8 or float dtype, got dtype="
                         f"{inpt.dtype}")
    if inpt.is_floating_point():
        out = inpt + (mean + randn(*inpt.shape, dtype=inpt.dtype) * sigma)
        return out.clamp(0, 1) if clip else out
    noise = (mean * 255 + randn(*inpt.shape) * (sigma * 255)).to(dtypes.int16)
    out = inpt + noise
    return (out.clamp(0, max_value(inpt.dtype)) if clip else out).to(dtypes.uint8)


def jpeg(inpt: Any, quality: int) -> Any:
    """The picture after being written as JPEG of that quality, 1..100. Needs Pillow."""
    if is_pillow(inpt):
        return F.to_pil_image(jpeg(F.pil_to_tensor(inpt), quality), mode=inpt.mode)
    flat = inpt.reshape(-1, *inpt.shape[-3:])
    kind = io.ImageReadMode.GRAY if inpt.shape[-3] == 1 else io.ImageReadMode.RGB
    done = [io.decode_jpeg(io.encode_jpeg(each, quality), kind) for each in flat]
    return from_numpy(np.stack([each.numpy() for each in done])).reshape(inpt.shape)


def uniform_temporal_subsample(inpt: Tensor, num_samples: int) -> Tensor:
    """`num_samples` pictures of a film, at even distances."""
    last = inpt.shape[-4] - 1
    places = linspace(0, last, num_samples).clamp(0, last).to(dtypes.int64)
    return inpt.index_select(-4, places)
