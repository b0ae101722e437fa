"""Order, quantiles, distinct elements, counts and running results, against NumPy and loops."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

import rushlight as rl
from rushlight.autograd import gradcheck, gradgradcheck

NAN = float("nan")
RNG = np.random.default_rng(0)
DTYPES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"]


def sample(dtype: str, *shape: int) -> np.ndarray:
    """Few distinct values, so that there are ties."""
    low = 0 if dtype in ("bool", "uint8") else -4
    return RNG.integers(low, 2 if dtype == "bool" else 5, shape).astype(dtype)


def distinct(*shape: int) -> Any:
    """A float64 tensor without ties that requires grad."""
    count = int(np.prod(shape))
    values = RNG.permutation(count).reshape(shape) + RNG.random(shape) / 2
    return rl.tensor(values, requires_grad=True)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("descending", [False, True])
def test_sort_is_stable(dtype: str, descending: bool) -> None:
    array = sample(dtype, 3, 50)
    values, indices = rl.from_numpy(array).sort(1, descending)
    for row, got, places in zip(array, values.numpy(), indices.numpy()):
        expected = sorted(range(50), key=lambda i: (-float(row[i]) if descending else row[i], i))
        assert places.tolist() == expected
        assert (got == row[expected]).all()


def test_sort_of_bfloat16_and_along_another_dimension() -> None:
    x = rl.tensor([[3.0, 1.0], [2.0, 5.0]], dtype=rl.bfloat16)
    assert x.sort(0).values.tolist() == [[2.0, 1.0], [3.0, 5.0]]
    assert x.sort(0).indices.tolist() == [[1, 0], [0, 1]]


@pytest.mark.parametrize("dtype", [rl.float32, rl.float64])
def test_nan_is_the_greatest(dtype: Any) -> None:
    x = rl.tensor([1.0, NAN, -float("inf"), 0.0, -0.0, NAN, float("inf")], dtype=dtype)
    assert x.argsort().tolist() == [2, 3, 4, 0, 6, 1, 5]
    assert x.argsort(descending=True).tolist() == [1, 5, 6, 0, 3, 4, 2]
    assert x.topk(3).indices.tolist() == [1, 5, 6]
    assert x.topk(2, largest=False).indices.tolist() == [2, 3]
    assert x.median().isnan() and x.nanmedian() == 0.0
    assert x.median(0).indices == 1


def test_results_are_named_and_go_into_out() -> None:
    x = rl.tensor([3.0, 1.0, 2.0])
    out = rl.empty(3), rl.empty(3, dtype=rl.int64)
    result = rl.sort(x, out=out)
    assert result.values is out[0] and out[1].tolist() == [1, 2, 0]
    for op in (x.sort(), x.topk(1), x.kthvalue(1), x.median(0), x.nanmedian(0), x.mode(),
               x.cummax(0), x.cummin(0)):
        assert op._fields == ("values", "indices")
    assert repr(x.kthvalue(1)).startswith("torch.return_types.kthvalue(\nvalues=tensor(1.)")


@pytest.mark.parametrize(("k", "n"), [(0, 40), (1, 40), (7, 40), (40, 40), (3, 1000), (1, 515)])
@pytest.mark.parametrize("largest", [True, False])
@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8"])
def test_topk_is_the_beginning_of_sort(k: int, n: int, largest: bool, dtype: str) -> None:
    array = sample(dtype, 4, n)
    if dtype != "uint8":
        array[1, RNG.random(n) < 0.02] = NAN
        array[2] = NAN
    x = rl.from_numpy(array)
    values, indices = x.topk(k, 1, largest)
    ordered = x.sort(1, largest)
    np.testing.assert_array_equal(values.numpy(), ordered.values[:, :k].numpy())
    assert rl.equal(indices, ordered.indices[:, :k])


def test_one_element_of_the_order() -> None:
    array = RNG.permutation(15).reshape(3, 5).astype(np.float32)
    x, ordered = rl.from_numpy(array), np.sort(array, 1)
    assert (x.kthvalue(4, 1).values.numpy() == ordered[:, 3]).all()
    assert (x.median(1, keepdim=True).values.numpy()[:, 0] == ordered[:, 2]).all()
    assert x.median() == 7 and rl.tensor([1, 2, 3, 4]).median() == 2
    assert rl.tensor([2, 1, 2, 1, 0]).mode() == (1, 3)


def test_errors_of_order() -> None:
    x = rl.ones(3)
    with pytest.raises(RuntimeError, match="selected index k out of range"):
        x.topk(4)
    with pytest.raises(RuntimeError, match=r"kthvalue\(\): selected number k out of range"):
        x.kthvalue(4)
    with pytest.raises(IndexError, match="Expected reduction dim 0 to have non-zero size"):
        rl.ones(0).kthvalue(1)
    with pytest.raises(NotImplementedError, match="\"median_cpu\" not implemented for 'Bool'"):
        (x > 0).median()
    with pytest.raises(RuntimeError, match="Sort does not support complex"):
        rl.tensor([1j]).sort()
    with pytest.raises(TypeError, match="invalid combination of arguments"):
        x.sort(True)


def test_gradients_of_order() -> None:
    x = distinct(3, 4)
    for op in (lambda x: x.sort(1)[0], lambda x: x.topk(2, 0)[0], lambda x: x.kthvalue(2, 1)[0],
               lambda x: x.median(), lambda x: x.median(1, True)[0], lambda x: x.msort(),
               lambda x: x.cummax(1)[0], lambda x: x.cummin(0)[0],
               lambda x: x.logcumsumexp(1), lambda x: x.diff(n=2),
               lambda x: x.quantile(0.3, 1), lambda x: rl.trapezoid(x, x.cumsum(1))):
        assert gradcheck(op, x)
        assert gradgradcheck(op, x)
    twice = rl.tensor([1.0, 1.0, 0.0], requires_grad=True)
    twice.cummax(0)[0].sum().backward()
    assert twice.grad.tolist() == [1.0, 2.0, 0.0]


@pytest.mark.parametrize("interpolation", ["linear", "lower", "higher", "nearest", "midpoint"])
def test_quantile_is_numpys(interpolation: str) -> None:
    array = RNG.random((4, 7))
    q = np.array([0.0, 0.1, 0.5, 0.9, 1.0])
    found = rl.from_numpy(array).quantile(rl.from_numpy(q), 1, interpolation=interpolation)
    np.testing.assert_allclose(found.numpy(), np.quantile(array, q, 1, method=interpolation))
    array[1, 2] = NAN
    holes = rl.from_numpy(array)
    assert holes.quantile(0.5, 1).isnan().tolist() == [False, True, False, False]
    np.testing.assert_allclose(holes.nanquantile(0.4, 1, keepdim=True).numpy(),
                               np.nanquantile(array, 0.4, 1, keepdims=True))


def test_unique_finds_each_once() -> None:
    array = sample("int32", 4, 6)
    values, inverse, counts = rl.unique(rl.from_numpy(array), return_inverse=True,
                                        return_counts=True)
    assert values.tolist() == sorted(set(array.ravel().tolist()))
    assert (values.numpy()[inverse.numpy()] == array).all()
    assert dict(zip(values.tolist(), counts.tolist())) == Counter(array.ravel().tolist())
    assert len(rl.tensor([NAN, NAN, 1.0]).unique()) == 3
    rows = rl.tensor([[2, 1], [0, 9], [2, 1]])
    found = rl.unique(rows, return_inverse=True, return_counts=True, dim=0)
    assert [x.tolist() for x in found] == [[[0, 9], [2, 1]], [1, 0, 1], [1, 2]]
    runs = rl.tensor([1, 1, 2, 2, 1]).unique_consecutive(return_inverse=True, return_counts=True)
    assert [x.tolist() for x in runs] == [[1, 2, 1], [0, 0, 1, 1, 2], [2, 2, 1]]
    with pytest.raises(RuntimeError, match="There are 0 sized dimensions"):
        rl.unique(rl.ones(3, 0), dim=0)


@pytest.mark.parametrize("dtype", ["int64", "int32", "int16", "int8", "uint8", "bool"])
def test_unique_whole_numbers_near_and_far(dtype: str) -> None:
    kind = np.dtype(dtype)
    ends = [0, 1] if kind.kind == "b" else [np.iinfo(kind).min, np.iinfo(kind).max]
    near = np.array([[3, 1, 3], [0, 1, 9]]).astype(kind)
    for array in (near, near - kind.type(7) if kind.kind == "i" else near,
                  np.array([*ends, ends[1], 1], kind), np.full((4,), ends[0], kind)):
        expected = np.unique(array, return_inverse=True, return_counts=True)
        x = rl.from_numpy(array)
        found = x.unique(return_inverse=True, return_counts=True)
        for given, wanted in zip(found, expected, strict=True):
            assert given.tolist() == wanted.tolist()
        assert found[0].dtype == x.unique().dtype == x.dtype
        assert [part.tolist() for part in x.unique(return_counts=True)] == [
            expected[0].tolist(), expected[2].tolist()]
    assert rl.empty(0, dtype=rl.int64).unique().tolist() == []


def test_isin() -> None:
    x = rl.tensor([[1, 2], [3, 4]])
    assert rl.isin(x, rl.tensor([2, 3])).tolist() == [[False, True], [True, False]]
    assert rl.isin(x, 4, invert=True).tolist() == [[True, True], [True, False]]
    assert rl.isin(1, x).item() is True
    with pytest.raises(TypeError, match=r"isin\(\) received an invalid combination"):
        rl.isin(1, 2)


def test_counts() -> None:
    x = rl.tensor([1, 3, 1, 0])
    assert x.bincount().tolist() == [1, 2, 0, 1]
    assert x.bincount(rl.tensor([0.5, 1.0, 0.25, 2.0]), 6).tolist() == [2, 0.75, 0, 1, 0, 0]
    with pytest.raises(RuntimeError, match="bincount only supports 1-d non-negative"):
        rl.tensor([-1]).bincount()
    values = rl.tensor([0.0, 1.0, 2.0, 2.0, 9.0])
    assert values.histc(4, 0, 2).tolist() == [1, 0, 1, 2]
    hist, edges = values.histogram(2, range=(0, 2))
    assert hist.tolist() == [1, 3] and edges.tolist() == [0, 1, 2]
    assert rl.histogram(values, rl.tensor([0.0, 1.5, 9.0])).hist.tolist() == [2, 3]
    with pytest.raises(RuntimeError, match="max must be larger than min"):
        values.histc(3, 2, 1)


def test_running_extremes_name_the_last_of_equals() -> None:
    x = rl.tensor([2.0, 1.0, 2.0, NAN, 3.0, NAN])
    values, indices = x.cummax(0)
    assert values.tolist()[:3] == [2, 2, 2] and values[3:].isnan().all()
    assert indices.tolist() == [0, 0, 2, 3, 3, 5]
    assert rl.tensor([3, 1, 1, 2]).cummin(0).indices.tolist() == [0, 1, 2, 2]


def test_logcumsumexp_keeps_its_gradient_next_to_large_numbers() -> None:
    x = rl.tensor([1e4, 0.5, 1.0], requires_grad=True)
    y = x.logcumsumexp(0)
    assert y.tolist() == [1e4, 1e4, 1e4]
    (y * rl.tensor([1.0, -3.0, 0.25])).sum().backward()
    assert x.grad.tolist() == pytest.approx([-1.75, 0.0, 0.0], rel=1e-6)
    x = rl.tensor([-200.0, 0.0], requires_grad=True)
    x.logcumsumexp(0).sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]


def test_differences_and_integrals() -> None:
    x = rl.tensor([1, 4, 9, 16])
    assert x.diff().tolist() == [3, 5, 7] and x.diff(n=2).tolist() == [2, 2]
    assert x.diff(prepend=rl.tensor([0]), append=rl.tensor([20])).tolist() == [1, 3, 5, 7, 4]
    assert rl.tensor([True, False, False]).diff().tolist() == [True, False]
    y = rl.tensor([1.0, 2.0, 4.0])
    assert rl.trapezoid(y) == 4.5 and rl.trapezoid(y, dx=2) == 9
    assert rl.trapezoid(y, rl.tensor([0.0, 1.0, 3.0])) == 7.5
    assert rl.cumulative_trapezoid(y).tolist() == [1.5, 4.5]
    with pytest.raises(RuntimeError, match="There must be one `x` value for each sample point"):
        rl.trapezoid(y, rl.ones(2))


def test_covariance_is_numpys() -> None:
    array, weights = RNG.random((3, 6)), np.array([1, 2, 1, 3, 1, 1])
    x = rl.from_numpy(array)
    np.testing.assert_allclose(x.cov().numpy(), np.cov(array))
    np.testing.assert_allclose(x.corrcoef().numpy(), np.corrcoef(array))
    found = x.cov(correction=0, fweights=rl.from_numpy(weights), aweights=x[0])
    np.testing.assert_allclose(
        found.numpy(), np.cov(array, ddof=0, fweights=weights, aweights=array[0]))
    with pytest.raises(RuntimeError, match="expected fweights to have integral dtype"):
        x.cov(fweights=x[0])


@pytest.mark.parametrize("weights", [None, [1.0, 2.0, 3.0]])
def test_bincount_refuses_negative_numbers_and_counts_nothing_as_int64(
        weights: list[float] | None) -> None:
    w = None if weights is None else rl.tensor(weights)
    with pytest.raises(RuntimeError, match="1-d non-negative integral"):
        rl.bincount(rl.tensor([1, -1, 2]), w)
    with pytest.raises(RuntimeError, match="1-d non-negative integral"):
        rl.bincount(rl.tensor([[1, 1, 2]]))
    nothing = rl.bincount(rl.zeros(0, dtype=rl.int64), w if w is None else w[:0], 2)
    assert nothing.dtype is rl.int64
    assert nothing.tolist() == [0, 0]
