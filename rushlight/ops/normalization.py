"""Normalisation: layer, batch, group, instance and RMS norm, normalize, local response."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.backends import rowwise
from rushlight.backends.meta.array import is_meta
from rushlight.base.errors import operands
from rushlight.families.composite import composite
from rushlight.families.inplace import wrote
from rushlight.families.library import library
from rushlight.ops.joining import cat
from rushlight.tensor import Tensor


def _check_shape(input: Any, normalized_shape: tuple[int, ...], name: str) -> None:
    if not normalized_shape:
        raise RuntimeError("Expected normalized_shape to be at least 1-dimensional, i.e., "
                           "containing at least one element, but got normalized_shape = []")
    if tuple(input.shape[-len(normalized_shape):]) != normalized_shape:
        raise RuntimeError(
            f"Given normalized_shape={list(normalized_shape)}, expected input with shape "
            f"[*, {', '.join(map(str, normalized_shape))}], but got input of size"
            f"{list(input.shape)}: {name}({operands(input=input)})")


@composite("nn.functional.layer_norm layer_norm")
def layer_norm(input: Any, normalized_shape: Any, weight: Any = None, bias: Any = None,
               eps: float = 1e-5, cudnn_enable: bool = True) -> Tensor:
    """(x - mean) / sqrt(variance + eps) * weight + bias over the last dimensions.

    normalized_shape: those dimensions' sizes, the shape of weight and bias (Ba et al., 2016).

    >>> import rushlight as rl
    >>> rl.nn.functional.layer_norm(rl.tensor([[1., 3.]]), (2,))
    tensor([[-1.0000,  1.0000]])
    """
    shape = tuple(normalized_shape) if not isinstance(normalized_shape, int) else (
        normalized_shape,)
    _check_shape(input, shape, "layer_norm")
    rows = input if len(shape) == 1 else input.reshape(*input.shape[:-len(shape)], -1)
    result: Any = _layer_rows(rows, eps)
    result = result if len(shape) == 1 else result.reshape(input.shape)
    if weight is not None:
        result = result * weight
    return result if bias is None else result + bias


@library("_layer_rows", family="rowwise")
class _layer_rows:
    """(x - mean) / sqrt(variance + eps) along the last dimension."""

    def forward(input, eps: Option):
        return input if is_meta(input) else rowwise.normalize(input, eps)[0]

    def backward(gradient, input, eps):
        n = input.shape[-1]
        centred = input - input.mean(-1, keepdim=True)
        rstd = ((centred * centred).mean(-1, keepdim=True) + eps).rsqrt()
        y = centred * rstd
        along = (gradient * y).sum(-1, keepdim=True) / n
        return rstd * (gradient - gradient.mean(-1, keepdim=True) - y * along)


@composite("nn.functional.rms_norm rms_norm")
def rms_norm(input: Any, normalized_shape: Any, weight: Any = None,
             eps: float | None = None) -> Tensor:
    """x / sqrt(mean(x*x) + eps) * weight over the last dimensions (Zhang and Sennrich, 2019)."""
    shape = tuple(normalized_shape)
    _check_shape(input, shape, "rms_norm")
    dims = tuple(range(-len(shape), 0))
    eps = float(np.finfo(input._array.dtype).eps) if eps is None else eps
    result = input * ((input * input).mean(dims, keepdim=True) + eps).rsqrt()
    return result if weight is None else result * weight


@composite("nn.functional.group_norm group_norm")
def group_norm(input: Any, num_groups: int, weight: Any = None, bias: Any = None,
               eps: float = 1e-5, cudnn_enabled: bool = True) -> Tensor:
    """Layer norm over each of `num_groups` groups of channels (Wu and He, 2018).

    input: (batch, channels, *). weight, bias: (channels).
    """
    if input.ndim < 2:
        raise RuntimeError(f"Expected at least 2 dimensions for input tensor but received "
                           f"{input.ndim}")
    channels = input.shape[1]
    if channels % num_groups:
        raise RuntimeError(
            f"Expected number of channels in input to be divisible by num_groups, but got input "
            f"of shape {list(input.shape)} and num_groups={num_groups}")
    rows = input.reshape(input.shape[0], num_groups, -1)
    result: Any = _layer_rows(rows, eps).reshape(input.shape)  # type: ignore[attr-defined]
    return _per_channel(result, weight, bias)


def _per_channel(result: Any, weight: Any, bias: Any) -> Tensor:
    shape = (1, -1) + (1,) * (result.ndim - 2)
    if weight is not None:
        result = result * weight.reshape(shape)
    return result if bias is None else result + bias.reshape(shape)


@composite("nn.functional.instance_norm instance_norm")
def instance_norm(input: Any, running_mean: Any = None, running_var: Any = None,
                  weight: Any = None, bias: Any = None, use_input_stats: bool = True,
                  momentum: float = 0.1, eps: float = 1e-5,
                  cudnn_enabled: bool = True) -> Tensor:
    """Batch norm of each sample by itself: over the places of each channel."""
    batch, channels = input.shape[:2]
    flat = input.reshape(1, batch * channels, *input.shape[2:])
    repeat = lambda x: None if x is None else x.repeat(batch)  # noqa: E731
    mean, var = repeat(running_mean), repeat(running_var)
    result: Any = batch_norm(flat, mean, var, None, None, use_input_stats, momentum, eps)
    if use_input_stats and running_mean is not None:
        running_mean.copy_(mean.view(batch, channels).mean(0))
        running_var.copy_(var.view(batch, channels).mean(0))
    return _per_channel(result.reshape(input.shape), weight, bias)


@library("_batch_standardised", family="rowwise")
class _batch_standardised:
    """(x - mean) / sqrt(variance + eps) of each channel over batch and places."""

    keeps = ("mean", "variance")

    def forward(input, eps: Option):
        if is_meta(input):
            return input, None, None
        return rowwise.batch_normalize(input, eps)

    def backward(gradient, input, eps):
        axes = (0, *range(2, input.ndim))
        n = input.numel() // input.shape[1]
        centred = input - input.mean(axes, keepdim=True)
        rstd = ((centred * centred).mean(axes, keepdim=True) + eps).rsqrt()
        y = centred * rstd
        along = (gradient * y).sum(axes, keepdim=True) / n
        return rstd * (gradient - gradient.mean(axes, keepdim=True) - y * along)


@composite("nn.functional.batch_norm")
def batch_norm(input: Any, running_mean: Any, running_var: Any, weight: Any = None,
               bias: Any = None, training: bool = False, momentum: float | None = 0.1,
               eps: float = 1e-5) -> Tensor:
    """(x - mean) / sqrt(variance + eps) * weight + bias per channel (Ioffe and Szegedy, 2015).

    input: (batch, channels, *). In training the statistics are the batch's, and the running ones
    are moved towards them by `momentum` in place; else the running ones are used.
    """
    channels = input.shape[1]
    for name, x in (("running_mean", running_mean), ("running_var", running_var),
                    ("weight", weight), ("bias", bias)):
        if x is not None and x.numel() != channels:
            raise RuntimeError(f"{name} should contain {channels} elements not {x.numel()}")
    if not training:
        shape = (1, -1) + (1,) * (input.ndim - 2)
        scale = (running_var + eps).rsqrt()
        if weight is not None:
            scale = scale * weight
        shift = -running_mean * scale if bias is None else bias - running_mean * scale
        return input * scale.reshape(shape) + shift.reshape(shape)
    count = input.numel() // max(channels, 1)
    if count <= 1:
        raise ValueError("Expected more than 1 value per channel when training, got input size "
                         f"{input.shape}")
    result = _batch_standardised(input, eps)
    if running_mean is not None:
        _move(running_mean, running_var, input, count, momentum)
    return _per_channel(result, weight, bias)


def _move(running_mean: Any, running_var: Any, input: Any, count: int, momentum: Any) -> None:
    """The running statistics, moved towards the batch's; its variance is the unbiased one."""
    array = input._array
    if is_meta(array):
        return
    mean, variance = rowwise.batch_statistics(array)
    weight = momentum or 0.0
    for running, now in ((running_mean, mean), (running_var, variance * (count / (count - 1)))):
        target = running._array
        target[...] = (1 - weight) * target + weight * now.reshape(target.shape)
        wrote(running)


