"""Counts: bincount, histc, histogram."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.backends.meta.array import MetaArray, is_meta
from rushlight.base import dtypes
from rushlight.base.errors import operands
from rushlight.base.first_use import Deferred
from rushlight.base.structure import structure
from rushlight.families.composite import composite
from rushlight.families.inplace import title
from rushlight.tensor import Tensor, wrap

if TYPE_CHECKING:
    from rushlight.backends.cpu import counts as kernels
else:
    kernels = Deferred("rushlight.backends.cpu.counts", globals())

Array = np.ndarray

HISTOGRAM = structure("histogram", "hist bin_edges")


@composite("bincount", samples=lambda x: [(x.integers(6),), (x.integers(6), x(6), 8)])
def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """How often each of 0, 1, ... occurs in a vector of nonnegative integers.

    weights: (n,), added up instead of ones. minlength: the least length of the result.

    >>> import rushlight as rl
    >>> rl.bincount(rl.tensor([1, 3, 1]))
    tensor([0, 2, 0, 1])
    """
    array = input._array
    if is_meta(array):
        raise NotImplementedError("bincount() on meta tensors: the shape depends on the data")
    if minlength < 0:
        raise RuntimeError(f"minlength should be >= 0, but is {minlength}")
    if array.dtype.kind not in "iu":
        raise NotImplementedError(f"\"bincount_cpu\" not implemented for '{title(input.dtype)}'; "
                                  "convert it with .long()")
    if array.ndim != 1:
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
    if weights is not None and weights._array.shape != array.shape:
        raise RuntimeError("weights should be 1-d and have the same length as input, but are "
                           f"{operands(input=input, weights=weights)}")
    if weights is None or not array.size:
        return wrap(_counted(array, None, minlength))
    kind = weights._array.dtype
    target = kind if kind == np.float32 else np.dtype(np.float64)
    counts = _counted(array, weights._array.astype(np.float64, copy=False), minlength)
    return wrap(counts.astype(target, copy=False))


def _counted(array: Array, weights: Array | None, minlength: int) -> Array:
    found = kernels.counts(array, minlength) if weights is None else None
    if found is not None:
        return found
    try:
        counts = np.bincount(array, weights, minlength)
    except ValueError:  # NumPy has looked for the least of them, which takes a pass
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs.") from None
    return counts if weights is not None else counts.astype(np.int64, copy=False)


def _extent(name: str, array: Array, low: float, high: float,
            margin: float) -> tuple[float, float]:
    """The range of the bins; that of the data where none is given."""
    if low == high == 0:
        low, high = (float(array.min()), float(array.max())) if array.size else (0.0, 1.0)
    if not (math.isfinite(low) and math.isfinite(high)):
        raise RuntimeError(f"{name}: range of [{low:g}, {high:g}] is not finite")
    if low == high:
        return low - margin, high + margin
    if low > high:
        raise RuntimeError(f"{name}: max must be larger than min, but they are {high} and {low}")
    return low, high


def _floating(name: str, input: Tensor) -> Array:
    if input.dtype not in (dtypes.float32, dtypes.float64):
        raise NotImplementedError(f"\"{name}_cpu\" not implemented for '{title(input.dtype)}'; "
                                  "convert it with .float()")
    return input._array


@composite("histc", out=True)
def histc(input: Tensor, bins: int = 100, min: float = 0, max: float = 0) -> Tensor:
    """How many elements fall into each of `bins` equal bins between min and max.

    min, max: both 0 for those of the data. Elements outside are not counted. Returns (bins,) of
    the input's dtype.

    >>> import rushlight as rl
    >>> rl.histc(rl.tensor([1., 2., 1.]), bins=4, min=0, max=3)
    tensor([0., 2., 1., 0.])
    """
    half = input.dtype.is_floating_point and input.dtype.itemsize == 2
    array = _floating("histogram", input.float() if half else input)  # type: ignore[attr-defined]
    if bins <= 0:
        raise RuntimeError(f"torch.histc(): bins must be > 0, but got {bins}")
    if is_meta(array):
        return wrap(MetaArray((bins,), input._array.dtype))
    low, high = _extent("torch.histc", array, float(min), float(max), 1)
    inside = array[(array >= low) & (array <= high)].astype(np.float64)
    places = ((inside - low) * (bins / (high - low))).astype(np.int64)
    np.minimum(places, bins - 1, out=places)
    return wrap(np.bincount(places, minlength=bins).astype(input._array.dtype))


@composite("histogram", out=True, samples=lambda x: [
    (x(6), 3), (x(6), 3, {"range": (-1.0, 1.0), "density": True}),
    (x(6), x.tensor([-2.0, 0.1, 2.0]).double(), {"weight": x(6)})])
def histogram(input: Tensor, bins: Any, *, range: Any = None, weight: Tensor | None = None,
              density: bool = False) -> Any:
    """(hist, bin_edges): how many elements fall into each bin, the last one closed.

    bins: their number, or a tensor of ascending edges, (k + 1,). range: (min, max) for a number
    of bins, else those of the data. weight: of the input's shape, added up instead of ones.
    density: divide by the total and the bin's width.

    >>> import rushlight as rl
    >>> rl.histogram(rl.tensor([1., 2., 1.]), 2).hist
    tensor([2., 1.])
    """
    array = _floating("histogram", input)
    if isinstance(bins, Tensor):
        edges = bins._array
        if edges.ndim != 1 or edges.dtype != array.dtype:
            raise RuntimeError("torch.histogram(): the edges must be a vector of the input's "
                               f"dtype: {operands(input=input, bins=bins)}")
    else:
        if bins <= 0:
            raise RuntimeError(f"torch.histogram(): bins must be > 0, but got {bins} for "
                               "dimension 0")
        edges = MetaArray((bins + 1,), array.dtype) if is_meta(array) else np.linspace(
            *_extent("torch.histogram", array, *(range or (0, 0)), 0.5), bins + 1,
            dtype=array.dtype)
    if weight is not None and weight._array.shape != array.shape:
        raise RuntimeError("torch.histogram(): if weight tensor is provided it should have the "
                           f"same shape as input: {operands(input=input, weight=weight)}")
    if is_meta(array) or is_meta(edges):
        hist = MetaArray((edges.shape[0] - 1,), array.dtype)
        return HISTOGRAM(wrap(hist), wrap(MetaArray(edges.shape, array.dtype)))
    weights = None if weight is None else weight._array.reshape(-1)
    counts = np.histogram(array.reshape(-1), edges, weights=weights)[0].astype(array.dtype)
    if density:
        counts = (counts / (counts.sum() * np.diff(edges))).astype(array.dtype)
    return HISTOGRAM(wrap(counts), wrap(edges.copy()))
