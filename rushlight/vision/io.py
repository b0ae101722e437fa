"""Picture files to tensors of bytes and back, through Pillow; PNG is written without it."""

from __future__ import annotations

import io
import os
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np

from rushlight.base import dtypes
from rushlight.ops import from_numpy
from rushlight.serialization import atomic_file
from rushlight.tensor import Tensor
from rushlight.vision import png
from rushlight.vision.image import pillow

__all__ = ["ImageReadMode", "decode_gif", "decode_image", "decode_jpeg", "decode_png",
           "decode_webp", "encode_jpeg", "encode_png", "read_file", "read_image",
           "write_file", "write_jpeg", "write_png"]


class ImageReadMode(Enum):
    """The channels that a picture is read with."""

    UNCHANGED = 0
    GRAY = 1
    GRAY_ALPHA = 2
    RGB = 3
    RGB_ALPHA = 4


_PILLOW_MODES = {ImageReadMode.GRAY: "L", ImageReadMode.GRAY_ALPHA: "LA", ImageReadMode.RGB: "RGB",
                 ImageReadMode.RGB_ALPHA: "RGBA"}


def read_file(path: str | os.PathLike[str]) -> Tensor:
    """The bytes of a file, uint8 of (size,). Raises OSError."""
    return from_numpy(np.frombuffer(bytearray(Path(path).read_bytes()), np.uint8))


def write_file(filename: str | os.PathLike[str], data: Tensor) -> None:
    """Write bytes, uint8 of (size,), to a file, which appears whole or not at all."""
    if data.dtype is not dtypes.uint8 or data.ndim != 1:
        raise RuntimeError("Expected a one-dimensional tensor of uint8, got "
                           f"{data.ndim} dimensions of {data.dtype}")
    with atomic_file(filename) as file:
        file.write(data.numpy().tobytes())


def decode_image(input: Any, mode: Any = ImageReadMode.UNCHANGED,
                 apply_exif_orientation: bool = False) -> Tensor:
    """The picture in a file, or in its bytes (uint8 of (size,)), as uint8 tensor.

    It is (channels, height, width). mode: the channels, an `ImageReadMode` or its name; palettes
    become RGB. Needs Pillow. Raises RuntimeError for what is no picture.

    >>> import rushlight as rl
    >>> from rushlight.vision import io
    >>> io.encode_png(rl.zeros(3, 2, 5, dtype=rl.uint8))[1:4].tolist()  # "PNG"
    [80, 78, 71]
    """
    source: Any = io.BytesIO(input.numpy().tobytes()) if isinstance(input, Tensor) else input
    wanted = ImageReadMode[mode.upper()] if isinstance(mode, str) else mode
    image = pillow()
    try:
        with image.open(source) as picture:
            found = pillow("ImageOps").exif_transpose(picture) if apply_exif_orientation else (
                picture)
            if wanted is not ImageReadMode.UNCHANGED:
                found = found.convert(_PILLOW_MODES[wanted])
            elif found.mode not in ("L", "LA", "RGB", "RGBA"):
                found = found.convert("L" if found.mode == "1" else "RGB")
            array = np.array(found)
    except (image.UnidentifiedImageError, SyntaxError, EOFError) as error:
        raise RuntimeError("Unsupported image file. Only jpeg, png, webp, gif and what else "
                           f"Pillow reads are supported: {error}") from error
    array = array[:, :, None] if array.ndim == 2 else array
    return from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1)))


def read_image(path: str | os.PathLike[str], mode: Any = ImageReadMode.UNCHANGED,
               apply_exif_orientation: bool = False) -> Tensor:
    """The picture in a file; see `decode_image`."""
    return decode_image(read_file(path), mode, apply_exif_orientation)


def decode_jpeg(input: Tensor, mode: Any = ImageReadMode.UNCHANGED, device: Any = "cpu",
                apply_exif_orientation: bool = False) -> Tensor:
    """The picture in the bytes of a file; see `decode_image`."""
    return decode_image(input, mode, apply_exif_orientation)


def decode_png(input: Tensor, mode: Any = ImageReadMode.UNCHANGED,
               apply_exif_orientation: bool = False) -> Tensor:
    """The picture in the bytes of a file; see `decode_image`."""
    return decode_image(input, mode, apply_exif_orientation)


def decode_webp(input: Tensor, mode: Any = ImageReadMode.UNCHANGED) -> Tensor:
    """The picture in the bytes of a file; see `decode_image`."""
    return decode_image(input, mode)


def decode_gif(input: Tensor) -> Tensor:
    """The first picture in the bytes of a file, in RGB; see `decode_image`."""
    return decode_image(input, ImageReadMode.RGB)


def _pixels(input: Tensor, channels: tuple[int, ...]) -> np.ndarray:
    """(height, width, channels). Raises RuntimeError for other than bytes of these channels."""
    if input.dtype is not dtypes.uint8:
        raise RuntimeError(f"Input tensor dtype should be uint8, got {input.dtype}")
    if input.ndim != 3 or input.shape[0] not in channels:
        raise RuntimeError(f"Input data should be 3-dimensional, with {channels} channels, got "
                           f"shape {tuple(input.shape)}")
    return np.ascontiguousarray(input.numpy().transpose(1, 2, 0))


def encode_png(input: Tensor, compression_level: int = 6) -> Tensor:
    """The bytes of a PNG file of a uint8 picture (1 or 3 channels, height, width)."""
    if not 0 <= compression_level <= 9:
        raise RuntimeError("Compression level should be between 0 and 9, not "
                           f"{compression_level}")
    content = png.encode_png(_pixels(input, (1, 3)), compression_level)
    return from_numpy(np.frombuffer(bytearray(content), np.uint8))


def write_png(input: Tensor, filename: str | os.PathLike[str], compression_level: int = 6) -> None:
    """Write a uint8 picture (1 or 3 channels, height, width) to a PNG file."""
    write_file(filename, encode_png(input, compression_level))


def encode_jpeg(input: Tensor, quality: int = 75) -> Tensor:
    """The bytes of a JPEG file of a uint8 picture (channels, height, width): Pillow is needed."""
    if not 1 <= quality <= 100:
        raise ValueError(f"Image quality should be a positive number between 1 and 100, not "
                         f"{quality}")
    pixels = _pixels(input, (1, 3))
    target = io.BytesIO()
    pillow().fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(
        target, "JPEG", quality=quality)
    return from_numpy(np.frombuffer(bytearray(target.getvalue()), np.uint8))


def write_jpeg(input: Tensor, filename: str | os.PathLike[str], quality: int = 75) -> None:
    """Write a uint8 picture (1 or 3 channels, height, width) to a JPEG file. Needs Pillow."""
    write_file(filename, encode_jpeg(input, quality))
