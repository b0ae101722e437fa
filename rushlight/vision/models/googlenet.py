"""GoogLeNet."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from rushlight import nn
from rushlight.ops import cat, flatten
from rushlight.tensor import Tensor
from rushlight.vision.models.inception import (
    BasicConv2d,
    from_imagenet_scale,
    init_truncated,
    warn_of_init,
)
from rushlight.vision.models.weights import model

__all__ = ["GoogLeNet", "GoogLeNetOutputs", "_GoogLeNetOutputs", "googlenet"]

F = nn.functional
Layer = Callable[..., nn.Module]
# Of each block: channels in, of the 1x1, before and of the 3x3, before and of the second 3x3,
# after pooling.
SETTING = {
    "3a": (192, 64, 96, 128, 16, 32, 32), "3b": (256, 128, 128, 192, 32, 96, 64),
    "4a": (480, 192, 96, 208, 16, 48, 64), "4b": (512, 160, 112, 224, 24, 64, 64),
    "4c": (512, 128, 128, 256, 24, 64, 64), "4d": (512, 112, 144, 288, 32, 64, 64),
    "4e": (528, 256, 160, 320, 32, 128, 128), "5a": (832, 256, 160, 320, 32, 128, 128),
    "5b": (832, 384, 192, 384, 48, 128, 128)}


class GoogLeNetOutputs(NamedTuple):
    """Scores while training: of the whole net, of the later and of the earlier head."""

    logits: Tensor
    aux_logits2: Tensor | None
    aux_logits1: Tensor | None


_GoogLeNetOutputs = GoogLeNetOutputs  # a name that older programs use


class Inception(nn.Module):
    """A 1x1, two 3x3 and a pooled branch, joined along the channels.

    The third branch is 5x5 in the paper; the published weights are of a 3x3.
    """

    def __init__(self, in_channels: int, ch1x1: int, ch3x3red: int, ch3x3: int, ch5x5red: int,
                 ch5x5: int, pool_proj: int, conv_block: Layer | None = None) -> None:
        super().__init__()
        conv: Layer = BasicConv2d if conv_block is None else conv_block
        self.branch1 = conv(in_channels, ch1x1, kernel_size=1)
        self.branch2 = nn.Sequential(conv(in_channels, ch3x3red, kernel_size=1),
                                     conv(ch3x3red, ch3x3, kernel_size=3, padding=1))
        self.branch3 = nn.Sequential(conv(in_channels, ch5x5red, kernel_size=1),
                                     conv(ch5x5red, ch5x5, kernel_size=3, padding=1))
        self.branch4 = nn.Sequential(nn.MaxPool2d(3, 1, 1, ceil_mode=True),
                                     conv(in_channels, pool_proj, kernel_size=1))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, height, width)."""
        return cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], 1)


class InceptionAux(nn.Module):
    """A head halfway up, which gives the lower layers a gradient of their own."""

    def __init__(self, in_channels: int, num_classes: int, conv_block: Layer | None = None,
                 dropout: float = 0.7) -> None:
        super().__init__()
        self.conv = (BasicConv2d if conv_block is None else conv_block)(in_channels, 128,
                                                                         kernel_size=1)
        self.fc1, self.fc2 = nn.Linear(2048, 1024), nn.Linear(1024, num_classes)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, height, width) gives (batch, num_classes)."""
        x = flatten(self.conv(F.adaptive_avg_pool2d(x, (4, 4))), 1)
        return self.fc2(self.dropout(F.relu(self.fc1(x), inplace=True)))


class GoogLeNet(nn.Module):
    """Nine blocks of parallel convolutions and two auxiliary heads (Szegedy et al., 2015).

    While training with `aux_logits`, `GoogLeNetOutputs` come back.

    Args:
        aux_logits: with the heads halfway up. transform_input: pictures are normalised by
            ImageNet's means and deviations, the weights want (value - 0.5) / 0.5.
        init_weights: draw from truncated normals; None: do, and warn that this may change.
        blocks: in place of `BasicConv2d`, `Inception` and `InceptionAux`.
        dropout, dropout_aux: before the last layer, and in the heads.
    """

    def __init__(self, num_classes: int = 1000, aux_logits: bool = True,
                 transform_input: bool = False, init_weights: bool | None = None,
                 blocks: Sequence[Layer] | None = None, dropout: float = 0.2,
                 dropout_aux: float = 0.7) -> None:
        super().__init__()
        made: Any = (BasicConv2d, Inception, InceptionAux) if blocks is None else blocks
        init_weights = warn_of_init("GoogleNet") if init_weights is None else init_weights
        if len(made) != 3:
            raise ValueError(f"blocks length should be 3 instead of {len(made)}")
        conv, inception, aux = made
        self.aux_logits, self.transform_input = aux_logits, transform_input
        self.conv1 = conv(3, 64, kernel_size=7, stride=2, padding=3)
        self.maxpool1 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.conv2 = conv(64, 64, kernel_size=1)
        self.conv3 = conv(64, 192, kernel_size=3, padding=1)
        self.maxpool2 = nn.MaxPool2d(3, 2, ceil_mode=True)
        for name, sizes in SETTING.items():
            setattr(self, f"inception{name}", inception(*sizes))
            if name == "3b":
                self.maxpool3 = nn.MaxPool2d(3, 2, ceil_mode=True)
            if name == "4e":
                self.maxpool4 = nn.MaxPool2d(2, 2, ceil_mode=True)
        self.aux1 = aux(512, num_classes, dropout=dropout_aux) if aux_logits else None
        self.aux2 = aux(528, num_classes, dropout=dropout_aux) if aux_logits else None
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(1024, num_classes)
        if init_weights:
            init_truncated(self, 0.01)

    def forward(self, x: Tensor) -> Tensor | GoogLeNetOutputs:
        """(batch, 3, height, width) pictures give (batch, num_classes) scores."""
        if self.transform_input:
            x = from_imagenet_scale(x)
        x = self.maxpool2(self.conv3(self.conv2(self.maxpool1(self.conv1(x)))))
        x = self.inception4a(self.maxpool3(self.inception3b(self.inception3a(x))))
        aux1 = self.aux1(x) if self.aux1 is not None and self.training else None
        x = self.inception4d(self.inception4c(self.inception4b(x)))
        aux2 = self.aux2(x) if self.aux2 is not None and self.training else None
        x = self.inception5b(self.inception5a(self.maxpool4(self.inception4e(x))))
        x = self.fc(self.dropout(flatten(self.avgpool(x), 1)))
        return GoogLeNetOutputs(x, aux2, aux1) if self.training and self.aux_logits else x


def _load(build: Callable[..., GoogLeNet], state: Mapping[str, Any], weights: Any,
          **options: Any) -> GoogLeNet:
    """The published weights have untrained heads, which are dropped unless they are wanted."""
    keep = options.pop("aux_logits", False)
    net = build(**{"transform_input": True, "init_weights": False, **options}, aux_logits=True)
    net.load_state_dict(state)
    if keep:
        warnings.warn("auxiliary heads in the pretrained googlenet model are NOT pretrained, so "
                      "make sure to train them", stacklevel=3)
    else:
        net.aux_logits, net.aux1, net.aux2 = False, None, None
    return net


@model("GoogLeNet_Weights", load=_load)
def googlenet(**options: Any) -> GoogLeNet:
    """GoogLeNet, or Inception v1 (Szegedy et al., 2015)."""
    return GoogLeNet(**options)
