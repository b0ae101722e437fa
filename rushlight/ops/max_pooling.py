"""max_pool and max_unpool over 1, 2 and 3 dimensions.

The gradient of a maximum goes to the place it came from: a scatter, whose own gradient is a gather.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.backends.channels_last import like
from rushlight.backends.host.pooling import Windows
from rushlight.backends.meta.array import MetaArray, is_meta
from rushlight.base.first_use import Deferred
from rushlight.base.flags import flags
from rushlight.families.composite import function
from rushlight.families.inplace import title
from rushlight.families.library import library
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
    from rushlight.backends.cpu import pooling as backend
    from rushlight.backends.cpu import pooling_last
    from rushlight.backends.host import pooling as host
else:
    backend = Deferred("rushlight.backends.cpu.pooling", globals())
    pooling_last = Deferred("rushlight.backends.cpu.pooling_last", globals())
    host = Deferred("rushlight.backends.host.pooling", globals())

LONG = np.dtype(np.int64)


class _WithPlaces:
    """The largest element of each window, and its place in the flattened plane."""

    outputs = 2
    differentiable = (0,)

    def forward(input: Array, windows: Option) -> tuple[Array, Array]:
        n = len(windows.out)
        shape = (*input.shape[:-n], *windows.out)
        if is_meta(input):
            return MetaArray(shape, input.dtype), MetaArray(shape, LONG)
        if follows(input, n):
            return pooling_last.largest(input, windows)
        values, places = backend.max_pool(planes(input, n), windows, True)
        return values.reshape(shape), places.reshape(shape)

    def backward(gradients: Any, output1: Tensor, windows: Windows, shape: Ints) -> Any:
        return max_scatter(gradients[0], output1, tuple(shape[-len(windows.out):]))


_with_places = per_dimension(_WithPlaces, "MaxPool{}DWithIndicesBackward0")


@library("")
class max_pool_values:
    """The largest element of each window: for where nobody asks where it was."""

    def forward(input: Array, windows: Option) -> Array:
        n = len(windows.out)
        shape = (*input.shape[:-n], *windows.out)
        if is_meta(input):
            return MetaArray(shape, input.dtype)
        if follows(input, n):
            return pooling_last.largest(input, windows)[0]
        return backend.max_pool(planes(input, n), windows, False)[0].reshape(shape)

    def backward(gradient: Tensor, input: Tensor, windows: Windows) -> Tensor:
        places = _with_places[len(windows.out)](input.detach(), windows)[1]
        return max_scatter(gradient, places, tuple(input.shape[-len(windows.out):]))


@library("")
class max_scatter:
    """Each element added to its place in planes of zeros of extents `space`."""

    def forward(input: Array, places: Array, space: Option) -> Array:
        n = len(space)
        shape = (*input.shape[:-n], *space)
        if is_meta(input) or is_meta(places):
            return MetaArray(shape, input.dtype)
        if follows(places, n):
            return pooling_last.scatter(input, places, space)
        return backend.scatter(planes(input, n), planes(places, n), space).reshape(shape)

    def backward(gradient: Tensor, places: Tensor, space: Ints) -> tuple:
        return max_gather(gradient, places, space), None


@library("")
class max_gather:
    """The elements of each plane at its places."""

    def forward(input: Array, places: Array, space: Option) -> Array:
        if is_meta(input) or is_meta(places):
            return MetaArray(places.shape, input.dtype)
        n = len(space)
        return host.gather(planes(input, n), planes(places, n)).reshape(places.shape)

    def backward(gradient: Tensor, places: Tensor, space: Ints) -> tuple:
        return max_scatter(gradient, places, space), None


def _max_pool(op: str, space: int, input: Tensor, kernel_size: Any, stride: Any, padding: Any,
              dilation: Any, ceil_mode: bool, return_indices: bool) -> Any:
    windows = windows_of(op, input, kernel_size, stride, padding, dilation, ceil_mode, space)
    if return_indices:
        return _with_places[space](input, windows)
    if flags.grad_enabled and input._node is not None:
        return _with_places[space](input, windows)[0]
    return max_pool_values(input, windows)


@function("max_pool1d nn.functional.max_pool1d", samples=lambda x: [
    (x(1, 2, 5), 2), (x(2, 5), 2, 1, 1, 2, True)])
def max_pool1d(input: Tensor, kernel_size: Numbers, stride: Numbers | None = None,
               padding: Numbers = 0, dilation: Numbers = 1, ceil_mode: bool = False,
               return_indices: bool = False) -> Any:
    """The largest element of each window of (batch, channels, length) or (channels, length).

    Args:
        kernel_size: elements a window.
        stride: steps between windows; None: as many as a window has elements.
        padding: elements at both ends that never win, at most half a window.
        dilation: steps between the elements of a window.
        ceil_mode: let the last window reach beyond the end.
        return_indices: return (values, places along the length) instead of values alone.

    nan counts as largest. Raises RuntimeError where shapes or options do not fit.

    >>> import rushlight as rl
    >>> rl.max_pool1d(rl.tensor([[1.0, 3.0, 2.0, 0.0]]), 2)
    tensor([[3., 2.]])
    """
    return _max_pool("max_pool1d", 1, input, kernel_size, stride, padding, dilation, ceil_mode,
                     return_indices)


@function("max_pool2d nn.functional.max_pool2d", samples=lambda x: [
    (x(1, 1, 4, 3), 2, 1), (x(1, 4, 3), (2, 1), {"padding": (1, 0), "return_indices": True})])
def max_pool2d(input: Tensor, kernel_size: Numbers, stride: Numbers | None = None,
               padding: Numbers = 0, dilation: Numbers = 1, ceil_mode: bool = False,
               return_indices: bool = False) -> Any:
    """The largest element of each window of (batch, channels, height, width) or without batch.

    Options are one number or (vertical, horizontal), as for `max_pool1d`; places are counted
    through the flattened image.

    >>> import rushlight as rl
    >>> rl.max_pool2d(rl.tensor([[[1.0, 3.0], [2.0, 0.0]]]), 2)
    tensor([[[3.]]])
    """
    return _max_pool("max_pool2d", 2, input, kernel_size, stride, padding, dilation, ceil_mode,
                     return_indices)


@function("max_pool3d nn.functional.max_pool3d", samples=lambda x: [
    (x(1, 1, 2, 3, 2), 2), (x(1, 2, 2, 3), (1, 2, 2), 1, 0, 1, True)])
def max_pool3d(input: Tensor, kernel_size: Numbers, stride: Numbers | None = None,
               padding: Numbers = 0, dilation: Numbers = 1, ceil_mode: bool = False,
               return_indices: bool = False) -> Any:
    """The largest element of each window of (batch, channels, depth, height, width).

    >>> import rushlight as rl
    >>> rl.max_pool3d(rl.arange(8.0).reshape(1, 2, 2, 2), 2)
    tensor([[[[7.]]]])
    """
    return _max_pool("max_pool3d", 3, input, kernel_size, stride, padding, dilation, ceil_mode,
                     return_indices)


@function("max_pool1d_with_indices nn.functional.max_pool1d_with_indices", samples=lambda x: [
    (x(1, 2, 5), 2)])
def max_pool1d_with_indices(input: Tensor, kernel_size: Numbers, stride: Numbers | None = None,
                            padding: Numbers = 0, dilation: Numbers = 1, ceil_mode: bool = False,
                            return_indices: bool = False) -> tuple[Tensor, Tensor]:
    """`max_pool1d` and the place of each maximum along the length (int64).

    >>> import rushlight as rl
    >>> rl.max_pool1d_with_indices(rl.tensor([[1.0, 3.0]]), 2)
    (tensor([[3.]]), tensor([[1]]))
    """
    return _max_pool("max_pool1d", 1, input, kernel_size, stride, padding, dilation, ceil_mode,
                     True)


@function("nn.functional.max_pool2d_with_indices", samples=lambda x: [(x(1, 1, 4, 3), 2, 1)])
def max_pool2d_with_indices(input: Tensor, kernel_size: Numbers, stride: Numbers | None = None,
                            padding: Numbers = 0, dilation: Numbers = 1, ceil_mode: bool = False,
                            return_indices: bool = False) -> tuple[Tensor, Tensor]:
    """`max_pool2d` and the place of each maximum in its flattened image (int64).

    >>> import rushlight as rl
    >>> rl.nn.functional.max_pool2d_with_indices(rl.tensor([[[1.0, 3.0]]]), (1, 2))
    (tensor([[[3.]]]), tensor([[[1]]]))
    """
    return _max_pool("max_pool2d", 2, input, kernel_size, stride, padding, dilation, ceil_mode,
                     True)


@function("nn.functional.max_pool3d_with_indices", samples=lambda x: [(x(1, 1, 2, 3, 2), 2)])
def max_pool3d_with_indices(input: Tensor, kernel_size: Numbers, stride: Numbers | None = None,
                            padding: Numbers = 0, dilation: Numbers = 1, ceil_mode: bool = False,
                            return_indices: bool = False) -> tuple[Tensor, Tensor]:
    """`max_pool3d` and the place of each maximum in its flattened volume (int64).

    >>> import rushlight as rl
    >>> x = rl.arange(8.0).reshape(1, 2, 2, 2)
    >>> rl.nn.functional.max_pool3d_with_indices(x, 2)[1]
    tensor([[[[7]]]])
    """
    return _max_pool("max_pool3d", 3, input, kernel_size, stride, padding, dilation, ceil_mode,
                     True)


@function("nn.functional.max_unpool1d", samples=lambda x: [
    (x(1, 2, 2), x.tensor([[[0, 3], [1, 2]]]), 2),
    (x(1, 2), x.tensor([[1, 4]]), 2, {"output_size": (5,)})])
def max_unpool1d(input: Tensor, indices: Tensor, kernel_size: Numbers,
                 stride: Numbers | None = None, padding: Numbers = 0,
                 output_size: Sequence[int] | None = None) -> Tensor:
    """Put the maxima of `max_pool1d` back at their `indices`, zeros elsewhere.

    Args:
        input, indices: (batch, channels, windows) or (channels, windows); indices int64.
        kernel_size, stride, padding: those of the pooling.
        output_size: the pooled length, where it is not the shortest that gives these windows.

    Raises RuntimeError for indices outside, ValueError for an impossible output_size.

    >>> import rushlight as rl
    >>> rl.nn.functional.max_unpool1d(rl.tensor([[3.0, 2.0]]), rl.tensor([[1, 2]]), 2)
    tensor([[0., 3., 2., 0.]])
    """
    return _unpool("max_unpool1d", 1, input, indices, kernel_size, stride, padding, output_size)


@function("nn.functional.max_unpool2d", samples=lambda x: [
    (x(1, 1, 2, 2), x.tensor([[[[0, 3], [9, 14]]]]), 2)])
def max_unpool2d(input: Tensor, indices: Tensor, kernel_size: Numbers,
                 stride: Numbers | None = None, padding: Numbers = 0,
                 output_size: Sequence[int] | None = None) -> Tensor:
    """Put the maxima of `max_pool2d` back at their `indices`, zeros elsewhere.

    >>> import rushlight as rl
    >>> rl.nn.functional.max_unpool2d(rl.tensor([[[3.0]]]), rl.tensor([[[1]]]), 2)
    tensor([[[0., 3.],
             [0., 0.]]])
    """
    return _unpool("max_unpool2d", 2, input, indices, kernel_size, stride, padding, output_size)


@function("nn.functional.max_unpool3d", samples=lambda x: [
    (x(1, 1, 1, 1, 2), x.tensor([[[[[5, 2]]]]]), 2)])
def max_unpool3d(input: Tensor, indices: Tensor, kernel_size: Numbers,
                 stride: Numbers | None = None, padding: Numbers = 0,
                 output_size: Sequence[int] | None = None) -> Tensor:
    """Put the maxima of `max_pool3d` back at their `indices`, zeros elsewhere.

    >>> import rushlight as rl
    >>> rl.nn.functional.max_unpool3d(rl.ones(1, 1, 1, 1), rl.tensor([[[[7]]]]), 2).sum()
    tensor(1.)
    """
    return _unpool("max_unpool3d", 3, input, indices, kernel_size, stride, padding, output_size)


def _unpool(op: str, space: int, input: Tensor, indices: Tensor, kernel_size: Any, stride: Any,
            padding: Any, output_size: Any) -> Tensor:
    size = numbers(op, "kernel_size", kernel_size, space)
    steps = size if stride is None else numbers(op, "stride", stride, space)
    pads = numbers(op, "padding", padding, space)
    x, places = input._array, indices._array
    if x.ndim not in (space + 1, space + 2):
        raise RuntimeError(f"Input to {op} should be a {space + 1}d or {space + 2}d Tensor, but "
                           f"got one with {x.ndim} dims")
    if places.dtype != LONG:
        raise RuntimeError(f"elements in indices should be type int64 but got: "
                           f"{title(places.dtype)}: {op}")
    if places.shape != x.shape:
        raise RuntimeError(
            "Expected shape of indices to be same as that of the input tensor "
            f"({list(x.shape)}) but got indices tensor with shape: {list(places.shape)}")
    out = _unpooled(x.shape[-space:], size, steps, pads, output_size, space)
    if not is_meta(places) and places.size:
        low, high = int(places.min()), int(places.max())
        if low < 0 or high >= prod(out):
            raise RuntimeError(f"Found an invalid max index: {low if low < 0 else high} (output "
                               f"volumes are of size {'x'.join(map(str, out))})")
    return unpooled(input, indices, out)


def _unpooled(space: Ints, size: Ints, stride: Ints, padding: Ints, output_size: Any, n: int
              ) -> Ints:
    """Spatial extents: what was asked for, within a stride of what the pooling may have seen."""
    found = tuple((i - 1) * s + k - 2 * p for i, k, s, p in zip(space, size, stride, padding,
                                                                strict=True))
    if output_size is None:
        return found
    wanted = tuple(int(o) for o in output_size)
    if len(wanted) == n + 2:
        wanted = wanted[2:]
    if len(wanted) != n:
        raise ValueError(f"output_size should be a sequence containing {n} or {n + 2} elements, "
                         f"but it has a length of '{len(wanted)}'")
    for d, (w, f, s) in enumerate(zip(wanted, found, stride, strict=True)):
        if not f - s < w < f + s:
            raise ValueError(f'invalid output_size "{wanted}" (dim {d} must be between {f - s} '
                             f"and {f + s})")
    return wanted


@library("")
class unpooled:
    """Elements put, not added, at their places in planes of zeros: of repeated places one stays."""

    def forward(input: Array, places: Array, space: Option) -> Array:
        n = len(space)
        shape = (*input.shape[:-n], *space)
        if is_meta(input) or is_meta(places):
            return MetaArray(shape, input.dtype)
        flat = planes(input, n).reshape(-1, prod(input.shape[-n:]))
        out = np.zeros((flat.shape[0], prod(space)), input.dtype)
        np.put_along_axis(out, planes(places, n).reshape(flat.shape), flat, 1)
        return like(out.reshape(shape), input) if n == 2 else out.reshape(shape)

    def backward(gradient: Tensor, places: Tensor, space: Ints) -> tuple:
        return max_gather(gradient, places, space), None
