"""Averages of a model's parameters over training: SWA, and exponential moving averages."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable
from copy import deepcopy
from itertools import chain
from typing import Any

from rushlight.autograd import no_grad
from rushlight.base import dtypes
from rushlight.nn import Module
from rushlight.nn.modules.batchnorm import _BatchNorm
from rushlight.ops import tensor
from rushlight.optim.adam import lerp
from rushlight.optim.elementwise import update_arrays
from rushlight.optim.lr_scheduler.base import LRScheduler, Rate, per_group
from rushlight.optim.optimizer import Optimizer
from rushlight.tensor import Tensor

__all__ = [
    "SWALR",
    "AveragedModel",
    "get_ema_avg_fn",
    "get_ema_multi_avg_fn",
    "get_swa_avg_fn",
    "get_swa_multi_avg_fn",
    "update_bn",
]

Average = Callable[[Tensor, Tensor, Any], Tensor]
MultiAverage = Callable[[Any, Any, Any], None]


def get_ema_multi_avg_fn(decay: float = 0.999) -> MultiAverage:
    """For `AveragedModel`: `average = decay * average + (1 - decay) * parameter`, over lists.

    Raises ValueError for a decay outside [0, 1].
    """
    _check_decay(decay)
    return lambda averages, parameters, _: _move(averages, parameters, 1 - decay)


def get_swa_multi_avg_fn() -> MultiAverage:
    """For `AveragedModel`: the equal average of all parameters so far, over lists."""

    return lambda averages, parameters, count: _move(averages, parameters, 1 / (float(count) + 1))


def _lerp(s: Any, average: Any, parameter: Any, state: Any, o: Any) -> Any:
    return lerp(s, average, parameter, o.weight)


def _move(averages: Any, parameters: Any, weight: float) -> None:
    """Move each average by `weight` towards its parameter, all real ones in one native call."""
    real: list[tuple[Tensor, Tensor]] = []
    with no_grad():
        for average, parameter in zip(averages, parameters, strict=True):
            if average.is_floating_point():
                real.append((average, parameter.to(average.dtype)))
            else:
                average.copy_(average + (parameter - average) * weight)
    if real:
        update_arrays(_lerp, [a for a, _ in real], [p for _, p in real], {}, {},
                      {"weight": weight})


def get_ema_avg_fn(decay: float = 0.999) -> Average:
    """For `AveragedModel`: the exponential moving average of one tensor, as a new one.

    Raises ValueError for a decay outside [0, 1].
    """
    _check_decay(decay)

    def moved(average: Tensor, parameter: Tensor, _: Any) -> Tensor:
        with no_grad():
            return decay * average + (1 - decay) * parameter

    return moved


def get_swa_avg_fn() -> Average:
    """For `AveragedModel`: the equal average of one tensor so far, as a new one."""

    def moved(average: Tensor, parameter: Tensor, num_averaged: Any) -> Tensor:
        with no_grad():
            return average + (parameter - average) / (num_averaged + 1)

    return moved


def _check_decay(decay: float) -> None:
    if not 0.0 <= decay <= 1.0:
        raise ValueError(
            f"Invalid decay value {decay} provided. Please provide a value in [0,1] range."
        )


class AveragedModel(Module):
    """A copy of a model, `module`, whose parameters are averages of the model's.

    Args:
        model: is copied deeply.
        device: where the copy lives.
        avg_fn: `avg_fn(average, parameter, num_averaged)` returns one tensor's new average.
        multi_avg_fn: `multi_avg_fn(averages, parameters, num_averaged)` changes them in place.
            With neither, the average is equal over all updates (Izmailov et al., 2018).
        use_buffers: average buffers, too; otherwise they are copied at each update.

    Raises:
        AssertionError: `avg_fn` and `multi_avg_fn` are both given.

    >>> import rushlight as rl
    >>> from rushlight.optim.swa_utils import AveragedModel
    >>> model = rl.nn.Linear(1, 1, bias=False)
    >>> average = AveragedModel(model)
    >>> for value in (1.0, 2.0, 6.0):
    ...     _ = rl.nn.init.constant_(model.weight, value)
    ...     average.update_parameters(model)
    >>> average.module.weight.item()
    3.0
    """

    n_averaged: Tensor

    def __init__(
        self,
        model: Module,
        device: Any = None,
        avg_fn: Average | None = None,
        multi_avg_fn: MultiAverage | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", tensor(0, dtype=dtypes.int64, device=device))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.module(*args, **kwargs)

    def update_parameters(self, model: Module) -> None:
        """Take the parameters that `model` has now into the average."""
        averages, parameters = self._averaged(self.module), self._averaged(model)
        averages = [x.detach() for x in averages]
        parameters = [p.detach().to(a.device) for a, p in zip(averages, parameters, strict=True)]
        if self.n_averaged == 0:
            for average, parameter in zip(averages, parameters, strict=True):
                average.copy_(parameter)
        elif self.avg_fn is not None:
            for average, parameter in zip(averages, parameters, strict=True):
                average.copy_(self.avg_fn(average, parameter, self.n_averaged))
        else:
            move = self.multi_avg_fn or get_swa_multi_avg_fn()
            move(averages, parameters, self.n_averaged)
        if not self.use_buffers:
            for ours, theirs in zip(self.module.buffers(), model.buffers(), strict=True):
                ours.detach().copy_(theirs.detach())
        self.n_averaged += 1

    def _averaged(self, model: Module) -> list[Tensor]:
        buffers = model.buffers() if self.use_buffers else ()
        # The model itself may be wrapped as this one is: both walk the same members in order.
        return list(chain(model.parameters(), buffers))


def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Give the batch norms of an averaged model the statistics of one pass over `loader`.

    Args:
        loader: yields batches, or lists and tuples whose first element is the batch.
        model: is called on each in training mode; its mode is kept.
        device: where batches are moved.
    """
    norms = {m: m.momentum for m in model.modules() if isinstance(m, _BatchNorm)}
    if not norms:
        return
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain average
    was_training = model.training
    model.train()
    try:
        with no_grad():
            for batch in loader:
                first = batch[0] if isinstance(batch, (list, tuple)) else batch
                model(first if device is None else first.to(device))
    finally:
        for norm, momentum in norms.items():
            norm.momentum = momentum
        model.train(was_training)


