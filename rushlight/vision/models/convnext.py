"""ConvNeXt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from rushlight import nn
from rushlight.ops import ones
from rushlight.tensor import Parameter, Tensor
from rushlight.vision.models.weights import model
from rushlight.vision.ops import Conv2dNormActivation, Permute, StochasticDepth

__all__ = ["ConvNeXt", "convnext_base", "convnext_large", "convnext_small", "convnext_tiny"]

F = nn.functional
Layer = Callable[..., nn.Module]


class LayerNorm2d(nn.LayerNorm):
    """Layer norm over the channels of pictures."""

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, height, width)."""
        x = F.layer_norm(x.permute(0, 2, 3, 1), self.normalized_shape, self.weight, self.bias,
                         self.eps)
        return x.permute(0, 3, 1, 2)


class CNBlock(nn.Module):
    """A depthwise 7x7 convolution and a two-layer net at each place, beside the identity."""

    def __init__(self, dim: int, layer_scale: float, stochastic_depth_prob: float,
                 norm_layer: Layer | None = None) -> None:
        super().__init__()
        norm = partial(nn.LayerNorm, eps=1e-6) if norm_layer is None else norm_layer
        self.block = nn.Sequential(
            nn.Conv2d(dim, dim, 7, padding=3, groups=dim), Permute([0, 2, 3, 1]), norm(dim),
            nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim), Permute([0, 3, 1, 2]))
        self.layer_scale = Parameter(ones(dim, 1, 1) * layer_scale)
        self.stochastic_depth = StochasticDepth(stochastic_depth_prob, "row")

    def forward(self, input: Tensor) -> Tensor:
        """(batch, dim, height, width)."""
        return self.stochastic_depth(self.layer_scale * self.block(input)) + input


class CNBlockConfig:
    """The sizes of a stage: channels, channels of the next stage (None: there is none), blocks."""

    def __init__(self, input_channels: int, out_channels: int | None, num_layers: int) -> None:
        self.input_channels, self.out_channels = input_channels, out_channels
        self.num_layers = num_layers

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value}" for name, value in vars(self).items())
        return f"{type(self).__name__}({shown})"


class ConvNeXt(nn.Module):
    """A convolutional net of a transformer's proportions (Liu et al., 2022).

    Args:
        block_setting: the stages. stochastic_depth_prob: of the last block; of earlier ones in
            proportion. layer_scale: the blocks' outputs are scaled by this at first.
        block, norm_layer: in place of `CNBlock` and `LayerNorm2d`.
    """

    def __init__(self, block_setting: Sequence[CNBlockConfig], stochastic_depth_prob: float = 0.0,
                 layer_scale: float = 1e-6, num_classes: int = 1000, block: Layer | None = None,
                 norm_layer: Layer | None = None, **_: Any) -> None:
        super().__init__()
        if not block_setting:
            raise ValueError("The block_setting should not be empty")
        if not (isinstance(block_setting, Sequence)
                and all(isinstance(each, CNBlockConfig) for each in block_setting)):
            raise TypeError("The block_setting should be List[CNBlockConfig]")
        make_block: Any = CNBlock if block is None else block
        norm: Any = partial(LayerNorm2d, eps=1e-6) if norm_layer is None else norm_layer
        layers: list[nn.Module] = [Conv2dNormActivation(
            3, block_setting[0].input_channels, 4, 4, 0, norm_layer=norm, activation_layer=None,
            bias=True)]
        total, number = sum(each.num_layers for each in block_setting), 0
        for each in block_setting:
            rates = [stochastic_depth_prob * i / (total - 1.0)
                     for i in range(number, number + each.num_layers)]
            layers.append(nn.Sequential(*(make_block(each.input_channels, layer_scale, rate)
                                          for rate in rates)))
            number += each.num_layers
            if each.out_channels is not None:
                layers.append(nn.Sequential(
                    norm(each.input_channels),
                    nn.Conv2d(each.input_channels, each.out_channels, 2, 2)))
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        last = block_setting[-1]
        width = last.input_channels if last.out_channels is None else last.out_channels
        self.classifier = nn.Sequential(norm(width), nn.Flatten(1), nn.Linear(width, num_classes))
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, 3, height, width) pictures give (batch, num_classes) scores."""
        return self.classifier(self.avgpool(self.features(x)))


def _convnext(width: int, third: int, stochastic_depth_prob: float, **options: Any) -> ConvNeXt:
    """Stages of 3, 3, `third` and 3 blocks, each of twice the width of the one before."""
    widths = [width * 2**i for i in range(4)]
    setting = [CNBlockConfig(*sizes) for sizes in zip(widths, [*widths[1:], None],
                                                      [3, 3, third, 3], strict=True)]
    return ConvNeXt(setting, **{"stochastic_depth_prob": stochastic_depth_prob, **options})


@model("ConvNeXt_Tiny_Weights")
def convnext_tiny(**options: Any) -> ConvNeXt:
    """ConvNeXt, tiny (Liu et al., 2022)."""
    return _convnext(96, 9, 0.1, **options)


@model("ConvNeXt_Small_Weights")
def convnext_small(**options: Any) -> ConvNeXt:
    """ConvNeXt, small (Liu et al., 2022)."""
    return _convnext(96, 27, 0.4, **options)


@model("ConvNeXt_Base_Weights")
def convnext_base(**options: Any) -> ConvNeXt:
    """ConvNeXt, base (Liu et al., 2022)."""
    return _convnext(128, 27, 0.5, **options)


@model("ConvNeXt_Large_Weights")
def convnext_large(**options: Any) -> ConvNeXt:
    """ConvNeXt, large (Liu et al., 2022)."""
    return _convnext(192, 27, 0.5, **options)
