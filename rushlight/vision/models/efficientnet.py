"""EfficientNet and EfficientNet v2."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from rushlight import nn
from rushlight.ops import flatten
from rushlight.tensor import Tensor
from rushlight.vision.models.mobilenetv2 import make_divisible
from rushlight.vision.models.weights import model
from rushlight.vision.ops import Conv2dNormActivation, SqueezeExcitation, StochasticDepth

__all__ = ["EfficientNet", "efficientnet_b0", "efficientnet_b1", "efficientnet_b2",
           "efficientnet_b3", "efficientnet_b4", "efficientnet_b5", "efficientnet_b6",
           "efficientnet_b7", "efficientnet_v2_l", "efficientnet_v2_m", "efficientnet_v2_s"]

Layer = Callable[..., nn.Module]
# Expansion, kernel, stride of the first block, channels in, channels out, blocks.
STAGES = ((1, 3, 1, 32, 16, 1), (6, 3, 2, 16, 24, 2), (6, 5, 2, 24, 40, 2), (6, 3, 2, 40, 80, 3),
          (6, 5, 1, 80, 112, 3), (6, 5, 2, 112, 192, 4), (6, 3, 1, 192, 320, 1))
# The same of v2; the first three stages are fused.
SMALL = ((1, 3, 1, 24, 24, 2), (4, 3, 2, 24, 48, 4), (4, 3, 2, 48, 64, 4), (4, 3, 2, 64, 128, 6),
         (6, 3, 1, 128, 160, 9), (6, 3, 2, 160, 256, 15))
MEDIUM = ((1, 3, 1, 24, 24, 3), (4, 3, 2, 24, 48, 5), (4, 3, 2, 48, 80, 5), (4, 3, 2, 80, 160, 7),
          (6, 3, 1, 160, 176, 14), (6, 3, 2, 176, 304, 18), (6, 3, 1, 304, 512, 5))
LARGE = ((1, 3, 1, 32, 32, 4), (4, 3, 2, 32, 64, 7), (4, 3, 2, 64, 96, 7), (4, 3, 2, 96, 192, 10),
         (6, 3, 1, 192, 224, 19), (6, 3, 2, 224, 384, 25), (6, 3, 1, 384, 640, 7))
FUSED = 3
V1_NORM = partial(nn.BatchNorm2d, eps=0.001, momentum=0.01)  # of b5 to b7
V2_NORM = partial(nn.BatchNorm2d, eps=0.001)


@dataclass
class _MBConvConfig:
    """The sizes of a stage."""

    expand_ratio: float
    kernel: int
    stride: int
    input_channels: int
    out_channels: int
    num_layers: int
    block: Layer

    @staticmethod
    def adjust_channels(channels: int, width_mult: float, min_value: int | None = None) -> int:
        """Scaled, and a multiple of 8."""
        return make_divisible(channels * width_mult, 8, min_value)


class MBConvConfig(_MBConvConfig):
    """A stage of `MBConv` blocks, scaled in width and depth."""

    def __init__(self, expand_ratio: float, kernel: int, stride: int, input_channels: int,
                 out_channels: int, num_layers: int, width_mult: float = 1.0,
                 depth_mult: float = 1.0, block: Layer | None = None) -> None:
        super().__init__(expand_ratio, kernel, stride,
                         self.adjust_channels(input_channels, width_mult),
                         self.adjust_channels(out_channels, width_mult),
                         self.adjust_depth(num_layers, depth_mult),
                         MBConv if block is None else block)

    @staticmethod
    def adjust_depth(num_layers: int, depth_mult: float) -> int:
        """Scaled and rounded up."""
        return math.ceil(num_layers * depth_mult)


class FusedMBConvConfig(_MBConvConfig):
    """A stage of `FusedMBConv` blocks."""

    def __init__(self, expand_ratio: float, kernel: int, stride: int, input_channels: int,
                 out_channels: int, num_layers: int, block: Layer | None = None) -> None:
        super().__init__(expand_ratio, kernel, stride, input_channels, out_channels, num_layers,
                         FusedMBConv if block is None else block)


class _Residual(nn.Module):
    """Layers beside the identity where the shapes allow it."""

    def __init__(self, cnf: Any, stochastic_depth_prob: float, norm_layer: Layer,
                 **options: Any) -> None:
        super().__init__()
        if not 1 <= cnf.stride <= 2:
            raise ValueError("illegal stride value")
        self.use_res_connect = cnf.stride == 1 and cnf.input_channels == cnf.out_channels
        width = cnf.adjust_channels(cnf.input_channels, cnf.expand_ratio)
        active = partial(Conv2dNormActivation, norm_layer=norm_layer, activation_layer=nn.SiLU)
        linear = partial(Conv2dNormActivation, norm_layer=norm_layer, activation_layer=None)
        self.block = nn.Sequential(*self.layers(cnf, width, active, linear, **options))
        self.stochastic_depth = StochasticDepth(stochastic_depth_prob, "row")
        self.out_channels = cnf.out_channels

    @staticmethod
    def layers(cnf: Any, width: int, active: Layer, linear: Layer,
               **options: Any) -> list[nn.Module]:
        """The layers of the block, `width` channels wide inside."""
        raise NotImplementedError

    def forward(self, input: Tensor) -> Tensor:
        """(batch, channels, height, width)."""
        result = self.block(input)
        return self.stochastic_depth(result) + input if self.use_res_connect else result


class MBConv(_Residual):
    """1x1, depthwise, squeeze-excitation and a linear 1x1."""

    def __init__(self, cnf: MBConvConfig, stochastic_depth_prob: float, norm_layer: Layer,
                 se_layer: Layer = SqueezeExcitation) -> None:
        super().__init__(cnf, stochastic_depth_prob, norm_layer, se_layer=se_layer)

    @staticmethod
    def layers(cnf: Any, width: int, active: Layer, linear: Layer,
               **options: Any) -> list[nn.Module]:
        """The layers of the block, `width` channels wide inside."""
        wider = [active(cnf.input_channels, width, 1)] if width != cnf.input_channels else []
        return [*wider, active(width, width, cnf.kernel, cnf.stride, groups=width),
                options["se_layer"](width, max(1, cnf.input_channels // 4),
                                    activation=partial(nn.SiLU, inplace=True)),
                linear(width, cnf.out_channels, 1)]


class FusedMBConv(_Residual):
    """One full convolution in place of the 1x1 and the depthwise, and a linear 1x1."""

    @staticmethod
    def layers(cnf: Any, width: int, active: Layer, linear: Layer,
               **options: Any) -> list[nn.Module]:
        """The layers of the block, `width` channels wide inside."""
        if width == cnf.input_channels:
            return [active(width, cnf.out_channels, cnf.kernel, cnf.stride)]
        return [active(cnf.input_channels, width, cnf.kernel, cnf.stride),
                linear(width, cnf.out_channels, 1)]


class EfficientNet(nn.Module):
    """Depth, width and resolution scaled together (Tan and Le, 2019; v2: 2021).

    Args:
        inverted_residual_setting: the stages. dropout: before the last layer.
        stochastic_depth_prob: of the last block; of earlier ones in proportion.
        norm_layer: in place of BatchNorm2d.
        last_channel: of the last convolution; None: four times its input's.
    """

    def __init__(self, inverted_residual_setting: Sequence[MBConvConfig | FusedMBConvConfig],
                 dropout: float, stochastic_depth_prob: float = 0.2, num_classes: int = 1000,
                 norm_layer: Layer | None = None, last_channel: int | None = None) -> None:
        super().__init__()
        setting = inverted_residual_setting
        if not setting:
            raise ValueError("The inverted_residual_setting should not be empty")
        if not (isinstance(setting, Sequence)
                and all(isinstance(each, _MBConvConfig) for each in setting)):
            raise TypeError("The inverted_residual_setting should be List[MBConvConfig]")
        norm = nn.BatchNorm2d if norm_layer is None else norm_layer
        options = {"norm_layer": norm, "activation_layer": nn.SiLU}
        layers: list[nn.Module] = [Conv2dNormActivation(3, setting[0].input_channels, 3, 2,
                                                        **options)]
        total, number = sum(each.num_layers for each in setting), 0
        for each in setting:
            stage = []
            for i in range(each.num_layers):
                own = _inner(each) if i else each
                stage.append(own.block(own, stochastic_depth_prob * number / total, norm))
                number += 1
            layers.append(nn.Sequential(*stage))
        last = setting[-1].out_channels
        wide = 4 * last if last_channel is None else last_channel
        layers.append(Conv2dNormActivation(last, wide, 1, **options))
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(nn.Dropout(dropout, inplace=True),
                                        nn.Linear(wide, num_classes))
        self._init_weights()

    def _init_weights(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")
            elif isinstance(module, nn.BatchNorm2d | nn.GroupNorm):
                nn.init.ones_(module.weight)
            elif isinstance(module, nn.Linear):
                bound = 1.0 / math.sqrt(module.out_features)
                nn.init.uniform_(module.weight, -bound, bound)
            else:
                continue
            if module.bias is not None:
                nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, 3, height, width) pictures give (batch, num_classes) scores."""
        return self.classifier(flatten(self.avgpool(self.features(x)), 1))


