"""Rprop."""

from __future__ import annotations

from typing import Any

from rushlight import ops
from rushlight.optim.elementwise import ElementwiseOptimizer, check_rate, counter, number
from rushlight.optim.optimizer import ParamsT
from rushlight.tensor import Tensor


def update(s: Any, p: Any, g: Any, state: Any, o: Any) -> Any:
    """One element (Riedmiller & Braun, 1993)."""
    state.step = state.step + 1
    if o.maximize:
        g = -g
    agreement = g * state.prev
    factor = s.where(agreement > 0, o.eta_plus, s.where(agreement < 0, o.eta_minus, 1.0))
    size = s.minimum(s.maximum(state.step_size * factor, o.smallest), o.largest)
    state.step_size = size
    g = s.where(agreement < 0, 0.0, g)  # after a jump over the minimum, stay for one step
    state.prev = g
    return p - s.sign(g) * size


class Rprop(ElementwiseOptimizer):
    r"""Rprop: every element has its own step size, which follows the signs of its gradient.

    Args:
        params: tensors, `(name, tensor)` pairs, or dicts of parameter groups.
        lr: the first step size, a float or a one-element tensor.
        etas: factors of the step size where the sign changed, and where it stayed.
        step_sizes: smallest and largest step size.
        maximize: climb instead of descend.
        foreach: accepted; the update is always one fused kernel.
        capturable: `step` refuses True, for no step on a processor is recorded.
        differentiable: let gradients flow through `step`.

    Raises:
        ValueError: a hyperparameter is out of its range.

    >>> import rushlight as rl
    >>> w = rl.nn.Parameter(rl.ones(1))
    >>> optimizer = rl.optim.Rprop([w], lr=0.1)
    >>> (3 * w).sum().backward()
    >>> optimizer.step()
    >>> round(w.item(), 4)
    0.9
    """

    rule = update

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_rate("Invalid learning rate", lr)
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}")
        super().__init__(params, {
            "lr": lr, "etas": etas, "step_sizes": step_sizes, "foreach": foreach,
            "maximize": maximize, "differentiable": differentiable, "capturable": capturable,
        })

    def _new_state(self, group: dict[str, Any], param: Tensor) -> dict[str, Any]:
        rate = number(group["lr"])
        return {
            "step": counter(0.0), "prev": ops.zeros_like(param),
            "step_size": ops.full_like(
                param, complex(rate, rate) if param.is_complex() else rate, requires_grad=False),
        }

    def _state_names(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("prev", "step_size")

    def _options(self, group: dict[str, Any]) -> dict[str, Any]:
        (eta_minus, eta_plus), (smallest, largest) = group["etas"], group["step_sizes"]
        return {
            "eta_minus": number(eta_minus), "eta_plus": number(eta_plus),
            "smallest": number(smallest), "largest": number(largest),
            "maximize": group["maximize"],
        }
