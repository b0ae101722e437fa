"""L-BFGS: a quasi-Newton method for smooth losses without noise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight.autograd import enable_grad, no_grad
from rushlight.ops import cat, view_as_real
from rushlight.optim.elementwise import check_rate
from rushlight.optim.line_search import strong_wolfe
from rushlight.optim.optimizer import Optimizer, ParamsT
from rushlight.tensor import Tensor


class LBFGS(Optimizer):
    r"""Limited-memory BFGS: steps along `-H g`, H built from the last changes (Nocedal, 1980).

    `step` evaluates the loss several times, so it needs a closure; there is one parameter group.

    Args:
        params: an iterable of tensors, or one dict.
        lr: the length of a step; with a line search, that of its first trial.
        max_iter: iterations a call of `step`.
        max_eval: evaluations a call of `step` (None: 1.25 * max_iter).
        tolerance_grad: stop where no element of the gradient is larger.
        tolerance_change: stop where the parameters or the loss change less.
        history_size: how many changes are remembered.
        line_search_fn: None, or "strong_wolfe".

    Raises:
        ValueError: several parameter groups, or a negative learning rate.
        RuntimeError: at the step, for a line search that is not known.

    >>> import rushlight as rl
    >>> w = rl.nn.Parameter(rl.tensor([2.0, -3.0]))
    >>> optimizer = rl.optim.LBFGS([w], line_search_fn="strong_wolfe")
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = (w * w).sum()
    ...     loss.backward()
    ...     return loss
    >>> first = optimizer.step(closure)
    >>> w.abs().max().item() < 1e-6
    True
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        check_rate("Invalid learning rate", lr)
        super().__init__(params, {
            "lr": lr, "max_iter": max_iter,
            "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad, "tolerance_change": tolerance_change,
            "history_size": history_size, "line_search_fn": line_search_fn,
        })
        if len(self.param_groups) != 1:
            raise ValueError(
                "LBFGS doesn't support per-parameter options (parameter groups): "
                f"got {len(self.param_groups)} groups"
            )
        self._params = self.param_groups[0]["params"]

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._params = self.param_groups[0]["params"]

    def sync(self, *models: Any) -> Any:
        """Raises TypeError: directions go over all parameters at once."""
        raise TypeError("LBFGS cannot follow a model that changes: it remembers directions over "
                        "all parameters at once. Make a new one")

    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]
        """Several iterations; returns the loss before the first.

        Args:
            closure: clears the gradients, computes the loss, calls `backward`, returns the loss.
        """
        with no_grad():
            return _Run(self, closure).run()

    def _gather_flat_grad(self) -> Tensor:
        return cat([_flat(p, _dense_gradient(p)) for p in self._params])

    def _add_grad(self, step_size: Any, direction: Tensor) -> None:
        """Move all parameters by `step_size` times their part of `direction`."""
        start = 0
        for p in self._params:
            own = view_as_real(p) if p.is_complex() else p
            part = direction[start : start + own.numel()]
            own.add_(part.view_as(own), alpha=float(step_size))
            start += own.numel()


def _dense_gradient(p: Tensor) -> Tensor:
    if p.grad is None:
        return p.new_zeros(p.shape)
    return p.grad.to_dense() if p.grad.is_sparse else p.grad


def _flat(p: Tensor, grad: Tensor) -> Tensor:
    if p.is_complex():
        grad = view_as_real(grad)
    return grad.reshape(-1)


