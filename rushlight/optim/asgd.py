"""Averaged stochastic gradient descent."""

from __future__ import annotations

from typing import Any

from rushlight import ops
from rushlight.optim.elementwise import ElementwiseOptimizer, check_rate, counter, number
from rushlight.optim.optimizer import ParamsT
from rushlight.tensor import Tensor


def update(s: Any, p: Any, g: Any, state: Any, o: Any) -> Any:
    """One element (Polyak & Juditsky, 1992)."""
    state.step = state.step + 1
    if o.maximize:
        g = -g
    if o.weight_decay != 0:
        g = g + o.weight_decay * p
    p = p * (1 - o.lambd * state.eta) - state.eta * g
    state.ax = s.where(state.mu < 1, state.ax + (p - state.ax) * state.mu, p)
    state.eta = o.lr / (1 + o.lambd * o.lr * state.step) ** o.alpha
    state.mu = 1 / s.maximum(1.0, state.step - o.t0)
    return p


class ASGD(ElementwiseOptimizer):
    r"""Averaged SGD: `state[p]["ax"]` is the mean of the parameter since step `t0`.

    Args:
        params: tensors, `(name, tensor)` pairs, or dicts of parameter groups.
        lr: learning rate, a float or a one-element tensor.
        lambd: decay term of parameters and of the rate.
        alpha: power at which the rate falls.
        t0: step at which averaging starts.
        weight_decay: L2 penalty, `g += weight_decay * p`.
        maximize: climb instead of descend.
        foreach: accepted; the update is always one fused kernel.
        capturable: `step` refuses True, for no step on a processor is recorded.
        differentiable: let gradients flow through `step`.

    Raises:
        ValueError: a hyperparameter is negative.

    >>> import rushlight as rl
    >>> w = rl.nn.Parameter(rl.ones(1))
    >>> optimizer = rl.optim.ASGD([w], lr=0.1)
    >>> (3 * w).sum().backward()
    >>> optimizer.step()
    >>> round(w.item(), 4)
    0.7
    """

    captured = "params, mus, etas,"
    rule = update
    numbers = ("lr", "lambd", "alpha", "t0", "weight_decay")
    switches = ("maximize",)
    counters = ("step", "eta", "mu")

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_rate("Invalid learning rate", lr)
        check_rate("Invalid weight_decay value", weight_decay)
        super().__init__(params, {
            "lr": lr, "lambd": lambd, "alpha": alpha, "t0": t0, "weight_decay": weight_decay,
            "foreach": foreach, "maximize": maximize, "differentiable": differentiable,
            "capturable": capturable,
        })

    def _new_state(self, group: dict[str, Any], param: Tensor) -> dict[str, Any]:
        return {
            "step": counter(0.0), "eta": counter(number(group["lr"])), "mu": counter(1.0),
            "ax": ops.zeros_like(param),
        }

    def _state_names(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("ax",)
