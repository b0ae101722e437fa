"""Dropout: random elements or channels set to zero while training, the rest scaled up."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from rushlight.backends import masks
from rushlight.backends.meta.array import MetaArray, is_meta
from rushlight.base.errors import describe
from rushlight.families.inplace import title
from rushlight.families.library import library
from rushlight.families.random import empty_like, random_op, tensor_argument
from rushlight.families.wrapped import levels
from rushlight.ops.random_inplace import bernoulli_number
from rushlight.tensor import Parameter, Tensor, wrap

Option = Any
LARGE = 1 << 20  # elements from which on a mask is kept in bytes

ALPHA = 1.7580993408473766  # SELU's scale * alpha: where its units saturate


@random_op("nn.functional.dropout dropout")
def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False, *,
            train: bool | None = None) -> Tensor:
    """Each element is zero with probability p, else input / (1 - p) (Hinton et al., 2012).

    training, also called train: False returns `input` itself. inplace: write to `input`. Raises
    ValueError for p outside [0, 1].

    >>> import rushlight as rl
    >>> _ = rl.manual_seed(0); rl.nn.functional.dropout(rl.ones(4))
    tensor([0., 0., 2., 0.])
    """
    training = training if train is None else train
    return _dropped(_checked("dropout", input, p), p, training, inplace, empty_like)


@random_op("dropout_")
def dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """`dropout` in place; returns `input`.

    >>> import rushlight as rl
    >>> rl.dropout_(rl.ones(2), 1.0, True)
    tensor([0., 0.])
    """
    _checked("dropout_", input, p)
    return dropout(input, p, train, inplace=True)


@random_op("feature_dropout")
def feature_dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """Each channel of (batch, channels, ...) is zero with probability p, else scaled by 1/(1-p).

    Raises RuntimeError for fewer than two dimensions, ValueError for p outside [0, 1].

    >>> import rushlight as rl
    >>> rl.feature_dropout(rl.ones(1, 2, 3), 1.0, True).sum()
    tensor(0.)
    """
    _checked("feature_dropout", input, p)
    return _dropped(input, p, train, False, _a_channel)


@random_op("feature_dropout_")
def feature_dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """`feature_dropout` in place; returns `input`."""
    _checked("feature_dropout_", input, p)
    return _dropped(input, p, train, True, _a_channel)


@random_op("native_dropout")
def native_dropout(input: Tensor, p: float, train: bool | None = True) -> tuple[Tensor, Tensor]:
    """(dropout(input), which elements were kept).

    >>> import rushlight as rl
    >>> rl.native_dropout(rl.ones(2), 0.5, False)
    (tensor([1., 1.]), tensor([True, True]))
    """
    _checked("native_dropout", input, p)
    ones = wrap(np.ones_like(input._array))
    if train is False:
        return input.clone(), ones.bool()  # type: ignore[attr-defined]
    noise: Any = _dropped(ones, p, True, False, empty_like)
    return input * noise, noise != 0


@random_op("nn.functional.dropout1d")
def dropout1d(input: Tensor, p: float = 0.5, training: bool = True,
              inplace: bool = False) -> Tensor:
    """Each channel of (channels, length) or (batch, channels, length) is zero with probability p.

    Raises RuntimeError for other numbers of dimensions, ValueError for p outside [0, 1].

    >>> import rushlight as rl
    >>> rl.nn.functional.dropout1d(rl.ones(2, 3), training=False).shape
    torch.Size([2, 3])
    """
    _checked("dropout1d", input, p)
    if input.ndim not in (2, 3):
        raise RuntimeError(f"dropout1d: Expected 2D or 3D input, but received a {input.ndim}D "
                           "input: (batch, channels, length), the batch optional. Use dropout for "
                           "other shapes")
    if input.ndim == 2:
        return _unbatched(input, p, training, inplace)
    return _dropped(input, p, training, inplace, _a_channel)


@random_op("nn.functional.dropout2d")
def dropout2d(input: Tensor, p: float = 0.5, training: bool = True,
              inplace: bool = False) -> Tensor:
    """Each channel of (batch, channels, height, width) is zero with probability p (Tompson, 2015).

    Three dimensions are taken as (batch, channels, length). Raises ValueError for p outside
    [0, 1].

    >>> import rushlight as rl
    >>> rl.nn.functional.dropout2d(rl.ones(1, 2, 3, 3), training=False).shape
    torch.Size([1, 2, 3, 3])
    """
    _checked("dropout2d", input, p)
    if input.ndim not in (3, 4):
        warnings.warn(f"dropout2d: Received a {input.ndim}-D input to dropout2d; expected "
                      "(batch, channels, height, width)", stacklevel=2)
    elif input.ndim == 3:
        warnings.warn("dropout2d: Received a 3-D input to dropout2d, which is taken as (batch, "
                      "channels, length); use dropout1d for that", stacklevel=2)
    return _dropped(input, p, training, inplace, _a_channel)


@random_op("nn.functional.dropout3d")
def dropout3d(input: Tensor, p: float = 0.5, training: bool = True,
              inplace: bool = False) -> Tensor:
    """Each channel of (batch, channels, depth, height, width) is zero with probability p.

    The batch is optional. Raises ValueError for p outside [0, 1].

    >>> import rushlight as rl
    >>> rl.nn.functional.dropout3d(rl.ones(2, 3, 3, 3), training=False).shape
    torch.Size([2, 3, 3, 3])
    """
    _checked("dropout3d", input, p)
    if input.ndim not in (4, 5):
        warnings.warn(f"dropout3d: Received a {input.ndim}-D input to dropout3d; expected "
                      "(batch, channels, depth, height, width), the batch optional", stacklevel=2)
    if input.ndim != 5:
        return _unbatched(input, p, training, inplace)
    return _dropped(input, p, training, inplace, _a_channel)


@random_op("nn.functional.alpha_dropout alpha_dropout")
def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False,
                  inplace: bool = False, *, train: bool | None = None) -> Tensor:
    """Dropout to SELU's saturation value that keeps mean and variance (Klambauer et al., 2017).

    Raises ValueError for p outside [0, 1].

    >>> import rushlight as rl
    >>> rl.nn.functional.alpha_dropout(rl.ones(2), 0.5)
    tensor([1., 1.])
    """
    _checked("alpha_dropout", input, p)
    return _saturated(input, p, training if train is None else train, inplace, empty_like)


@random_op("nn.functional.feature_alpha_dropout feature_alpha_dropout")
def feature_alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False,
                          inplace: bool = False, *, train: bool | None = None) -> Tensor:
    """`alpha_dropout` of whole channels of (batch, channels, ...).

    Raises ValueError for p outside [0, 1].

    >>> import rushlight as rl
    >>> rl.nn.functional.feature_alpha_dropout(rl.ones(1, 2, 1), 0.5).sum()
    tensor(2.)
    """
    _checked("feature_alpha_dropout", input, p)
    return _saturated(input, p, training if train is None else train, inplace, _a_channel)


@random_op("alpha_dropout_")
def alpha_dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """`alpha_dropout` in place; returns `input`."""
    return alpha_dropout(input, p, train, inplace=True)


@random_op("feature_alpha_dropout_")
def feature_alpha_dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """`feature_alpha_dropout` in place; returns `input`."""
    return feature_alpha_dropout(input, p, train, inplace=True)


def _checked(name: str, input: Any, p: float) -> Tensor:
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    return tensor_argument(input, name)


def _a_channel(input: Tensor) -> Any:
    """An array of (batch, channels, 1, ...)."""
    array = input._array
    if array.ndim < 2:
        raise RuntimeError("Feature dropout requires at least 2 dimensions in the input, this is "
                           f"{describe(input)}")
    shape = array.shape[:2] + (1,) * (array.ndim - 2)
    return MetaArray(shape, array.dtype) if is_meta(array) else np.empty(shape, array.dtype)


def _dropped(input: Tensor, p: float, training: bool, inplace: bool, like: Any) -> Tensor:
    """input * noise, the noise being 0 or 1 / (1 - p), in an array from `like(input)`."""
    if not training or p == 0 or not input._array.size:
        return input
    if input._array.dtype.kind in "biu" and p != 1:
        raise RuntimeError("result type Float can't be cast to the desired output type "
                           f"{title(input.dtype)}: dropout of {describe(input)}")
    if like is empty_like and p != 1 and not inplace and _is_large(input):
        kept = np.empty(input._array.shape, np.bool_)
        bernoulli_number.draw(kept, None, (1 - p, 1))
        return _thinned(input, wrap(kept), _kept(1 - p, input._array.dtype))
    noise = like(input)
    if p == 1:
        noise = np.zeros((), noise.dtype) if not is_meta(noise) else noise
    else:
        bernoulli_number.draw(noise, None, (1 - p, _kept(1 - p, noise.dtype)))
    return _combined(input, noise, inplace)


def _is_large(input: Tensor) -> bool:
    """Whether a mask of bytes, rather than of the input's numbers, saves time: where memory,
    which has to be read again by the backward, is what costs."""
    array = input._array
    return (type(array) is np.ndarray and array.size >= LARGE and array.dtype.char in "fd"
            and array.flags.c_contiguous and not levels.stack
            and (type(input) is Tensor or type(input) is Parameter))


@library("_thinned")
class _thinned:
    """input * (scale where kept, else 0)."""

    node = "mul"

    def forward(input, kept, scale: Option):
        return masks.scaled(input, kept, scale)

    def backward(gradient, kept, scale):
        return _thinned(gradient, kept, scale), None


def _kept(share: float, dtype: np.dtype) -> float:
    """1 / share, rounded as a division in the dtype's own precision is."""
    if dtype == np.float64:
        return 1 / share
    return float(np.float32(1) / np.float32(share))