class _Run:
    """One call of `step`. What outlives it is the state of the first parameter, as in torch."""

    LASTING = ("d", "t", "old_dirs", "old_stps", "ro", "H_diag", "prev_flat_grad", "prev_loss")

    def __init__(self, optimizer: LBFGS, closure: Callable[[], Any]) -> None:
        self.optimizer = optimizer
        self.options = optimizer.param_groups[0]
        self.saved = optimizer.state[optimizer._params[0]]
        self.saved.setdefault("func_evals", 0)
        self.saved.setdefault("n_iter", 0)
        self.state = dict(self.saved)  # a closure that raises leaves what is saved as it was
        self.closure = closure
        self.evaluations = 1

    def evaluate(self) -> Any:
        """The closure's loss, with gradients recorded."""
        with enable_grad():
            return self.closure()

    def run(self) -> Any:
        """Iterate until something small enough is reached, or a limit."""
        original = self.evaluate()
        self.loss = float(original)
        self.saved["func_evals"] += 1
        self.gradient = self.optimizer._gather_flat_grad()
        if _largest(self.gradient) > self.options["tolerance_grad"]:
            self.iterate()
            self.saved.update({name: self.state[name] for name in self.LASTING})
        return original

    def iterate(self) -> None:
        """The iterations of one call."""
        options, state, saved = self.options, self.state, self.saved
        for count in range(1, options["max_iter"] + 1):
            saved["n_iter"] += 1
            self.choose_direction()
            state["prev_flat_grad"] = self.gradient.clone()
            state["prev_loss"] = before = self.loss
            lr = options["lr"]
            # Numbers of the line are 0-d tensors: rounded to the parameters' dtype, as in torch.
            steepness: Any = self.gradient.abs().sum()
            first = min(1.0, 1.0 / steepness) * lr
            state["t"] = first if saved["n_iter"] == 1 else lr
            slope = self.gradient.dot(state["d"])
            if slope > -options["tolerance_change"]:
                break
            evaluations = self.move(slope, last=count == options["max_iter"])
            self.evaluations += evaluations
            saved["func_evals"] += evaluations
            change = _largest(state["d"] * state["t"])
            if (
                count == options["max_iter"]
                or self.evaluations >= options["max_eval"]
                or _largest(self.gradient) <= options["tolerance_grad"]
                or change <= options["tolerance_change"]
                or abs(self.loss - before) < options["tolerance_change"]
            ):
                break

    def choose_direction(self) -> None:
        """`-H g` by the two loops over the remembered changes."""
        state = self.state
        if self.saved["n_iter"] == 1:
            state.update(d=self.gradient.neg(), old_dirs=[], old_stps=[], ro=[], H_diag=1)
            return
        self.remember()
        recent = self.saved.setdefault("al", [None] * self.options["history_size"])
        changes = list(zip(state["old_dirs"], state["old_stps"], state["ro"], strict=True))
        q = self.gradient.neg()
        shares = []
        for y, s, rho in reversed(changes):
            shares.append(s.dot(q) * rho)
            q.add_(y, alpha=-shares[-1].item())
        recent[: len(shares)] = reversed(shares)
        direction = q * state["H_diag"]
        for (y, s, rho), share in zip(changes, reversed(shares), strict=True):
            direction.add_(s, alpha=(share - y.dot(direction) * rho).item())
        state["d"] = direction

    def remember(self) -> None:
        """Add the last change, if the loss curves upwards along it; forget the oldest."""
        state = self.state
        y = self.gradient - state["prev_flat_grad"]
        s = state["d"] * state["t"]
        curvature = y.dot(s)
        if curvature.item() <= 1e-10:
            return
        kept = (state["old_dirs"], state["old_stps"], state["ro"])
        if len(state["old_dirs"]) == self.options["history_size"]:
            for column in kept:
                column.pop(0)
        for column, value in zip(kept, (y, s, 1.0 / curvature), strict=True):
            column.append(value)
        state["H_diag"] = curvature / y.dot(y)

    def move(self, slope: Tensor, last: bool) -> int:
        """Step along the direction; how many evaluations it took."""
        optimizer, options, state = self.optimizer, self.options, self.state
        search = options["line_search_fn"]
        if search is None:
            optimizer._add_grad(state["t"], state["d"])
            if last:
                return 0
            self.loss = float(self.evaluate())
            self.gradient = optimizer._gather_flat_grad()
            return 1
        if search != "strong_wolfe":
            raise RuntimeError(f"only 'strong_wolfe' is supported, but got {search!r}")
        start = [p.clone() for p in optimizer._params]

        def probe(step_size: Any) -> tuple[float, Tensor]:
            optimizer._add_grad(step_size, state["d"])
            loss = float(self.evaluate())
            gradient = optimizer._gather_flat_grad()
            for p, value in zip(optimizer._params, start, strict=True):
                p.copy_(value)
            return loss, gradient

        self.loss, self.gradient, state["t"], evaluations = strong_wolfe(
            probe, state["d"], state["t"], self.loss, self.gradient, slope)
        optimizer._add_grad(state["t"], state["d"])
        return evaluations


def _largest(x: Tensor) -> float:
    return x.abs().max().item()