def _inner(stage: _MBConvConfig) -> _MBConvConfig:
    """The sizes of the blocks after the first of a stage."""
    fields = {name: getattr(stage, name) for name in _MBConvConfig.__dataclass_fields__}
    return _MBConvConfig(**{**fields, "input_channels": stage.out_channels, "stride": 1})


def _scaled(width: float, depth: float, dropout: float, **options: Any) -> EfficientNet:
    setting = [MBConvConfig(*stage, width_mult=width, depth_mult=depth) for stage in STAGES]
    return EfficientNet(setting, **{"dropout": dropout, **options})


def _second(stages: Sequence[tuple[int, ...]], dropout: float, **options: Any) -> EfficientNet:
    setting = [(FusedMBConvConfig if i < FUSED else MBConvConfig)(*stage)
               for i, stage in enumerate(stages)]
    return EfficientNet(setting, **{"dropout": dropout, "norm_layer": V2_NORM, **options},
                        last_channel=1280)


@model("EfficientNet_B0_Weights")
def efficientnet_b0(**options: Any) -> EfficientNet:
    """EfficientNet B0 (Tan and Le, 2019)."""
    return _scaled(1.0, 1.0, 0.2, **options)


@model("EfficientNet_B1_Weights")
def efficientnet_b1(**options: Any) -> EfficientNet:
    """EfficientNet B1 (Tan and Le, 2019)."""
    return _scaled(1.0, 1.1, 0.2, **options)


