"""MobileNet v2."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rushlight import nn
from rushlight.ops import flatten
from rushlight.tensor import Tensor
from rushlight.vision.models.weights import model
from rushlight.vision.ops import Conv2dNormActivation

__all__ = ["MobileNetV2", "mobilenet_v2"]

Layer = Callable[..., nn.Module]
# Expansion, channels out, how many blocks, stride of the first.
SETTING = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1),
           (6, 160, 3, 2), (6, 320, 1, 1))


def make_divisible(value: float, divisor: int, least: int | None = None) -> int:
    """The multiple of `divisor` nearest to `value`, but not less than nine tenths of it."""
    near = max(least or divisor, int(value + divisor / 2) // divisor * divisor)
    return near + divisor if near < 0.9 * value else near


class InvertedResidual(nn.Module):
    """Wider by a 1x1 convolution, a depthwise 3x3 one, and narrow again by a linear 1x1 one."""

    def __init__(self, inp: int, oup: int, stride: int, expand_ratio: int,
                 norm_layer: Layer | None = None) -> None:
        super().__init__()
        if stride not in (1, 2):
            raise ValueError(f"stride should be 1 or 2 instead of {stride}")
        norm = nn.BatchNorm2d if norm_layer is None else norm_layer
        hidden = round(inp * expand_ratio)
        layers: list[nn.Module] = []
        if expand_ratio != 1:
            layers.append(Conv2dNormActivation(inp, hidden, 1, norm_layer=norm,
                                               activation_layer=nn.ReLU6))
        layers.append(Conv2dNormActivation(hidden, hidden, stride=stride, groups=hidden,
                                           norm_layer=norm, activation_layer=nn.ReLU6))
        layers += [nn.Conv2d(hidden, oup, 1, bias=False), norm(oup)]
        self.conv = nn.Sequential(*layers)
        self.stride, self.out_channels = stride, oup
        self.use_res_connect = stride == 1 and inp == oup

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, height, width)."""
        return x + self.conv(x) if self.use_res_connect else self.conv(x)


class MobileNetV2(nn.Module):
    """Inverted residuals (Sandler et al., 2018).

    Args:
        width_mult: scales all channels. round_nearest: channels are multiples of it.
        inverted_residual_setting: (expansion, channels, count, stride) of each stage.
        block, norm_layer: in place of `InvertedResidual` and BatchNorm2d.
    """

    def __init__(self, num_classes: int = 1000, width_mult: float = 1.0,
                 inverted_residual_setting: Sequence[Sequence[int]] | None = None,
                 round_nearest: int = 8, block: Layer | None = None,
                 norm_layer: Layer | None = None, dropout: float = 0.2) -> None:
        super().__init__()
        make_block: Any = InvertedResidual if block is None else block
        norm = nn.BatchNorm2d if norm_layer is None else norm_layer
        setting = SETTING if inverted_residual_setting is None else inverted_residual_setting
        if not setting or any(len(stage) != 4 for stage in setting):
            raise ValueError("inverted_residual_setting should be non-empty or a 4-element list, "
                             f"got {inverted_residual_setting}")
        channels = make_divisible(32 * width_mult, round_nearest)
        self.last_channel = make_divisible(1280 * max(1.0, width_mult), round_nearest)
        layers: list[nn.Module] = [Conv2dNormActivation(
            3, channels, stride=2, norm_layer=norm, activation_layer=nn.ReLU6)]
        for expansion, width, count, stride in setting:
            out = make_divisible(width * width_mult, round_nearest)
            for i in range(count):
                layers.append(make_block(channels, out, stride if i == 0 else 1,
                                         expand_ratio=expansion, norm_layer=norm))
                channels = out
        layers.append(Conv2dNormActivation(channels, self.last_channel, 1, norm_layer=norm,
                                           activation_layer=nn.ReLU6))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Dropout(dropout),
                                        nn.Linear(self.last_channel, num_classes))
        init_mobile(self)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, 3, height, width) pictures give (batch, num_classes) scores."""
        pooled = nn.functional.adaptive_avg_pool2d(self.features(x), (1, 1))
        return self.classifier(flatten(pooled, 1))


def init_mobile(net: nn.Module) -> None:
    """Initial values of the MobileNets."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm2d | nn.GroupNorm):
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, 0, 0.01)
            nn.init.zeros_(module.bias)


@model("MobileNet_V2_Weights")
def mobilenet_v2(**options: Any) -> MobileNetV2:
    """MobileNet v2 (Sandler et al., 2018)."""
    return MobileNetV2(**options)
