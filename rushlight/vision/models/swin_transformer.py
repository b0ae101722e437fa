"""Swin Transformer and Swin Transformer v2."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from rushlight import nn
from rushlight.base.dtypes import float32
from rushlight.ops import arange, cat, log, meshgrid, ones, roll, stack, zeros
from rushlight.tensor import Parameter, Tensor
from rushlight.vision.models.weights import model
from rushlight.vision.ops import MLP, Permute, StochasticDepth

__all__ = ["SwinTransformer", "swin_b", "swin_s", "swin_t", "swin_v2_b", "swin_v2_s", "swin_v2_t"]

F = nn.functional
Layer = Callable[..., nn.Module]
FORBIDDEN = -100.0  # added to the scores of places that are neighbours only by the shift


def _gathered(x: Tensor) -> Tensor:
    """(..., h, w, c) gives (..., h / 2, w / 2, 4 c): squares of four places, columns first."""
    height, width = x.shape[-3:-1]
    x = F.pad(x, (0, 0, 0, width % 2, 0, height % 2))
    return cat([x[..., row::2, column::2, :] for column in (0, 1) for row in (0, 1)], -1)


class PatchMerging(nn.Module):
    """Half the height and width, twice the channels; the norm comes first."""

    def __init__(self, dim: int, norm_layer: Layer = nn.LayerNorm) -> None:
        super().__init__()
        self.dim = dim
        self.reduction = nn.Linear(4 * dim, 2 * dim, bias=False)
        self.norm = norm_layer(4 * dim)

    def forward(self, x: Tensor) -> Tensor:
        """(..., height, width, dim)."""
        return self.reduction(self.norm(_gathered(x)))


class PatchMergingV2(nn.Module):
    """Half the height and width, twice the channels; the norm comes last."""

    def __init__(self, dim: int, norm_layer: Layer = nn.LayerNorm) -> None:
        super().__init__()
        self.dim = dim
        self.reduction = nn.Linear(4 * dim, 2 * dim, bias=False)
        self.norm = norm_layer(2 * dim)

    def forward(self, x: Tensor) -> Tensor:
        """(..., height, width, dim)."""
        return self.norm(self.reduction(_gathered(x)))


def _windows(x: Tensor, window: Sequence[int]) -> Tensor:
    """(batch, height, width, c) gives (batch * windows, places, c)."""
    batch, height, width, channels = x.shape
    x = x.reshape(batch, height // window[0], window[0], width // window[1], window[1], channels)
    return x.transpose(2, 3).reshape(-1, window[0] * window[1], channels)


def _picture(x: Tensor, window: Sequence[int], shape: Sequence[int]) -> Tensor:
    """The inverse of `_windows`; shape: (batch, height, width, c)."""
    batch, height, width, channels = shape
    x = x.reshape(batch, height // window[0], width // window[1], *window, channels)
    return x.transpose(2, 3).reshape(batch, height, width, channels)


def _shift_mask(height: int, width: int, window: Sequence[int], shift: Sequence[int],
                like: Tensor) -> Tensor:
    """(windows, places, places): FORBIDDEN where the shift brought two regions together."""
    regions = like.new_zeros((1, height, width, 1))
    number = 0
    for rows in _parts(window[0], shift[0]):
        for columns in _parts(window[1], shift[1]):
            regions[:, rows, columns] = number
            number += 1
    region = _windows(regions, window).squeeze(-1)
    other = region.unsqueeze(1) != region.unsqueeze(2)
    return like.new_zeros(other.shape).masked_fill(other, FORBIDDEN)


def _parts(window: int, shift: int) -> tuple[slice, slice, slice]:
    return slice(0, -window), slice(-window, -shift), slice(-shift, None)


def shifted_window_attention(input: Tensor, qkv_weight: Tensor, proj_weight: Tensor,
                             relative_position_bias: Tensor, window_size: Sequence[int],
                             num_heads: int, shift_size: Sequence[int],
                             attention_dropout: float = 0.0, dropout: float = 0.0,
                             qkv_bias: Tensor | None = None, proj_bias: Tensor | None = None,
                             logit_scale: Tensor | None = None, training: bool = True) -> Tensor:
    """Attention within windows, which may be shifted around the picture (Liu et al., 2021).

    Args:
        input: (batch, height, width, dim).
        qkv_weight, qkv_bias: (3 dim, dim) and (3 dim,), of queries, keys and values.
        proj_weight, proj_bias: (dim, dim) and (dim,), of the outputs.
        relative_position_bias: (1, heads, places, places), added to the scores.
        window_size, shift_size: (height, width), in places.
        attention_dropout, dropout: of the attention weights and of the output.
        logit_scale: (heads, 1, 1), its logarithm; with it, scores are cosines (v2).

    Returns:
        (batch, height, width, dim).
    """
    height, width, channels = input.shape[1:]
    x = F.pad(input, (0, 0, 0, -width % window_size[1], 0, -height % window_size[0]))
    padded = x.shape
    shift = [0 if window >= size else own
             for window, size, own in zip(window_size, padded[1:3], shift_size, strict=True)]
    if any(shift):
        x = roll(x, (-shift[0], -shift[1]), (1, 2))
    x = _windows(x, window_size)  # (windows, places, dim)
    if logit_scale is not None and qkv_bias is not None:  # keys have no bias
        part = qkv_bias.chunk(3)
        qkv_bias = cat([part[0], part[1] * 0, part[2]])
    places = x.shape[1]
    q, k, v = (F.linear(x, qkv_weight, qkv_bias)
               .reshape(-1, places, 3, num_heads, channels // num_heads)
               .permute(2, 0, 3, 1, 4).unbind(0))  # (windows, heads, places, dim / heads)
    if logit_scale is None:
        scores = (q * (channels // num_heads) ** -0.5) @ k.transpose(-2, -1)
    else:
        scores = F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).transpose(-2, -1)
        scores = scores * logit_scale.clamp(max=math.log(100.0)).exp()
    scores = scores + relative_position_bias
    if any(shift):
        mask = _shift_mask(padded[1], padded[2], window_size, shift, x)
        scores = (scores.unflatten(0, (-1, len(mask))) + mask.unsqueeze(1)).flatten(0, 1)
    attention = F.dropout(F.softmax(scores, dim=-1), p=attention_dropout, training=training)
    x = (attention @ v).transpose(1, 2).reshape(-1, places, channels)
    x = F.dropout(F.linear(x, proj_weight, proj_bias), p=dropout, training=training)
    x = _picture(x, window_size, padded)
    if any(shift):
        x = roll(x, (shift[0], shift[1]), (1, 2))
    return x[:, :height, :width].contiguous()


def relative_position_index(height: int, width: int) -> Tensor:
    """(places, places): the row of the table of biases for each pair of places of a window."""
    y, x = (each.flatten() for each in meshgrid(arange(height), arange(width), indexing="ij"))
    rows = y[:, None] - y[None, :] + height - 1
    return rows * (2 * width - 1) + x[:, None] - x[None, :] + width - 1


class ShiftedWindowAttention(nn.Module):
    """`shifted_window_attention` with a learned bias for each offset within a window."""

    def __init__(self, dim: int, window_size: Sequence[int], shift_size: Sequence[int],
                 num_heads: int, qkv_bias: bool = True, proj_bias: bool = True,
                 attention_dropout: float = 0.0, dropout: float = 0.0) -> None:
        super().__init__()
        if len(window_size) != 2 or len(shift_size) != 2:
            raise ValueError("window_size and shift_size must be of length 2")
        self.window_size, self.shift_size, self.num_heads = window_size, shift_size, num_heads
        self.attention_dropout, self.dropout = attention_dropout, dropout
        self.qkv = nn.Linear(dim, dim * 3, bias=qkv_bias)
        self.proj = nn.Linear(dim, dim, bias=proj_bias)
        self.define_relative_position_bias_table()
        self.register_buffer("relative_position_index",
                             relative_position_index(*window_size).flatten())

    def define_relative_position_bias_table(self) -> None:
        """Make the table of biases, a row for each offset."""
        height, width = self.window_size
        self.relative_position_bias_table = Parameter(
            zeros((2 * height - 1) * (2 * width - 1), self.num_heads))
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)

    def _bias(self, table: Tensor) -> Tensor:
        places = self.window_size[0] * self.window_size[1]
        picked = table[self.relative_position_index].view(places, places, -1)
        return picked.permute(2, 0, 1).contiguous().unsqueeze(0)

    def get_relative_position_bias(self) -> Tensor:
        """(1, heads, places, places)."""
        return self._bias(self.relative_position_bias_table)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, height, width, dim)."""
        return shifted_window_attention(
            x, self.qkv.weight, self.proj.weight, self.get_relative_position_bias(),
            self.window_size, self.num_heads, self.shift_size, self.attention_dropout,
            self.dropout, self.qkv.bias, self.proj.bias, getattr(self, "logit_scale", None),
            self.training)


