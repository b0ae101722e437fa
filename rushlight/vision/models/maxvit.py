"""MaxViT."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from rushlight import nn
from rushlight.ops import empty, swapaxes
from rushlight.tensor import Parameter, Tensor
from rushlight.vision.models.swin_transformer import relative_position_index
from rushlight.vision.models.weights import model
from rushlight.vision.ops import Conv2dNormActivation, SqueezeExcitation, StochasticDepth

__all__ = ["MaxVit", "maxvit_t"]

Layer = Callable[..., nn.Module]
Size = tuple[int, int]


def _halved(size: Size) -> Size:
    """The size after a 3x3 convolution of stride 2, padded by 1."""
    return (size[0] - 1) // 2 + 1, (size[1] - 1) // 2 + 1


class MBConv(nn.Module):
    """An inverted residual with the norm first and squeeze-excitation."""

    def __init__(self, in_channels: int, out_channels: int, expansion_ratio: float,
                 squeeze_ratio: float, stride: int, activation_layer: Layer, norm_layer: Layer,
                 p_stochastic_dropout: float = 0.0) -> None:
        super().__init__()
        self.proj: nn.Module = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            pool = [nn.AvgPool2d(3, stride, 1)] if stride == 2 else []
            self.proj = nn.Sequential(*pool, nn.Conv2d(in_channels, out_channels, 1))
        width = int(out_channels * expansion_ratio)
        self.stochastic_depth = (StochasticDepth(p_stochastic_dropout, "row")
                                 if p_stochastic_dropout else nn.Identity())
        options = {"activation_layer": activation_layer, "norm_layer": norm_layer,
                   "inplace": None}
        self.layers = nn.Sequential(OrderedDict(
            pre_norm=norm_layer(in_channels),
            conv_a=Conv2dNormActivation(in_channels, width, 1, **options),
            conv_b=Conv2dNormActivation(width, width, 3, stride, groups=width, **options),
            squeeze_excitation=SqueezeExcitation(width, int(out_channels * squeeze_ratio),
                                                 activation=nn.SiLU),
            conv_c=nn.Conv2d(width, out_channels, 1)))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, height, width)."""
        return self.proj(x) + self.stochastic_depth(self.layers(x))


