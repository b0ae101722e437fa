"""Functions of `torch` itself whose arguments are other than those of their `nn.functional` kin.

Old programs and exported graphs call them: modes are numbers, and arguments stand in the order of
torch's kernels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rushlight.backends.meta.array import is_meta
from rushlight.base.errors import operands
from rushlight.families.composite import function
from rushlight.ops import embedding as lookup
from rushlight.ops import embedding_bag as bags
from rushlight.ops import grid_sampling, loss
from rushlight.tensor import Tensor, wrap

INTERPOLATION = ("bilinear", "nearest", "bicubic")  # by number
PADDING = ("zeros", "border", "reflection")
REDUCTION = ("none", "mean", "sum")
BAG_MODES = ("sum", "mean", "max")


def _numbered(name: str, argument: str, words: Sequence[str], number: int) -> str:
    if not 0 <= number < len(words):
        meaning = ", ".join(f"{i} ({word})" for i, word in enumerate(words))
        raise RuntimeError(f"{name}(): {argument} must be one of {meaning}, but got {number}")
    return words[number]


@function("grid_sampler", samples=lambda x: [
    (x(1, 2, 3, 4), x(1, 2, 2, 2, low=-0.9, high=0.9), 0, 0, True)])
def grid_sampler(input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int,
                 align_corners: bool) -> Tensor:
    """`nn.functional.grid_sample` with numbered modes.

    interpolation_mode: 0 bilinear, 1 nearest, 2 bicubic. padding_mode: 0 zeros, 1 border,
    2 reflection.

    >>> import rushlight as rl
    >>> x = rl.tensor([[[[0., 1.], [2., 3.]]]])
    >>> rl.grid_sampler(x, rl.zeros(1, 1, 1, 2), 0, 0, False)
    tensor([[[[1.5000]]]])
    """
    mode = _numbered("grid_sampler", "interpolation_mode", INTERPOLATION, interpolation_mode)
    padding = _numbered("grid_sampler", "padding_mode", PADDING, padding_mode)
    return grid_sampling.grid_sample(input, grid, mode, padding, align_corners)


def _of_rank(name: str, rank: int, words: str) -> None:
    def sampler(input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int,
                align_corners: bool) -> Tensor:
        if input.ndim != rank:
            raise RuntimeError(f"{name}(): expected {rank}D input and grid with same number of "
                               f"dimensions: {operands(input=input, grid=grid)}")
        return grid_sampler(input, grid, interpolation_mode, padding_mode, align_corners)

    sampler.__name__ = sampler.__qualname__ = name
    sampler.__doc__ = f"`grid_sampler` of {words}."
    spatial = rank - 2
    globals()[name] = function(name, samples=lambda x: [
        (x(1, 1, *[3] * spatial), x(1, *[2] * spatial, spatial, low=-0.9, high=0.9), 0, 0, False),
        (x(1, 1, *[2] * spatial), x(1, *[2] * spatial, spatial), 0, 1, True)])(sampler)


_of_rank("grid_sampler_2d", 4, "images, (N, C, H, W)")
_of_rank("grid_sampler_3d", 5, "volumes, (N, C, D, H, W)")


@function("affine_grid_generator", samples=lambda x: [(x(1, 2, 3), (1, 1, 2, 3), True)])
def affine_grid_generator(theta: Tensor, size: Sequence[int], align_corners: bool) -> Tensor:
    """`nn.functional.affine_grid` under its older name."""
    return grid_sampling.affine_grid(theta, size, align_corners)


@function("binary_cross_entropy_with_logits", samples=lambda x: [
    (x(2, 3), x(2, 3, low=0, high=1), None, None, 2)])
def binary_cross_entropy_with_logits(input: Any, target: Any, weight: Any = None,
                                     pos_weight: Any = None, reduction: int = 1) -> Tensor:
    """`nn.functional.binary_cross_entropy_with_logits`; reduction: 0 none, 1 mean, 2 sum."""
    word = _numbered("binary_cross_entropy_with_logits", "reduction", REDUCTION, reduction)
    return loss.binary_cross_entropy_with_logits(input, target, weight, reduction=word,
                                                 pos_weight=pos_weight)


@function("embedding_renorm_", samples=lambda x: [(x(6, 2), x.integers(3), 0.5, 2.0)])
def embedding_renorm_(input: Tensor, indices: Tensor, max_norm: float,
                      norm_type: float) -> Tensor:
    """Scale the rows of a table that `indices` name to a norm of at most max_norm, in place.

    >>> import rushlight as rl
    >>> rl.embedding_renorm_(rl.tensor([[3., 4.], [3., 4.]]), rl.tensor([1]), 1.0, 2.0)
    tensor([[3.0000, 4.0000],
            [0.6000, 0.8000]])
    """
    lookup._renormalize(input, indices, max_norm, norm_type)
    return input


@function("embedding_bag", samples=lambda x: [
    (x(5, 2), wrap(np.array([0, 3, 4])), wrap(np.array([0, 1])), False, 1)])
def embedding_bag(weight: Tensor, indices: Tensor, offsets: Tensor,
                  scale_grad_by_freq: bool = False, mode: int = 0, sparse: bool = False,
                  per_sample_weights: Tensor | None = None, include_last_offset: bool = False,
                  padding_idx: int | None = None) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """(`nn.functional.embedding_bag`, the bag of each index, bag sizes, rows of the maxima).

    mode: 0 sum, 1 mean, 2 max; the maxima are only filled in for 2.
    """
    word = _numbered("embedding_bag", "mode", BAG_MODES, mode)
    result = bags.embedding_bag(indices, weight, offsets, None, 2, scale_grad_by_freq, word, sparse,
                                per_sample_weights, include_last_offset, padding_idx)
    if is_meta(result._array):
        count = result.shape[0]
        maximal = (count, weight.size(1)) if mode == 2 else (count,)
        return (result, indices.new_empty(indices.numel()), indices.new_empty(count),
                indices.new_empty(maximal))
    used, places, count = bags._bags(indices, offsets, include_last_offset)
    kept = used._array != (-1 if padding_idx is None else padding_idx)
    sizes = np.bincount(places[kept], minlength=count).astype(indices._array.dtype)
    maxima = np.zeros((count, weight.shape[1]) if mode == 2 else (count,), indices._array.dtype)
    if mode == 2:
        for bag in np.flatnonzero(sizes):
            rows = used._array[(places == bag) & kept]
            maxima[bag] = rows[weight._array[rows].argmax(0)]
    return result, wrap(places.astype(indices._array.dtype)), wrap(sizes), wrap(maxima)
