"""linear with biases of other shapes, in products of every size."""

from __future__ import annotations

import pytest

import rushlight as rl

SIZES = [(2, 3, 4), (64, 256, 256), (1, 600, 500), (8, 600, 500)]  # rows, inner, columns
BIASES = ["(1,)", "()", "(1, columns)", "(rows, columns)", "(rows, 1)"]


@pytest.mark.parametrize("bias", BIASES)
@pytest.mark.parametrize("size", SIZES)
def test_a_bias_broadcasts(size: tuple[int, int, int], bias: str) -> None:
    rows, inner, columns = size
    shape = eval(bias, {"rows": rows, "columns": columns})
    rl.manual_seed(0)
    x, w = rl.randn(rows, inner), rl.nn.Parameter(rl.randn(columns, inner))
    b = rl.randn(shape).requires_grad_()
    found, expected = rl.nn.functional.linear(x, w, b), x @ w.T + b
    assert rl.allclose(found, expected, atol=1e-4)
    with rl.no_grad():
        assert rl.allclose(rl.nn.functional.linear(x, w, b), expected, atol=1e-4)
    (own,) = rl.autograd.grad(found.square().sum(), b)
    (same,) = rl.autograd.grad(expected.square().sum(), b)
    assert own.shape == b.shape
    assert rl.allclose(own, same, rtol=1e-4, atol=1e-2)


@pytest.mark.parametrize("shape", [(5,), (2, 256), (1, 64, 256), (257,)])
@pytest.mark.parametrize("recording", [True, False])
def test_a_bias_that_does_not_fit_is_refused(shape: tuple[int, ...], recording: bool) -> None:
    w = rl.nn.Parameter(rl.zeros(256, 256))
    with rl.set_grad_enabled(recording), pytest.raises(
            RuntimeError, match=r"expanded size of the tensor \(256\).*bias float32"):
        rl.nn.functional.linear(rl.zeros(64, 256), w, rl.ones(shape))


@pytest.mark.parametrize("use_gelu", [False, True])
def test_addmm_and_its_activation(use_gelu: bool) -> None:
    rl.manual_seed(0)
    i, a, b = (rl.randn(s).requires_grad_() for s in ((4,), (3, 5), (5, 4)))
    found = rl._addmm_activation(i, a, b, beta=0.5, alpha=2, use_gelu=use_gelu)
    plain = rl.addmm(i, a, b, beta=0.5, alpha=2)
    expected = rl.nn.functional.gelu(plain) if use_gelu else plain.relu()
    assert rl.equal(found, expected)
    assert rl.equal(i._addmm_activation(a, b, beta=0.5, alpha=2, use_gelu=use_gelu), expected)
    for own, same in zip(rl.autograd.grad(found.sum(), (i, a, b)),
                         rl.autograd.grad(expected.sum(), (i, a, b)), strict=True):
        assert rl.equal(own, same)


def test_one_row_of_weights_gets_a_gradient_of_its_shape() -> None:
    for shape in ((3,), (2, 3), (5, 2, 3)):
        x, weight = rl.randn(shape), rl.ones(3, requires_grad=True)
        rl.nn.functional.linear(x, weight).sum().backward()
        assert weight.grad is not None and weight.grad.shape == (3,)
        assert rl.allclose(weight.grad, x.reshape(-1, 3).sum(0))
