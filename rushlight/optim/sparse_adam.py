"""SparseAdam, for gradients that name the rows they touch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight.autograd import no_grad
from rushlight.ops import zeros_like
from rushlight.optim.adam import check_betas
from rushlight.optim.elementwise import number
from rushlight.optim.optimizer import Closure, Optimizer, ParamsT
from rushlight.tensor import Tensor


class SparseAdam(Optimizer):
    r"""Adam for sparse gradients, as of `nn.Embedding(sparse=True)`: it refuses dense ones.

    Only the rows that a gradient names are updated, and so are only their moments: the others
    do not decay as they do in `Adam`.

    Args:
        params: tensors, `(name, tensor)` pairs, or dicts of parameter groups.
        lr, betas, eps, maximize: as of `Adam`.

    Raises:
        ValueError: a hyperparameter is out of its range, or a parameter is sparse or complex.
        RuntimeError: at the step, for a dense gradient.

    >>> import rushlight as rl
    >>> table = rl.nn.Embedding(3, 1, sparse=True, _weight=rl.zeros(3, 1))
    >>> optimizer = rl.optim.SparseAdam(table.parameters(), lr=0.5)
    >>> table(rl.tensor([2])).sum().backward()
    >>> optimizer.step()
    >>> table.weight.detach()
    tensor([[ 0.0000],
            [ 0.0000],
            [-0.5000]])
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
        self._refuse("Sparse", lambda p: p.is_sparse, "requires dense parameter tensors")
        self._refuse("Complex", Tensor.is_complex, "does not support complex parameters")

    def _refuse(self, kind: str, test: Callable[[Tensor], bool], reason: str) -> None:
        found = [[i, j] for i, group in enumerate(self.param_groups)
                 for j, p in enumerate(group["params"]) if test(p)]
        if found:
            raise ValueError(f"{kind} params at indices {found}: SparseAdam {reason}")

    def step(self, closure: Closure | None = None) -> Any:
        loss = self._loss_of(closure)
        with no_grad():
            for group in self.param_groups:
                found = [p for p in group["params"] if p.grad is not None]
                if not all(p.grad.is_sparse for p in found):
                    raise RuntimeError("SparseAdam does not support dense gradients, please "
                                       "consider Adam instead")
                for p in found:
                    self._update(group, p)
        return loss

    def _update(self, group: dict[str, Any], p: Tensor) -> None:
        state = self.state[p]
        if not state:
            state["step"] = 0
            state["exp_avg"], state["exp_avg_sq"] = zeros_like(p), zeros_like(p)
        state["step"] += 1
        grad: Any = p.grad.coalesce()  # type: ignore[union-attr]
        if group["maximize"]:
            grad = -grad
        if not grad._nnz():
            return
        values = grad._values()
        moments = []
        for name, beta, target in (("exp_avg", group["betas"][0], values),
                                   ("exp_avg_sq", group["betas"][1], values.square())):
            before = state[name].sparse_mask(grad)._values()
            change = (target - before) * (1 - beta)
            state[name].add_(grad._with(change))
            moments.append(before + change)
        first, second = (1 - beta ** state["step"] for beta in group["betas"])
        rate = number(group["lr"]) * second ** 0.5 / first
        step = moments[0] / moments[1].sqrt().add_(group["eps"])
        p.add_(grad._with(step), alpha=-rate)
