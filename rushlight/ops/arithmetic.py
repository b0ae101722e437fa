"""Sums, products, quotients, powers, remainders."""

from __future__ import annotations

from rushlight.expr import scalar as s
from rushlight.families.pointwise import pointwise


@pointwise("add Tensor.__add__", tensors="", numbers=True)
def add(input, other, *, alpha: Scalar = 1):
    """input + alpha * other, with broadcasting.

    input, other: tensors or numbers. alpha: a number, an integer for integer tensors.
    Returns a new tensor of the promoted dtype.

    >>> import rushlight as rl
    >>> rl.add(rl.tensor([1, 2]), 10, alpha=2)
    tensor([21, 22])
    """
    return input + alpha * other


@pointwise("sub subtract Tensor.__sub__", tensors="", numbers=True, refuse="bool",
           refusal="Subtraction, the `-` operator, with a bool tensor is not supported. If you are "
                   "trying to invert a mask, use the `~` or `logical_not()` operator instead.")
def sub(input, other, *, alpha: Scalar = 1):
    """input - alpha * other, with broadcasting.

    >>> import rushlight as rl
    >>> rl.tensor([5, 7]) - 2
    tensor([3, 5])
    """
    return input - alpha * other


@pointwise("rsub", refuse="bool", inplace=False,
           refusal="Subtraction, the `-` operator, with a bool tensor is not supported. If you are "
                   "trying to invert a mask, use the `~` or `logical_not()` operator instead.")
def rsub(input, other, *, alpha: Scalar = 1):
    """other - alpha * input, with broadcasting."""
    return other - alpha * input


@pointwise("mul multiply Tensor.__mul__", tensors="", numbers=True)
def mul(input, other):
    """input * other, with broadcasting.

    >>> import rushlight as rl
    >>> rl.tensor([1., 2.]) * 3
    tensor([3., 6.])
    """
    return input * other


@pointwise("div divide true_divide Tensor.__truediv__ Tensor.__div__", tensors="", numbers=True,
           promote=lambda rounding_mode: "numeric" if rounding_mode else "floating",
           refuse=lambda rounding_mode: "bool complex" if rounding_mode else "",
           grad={"input": lambda gradient, other, rounding_mode: _unless_rounded(
               gradient / s.conj(other), gradient, rounding_mode),
               "other": lambda gradient, other, output, rounding_mode: _unless_rounded(
                   -gradient * s.conj(output / other), gradient, rounding_mode)},
           samples=lambda x: [(x(2, 3), x(3, low=0.5, high=2), {"rounding_mode": "floor"}),
                              (x(2, 3), x(3, low=0.5, high=2), {"rounding_mode": "trunc"})],
           domain=((-3, 3), (0.5, 2)))
def div(input, other, *, rounding_mode: str = None):
    """input / other: a true quotient, or rounded by rounding_mode "trunc" or "floor".

    Integers give the default floating dtype, unless the quotient is rounded.

    >>> import rushlight as rl
    >>> rl.tensor([1, 2]) / 2
    tensor([0.5000, 1.0000])
    >>> rl.div(rl.tensor([-7, 7]), 2, rounding_mode="floor")
    tensor([-4,  3])
    """
    if rounding_mode is None:
        return input / other
    if rounding_mode == "trunc":
        return s.trunc_div(input, other)
    if rounding_mode == "floor":
        return s.floor_div(input, other)
    raise RuntimeError("div expected rounding_mode to be one of None, 'trunc', or 'floor' but "
                       f"found '{rounding_mode}'")


def _unless_rounded(slope, gradient, rounding_mode):
    """The slope of a quotient: zero where it is rounded, whatever the gradient is."""
    return slope if rounding_mode is None else s.where(s.isnan(gradient), 0, 0)


@pointwise("floor_divide Tensor.__floordiv__", tensors="", numbers=True,
           refuse="bool complex", domain=((-3, 3), (0.7, 2)))
def floor_divide(input, other):
    """The quotient rounded down.

    >>> import rushlight as rl
    >>> rl.floor_divide(rl.tensor([-7, 7]), 2)
    tensor([-4,  3])
    """
    return s.floor_div(input, other)


@pointwise("remainder Tensor.__mod__", tensors="", refuse="bool complex",
           domain=((-3, 3), (0.7, 2)))
def remainder(input, other):
    """input - other * floor(input / other): the sign is the divisor's.

    Unlike torch, a number beside the tensor does not save a second backward: retain the graph.

    >>> import rushlight as rl
    >>> rl.remainder(rl.tensor([-3., 3.]), 2)
    tensor([1., 1.])
    """
    return s.remainder(input, other)


@pointwise("fmod", refuse="bool complex", domain=((-3, 3), (0.7, 2)))
def fmod(input, other):
    """input - other * trunc(input / other): the sign is the dividend's.

    Unlike torch, a number beside the tensor does not save a second backward: retain the graph.

    >>> import rushlight as rl
    >>> rl.fmod(rl.tensor([-3., 3.]), 2)
    tensor([-1.,  1.])
    """
    return s.fmod(input, other)


@pointwise("pow Tensor.__pow__", tensors="", natural="exponent", domain=((0.3, 3), (-2, 2)))
def pow(input, exponent):
    """input ** exponent, with broadcasting.

    Raises RuntimeError for a negative whole number as exponent of integers.

    >>> import rushlight as rl
    >>> rl.pow(rl.tensor([1., 2., 3.]), 2)
    tensor([1., 4., 9.])
    """
    return input**exponent


@pointwise("neg negative Tensor.__neg__", refuse="bool",
           refusal="Negation, the `-` operator, on a bool tensor is not supported. If you are "
                   "trying to invert a mask, use the `~` or `logical_not()` operator instead.")
