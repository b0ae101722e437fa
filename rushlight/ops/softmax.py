"""Softmax and its kin: rows turned into distributions."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from rushlight.base import dtypes
from rushlight.base.first_use import Deferred
from rushlight.base.shapes import normalize_dim, normalize_dims, required
from rushlight.families.cast import cast
from rushlight.families.composite import composite
from rushlight.families.inplace import real_only, title
from rushlight.families.library import library
from rushlight.ops.reduction import spread
from rushlight.tensor import Tensor

if TYPE_CHECKING:
    from rushlight.backends import rowwise
else:
    rowwise = Deferred("rushlight.backends.rowwise", globals())


def _floating(input: Tensor, dtype: Any, op: str) -> Tensor:
    if dtype is not None and type(dtype) is not int:  # an int is nn.functional's _stacklevel
        return cast(input, dtypes.as_dtype(dtype).array)
    if input.dtype.category < 2:
        raise NotImplementedError(f'"{op}_lastdim_kernel_impl" not implemented for '
                                  f"'{title(input.dtype)}'; convert it with .float(), or pass "
                                  "dtype=")
    return input


def _refuse_complex(name: str, input: Any, dim: int) -> None:
    real_only(f"{name}_lastdim_kernel_impl" if dim in (-1, input.ndim - 1)
              else f"{name}_kernel_impl", input)


@library("_softmax", family="rowwise")
class _softmax:
    """e**x / sum(e**x) along `dim`."""

    def forward(input, dim: Option):
        if input.dtype.kind == "c":
            _refuse_complex("softmax", input, dim)
        return rowwise.softmax(input, dim)

    def backward(gradient, output, dim):
        return _softmax_backward(gradient, output, dim)


@library("_softmax_backward", family="rowwise")
class _softmax_backward:
    """(g - sum(g y)) y along `dim`: the gradient of softmax."""

    def forward(gradient, output, dim: Option):
        return rowwise.softmax_backward(gradient, output, dim)

    def backward(second, gradient, output, dim):
        total = (gradient * output).sum(dim, keepdim=True)
        weighted = (second * output).sum(dim, keepdim=True)
        return ((second - weighted) * output,
                second * (gradient - total) - weighted * gradient)


@library("_log_softmax", family="rowwise")
class _log_softmax:
    """x - log(sum(e**x)) along `dim`."""

    def forward(input, dim: Option):
        if input.dtype.kind == "c":
            _refuse_complex("log_softmax", input, dim)
        return rowwise.log_softmax(input, dim)

    def backward(gradient, output, dim):
        return _log_softmax_backward(gradient, output, dim)


@library("_log_softmax_backward", family="rowwise")
class _log_softmax_backward:
    """g - sum(g) e**y along `dim`: the gradient of log_softmax."""

    def forward(gradient, output, dim: Option):
        return rowwise.log_softmax_backward(gradient, output, dim)

    def backward(second, gradient, output, dim):
        probability = output.exp()
        inner = (second * probability).sum(dim, keepdim=True)
        return (second - inner,
                -second * probability * gradient.sum(dim, keepdim=True))


def _dim(input: Tensor, dim: Any, op: str) -> int:
    if dim is None:
        # Old programs leave it out: the channel dimension of images, else the last of up to two.
        warnings.warn(f"Implicit dimension choice for {op} has been deprecated. Change the call "
                      "to include dim=X as an argument.", UserWarning, stacklevel=3)
        dim = 0 if input.ndim in (0, 1, 3) else 1
    if type(dim) is str:
        raise TypeError(f"{op}(): argument 'dim' (position 1) must be int, not str: {dim!r}")
    return normalize_dim(dim, input.ndim)


@composite("softmax special.softmax nn.functional.softmax")
def softmax(input: Tensor, dim: Any = None, dtype: Any = None, *, _stacklevel: int = 3,
            out: Any = None, axis: Any = None) -> Tensor:
    """e**x / sum(e**x) along `dim`: positive numbers that sum to 1.

    >>> import rushlight as rl
    >>> rl.softmax(rl.tensor([0., 0.]), 0)
    tensor([0.5000, 0.5000])
    """
    dim = dim if axis is None else axis
    return _softmax(_floating(input, dtype, "softmax"), _dim(input, dim, "softmax"), out=out)


@composite("nn.functional.softmin")
def softmin(input: Tensor, dim: Any = None, dtype: Any = None, _stacklevel: int = 3) -> Tensor:
    """softmax(-x) along `dim`."""
    return softmax(-input, dim, dtype)  # type: ignore[operator]


@composite("log_softmax special.log_softmax nn.functional.log_softmax")
def log_softmax(input: Tensor, dim: Any = None, dtype: Any = None, *, _stacklevel: int = 3,
                out: Any = None, axis: Any = None) -> Tensor:
    """log(softmax(x)) along `dim`, without overflow.

    >>> import rushlight as rl
    >>> rl.log_softmax(rl.tensor([0., 0.]), 0)
    tensor([-0.6931, -0.6931])
    """
    dim = dim if axis is None else axis
    return _log_softmax(_floating(input, dtype, "log_softmax"), _dim(input, dim, "log_softmax"),
                        out=out)


@library("_logsumexp", family="rowwise")
class _logsumexp:
    """log(sum(e**x)) over `dims`."""

    def forward(input, dims: Option, keepdim: Option):
        return rowwise.logsumexp(input, dims if input.ndim else (), keepdim)

    def backward(gradient, input, output, shape, dims, keepdim):
        share = (input - spread(output, shape, dims, keepdim)).exp()
        return spread(gradient, shape, dims, keepdim) * share.conj()


@composite("logsumexp special.logsumexp", samples=lambda x: [(x(2, 3), 1), (x(2, 3), (0, 1), True)])
def logsumexp(input: Tensor, dim: Any = None, keepdim: bool = False, *, out: Any = None,
              axis: Any = None, keepdims: Any = None) -> Tensor:
    """log(sum(e**x)) over `dim`, without overflow.

    >>> import rushlight as rl
    >>> rl.logsumexp(rl.tensor([0., 0.]), 0)
    tensor(0.6931)
    """
    dim, keepdim = required("logsumexp", dim, axis), keepdim if keepdims is None else keepdims
    if input.dtype.category < 2:
        input = cast(input, dtypes.default_dtype().array)
    return _logsumexp(input, normalize_dims(dim, input.ndim), keepdim, out=out)