@composite("nn.functional.normalize")
def normalize(input: Any, p: float = 2.0, dim: Any = 1, eps: float = 1e-12,
              out: Any = None) -> Tensor:
    """x / max(p-norm of x along dim, eps).

    >>> import rushlight as rl
    >>> rl.nn.functional.normalize(rl.tensor([[3., 4.]]))
    tensor([[0.6000, 0.8000]])
    """
    length = input.norm(p, dim, keepdim=True).clamp_min(eps)
    return (input / length).expand_as(input)


@composite("nn.functional.local_response_norm")
def local_response_norm(input: Any, size: int, alpha: float = 1e-4, beta: float = 0.75,
                        k: float = 1.0) -> Tensor:
    """x / (k + alpha * mean of x*x over `size` neighbouring channels) ** beta."""
    if input.ndim < 3:
        raise ValueError(f"Expected 3D or higher dimensionality input (got {input.ndim} "
                         "dimensions)")
    square = input * input
    channels = input.shape[1]
    before, after = size // 2, (size - 1) // 2
    padded = cat([square.new_zeros(square.shape[0], before, *square.shape[2:]), square,
                  square.new_zeros(square.shape[0], after, *square.shape[2:])], 1)
    total = padded.unfold(1, size, 1)[:, :channels].mean(-1)
    return input / (total * alpha + k) ** beta

