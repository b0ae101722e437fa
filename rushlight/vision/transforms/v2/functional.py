"""Transforms as functions of any kind of input: pictures, films, masks, boxes, points."""

from __future__ import annotations

from typing import Any

from rushlight.tensor import Tensor
from rushlight.vision.transforms import functional as F
from rushlight.vision.transforms.functional_dimensions import InterpolationMode
from rushlight.vision.transforms.v2 import boxes, pictures, points
from rushlight.vision.transforms.v2.dispatch import functional, register_kernel
from rushlight.vision.transforms.v2.kinds import get_dimensions, get_size, is_pure_tensor
from rushlight.vision.transforms.v2.pictures import to_image
from rushlight.vision.tv_tensors import BoundingBoxes, KeyPoints, Mask, wrap

__all__ = [
    "InterpolationMode", "adjust_brightness", "adjust_contrast", "adjust_gamma", "adjust_hue",
    "adjust_saturation", "adjust_sharpness", "affine", "autocontrast", "center_crop",
    "clamp_bounding_boxes", "clamp_keypoints", "convert_bounding_box_format",
    "convert_image_dtype", "crop", "elastic", "elastic_transform", "equalize", "erase",
    "five_crop", "gaussian_blur", "gaussian_noise", "get_dimensions", "get_image_num_channels",
    "get_image_size", "get_num_channels", "get_num_frames", "get_size", "grayscale_to_rgb",
    "hflip", "horizontal_flip", "invert", "is_pure_tensor", "jpeg", "normalize", "pad",
    "permute_channels", "perspective", "pil_to_tensor", "posterize", "register_kernel", "resize",
    "resized_crop", "rgb_to_grayscale", "rotate", "sanitize_bounding_boxes", "solarize",
    "ten_crop", "to_dtype", "to_grayscale", "to_image", "to_pil_image", "to_tensor",
    "uniform_temporal_subsample", "vertical_flip", "vflip",
]

horizontal_flip = hflip = functional(F.hflip, "horizontal_flip", boxes=boxes.horizontal_flip,
                                     points=points.horizontal_flip)
vertical_flip = vflip = functional(F.vflip, "vertical_flip", boxes=boxes.vertical_flip,
                                   points=points.vertical_flip)
resize = functional(pictures.resize, boxes=boxes.resize, points=points.resize)
pad = functional(F.pad, boxes=boxes.pad, points=points.pad)
crop = functional(F.crop, boxes=boxes.crop, points=points.crop)
center_crop = functional(F.center_crop, boxes=boxes.center_crop, points=points.center_crop)
resized_crop = functional(pictures.resized_crop, boxes=boxes.resized_crop,
                          points=points.resized_crop)
rotate = functional(F.rotate, boxes=boxes.rotate, points=points.rotate)
affine = functional(F.affine, boxes=boxes.affine, points=points.affine)
perspective = functional(F.perspective, boxes=boxes.perspective, points=points.perspective)
elastic = elastic_transform = functional(F.elastic_transform, "elastic", boxes=boxes.elastic,
                                         points=points.elastic)
five_crop = functional(F.five_crop, mask=False)
ten_crop = functional(F.ten_crop, mask=False)

adjust_brightness = functional(F.adjust_brightness, mask=False)
adjust_contrast = functional(F.adjust_contrast, mask=False)
adjust_saturation = functional(F.adjust_saturation, mask=False)
adjust_hue = functional(F.adjust_hue, mask=False)
adjust_gamma = functional(F.adjust_gamma, mask=False)
adjust_sharpness = functional(F.adjust_sharpness, mask=False)
rgb_to_grayscale = functional(F.rgb_to_grayscale, mask=False)
grayscale_to_rgb = functional(pictures.grayscale_to_rgb, mask=False)
permute_channels = functional(pictures.permute_channels, mask=False)
invert = functional(F.invert, mask=False)
posterize = functional(pictures.posterize, mask=False)
solarize = functional(F.solarize, mask=False)
autocontrast = functional(F.autocontrast, mask=False)
equalize = functional(pictures.equalize, mask=False)
gaussian_blur = functional(F.gaussian_blur, mask=False)
gaussian_noise = functional(pictures.gaussian_noise, mask=False, pillow=False)
normalize = functional(F.normalize, mask=False, pillow=False)
erase = functional(pictures.erase, mask=False)
jpeg = functional(pictures.jpeg, mask=False)
to_dtype = functional(pictures.to_dtype, mask=False, pillow=False)
uniform_temporal_subsample = functional(pictures.uniform_temporal_subsample, mask=False,
                                        pillow=False)
to_grayscale, to_tensor, pil_to_tensor = F.to_grayscale, F.to_tensor, F.pil_to_tensor
to_pil_image = functional(F.to_pil_image, mask=False, plain=False)
to_pil_image.kernels[object] = F.to_pil_image


