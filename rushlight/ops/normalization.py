"""Normalisation: layer, batch, group, instance and RMS norm, normalize, local response."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.backends.meta.array import MetaArray, is_meta
from rushlight.backends.quiet import quiet
from rushlight.base.dtypes import finfo, float32, float64
from rushlight.base.errors import operands
from rushlight.base.first_use import Deferred
from rushlight.base.flags import flags
from rushlight.families.composite import composite
from rushlight.families.inplace import real_only, title, wrote
from rushlight.families.kernels import number
from rushlight.families.library import library
from rushlight.families.rounded_once import rounded_once
from rushlight.ops.joining import cat
from rushlight.tensor import Tensor, wrap

if TYPE_CHECKING:
    from rushlight.backends import normalization as kernels
else:
    kernels = Deferred("rushlight.backends.normalization", globals())


def _check_dtypes(input: Any, *parameters: Any) -> None:
    """Parameters are of the input's dtype, or float32 where the input has fewer bits."""
    given = [x for x in parameters if x is not None]
    if not given or given[0].dtype is input.dtype:
        return
    if any(x.dtype is not float32 for x in given):
        raise RuntimeError("mixed dtype (CPU): expect parameter to have scalar type of Float, got "
                           f"{', '.join(title(x.dtype) for x in given)} for an input of "
                           f"{title(input.dtype)}; convert one with .to(dtype)")
    if input.dtype.category < 2 or (input.dtype.category == 2 and input.dtype.itemsize > 2):
        raise RuntimeError("mixed dtype (CPU): all inputs must share same datatype. Got "
                           f"{title(input.dtype)} and parameters of Float; convert one with "
                           ".to(dtype)")


def _refuse_integers(kernel: str, input: Any) -> None:
    if input.dtype.category < 2:
        raise NotImplementedError(f"\"{kernel}\" not implemented for '{title(input.dtype)}': "
                                  "convert the input with .float()")


def _check_shape(input: Any, normalized_shape: tuple[int, ...], name: str,
                 **parameters: Any) -> None:
    if not normalized_shape:
        raise RuntimeError("Expected normalized_shape to be at least 1-dimensional, i.e., "
                           "containing at least one element, but got normalized_shape = []")
    if tuple(input.shape[-len(normalized_shape):]) != normalized_shape:
        raise RuntimeError(
            f"Given normalized_shape={list(normalized_shape)}, expected input with shape "
            f"[*, {', '.join(map(str, normalized_shape))}], but got input of size"
            f"{list(input.shape)}: {name}({operands(input=input)})")
    for word, x in parameters.items():
        if x is not None and tuple(x.shape) != normalized_shape:
            raise RuntimeError(
                f"Expected {word} to be of same shape as normalized_shape, but got {word} of shape "
                f"{list(x.shape)} and normalized_shape = {list(normalized_shape)}: "
                f"{name}({operands(input=input)})")


@composite("nn.functional.layer_norm layer_norm", samples=lambda x: [
    (x(2, 3), (3,)), (x(2, 2, 3), (2, 3), x(2, 3), x(2, 3), 1e-3)])
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
    _check_dtypes(input, weight, bias)
    _check_shape(input, shape, "layer_norm", weight=weight, bias=bias)
    _refuse_integers("LayerNormKernelImpl", input)
    return _native_layer_norm(input, weight, bias, len(shape), eps)


def _standardised(input: Any, dims: tuple[int, ...], eps: float) -> tuple[Any, Any]:
    """(x - mean) rstd over `dims` and rstd, by differentiable ops."""
    centred = input - input.mean(dims, keepdim=True)
    rstd = ((centred * centred).mean(dims, keepdim=True) + eps).rsqrt()
    return centred * rstd, rstd


