"""Adamax."""

from __future__ import annotations

from typing import Any

from rushlight.optim.adam import check_betas, lerp
from rushlight.optim.elementwise import ElementwiseOptimizer, check_rate
from rushlight.optim.optimizer import ParamsT
from rushlight.tensor import Tensor


def update(s: Any, p: Any, g: Any, state: Any, o: Any) -> Any:
    """One element (Kingma & Ba, 2014, section 7)."""
    state.step = state.step + 1
    if o.maximize:
        g = -g
    if o.weight_decay != 0:
        g = g + o.weight_decay * p
    state.exp_avg = lerp(s, state.exp_avg, g, 1 - o.beta1)
    state.exp_inf = s.maximum(state.exp_inf * o.beta2, s.abs(g) + o.eps)
    rate = o.lr / (1 - o.beta1 ** state.step)
    return p + (-rate * state.exp_avg) / state.exp_inf


class Adamax(ElementwiseOptimizer):
    r"""Adamax: Adam with the largest gradient of late in place of the root mean square.

    Args:
        params: tensors, `(name, tensor)` pairs, or dicts of parameter groups.
        lr: learning rate, a float or a one-element tensor.
        betas: decay of the running mean and of the running largest absolute gradient.
        eps: added to the absolute gradient.
        weight_decay: L2 penalty, `g += weight_decay * p`.
        maximize: climb instead of descend.
        foreach: accepted; the update is always one fused kernel.
        capturable: `step` refuses True, for no step on a processor is recorded.
        differentiable: let gradients flow through `step`.

    Raises:
        ValueError: a hyperparameter is out of its range.

    >>> import rushlight as rl
    >>> w = rl.nn.Parameter(rl.ones(1))
    >>> optimizer = rl.optim.Adamax([w], lr=0.1)
    >>> (3 * w).sum().backward()
    >>> optimizer.step()
    >>> round(w.item(), 4)
    0.9
    """

    rule = update
    numbers = ("lr", "betas", "eps", "weight_decay")
    switches = ("maximize",)

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_rate("Invalid learning rate", lr)
        check_rate("Invalid epsilon value", eps)
        check_betas(betas)
        check_rate("Invalid weight_decay value", weight_decay)
        super().__init__(params, {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay,
            "foreach": foreach, "maximize": maximize, "differentiable": differentiable,
            "capturable": capturable,
        })

    def _state_names(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("exp_avg", "exp_inf")
