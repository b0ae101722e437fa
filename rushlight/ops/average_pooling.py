"""avg_pool and lp_pool over 1, 2 and 3 dimensions.

Averages are linear: their gradient is their transpose, whose gradient is the average again.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from rushlight.backends.host.pooling import Windows
from rushlight.backends.meta.array import MetaArray, is_meta
from rushlight.base.first_use import Deferred
from rushlight.families.composite import function
from rushlight.ops.pooling_windows import (
    Array,
    Ints,
    Numbers,
    Option,
    follows,
    numbers,
    per_dimension,
    planes,
    windows_of,
)
from rushlight.tensor import Tensor

if TYPE_CHECKING:
    from rushlight.backends.cpu import average_pooling as backend
    from rushlight.backends.cpu import pooling_last
else:
    backend = Deferred("rushlight.backends.cpu.average_pooling", globals())
    pooling_last = Deferred("rushlight.backends.cpu.pooling_last", globals())


class _Average:
    """The sum of each window over its divisor; divisor: (count_include_pad, override)."""

    keeps = ("last",)

    def forward(input: Array, windows: Option, divisor: Option) -> tuple[Array, bool]:
        n = len(windows.out)
        shape = (*input.shape[:-n], *windows.out)
        if is_meta(input):
            return MetaArray(shape, input.dtype), False
        if n == 2 and follows(input, n):
            return pooling_last.average(input, windows, divisor), True
        return backend.average_pool(planes(input, n), windows, divisor).reshape(shape), False

    def backward(gradient: Tensor, windows: Windows, divisor: Any, shape: Ints, last: bool,
                 ) -> Tensor:
        return _transposed[len(windows.out)](gradient, windows, divisor, tuple(shape), last)


class _Transposed:
    """Each window's share to all its elements: the gradient of the average."""

    def forward(input: Array, windows: Option, divisor: Option, size: Option, last: Option,
                ) -> Array:
        if is_meta(input):
            return MetaArray(size, input.dtype)
        n = len(windows.out)
        if last:
            return pooling_last.spread(input, windows, size[-n:], divisor)
        back = backend.average_pool_backward(planes(input, n), windows, divisor, size[-n:])
        return back.reshape(size)

    def backward(gradient: Tensor, windows: Windows, divisor: Any) -> Tensor:
        return _average[len(windows.out)](gradient, windows, divisor)


_average = per_dimension(_Average, "AvgPool{}DBackward0")
_transposed = per_dimension(_Transposed, "AvgPool{}DBackwardBackward0")


def _avg_pool(op: str, space: int, input: Tensor, kernel_size: Any, stride: Any, padding: Any,
              ceil_mode: bool, count_include_pad: bool, override: int | None,
              out: Any = None) -> Tensor:
    if override is not None and not override:
        raise RuntimeError(f"divisor must be not zero: {op} got divisor_override 0")
    windows = windows_of(op, input, kernel_size, stride, padding, 1, ceil_mode, space)
    return _average[space](input, windows, (bool(count_include_pad), override), out=out)


@function("avg_pool1d nn.functional.avg_pool1d", samples=lambda x: [
    (x(1, 2, 5), 2), (x(2, 5), 3, 2, 1, True, False)])
def avg_pool1d(input: Tensor, kernel_size: Numbers, stride: Numbers | None = None,
               padding: Numbers = 0, ceil_mode: bool = False,
               count_include_pad: bool = True) -> Tensor:
    """The mean of each window of (batch, channels, length) or (channels, length).

    Args:
        kernel_size: elements a window.
        stride: steps between windows; None: as many as a window has elements.
        padding: zeros at both ends, at most half a window.
        ceil_mode: let the last window reach beyond the end.
        count_include_pad: divide by the elements of a window that are padding, too.

    Raises RuntimeError where shapes or options do not fit.

    >>> import rushlight as rl
    >>> rl.avg_pool1d(rl.tensor([[1.0, 3.0, 2.0, 0.0]]), 2)
    tensor([[2., 1.]])
    """
    return _avg_pool("avg_pool1d", 1, input, kernel_size, stride, padding, ceil_mode,
                     count_include_pad, None)


@function("nn.functional.avg_pool2d", samples=lambda x: [
    (x(1, 1, 4, 3), 2, 1), (x(1, 3, 4), 2, {"padding": 1, "divisor_override": 3})])
