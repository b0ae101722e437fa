"""Anchors: the boxes that predictions are offsets from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from rushlight import nn
from rushlight.base.dtypes import dtype as DType
from rushlight.base.dtypes import float32
from rushlight.ops import arange, as_tensor, cat, meshgrid, stack, tensor
from rushlight.tensor import Tensor
from rushlight.vision.models.detection.image_list import ImageList


def _places(rows: Tensor, columns: Tensor) -> Tensor:
    """(rows * columns, 2): x and y of each place of a grid."""
    y, x = meshgrid(rows, columns, indexing="ij")
    return stack([x.flatten(), y.flatten()], 1)


class AnchorGenerator(nn.Module):
    """Boxes of several sizes and shapes at every place of every feature map (Ren et al., 2015).

    Args:
        sizes: for each feature map, sides of the boxes in pixels.
        aspect_ratios: for each feature map, height / width of the boxes.
    """

    def __init__(self, sizes: Any = ((128, 256, 512),),
                 aspect_ratios: Any = ((0.5, 1.0, 2.0),)) -> None:
        super().__init__()
        if not isinstance(sizes[0], list | tuple):
            sizes = tuple((size,) for size in sizes)
        if not isinstance(aspect_ratios[0], list | tuple):
            aspect_ratios = (aspect_ratios,) * len(sizes)
        self.sizes, self.aspect_ratios = sizes, aspect_ratios
        self.cell_anchors = [self.generate_anchors(size, ratios)
                             for size, ratios in zip(sizes, aspect_ratios, strict=False)]

    def generate_anchors(self, scales: Sequence[float], aspect_ratios: Sequence[float],
                         dtype: DType = float32, device: Any = "cpu") -> Tensor:
        """(ratios * scales, 4): boxes around (0, 0), with whole numbers for corners."""
        sides = as_tensor(scales, dtype=dtype, device=device)
        heights = as_tensor(aspect_ratios, dtype=dtype, device=device).sqrt()
        height = (heights[:, None] * sides).flatten()
        width = ((1 / heights)[:, None] * sides).flatten()
        return (stack([-width, -height, width, height], 1) / 2).round()

    def set_cell_anchors(self, dtype: DType, device: Any) -> None:
        """Convert the boxes around (0, 0)."""
        self.cell_anchors = [boxes.to(dtype=dtype, device=device) for boxes in self.cell_anchors]

    def num_anchors_per_location(self) -> list[int]:
        """How many boxes each place has, for each feature map."""
        return [len(size) * len(ratios)
                for size, ratios in zip(self.sizes, self.aspect_ratios, strict=False)]

    def grid_anchors(self, grid_sizes: Sequence[Sequence[int]],
                     strides: Sequence[Sequence[Any]]) -> list[Tensor]:
        """(places * boxes, 4) for each feature map of size (rows, columns).

        Raises AssertionError where their number is not that of `sizes`.
        """
        if not len(grid_sizes) == len(strides) == len(self.cell_anchors):
            raise AssertionError(
                "Anchors should be Tuple[Tuple[int]] because each feature map could potentially "
                "have different sizes and aspect ratios. There needs to be a match between the "
                f"number of feature maps passed ({len(grid_sizes)}) and the number of sizes / "
                f"aspect ratios specified ({len(self.cell_anchors)}).")
        found = []
        for (rows, columns), (down, right), boxes in zip(grid_sizes, strides, self.cell_anchors,
                                                         strict=True):
            shift = _places(arange(rows) * int(down), arange(columns) * int(right))
            found.append((cat([shift, shift], 1)[:, None] + boxes[None]).reshape(-1, 4))
        return found

    def forward(self, image_list: ImageList, feature_maps: Sequence[Tensor]) -> list[Tensor]:
        """(anchors, 4) for each picture, those of all feature maps in turn."""
        height, width = image_list.tensors.shape[-2:]
        grids = [tuple(each.shape[-2:]) for each in feature_maps]
        self.set_cell_anchors(feature_maps[0].dtype, feature_maps[0].device)
        anchors = self.grid_anchors(grids, [(height // rows, width // columns)
                                            for rows, columns in grids])
        return [cat(anchors) for _ in image_list.image_sizes]


class DefaultBoxGenerator(nn.Module):
    """The boxes of SSD: sizes grow from feature map to feature map (Liu et al., 2016).

    Args:
        aspect_ratios: for each feature map, width / height; their inverses and squares are added.
        min_ratio, max_ratio: sizes of the first and last feature map's boxes, as shares of the
            picture. scales: in their place, a size for each feature map and one more.
        steps: pixels between places, for each feature map; None: as the feature map's size says.
        clip: sizes stay within the picture.
    """

    def __init__(self, aspect_ratios: Sequence[Sequence[int]], min_ratio: float = 0.15,
                 max_ratio: float = 0.9, scales: Sequence[float] | None = None,
                 steps: Sequence[int] | None = None, clip: bool = True) -> None:
        super().__init__()
        if steps is not None and len(aspect_ratios) != len(steps):
            raise ValueError("aspect_ratios and steps should have the same length")
        self.aspect_ratios, self.steps, self.clip = aspect_ratios, steps, clip
        count = len(aspect_ratios)
        if scales is not None:
            self.scales = list(scales)
        elif count > 1:
            span = max_ratio - min_ratio
            self.scales = [*(min_ratio + span * k / (count - 1.0) for k in range(count)), 1.0]
        else:
            self.scales = [min_ratio, max_ratio]
        self._wh_pairs = [self._sizes(k) for k in range(count)]

    def _sizes(self, k: int) -> Tensor:
        """(boxes, 2): width and height of the boxes of a feature map."""
        side, between = self.scales[k], math.sqrt(self.scales[k] * self.scales[k + 1])
        pairs = [(side, side), (between, between)]
        for ratio in self.aspect_ratios[k]:
            root = math.sqrt(ratio)
            pairs += [(side * root, side / root), (side / root, side * root)]
        return tensor(pairs, dtype=float32)

    def num_anchors_per_location(self) -> list[int]:
        """How many boxes each place has, for each feature map."""
        return [2 + 2 * len(ratios) for ratios in self.aspect_ratios]

    def _grid(self, k: int, rows: int, columns: int, image: Sequence[int],
              dtype: DType) -> Tensor:
        """(places * boxes, 4): centre, width and height, as shares of the picture."""
        down, right = (rows, columns) if self.steps is None else (
            image[0] / self.steps[k], image[1] / self.steps[k])
        centres = _places(((arange(rows) + 0.5) / down).to(dtype),
                          ((arange(columns) + 0.5) / right).to(dtype))
        sizes = self._wh_pairs[k].clamp(min=0, max=1) if self.clip else self._wh_pairs[k]
        return cat([centres.repeat_interleave(len(sizes), 0),
                    sizes.to(dtype).repeat(len(centres), 1)], 1)

    def __repr__(self) -> str:
        return (f"{type(self).__name__}(aspect_ratios={self.aspect_ratios}, clip={self.clip}, "
                f"scales={self.scales}, steps={self.steps})")

    def forward(self, image_list: ImageList, feature_maps: Sequence[Tensor]) -> list[Tensor]:
        """(boxes, 4) for each picture, in pixels, those of all feature maps in turn."""
        height, width = image_list.tensors.shape[-2:]
        dtype = feature_maps[0].dtype
        shares = cat([self._grid(k, *each.shape[-2:], (height, width), dtype)
                      for k, each in enumerate(feature_maps)])
        size = tensor([width, height])
        centre, half = shares[:, :2], 0.5 * shares[:, 2:]
        return [cat([(centre - half) * size, (centre + half) * size], -1)
                for _ in image_list.image_sizes]
