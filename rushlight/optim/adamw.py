"""AdamW: Adam with the weight decay outside the gradient."""

from __future__ import annotations

from typing import Any

from rushlight.optim.adam import Adam
from rushlight.optim.optimizer import ParamsT
from rushlight.tensor import Tensor


class AdamW(Adam):
    r"""Adam that shrinks parameters by `lr * weight_decay` beside the step (Loshchilov & Hutter).

    Args:
        params, lr, betas, eps, amsgrad, maximize, foreach, capturable, differentiable, fused:
            as of `Adam`.
        weight_decay: `p *= 1 - lr * weight_decay` before each step.

    >>> import rushlight as rl
    >>> w = rl.nn.Parameter(rl.ones(1))
    >>> optimizer = rl.optim.AdamW([w], lr=0.5, weight_decay=0.1)
    >>> (3 * w).sum().backward()
    >>> optimizer.step()
    >>> round(w.item(), 4)
    0.45
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params, lr, betas, eps, weight_decay, amsgrad, foreach=foreach, maximize=maximize,
            capturable=capturable, differentiable=differentiable, fused=fused,
            decoupled_weight_decay=True,
        )

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            group["decoupled_weight_decay"] = True
