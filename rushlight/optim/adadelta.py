"""Adadelta."""

from __future__ import annotations

from typing import Any

from rushlight.optim.elementwise import ElementwiseOptimizer, check_rate
from rushlight.optim.optimizer import ParamsT
from rushlight.tensor import Tensor


def update(s: Any, p: Any, g: Any, state: Any, o: Any) -> Any:
    """One element (Zeiler, 2012)."""
    state.step = state.step + 1
    if o.maximize:
        g = -g
    if o.weight_decay != 0:
        g = g + o.weight_decay * p
    state.square_avg = state.square_avg * o.rho + (1 - o.rho) * g * g
    delta = s.sqrt(state.acc_delta + o.eps) / s.sqrt(state.square_avg + o.eps) * g
    state.acc_delta = state.acc_delta * o.rho + (1 - o.rho) * delta * delta
    return p - o.lr * delta


class Adadelta(ElementwiseOptimizer):
    r"""Adadelta: steps whose size follows the running size of earlier steps and gradients.

    Args:
        params: tensors, `(name, tensor)` pairs, or dicts of parameter groups.
        lr: factor of every step, a float or a one-element tensor.
        rho: decay of the running means of squares.
        eps: added under both roots.
        weight_decay: L2 penalty, `g += weight_decay * p`.
        maximize: climb instead of descend.
        foreach: accepted; the update is always one fused kernel.
        capturable: `step` refuses True, for no step on a processor is recorded.
        differentiable: let gradients flow through `step`.

    Raises:
        ValueError: a hyperparameter is out of its range.

    >>> import rushlight as rl
    >>> w = rl.nn.Parameter(rl.ones(1))
    >>> optimizer = rl.optim.Adadelta([w])
    >>> (3 * w).sum().backward()
    >>> optimizer.step()
    >>> round(w.item(), 4)
    0.9968
    """

    rule = update
    numbers = ("lr", "rho", "eps", "weight_decay")
    switches = ("maximize",)

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_rate("Invalid learning rate", lr)
        check_rate("Invalid rho value", rho, highest=1.0)
        check_rate("Invalid epsilon value", eps)
        check_rate("Invalid weight_decay value", weight_decay)
        super().__init__(params, {
            "lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay,
            "maximize": maximize, "capturable": capturable, "foreach": foreach,
            "differentiable": differentiable,
        })

    def _state_names(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("square_avg", "acc_delta")
