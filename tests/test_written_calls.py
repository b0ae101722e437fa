"""Calls that write or promote take written paths of their own from the second time on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import rushlight as rl
from rushlight.nn import functional as F

IN_PLACE: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "relu": (lambda t, h: t.relu_(), lambda t, h: t.relu()),
    "add": (lambda t, h: t.add_(h), lambda t, h: t + h),
    "add, row": (lambda t, h: t.add_(h[0], alpha=2), lambda t, h: t.add(h[0], alpha=2)),
    "mul": (lambda t, h: t.mul_(h), lambda t, h: t * h),
    "mul, number": (lambda t, h: t.mul_(2.5), lambda t, h: t * 2.5),
    "exp": (lambda t, h: t.exp_(), lambda t, h: t.exp()),
    "abs": (lambda t, h: t.abs_(), lambda t, h: t.abs()),
    "square": (lambda t, h: t.square_(), lambda t, h: t.square()),
    "clamp": (lambda t, h: t.clamp_(-0.5, 0.5), lambda t, h: t.clamp(-0.5, 0.5)),
    "hardswish": (lambda t, h: F.hardswish(t, inplace=True), lambda t, h: F.hardswish(t)),
    "addcmul": (lambda t, h: t.addcmul_(h, h), lambda t, h: rl.addcmul(t, h, h)),
    "transposed": (lambda t, h: t.t().contiguous().mul_(h.t()).t(), lambda t, h: t * h),
}


@pytest.mark.parametrize("name", IN_PLACE)
@pytest.mark.parametrize("size", [3, 200])
@pytest.mark.parametrize("leaf", ["both", "other"])
def test_writes_with_a_gradient_are_what_new_results_are(name: str, size: int, leaf: str) -> None:
    in_place, plain = IN_PLACE[name]
    rl.manual_seed(0)
    x, h = rl.randn(size, size), rl.randn(size, size, requires_grad=True)
    x.requires_grad_(leaf == "both")
    for _ in range(2):
        found, wanted = in_place(x * 1.5, h), plain(x * 1.5, h)
        assert found.equal(wanted)
        found, wanted = found.sum(), wanted.sum()
        if not wanted.requires_grad:
            assert not found.requires_grad
            continue
        leaves = [t for t in (x, h) if t.requires_grad]
        for a, b in zip(rl.autograd.grad(found, leaves, allow_unused=True),
                        rl.autograd.grad(wanted, leaves, allow_unused=True), strict=True):
            assert (a is None) == (b is None)
            if a is not None:
                rl.testing.assert_close(a, b, rtol=0, atol=0)


def test_writes_that_spoil_a_gradient_are_found() -> None:
    x = rl.ones(3, requires_grad=True)
    y = x.exp()
    y.mul_(2)
    with pytest.raises(RuntimeError, match=r"modified by an inplace operation.*y\.mul_"):
        y.sum().backward()
    y = x * 1
    z = y * y
    y.relu_()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.sum().backward()
    y = x * 1
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
        x.relu_()
    with pytest.raises(RuntimeError, match="doesn't match the broadcast shape"):
        y.add_(rl.ones(2, 3))
    y.mul_(y)  # what it reads of itself is copied; of the other operand it is not
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_views_follow_what_is_written_with_a_gradient() -> None:
    h = rl.ones(3, requires_grad=True)
    base = rl.zeros(3)
    part = base[:2]
    base.add_(h)
    assert part.requires_grad and part.tolist() == [1.0, 1.0]
    part.mul_(3)
    base.sum().backward()
    assert h.grad is not None and h.grad.tolist() == [3.0, 3.0, 1.0]


def test_gradients_are_kept_where_they_were_asked_for() -> None:
    x = rl.ones(2, requires_grad=True)
    y = x * 2
    y.retain_grad()
    y.mul_(3)
    y.sum().backward()
    assert y.grad is not None and y.grad.tolist() == [1.0, 1.0]
    assert x.grad is not None and x.grad.tolist() == [6.0, 6.0]


def test_versions_count_from_the_first_look() -> None:
    x = rl.zeros(2)
    assert x._version == 0
    x.add_(1)
    rl.add(x, 1, out=x)
    x.zero_()
    assert x._version == 3


CALLS: dict[str, Callable[..., Any]] = {
    "add": lambda x, y, **to: rl.add(x, y, **to),
    "alpha": lambda x, y, **to: rl.sub(x, y, alpha=2, **to),
    "number": lambda x, y, **to: rl.mul(x, 2, **to),
    "exp": lambda x, y, **to: rl.exp(x, **to),
    "abs": lambda x, y, **to: rl.abs(x, **to),
    "clamp": lambda x, y, **to: rl.clamp(x, -1, 1, **to),
    "where": lambda x, y, **to: rl.where(x > 0, x, y, **to),
    "gt": lambda x, y, **to: rl.gt(x, y, **to),
    "mean": lambda x, y, **to: rl.mean(x, 0, **to),
    "matmul": lambda x, y, **to: rl.matmul(x, y, **to),
    "amax": lambda x, y, **to: rl.amax(x, 1, **to),
}


@pytest.mark.parametrize("name", CALLS)
def test_results_are_written_to_out(name: str) -> None:
    rl.manual_seed(0)
    x, y = rl.randn(4, 4), rl.randn(4, 4)
    wanted = CALLS[name](x, y)
    for out in (rl.empty_like(wanted), rl.empty(*wanted.shape, dtype=rl.float64),
                rl.empty(*wanted.shape, 2, dtype=wanted.dtype)[..., 0]):
        for _ in range(2):
            assert CALLS[name](x, y, out=out) is out
            rl.testing.assert_close(out, wanted.to(out.dtype), rtol=1e-6, atol=1e-6)
    with pytest.warns(UserWarning, match="resized"):
        assert CALLS[name](x, y, out=rl.ones(7, dtype=wanted.dtype)).equal(wanted)
    if wanted.is_floating_point():
        with pytest.raises(RuntimeError, match="don't support automatic differentiation"):
            CALLS[name](x.clone().requires_grad_(), y, out=rl.empty_like(wanted))
        with pytest.raises(RuntimeError, match="can't be cast"):
            CALLS[name](x, y, out=rl.empty(*wanted.shape, dtype=rl.int64))


def test_out_may_be_an_operand_or_broadcast_against() -> None:
    x, row = rl.arange(6.0).reshape(2, 3), rl.ones(3)
    assert rl.add(x, row, out=x).tolist() == [[1, 2, 3], [4, 5, 6]]
    assert rl.add(row, x, out=rl.empty(2, 3)).tolist() == [[2, 3, 4], [5, 6, 7]]
    with pytest.raises(RuntimeError, match="single memory location"):
        rl.exp(x, out=rl.empty(1, 3).expand(2, 3))


MIXED: dict[str, Callable[..., Any]] = {
    "x + d": lambda t: t["x"] + t["d"], "i + 1.5": lambda t: t["i"] + 1.5,
    "i / i": lambda t: t["i"] / t["i"], "m * x": lambda t: t["m"] * t["x"],
    "x + i, 0-d": lambda t: t["x"] + t["i"][1], "i * x, 0-d": lambda t: t["i"] * t["x"][0],
    "1 - m": lambda t: 1.5 - t["m"].float(), "i > 1.5": lambda t: t["i"] > 1.5,
    "h * 2": lambda t: t["h"] * 2, "True + i": lambda t: t["i"] + True,
    "where": lambda t: rl.where(t["m"], t["x"], t["d"]), "x ** i": lambda t: t["x"] ** t["i"],
    "column": lambda t: t["i"][:, None] * t["x"],
}


@pytest.mark.parametrize("default", [rl.float32, rl.float64])
@pytest.mark.parametrize("name", MIXED)
def test_promoted_operands_give_the_same_each_time(name: str, default: Any) -> None:
    before = rl.get_default_dtype()
    rl.set_default_dtype(default)
    try:
        x = rl.tensor([1.0, 2.0, 3.0], dtype=rl.float32)
        given = {"x": x, "d": x.double() + 0.5, "i": rl.tensor([1, 2, 4]), "h": x.half(),
                 "m": rl.tensor([True, False, True])}
        kind = rl.result_type(given["i"], 1.5)
        assert kind is default
        first, second = MIXED[name](given), MIXED[name](given)
        assert first.dtype is second.dtype and first.equal(second)
        wide = {n: t if t.dtype is rl.bool else t.double() for n, t in given.items()}
        wide["m"] = given["m"]
        rl.testing.assert_close(first.double(), MIXED[name](wide).double())
    finally:
        rl.set_default_dtype(before)


def test_promoted_operands_pass_gradients_on() -> None:
    for _ in range(2):
        x = rl.ones(3, requires_grad=True)
        ((x * rl.tensor([True, False, True])) * rl.arange(3.0).double()).sum().backward()
        assert x.grad is not None and x.grad.dtype is rl.float32
        assert x.grad.tolist() == [0.0, 0.0, 2.0]
    half = rl.ones(2, dtype=rl.float16, requires_grad=True)
    for _ in range(2):
        (half * 2).sum().backward()
    assert half.grad is not None and half.grad.tolist() == [4.0, 4.0]


def test_operands_of_kinds_met_before_still_fail_as_they_should() -> None:
    x, i = rl.ones(3), rl.ones(3, dtype=rl.int64)
    assert (x + i).tolist() == [2.0, 2.0, 2.0]
    with pytest.raises(RuntimeError, match="size of tensor"):
        x + rl.ones(2, dtype=rl.int64)
    assert (x.to("meta") + i.to("meta")).device.type == "meta"
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        i // rl.zeros(3, dtype=rl.int32)


def test_places_in_an_index() -> None:
    x = rl.arange(12).reshape(4, 3).clone()
    last, far = rl.tensor(-1), rl.tensor(4)
    assert x[last].tolist() == [9, 10, 11] and x[last, last].item() == 11
    assert x[last, rl.tensor([0, 2])].tolist() == [9, 11] and x[:, last].tolist() == [2, 5, 8, 11]
    assert x[[0, -1]].tolist() == [[0, 1, 2], [9, 10, 11]] and x[[]].shape == (0, 3)
    assert x[last]._base is x
    for bad in (far, [0, 4], (far, 0), (0, far)):
        with pytest.raises(IndexError, match="out of bounds"):
            x[bad]
    with pytest.raises(IndexError):
        x[[10**30]]


@pytest.mark.parametrize("dtype", [rl.float32, rl.float64])
def test_ranges_of_whole_numbers(dtype: Any) -> None:
    assert rl.arange(3.0, -5, -2, dtype=dtype).tolist() == [3, 1, -1, -3]
    assert rl.arange(2**24 - 2, 2**24 + 3, dtype=dtype).to(rl.int64).tolist()[:3] == [
        2**24 - 2, 2**24 - 1, 2**24]
    assert rl.arange(0, 1, 0.25, dtype=dtype).tolist() == [0, 0.25, 0.5, 0.75]