class ShiftedWindowAttentionV2(ShiftedWindowAttention):
    """Scores are scaled cosines; biases come from a net of the logarithm of the offset."""

    def __init__(self, dim: int, window_size: Sequence[int], shift_size: Sequence[int],
                 num_heads: int, qkv_bias: bool = True, proj_bias: bool = True,
                 attention_dropout: float = 0.0, dropout: float = 0.0) -> None:
        super().__init__(dim, window_size, shift_size, num_heads, qkv_bias, proj_bias,
                         attention_dropout, dropout)
        self.logit_scale = Parameter(log(10 * ones((num_heads, 1, 1))))
        self.cpb_mlp = nn.Sequential(nn.Linear(2, 512), nn.ReLU(inplace=True),
                                     nn.Linear(512, num_heads, bias=False))
        if qkv_bias:
            self.qkv.bias.data[dim : 2 * dim].zero_()

    def define_relative_position_bias_table(self) -> None:
        """Make the table of offsets: sign(d) log2(1 + 8 |d|) / 3 of offsets d in [-1, 1]."""
        height, width = self.window_size
        rows, columns = (arange(-(n - 1), n, dtype=float32) for n in (height, width))
        table = stack(meshgrid(rows, columns, indexing="ij"), -1).unsqueeze(0)
        table = table / stack([ones(()) * (height - 1), ones(()) * (width - 1)]) * 8
        self.register_buffer("relative_coords_table",
                             table.sign() * (table.abs() + 1.0).log2() / 3.0)

    def get_relative_position_bias(self) -> Tensor:
        """(1, heads, places, places)."""
        table = self.cpb_mlp(self.relative_coords_table).view(-1, self.num_heads)
        return 16 * self._bias(table).sigmoid()


