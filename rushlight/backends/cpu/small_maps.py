"""Convolutions with windows of one element on small maps: one product for all samples.

oneDNN multiplies the weight with one map after another; of 64 places or fewer that leaves most of
a vector, and of what is read of the weight, unused. With the samples side by side, a layer of a
late stage takes 1.1 to 5 times less time, most at 2x2 places.
"""

from __future__ import annotations

from math import prod

import numpy as np

from rushlight.backends.channels_last import BACK, ORDER
from rushlight.backends.copies import contiguous
from rushlight.backends.cpu import matmul
from rushlight.backends.host.convolution import Window

PLACES = 64
CHANNELS = 96  # of input and output each: fewer take as long to turn as they save, ...
CHANNELS_LAST = 32  # ... and nothing has to be turned where they lie last in memory
_FLOAT = np.dtype(np.float32)


def suits(maps: tuple[np.ndarray, ...], weight: tuple[int, ...], window: Window, last: bool,
          ) -> bool:
    """Whether this pays for dense maps, row-major or with their channels last."""
    return (prod(weight[2:]) == 1 and prod(maps[0].shape[2:]) <= PLACES and window.groups == 1
            and min(weight[:2]) >= (CHANNELS_LAST if last else CHANNELS)
            and max(window.stride) == 1 and not any(window.front) and not any(window.behind)
            and all(x.dtype is _FLOAT and _inner(x, last).flags.c_contiguous for x in maps))


def forward(input: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, last: bool,
            ) -> np.ndarray:
    """The convolution of `input` with `weight`, plus `bias` by channel."""
    matrix = weight.reshape(weight.shape[:2])  # (out, in)
    if last:
        out = matmul.matmul(_rows(input, last), matrix.T)
        if bias is not None:
            out += bias
        return _apart(out, input, last)
    out = _apart(matmul.matmul(matrix, _rows(input, last).T), input, last)
    if bias is None:
        return contiguous(out)
    return np.add(out, bias.reshape(-1, *[1] * (input.ndim - 2)), order="C")


def backward_data(grad: np.ndarray, weight: np.ndarray, last: bool) -> np.ndarray:
    """The gradient of the input, given the output's."""
    matrix = weight.reshape(weight.shape[:2])
    if last:
        return _apart(matmul.matmul(_rows(grad, last), matrix), grad, last)
    return contiguous(_apart(matmul.matmul(matrix.T, _rows(grad, last).T), grad, last))


def backward_weights(input: np.ndarray, grad: np.ndarray, last: bool,
                     bias: np.ndarray | None = None) -> np.ndarray:
    """The gradient of the weight as a matrix, and into `bias`, where given, that of the bias."""
    rows = _rows(grad, last)
    if bias is not None:
        np.add.reduce(rows, 0, out=bias)
    return matmul.matmul(rows.T, _rows(input, last))


def _inner(maps: np.ndarray, last: bool) -> np.ndarray:
    return maps.transpose(ORDER[maps.ndim]) if last else maps


def _rows(maps: np.ndarray, last: bool) -> np.ndarray:
    """(batch * places, channels), in memory the other way round if the channels are not last."""
    if last:
        return _inner(maps, last).reshape(-1, maps.shape[1])
    return contiguous(maps.swapaxes(0, 1)).reshape(maps.shape[1], -1).T


def _apart(joined: np.ndarray, like: np.ndarray, last: bool) -> np.ndarray:
    """The matrix of a result, as memory has it, as maps (batch, channels, *places): a view."""
    batch, _, *places = like.shape
    if last:
        return joined.reshape(batch, *places, -1).transpose(BACK[like.ndim])
    return joined.reshape(-1, batch, *places).swapaxes(0, 1)
