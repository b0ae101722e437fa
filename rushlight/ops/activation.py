"""Activations: the pointwise functions between layers."""

from __future__ import annotations

import math
from typing import Any

from rushlight.base.errors import type_name
from rushlight.base.shapes import normalize_dim
from rushlight.expr import scalar as s
from rushlight.families.composite import composite
from rushlight.families.inplace import title
from rushlight.families.node_names import called
from rushlight.families.pointwise import pointwise
from rushlight.families.refusals import no_kernel
from rushlight.tensor import Tensor

SQRT_1_2 = math.sqrt(0.5)
SQRT_2_PI = math.sqrt(2 / math.pi)
SELU_ALPHA, SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


@pointwise("relu nn.functional.relu", switch=True, refuse="bool complex",
           grad=lambda gradient, output: s.where(output <= 0, 0, gradient))
def relu(input):
    """max(input, 0); NaN stays NaN.

    >>> import rushlight as rl
    >>> rl.relu(rl.tensor([-1., 2.]))
    tensor([0., 2.])
    """
    return s.maximum(input, 0)


@pointwise("sigmoid special.expit", promote="floating",
           grad=lambda gradient, output: gradient * s.conj((1 - output) * output))
def sigmoid(input):
    """1 / (1 + e**-input).

    >>> import rushlight as rl
    >>> rl.sigmoid(rl.tensor([0., 2.]))
    tensor([0.5000, 0.8808])
    """
    return s.reciprocal(1 + s.exp(-input))


def _gelu_slope(x, approximate):
    if approximate == "tanh":  # by tanh, whose own slope is stable: sigmoid(y) is 1 / (1 + e^-y)
        t = s.tanh(SQRT_2_PI * (x + 0.044715 * x * x * x))
        slope = SQRT_2_PI * (1 + 3 * 0.044715 * x * x)
        return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * slope
    return 0.5 * (1 + s.erf(x * SQRT_1_2)) + x * s.exp(-0.5 * x * x) * (0.5 * SQRT_2_PI)


@pointwise("nn.functional.gelu", refuse="bool integer complex",
           grad=lambda gradient, input, approximate: gradient * _gelu_slope(input, approximate),
           samples=lambda x: [(x(2, 3), {'approximate': 'tanh'})])
def gelu(input, approximate: str = "none"):
    """Gaussian error linear unit, x * Phi(x) (Hendrycks & Gimpel, 2016).

    approximate: "none" for the exact form by erf, "tanh" for the faster approximation.

    >>> import rushlight as rl
    >>> rl.nn.functional.gelu(rl.tensor([-1., 1.]))
    tensor([-0.1587,  0.8413])
    """
    x = input
    if approximate == "tanh":
        # x * (1 + tanh(y)) / 2 as x * sigmoid(2 y): fewer operations, and no cancellation
        return x * s.sigmoid(x * (2 * SQRT_2_PI + 2 * SQRT_2_PI * 0.044715 * (x * x)))
    if approximate != "none":
        raise RuntimeError("approximate argument must be either none or tanh.")
    return 0.5 * x * (1 + s.erf(x * SQRT_1_2))


@pointwise("nn.functional.silu", switch=True, refuse="bool integer")
def silu(input):
    """x * sigmoid(x), also called swish (Elfwing et al., 2017)."""
    return input * s.sigmoid(input)


@pointwise("nn.functional.mish", switch=True, refuse="bool integer complex",
           grad=lambda gradient, input: gradient * _mish_slope(input))
def mish(input):
    """x * tanh(softplus(x)) (Misra, 2019)."""
    return input * s.tanh(_softplus(input))


def _softplus(x):
    return s.where(x > 20, x, s.log1p(s.exp(x)))


def _mish_slope(x):
    t = s.tanh(_softplus(x))
    return t + x * s.sigmoid(x) * (1 - t * t)


@pointwise("nn.functional.softplus", refuse="bool integer complex",
           grad=lambda gradient, input, beta, threshold: s.where(
               beta * input > threshold, gradient, gradient * s.sigmoid(beta * input)))
def softplus(input, beta: Scalar = 1, threshold: Scalar = 20):
    """log(1 + e**(beta x)) / beta; x itself where beta x > threshold.

    >>> import rushlight as rl
    >>> rl.nn.functional.softplus(rl.tensor([0., 30.]))
    tensor([ 0.6931, 30.0000])
    """
    scaled = beta * input
    return s.where(scaled > threshold, input, s.log1p(s.exp(scaled)) / beta)


