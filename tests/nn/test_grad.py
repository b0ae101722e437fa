"""Gradients of convolutions as functions, and the helpers that came with them."""

from __future__ import annotations

import pytest

import rushlight as rl
from rushlight import nn


def test_gradients_of_a_convolution() -> None:
    rl.manual_seed(0)
    x = rl.randn(2, 4, 6, 5, requires_grad=True)
    weight = rl.randn(4, 2, 3, 3, requires_grad=True)
    y = nn.functional.conv2d(x, weight, None, 2, 1, 1, 2)
    seen = rl.randn(*y.shape)
    wanted = rl.autograd.grad(y, (x, weight), seen)
    of_input = nn.grad.conv2d_input(x.shape, weight, seen, 2, 1, 1, 2)
    of_weight = nn.grad.conv2d_weight(x, weight.shape, seen, 2, 1, 1, 2)
    assert rl.allclose(of_input, wanted[0], atol=1e-5) and of_input.requires_grad
    assert rl.allclose(of_weight, wanted[1], atol=1e-5)
    with rl.no_grad():
        assert not nn.grad.conv2d_input(x.shape, weight, seen, 2, 1, 1, 2).requires_grad


def test_factory_options() -> None:
    given = {"device": "cpu", "factory_kwargs": {"dtype": rl.float64}}
    assert nn.factory_kwargs(given) == {"dtype": rl.float64, "device": "cpu"}
    assert nn.factory_kwargs(None) == {}
    with pytest.raises(TypeError, match="unexpected kwargs"):
        nn.factory_kwargs({"zip": 1})
    with pytest.raises(TypeError, match="dtype specified twice"):
        nn.factory_kwargs({"dtype": 1, "factory_kwargs": {"dtype": 2}})


def test_a_container_warns() -> None:
    with pytest.warns(FutureWarning, match=r"`nn.Container` is deprecated"):
        kept = nn.Container(a=nn.ReLU())
    assert list(dict(kept.named_children())) == ["a"]
