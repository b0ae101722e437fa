"""MobileNet v3."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from rushlight import nn
from rushlight.ops import flatten
from rushlight.tensor import Tensor
from rushlight.vision.models.mobilenetv2 import init_mobile, make_divisible
from rushlight.vision.models.weights import model
from rushlight.vision.ops import Conv2dNormActivation, SqueezeExcitation

__all__ = ["MobileNetV3", "mobilenet_v3_large", "mobilenet_v3_small"]

Layer = Callable[..., nn.Module]
# Channels in, kernel, expanded channels, channels out, squeeze-excitation, activation (RE or HS),
# stride.
LARGE = ((16, 3, 16, 16, False, "RE", 1), (16, 3, 64, 24, False, "RE", 2),
         (24, 3, 72, 24, False, "RE", 1), (24, 5, 72, 40, True, "RE", 2),
         (40, 5, 120, 40, True, "RE", 1), (40, 5, 120, 40, True, "RE", 1),
         (40, 3, 240, 80, False, "HS", 2), (80, 3, 200, 80, False, "HS", 1),
         (80, 3, 184, 80, False, "HS", 1), (80, 3, 184, 80, False, "HS", 1),
         (80, 3, 480, 112, True, "HS", 1), (112, 3, 672, 112, True, "HS", 1),
         (112, 5, 672, 160, True, "HS", 2), (160, 5, 960, 160, True, "HS", 1),
         (160, 5, 960, 160, True, "HS", 1))
SMALL = ((16, 3, 16, 16, True, "RE", 2), (16, 3, 72, 24, False, "RE", 2),
         (24, 3, 88, 24, False, "RE", 1), (24, 5, 96, 40, True, "HS", 2),
         (40, 5, 240, 40, True, "HS", 1), (40, 5, 240, 40, True, "HS", 1),
         (40, 5, 120, 48, True, "HS", 1), (48, 5, 144, 48, True, "HS", 1),
         (48, 5, 288, 96, True, "HS", 2), (96, 5, 576, 96, True, "HS", 1),
         (96, 5, 576, 96, True, "HS", 1))
EXCITATION = partial(SqueezeExcitation, scale_activation=nn.Hardsigmoid)
LAST_STAGE = 3  # blocks in the stage that reduced and dilated nets change


class InvertedResidualConfig:
    """The sizes of one block, scaled by `width_mult`."""

    def __init__(self, input_channels: int, kernel: int, expanded_channels: int,
                 out_channels: int, use_se: bool, activation: str, stride: int, dilation: int,
                 width_mult: float) -> None:
        adjust = partial(self.adjust_channels, width_mult=width_mult)
        self.input_channels, self.kernel = adjust(input_channels), kernel
        self.expanded_channels, self.out_channels = adjust(expanded_channels), adjust(out_channels)
        self.use_se, self.use_hs = use_se, activation == "HS"
        self.stride, self.dilation = stride, dilation

    @staticmethod
    def adjust_channels(channels: int, width_mult: float) -> int:
        """Scaled, and a multiple of 8."""
        return make_divisible(channels * width_mult, 8)


class InvertedResidual(nn.Module):
    """An inverted residual with squeeze-excitation before the last convolution."""

    def __init__(self, cnf: InvertedResidualConfig, norm_layer: Layer,
                 se_layer: Layer = EXCITATION) -> None:
        super().__init__()
        if not 1 <= cnf.stride <= 2:
            raise ValueError("illegal stride value")
        self.use_res_connect = cnf.stride == 1 and cnf.input_channels == cnf.out_channels
        options = {"norm_layer": norm_layer,
                   "activation_layer": nn.Hardswish if cnf.use_hs else nn.ReLU}
        width = cnf.expanded_channels
        layers: list[nn.Module] = []
        if width != cnf.input_channels:
            layers.append(Conv2dNormActivation(cnf.input_channels, width, 1, **options))
        layers.append(Conv2dNormActivation(
            width, width, cnf.kernel, 1 if cnf.dilation > 1 else cnf.stride, groups=width,
            dilation=cnf.dilation, **options))
        if cnf.use_se:
            layers.append(se_layer(width, make_divisible(width // 4, 8)))
        layers.append(Conv2dNormActivation(width, cnf.out_channels, 1, norm_layer=norm_layer,
                                           activation_layer=None))
        self.block = nn.Sequential(*layers)
        self.out_channels = cnf.out_channels
        self._is_cn = cnf.stride > 1

    def forward(self, input: Tensor) -> Tensor:
        """(batch, channels, height, width)."""
        result = self.block(input)
        return result + input if self.use_res_connect else result


class MobileNetV3(nn.Module):
    """Inverted residuals found by search (Howard et al., 2019).

    Args:
        inverted_residual_setting: the blocks. last_channel: of the hidden linear layer.
        block, norm_layer: in place of `InvertedResidual` and BatchNorm2d.
    """

    def __init__(self, inverted_residual_setting: Sequence[InvertedResidualConfig],
                 last_channel: int, num_classes: int = 1000, block: Layer | None = None,
                 norm_layer: Layer | None = None, dropout: float = 0.2, **_: Any) -> None:
        super().__init__()
        setting = inverted_residual_setting
        if not setting:
            raise ValueError("The inverted_residual_setting should not be empty")
        if not all(isinstance(each, InvertedResidualConfig) for each in setting):
            raise TypeError("The inverted_residual_setting should be "
                            "List[InvertedResidualConfig]")
        make_block: Any = InvertedResidual if block is None else block
        norm = partial(nn.BatchNorm2d, eps=0.001, momentum=0.01) if norm_layer is None \
            else norm_layer
        options = {"norm_layer": norm, "activation_layer": nn.Hardswish}
        last = setting[-1].out_channels
        self.features = nn.Sequential(
            Conv2dNormActivation(3, setting[0].input_channels, 3, 2, **options),
            *(make_block(each, norm) for each in setting),
            Conv2dNormActivation(last, 6 * last, 1, **options))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(nn.Linear(6 * last, last_channel),
                                        nn.Hardswish(inplace=True), nn.Dropout(dropout, True),
                                        nn.Linear(last_channel, num_classes))
        init_mobile(self)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, 3, height, width) pictures give (batch, num_classes) scores."""
        return self.classifier(flatten(self.avgpool(self.features(x)), 1))


