"""Rates that fall by a factor: every so many epochs, at milestones, or every epoch."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable

from rushlight.optim.lr_scheduler.base import LRScheduler, Rate
from rushlight.optim.optimizer import Optimizer


class StepLR(LRScheduler):
    """`lr *= gamma` every `step_size` epochs.

    Args:
        optimizer: whose rates are set.
        step_size: epochs between changes.
        gamma: the factor.
        last_epoch: as of `LRScheduler`.

    >>> import rushlight as rl
    >>> optimizer = rl.optim.SGD([rl.nn.Parameter(rl.ones(1))], lr=1.0)
    >>> scheduler = rl.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
    >>> rates = []
    >>> for epoch in range(4):
    ...     optimizer.step()
    ...     scheduler.step()
    ...     rates.append(scheduler.get_last_lr()[0])
    >>> rates
    [1.0, 0.5, 0.5, 0.25]
    """

    def __init__(
        self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Rate]:
        """The rates for `self.last_epoch`."""
        self._warn_outside_step()
        if self.last_epoch == 0 or self.last_epoch % self.step_size != 0:
            return self._unchanged()
        return self._scaled(self.gamma)

    def _get_closed_form_lr(self) -> list[Rate]:
        return [base * self.gamma ** (self.last_epoch // self.step_size)
                for base in self.base_lrs]


class MultiStepLR(LRScheduler):
    """`lr *= gamma` at each milestone.

    Args:
        optimizer: whose rates are set.
        milestones: epochs; one that is named twice counts twice.
        gamma: the factor.
        last_epoch: as of `LRScheduler`.

    >>> import rushlight as rl
    >>> optimizer = rl.optim.SGD([rl.nn.Parameter(rl.ones(1))], lr=1.0)
    >>> scheduler = rl.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[1], gamma=0.5)
    >>> optimizer.step(); scheduler.step(); scheduler.get_last_lr()
    [0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        milestones: Iterable[int],
        gamma: float = 0.1,
        last_epoch: int = -1,
    ) -> None:
        self.milestones = Counter(milestones)
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Rate]:
        """The rates for `self.last_epoch`."""
        self._warn_outside_step()
        if self.last_epoch not in self.milestones:
            return self._unchanged()
        return self._scaled(self.gamma ** self.milestones[self.last_epoch])

    def _get_closed_form_lr(self) -> list[Rate]:
        passed = bisect_right(sorted(self.milestones.elements()), self.last_epoch)
        return [base * self.gamma ** passed for base in self.base_lrs]


class ExponentialLR(LRScheduler):
    """`lr *= gamma` every epoch.

    Args:
        optimizer: whose rates are set.
        gamma: the factor.
        last_epoch: as of `LRScheduler`.

    >>> import rushlight as rl
    >>> optimizer = rl.optim.SGD([rl.nn.Parameter(rl.ones(1))], lr=1.0)
    >>> scheduler = rl.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
    >>> optimizer.step(); scheduler.step(); scheduler.get_last_lr()
    [0.5]
    """

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Rate]:
        """The rates for `self.last_epoch`."""
        self._warn_outside_step()
        return self._unchanged() if self._is_initial else self._scaled(self.gamma)

    def _get_closed_form_lr(self) -> list[Rate]:
        return [base * self.gamma ** self.last_epoch for base in self.base_lrs]
