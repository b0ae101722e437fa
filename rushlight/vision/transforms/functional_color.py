"""Brightness, contrast, saturation, hue, gamma and grey."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.base import dtypes
from rushlight.ops import floor, stack, where, zeros_like
from rushlight.tensor import Tensor
from rushlight.vision.image import is_pillow, pillow
from rushlight.vision.transforms.functional_conversion import convert_image_dtype
from rushlight.vision.transforms.functional_dimensions import (
    max_value,
    require_channels,
    require_color,
    require_pillow,
)


def blend(one: Tensor, other: Any, ratio: float) -> Tensor:
    """ratio * one + (1 - ratio) * other, within the range of the dtype."""
    mixed = float(ratio) * one + (1.0 - float(ratio)) * other
    return mixed.clamp(0, max_value(one.dtype)).to(one.dtype)


def _enhance(kind: str, img: Any, factor: float) -> Any:
    return getattr(pillow("ImageEnhance"), kind)(require_pillow(img)).enhance(factor)


def _factor(name: str, factor: float) -> None:
    if factor < 0:
        raise ValueError(f"{name} ({factor}) is not non-negative.")


def _grey(img: Tensor) -> Tensor:
    """One channel: the luma of ITU-R BT.601, cut to the dtype."""
    red, green, blue = img.unbind(-3)
    return (0.2989 * red + 0.587 * green + 0.114 * blue).to(img.dtype).unsqueeze(-3)


def rgb_to_grayscale(img: Any, num_output_channels: int = 1) -> Any:
    """The picture in grey, 0.299 R + 0.587 G + 0.114 B, with 1 or 3 equal channels."""
    if not isinstance(img, Tensor):
        return to_grayscale(require_pillow(img), num_output_channels)
    require_channels(img)
    if num_output_channels not in (1, 3):
        raise ValueError("num_output_channels should be either 1 or 3")
    grey = _grey(img) if img.shape[-3] == 3 else img.clone()
    return grey.expand(*grey.shape[:-3], 3, *grey.shape[-2:]) if num_output_channels == 3 else grey


def to_grayscale(img: Any, num_output_channels: int = 1) -> Any:
    """A Pillow picture in grey, with 1 or 3 channels. Raises TypeError for a tensor."""
    if not is_pillow(img):
        raise TypeError(f"Input should be PIL Image. Got {type(img)}")
    if num_output_channels not in (1, 3):
        raise ValueError("num_output_channels should be either 1 or 3")
    grey = img.convert("L")
    return grey if num_output_channels == 1 else pillow().merge("RGB", [grey] * 3)


def adjust_brightness(img: Any, brightness_factor: float) -> Any:
    """Times the factor: 0 is black, 1 the picture itself."""
    if not isinstance(img, Tensor):
        return _enhance("Brightness", img, brightness_factor)
    _factor("brightness_factor", brightness_factor)
    return blend(require_color(img), zeros_like(img), brightness_factor)


def adjust_contrast(img: Any, contrast_factor: float) -> Any:
    """Away from the mean grey: 0 is grey all over, 1 the picture itself."""
    if not isinstance(img, Tensor):
        return _enhance("Contrast", img, contrast_factor)
    _factor("contrast_factor", contrast_factor)
    require_color(img)
    grey = _grey(img) if img.ndim > 2 and img.shape[-3] == 3 else img
    wide = grey if grey.is_floating_point() else grey.float()
    over = (-3, -2, -1) if img.ndim > 2 else (-2, -1)
    return blend(img, wide.mean(over, keepdim=True), contrast_factor)


def adjust_saturation(img: Any, saturation_factor: float) -> Any:
    """Away from grey: 0 is black and white, 1 the picture itself."""
    if not isinstance(img, Tensor):
        return _enhance("Color", img, saturation_factor)
    _factor("saturation_factor", saturation_factor)
    require_color(img)
    if img.ndim == 2 or img.shape[-3] == 1:
        return img
    return blend(img, _grey(img), saturation_factor)


def adjust_hue(img: Any, hue_factor: float) -> Any:
    """Hues turned by the factor, in -0.5..0.5 of the circle; grey pictures stay."""
    if not -0.5 <= hue_factor <= 0.5:
        raise ValueError(f"hue_factor ({hue_factor}) is not in [-0.5, 0.5].")
    if not isinstance(img, Tensor):
        return _pillow_hue(require_pillow(img), hue_factor)
    require_color(img)
    if img.ndim == 2 or img.shape[-3] == 1:
        return img
    hue, saturation, value = _to_hsv(convert_image_dtype(img, _float(img)))
    turned = _to_rgb((hue + hue_factor) % 1.0, saturation, value)
    return convert_image_dtype(turned, img.dtype)


def _float(img: Tensor) -> Any:
    return img.dtype if img.is_floating_point() else dtypes.float32


def _pillow_hue(img: Any, factor: float) -> Any:
    if img.mode in ("L", "1", "I", "F"):
        return img
    hue, saturation, value = img.convert("HSV").split()
    turned = np.array(hue, np.uint8) + np.uint8(int(factor * 255) % 256)  # the circle is 256 long
    bands = (pillow().fromarray(turned), saturation, value)
    return pillow().merge("HSV", bands).convert(img.mode)


def _to_hsv(img: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Hue, saturation and value (0..1) of (..., 3, height, width); where grey, hue is 0."""
    red, green, blue = img.unbind(-3)
    most, least = img.amax(-3), img.amin(-3)
    grey = most == least
    span = most - least
    safe = where(grey, 1.0, span)  # no division by 0
    saturation = span / where(grey, 1.0, most)
    far = [(most - channel) / safe for channel in (red, green, blue)]
    is_red = most == red
    is_green = (most == green) & ~is_red
    sixths = where(is_red, far[2] - far[1],
                   where(is_green, 2.0 + far[0] - far[2], 4.0 + far[1] - far[0]))
    hue = (sixths / 6.0 + 1.0) % 1.0
    return where(grey, 0.0, hue), saturation, most


def _to_rgb(hue: Tensor, saturation: Tensor, value: Tensor) -> Tensor:
    """The reverse of `_to_hsv`: (..., 3, height, width)."""
    sixth = floor(hue * 6.0)
    part = hue * 6.0 - sixth
    low = (value * (1.0 - saturation)).clamp(0.0, 1.0)
    down = (value * (1.0 - saturation * part)).clamp(0.0, 1.0)
    up = (value * (1.0 - saturation * (1.0 - part))).clamp(0.0, 1.0)
    sixth = sixth.to(dtypes.int32) % 6
    channels = ((value, down, low, low, up, value), (up, value, value, down, low, low),
                (low, low, up, value, value, down))
    out = []
    for cases in channels:
        chosen = cases[5]
        for number in range(5):
            chosen = where(sixth == number, cases[number], chosen)
        out.append(chosen)
    return stack(out, -3)


def adjust_gamma(img: Any, gamma: float, gain: float = 1) -> Any:
    """gain * x ** gamma, x in 0..1."""
    if gamma < 0:
        raise ValueError("Gamma should be a non-negative real number")
    if not isinstance(img, Tensor):
        mode = require_pillow(img).mode
        table = [int((255 + 1 - 1e-3) * gain * pow(value / 255.0, gamma)) for value in range(256)]
        return img.convert("RGB").point(table * 3).convert(mode)
    require_color(img)
    out = (gain * convert_image_dtype(img, _float(img)).pow(gamma)).clamp(0, 1)
    return convert_image_dtype(out, img.dtype)