@model("EfficientNet_B2_Weights")
def efficientnet_b2(**options: Any) -> EfficientNet:
    """EfficientNet B2 (Tan and Le, 2019)."""
    return _scaled(1.1, 1.2, 0.3, **options)


@model("EfficientNet_B3_Weights")
def efficientnet_b3(**options: Any) -> EfficientNet:
    """EfficientNet B3 (Tan and Le, 2019)."""
    return _scaled(1.2, 1.4, 0.3, **options)


@model("EfficientNet_B4_Weights")
def efficientnet_b4(**options: Any) -> EfficientNet:
    """EfficientNet B4 (Tan and Le, 2019)."""
    return _scaled(1.4, 1.8, 0.4, **options)


@model("EfficientNet_B5_Weights")
def efficientnet_b5(**options: Any) -> EfficientNet:
    """EfficientNet B5 (Tan and Le, 2019)."""
    return _scaled(1.6, 2.2, 0.4, **{"norm_layer": V1_NORM, **options})


@model("EfficientNet_B6_Weights")
def efficientnet_b6(**options: Any) -> EfficientNet:
    """EfficientNet B6 (Tan and Le, 2019)."""
    return _scaled(1.8, 2.6, 0.5, **{"norm_layer": V1_NORM, **options})


@model("EfficientNet_B7_Weights")
def efficientnet_b7(**options: Any) -> EfficientNet:
    """EfficientNet B7 (Tan and Le, 2019)."""
    return _scaled(2.0, 3.1, 0.5, **{"norm_layer": V1_NORM, **options})


@model("EfficientNet_V2_S_Weights")
def efficientnet_v2_s(**options: Any) -> EfficientNet:
    """EfficientNet v2, small (Tan and Le, 2021)."""
    return _second(SMALL, 0.2, **options)


@model("EfficientNet_V2_M_Weights")
def efficientnet_v2_m(**options: Any) -> EfficientNet:
    """EfficientNet v2, medium (Tan and Le, 2021)."""
    return _second(MEDIUM, 0.3, **options)


@model("EfficientNet_V2_L_Weights")
def efficientnet_v2_l(**options: Any) -> EfficientNet:
    """EfficientNet v2, large (Tan and Le, 2021)."""
    return _second(LARGE, 0.4, **options)