@pointwise("nn.functional.logsigmoid", refuse="bool integer complex",
           grad=lambda gradient, input: gradient * s.sigmoid(-input))
def logsigmoid(input):
    """log(sigmoid(x)), without overflow."""
    return s.minimum(input, 0) - s.log1p(s.exp(-s.abs(input)))


@pointwise("nn.functional.softsign", promote="floating")
def softsign(input):
    """x / (1 + |x|)."""
    return input / (1 + s.abs(input))


@pointwise("nn.functional.tanhshrink", promote="floating",
           grad=lambda gradient, input: gradient * s.conj(s.tanh(input) * s.tanh(input)))
def tanhshrink(input):
    """x - tanh(x)."""
    return input - s.tanh(input)


def _nonnegative(lambd: float) -> None:
    if not lambd >= 0:  # NaN is refused, too
        raise RuntimeError(f"lambda must be in range [0, 3.40282e+38] for input dtype Float, but "
                           f"found {lambd}: softshrink moves numbers towards zero")


@pointwise("nn.functional.softshrink", refuse="bool integer complex", check=_nonnegative,
           grad=lambda gradient, input, lambd: s.where(s.abs(input) <= lambd, 0, gradient))
def softshrink(input, lambd: Scalar = 0.5):
    """x moved lambd towards zero, and 0 between -lambd and lambd."""
    return s.where(input > lambd, input - lambd,
                   s.where(input < -lambd, input + lambd, input * 0))


@pointwise("nn.functional.hardshrink hardshrink", refuse="bool integer complex",
           grad=lambda gradient, input, lambd: s.where(s.abs(input) <= lambd, 0, gradient))
def hardshrink(input, lambd: Scalar = 0.5):
    """x where |x| > lambd, else 0."""
    return s.where(s.abs(input) <= lambd, 0, input)


def _ascending(min_val: float, max_val: float) -> None:
    if min_val > max_val:
        raise ValueError(f"min_val cannot be greater than max_val: they are {min_val} and "
                         f"{max_val}")


@pointwise("nn.functional.hardtanh", switch=True, refuse="bool complex", check=_ascending,
           casts=True,
           grad=lambda gradient, input, min_val, max_val: s.where(
               s.bitwise_or(input <= min_val, input >= max_val), 0, gradient))
def hardtanh(input, min_val: Scalar = -1.0, max_val: Scalar = 1.0):
    """x limited to [min_val, max_val]."""
    return s.minimum(s.maximum(input, min_val), max_val)


@pointwise("nn.functional.relu6", switch=True, refuse="bool complex",
           grad=lambda gradient, input: s.where(
               s.bitwise_or(input <= 0, input >= 6), 0, gradient))
def relu6(input):
    """x limited to [0, 6]."""
    return s.minimum(s.maximum(input, 0), 6)


@pointwise("nn.functional.hardsigmoid", switch=True, refuse="bool integer complex",
           grad=lambda gradient, input: s.where(
               s.bitwise_and(input > -3, input < 3), gradient * (1 / 6), 0))
def hardsigmoid(input):
    """(x + 3) / 6 limited to [0, 1]."""
    return s.minimum(s.maximum(input + 3, 0), 6) * (1 / 6)


@pointwise("nn.functional.hardswish", switch=True, refuse="bool integer complex",
           grad=lambda gradient, input: s.where(
               input <= -3, 0, s.where(input >= 3, gradient,
                                       gradient * (input * (1 / 3) + 0.5))))
def hardswish(input):
    """x * hardsigmoid(x)."""
    return input * s.minimum(s.maximum(input + 3, 0), 6) * (1 / 6)


@pointwise("nn.functional.leaky_relu", switch=True, refuse="bool integer complex",
           grad=lambda gradient, input, negative_slope: s.where(
               input > 0, gradient, gradient * negative_slope))
def leaky_relu(input, negative_slope: Scalar = 0.01):
    """x, times negative_slope where x is negative."""
    return s.where(input > 0, input, input * negative_slope)


@pointwise("nn.functional.elu", switch=True, refuse="bool integer complex",
           grad=lambda gradient, input, alpha: s.where(
               input <= 0, gradient * alpha * s.exp(input), gradient))
def elu(input, alpha: Scalar = 1.0):
    """x, and alpha * (e**x - 1) where x is negative (Clevert et al., 2015)."""
    return s.where(input <= 0, alpha * s.expm1(input), input)


