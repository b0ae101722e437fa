"""Schedules: recorded rates, chaining, states, warnings."""

from __future__ import annotations

import types
import warnings
from typing import Any

import pytest

import rushlight as rl
from rushlight.optim import lr_scheduler as schedulers

# (class, options, rates of eight epochs), recorded from torch 2.13
RECORDED: list[tuple[str, dict[str, Any], list[float]]] = [
    ("StepLR", {"step_size": 3}, [0.1, 0.1, 0.1, 0.01, 0.01, 0.01, 0.001, 0.001]),
    ("CosineAnnealingLR", {"T_max": 5, "eta_min": 0.01},
     [0.1, 0.09140576, 0.06890576, 0.04109424, 0.01859424, 0.01, 0.01859424, 0.04109424]),
    ("MultiStepLR", {"milestones": [2, 2, 5]},
     [0.1, 0.1, 0.001, 0.001, 0.001, 0.0001, 0.0001, 0.0001]),
    ("ConstantLR", {}, [0.03333333] * 5 + [0.1] * 3),
    ("LinearLR", {}, [0.03333333, 0.04666667, 0.06, 0.07333333, 0.08666667, 0.1, 0.1, 0.1]),
    ("ExponentialLR", {"gamma": 0.9},
     [0.1, 0.09, 0.081, 0.0729, 0.06561, 0.059049, 0.0531441, 0.04782969]),
    ("PolynomialLR", {"power": 2.0}, [0.1, 0.064, 0.036, 0.016, 0.004, 0.0, 0.0, 0.0]),
    ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 3, "mode": "triangular2"},
     [0.01, 0.04, 0.07, 0.1, 0.07, 0.04, 0.01, 0.025]),
    ("CosineAnnealingWarmRestarts", {"T_0": 2, "T_mult": 2},
     [0.1, 0.05, 0.1, 0.08535534, 0.05, 0.01464466, 0.1, 0.09619398]),
    ("OneCycleLR", {"max_lr": 0.1, "total_steps": 10},
     [0.004, 0.052, 0.1, 0.09504846, 0.08117457, 0.0611262, 0.0388742, 0.01882583]),
    ("LambdaLR", {"lr_lambda": lambda epoch: 0.5 ** epoch}, [0.1 * 0.5 ** i for i in range(8)]),
    ("MultiplicativeLR", {"lr_lambda": lambda epoch: 0.5}, [0.1 * 0.5 ** i for i in range(8)]),
]


def sgd(**options: Any) -> Any:
    return rl.optim.SGD([rl.nn.Parameter(rl.ones(1))], **({"lr": 0.1, "momentum": 0.9} | options))


def rates(optimizer: Any, scheduler: Any, epochs: int = 8) -> list[float]:
    found = []
    for _ in range(epochs):
        found.append(float(scheduler.get_last_lr()[0]))
        optimizer.step()
        scheduler.step()
    return found


@pytest.mark.parametrize(("name", "options", "expected"), RECORDED)
def test_recorded(name: str, options: dict[str, Any], expected: list[float]) -> None:
    optimizer = sgd()
    found = rates(optimizer, getattr(schedulers, name)(optimizer, **options))
    assert found == pytest.approx(expected, rel=1e-6, abs=1e-8)


@pytest.mark.parametrize(("name", "options", "expected"), RECORDED)
def test_a_tensor_rate_is_set_in_place(
    name: str, options: dict[str, Any], expected: list[float]
) -> None:
    rate = rl.tensor(0.1)
    optimizer = sgd(lr=rate)
    found = rates(optimizer, getattr(schedulers, name)(optimizer, **options))
    assert found == pytest.approx(expected, rel=1e-5, abs=1e-8)
    if name != "OneCycleLR":
        assert optimizer.param_groups[0]["lr"] is rate


@pytest.mark.parametrize(("name", "options", "expected"), RECORDED)
def test_continues_from_a_state(name: str, options: dict[str, Any], expected: list[float]) -> None:
    optimizer = sgd()
    scheduler = getattr(schedulers, name)(optimizer, **options)
    rates(optimizer, scheduler, 3)
    other = sgd()
    resumed = getattr(schedulers, name)(other, **options)
    other.load_state_dict(optimizer.state_dict())
    resumed.load_state_dict(scheduler.state_dict())
    assert rates(other, resumed, 5) == pytest.approx(expected[3:], rel=1e-6, abs=1e-8)


def test_momentum_cycles_against_the_rate() -> None:
    optimizer = sgd()
    scheduler = schedulers.OneCycleLR(optimizer, max_lr=1.0, total_steps=10)
    rates(optimizer, scheduler, 2)
    assert optimizer.param_groups[0]["momentum"] == pytest.approx(0.85)
    adam = rl.optim.Adam([rl.nn.Parameter(rl.ones(1))])
    schedulers.CyclicLR(adam, 0.1, 1.0)
    assert adam.param_groups[0]["betas"] == (0.9, 0.999)
    with pytest.raises(ValueError, match="must support momentum or beta1"):
        schedulers.CyclicLR(rl.optim.Adagrad([rl.nn.Parameter(rl.ones(1))]), 0.1, 1.0)


