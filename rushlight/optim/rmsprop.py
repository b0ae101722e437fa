"""RMSprop."""

from __future__ import annotations

from typing import Any

from rushlight.optim.adam import lerp
from rushlight.optim.elementwise import ElementwiseOptimizer, check_rate
from rushlight.optim.optimizer import ParamsT
from rushlight.tensor import Tensor


def update(s: Any, p: Any, g: Any, state: Any, o: Any) -> Any:
    """One element (Tieleman & Hinton, lecture 6.5, 2012; centred: Graves, 2013)."""
    state.step = state.step + 1
    if o.maximize:
        g = -g
    if o.weight_decay != 0:
        g = g + o.weight_decay * p
    state.square_avg = state.square_avg * o.alpha + (1 - o.alpha) * g * g
    average = state.square_avg
    if o.centered:
        state.grad_avg = lerp(s, state.grad_avg, g, 1 - o.alpha)
        average = average - state.grad_avg * state.grad_avg
    root = s.sqrt(average) + o.eps
    if o.momentum != 0:
        state.momentum_buffer = state.momentum_buffer * o.momentum + g / root
        return p - o.lr * state.momentum_buffer
    return p + (-o.lr * g) / root


class RMSprop(ElementwiseOptimizer):
    r"""RMSprop: gradients divided by a running root mean square, `p -= lr * g / (sqrt(v) + eps)`.

    Args:
        params: tensors, `(name, tensor)` pairs, or dicts of parameter groups.
        lr: learning rate, a float or a one-element tensor.
        alpha: decay of the running mean of the squared gradient.
        eps: added to the denominator.
        weight_decay: L2 penalty, `g += weight_decay * p`.
        momentum: share of the previous direction kept.
        centered: divide by the running standard deviation instead.
        maximize: climb instead of descend.
        foreach: accepted; the update is always one fused kernel.
        capturable: `step` refuses True, for no step on a processor is recorded.
        differentiable: let gradients flow through `step`.

    Raises:
        ValueError: a hyperparameter is negative.

    >>> import rushlight as rl
    >>> w = rl.nn.Parameter(rl.ones(1))
    >>> optimizer = rl.optim.RMSprop([w], lr=0.1, alpha=0.0)
    >>> (3 * w).sum().backward()
    >>> optimizer.step()
    >>> round(w.item(), 4)
    0.9
    """

    rule = update
    numbers = ("lr", "alpha", "eps", "weight_decay", "momentum")
    switches = ("centered", "maximize")

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_rate("Invalid learning rate", lr)
        check_rate("Invalid epsilon value", eps)
        check_rate("Invalid momentum value", momentum)
        check_rate("Invalid weight_decay value", weight_decay)
        check_rate("Invalid alpha value", alpha)
        super().__init__(params, {
            "lr": lr, "momentum": momentum, "alpha": alpha, "eps": eps, "centered": centered,
            "weight_decay": weight_decay, "capturable": capturable, "foreach": foreach,
            "maximize": maximize, "differentiable": differentiable,
        })

    def _state_names(self, group: dict[str, Any]) -> tuple[str, ...]:
        momentum = ("momentum_buffer",) if group["momentum"] > 0 else ()
        centered = ("grad_avg",) if group["centered"] else ()
        return ("square_avg", *momentum, *centered)
