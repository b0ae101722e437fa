"""Derivatives as functions of functions, side by side with torch's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import rushlight as rl

from .programs import compare

torch = pytest.importorskip("torch")

CASES: dict[str, Callable[[Any, Any], Any]] = {}


def case(program: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Register a program of (torch or rushlight, a maker of its tensors)."""
    CASES[program.__name__] = program
    return program


# ---- reverse mode


@case
def grad_of_sum(t, x):
    return t.func.grad(lambda a: (a ** 3).sum())(x(3, 2))


@case
def grad_with_argnums(t, x):
    return t.func.grad(lambda a, b: (a * b.sin()).sum(), argnums=(1, 0))(x(3), x(3))


@case
def grad_with_negative_argnum(t, x):
    return t.func.grad(lambda a, b: (a * b.sin()).sum(), argnums=-1)(x(3), x(3))


@case
def grad_with_aux(t, x):
    return t.func.grad(lambda a: ((a * a).sum(), {"half": a / 2}), has_aux=True)(x(3))


@case
def grad_and_value_with_aux(t, x):
    return t.func.grad_and_value(lambda a: ((a * a).sum(), a + 1), has_aux=True)(x(3))


@case
def grad_of_dictionary(t, x):
    return t.func.grad(lambda p: (p["w"] * p["b"]).sum())({"w": x(2), "b": x(2)})


@case
def grad_with_keywords(t, x):
    return t.func.grad(lambda a, *, scale: (a * scale).sum().exp())(x(3), scale=x(3))


@case
def third_derivative(t, x):
    return t.func.grad(t.func.grad(t.func.grad(lambda a: a.sin() * a)))(x())


@case
def grad_with_closure_over_outer_level(t, x):
    y = x()
    return t.func.grad(lambda a: a * t.func.grad(lambda b: a * a * b * y)(y))(x())


@case
def grad_inside_grad_mode(t, x):
    w = x(3).requires_grad_()
    g = t.func.grad(lambda a: (a * w).sum() ** 2)(x(3))
    g.sum().backward()
    return g, w.grad


@case
def grad_under_no_grad(t, x):
    with t.no_grad():
        return t.func.grad(lambda a: (a * a).sum())(x(3))


@case
def no_grad_inside(t, x):
    def f(a):
        with t.no_grad():
            c = a * a
        return (a * a - c).sum()

    return t.func.grad(f)(x(3))


@case
def gradient_of_an_unused_argument(t, x):
    return t.func.grad(lambda a, b: (a * 2).sum(), argnums=(0, 1))(x(3), x(2))


@case
def grad_with_writes_in_place(t, x):
    def f(a):
        b = a.clone()
        b[0] = a[1] * a[2]
        b.mul_(a)
        return b.sum()

    return t.func.grad(f)(x(3))


@case
def vjp_of_two_outputs(t, x):
    value, pull = t.func.vjp(lambda a, b: (a * b, a.sin()), x(3), x(3))
    return value, pull((x(3), x(3)))


@case
def vjp_called_twice_with_aux(t, x):
    value, pull, aux = t.func.vjp(lambda a: (a.exp(), a * 2), x(3), has_aux=True)
    return value, pull(x(3)), pull(x(3)), aux


@case
def vmap_of_vjp(t, x):
    _, pull = t.func.vjp(lambda a: t.sin(a) * a.sum(), x(3))
    return t.func.vmap(pull)(x(5, 3))


@case
def grad_of_vjp(t, x):
    def f(a):
        _, pull = t.func.vjp(lambda b: (b * b * a).sum(), a)
        return pull(t.ones((), dtype=a.dtype))[0].sum()

    return t.func.grad(f)(x(3))


# ---- forward mode


@case
def jvp_of_composite(t, x):
    return t.func.jvp(lambda a: t.softmax(a.sin() @ a.mT, -1).log(), (x(3, 3),), (x(3, 3),))


