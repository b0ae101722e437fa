"""What one step does: recorded figures, the native kernel against NumPy, layouts, versions."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from typing import Any

import numpy as np
import pytest

import rushlight as rl
from rushlight.backends.cpu import jit
from rushlight.backends.cpu import multi_tensor as native
from rushlight.backends.host import multi_tensor as reference
from rushlight.optim import elementwise

# (class, options, parameters after three steps of `trained`), recorded from torch 2.13
RECORDED: list[tuple[str, dict[str, Any], list[float]]] = [
    ("SGD", {"lr": 0.1}, [0.9548749, -1.9097497, 0.3269368]),
    ("SGD", {"lr": 0.1, "momentum": 0.9}, [0.9327799, -1.8655598, 0.2279143]),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1},
     [0.815386, -1.630772, 0.0459034]),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.5, "maximize": True},
     [1.0402337, -2.0804675, 0.6725671]),
    ("Adam", {"lr": 0.1}, [0.7169648, -1.7166448, 0.2088101]),
    ("Adam", {"lr": 0.1, "amsgrad": True, "weight_decay": 0.1, "betas": (0.5, 0.7)},
     [0.6959932, -1.6960344, 0.196886]),
    ("AdamW", {"lr": 0.1}, [0.7142653, -1.7109489, 0.2076083]),
    ("RMSprop", {"momentum": 0.9, "centered": True}, [0.4590316, -1.4596021, -0.0280222]),
    ("Adagrad", {"lr_decay": 0.1}, [0.9743283, -1.9743304, 0.4750609]),
    ("Adadelta", {}, [0.987354, -1.9873416, 0.4878428]),
    ("Adamax", {}, [0.9953758, -1.9953758, 0.495132]),
    ("NAdam", {}, [0.9938599, -1.9938599, 0.494011]),
    ("RAdam", {}, [0.9996904, -1.9993807, 0.4986961]),
    ("ASGD", {}, [0.9954957, -1.9909914, 0.4827429]),
    ("Rprop", {}, [0.9636, -1.9636, 0.4636]),
]
MORE: list[tuple[str, dict[str, Any]]] = [
    ("Adam", {"betas": (0.0, 0.9)}),
    ("Adam", {"maximize": True, "decoupled_weight_decay": True, "weight_decay": 0.1}),
    ("RMSprop", {"weight_decay": 0.1, "maximize": True}),
    ("Adagrad", {"initial_accumulator_value": 0.3, "weight_decay": 0.1, "maximize": True}),
    ("Adadelta", {"weight_decay": 0.1, "maximize": True}),
    ("Adamax", {"weight_decay": 0.1, "maximize": True}),
    ("NAdam", {"weight_decay": 0.1, "decoupled_weight_decay": True, "maximize": True}),
    ("RAdam", {"betas": (0.9, 0.5), "weight_decay": 0.1, "maximize": True}),
    ("ASGD", {"t0": 1, "weight_decay": 0.1, "maximize": True}),
    ("Rprop", {"step_sizes": (1e-3, 0.011), "maximize": True}),
]
CASES = [(name, options) for name, options, _ in RECORDED] + MORE
needs_compiler = pytest.mark.skipif(
    jit.available() is not None, reason=f"no code generation: {jit.available()}")


def trained(name: str, options: dict[str, Any], dtype: Any = rl.float32) -> rl.Tensor:
    w = rl.nn.Parameter(rl.tensor([1.0, -2.0, 0.5], dtype=dtype))
    optimizer = getattr(rl.optim, name)([w], **options)
    for t in range(3):
        g = rl.tensor([0.1, -0.2, 0.3], dtype=dtype) * (t + 1) - 0.05 * w.detach()
        w.grad = g
        optimizer.step()
    return w.detach()


@pytest.fixture
def without_native(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elementwise.native, "update", lambda *_: False)


@pytest.mark.parametrize(("name", "options", "expected"), RECORDED)
def test_recorded(name: str, options: dict[str, Any], expected: list[float]) -> None:
    assert trained(name, options).tolist() == pytest.approx(expected, rel=1e-5, abs=2e-6)


@pytest.mark.parametrize(("name", "options", "expected"), RECORDED)
def test_recorded_on_numpy(
    name: str, options: dict[str, Any], expected: list[float], without_native: None
) -> None:
    assert trained(name, options).tolist() == pytest.approx(expected, rel=1e-5, abs=2e-6)


def random_job(shapes: list[tuple[int, ...]], optimizer: Any, dtype: str) -> tuple:
    """Arguments of `update`, equal for equal arguments."""
    random = np.random.default_rng(0)

    def arrays() -> list[np.ndarray]:
        return [np.asarray(random.standard_normal(s), dtype) for s in shapes]

    group = optimizer.param_groups[0]
    state = {name: [np.asarray(np.abs(a)) for a in arrays()]
             for name in optimizer._state_names(group)}
    counters = {name: [np.full((), 0.5 if name != "step" else 2.0, np.float32) for _ in shapes]
                for name in optimizer.counters}
    return (type(optimizer).rule, arrays(), arrays(), counters, state,
            optimizer._options(group))


@needs_compiler
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "options"), CASES)
def test_native_equals_reference(name: str, options: dict[str, Any], dtype: str) -> None:
    optimizer = getattr(rl.optim, name)([rl.nn.Parameter(rl.ones(1))], **options)
    shapes = [(3, 5), (), (0,), (37,), (2, 0, 3)]
    a, b = (random_job(shapes, optimizer, dtype) for _ in range(2))
    assert native.update(*a)
    reference.update(*b)
    tolerance = 2e-6 if dtype == "float32" else 1e-7  # counters are float32
    for mine, theirs in zip(chain(a[1], *a[3].values(), *a[4].values()),
                            chain(b[1], *b[3].values(), *b[4].values()), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=tolerance, atol=tolerance)


@needs_compiler
def test_large_tensors_are_shared_among_threads_without_seams() -> None:
    optimizer = rl.optim.Adam([rl.nn.Parameter(rl.ones(1))], amsgrad=True)
    shapes = [(0,), (300, 700), (5,), (70001,), (131072,), (0, 3)]
    a, b = (random_job(shapes, optimizer, "float32") for _ in range(2))
    for _ in range(2):
        assert native.update(*a)
        reference.update(*b)
    for mine, theirs in zip(a[1], b[1], strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-5)
    assert [float(step) for step in a[3]["step"]] == [4.0] * len(shapes)


@needs_compiler
@pytest.mark.parametrize("spoil", [
    lambda job: job[2].__setitem__(1, np.zeros((5, 3), np.float32).T),
    lambda job: job[2].__setitem__(1, np.zeros((3, 5), np.float64)),
    lambda job: job[2].__setitem__(1, np.zeros((3, 4), np.float32)),
    lambda job: job[1][1].setflags(write=False),
    lambda job: job[4]["exp_avg"].__setitem__(1, np.zeros((2, 5), np.float32)),
    lambda job: job[3]["step"].__setitem__(1, np.zeros(2, np.float32)),
    lambda job: job[4]["exp_avg"].__setitem__(1, 1.5),
    lambda job: job[2].__setitem__(1, None),
])
def test_what_does_not_fit_is_refused_before_anything_changes(
    spoil: Callable[[tuple], None]
) -> None:
    optimizer = rl.optim.Adam([rl.nn.Parameter(rl.ones(1))])
    job = random_job([(2,), (3, 5)], optimizer, "float32")
    spoil(job)
    before = [a.copy() for a in job[1]]
    assert not native.update(*job)
    assert all(np.array_equal(a, b) for a, b in zip(before, job[1], strict=True))
    assert float(job[3]["step"][0]) == 2.0


def test_strided_and_mixed_arrays_take_the_same_step() -> None:
    def make() -> list[rl.nn.Parameter]:
        return [rl.nn.Parameter(rl.arange(6.0).reshape(2, 3).t().contiguous()),
                rl.nn.Parameter(rl.arange(6.0, dtype=rl.float64).reshape(3, 2)),
                rl.nn.Parameter(rl.arange(6.0).reshape(2, 3).t())]

    params = make()
    optimizer = rl.optim.Adam(params, lr=0.1)
    for p in params:
        p.grad = rl.ones(2, 3, dtype=p.dtype).t()
    optimizer.step()
    for p, start in zip(params, make(), strict=True):
        assert p.detach().double().allclose(start.detach().double() - 0.1, atol=1e-6)


@pytest.mark.parametrize("dtype", [rl.float16, rl.bfloat16])
def test_half_types_step_in_float32(dtype: Any) -> None:
    assert trained("Adam", {"lr": 0.1}, dtype).tolist() == pytest.approx(
        [0.7169648, -1.7166448, 0.2088101], rel=0.03)


def test_complex_parameters_step_as_pairs() -> None:
    w = rl.nn.Parameter(rl.tensor([1 + 2j]))
    w.grad = rl.tensor([3 - 4j])
    rl.optim.Adam([w], lr=0.5).step()
    assert w.item() == pytest.approx(0.5 + 2.5j, rel=1e-4)


def test_parameters_join_when_they_first_have_a_gradient() -> None:
    a, b = (rl.nn.Parameter(rl.zeros(1)) for _ in range(2))
    optimizer = rl.optim.SGD([a, b], lr=1.0, momentum=0.5, dampening=0.5)
    a.grad = rl.ones(1)
    optimizer.step()
    b.grad = rl.ones(1)
    optimizer.step()  # a: buffer 0.5 * 1 + 0.5 * 1; b: buffer 1, its first
    assert (a.item(), b.item()) == (-2.0, -1.0)
    adam = rl.optim.Adam([a, b])
    a.grad = None
    adam.step()
    assert list(adam.state) == [b]


def test_lr_tensor_is_read_at_every_step() -> None:
    w = rl.nn.Parameter(rl.zeros(1))
    rate = rl.tensor(1.0)
    optimizer = rl.optim.SGD([w], lr=rate)
    w.grad = rl.ones(1)
    optimizer.step()
    rate.fill_(0.5)
    optimizer.step()
    assert w.item() == -1.5


def test_a_rate_of_zero_changes_nothing() -> None:
    w = rl.nn.Parameter(rl.ones(2))
    w.grad = rl.ones(2)
    rl.optim.Adam([w], lr=0.0).step()
    assert w.tolist() == [1.0, 1.0]


def test_a_step_counts_as_a_write_in_place() -> None:
    w = rl.nn.Parameter(rl.ones(2))
    loss = (w * w).sum()
    w.grad = rl.ones(2)
    rl.optim.SGD([w], lr=0.1).step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_differentiable_steps_carry_gradients() -> None:
    start = rl.tensor([2.0], dtype=rl.float64, requires_grad=True)

    def after_two_steps(x: rl.Tensor) -> rl.Tensor:
        w = x.clone()
        optimizer = rl.optim.SGD([w], lr=0.1, momentum=0.9, differentiable=True)
        for _ in range(2):
            (w.grad,) = rl.autograd.grad((w.clone() ** 3).sum(), w, create_graph=True)
            optimizer.step()
        return w

    assert rl.autograd.gradcheck(after_two_steps, (start,))
