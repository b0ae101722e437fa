"""Resize, pad, crop and flip: what moves pixels along the axes."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from rushlight.nn.functional import interpolate
from rushlight.ops import from_numpy
from rushlight.tensor import Tensor
from rushlight.vision.image import pillow
from rushlight.vision.transforms.functional_dimensions import (
    InterpolationMode,
    as_batch,
    get_dimensions,
    get_image_num_channels,
    interpolation_mode,
    pillow_code,
    require_pillow,
    require_tensor,
    two,
)

PADDING_MODES = ("constant", "edge", "reflect", "symmetric")


def resized_size(height: int, width: int, size: Any, max_size: int | None = None) -> list[int]:
    """[height, width] that `resize` makes of a picture. Raises ValueError for a bad size.

    size: (height, width), or the shorter side; None for a longer side of `max_size`.
    """
    sizes = None if size is None else [size] if isinstance(size, int) else list(size)
    if sizes is not None and len(sizes) not in (1, 2):
        raise ValueError("Size must be an int or a 1 or 2 element tuple/list, not a "
                         f"{len(sizes)} element tuple/list")
    if sizes is not None and len(sizes) == 2:
        if max_size is not None:
            raise ValueError("max_size should only be passed if size specifies the length of the "
                             "smaller edge, i.e. size should be an int or a sequence of length 1")
        return [sizes[0], sizes[1]]
    short, long = min(height, width), max(height, width)
    if sizes is None:
        if not isinstance(max_size, int):
            raise ValueError(f"max_size must be an integer when size is None, but got {max_size} "
                             "instead.")
        shorter, longer = int(max_size * short / long), max_size
    else:
        shorter, longer = sizes[0], int(sizes[0] * long / short)
        if max_size is not None:
            if max_size <= shorter:
                raise ValueError(f"max_size = {max_size} must be strictly greater than the "
                                 f"requested size for the smaller edge size = {size}")
            if longer > max_size:
                shorter, longer = int(max_size * shorter / longer), max_size
    return [longer, shorter] if width <= height else [shorter, longer]


def resize(img: Any, size: Any, interpolation: InterpolationMode = InterpolationMode.BILINEAR,
           max_size: int | None = None, antialias: bool | None = True) -> Any:
    """The picture with its shorter side of `size`, or of (height, width).

    max_size: the longer side is no longer than this. antialias: average over the pixels that fall
    together (bilinear and bicubic; Pillow always does).
    """
    mode = interpolation_mode(interpolation)
    _, height, width = get_dimensions(img)
    new = resized_size(height, width, size, max_size)
    if [height, width] == new:
        return img
    if not isinstance(img, Tensor):
        if antialias is False:
            warnings.warn("Anti-alias option is always applied for PIL Image input. Argument "
                          "antialias is ignored.", stacklevel=2)
        return require_pillow(img).resize(tuple(new[::-1]), pillow_code(mode))
    batch, back = as_batch(img)
    linear = mode.value in ("bilinear", "bicubic")
    out = interpolate(batch, new, mode=mode.value, antialias=bool(antialias) and linear,
                      align_corners=False if linear else None)
    if mode is InterpolationMode.BICUBIC and not img.is_floating_point():
        limits = np.iinfo(img.dtype.array)
        out = out.clamp(limits.min, limits.max)
    return back(out)


def sides(padding: Any) -> list[int]:
    """[left, top, right, bottom] of one, two or four numbers. Raises TypeError and ValueError."""
    if isinstance(padding, int):
        return [padding] * 4
    if not isinstance(padding, tuple | list):
        raise TypeError("Got inappropriate padding arg")
    if len(padding) not in (1, 2, 4):
        raise ValueError("Padding must be an int or a 1, 2, or 4 element tuple, not a "
                         f"{len(padding)} element tuple")
    return list(padding) * (4 // len(padding))


def pad(img: Any, padding: Any, fill: Any = 0, padding_mode: str = "constant") -> Any:
    """The picture with a border of `padding` pixels; negative ones crop.

    padding: one number, (left and right, top and bottom), or (left, top, right, bottom).
    padding_mode: "constant" (`fill`), "edge", "reflect" (edge not repeated), "symmetric".
    """
    if fill is not None and not isinstance(fill, int | float | tuple | list):
        raise TypeError("Got inappropriate fill arg")
    if not isinstance(padding_mode, str):
        raise TypeError("Got inappropriate padding_mode arg")
    border = sides(padding)
    if padding_mode not in PADDING_MODES:
        raise ValueError("Padding mode should be either constant, edge, reflect or symmetric")
    if isinstance(img, Tensor):
        return _pad_tensor(require_tensor(img), border, fill, padding_mode)
    require_pillow(img)
    if padding_mode == "constant":
        new = (img.width + border[0] + border[2], img.height + border[1] + border[3])
        out = pillow().new(img.mode, new, pillow_fill(fill, img))
        if img.mode == "P":
            out.putpalette(img.getpalette())
        out.paste(img, (border[0], border[1]))
        return out
    array = np.asarray(img)
    rows = _places(array.shape[0], border[1], border[3], padding_mode)
    columns = _places(array.shape[1], border[0], border[2], padding_mode)
    out = pillow().fromarray(np.ascontiguousarray(array[rows][:, columns]))
    if img.mode == "P":
        out.putpalette(img.getpalette())
    return out


def pillow_fill(fill: Any, img: Any) -> Any:
    """`fill` as Pillow takes it: one value a channel. Raises ValueError for another number."""
    channels = get_image_num_channels(img)
    values = [0 if fill is None else fill] if not isinstance(fill, tuple | list) else list(fill)
    values = values * channels if len(values) == 1 else values
    if len(values) != channels:
        raise ValueError("The number of elements in 'fill' does not match the number of channels "
                         f"of the image ({len(values)} != {channels})")
    values = values if img.mode == "F" else [int(value) for value in values]
    return tuple(values) if channels > 1 else values[0]


def _places(length: int, before: int, after: int, mode: str) -> np.ndarray:
    """Which row (or column) of a picture lies at each place of the padded one."""
    inner = np.arange(length)[max(-before, 0):length - max(-after, 0)]
    return np.pad(inner, (max(before, 0), max(after, 0)), mode)  # type: ignore[call-overload]


def _pad_tensor(img: Tensor, border: list[int], fill: Any, mode: str) -> Tensor:
    left, top, right, bottom = border
    if mode != "constant":
        height, width = img.shape[-2:]
        if mode == "reflect" and (max(top, bottom) >= height or max(left, right) >= width):
            raise RuntimeError("Padding size should be less than the corresponding input dimension"
                               f", but got: padding {border} of a picture of {height} rows and "
                               f"{width} columns")
        rows, columns = _places(height, top, bottom, mode), _places(width, left, right, mode)
        return img.index_select(-2, from_numpy(rows)).index_select(-1, from_numpy(columns))
    inner = img[..., max(-top, 0):img.shape[-2] - max(-bottom, 0),
                max(-left, 0):img.shape[-1] - max(-right, 0)]
    left, top, right, bottom = (max(side, 0) for side in border)
    height, width = inner.shape[-2:]
    values = list(fill) if isinstance(fill, tuple | list) else [0 if fill is None else fill]
    out = img.new_empty((*img.shape[:-2], height + top + bottom, width + left + right))
    if len(values) == 1:
        out.fill_(values[0])
    else:
        out[...] = img.new_tensor(values).reshape(-1, 1, 1)
    out[..., top:top + height, left:left + width] = inner
    return out


def crop(img: Any, top: int, left: int, height: int, width: int) -> Any:
    """`height` rows from `top`, `width` columns from `left`; zeros beyond the picture.

    A tensor that holds all of it is a view.
    """
    if not isinstance(img, Tensor):
        return require_pillow(img).crop((left, top, left + width, top + height))
    _, rows, columns = get_dimensions(img)
    right, bottom = left + width, top + height
    if left >= 0 and top >= 0 and right <= columns and bottom <= rows:
        return img[..., top:bottom, left:right]
    inner = img[..., max(top, 0):max(bottom, 0), max(left, 0):max(right, 0)]
    before = [max(-left + min(0, right), 0), max(-top + min(0, bottom), 0)]
    after = [max(right - max(columns, left), 0), max(bottom - max(rows, top), 0)]
    return pad(inner, before + after)


def center_crop(img: Any, output_size: Any) -> Any:
    """The middle of the picture, (height, width); zeros around one that is too small."""
    rows, columns = two(output_size, "Please provide only two dimensions (h, w) for size.")
    _, height, width = get_dimensions(img)
    if columns > width or rows > height:
        wide, high = max(columns - width, 0), max(rows - height, 0)
        img = pad(img, [wide // 2, high // 2, (wide + 1) // 2, (high + 1) // 2])
        _, height, width = get_dimensions(img)
        if (rows, columns) == (height, width):
            return img
    return crop(img, round((height - rows) / 2), round((width - columns) / 2), rows, columns)


def resized_crop(img: Any, top: int, left: int, height: int, width: int, size: Any,
                 interpolation: InterpolationMode = InterpolationMode.BILINEAR,
                 antialias: bool | None = True) -> Any:
    """`resize(crop(img, top, left, height, width), size)`."""
    return resize(crop(img, top, left, height, width), size, interpolation, antialias=antialias)


def hflip(img: Any) -> Any:
    """Left and right exchanged."""
    return require_tensor(img).flip(-1) if isinstance(img, Tensor) else require_pillow(
        img).transpose(0)


def vflip(img: Any) -> Any:
    """Top and bottom exchanged."""
    return require_tensor(img).flip(-2) if isinstance(img, Tensor) else require_pillow(
        img).transpose(1)


def five_crop(img: Any, size: Any) -> tuple[Any, ...]:
    """The four corners (top left, top right, bottom left, bottom right) and the centre."""
    rows, columns = two(size, "Please provide only two dimensions (h, w) for size.")
    _, height, width = get_dimensions(img)
    if columns > width or rows > height:
        raise ValueError(f"Requested crop size {(rows, columns)} is bigger than input size "
                         f"{(height, width)}")
    corners = [crop(img, top, left, rows, columns)
               for top in (0, height - rows) for left in (0, width - columns)]
    return (*corners, center_crop(img, [rows, columns]))


def ten_crop(img: Any, size: Any, vertical_flip: bool = False) -> Sequence[Any]:
    """`five_crop` of the picture, and of the picture flipped."""
    flipped = vflip(img) if vertical_flip else hflip(img)
    return five_crop(img, size) + five_crop(flipped, size)