@case
def jvp_of_two_arguments(t, x):
    return t.func.jvp(lambda a, b: (a @ b, (a * b).sum(0)), (x(3, 3), x(3, 3)),
                      (x(3, 3), x(3, 3)))


@case
def jvp_with_aux(t, x):
    return t.func.jvp(lambda a: (a * a, a + 1), (x(3),), (x(3),), has_aux=True)


@case
def jvp_of_independent_output(t, x):
    return t.func.jvp(lambda a: (a * 2, t.ones(2)), (x(3),), (x(3),))


@case
def jvp_of_jvp(t, x):
    return t.func.jvp(lambda a: t.func.jvp(lambda b: b ** 3 * a, (a,), (a * 2,))[1],
                      (x(3),), (x(3),))


@case
def jvp_of_grad(t, x):
    return t.func.jvp(t.func.grad(lambda a: (a.sin() * a).sum()), (x(3),), (x(3),))


@case
def grad_of_jvp(t, x):
    v = x(3)
    return t.func.grad(lambda a: t.func.jvp(lambda b: (b.exp() * b), (a,), (v,))[1].sum())(x(3))


@case
def jvp_with_writes_in_place(t, x):
    def f(a):
        b = t.zeros(4, dtype=a.dtype)
        b[1:] = a * a
        b[0].add_(a[0])
        c = b.clone()
        c.mul_(b).add_(1, alpha=2)
        return c

    return t.func.jvp(f, (x(3),), (x(3),))


@case
def jvp_through_views_written_to(t, x):
    def f(a):
        b = a * 1
        b.view(-1)[::2].mul_(3)
        b.t()[0].copy_(a[0, :2].exp())
        return b

    return t.func.jvp(f, (x(2, 3),), (x(2, 3),))


@case
def linearized(t, x):
    value, push = t.func.linearize(lambda a: a.sin() * a.sum(), x(3))
    return value, push(x(3)), push(x(3))


@case
def jvp_of_linalg(t, x):
    return t.func.jvp(lambda a: (t.linalg.inv(a), t.linalg.det(a), t.linalg.qr(a)[1]),
                      (x(3, 3),), (x(3, 3),))


@case
def jvp_of_a_network(t, x):
    F = t.nn.functional
    return t.func.jvp(lambda a, w: F.max_pool2d(F.relu(F.conv2d(a, w, padding=1)), 2),
                      (x(2, 3, 6, 6), x(4, 3, 3, 3)), (x(2, 3, 6, 6), x(4, 3, 3, 3)))


@case
def jvp_of_complex(t, x):
    def f(a):
        z = t.complex(a, a * 2)
        return (z * z.conj()).real + z.abs() + (z * z).imag

    return t.func.jvp(f, (x(3),), (x(3),))


# ---- Jacobians


@case
def jacrev_of_vector(t, x):
    return t.func.jacrev(lambda a: a.sin() * a.sum())(x(3))


@case
def jacrev_in_chunks(t, x):
    return t.func.jacrev(lambda a: a.sin() * a.sum(), chunk_size=2)(x(5))


@case
def jacrev_of_structures(t, x):
    return t.func.jacrev(lambda p, q: {"s": p["w"] * q, "t": (q.sum(), p["b"])},
                         argnums=(0, 1))({"w": x(2), "b": x(2)}, x(2))


@case
def jacrev_with_aux(t, x):
    return t.func.jacrev(lambda a: (a * a, a + 1), has_aux=True)(x(3))


@case
def jacfwd_of_vector(t, x):
    return t.func.jacfwd(lambda a: a.sin() * a.sum())(x(3))


@case
def jacfwd_of_two(t, x):
    return t.func.jacfwd(lambda a, b: (a @ b, a.sum(0)), argnums=(0, 1))(x(2, 3), x(3, 2))


@case
def jacfwd_with_aux(t, x):
    return t.func.jacfwd(lambda a: (a * a, a + 1), has_aux=True)(x(3))


@case
def hessian_of_sum(t, x):
    return t.func.hessian(lambda a: (a.sin() * a.sum()).sum())(x(3))