class SwinTransformerBlock(nn.Module):
    """Attention in windows and a two-layer net, each after a norm and beside the identity."""

    def __init__(self, dim: int, num_heads: int, window_size: Sequence[int],
                 shift_size: Sequence[int], mlp_ratio: float = 4.0, dropout: float = 0.0,
                 attention_dropout: float = 0.0, stochastic_depth_prob: float = 0.0,
                 norm_layer: Layer = nn.LayerNorm,
                 attn_layer: Layer = ShiftedWindowAttention) -> None:
        super().__init__()
        self.norm1 = norm_layer(dim)
        self.attn = attn_layer(dim, window_size, shift_size, num_heads,
                               attention_dropout=attention_dropout, dropout=dropout)
        self.stochastic_depth = StochasticDepth(stochastic_depth_prob, "row")
        self.norm2 = norm_layer(dim)
        self.mlp = MLP(dim, [int(dim * mlp_ratio), dim], activation_layer=nn.GELU, inplace=None,
                       dropout=dropout)
        for module in self.mlp.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.normal_(module.bias, std=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, height, width, dim)."""
        x = x + self.stochastic_depth(self.attn(self.norm1(x)))
        return x + self.stochastic_depth(self.mlp(self.norm2(x)))


class SwinTransformerBlockV2(SwinTransformerBlock):
    """`SwinTransformerBlock` with the norms after what they belong to (Liu et al., 2022)."""

    def __init__(self, *args: Any, attn_layer: Layer = ShiftedWindowAttentionV2,
                 **options: Any) -> None:
        super().__init__(*args, attn_layer=attn_layer, **options)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, height, width, dim)."""
        x = x + self.stochastic_depth(self.norm1(self.attn(x)))
        return x + self.stochastic_depth(self.norm2(self.mlp(x)))


