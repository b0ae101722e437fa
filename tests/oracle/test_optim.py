"""Optimizers and schedules against torch: parameters, states and rates over several steps."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import rushlight as rl
from rushlight.backends.cpu import jit

torch = pytest.importorskip("torch")

BASE: list[dict[str, Any]] = [{}, {"weight_decay": 0.1}, {"maximize": True}]
CASES: dict[str, list[dict[str, Any]]] = {
    "SGD": [*BASE, {"lr": 0.1, "momentum": 0.9}, {"momentum": 0.9, "dampening": 0.3},
            {"momentum": 0.5, "nesterov": True, "weight_decay": 0.01, "maximize": True}],
    "Adam": [*BASE, {"amsgrad": True}, {"betas": (0.3, 0.6)}, {"betas": (0.0, 0.9), "eps": 1e-3},
             {"weight_decay": 0.1, "decoupled_weight_decay": True, "lr": 0.03}],
    "AdamW": [*BASE, {"amsgrad": True, "maximize": True}],
    "RMSprop": [*BASE, {"centered": True}, {"momentum": 0.9}, {"alpha": 0.5, "momentum": 0.5,
                "centered": True, "weight_decay": 0.1}],
    "Adagrad": [*BASE, {"lr_decay": 0.1, "initial_accumulator_value": 0.2}],
    "Adadelta": [*BASE, {"rho": 0.5, "lr": 0.3}],
    "Adamax": [*BASE, {"betas": (0.5, 0.7)}],
    "NAdam": [*BASE, {"momentum_decay": 0.1}, {"weight_decay": 0.1,
              "decoupled_weight_decay": True}],
    "RAdam": [*BASE, {"betas": (0.9, 0.5)}, {"weight_decay": 0.1,
              "decoupled_weight_decay": True}],
    "ASGD": [*BASE, {"t0": 2, "lambd": 0.01}],
    "Rprop": [{}, {"maximize": True}, {"etas": (0.3, 1.5), "step_sizes": (1e-3, 0.02)}],
}
SHAPES = [(3, 4), (17,), (), (2, 1, 5)]


def arrays(dtype: str, seed: int) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    return [np.asarray(random.standard_normal(shape), dtype) for shape in SHAPES]


def made(library: Any, name: str, options: dict[str, Any], dtype: str) -> tuple[list, Any]:
    params = [library.nn.Parameter(library.tensor(a)) for a in arrays(dtype, 0)]
    groups = [{"params": params[:2]}, {"params": params[2:], "lr": 0.02}]
    return params, getattr(library.optim, name)(groups, **options)


def advance(library: Any, params: list, optimizer: Any, dtype: str, steps: range) -> None:
    for step in steps:
        for i, (p, g) in enumerate(zip(params, arrays(dtype, step + 1), strict=True)):
            p.grad = None if (i == 1 and step == 1) else library.tensor(g)
        optimizer.step()


def assert_same(ours: Any, theirs: Any, dtype: str, where: str = "") -> None:
    """Equal structures; float32 to the accuracy of torch's own square root."""
    tolerance = {"rtol": 2e-4, "atol": 1e-5} if dtype == "float32" else {"rtol": 1e-7,
                                                                         "atol": 1e-9}
    if isinstance(theirs, dict):
        assert ours.keys() == theirs.keys(), where
        for key in theirs:
            assert_same(ours[key], theirs[key], dtype, f"{where}/{key}")
    elif isinstance(theirs, (list, tuple)):
        assert len(ours) == len(theirs), where
        for i, (a, b) in enumerate(zip(ours, theirs, strict=True)):
            assert_same(a, b, dtype, f"{where}/{i}")
    elif isinstance(theirs, torch.Tensor):
        a, b = ours.detach().numpy(), theirs.detach().numpy()
        assert a.dtype == b.dtype and a.shape == b.shape, where
        np.testing.assert_allclose(a, b, **tolerance, err_msg=where)
    else:
        assert ours == theirs, where


def as_ours(value: Any) -> Any:
    """A state of torch's with our tensors."""
    if isinstance(value, torch.Tensor):
        return rl.tensor(value.detach().numpy())
    if isinstance(value, dict):
        return {key: as_ours(x) for key, x in value.items()}
    return [as_ours(x) for x in value] if isinstance(value, list) else value


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("name", "options"), [(name, o) for name, cases in CASES.items() for o in cases])
def test_steps_and_states(name: str, options: dict[str, Any], dtype: str) -> None:
    our_params, ours = made(rl, name, options, dtype)
    their_params, theirs = made(torch, name, options, dtype)
    advance(rl, our_params, ours, dtype, range(5))
    advance(torch, their_params, theirs, dtype, range(5))
    assert_same(our_params, their_params, dtype)
    assert_same(ours.state_dict(), theirs.state_dict(), dtype)
    # A state of torch's continues here.
    our_params, ours = made(rl, name, options, dtype)
    for p, q in zip(our_params, their_params, strict=True):
        p.data = rl.tensor(q.detach().numpy().copy())
    ours.load_state_dict(as_ours(copy.deepcopy(theirs.state_dict())))
    advance(rl, our_params, ours, dtype, range(5, 9))
    advance(torch, their_params, theirs, dtype, range(5, 9))
    assert_same(our_params, their_params, dtype)


