"""Inception v3."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from rushlight import nn
from rushlight.ops import cat, flatten, tensor
from rushlight.tensor import Tensor
from rushlight.vision.models.weights import model

__all__ = ["Inception3", "InceptionOutputs", "_InceptionOutputs", "inception_v3"]

F = nn.functional
Layer = Callable[..., nn.Module]


class InceptionOutputs(NamedTuple):
    """Scores while training: of the whole net, and of the auxiliary head."""

    logits: Tensor
    aux_logits: Tensor | None


_InceptionOutputs = InceptionOutputs  # a name that older programs use


class BasicConv2d(nn.Module):
    """A convolution without bias, batch norm and ReLU."""

    def __init__(self, in_channels: int, out_channels: int, **options: Any) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, bias=False, **options)
        self.bn = nn.BatchNorm2d(out_channels, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, height, width)."""
        return F.relu(self.bn(self.conv(x)), inplace=True)


class _Branches(nn.Module):
    """Chains of convolutions over the same input, joined along the channels.

    A subclass lists its convolutions in `layers` (name, channels in (0: the block's), channels out,
    kernel, other options), and the chains of their names, with what pools before one.
    """

    def build(self, conv_block: Layer | None, in_channels: int,
              layers: Sequence[tuple[str, int, int, Any, dict[str, Any]]]) -> None:
        """Make the convolutions."""
        block: Layer = BasicConv2d if conv_block is None else conv_block
        for name, inside, outside, kernel, options in layers:
            setattr(self, name, block(inside or in_channels, outside, kernel_size=kernel,
                                      **options))

    def chain(self, x: Tensor, *names: str) -> Tensor:
        """x through the convolutions of these names."""
        for name in names:
            x = getattr(self, name)(x)
        return x


class InceptionA(_Branches):
    """1x1, 5x5, two 3x3, and pooling, at 35x35."""

    def __init__(self, in_channels: int, pool_features: int,
                 conv_block: Layer | None = None) -> None:
        super().__init__()
        self.build(conv_block, in_channels, [
            ("branch1x1", 0, 64, 1, {}),
            ("branch5x5_1", 0, 48, 1, {}), ("branch5x5_2", 48, 64, 5, {"padding": 2}),
            ("branch3x3dbl_1", 0, 64, 1, {}), ("branch3x3dbl_2", 64, 96, 3, {"padding": 1}),
            ("branch3x3dbl_3", 96, 96, 3, {"padding": 1}),
            ("branch_pool", 0, pool_features, 1, {})])

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, height, width)."""
        return cat([self.branch1x1(x), self.chain(x, "branch5x5_1", "branch5x5_2"),
                    self.chain(x, "branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3"),
                    self.branch_pool(F.avg_pool2d(x, 3, 1, 1))], 1)


class InceptionB(_Branches):
    """From 35x35 to 17x17."""

    def __init__(self, in_channels: int, conv_block: Layer | None = None) -> None:
        super().__init__()
        self.build(conv_block, in_channels, [
            ("branch3x3", 0, 384, 3, {"stride": 2}),
            ("branch3x3dbl_1", 0, 64, 1, {}), ("branch3x3dbl_2", 64, 96, 3, {"padding": 1}),
            ("branch3x3dbl_3", 96, 96, 3, {"stride": 2})])

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, height, width); half of the height and width."""
        return cat([self.branch3x3(x),
                    self.chain(x, "branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3"),
                    F.max_pool2d(x, 3, 2)], 1)


WIDE, TALL = {"padding": (0, 3)}, {"padding": (3, 0)}  # of 1x7 and 7x1 convolutions


