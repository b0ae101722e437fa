"""DenseNet."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

from rushlight import nn
from rushlight.ops import cat, flatten
from rushlight.tensor import Tensor
from rushlight.utils.checkpoint import checkpoint
from rushlight.vision.models.weights import model

__all__ = ["DenseNet", "densenet121", "densenet161", "densenet169", "densenet201"]

F = nn.functional
_OLD_KEY = re.compile(r"(denselayer\d+\.(?:norm|relu|conv))\.([12]\.\w+)")


class _DenseLayer(nn.Module):
    """A 1x1 and a 3x3 convolution, each after norm and ReLU, of all that came before."""

    def __init__(self, num_input_features: int, growth_rate: int, bn_size: int, drop_rate: float,
                 memory_efficient: bool = False) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(num_input_features)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv1 = nn.Conv2d(num_input_features, bn_size * growth_rate, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(bn_size * growth_rate)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(bn_size * growth_rate, growth_rate, 3, padding=1, bias=False)
        self.drop_rate, self.memory_efficient = float(drop_rate), memory_efficient

    def _narrow(self, *features: Tensor) -> Tensor:
        return self.conv1(self.relu1(self.norm1(cat(features, 1))))

    def forward(self, input: Tensor | list[Tensor]) -> Tensor:
        """The features so far give `growth_rate` new channels."""
        features = [input] if isinstance(input, Tensor) else input
        if self.memory_efficient and any(f.requires_grad for f in features):
            narrow = checkpoint(self._narrow, *features, use_reentrant=False)
        else:
            narrow = self._narrow(*features)
        new = self.conv2(self.relu2(self.norm2(narrow)))
        return F.dropout(new, self.drop_rate, self.training) if self.drop_rate > 0 else new


class _DenseBlock(nn.ModuleDict):
    """Layers, each of which sees the outputs of all before it."""

    def __init__(self, num_layers: int, num_input_features: int, bn_size: int, growth_rate: int,
                 drop_rate: float, memory_efficient: bool = False) -> None:
        super().__init__({
            f"denselayer{i + 1}": _DenseLayer(num_input_features + i * growth_rate, growth_rate,
                                              bn_size, drop_rate, memory_efficient)
            for i in range(num_layers)})

    def forward(self, init_features: Tensor) -> Tensor:
        """(batch, channels, height, width); channels are added."""
        features = [init_features]
        for layer in self.values():
            features.append(layer(features))
        return cat(features, 1)


class _Transition(nn.Sequential):
    """Half the channels, half the height and width."""

    def __init__(self, num_input_features: int, num_output_features: int) -> None:
        super().__init__(OrderedDict(
            norm=nn.BatchNorm2d(num_input_features), relu=nn.ReLU(inplace=True),
            conv=nn.Conv2d(num_input_features, num_output_features, 1, bias=False),
            pool=nn.AvgPool2d(2, 2)))


class DenseNet(nn.Module):
    """Blocks in which every layer sees all before it (Huang et al., 2017).

    Args:
        growth_rate: channels that a layer adds. block_config: layers in each block.
        num_init_features: channels of the stem. bn_size: width of the 1x1 convolutions, as a
            multiple of growth_rate. drop_rate: dropout after each layer.
        memory_efficient: compute the wide parts again in backward.
    """

    def __init__(self, growth_rate: int = 32, block_config: Sequence[int] = (6, 12, 24, 16),
                 num_init_features: int = 64, bn_size: int = 4, drop_rate: float = 0,
                 num_classes: int = 1000, memory_efficient: bool = False) -> None:
        super().__init__()
        self.features = nn.Sequential(OrderedDict(
            conv0=nn.Conv2d(3, num_init_features, 7, 2, 3, bias=False),
            norm0=nn.BatchNorm2d(num_init_features), relu0=nn.ReLU(inplace=True),
            pool0=nn.MaxPool2d(3, 2, 1)))
        channels = num_init_features
        for i, layers in enumerate(block_config, 1):
            self.features.add_module(f"denseblock{i}", _DenseBlock(
                layers, channels, bn_size, growth_rate, drop_rate, memory_efficient))
            channels += layers * growth_rate
            if i < len(block_config):
                self.features.add_module(f"transition{i}", _Transition(channels, channels // 2))
                channels //= 2
        self.features.add_module("norm5", nn.BatchNorm2d(channels))
        self.classifier = nn.Linear(channels, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)
            elif isinstance(module, nn.BatchNorm2d):
                nn.init.constant_(module.weight, 1)
                nn.init.constant_(module.bias, 0)
            elif isinstance(module, nn.Linear):
                nn.init.constant_(module.bias, 0)

    def load_state_dict(self, state_dict: Mapping[str, Any], *args: Any, **options: Any) -> Any:
        """As of every module; keys of old files, such as `norm.1.weight`, are understood."""
        renamed = OrderedDict((_OLD_KEY.sub(r"\1\2", key), value)
                              for key, value in state_dict.items())
        return super().load_state_dict(renamed, *args, **options)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, 3, height, width) pictures give (batch, num_classes) scores."""
        features = F.relu(self.features(x), inplace=True)
        return self.classifier(flatten(F.adaptive_avg_pool2d(features, (1, 1)), 1))


@model("DenseNet121_Weights")
def densenet121(**options: Any) -> DenseNet:
    """DenseNet-121 (Huang et al., 2017)."""
    return DenseNet(32, (6, 12, 24, 16), 64, **options)


@model("DenseNet161_Weights")
def densenet161(**options: Any) -> DenseNet:
    """DenseNet-161 (Huang et al., 2017)."""
    return DenseNet(48, (6, 12, 36, 24), 96, **options)


@model("DenseNet169_Weights")
def densenet169(**options: Any) -> DenseNet:
    """DenseNet-169 (Huang et al., 2017)."""
    return DenseNet(32, (6, 12, 32, 32), 64, **options)


@model("DenseNet201_Weights")
def densenet201(**options: Any) -> DenseNet:
    """DenseNet-201 (Huang et al., 2017)."""
    return DenseNet(32, (6, 12, 48, 32), 64, **options)
