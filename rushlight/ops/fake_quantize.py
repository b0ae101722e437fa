"""Training for quantised inference: numbers rounded to a grid, gradients straight through."""

from __future__ import annotations

from typing import Any

from rushlight.base import dtypes
from rushlight.base.errors import operands
from rushlight.expr import scalar as s
from rushlight.families.composite import function
from rushlight.families.inplace import title
from rushlight.families.pointwise import pointwise
from rushlight.tensor import Tensor

Scalar = Any


@pointwise("_fake_quantize", refuse="bool integer complex", inplace=False, tensors="input",
           grad={"input": lambda gradient, input, scale, zero_point, low, high: s.where(
               s.bitwise_and(s.round(input / scale) + zero_point >= low,
                             s.round(input / scale) + zero_point <= high), gradient, 0),
                 "scale": lambda gradient: None, "zero_point": lambda gradient: None})
def _fake_quantize(input, scale, zero_point, low: Scalar, high: Scalar):
    """The number of the grid next to x; the gradient is 1 where x lies between the grid's ends."""
    level = s.minimum(s.maximum(s.round(input / scale) + zero_point, low), high)
    return (level - zero_point) * scale


def _check_range(low: int, high: int) -> None:
    if low > high:
        raise RuntimeError("`quant_min` should be less than or equal to `quant_max`, but they are "
                           f"{low} and {high}")


@function("fake_quantize_per_tensor_affine", samples=lambda x: [(x(2, 3), 0.1, 0, -10, 10)])
def fake_quantize_per_tensor_affine(input: Any, scale: Any, zero_point: Any, quant_min: int,
                                    quant_max: int) -> Tensor:
    """(clamp(round(x / scale) + zero_point, quant_min, quant_max) - zero_point) * scale.

    scale, zero_point: numbers, or tensors of one. The gradient is that of x where it is not
    clamped, else 0.

    >>> import rushlight as rl
    >>> rl.fake_quantize_per_tensor_affine(rl.tensor([0.12, 5.]), 0.1, 0, -10, 10)
    tensor([0.1000, 1.0000])
    """
    _check_range(quant_min, quant_max)
    scale, zero_point = (x.item() if isinstance(x, Tensor) else x for x in (scale, zero_point))
    return _fake_quantize(input, float(scale), float(zero_point), quant_min, quant_max)


@function("fake_quantize_per_channel_affine", samples=lambda x: [
    (x(2, 3).float(), x(2, low=0.5).float(), x.integers(2).int(), 0, 0, 255)])
def fake_quantize_per_channel_affine(input: Any, scale: Any, zero_point: Any, axis: int,
                                     quant_min: int, quant_max: int) -> Tensor:
    """`fake_quantize_per_tensor_affine` with a scale and a zero point for each place along `axis`.

    scale: (n) floats. zero_point: (n) int32 or floats.
    """
    _check_range(quant_min, quant_max)
    if zero_point.dtype not in (dtypes.int32, dtypes.float32, dtypes.float16):
        raise RuntimeError("Zero-point must be Int32, Float or Half, found "
                           f"{title(zero_point.dtype)}")
    size = (input.shape[axis],)
    if tuple(scale.shape) != size or tuple(zero_point.shape) != size:
        raise RuntimeError("scale and zero-point need to have the same dimensions, one number for "
                           f"each place along axis {axis}: "
                           f"{operands(input=input, scale=scale, zero_point=zero_point)}")
    shape = [1] * input.ndim
    shape[axis] = -1
    return _fake_quantize(input, scale.reshape(shape).to(input.dtype),
                          zero_point.reshape(shape).to(input.dtype), quant_min, quant_max)