@case
def hessian_of_two_arguments(t, x):
    return t.func.hessian(lambda a, b: (a * a * b).sum(), argnums=(0, 1))(x(2), x(2))


@case
def hessian_of_a_network(t, x):
    w, b, v, inputs = x(4, 3), x(4), x(4), x(5, 3)

    def loss(p):
        return ((t.tanh(inputs @ p["w"].mT + p["b"]) @ p["v"]) ** 2).mean()

    return t.func.hessian(loss)({"w": w, "b": b, "v": v})


@case
def jacrev_of_jacrev(t, x):
    return t.func.jacrev(t.func.jacrev(lambda a: (a ** 3 * a.sum())))(x(2))


@case
def jacrev_of_jacfwd(t, x):
    return t.func.jacrev(t.func.jacfwd(lambda a: (a ** 3 * a.sum())))(x(2))


@case
def batched_jacobian(t, x):
    return t.func.vmap(t.func.jacrev(lambda a: a.sin() * a.sum()))(x(4, 3))


@case
def batched_hessian(t, x):
    return t.func.vmap(t.func.hessian(lambda a: a.prod() + (a ** 3).sum()))(x(4, 3))


# ---- autograd.functional, autograd.forward_ad


@case
def functional_jacobian(t, x):
    A = t.autograd.functional
    f, a = lambda a: a.sin() * a.sum(), x(3)
    return (A.jacobian(f, a, vectorize=True), A.jacobian(f, a),
            A.jacobian(f, a, vectorize=True, strategy="forward-mode"))


@case
def functional_hessian(t, x):
    A = t.autograd.functional
    f, a, b = lambda a, b: (a.sin() * b * a.sum()).sum(), x(3), x(3)
    return (A.hessian(f, (a, b), vectorize=True), A.hessian(f, (a, b)),
            A.hessian(f, (a, b), vectorize=True, outer_jacobian_strategy="forward-mode"))


@case
def dual_numbers(t, x):
    fw = t.autograd.forward_ad
    with fw.dual_level():
        a = fw.make_dual(x(3), x(3))
        return tuple(fw.unpack_dual(a.sin() * a.sum())), fw.unpack_dual(x(3)).primal


@case
def batched_cotangents(t, x):
    a = x(3).requires_grad_()
    y = a.sin() * a.sum()
    return t.autograd.grad(y, a, x(4, 3), is_grads_batched=True)


@case
def vmap_over_autograd_grad(t, x):
    a = x(3).requires_grad_()
    y = a.sin() * a.sum()
    return t.vmap(lambda v: t.autograd.grad(y, a, v, retain_graph=True))(x(4, 3))


@case
def autograd_grad_of_what_lanes_share(t, x):
    def f(v):
        w = t.ones(3, dtype=v.dtype).requires_grad_()
        return t.autograd.grad((w * v).exp().sum(), w)[0]

    return t.vmap(f)(x(4, 3)) if t is rl else t.stack([f(v) for v in x(4, 3)])


@case
def custom_function(t, x):
    class Cube(t.autograd.Function):
        generate_vmap_rule = True

        @staticmethod
        def forward(a):
            return a ** 3

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*inputs)

        @staticmethod
        def backward(ctx, g):
            a, = ctx.saved_tensors
            return 3 * a * a * g

    return (t.func.grad(lambda a: Cube.apply(a).sum())(x(3)),
            t.vmap(Cube.apply)(x(4, 3)),
            t.vmap(t.func.grad(lambda a: Cube.apply(a).sum()))(x(4, 3)),
            t.func.hessian(lambda a: Cube.apply(a).sum())(x(2)) if t is rl else
            t.func.jacrev(t.func.jacrev(lambda a: Cube.apply(a).sum()))(x(2)))


@pytest.mark.parametrize("name", CASES)
@pytest.mark.filterwarnings("ignore")
def test_same_as_torch(name: str) -> None:
    compare(CASES[name], torch)
