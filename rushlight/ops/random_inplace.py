"""Filling a tensor with random numbers in place: uniform_, normal_, bernoulli_, random_, ...

With equal seeds the numbers are those of torch on a CPU, to the bit.
"""

from __future__ import annotations

import math
import operator
import warnings
from functools import cache
from typing import TYPE_CHECKING, Any

import ml_dtypes
import numpy as np

from rushlight.backends.host.draws import DIGITS
from rushlight.backends.meta.array import is_meta
from rushlight.base import dtypes
from rushlight.base.assign import expand_error
from rushlight.base.first_use import Deferred
from rushlight.families.inplace import title
from rushlight.families.random import draw_in_place, fill, random_op
from rushlight.tensor import Tensor

if TYPE_CHECKING:
    from rushlight.backends.cpu import draws
else:
    draws = Deferred("rushlight.backends.cpu.draws", globals())

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
C_NAMES = {"bool": "bool", "uint8": "unsigned char", "int8": "signed char", "int16": "short",
           "int32": "int", "int64": "long", "float16": "c10::Half", "bfloat16": "c10::BFloat16",
           "float32": "float", "float64": "double"}


@fill("uniform_", accepts="floating complex", kernel="check_uniform_bounds")
def uniform_(dtype: np.dtype, from_: float = 0.0, to: float = 1.0) -> tuple:
    """Fill with real numbers drawn uniformly from [from_, to), in place; returns the tensor.

    generator: where to draw, the default one for None. Raises RuntimeError for bounds outside
    the dtype or in the wrong order.

    >>> import rushlight as rl
    >>> _ = rl.manual_seed(0); rl.empty(2).uniform_(-1, 1)
    tensor([-0.0075,  0.5364])
    """
    largest = _largest(dtype)
    if not -largest <= from_ <= to <= largest or to - from_ > largest:
        raise _uniform_error(dtypes.FROM_ARRAY[dtype].to_real(), from_, to, largest)
    return draws.uniform, (from_, to)


@cache
def _largest(dtype: np.dtype) -> float:
    return float(ml_dtypes.finfo(dtypes.FROM_ARRAY[dtype].to_real().array).max)


def _uniform_error(real: dtypes.dtype, from_: float, to: float, largest: float) -> RuntimeError:
    for name, bound in (("from", from_), ("to", to)):
        if not -largest <= bound <= largest:
            return RuntimeError(f"{name} is out of bounds for {C_NAMES[real.name]}: {bound}")
    if from_ > to:
        return RuntimeError(f"uniform_ expects to return a [from, to) range, but found "
                            f"from={from_:g} > to={to:g}")
    return RuntimeError(f"uniform_ expects to-from <= std::numeric_limits<{title(real)}>::max(), "
                        f"but found to={to:g} and from={from_:g} which result in to-from to "
                        "exceed the limit")


@fill("normal_", accepts="floating complex", kernel="normal_kernel_cpu")
def normal_(dtype: np.dtype, mean: float = 0.0, std: float = 1.0) -> tuple:
    """Fill with normal numbers of that mean and standard deviation, in place; returns the tensor.

    Complex numbers get half the variance in each part. generator: where to draw, the default one
    for None. Raises RuntimeError unless std >= 0.

    >>> import rushlight as rl
    >>> _ = rl.manual_seed(0); rl.empty(2).normal_(10, 0.1)
    tensor([10.1541,  9.9707])
    """
    check_std(std)
    return draws.normal, (float(mean), std / math.sqrt(2.0) if dtype.kind == "c" else float(std))


def check_std(std: float) -> None:
    """Refuse a negative standard deviation, or NaN. Raises RuntimeError."""
    if not std >= 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std:g}")


@fill("log_normal_", accepts="floating")
def log_normal_(dtype: np.dtype, mean: float = 1.0, std: float = 2.0) -> tuple:
    """Fill with exp(z), z normal of that mean and standard deviation, in place.

    Raises RuntimeError unless std > 0.

    >>> import rushlight as rl
    >>> bool((rl.empty(9).log_normal_() > 0).all())
    True
    """
    _positive("log_normal_", "std", std)
    return draws.log_normal, (float(mean), float(std))


@fill("exponential_", accepts="floating",
      kernel="Exponential distribution is a continuous probability distribution. dtype must be a "
             "floating point")
