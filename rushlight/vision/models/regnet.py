"""RegNet."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Iterator
from functools import partial
from itertools import groupby
from typing import Any

import numpy as np

from rushlight import nn
from rushlight.ops import flatten
from rushlight.tensor import Tensor
from rushlight.vision.models.mobilenetv2 import make_divisible
from rushlight.vision.models.weights import model
from rushlight.vision.ops import Conv2dNormActivation, SqueezeExcitation

__all__ = ["RegNet", "regnet_x_16gf", "regnet_x_1_6gf", "regnet_x_32gf", "regnet_x_3_2gf",
           "regnet_x_400mf", "regnet_x_800mf", "regnet_x_8gf", "regnet_y_128gf", "regnet_y_16gf",
           "regnet_y_1_6gf", "regnet_y_32gf", "regnet_y_3_2gf", "regnet_y_400mf", "regnet_y_800mf",
           "regnet_y_8gf"]

Layer = Callable[..., nn.Module]


class SimpleStemIN(Conv2dNormActivation):
    """A 3x3 convolution of stride 2, norm and activation."""

    def __init__(self, width_in: int, width_out: int, norm_layer: Layer,
                 activation_layer: Layer) -> None:
        super().__init__(width_in, width_out, 3, 2, norm_layer=norm_layer,
                         activation_layer=activation_layer)


class BottleneckTransform(nn.Sequential):
    """1x1, grouped 3x3, squeeze-excitation where `se_ratio` says so, 1x1."""

    def __init__(self, width_in: int, width_out: int, stride: int, norm_layer: Layer,
                 activation_layer: Layer, group_width: int, bottleneck_multiplier: float,
                 se_ratio: float | None) -> None:
        width = round(width_out * bottleneck_multiplier)
        options = {"norm_layer": norm_layer, "activation_layer": activation_layer}
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        layers["a"] = Conv2dNormActivation(width_in, width, 1, **options)
        layers["b"] = Conv2dNormActivation(width, width, 3, stride, groups=width // group_width,
                                           **options)
        if se_ratio:
            layers["se"] = SqueezeExcitation(width, round(se_ratio * width_in),
                                             activation=activation_layer)
        layers["c"] = Conv2dNormActivation(width, width_out, 1, norm_layer=norm_layer,
                                           activation_layer=None)
        super().__init__(layers)


class ResBottleneckBlock(nn.Module):
    """`BottleneckTransform` beside the identity, or beside a 1x1 where the shape changes."""

    def __init__(self, width_in: int, width_out: int, stride: int, norm_layer: Layer,
                 activation_layer: Layer, group_width: int = 1,
                 bottleneck_multiplier: float = 1.0, se_ratio: float | None = None) -> None:
        super().__init__()
        self.proj = None
        if width_in != width_out or stride != 1:
            self.proj = Conv2dNormActivation(width_in, width_out, 1, stride,
                                             norm_layer=norm_layer, activation_layer=None)
        self.f = BottleneckTransform(width_in, width_out, stride, norm_layer, activation_layer,
                                     group_width, bottleneck_multiplier, se_ratio)
        self.activation = activation_layer(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, height, width)."""
        return self.activation((x if self.proj is None else self.proj(x)) + self.f(x))


class AnyStage(nn.Sequential):
    """Blocks of one width, the first with the stride."""

    def __init__(self, width_in: int, width_out: int, stride: int, depth: int,
                 block_constructor: Layer, norm_layer: Layer, activation_layer: Layer,
                 group_width: int, bottleneck_multiplier: float, se_ratio: float | None = None,
                 stage_index: int = 0) -> None:
        super().__init__()
        for i in range(depth):
            self.add_module(f"block{stage_index}-{i}", block_constructor(
                width_out if i else width_in, width_out, 1 if i else stride, norm_layer,
                activation_layer, group_width, bottleneck_multiplier, se_ratio))


