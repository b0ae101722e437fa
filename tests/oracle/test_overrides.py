"""`__torch_function__` beside torch: what is offered, of which classes results are, errors."""

from __future__ import annotations

import re
from typing import Any

import pytest

import rushlight

torch = pytest.importorskip("torch")

CALLS = {
    "x + 1": lambda m, x: x + 1, "1 - x": lambda m, x: 1 - x, "x @ x": lambda m, x: x @ x,
    "2 ** x": lambda m, x: 2 ** x, "-x": lambda m, x: -x, "x > 0": lambda m, x: x > 0,
    "x.T": lambda m, x: x.T, "x.shape": lambda m, x: x.shape, "x.dim()": lambda m, x: x.dim(),
    "len": lambda m, x: len(x), "sum": lambda m, x: x.sum(), "max": lambda m, x: x.max(0),
    "cat": lambda m, x: m.cat([m.ones(2, 2), x]), "stack": lambda m, x: m.stack([x, x]),
    "where": lambda m, x: m.where(x == 1, x, 0.0), "einsum": lambda m, x: m.einsum("ij,jk", x, x),
    "linear": lambda m, x: m.nn.functional.linear(m.ones(2, 2), x),
    "relu": lambda m, x: m.nn.functional.relu(x), "split": lambda m, x: x.split(1),
    "softmax": lambda m, x: m.nn.functional.softmax(x, dim=-1), "float": lambda m, x: x.float(),
    "iadd": lambda m, x: x.__iadd__(1), "detach": lambda m, x: x.detach(),
    "data": lambda m, x: x.data, "grad": lambda m, x: x.grad, "item": lambda m, x: x.sum().item(),
    "zeros_like": lambda m, x: m.zeros_like(x), "module": lambda m, x: m.nn.Linear(2, 3)(x),
    "plain": lambda m, x: m.ones(2, 2) * x, "out": lambda m, x: m.add(x, x, out=m.empty(2, 2)),
    "requires_grad_": lambda m, x: x.requires_grad_(), "bool": lambda m, x: bool(x.sum()),
}


def run(module: Any, call: Any) -> tuple[Any, list[Any]]:
    """The kinds of the results of a call, and the names of the functions that were offered."""
    offered: list[Any] = []

    class Logged(module.Tensor):
        @classmethod
        def __torch_function__(cls, func: Any, types: Any, args: Any = (),
                               kwargs: Any = None) -> Any:
            offered.append((getattr(func, "__name__", "").strip("_"), len(types)))
            return super().__torch_function__(func, types, args, kwargs or {})

    found = call(module, module.ones(2, 2).as_subclass(Logged))
    parts = list(found) if isinstance(found, tuple) else [found]
    return (type(found).__name__, [type(part).__name__ for part in parts]), offered


@pytest.mark.parametrize("name", CALLS)
def test_subclasses(name: str) -> None:
    assert run(rushlight, CALLS[name]) == run(torch, CALLS[name])


def refusals(module: Any) -> list[str]:
    class Foreign:
        @classmethod
        def __torch_function__(cls, *args: Any) -> Any:
            return NotImplemented

    functional = module.nn.functional
    found = []
    for call in (lambda: functional.cross_entropy(Foreign(), Foreign()),
                 lambda: functional.relu(Foreign()), lambda: module.ones(1) + Foreign(),
                 lambda: functional.mse_loss(Foreign(), Foreign())):
        with pytest.raises(TypeError) as caught:
            call()
        text = re.sub(r"<class '[^']*'>", "", str(caught.value))
        found.append(text.partition(" on types")[0])
    return found


def test_refusals() -> None:
    assert refusals(rushlight) == refusals(torch)


def test_modes() -> None:
    def names(module: Any, mode: Any) -> list[str]:
        class Log(mode):
            def __torch_function__(self, func: Any, types: Any, args: Any = (),
                                   kwargs: Any = None) -> Any:
                found.append(func.__name__.strip("_"))
                return func(*args, **(kwargs or {}))

        found: list[str] = []
        with Log():
            x = module.ones(3)
            y = x * 2 + 1
            module.nn.functional.softmax(y, 0)
            module.stack([x, y]).sum()
        return found

    overrides = __import__("torch.overrides").overrides
    assert names(rushlight, rushlight.overrides.TorchFunctionMode) == names(
        torch, overrides.TorchFunctionMode)
