"""Pictures for people: grids of them, files, and what is drawn on them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from rushlight.autograd import no_grad
from rushlight.base import dtypes
from rushlight.ops import cat, stack
from rushlight.serialization import atomic_file
from rushlight.tensor import Tensor
from rushlight.vision.drawing import (
    draw_bounding_boxes,
    draw_keypoints,
    draw_segmentation_masks,
    flow_to_image,
)
from rushlight.vision.image import pillow
from rushlight.vision.png import encode_png

__all__ = ["draw_bounding_boxes", "draw_keypoints", "draw_segmentation_masks", "flow_to_image",
           "make_grid", "save_image"]


@no_grad()
def make_grid(tensor: Tensor | list[Tensor], nrow: int = 8, padding: int = 2,
              normalize: bool = False, value_range: tuple[float, float] | None = None,
              scale_each: bool = False, pad_value: float = 0.0) -> Tensor:
    """One picture of many: rows of `nrow` with `padding` pixels of `pad_value` between.

    tensor: (count, channels, height, width), a list of pictures, or one, (height, width) with or
    without channels, which is returned as it is; grey becomes RGB. normalize: bring `value_range`
    (or the least and largest value, of each picture with `scale_each`) to 0..1. Raises TypeError.

    >>> import rushlight as rl
    >>> from rushlight.vision.utils import make_grid
    >>> make_grid(rl.zeros(5, 1, 10, 8), nrow=3).shape  # 2 rows of 3
    torch.Size([3, 26, 32])
    """
    if isinstance(tensor, list):
        for each in tensor:
            if not isinstance(each, Tensor):
                raise TypeError("tensor or list of tensors expected, got a list containing "
                                f"{type(each)}")
        tensor = stack(tensor)
    if not isinstance(tensor, Tensor):
        raise TypeError(f"tensor or list of tensors expected, got {type(tensor)}")
    tensor = tensor.unsqueeze(0) if tensor.ndim == 2 else tensor
    tensor = tensor.unsqueeze(0) if tensor.ndim == 3 else tensor
    if tensor.ndim == 4 and tensor.shape[1] == 1:
        tensor = cat([tensor] * 3, 1)
    if normalize:
        tensor = _normalized(tensor, value_range, scale_each)
    count, channels, high, wide = tensor.shape
    if count == 1:
        return tensor.squeeze(0)
    columns = min(nrow, count)
    high, wide = high + padding, wide + padding
    shape = (channels, high * -(-count // columns) + padding, wide * columns + padding)
    grid = tensor.new_full(shape, pad_value)
    for number in range(count):
        top = number // columns * high + padding
        left = number % columns * wide + padding
        grid[:, top:top + high - padding, left:left + wide - padding] = tensor[number]
    return grid


def _normalized(tensor: Tensor, value_range: Any, scale_each: bool) -> Tensor:
    if value_range is not None and not isinstance(value_range, tuple):
        raise TypeError("value_range has to be a tuple (min, max) if specified. min and max are "
                        "numbers")
    if scale_each:
        return stack([_normalized(picture, value_range, False) for picture in tensor])
    low, high = value_range or (tensor.min().item(), tensor.max().item())
    return tensor.clamp(low, high).sub(low).div(max(high - low, 1e-5))


@no_grad()
def save_image(tensor: Tensor | list[Tensor], fp: Any, format: str | None = None,
               **options: Any) -> None:
    """Write a picture, or the grid of many, floats in 0..1, to a file; see `make_grid`.

    fp: a path, whose suffix tells the format, or a file. PNG needs nothing, other formats Pillow.
    A path's file appears whole or not at all.
    """
    grid = make_grid(tensor, **options)
    pixels = grid.mul(255).add_(0.5).clamp_(0, 255).permute(1, 2, 0).to(dtypes.uint8).numpy()
    is_path = isinstance(fp, str | os.PathLike)
    kind = format or (Path(fp).suffix[1:] if is_path else "")
    if is_path:
        with atomic_file(fp) as file:
            _write(pixels, file, kind)
    else:
        _write(pixels, fp, kind)


def _write(pixels: np.ndarray, file: Any, kind: str) -> None:
    if kind.lower() == "png":
        file.write(encode_png(np.ascontiguousarray(pixels)))
        return
    image = pillow()
    known = image.registered_extensions().get(f".{kind.lower()}", kind.upper())
    if known not in image.SAVE:
        raise ValueError(f"unknown file extension: {kind!r}. Give `format`, such as 'png'.")
    image.fromarray(np.ascontiguousarray(pixels)).save(file, format=known)