def exponential_(dtype: np.dtype, lambd: float = 1.0) -> tuple:
    """Fill with waiting times of the rate `lambd` (density lambd * exp(-lambd * x)), in place.

    Raises RuntimeError unless lambd > 0.

    >>> import rushlight as rl
    >>> bool((rl.empty(9).exponential_(2.0) >= 0).all())
    True
    """
    if not lambd > 0:
        raise RuntimeError(f"exponential_ expects lambda > 0.0, but found lambda={lambd:g}")
    return draws.exponential, (float(lambd),)


@fill("cauchy_", accepts="floating",
      kernel="Cauchy distribution is a continuous probability distribution. dtype must be a "
             "floating point")
def cauchy_(dtype: np.dtype, median: float = 0.0, sigma: float = 1.0) -> tuple:
    """Fill with numbers of the Cauchy distribution of that median and half width, in place.

    Raises RuntimeError unless sigma > 0.

    >>> import rushlight as rl
    >>> rl.empty(3).cauchy_().shape
    torch.Size([3])
    """
    _positive("cauchy_", "sigma", sigma)
    return draws.cauchy, (float(median), float(sigma))


def _positive(name: str, argument: str, value: float) -> None:
    if not value > 0:
        raise RuntimeError(f"{name} expects {argument} > 0.0, but found {argument}={value:g}")


@fill("geometric_", accepts="floating integral")
def geometric_(dtype: np.dtype, p: float) -> tuple:
    """Fill with numbers of trials up to the first success, each of probability p, in place.

    Raises RuntimeError unless 0 < p < 1.

    >>> import rushlight as rl
    >>> bool((rl.empty(9).geometric_(0.5) >= 1).all())
    True
    """
    if not 0 < p < 1:
        raise RuntimeError(f"geometric_ expects p to be in (0, 1), but got p={p:g}")
    return draws.geometric, (float(p),)


@fill("bernoulli_", accepts="floating integral bool", kernel="bernoulli_scalar_cpu_",
      method=False, number=2)
def bernoulli_number(dtype: np.dtype, p: float, one: float = 1) -> tuple:
    """`one` with probability p, else 0."""
    if not 0 <= p <= 1:
        raise RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={p:g}")
    return draws.bernoulli, (float(p), one)


@fill("bernoulli_", accepts="floating integral bool", kernel="bernoulli_tensor_cpu_self_",
      method=False, number=1)
def bernoulli_tensor(dtype: np.dtype, p: np.ndarray) -> tuple:
    """1 with the probability that `p` has at the place, else 0."""
    if p.dtype.kind not in "fV":
        raise NotImplementedError('"bernoulli_tensor_cpu_p_" not implemented for '
                                  f"'{title(dtypes.FROM_ARRAY[p.dtype])}': probabilities are "
                                  "floating point numbers")
    if not is_meta(p) and not ((p >= 0) & (p <= 1)).all():
        raise RuntimeError("Expected p_in >= 0 && p_in <= 1 to be true, but got false: every "
                           "probability has to be in [0, 1]")
    return draws.bernoulli, (p,)


@random_op("Tensor.bernoulli_")
def bernoulli_(input: Tensor, p: Any = 0.5, *, generator: Any = None) -> Tensor:
    """Fill with 1 of probability p and 0 otherwise, in place; returns the tensor.

    p: a number, or a floating point tensor that broadcasts to the shape. Raises RuntimeError
    outside [0, 1].

    >>> import rushlight as rl
    >>> rl.empty(3).bernoulli_(1.0)
    tensor([1., 1., 1.])
    """
    if not isinstance(p, Tensor):
        return draw_in_place(bernoulli_number, input, (p,), generator)
    own, shape = p._array.shape, input._array.shape
    if len(own) > len(shape) or any(n not in (1, m) for n, m in zip(own[::-1], shape[::-1],
                                                                   strict=False)):
        raise expand_error(own, shape)
    return draw_in_place(bernoulli_tensor, input, (p._array,), generator)


@fill("random_", accepts="floating integral bool", kernel="random_from_to_kernel_cpu",
      method=False)
