"""MnasNet."""

from __future__ import annotations

from typing import Any

from rushlight import nn
from rushlight.tensor import Tensor
from rushlight.vision.models.weights import model

__all__ = ["MNASNet", "mnasnet0_5", "mnasnet0_75", "mnasnet1_0", "mnasnet1_3"]

MOMENTUM = 1 - 0.9997
WIDTHS = (32, 16, 24, 40, 80, 96, 192, 320)
# Kernel, stride, expansion, how many blocks.
STACKS = ((3, 2, 3, 3), (5, 2, 3, 3), (5, 2, 6, 3), (3, 1, 6, 2), (5, 2, 6, 4), (3, 1, 6, 1))


class _InvertedResidual(nn.Module):
    """Wider by a 1x1 convolution, a depthwise one, and narrow again by a linear 1x1 one."""

    def __init__(self, in_ch: int, out_ch: int, kernel_size: int, stride: int,
                 expansion_factor: int, bn_momentum: float = 0.1) -> None:
        super().__init__()
        if stride not in (1, 2) or kernel_size not in (3, 5):
            raise ValueError(f"stride should be 1 or 2 and kernel_size 3 or 5, not {stride} and "
                             f"{kernel_size}")
        width = in_ch * expansion_factor
        self.apply_residual = in_ch == out_ch and stride == 1
        self.layers = nn.Sequential(
            nn.Conv2d(in_ch, width, 1, bias=False), nn.BatchNorm2d(width, momentum=bn_momentum),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, kernel_size, stride, kernel_size // 2, groups=width,
                      bias=False),
            nn.BatchNorm2d(width, momentum=bn_momentum), nn.ReLU(inplace=True),
            nn.Conv2d(width, out_ch, 1, bias=False),
            nn.BatchNorm2d(out_ch, momentum=bn_momentum))

    def forward(self, input: Tensor) -> Tensor:
        """(batch, channels, height, width)."""
        return self.layers(input) + input if self.apply_residual else self.layers(input)


def _eighths(value: float) -> int:
    """The multiple of 8 nearest to `value`, but not less than nine tenths of it."""
    near = max(8, int(value + 4) // 8 * 8)
    return near if near >= 0.9 * value else near + 8


class MNASNet(nn.Module):
    """Inverted residuals found by search for phones (Tan et al., 2019), B1 without excitation.

    alpha: scales all channels.
    """

    def __init__(self, alpha: float, num_classes: int = 1000, dropout: float = 0.2) -> None:
        super().__init__()
        if alpha <= 0.0:
            raise ValueError(f"alpha should be greater than 0.0 instead of {alpha}")
        self.alpha, self.num_classes = alpha, num_classes
        stem, first, *widths = (_eighths(width * alpha) for width in WIDTHS)
        norm = lambda channels: nn.BatchNorm2d(channels, momentum=MOMENTUM)  # noqa: E731
        layers: list[nn.Module] = [
            nn.Conv2d(3, stem, 3, 2, 1, bias=False), norm(stem), nn.ReLU(inplace=True),
            nn.Conv2d(stem, stem, 3, 1, 1, groups=stem, bias=False), norm(stem),
            nn.ReLU(inplace=True), nn.Conv2d(stem, first, 1, bias=False), norm(first)]
        inside = first
        for (kernel, stride, expansion, count), width in zip(STACKS, widths, strict=True):
            layers.append(nn.Sequential(*(
                _InvertedResidual(width if i else inside, width, kernel, 1 if i else stride,
                                  expansion, MOMENTUM) for i in range(count))))
            inside = width
        layers += [nn.Conv2d(inside, 1280, 1, bias=False), norm(1280), nn.ReLU(inplace=True)]
        self.layers = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Dropout(dropout, True), nn.Linear(1280, num_classes))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(module, nn.BatchNorm2d):
                nn.init.ones_(module.weight)
                nn.init.zeros_(module.bias)
            elif isinstance(module, nn.Linear):
                nn.init.kaiming_uniform_(module.weight, mode="fan_out", nonlinearity="sigmoid")
                nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, 3, height, width) pictures give (batch, num_classes) scores."""
        return self.classifier(self.layers(x).mean([2, 3]))


@model("MNASNet0_5_Weights")
def mnasnet0_5(**options: Any) -> MNASNet:
    """MnasNet of half the width (Tan et al., 2019)."""
    return MNASNet(0.5, **options)


@model("MNASNet0_75_Weights")
def mnasnet0_75(**options: Any) -> MNASNet:
    """MnasNet of three quarters of the width (Tan et al., 2019)."""
    return MNASNet(0.75, **options)


@model("MNASNet1_0_Weights")
def mnasnet1_0(**options: Any) -> MNASNet:
    """MnasNet (Tan et al., 2019)."""
    return MNASNet(1.0, **options)


@model("MNASNet1_3_Weights")
def mnasnet1_3(**options: Any) -> MNASNet:
    """MnasNet of 1.3 times the width (Tan et al., 2019)."""
    return MNASNet(1.3, **options)
