"""The 1cycle policy."""

from __future__ import annotations

import math
from typing import Any

from rushlight.optim.lr_scheduler.base import LRScheduler, Rate, check_optimizer, per_group
from rushlight.optim.lr_scheduler.cyclic_lr import check_momentum, set_momentum
from rushlight.optim.optimizer import Optimizer


def _phase(end: float, rates: str, momenta: str) -> dict[str, Any]:
    (start_lr, end_lr), (start_momentum, end_momentum) = rates.split(), momenta.split()
    return {"end_step": end, "start_lr": start_lr, "end_lr": end_lr,
            "start_momentum": start_momentum, "end_momentum": end_momentum}


class OneCycleLR(LRScheduler):
    """`lr` rises to `max_lr`, then falls far below where it started; stepped after every batch.

    Args:
        optimizer: whose rates, and momentum, are set.
        max_lr: the peak, a number or a list of one per group.
        total_steps: batches in all; or give `epochs` and `steps_per_epoch`.
        pct_start: share of the batches in which the rate rises.
        anneal_strategy: "cos" or "linear".
        cycle_momentum: move the momentum the other way.
        base_momentum, max_momentum: its bounds.
        div_factor: `initial_lr = max_lr / div_factor`.
        final_div_factor: the last rate is `initial_lr / final_div_factor`.
        three_phase: fall to `initial_lr` first, as slowly as the rate rose.
        last_epoch: the last batch done.

    Source: Smith & Topin, 2017.

    Raises:
        ValueError: no number of batches; a value out of its range; `step` past the last batch.

    >>> import rushlight as rl
    >>> optimizer = rl.optim.SGD([rl.nn.Parameter(rl.ones(1))], lr=1.0, momentum=0.9)
    >>> scheduler = rl.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=10)
    >>> optimizer.step(); scheduler.step(); optimizer.step(); scheduler.step()
    >>> scheduler.get_last_lr()
    [1.0]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | list[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.85,
        max_momentum: float | list[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        self.optimizer = check_optimizer(optimizer)
        self.total_steps = _total_steps(total_steps, epochs, steps_per_epoch)
        if pct_start < 0 or pct_start > 1 or not isinstance(pct_start, float):
            raise ValueError(f"Expected float between 0 and 1 pct_start, but got {pct_start}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(
                "anneal_strategy must be one of 'cos' or 'linear', instead got "
                f"{anneal_strategy}"
            )
        self._schedule_phases = self._phases(pct_start, three_phase)
        self._anneal_func_type = anneal_strategy
        peaks = per_group("max_lr", optimizer, max_lr)
        if last_epoch == -1:
            for peak, group in zip(peaks, optimizer.param_groups, strict=True):
                group["initial_lr"] = peak / div_factor
                group["max_lr"] = peak
                group["min_lr"] = group["initial_lr"] / final_div_factor
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self._start_momentum(base_momentum, max_momentum, last_epoch)
        super().__init__(optimizer, last_epoch)

    def _phases(self, pct_start: float, three_phase: bool) -> list[dict[str, Any]]:
        rise, last = float(pct_start * self.total_steps) - 1, self.total_steps - 1
        up = _phase(rise, "initial_lr max_lr", "max_momentum base_momentum")
        if not three_phase:
            return [up, _phase(last, "max_lr min_lr", "base_momentum max_momentum")]
        fall = float(2 * pct_start * self.total_steps) - 2
        return [
            up,
            _phase(fall, "max_lr initial_lr", "base_momentum max_momentum"),
            _phase(last, "initial_lr min_lr", "max_momentum max_momentum"),
        ]

    def _start_momentum(self, base: Any, largest: Any, last_epoch: int) -> None:
        self.use_beta1 = check_momentum(self.optimizer)
        lows = per_group("base_momentum", self.optimizer, base)
        highs = per_group("max_momentum", self.optimizer, largest)
        if last_epoch == -1:
            for low, high, group in zip(lows, highs, self.optimizer.param_groups, strict=True):
                set_momentum(group, self.use_beta1, high)
                group["max_momentum"], group["base_momentum"] = high, low

    def _between(self, start: Rate, end: Rate, share: float) -> Rate:
        if self._anneal_func_type == "cos":
            return end + (start - end) / 2.0 * (math.cos(math.pi * share) + 1)
        return (end - start) * share + start

    def get_lr(self) -> list[Rate]:
        """The rates for `self.last_epoch`; sets the momentum too."""
        self._warn_outside_step()
        step = self.last_epoch
        if step > self.total_steps:
            raise ValueError(
                f"Tried to step {step} times. The specified number of total steps is "
                f"{self.total_steps}"
            )
        begin = 0.0
        phase = self._schedule_phases[-1]
        for candidate in self._schedule_phases[:-1]:
            if step <= candidate["end_step"]:
                phase = candidate
                break
            begin = candidate["end_step"]
        share = (step - begin) / (phase["end_step"] - begin)
        rates = []
        for group in self.optimizer.param_groups:
            rates.append(self._between(group[phase["start_lr"]], group[phase["end_lr"]], share))
            if self.cycle_momentum:
                momentum = self._between(
                    group[phase["start_momentum"]], group[phase["end_momentum"]], share)
                set_momentum(group, self.use_beta1, momentum)  # type: ignore[arg-type]
        return rates


def _total_steps(total: int | None, epochs: int | None, per_epoch: int | None) -> int:
    def positive(name: str, value: int) -> int:
        if not isinstance(value, int) or value <= 0:
            raise ValueError(f"Expected positive integer {name}, but got {value}")
        return value

    if total is not None:
        return positive("total_steps", total)
    if epochs is None or per_epoch is None:
        raise ValueError("You must define either total_steps OR (epochs AND steps_per_epoch)")
    return positive("epochs", epochs) * positive("steps_per_epoch", per_epoch)
