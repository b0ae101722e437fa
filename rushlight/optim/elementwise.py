"""Optimizers whose update treats every element alike: one rule, one fused kernel over all tensors.

A subclass names its rule and its state; the rule runs as one native call over all parameters of a
group (`backends/cpu/multi_tensor.py`), on NumPy where it cannot be compiled, and on tensors, with
gradients, where `differentiable=True`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np

from rushlight import ops
from rushlight.autograd import no_grad, set_grad_enabled
from rushlight.backends.cpu import multi_tensor as native
from rushlight.backends.host import multi_tensor as reference
from rushlight.base import dtypes
from rushlight.base.errors import user_site
from rushlight.engine.node import COUNT, SITE
from rushlight.optim.optimizer import Closure, Optimizer
from rushlight.tensor import Tensor

CAPTURING = ["cuda", "xpu", "hpu", "privateuseone", "xla"]
FUSED = ["mps", "cuda", "xpu", "hpu", "cpu", "mtia", "privateuseone"]


class ElementwiseOptimizer(Optimizer):
    """Base of the optimizers with an elementwise rule.

    `rule` is the update (see `backends/host/multi_tensor.py`); `numbers` and `switches` are the
    hyperparameters that it reads, `counters` the state that is one number per parameter, and
    `_state_names(group)` says what other state it has.
    """

    rule: ClassVar[Callable[..., Any]]
    numbers: ClassVar[tuple[str, ...]] = ()
    switches: ClassVar[tuple[str, ...]] = ()
    counters: ClassVar[tuple[str, ...]] = ("step",)
    captured: ClassVar[str] = "params"  # what an error about capturable= calls the tensors

    def _state_names(self, group: dict[str, Any]) -> tuple[str, ...]:
        raise NotImplementedError

    def _options(self, group: dict[str, Any]) -> dict[str, Any]:
        """What the rule reads of a group; of a pair, `betas`, it reads `beta1` and `beta2`."""
        options = {name: group[name] for name in self.switches}
        for name in self.numbers:
            value = group[name]
            if isinstance(value, tuple | list):
                options |= {f"{name[:-1]}{k}": number(part) for k, part in enumerate(value, 1)}
            else:
                options[name] = number(value)
        return options

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        declared = next(kind for kind in type(self).__mro__ if "rule" in vars(kind))
        parameters = inspect.signature(declared.__init__).parameters.values()  # type: ignore[misc]
        fill_defaults(self, **{p.name: p.default for p in parameters if p.default is not p.empty})

    def _new_state(self, group: dict[str, Any], param: Tensor) -> dict[str, Any]:
        """The state of a parameter before its first step: zeros."""
        state: dict[str, Any] = {name: counter(0.0) for name in self.counters}
        for name in self._state_names(group):
            state[name] = ops.zeros_like(param)
        return state

    def step(self, closure: Closure | None = None) -> Any:
        """Update every parameter that has a gradient.

        Args:
            closure: evaluates the model anew and returns the loss, which `step` returns.
        """
        loss = self._loss_of(closure)
        for group in self.param_groups:
            params, grads, sparse = [], [], []
            for p in group["params"]:
                grad = p._grad
                if grad is None:
                    continue
                if grad.is_sparse:
                    sparse.append(p)
                    continue
                params.append(p)
                grads.append(grad)
            if sparse:
                with no_grad():
                    self._step_sparse(group, sparse)
            if params:
                self._step_group(group, params, grads)
        return loss

    def _step_sparse(self, group: dict[str, Any], params: list[Tensor]) -> None:
        """Update parameters whose gradients are sparse; most rules need all elements."""
        raise sparse_refused(self)

    def _step_group(
        self, group: dict[str, Any], params: list[Tensor], grads: list[Tensor]
    ) -> None:
        states = []
        for p in params:
            state = self.state[p]
            if not state:
                with no_grad():
                    state.update(self._new_state(group, p))
            states.append(state)
        self._apply(group, params, grads, states, self._options(group))

    def _check_group(self, group: dict[str, Any], params: list[Tensor]) -> None:
        """Raise torch's error for a switch that no processor can follow."""
        if group.get("capturable") and not group.get("fused"):
            raise AssertionError(
                f"If capturable=True, {self.captured} and state_steps must be on supported "
                f"devices: {CAPTURING}. Leave capturable= out: nothing here records a step.")
        if group.get("foreach") and group.get("differentiable") and "step" in self.counters:
            raise AssertionError("_foreach ops don't support autograd: leave foreach= out")
        if group.get("fused"):
            for p in params:
                if p.is_complex():
                    raise RuntimeError(
                        "`fused=True` requires all the params to be floating point Tensors of "
                        f"supported devices: {FUSED} but {p.dtype} and {p.device.type}")

    def _apply(
        self,
        group: dict[str, Any],
        params: list[Tensor],
        grads: list[Tensor],
        states: list[dict[str, Any]],
        options: dict[str, Any],
    ) -> None:
        self._check_group(group, params)
        rule = type(self).rule
        names = self._state_names(group)
        if group.get("differentiable"):
            _update_tensors(rule, params, grads, states, self.counters, names, options)
            return
        counters = {name: [state[name]._array for state in states] for name in self.counters}
        memory = {name: [state[name]._array for state in states] for name in names}
        update_arrays(rule, params, grads, counters, memory, options)


