"""Row kernels of the cpu backend against the host's, and both against float64."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rushlight.backends import reduce
from rushlight.backends.cpu import columns, jit, rowwise
from rushlight.backends.host.rowwise import FUNCTIONS

if jit.available() is not None:
    pytest.skip(jit.available(), allow_module_level=True)

F32, F64 = np.dtype(np.float32), np.dtype(np.float64)
INF, NAN = math.inf, math.nan
FORWARD = ["sum", "mean", "amax", "softmax", "log_softmax", "logsumexp"]
GROWING = ("sum", "deviation", "products", "layer_norm_backward", *columns.KERNELS)
CLOSE = {F32: {"rtol": 2e-6, "atol": 2e-6}, F64: {"rtol": 1e-14, "atol": 1e-14}}


def operands(name: str, shape: tuple[int, ...], dtype: np.dtype) -> list[np.ndarray]:
    """Random operands as the kernel takes them."""
    generator = np.random.default_rng(len(shape))

    def normal(*size: int) -> np.ndarray:
        return np.asarray(generator.normal(size=size), dtype)

    x, lead = normal(*shape), shape[:-1]
    index = np.asarray(generator.integers(0, shape[-1], lead))
    if name == "variance":
        return [x, np.array(1, dtype)]
    if name == "softmax_backward":
        return [normal(*shape), FUNCTIONS["softmax"](x)]
    if name == "log_softmax_backward":
        return [normal(*shape), FUNCTIONS["log_softmax"](x)]
    if name == "cross_entropy":
        return [x, index]
    if name == "cross_entropy_backward":
        return [normal(*lead), x, index, FUNCTIONS["logsumexp"](x)]
    if name == "layer_norm":
        return [x, normal(shape[-1]), normal(shape[-1]), np.array(1e-5, dtype)]
    if name == "batch_norm":
        return [x, normal(*lead), normal(*lead), np.array(1e-5, dtype)]
    if name == "batch_norm_backward":
        statistics = x.mean(-1), x.var(-1)
        return [normal(*shape), x, normal(*lead), *statistics, np.array(1e-5, dtype)]
    if name == "layer_norm_backward":
        mean, rstd = x.mean(-1), 1 / np.sqrt(x.var(-1) + 1e-5)
        return [normal(*shape), x, normal(shape[-1]), mean, rstd.astype(dtype)]
    if name in columns.KERNELS:
        x = x.reshape(-1, shape[-1])
        sizes = {"matrix": x.shape, "row": x.shape[:1], "column": x.shape[1:]}
        return [normal(*sizes[word]) for word in columns.KERNELS[name].inputs.split()]
    if name == "count_classes":
        return [generator.integers(-1, shape[-1], shape), np.array(shape[-1]), np.array(-1)]
    words = rowwise.KERNELS[name].inputs.split()
    return [normal(*(shape if word == "row" else lead)) for word in words]


def kernel(name: str, dtype: np.dtype) -> np.ufunc:
    return (columns if name in columns.KERNELS else rowwise).kernel(name, dtype)


def results(function: Callable, given: list[np.ndarray]) -> tuple[Any, ...]:
    got = function(*given, out=...)
    return got if isinstance(got, tuple) else (got,)


def test_both_backends_have_the_same_kernels() -> None:
    assert rowwise.KERNELS.keys() | columns.KERNELS.keys() == FUNCTIONS.keys()


@pytest.mark.parametrize("dtype", [F32, F64], ids=str)
@pytest.mark.parametrize("shape", [(1,), (10,), (3, 1), (5, 17), (2, 3, 1000), (2, 5000)], ids=str)
@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_cpu_is_host(name: str, shape: tuple[int, ...], dtype: np.dtype) -> None:
    given = operands(name, shape, dtype)
    got, wanted = results(kernel(name, dtype), given), results(FUNCTIONS[name], given)
    tolerance = dict(CLOSE[dtype])
    if name in GROWING:  # these grow with the length, or with 1 / std
        tolerance["atol"] *= 30
    for a, b in zip(got, wanted, strict=True):
        assert isinstance(a, np.ndarray)
        assert a.dtype == b.dtype
        assert a.shape == b.shape
        if name == "variance" and shape[-1] == 1:
            assert np.isnan(a).all() or (a == b).all()
        else:
            np.testing.assert_allclose(a, b, **tolerance)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_strided_rows_and_other_axes(name: str) -> None:
    given = operands(name, (6, 40), F64)
    function = kernel(name, F64)
    wanted = results(function, given)
    strided = []
    for x in given:
        if not x.ndim:
            strided.append(x)
            continue
        apart = np.zeros(tuple(2 * n for n in x.shape), x.dtype)[(slice(None, None, 2),) * x.ndim]
        apart[...] = x
        strided.append(apart)
    for a, b in zip(results(function, strided), wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-13)


def test_axis_and_out() -> None:
    x = np.random.default_rng(0).normal(size=(5, 4, 3)).astype(F32)
    softmax = rowwise.kernel("softmax", F32)
    np.testing.assert_allclose(softmax(x, axis=1).sum(1), 1, rtol=1e-6)
    out = np.empty_like(x)
    assert softmax(x, out=out) is out
    y = x.copy()
    np.testing.assert_array_equal(softmax(y, out=y), out)


@pytest.mark.parametrize("name", FORWARD)
def test_extremes(name: str) -> None:
    rows = np.array([[INF, 1, 2], [-INF, -INF, -INF], [NAN, 1, 2], [1e38, -1e38, 3e38],
                     [-1e38, -2e38, -3e38], [0.0, -0.0, 1e-45], [5, -INF, 2], [1, 2, -NAN]], F32)
    if name in ("sum", "mean"):
        rows = rows[[0, 1, 2, 3, 5, 6, 7]]  # without a sum that overflows float32
    got, wanted = rowwise.kernel(name, F32)(rows), FUNCTIONS[name](rows)
    np.testing.assert_allclose(got, wanted, rtol=1e-6, atol=1e-6)


def test_first_index_of_the_largest() -> None:
    rows = np.array([[1, 3, 3, 2], [1, NAN, 5, NAN], [-INF, -INF, -INF, -INF], [-0.0, 0.0, -1, 0]])
    value, index = rowwise.kernel("argmax", F64)(rows)
    assert index.tolist() == [1, 1, 0, 0]
    np.testing.assert_array_equal(value, [3, NAN, -INF, 0])


def test_classes_that_do_not_exist_cost_nothing() -> None:
    x = np.random.default_rng(1).normal(size=(3, 4)).astype(F32)
    index = np.array([2, -100, 4])
    for table in (lambda name: rowwise.kernel(name, F32), FUNCTIONS.__getitem__):
        loss, total = table("cross_entropy")(x, index)
        assert loss[0] > 0
        assert loss[1:].tolist() == [0, 0]
        gradient = table("cross_entropy_backward")(np.ones(3, F32), x, index, total)
        assert not gradient[1:].any()
        np.testing.assert_allclose(gradient[0].sum(), 0, atol=1e-6)


@pytest.mark.parametrize("forward", ["softmax", "log_softmax"])
def test_backward_of_softmax_is_its_derivative(forward: str) -> None:
    generator = np.random.default_rng(2)
    x, g, step = generator.normal(size=(2, 7)), generator.normal(size=(2, 7)), 1e-6
    function = rowwise.kernel(forward, F64)
    got = rowwise.kernel(forward + "_backward", F64)(g, function(x))
    for j in range(7):
        shift = np.zeros((2, 7))
        shift[:, j] = step
        slope = ((function(x + shift) - function(x - shift)) * g).sum(1) / (2 * step)
        np.testing.assert_allclose(got[:, j], slope, rtol=1e-6, atol=1e-8)


def test_backward_of_cross_entropy_and_layer_norm() -> None:
    generator = np.random.default_rng(3)
    x, g, w = generator.normal(size=(2, 6)), generator.normal(size=(2, 6)), generator.normal(size=6)
    index, eps, step = np.array([1, 4]), np.array(1e-5), 1e-6
    entropy, norm = rowwise.kernel("cross_entropy", F64), rowwise.kernel("layer_norm", F64)
    loss_slope = rowwise.kernel("cross_entropy_backward", F64)(
        np.array([2.0, 0.5]), x, index, entropy(x, index)[1])
    _, mean, rstd = norm(x, w, w, eps)
    norm_slope = rowwise.kernel("layer_norm_backward", F64)(g, x, w, mean, rstd)
    for j in range(6):
        shift = np.zeros((2, 6))
        shift[:, j] = step
        rise = (entropy(x + shift, index)[0] - entropy(x - shift, index)[0]) / (2 * step)
        np.testing.assert_allclose(loss_slope[:, j], rise * [2.0, 0.5], rtol=1e-6, atol=1e-8)
        rise = (norm(x + shift, w, w, eps)[0] - norm(x - shift, w, w, eps)[0]) / (2 * step)
        np.testing.assert_allclose(norm_slope[:, j], (rise * g).sum(1), rtol=1e-5, atol=1e-7)


def test_long_sums_are_accurate_and_the_same_in_parallel() -> None:
    x = np.random.default_rng(4).random(3_000_017).astype(F32)
    exact = math.fsum(x.tolist())
    for total in (rowwise.kernel("sum", F32)(x, out=...), reduce.sum(x, (0,))):
        assert total.shape == ()
        assert abs(float(total) - exact) <= 4 * np.spacing(np.float32(exact))
    rows = x[: 3000 * 1000].reshape(3000, 1000)
    softmax = rowwise.kernel("softmax", F32)
    single = np.stack([softmax(row) for row in rows[::100]])
    np.testing.assert_array_equal(softmax(rows)[::100], single)


def test_empty() -> None:
    assert rowwise.kernel("softmax", F32)(np.empty((0, 5), F32)).shape == (0, 5)
    assert rowwise.kernel("softmax", F32)(np.empty((5, 0), F32)).shape == (5, 0)
    assert rowwise.kernel("sum", F32)(np.empty((2, 0), F32)).tolist() == [0, 0]
    assert rowwise.kernel("logsumexp", F32)(np.empty((1, 0), F32)).tolist() == [-INF]
    assert reduce.sum(np.empty((0, 3), F32), (0, 1)) == 0


def test_rms_norm() -> None:
    x, w = np.array([[3.0, 4.0]]), np.array([1.0, 2.0])
    result, rstd = rowwise.kernel("rms_norm", F64)(x, w, np.array(0.5))
    np.testing.assert_allclose(result, [[3 / math.sqrt(13), 8 / math.sqrt(13)]])
    np.testing.assert_allclose(rstd, 1 / math.sqrt(13))


def test_column_sums_are_accurate_whatever_the_shape() -> None:
    generator = np.random.default_rng(5)
    for shape in ((100_003, 3), (5000, 40), (1000, 2500), (2, 5), (1, 1), (0, 4), (4, 0)):
        x = generator.random(shape).astype(F32)
        exact = x.sum(0, dtype=np.float64)
        got = reduce.sum(x, (0,))
        assert got.dtype == F32
        np.testing.assert_allclose(got, exact, rtol=5e-7)
