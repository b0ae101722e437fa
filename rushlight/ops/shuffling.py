"""Elements moved between channels and space: pixel_shuffle, its inverse, channel_shuffle."""

from __future__ import annotations

from rushlight.backends.channels_last import BACK, ORDER, is_last
from rushlight.families.composite import function
from rushlight.families.node_names import called
from rushlight.tensor import Tensor


def _check(name: str, factor_name: str, input: Tensor, factor: int) -> None:
    if input.dim() < 3:
        raise RuntimeError(
            f"{name} expects input to have at least 3 dimensions, "
            f"but got input with {input.dim()} dimension(s)"
        )
    if factor <= 0:
        raise RuntimeError(f"{name} expects a positive {factor_name}, but got {factor}")


@function("pixel_shuffle nn.functional.pixel_shuffle", samples=lambda x: [(x(1, 4, 2, 1), 2)])
@called("PixelShuffle")
def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """(*, C r^2, H, W) to (*, C, H r, W r): r^2 channels become r x r pixels (Shi et al., 2016).

    Returns a new tensor. Raises RuntimeError for channels that r^2 does not divide.

    >>> import rushlight as rl
    >>> rl.pixel_shuffle(rl.arange(4).view(4, 1, 1), 2)
    tensor([[[0, 1],
             [2, 3]]])
    """
    r = upscale_factor
    _check("pixel_shuffle", "upscale_factor", input, r)
    *batch, channels, height, width = input.shape
    if channels % (r * r):
        raise RuntimeError(
            "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square "
            f"of upscale_factor, but input.size(-3)={channels} is not divisible by {r * r}"
        )
    n = len(batch)
    if is_last(input._array):  # (batch, height, width, channels) in memory
        x = input.permute(ORDER[4]).reshape(*batch, height, width, channels // (r * r), r, r)
        x = x.permute(0, 1, 4, 2, 5, 3)
        return x.reshape(*batch, height * r, width * r, channels // (r * r)).permute(BACK[4])
    x = input.reshape(*batch, channels // (r * r), r, r, height, width)
    x = x.permute(*range(n), n, n + 3, n + 1, n + 4, n + 2)
    return x.reshape(*batch, channels // (r * r), height * r, width * r)


@function("pixel_unshuffle nn.functional.pixel_unshuffle", samples=lambda x: [(x(1, 1, 2, 4), 2)])
@called("PixelUnshuffle")
def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """(*, C, H r, W r) to (*, C r^2, H, W), the inverse of ``pixel_shuffle``.

    Returns a new tensor. Raises RuntimeError for sizes that r does not divide.

    >>> import rushlight as rl
    >>> rl.pixel_unshuffle(rl.arange(4).view(1, 2, 2), 2).flatten()
    tensor([0, 1, 2, 3])
    """
    r = downscale_factor
    _check("pixel_unshuffle", "downscale_factor", input, r)
    *batch, channels, height, width = input.shape
    for name, dim, size in (("height", -2, height), ("width", -1, width)):
        if size % r:
            raise RuntimeError(
                f"pixel_unshuffle expects {name} to be divisible by downscale_factor, "
                f"but input.size({dim})={size} is not divisible by {r}"
            )
    n = len(batch)
    if is_last(input._array):  # (batch, height, width, channels) in memory
        x = input.permute(ORDER[4]).reshape(*batch, height // r, r, width // r, r, channels)
        x = x.permute(0, 1, 3, 5, 2, 4)
        return x.reshape(*batch, height // r, width // r, channels * r * r).permute(BACK[4])
    x = input.reshape(*batch, channels, height // r, r, width // r, r)
    x = x.permute(*range(n), n, n + 2, n + 4, n + 1, n + 3)
    return x.reshape(*batch, channels * r * r, height // r, width // r)


@function("channel_shuffle nn.functional.channel_shuffle native_channel_shuffle "
          "nn.functional.native_channel_shuffle", samples=lambda x: [(x(1, 4, 2), 2)])
@called("ChannelShuffle")
def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """Deal the channels of (N, C, *) out over ``groups`` in turn (Zhang et al., 2018).

    Returns a new tensor. Raises RuntimeError for channels that groups do not divide.

    >>> import rushlight as rl
    >>> rl.channel_shuffle(rl.arange(4).view(1, 4, 1), 2).flatten()
    tensor([0, 2, 1, 3])
    """
    if input.dim() <= 2:
        raise RuntimeError(
            f"channel_shuffle expects input with > 2 dims, but got input with sizes "
            f"{list(input.shape)}"
        )
    if groups <= 0:
        raise RuntimeError(
            f"Number of groups to divide channels in must be positive. Value of groups:{groups}"
        )
    channels = input.size(1)
    if channels % groups:
        raise RuntimeError(
            f"Number of channels must be divisible by groups. Got {channels} channels and "
            f"{groups} groups."
        )
    if input.dim() == 4 and is_last(input._array):
        x = input.permute(ORDER[4])
        dealt = x.unflatten(3, (groups, channels // groups)).transpose(3, 4)
        return dealt.reshape(x.shape).permute(BACK[4])
    x = input.unflatten(1, (groups, channels // groups)).transpose(1, 2)
    return x.reshape(input.shape)
