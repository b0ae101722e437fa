"""SqueezeNet."""

from __future__ import annotations

from typing import Any

from rushlight import nn
from rushlight.ops import cat, flatten
from rushlight.tensor import Tensor
from rushlight.vision.models.weights import model

__all__ = ["SqueezeNet", "squeezenet1_0", "squeezenet1_1"]


class Fire(nn.Module):
    """A 1x1 convolution to few channels, then 1x1 and 3x3 ones side by side to many."""

    def __init__(self, inplanes: int, squeeze_planes: int, expand1x1_planes: int,
                 expand3x3_planes: int) -> None:
        super().__init__()
        self.inplanes = inplanes
        self.squeeze = nn.Conv2d(inplanes, squeeze_planes, 1)
        self.squeeze_activation = nn.ReLU(inplace=True)
        self.expand1x1 = nn.Conv2d(squeeze_planes, expand1x1_planes, 1)
        self.expand1x1_activation = nn.ReLU(inplace=True)
        self.expand3x3 = nn.Conv2d(squeeze_planes, expand3x3_planes, 3, padding=1)
        self.expand3x3_activation = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, height, width)."""
        x = self.squeeze_activation(self.squeeze(x))
        return cat([self.expand1x1_activation(self.expand1x1(x)),
                    self.expand3x3_activation(self.expand3x3(x))], 1)


def _fires(inside: int, width: int, squeeze: int, count: int) -> list[nn.Module]:
    """Blocks with twice `width` channels out."""
    return [Fire(inside if i == 0 else 2 * width, squeeze, width, width) for i in range(count)]


def _pool() -> nn.MaxPool2d:
    return nn.MaxPool2d(3, 2, ceil_mode=True)


class SqueezeNet(nn.Module):
    """Fire blocks with pooling between; the last layer is a 1x1 convolution and a mean.

    version: "1_0", or "1_1", which takes less than half the time.
    """

    def __init__(self, version: str = "1_0", num_classes: int = 1000,
                 dropout: float = 0.5) -> None:
        super().__init__()
        self.num_classes = num_classes
        small = [*_fires(96 if version == "1_0" else 64, 64, 16, 2)]
        middle, large = _fires(128, 128, 32, 2), _fires(256, 192, 48, 2)
        last = _fires(384, 256, 64, 2)
        relu = nn.ReLU(inplace=True)
        if version == "1_0":
            layers = [nn.Conv2d(3, 96, 7, 2), relu, _pool(), *small, middle[0], _pool(), middle[1],
                      *large, last[0], _pool(), last[1]]
        elif version == "1_1":
            layers = [nn.Conv2d(3, 64, 3, 2), relu, _pool(), *small, _pool(), *middle, _pool(),
                      *large, *last]
        else:
            raise ValueError(f"Unsupported SqueezeNet version {version}: 1_0 or 1_1 expected")
        self.features = nn.Sequential(*layers)
        classes = nn.Conv2d(512, num_classes, 1)
        self.classifier = nn.Sequential(nn.Dropout(dropout), classes, nn.ReLU(inplace=True),
                                        nn.AdaptiveAvgPool2d((1, 1)))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                if module is classes:
                    nn.init.normal_(module.weight, 0.0, 0.01)
                else:
                    nn.init.kaiming_uniform_(module.weight)
                nn.init.constant_(module.bias, 0)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, 3, height, width) pictures give (batch, num_classes) scores."""
        return flatten(self.classifier(self.features(x)), 1)


@model("SqueezeNet1_0_Weights")
def squeezenet1_0(**options: Any) -> SqueezeNet:
    """SqueezeNet 1.0 (Iandola et al., 2016)."""
    return SqueezeNet("1_0", **options)


@model("SqueezeNet1_1_Weights")
def squeezenet1_1(**options: Any) -> SqueezeNet:
    """SqueezeNet 1.1, of less than half the cost."""
    return SqueezeNet("1_1", **options)