def _slope(gradient: Any, y: Any, rstd: Any, dims: tuple[int, ...]) -> Any:
    """The gradient of what `_standardised` made `y` of, by differentiable ops."""
    return rstd * (gradient - gradient.mean(dims, keepdim=True)
                   - y * (gradient * y).mean(dims, keepdim=True))


@library("_native_layer_norm", family="rowwise")
class _native_layer_norm:
    """(x - mean) / sqrt(variance + eps) weight + bias over the last `places` dimensions."""

    keeps = ("mean", "rstd")

    def forward(input, weight: Operand = None, bias: Operand = None, places: Option = 1,
                eps: Option = 1e-5):
        real_only("LayerNormKernelImpl", input)
        if is_meta(input):
            return input, None, None
        return kernels.layer_norm(input, places, weight, bias, eps)

    def backward(gradient, input, weight, bias, places, eps, mean, rstd, needs):
        if not flags.grad_enabled and not is_meta(input._array):
            return _wrapped(kernels.layer_norm_backward(
                gradient._array, input._array, places, _array(weight), _array(bias), mean, rstd,
                needs))
        dims = tuple(range(input.ndim - places, input.ndim))
        y, rstd = _standardised(input, dims, eps)
        return (_slope(gradient if weight is None else gradient * weight, y, rstd, dims),
                (gradient * y).sum_to_size(weight.shape) if needs[1] else None,
                gradient.sum_to_size(bias.shape) if needs[2] else None)


def _array(tensor: Any) -> Any:
    return None if tensor is None else tensor._array


def _wrapped(arrays: Any) -> tuple[Any, ...]:
    return tuple([None if array is None else wrap(array) for array in arrays])


@composite("nn.functional.rms_norm rms_norm", samples=lambda x: [
    (x(2, 3), (3,)), (x(2, 3), (3,), x(3), 1e-3)])
def rms_norm(input: Any, normalized_shape: Any, weight: Any = None,
             eps: float | None = None) -> Tensor:
    """x / sqrt(mean(x*x) + eps) * weight over the last dimensions (Zhang and Sennrich, 2019)."""
    shape = tuple(normalized_shape)
    _check_shape(input, shape, "rms_norm", weight=weight)
    _refuse_integers("rms_norm", input)
    if eps is None:  # that of the type it is computed in
        eps = finfo(float64 if input.dtype is float64 else float32).eps
    if input.dtype.is_complex:  # as torch has it: no conjugate in the square
        dims = tuple(range(-len(shape), 0))
        unit = input * ((input * input).mean(dims, keepdim=True) + eps).rsqrt()
        return unit if weight is None else unit * weight
    return _rms_norm(input, weight, len(shape), eps)


@library("_rms_norm", family="rowwise")
class _rms_norm:
    """x / sqrt(mean(x*x) + eps) weight over the last `places` dimensions."""

    keeps = ("rstd",)

    def forward(input, weight: Operand = None, places: Option = 1, eps: Option = 1e-5):
        if is_meta(input):
            return input, None
        return kernels.rms_norm(input, places, weight, eps)

    def backward(gradient, input, weight, places, eps, rstd, needs):
        if not flags.grad_enabled and not is_meta(input._array):
            return _wrapped(kernels.rms_norm_backward(
                gradient._array, input._array, places, _array(weight), rstd, needs))
        dims = tuple(range(input.ndim - places, input.ndim))
        rstd = ((input * input).mean(dims, keepdim=True) + eps).rsqrt()
        y, g = input * rstd, gradient if weight is None else gradient * weight
        return (rstd * (g - y * (g * y).mean(dims, keepdim=True)),
                (gradient * y).sum_to_size(weight.shape) if needs[1] else None)


