"""Edges as values, hooks on several tensors, writes to what was saved."""

from __future__ import annotations

from typing import Any

import pytest

import rushlight as rl
from rushlight.autograd.graph import (
    allow_mutation_on_saved_tensors,
    get_gradient_edge,
    register_multi_grad_hook,
)


def leaves() -> tuple[Any, Any]:
    return rl.ones(2, requires_grad=True), rl.ones(2, requires_grad=True)


def test_all_gradients_come_together_and_none_where_none_comes() -> None:
    a, b = leaves()
    c = a * b
    d, seen = a * c, []
    handle = register_multi_grad_hook(
        (a, b, c, d), lambda gradients: seen.append([g is not None for g in gradients]))
    d.sum().backward(retain_graph=True)
    d.sum().backward(inputs=(a,), retain_graph=True)
    c.sum().backward(retain_graph=True)
    assert seen == [[True] * 4, [True, False, True, True], [True, True, True, False]]
    handle.remove()
    d.sum().backward()
    assert len(seen) == 3


def test_any_is_called_once_a_run() -> None:
    a, b = leaves()
    seen: list[Any] = []
    register_multi_grad_hook((a, b), seen.append, mode="any")
    for _ in range(2):
        (a * 2 + b * 3).sum().backward()
    assert len(seen) == 2
    with pytest.raises(ValueError, match="Expects mode"):
        register_multi_grad_hook((a,), print, mode="some")


def test_hooks_of_leaves_that_are_not_asked_for_are_not_called() -> None:
    a, b = leaves()
    seen: list[str] = []
    for name, leaf in (("a", a), ("b", b)):
        leaf.register_hook(lambda gradient, name=name: seen.append(name))
    (a * b).sum().backward(inputs=(a,))
    assert seen == ["a"]


def test_edges_stand_for_tensors() -> None:
    x = rl.rand(3, requires_grad=True)
    y = x.exp()
    edge = get_gradient_edge(y)
    assert rl.autograd.grad((y * 2).sum(), edge, retain_graph=True)[0].tolist() == [2.0] * 3
    assert rl.autograd.grad(edge, x, grad_outputs=rl.ones(3))[0].equal(y)
    assert rl.autograd.grad((x * 2).sum(), get_gradient_edge(x))[0].tolist() == [2.0] * 3
    low, _ = rl.rand(4, requires_grad=True).split(2)
    assert rl.autograd.grad((low * 3).sum(), get_gradient_edge(low))[0].tolist() == [3.0] * 2
    with pytest.raises(RuntimeError, match="does not require gradients"):
        get_gradient_edge(rl.ones(1))


def test_saved_tensors_may_be_written_to() -> None:
    a = rl.ones(2, 3, requires_grad=True)
    with allow_mutation_on_saved_tensors():
        b = a.clone()
        out = (b ** 2).sum()
        b.sin_()
    out.backward()
    assert a.grad.tolist() == [[2.0] * 3] * 2