class BlockParams:
    """The sizes of all stages: a list of each kind."""

    def __init__(self, depths: list[int], widths: list[int], group_widths: list[int],
                 bottleneck_multipliers: list[float], strides: list[int],
                 se_ratio: float | None = None) -> None:
        self.depths, self.widths, self.group_widths = depths, widths, group_widths
        self.bottleneck_multipliers, self.strides = bottleneck_multipliers, strides
        self.se_ratio = se_ratio

    @classmethod
    def from_init_params(cls, depth: int, w_0: int, w_a: float, w_m: float, group_width: int,
                         bottleneck_multiplier: float = 1.0, se_ratio: float | None = None,
                         **_: Any) -> BlockParams:
        """The stages of a RegNet: block j is w_0 + w_a j wide, rounded to w_0 w_m^k and to 8.

        depth: blocks in all. group_width: channels in a group. Raises ValueError for w_a < 0,
        w_0 <= 0 or no multiple of 8, or w_m <= 1.
        """
        if w_a < 0 or w_0 <= 0 or w_m <= 1 or w_0 % 8 != 0:
            raise ValueError(f"Invalid RegNet settings: w_0={w_0}, w_a={w_a}, w_m={w_m}")
        linear = w_0 + w_a * np.arange(depth, dtype=np.float32)
        steps = np.round(np.log(linear / w_0) / math.log(w_m))
        rounded = np.round(w_0 * np.power(w_m, steps) / 8).astype(int) * 8
        stages = [(int(width), len(list(blocks))) for width, blocks in groupby(rounded)]
        count = len(stages)
        widths, groups = _compatible([width for width, _ in stages], bottleneck_multiplier,
                                     group_width)
        return cls([blocks for _, blocks in stages], widths, groups,
                   [bottleneck_multiplier] * count, [2] * count, se_ratio)

    def stages(self) -> Iterator[tuple[int, int, int, int, float]]:
        """(width, stride, depth, group width, bottleneck multiplier) of each stage."""
        return zip(self.widths, self.strides, self.depths, self.group_widths,
                   self.bottleneck_multipliers, strict=True)


def _compatible(widths: list[int], ratio: float, group: int) -> tuple[list[int], list[int]]:
    """Widths and group widths such that the groups divide the inner widths."""
    inner = [int(width * ratio) for width in widths]
    groups = [min(group, width) for width in inner]
    return [int(make_divisible(width, own) / ratio)
            for width, own in zip(inner, groups, strict=True)], groups


