"""Blur and sharpness, and rectangles erased."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rushlight.nn.functional import conv2d
from rushlight.nn.functional import pad as pad_tensor
from rushlight.ops import exp, linspace, tensor
from rushlight.tensor import Tensor
from rushlight.vision.image import is_pillow, pillow
from rushlight.vision.transforms.functional_color import blend
from rushlight.vision.transforms.functional_conversion import pil_to_tensor, to_pil_image
from rushlight.vision.transforms.functional_dimensions import (
    as_batch,
    require_color,
    require_pillow,
    require_tensor,
)


def _bell(size: int, sigma: float, dtype: Any) -> Tensor:
    """The normal curve at `size` pixels about 0, summing to 1."""
    half = (size - 1) * 0.5
    curve = exp(-0.5 * (linspace(-half, half, size, dtype=dtype) / sigma).pow(2))
    return curve / curve.sum()


def gaussian_blur(img: Any, kernel_size: Any, sigma: Any = None) -> Any:
    """The picture weighted over its surroundings by a normal curve, reflected at the edges.

    kernel_size: odd pixels, (x, y) or one number. sigma: in pixels, (x, y) or one number; by
    default 0.3 * ((kernel_size - 1) * 0.5 - 1) + 0.8.
    """
    sizes = _pair("kernel_size", kernel_size)
    for size in sizes:
        if size % 2 == 0 or size < 0:
            raise ValueError(f"kernel_size should have odd and positive integers. Got {sizes}")
    sigmas = [size * 0.15 + 0.35 for size in sizes] if sigma is None else _pair("sigma", sigma)
    for value in sigmas:
        if value <= 0.0:
            raise ValueError(f"sigma should have positive values. Got {sigmas}")
    if not isinstance(img, Tensor):
        if not is_pillow(img):
            raise TypeError(f"img should be PIL Image or Tensor. Got {type(img)}")
        return to_pil_image(gaussian_blur(pil_to_tensor(img), sizes, sigmas), mode=img.mode)
    batch, back = as_batch(require_tensor(img))
    channels = batch.shape[1]
    across, down = sizes[0] // 2, sizes[1] // 2
    wide = pad_tensor(batch, [across, across, down, down], mode="reflect")
    x, y = (_bell(size, value, batch.dtype) for size, value in zip(sizes, sigmas, strict=True))
    kernel = y[:, None] * x[None, :]
    return back(conv2d(wide, kernel.expand(channels, 1, *kernel.shape), groups=channels))


def _pair(name: str, value: Any) -> list[Any]:
    """[x, y] of one number or two. Raises TypeError and ValueError."""
    if isinstance(value, int | float):
        return [value, value]
    if not isinstance(value, Sequence):
        raise TypeError(f"{name} should be a number or a sequence of them. Got {type(value)}")
    if len(value) not in (1, 2):
        raise ValueError(f"If {name} is a sequence its length should be 2. Got {len(value)}")
    return list(value) * (3 - len(value))


def adjust_sharpness(img: Any, sharpness_factor: float) -> Any:
    """Away from a smoothed picture: 0 is smoothed, 1 the picture itself, 2 sharper."""
    if not isinstance(img, Tensor):
        return pillow("ImageEnhance").Sharpness(require_pillow(img)).enhance(sharpness_factor)
    if sharpness_factor < 0:
        raise ValueError(f"sharpness_factor ({sharpness_factor}) is not non-negative.")
    require_color(img)
    if img.shape[-1] <= 2 or img.shape[-2] <= 2:
        return img
    batch, back = as_batch(img)
    kernel = tensor([[1.0, 1.0, 1.0], [1.0, 5.0, 1.0], [1.0, 1.0, 1.0]], dtype=batch.dtype) / 13.0
    channels = batch.shape[1]
    smooth = img.clone()  # whose edge stays as it is
    inner = conv2d(batch, kernel.expand(channels, 1, 3, 3), groups=channels)
    smooth[..., 1:-1, 1:-1] = back(inner)
    return blend(img, smooth, sharpness_factor)


def erase(img: Any, i: int, j: int, h: int, w: int, v: Tensor, inplace: bool = False) -> Tensor:
    """`v` written over h rows from row i, w columns from column j, of a tensor."""
    if not isinstance(img, Tensor):
        raise TypeError(f"img should be Tensor Image. Got {type(img)}")
    out = img if inplace else img.clone()
    out[..., i:i + h, j:j + w] = v
    return out
