"""Checkpointed functions: the gradients of plain ones, and what they keep."""

from __future__ import annotations

import contextlib
import gc
import weakref
from typing import Any

import pytest

import rushlight as rl
from rushlight.utils.checkpoint import (
    CheckpointError,
    checkpoint,
    checkpoint_sequential,
    set_checkpoint_debug_enabled,
    set_checkpoint_early_stop,
)


def model_and_input() -> tuple[Any, rl.Tensor]:
    rl.manual_seed(0)
    model = rl.nn.Sequential(rl.nn.Linear(3, 4), rl.nn.Dropout(0.5), rl.nn.Tanh(),
                             rl.nn.Linear(4, 2))
    return model, rl.randn(5, 3, requires_grad=True)


def gradients(use: Any) -> tuple[list[rl.Tensor], rl.Tensor]:
    model, x = model_and_input()
    hidden = 2 * x  # used inside and outside
    out = use(model, hidden)
    (out.pow(2).sum() + (hidden * model[0].weight.sum()).sum()).backward()
    return [*(p.grad for p in model.parameters()), x.grad], rl.rand(3)


@pytest.mark.parametrize("use_reentrant", [True, False])
def test_gradients_and_random_numbers_are_those_of_the_function(use_reentrant: bool) -> None:
    plain, next_numbers = gradients(lambda model, h: model(h))
    for use in (
        lambda model, h: checkpoint(model, h, use_reentrant=use_reentrant),
        lambda model, h: checkpoint_sequential(model, 2, h, use_reentrant=use_reentrant),
    ):
        found, numbers = gradients(use)
        for a, b in zip(plain, found, strict=True):
            assert rl.allclose(a, b, atol=1e-6)
        assert rl.equal(numbers, next_numbers)


def test_hooks_run_once() -> None:
    model, x = model_and_input()
    calls: list[str] = []
    model[0].weight.register_hook(lambda g: calls.append("leaf"))
    hidden = 2 * x
    hidden.register_hook(lambda g: calls.append("hidden"))
    checkpoint(model, hidden, use_reentrant=False).sum().backward()
    assert sorted(calls) == ["hidden", "leaf"]


def test_structures_keywords_and_higher_orders() -> None:
    x = rl.tensor([1.0, 2.0], requires_grad=True)

    def function(a: rl.Tensor, power: int = 1) -> dict[str, Any]:
        return {"p": [a ** power, a.detach()], "q": a.exp(), "same": a, "number": 3}

    result = checkpoint(function, x, power=3, use_reentrant=False)
    assert result["same"] is x and result["number"] == 3
    assert not result["p"][1].requires_grad
    loss = result["p"][0].sum() + result["q"].sum()
    (first,) = rl.autograd.grad(loss, x, create_graph=True)
    (second,) = rl.autograd.grad(first.sum(), x)
    assert rl.allclose(first, 3 * x ** 2 + x.exp())
    assert rl.allclose(second, 6 * x + x.exp())


@pytest.mark.parametrize("use_reentrant", [True, False])
def test_nothing_inside_is_kept(use_reentrant: bool) -> None:
    inside: list[Any] = []

    def function(x: rl.Tensor) -> rl.Tensor:
        y = x.exp()
        inside.append(weakref.ref(y._array))
        return (y * y).sum()

    x = rl.randn(4, requires_grad=True)
    gc.disable()
    try:
        loss = checkpoint(function, x, use_reentrant=use_reentrant)
        assert inside[0]() is None
        loss.backward()
        assert inside[1]() is None
    finally:
        gc.enable()
    with pytest.raises(RuntimeError, match="Trying to backward through the graph a second time"):
        loss.backward()


def test_arguments_of_a_checkpoint_inside_another_are_not_kept() -> None:
    inside: list[Any] = []

    def outer(x: rl.Tensor) -> rl.Tensor:
        y = x.exp()
        inside.append(weakref.ref(y._array))
        return checkpoint(lambda y: (y * y).sin(), y, use_reentrant=False)

    x = rl.randn(4, requires_grad=True)
    loss = checkpoint(outer, x, use_reentrant=False).sum()
    assert inside[0]() is None
    loss.backward()
    assert len(inside) == 2 and inside[1]() is None
    e = x.detach().exp()
    assert rl.allclose(x.grad, 2 * e * e * (e * e).cos())


def test_the_graph_stays_and_is_named_without_running_again() -> None:
    runs: list[int] = []

    def function(x: rl.Tensor) -> rl.Tensor:
        runs.append(1)
        return x @ x

    x = rl.randn(3, 3, requires_grad=True)
    out = checkpoint(function, x, use_reentrant=False)
    assert out.grad_fn.name() == "MmBackward0" and "MmBackward0" in repr(out)
    assert rl.saved_bytes(out) is not None and len(runs) == 1
    assert rl.equal(out.grad_fn._saved_self, x) and len(runs) == 2
    out.sum().backward(retain_graph=True)
    out.sum().backward()
    assert len(runs) == 4
    both = x.grad.clone()
    x.grad = None
    (x @ x).sum().backward()
    assert rl.allclose(both, 2 * x.grad)


