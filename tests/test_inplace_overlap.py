"""Writing in place where elements share memory: each element reads what those before it wrote."""

from __future__ import annotations

import numpy as np
import pytest

import rushlight as rl


def windows() -> rl.Tensor:
    """Sliding windows whose elements share places, as `as_strided` makes them."""
    return rl.arange(20.0).as_strided((5, 6, 2), (1, 1, 7))


def test_function_is_applied_once_for_each_element_that_shares_a_place():
    x = windows()
    x.add_(1)
    base = x.as_strided((20,), (1,)).numpy()
    visits = np.zeros(20)
    for i, j, k in np.ndindex(5, 6, 2):
        visits[i + j + 7 * k] += 1
    np.testing.assert_array_equal(base, np.arange(20.0) + visits)


def test_other_operands_go_along():
    x, y = windows(), rl.arange(60.0).view(5, 6, 2)
    expected = np.arange(20.0, dtype=np.float32)
    for k in range(2):
        for i in range(5):
            for j in range(6):
                expected[i + j + 7 * k] += y[i, j, k].item()
    x.add_(y)
    np.testing.assert_array_equal(x.as_strided((20,), (1,)).numpy(), expected)


def test_rows_apart_are_written_as_ever():
    x = rl.arange(20.0)
    x.view(4, 5).t()[::2].neg_()
    expected = np.arange(20.0).reshape(4, 5)
    expected[:, ::2] *= -1
    np.testing.assert_array_equal(x.numpy(), expected.ravel())


def test_expanded_memory_is_refused():
    with pytest.raises(RuntimeError, match="more than one element of the written-to tensor"):
        rl.zeros(3, 1).expand(3, 4).add_(1)


@pytest.mark.parametrize("pick", [lambda x: x[0], lambda x: x[:1], lambda x: x + 2])
def test_backward_twice_through_what_saves_no_tensor(pick):
    x = rl.ones(2, requires_grad=True)
    y = pick(x).sum()
    y.backward()
    y.backward()
    assert x.grad.max() > 0
