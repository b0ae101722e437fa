"""NAdam."""

from __future__ import annotations

from typing import Any

from rushlight import ops
from rushlight.optim.adam import check_betas, lerp
from rushlight.optim.elementwise import ElementwiseOptimizer, check_rate, counter
from rushlight.optim.optimizer import ParamsT
from rushlight.tensor import Tensor


def update(s: Any, p: Any, g: Any, state: Any, o: Any) -> Any:
    """One element (Dozat, 2016)."""
    state.step = state.step + 1
    if o.maximize:
        g = -g
    if o.weight_decay != 0:
        if o.decoupled_weight_decay:
            p = p * (1 - o.lr * o.weight_decay)
        else:
            g = g + o.weight_decay * p
    mu = o.beta1 * (1 - 0.5 * 0.96 ** (state.step * o.momentum_decay))
    mu_next = o.beta1 * (1 - 0.5 * 0.96 ** ((state.step + 1) * o.momentum_decay))
    state.mu_product = state.mu_product * mu
    state.exp_avg = lerp(s, state.exp_avg, g, 1 - o.beta1)
    state.exp_avg_sq = state.exp_avg_sq * o.beta2 + (1 - o.beta2) * g * g
    root = s.sqrt(state.exp_avg_sq / (1 - o.beta2 ** state.step)) + o.eps
    p = p + (-o.lr * (1 - mu) / (1 - state.mu_product) * g) / root
    return p + (-o.lr * mu_next / (1 - state.mu_product * mu_next) * state.exp_avg) / root


class NAdam(ElementwiseOptimizer):
    r"""NAdam: Adam with Nesterov's momentum.

    Args:
        params: tensors, `(name, tensor)` pairs, or dicts of parameter groups.
        lr: learning rate, a float or a one-element tensor.
        betas: decay of the running mean of the gradient and of its square.
        eps: added to the denominator.
        weight_decay: L2 penalty, `g += weight_decay * p`.
        momentum_decay: how fast the momentum grows to its limit.
        decoupled_weight_decay: shrink the parameter instead, as AdamW does.
        maximize: climb instead of descend.
        foreach: accepted; the update is always one fused kernel.
        capturable: `step` refuses True, for no step on a processor is recorded.
        differentiable: let gradients flow through `step`.

    Raises:
        ValueError: a hyperparameter is out of its range.

    >>> import rushlight as rl
    >>> w = rl.nn.Parameter(rl.ones(1))
    >>> optimizer = rl.optim.NAdam([w])
    >>> (3 * w).sum().backward()
    >>> optimizer.step()
    >>> w.item() < 1
    True
    """

    captured = "params, mu_products"
    rule = update
    numbers = ("lr", "betas", "eps", "weight_decay", "momentum_decay")
    switches = ("maximize", "decoupled_weight_decay")
    counters = ("step", "mu_product")

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
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
        check_rate("Invalid momentum_decay value", momentum_decay)
        super().__init__(params, {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay,
            "momentum_decay": momentum_decay, "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize, "foreach": foreach, "capturable": capturable,
            "differentiable": differentiable,
        })

    def _new_state(self, group: dict[str, Any], param: Tensor) -> dict[str, Any]:
        return {
            "step": counter(0.0), "mu_product": counter(1.0),
            "exp_avg": ops.zeros_like(param), "exp_avg_sq": ops.zeros_like(param),
        }

    def _state_names(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("exp_avg", "exp_avg_sq")
