"""A batch norm in evaluation folded into the layer before it."""

from __future__ import annotations

import copy
from typing import Any

from rushlight.nn.modules.module import Module
from rushlight.nn.parameter import Parameter
from rushlight.ops import ones_like, rsqrt, zeros_like
from rushlight.tensor import Tensor


def fuse_conv_bn_eval(conv: Module, bn: Module, transpose: bool = False) -> Module:
    """A copy of `conv` that computes `bn(conv(x))`; both have to be in evaluation.

    transpose: the convolution is a transposed one. Raises AssertionError in training.

    >>> import rushlight as rl
    >>> conv, norm = rl.nn.Conv2d(1, 2, 3).eval(), rl.nn.BatchNorm2d(2).eval()
    >>> x = rl.randn(1, 1, 5, 5)
    >>> fused = rl.nn.utils.fuse_conv_bn_eval(conv, norm)
    >>> rl.allclose(fused(x), norm(conv(x)), atol=1e-5)
    True
    """
    _check_eval(conv, bn)
    fused = copy.deepcopy(conv)
    fused.weight, fused.bias = fuse_conv_bn_weights(
        fused.weight, fused.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias,
        transpose)
    return fused


def fuse_linear_bn_eval(linear: Module, bn: Module) -> Module:
    """A copy of `linear` that computes `bn(linear(x))`; both have to be in evaluation.

    Raises AssertionError in training, or where the norm has neither one feature nor as many as
    the layer gives.
    """
    _check_eval(linear, bn)
    if linear.out_features != bn.num_features and bn.num_features != 1:
        raise AssertionError(
            "To fuse, linear.out_features == bn.num_features or bn.num_features == 1, but got "
            f"{linear.out_features} and {bn.num_features}"
        )
    fused = copy.deepcopy(linear)
    fused.weight, fused.bias = fuse_linear_bn_weights(
        fused.weight, fused.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias)
    return fused


def fuse_conv_bn_weights(
    conv_w: Tensor,
    conv_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor | None,
    bn_b: Tensor | None,
    transpose: bool = False,
) -> tuple[Parameter, Parameter]:
    """Weight and bias of a convolution followed by a batch norm.

    conv_w, conv_b: the convolution's. bn_rm, bn_rv: running mean and variance. bn_w, bn_b: the
    norm's weight and bias, or None. transpose: output channels are dimension 1 of conv_w.
    """
    return _fused(conv_w, conv_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, 1 if transpose else 0)


def fuse_linear_bn_weights(
    linear_w: Tensor,
    linear_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor,
    bn_b: Tensor,
) -> tuple[Parameter, Parameter]:
    """Weight and bias of a linear layer followed by a batch norm; see `fuse_conv_bn_weights`."""
    return _fused(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, 0)


def _fused(
    weight: Tensor, bias: Any, mean: Tensor, variance: Tensor, eps: float, bn_w: Any, bn_b: Any,
    dim: int,
) -> tuple[Parameter, Parameter]:
    if mean is None or variance is None:
        raise AssertionError("bn.running_mean and bn.running_var must not be None: the norm has to "
                             "track running statistics")
    bias = zeros_like(mean) if bias is None else bias
    bn_w = ones_like(mean) if bn_w is None else bn_w
    bn_b = zeros_like(mean) if bn_b is None else bn_b
    scale = bn_w * rsqrt(variance + eps)
    shape = [1] * weight.dim()
    shape[dim] = -1
    new_weight = (weight * scale.reshape(shape)).to(weight.dtype)
    new_bias = ((bias - mean) * scale + bn_b).to(bias.dtype)
    return (Parameter(new_weight.detach(), weight.requires_grad),
            Parameter(new_bias.detach(), bias.requires_grad))


def _check_eval(layer: Module, bn: Module) -> None:
    if layer.training or bn.training:
        raise AssertionError("Fusion only for eval! Call eval() on both modules first")
