"""Window functions for spectra: signal.windows.hann, ..., and the older hann_window, ...

A body gives the values at the places 0, 1, ... of a window whose first and last zero, or peak's
edge, are `span` apart: one less than its length for a symmetric window, its length for a period.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from rushlight.base import dtypes
from rushlight.families.composite import function
from rushlight.ops.creation import tensor
from rushlight.tensor import Tensor
from rushlight.tensor.storage import strided

Array = np.ndarray

COMMON = """

    M: the length. sym: a symmetric window for filters; False gives one period for spectra. Returns
    a tensor (M,) of the default dtype, float32 or float64. Raises ValueError for a negative length
    or another dtype.

    >>> import rushlight as rl
    >>> rl.signal.windows.{name}(0{given})
    tensor([])
    """


def window(body: Callable[..., Array]) -> Callable[..., Array]:
    """Declare `signal.windows.<name of body>`; returns the body itself."""
    name = body.__name__.strip("_")
    own = list(inspect.signature(body).parameters.values())[2:]

    def create(M: int, *, sym: bool = True, dtype: Any = None, layout: Any = strided,
               device: Any = None, requires_grad: bool = False, **options: Any) -> Tensor:
        if M < 0:
            raise ValueError(f"{name} requires non-negative window length, got M={M}")
        if layout is not strided:
            raise ValueError(f"{name} is implemented for strided tensors only, got: {layout}")
        d = dtypes.default_dtype() if dtype is None else dtypes.as_dtype(dtype)
        if d not in (dtypes.float32, dtypes.float64):
            raise ValueError(f"{name} expects float32 or float64 dtypes, got: {d}")
        unknown = options.keys() - {p.name for p in own}
        if unknown:
            raise TypeError(f"{name}() got an unexpected keyword argument '{min(unknown)}'")
        values = _values(body, M, sym, options)
        return tensor(values, dtype=d, device=device, requires_grad=requires_grad)

    signature = inspect.signature(create)
    first, *rest = list(signature.parameters.values())[:-1]
    required = [p for p in own if p.default is p.empty]
    create.__signature__ = signature.replace(parameters=[first, *own, *rest])  # type: ignore
    create.__name__ = create.__qualname__ = name
    needed = {p.name: [1.0] for p in required}
    given = "".join(f", {option}={value}" for option, value in needed.items())
    create.__doc__ = f"{body.__doc__}" + COMMON.format(name=name, given=given)
    globals()[name] = function(f"signal.windows.{name}", samples=lambda x: [
        (5, needed), (4, {**needed, "sym": False})])(create)
    return body


def _values(body: Callable[..., Array], length: int, symmetric: bool,
            options: dict[str, Any]) -> Array:
    with np.errstate(all="ignore"):
        values = body(np.arange(length, dtype=np.float64), length - symmetric, **options)
    return np.ones(1) if length == 1 else values


@window
def _bartlett(n: Array, span: int) -> Array:
    """The triangle 1 - |2 n / span - 1|."""
    return 1 - np.abs(2 * n / span - 1)


@window
def _cosine(n: Array, span: int) -> Array:
    """Half a wave, sin(pi (n + 1/2) / (span + 1))."""
    return np.sin(np.pi * (n + 0.5) / (span + 1))


@window
def _exponential(n: Array, span: int, *, center: float | None = None, tau: float = 1.0) -> Array:
    """exp(-|n - center| / tau), the center in the middle unless given for a period."""
    if tau <= 0:
        raise ValueError(f"Tau must be positive, got: {tau} instead.")
    if center is not None and span < len(n):
        raise ValueError("Center must be None for symmetric windows")
    return np.exp(-np.abs(n - (span / 2 if center is None else center)) / tau)


@window
def _gaussian(n: Array, span: int, *, std: float = 1.0) -> Array:
    """exp(-(n - span / 2)**2 / (2 std**2))."""
    if std <= 0:
        raise ValueError(f"Standard deviation must be positive, got: {std} instead.")
    return np.exp(-0.5 * ((n - span / 2) / std) ** 2)


@window
def _kaiser(n: Array, span: int, *, beta: float = 12.0) -> Array:
    """I0(beta sqrt(1 - (2 n / span - 1)**2)) / I0(beta) (Kaiser, 1974)."""
    if beta < 0:
        raise ValueError(f"beta must be non-negative, got: {beta} instead.")
    inside = np.maximum(1 - (2 * n / span - 1) ** 2, 0)
    return np.i0(beta * np.sqrt(inside)) / np.i0(beta)


@window
def _general_cosine(n: Array, span: int, *, a: Any) -> Array:
    """a[0] - a[1] cos(x) + a[2] cos(2 x) - ... with x = 2 pi n / span."""
    if not hasattr(a, "__iter__"):
        raise TypeError("Coefficients must be a list/tuple")
    if not len(a):
        raise ValueError("Coefficients cannot be empty")
    x = 2 * np.pi * n / span
    return sum((-1) ** i * float(c) * np.cos(i * x) for i, c in enumerate(a))


@window
def _general_hamming(n: Array, span: int, *, alpha: float = 0.54) -> Array:
    """alpha - (1 - alpha) cos(2 pi n / span)."""
    return _general_cosine(n, span, a=(alpha, 1 - alpha))


@window
def _hamming(n: Array, span: int) -> Array:
    """0.54 - 0.46 cos(2 pi n / span): small side lobes near by."""
    return _general_cosine(n, span, a=(0.54, 0.46))


@window
def _hann(n: Array, span: int) -> Array:
    """sin(pi n / span)**2: side lobes that fall off fast."""
    return _general_cosine(n, span, a=(0.5, 0.5))


@window
def _blackman(n: Array, span: int) -> Array:
    """0.42 - 0.5 cos(x) + 0.08 cos(2 x) with x = 2 pi n / span."""
    return _general_cosine(n, span, a=(0.42, 0.5, 0.08))


@window
def _nuttall(n: Array, span: int) -> Array:
    """Four cosines with side lobes below -93 dB (Nuttall, 1981)."""
    return _general_cosine(n, span, a=(0.3635819, 0.4891775, 0.1365995, 0.0106411))


def _weighted_hamming(n: Array, span: int, alpha: float = 0.54, beta: float = 0.46) -> Array:
    """alpha - beta cos(2 pi n / span)."""
    return _general_cosine(n, span, a=(alpha, beta))


def _kaiser_of(n: Array, span: int, beta: float = 12.0) -> Array:
    """The Kaiser window I0(beta sqrt(1 - (2 n / span - 1)**2)) / I0(beta)."""
    return _kaiser(n, span, beta=beta)


def _declare_older(name: str, body: Callable[..., Array]) -> None:
    """`torch.<name>`: a period unless asked otherwise, the window's own parameters by position."""
    own = list(inspect.signature(body).parameters)[2:]

    def create(window_length: int, periodic: bool = True, *values: Any, dtype: Any = None,
               layout: Any = None, device: Any = None, pin_memory: bool = False,
               requires_grad: bool = False, **named: Any) -> Tensor:
        if window_length < 0:
            raise RuntimeError(f"{name} requires non-negative window_length, got "
                               f"window_length={window_length}")
        d = dtypes.default_dtype() if dtype is None else dtypes.as_dtype(dtype)
        if not d.is_floating_point:
            raise RuntimeError(f"{name} expects floating point dtypes, got: dtype {d.name}")
        if len(values) > len(own) or named.keys() - own:
            raise TypeError(f"{name}() takes {', '.join(['window_length', 'periodic', *own])} and "
                            f"options, but got {(*values, *named)} besides")
        options = {**dict(zip(own, values, strict=False)), **named}
        array = _values(body, window_length, not periodic, options)
        return tensor(array, dtype=d, device=device, requires_grad=requires_grad)

    create.__name__ = create.__qualname__ = name
    create.__doc__ = (f"{body.__doc__}\n\n    periodic: span is the window's length, else one "
                      "less. Returns a tensor (window_length,).\n    Raises RuntimeError for a "
                      f"negative length.\n\n    >>> import rushlight as rl\n    >>> rl.{name}(1)\n"
                      "    tensor([1.])\n    ")
    globals()[name] = function(name, samples=lambda x: [(5,), (4, False)])(create)


for _name, _body in {"bartlett": _bartlett, "blackman": _blackman, "hamming": _weighted_hamming,
                     "hann": _hann, "kaiser": _kaiser_of}.items():
    _declare_older(f"{_name}_window", _body)
