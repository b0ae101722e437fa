"""Convolution on the CPU: Winograd's where it is faster, oneDNN where it serves, else NumPy.

Arrays are (batch, channels, *space), weights (out, in / groups, *window), `window` the stride,
padding and dilation by spatial dimension and the groups. Where one of two arrays has its channels
last in memory, so has the result.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from rushlight.backends.cast import HALF, astype
from rushlight.backends.channels_last import arranged, empty, is_last
from rushlight.backends.cpu import matmul, small_maps
from rushlight.backends.cpu.onednn import convolution as library
from rushlight.backends.cpu.onednn.layout import describable
from rushlight.backends.cpu.onednn.library import available
from rushlight.backends.host import convolution as host
from rushlight.backends.host.convolution import Window, output_space
from rushlight.backends.kept_weights import Kept
from rushlight.base.dtypes import NAMES
from rushlight.base.first_use import Deferred

if TYPE_CHECKING:
    from rushlight.backends.cpu import winograd
else:
    winograd = Deferred("rushlight.backends.cpu.winograd", globals())

__all__ = ["Window", "backward_data", "backward_weights", "backward_weights_and_bias", "forward",
           "output_space", "transposed"]

_FLOAT = np.dtype(np.float32)
_WINOGRAD = (3, 3)  # the windows of its kernels; for others they need not even be imported
PRODUCTS = 1 << 22  # elements of products to be added up
_KINDS = ("float32", "bfloat16", "float16")


def forward(input: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, window: Window,
            kept: Kept | None = None) -> np.ndarray:
    """The convolution of `input` with `weight`, plus `bias` by channel, as a new array.

    kept: where copies of `weight` may be kept for the next call.
    """
    last = is_last(input) or is_last(weight)
    if weight.shape[2:] == _WINOGRAD:
        fast = winograd.forward(input, weight, bias, window, kept, last)
        if fast is not None:
            return fast
    if not _served(input, weight, window):
        return arranged(host.forward(input, weight, bias, window), last)
    if kept is None and small_maps.suits((input,), weight.shape, window, last):
        return small_maps.forward(input, weight, bias, last)
    if window.groups > 1 and input.ndim == 3:
        return forward(_image(input), _image(weight), bias, _of_images(window))[:, :, 0]
    (x, w), kind = _readable(input, weight), input.dtype
    space = output_space(x.shape[2:], w.shape[2:], window)
    out = empty((x.shape[0], w.shape[0], *space), x.dtype, last)
    if bias is not None:
        bias = np.ascontiguousarray(bias, x.dtype)
    if kept is not None and w is weight:
        return library.forward_kept(x, w, bias, window, out, kept).astype(kind, copy=False)
    return library.forward(x, w, bias, window, out).astype(kind, copy=False)


def backward_data(grad: np.ndarray, weight: np.ndarray, window: Window, shape: tuple[int, ...]
                  ) -> np.ndarray:
    """The gradient of the input (of `shape`), given the output's; also the transposed form."""
    last = is_last(grad) or is_last(weight)
    if weight.shape[2:] == _WINOGRAD:
        fast = winograd.backward_data(grad, weight, window, shape, last)
        if fast is not None:
            return fast
    if not _served(grad, weight, window):
        return arranged(host.backward_data(grad, weight, window, shape), last)
    if small_maps.suits((grad,), weight.shape, window, last):
        return small_maps.backward_data(grad, weight, last)
    if window.groups > 1 and grad.ndim == 3:
        return backward_data(_image(grad), _image(weight), _of_images(window),
                             (*shape[:2], 1, shape[2]))[:, :, 0]
    dy, w = _readable(grad, weight)
    out = empty(shape, dy.dtype, last)
    return library.backward_data(dy, w, window, out).astype(grad.dtype, copy=False)


def transposed(input: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, window: Window,
               space: Sequence[int]) -> np.ndarray:
    """The transposed convolution, plus `bias` by channel: half types are rounded once."""
    shape = (input.shape[0], weight.shape[1] * window.groups, *space)
    if bias is None:
        return backward_data(input, weight, window, shape)
    kind = input.dtype
    if kind in HALF:
        input, weight, bias = (astype(x, _FLOAT) for x in (input, weight, bias))
    out = backward_data(input, weight, window, shape)
    np.add(out, bias.reshape(-1, *[1] * len(space)), out)
    return astype(out, kind) if kind in HALF else out


