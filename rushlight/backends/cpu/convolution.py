"""Convolution on the CPU: oneDNN where it serves, NumPy otherwise.

Arrays are (batch, channels, *space), weights (out, in / groups, *window), `window` the stride,
padding and dilation by spatial dimension and the groups.
"""

from __future__ import annotations

import numpy as np

from rushlight.backends.cpu.onednn import convolution as library
from rushlight.backends.cpu.onednn.layout import describable
from rushlight.backends.cpu.onednn.library import available
from rushlight.backends.host import convolution as host
from rushlight.backends.host.convolution import Window, output_space

__all__ = ["Window", "backward_data", "backward_weights", "backward_weights_and_bias", "forward",
           "output_space"]

_FLOAT = np.dtype(np.float32)


def forward(input: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, window: Window
            ) -> np.ndarray:
    """The convolution of `input` with `weight`, plus `bias` by channel, as a new array."""
    if not _served(input, weight, window):
        return host.forward(input, weight, bias, window)
    space = output_space(input.shape[2:], weight.shape[2:], window)
    out = np.empty((input.shape[0], weight.shape[0], *space), input.dtype)
    return library.forward(describable(input), describable(weight),
                           bias if bias is None else np.ascontiguousarray(bias), window, out)


def backward_data(grad: np.ndarray, weight: np.ndarray, window: Window, shape: tuple[int, ...]
                  ) -> np.ndarray:
    """The gradient of the input (of `shape`), given the output's; also the transposed form."""
    if not _served(grad, weight, window):
        return host.backward_data(grad, weight, window, shape)
    out = np.empty(shape, grad.dtype)
    return library.backward_data(describable(grad), describable(weight),
                                 window, out)


def backward_weights(input: np.ndarray, grad: np.ndarray, window: Window, shape: tuple[int, ...]
                     ) -> np.ndarray:
    """The gradient of the weight (of `shape`), given the output's."""
    if not _served(input, grad, window):
        return host.backward_weights(input, grad, window, shape)
    out = np.empty(shape, input.dtype)
    return library.backward_weights(describable(input), describable(grad), window, out)


def backward_weights_and_bias(input: np.ndarray, grad: np.ndarray, window: Window,
                              shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """The gradients of the weight (of `shape`) and of the bias, in one pass over `grad`."""
    if not _served(input, grad, window):
        return host.backward_weights(input, grad, window, shape), host.backward_bias(grad)
    out, bias = np.empty(shape, input.dtype), np.empty(shape[0], input.dtype)
    library.backward_weights(describable(input), describable(grad), window, out, bias)
    return out, bias


def _served(first: np.ndarray, second: np.ndarray, window: Window) -> bool:
    """Whether oneDNN takes these: it has no float64, no integers and no empty arrays."""
    return ((first.dtype is _FLOAT or library.supports(first.dtype.name)) and available()
            and first.size > 0 and second.size > 0 and min(window.behind) >= 0)
