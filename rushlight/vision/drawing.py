"""Boxes, masks, points and motion drawn as pictures (torchvision's `utils`)."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from rushlight.autograd import no_grad
from rushlight.base import dtypes
from rushlight.ops import atan2, cat, floor, from_numpy, tensor, zeros_like
from rushlight.tensor import Tensor
from rushlight.vision.image import pillow
from rushlight.vision.transforms.functional import (
    convert_image_dtype,
    pil_to_tensor,
    to_pil_image,
)


def _palette(count: int) -> list[tuple[int, ...]]:
    """Colours far from each other, the first of them black."""
    return [tuple((number * step) % 255 for step in (2**25 - 1, 2**15 - 1, 2**21 - 1))
            for number in range(count)]


def parse_colors(colors: Any, count: int) -> list[tuple[int, ...]]:
    """`count` colours (red, green, blue) 0..255 of names, triplets, one or a list. ValueError."""
    if colors is None:
        return _palette(count)
    if isinstance(colors, list):
        if len(colors) < count:
            raise ValueError("Number of colors must be equal or larger than the number of "
                             f"objects, but got {len(colors)} < {count}.")
    elif not isinstance(colors, tuple | str):
        raise ValueError("colors must be a tuple or a string, or a list thereof, but got "
                         f"{colors}.")
    elif isinstance(colors, tuple) and len(colors) != 3:
        raise ValueError(f"If passed as tuple, colors should be an RGB triplet, but got {colors}.")
    else:
        colors = [colors] * count
    return [pillow("ImageColor").getrgb(color) if isinstance(color, str) else tuple(color)
            for color in colors]


def _check(image: Any, channels: tuple[int, ...]) -> None:
    if not isinstance(image, Tensor):
        raise TypeError(f"The image must be a tensor, got {type(image)}")
    if not (image.dtype is dtypes.uint8 or image.is_floating_point()):
        raise ValueError(f"The image dtype must be uint8 or float, got {image.dtype}")
    if image.ndim != 3:
        raise ValueError("Pass individual images, not batches")
    if image.shape[0] not in channels:
        raise ValueError("Only grayscale and RGB images are supported" if 1 in channels else
                         "Pass an RGB image. Other Image formats are not supported")


@no_grad()
def draw_bounding_boxes(image: Tensor, boxes: Tensor, labels: list[str] | None = None,
                        colors: Any = None, fill: bool | None = False, width: int = 1,
                        font: str | None = None, font_size: int | None = None,
                        label_colors: Any = None, label_background_colors: Any = None,
                        fill_labels: bool = False) -> Tensor:
    """The picture with boxes (count, 4) of xmin, ymin, xmax, ymax drawn on it. Needs Pillow.

    image: (1 or 3, height, width), bytes or floats in 0..1. labels: texts, one a box. colors: one,
    or one a box, names or triplets. fill: shade the inside. font: a TrueType file. Raises TypeError
    and ValueError for other inputs.
    """
    _check(image, (1, 3))
    if boxes.shape[-1] == 4 and bool((boxes[:, :2] > boxes[:, 2:]).any()):
        raise ValueError("Boxes need to be in (xmin, ymin, xmax, ymax) format. Use "
                         "torchvision.ops.box_convert to convert them")
    count = boxes.shape[0]
    if count == 0:
        warnings.warn("boxes doesn't contain any box. No box was drawn", stacklevel=2)
        return image
    if labels is not None and len(labels) != count:
        raise ValueError(f"Number of boxes ({count}) and labels ({len(labels)}) mismatch. Please "
                         "specify labels for each box.")
    lines = parse_colors(colors, count)
    texts = parse_colors(label_colors or "black", count) if label_colors or fill_labels else lines
    behind = parse_colors(label_background_colors, count) if (
        fill_labels and label_background_colors) else lines
    fonts = pillow("ImageFont")
    face = fonts.load_default() if font is None else fonts.truetype(font, font_size or 10)
    canvas = to_pil_image(_bytes(image))
    draw = pillow("ImageDraw").Draw(canvas, "RGBA" if fill else None)
    for number, box in enumerate(boxes.to(dtypes.int64).tolist()):
        draw.rectangle(box, fill=(*lines[number], 100) if fill else None, outline=lines[number],
                       width=width)
        if labels is not None and labels[number] is not None:
            place = (box[0] + width + 1, box[1] + width + 1)
            if fill_labels:
                left, top, right, bottom = draw.textbbox(place, labels[number], font=face)
                draw.rectangle((left - 1, top - 1, right + 1, bottom + 1), fill=behind[number])
            draw.text(place, labels[number], fill=texts[number], font=face)
    return convert_image_dtype(pil_to_tensor(canvas), image.dtype)


def _bytes(image: Tensor) -> Tensor:
    """Three channels of bytes."""
    wide = cat([image] * 3) if image.shape[0] == 1 else image
    return convert_image_dtype(wide, dtypes.uint8)


@no_grad()
def draw_segmentation_masks(image: Tensor, masks: Tensor, alpha: float = 0.8, colors: Any = None
                            ) -> Tensor:
    """The picture (3, height, width) with masks, bool of (count, height, width), laid over it.

    alpha: 0 shows the picture, 1 the colours; where masks overlap, it is black.
    """
    _check(image, (3,))
    masks = masks[None] if masks.ndim == 2 else masks
    if masks.ndim != 3:
        raise ValueError("masks must be of shape (H, W) or (batch_size, H, W)")
    if masks.dtype is not dtypes.bool_:
        raise ValueError(f"The masks must be of dtype bool. Got {masks.dtype}")
    if masks.shape[-2:] != image.shape[-2:]:
        raise ValueError("The image and the masks must have the same height and width")
    if masks.shape[0] == 0:
        warnings.warn("masks doesn't contain any mask. No mask was drawn", stacklevel=2)
        return image
    white = 255 if image.is_floating_point() else 1
    painted = image.detach().clone()
    for mask, color in zip(masks, parse_colors(colors, masks.shape[0]), strict=False):
        values = tensor([value / white for value in color]).to(image.dtype)
        painted = mask.logical_not() * painted + mask * values[:, None, None]
    painted = (masks.sum(0) <= 1) * painted
    return (image * (1 - alpha) + painted * alpha).to(image.dtype)


@no_grad()
def draw_keypoints(image: Tensor, keypoints: Tensor,
                   connectivity: list[tuple[int, int]] | None = None, colors: Any = None,
                   radius: int = 2, width: int = 3, visibility: Tensor | None = None) -> Tensor:
    """The picture (3, height, width) with points (instances, points, 2) of x, y. Needs Pillow.

    connectivity: pairs of points that lines connect. visibility: bool (instances, points).
    """
    _check(image, (3,))
    if keypoints.ndim != 3:
        raise ValueError("keypoints must be of shape (num_instances, K, 2)")
    seen = None if visibility is None else visibility.squeeze(-1) if (
        visibility.ndim == 3) else visibility
    if seen is not None and seen.shape != keypoints.shape[:-1]:
        raise ValueError("keypoints and visibility must have the same dimensionality for "
                         f"num_instances and K. Got {tuple(seen.shape)} and "
                         f"{tuple(keypoints.shape)}")
    canvas = to_pil_image(_bytes(image))
    draw = pillow("ImageDraw").Draw(canvas)
    for number, points in enumerate(keypoints.to(dtypes.int64).tolist()):
        shown = [True] * len(points) if seen is None else seen[number].to(dtypes.bool_).tolist()
        for (x, y), visible in zip(points, shown, strict=True):
            if visible:
                draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=colors,
                             outline=None, width=0)
        for start, end in connectivity or ():
            if shown[start] and shown[end]:
                draw.line((tuple(points[start]), tuple(points[end])), width=width)
    return convert_image_dtype(pil_to_tensor(canvas), image.dtype)


@no_grad()
def flow_to_image(flow: Tensor) -> Tensor:
    """Motion (2, height, width) or (count, 2, height, width), float32, as colours: uint8 pictures.

    The direction gives the hue, the length, relative to the longest, the saturation (Baker et al.,
    "A Database and Evaluation Methodology for Optical Flow", 2011).
    """
    if flow.dtype is not dtypes.float32:
        raise ValueError(f"Flow should be of dtype torch.float, got {flow.dtype}.")
    batch = flow[None] if flow.ndim == 3 else flow
    if batch.ndim != 4 or batch.shape[1] != 2:
        raise ValueError("Input flow should have shape (2, H, W) or (N, 2, H, W), got "
                         f"{flow.shape}.")
    scaled = batch / (batch.pow(2).sum(1).sqrt().max() + float(np.finfo(np.float32).eps))
    wheel = _wheel()
    length = scaled.pow(2).sum(1).sqrt()
    turn = (atan2(-scaled[:, 1], -scaled[:, 0]) / math.pi + 1) / 2 * (len(wheel) - 1)
    low = floor(turn).to(dtypes.int64)
    high = (low + 1) % len(wheel)
    out = zeros_like(cat([batch, batch[:, :1]], 1), dtype=dtypes.uint8)
    for channel in range(3):
        shades = wheel[:, channel] / 255.0
        part = turn - low
        color = (1 - part) * shades[low] + part * shades[high]
        out[:, channel] = floor(255 * (1 - length * (1 - color))).to(dtypes.uint8)
    return out[0] if flow.ndim == 3 else out


def _wheel() -> Tensor:
    """(55, 3): hues from red by yellow, green, cyan, blue and magenta back, in uneven steps."""
    rows: list[list[float]] = []
    for steps, rising, full, falls in ((15, 1, 0, False), (6, 0, 1, True), (4, 2, 1, False),
                                       (11, 1, 2, True), (13, 0, 2, False), (6, 2, 0, True)):
        for step in range(steps):
            row = [0.0, 0.0, 0.0]
            shade = float(math.floor(255 * step / steps))
            row[rising], row[full] = (255.0 - shade if falls else shade), 255.0
            rows.append(row)
    return from_numpy(np.array(rows, np.float32))
