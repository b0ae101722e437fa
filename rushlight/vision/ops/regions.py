"""Features of regions of an image, at a fixed size: RoIAlign, RoIPool and their relatives.

Bilinear interpolation, and the mean over sampling points, are products of one factor for the row
and one for the column: a region's features are `rows @ image @ columns.T` with two small matrices.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from rushlight.base.errors import operands
from rushlight.nn import Module
from rushlight.ops import cat, from_numpy, stack
from rushlight.tensor import Tensor

Boxes = Any  # (k, 5) with the image's number first, or for each image (k_i, 4)
MANY = 64  # regions that are worked on at once, which bounds the memory


def _pair(size: Any) -> tuple[int, int]:
    if isinstance(size, int):
        return size, size
    height, *width = size
    return int(height), int(width[0] if width else height)


def _regions(boxes: Boxes, op: str) -> np.ndarray:
    """Regions as (k, 5) in float64."""
    if isinstance(boxes, Tensor):
        if boxes.dim() != 2 or boxes.shape[1] != 5:
            raise RuntimeError("The boxes tensor shape should be (k, 5), with the number of the "
                               f"image first: {op}({operands(boxes=boxes)})")
        return boxes.detach().numpy().astype(np.float64)
    rows = [np.zeros((0, 5))]
    for number, each in enumerate(boxes):
        if each.dim() != 2 or each.shape[1] != 4:
            raise RuntimeError("The shape of the tensors in the boxes list should be (k, 4): "
                               f"{op}({operands(**{f'boxes[{number}]': each})})")
        plain = each.detach().numpy().astype(np.float64)
        rows.append(np.concatenate([np.full((len(plain), 1), number), plain], 1))
    return np.concatenate(rows)


def _sampling(start: float, extent: float, bins: int, count: int, size: int) -> np.ndarray:
    """(bins, size): what each place along one side counts in the mean of each bin."""
    weights = np.zeros((bins, size))
    points = start + extent / bins * (np.arange(bins)[:, None]
                                      + (np.arange(count) + 0.5)[None, :] / count)
    inside = (points >= -1) & (points <= size)
    points = np.clip(points, 0, size - 1)
    low = np.minimum(points.astype(np.int64), size - 1)
    high = np.minimum(low + 1, size - 1)
    share = points - low
    bin_of = np.broadcast_to(np.arange(bins)[:, None], points.shape)
    np.add.at(weights, (bin_of, low), np.where(inside, 1 - share, 0) / count)
    np.add.at(weights, (bin_of, high), np.where(inside, share, 0) / count)
    return weights


def _side_weights(begin: np.ndarray, end: np.ndarray, bins: int, size: int, ratio: int,
                  least: float | None) -> np.ndarray:
    """`_sampling` of many regions: (k, bins, size)."""
    found = np.zeros((len(begin), bins, size))
    for k, (low, high) in enumerate(zip(begin, end, strict=True)):
        extent = high - low if least is None else max(high - low, least)
        count = ratio if ratio > 0 else math.ceil(extent / bins)
        if count > 0:
            found[k] = _sampling(low, extent, bins, count, size)
    return found


def _weights(regions: np.ndarray, size: tuple[int, int], image: Sequence[int], scale: float,
             ratio: int, offset: float, least: float | None) -> tuple[np.ndarray, np.ndarray]:
    """Weights of rows and columns of each region."""
    x1, y1, x2, y2 = regions[:, 1:].T * scale - offset
    return (_side_weights(y1, y2, size[0], image[0], ratio, least),
            _side_weights(x1, x2, size[1], image[1], ratio, least))


def roi_align(input: Tensor, boxes: Boxes, output_size: Any, spatial_scale: float = 1.0,
              sampling_ratio: int = -1, aligned: bool = False) -> Tensor:
    """Means of bilinear samples in the bins of each region (He et al., 2017: Mask R-CNN).

    Args:
        input: (n, c, h, w).
        boxes: (k, 5), each (number of the image, x1, y1, x2, y2), or a list with (k_i, 4) for
            each image.
        output_size: bins, an int or (height, width).
        spatial_scale: from the boxes' coordinates to those of `input`.
        sampling_ratio: samples a bin and side; 0 or less: as many as the bin has pixels.
        aligned: pixels are at half-integer coordinates, which is exact; False is the older way.

    Returns:
        (k, c, height, width), differentiable in `input`.

    Raises:
        RuntimeError: boxes of another shape.

    >>> import rushlight as rl
    >>> from rushlight.vision.ops import roi_align
    >>> image = rl.arange(16.).reshape(1, 1, 4, 4)
    >>> roi_align(image, [rl.tensor([[0., 0., 4., 4.]])], 2, aligned=True)
    tensor([[[[ 2.5000,  4.5000],
              [10.5000, 12.5000]]]])
    """
    regions = _regions(boxes, "roi_align")
    size = _pair(output_size)
    rows, columns = _weights(regions, size, input.shape[2:], spatial_scale, sampling_ratio,
                             0.5 if aligned else 0.0, None if aligned else 1.0)
    return _gathered(input, regions, rows, columns)


def _gathered(input: Tensor, regions: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> Tensor:
    """rows @ input[number] @ columns^T of each region."""
    order = np.argsort(regions[:, 0], kind="stable")
    parts = []
    for number in np.unique(regions[:, 0]).astype(np.int64):
        members = order[regions[order, 0] == number]
        for begin in range(0, len(members), MANY):
            some = members[begin : begin + MANY]
            parts.append(_few(input[int(number)], rows[some], columns[some], input.dtype))
    shape = (0, input.shape[1], rows.shape[1], columns.shape[1])
    if not parts:
        return input.new_zeros(shape)
    together = cat(parts)
    back = np.empty(len(order), np.int64)
    back[order] = np.arange(len(order))
    return together[from_numpy(back)]


def _few(image: Tensor, rows: np.ndarray, columns: np.ndarray, dtype: Any) -> Tensor:
    """(c, h, w) with (k, p, h) and (k, q, w) gives (k, c, p, q)."""
    count, bins, height = rows.shape
    row_weights = from_numpy(rows.reshape(count * bins, height)).to(dtype)
    column_weights = from_numpy(np.ascontiguousarray(columns.transpose(0, 2, 1))).to(dtype)
    stretched = (row_weights @ image).unflatten(1, (count, bins))  # (c, k, p, w)
    return (stretched.transpose(0, 1).flatten(1, 2) @ column_weights).unflatten(
        1, (image.shape[0], bins))


def ps_roi_align(input: Tensor, boxes: Boxes, output_size: Any, spatial_scale: float = 1.0,
                 sampling_ratio: int = -1) -> Tensor:
    """`roi_align` in which every bin has channels of its own (Li et al., 2018: Light-Head R-CNN).

    input: (n, c * height * width, h, w). Returns (k, c, height, width). Other arguments as of
    `roi_align`.
    """
    size = _pair(output_size)
    regions = _regions(boxes, "ps_roi_align")
    rows, columns = _weights(regions, size, input.shape[2:], spatial_scale, sampling_ratio, 0.5,
                             None)
    return _by_position(input, regions, rows, columns, size, "ps_roi_align")


def _by_position(input: Tensor, regions: np.ndarray, rows: np.ndarray, columns: np.ndarray,
                 size: tuple[int, int], op: str) -> Tensor:
    bins = size[0] * size[1]
    if input.shape[1] % bins:
        raise RuntimeError(f"input channels must be a multiple of pooling height * pooling width: "
                           f"{op}({operands(input=input)}, output_size={size})")
    images = input.unflatten(1, (input.shape[1] // bins, *size))  # (n, c, p, q, h, w)
    found = []
    for k, number in enumerate(regions[:, 0].astype(np.int64)):
        row_weights = from_numpy(rows[k]).to(input.dtype)[:, None, :, None]  # (p, 1, h, 1)
        column_weights = from_numpy(columns[k]).to(input.dtype)[None, :, None, :]
        found.append((images[int(number)] * row_weights * column_weights).sum((-2, -1)))
    return stack(found) if found else input.new_zeros((0, images.shape[1], *size))


def _rounded(values: np.ndarray) -> np.ndarray:
    """To the nearest integer, halves away from zero."""
    return np.where(values < 0, -np.floor(0.5 - values), np.floor(values + 0.5)).astype(np.int64)


def _bins(begin: int, extent: int, bins: int, size: int) -> list[tuple[int, int]]:
    """First and last place of each bin along one side, cut off at the border."""
    step = extent / bins
    return [(min(max(begin + math.floor(i * step), 0), size),
             min(max(begin + math.ceil((i + 1) * step), 0), size)) for i in range(bins)]


def _extents(regions: np.ndarray, scale: float, more: int) -> np.ndarray:
    """(k, 4): first place and number of places, of columns and of rows."""
    corners = _rounded(regions[:, 1:] * scale)
    return np.concatenate([corners[:, :2],
                           np.maximum(corners[:, 2:] - corners[:, :2] + more, 1)], 1)


def roi_pool(input: Tensor, boxes: Boxes, output_size: Any, spatial_scale: float = 1.0) -> Tensor:
    """The greatest value in each bin of each region, 0 in empty bins (Girshick, 2015).

    Arguments and result as of `roi_align`; corners are rounded to whole pixels.
    """
    regions, size = _regions(boxes, "roi_pool"), _pair(output_size)
    height, width = input.shape[2:]
    plain = input.detach().numpy()
    shape = (len(regions), input.shape[1], *size)
    place, empty = np.zeros(shape, np.int64), np.zeros(shape, bool)
    for k, (x, y, columns, rows) in enumerate(_extents(regions, spatial_scale, 1)):
        image = plain[int(regions[k, 0])]
        for p, (top, bottom) in enumerate(_bins(y, rows, size[0], height)):
            for q, (left, right) in enumerate(_bins(x, columns, size[1], width)):
                window = image[:, top:bottom, left:right].reshape(len(image), -1)
                if not window.shape[1]:
                    empty[k, :, p, q] = True
                    continue
                row, column = np.divmod(window.argmax(1), right - left)
                place[k, :, p, q] = (top + row) * width + left + column
    flat = input.flatten(2)[from_numpy(regions[:, 0].astype(np.int64))]  # (k, c, h * w)
    picked = flat.gather(2, from_numpy(place.reshape(*shape[:2], size[0] * size[1]))).reshape(shape)
    return picked.masked_fill(from_numpy(empty), 0)


def ps_roi_pool(input: Tensor, boxes: Boxes, output_size: Any,
                spatial_scale: float = 1.0) -> Tensor:
    """Means over the bins of each region, each bin with channels of its own (Dai et al., 2016).

    input: (n, c * height * width, h, w). Returns (k, c, height, width). Other arguments as of
    `roi_pool`.
    """
    size = _pair(output_size)
    regions = _regions(boxes, "ps_roi_pool")
    sides: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    for x, y, columns, rows in _extents(regions, spatial_scale, 0):
        for side, begin, extent, bins, length in ((sides[0], y, rows, size[0], input.shape[2]),
                                                  (sides[1], x, columns, size[1],
                                                   input.shape[3])):
            weights = np.zeros((bins, length))
            for i, (low, high) in enumerate(_bins(begin, extent, bins, length)):
                weights[i, low:high] = 1 / max(high - low, 1)
            side.append(weights)
    return _by_position(input, regions, *map(np.array, sides), size, "ps_roi_pool")


class _Region(Module):
    """A module that calls one of the functions with its own arguments."""

    def __init__(self, output_size: Any, spatial_scale: float) -> None:
        super().__init__()
        self.output_size, self.spatial_scale = output_size, spatial_scale

    def extra_repr(self) -> str:
        shown = (f"{name}={value}" for name, value in vars(self).items()
                 if not name.startswith("_") and name != "training")
        return ", ".join(shown)


class RoIAlign(_Region):
    """`roi_align` as a module."""

    def __init__(self, output_size: Any, spatial_scale: float, sampling_ratio: int,
                 aligned: bool = False) -> None:
        super().__init__(output_size, spatial_scale)
        self.sampling_ratio, self.aligned = sampling_ratio, aligned

    def forward(self, input: Tensor, rois: Boxes) -> Tensor:
        """(k, c, height, width)."""
        return roi_align(input, rois, self.output_size, self.spatial_scale, self.sampling_ratio,
                         self.aligned)


class PSRoIAlign(_Region):
    """`ps_roi_align` as a module."""

    def __init__(self, output_size: Any, spatial_scale: float, sampling_ratio: int) -> None:
        super().__init__(output_size, spatial_scale)
        self.sampling_ratio = sampling_ratio

    def forward(self, input: Tensor, rois: Boxes) -> Tensor:
        """(k, c, height, width)."""
        return ps_roi_align(input, rois, self.output_size, self.spatial_scale, self.sampling_ratio)


class RoIPool(_Region):
    """`roi_pool` as a module."""

    def forward(self, input: Tensor, rois: Boxes) -> Tensor:
        """(k, c, height, width)."""
        return roi_pool(input, rois, self.output_size, self.spatial_scale)


class PSRoIPool(_Region):
    """`ps_roi_pool` as a module."""

    def forward(self, input: Tensor, rois: Boxes) -> Tensor:
        """(k, c, height, width)."""
        return ps_roi_pool(input, rois, self.output_size, self.spatial_scale)
