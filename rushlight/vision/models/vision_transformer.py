"""Vision Transformer."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from rushlight import nn
from rushlight.ops import cat, empty, zeros
from rushlight.tensor import Parameter, Tensor
from rushlight.vision.models.weights import model
from rushlight.vision.ops import MLP, Conv2dNormActivation

__all__ = ["VisionTransformer", "interpolate_embeddings", "vit_b_16", "vit_b_32", "vit_h_14",
           "vit_l_16", "vit_l_32"]

Layer = Callable[..., nn.Module]
NORM = partial(nn.LayerNorm, eps=1e-6)


class ConvStemConfig(NamedTuple):
    """One convolution of a stem in place of patches (Xiao et al., 2021)."""

    out_channels: int
    kernel_size: int
    stride: int
    norm_layer: Layer = nn.BatchNorm2d
    activation_layer: Layer = nn.ReLU


class MLPBlock(MLP):
    """Two linear layers with a GELU between them."""

    _version = 2

    def __init__(self, in_dim: int, mlp_dim: int, dropout: float) -> None:
        super().__init__(in_dim, [mlp_dim, in_dim], activation_layer=nn.GELU, inplace=None,
                         dropout=dropout)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.normal_(module.bias, std=1e-6)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str,
                              local_metadata: dict[str, Any], *rest: Any) -> None:
        version = local_metadata.get("version")
        if version is None or version < 2:  # layers were called linear_1 and linear_2
            for number, place in (1, 0), (2, 3):
                for kind in ("weight", "bias"):
                    old = f"{prefix}linear_{number}.{kind}"
                    if old in state_dict:
                        state_dict[f"{prefix}{place}.{kind}"] = state_dict.pop(old)
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *rest)


class EncoderBlock(nn.Module):
    """Attention and a two-layer net, each after a norm and beside the identity."""

    def __init__(self, num_heads: int, hidden_dim: int, mlp_dim: int, dropout: float,
                 attention_dropout: float, norm_layer: Layer = NORM) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.ln_1 = norm_layer(hidden_dim)
        self.self_attention = nn.MultiheadAttention(hidden_dim, num_heads,
                                                    dropout=attention_dropout, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.ln_2 = norm_layer(hidden_dim)
        self.mlp = MLPBlock(hidden_dim, mlp_dim, dropout)

    def forward(self, input: Tensor) -> Tensor:
        """(batch, tokens, dim)."""
        _demand_tokens(input)
        x = self.ln_1(input)
        x, _ = self.self_attention(x, x, x, need_weights=False)
        x = self.dropout(x) + input
        return x + self.mlp(self.ln_2(x))


def _demand_tokens(input: Tensor) -> None:
    if input.dim() != 3:
        raise AssertionError(f"Expected (batch_size, seq_length, hidden_dim) got {input.shape}")


class Encoder(nn.Module):
    """Learned positions, blocks and a norm."""

    def __init__(self, seq_length: int, num_layers: int, num_heads: int, hidden_dim: int,
                 mlp_dim: int, dropout: float, attention_dropout: float,
                 norm_layer: Layer = NORM) -> None:
        super().__init__()
        self.pos_embedding = Parameter(empty(1, seq_length, hidden_dim).normal_(std=0.02))
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.Sequential(OrderedDict(
            (f"encoder_layer_{i}", EncoderBlock(num_heads, hidden_dim, mlp_dim, dropout,
                                                attention_dropout, norm_layer))
            for i in range(num_layers)))
        self.ln = norm_layer(hidden_dim)

    def forward(self, input: Tensor) -> Tensor:
        """(batch, tokens, dim)."""
        _demand_tokens(input)
        return self.ln(self.layers(self.dropout(input + self.pos_embedding)))


class VisionTransformer(nn.Module):
    """A transformer over patches of a picture (Dosovitskiy et al., 2021).

    Args:
        image_size: height and width of the pictures. patch_size: of a patch, divides it.
        num_layers, num_heads, hidden_dim, mlp_dim: of the encoder.
        dropout, attention_dropout: probabilities.
        representation_size: of a hidden layer before the last; None: there is none.
        norm_layer: in place of LayerNorm. conv_stem_configs: convolutions in place of patches.

    Raises AssertionError for an image_size that the patches do not divide, and in forward for
    pictures of another size.
    """

    def __init__(self, image_size: int, patch_size: int, num_layers: int, num_heads: int,
                 hidden_dim: int, mlp_dim: int, dropout: float = 0.0,
                 attention_dropout: float = 0.0, num_classes: int = 1000,
                 representation_size: int | None = None, norm_layer: Layer = NORM,
                 conv_stem_configs: Sequence[ConvStemConfig] | None = None) -> None:
        super().__init__()
        if image_size % patch_size:
            raise AssertionError("Input shape indivisible by patch size! "
                                 f"image_size={image_size}, patch_size={patch_size}")
        self.image_size, self.patch_size = image_size, patch_size
        self.hidden_dim, self.mlp_dim = hidden_dim, mlp_dim
        self.attention_dropout, self.dropout = attention_dropout, dropout
        self.num_classes, self.representation_size = num_classes, representation_size
        self.norm_layer = norm_layer
        self.conv_proj: Any = (nn.Conv2d(3, hidden_dim, patch_size, patch_size)
                               if conv_stem_configs is None
                               else _stem(conv_stem_configs, hidden_dim))
        self.class_token = Parameter(zeros(1, 1, hidden_dim))
        self.seq_length = (image_size // patch_size) ** 2 + 1
        self.encoder = Encoder(self.seq_length, num_layers, num_heads, hidden_dim, mlp_dim,
                               dropout, attention_dropout, norm_layer)
        heads: OrderedDict[str, nn.Module] = OrderedDict()
        if representation_size is not None:
            heads["pre_logits"] = nn.Linear(hidden_dim, representation_size)
            heads["act"] = nn.Tanh()
        heads["head"] = nn.Linear(representation_size or hidden_dim, num_classes)
        self.heads = nn.Sequential(heads)
        self._init_weights()

    def _init_weights(self) -> None:
        if isinstance(self.conv_proj, nn.Conv2d):
            last, fan_in = self.conv_proj, self.conv_proj.weight[0].numel()
            nn.init.trunc_normal_(last.weight, std=math.sqrt(1 / fan_in))
        else:
            last = self.conv_proj.conv_last
            nn.init.normal_(last.weight, mean=0.0, std=math.sqrt(2.0 / last.out_channels))
        nn.init.zeros_(last.bias)
        if self.representation_size is not None:
            hidden = self.heads.pre_logits
            nn.init.trunc_normal_(hidden.weight, std=math.sqrt(1 / hidden.in_features))
            nn.init.zeros_(hidden.bias)
        nn.init.zeros_(self.heads.head.weight)
        nn.init.zeros_(self.heads.head.bias)

    def _tokens(self, x: Tensor) -> Tensor:
        """(batch, 3, height, width) gives (batch, patches, dim)."""
        for side, size in zip(("height", "width"), x.shape[-2:], strict=True):
            if size != self.image_size:
                raise AssertionError(f"Wrong image {side}! Expected {self.image_size} but got "
                                     f"{size}!")
        return self.conv_proj(x).flatten(2).transpose(1, 2)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, 3, image_size, image_size) pictures give (batch, num_classes) scores."""
        token = self.class_token.expand(x.shape[0], -1, -1)
        return self.heads(self.encoder(cat([token, self._tokens(x)], 1))[:, 0])