def _combined(input: Tensor, noise: Any, inplace: bool) -> Tensor:
    scale = wrap(noise)
    return input.mul_(scale) if inplace else input * scale  # type: ignore[attr-defined]


def _unbatched(input: Tensor, p: float, training: bool, inplace: bool) -> Tensor:
    """Channels of an input without a batch dimension."""
    batched = input.unsqueeze_(0) if inplace else input.unsqueeze(0)  # type: ignore[attr-defined]
    result: Any = _dropped(batched, p, training, inplace, _a_channel)
    return result.squeeze_(0) if inplace else result.squeeze(0)


def _saturated(input: Tensor, p: float, training: bool, inplace: bool, like: Any) -> Tensor:
    """a * (input where kept, -ALPHA where dropped) + b, of the input's mean and variance."""
    if not training or p == 0 or not input._array.size:
        return input
    if p == 1:
        return _combined(input, np.zeros((), input._array.dtype), inplace)
    noise = like(input)
    bernoulli_number.draw(noise, None, (1 - p,))
    kept: Any = wrap(noise)
    a = 1.0 / math.sqrt((ALPHA * ALPHA * p + 1) * (1 - p))
    shift = kept.add(-1).mul_(ALPHA * a).add_(ALPHA * a * p)
    kept.mul_(a)
    result: Any = _combined(input, noise, inplace)
    return result.add_(shift) if inplace else result + shift