def sparse_refused(optimizer: Optimizer) -> RuntimeError:
    """The error for sparse gradients: what to use instead."""
    name = type(optimizer).__name__
    if name in ("Adam", "AdamW"):
        return RuntimeError("Adam does not support sparse gradients, please consider SparseAdam "
                            "instead")
    return RuntimeError(f"{name} does not support sparse gradients: SGD, Adagrad and SparseAdam do")


def update_arrays(
    rule: Callable[..., Any],
    params: list[Tensor],
    grads: list[Tensor],
    counters: dict[str, list[np.ndarray]],
    memory: dict[str, list[np.ndarray]],
    options: dict[str, Any],
) -> None:
    """Apply `rule` to all of `params` in place, as one native call where that can be."""
    param_arrays = [p._array for p in params]
    grad_arrays = [g._array for g in grads]
    if not native.update(rule, param_arrays, grad_arrays, counters, memory, options):
        # Weights may have their channels last: seen in the order of memory they are contiguous.
        orders = [np.argsort([-s for s in p.strides], kind="stable") for p in param_arrays]
        param_arrays, grad_arrays = _turned(param_arrays, orders), _turned(grad_arrays, orders)
        memory = {name: _turned(column, orders) for name, column in memory.items()}
        if not native.update(rule, param_arrays, grad_arrays, counters, memory, options):
            _update_one_by_one(rule, param_arrays, grad_arrays, counters, memory, options)
    mark_changed(params)


def _turned(arrays: list[np.ndarray], orders: list[np.ndarray]) -> list[np.ndarray]:
    return [array.transpose(order) if array.ndim == len(order) else array
            for array, order in zip(arrays, orders, strict=True)]


def _update_one_by_one(
    rule: Callable[..., Any],
    params: list[np.ndarray],
    grads: list[np.ndarray],
    counters: dict[str, list[np.ndarray]],
    state: dict[str, list[np.ndarray]],
    options: dict[str, Any],
) -> None:
    """Where some array is strided or of another dtype: only what does not fit goes to NumPy."""
    for i, (param, grad) in enumerate(zip(params, grads, strict=True)):
        own = (
            rule, [param], [np.ascontiguousarray(grad).reshape(grad.shape)],
            {name: [column[i]] for name, column in counters.items()},
            {name: [column[i]] for name, column in state.items()}, options,
        )
        if not native.update(*own):
            reference.update(*own)


def mark_changed(tensors: Sequence[Tensor]) -> None:
    """Count a change in place, so that a graph that saved an old value refuses to use it."""
    site = None
    for tensor in tensors:
        version = tensor._writes
        if version is not None:
            site = site or user_site()
            version[COUNT] += 1
            version[SITE] = site


