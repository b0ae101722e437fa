"""Adafactor: second moments kept as a row and a column for each matrix."""

from __future__ import annotations

import math
from typing import Any

from rushlight import ops
from rushlight.autograd import no_grad
from rushlight.base import dtypes
from rushlight.optim.elementwise import (
    check_rate,
    counter,
    fill_defaults,
    number,
    sparse_refused,
)
from rushlight.optim.optimizer import Closure, Optimizer, ParamsT
from rushlight.tensor import Tensor


class Adafactor(Optimizer):
    r"""Adafactor: gradients over the root of a factored second moment (Shazeer & Stern, 2018).

    For a matrix only the mean squares of its rows and of its columns are kept, so the state is
    much smaller than the parameter. The update is clipped to root mean square `d`.

    Args:
        params: tensors, `(name, tensor)` pairs, or dicts of parameter groups.
        lr: the largest relative step; at step t it is `min(lr, 1 / sqrt(t))`.
        beta2_decay: the moments forget at the rate `1 - t ** beta2_decay`.
        eps: the least root of a second moment (None: the machine epsilon of the dtype), and the
            least root mean square of a parameter, by which its step is scaled.
        d: the root mean square above which an update is scaled down.
        weight_decay: `p *= 1 - lr * weight_decay` before each step.
        foreach: accepted.
        maximize: climb instead of descend.

    Raises:
        ValueError: a hyperparameter is out of its range.
        RuntimeError: at the step, for a complex parameter.

    >>> import rushlight as rl
    >>> w = rl.nn.Parameter(rl.ones(1))
    >>> optimizer = rl.optim.Adafactor([w], lr=0.5)
    >>> (3 * w).sum().backward()
    >>> optimizer.step()
    >>> round(w.item(), 4)
    0.5
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        check_rate("Learning rate should be >= 0 but is", lr)
        if not beta2_decay <= 0.0:
            raise ValueError(f"beta2_decay should be <= 0 but is: {beta2_decay}")
        if eps[0] is not None:
            check_rate("epsilon1 should be >= 0 but is", eps[0])
        check_rate("epsilon2 should be >= 0 but is", eps[1])
        if not d >= 1.0:
            raise ValueError(f"Clipping threshold d should be >= 1 but is: {d}")
        check_rate("weight_decay should be >= 0 but is", weight_decay)
        super().__init__(params, {
            "lr": lr, "beta2_decay": beta2_decay, "eps": eps, "d": d,
            "weight_decay": weight_decay, "foreach": foreach, "maximize": maximize,
        })

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        fill_defaults(self, foreach=None)

    def step(self, closure: Closure | None = None) -> Any:
        loss = self._loss_of(closure)
        with no_grad():
            for group in self.param_groups:
                for p in group["params"]:
                    if p.grad is not None:
                        if p.grad.is_sparse:
                            raise sparse_refused(self)
                        self._update(group, p, -p.grad if group["maximize"] else p.grad)
        return loss

    def _update(self, group: dict[str, Any], p: Tensor, grad: Tensor) -> None:
        if p.is_complex():
            raise RuntimeError("Adafactor does not support complex parameters")
        state = self.state[p]
        if not state:
            state.update(_new_state(grad))
        state["step"] += 1
        step, lr = state["step"].item(), number(group["lr"])
        least, least_scale = group["eps"]
        if least is None:
            least = dtypes.finfo(p.dtype).eps
        scale = max(least_scale, _root_mean_square(p)) * min(lr, 1 / math.sqrt(step))
        if group["weight_decay"] != 0:
            p.mul_(1 - lr * group["weight_decay"])
        second = _second_moment(state, grad, step ** group["beta2_decay"], least)
        direction = second.clamp_(min=least * least).rsqrt_().mul_(grad)
        excess = max(1.0, _root_mean_square(direction) / group["d"])
        p.add_(direction, alpha=-scale / excess)


def _new_state(grad: Tensor) -> dict[str, Tensor]:
    state = {"step": counter(0.0)}
    if grad.dim() > 1:
        *outer, rows, columns = grad.shape
        state["row_var"] = grad.new_zeros((*outer, rows, 1))
        state["col_var"] = grad.new_zeros((*outer, 1, columns))
    else:
        state["variance"] = ops.zeros_like(grad)
    return state


def _second_moment(
    state: dict[str, Tensor], grad: Tensor, weight: float, least: float
) -> Tensor:
    """The moments moved by `weight` towards the new squares; the full-size estimate of them."""
    square = grad * grad
    if grad.dim() <= 1:
        return state["variance"].lerp_(square, weight).clone()
    rows = state["row_var"].lerp_(square.mean(-1, keepdim=True), weight)
    columns = state["col_var"].lerp_(square.mean(-2, keepdim=True), weight)
    return (rows @ columns).div_(rows.mean(-2, keepdim=True).clamp_(min=least))


def _root_mean_square(x: Tensor) -> float:
    return x.norm().item() / math.sqrt(x.numel()) if x.numel() else 0.0
