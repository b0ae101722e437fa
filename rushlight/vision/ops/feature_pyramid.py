"""Feature pyramids, and regions taken from the level that fits their size (Lin et al., 2017)."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rushlight import nn
from rushlight.ops import cat, full
from rushlight.tensor import Tensor
from rushlight.vision.ops.blocks import Conv2dNormActivation
from rushlight.vision.ops.boxes import box_area
from rushlight.vision.ops.regions import roi_align

F = nn.functional


class ExtraFPNBlock(nn.Module):
    """What makes more levels of a pyramid: a base class."""

    def forward(self, results: list[Tensor], x: list[Tensor],
                names: list[str]) -> tuple[list[Tensor], list[str]]:
        """Levels and names, from the pyramid's, the backbone's features and the names."""
        raise NotImplementedError("an ExtraFPNBlock defines forward(results, x, names)")


class LastLevelMaxPool(ExtraFPNBlock):
    """One more level, every second place of the last."""

    def forward(self, results: list[Tensor], x: list[Tensor],
                names: list[str]) -> tuple[list[Tensor], list[str]]:
        """The levels and "pool"."""
        return [*results, F.max_pool2d(results[-1], 1, 2, 0)], [*names, "pool"]


class LastLevelP6P7(ExtraFPNBlock):
    """Two more levels by convolutions of stride 2, as in RetinaNet."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.p6 = nn.Conv2d(in_channels, out_channels, 3, 2, 1)
        self.p7 = nn.Conv2d(out_channels, out_channels, 3, 2, 1)
        for layer in (self.p6, self.p7):
            nn.init.kaiming_uniform_(layer.weight, a=1)
            nn.init.zeros_(layer.bias)
        self.use_P5 = in_channels == out_channels

    def forward(self, results: list[Tensor], x: list[Tensor],
                names: list[str]) -> tuple[list[Tensor], list[str]]:
        """The levels, "p6" and "p7"."""
        p6 = self.p6(results[-1] if self.use_P5 else x[-1])
        return [*results, p6, self.p7(F.relu(p6))], [*names, "p6", "p7"]


class FeaturePyramidNetwork(nn.Module):
    """All levels with `out_channels` channels, each with what the coarser ones know.

    Args:
        in_channels_list: channels of the features, the finest first.
        out_channels: of every level.
        extra_blocks: makes further levels.
        norm_layer: after each convolution; None for none.
    """

    def __init__(self, in_channels_list: Sequence[int], out_channels: int,
                 extra_blocks: ExtraFPNBlock | None = None,
                 norm_layer: Callable[..., nn.Module] | None = None) -> None:
        super().__init__()
        self.inner_blocks, self.layer_blocks = nn.ModuleList(), nn.ModuleList()
        for channels in in_channels_list:
            if channels == 0:
                raise ValueError("in_channels=0 is currently not supported")
            for blocks, inside, kernel in ((self.inner_blocks, channels, 1),
                                           (self.layer_blocks, out_channels, 3)):
                blocks.append(Conv2dNormActivation(inside, out_channels, kernel,
                                                   norm_layer=norm_layer, activation_layer=None))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_uniform_(module.weight, a=1)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        if extra_blocks is not None and not isinstance(extra_blocks, ExtraFPNBlock):
            raise TypeError("extra_blocks should be of type ExtraFPNBlock not "
                            f"{type(extra_blocks)}")
        self.extra_blocks = extra_blocks

    def forward(self, x: Mapping[str, Tensor]) -> OrderedDict[str, Tensor]:
        """Features by name, the finest first, give levels by name."""
        names, features = list(x), list(x.values())
        carried: Tensor | None = None
        results: list[Tensor] = []
        for inner, layer, feature in reversed(list(zip(self.inner_blocks, self.layer_blocks,
                                                       features, strict=True))):
            own = inner(feature)
            carried = own if carried is None else own + F.interpolate(carried, own.shape[-2:])
            results.insert(0, layer(carried))
        if self.extra_blocks is not None:
            results, names = self.extra_blocks(results, features, names)
        return OrderedDict(zip(names, results, strict=True))


class MultiScaleRoIAlign(nn.Module):
    """`roi_align` from the level of a pyramid that fits each region's size.

    Args:
        featmap_names: names of the levels to use.
        output_size, sampling_ratio: as of `roi_align`.
        canonical_scale, canonical_level: a region of this side length is taken from this level;
            twice the length is a level up.
    """

    def __init__(self, featmap_names: Sequence[str], output_size: Any, sampling_ratio: int, *,
                 canonical_scale: int = 224, canonical_level: int = 4) -> None:
        super().__init__()
        self.featmap_names = list(featmap_names)
        self.output_size = ((output_size, output_size) if isinstance(output_size, int)
                            else tuple(output_size))
        self.sampling_ratio = sampling_ratio
        self.canonical_scale, self.canonical_level = canonical_scale, canonical_level

    def forward(self, x: Mapping[str, Tensor], boxes: list[Tensor],
                image_shapes: list[tuple[int, int]]) -> Tensor:
        """(k, channels, *output_size); boxes: (k_i, 4) for each image of the given shapes."""
        levels = [level for name, level in x.items() if name in self.featmap_names]
        numbered = cat([cat([full((len(each), 1), i, dtype=each.dtype), each], 1)
                        for i, each in enumerate(boxes)])
        scales = self._scales(levels, image_shapes)
        if len(levels) == 1:
            return roi_align(levels[0], numbered, self.output_size, scales[0], self.sampling_ratio)
        chosen = self._levels(numbered[:, 1:], scales)
        result = levels[0].new_zeros((len(numbered), levels[0].shape[1], *self.output_size))
        for number, (level, scale) in enumerate(zip(levels, scales, strict=True)):
            members = (chosen == number).nonzero().squeeze(1)
            if len(members):
                result = result.index_copy(0, members, roi_align(
                    level, numbered[members], self.output_size, scale, self.sampling_ratio))
        return result

    def _scales(self, levels: list[Tensor], shapes: list[tuple[int, int]]) -> list[float]:
        """Of each level to the image, as powers of two."""
        if not shapes:
            raise ValueError("images list should not be empty")
        height = max(shape[0] for shape in shapes)
        return [2.0 ** round(math.log2(level.shape[-2] / height)) for level in levels]

    def _levels(self, boxes: Tensor, scales: list[float]) -> Tensor:
        """(k,) the number of the level of each box."""
        lowest, highest = -math.log2(scales[0]), -math.log2(scales[-1])
        sides = box_area(boxes).sqrt()
        level = (self.canonical_level + (sides / self.canonical_scale).log2() + 1e-6).floor()
        return (level.clamp(lowest, highest) - lowest).long()

    def __repr__(self) -> str:
        return (f"{type(self).__name__}(featmap_names={self.featmap_names}, "
                f"output_size={self.output_size}, sampling_ratio={self.sampling_ratio})")