class RegNet(nn.Module):
    """Stages whose widths follow a line (Radosavovic et al., 2020).

    Args:
        block_params: the sizes of the stages. stem_width: channels of the stem.
        stem_type, block_type, norm_layer, activation: in place of `SimpleStemIN`,
            `ResBottleneckBlock`, BatchNorm2d and ReLU.
    """

    def __init__(self, block_params: BlockParams, num_classes: int = 1000, stem_width: int = 32,
                 stem_type: Layer | None = None, block_type: Layer | None = None,
                 norm_layer: Layer | None = None, activation: Layer | None = None) -> None:
        super().__init__()
        norm: Any = nn.BatchNorm2d if norm_layer is None else norm_layer
        active: Any = nn.ReLU if activation is None else activation
        block: Any = ResBottleneckBlock if block_type is None else block_type
        self.stem = (stem_type or SimpleStemIN)(3, stem_width, norm, active)
        width, stages = stem_width, OrderedDict()
        for i, (own, stride, depth, group, ratio) in enumerate(block_params.stages(), 1):
            stages[f"block{i}"] = AnyStage(width, own, stride, depth, block, norm, active, group,
                                           ratio, block_params.se_ratio, stage_index=i)
            width = own
        self.trunk_output = nn.Sequential(stages)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(width, num_classes)
        self._init_weights()

    def _init_weights(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                fan_out = math.prod(module.kernel_size) * module.out_channels
                nn.init.normal_(module.weight, mean=0.0, std=math.sqrt(2.0 / fan_out))
            elif isinstance(module, nn.BatchNorm2d):
                nn.init.ones_(module.weight)
                nn.init.zeros_(module.bias)
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, mean=0.0, std=0.01)
                nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, 3, height, width) pictures give (batch, num_classes) scores."""
        return self.fc(flatten(self.avgpool(self.trunk_output(self.stem(x))), 1))


def _regnet(depth: int, w_0: int, w_a: float, w_m: float, group_width: int,
            se_ratio: float | None = None, **options: Any) -> RegNet:
    sizes = BlockParams.from_init_params(depth, w_0, w_a, w_m, group_width, se_ratio=se_ratio)
    return RegNet(sizes, **options)


_regnet_y = partial(_regnet, se_ratio=0.25)


@model("RegNet_Y_400MF_Weights")
def regnet_y_400mf(**options: Any) -> RegNet:
    """RegNet Y of 400 million operations a picture (Radosavovic et al., 2020)."""
    return _regnet_y(16, 48, 27.89, 2.09, 8, **options)


@model("RegNet_Y_800MF_Weights")
def regnet_y_800mf(**options: Any) -> RegNet:
    """RegNet Y of 800 million operations a picture (Radosavovic et al., 2020)."""
    return _regnet_y(14, 56, 38.84, 2.4, 16, **options)


@model("RegNet_Y_1_6GF_Weights")
def regnet_y_1_6gf(**options: Any) -> RegNet:
    """RegNet Y of 1.6 billion operations a picture (Radosavovic et al., 2020)."""
    return _regnet_y(27, 48, 20.71, 2.65, 24, **options)


@model("RegNet_Y_3_2GF_Weights")
def regnet_y_3_2gf(**options: Any) -> RegNet:
    """RegNet Y of 3.2 billion operations a picture (Radosavovic et al., 2020)."""
    return _regnet_y(21, 80, 42.63, 2.66, 24, **options)


@model("RegNet_Y_8GF_Weights")
def regnet_y_8gf(**options: Any) -> RegNet:
    """RegNet Y of 8 billion operations a picture (Radosavovic et al., 2020)."""
    return _regnet_y(17, 192, 76.82, 2.19, 56, **options)


@model("RegNet_Y_16GF_Weights")
def regnet_y_16gf(**options: Any) -> RegNet:
    """RegNet Y of 16 billion operations a picture (Radosavovic et al., 2020)."""
    return _regnet_y(18, 200, 106.23, 2.48, 112, **options)


@model("RegNet_Y_32GF_Weights")
def regnet_y_32gf(**options: Any) -> RegNet:
    """RegNet Y of 32 billion operations a picture (Radosavovic et al., 2020)."""
    return _regnet_y(20, 232, 115.89, 2.53, 232, **options)


@model("RegNet_Y_128GF_Weights")
def regnet_y_128gf(**options: Any) -> RegNet:
    """RegNet Y of 128 billion operations a picture (Radosavovic et al., 2020)."""
    return _regnet_y(27, 456, 160.83, 2.52, 264, **options)


@model("RegNet_X_400MF_Weights")
def regnet_x_400mf(**options: Any) -> RegNet:
    """RegNet X of 400 million operations a picture (Radosavovic et al., 2020)."""
    return _regnet(22, 24, 24.48, 2.54, 16, **options)


@model("RegNet_X_800MF_Weights")
def regnet_x_800mf(**options: Any) -> RegNet:
    """RegNet X of 800 million operations a picture (Radosavovic et al., 2020)."""
    return _regnet(16, 56, 35.73, 2.28, 16, **options)


@model("RegNet_X_1_6GF_Weights")
def regnet_x_1_6gf(**options: Any) -> RegNet:
    """RegNet X of 1.6 billion operations a picture (Radosavovic et al., 2020)."""
    return _regnet(18, 80, 34.01, 2.25, 24, **options)


@model("RegNet_X_3_2GF_Weights")
def regnet_x_3_2gf(**options: Any) -> RegNet:
    """RegNet X of 3.2 billion operations a picture (Radosavovic et al., 2020)."""
    return _regnet(25, 88, 26.31, 2.25, 48, **options)


@model("RegNet_X_8GF_Weights")
def regnet_x_8gf(**options: Any) -> RegNet:
    """RegNet X of 8 billion operations a picture (Radosavovic et al., 2020)."""
    return _regnet(23, 80, 49.56, 2.88, 120, **options)


@model("RegNet_X_16GF_Weights")
def regnet_x_16gf(**options: Any) -> RegNet:
    """RegNet X of 16 billion operations a picture (Radosavovic et al., 2020)."""
    return _regnet(22, 216, 55.59, 2.1, 128, **options)


@model("RegNet_X_32GF_Weights")
def regnet_x_32gf(**options: Any) -> RegNet:
    """RegNet X of 32 billion operations a picture (Radosavovic et al., 2020)."""
    return _regnet(23, 320, 69.86, 2.0, 168, **options)