class InceptionC(_Branches):
    """7x7 convolutions as pairs of 1x7 and 7x1, at 17x17."""

    def __init__(self, in_channels: int, channels_7x7: int,
                 conv_block: Layer | None = None) -> None:
        super().__init__()
        c = channels_7x7
        self.build(conv_block, in_channels, [
            ("branch1x1", 0, 192, 1, {}),
            ("branch7x7_1", 0, c, 1, {}), ("branch7x7_2", c, c, (1, 7), WIDE),
            ("branch7x7_3", c, 192, (7, 1), TALL),
            ("branch7x7dbl_1", 0, c, 1, {}), ("branch7x7dbl_2", c, c, (7, 1), TALL),
            ("branch7x7dbl_3", c, c, (1, 7), WIDE), ("branch7x7dbl_4", c, c, (7, 1), TALL),
            ("branch7x7dbl_5", c, 192, (1, 7), WIDE),
            ("branch_pool", 0, 192, 1, {})])

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, height, width)."""
        return cat([self.branch1x1(x),
                    self.chain(x, *(f"branch7x7_{i}" for i in range(1, 4))),
                    self.chain(x, *(f"branch7x7dbl_{i}" for i in range(1, 6))),
                    self.branch_pool(F.avg_pool2d(x, 3, 1, 1))], 1)


class InceptionD(_Branches):
    """From 17x17 to 8x8."""

    def __init__(self, in_channels: int, conv_block: Layer | None = None) -> None:
        super().__init__()
        self.build(conv_block, in_channels, [
            ("branch3x3_1", 0, 192, 1, {}), ("branch3x3_2", 192, 320, 3, {"stride": 2}),
            ("branch7x7x3_1", 0, 192, 1, {}), ("branch7x7x3_2", 192, 192, (1, 7), WIDE),
            ("branch7x7x3_3", 192, 192, (7, 1), TALL),
            ("branch7x7x3_4", 192, 192, 3, {"stride": 2})])

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, height, width); half of the height and width."""
        return cat([self.chain(x, "branch3x3_1", "branch3x3_2"),
                    self.chain(x, *(f"branch7x7x3_{i}" for i in range(1, 5))),
                    F.max_pool2d(x, 3, 2)], 1)


class InceptionE(_Branches):
    """3x3 convolutions that end in a 1x3 and a 3x1 beside each other, at 8x8."""

    def __init__(self, in_channels: int, conv_block: Layer | None = None) -> None:
        super().__init__()
        wide, tall = {"padding": (0, 1)}, {"padding": (1, 0)}
        self.build(conv_block, in_channels, [
            ("branch1x1", 0, 320, 1, {}),
            ("branch3x3_1", 0, 384, 1, {}), ("branch3x3_2a", 384, 384, (1, 3), wide),
            ("branch3x3_2b", 384, 384, (3, 1), tall),
            ("branch3x3dbl_1", 0, 448, 1, {}), ("branch3x3dbl_2", 448, 384, 3, {"padding": 1}),
            ("branch3x3dbl_3a", 384, 384, (1, 3), wide),
            ("branch3x3dbl_3b", 384, 384, (3, 1), tall),
            ("branch_pool", 0, 192, 1, {})])

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, height, width)."""
        single, double = self.branch3x3_1(x), self.chain(x, "branch3x3dbl_1", "branch3x3dbl_2")
        return cat([self.branch1x1(x), self.branch3x3_2a(single), self.branch3x3_2b(single),
                    self.branch3x3dbl_3a(double), self.branch3x3dbl_3b(double),
                    self.branch_pool(F.avg_pool2d(x, 3, 1, 1))], 1)


class InceptionAux(nn.Module):
    """A head halfway up, which gives the lower layers a gradient of their own."""

    def __init__(self, in_channels: int, num_classes: int,
                 conv_block: Layer | None = None) -> None:
        super().__init__()
        block: Any = BasicConv2d if conv_block is None else conv_block
        self.conv0 = block(in_channels, 128, kernel_size=1)
        self.conv1 = block(128, 768, kernel_size=5)
        self.conv1.stddev = 0.01
        self.fc = nn.Linear(768, num_classes)
        self.fc.stddev = 0.001

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, 17, 17) gives (batch, num_classes)."""
        x = self.conv1(self.conv0(F.avg_pool2d(x, 5, 3)))
        return self.fc(flatten(F.adaptive_avg_pool2d(x, (1, 1)), 1))


def from_imagenet_scale(x: Tensor) -> Tensor:
    """Pictures normalised by ImageNet's means and deviations, as (value - 0.5) / 0.5 instead.

    The published weights come from a framework that scaled pictures so.
    """
    deviation = tensor([0.229, 0.224, 0.225], dtype=x.dtype)[:, None, None]
    mean = tensor([0.485, 0.456, 0.406], dtype=x.dtype)[:, None, None]
    return x * (deviation / 0.5) + (mean - 0.5) / 0.5


BLOCKS: tuple[Any, ...] = (BasicConv2d, InceptionA, InceptionB, InceptionC, InceptionD,
                           InceptionE, InceptionAux)