def avg_pool2d(input: Tensor, kernel_size: Numbers, stride: Numbers | None = None,
               padding: Numbers = 0, ceil_mode: bool = False, count_include_pad: bool = True,
               divisor_override: int | None = None, *, out: Any = None) -> Tensor:
    """The mean of each window of (batch, channels, height, width) or without batch.

    Options are one number or (vertical, horizontal), as for `avg_pool1d`. divisor_override:
    divide every window's sum by this.

    >>> import rushlight as rl
    >>> rl.nn.functional.avg_pool2d(rl.tensor([[[1.0, 3.0], [2.0, 2.0]]]), 2)
    tensor([[[2.]]])
    """
    return _avg_pool("avg_pool2d", 2, input, kernel_size, stride, padding, ceil_mode,
                     count_include_pad, divisor_override, out)


@function("nn.functional.avg_pool3d", samples=lambda x: [
    (x(1, 1, 2, 3, 2), 2), (x(1, 3, 2, 2), 2, 1, 1)])
def avg_pool3d(input: Tensor, kernel_size: Numbers, stride: Numbers | None = None,
               padding: Numbers = 0, ceil_mode: bool = False, count_include_pad: bool = True,
               divisor_override: int | None = None, *, out: Any = None) -> Tensor:
    """The mean of each window of (batch, channels, depth, height, width) or without batch.

    >>> import rushlight as rl
    >>> rl.nn.functional.avg_pool3d(rl.arange(8.0).reshape(1, 2, 2, 2), 2)
    tensor([[[[3.5000]]]])
    """
    return _avg_pool("avg_pool3d", 3, input, kernel_size, stride, padding, ceil_mode,
                     count_include_pad, divisor_override, out)


@function("nn.functional.lp_pool1d", samples=lambda x: [
    (x(1, 2, 5, low=0.3), 2, 2), (x(1, 5, low=0.3), 3, 2, 1, True)])
def lp_pool1d(input: Tensor, norm_type: float, kernel_size: int, stride: Numbers | None = None,
              ceil_mode: bool = False) -> Tensor:
    """The p-norm of each window along the length: (sum of x ** p) ** (1 / p), p = `norm_type`.

    A negative sum counts as its absolute value.

    >>> import rushlight as rl
    >>> rl.nn.functional.lp_pool1d(rl.tensor([[3.0, 4.0]]), 2, 2)
    tensor([[5.]])
    """
    return _lp_pool("lp_pool1d", 1, input, norm_type, kernel_size, stride, ceil_mode)


@function("nn.functional.lp_pool2d", samples=lambda x: [(x(1, 1, 3, 4, low=0.3), 3, 2)])
def lp_pool2d(input: Tensor, norm_type: float, kernel_size: Numbers,
              stride: Numbers | None = None, ceil_mode: bool = False) -> Tensor:
    """The p-norm of each window of an image: (sum of x ** p) ** (1 / p), p = `norm_type`.

    >>> import rushlight as rl
    >>> rl.nn.functional.lp_pool2d(rl.ones(1, 2, 2), 2, 2)
    tensor([[[2.]]])
    """
    return _lp_pool("lp_pool2d", 2, input, norm_type, kernel_size, stride, ceil_mode)


@function("nn.functional.lp_pool3d", samples=lambda x: [(x(1, 1, 2, 2, 3, low=0.3), 2, 2)])
def lp_pool3d(input: Tensor, norm_type: float, kernel_size: Numbers,
              stride: Numbers | None = None, ceil_mode: bool = False) -> Tensor:
    """The p-norm of each window of a volume: (sum of x ** p) ** (1 / p), p = `norm_type`.

    >>> import rushlight as rl
    >>> rl.nn.functional.lp_pool3d(rl.ones(1, 2, 2, 2), 3, 2)
    tensor([[[[2.]]]])
    """
    return _lp_pool("lp_pool3d", 3, input, norm_type, kernel_size, stride, ceil_mode)


def _lp_pool(op: str, space: int, input: Tensor, norm_type: float, kernel_size: Any, stride: Any,
             ceil_mode: bool) -> Tensor:
    count = prod(numbers(op, "kernel_size", kernel_size, space))
    power = input * input if norm_type == 2 else input.pow(norm_type)
    mean = _avg_pool(op, space, power, kernel_size, stride, 0, ceil_mode, True, None)
    # A window that reaches beyond the end is divided by fewer elements, and yet taken times all.
    total = (mean.sign() * mean.abs().relu()).mul(count)
    return total.sqrt() if norm_type == 2 else total.pow(1.0 / norm_type)