def _mobilenet_v3(blocks: Sequence[tuple[Any, ...]], last_channel: int, width_mult: float = 1.0,
                  reduced_tail: bool = False, dilated: bool = False,
                  **options: Any) -> MobileNetV3:
    """reduced_tail: halve the last stage; dilated: keep its size by dilation."""
    divide = 2 if reduced_tail else 1
    first = len(blocks) - LAST_STAGE
    setting = []
    for i, (inside, kernel, width, out, use_se, activation, stride) in enumerate(blocks):
        if i >= first:
            inside, width = (inside, width) if i == first else (inside // divide, width // divide)
            out //= divide
        setting.append(InvertedResidualConfig(
            inside, kernel, width, out, use_se, activation, stride,
            2 if dilated and i >= first else 1, width_mult))
    last = InvertedResidualConfig.adjust_channels(last_channel // divide, width_mult)
    return MobileNetV3(setting, last, **options)


@model("MobileNet_V3_Large_Weights")
def mobilenet_v3_large(**options: Any) -> MobileNetV3:
    """MobileNet v3, large (Howard et al., 2019)."""
    return _mobilenet_v3(LARGE, 1280, **options)


@model("MobileNet_V3_Small_Weights")
def mobilenet_v3_small(**options: Any) -> MobileNetV3:
    """MobileNet v3, small (Howard et al., 2019)."""
    return _mobilenet_v3(SMALL, 1024, **options)