def backward_weights(input: np.ndarray, grad: np.ndarray, window: Window, shape: tuple[int, ...]
                     ) -> np.ndarray:
    """The gradient of the weight (of `shape`), given the output's."""
    last = _last_weight(input, grad, shape)
    if shape[2:] == _WINOGRAD:
        fast = winograd.backward_weights(input, grad, window, shape, last=last)
        if fast is not None:
            return fast
    if not _served(input, grad, window):
        return arranged(host.backward_weights(input, grad, window, shape), last)
    turned = is_last(input) and is_last(grad)
    if small_maps.suits((grad, input), shape, window, turned):
        return small_maps.backward_weights(input, grad, turned).reshape(shape)
    if _is_product(input, grad, window, shape):
        return _summed_products(input, grad).reshape(shape)
    x, dy = _readable(input, grad)
    out = empty(shape, x.dtype, last)
    return library.backward_weights(x, dy, window, out).astype(grad.dtype, copy=False)


def backward_weights_and_bias(input: np.ndarray, grad: np.ndarray, window: Window,
                              shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """The gradients of the weight (of `shape`) and of the bias, in one pass over `grad`."""
    sums, last = np.empty(shape[0], grad.dtype), _last_weight(input, grad, shape)
    if shape[2:] == _WINOGRAD:
        fast = winograd.backward_weights(input, grad, window, shape, sums, last)
        if fast is not None:
            return fast, sums
    if not _served(input, grad, window):
        return (arranged(host.backward_weights(input, grad, window, shape), last),
                host.backward_bias(grad))
    turned = is_last(input) and is_last(grad)
    if small_maps.suits((grad, input), shape, window, turned):
        return small_maps.backward_weights(input, grad, turned, sums).reshape(shape), sums
    (x, dy), kind = _readable(input, grad), grad.dtype
    out, bias = empty(shape, x.dtype, last), np.empty(shape[0], x.dtype)
    library.backward_weights(x, dy, window, out, bias)
    return out.astype(kind, copy=False), bias.astype(kind, copy=False)


def _is_product(input: np.ndarray, grad: np.ndarray, window: Window, shape: tuple[int, ...],
                ) -> bool:
    """Whether windows are one element that visits every place of row-major arrays, and the products
    of all samples are small enough to be made apart; from 16 places on oneDNN is slower."""
    return (prod(shape[2:]) == 1 and input.dtype is _FLOAT is grad.dtype and window.groups == 1
            and input.shape[2:] == grad.shape[2:] and max(window.stride) == 1
            and prod(input.shape[2:]) >= 16 and len(input) * prod(shape) <= PRODUCTS
            and input.flags.c_contiguous and grad.flags.c_contiguous)


def _summed_products(input: np.ndarray, grad: np.ndarray) -> np.ndarray:
    """(out, in): the sum over samples of grad @ input^T, each over all places."""
    x, dy = (a.reshape(*a.shape[:2], prod(a.shape[2:])) for a in (input, grad))
    total: np.ndarray = np.add.reduce(matmul.matmul(dy, x.swapaxes(1, 2)), 0)
    return total


def _last_weight(input: np.ndarray, grad: np.ndarray, shape: tuple[int, ...]) -> bool:
    """Whether the gradient of the weight has its channels last; windows of 1 are left row-major."""
    return (is_last(input) or is_last(grad)) and prod(shape[2:]) > 1


def _image(sequence: np.ndarray) -> np.ndarray:
    """(batch, channels, length) as images of height 1: by groups, oneDNN is fast for those only."""
    return sequence[:, :, None]


def _of_images(window: Window) -> Window:
    stride, front, behind, dilation, groups = window
    return Window((1, *stride), (0, *front), (0, *behind), (1, *dilation), groups)


def _served(first: np.ndarray, second: np.ndarray, window: Window) -> bool:
    """Whether oneDNN takes these: it has no float64, no integers and no empty arrays."""
    return ((first.dtype is _FLOAT or NAMES[first.dtype] in _KINDS) and available()
            and first.size > 0 and second.size > 0 and min(window.behind) >= 0)


def _readable(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The arrays in strides and a data type that oneDNN reads: float32 for what it lacks."""
    if first.dtype is not _FLOAT and not library.supports(NAMES[first.dtype]):
        first, second = first.astype(_FLOAT), second.astype(_FLOAT)
    return describable(first), describable(second)
