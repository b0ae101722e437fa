"""Reductions over every choice of dimensions and layout, against float64; accuracy, corners."""

from __future__ import annotations

import itertools
import math
import threading

import numpy as np
import pytest

import rushlight as rl
from rushlight.autograd import gradcheck, gradgradcheck
from rushlight.backends.cpu import allocator

INF, NAN = float("inf"), float("nan")
SHAPES = [(), (5,), (3, 4), (2, 3, 4), (2, 3, 4, 5), (0, 3), (3, 0), (40000,), (300, 200),
          (5000, 3)]
TOLERANCE = {rl.float32: 3e-6, rl.float64: 1e-13, rl.bfloat16: 2e-2}


def layouts(x: rl.Tensor) -> list[rl.Tensor]:
    """The same values in other orders of memory."""
    result = [x]
    if x.ndim > 1:
        result.append(x.transpose(0, -1).contiguous().transpose(0, -1))
        result.append(rl.stack([x, x], -1)[..., 0])
    return result


def choices(ndim: int) -> list[tuple[int, ...]]:
    return [c for r in range(1, ndim + 1) for c in itertools.combinations(range(ndim), r)]


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_sum_mean_var(shape: tuple[int, ...], dtype: rl.dtype) -> None:
    values = rl.tensor(np.random.default_rng(0).normal(1, 2, shape)).to(dtype)
    exact = values.double().numpy()
    for x, dims, keepdim in itertools.product(layouts(values), choices(len(shape)), (False, True)):
        scale = np.abs(exact).sum(dims, keepdims=keepdim) + 1
        total, wanted = x.sum(dims, keepdim), exact.sum(dims, keepdims=keepdim)
        assert total.dtype is dtype
        assert total.is_contiguous()
        error = np.abs(total.double().numpy() - wanted) / scale
        assert error.max(initial=0) <= TOLERANCE[dtype]
        count = math.prod(shape[d] for d in dims)
        if count < 2:
            continue
        for got, right in ((x.mean(dims, keepdim), exact.mean(dims, keepdims=keepdim)),
                           (x.var(dims, keepdim=keepdim),
                            exact.var(dims, keepdims=keepdim, ddof=1))):
            np.testing.assert_allclose(got.double().numpy(), right, rtol=10 * TOLERANCE[dtype],
                                       atol=10 * TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", [rl.float32, rl.float64, rl.bfloat16, rl.int64, rl.uint8],
                         ids=str)
@pytest.mark.parametrize("shape", [s for s in SHAPES if 0 not in s], ids=str)
def test_extremes(shape: tuple[int, ...], dtype: rl.dtype) -> None:
    values = rl.tensor(np.random.default_rng(1).normal(size=shape) * 40 + 100).to(dtype)
    exact = values.double().numpy()
    for x in layouts(values):
        assert x.max().item() == exact.max()
        assert x.min().item() == exact.min()
        assert x.argmax().item() == exact.argmax()
        assert x.argmin().item() == exact.argmin()
        for dims, keepdim in itertools.product(choices(len(shape)), (False, True)):
            np.testing.assert_array_equal(x.amax(dims, keepdim).double().numpy(),
                                          exact.max(dims, keepdims=keepdim))
            np.testing.assert_array_equal(x.amin(dims, keepdim).double().numpy(),
                                          exact.min(dims, keepdims=keepdim))
        for dim, keepdim in itertools.product(range(len(shape)), (False, True)):
            largest, index = x.max(dim, keepdim)
            np.testing.assert_array_equal(index.numpy(), exact.argmax(dim, keepdims=keepdim))
            np.testing.assert_array_equal(largest.double().numpy(),
                                          exact.max(dim, keepdims=keepdim))
            np.testing.assert_array_equal(x.argmin(dim, keepdim).numpy(),
                                          exact.argmin(dim, keepdims=keepdim))


