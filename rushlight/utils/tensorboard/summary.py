"""Values of a summary, as the messages that TensorBoard reads."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np

from rushlight.tensor import Tensor
from rushlight.utils.tensorboard.protobuf import content, integer, real, reals, single

DT_FLOAT, DT_STRING = 1, 7


def array(value: Any) -> np.ndarray:
    """A tensor, array, list or number as an array."""
    if isinstance(value, Tensor):
        value = value.detach().cpu()
        return value.float().numpy() if value.dtype.itemsize == 2 else value.numpy()
    return np.asarray(value)


def scalar(tag: str, value: Any) -> bytes:
    """A number. Raises ValueError where `value` holds more than one."""
    number = array(value)
    if number.size != 1:
        raise ValueError(f"add_scalar: {tag!r} takes one number, not {number.size}")
    return content(1, tag) + single(2, float(number.reshape(())))


def histogram(tag: str, values: Any, bins: Any = "tensorflow",
              max_bins: int | None = None) -> bytes:
    """How the elements of `values` are distributed."""
    numbers = array(values).astype(np.float64).reshape(-1)
    if not numbers.size:
        raise ValueError("The input has no element.")
    edges = _edges() if isinstance(bins, str) and bins == "tensorflow" else bins
    counts, limits = np.histogram(numbers, bins=edges)
    if max_bins is not None and len(counts) > max_bins:
        step = -(-len(counts) // max_bins)
        counts = np.add.reduceat(counts, np.arange(0, len(counts), step))
        limits = limits[[*range(0, len(limits) - 1, step), len(limits) - 1]]
    return content(1, tag) + content(5, _histogram(numbers, counts, limits))


def _edges() -> np.ndarray:
    """Buckets that grow by a tenth, on both sides of 0."""
    positive = 1e-12 * 1.1 ** np.arange(774)
    return np.concatenate([-positive[::-1], [0.0], positive])


def _histogram(numbers: np.ndarray, counts: np.ndarray, limits: np.ndarray) -> bytes:
    filled = np.nonzero(counts)[0]
    # An empty bucket at each end, so that the outer ones have a width.
    first, last = (max(filled[0] - 1, 0), filled[-1] + 1) if filled.size else (0, 1)
    return (real(1, numbers.min()) + real(2, numbers.max()) + real(3, numbers.size)
            + real(4, numbers.sum()) + real(5, numbers @ numbers)
            + reals(6, limits[first + 1:last + 1]) + reals(7, counts[first:last]))


def raw_histogram(tag: str, low: float, high: float, count: int, total: float, squares: float,
                  limits: Any, counts: Any) -> bytes:
    """A distribution that was counted elsewhere."""
    return content(1, tag) + content(5, real(1, low) + real(2, high) + real(3, count)
                                     + real(4, total) + real(5, squares)
                                     + reals(6, array(limits)) + reals(7, array(counts)))


def image(tag: str, pixels: np.ndarray) -> bytes:
    """An image, (height, width, channels) of bytes."""
    height, width, channels = pixels.shape
    return content(1, tag) + content(4, integer(1, height) + integer(2, width)
                                     + integer(3, channels) + content(4, png(pixels)))


def text(tag: str, words: str) -> bytes:
    """A text in Markdown."""
    shape = content(2, content(2, integer(1, 1)))
    tensor = integer(1, DT_STRING) + shape + content(8, words)
    plugin = content(1, content(1, "text"))
    return content(1, f"{tag}/text_summary") + content(9, plugin) + content(8, tensor)


def precision_recall(tag: str, labels: Any, scores: Any, thresholds: int = 127,
                     weights: Any = None) -> bytes:
    """How many are found, rightly and wrongly, with `scores` (0..1) above each threshold.

    labels: which are meant to be found. Raises ValueError where there are not as many scores.
    """
    meant, given = array(labels).reshape(-1).astype(bool), array(scores).reshape(-1)
    if meant.shape != given.shape:
        raise ValueError(f"add_pr_curve: {meant.size} labels and {given.size} predictions")
    each = np.ones(meant.size) if weights is None else array(weights).reshape(-1)
    count = min(thresholds, 127)
    places = np.floor(given.astype(np.float64) * (count - 1)).astype(np.int64)

    def above(chosen: np.ndarray) -> np.ndarray:
        found = np.bincount(places[chosen], each[chosen], minlength=count)
        return np.cumsum(found[::-1])[::-1]

    right, wrong = above(meant), above(~meant)
    missed, refused = right[0] - right, wrong[0] - wrong
    precision = right / np.maximum(right + wrong, 1e-7)
    recall = right / np.maximum(right + missed, 1e-7)
    rows = np.stack([right, wrong, refused, missed, precision, recall]).astype("<f4")
    shape = content(2, content(2, integer(1, 6)) + content(2, integer(1, count)))
    tensor = integer(1, DT_FLOAT) + shape + content(5, rows.tobytes())
    plugin = content(1, content(1, "pr_curves") + content(2, integer(1, 0) + integer(2, count)))
    return content(1, tag) + content(9, plugin) + content(8, tensor)


def as_pixels(value: Any, dataformats: str) -> np.ndarray:
    """An image, or a batch as a grid, as (height, width, channels) of bytes.

    dataformats: the dimensions of `value`, such as CHW, HWC, HW, NCHW. Floats are 0..1.
    """
    pixels = array(value)
    if pixels.ndim != len(dataformats):
        raise ValueError(f"an image of shape {pixels.shape} does not go with dataformats "
                         f"{dataformats!r}")
    if pixels.dtype != np.uint8:
        pixels = (np.nan_to_num(pixels.astype(np.float32)) * 255).clip(0, 255).astype(np.uint8)
    form = dataformats.upper()
    order = [form.index(letter) for letter in "NHWC" if letter in form]
    pixels = pixels.transpose(order)
    if "C" not in form:
        pixels = pixels[..., None]
    if "N" in form:
        pixels = _grid(pixels)
    return np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels


def _grid(images: np.ndarray) -> np.ndarray:
    count, height, width, channels = images.shape
    columns = min(count, 8)
    rows = -(-count // columns)
    canvas = np.zeros((rows * height, columns * width, channels), np.uint8)
    for i, one in enumerate(images):
        top, left = i // columns * height, i % columns * width
        canvas[top:top + height, left:left + width] = one
    return canvas


def png(pixels: np.ndarray) -> bytes:
    """(height, width, 1, 3 or 4) of bytes as a PNG file."""
    height, width, channels = pixels.shape
    colours = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    rows = np.zeros((height, 1 + width * channels), np.uint8)  # filter type 0 before each row
    rows[:, 1:] = pixels.reshape(height, -1)

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", width, height, 8, colours, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
            + chunk(b"IDAT", zlib.compress(rows.tobytes())) + chunk(b"IEND", b""))
