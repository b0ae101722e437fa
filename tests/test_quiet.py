"""Infinities and NaN are results: no warnings, no errors, and the user's NumPy stays as it was."""

from __future__ import annotations

import gc
import threading
import warnings
from collections.abc import Callable, Iterator

import numpy as np
import pytest

import rushlight as rl
from rushlight.backends.quiet import quiet

CASES: dict[str, Callable[[], rl.Tensor]] = {
    "overflow": lambda: rl.tensor([1e38]) * 1e38,
    "invalid": lambda: rl.log(rl.tensor([-1.0, 0.0])),
    "division": lambda: rl.tensor([1.0, 0.0, -1.0]) / 0,
    "of a number": lambda: 1 / rl.zeros(2),
    "half": lambda: rl.tensor([6e4], dtype=rl.float16) * 2,
    "bfloat16": lambda: rl.exp(rl.tensor([100.0], dtype=rl.bfloat16)),
    "large": lambda: rl.full((20000,), 1e38) * 1e38,
    "in place": lambda: rl.tensor([1e38]).mul_(1e38),
    "sum": lambda: rl.tensor([3e38, 3e38]).sum(),
    "strided sum": lambda: rl.full((4, 4), 3e38)[:, ::2].sum(1),
    "mean of nothing": lambda: rl.zeros(0).mean(),
    "product": lambda: rl.tensor([1e38, 1e38]).prod(),
    "variance": lambda: rl.tensor([1.0]).var(),
    "softmax": lambda: rl.softmax(rl.tensor([float("inf"), 1.0]), 0),
    "logsumexp": lambda: rl.logsumexp(rl.tensor([[-float("inf")] * 2]), 1),
    "layer norm": lambda: rl.nn.functional.layer_norm(rl.tensor([[float("inf"), 1.0]]), (2,)),
    "batch norm": lambda: rl.nn.functional.batch_norm(
        rl.tensor([[float("inf")], [1.0]]), None, None, training=True),
    "inner product": lambda: rl.full((3,), rl.inf) @ rl.zeros(3),
    "matrix product": lambda: rl.full((3, 3), 1e38) @ rl.full((3, 3), 1e38),
    "matrix times vector": lambda: rl.full((3, 3), rl.inf) @ rl.zeros(3),
    "batched product": lambda: rl.full((2, 3, 3), rl.inf) @ rl.zeros(2, 3, 3),
    "half product": lambda: rl.full((3, 3), 6e4, dtype=rl.float16) @ rl.ones(
        3, 3, dtype=rl.float16),
    "linear": lambda: rl.nn.functional.linear(rl.full((2, 3), rl.inf), rl.zeros(4, 3), rl.ones(4)),
    "einsum": lambda: rl.einsum("ij,kj->ik", rl.full((2, 3), rl.inf), rl.zeros(2, 3)),
    "convolution": lambda: rl.nn.functional.conv2d(
        rl.full((1, 2, 4, 4), rl.inf), rl.zeros(3, 2, 3, 3)),
    "attention": lambda: rl.nn.functional.scaled_dot_product_attention(
        *(rl.full((1, 2, 3, 4), 1e38),) * 3),
    "recurrence": lambda: rl.nn.RNN(3, 4, nonlinearity="relu")(rl.full((2, 1, 3), rl.inf))[0],
    "cumsum": lambda: rl.full((3,), 3e38).cumsum(0),
    "logcumsumexp": lambda: rl.tensor([rl.inf, -rl.inf]).logcumsumexp(0),
    "ragged sum": lambda: rl.ragged([rl.full((2, 1), 3e38), rl.ones(1, 1)]).sum(1),
    "norm": lambda: rl.full((3,), rl.inf).norm(),
    "pooling": lambda: rl.nn.functional.avg_pool2d(rl.full((1, 1, 4, 4), rl.inf), 2),
    "interpolation": lambda: rl.nn.functional.interpolate(
        rl.full((1, 1, 4, 4), rl.inf), scale_factor=2, mode="bilinear"),
    "power": lambda: rl.tensor([-8.0]) ** (1 / 3), "remainder": lambda: rl.ones(2) % 0,
    "complex": lambda: 1 / rl.zeros(2, dtype=rl.complex64),
    "cast": lambda: rl.tensor([1e38]).to(rl.float16),
    "integers": lambda: rl.tensor([2**62]) * 4,
}


@pytest.fixture(params=["warnings are errors", "NumPy raises"])
def strict(request: pytest.FixtureRequest) -> Iterator[None]:
    raising = {"all": "raise"} if request.param == "NumPy raises" else {}
    gc.collect()  # what earlier tests left must not be found now, when its warnings are errors
    with warnings.catch_warnings(), np.errstate(**raising):
        warnings.simplefilter("error")
        yield


@pytest.mark.parametrize("name", CASES)
def test_results_are_no_events(strict: None, name: str) -> None:
    result = CASES[name]()
    if name != "integers":
        assert not rl.isfinite(result).all()


@pytest.mark.parametrize("name", ["overflow", "division", "sum"])
def test_gradients_are_no_events(strict: None, name: str) -> None:
    x = rl.tensor([1e38, 0.0], requires_grad=True)
    (x * 1e38 / x).sum().backward()
    assert rl.isnan(x.grad).any()


def test_the_user_is_still_warned() -> None:
    CASES["overflow"]()
    with pytest.warns(RuntimeWarning, match="overflow"):
        np.array([1e38], np.float32) * np.float32(1e38)
    with np.errstate(all="raise"), pytest.raises(FloatingPointError):
        np.log(np.array([0.0]))


@pytest.mark.parametrize("ufunc", [np.add, np.power, np.exp, np.hypot, np.nextafter, np.ldexp,
                                   np.floor_divide, np.cosh, np.less, np.invert], ids=str)
def test_quiet_ufuncs_give_the_same(ufunc: np.ufunc) -> None:
    values = np.array([0, -0.0, 1, -1, 2.5, 400, -1000, 1e308, 5e-324, np.inf, -np.inf, np.nan])
    a, b = (x.ravel() for x in np.meshgrid(values, values))
    for kinds in {loop.split("->")[0] for loop in ufunc.types}:
        if not set(kinds) <= set("bilqefdFD"):
            continue
        with np.errstate(all="ignore"):
            operands = [x.astype(kind) for x, kind in zip((a, b), kinds, strict=False)]
            try:
                wanted = ufunc(*operands)
            except ValueError:  # integers to negative powers
                continue
        with np.errstate(all="raise"):
            got = quiet(ufunc)(*operands, out=...)
        assert got.dtype == wanted.dtype
        assert got.tobytes() == wanted.tobytes()


def test_quiet_reductions() -> None:
    x = np.random.default_rng(0).normal(size=(40, 300)).astype(np.float32)
    with np.errstate(all="raise"):
        for ufunc in (np.add, np.multiply, np.maximum):
            np.testing.assert_array_equal(quiet(ufunc).reduce(x, axis=0), ufunc.reduce(x, axis=0))
        assert quiet(np.add).reduce(np.array([np.inf, -np.inf, 1e308])) != 0
        assert np.isnan(quiet(np.subtract)(np.inf, np.inf))


def test_threads() -> None:
    seen = []

    def work() -> None:
        with np.errstate(all="raise"):
            seen.append(bool(rl.isinf(CASES["large"]()).all()))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [True]
