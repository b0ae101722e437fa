"""Layer, RMS, batch, group and instance norm: values, gradients of both orders, statistics."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import rushlight as rl
import rushlight.nn.functional as F
from rushlight.autograd import gradcheck, gradgradcheck


def double(*shape: int) -> rl.Tensor:
    return rl.randn(*shape, dtype=rl.float64, requires_grad=True)


def standardised(x: np.ndarray, axes: tuple[int, ...], eps: float = 1e-5) -> np.ndarray:
    x = x.astype(np.float64)
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + eps)


CASES: dict[str, tuple[Any, list[tuple[int, ...]]]] = {
    "layer": (lambda x: F.layer_norm(x, (5,)), [(3, 4, 5)]),
    "layer, weight": (lambda x, w: F.layer_norm(x, (5,), w), [(3, 5), (5,)]),
    "layer, both, two dims": (lambda x, w, b: F.layer_norm(x, (4, 5), w, b),
                              [(2, 4, 5), (4, 5), (4, 5)]),
    "rms": (lambda x: F.rms_norm(x, (4, 5)), [(2, 4, 5)]),
    "rms, weight": (lambda x, w: F.rms_norm(x, (5,), w, 0.1), [(3, 5), (5,)]),
    "group": (lambda x: F.group_norm(x, 2), [(2, 4, 3)]),
    "group, both": (lambda x, w, b: F.group_norm(x, 2, w, b), [(2, 4, 3, 2), (4,), (4,)]),
    "batch": (lambda x: F.batch_norm(x, None, None, training=True), [(5, 3)]),
    "batch, both": (lambda x, w, b: F.batch_norm(x, None, None, w, b, True),
                    [(2, 3, 2, 2), (3,), (3,)]),
    "instance": (lambda x, w, b: F.instance_norm(x, None, None, w, b), [(2, 3, 4), (3,), (3,)]),
    "batch, channels last": (
        lambda x, w, b: F.batch_norm(x.transpose(1, 2), None, None, w, b, True),
        [(2, 4, 3), (3,), (3,)]),
}


@pytest.mark.parametrize("name", CASES)
def test_derivatives(name: str) -> None:
    rl.manual_seed(0)
    function, shapes = CASES[name]
    operands = [double(*shape) for shape in shapes]
    assert gradcheck(function, operands)
    assert gradgradcheck(function, operands)


@pytest.mark.parametrize("name", CASES)
def test_gradients_are_those_of_the_recorded_formula(name: str) -> None:
    function, shapes = CASES[name]
    operands = [rl.randn(*shape, requires_grad=True) for shape in shapes]
    result = function(*operands)
    weight = rl.randn(*result.shape)
    fused = rl.autograd.grad((result * weight).sum(), operands, retain_graph=True)
    recorded = rl.autograd.grad((result * weight).sum(), operands, create_graph=True)
    for a, b in zip(fused, recorded, strict=True):
        assert rl.allclose(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("places", [(), (7, 5), (1,), (40, 40)], ids=str)
@pytest.mark.parametrize("last", [False, True])
def test_batch_norm_values_and_running_statistics(places: tuple[int, ...], last: bool) -> None:
    values = np.random.default_rng(0).normal(3, 2, (6, 4, *places)).astype(np.float32)
    x = rl.tensor(values)
    if last:
        x = x.movedim(1, -1).contiguous().movedim(-1, 1)
    axes = (0, *range(2, values.ndim))
    mean, var = rl.zeros(4), rl.ones(4)
    w, b = rl.tensor([1.0, 2, 3, 4]), rl.tensor([0.5, 0, -1, 2])
    got = F.batch_norm(x, mean, var, w, b, training=True, momentum=0.25)
    shape = (1, 4) + (1,) * len(places)
    wanted = standardised(values, axes) * w.numpy().reshape(shape) + b.numpy().reshape(shape)
    np.testing.assert_allclose(got.numpy(), wanted, rtol=2e-5, atol=2e-5)
    exact = values.astype(np.float64)
    np.testing.assert_allclose(mean.numpy(), 0.25 * exact.mean(axes), rtol=1e-5)
    np.testing.assert_allclose(var.numpy(), 0.75 + 0.25 * exact.var(axes, ddof=1), rtol=1e-5)
    still = F.batch_norm(x, mean, var, w, b)
    wanted = ((values - mean.numpy().reshape(shape)) / np.sqrt(var.numpy().reshape(shape) + 1e-5)
              * w.numpy().reshape(shape) + b.numpy().reshape(shape))
    np.testing.assert_allclose(still.numpy(), wanted, rtol=2e-5, atol=2e-5)


def test_evaluation_has_gradients() -> None:
    mean, var = rl.randn(3, dtype=rl.float64), rl.rand(3, dtype=rl.float64) + 0.5
    function = lambda x, w, b: F.batch_norm(x, mean, var, w, b)  # noqa: E731
    operands = [double(4, 3, 2), double(3), double(3)]
    assert gradcheck(function, operands)
    assert gradgradcheck(function, operands)


@pytest.mark.parametrize("norm", ["layer", "batch"])
def test_gradients_of_large_square_matrices(norm: str) -> None:
    x, w, g = rl.randn(600, 600), rl.randn(600), rl.randn(600, 600)

    def gradients(x: rl.Tensor, w: rl.Tensor, g: rl.Tensor) -> list[rl.Tensor]:
        x, w, b = x.clone().requires_grad_(), w.clone().requires_grad_(), w.clone().requires_grad_()
        result = F.layer_norm(x, (600,), w, b) if norm == "layer" else F.batch_norm(
            x, None, None, w, b, True)
        return rl.autograd.grad((result * g).sum(), (x, w, b), create_graph=x.dtype is rl.float64)

    for a, b in zip(gradients(x, w, g), gradients(x.double(), w.double(), g.double()), strict=True):
        assert rl.allclose(a.double(), b, rtol=1e-4, atol=2e-4)


@pytest.mark.parametrize("shape", [(64, 10), (3, 5, 700), (2000, 300), (1, 1)], ids=str)
def test_layer_norm_values(shape: tuple[int, ...]) -> None:
    values = np.random.default_rng(1).normal(10, 3, shape).astype(np.float32)
    got = F.layer_norm(rl.tensor(values), shape[-1:])
    np.testing.assert_allclose(got.numpy(), standardised(values, (-1,)), rtol=1e-4, atol=1e-5)


def test_group_and_instance_norm_values() -> None:
    values = np.random.default_rng(2).normal(1, 3, (2, 6, 5, 4)).astype(np.float32)
    x = rl.tensor(values)
    wanted = standardised(values.reshape(2, 3, -1), (2,)).reshape(values.shape)
    np.testing.assert_allclose(F.group_norm(x, 3).numpy(), wanted, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(F.group_norm(x.transpose(2, 3), 3).transpose(2, 3).numpy(), wanted,
                               rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(F.instance_norm(x).numpy(), standardised(values, (2, 3)),
                               rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", [rl.float16, rl.bfloat16], ids=str)
def test_half_types_are_computed_in_float32(dtype: rl.dtype) -> None:
    x = (rl.randn(4, 6) * 30).to(dtype).requires_grad_()
    w = rl.ones(6, dtype=dtype, requires_grad=True)
    for function in (lambda: F.layer_norm(x, (6,), w, w), lambda: F.rms_norm(x, (6,), w),
                     lambda: F.batch_norm(x, None, None, w, w, True),
                     lambda: F.group_norm(x, 2, w, w)):
        x.grad = w.grad = None
        result = function()
        assert result.dtype is dtype
        result.sum().backward()
        assert x.grad.dtype is w.grad.dtype is dtype
    wide = F.layer_norm(x.float(), (6,))
    assert rl.allclose(F.layer_norm(x, (6,)).float(), wide, rtol=1e-2, atol=1e-2)


def test_empty() -> None:
    for function, shape in ((lambda x, w: F.layer_norm(x, (3,), w, w), (0, 3)),
                            (lambda x, w: F.rms_norm(x, (3,), w), (0, 3)),
                            (lambda x, w: F.group_norm(x, 3, w, w), (0, 3)),
                            (lambda x, w: F.batch_norm(x, w, w, w, w), (0, 3, 2))):
        x, w = rl.zeros(shape, requires_grad=True), rl.ones(3, requires_grad=True)
        result = function(x, w)
        assert result.shape == shape
        result.sum().backward()
        assert x.grad.shape == shape
    assert F.layer_norm(rl.zeros(2, 0), (0,)).shape == (2, 0)


def test_errors() -> None:
    with pytest.raises(RuntimeError, match=r"Given normalized_shape=\[3\], expected input"):
        F.layer_norm(rl.zeros(2, 4), (3,))
    with pytest.raises(RuntimeError, match="Expected weight to be of same shape"):
        F.rms_norm(rl.zeros(2, 4), (4,), rl.ones(3))
    with pytest.raises(RuntimeError, match="divisible by num_groups"):
        F.group_norm(rl.zeros(2, 4), 3)
    with pytest.raises(ValueError, match="Expected more than 1 value per channel"):
        F.batch_norm(rl.zeros(1, 4), None, None, training=True)
    with pytest.raises(RuntimeError, match="running_mean should contain 4 elements not 3"):
        F.batch_norm(rl.zeros(2, 4), rl.zeros(3), rl.ones(4))


def test_names_of_nodes() -> None:
    x = rl.randn(2, 4, requires_grad=True)
    assert "NativeLayerNormBackward0" in repr(F.layer_norm(x, (4,)).grad_fn)
    assert "NativeBatchNormBackward0" in repr(F.batch_norm(x, None, None, training=True).grad_fn)
    assert "NativeGroupNormBackward0" in repr(F.group_norm(x, 2).grad_fn)


def test_batch_norm_of_few_elements_is_dense_and_right() -> None:
    rl.manual_seed(0)
    for shape in ((5, 3), (4, 3, 2), (2, 3, 4, 4)):
        x = rl.randn(*shape, dtype=rl.float64, requires_grad=True)
        layer = (rl.nn.BatchNorm2d if len(shape) == 4 else rl.nn.BatchNorm1d)(3).double()
        y = layer(x)
        axes = [d for d in range(len(shape)) if d != 1]
        centred = x - x.mean(axes, keepdim=True)
        expected = centred / (x.var(axes, correction=0, keepdim=True) + layer.eps).sqrt()
        assert y.is_contiguous()
        assert rl.allclose(y, expected)
        weights = rl.randn(*shape, dtype=rl.float64)
        (got,) = rl.autograd.grad((y * weights).sum(), x, retain_graph=True)
        (want,) = rl.autograd.grad((expected * weights).sum(), x)
        assert got.is_contiguous()
        assert rl.allclose(got, want)


@pytest.mark.parametrize("training", [True, False])
def test_whole_numbers_are_refused(training: bool) -> None:
    x = rl.ones(2, 4, 3, dtype=rl.int64)
    zero, one = rl.zeros(4), rl.ones(4)
    for call in (lambda: F.batch_norm(x, zero, one, training=training), lambda: F.rms_norm(x, (3,)),
                 lambda: F.batch_norm(x, zero, one, one, zero, training),
                 lambda: F.group_norm(x, 2), lambda: F.layer_norm(x, (3,))):
        with pytest.raises(NotImplementedError, match="not implemented for 'Long'"):
            call()
    for call in (lambda: F.group_norm(x, 2, one, zero), lambda: F.layer_norm(x, (3,), one[:3])):
        with pytest.raises(RuntimeError, match="mixed dtype"):
            call()
