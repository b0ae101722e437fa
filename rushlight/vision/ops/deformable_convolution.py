"""Convolution whose window looks at places that the input chooses (Dai et al., 2017)."""

from __future__ import annotations

import math
from typing import Any

from rushlight import nn
from rushlight.base.errors import operands
from rushlight.ops import arange, empty
from rushlight.tensor import Tensor


def _pair(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else tuple(value)


def deform_conv2d(input: Tensor, offset: Tensor, weight: Tensor, bias: Tensor | None = None,
                  stride: Any = (1, 1), padding: Any = (0, 0), dilation: Any = (1, 1),
                  mask: Tensor | None = None) -> Tensor:
    """A convolution whose every tap is moved by an offset, with bilinear interpolation.

    Args:
        input: (n, in, h, w).
        offset: (n, 2 * sets * kh * kw, out_h, out_w): for each tap of each set of channels its
            move down, then right.
        weight: (out, in / groups, kh, kw).
        bias: (out,).
        stride, padding, dilation: an int or two.
        mask: (n, sets * kh * kw, out_h, out_w) factors of the taps (Zhu et al., 2019), or None.

    Returns:
        (n, out, out_h, out_w), differentiable in all tensors.

    Raises:
        RuntimeError: shapes that do not fit together.
    """
    steps, pads, gaps = _pair(stride), _pair(padding), _pair(dilation)
    count, channels, *extent = input.shape
    window = weight.shape[2:]
    out = [(n + 2 * p - d * (k - 1) - 1) // s + 1
           for n, p, d, k, s in zip(extent, pads, gaps, window, steps, strict=True)]
    taps = window[0] * window[1]
    sets = offset.shape[1] // (2 * taps)
    shapes_fit = (offset.shape == (count, 2 * sets * taps, *out) and sets > 0
                  and channels % weight.shape[1] == 0 and channels % sets == 0)
    if not shapes_fit or (mask is not None and mask.shape != (count, sets * taps, *out)):
        given = {"input": input, "offset": offset, "weight": weight}
        if mask is not None:
            given["mask"] = mask
        raise RuntimeError(
            f"the shape of the offset tensor at dimension 1 is not valid, or shapes do not fit: "
            f"deform_conv2d({operands(**given)}); offset is (batch, 2 * sets * {taps}, {out[0]}, "
            f"{out[1]}), mask has half as many channels")
    moves = offset.reshape(count, sets, taps, 2, *out)
    rows = _places(out[0], window[0], steps[0], pads[0], gaps[0], input)[:, None, :, None]
    columns = _places(out[1], window[1], steps[1], pads[1], gaps[1], input)[None, :, None, :]
    y = moves[:, :, :, 0].unflatten(2, tuple(window)) + rows  # (n, sets, kh, kw, out_h, out_w)
    x = moves[:, :, :, 1].unflatten(2, tuple(window)) + columns
    images = input.reshape(count, sets, channels // sets, -1)
    taken = _sampled(images, y.flatten(2), x.flatten(2), extent[0], extent[1])
    if mask is not None:
        taken = taken * mask.reshape(count, sets, 1, -1)
    groups = channels // weight.shape[1]
    patches = taken.reshape(count, groups, weight.shape[1] * taps, math.prod(out))
    kernel = weight.reshape(groups, weight.shape[0] // groups, -1)
    result = (kernel @ patches).reshape(count, weight.shape[0], *out)
    return result if bias is None else result + bias.reshape(1, -1, 1, 1)


def _places(outputs: int, window: int, step: int, pad: int, gap: int, like: Tensor) -> Tensor:
    """(window, outputs): where each tap looks along one side before it is moved."""
    taps, starts = arange(window) * gap, arange(outputs) * step - pad
    return (taps[:, None] + starts[None, :]).to(like.dtype)


def _sampled(images: Tensor, y: Tensor, x: Tensor, height: int, width: int) -> Tensor:
    """Bilinear samples, 0 outside. images: (n, sets, c, h * w). y, x: (n, sets, places)."""
    top, left = y.detach().floor(), x.detach().floor()
    total: Any = 0.0
    for down in (0, 1):
        for right in (0, 1):
            row, column = top + down, left + right
            inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
            index = (row.clamp(0, height - 1) * width + column.clamp(0, width - 1)).long()
            near = (1 - (y - row).abs()) * (1 - (x - column).abs()) * inside
            shape = (*images.shape[:3], index.shape[-1])
            total = total + images.gather(3, index[:, :, None].expand(shape)) * near[:, :, None]
    return total


class DeformConv2d(nn.Module):
    """`deform_conv2d` with weights of its own. Arguments as of `nn.Conv2d`."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size: Any, stride: Any = 1,
                 padding: Any = 0, dilation: Any = 1, groups: int = 1, bias: bool = True) -> None:
        super().__init__()
        if in_channels % groups or out_channels % groups:
            raise ValueError("in_channels and out_channels must be divisible by groups: got "
                             f"{in_channels} and {out_channels} in {groups} groups")
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size, self.stride = _pair(kernel_size), _pair(stride)
        self.padding, self.dilation = _pair(padding), _pair(dilation)
        self.weight = nn.Parameter(empty(out_channels, in_channels // groups, *self.kernel_size))
        self.bias: Any = nn.Parameter(empty(out_channels)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new weights, as of `nn.Conv2d`."""
        nn.init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            bound = 1 / math.sqrt(self.weight[0].numel())
            nn.init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Tensor, offset: Tensor, mask: Tensor | None = None) -> Tensor:
        """As `deform_conv2d`."""
        return deform_conv2d(input, offset, self.weight, self.bias, self.stride, self.padding,
                             self.dilation, mask)

    def extra_repr(self) -> str:
        shown = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}"
        return f"{shown}, stride={self.stride}"
