"""Cross entropy of images, whose classes are not the last dimension, against that of their rows."""

from __future__ import annotations

import numpy as np
import pytest

import rushlight as rl
from rushlight.nn import functional as F

SHAPES = [(2, 5, 7), (3, 4, 6, 5), (2, 3, 2, 2, 3), (1, 2, 1, 1), (8, 21, 40, 40)]


def rows(x: rl.Tensor) -> rl.Tensor:
    return x.movedim(1, -1).reshape(-1, x.shape[1])


@pytest.mark.parametrize("ignored", [-100, 0, 1])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_values_and_gradients(shape: tuple[int, ...], ignored: int) -> None:
    rl.manual_seed(0)
    x = rl.randn(shape, dtype=rl.float64, requires_grad=True)
    target = rl.randint(0, shape[1], (shape[0], *shape[2:]))
    target.view(-1)[0] = shape[1] - 1 if ignored != shape[1] - 1 else 0
    apart = x.detach().clone().requires_grad_()
    loss = F.cross_entropy(x, target, ignore_index=ignored)
    wanted = F.cross_entropy(rows(apart), target.reshape(-1), ignore_index=ignored)
    loss.backward()
    wanted.backward()
    np.testing.assert_allclose(loss.item(), wanted.item(), rtol=1e-13)
    np.testing.assert_allclose(x.grad.numpy(), apart.grad.numpy(), atol=1e-15)


def test_second_order_and_meta_tensors() -> None:
    x = rl.randn(2, 3, 2, dtype=rl.float64, requires_grad=True)
    target = rl.tensor([[0, 2], [1, -100]])
    assert rl.autograd.gradcheck(lambda x: F.cross_entropy(x, target), (x,))
    assert rl.autograd.gradgradcheck(lambda x: F.cross_entropy(x, target), (x,))
    meta = rl.empty(2, 3, 4, device="meta", requires_grad=True)
    F.cross_entropy(meta, rl.empty(2, 4, dtype=rl.int64, device="meta")).backward()
    assert meta.grad.shape == (2, 3, 4)


def test_extremes() -> None:
    x = rl.tensor([[[1e30, 3.0], [-1e30, float("inf")]]], requires_grad=True)
    loss = F.cross_entropy(x, rl.tensor([[0, -100]]))
    loss.backward()
    assert loss.item() == 0
    nothing = rl.full((1, 2), -100)
    assert rl.isnan(F.cross_entropy(x.detach(), nothing))
    with pytest.raises(IndexError, match="Target 2 is out of bounds"):
        F.cross_entropy(x, rl.tensor([[0, 2]]))
