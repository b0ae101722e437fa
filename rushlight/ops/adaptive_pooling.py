"""adaptive_avg_pool, adaptive_max_pool and fractional_max_pool: pooling to a given size."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from rushlight.backends.meta.array import MetaArray, is_meta
from rushlight.base.errors import operands
from rushlight.base.first_use import Deferred
from rushlight.families.composite import function
from rushlight.families.inplace import title
from rushlight.ops.max_pooling import LONG, max_scatter
from rushlight.ops.pooling_windows import (
    Array,
    Ints,
    Numbers,
    Option,
    follows,
    numbers,
    per_dimension,
    planes,
)
from rushlight.ops.random import rand
from rushlight.tensor import Tensor

if TYPE_CHECKING:
    from rushlight.backends.cpu import average_pooling as backend
    from rushlight.backends.cpu import pooling, pooling_last
    from rushlight.backends.host import pooling as host
else:
    backend = Deferred("rushlight.backends.cpu.average_pooling", globals())
    pooling = Deferred("rushlight.backends.cpu.pooling", globals())
    pooling_last = Deferred("rushlight.backends.cpu.pooling_last", globals())
    host = Deferred("rushlight.backends.host.pooling", globals())

Sizes = int | None | tuple[int | None, ...]


class _Average:
    """Means over windows that share each dimension out evenly among `extents` places."""

    keeps = ("last",)

    def forward(input: Array, extents: Option) -> tuple[Array, bool]:
        n = len(extents)
        shape = (*input.shape[:-n], *extents)
        if is_meta(input):
            return MetaArray(shape, input.dtype), False
        if follows(input, n) and (n == 2 or prod(extents) == 1):
            return pooling_last.average(input, extents), prod(extents) > 1
        return backend.adaptive_average(planes(input, n), extents).reshape(shape), False

    def backward(gradient: Tensor, extents: Ints, shape: Ints, last: bool) -> Tensor:
        return _transposed[len(extents)](gradient, tuple(shape), extents, last)


class _Transposed:
    """The gradient of the adaptive average."""

    def forward(input: Array, size: Option, extents: Option, last: Option) -> Array:
        n = len(extents)
        if is_meta(input):
            return MetaArray(size, input.dtype)
        if last:
            return pooling_last.spread(input, extents, size[-n:])
        return backend.adaptive_average_backward(planes(input, n), size[-n:]).reshape(size)

    def backward(gradient: Tensor, extents: Ints) -> Tensor:
        return _average[len(extents)](gradient, extents)


class _Maximum:
    """The largest of each of `extents` evenly shared windows, and its place in the plane."""

    outputs = 2
    differentiable = (0,)

    def forward(input: Array, extents: Option) -> tuple[Array, Array]:
        n = len(extents)
        shape = (*input.shape[:-n], *extents)
        if is_meta(input):
            return MetaArray(shape, input.dtype), MetaArray(shape, LONG)
        if n == 2 and follows(input, n):
            return pooling_last.largest(input, extents)
        values, places = pooling.adaptive_max(planes(input, n), extents)
        return values.reshape(shape), places.reshape(shape)

    def backward(gradients: Any, output1: Tensor, extents: Ints, shape: Ints) -> Any:
        return max_scatter(gradients[0], output1, tuple(shape[-len(extents):]))


class _Fractional:
    """The largest of windows of `size` that begin at random places, and its place."""

    outputs = 2
    differentiable = (0,)

    def forward(input: Array, samples: Array, size: Option, extents: Option) -> Any:
        n = len(extents)
        shape = (*input.shape[:-n], *extents)
        if is_meta(input):
            return MetaArray(shape, input.dtype), MetaArray(shape, LONG)
        samples = samples.reshape(-1, n)[: prod(input.shape[:-n])]
        values, places = host.fractional_max(planes(input, n), samples, size, extents)
        return values.reshape(shape), places.reshape(shape)

    def backward(gradients: Any, output1: Tensor, extents: Ints, shape: Ints) -> Any:
        return max_scatter(gradients[0], output1, tuple(shape[-len(extents):])), None


_average = per_dimension(_Average, "AdaptiveAvgPool{}DBackward0")
_transposed = per_dimension(_Transposed, "AdaptiveAvgPool{}DBackwardBackward0")
_maximum = per_dimension(_Maximum, "AdaptiveMaxPool{}DBackward0")
_fractional = per_dimension(_Fractional, "FractionalMaxPool{}DBackward0")


# What was checked once need not be checked again: a network calls with the same shapes for ever.
_known: dict[Any, Ints] = {}


def _out(op: str, input: Tensor, output_size: Any, space: int) -> Ints:
    """The output's extents, None taken from the input; torch's errors where they do not fit."""
    x = input._array
    size = tuple(output_size) if type(output_size) is list else output_size
    key = (op, x.shape, x.dtype, size)
    found = _known.get(key)
    if found is None:
        if len(_known) >= 4096:
            _known.clear()
        found = _known[key] = _checked(op, x, output_size, space)
    return found


def _checked(op: str, x: Array, output_size: Any, space: int) -> Ints:
    if space > 1 and isinstance(output_size, (tuple, list)) and x.ndim <= len(output_size):
        raise ValueError(f"Input dimension should be at least {len(output_size) + 1}: {op} got "
                         f"one of shape {list(x.shape)}")
    if x.ndim not in (space + 1, space + 2):
        if space == 1:
            raise RuntimeError(f"Expected 2 to 3 dimensions, but got {x.ndim}-dimensional tensor "
                               f"for argument #1 'self' (while checking arguments for {op})")
        colon = ":" if "max" in op else ""
        raise RuntimeError(f"{op}(): Expected {space + 1}D or {space + 2}D tensor, but got{colon} "
                           f"{list(x.shape)}")
    empty = [d for d in range(x.ndim - space - 1, x.ndim) if not x.shape[d]]
    if empty:
        raise RuntimeError(
            f"{op}(): Expected input to have non-zero size for non-batch dimensions, but input "
            f"has sizes {list(x.shape)} with dimension {empty[0]} being empty")
    if x.dtype.kind not in "fV":
        raise NotImplementedError(f'"{op}" not implemented for \'{title(x.dtype)}\'; convert the '
                                  "input with .to(dtype)")
    wanted = output_size if isinstance(output_size, (tuple, list)) else (output_size,) * space
    if len(wanted) != space:
        if space == 1:
            raise RuntimeError(f"{op}() argument 'output_size' should contain one int (got "
                               f"{len(wanted)})")
        raise RuntimeError(f"{op}: output_size must be {space}: got {list(wanted)}")
    found = tuple(int(i if o is None else o) for o, i in zip(wanted, x.shape[-space:],
                                                             strict=True))
    if min(found) < 0:
        if "max" in op:
            raise RuntimeError("Trying to create tensor with negative dimension "
                               f"{min(found)}: {[*x.shape[:-space], *found]}")
        raise RuntimeError(f"{op}: elements of output_size must be greater than or equal to 0 but "
                           f"received {{{', '.join(map(str, found))}}}")
    return found


@function("adaptive_avg_pool1d nn.functional.adaptive_avg_pool1d", samples=lambda x: [
    (x(1, 2, 5), 3), (x(2, 4), 2)])
def adaptive_avg_pool1d(input: Tensor, output_size: Sizes) -> Tensor:
    """Means of (batch, channels, length) or (channels, length) over `output_size` even shares.

    Share i of n takes the elements from floor(i length / n) to ceil((i + 1) length / n). None
    keeps the length.

    >>> import rushlight as rl
    >>> rl.adaptive_avg_pool1d(rl.tensor([[1.0, 2.0, 3.0]]), 2)
    tensor([[1.5000, 2.5000]])
    """
    return _average[1](input, _out("adaptive_avg_pool1d", input, output_size, 1))


@function("nn.functional.adaptive_avg_pool2d", samples=lambda x: [
    (x(1, 1, 4, 3), 2), (x(1, 3, 4), (None, 3))])
def adaptive_avg_pool2d(input: Tensor, output_size: Sizes) -> Tensor:
    """Means over even shares of images, (..., *output_size); see `adaptive_avg_pool1d`.

    >>> import rushlight as rl
    >>> rl.nn.functional.adaptive_avg_pool2d(rl.arange(4.0).reshape(1, 2, 2), 1)
    tensor([[[1.5000]]])
    """
    return _average[2](input, _out("adaptive_avg_pool2d", input, output_size, 2))


@function("nn.functional.adaptive_avg_pool3d", samples=lambda x: [
    (x(1, 1, 2, 3, 2), 2), (x(1, 2, 3, 2), (1, 2, None))])
def adaptive_avg_pool3d(input: Tensor, output_size: Sizes) -> Tensor:
    """Means over even shares of volumes, (..., *output_size); see `adaptive_avg_pool1d`.

    >>> import rushlight as rl
    >>> rl.nn.functional.adaptive_avg_pool3d(rl.arange(8.0).reshape(1, 2, 2, 2), 1)
    tensor([[[[3.5000]]]])
    """
    return _average[3](input, _out("adaptive_avg_pool3d", input, output_size, 3))


def _adaptive_max(op: str, input: Tensor, output_size: Any, return_indices: bool, n: int) -> Any:
    found = _maximum[n](input, _out(op, input, output_size, n))
    return found if return_indices else found[0]


@function("nn.functional.adaptive_max_pool1d", samples=lambda x: [
    (x(1, 2, 5), 3), (x(2, 4), 2, True)])
def adaptive_max_pool1d(input: Tensor, output_size: Sizes, return_indices: bool = False) -> Any:
    """Maxima over even shares of the length; with their places (int64) if `return_indices`.

    >>> import rushlight as rl
    >>> rl.nn.functional.adaptive_max_pool1d(rl.tensor([[1.0, 2.0, 3.0]]), 2)
    tensor([[2., 3.]])
    """
    return _adaptive_max("adaptive_max_pool1d", input, output_size, return_indices, 1)


@function("adaptive_max_pool1d nn.functional.adaptive_max_pool1d_with_indices", samples=lambda x: [
    (x(1, 2, 5), 3)])
def adaptive_max_pool1d_with_indices(input: Tensor, output_size: Sizes,
                                     return_indices: bool = False) -> tuple[Tensor, Tensor]:
    """Maxima over even shares of the length, and their places (int64).

    >>> import rushlight as rl
    >>> rl.adaptive_max_pool1d(rl.tensor([[1.0, 2.0, 3.0]]), 2)
    (tensor([[2., 3.]]), tensor([[1, 2]]))
    """
    return _adaptive_max("adaptive_max_pool1d", input, output_size, True, 1)


@function("nn.functional.adaptive_max_pool2d", samples=lambda x: [
    (x(1, 1, 4, 3), 2), (x(1, 3, 4), (None, 3), True)])
def adaptive_max_pool2d(input: Tensor, output_size: Sizes, return_indices: bool = False) -> Any:
    """Maxima over even shares of images; with their places in the flattened image if asked.

    >>> import rushlight as rl
    >>> rl.nn.functional.adaptive_max_pool2d(rl.arange(4.0).reshape(1, 2, 2), 1)
    tensor([[[3.]]])
    """
    return _adaptive_max("adaptive_max_pool2d", input, output_size, return_indices, 2)


@function("nn.functional.adaptive_max_pool2d_with_indices", samples=lambda x: [(x(1, 1, 4, 3), 2)])
def adaptive_max_pool2d_with_indices(input: Tensor, output_size: Sizes,
                                     return_indices: bool = False) -> tuple[Tensor, Tensor]:
    """`adaptive_max_pool2d` and the places of the maxima.

    >>> import rushlight as rl
    >>> rl.nn.functional.adaptive_max_pool2d_with_indices(rl.ones(1, 2, 2), 1)[1]
    tensor([[[0]]])
    """
    return _adaptive_max("adaptive_max_pool2d", input, output_size, True, 2)


@function("nn.functional.adaptive_max_pool3d", samples=lambda x: [
    (x(1, 1, 2, 3, 2), 2), (x(1, 2, 3, 2), (1, 2, None), True)])
def adaptive_max_pool3d(input: Tensor, output_size: Sizes, return_indices: bool = False) -> Any:
    """Maxima over even shares of volumes; with their places in the flattened volume if asked.

    >>> import rushlight as rl
    >>> rl.nn.functional.adaptive_max_pool3d(rl.arange(8.0).reshape(1, 2, 2, 2), 1)
    tensor([[[[7.]]]])
    """
    return _adaptive_max("adaptive_max_pool3d", input, output_size, return_indices, 3)


@function("nn.functional.adaptive_max_pool3d_with_indices", samples=lambda x: [
    (x(1, 1, 2, 3, 2), 2)])
def adaptive_max_pool3d_with_indices(input: Tensor, output_size: Sizes,
                                     return_indices: bool = False) -> tuple[Tensor, Tensor]:
    """`adaptive_max_pool3d` and the places of the maxima.

    >>> import rushlight as rl
    >>> rl.nn.functional.adaptive_max_pool3d_with_indices(rl.ones(1, 2, 2, 2), 1)[1]
    tensor([[[[0]]]])
    """
    return _adaptive_max("adaptive_max_pool3d", input, output_size, True, 3)


def _fractional_max(op: str, n: int, input: Tensor, kernel_size: Any, output_size: Any,
                    output_ratio: Any, return_indices: bool, samples: Tensor | None) -> Any:
    space = input.shape[-n:]
    if output_size is None and output_ratio is None:
        raise ValueError(f"{op} requires specifying either an output_size or an output_ratio")
    if output_size is None:
        ratios = output_ratio if isinstance(output_ratio, (tuple, list)) else (output_ratio,) * n
        output_size = tuple(int(i * r) for i, r in zip(space, ratios, strict=True))
    size, out = (numbers(op, "kernel_size", kernel_size, n),
                 numbers(op, "output_size", output_size, n))
    names = ("time", "height", "width")[-n:]
    for name, i, k, o in zip(names, space, size, out, strict=True):
        if o + k - 1 > i:
            raise RuntimeError(f"{op}(): pool {name} {k} too large relative to input {name} {i} "
                               f"for an output of {o}")
    if samples is None:
        batch = input.shape[0] if input.ndim == n + 2 else 1
        samples = rand(batch, input.shape[-n - 1], n, dtype=input.dtype)
    elif samples.dtype is not input.dtype:
        raise RuntimeError(f"Expect _random_samples to have the same dtype as input: {op}("
                           f"{operands(input=input, _random_samples=samples)})")
    found = _fractional[n](input, samples, size, out)
    return found if return_indices else found[0]


@function("nn.functional.fractional_max_pool2d", samples=lambda x: [
    (x(1, 1, 5, 4), 2, 2, {"_random_samples": x(1, 1, 2, low=0, high=1)})])
def fractional_max_pool2d(input: Tensor, kernel_size: Numbers, output_size: Numbers | None = None,
                          output_ratio: Any = None, return_indices: bool = False,
                          _random_samples: Tensor | None = None) -> Any:
    """Maxima over windows at random places, so that images shrink by any ratio (Graham, 2014).

    Args:
        input: (batch, channels, height, width) or without batch.
        output_size: the output's extents; or `output_ratio`, their ratio to the input's.
        return_indices: return (values, places in the flattened image).
        _random_samples: (batch, channels, 2) from 0 to 1, which place the windows.

    >>> import rushlight as rl
    >>> rl.nn.functional.fractional_max_pool2d(rl.ones(1, 4, 4), 2, output_size=3).shape
    torch.Size([1, 3, 3])
    """
    return _fractional_max("fractional_max_pool2d", 2, input, kernel_size, output_size,
                           output_ratio, return_indices, _random_samples)


@function("nn.functional.fractional_max_pool3d", samples=lambda x: [
    (x(1, 1, 4, 3, 3), 2, 2, {"_random_samples": x(1, 1, 3, low=0, high=1)})])
def fractional_max_pool3d(input: Tensor, kernel_size: Numbers, output_size: Numbers | None = None,
                          output_ratio: Any = None, return_indices: bool = False,
                          _random_samples: Tensor | None = None) -> Any:
    """`fractional_max_pool2d` of volumes.

    >>> import rushlight as rl
    >>> rl.nn.functional.fractional_max_pool3d(rl.ones(1, 4, 4, 4), 2, output_ratio=0.5).shape
    torch.Size([1, 2, 2, 2])
    """
    return _fractional_max("fractional_max_pool3d", 3, input, kernel_size, output_size,
                           output_ratio, return_indices, _random_samples)


@function("nn.functional.fractional_max_pool2d_with_indices", samples=lambda x: [
    (x(1, 1, 5, 4), 2, {"output_ratio": 0.5, "_random_samples": x(1, 1, 2, low=0, high=1)})])
def fractional_max_pool2d_with_indices(input: Tensor, kernel_size: Numbers,
                                       output_size: Numbers | None = None,
                                       output_ratio: Any = None, return_indices: bool = False,
                                       _random_samples: Tensor | None = None) -> Any:
    """`fractional_max_pool2d` and where in each plane the largest elements were."""
    return fractional_max_pool2d(input, kernel_size, output_size, output_ratio, True,
                                 _random_samples)


@function("nn.functional.fractional_max_pool3d_with_indices", samples=lambda x: [
    (x(1, 1, 4, 3, 4), 2, {"output_ratio": 0.5, "_random_samples": x(1, 1, 3, low=0, high=1)})])
def fractional_max_pool3d_with_indices(input: Tensor, kernel_size: Numbers,
                                       output_size: Numbers | None = None,
                                       output_ratio: Any = None, return_indices: bool = False,
                                       _random_samples: Tensor | None = None) -> Any:
    """`fractional_max_pool3d` and where in each volume the largest elements were."""
    return fractional_max_pool3d(input, kernel_size, output_size, output_ratio, True,
                                 _random_samples)
