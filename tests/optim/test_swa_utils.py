"""Averaged models and the schedule that goes with them."""

from __future__ import annotations

from typing import Any

import pytest

import rushlight as rl
from rushlight.optim import swa_utils


def updated(average: swa_utils.AveragedModel, model: Any, values: tuple[float, ...]) -> float:
    for value in values:
        rl.nn.init.constant_(model.weight, value)
        average.update_parameters(model)
    return average.module.weight.item()


@pytest.mark.parametrize(("options", "expected"), [
    ({}, 3.0),
    ({"avg_fn": swa_utils.get_swa_avg_fn()}, 3.0),
    ({"multi_avg_fn": swa_utils.get_ema_multi_avg_fn(0.5)}, 3.75),
    ({"avg_fn": swa_utils.get_ema_avg_fn(0.5)}, 3.75),
    ({"avg_fn": lambda average, new, count: average + new * count}, 1.0 + 2.0 + 12.0),
])
def test_averages(options: dict[str, Any], expected: float) -> None:
    model = rl.nn.Linear(1, 1, bias=False)
    average = swa_utils.AveragedModel(model, **options)
    assert updated(average, model, (1.0, 2.0, 6.0)) == pytest.approx(expected)
    assert average.n_averaged.item() == 3
    assert average(rl.ones(1, 1)).item() == pytest.approx(expected)


@pytest.mark.parametrize("use_buffers", [False, True])
def test_buffers_are_copied_or_averaged(use_buffers: bool) -> None:
    model = rl.nn.BatchNorm1d(1)
    average = swa_utils.AveragedModel(model, use_buffers=use_buffers)
    for value in (1.0, 3.0):
        model.running_mean.fill_(value)
        average.update_parameters(model)
    assert average.module.running_mean.item() == (2.0 if use_buffers else 3.0)


def test_statistics_of_a_pass_over_the_data() -> None:
    norm = rl.nn.BatchNorm1d(1).eval()
    batches = [rl.tensor([[0.0], [2.0]]), rl.tensor([[4.0], [6.0]])]
    swa_utils.update_bn([(batch, "label") for batch in batches], norm)
    assert norm.running_mean.item() == 3.0 and norm.running_var.item() == 2.0
    assert not norm.training and norm.momentum == 0.1


def test_errors() -> None:
    optimizer = rl.optim.SGD([rl.zeros(1)], lr=0.1)
    with pytest.raises(ValueError, match="Invalid decay value"):
        swa_utils.get_ema_multi_avg_fn(2.0)
    with pytest.raises(AssertionError, match="Only one of avg_fn and multi_avg_fn"):
        swa_utils.AveragedModel(rl.nn.Linear(1, 1), avg_fn=max, multi_avg_fn=max)
    with pytest.raises(ValueError, match="anneal_strategy must be one of 'cos' or 'linear'"):
        swa_utils.SWALR(optimizer, 0.1, anneal_strategy="x")
    with pytest.raises(ValueError, match="anneal_epochs must be equal or greater than 0"):
        swa_utils.SWALR(optimizer, 0.1, anneal_epochs=-1)
    with pytest.raises(ValueError, match="swa_lr must have the same length"):
        swa_utils.SWALR(optimizer, [0.1, 0.2])
