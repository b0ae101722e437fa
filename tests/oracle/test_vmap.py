"""vmap side by side with torch's: the same programs, the same numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .programs import compare

torch = pytest.importorskip("torch")

CASES: dict[str, Callable[[Any, Any], Any]] = {}


def case(program: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Register a program of (torch or rushlight, a maker of its tensors)."""
    CASES[program.__name__] = program
    return program


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
def batch_norm_without_running_statistics(t, x):
    net = t.nn.Sequential(t.nn.Linear(3, 4), t.nn.BatchNorm1d(4)).double()
    t.func.replace_all_batch_norm_modules_(net)
    own = {name: x(*p.shape) for name, p in net.named_parameters()}

    def loss(parameters, samples):
        return (t.func.functional_call(net, parameters, (samples,)) ** 3).sum()

    return t.vmap(t.func.grad(loss), in_dims=(None, 0))(own, x(3, 5, 3))


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


@pytest.mark.parametrize("name", CASES)
@pytest.mark.filterwarnings("ignore")
def test_same_as_torch(name: str) -> None:
    compare(CASES[name], torch)
