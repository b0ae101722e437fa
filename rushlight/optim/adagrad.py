"""Adagrad."""

from __future__ import annotations

from typing import Any

from rushlight import ops
from rushlight.optim.elementwise import (
    ElementwiseOptimizer,
    check_rate,
    check_switches,
    counter,
    number,
)
from rushlight.optim.optimizer import ParamsT
from rushlight.tensor import Tensor


def update(s: Any, p: Any, g: Any, state: Any, o: Any) -> Any:
    """One element (Duchi, Hazan & Singer, 2011)."""
    state.step = state.step + 1
    if o.maximize:
        g = -g
    if o.weight_decay != 0:
        g = g + o.weight_decay * p
    rate = o.lr / (1 + (state.step - 1) * o.lr_decay)
    state.sum = state.sum + g * g
    return p + (-rate * g) / (s.sqrt(state.sum) + o.eps)


class Adagrad(ElementwiseOptimizer):
    r"""Adagrad: gradients divided by the root of the sum of all their squares so far.

    Args:
        params: tensors, `(name, tensor)` pairs, or dicts of parameter groups.
        lr: learning rate, a float or a one-element tensor.
        lr_decay: the rate falls as `lr / (1 + (step - 1) * lr_decay)`.
        weight_decay: L2 penalty, `g += weight_decay * p`.
        initial_accumulator_value: what the sum of squares starts at.
        eps: added to the denominator.
        maximize: climb instead of descend.
        foreach, fused: accepted; the update is always one fused kernel.
        differentiable: let gradients flow through `step`.

    Raises:
        ValueError: a hyperparameter is negative.

    >>> import rushlight as rl
    >>> w = rl.nn.Parameter(rl.ones(1))
    >>> optimizer = rl.optim.Adagrad([w], lr=0.1)
    >>> (3 * w).sum().backward()
    >>> optimizer.step()
    >>> round(w.item(), 4)
    0.9
    """

    rule = update
    numbers = ("lr", "lr_decay", "eps", "weight_decay")
    switches = ("maximize",)

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_rate("Invalid learning rate", lr)
        check_rate("Invalid lr_decay value", lr_decay)
        check_rate("Invalid weight_decay value", weight_decay)
        check_rate("Invalid initial_accumulator_value value", initial_accumulator_value)
        check_rate("Invalid epsilon value", eps)
        check_switches(foreach, fused, differentiable)
        super().__init__(params, {
            "lr": lr, "lr_decay": lr_decay, "eps": eps, "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value, "foreach": foreach,
            "maximize": maximize, "differentiable": differentiable, "fused": fused,
        })
        for group in self.param_groups:  # there before the first step, as in torch
            for p in group["params"]:
                self.state[p] = self._new_state(group, p)

    def _new_state(self, group: dict[str, Any], param: Tensor) -> dict[str, Any]:
        start = group["initial_accumulator_value"]
        start = complex(start, start) if param.is_complex() else start
        return {"step": counter(0.0), "sum": ops.full_like(param, start, requires_grad=False)}

    def share_memory(self) -> None:
        """Put the state where worker processes see it."""
        for state in self.state.values():
            state["sum"].share_memory_()

    def _state_names(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("sum",)

    def _step_sparse(self, group: dict[str, Any], params: list[Tensor]) -> None:
        """The rows of sparse gradients: others keep their sums."""
        if group["weight_decay"] != 0:
            raise RuntimeError("weight_decay option is not compatible with sparse gradients")
        for p in params:
            state = self.state[p]
            state["step"] += 1
            decay = 1 + (state["step"].item() - 1) * number(group["lr_decay"])
            rate = number(group["lr"]) / decay
            grad: Any = (-p.grad if group["maximize"] else p.grad).coalesce()  # type: ignore[operator,union-attr]
            state["sum"].add_(grad.pow(2))
            root = state["sum"].sparse_mask(grad).values().sqrt_().add_(group["eps"])
            p.add_(grad._with(grad.values() / root), alpha=-rate)