@composite("nn.functional.group_norm group_norm", samples=lambda x: [
    (x(2, 4, 2), 2), (x(1, 4, 3), 2, x(4), x(4), 1e-3)])
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
    for name, x in (("weight", weight), ("bias", bias)):
        if x is not None and (x.ndim != 1 or x.shape[0] != channels):
            raise RuntimeError(
                f"Expected {name} to be a vector of size equal to the number of channels in input, "
                f"but got {name} of shape {list(x.shape)} and input of shape {list(input.shape)}")
    if channels and input.numel() == input.shape[0] * num_groups == num_groups:
        raise ValueError("Expected more than 1 value per channel when training, got input size "
                         f"{list(input.shape)}: in groups of one number nothing varies")
    _check_dtypes(input, weight, bias)
    _refuse_integers("GroupNormKernelImpl", input)
    return _native_group_norm(input, weight, bias, num_groups, eps)


@library("_native_group_norm", family="rowwise")
class _native_group_norm:
    """(x - mean) / sqrt(variance + eps) weight + bias in groups of channels."""

    keeps = ("mean", "rstd")

    def forward(input, weight: Operand = None, bias: Operand = None, groups: Option = 1,
                eps: Option = 1e-5):
        real_only("GroupNormKernelImpl", input)
        if is_meta(input):
            return input, None, None
        return kernels.group_norm(input, groups, weight, bias, eps)

    def backward(gradient, input, weight, bias, groups, eps, mean, rstd, needs):
        if not flags.grad_enabled and not is_meta(input._array):
            results = kernels.group_norm_backward(gradient._array, input._array, groups,
                                                  _array(weight), mean, rstd)
            return _as_operands(results, input, weight, bias, needs)
        rows = input.reshape(input.shape[0], groups, input.numel() // max(
            input.shape[0] * groups, 1))
        y, rstd = _standardised(rows, (2,), eps)
        g = gradient if weight is None else gradient * _by_channel(weight, input.ndim)
        to_input = _slope(g.reshape(rows.shape), y, rstd, (2,)).reshape(input.shape)
        return _channel_gradients(to_input, gradient, y.reshape(input.shape), weight, bias, needs)


def _as_operands(results: Any, input: Any, weight: Any, bias: Any,
                 needs: tuple[bool, ...]) -> tuple[Any, ...]:
    """Gradients that were computed in double as tensors like their operands."""
    return tuple([wrap(r if r.shape == x._array.shape and r.dtype is x._array.dtype else
                       r.reshape(x.shape).astype(x._array.dtype, copy=False)) if need else None
                  for r, x, need in zip(results, (input, weight, bias), needs, strict=True)])


def _by_channel(vector: Any, ndim: int) -> Any:
    return vector.reshape((1, -1) + (1,) * (ndim - 2))


def _channel_gradients(to_input: Any, gradient: Any, y: Any, weight: Any, bias: Any,
                       needs: tuple[bool, ...]) -> tuple[Any, ...]:
    """The gradients of input, weight and bias, by differentiable ops."""
    axes = (0, *range(2, y.ndim))
    return (to_input,
            (gradient * y).sum(axes).reshape(weight.shape) if needs[1] else None,
            gradient.sum(axes).reshape(bias.shape) if needs[2] else None)


@composite("nn.functional.instance_norm instance_norm", samples=lambda x: [
    (x(2, 2, 3),), (x(2, 2, 3), None, None, x(2), x(2))])
def instance_norm(input: Any, running_mean: Any = None, running_var: Any = None,
                  weight: Any = None, bias: Any = None, use_input_stats: bool = True,
                  momentum: float = 0.1, eps: float = 1e-5,
                  cudnn_enabled: bool = True) -> Tensor:
    """Batch norm of each sample by itself: over the places of each channel."""
    batch, channels = input.shape[:2]
    if not use_input_stats and (running_mean is None or running_var is None):
        raise RuntimeError("Expected running_mean and running_var to be defined when "
                           "use_input_stats is false")
    if use_input_stats and math.prod(input.shape[2:]) == 1:
        raise ValueError("Expected more than 1 spatial element when training, got input size "
                         f"{input.shape}: with one value the variance is not defined")
    flat = input.reshape(1, batch * channels, *input.shape[2:])
    repeat = lambda x: None if x is None else x.repeat(batch)  # noqa: E731
    mean, var = (None if x is None else repeat(x).to(input.dtype)
                 for x in (running_mean, running_var))
    result: Any = batch_norm(flat, mean, var, repeat(weight), repeat(bias), use_input_stats,
                             momentum, eps)
    if use_input_stats and running_mean is not None:
        running_mean.copy_(mean.view(batch, channels).mean(0))
        running_var.copy_(var.view(batch, channels).mean(0))
    return result.reshape(input.shape)


