"""Every scheduler of the learning rate: sequences, momenta, resumed states and errors."""

from __future__ import annotations

import copy
import itertools
import warnings
from collections.abc import Callable
from typing import Any

import pytest

import rushlight as rl

torch = pytest.importorskip("torch")

from .libraries import assert_same, run_both  # noqa: E402

Make = Callable[[Any, Any], Any]  # from the module of schedulers and an optimizer


def product(make: Callable[..., Make], *choices: Any) -> list[Make]:
    return [make(*given) for given in itertools.product(*choices)]


MAKERS: list[Make] = [
    *product(lambda n, g: lambda s, o: s.StepLR(o, n, g), (1, 3), (0.1, 0.5)),
    lambda s, o: s.MultiStepLR(o, [2, 5, 5, 7], 0.3),
    *product(lambda f, n: lambda s, o: s.ConstantLR(o, f, n), (0.5, 1.0), (1, 4)),
    *product(lambda a, n: lambda s, o: s.LinearLR(o, a, 0.9, n), (0.1, 1.0), (3, 20)),
    lambda s, o: s.ExponentialLR(o, 0.9),
    *product(lambda n, least: lambda s, o: s.CosineAnnealingLR(o, n, least), (3, 20), (0, 0.01)),
    *product(lambda p: lambda s, o: s.PolynomialLR(o, 7, p), (0.5, 1.0, 2.0)),
    lambda s, o: s.LambdaLR(o, [lambda e: 0.9**e, lambda e: 1 / (e + 1)]),
    lambda s, o: s.MultiplicativeLR(o, [lambda e: 0.95, lambda e: 1 - e / 100]),
    *product(lambda n, m: lambda s, o: s.CosineAnnealingWarmRestarts(o, n, m), (2, 5), (1, 2)),
    *product(lambda mode, cycled, gamma, down: lambda s, o: s.CyclicLR(
        o, 0.01, 0.1, 4, down, mode, gamma, cycle_momentum=cycled),
        ("triangular", "triangular2", "exp_range"), (True, False), (1.0, 0.99), (None, 3)),
    lambda s, o: s.CyclicLR(o, 0.01, 0.1, 4, scale_fn=lambda x: 0.5**x, scale_mode="cycle"),
    *product(lambda how, three, cycled: lambda s, o: s.OneCycleLR(
        o, 0.5, total_steps=25, anneal_strategy=how, three_phase=three, cycle_momentum=cycled),
        ("cos", "linear"), (True, False), (True, False)),
    lambda s, o: s.OneCycleLR(o, [0.5, 0.7], epochs=5, steps_per_epoch=5, div_factor=10),
    lambda s, o: s.OneCycleLR(o, 0.5, total_steps=5),  # is driven beyond its end: an error
    *product(lambda mode, kind, rest, least: lambda s, o: s.ReduceLROnPlateau(
        o, mode, 0.5, 2, 0.05, kind, rest, least, 1e-4),
        ("min", "max"), ("rel", "abs"), (0, 2), (0, [0.01, 0.05])),
    lambda s, o: s.ChainedScheduler([s.ConstantLR(o, 0.1, 2), s.ExponentialLR(o, 0.9)]),
    lambda s, o: s.SequentialLR(o, [s.LinearLR(o, 0.1, total_iters=4), s.CosineAnnealingLR(o, 6),
                                    s.ConstantLR(o, 0.3, 2)], [4, 8]),
    lambda s, o: s.SequentialLR(o, [s.ConstantLR(o), s.CosineAnnealingWarmRestarts(o, 3)], [4]),
    lambda s, o: s.CyclicLR(o, 0.1, 0.2, mode="x"),
    lambda s, o: s.OneCycleLR(o, 0.5),
    lambda s, o: s.OneCycleLR(o, 0.5, total_steps=5, pct_start=2.0),
    lambda s, o: s.ReduceLROnPlateau(o, factor=1.5),
    lambda s, o: s.CosineAnnealingWarmRestarts(o, 0),
    lambda s, o: s.LinearLR(o, 0.0),
    lambda s, o: s.ConstantLR(o, 1.5),
    lambda s, o: s.LambdaLR(o, [lambda e: 1]),
    lambda s, o: s.SequentialLR(o, [s.ConstantLR(o)], [3]),
    lambda s, o: s.ChainedScheduler([]),
    lambda s, o: s.StepLR(o, 2, last_epoch=3),
]
LOSSES = [1, 0.9, 0.8, 0.85, 0.84, 0.83, 0.82, 0.9, 0.99, 0.5, 0.49, *[0.5] * 9,
          float("nan"), 0.4, 0.4]


def optimizer_of(library: Any) -> Any:
    params = [library.nn.Parameter(library.ones(2)) for _ in range(2)]
    for p in params:
        p.grad = library.ones(2)
    return library.optim.SGD(
        [{"params": [p], "lr": 0.1 * (i + 1)} for i, p in enumerate(params)], momentum=0.9)


def driven(library: Any, make: Make) -> list[Any]:
    """Rates and momenta step by step, those after a resume in the middle, warnings, keys."""
    schedulers = library.optim.lr_scheduler
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        optimizer = optimizer_of(library)
        scheduler = make(schedulers, optimizer)
        fresh = optimizer_of(library)
        resumed = make(schedulers, fresh)
        record: list[Any] = []
        for i, loss in enumerate(LOSSES):
            _advance(optimizer, scheduler, loss)
            record.append([(float(g["lr"]), g["momentum"]) for g in optimizer.param_groups])
            record.append([float(rate) for rate in scheduler.get_last_lr()])
            if i > 10:
                _advance(fresh, resumed, loss)
                record.append([float(g["lr"]) for g in fresh.param_groups])
            elif i == 10:
                resumed.load_state_dict(copy.deepcopy(scheduler.state_dict()))
                fresh.load_state_dict(optimizer.state_dict())
    record.append(sorted(scheduler.state_dict()))
    record.append([(w.category.__name__, str(w.message)[:40]) for w in warned])
    return record


def _advance(optimizer: Any, scheduler: Any, loss: float) -> None:
    optimizer.step()
    if type(scheduler).__name__ == "ReduceLROnPlateau":
        scheduler.step(loss)
    else:
        scheduler.step()


@pytest.mark.parametrize("make", MAKERS)
def test_sequence(make: Make) -> None:
    results = run_both(lambda: driven(rl, make), lambda: driven(torch, make))
    if results is not None:
        assert_same(*results)
