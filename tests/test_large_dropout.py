"""Dropout of large tensors keeps its mask in bytes: the same numbers as with one in floats."""

from __future__ import annotations

import importlib

import pytest

import rushlight as rl

topic = importlib.import_module("rushlight.ops.dropout")
DTYPES = [rl.float32, rl.float64]


def _both(monkeypatch: pytest.MonkeyPatch, x: rl.Tensor, p: float) -> list[rl.Tensor]:
    results = []
    for limit in (x.numel(), x.numel() + 1):
        monkeypatch.setattr(topic, "LARGE", limit)
        rl.manual_seed(3)
        results += [rl.nn.functional.dropout(x, p), rl.rand(3)]
    return results


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("p", [0.1, 0.5, 0.99])
def test_values_gradients_and_the_stream_are_the_same(
        monkeypatch: pytest.MonkeyPatch, dtype: rl.dtype, p: float) -> None:
    x = rl.randn(37, 1009, dtype=dtype)
    x[0, :5] = rl.tensor([float("inf"), float("-inf"), float("nan"), 0.0, -0.0])
    x.requires_grad_()
    bytes_, after, floats, same = _both(monkeypatch, x, p)
    assert rl.equal(bytes_.nan_to_num(7.0), floats.nan_to_num(7.0))
    assert rl.equal(bytes_.signbit(), floats.signbit())
    assert rl.equal(after, same)
    assert bytes_.grad_fn.name() == floats.grad_fn.name() == "MulBackward0"
    weights = rl.randn(1009, 37, dtype=dtype).T  # a gradient that is not contiguous
    for gradient in (weights, rl.ones(1, dtype=dtype).expand(37, 1009)):
        own, other = (rl.autograd.grad(y, x, gradient, retain_graph=True)[0]
                      for y in (bytes_, floats))
        assert rl.equal(own, other)


def test_gradients_of_higher_order(monkeypatch: pytest.MonkeyPatch) -> None:
    x = rl.randn(4096).requires_grad_()
    found = []
    for y in _both(monkeypatch, x, 0.3)[::2]:
        (g,) = rl.autograd.grad((y ** 3).sum(), x, create_graph=True)
        found.append(rl.autograd.grad(g.square().sum(), x)[0])
    assert rl.equal(*found)


def test_in_place_and_transformed(monkeypatch: pytest.MonkeyPatch) -> None:
    x = rl.randn(4096)
    wanted = _both(monkeypatch, x, 0.3)[2]
    monkeypatch.setattr(topic, "LARGE", 1)
    rl.manual_seed(3)
    own = x.clone()
    assert rl.nn.functional.dropout(own, 0.3, inplace=True) is own
    assert rl.equal(own, wanted)
    rl.manual_seed(3)
    mapped = rl.func.vmap(lambda row: rl.nn.functional.dropout(row, 0.3),
                          randomness="different")(x.reshape(2, 2048))
    assert rl.equal(mapped.reshape(-1) != 0, wanted != 0)
