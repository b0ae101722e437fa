"""VGG."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rushlight import nn
from rushlight.ops import flatten
from rushlight.tensor import Tensor
from rushlight.vision.models.weights import model

__all__ = ["VGG", "vgg11", "vgg11_bn", "vgg13", "vgg13_bn", "vgg16", "vgg16_bn", "vgg19",
           "vgg19_bn"]

WIDTHS = (64, 128, 256, 512, 512)  # of the five stages


def _stages(*counts: int) -> list[int | str]:
    """As many convolutions of each width, each stage followed by pooling."""
    return [each for count, width in zip(counts, WIDTHS, strict=True)
            for each in (*(width,) * count, "M")]


cfgs = {"A": _stages(1, 1, 2, 2, 2), "B": _stages(2, 2, 2, 2, 2), "D": _stages(2, 2, 3, 3, 3),
        "E": _stages(2, 2, 4, 4, 4)}  # the names are the paper's


class VGG(nn.Module):
    """Stages of 3x3 convolutions with pooling between, and three linear layers.

    Args:
        features: the convolutional part, with 512 channels out.
        init_weights: Kaiming's initial values for convolutions, small ones for linear layers.
    """

    def __init__(self, features: nn.Module, num_classes: int = 1000, init_weights: bool = True,
                 dropout: float = 0.5) -> None:
        super().__init__()
        self.features = features
        self.avgpool = nn.AdaptiveAvgPool2d((7, 7))
        self.classifier = nn.Sequential(
            nn.Linear(512 * 7 * 7, 4096), nn.ReLU(True), nn.Dropout(dropout),
            nn.Linear(4096, 4096), nn.ReLU(True), nn.Dropout(dropout),
            nn.Linear(4096, num_classes))
        if init_weights:
            self._init_weights()

    def _init_weights(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                nn.init.constant_(module.bias, 0)
            elif isinstance(module, nn.BatchNorm2d):
                nn.init.constant_(module.weight, 1)
                nn.init.constant_(module.bias, 0)
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, 0, 0.01)
                nn.init.constant_(module.bias, 0)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, 3, height, width) pictures give (batch, num_classes) scores."""
        return self.classifier(flatten(self.avgpool(self.features(x)), 1))


def make_layers(cfg: Sequence[int | str], batch_norm: bool = False) -> nn.Sequential:
    """The convolutional part: a number is a 3x3 convolution of this width, "M" pools."""
    layers: list[nn.Module] = []
    inside = 3
    for width in cfg:
        if width == "M":
            layers.append(nn.MaxPool2d(2, 2))
            continue
        layers.append(nn.Conv2d(inside, width, 3, padding=1))
        if batch_norm:
            layers.append(nn.BatchNorm2d(width))
        layers.append(nn.ReLU(inplace=True))
        inside = width
    return nn.Sequential(*layers)


def _vgg(cfg: str, norm: bool, options: dict[str, Any]) -> VGG:
    return VGG(make_layers(cfgs[cfg], norm), **options)


@model("VGG11_Weights")
def vgg11(**options: Any) -> VGG:
    """VGG with 11 layers (Simonyan and Zisserman, 2015)."""
    return _vgg("A", False, options)


@model("VGG11_BN_Weights")
def vgg11_bn(**options: Any) -> VGG:
    """VGG with 11 layers and batch norm (Simonyan and Zisserman, 2015)."""
    return _vgg("A", True, options)


@model("VGG13_Weights")
def vgg13(**options: Any) -> VGG:
    """VGG with 13 layers (Simonyan and Zisserman, 2015)."""
    return _vgg("B", False, options)


@model("VGG13_BN_Weights")
def vgg13_bn(**options: Any) -> VGG:
    """VGG with 13 layers and batch norm (Simonyan and Zisserman, 2015)."""
    return _vgg("B", True, options)


@model("VGG16_Weights")
def vgg16(**options: Any) -> VGG:
    """VGG with 16 layers (Simonyan and Zisserman, 2015)."""
    return _vgg("D", False, options)


@model("VGG16_BN_Weights")
def vgg16_bn(**options: Any) -> VGG:
    """VGG with 16 layers and batch norm (Simonyan and Zisserman, 2015)."""
    return _vgg("D", True, options)


@model("VGG19_Weights")
def vgg19(**options: Any) -> VGG:
    """VGG with 19 layers (Simonyan and Zisserman, 2015)."""
    return _vgg("E", False, options)


@model("VGG19_BN_Weights")
def vgg19_bn(**options: Any) -> VGG:
    """VGG with 19 layers and batch norm (Simonyan and Zisserman, 2015)."""
    return _vgg("E", True, options)
