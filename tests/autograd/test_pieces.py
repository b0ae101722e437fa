"""split, chunk and unbind are one node, whose gradient is written piece by piece."""

from __future__ import annotations

from typing import Any

import pytest

import rushlight as rl

TAKE = [lambda x: x.split([1, 3], 1), lambda x: x.chunk(2, 1), lambda x: x.unbind(),
        lambda x: x.unbind(1), lambda x: x.chunk(1), lambda x: x.t().split(3)]


def _leaf() -> Any:
    return rl.arange(12.0, dtype=rl.float64).reshape(3, 4).sin().requires_grad_()


@pytest.mark.parametrize("take", TAKE)
def test_gradients_of_all_orders(take: Any) -> None:
    x = _leaf()
    assert rl.autograd.gradcheck(lambda x: take(x * x), (x,))
    assert rl.autograd.gradgradcheck(lambda x: take(x * x), (x,))


@pytest.mark.parametrize("take", TAKE)
def test_pieces_without_a_gradient_count_as_zero(take: Any) -> None:
    x = _leaf()
    piece = take(x)[-1]
    (piece * 2).sum().backward()
    assert x.grad.sum().item() == 2 * piece.numel()
    assert rl.equal(take(x.grad)[-1], rl.full_like(piece, 2))


def test_the_pieces_share_a_node() -> None:
    first, second = _leaf().chunk(2)
    assert first.grad_fn is second.grad_fn
    assert (first.output_nr, second.output_nr) == (0, 1)


def test_pieces_may_run_backward_one_after_another() -> None:
    x = _leaf()
    first, second = x.chunk(2)
    first.sum().backward()
    (3 * second).sum().backward()
    assert x.grad.tolist() == [[1.0] * 4, [1.0] * 4, [3.0] * 4]


def test_the_gradient_lies_in_memory_as_the_input() -> None:
    x = rl.randn(4, 3, 5, requires_grad=True)
    a, b, c = (x * 1).permute(1, 0, 2).unbind()
    (a * 2 + b * 3 + c * 4).sum().backward()
    assert x.grad[:, :, 0].tolist() == [[2.0, 3.0, 4.0]] * 4