def counter(value: float) -> Tensor:
    """A 0-d tensor that counts: torch's dtype for it, so that states are interchangeable."""
    wide = dtypes.default_dtype() is dtypes.float64
    return ops.tensor(value, dtype=dtypes.float64 if wide else dtypes.float32)


def number(value: Any) -> float:
    """A hyperparameter as a Python float; it may be a one-element tensor."""
    return float(value.item() if isinstance(value, Tensor) else value)


class _TensorFunctions:
    """What a rule may call, on tensors: here gradients flow."""

    abs, sign = staticmethod(ops.abs), staticmethod(ops.sign)

    @staticmethod
    def maximum(a: Any, b: Any) -> Any:
        return ops.maximum(*_both(a, b)) if _holds_tensor(a, b) else max(a, b)

    @staticmethod
    def minimum(a: Any, b: Any) -> Any:
        return ops.minimum(*_both(a, b)) if _holds_tensor(a, b) else min(a, b)

    @staticmethod
    def sqrt(x: Any) -> Any:
        return ops.sqrt(x) if isinstance(x, Tensor) else max(x, 0.0) ** 0.5

    @staticmethod
    def where(condition: Any, a: Any, b: Any) -> Any:
        if isinstance(condition, bool):
            return a if condition else b
        return ops.where(condition, a, b)


def _holds_tensor(*values: Any) -> bool:
    return any(isinstance(value, Tensor) for value in values)


def _both(a: Any, b: Any) -> tuple[Tensor, Tensor]:
    """`a` and `b` as tensors of one dtype, where one of them may be a number."""
    like = a if isinstance(a, Tensor) else b
    made = [x if isinstance(x, Tensor) else ops.full_like(like.detach(), x) for x in (a, b)]
    return made[0], made[1]


def _as_real(tensor: Tensor) -> Tensor:
    """Complex numbers as pairs, as which every rule treats them."""
    return ops.view_as_real(tensor) if tensor.is_complex() else tensor


def _update_tensors(
    rule: Callable[..., Any],
    params: list[Tensor],
    grads: list[Tensor],
    states: list[dict[str, Any]],
    counters: tuple[str, ...],
    names: tuple[str, ...],
    options: dict[str, Any],
) -> None:
    given = SimpleNamespace(**options)
    with set_grad_enabled(True):
        for param, grad, state in zip(params, grads, states, strict=True):
            memory = SimpleNamespace(
                **{name: state[name].item() for name in counters},
                **{name: _as_real(state[name]) for name in names},
            )
            new = rule(_TensorFunctions, _as_real(param.clone()), _as_real(grad), memory, given)
            back = ops.view_as_complex if param.is_complex() else _unchanged
            for name in names:
                state[name] = back(getattr(memory, name))
            for name in counters:
                state[name] = counter(getattr(memory, name))
            param.copy_(back(new))


def _unchanged(tensor: Tensor) -> Tensor:
    return tensor


def fill_defaults(optimizer: Optimizer, **defaults: Any) -> None:
    """Give groups of an older checkpoint the hyperparameters that it did not have yet.

    There `step` was a Python number: it becomes a tensor.
    """
    for group in optimizer.param_groups:
        for name, value in defaults.items():
            group.setdefault(name, value)
    for state in optimizer.state.values():
        step = state.get("step") if isinstance(state, dict) else None
        if step is not None and not isinstance(step, Tensor):
            state["step"] = counter(float(step))


def check_rate(name: str, value: Any, highest: float = float("inf")) -> None:
    """Raise torch's error for a hyperparameter below zero or above `highest`."""
    if isinstance(value, Tensor) and value.numel() != 1:
        raise ValueError("Tensor lr must be 1-element")
    if not 0.0 <= value <= highest:
        raise ValueError(f"{name}: {value}")


def check_switches(
    foreach: bool | None, fused: bool | None = None, differentiable: bool = False
) -> None:
    """Raise torch's errors for contradictory implementation switches.

    The switches change nothing else: every update is fused.
    """
    if fused and differentiable:
        raise RuntimeError("`fused` does not support `differentiable`")
    if fused and foreach:
        raise RuntimeError("`fused` and `foreach` cannot be `True` together.")