def integers(dtype: np.dtype, low: int, high: int | None) -> tuple:
    """Whole numbers in [low, high), or from low to the largest that the dtype holds."""
    if type(low) is type(high) is int:
        least, most = _whole_numbers(dtype)
        if least <= low < high <= most:
            return draws.integers, (low, high)
    low, end = _integer("from", low), INT64_MAX if high is None else _integer("to", high)
    if high is not None and low >= end:
        raise RuntimeError("random_ expects 'from' to be less than 'to', but got "
                           f"from={low} >= to={end}")
    if high is None and low == INT64_MIN:
        return draws.integers, _full_range(dtype)
    last = _largest_whole(dtype) if high is None else end - 1
    _check_range(dtype, "from", low)
    _check_range(dtype, "to - 1", last)
    return draws.integers, (low, last + 1)


@cache
def _whole_numbers(dtype: np.dtype) -> tuple[int, int]:
    """The least and the largest whole number up to which the dtype holds all."""
    most = _largest_whole(dtype)
    least = -most if dtype.kind in "fV" else int(np.iinfo(dtype).min) if dtype.kind != "b" else 0
    return least, min(most, INT64_MAX)


def _integer(name: str, value: Any) -> int:
    if not hasattr(value, "__index__"):
        raise TypeError(f"random_(): argument '{name}' must be int, not {type(value).__name__}")
    number = operator.index(value)
    if not INT64_MIN <= number <= INT64_MAX:
        raise ValueError(f"Overflow when unpacking long long: {name}={number} is outside int64")
    return number


def _full_range(dtype: np.dtype) -> tuple[int, int]:
    if dtype.name in ("float16", "bool"):
        raise NotImplementedError('"random_full_64_bits_range_kernel_cpu" not implemented for '
                                  f"'{title(dtypes.FROM_ARRAY[dtype])}'")
    if dtype.name not in ("int64", "float64", "float32", "bfloat16"):
        raise RuntimeError("random_full_64_bits_range_kernel_cpu handles only int64, double, "
                           f"float and bfloat16, not {dtype.name}")
    return INT64_MIN, INT64_MAX + 1


def _largest_whole(dtype: np.dtype) -> int:
    """The largest number up to which the dtype holds all whole numbers."""
    if dtype.kind == "b":
        return 1
    return int(np.iinfo(dtype).max) if dtype.kind in "iu" else 1 << DIGITS[dtype.name]


def _check_range(dtype: np.dtype, name: str, value: int) -> None:
    if dtype.kind in "fV":
        limit = float(ml_dtypes.finfo(dtype).max)
        exact = 1 << DIGITS[dtype.name]
        if not -exact <= value <= exact and -limit <= value <= limit:
            power = DIGITS[dtype.name]
            warnings.warn(f"{name} is out of bounds [-(2^{power}), 2^{power}]: {dtype.name} holds "
                          "only some of the whole numbers there", UserWarning, stacklevel=5)
        fits = -limit <= value <= limit
    elif dtype.kind == "b":
        fits = 0 <= value <= 1
    else:
        fits = np.iinfo(dtype).min <= value <= np.iinfo(dtype).max
    if not fits:
        raise RuntimeError(f"{name} is out of bounds for {C_NAMES[dtype.name]}: {value}")


@fill("random_", accepts="floating integral bool", kernel="random_kernel_cpu", method=False,
      number=2)
def any_digits(dtype: np.dtype) -> tuple:
    """Whole numbers from 0 to the largest up to which the dtype holds all."""
    return draws.digits, ()


@random_op("Tensor.random_")
def random_(input: Tensor, *bounds: Any, generator: Any = None, **named: Any) -> Tensor:
    """Fill with whole numbers, in place: `random_(from, to)` in [from, to), `random_(to)` from 0.

    Without bounds, from 0 to the largest up to which the dtype holds all whole numbers; with
    `to=None`, from `from` to there. Returns the tensor. Raises RuntimeError for bounds outside
    the dtype or in the wrong order.

    >>> import rushlight as rl
    >>> _ = rl.manual_seed(0); rl.empty(4).random_(0, 10)
    tensor([4., 9., 3., 0.])
    """
    if not named and len(bounds) == 2:
        return draw_in_place(integers, input, bounds, generator)
    if not bounds and not named:
        return draw_in_place(any_digits, input, (), generator)
    if len(bounds) == 1 and "to" not in named:
        bounds = (0, *bounds)
    low, high = (*bounds, *(named.pop(k) for k in ("from", "to")[len(bounds):] if k in named),
                 *(0, None))[:2] if bounds or "from" in named else (0, named.pop("to"))
    if named or len(bounds) > 2:
        raise TypeError(f"random_() takes from, to and generator, got {bounds} {named}")
    return draw_in_place(integers, input, (low, high), generator)