def test_plateau() -> None:
    optimizer = sgd()
    scheduler = schedulers.ReduceLROnPlateau(optimizer, patience=1, cooldown=1, min_lr=0.002)
    found = []
    for metric in (1.0, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, rl.tensor(0.9), 0.9):
        scheduler.step(metric)
        found.append(scheduler.get_last_lr()[0])
    assert found == pytest.approx([0.1] * 3 + [0.01] * 3 + [0.002] * 4)
    best = schedulers.ReduceLROnPlateau(optimizer, "max", threshold_mode="abs", threshold=0.5)
    best.step(1.0)
    best.step(1.4)
    assert (best.best, best.num_bad_epochs) == (1.0, 1)


def test_sequential_and_chained() -> None:
    optimizer = sgd()
    sequential = schedulers.SequentialLR(
        optimizer,
        [schedulers.ConstantLR(optimizer, 0.5, 9), schedulers.ExponentialLR(optimizer, 0.1)], [2])
    assert rates(optimizer, sequential, 4) == pytest.approx([0.05, 0.05, 0.1, 0.01])
    optimizer = sgd()
    chained = schedulers.ChainedScheduler(
        [schedulers.ConstantLR(optimizer, 0.5, 2), schedulers.ExponentialLR(optimizer, 0.1)])
    assert rates(optimizer, chained, 3) == pytest.approx([0.05, 0.005, 0.001])
    state = chained.state_dict()
    chained.load_state_dict(state)
    assert "_schedulers" in state


@pytest.mark.parametrize(("make", "error", "message"), [
    (lambda o: schedulers.StepLR(3, 1), TypeError, "int is not an Optimizer"),
    (lambda o: schedulers.StepLR(o, 1, last_epoch=3), KeyError, "'initial_lr' is not specified"),
    (lambda o: schedulers.LambdaLR(o, [abs, abs]), ValueError, "Expected 1 lr_lambdas, but got 2"),
    (lambda o: schedulers.MultiplicativeLR(o, 3), TypeError, "lr_lambda should be a function"),
    (lambda o: schedulers.ConstantLR(o, 2.0), ValueError, "expected to be between 0 and 1"),
    (lambda o: schedulers.LinearLR(o, 0.0), ValueError, "Starting multiplicative factor"),
    (lambda o: schedulers.LinearLR(o, end_factor=2.0), ValueError, "Ending multiplicative factor"),
    (lambda o: schedulers.ReduceLROnPlateau(o, factor=1.0), ValueError, "Factor should be < 1.0"),
    (lambda o: schedulers.ReduceLROnPlateau(o, "x"), ValueError, "mode x is unknown!"),
    (lambda o: schedulers.CosineAnnealingWarmRestarts(o, 0), ValueError, "positive integer T_0"),
    (lambda o: schedulers.OneCycleLR(o, 1.0), ValueError, "You must define either total_steps"),
    (lambda o: schedulers.OneCycleLR(o, 1.0, 0), ValueError, "Expected positive integer"),
    (lambda o: schedulers.OneCycleLR(o, 1.0, 9, pct_start=2), ValueError, "between 0 and 1"),
    (lambda o: schedulers.CyclicLR(o, 1.0, 2.0, mode="x"), ValueError, "mode is invalid"),
    (lambda o: schedulers.CyclicLR(o, [1.0, 2.0], 2.0), ValueError, "must have the same length"),
    (lambda o: schedulers.SequentialLR(o, [], []), ValueError, "at least one scheduler"),
    (lambda o: schedulers.SequentialLR(o, [schedulers.StepLR(o, 1)], [1]), ValueError,
     "Sequential Schedulers expects number of schedulers"),
    (lambda o: schedulers.ChainedScheduler([schedulers.StepLR(o, 1), schedulers.StepLR(sgd(), 1)]),
     ValueError, "expects all schedulers to belong to the same optimizer"),
    (lambda o: schedulers.ChainedScheduler([schedulers.ReduceLROnPlateau(o)]), ValueError,
     "does not support `ReduceLROnPlateau`"),
])
def test_errors(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make(sgd())


def test_one_cycle_ends() -> None:
    optimizer = sgd()
    scheduler = schedulers.OneCycleLR(optimizer, max_lr=1.0, total_steps=2)
    with pytest.raises(ValueError, match="Tried to step 3 times"):
        rates(optimizer, scheduler, 3)


def test_warnings() -> None:
    optimizer = sgd()
    scheduler = schedulers.StepLR(optimizer, 1)
    with pytest.warns(UserWarning, match="`lr_scheduler.step\\(\\)` before `optimizer.step\\(\\)`"):
        scheduler.step()
    with pytest.warns(UserWarning, match="please use `get_last_lr\\(\\)`"):
        scheduler.get_lr()
    with pytest.warns(UserWarning, match="epoch parameter in `scheduler.step\\(\\)`"):
        scheduler.step(5)
    optimizer = sgd()
    scheduler = schedulers.StepLR(optimizer, 1)
    optimizer.step = types.MethodType(lambda self: None, optimizer)
    with pytest.warns(UserWarning, match="has been overridden after"):
        scheduler.step()
    optimizer = sgd()
    scheduler = schedulers.StepLR(optimizer, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rates(optimizer, scheduler, 3)
