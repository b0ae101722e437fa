"""Factors before their tensors, as programs of 2017 to 2020 write them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest

import rushlight as rl
from rushlight.families import older_calls

A, B, M, V = (rl.tensor([1.0, 2.0]), rl.tensor([4.0, 3.0]), rl.tensor([[1.0, 2.0], [3.0, 4.0]]),
              rl.tensor([2.0, -1.0]))


@pytest.mark.parametrize(("older", "today"), [
    (lambda: A.clone().add_(0.5, B), lambda: A.add(B, alpha=0.5)),
    (lambda: A.add(rl.tensor(0.5), B), lambda: A.add(B, alpha=0.5)),
    (lambda: rl.add(A, 2, B), lambda: rl.add(A, B, alpha=2)),
    (lambda: A.clone().sub_(0.5, B), lambda: A.sub(B, alpha=0.5)),
    (lambda: rl.sub(A, 2, 1), lambda: A - 2),
    (lambda: A.clone().addcmul_(-2, B, V), lambda: A.addcmul(B, V, value=-2)),
    (lambda: rl.addcmul(A, -2, B, V), lambda: A.addcmul(B, V, value=-2)),
    (lambda: A.clone().addcdiv_(-0.1, B, V), lambda: A.addcdiv(B, V, value=-0.1)),
    (lambda: A.addcdiv(-0.1, B, V), lambda: A.addcdiv(B, V, value=-0.1)),
    (lambda: rl.addmm(2, M, 3, M, M), lambda: rl.addmm(M, M, M, beta=2, alpha=3)),
    (lambda: rl.addmm(2, M, M, M), lambda: rl.addmm(M, M, M, beta=2)),
    (lambda: M.clone().addmm_(2, 3, M, M), lambda: rl.addmm(M, M, M, beta=2, alpha=3)),
    (lambda: A.addmv(2, 3, M, V), lambda: rl.addmv(A, M, V, beta=2, alpha=3)),
    (lambda: M.clone().addr_(2, A, V), lambda: rl.addr(M, A, V, beta=2)),
    (lambda: M[None].baddbmm(2, 3, M[None], M[None]), lambda: rl.addmm(
        M, M, M, beta=2, alpha=3)[None]),
    (lambda: rl.addbmm(2, M, M[None], M[None]), lambda: rl.addmm(M, M, M, beta=2)),
], ids=range(16))
def test_the_same_as_by_keyword(older: Callable[[], Any], today: Callable[[], Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert older().equal(today())


def test_gradients_out_and_memory() -> None:
    w, out = A.clone().requires_grad_(), rl.empty(2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rl.add(w, 3, w).sum().backward()
        assert rl.add(A, 2, B, out=out) is out and out.equal(A + 2 * B)
        a = A.clone()
        assert a.add_(1, B) is a
    assert w.grad.tolist() == [4, 4]


def test_it_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(older_calls, "_told", set())
    with pytest.warns(UserWarning, match="This overload of add_ is deprecated") as caught:
        A.clone().add_(1, B)
        A.clone().add_(1, B)
    assert len(caught) == 1 and caught[0].filename == __file__


@pytest.mark.parametrize("call", [
    lambda: A.add(B, B), lambda: rl.add(A, 1, B, B), lambda: A.addcmul(1, B),
    lambda: rl.addmm(1, M, 2, M, 3, M), lambda: M.addmm(M, M, M),
], ids=range(5))
def test_other_arguments_too_many(call: Callable[[], Any]) -> None:
    with pytest.raises(TypeError):
        call()


def test_new_without_sizes_is_empty() -> None:
    assert A.new().shape == (0,) and A.double().new(2, 3).dtype == rl.float64