def neg(input):
    """-input.

    >>> import rushlight as rl
    >>> -rl.tensor([1, -2])
    tensor([-1,  2])
    """
    return -input


@pointwise("abs absolute Tensor.__abs__", refuse="bool", result="real")
def abs(input):
    """|input|; of complex numbers the modulus, a real tensor.

    >>> import rushlight as rl
    >>> rl.abs(rl.tensor([-1., 2.]))
    tensor([1., 2.])
    """
    return s.abs(input)


@pointwise("sign", refuse="complex")
def sign(input):
    """-1, 0 or 1 as input is negative, zero or positive.

    >>> import rushlight as rl
    >>> rl.sign(rl.tensor([-2., 0., 5.]))
    tensor([-1.,  0.,  1.])
    """
    return s.sign(input)


@pointwise("sgn")
def sgn(input):
    """input / |input|, and 0 at 0: the sign, for complex numbers too."""
    return s.sgn(input)


@pointwise("square", promote="integer")
def square(input):
    """input * input.

    >>> import rushlight as rl
    >>> rl.square(rl.tensor([2., -3.]))
    tensor([4., 9.])
    """
    return input * input


@pointwise("reciprocal", promote="floating", domain=(0.3, 3))
def reciprocal(input):
    """1 / input.

    >>> import rushlight as rl
    >>> rl.reciprocal(rl.tensor([2., 4.]))
    tensor([0.5000, 0.2500])
    """
    return s.reciprocal(input)


@pointwise("addcmul", tensors="input tensor1 tensor2")
def addcmul(input, tensor1, tensor2, *, value: Scalar = 1):
    """input + value * tensor1 * tensor2.

    >>> import rushlight as rl
    >>> rl.addcmul(rl.ones(2), rl.ones(2), rl.tensor([2., 3.]), value=0.5)
    tensor([2.0000, 2.5000])
    """
    return input + value * tensor1 * tensor2


@pointwise("addcdiv", promote="floating", tensors="input tensor1 tensor2",
           domain=((-3, 3), (-3, 3), (0.5, 2)))
def addcdiv(input, tensor1, tensor2, *, value: Scalar = 1):
    """input + value * tensor1 / tensor2.

    >>> import rushlight as rl
    >>> rl.addcdiv(rl.ones(2), rl.ones(2), rl.tensor([2., 4.]), value=2)
    tensor([2.0000, 1.5000])
    """
    return input + value * tensor1 / tensor2


@pointwise("lerp", tensors="input end", refuse="bool integer")
def lerp(input, end, weight):
    """input + weight * (end - input): from input to end.

    Unlike torch, a number beside the tensor does not save a second backward: retain the graph.

    >>> import rushlight as rl
    >>> rl.lerp(rl.zeros(2), rl.tensor([2., 4.]), 0.5)
    tensor([1., 2.])
    """
    near = input + weight * (end - input)
    far = end - (end - input) * (1 - weight)
    return s.where(s.abs(weight) < 0.5, near, far)


@pointwise("maximum", refuse="complex", inplace=False, tensors="input other")
def maximum(input, other):
    """The larger of each pair; NaN where either is.

    >>> import rushlight as rl
    >>> rl.maximum(rl.tensor([1., 5.]), rl.tensor([3., 2.]))
    tensor([3., 5.])
    """
    return s.maximum(input, other)


@pointwise("minimum", refuse="complex", inplace=False, tensors="input other")
def minimum(input, other):
    """The smaller of each pair; NaN where either is.

    >>> import rushlight as rl
    >>> rl.minimum(rl.tensor([1., 5.]), rl.tensor([3., 2.]))
    tensor([1., 2.])
    """
    return s.minimum(input, other)


@pointwise("fmax", refuse="complex", inplace=False, tensors="input other")
def fmax(input, other):
    """The larger of each pair; a NaN counts only where both are."""
    return s.fmax(input, other)


@pointwise("fmin", refuse="complex", inplace=False, tensors="input other")
def fmin(input, other):
    """The smaller of each pair; a NaN counts only where both are."""
    return s.fmin(input, other)


def _bounded(min=None, max=None):
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")


@pointwise("clamp clip", refuse="complex bool", check=_bounded,
           grad={"input": lambda gradient, input, min, max: _inside(gradient, input, min, max)})
def clamp(input, min: Operand = None, max: Operand = None):
    """input limited to [min, max]; either bound may be left out.

    min, max: numbers or tensors. Raises RuntimeError where both are left out.

    >>> import rushlight as rl
    >>> rl.clamp(rl.tensor([-2., 0.5, 3.]), 0, 1)
    tensor([0.0000, 0.5000, 1.0000])
    """
    if min is not None:
        input = s.maximum(input, min)
    if max is not None:
        input = s.minimum(input, max)
    return input


def _inside(gradient, input, min, max):
    """Within the bounds, and on them, the gradient passes whole."""
    if min is not None:
        gradient = s.where(input >= min, gradient, 0)
    if max is not None:
        gradient = s.where(input <= max, gradient, 0)
    return gradient


@pointwise("copysign", promote="floating", refuse="complex")
def copysign(input, other):
    """|input| with the sign of other."""
    return s.copysign(input, other)


@pointwise("hypot", refuse="complex bool integer", tensors="input other", domain=(0.3, 3))
def hypot(input, other):
    """sqrt(input**2 + other**2), without overflow on the way."""
    return s.hypot(input, other)


@pointwise("nextafter", refuse="complex bool integer", tensors="input other",
           grad={"input": lambda gradient: gradient,
                 "other": lambda gradient: s.where(s.isnan(gradient), 0, 0)})
def nextafter(input, other):
    """The next number that the dtype has after input towards other."""
    return s.nextafter(input, other)
