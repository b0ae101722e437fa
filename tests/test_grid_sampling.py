"""Gradients of the places that grid_sample reads at, where the padding decides them."""

from __future__ import annotations

import pytest

import rushlight as rl

F = rl.nn.functional


@pytest.mark.parametrize("padding_mode", ["border", "reflection"])
def test_edges_count_as_outside(padding_mode: str) -> None:
    image = rl.arange(16.0).reshape(1, 1, 4, 4)
    grid = rl.tensor([[[[-1.0, 0.5], [1.0, 0.5], [0.5, -1.0], [0.5, 1.0], [0.5, 0.25]]]])
    grid.requires_grad_()
    found = F.grid_sample(image, grid, padding_mode=padding_mode, align_corners=True)
    found.sum().backward()
    # A step of one column is a step of 2/3 in the grid and of 1 in the image; of one row, of 4.
    assert grid.grad.tolist() == [[[[0.0, 6.0], [0.0, 6.0], [1.5, 0.0], [1.5, 0.0], [1.5, 6.0]]]]
    assert found.tolist() == [[[[9.0, 12.0, 2.25, 14.25, 9.75]]]]


def test_edges_count_as_inside_where_zeros_surround_the_image() -> None:
    image = rl.ones(1, 1, 2, 2)
    grid = rl.tensor([[[[1.0, 1.0]]]], requires_grad=True)
    F.grid_sample(image, grid, padding_mode="zeros", align_corners=True).sum().backward()
    assert grid.grad.tolist() == [[[[-0.5, -0.5]]]]