class SwinTransformer(nn.Module):
    """A transformer whose attention stays in shifted windows (Liu et al., 2021; v2: 2022).

    Args:
        patch_size, window_size: (height, width). embed_dim: channels of the first stage.
        depths, num_heads: blocks and heads of each stage.
        mlp_ratio: width of the two-layer nets inside. dropout, attention_dropout: probabilities.
        stochastic_depth_prob: of the last block; of earlier ones in proportion.
        norm_layer, block, downsample_layer: in place of LayerNorm, `SwinTransformerBlock` and
            `PatchMerging`.
    """

    def __init__(self, patch_size: Sequence[int], embed_dim: int, depths: Sequence[int],
                 num_heads: Sequence[int], window_size: Sequence[int], mlp_ratio: float = 4.0,
                 dropout: float = 0.0, attention_dropout: float = 0.0,
                 stochastic_depth_prob: float = 0.1, num_classes: int = 1000,
                 norm_layer: Layer | None = None, block: Layer | None = None,
                 downsample_layer: Layer = PatchMerging) -> None:
        super().__init__()
        self.num_classes = num_classes
        make_block: Any = SwinTransformerBlock if block is None else block
        norm: Any = partial(nn.LayerNorm, eps=1e-5) if norm_layer is None else norm_layer
        patch = tuple(patch_size)
        layers: list[nn.Module] = [nn.Sequential(nn.Conv2d(3, embed_dim, patch, patch),
                                                 Permute([0, 2, 3, 1]), norm(embed_dim))]
        number, dim = 0, embed_dim
        for depth, heads in zip(depths, num_heads, strict=True):
            if number:
                layers.append(downsample_layer(dim, norm))
                dim *= 2
            stage = []
            for i in range(depth):
                shift = [window // 2 if i % 2 else 0 for window in window_size]
                stage.append(make_block(
                    dim, heads, window_size=window_size, shift_size=shift, mlp_ratio=mlp_ratio,
                    dropout=dropout, attention_dropout=attention_dropout, norm_layer=norm,
                    stochastic_depth_prob=stochastic_depth_prob * number / (sum(depths) - 1)))
                number += 1
            layers.append(nn.Sequential(*stage))
        self.features = nn.Sequential(*layers)
        self.norm = norm(dim)
        self.permute = Permute([0, 3, 1, 2])
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten(1)
        self.head = nn.Linear(dim, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, 3, height, width) pictures give (batch, num_classes) scores."""
        x = self.permute(self.norm(self.features(x)))
        return self.head(self.flatten(self.avgpool(x)))


def _swin(embed_dim: int, third: int, heads: int, stochastic_depth_prob: float, window: int = 7,
          **options: Any) -> SwinTransformer:
    """Stages of 2, 2, `third` and 2 blocks, each with twice the heads of the one before."""
    return SwinTransformer([4, 4], embed_dim, [2, 2, third, 2], [heads * 2**i for i in range(4)],
                           [window, window],
                           **{"stochastic_depth_prob": stochastic_depth_prob, **options})


_swin_v2 = partial(_swin, window=8, block=SwinTransformerBlockV2, downsample_layer=PatchMergingV2)


@model("Swin_T_Weights")
def swin_t(**options: Any) -> SwinTransformer:
    """Swin Transformer, tiny (Liu et al., 2021)."""
    return _swin(96, 6, 3, 0.2, **options)


@model("Swin_S_Weights")
def swin_s(**options: Any) -> SwinTransformer:
    """Swin Transformer, small (Liu et al., 2021)."""
    return _swin(96, 18, 3, 0.3, **options)


@model("Swin_B_Weights")
def swin_b(**options: Any) -> SwinTransformer:
    """Swin Transformer, base (Liu et al., 2021)."""
    return _swin(128, 18, 4, 0.5, **options)


@model("Swin_V2_T_Weights")
def swin_v2_t(**options: Any) -> SwinTransformer:
    """Swin Transformer v2, tiny (Liu et al., 2022)."""
    return _swin_v2(96, 6, 3, 0.2, **options)


@model("Swin_V2_S_Weights")
def swin_v2_s(**options: Any) -> SwinTransformer:
    """Swin Transformer v2, small (Liu et al., 2022)."""
    return _swin_v2(96, 18, 3, 0.3, **options)


@model("Swin_V2_B_Weights")
def swin_v2_b(**options: Any) -> SwinTransformer:
    """Swin Transformer v2, base (Liu et al., 2022)."""
    return _swin_v2(128, 18, 4, 0.5, **options)