@library("_native_batch_norm", family="rowwise")
class _native_batch_norm:
    """(x - mean) / sqrt(variance + eps) weight + bias of each channel, mean and variance."""

    outputs = 3
    differentiable = (0,)

    def forward(input, weight: Operand = None, bias: Operand = None, eps: Option = 1e-5):
        real_only("batch_norm", input)
        if is_meta(input):
            channels = MetaArray(input.shape[1:2], input.dtype)
            return input, channels, channels
        return kernels.batch_norm(input, weight, bias, eps)

    def backward(gradient, input, weight, bias, eps, output1, output2, needs):
        gradient = gradient[0]
        if not flags.grad_enabled and not is_meta(input._array):
            results = kernels.batch_norm_backward(
                gradient._array, input._array, _array(weight), output1._array, output2._array, eps)
            return _as_operands(results, input, weight, bias, needs)
        axes = (0, *range(2, input.ndim))
        y, rstd = _standardised(input, axes, eps)
        g = gradient if weight is None else gradient * _by_channel(weight, input.ndim)
        return _channel_gradients(_slope(g, y, rstd, axes), gradient, y, weight, bias, needs)


@library("_scale_channels", family="rowwise")
class _scale_channels:
    """(x - centre) factor + shift, with a number of each for every channel."""

    def forward(input, centre, factor, shift):
        real_only("batch_norm", input)
        return input if is_meta(input) else kernels.scale_channels(input, centre, factor, shift)

    def backward(gradient, input, centre, factor, needs):
        axes = (0, *range(2, input.ndim))
        to_input = gradient * _by_channel(factor, input.ndim)
        to_factor = None
        if needs[2]:
            to_factor = (gradient * (input - _by_channel(centre, input.ndim))).sum(axes)
        return (to_input, -to_input.sum(axes) if needs[1] else None, to_factor,
                gradient.sum(axes) if needs[3] else None)


@composite("nn.functional.batch_norm", samples=lambda x: [
    (x(3, 2), None, None, x(2), x(2), True), (x(2, 2, 3), x(2), x(2, low=0.5), x(2))])
