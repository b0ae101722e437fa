"""Function transforms side by side with torch's: the same programs, the same numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rushlight as rl

torch = pytest.importorskip("torch")

CASES: dict[str, Callable[[Any, Any], Any]] = {}


def case(program: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Register a program of (torch or rushlight, a maker of its tensors)."""
    CASES[program.__name__] = program
    return program


def maker(t: Any) -> Callable[..., Any]:
    random = np.random.default_rng(0)

    def make(*shape: int) -> Any:
        return t.from_numpy(random.uniform(-1, 1, shape).astype(np.float64).reshape(shape))

    return make


def arrays(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [x for key in sorted(value) for x in arrays(value[key])]
    if isinstance(value, tuple | list):
        return [x for item in value for x in arrays(item)]
    return [value.detach().numpy() if hasattr(value, "detach") else value]


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


# ---- vmap


@case
def vmap_of_dot(t, x):
    return t.vmap(t.dot)(x(4, 3), x(4, 3))


@case
def vmap_over_other_dimensions(t, x):
    return t.vmap(lambda a, b: a @ b, in_dims=(1, -1), out_dims=1)(x(3, 4), x(3, 2, 4))


@case
def vmap_with_none(t, x):
    return t.vmap(lambda a, b: (a * b, b.sum()), in_dims=(None, 0))(x(3), x(4, 3))


@case
def vmap_of_structures(t, x):
    return t.vmap(lambda p, q: {"y": p["a"] * q, "z": [p["b"].sum()]},
                  in_dims=({"a": 0, "b": None}, 1))({"a": x(4, 3), "b": x(2)}, x(3, 4))


@case
def vmap_with_out_dims_of_structure(t, x):
    return t.vmap(lambda a: (a, a.sum()), out_dims=(1, 0))(x(4, 3))


@case
def vmap_with_keywords(t, x):
    return t.vmap(lambda a, scale: a * scale)(x(4, 3), scale=x(3))


@case
def vmap_in_chunks(t, x):
    return t.vmap(lambda a: a.cumsum(0), chunk_size=3)(x(7, 3))


@case
def vmap_of_vmap(t, x):
    return t.vmap(t.vmap(lambda a, b: (a * b).sum(), in_dims=(None, 0)), in_dims=(0, None))(
        x(3, 2), x(4, 2))


@case
def three_vmaps(t, x):
    return t.vmap(t.vmap(t.vmap(lambda a: t.softmax(a, 0))), in_dims=1)(x(2, 3, 4, 5))


@case
def vmap_returns_what_is_not_batched(t, x):
    return t.vmap(lambda a: (a, t.ones(2)))(x(3, 2))


@case
def vmap_of_grad(t, x):
    return t.vmap(t.func.grad(lambda w, a: (w * a).sum().exp()), in_dims=(None, 0))(x(3), x(5, 3))


@case
def grad_of_vmap(t, x):
    return t.func.grad(lambda w: t.vmap(lambda a: (w * a).sum().exp())(x(5, 3)).sum())(x(3))


@case
def vmap_of_jvp(t, x):
    return t.vmap(lambda a, v: t.func.jvp(lambda b: b.sin() * b.sum(), (a,), (v,)))(
        x(5, 3), x(5, 3))


@case
def jvp_of_vmap(t, x):
    return t.func.jvp(t.vmap(lambda a: a.sin() * a.sum()), (x(5, 3),), (x(5, 3),))


@case
def vmap_of_grad_of_grad(t, x):
    return t.vmap(t.func.grad(t.func.grad(lambda a: a.sin() * a)))(x(5))


@case
def grad_of_vmap_of_grad(t, x):
    inner = t.vmap(t.func.grad(lambda a, w: (a * w) ** 3), in_dims=(0, None))
    return t.func.grad(lambda w: inner(x(5), w).sum())(x())


@case
def vmap_of_convolution(t, x):
    return t.vmap(t.nn.functional.conv2d, in_dims=(0, None))(x(3, 2, 3, 5, 5), x(4, 3, 3, 3))


@case
def vmap_of_convolution_weights(t, x):
    return t.vmap(lambda a, w, b: t.nn.functional.conv2d(a, w, b, padding=1, groups=2))(
        x(3, 2, 4, 5, 5), x(3, 4, 2, 3, 3), x(3, 4))


@case
def vmap_with_writes_in_place(t, x):
    def f(a, b):
        c = a.clone()
        c[0] = b.sum()
        c[1:].mul_(2)
        c.add_(b)
        return c

    return t.vmap(f)(x(4, 3), x(4, 3))


@case
def vmap_writes_to_its_argument(t, x):
    a = x(4, 3)
    t.vmap(lambda row: row.mul_(2))(a)
    return a


@case
def vmap_of_indexing(t, x):
    i = t.tensor([[0, 2], [1, 1]])
    return t.vmap(lambda a, j: (a[j], a[None, 1], a[..., :2], t.gather(a, 0, j)))(x(2, 3), i)


@case
def vmap_of_reductions(t, x):
    return t.vmap(lambda a: (a.sum(), a.mean(1), a.max(0).values, a.argmax(), a.var(-1),
                             a.norm(), t.logsumexp(a, 0), a.amax((0, 1)), a.std()))(x(4, 3, 2))


@case
def vmap_of_joins(t, x):
    return t.vmap(lambda a, b: (t.cat([a, b]), t.stack([a, b], -1), t.cat([b, a], 0)),
                  in_dims=(0, None))(x(4, 3), x(3))


@case
def vmap_of_linalg(t, x):
    def f(a, b):
        return t.linalg.solve(a, b), t.linalg.det(a), t.einsum("ij,jk->ik", a, b)

    return t.vmap(f)(x(4, 3, 3), x(4, 3, 2))


@case
def vmap_of_promotion(t, x):
    return t.vmap(lambda a, b: a * b)(x(4).float(), x(3, 4).mT) + 0


@case
def per_sample_gradients(t, x):
    net = t.nn.Sequential(t.nn.Linear(3, 4), t.nn.Tanh(), t.nn.Linear(4, 2)).double()
    own = {name: x(*p.shape) for name, p in net.named_parameters()}

    def loss(parameters, sample, target):
        out = t.func.functional_call(net, parameters, (sample.unsqueeze(0),))
        return t.nn.functional.cross_entropy(out, target.unsqueeze(0))

    targets = t.tensor([0, 1, 1, 0, 1])
    return t.vmap(t.func.grad(loss), in_dims=(None, 0, 0))(own, x(5, 3), targets)


@case
def ensemble_of_models(t, x):
    nets = [t.nn.Sequential(t.nn.Linear(3, 4), t.nn.ReLU(), t.nn.Linear(4, 2)).double()
            for _ in range(3)]
    for net in nets:
        for p in net.parameters():
            p.data = x(*p.shape)
    parameters, buffers = t.func.stack_module_state(nets)
    return t.vmap(lambda p, b, a: t.func.functional_call(nets[0], (p, b), (a,)),
                  in_dims=(0, 0, None))(parameters, buffers, x(5, 3))


@case
def convolutional_per_sample_gradients(t, x):
    net = t.nn.Sequential(t.nn.Conv2d(1, 2, 3), t.nn.ReLU(), t.nn.MaxPool2d(2), t.nn.Flatten(),
                          t.nn.Linear(8, 2), t.nn.LogSoftmax(-1)).double()
    own = {name: x(*p.shape) for name, p in net.named_parameters()}

    def loss(parameters, sample):
        return t.func.functional_call(net, parameters, (sample[None],))[0, 1]

    return t.vmap(t.func.grad(loss), in_dims=(None, 0))(own, x(3, 1, 6, 6))


@case
def attention_and_layer_norm(t, x):
    F = t.nn.functional

    def f(q, k, v):
        return F.layer_norm(F.scaled_dot_product_attention(q, k, v), (4,))

    return t.vmap(f)(x(3, 2, 5, 4), x(3, 2, 5, 4), x(3, 2, 5, 4))


# ---- randomness


@case
def same_noise(t, x):
    t.manual_seed(0)
    return t.vmap(lambda a: a + t.randn(3), randomness="same")(x(4, 3))


@case
def different_noise(t, x):
    t.manual_seed(0)
    return t.vmap(lambda a: a + t.randn(3) + t.rand(3), randomness="different")(x(4, 3))


@case
def different_noise_of_lanes(t, x):
    t.manual_seed(0)
    return t.vmap(lambda a: t.rand_like(a) + t.bernoulli(a.abs()), randomness="different")(x(4, 3))


@case
def different_dropout(t, x):
    t.manual_seed(0)
    return t.vmap(lambda a: t.nn.functional.dropout(a, 0.5), randomness="different")(x(4, 3))


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
    expected = arrays(CASES[name](torch, maker(torch)))
    found = arrays(CASES[name](rl, maker(rl)))
    assert len(found) == len(expected)
    for own, other in zip(found, expected, strict=True):
        assert getattr(own, "dtype", None) == getattr(other, "dtype", None)
        np.testing.assert_allclose(own, other, rtol=1e-6, atol=1e-9)


# ---- errors


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
