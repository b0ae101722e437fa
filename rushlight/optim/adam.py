"""Adam and AdamW."""

from __future__ import annotations

from typing import Any

from rushlight.optim.elementwise import ElementwiseOptimizer, check_rate, check_switches
from rushlight.optim.optimizer import ParamsT
from rushlight.tensor import Tensor


def lerp(s: Any, a: Any, b: Any, weight: Any) -> Any:
    """`a` moved towards `b` by `weight`, from the nearer end so that rounding stays small."""
    return s.where(weight < 0.5, a + weight * (b - a), b - (b - a) * (1 - weight))


def update(s: Any, p: Any, g: Any, state: Any, o: Any) -> Any:
    """One element (Kingma & Ba, 2014; decoupled decay: Loshchilov & Hutter, 2017)."""
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
    second = state.exp_avg_sq
    if o.amsgrad:
        second = state.max_exp_avg_sq = s.maximum(state.max_exp_avg_sq, second)
    step_size = o.lr / (1 - o.beta1 ** state.step)
    denominator = s.sqrt(second) / s.sqrt(1 - o.beta2 ** state.step) + o.eps
    return p + (-step_size * state.exp_avg) / denominator


class Adam(ElementwiseOptimizer):
    r"""Adam: steps scaled by running moments, `p -= lr * m / (sqrt(v) + eps)`, bias-corrected.

    Args:
        params: tensors, `(name, tensor)` pairs, or dicts of parameter groups.
        lr: learning rate, a float or a one-element tensor.
        betas: decay of the running mean of the gradient and of its square.
        eps: added to the denominator.
        weight_decay: L2 penalty, `g += weight_decay * p`.
        amsgrad: divide by the largest second moment so far (Reddi et al., 2018).
        maximize: climb instead of descend.
        foreach, fused: accepted; the update is always one fused kernel.
        capturable: `step` refuses True, for no step on a processor is recorded.
        differentiable: let gradients flow through `step`.
        decoupled_weight_decay: shrink the parameter instead, as AdamW does.

    Raises:
        ValueError: a hyperparameter is out of its range.

    >>> import rushlight as rl
    >>> w = rl.nn.Parameter(rl.ones(1))
    >>> optimizer = rl.optim.Adam([w], lr=0.5)
    >>> (3 * w).sum().backward()
    >>> optimizer.step()
    >>> round(w.item(), 4)
    0.5
    """

    rule = update
    numbers = ("lr", "betas", "eps", "weight_decay")
    switches = ("amsgrad", "maximize", "decoupled_weight_decay")

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        if isinstance(lr, Tensor) and foreach and not capturable:
            raise ValueError(
                "lr as a Tensor is not supported for capturable=False and foreach=True"
            )
        check_rate("Invalid learning rate", lr)
        check_rate("Invalid epsilon value", eps)
        check_betas(betas)
        check_rate("Invalid weight_decay value", weight_decay)
        if isinstance(betas[0], Tensor) != isinstance(betas[1], Tensor):
            raise ValueError("betas must be either both floats or both Tensors")
        if foreach and not capturable:
            for place, beta in enumerate(betas):
                if isinstance(beta, Tensor):
                    raise ValueError(f"betas[{place}] as a Tensor is not supported for "
                                     "capturable=False and foreach=True")
        check_switches(foreach, fused, differentiable)
        super().__init__(params, {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay,
            "amsgrad": amsgrad, "maximize": maximize, "foreach": foreach,
            "capturable": capturable, "differentiable": differentiable, "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay,
        })

    def _state_names(self, group: dict[str, Any]) -> tuple[str, ...]:
        if group["amsgrad"]:
            return ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")
        return ("exp_avg", "exp_avg_sq")


def check_betas(betas: Any) -> None:
    """Raise torch's error for a decay rate outside [0, 1)."""
    for i, beta in enumerate(betas):
        if isinstance(beta, Tensor) and beta.numel() != 1:
            raise ValueError(f"Tensor betas[{i}] must be 1-element")
        if not 0.0 <= beta < 1.0:
            raise ValueError(f"Invalid beta parameter at index {i}: {beta}")