@pytest.mark.parametrize("name", sorted(CASES))
def test_signatures_and_representations(name: str) -> None:
    _, ours = made(rl, name, {}, "float32")
    _, theirs = made(torch, name, {}, "float32")
    assert ours.defaults == theirs.defaults and repr(ours) == repr(theirs)


@pytest.mark.skipif(jit.available() is not None, reason="NumPy has no fused multiply-add")
@pytest.mark.parametrize("options", [{"momentum": 0.9, "weight_decay": 0.01},
                                     {"momentum": 0.5, "nesterov": True}, {}])
def test_sgd_is_equal_to_the_bit(options: dict[str, Any]) -> None:
    our_params, ours = made(rl, "SGD", options, "float32")
    their_params, theirs = made(torch, "SGD", options, "float32")
    advance(rl, our_params, ours, "float32", range(5))
    advance(torch, their_params, theirs, "float32", range(5))
    for p, q in zip(our_params, their_params, strict=True):
        assert np.array_equal(p.detach().numpy(), q.detach().numpy())


SCHEDULES: list[tuple[str, dict[str, Any]]] = [
    ("StepLR", {"step_size": 3}),
    ("CosineAnnealingLR", {"T_max": 5, "eta_min": 0.01}),
    ("LambdaLR", {"lr_lambda": [lambda e: 0.9 ** e, lambda e: 1 / (1 + e)]}),
    ("MultiplicativeLR", {"lr_lambda": lambda e: 0.9}),
    ("MultiStepLR", {"milestones": [2, 2, 5]}),
    ("ConstantLR", {}),
    ("LinearLR", {"end_factor": 0.5, "total_iters": 7}),
    ("ExponentialLR", {"gamma": 0.9}),
    ("PolynomialLR", {"power": 2.0}),
    ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 4}),
    ("CyclicLR", {"base_lr": 0.01, "max_lr": [0.1, 0.2], "step_size_up": 4, "step_size_down": 2,
                  "mode": "exp_range", "gamma": 0.9}),
    ("CosineAnnealingWarmRestarts", {"T_0": 3, "T_mult": 2}),
    ("OneCycleLR", {"max_lr": 0.1, "total_steps": 20}),
    ("OneCycleLR", {"max_lr": [0.1, 0.2], "epochs": 4, "steps_per_epoch": 5, "three_phase": True,
                    "anneal_strategy": "linear"}),
]


def scheduled(library: Any) -> Any:
    params = [library.nn.Parameter(library.ones(1)) for _ in range(2)]
    return library.optim.SGD(
        [{"params": params[:1]}, {"params": params[1:], "lr": 0.2}], lr=0.1, momentum=0.9)


@pytest.mark.parametrize(("name", "options"), SCHEDULES)
def test_schedules(name: str, options: dict[str, Any]) -> None:
    optimizers = [scheduled(library) for library in (rl, torch)]
    ours, theirs = (
        getattr(library.optim.lr_scheduler, name)(optimizer, **options)
        for library, optimizer in zip((rl, torch), optimizers, strict=True))
    for _ in range(19):
        assert ours.get_last_lr() == theirs.get_last_lr()
        states = [s.state_dict() for s in (ours, theirs)]
        states[1].pop("_scale_fn_ref", None)
        assert states[0] == states[1]
        assert optimizers[0].param_groups[1]["momentum"] == (
            optimizers[1].param_groups[1]["momentum"])
        for thing in (*optimizers, ours, theirs):
            thing.step()


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("threshold_mode", ["rel", "abs"])
def test_plateau(mode: str, threshold_mode: str) -> None:
    ours, theirs = (
        library.optim.lr_scheduler.ReduceLROnPlateau(
            scheduled(library), mode, patience=2, cooldown=1, threshold=0.01,
            threshold_mode=threshold_mode)
        for library in (rl, torch))
    for i in range(40):
        metric = float(np.sin(i / 7) + (i % 5) * 0.01)
        ours.step(metric)
        theirs.step(metric)
        assert ours.state_dict() == theirs.state_dict()


def test_composed_schedules() -> None:
    def sequential(library: Any) -> Any:
        optimizer, s = scheduled(library), library.optim.lr_scheduler
        return s.SequentialLR(optimizer, [
            s.ConstantLR(optimizer), s.CosineAnnealingLR(optimizer, 5),
            s.ExponentialLR(optimizer, 0.9)], [3, 8])

    def chained(library: Any) -> Any:
        optimizer, s = scheduled(library), library.optim.lr_scheduler
        return s.ChainedScheduler([s.ConstantLR(optimizer), s.ExponentialLR(optimizer, 0.9)])

    for make in (sequential, chained):
        ours, theirs = make(rl), make(torch)
        for _ in range(15):
            assert ours.get_last_lr() == theirs.get_last_lr()
            assert ours.state_dict() == theirs.state_dict()
            for scheduler in (ours, theirs):
                scheduler.optimizer.step()
                scheduler.step()
