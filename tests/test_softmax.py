"""Softmax, log_softmax and logsumexp against float64, at the extremes, and their derivatives."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import rushlight as rl
from rushlight.autograd import gradcheck, gradgradcheck

INF, NAN = float("inf"), float("nan")


def reference(name: str, x: np.ndarray, axis: int) -> np.ndarray:
    x = x.astype(np.float64)
    top = x.max(axis, keepdims=True)
    total = np.log(np.exp(x - top).sum(axis, keepdims=True)) + top
    return {"softmax": np.exp(x - total), "log_softmax": x - total,
            "logsumexp": total.squeeze(axis)}[name]


TOLERANCE = {rl.float32: 2e-6, rl.float64: 1e-14, rl.float16: 2e-3, rl.bfloat16: 2e-2}


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("dim", [0, 1, -1])
@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp"])
def test_values(name: str, dim: int, dtype: rl.dtype) -> None:
    values = np.random.default_rng(0).normal(size=(3, 37, 5)) * 5
    x = rl.tensor(values).to(dtype)
    tolerance = TOLERANCE[dtype]
    exact = x.double().numpy()
    for input in (x, x.transpose(0, 2).contiguous().transpose(0, 2), x[:, ::2]):
        wanted = reference(name, exact if input.shape == x.shape else exact[:, ::2], dim)
        got = getattr(rl, name)(input, dim)
        assert got.dtype is dtype
        assert got.is_contiguous()
        np.testing.assert_allclose(got.double().numpy(), wanted, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp"])
@pytest.mark.parametrize("dim", [0, 1, 2])
def test_derivatives(name: str, dim: int) -> None:
    x = rl.randn(2, 4, 3, dtype=rl.float64, requires_grad=True)
    function: Callable = lambda x: getattr(rl, name)(x, dim)  # noqa: E731
    assert gradcheck(function, x)
    assert gradgradcheck(function, x)


def test_logsumexp_over_several() -> None:
    x = rl.randn(2, 3, 4, dtype=rl.float64, requires_grad=True)
    assert rl.allclose(rl.logsumexp(x, (0, 2)), x.exp().sum((0, 2)).log())
    assert rl.logsumexp(x, (2, 0), keepdim=True).shape == (1, 3, 1)
    assert gradcheck(lambda x: rl.logsumexp(x, (0, 2)), x)


def test_extremes() -> None:
    rows = rl.tensor([[1e38, -1e38, 0], [-INF, 0, 0], [INF, 0, 0], [-INF, -INF, -INF],
                      [NAN, 0, 0], [-1e30, -1e30, -1e30]])
    p = rl.softmax(rows, 1)
    assert p[0].tolist() == [1, 0, 0]
    assert p[1].tolist() == [0, 0.5, 0.5]
    assert rl.isnan(p[2:5]).any(1).all()
    assert rl.allclose(p[5], rl.full((3,), 1 / 3))
    total = rl.logsumexp(rows, 1).tolist()
    assert total[0] == pytest.approx(1e38)
    assert total[2:4] == [INF, -INF]
    assert total[4] != total[4]


def test_empty_and_scalars() -> None:
    assert rl.softmax(rl.zeros(0, 3), 1).shape == (0, 3)
    assert rl.softmax(rl.zeros(3, 0), 1).shape == (3, 0)
    assert rl.softmax(rl.zeros(0, 3), 0).shape == (0, 3)
    assert rl.softmax(rl.tensor(3.0), 0).item() == 1
    assert rl.log_softmax(rl.tensor(3.0), -1).item() == 0
    assert rl.logsumexp(rl.tensor(3.0), 0).item() == 3
    assert rl.logsumexp(rl.zeros(2, 0), 1).tolist() == [-INF, -INF]
    x = rl.tensor(3.0, requires_grad=True)
    rl.softmax(x, 0).backward()
    assert x.grad.item() == 0


def test_errors() -> None:
    with pytest.raises(NotImplementedError, match="softmax_lastdim_kernel_impl"):
        rl.softmax(rl.tensor([1, 2]), 0)
    assert rl.softmax(rl.tensor([1, 1]), 0, dtype=rl.float64).tolist() == [0.5, 0.5]
    with pytest.raises(IndexError, match="Dimension out of range"):
        rl.softmax(rl.zeros(2), 1)


def test_large_attention_scores_are_the_same_row_by_row() -> None:
    x = rl.randn(2, 4, 64, 64)
    whole = rl.softmax(x, -1)
    assert rl.equal(whole[1, 2, 3], rl.softmax(x[1, 2, 3], -1))
    assert rl.allclose(whole.sum(-1), rl.ones(2, 4, 64))


def test_a_dimension_that_was_left_out_is_guessed_with_a_warning() -> None:
    x = rl.rand(2, 3)
    for name in ("softmax", "log_softmax"):
        with pytest.warns(UserWarning, match=f"Implicit dimension choice for {name} has been dep"):
            found = getattr(rl.nn.functional, name)(x)
        assert rl.equal(found, getattr(x, name)(1))
