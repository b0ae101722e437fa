"""Pooling over 1, 2 and 3 dimensions: values, gradients of two orders, options, errors."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

import rushlight as rl
from rushlight.ops import FUNCTIONS

SPACES = {1: (11,), 2: (7, 6), 3: (4, 3, 4)}


def F(name: str) -> Any:
    return FUNCTIONS[f"nn.functional.{name}"]


def _distinct(*shape: int) -> rl.Tensor:
    """Numbers far enough apart that finite differences do not change which is largest."""
    count = int(np.prod(shape))
    return rl.tensor(np.random.default_rng(0).permutation(count).reshape(shape) / 7.0 + 0.1)


OPTIONS = [{}, {"stride": 1}, {"kernel_size": 3, "stride": 2, "padding": 1},
           {"kernel_size": 3, "stride": 2, "ceil_mode": True}]


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("options", [*OPTIONS, {"dilation": 2, "stride": 1}], ids=str)
def test_gradients_of_maxima(n: int, options: dict) -> None:
    x = _distinct(1, 2, *SPACES[n]).requires_grad_()
    f = functools.partial(F(f"max_pool{n}d"), **{"kernel_size": 2, **options})
    assert rl.autograd.gradcheck(f, [x])
    assert rl.autograd.gradgradcheck(f, [x])
    values, places = f(x, return_indices=True)
    np.testing.assert_array_equal(values.detach().numpy(), f(x.detach()).numpy())
    flat = x.detach().reshape(1, 2, -1)
    np.testing.assert_array_equal(
        flat.gather(2, places.reshape(1, 2, -1)).numpy(), values.detach().reshape(1, 2, -1).numpy())
    assert places.dtype is rl.int64 and not places.requires_grad


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("options", [*OPTIONS, {"kernel_size": 3, "padding": 1,
                                                "count_include_pad": False}], ids=str)
def test_gradients_of_averages(n: int, options: dict) -> None:
    x = _distinct(1, 2, *SPACES[n]).requires_grad_()
    f = functools.partial(F(f"avg_pool{n}d"), **{"kernel_size": 2, **options})
    assert rl.autograd.gradcheck(f, [x])
    assert rl.autograd.gradgradcheck(f, [x])


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("name", ["adaptive_avg_pool", "adaptive_max_pool"])
def test_gradients_of_adaptive_pooling(n: int, name: str) -> None:
    x = _distinct(1, 2, *SPACES[n]).requires_grad_()
    for size in (1, 3):
        f = functools.partial(F(f"{name}{n}d"), output_size=size)
        assert rl.autograd.gradcheck(f, [x]) and rl.autograd.gradgradcheck(f, [x])


def test_values() -> None:
    x = rl.arange(16.0).reshape(1, 4, 4)
    assert F("max_pool2d")(x, 2).tolist() == [[[5, 7], [13, 15]]]
    assert F("avg_pool2d")(x, 2).tolist() == [[[2.5, 4.5], [10.5, 12.5]]]
    assert F("avg_pool2d")(x, 2, divisor_override=1).tolist() == [[[10, 18], [42, 50]]]
    assert F("avg_pool2d")(x, 2, 2, 1)[0, 0, 0].item() == 0
    assert F("avg_pool2d")(x, 2, 2, 1, count_include_pad=False)[0, 0, 1].item() == 1.5
    assert F("adaptive_avg_pool2d")(x, (None, 1)).tolist() == [[[1.5], [5.5], [9.5], [13.5]]]
    assert F("lp_pool2d")(x, 1, 4).tolist() == [[[120]]]
    assert rl.max_pool1d(rl.tensor([[1, 5, 2, 3]]), 2).tolist() == [[5, 3]]


def test_lp_pool_counts_a_short_window_as_whole() -> None:
    # (mean of the elements there are) * window, as torch has it: recorded from torch 2.13
    found = F("lp_pool1d")(rl.tensor([[1.0, 2.0, 3.0]]), 2, 2, ceil_mode=True)
    np.testing.assert_allclose(found.numpy(), [[5**0.5, 18**0.5]], rtol=1e-6)
    x = _distinct(2, 3, 7, 6).requires_grad_()
    assert rl.autograd.gradcheck(lambda v: F("lp_pool2d")(v, 3.0, 2), [x])


def test_nan_wins() -> None:
    x = rl.tensor([[1.0, float("nan"), 3.0, 2.0, float("-inf"), float("-inf")]])
    values, places = F("max_pool1d")(x, 2, return_indices=True)
    assert values[0, 0].isnan().item() and places.tolist() == [[1, 2, 4]]
    assert values[0, 2].item() == float("-inf")


def test_averages_of_integers_round_to_zero() -> None:
    assert F("avg_pool2d")(rl.tensor([[[-3, -4], [-1, -1]]]), 2).tolist() == [[[-2]]]


@pytest.mark.parametrize("n", [1, 2, 3])
def test_unpooling_is_the_inverse_at_the_maxima(n: int) -> None:
    x = _distinct(2, 3, *SPACES[n])
    values, places = F(f"max_pool{n}d")(x, 2, return_indices=True)
    back = F(f"max_unpool{n}d")(values, places, 2, output_size=x.shape)
    assert back.shape == x.shape
    kept = back != 0
    np.testing.assert_array_equal(back[kept].numpy(), x[kept].numpy())
    assert int(kept.sum()) == values.numel()
    leaf = values.clone().requires_grad_()
    unpool = functools.partial(F(f"max_unpool{n}d"), kernel_size=2, output_size=x.shape)
    assert rl.autograd.gradcheck(lambda v: unpool(v, places), [leaf])


@pytest.mark.parametrize("n", [2, 3])
def test_fractional_pooling_covers_both_ends(n: int) -> None:
    x = _distinct(1, 2, *SPACES[n]).requires_grad_()
    samples = rl.full((1, 2, n), 0.4, dtype=rl.float64)
    f = functools.partial(F(f"fractional_max_pool{n}d"), kernel_size=2, output_size=2,
                          _random_samples=samples)
    values, places = f(x, return_indices=True)
    assert values.shape == (1, 2, *[2] * n)
    assert rl.autograd.gradcheck(f, [x])
    assert int(places.max()) < np.prod(SPACES[n])
    assert F(f"fractional_max_pool{n}d")(x, 2, output_ratio=0.5).shape[2:] == tuple(
        s // 2 for s in SPACES[n])


def test_half_types_and_strided_input() -> None:
    x = _distinct(2, 3, 8, 8)
    wanted = F("max_pool2d")(x, 2)
    for dtype in (rl.float16, rl.bfloat16):
        found = F("max_pool2d")(x.to(dtype), 2)
        assert found.dtype is dtype
        np.testing.assert_array_equal(found.double().numpy(), wanted.to(dtype).double().numpy())
        mean = F("avg_pool2d")(x.to(dtype), 2)
        np.testing.assert_allclose(mean.double().numpy(), F("avg_pool2d")(x, 2).numpy(), rtol=2e-2)
    np.testing.assert_array_equal(
        F("max_pool2d")(x.float().transpose(2, 3), 2).numpy(),
        wanted.float().transpose(2, 3).numpy())


def test_graph_names_empty_batches_and_meta() -> None:
    x = rl.zeros(1, 2, 4, 4, requires_grad=True)
    for name, node in (("max_pool2d", "MaxPool2DWithIndicesBackward0"),
                       ("avg_pool2d", "AvgPool2DBackward0")):
        assert F(name)(x, 2).grad_fn.name() == node
        assert F(name)(rl.zeros(0, 2, 4, 4), 2).shape == (0, 2, 2, 2)
        assert F(name)(rl.empty(1, 2, 4, 4, device="meta"), 2).shape == (1, 2, 2, 2)
    assert F("adaptive_avg_pool2d")(x, 2).grad_fn.name() == "AdaptiveAvgPool2DBackward0"
    assert F("adaptive_max_pool2d")(rl.empty(1, 2, 4, 4, device="meta"), 3).shape == (1, 2, 3, 3)


@pytest.mark.parametrize("name, shape, arguments, error, words", [
    ("max_pool2d", (3, 3), (2,), RuntimeError, r"non-empty 3D or 4D \(batch mode\) tensor"),
    ("max_pool2d", (1, 3, 3, 3), (5,), RuntimeError,
     r"Given input size: \(3x3x3\). Calculated output size: \(3x0x0\). Output size is too small"),
    ("max_pool2d", (1, 3, 8, 8), (2, 2, 2), RuntimeError,
     "pad should be at most half of effective kernel size, but got pad=2, kernel_size=2 and dil"),
    ("max_pool2d", (1, 3, 8, 8), (2, 2, -1), RuntimeError, "pad must be non-negative"),
    ("max_pool2d", (1, 3, 8, 8), (2, 0), RuntimeError, "stride should not be zero"),
    ("max_pool2d", (1, 3, 8, 8), (2, 2, 0, 0), RuntimeError, "dilation should be greater than "),
    ("max_pool2d", (1, 3, 8, 8), ((2, 2, 2),), RuntimeError,
     "max_pool2d: kernel_size must either be a single int, or a tuple of two ints"),
    ("max_pool2d", (1, 3, 8, 8), ("2",), TypeError, "argument 'kernel_size' must be an int"),
    ("max_pool2d", (1, 0, 8, 8), (2,), RuntimeError, "Expected 3D or 4D .* optional 0 dim batch"),
    ("max_pool1d", (1, 3, 8), (9,), RuntimeError,
     r"max_pool1d\(\) Invalid computed output size: 0"),
    ("avg_pool2d", (1, 3, 8, 8), (2, 2, 0, False, True, 0), RuntimeError,
     "divisor must be not zero"),
    ("adaptive_avg_pool2d", (3, 3), (2,), RuntimeError,
     r"adaptive_avg_pool2d\(\): Expected 3D or 4D tensor, but got \[3, 3\]"),
    ("adaptive_avg_pool2d", (1, 3, 8, 8), ((2, 2, 2),), RuntimeError, "output_size must be 2"),
    ("adaptive_avg_pool2d", (1, 3, 8, 8), (-1,), RuntimeError, "must be greater than or equal"),
    ("adaptive_max_pool2d", (1, 3, 0, 8), (2,), RuntimeError,
     "to have non-zero size for non-batch dimensions"),
    ("fractional_max_pool2d", (1, 3, 8, 8), (2,), ValueError, "requires specifying either"),
    ("fractional_max_pool2d", (1, 3, 8, 8), (2, 8), RuntimeError, "too large relative to input"),
])
def test_errors(name: str, shape: tuple, arguments: tuple, error: type, words: str) -> None:
    with pytest.raises(error, match=words):
        F(name)(rl.zeros(*shape), *arguments)


def test_errors_of_unpooling() -> None:
    x, places = rl.ones(1, 1, 2, 2), rl.zeros(1, 1, 2, 2, dtype=rl.int64)
    unpool = F("max_unpool2d")
    with pytest.raises(RuntimeError, match="Found an invalid max index: 100"):
        unpool(x, places + 100, 2)
    with pytest.raises(RuntimeError, match="elements in indices should be type int64"):
        unpool(x, x, 2)
    with pytest.raises(RuntimeError, match="Expected shape of indices to be same as"):
        unpool(x, places[..., :1], 2)
    with pytest.raises(ValueError, match=r"invalid output_size .*must be between 2 and 6"):
        unpool(x, places, 2, output_size=(20, 20))


def test_bool_and_complex_are_refused() -> None:
    for dtype in (rl.bool, rl.complex64):
        with pytest.raises(NotImplementedError, match="not implemented for"):
            F("max_pool2d")(rl.zeros(1, 4, 4).to(dtype), 2)
