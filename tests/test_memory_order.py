"""The order of memory of elementwise results: the first operand that tells decides."""

from __future__ import annotations

import numpy as np
import pytest

import rushlight as rl
from rushlight.backends import memory_order


@pytest.mark.parametrize("size", [4, 20, 200])
def test_the_first_operand_decides(size: int) -> None:
    plain, turned = rl.ones(size, size + 1), rl.ones(size + 1, size).t()
    assert (plain + turned).stride() == (size + 1, 1)
    assert (turned + plain).stride() == (1, size)
    assert (turned * 2).stride() == (1, size)
    assert rl.equal(turned + plain, rl.full((size, size + 1), 2.0))
    row = rl.ones(1, size + 1)
    assert (row + turned).stride() == (1, size)  # a row says nothing of rows and columns
    if size > 16:  # of few numbers only views are asked
        assert (turned * 2 + plain).stride() == (1, size)
    out = rl.empty(size, size + 1)
    assert rl.add(turned, plain, out=out).stride() == (size + 1, 1)
    assert turned.clone().add_(plain).stride() == (1, size)


def test_gradients_do_not_depend_on_the_order() -> None:
    a, b = rl.randn(3, 4, requires_grad=True), rl.randn(4, 3, requires_grad=True)
    (a.t() * b).sum().backward()
    assert rl.equal(a.grad, b.detach().t()) and rl.equal(b.grad, a.detach().t())


def test_numbers_are_drawn_in_the_order_of_memory() -> None:
    x = rl.empty(3, 4).t()
    rl.manual_seed(0)
    drawn = rl.randn_like(x)
    rl.manual_seed(0)
    assert rl.equal(drawn.t(), rl.randn(3, 4)) and drawn.stride() == (1, 4)


def test_spread_dimensions_tell_nothing() -> None:
    x = rl.ones(3, 1).expand(3, 4)
    for made in (rl.zeros_like(x), x.clone(), x.double(), x.flip(0)):
        assert made.stride() == (4, 1)
    spread = np.broadcast_to(np.ones((2, 1, 3)), (2, 4, 3))
    assert memory_order.empty_like(spread).flags.c_contiguous


def test_the_rule() -> None:
    turned = np.empty((4, 3, 2)).transpose(2, 0, 1)  # shape (2, 4, 3), strides of (1, 6, 2)
    made = memory_order.empty((2, 4, 3), np.float32, [np.empty(3), turned])
    assert made.shape == (2, 4, 3) and made.strides == (4, 24, 8)
    same = np.empty((2, 4, 3))
    assert memory_order.arranged(same, [np.empty((2, 4, 3))]) is same
    assert memory_order.arranged(same, [turned]).strides == (8, 48, 16)
