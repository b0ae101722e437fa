"""What the graph holds on to: deep chains, dropped results, values given up after a run."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator

import pytest

import rushlight as rl


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Without the cycle collector, what is in a cycle stays."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def chain(step: Callable[[rl.Tensor], rl.Tensor], length: int) -> tuple[rl.Tensor, rl.Tensor]:
    x = rl.ones(2, requires_grad=True)
    y = x * 1
    for _ in range(length):
        y = step(y)
    return x, y


def test_a_deep_chain_runs_backward_and_is_freed(no_collector: None) -> None:
    x, y = chain(lambda y: y * 1.00001, 100_000)
    loss = y.sum()
    loss.backward()
    assert x.grad.sub(2.7183).abs().max() < 0.01
    node = weakref.ref(y.grad_fn)
    del y, loss
    assert node() is None


STEPS: dict[str, Callable[[rl.Tensor], rl.Tensor]] = {
    "several operands": lambda y: (y + y.sin()) * 0.5,
    "views": lambda y: y.view(2, 1)[:, 0].unsqueeze(0).squeeze(0),
    "in place": lambda y: y.mul_(1.0),
    "an output saved in place": lambda y: (y + 0).tanh_(),
    "in place through a view": lambda y: (y[:1].mul_(0.5), y)[1],
    "an item set": lambda y: (y.__setitem__(0, y[1]), y)[1],
    "softmax": lambda y: y.softmax(0),
    "matmul": lambda y: rl.eye(2) @ y,
    "cat": lambda y: rl.cat([y, y])[:2],
    "copy": lambda y: rl.zeros(2).copy_(y),
    "cast": lambda y: y.double().float(),
    "several outputs": lambda y: y.sort()[0],
}


@pytest.mark.parametrize("name", STEPS)
def test_graphs_have_no_cycles(name: str, no_collector: None) -> None:
    for run in (False, True):
        x, y = chain(STEPS[name], 50)
        if run:
            y.sum().backward(retain_graph=True)
            assert x.grad is not None
        node, tensor = weakref.ref(y.grad_fn), weakref.ref(y)
        del y
        assert tensor() is None and node() is None


def test_hooks_and_retained_gradients_make_no_cycle(no_collector: None) -> None:
    x = rl.ones(2, requires_grad=True)
    y = x * 2
    y.retain_grad()
    y.register_hook(lambda g: g * 2)
    y.sum().backward()
    node, tensor = weakref.ref(y.grad_fn), weakref.ref(y)
    del y
    assert tensor() is None and node() is None


def test_dropped_forwards_leave_nothing(no_collector: None) -> None:
    x = rl.ones(8, requires_grad=True)
    weight = rl.ones(8, 8, requires_grad=True)

    def forward() -> rl.Tensor:
        y = (weight @ x).relu()
        y[0] = x[1]
        return rl.nn.functional.softmax(y.mul_(2), 0).sum()

    for _ in range(50):
        forward()
    gc.collect()
    before = len(gc.get_objects())
    for _ in range(10_000):
        forward()
    assert len(gc.get_objects()) - before < 50
    assert x._writes is None or len(x._writes[2] or ()) < 200  # of views, only living ones count


def test_a_run_gives_up_what_was_saved() -> None:
    x = rl.ones(1000, requires_grad=True)
    y = x.exp()
    memory = weakref.ref(y.detach()._array.base if y._array.base is not None else y._array)
    loss = (y * y).sum()
    del y
    assert memory() is not None
    loss.backward()
    assert memory() is None and loss.grad_fn is not None


def test_views_keep_their_base_and_nothing_else_does() -> None:
    base = rl.zeros(4)
    view = base[1:]
    assert view._base is base
    kept = weakref.ref(base)
    del base
    assert kept() is not None
    del view
    assert kept() is None