def _stem(configs: Sequence[ConvStemConfig], hidden_dim: int) -> nn.Sequential:
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    channels = 3
    for i, each in enumerate(configs):
        layers[f"conv_bn_relu_{i}"] = Conv2dNormActivation(
            channels, each.out_channels, each.kernel_size, each.stride,
            norm_layer=each.norm_layer, activation_layer=each.activation_layer)
        channels = each.out_channels
    layers["conv_last"] = nn.Conv2d(channels, hidden_dim, 1)
    return nn.Sequential(layers)


def interpolate_embeddings(image_size: int, patch_size: int, model_state: Mapping[str, Tensor],
                           interpolation_mode: str = "bicubic",
                           reset_heads: bool = False) -> Mapping[str, Tensor]:
    """A state dict for pictures of another size: positions are interpolated.

    Args:
        image_size, patch_size: of the net that will load it.
        model_state: the state dict; it is changed where the number of patches is another.
        interpolation_mode: as of `nn.functional.interpolate`.
        reset_heads: leave out the keys of the last layers when positions change.

    Raises ValueError for positions that are no square grid.
    """
    positions = model_state["encoder.pos_embedding"]  # (1, 1 + patches, dim)
    batch, length, dim = positions.shape
    if batch != 1:
        raise ValueError(f"Unexpected position embedding shape: {positions.shape}")
    side = image_size // patch_size
    if side**2 + 1 == length:
        return model_state
    old = math.isqrt(length - 1)
    if old * old != length - 1:
        raise ValueError(f"seq_length is not a perfect square! There are {length - 1} positions")
    grid = positions[:, 1:].transpose(1, 2).reshape(1, dim, old, old)
    grid = nn.functional.interpolate(grid, size=side, mode=interpolation_mode, align_corners=True)
    state: Any = model_state
    state["encoder.pos_embedding"] = cat([positions[:, :1], grid.flatten(2).transpose(1, 2)], 1)
    if not reset_heads:
        return state
    return OrderedDict((key, value) for key, value in state.items()
                       if not key.startswith("heads"))


def _trained_size(weights: Any) -> int:
    return weights.meta["min_size"][0]


def _vit(patch_size: int, num_layers: int, num_heads: int, hidden_dim: int, mlp_dim: int,
         **options: Any) -> VisionTransformer:
    return VisionTransformer(**{"image_size": 224, **options}, patch_size=patch_size,
                             num_layers=num_layers, num_heads=num_heads, hidden_dim=hidden_dim,
                             mlp_dim=mlp_dim)


@model("ViT_B_16_Weights", image_size=_trained_size)
def vit_b_16(**options: Any) -> VisionTransformer:
    """ViT-B/16 (Dosovitskiy et al., 2021)."""
    return _vit(16, 12, 12, 768, 3072, **options)


@model("ViT_B_32_Weights", image_size=_trained_size)
def vit_b_32(**options: Any) -> VisionTransformer:
    """ViT-B/32 (Dosovitskiy et al., 2021)."""
    return _vit(32, 12, 12, 768, 3072, **options)


@model("ViT_L_16_Weights", image_size=_trained_size)
def vit_l_16(**options: Any) -> VisionTransformer:
    """ViT-L/16 (Dosovitskiy et al., 2021)."""
    return _vit(16, 24, 16, 1024, 4096, **options)


@model("ViT_L_32_Weights", image_size=_trained_size)
def vit_l_32(**options: Any) -> VisionTransformer:
    """ViT-L/32 (Dosovitskiy et al., 2021)."""
    return _vit(32, 24, 16, 1024, 4096, **options)


@model("ViT_H_14_Weights", image_size=_trained_size)
def vit_h_14(**options: Any) -> VisionTransformer:
    """ViT-H/14 (Dosovitskiy et al., 2021)."""
    return _vit(14, 32, 16, 1280, 5120, **options)
