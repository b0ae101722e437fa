"""Gradient clipping and parameters as a vector."""

from __future__ import annotations

import pytest

import rushlight as rl
from rushlight.nn import utils


def leaf(*grad: float) -> rl.Tensor:
    tensor = rl.zeros(len(grad), requires_grad=True)
    tensor.grad = rl.tensor(grad)
    return tensor


def test_norm_over_all_parameters() -> None:
    a, b, without = leaf(3.0), leaf(0.0, 4.0), rl.zeros(1, requires_grad=True)
    assert utils.clip_grad_norm_([a, b, without], 1.0).item() == pytest.approx(5.0)
    assert a.grad.tolist() == pytest.approx([0.6]) and b.grad.tolist() == pytest.approx([0, 0.8])
    assert without.grad is None


def test_small_gradients_stay() -> None:
    a = leaf(0.3, 0.4)
    utils.clip_grad_norm_(a, 1.0)
    assert a.grad.tolist() == pytest.approx([0.3, 0.4])


@pytest.mark.parametrize("norm, total", [(1, 7.0), ("inf", 4.0), (2.0, 5.0)])
def test_kinds_of_norm(norm: object, total: float) -> None:
    assert utils.clip_grad_norm_([leaf(3.0), leaf(-4.0)], 1.0, norm).item() == pytest.approx(total)


def test_nonfinite_norms() -> None:
    with pytest.raises(RuntimeError, match="non-finite, so it cannot be clipped"):
        utils.clip_grad_norm_([leaf(float("nan"))], 1.0, error_if_nonfinite=True)
    assert utils.clip_grad_norm_([leaf(float("inf"))], 1.0).item() == float("inf")


def test_an_exhausted_generator_is_noticed() -> None:
    with pytest.warns(UserWarning, match="empty generator, no gradient clipping will occur"):
        utils.clip_grad_norm_((p for p in ()), 1.0)


def test_value() -> None:
    a = leaf(3.0, -3.0, 0.5)
    utils.clip_grad_value_([a], 1)
    assert a.grad.tolist() == [1.0, -1.0, 0.5]


def test_vector_and_back() -> None:
    layer = rl.nn.Linear(2, 2)
    vector = utils.parameters_to_vector(layer.parameters())
    assert vector.shape == (6,)
    utils.vector_to_parameters(rl.arange(6.0), layer.parameters())
    assert layer.weight.tolist() == [[0, 1], [2, 3]] and layer.bias.tolist() == [4, 5]
    with pytest.raises(TypeError, match=r"expected torch.Tensor, but got: list"):
        utils.vector_to_parameters([1], layer.parameters())