class SWALR(LRScheduler):
    """Anneals the rate to `swa_lr` over `anneal_epochs`, then keeps it.

    Args:
        optimizer: whose rates are set.
        swa_lr: the last rate, one number or one per group.
        anneal_epochs: epochs on the way.
        anneal_strategy: "cos" or "linear".
        last_epoch: as of `LRScheduler`.

    Raises:
        ValueError: another strategy, or `anneal_epochs` that is no natural number.

    >>> import rushlight as rl
    >>> optimizer = rl.optim.SGD([rl.nn.Parameter(rl.ones(1))], lr=1.0)
    >>> scheduler = rl.optim.swa_utils.SWALR(optimizer, 0.5, 2, "linear")
    >>> for _ in range(2):
    ...     optimizer.step(); scheduler.step()
    >>> scheduler.get_last_lr()
    [0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: Any,
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        rates = per_group("swa_lr", optimizer, swa_lr)
        for rate, group in zip(rates, optimizer.param_groups, strict=True):
            group["swa_lr"] = rate
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(
                "anneal_strategy must be one of 'cos' or 'linear', instead got "
                f"{anneal_strategy}"
            )
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(
                f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}"
            )
        self._anneal_strategy = anneal_strategy
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def _share(self, epoch: int) -> float:
        """How far the annealing has come at `epoch`, from 0 to 1."""
        t = max(0.0, min(1.0, epoch / max(1, self.anneal_epochs)))
        return t if self._anneal_strategy == "linear" else (1 - math.cos(math.pi * t)) / 2

    def get_lr(self) -> list[Rate]:
        """The rates for `self.last_epoch`."""
        if not self._get_lr_called_within_step:
            warnings.warn(
                "To get the last learning rate computed by the scheduler, please use "
                "`get_last_lr()`.",
                UserWarning,
                stacklevel=2,
            )
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = self._share(step - 1), self._share(step)
        rates = []
        for group in self.optimizer.param_groups:
            # What the rate was before any annealing, from what it is now.
            left = 1 - before
            start = group["swa_lr"] if left == 0 else (
                (group["lr"] - before * group["swa_lr"]) / left)
            rates.append(group["swa_lr"] * now + start * (1 - now))
        return rates