def _dtype_only(inpt: Any, dtype: Any = None, scale: bool = False) -> Any:
    return inpt.to(dtype)


for _kind in (Mask, BoundingBoxes, KeyPoints):
    to_dtype.kernels[_kind] = _dtype_only


def convert_image_dtype(image: Any, dtype: Any) -> Any:
    """In another dtype, the range of values with it."""
    return to_dtype(image, dtype, scale=True)


def get_num_channels(inpt: Any) -> int:
    """The number of channels of a picture or film."""
    return get_dimensions(inpt)[0]


get_image_num_channels = get_num_channels


def get_image_size(inpt: Any) -> list[int]:
    """[width, height]."""
    return get_size(inpt)[::-1]


def get_num_frames(inpt: Any) -> int:
    """The number of pictures of a film."""
    return inpt.shape[-4]


def convert_bounding_box_format(inpt: Tensor, old_format: Any = None, new_format: Any = None,
                                inplace: bool = False) -> Tensor:
    """The boxes in another format. `old_format` exactly for plain tensors (ValueError)."""
    if new_format is None:
        raise TypeError("convert_bounding_box_format() missing 1 required argument: 'new_format'")
    new = boxes.as_format(new_format)
    if isinstance(inpt, BoundingBoxes):
        if old_format is not None:
            raise ValueError("For bounding box tv_tensor inputs, `old_format` must not be passed.")
        plain = inpt.as_subclass(Tensor)
        found = boxes.convert(plain, boxes.as_format(inpt.format), new)
    elif old_format is None:
        raise ValueError("For pure tensor inputs, `old_format` has to be passed.")
    else:
        plain = inpt
        found = boxes.convert(plain, boxes.as_format(old_format), new)
    found = plain.copy_(found) if inplace else found
    return wrap(found, like=inpt, format=new) if isinstance(inpt, BoundingBoxes) else found


def clamp_bounding_boxes(inpt: Tensor, format: Any = None, canvas_size: Any = None,
                         clamping_mode: str | None = "auto") -> Tensor:
    """The part of the boxes on the picture. `format`, `canvas_size` exactly for plain tensors."""
    if isinstance(inpt, BoundingBoxes):
        if format is not None or canvas_size is not None:
            raise ValueError("For bounding box tv_tensor inputs, `format` and `canvas_size` must "
                             "not be passed.")
        mode = inpt.clamping_mode if clamping_mode == "auto" else clamping_mode
        return wrap(boxes.clamp(inpt.as_subclass(Tensor), boxes.as_format(inpt.format),
                                inpt.canvas_size, mode), like=inpt)
    if format is None or canvas_size is None or clamping_mode == "auto":
        raise ValueError("For pure tensor inputs, `format`, `canvas_size` and `clamping_mode` "
                         "have to be passed.")
    return boxes.clamp(inpt, boxes.as_format(format), canvas_size, clamping_mode)


def clamp_keypoints(inpt: Tensor, canvas_size: Any = None) -> Tensor:
    """The points moved onto the picture. `canvas_size` exactly for plain tensors."""
    if isinstance(inpt, KeyPoints) == (canvas_size is not None):
        raise ValueError("`canvas_size` has to be passed for pure tensors, and must not be for "
                         "keypoints.")
    height, width = canvas_size or inpt.canvas_size  # type: ignore[attr-defined]
    plain = inpt.as_subclass(Tensor).clone()
    plain[..., 0], plain[..., 1] = (plain[..., 0].clamp(0, width - 1),
                                    plain[..., 1].clamp(0, height - 1))
    return wrap(plain, like=inpt) if isinstance(inpt, KeyPoints) else plain


def sanitize_bounding_boxes(bounding_boxes: Tensor, format: Any = None, canvas_size: Any = None,
                            min_size: float = 1.0, min_area: float = 1.0
                            ) -> tuple[Tensor, Tensor]:
    """(the boxes wholly on the picture with sides and area of at least these, which they are)."""
    if isinstance(bounding_boxes, BoundingBoxes):
        if format is not None or canvas_size is not None:
            raise ValueError("format and canvas_size must be None when bounding_boxes is a "
                             "tv_tensors.BoundingBoxes instance.")
        plain, kind = bounding_boxes.as_subclass(Tensor), bounding_boxes.format
        kept = boxes.valid(plain, boxes.as_format(kind), bounding_boxes.canvas_size, min_size,
                           min_area)
        return wrap(plain[kept], like=bounding_boxes), kept
    if format is None or canvas_size is None:
        raise ValueError("format and canvas_size cannot be None if bounding_boxes is a pure "
                         "tensor.")
    kept = boxes.valid(bounding_boxes, boxes.as_format(format), canvas_size, min_size, min_area)
    return bounding_boxes[kept], kept
