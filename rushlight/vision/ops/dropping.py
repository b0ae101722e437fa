"""Regularisers that drop whole parts: stochastic depth, DropBlock."""

from __future__ import annotations

from rushlight import nn
from rushlight.ops import empty
from rushlight.tensor import Tensor


def stochastic_depth(input: Tensor, p: float, mode: str, training: bool = True) -> Tensor:
    """Zero a whole sample, or the whole batch, with probability p (Huang et al., 2016).

    input: (batch, ...). mode: "row" decides for each sample, "batch" once. What stays is divided
    by 1 - p. Raises ValueError for other arguments.
    """
    if not 0 <= p <= 1:
        raise ValueError(f"drop probability has to be between 0 and 1, but got {p}")
    if mode not in ("batch", "row"):
        raise ValueError(f"mode has to be either 'batch' or 'row', but got {mode}")
    if not training or p == 0:
        return input
    rows = input.shape[0] if mode == "row" else 1
    kept = empty((rows,) + (1,) * (input.dim() - 1), dtype=input.dtype).bernoulli_(1 - p)
    return input * (kept.div_(1 - p) if p < 1 else kept)


class StochasticDepth(nn.Module):
    """`stochastic_depth` as a module."""

    def __init__(self, p: float, mode: str) -> None:
        super().__init__()
        self.p, self.mode = p, mode

    def forward(self, input: Tensor) -> Tensor:
        """The input's shape."""
        return stochastic_depth(input, self.p, self.mode, self.training)

    def extra_repr(self) -> str:
        return f"p={self.p}, mode={self.mode}"


def _drop_block(input: Tensor, p: float, block_size: int, inplace: bool, eps: float,
                training: bool, dims: int) -> Tensor:
    if not 0 <= p <= 1:
        raise ValueError(f"drop probability has to be between 0 and 1, but got {p}.")
    if input.dim() != dims + 2:
        raise ValueError(f"input should be {dims + 2} dimensional. Got {input.dim()} dimensions.")
    if not training or p == 0:
        return input
    extents = input.shape[2:]
    block = min(block_size, *extents)
    centres = [n - block + 1 for n in extents]
    rate = p / block**dims  # that one place is the corner of a block
    for extent, places in zip(extents, centres, strict=True):
        rate *= extent / places
    corners = empty((*input.shape[:2], *centres), dtype=input.dtype).bernoulli_(rate)
    mask = nn.functional.pad(corners, [block // 2] * (2 * dims))
    pool = nn.functional.max_pool2d if dims == 2 else nn.functional.max_pool3d
    mask = 1 - pool(mask, block, stride=1, padding=block // 2)
    mask = mask[(..., *(slice(n) for n in extents))]
    scale = mask.numel() / (eps + mask.sum())
    return input.mul_(mask).mul_(scale) if inplace else input * mask * scale


def drop_block2d(input: Tensor, p: float, block_size: int, inplace: bool = False,
                 eps: float = 1e-6, training: bool = True) -> Tensor:
    """Zero square blocks, about a share p in all (Ghiasi et al., 2018).

    input: (batch, channels, height, width). The rest is scaled up to keep the mean.
    """
    return _drop_block(input, p, block_size, inplace, eps, training, 2)


def drop_block3d(input: Tensor, p: float, block_size: int, inplace: bool = False,
                 eps: float = 1e-6, training: bool = True) -> Tensor:
    """`drop_block2d` with cubes. input: (batch, channels, depth, height, width)."""
    return _drop_block(input, p, block_size, inplace, eps, training, 3)


class DropBlock2d(nn.Module):
    """`drop_block2d` as a module."""

    dims = 2

    def __init__(self, p: float, block_size: int, inplace: bool = False, eps: float = 1e-6) -> None:
        super().__init__()
        self.p, self.block_size, self.inplace, self.eps = p, block_size, inplace, eps

    def forward(self, input: Tensor) -> Tensor:
        """The input's shape."""
        return _drop_block(input, self.p, self.block_size, self.inplace, self.eps, self.training,
                           self.dims)

    def extra_repr(self) -> str:
        return f"p={self.p}, block_size={self.block_size}, inplace={self.inplace}"


class DropBlock3d(DropBlock2d):
    """`drop_block3d` as a module."""

    dims = 3
