"""Stochastic gradient descent, with momentum."""

from __future__ import annotations

from typing import Any

from rushlight.optim.elementwise import ElementwiseOptimizer, check_rate, check_switches, number
from rushlight.optim.optimizer import ParamsT
from rushlight.tensor import Tensor


def update(s: Any, p: Any, g: Any, state: Any, o: Any) -> Any:
    """One element; `o.keep` is 1 - dampening, but 1 where the buffer is new."""
    if o.maximize:
        g = -g
    if o.weight_decay != 0:
        g = g + o.weight_decay * p
    if o.momentum != 0:
        state.momentum_buffer = state.momentum_buffer * o.momentum + o.keep * g
        g = g + o.momentum * state.momentum_buffer if o.nesterov else state.momentum_buffer
    return p - o.lr * g


class SGD(ElementwiseOptimizer):
    r"""Stochastic gradient descent: `p -= lr * v` with `v = momentum * v + (1 - dampening) * g`.

    Args:
        params: tensors, `(name, tensor)` pairs, or dicts of parameter groups.
        lr: learning rate, a float or a one-element tensor.
        momentum: share of the previous direction kept; the first direction is the gradient itself.
        dampening: share of the gradient left out of the direction.
        weight_decay: L2 penalty, `g += weight_decay * p`.
        nesterov: step along `g + momentum * v` (Sutskever et al., 2013).
        maximize: climb instead of descend.
        foreach, fused: accepted; the update is always one fused kernel.
        differentiable: let gradients flow through `step`.

    Raises:
        ValueError: a hyperparameter is negative, or Nesterov without momentum.

    >>> import rushlight as rl
    >>> w = rl.nn.Parameter(rl.ones(2))
    >>> optimizer = rl.optim.SGD([w], lr=0.5)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.tolist()
    [0.0, 0.0]
    """

    rule = update
    counters = ()

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float | Tensor = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_rate("Invalid learning rate", lr)
        check_rate("Invalid momentum value", momentum)
        check_rate("Invalid weight_decay value", weight_decay)
        check_switches(foreach, fused, differentiable)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        super().__init__(params, {
            "lr": lr, "momentum": momentum, "dampening": dampening,
            "weight_decay": weight_decay, "nesterov": nesterov, "maximize": maximize,
            "foreach": foreach, "differentiable": differentiable, "fused": fused,
        })

    def _state_names(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("momentum_buffer",) if group["momentum"] != 0 else ()

    def _options(self, group: dict[str, Any]) -> dict[str, Any]:
        momentum = number(group["momentum"])
        return {
            "lr": number(group["lr"]), "momentum": momentum,
            "keep": 1.0 - group["dampening"] if momentum else 1.0,
            "weight_decay": number(group["weight_decay"]),
            "nesterov": group["nesterov"], "maximize": group["maximize"],
        }

    def _step_sparse(self, group: dict[str, Any], params: list[Tensor]) -> None:
        """The rows of sparse gradients; momentum is the sparse sum of all so far."""
        momentum, rate = number(group["momentum"]), number(group["lr"])
        for p in params:
            grad: Any = -p.grad if group["maximize"] else p.grad  # type: ignore[operator]
            if group["weight_decay"] != 0:
                grad = grad + group["weight_decay"] * p  # which raises as torch does
            if momentum != 0:
                state = self.state[p]
                buffer = state.get("momentum_buffer")
                if buffer is None:
                    buffer = state["momentum_buffer"] = grad.clone()
                else:
                    buffer.mul_(momentum).add_(grad, alpha=1 - group["dampening"])
                grad = grad + momentum * buffer if group["nesterov"] else buffer
            p.add_(grad, alpha=-rate)

    def _step_group(
        self, group: dict[str, Any], params: list[Tensor], grads: list[Tensor]
    ) -> None:
        options = self._options(group)
        if group["momentum"] == 0:
            self._apply(group, params, grads, [{}] * len(params), options)
            return
        states = [self.state[p] for p in params]
        fresh = [i for i, state in enumerate(states) if state.get("momentum_buffer") is None]
        for i in fresh:
            states[i].update(self._new_state(group, params[i]))
        if not fresh or options["keep"] == 1.0:
            self._apply(group, params, grads, states, options)
            return
        old = [i for i in range(len(params)) if i not in set(fresh)]
        for chosen, keep in ((fresh, 1.0), (old, options["keep"])):
            if chosen:
                pick = [[column[i] for i in chosen] for column in (params, grads, states)]
                self._apply(group, *pick, options | {"keep": keep})
