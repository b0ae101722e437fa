"""Products for windows of one element: equal to the definition, with every gradient."""

from __future__ import annotations

import numpy as np
import pytest

import rushlight as rl
from rushlight.backends.cpu import small_maps
from rushlight.backends.host.convolution import Window

WINDOW = Window((1, 1), (0, 0), (0, 0), (1, 1), 1)


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("places", [(1, 1), (2, 2), (7, 7), (5,)])
@pytest.mark.parametrize("biased", [True, False])
@pytest.mark.parametrize("last", [True, False])
def test_values_and_gradients(batch: int, places: tuple[int, ...], biased: bool, last: bool,
                              ) -> None:
    last = last and len(places) == 2
    order = rl.channels_last if last else rl.contiguous_format
    rl.manual_seed(0)
    x = rl.randn(batch, 100, *places).contiguous(memory_format=order).requires_grad_()
    w = rl.randn(120, 100, *[1] * len(places), requires_grad=True)
    b = rl.randn(120, requires_grad=True) if biased else None
    convolve = rl.nn.functional.conv1d if len(places) == 1 else rl.nn.functional.conv2d
    y = convolve(x, w, b)
    assert y.is_contiguous(memory_format=order)
    gradient = rl.randn_like(y)
    found = rl.autograd.grad(y, [t for t in (x, w, b) if t is not None], gradient)
    a, m, g = (t.detach().double().numpy() for t in (x, w, gradient))
    m = m.reshape(120, 100)
    expected = np.einsum("oc,nc...->no...", m, a)
    if b is not None:
        expected += b.detach().numpy().reshape(-1, *[1] * len(places))
    flat = g.reshape(batch, 120, -1)
    gradients = [np.einsum("oc,no...->nc...", m, g),
                 np.einsum("nop,ncp->oc", flat, a.reshape(batch, 100, -1)), flat.sum((0, 2))]
    for ours, definition in zip((y.detach(), *found), (expected, *gradients), strict=False):
        assert np.allclose(ours.numpy().reshape(definition.shape), definition, 1e-4, 1e-3)


def test_what_is_left_to_others() -> None:
    def suits(*shape: int, out: int = 128, window: Window = WINDOW, last: bool = False,
              dtype: type = np.float32) -> bool:
        return small_maps.suits((np.ones(shape, dtype),), (out, shape[1], 1, 1), window, last)

    assert suits(2, 128, 4, 4) and not suits(2, 128, 4, 4, last=True)  # as memory has it
    assert not suits(2, 128, 9, 9) and not suits(2, 16, 4, 4) and not suits(2, 128, 4, 4, out=8)
    assert not suits(2, 128, 4, 4, window=WINDOW._replace(stride=(2, 2)))
    assert not suits(2, 128, 4, 4, window=WINDOW._replace(front=(1, 1)))
    assert not suits(2, 128, 4, 4, dtype=np.float64)
