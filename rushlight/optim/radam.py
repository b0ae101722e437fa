"""RAdam."""

from __future__ import annotations

from typing import Any

from rushlight.optim.adam import check_betas, lerp
from rushlight.optim.elementwise import ElementwiseOptimizer, check_rate
from rushlight.optim.optimizer import ParamsT
from rushlight.tensor import Tensor


def update(s: Any, p: Any, g: Any, state: Any, o: Any) -> Any:
    """One element (Liu et al., 2019)."""
    state.step = state.step + 1
    if o.maximize:
        g = -g
    if o.weight_decay != 0:
        if o.decoupled_weight_decay:
            p = p * (1 - o.lr * o.weight_decay)
        else:
            g = g + o.weight_decay * p
    state.exp_avg = lerp(s, state.exp_avg, g, 1 - o.beta1)
    state.exp_avg_sq = state.exp_avg_sq * o.beta2 + (1 - o.beta2) * g * g
    beta2_power = o.beta2 ** state.step
    correction2 = 1 - beta2_power
    longest = 2 / (1 - o.beta2) - 1
    length = longest - 2 * state.step * beta2_power / correction2
    rectified = s.sqrt(
        (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)
    )
    direction = state.exp_avg / (1 - o.beta1 ** state.step) * o.lr
    adaptive = s.sqrt(correction2) / (s.sqrt(state.exp_avg_sq) + o.eps)
    # Too few squares seen for a variance: step as plain momentum does.
    return p - s.where(length > 5, direction * adaptive * rectified, direction)


class RAdam(ElementwiseOptimizer):
    r"""RAdam: Adam whose adaptive factor waits until its variance is known.

    Args:
        params: tensors, `(name, tensor)` pairs, or dicts of parameter groups.
        lr: learning rate, a float or a one-element tensor.
        betas: decay of the running mean of the gradient and of its square.
        eps: added to the denominator.
        weight_decay: L2 penalty, `g += weight_decay * p`.
        decoupled_weight_decay: shrink the parameter instead, as AdamW does.
        maximize: climb instead of descend.
        foreach: accepted; the update is always one fused kernel.
        capturable: `step` refuses True, for no step on a processor is recorded.
        differentiable: let gradients flow through `step`.

    Raises:
        ValueError: a hyperparameter is out of its range.

    >>> import rushlight as rl
    >>> w = rl.nn.Parameter(rl.ones(1))
    >>> optimizer = rl.optim.RAdam([w], lr=0.1)
    >>> (3 * w).sum().backward()
    >>> optimizer.step()
    >>> round(w.item(), 4)
    0.7
    """

    rule = update
    numbers = ("lr", "betas", "eps", "weight_decay")
    switches = ("maximize", "decoupled_weight_decay")

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_rate("Invalid learning rate", lr)
        check_rate("Invalid epsilon value", eps)
        check_betas(betas)
        check_rate("Invalid weight_decay value", weight_decay)
        super().__init__(params, {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay,
            "maximize": maximize, "foreach": foreach, "capturable": capturable,
            "decoupled_weight_decay": decoupled_weight_decay, "differentiable": differentiable,
        })

    def _state_names(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("exp_avg", "exp_avg_sq")