@pointwise("selu nn.functional.selu", switch=True, refuse="bool integer complex",
           grad=lambda gradient, input: gradient * SELU_SCALE * s.where(
               input <= 0, SELU_ALPHA * s.exp(input), 1))
def selu(input):
    """The self-normalising elu (Klambauer et al., 2017)."""
    return SELU_SCALE * s.where(input <= 0, SELU_ALPHA * s.expm1(input), input)


def _nonzero(alpha: float) -> None:
    if alpha == 0:
        raise RuntimeError("ZeroDivisionError: alpha cannot be 0 for CELU")


@pointwise("celu nn.functional.celu", switch=True, refuse="bool integer complex", check=_nonzero,
           grad=lambda gradient, input, alpha: s.where(
               input <= 0, gradient * s.exp(input / alpha), gradient))
def celu(input, alpha: Scalar = 1.0):
    """max(0, x) + min(0, alpha * (e**(x / alpha) - 1)) (Barron, 2017)."""
    return s.where(input <= 0, alpha * s.expm1(input / alpha), input)


@pointwise("threshold nn.functional.threshold", switch=True, refuse="bool complex", casts=True,
           grad=lambda gradient, input, threshold: s.where(input <= threshold, 0, gradient))
def threshold(input, threshold: Scalar, value: Scalar):
    """x where x > threshold, else value."""
    return s.where(input <= threshold, value, input)


@pointwise("_prelu", refuse="bool integer complex", inplace=False)
def _prelu(input, weight):
    """x, times weight where x is negative."""
    return s.where(input > 0, input, weight * input)


@composite("prelu nn.functional.prelu", samples=lambda x: [(x(2, 3), x(3)), (x(2, 3), x(1))])
def prelu(input: Any, weight: Any) -> Any:
    """x, times weight where x is negative; weight holds one number, or one for each channel."""
    if not isinstance(weight, Tensor):
        raise TypeError("prelu(): argument 'weight' (position 2) must be Tensor, not "
                        f"{type_name(weight)}")
    if weight.dtype is not input.dtype:
        raise RuntimeError(f"prelu: Type promoting not supported. Got {title(input.dtype)} and "
                           f"{title(weight.dtype)}: convert one with .to(dtype)")
    if weight.ndim > 1:
        raise RuntimeError("prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = "
                           f"{weight.ndim}")
    channels = input.shape[1] if input.ndim > 1 else 1
    if weight.numel() > 1 and input.ndim == 0:
        raise RuntimeError("Not allow zero-dim input tensor: there are no channels for "
                           f"{weight.numel()} weights")
    if weight.numel() not in (1, channels):
        raise RuntimeError(f"Mismatch of parameter numbers and input channel size. Found parameter "
                           f"numbers = {weight.numel()} and channel size = {channels}.")
    shape = (1, -1) + (1,) * (input.ndim - 2) if weight.numel() > 1 else (1,) * input.ndim
    return _prelu(input, weight.reshape(shape))


@composite("nn.functional.glu", samples=lambda x: [(x(2, 4),), (x(4, 2), 0)])
@called("Glu")
def glu(input: Any, dim: int = -1) -> Any:
    """a * sigmoid(b) of the halves a and b of input along `dim` (Dauphin et al., 2016)."""
    if input.ndim == 0:
        raise RuntimeError("glu does not support scalars because halving size must be even")
    n = input.shape[normalize_dim(dim, input.ndim)]
    if n % 2:
        raise RuntimeError(f"Halving dimension must be even, but dimension {dim} is size {n}")
    if input.dtype.category < 2:
        raise no_kernel("glu", title(input.dtype), "; convert it with .float()")
    first, second = input.chunk(2, dim)
    return _gated(first, second)


@pointwise("_gated", refuse="bool integer", inplace=False)
def _gated(input, gate):
    """input times the sigmoid of gate."""
    return input * s.reciprocal(1 + s.exp(-gate))


@composite("nn.functional.tanh", samples=lambda x: [(x(2, 3),)])
def tanh(input: Any) -> Any:
    """The hyperbolic tangent."""
    return input.tanh()


@composite("nn.functional.sigmoid", samples=lambda x: [(x(2, 3),)])
def sigmoid_function(input: Any) -> Any:
    """1 / (1 + e**-input)."""
    return input.sigmoid()