def steps_again(early_stop: bool, **options: Any) -> list[str]:
    """What a function that saves twice, and then no more, does when it runs again."""
    steps: list[str] = []

    def function(x: rl.Tensor) -> rl.Tensor:
        steps.append("first")
        y = (x * x).sin()
        steps.append("second")
        z = (y + 1).sum()
        steps.append("end")
        return z

    x = rl.ones(2, requires_grad=True)
    out = checkpoint(function, x, use_reentrant=False, early_stop=early_stop, **options)
    steps.clear()
    out.backward()
    assert rl.allclose(x.grad, 2 * rl.cos(rl.ones(2)))
    return steps


def test_running_again_stops_early() -> None:
    assert steps_again(True) == ["first"]
    assert steps_again(False) == ["first", "second", "end"]
    with set_checkpoint_early_stop(False):
        assert steps_again(True) == ["first", "second", "end"]
    with set_checkpoint_early_stop(True):
        assert steps_again(False) == ["first"]


def test_contexts() -> None:
    log: list[str] = []

    @contextlib.contextmanager
    def note(name: str) -> Any:
        log.append(f"in {name}")
        yield
        log.append(f"out {name}")

    contexts = {"context_fn": lambda: (note("forward"), note("again"))}
    steps_again(False, **contexts)
    assert log == ["in forward", "out forward", "in again", "out again"]
    log.clear()
    steps_again(True, **contexts)  # stopping is an error that passes through the context
    assert log == ["in forward", "out forward", "in again"]
    with pytest.raises(ValueError, match="debug=True is incompatible with non-default context_fn"):
        steps_again(True, debug=True, **contexts)


def test_warnings_and_errors() -> None:
    x = rl.ones(2)
    with pytest.warns(UserWarning, match="use_reentrant parameter should be passed explicitly"):
        checkpoint(lambda a: 2 * a, x.clone().requires_grad_())
    with pytest.warns(UserWarning, match="None of the inputs have requires_grad=True"):
        assert not checkpoint(lambda a: 2 * a, x, use_reentrant=True).requires_grad
    with pytest.raises(ValueError, match="Unexpected keyword arguments: b"):
        checkpoint(lambda a, b: a, x, b=1, use_reentrant=True)
    flips = iter([True, False])
    y = x.clone().requires_grad_()
    out = checkpoint(lambda a: a * a if next(flips) else a.detach(), y, use_reentrant=False)
    with pytest.raises(RuntimeError, match="A different number of tensors was saved"):
        out.sum().backward()
    with rl.no_grad():
        assert not checkpoint(lambda a: 2 * a, y, use_reentrant=False).requires_grad


def test_a_function_that_does_something_else_again_is_an_error() -> None:
    layer, x = rl.nn.Linear(3, 3), rl.ones(4, 3, requires_grad=True)

    def twice(first: Any, second: Any) -> Any:
        """One function when called first, another from then on."""
        functions = iter([first])
        return lambda x: next(functions, second)(x)

    long, short = lambda x: layer(x).sin().cos(), lambda x: layer(x).sin()
    with pytest.raises(CheckpointError, match="A different number of tensors was saved") as fewer:
        checkpoint(twice(long, short), x, use_reentrant=False).sum().backward()
    assert "debug=True" in str(fewer.value)
    with pytest.raises(CheckpointError, match="save more tensors during recomputation"):
        checkpoint(twice(short, long), x, use_reentrant=False, early_stop=False).sum().backward()
    checkpoint(twice(short, long), x, use_reentrant=False).sum().backward()  # not seen
    with pytest.raises(CheckpointError, match=r"different metadata than"):
        checkpoint(twice(lambda x: x[:2].sin().sum(), lambda x: x[:3].sin().sum()), x,
                   use_reentrant=False).backward()
    for listed, options in ((True, {"debug": True}), (False, {})):
        with pytest.raises(CheckpointError) as caught:
            checkpoint(twice(long, short), x, use_reentrant=False, **options).sum().backward()
        assert ("  0: {" in str(caught.value)) is listed
    with set_checkpoint_debug_enabled(True):
        out = checkpoint(twice(long, short), x, use_reentrant=False)
    with pytest.raises(CheckpointError, match=r"  0: \{"):
        out.sum().backward()


def test_settings_that_torch_refuses() -> None:
    x = rl.ones(2, requires_grad=True)
    with pytest.raises(ValueError, match=r"Passing `context_fn` or `debug` is only supported"):
        checkpoint(rl.exp, x, use_reentrant=True, debug=True)
    with pytest.raises(ValueError, match=r"determinism_check should be one of \['default', 'none'"):
        checkpoint(rl.exp, x, use_reentrant=False, determinism_check="some")


@pytest.mark.parametrize("use_reentrant", [True, False])
def test_autocast_is_as_it_was_when_the_function_runs_again(use_reentrant: bool) -> None:
    layer, x, seen = rl.nn.Linear(3, 3), rl.randn(4, 3, requires_grad=True), []

    def function(x: rl.Tensor) -> rl.Tensor:
        seen.append(rl.get_autocast_dtype("cpu") if rl.is_autocast_enabled("cpu") else None)
        return layer(x).relu() @ layer.weight

    with rl.autocast("cpu", dtype=rl.float16):
        out = checkpoint(function, x, use_reentrant=use_reentrant)
    out.float().sum().backward()
    assert seen == [rl.float16, rl.float16] and not rl.is_autocast_enabled("cpu")
    assert layer.weight.grad.dtype is rl.float32
