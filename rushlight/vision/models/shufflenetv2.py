"""ShuffleNet v2."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rushlight import nn
from rushlight.ops import cat, channel_shuffle
from rushlight.tensor import Tensor
from rushlight.vision.models.weights import model

__all__ = ["ShuffleNetV2", "shufflenet_v2_x0_5", "shufflenet_v2_x1_0", "shufflenet_v2_x1_5",
           "shufflenet_v2_x2_0"]


def _depthwise(channels: int, stride: int) -> list[nn.Module]:
    return [nn.Conv2d(channels, channels, 3, stride, 1, groups=channels, bias=False),
            nn.BatchNorm2d(channels)]


def _pointwise(inside: int, outside: int) -> list[nn.Module]:
    return [nn.Conv2d(inside, outside, 1, bias=False), nn.BatchNorm2d(outside),
            nn.ReLU(inplace=True)]


class InvertedResidual(nn.Module):
    """Half of the channels pass through convolutions; then both halves are shuffled."""

    def __init__(self, inp: int, oup: int, stride: int) -> None:
        super().__init__()
        if not 1 <= stride <= 3:
            raise ValueError("illegal stride value")
        self.stride = stride
        half = oup // 2
        if stride == 1 and inp != half * 2:
            raise ValueError(f"Invalid combination of stride {stride}, inp {inp} and oup {oup} "
                             "values. If stride == 1 then inp should be equal to oup // 2 << 1.")
        self.branch1 = (nn.Sequential(*_depthwise(inp, stride), *_pointwise(inp, half))
                        if stride > 1 else nn.Sequential())
        self.branch2 = nn.Sequential(*_pointwise(inp if stride > 1 else half, half),
                                     *_depthwise(half, stride), *_pointwise(half, half))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, height, width)."""
        if self.stride == 1:
            kept, changed = x.chunk(2, 1)
        else:
            kept, changed = self.branch1(x), x
        return channel_shuffle(cat((kept, self.branch2(changed)), 1), 2)


class ShuffleNetV2(nn.Module):
    """Three stages of shuffled blocks (Ma et al., 2018).

    stages_repeats: blocks in each. stages_out_channels: of the stem, the stages, the last layer.
    """

    def __init__(self, stages_repeats: Sequence[int], stages_out_channels: Sequence[int],
                 num_classes: int = 1000,
                 inverted_residual: Callable[..., nn.Module] = InvertedResidual) -> None:
        super().__init__()
        if len(stages_repeats) != 3:
            raise ValueError("expected stages_repeats as list of 3 positive ints")
        if len(stages_out_channels) != 5:
            raise ValueError("expected stages_out_channels as list of 5 positive ints")
        stem, *widths, last = stages_out_channels
        self.conv1 = nn.Sequential(nn.Conv2d(3, stem, 3, 2, 1, bias=False),
                                   nn.BatchNorm2d(stem), nn.ReLU(inplace=True))
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        inside = stem
        for number, count, outside in zip((2, 3, 4), stages_repeats, widths, strict=True):
            blocks = [inverted_residual(inside, outside, 2),
                      *(inverted_residual(outside, outside, 1) for _ in range(count - 1))]
            setattr(self, f"stage{number}", nn.Sequential(*blocks))
            inside = outside
        self.conv5 = nn.Sequential(*_pointwise(inside, last))
        self.fc = nn.Linear(last, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, 3, height, width) pictures give (batch, num_classes) scores."""
        x = self.stage4(self.stage3(self.stage2(self.maxpool(self.conv1(x)))))
        return self.fc(self.conv5(x).mean([2, 3]))


@model("ShuffleNet_V2_X0_5_Weights")
def shufflenet_v2_x0_5(**options: Any) -> ShuffleNetV2:
    """ShuffleNet v2 of half the width (Ma et al., 2018)."""
    return ShuffleNetV2([4, 8, 4], [24, 48, 96, 192, 1024], **options)


@model("ShuffleNet_V2_X1_0_Weights")
def shufflenet_v2_x1_0(**options: Any) -> ShuffleNetV2:
    """ShuffleNet v2 (Ma et al., 2018)."""
    return ShuffleNetV2([4, 8, 4], [24, 116, 232, 464, 1024], **options)


@model("ShuffleNet_V2_X1_5_Weights")
def shufflenet_v2_x1_5(**options: Any) -> ShuffleNetV2:
    """ShuffleNet v2 of 1.5 times the width (Ma et al., 2018)."""
    return ShuffleNetV2([4, 8, 4], [24, 176, 352, 704, 1024], **options)


@model("ShuffleNet_V2_X2_0_Weights")
def shufflenet_v2_x2_0(**options: Any) -> ShuffleNetV2:
    """ShuffleNet v2 of twice the width (Ma et al., 2018)."""
    return ShuffleNetV2([4, 8, 4], [24, 244, 488, 976, 2048], **options)
