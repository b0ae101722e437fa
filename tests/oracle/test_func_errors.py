"""Errors of function transforms begin as torch's do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import rushlight as rl

from .programs import maker

torch = pytest.importorskip("torch")

ERRORS: dict[str, Callable[[Any, Any], Any]] = {
    "not scalar": lambda t, x: t.func.grad(lambda a: a)(x(3)),
    "not a tensor": lambda t, x: t.func.grad(lambda a: a)(3.0),
    "returns no tensor": lambda t, x: t.func.grad(lambda a: 1.0)(x(3)),
    "argnums out of range": lambda t, x: t.func.grad(lambda a: a.sum(), argnums=2)(x(3)),
    "argnums twice": lambda t, x: t.func.grad(lambda a: a.sum(), argnums=(0, 0))(x(3)),
    "argnums empty": lambda t, x: t.func.grad(lambda a: a.sum(), argnums=())(x(3)),
    "argnums no int": lambda t, x: t.func.grad(lambda a: a.sum(), argnums="a")(x(3)),
    "no aux": lambda t, x: t.func.grad(lambda a: a.sum(), has_aux=True)(x(3)),
    "vjp structure": lambda t, x: t.func.vjp(lambda a: a, x(3))[1]((x(3), x(3))),
    "vjp of integers": lambda t, x: t.func.vjp(lambda a: a.argmax(), x(3)),
    "vjp without output": lambda t, x: t.func.vjp(lambda a: None, x(3)),
    "jvp no tuple": lambda t, x: t.func.jvp(lambda a: a, x(3), x(3)),
    "jvp structure": lambda t, x: t.func.jvp(lambda a: a, (x(3),), (x(3), x(3))),
    "jvp output": lambda t, x: t.func.jvp(lambda a: 1, (x(3),), (x(3),)),
    "jvp strict": lambda t, x: t.func.jvp(lambda a: t.ones(2), (x(3),), (x(3),), strict=True),
    "jacrev chunk": lambda t, x: t.func.jacrev(lambda a: a, chunk_size=0),
    "vmap randomness": lambda t, x: t.vmap(lambda a: a, randomness="some")(x(3)),
    "vmap random": lambda t, x: t.vmap(lambda a: a + t.rand(2))(x(3, 2)),
    "vmap dropout": lambda t, x: t.vmap(lambda a: t.nn.functional.dropout(a))(x(3, 2)),
    "vmap no inputs": lambda t, x: t.vmap(lambda: 1)(),
    "vmap in_dims": lambda t, x: t.vmap(lambda a: a, in_dims=(0, 0))(x(3)),
    "vmap in_dims range": lambda t, x: t.vmap(lambda a: a, in_dims=3)(x(3)),
    "vmap in_dims type": lambda t, x: t.vmap(lambda a: a, in_dims="0")(x(3)),
    "vmap in_dims float": lambda t, x: t.vmap(lambda a: a, in_dims=(0.5,))(x(3)),
    "vmap no tensor": lambda t, x: t.vmap(lambda a: a)(3),
    "vmap nothing mapped": lambda t, x: t.vmap(lambda a: a, in_dims=None)(x(3)),
    "vmap all none": lambda t, x: t.vmap(lambda a: a, in_dims=(None,))(x(3)),
    "vmap sizes": lambda t, x: t.vmap(lambda a, b: a)(x(3), x(4)),
    "vmap out_dims": lambda t, x: t.vmap(lambda a: a, out_dims=(0, 1))(x(3)),
    "vmap out_dims type": lambda t, x: t.vmap(lambda a: a, out_dims="0")(x(3)),
    "vmap out none": lambda t, x: t.vmap(lambda a: a, out_dims=None)(x(3)),
    "vmap returns a number": lambda t, x: t.vmap(lambda a: 1)(x(3)),
    "vmap item": lambda t, x: t.vmap(lambda a: a * a.sum().item())(x(3, 2)),
    "vmap if": lambda t, x: t.vmap(lambda a: a if a.sum() > 0 else -a)(x(3, 2)),
    "vmap write outside": lambda t, x: t.vmap(lambda a, b: a.mul_(b), in_dims=(None, 0))(
        x(2), x(3, 2)),
    "vmap copy outside": lambda t, x: t.vmap(lambda a, b: a.lerp_(b, 0.5), in_dims=(None, 0))(
        x(2), x(3, 2)),
    "requires_grad_ inside": lambda t, x: t.vmap(lambda a: a.requires_grad_())(x(3, 2)),
    "functionalize remove": lambda t, x: t.func.functionalize(lambda a: a, remove="x")(x(3)),
    "jacobian strategy": lambda t, x: t.autograd.functional.jacobian(
        lambda a: a, x(2), strategy="x"),
    "jacobian forward alone": lambda t, x: t.autograd.functional.jacobian(
        lambda a: a, x(2), strategy="forward-mode"),
    "jacobian strict and vectorized": lambda t, x: t.autograd.functional.jacobian(
        lambda a: a, x(2), strict=True, vectorize=True),
    "jacobian strict and forward": lambda t, x: t.autograd.functional.jacobian(
        lambda a: a, x(2), strict=True, vectorize=True, strategy="forward-mode"),
    "hessian strategy": lambda t, x: t.autograd.functional.hessian(
        lambda a: a.sum(), x(2), outer_jacobian_strategy="x"),
    "make_dual without level": lambda t, x: t.autograd.forward_ad.make_dual(x(3), x(3)),
    "exit without level": lambda t, x: t.autograd.forward_ad.exit_dual_level(level=3),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors_begin_as_torchs_do(name: str) -> None:
    with pytest.raises(Exception) as expected:
        ERRORS[name](torch, maker(torch))
    with pytest.raises(type(expected.value)) as found:
        ERRORS[name](rl, maker(rl))
    assert str(found.value)[:24] == str(expected.value)[:24]
