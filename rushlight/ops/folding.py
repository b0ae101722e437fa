"""Sliding windows of an image as columns (unfold), and columns summed into an image (fold)."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from rushlight.backends.meta.array import MetaArray, is_meta
from rushlight.families.composite import function
from rushlight.families.library import library
from rushlight.tensor import Tensor

Pair = tuple[int, int]


class Windows(NamedTuple):
    """Windows over an image: the sizes of the image, and how the windows lie in it."""

    size: Pair
    kernel: Pair
    dilation: Pair
    padding: Pair
    stride: Pair

    @property
    def blocks(self) -> Pair:
        """How many windows there are, downward and across."""
        return tuple(
            (self.size[i] + 2 * self.padding[i] - self.dilation[i] * (self.kernel[i] - 1) - 1)
            // self.stride[i]
            + 1
            for i in (0, 1)
        )


@library("")
class im2col:  # noqa: N801 - an op
    """(N, C, H, W) to columns (N, C * kernel, blocks)."""

    def forward(input, windows=None):
        batch, channels = input.shape[:2]
        (kh, kw), (bh, bw) = windows.kernel, windows.blocks
        shape = (batch, channels * kh * kw, bh * bw)
        if is_meta(input):
            return MetaArray(shape, input.dtype)
        ph, pw = windows.padding
        padded = np.pad(input, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
        n, c, h, w = padded.strides
        (dh, dw), (sh, sw) = windows.dilation, windows.stride
        views = as_strided(
            padded, (batch, channels, kh, kw, bh, bw), (n, c, h * dh, w * dw, h * sh, w * sw)
        )
        return views.reshape(shape)

    def backward(gradient, windows):
        return col2im(gradient, windows)


@library("")
class col2im:  # noqa: N801 - an op
    """Columns (N, C * kernel, blocks) to (N, C, H, W): each element the sum of its windows'."""

    def forward(input, windows=None):
        (kh, kw), (bh, bw) = windows.kernel, windows.blocks
        batch, channels = input.shape[0], input.shape[1] // (kh * kw)
        if is_meta(input):
            return MetaArray((batch, channels, *windows.size), input.dtype)
        (h, w), (ph, pw) = windows.size, windows.padding
        padded = np.zeros((batch, channels, h + 2 * ph, w + 2 * pw), input.dtype)
        columns = input.reshape(batch, channels, kh, kw, bh, bw)
        (dh, dw), (sh, sw) = windows.dilation, windows.stride
        for i in range(kh):
            for j in range(kw):
                rows = slice(i * dh, i * dh + sh * (bh - 1) + 1, sh)
                cols = slice(j * dw, j * dw + sw * (bw - 1) + 1, sw)
                padded[:, :, rows, cols] += columns[:, :, i, j]
        return padded[:, :, ph : ph + h, pw : pw + w]

    def backward(gradient, windows):
        return im2col(gradient, windows)


@function("nn.functional.unfold", samples=lambda x: [
    (x(1, 2, 3, 3), 2), (x(1, 4, 3), (2, 1), {"padding": 1, "stride": (2, 1)})])
def unfold(
    input: Tensor, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> Tensor:
    """Cut an image into windows: (N, C, H, W) to (N, C * prod(kernel_size), L); N may be absent.

    Each of the L columns is one window, channel by channel. Returns a new tensor. Raises
    RuntimeError for windows that do not fit.

    >>> import rushlight as rl
    >>> rl.nn.functional.unfold(rl.arange(9.).view(1, 1, 3, 3), 2)[0, :, 0]
    tensor([0., 1., 3., 4.])
    """
    if input.dim() < 3:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-input.dim()}, "
                         f"{input.dim() - 1}], but got {min(input.dim(), 2)}): unfold takes images "
                         "(N, C, H, W) or (C, H, W)")
    if input.dim() not in (3, 4):
        raise RuntimeError(
            "Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero "
            f"dimensions for input, but got: {list(input.shape)}"
        )
    windows = _windows(input.shape[-2:], kernel_size, dilation, padding, stride)
    if min(windows.blocks) < 1:
        raise RuntimeError(
            f"Given input with spatial size {tuple(windows.size)}, kernel_size={windows.kernel}, "
            f"dilation={windows.dilation}, padding={windows.padding}, calculated shape of the "
            f"array of sliding blocks as {windows.blocks}, but its components must be at least one."
        )
    if input.dim() == 3:
        return im2col(input.unsqueeze(0), windows).squeeze(0)
    return im2col(input, windows)


@function("nn.functional.fold", samples=lambda x: [
    (x(1, 4, 4), (3, 3), 2), (x(2, 4), (3, 2), (2, 1), {"stride": 1})])
def fold(
    input: Tensor,
    output_size: Any,
    kernel_size: Any,
    dilation: Any = 1,
    padding: Any = 0,
    stride: Any = 1,
) -> Tensor:
    """Sum columns (N, C * prod(kernel_size), L) into an image (N, C, *output_size).

    The adjoint of ``unfold``: elements that several windows share are added. Returns a new
    tensor. Raises RuntimeError for sizes that do not fit.

    >>> import rushlight as rl
    >>> rl.nn.functional.fold(rl.ones(1, 4, 4), (3, 3), 2)
    tensor([[[[1., 2., 1.],
              [2., 4., 2.],
              [1., 2., 1.]]]])
    """
    if input.dim() not in (2, 3):
        raise RuntimeError(
            "Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and "
            f"non-zero dimensions for input, but got: {list(input.shape)}"
        )
    if len(_pair(output_size)) != 2:
        raise RuntimeError("It is expected output_size equals to 2, but got size "
                           f"{len(_pair(output_size))}")
    windows = _windows(_pair(output_size), kernel_size, dilation, padding, stride)
    (kh, kw), (bh, bw) = windows.kernel, windows.blocks
    rows, columns = input.shape[-2:]
    if rows % (kh * kw):
        raise RuntimeError(
            "Expected size of input's dimension 1 to be divisible by the product of kernel_size, "
            f"but got input.size(1)={rows} and kernel_size={windows.kernel}."
        )
    if columns != bh * bw or min(bh, bw) < 1:
        raise RuntimeError(
            f"Given output_size={windows.size}, kernel_size={windows.kernel}, "
            f"dilation={windows.dilation}, padding={windows.padding}, stride={windows.stride}, "
            "expected size of input's dimension 2 to match the calculated number of sliding "
            f"blocks {bh} * {bw} = {bh * bw}, but got input.size(2)={columns}."
        )
    if input.dim() == 2:
        return col2im(input.unsqueeze(0), windows).squeeze(0)
    return col2im(input, windows)


def _pair(value: Any) -> Pair:
    return (value, value) if isinstance(value, int) else tuple(value)


def _windows(size: Any, kernel: Any, dilation: Any, padding: Any, stride: Any) -> Windows:
    windows = Windows(*map(_pair, (size, kernel, dilation, padding, stride)))
    for name in ("kernel", "dilation", "stride"):
        height, width = getattr(windows, name)
        if height <= 0 or width <= 0:
            word = "kernel size" if name == "kernel" else name
            raise RuntimeError(
                f"{word} should be greater than zero, but got {name}_height: {height} "
                f"{name}_width: {width}"
            )
    if min(windows.padding) < 0:
        height, width = windows.padding
        raise RuntimeError(
            f"padding should be non-negative, but got pad_height: {height} pad_width: {width}"
        )
    return windows
