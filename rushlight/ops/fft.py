"""Fourier transforms. All are built of three: complex to complex, real to complex, and back.

The transforms are linear, so the gradient of each is its adjoint, another of the three.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from rushlight.backends.meta.array import MetaArray, is_meta
from rushlight.base import dtypes
from rushlight.base.shapes import normalize_dim
from rushlight.families.cast import cast
from rushlight.families.composite import function
from rushlight.families.inplace import title
from rushlight.families.library import library
from rushlight.ops.padding import constant_pad_nd
from rushlight.tensor import Tensor

Array = np.ndarray
Option = Any
Ints = tuple[int, ...]


def _scaled(array: Array, scale: float) -> Array:
    if scale != 1:
        array *= array.dtype.type(scale)
    return array


@library("_complex_transform", family="fft")
class _complex_transform:
    """sum of x e**(-2 pi i jk/n) over `dims`, times `scale`; of the inverse e**(2 pi i jk/n)."""

    def forward(input, dims: Option, inverse: Option, scale: Option):
        if is_meta(input):
            return input.copy()
        if inverse:
            return _scaled(np.fft.ifftn(input, axes=dims, norm="forward"), scale)
        return _scaled(np.fft.fftn(input, axes=dims), scale)

    def backward(gradient, dims, inverse, scale):
        return _complex_transform(gradient, dims, not inverse, scale)


@library("_real_transform", family="fft")
class _real_transform:
    """The transform of real numbers: of the last of `dims` only the frequencies 0 to n // 2."""

    def forward(input, dims: Option, scale: Option):
        if is_meta(input):
            shape = _with_size(input.shape, dims[-1], input.shape[dims[-1]] // 2 + 1)
            return MetaArray(shape, np.result_type(input.dtype, np.complex64))
        return _scaled(np.fft.rfftn(input, axes=dims), scale)

    def backward(gradient, dims, scale, shape):
        lost = shape[dims[-1]] - gradient.shape[dims[-1]]
        whole = _padded(gradient, dims[-1], lost)
        return _complex_transform(whole, dims, True, scale).real


@library("_to_real_transform", family="fft")
class _to_real_transform:
    """The real numbers, `size` of them in the last of `dims`, of whose transform this is half."""

    def forward(input, dims: Option, size: Option, scale: Option):
        if is_meta(input):
            shape = _with_size(input.shape, dims[-1], size)
            return MetaArray(shape, np.zeros(0, input.dtype).real.dtype)
        sizes = [input.shape[d] for d in dims[:-1]] + [size]
        return _scaled(np.fft.irfftn(input, sizes, dims, norm="forward"), scale)

    def backward(gradient, dims, size, scale):
        half = _real_transform(gradient, dims, scale)
        twice = np.full(size // 2 + 1, 2.0)  # all but frequency 0 and, of even sizes, the last
        twice[0] = 1
        if size % 2 == 0:
            twice[-1] = 1
        shape = [-1 if d == dims[-1] else 1 for d in range(half.ndim)]
        return half * half.new_tensor(twice.tolist()).reshape(shape)


def _with_size(shape: Ints, dim: int, size: int) -> Ints:
    return (*shape[:dim], size, *shape[dim + 1:])


def _padded(x: Any, dim: int, amount: int) -> Any:
    """`x` with zeros behind it along `dim`, or cut, for a negative amount."""
    if not amount:
        return x
    if amount < 0:
        return x.narrow(dim, 0, x.shape[dim] + amount)
    return constant_pad_nd(x, [0, 0] * (x.ndim - 1 - dim) + [0, amount])


def _prepared(name: str, x: Any, kind: str) -> Any:
    """`x` as the real or complex tensor that the transform takes."""
    if kind == "real" and x.dtype.is_complex:
        raise RuntimeError(f"{name} expects a real input tensor, but got {title(x.dtype)}")
    if x.dtype.itemsize == 2 and x.dtype.is_floating_point:
        raise RuntimeError(f"Unsupported dtype {title(x.dtype)}: {name}; convert it with .float()")
    if x.dtype.category < 2:
        x = cast(x, dtypes.default_dtype().array)
    return cast(x, x.dtype.to_complex().array) if kind == "complex" else x


def _scale(norm: str | None, count: int, forward: bool) -> float:
    """What a transform of `count` numbers is multiplied with."""
    if norm not in (None, "backward", "forward", "ortho"):
        raise RuntimeError(f'Invalid normalization mode: "{norm}"; use "forward", "backward" or '
                           '"ortho"')
    if norm == "ortho":
        return 1 / math.sqrt(count)
    return 1 / count if (norm == "forward") == forward else 1.0


def _axes(name: str, x: Any, s: Any, dim: Any) -> tuple[Ints, list[int | None]]:
    """The dimensions to transform, and the sizes that they are given (None: as they are)."""
    sizes = [s] if isinstance(s, int) else s
    dims = [dim] if isinstance(dim, int) else dim
    if dims is not None:
        dims = tuple(normalize_dim(d, x.ndim) for d in dims)
        if len(set(dims)) != len(dims):
            raise RuntimeError("FFT dims must be unique")
    if sizes is None:
        dims = tuple(range(x.ndim)) if dims is None else dims
        return dims, [None] * len(dims)
    if dims is None:
        if len(sizes) > x.ndim:
            raise RuntimeError(f"Got shape with {len(sizes)} values but input tensor only has "
                               f"{x.ndim} dimensions.")
        dims = tuple(range(x.ndim - len(sizes), x.ndim))
    if len(dims) != len(sizes):
        raise RuntimeError("When given, dim and shape arguments must have the same length")
    return dims, [None if n == -1 else n for n in sizes]


def _resized(x: Any, dims: Sequence[int], sizes: Sequence[int | None]) -> Any:
    for d, n in zip(dims, sizes):
        if (x.shape[d] if n is None else n) < 1:
            raise RuntimeError(f"Invalid number of data points ({x.shape[d] if n is None else n}) "
                               "specified")
        if n is not None:
            x = _padded(x, d, n - x.shape[d])
    return x


def _count(x: Any, dims: Sequence[int]) -> int:
    return math.prod(x.shape[d] for d in dims)


def _complex_to_complex(name: str, x: Any, s: Any, dim: Any, norm: Any, forward: bool) -> Any:
    dims, sizes = _axes(name, x, s, dim)
    x = _resized(_prepared(name, x, "complex"), dims, sizes)
    scale = _scale(norm, _count(x, dims), forward)
    return _complex_transform(x, dims, not forward, scale) if dims else x.clone()


def _real_to_complex(name: str, x: Any, s: Any, dim: Any, norm: Any, forward: bool) -> Any:
    """With `forward` False the conjugate, which is the inverse transform."""
    dims, sizes = _axes(name, x, s, dim)
    if not dims:
        raise RuntimeError(f"{name} must transform at least one axis")
    x = _resized(_prepared(name, x, "real"), dims, sizes)
    if forward:
        return _real_transform(x, dims, _scale(norm, _count(x, dims), True))
    first = _real_transform(x, dims[-1:], _scale(norm, _count(x, dims), False)).conj()
    return _complex_transform(first, dims[:-1], True, 1.0) if len(dims) > 1 else first


def _complex_to_real(name: str, x: Any, s: Any, dim: Any, norm: Any, forward: bool) -> Any:
    """With `forward` True that of the conjugate."""
    dims, sizes = _axes(name, x, s, dim)
    if not dims:
        raise RuntimeError(f"{name} must transform at least one axis")
    size = 2 * (x.shape[dims[-1]] - 1) if sizes[-1] is None else sizes[-1]
    if size < 1:
        raise RuntimeError(f"Invalid number of data points ({size}) specified")
    x = _resized(_prepared(name, x, "complex"), dims, [*sizes[:-1], size // 2 + 1])
    scale = _scale(norm, _count(x, dims[:-1]) * size, forward)
    if not forward:
        return _to_real_transform(x, dims, size, scale)
    first = _complex_transform(x, dims[:-1], False, 1.0) if len(dims) > 1 else x
    return _to_real_transform(first.conj(), dims[-1:], size, scale)


KINDS = {
    "fft": (_complex_to_complex, True, "The discrete Fourier transform"),
    "ifft": (_complex_to_complex, False, "The inverse Fourier transform"),
    "rfft": (_real_to_complex, True, "The nonnegative frequencies of the Fourier transform of real "
             "numbers, n // 2 + 1 in the last dimension,"),
    "irfft": (_complex_to_real, False, "The real numbers whose Fourier transform has the given "
              "nonnegative frequencies,"),
    "hfft": (_complex_to_real, True, "The real Fourier transform of a Hermitian signal, given its "
             "first half,"),
    "ihfft": (_real_to_complex, False, "The first half of the Hermitian signal whose Fourier "
              "transform is real,"),
}
NORMS = """

    norm: which direction is divided by the number of elements n: "forward" the transforms fft,
    rfft and hfft, "backward" (or None) the inverse ones; "ortho" both, by its root. Raises
    RuntimeError for sizes below 1 and for other norms."""
EXAMPLE = """

    >>> import rushlight as rl
    >>> rl.fft.irfft(rl.fft.rfft(rl.tensor([1., 2., 4., 3.])))
    tensor([1., 2., 4., 3.])
    """


def _declare(kind: str) -> None:
    """The forms of one transform over one, two and any number of dimensions."""
    transform, forward, meaning = KINDS[kind]

    def one(input: Any, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
        if not input.ndim:
            raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
        return transform(f"{kind}", input, n, dim, norm, forward)

    def two(input: Any, s: Any = None, dim: Any = (-2, -1), norm: str | None = None) -> Tensor:
        return transform(f"{kind}2", input, s, dim, norm, forward)

    def several(input: Any, s: Any = None, dim: Any = None, norm: str | None = None) -> Tensor:
        return transform(f"{kind}n", input, s, dim, norm, forward)

    forms = (
        (one, kind, f"{meaning} along `dim`.\n\n    n: the size to cut or pad `dim` with zeros to "
                    "first (of the result, where it is real)."),
        (two, f"{kind}2", f"{meaning} over the two dimensions `dim`.\n\n    s: the sizes to cut or "
                          "pad them with zeros to first."),
        (several, f"{kind}n", f"{meaning} over the dimensions `dim`, or all of them.\n\n    s: the "
                              "sizes to cut or pad them with zeros to first."),
    )
    for body, name, text in forms:
        body.__name__ = body.__qualname__ = name
        body.__doc__ = text + NORMS + EXAMPLE
        globals()[name] = function(f"fft.{name}", out=True)(body)


for _kind in KINDS:
    _declare(_kind)