class RelativePositionalMultiHeadAttention(nn.Module):
    """Attention with a learned bias for each offset within a square.

    feat_dim, head_dim: features in all and of a head. max_seq_len: places of the square.
    """

    def __init__(self, feat_dim: int, head_dim: int, max_seq_len: int) -> None:
        super().__init__()
        if feat_dim % head_dim:
            raise ValueError(f"feat_dim: {feat_dim} must be divisible by head_dim: {head_dim}")
        self.n_heads, self.head_dim = feat_dim // head_dim, head_dim
        self.size, self.max_seq_len = math.isqrt(max_seq_len), max_seq_len
        self.to_qkv = nn.Linear(feat_dim, feat_dim * 3)
        self.scale_factor = feat_dim**-0.5
        self.merge = nn.Linear(feat_dim, feat_dim)
        self.relative_position_bias_table = Parameter(
            empty((2 * self.size - 1) ** 2, self.n_heads))
        self.register_buffer("relative_position_index",
                             relative_position_index(self.size, self.size))
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)

    def get_relative_positional_bias(self) -> Tensor:
        """(1, heads, places, places)."""
        table = self.relative_position_bias_table[self.relative_position_index]
        return table.permute(2, 0, 1).contiguous().unsqueeze(0)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, groups, places, dim)."""
        q, k, v = (each.unflatten(-1, (self.n_heads, self.head_dim)).transpose(2, 3)
                   for each in self.to_qkv(x).chunk(3, -1))  # (batch, groups, heads, places, dim)
        scores = q @ (k * self.scale_factor).transpose(-2, -1)
        attention = nn.functional.softmax(scores + self.get_relative_positional_bias(), dim=-1)
        return self.merge((attention @ v).transpose(2, 3).flatten(-2))


class SwapAxes(nn.Module):
    """The input with two dimensions exchanged."""

    def __init__(self, a: int, b: int) -> None:
        super().__init__()
        self.a, self.b = a, b

    def forward(self, x: Tensor) -> Tensor:
        """A view."""
        return swapaxes(x, self.a, self.b)


class WindowPartition(nn.Module):
    """Pictures cut into windows."""

    def forward(self, x: Tensor, p: int) -> Tensor:
        """(batch, c, height, width) gives (batch, windows, p * p, c)."""
        batch, channels, height, width = x.shape
        x = x.reshape(batch, channels, height // p, p, width // p, p)
        return x.permute(0, 2, 4, 3, 5, 1).reshape(batch, -1, p * p, channels)


class WindowDepartition(nn.Module):
    """Windows put together to pictures."""

    def forward(self, x: Tensor, p: int, h_partitions: int, w_partitions: int) -> Tensor:
        """(batch, windows, p * p, c) gives (batch, c, height, width)."""
        batch, _, _, channels = x.shape
        x = x.reshape(batch, h_partitions, w_partitions, p, p, channels)
        return x.permute(0, 5, 1, 3, 2, 4).reshape(batch, channels, h_partitions * p,
                                                   w_partitions * p)


class PartitionAttentionLayer(nn.Module):
    """Attention within windows ("window"), or among places a window apart ("grid")."""

    def __init__(self, in_channels: int, head_dim: int, partition_size: int, partition_type: str,
                 grid_size: Size, mlp_ratio: int, activation_layer: Layer, norm_layer: Layer,
                 attention_dropout: float, mlp_dropout: float,
                 p_stochastic_dropout: float) -> None:
        super().__init__()
        if partition_type not in ("grid", "window"):
            raise ValueError("partition_type must be either 'grid' or 'window', got "
                             f"{partition_type!r}")
        self.n_heads, self.head_dim = in_channels // head_dim, head_dim
        self.n_partitions = grid_size[0] // partition_size
        self.partition_type, self.grid_size = partition_type, grid_size
        grid = partition_type == "grid"
        self.p, self.g = ((self.n_partitions, partition_size) if grid
                          else (partition_size, self.n_partitions))
        self.partition_op, self.departition_op = WindowPartition(), WindowDepartition()
        self.partition_swap = SwapAxes(-2, -3) if grid else nn.Identity()
        self.departition_swap = SwapAxes(-2, -3) if grid else nn.Identity()
        self.attn_layer = nn.Sequential(
            norm_layer(in_channels),
            RelativePositionalMultiHeadAttention(in_channels, head_dim, partition_size**2),
            nn.Dropout(attention_dropout))
        self.mlp_layer = nn.Sequential(
            nn.LayerNorm(in_channels), nn.Linear(in_channels, in_channels * mlp_ratio),
            activation_layer(), nn.Linear(in_channels * mlp_ratio, in_channels),
            nn.Dropout(mlp_dropout))
        self.stochastic_dropout = StochasticDepth(p_stochastic_dropout, "row")

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, height, width)."""
        if self.grid_size[0] % self.p or self.grid_size[1] % self.p:
            raise AssertionError("Grid size must be divisible by partition size. Got grid size of "
                                 f"{self.grid_size} and partition size of {self.p}")
        x = self.partition_swap(self.partition_op(x, self.p))
        x = x + self.stochastic_dropout(self.attn_layer(x))
        x = x + self.stochastic_dropout(self.mlp_layer(x))
        return self.departition_op(self.departition_swap(x), self.p, self.grid_size[0] // self.p,
                                   self.grid_size[1] // self.p)


class MaxVitLayer(nn.Module):
    """A convolution block, attention in windows, and attention over a grid."""

    def __init__(self, in_channels: int, out_channels: int, squeeze_ratio: float,
                 expansion_ratio: float, stride: int, norm_layer: Layer, activation_layer: Layer,
                 head_dim: int, mlp_ratio: int, mlp_dropout: float, attention_dropout: float,
                 p_stochastic_dropout: float, partition_size: int, grid_size: Size) -> None:
        super().__init__()
        attention = partial(
            PartitionAttentionLayer, out_channels, head_dim, partition_size, grid_size=grid_size,
            mlp_ratio=mlp_ratio, activation_layer=activation_layer, norm_layer=nn.LayerNorm,
            attention_dropout=attention_dropout, mlp_dropout=mlp_dropout,
            p_stochastic_dropout=p_stochastic_dropout)
        self.layers = nn.Sequential(OrderedDict(
            MBconv=MBConv(in_channels, out_channels, expansion_ratio, squeeze_ratio, stride,
                          activation_layer, norm_layer, p_stochastic_dropout),
            window_attention=attention(partition_type="window"),
            grid_attention=attention(partition_type="grid")))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, height, width)."""
        return self.layers(x)


class MaxVitBlock(nn.Module):
    """Layers of one width, the first of stride 2; p_stochastic: a rate for each."""

    def __init__(self, in_channels: int, out_channels: int, squeeze_ratio: float,
                 expansion_ratio: float, norm_layer: Layer, activation_layer: Layer,
                 head_dim: int, mlp_ratio: int, mlp_dropout: float, attention_dropout: float,
                 partition_size: int, input_grid_size: Size, n_layers: int,
                 p_stochastic: Sequence[float]) -> None:
        super().__init__()
        if len(p_stochastic) != n_layers:
            raise ValueError(f"p_stochastic must have length n_layers={n_layers}, got "
                             f"p_stochastic={p_stochastic}.")
        self.grid_size = _halved(input_grid_size)
        self.layers = nn.ModuleList(
            MaxVitLayer(out_channels if i else in_channels, out_channels, squeeze_ratio,
                        expansion_ratio, 1 if i else 2, norm_layer, activation_layer, head_dim,
                        mlp_ratio, mlp_dropout, attention_dropout, rate, partition_size,
                        self.grid_size)
            for i, rate in enumerate(p_stochastic))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, height, width)."""
        for layer in self.layers:
            x = layer(x)
        return x


