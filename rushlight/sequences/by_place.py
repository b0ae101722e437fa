"""Operations on each step by itself: elements, conversions, dropout, layers, norms, features."""

from __future__ import annotations

from typing import Any

from rushlight.families.declaration import FUNCTIONS
from rushlight.sequences.rules import (
    by_place,
    common,
    feature_dims,
    no_meaning,
    on_steps,
    ragged_among,
    rule,
)
from rushlight.tensor import Tensor

rule("""
    where masked_fill nan_to_num clamp_min clamp_max clip positive float_power heaviside gcd lcm
    ldexp isclose isreal real imag conj conj_physical resolve_conj resolve_neg angle to half float
    double short int long cfloat cdouble bool byte char bfloat16 type_as cpu clone contiguous
    zeros_like ones_like empty_like full_like rand_like randn_like fill sigmoid tanh bernoulli
    polygamma mvlgamma igamma igammac special.zeta special.erfcx special.ndtri special.log_ndtr
    nn.functional.sigmoid nn.functional.tanh nn.functional.dropout dropout
    nn.functional.alpha_dropout alpha_dropout nn.functional.rrelu rrelu rrelu_ fill_ zero_ copy_
    uniform_ normal_ exponential_ bernoulli_ Tensor.masked_fill_ bucketize isin
""")(by_place)

rule("""
    nn.functional.linear nn.functional.embedding embedding nn.functional.one_hot
    nn.functional.bilinear bilinear nn.functional.layer_norm layer_norm nn.functional.rms_norm
    rms_norm nn.functional.pairwise_distance pairwise_distance is_floating_point is_complex
    is_signed
""")(on_steps)

rule("""
    unsqueeze squeeze flatten unflatten transpose swapaxes swapdims movedim moveaxis chunk split
    tensor_split narrow select index_select roll nn.functional.glu nn.functional.normalize
    nn.functional.gumbel_softmax nn.functional.cosine_similarity cosine_similarity topk renorm
""")(feature_dims)


@rule("nn.functional.batch_norm batch_norm")
def batch_norm(function: Any, input: Any, *args: Any, **options: Any) -> Any:
    """Statistics over the steps there are; the features are the channels."""
    if input.ndim != 3:
        raise no_meaning(function, (input,), "which normalizes (batch, time, features)")
    return on_steps(function, input, *args, **options)


@rule("nn.functional.prelu prelu")
def prelu(function: Any, input: Any, weight: Any) -> Any:
    """One slope for all; several would be those of dimension 1, which is time."""
    if weight.numel() != 1:
        raise no_meaning(function, (input,), f"with {weight.numel()} slopes along time")
    return on_steps(function, input, weight)


@rule("matmul mm Tensor.__matmul__ Tensor.__rmatmul__")
def matmul(function: Any, input: Any, other: Any) -> Any:
    """Steps times a matrix or a vector."""
    if not isinstance(other, Tensor) or other.ndim > 2 or ragged_among((input,)) == []:
        raise no_meaning(function, (input, other), "but for (batch, time, features) @ a matrix")
    return on_steps(FUNCTIONS["matmul"], input, other)


@rule("equal allclose")
def compared(function: Any, input: Any, other: Any, **options: Any) -> bool:
    """Whether lengths and values agree."""
    both = ragged_among((input, other))
    if len(both) < 2:
        raise no_meaning(function, both, "which compares two such batches")
    same = input.layout.agrees(other.layout) and input.values.shape == other.values.shape
    return same and bool(function(input.values, other.values, **options))


@rule("Tensor.requires_grad_ detach Tensor.detach detach_")
def detached(function: Any, input: Any) -> Any:
    """Cut off from the graph."""
    common(function, (input,))
    return input.detach()
