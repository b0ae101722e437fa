"""Muon: momentum whose matrices are made orthogonal."""

from __future__ import annotations

import math
from typing import Any

from rushlight import ops
from rushlight.autograd import no_grad
from rushlight.optim.elementwise import number, sparse_refused
from rushlight.optim.optimizer import Closure, Optimizer, ParamsT
from rushlight.tensor import Tensor

ADJUSTMENTS = ("original", "match_rms_adamw")


class Muon(Optimizer):
    r"""Muon: steps along the nearest orthogonal matrix to the momentum (Jordan et al., 2024).

    For the hidden layers' matrices; give biases, embeddings and heads to AdamW.

    Args:
        params: two-dimensional tensors, `(name, tensor)` pairs, or dicts of parameter groups.
        lr: learning rate, a float or a one-element tensor.
        weight_decay: `p *= 1 - lr * weight_decay` before each step.
        momentum: share of the running mean of gradients kept.
        nesterov: step along the gradient moved towards its mean.
        ns_coefficients: a, b, c of the Newton-Schulz step `a X + b (X X^T) X + c (X X^T)^2 X`.
        eps: the least norm that a momentum is divided by.
        ns_steps: how many of those steps, below 100.
        adjust_lr_fn: how the rate follows an (A, B) matrix: "original" (and None) multiplies by
            `sqrt(max(1, A / B))`, "match_rms_adamw" by `0.2 sqrt(max(A, B))` (Liu et al., 2025).

    Raises:
        ValueError: a parameter is not a matrix, or a hyperparameter out of its range.
        RuntimeError: at the step, for a complex parameter.

    >>> import rushlight as rl
    >>> w = rl.nn.Parameter(rl.zeros(2, 2))
    >>> optimizer = rl.optim.Muon([w], lr=0.1)
    >>> w.grad = rl.tensor([[3.0, 0.0], [0.0, -1.0]])
    >>> optimizer.step()
    >>> (w[0, 0] < -0.05).item(), (w[1, 1] > 0.05).item()
    (True, True)
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.7750, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        given = (("Learning rate", lr), ("momentum", momentum), ("weight decay", weight_decay))
        for name, value in given:
            if not value >= 0.0:
                raise ValueError(f"{name} should be >= 0 but is: {value}")
        if adjust_lr_fn is not None and adjust_lr_fn not in ADJUSTMENTS:
            raise ValueError(
                f"Adjust learning rate function {adjust_lr_fn} is not supported: choose from "
                f"{', '.join(ADJUSTMENTS)}"
            )
        super().__init__(params, {
            "lr": lr, "weight_decay": weight_decay, "momentum": momentum, "nesterov": nesterov,
            "ns_coefficients": ns_coefficients, "eps": eps, "ns_steps": ns_steps,
            "adjust_lr_fn": adjust_lr_fn,
        })
        for group in self.param_groups:
            for p in group["params"]:
                if p.dim() != 2:
                    raise ValueError(
                        "Muon only supports 2D parameters whereas we found a parameter with "
                        f"size: {p.size()}; give it to another optimizer, such as AdamW"
                    )

    def step(self, closure: Closure | None = None) -> Any:
        loss = self._loss_of(closure)
        with no_grad():
            for group in self.param_groups:
                for p in group["params"]:
                    if p.grad is not None:
                        if p.grad.is_sparse:
                            raise sparse_refused(self)
                        self._update(group, p, p.grad)
        return loss

    def _update(self, group: dict[str, Any], p: Tensor, grad: Tensor) -> None:
        if p.is_complex():
            raise RuntimeError("Muon does not support complex parameters")
        state, momentum, lr = self.state[p], group["momentum"], number(group["lr"])
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = ops.zeros_like(grad)
        mean = state["momentum_buffer"].lerp_(grad, 1 - momentum)
        direction = grad.lerp(mean, momentum) if group["nesterov"] else mean
        direction = orthogonalized(
            direction, group["ns_coefficients"], group["ns_steps"], group["eps"]
        )
        p.mul_(1 - lr * group["weight_decay"])
        p.add_(direction, alpha=-lr * rate_factor(group["adjust_lr_fn"], p.shape))


def orthogonalized(
    matrix: Tensor, coefficients: tuple[float, float, float], steps: int, eps: float
) -> Tensor:
    """About U V^T of the matrix U S V^T, in bfloat16, by Newton-Schulz iteration.

    Raises ValueError for 100 steps or more, and unless there are three coefficients.
    """
    if steps >= 100:
        raise ValueError("Number of steps must be less than 100 for computational efficiency")
    if len(coefficients) != 3:
        raise ValueError("Coefficients must be a tuple of exactly 3 values")
    a, b, c = coefficients
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.bfloat16()
    x = x.T if tall else x  # the smaller Gram matrix
    x = _rounded(x / x.norm().clamp(min=eps))
    for _ in range(steps):
        gram = _rounded(x @ x.T)
        x = _rounded(ops.addmm(
            x, _rounded(ops.addmm(gram, gram, gram, beta=b, alpha=c)), x, beta=a))
    return (x.T if tall else x).bfloat16()


def _rounded(x: Tensor) -> Tensor:
    """`x` to the precision of bfloat16, as float32: sums are then rounded once, at their end."""
    return x.bfloat16().float()


def rate_factor(adjustment: str | None, shape: Any) -> float:
    """What the learning rate of a matrix of `shape` is multiplied by."""
    rows, columns = shape
    if adjustment == "match_rms_adamw":
        return 0.2 * math.sqrt(max(rows, columns))
    return math.sqrt(max(1, rows / columns))