class MaxVit(nn.Module):
    """Convolutions, attention in windows and over grids, in turn (Tu et al., 2022).

    Args:
        input_size: (height, width) of the pictures. stem_channels: of the first layers.
        partition_size: side of windows and grids; divides the size of every block.
        block_channels, block_layers: of each block. head_dim: features of a head.
        stochastic_depth_prob: of the last layer; of earlier ones in proportion.
        norm_layer: of the convolutions, in place of BatchNorm2d. activation_layer: everywhere.
        squeeze_ratio, expansion_ratio: of the convolution blocks. mlp_ratio: of the nets after
            attention. mlp_dropout, attention_dropout: probabilities.

    Raises ValueError for sizes that the windows do not divide.
    """

    def __init__(self, input_size: Size, stem_channels: int, partition_size: int,
                 block_channels: Sequence[int], block_layers: Sequence[int], head_dim: int,
                 stochastic_depth_prob: float, norm_layer: Layer | None = None,
                 activation_layer: Layer = nn.GELU, squeeze_ratio: float = 0.25,
                 expansion_ratio: float = 4, mlp_ratio: int = 4, mlp_dropout: float = 0.0,
                 attention_dropout: float = 0.0, num_classes: int = 1000) -> None:
        super().__init__()
        norm: Any = (partial(nn.BatchNorm2d, eps=1e-3, momentum=0.01) if norm_layer is None
                     else norm_layer)
        size = _halved(input_size)
        self.stem = nn.Sequential(
            Conv2dNormActivation(3, stem_channels, 3, 2, norm_layer=norm, bias=False,
                                 activation_layer=activation_layer, inplace=None),
            Conv2dNormActivation(stem_channels, stem_channels, 3, norm_layer=None,
                                 activation_layer=None, bias=True))
        self.partition_size = partition_size
        rates = np.linspace(0, stochastic_depth_prob, sum(block_layers)).tolist()
        self.blocks = nn.ModuleList()
        inside = stem_channels
        for i, (outside, count) in enumerate(zip(block_channels, block_layers, strict=True)):
            _demand_divisible(_halved(size), partition_size, i)
            self.blocks.append(MaxVitBlock(
                inside, outside, squeeze_ratio, expansion_ratio, norm, activation_layer, head_dim,
                mlp_ratio, mlp_dropout, attention_dropout, partition_size, size, count,
                rates[:count]))
            inside, size, rates = outside, _halved(size), rates[count:]
        self.classifier = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.LayerNorm(inside),
            nn.Linear(inside, inside), nn.Tanh(), nn.Linear(inside, num_classes, bias=False))
        self._init_weights()

    def _init_weights(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif isinstance(module, nn.BatchNorm2d):
                nn.init.constant_(module.weight, 1)
                nn.init.constant_(module.bias, 0)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, 3, *input_size) pictures give (batch, num_classes) scores."""
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        return self.classifier(x)


def _demand_divisible(size: Size, partition: int, block: int) -> None:
    if size[0] % partition or size[1] % partition:
        raise ValueError(f"Input size {size} of block {block} is not divisible by partition size "
                         f"{partition}. Consider changing the partition size or the input size.")


def _trained_size(weights: Any) -> Size:
    return weights.meta["min_size"]


@model("MaxVit_T_Weights", input_size=_trained_size)
def maxvit_t(**options: Any) -> MaxVit:
    """MaxViT, tiny (Tu et al., 2022), for pictures of 224x224 unless `input_size` says else."""
    return MaxVit(**{"input_size": (224, 224), **options}, stem_channels=64, partition_size=7,
                  block_channels=[64, 128, 256, 512], block_layers=[2, 2, 5, 2], head_dim=32,
                  stochastic_depth_prob=0.2)