def batch_norm(input: Any, running_mean: Any, running_var: Any, weight: Any = None,
               bias: Any = None, training: bool = False, momentum: float | None = 0.1,
               eps: float = 1e-5) -> Tensor:
    """(x - mean) / sqrt(variance + eps) * weight + bias per channel (Ioffe and Szegedy, 2015).

    input: (batch, channels, *). In training the statistics are the batch's, and the running ones
    are moved towards them by `momentum` in place; else the running ones are used.
    """
    shape = input._array.shape
    if len(shape) < 2 and not input.numel():
        return input.clone()
    channels = shape[1] if len(shape) > 1 else 0
    for name, x in (("running_mean", running_mean), ("running_var", running_var),
                    ("weight", weight), ("bias", bias)):
        if x is not None and x._array.size != channels:
            raise RuntimeError(f"{name} should contain {channels} elements not {x.numel()}: "
                               f"batch_norm({operands(input=input, **{name: x})}); the channels "
                               "are dimension 1 of the input")
    if training and input._array.size == channels:
        raise ValueError("Expected more than 1 value per channel when training, got input size "
                         f"{input.shape}: with one value the variance is not defined; use a "
                         "larger batch, or eval() for inference")
    _refuse_integers("batch_norm", input)
    _check_dtypes(input, weight, bias, running_mean, running_var)
    if (training and eps <= 0) or eps < 0:
        kind = "positive during training" if training else "non-negative"
        raise ValueError(f"batch_norm eps must be {kind}, but got {eps}")
    if not training:
        for name, x in (("running_mean", running_mean), ("running_var", running_var)):
            if x is None:
                raise RuntimeError(f"{name} must be defined in evaluation mode: "
                                   f"batch_norm({operands(input=input)})")
        found: Tensor = rounded_once(partial(_with_statistics, eps), input, running_mean,
                                     running_var, weight, bias)
        return found
    count = input._array.size // max(channels, 1)
    if not count:  # nothing to normalise, and nothing to learn from
        places = (1, channels) + (1,) * (len(shape) - 2)
        result = input if weight is None else input * weight.reshape(places)
        return result + (0 if bias is None else bias.reshape(places))
    result, mean, variance = _native_batch_norm(input, weight, bias, eps)
    if running_mean is not None:
        _move(running_mean, mean, momentum or 0.0)
        _move(running_var, variance, momentum or 0.0, count / (count - 1))
    return result


def _with_statistics(eps: float, input: Any, mean: Any, variance: Any, weight: Any,
                     bias: Any) -> Tensor:
    factor = (variance + eps).rsqrt()
    factor = factor if weight is None else factor * _vector(weight)
    shift = mean.new_zeros(mean.numel()) if bias is None else _vector(bias)
    return _scale_channels(input, mean, factor, shift)


def _move(running: Any, now: Any, weight: float, factor: float = 1.0) -> None:
    """A running statistic moved towards the batch's; variances are made unbiased by `factor`."""
    target = running._array
    if is_meta(target):
        return
    multiply, share = quiet(np.multiply), number(weight * factor, target.dtype)
    if now._array.dtype is target.dtype and target.dtype.char in "fd":
        multiply(target, number(1 - weight, target.dtype), out=target)
        np.add(target, multiply(now._array.reshape(target.shape), share), out=target)
    else:
        target[...] = (1 - weight) * target + weight * factor * now._array.reshape(target.shape)
    wrote(running)


def _vector(tensor: Any) -> Any:
    return tensor if tensor._array.ndim == 1 else tensor.reshape(-1)


@composite("nn.functional.normalize")
def normalize(input: Any, p: float = 2.0, dim: Any = 1, eps: float = 1e-12,
              out: Any = None) -> Tensor:
    """x / max(p-norm of x along dim, eps).

    >>> import rushlight as rl
    >>> rl.nn.functional.normalize(rl.tensor([[3., 4.]]))
    tensor([[0.6000, 0.8000]])
    """
    length = input.norm(p, dim, keepdim=True).clamp_min(eps)
    return input.div(length, out=out)


@composite("nn.functional.local_response_norm", samples=lambda x: [(x(1, 4, 2), 3, 0.5)])
def local_response_norm(input: Any, size: int, alpha: float = 1e-4, beta: float = 0.75,
                        k: float = 1.0) -> Tensor:
    """x / (k + alpha * mean of x*x over `size` neighbouring channels) ** beta."""
    if input.ndim < 3:
        raise ValueError(f"Expected 3D or higher dimensionality input (got {input.ndim} "
                         "dimensions)")
    if not input.numel():
        return input
    square = input * input
    channels = input.shape[1]
    before, after = size // 2, (size - 1) // 2
    padded = cat([square.new_zeros(square.shape[0], before, *square.shape[2:]), square,
                  square.new_zeros(square.shape[0], after, *square.shape[2:])], 1)
    windows = padded.unfold(1, size, 1)[:, :channels]
    total = windows.mean(-1) if input.dtype.category > 1 else windows.sum(-1) // size
    return input / (total * alpha + k) ** beta