def test_long_sums_are_accurate() -> None:
    x = rl.rand(1_000_003)
    exact = math.fsum(x.tolist())
    for view in (x, x.expand(2, -1)[0], rl.stack([x, x], 1)[:, 0]):
        assert abs(view.sum().item() - exact) <= 4 * np.spacing(np.float32(exact))
    tall = rl.rand(200_003, 5)
    wanted = tall.double().numpy().sum(0)
    np.testing.assert_allclose(tall.sum(0).numpy(), wanted, rtol=3e-7)
    np.testing.assert_allclose(tall.t().contiguous().sum(1).numpy(), wanted, rtol=3e-7)
    assert abs(rl.full((1_000_000,), 0.1).mean().item() - 0.1) < 1e-8


def test_results_do_not_depend_on_the_threads() -> None:
    x, before = rl.randn(700, 1000), rl.get_num_threads()
    many = [x.sum(), x.sum(0), x.sum(1), x.var(), x.mean(), x.argmax()]
    try:
        rl.set_num_threads(1)
        for a, b in zip(many, [x.sum(), x.sum(0), x.sum(1), x.var(), x.mean(), x.argmax()],
                        strict=True):
            assert rl.equal(a, b)
    finally:
        rl.set_num_threads(before)


def test_nan_and_infinities() -> None:
    x = rl.zeros(100_000)
    x[70_000], x[90_000] = NAN, INF
    assert x.argmax().item() == x.argmin().item() == 70_000
    assert x.max().isnan()
    assert x.sum().isnan()
    assert x[:80_000:2][:100].sum().item() == 0
    rows = rl.tensor([[1, NAN, 3], [INF, -INF, 0], [-INF, -INF, -INF]])
    assert rows.max(1).indices.tolist() == [1, 0, 0]
    assert rows.min(1).indices.tolist() == [1, 1, 0]
    assert rows.sum(1).isnan().tolist() == [True, True, False]
    assert rows.amax(0).isnan().tolist() == [False, True, False]


def test_of_nothing() -> None:
    empty = rl.zeros(0, 3)
    assert empty.sum(0).tolist() == [0, 0, 0]
    assert empty.sum().item() == 0
    assert empty.mean(0).isnan().all()
    assert empty.prod().item() == 1
    assert rl.tensor([1.0]).var().isnan()
    with pytest.raises(IndexError, match="Expected reduction dim 0 to have non-zero size"):
        empty.amax(0)
    with pytest.raises(RuntimeError, match=r"amax\(\): Expected reduction dim to be specified"):
        empty.amax()
    with pytest.raises(IndexError, match="Expected reduction dim to be specified"):
        empty.argmax()
    with pytest.raises(RuntimeError, match="could not infer output dtype"):
        rl.zeros(2).mean(dtype=rl.int64)


def test_dtypes() -> None:
    assert rl.tensor([True, True]).sum().item() == 2
    assert rl.tensor([200, 100], dtype=rl.uint8).sum().item() == 300
    assert rl.tensor([1 + 2j, 3j]).sum().item() == 1 + 5j
    assert rl.ones(70_000, dtype=rl.float16).sum(dtype=rl.float32).item() == 70_000
    assert rl.ones(3000, dtype=rl.bfloat16).sum().item() == 3008  # 3000 is not one of its numbers


@pytest.mark.parametrize("dims", [None, 0, (0, 2), (1,), (1, 2)], ids=str)
@pytest.mark.parametrize("name", ["sum", "mean", "var", "std", "amax", "logsumexp"])
def test_derivatives(name: str, dims: object) -> None:
    x = rl.randn(2, 3, 4, dtype=rl.float64, requires_grad=True)
    if name == "logsumexp" and dims is None:
        dims = (0, 1, 2)
    options = {} if dims is None else {"dim": dims}
    function = lambda x: getattr(x, name)(**options)  # noqa: E731
    assert gradcheck(function, x)
    assert name == "amax" or gradgradcheck(function, x)


@pytest.mark.skipif(allocator.available() is not None, reason="no recycling allocator here")
def test_large_results_are_recycled_in_every_thread() -> None:
    x, seen = rl.randn(1_000_000), []

    def work() -> None:
        (x + x).sum()
        before = allocator.memory_stats()["hits"]
        for _ in range(5):
            x + x
        seen.append(allocator.memory_stats()["hits"] - before)

    work()
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert all(hits >= 5 for hits in seen)
    mine = np.empty(1_000_000, np.float32)
    assert mine.flags.owndata
    assert mine.base is None
