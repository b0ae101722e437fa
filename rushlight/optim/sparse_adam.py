"""SparseAdam, for gradients that name the rows they touch."""

from __future__ import annotations

from typing import Any

from rushlight.optim.adam import check_betas
from rushlight.optim.optimizer import Closure, Optimizer, ParamsT
from rushlight.tensor import Tensor


class SparseAdam(Optimizer):
    r"""Adam for sparse gradients alone: it refuses dense ones.

    Gradients are dense here, those of embeddings too, so a program that reaches `step` with one
    is told to use `Adam`.

    Args:
        params: tensors, `(name, tensor)` pairs, or dicts of parameter groups.
        lr, betas, eps, maximize: as of `Adam`.

    Raises:
        ValueError: a hyperparameter is out of its range.
        RuntimeError: at the step, for a dense gradient.

    >>> import rushlight as rl
    >>> rl.optim.SparseAdam([rl.nn.Parameter(rl.ones(1))]).defaults["lr"]
    0.001
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        maximize: bool = False,
    ) -> None:
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        if not lr > 0.0:
            raise ValueError(f"Invalid learning rate: {lr}")
        if not eps > 0.0:
            raise ValueError(f"Invalid epsilon value: {eps}")
        check_betas(betas)
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "maximize": maximize})
        found = [
            [i, j] for i, group in enumerate(self.param_groups)
            for j, p in enumerate(group["params"]) if p.is_complex()
        ]
        if found:
            raise ValueError(
                f"Complex params at indices {found}: SparseAdam does not support complex parameters"
            )

    def step(self, closure: Closure | None = None) -> Any:
        loss = self._loss_of(closure)
        for group in self.param_groups:
            if any(p.grad is not None for p in group["params"]):
                raise RuntimeError(
                    "SparseAdam does not support dense gradients, please consider Adam instead"
                )
        return loss
