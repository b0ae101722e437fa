"""Constant padding of small and large tensors against NumPy, and amounts that do not fit."""

from __future__ import annotations

import numpy as np
import pytest

import rushlight as rl

SHAPES = [(7,), (3, 5), (200, 300), (3, 70, 90), (2, 3, 60, 70), (50000,), (0, 4)]
AMOUNTS = [(1, 2), (0, 3), (-2, 1), (1, -1), (-1, -2)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("value", [0.0, -1.5])
@pytest.mark.parametrize("turned", [False, True])
def test_values(shape: tuple[int, ...], value: float, turned: bool) -> None:
    given = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    x = rl.tensor(given)
    if turned:
        given, x = given.T, x.permute(*reversed(range(x.ndim)))
    for dims in range(given.ndim + 1):
        sides = [AMOUNTS[(k + dims) % len(AMOUNTS)] for k in range(dims)]
        if any(given.shape[-1 - k] + min(a, 0) + min(b, 0) < 0 for k, (a, b) in enumerate(sides)):
            continue
        added = [(0, 0)] * (given.ndim - dims) + [
            (max(a, 0), max(b, 0)) for a, b in reversed(sides)]
        cut = tuple([slice(None)] * (given.ndim - dims) + [
            slice(max(-a, 0), min(b, 0) or None) for a, b in reversed(sides)])
        found = rl.nn.functional.pad(x, [n for pair in sides for n in pair], value=value)
        wanted = np.pad(given[cut], added, constant_values=value)
        assert found.shape == wanted.shape
        assert (found.numpy() == wanted).all()


@pytest.mark.parametrize("amounts", [(-8, 0), (-4, -4), (1, -9), (-8, 2), (3, -8)])
def test_no_more_is_cut_off_than_there_is(amounts: tuple[int, int]) -> None:
    with pytest.raises(RuntimeError, match="length must be non-negative"):
        rl.nn.functional.pad(rl.zeros(3, 7), amounts)


def test_gradient_of_a_large_one() -> None:
    x = rl.randn(200, 300).requires_grad_()
    weights = rl.randn(203, 299)
    (rl.nn.functional.pad(x, (-2, 1, 3, 0), value=7.0) * weights).sum().backward()
    assert rl.equal(x.grad[:, 2:], weights[3:, :-1])
    assert not x.grad[:, :2].any()