class Inception3(nn.Module):
    """Blocks of parallel convolutions, large ones factored (Szegedy et al., 2016).

    Pictures are 299x299. While training with `aux_logits`, `InceptionOutputs` come back.

    Args:
        aux_logits: with the head halfway up. transform_input: pictures are normalised by
            ImageNet's means and deviations, the weights want (value - 0.5) / 0.5.
        inception_blocks: in place of the seven classes of blocks.
        init_weights: draw from truncated normals; None: do, and warn that this may change.
    """

    def __init__(self, num_classes: int = 1000, aux_logits: bool = True,
                 transform_input: bool = False, inception_blocks: Sequence[Layer] | None = None,
                 init_weights: bool | None = None, dropout: float = 0.5) -> None:
        super().__init__()
        blocks = BLOCKS if inception_blocks is None else inception_blocks
        init_weights = warn_of_init("inception_v3") if init_weights is None else init_weights
        if len(blocks) != 7:
            raise ValueError(f"length of inception_blocks should be 7 instead of {len(blocks)}")
        conv, a, b, c, d, e, aux = blocks
        self.aux_logits, self.transform_input = aux_logits, transform_input
        self.Conv2d_1a_3x3 = conv(3, 32, kernel_size=3, stride=2)
        self.Conv2d_2a_3x3 = conv(32, 32, kernel_size=3)
        self.Conv2d_2b_3x3 = conv(32, 64, kernel_size=3, padding=1)
        self.maxpool1 = nn.MaxPool2d(3, 2)
        self.Conv2d_3b_1x1 = conv(64, 80, kernel_size=1)
        self.Conv2d_4a_3x3 = conv(80, 192, kernel_size=3)
        self.maxpool2 = nn.MaxPool2d(3, 2)
        self.Mixed_5b = a(192, pool_features=32)
        self.Mixed_5c, self.Mixed_5d = a(256, pool_features=64), a(288, pool_features=64)
        self.Mixed_6a = b(288)
        for letter, width in zip("bcde", (128, 160, 160, 192), strict=True):
            setattr(self, f"Mixed_6{letter}", c(768, channels_7x7=width))
        self.AuxLogits = aux(768, num_classes) if aux_logits else None
        self.Mixed_7a, self.Mixed_7b, self.Mixed_7c = d(768), e(1280), e(2048)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(2048, num_classes)
        if init_weights:
            init_truncated(self, 0.1)

    def forward(self, x: Tensor) -> Tensor | InceptionOutputs:
        """(batch, 3, 299, 299) pictures give (batch, num_classes) scores."""
        if self.transform_input:
            x = from_imagenet_scale(x)
        x = self.maxpool1(self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x))))
        x = self.maxpool2(self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(x)))
        for name in ("5b", "5c", "5d", "6a", "6b", "6c", "6d", "6e"):
            x = getattr(self, f"Mixed_{name}")(x)
        aux = self.AuxLogits(x) if self.AuxLogits is not None and self.training else None
        x = self.avgpool(self.Mixed_7c(self.Mixed_7b(self.Mixed_7a(x))))
        x = self.fc(flatten(self.dropout(x), 1))
        return InceptionOutputs(x, aux) if self.training and self.aux_logits else x


def warn_of_init(name: str) -> bool:
    """True, with torchvision's warning that the default may change."""
    warnings.warn(f"The default weight initialization of {name} may change: pass "
                  "init_weights=True to keep truncated normals, or False.", FutureWarning,
                  stacklevel=4)
    return True


def init_truncated(net: nn.Module, deviation: float) -> None:
    """Truncated normals, of a module's own `stddev` where it has one."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            own = float(getattr(module, "stddev", deviation))
            nn.init.trunc_normal_(module.weight, mean=0.0, std=own, a=-2, b=2)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.constant_(module.weight, 1)
            nn.init.constant_(module.bias, 0)


def _load(build: Callable[..., Inception3], state: Mapping[str, Any], weights: Any,
          **options: Any) -> Inception3:
    """The published weights have the head; it is dropped if it is not wanted."""
    keep = options.pop("aux_logits", True)
    net = build(**{"transform_input": True, "init_weights": False, **options}, aux_logits=True)
    net.load_state_dict(state)
    if not keep:
        net.aux_logits, net.AuxLogits = False, None
    return net


@model("Inception_V3_Weights", load=_load)
def inception_v3(**options: Any) -> Inception3:
    """Inception v3 (Szegedy et al., 2016), for pictures of 299x299."""
    return Inception3(**options)
