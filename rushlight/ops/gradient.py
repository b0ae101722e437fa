"""Derivatives of sampled functions by finite differences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rushlight.base import dtypes
from rushlight.base.errors import operands
from rushlight.base.shapes import normalize_dims
from rushlight.families.composite import function
from rushlight.ops.joining import cat
from rushlight.tensor import Tensor


@function("gradient", samples=lambda x: [
    (x(5),), (x(3, 4), {"spacing": 0.5, "edge_order": 2}),
    (x(3, 4), {"spacing": (x(4).sort()[0],), "dim": 1, "edge_order": 2}),
    (x(3, 4), {"spacing": [2.0, 0.5], "dim": (1, 0)})])
def gradient(input: Tensor, *, spacing: Any = 1, dim: Any = None,
             edge_order: int = 1) -> tuple[Tensor, ...]:
    """The derivative of a sampled function along each of `dim`, by central differences.

    spacing: the distance of samples, one for each of `dim`, or for each a tensor of the samples'
    places, (n,). dim: None for all. edge_order: 1 or 2, the order of the one-sided differences at
    both ends. Returns a tuple of tensors of the input's shape. Raises RuntimeError for dimensions
    of size edge_order or less.

    >>> import rushlight as rl
    >>> rl.gradient(rl.tensor([1., 2., 4., 8.]))
    (tensor([1.0000, 1.5000, 3.0000, 4.0000]),)
    """
    if edge_order not in (1, 2):
        raise RuntimeError("torch.gradient only supports edge_order=1 and edge_order=2.")
    dims = normalize_dims(dim, input.ndim)
    steps = _steps(input, spacing, dims)
    for d in dims:
        if input.shape[d] < edge_order + 1:
            raise RuntimeError("torch.gradient expected each dimension size to be at least "
                               f"edge_order+1: {operands(input=input)}, edge_order {edge_order}")
    x: Any = input
    if x.dtype.category < 2:
        x = x.to(dtypes.default_dtype())
    return tuple([_along(x, d, step, edge_order) for d, step in zip(dims, steps, strict=True)])


def _steps(input: Tensor, spacing: Any, dims: Sequence[int]) -> list[Any]:
    """For each of `dims` the distance of samples, or their places."""
    if spacing is None:
        spacing = 1
    if not isinstance(spacing, tuple | list):
        return [spacing] * len(dims)
    if len(spacing) != len(dims):
        raise RuntimeError(
            "torch.gradient expected spacing to be unspecified, a scalar or a list of length equal "
            f"to 'self.dim() = {input.ndim}' or the number of dims, {len(dims)}, but got a list of "
            f"length {len(spacing)}")
    for d, step in zip(dims, spacing, strict=True):
        if not isinstance(step, Tensor) or not step.ndim:
            continue
        if step.device != input.device:
            raise RuntimeError("torch.gradient expected each tensor to be on the same device, but "
                               f"got devices {step.device} and {input.device}!")
        if step.ndim != 1 or step.shape[0] != input.shape[d]:
            raise RuntimeError("torch.gradient expected each element of spacing to be one "
                               f"coordinate for each element of dimension {d}: "
                               f"{operands(input=input, spacing=step)}")
    return list(spacing)


def _along(x: Any, dim: int, step: Any, order: int) -> Tensor:
    """The derivative along one dimension, of the size of `x`."""
    n = x.shape[dim]
    ends = min(n, order + 1)
    left, right = _gaps(x, dim, step, n)
    slices = [x.narrow(dim, i, 1) for i in range(ends)]
    last = [x.narrow(dim, n - 1 - i, 1) for i in range(ends)]
    first = _edge(slices, [left(i) for i in range(order)])
    end = _edge(last, [-right(i) for i in range(order)])
    if n < 3:
        return cat([first, end], dim)
    before, after = left(slice(0, n - 2)), left(slice(1, n - 1))
    down, up = x.narrow(dim, 0, n - 2), x.narrow(dim, 2, n - 2)
    if before is after:
        middle = (up - down) / (2 * before)
    else:
        centre = x.narrow(dim, 1, n - 2)
        middle = (up * (before / (after * (before + after)))
                  + centre * ((after - before) / (before * after))
                  - down * (after / (before * (before + after))))
    return cat([first, middle, end], dim)


def _gaps(x: Any, dim: int, step: Any, n: int) -> tuple[Any, Any]:
    """Two functions: the distance after sample i from the left, and before it from the right."""
    if not isinstance(step, Tensor) or not step.ndim:
        return (lambda i: step), (lambda i: step)
    places: Any = step if step.dtype.category >= 2 else step.to(x.dtype)
    shape = [1] * x.ndim
    shape[dim] = -1
    gaps = places.diff()

    def left(i: Any) -> Any:
        return gaps[i if isinstance(i, slice) else slice(i, i + 1)].reshape(shape)

    return left, lambda i: gaps[n - 2 - i:n - 1 - i].reshape(shape)


def _edge(samples: list[Any], gaps: list[Any]) -> Any:
    """The one-sided difference at the first of two or three samples."""
    if len(gaps) == 1:
        return (samples[1] - samples[0]) / gaps[0]
    a, b = gaps
    return (samples[1] * ((a + b) / (a * b)) - samples[0] * ((2 * a + b) / (a * (a + b)))
            - samples[2] * (a / (b * (a + b))))
