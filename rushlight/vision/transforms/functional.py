"""Transforms as functions of pictures (Pillow, or tensors of (..., channels, height, width))."""

from __future__ import annotations

from rushlight.vision.transforms.functional_color import (
    adjust_brightness,
    adjust_contrast,
    adjust_gamma,
    adjust_hue,
    adjust_saturation,
    rgb_to_grayscale,
    to_grayscale,
)
from rushlight.vision.transforms.functional_conversion import (
    convert_image_dtype,
    normalize,
    pil_to_tensor,
    to_pil_image,
    to_tensor,
)
from rushlight.vision.transforms.functional_dimensions import (
    InterpolationMode,
    get_dimensions,
    get_image_num_channels,
    get_image_size,
)
from rushlight.vision.transforms.functional_filter import adjust_sharpness, erase, gaussian_blur
from rushlight.vision.transforms.functional_geometry import (
    center_crop,
    crop,
    five_crop,
    hflip,
    pad,
    resize,
    resized_crop,
    ten_crop,
    vflip,
)
from rushlight.vision.transforms.functional_values import (
    autocontrast,
    equalize,
    invert,
    posterize,
    solarize,
)
from rushlight.vision.transforms.functional_warp import (
    affine,
    elastic_transform,
    perspective,
    rotate,
)

__all__ = [
    "InterpolationMode", "adjust_brightness", "adjust_contrast", "adjust_gamma", "adjust_hue",
    "adjust_saturation", "adjust_sharpness", "affine", "autocontrast", "center_crop",
    "convert_image_dtype", "crop", "elastic_transform", "equalize", "erase", "five_crop",
    "gaussian_blur", "get_dimensions", "get_image_num_channels", "get_image_size", "hflip",
    "invert", "normalize", "pad", "perspective", "pil_to_tensor", "posterize", "resize",
    "resized_crop", "rgb_to_grayscale", "rotate", "solarize", "ten_crop", "to_grayscale",
    "to_pil_image", "to_tensor", "vflip",
]
