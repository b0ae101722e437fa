"""Hooks of tensors and nodes, and gradients kept for what is no leaf."""

from __future__ import annotations

from typing import Any

import pytest

import rushlight as rl


def leaf(*values: float) -> rl.Tensor:
    return rl.tensor(values, requires_grad=True)


def test_hooks_see_and_replace_gradients() -> None:
    x = leaf(1.0)
    y = x * 2
    seen: list[float] = []
    y.register_hook(lambda g: seen.append(g.item()))
    y.register_hook(lambda g: g * 10)
    y.register_hook(lambda g: seen.append(g.item()))
    (y * 3).sum().backward()
    assert seen == [3.0, 30.0] and x.grad.tolist() == [60.0]


def test_hooks_of_leaves_see_the_whole_gradient() -> None:
    x = leaf(1.0)
    seen: list[float] = []
    x.register_hook(lambda g: seen.append(g.item()))
    (x * 2 + x * 3).sum().backward()
    assert seen == [5.0]
    x.register_hook(lambda g: g * 0)
    (x * 2).sum().backward()
    assert x.grad.tolist() == [5.0]


def test_removed_hooks_are_not_called() -> None:
    x = leaf(1.0)
    handle = x.register_hook(lambda g: g * 100)
    handle.remove()
    handle.remove()
    with x.register_hook(lambda g: g * 100):
        pass
    (x * 2).sum().backward()
    assert x.grad.tolist() == [2.0]


def test_hooks_need_a_gradient() -> None:
    with pytest.raises(RuntimeError, match="cannot register a hook on a tensor that doesn't "
                                           "require gradient"):
        rl.ones(1).register_hook(print)
    with pytest.raises(RuntimeError, match="can't retain_grad on Tensor that has "
                                           "requires_grad=False"):
        rl.ones(1).retain_grad()


def test_each_output_has_hooks_of_its_own() -> None:
    x = rl.tensor([[1.0, 5.0], [7.0, 3.0]], requires_grad=True)
    values, _ = x.max(0)
    values.register_hook(lambda g: g * 10)
    values.sum().backward()
    assert x.grad.tolist() == [[0.0, 10.0], [10.0, 0.0]]


def test_retain_grad() -> None:
    x = leaf(1.0)
    y = x * 2
    y.retain_grad()
    y.retain_grad()
    assert y.retains_grad and y.grad is None
    (y * 3).sum().backward()
    assert y.grad.tolist() == [3.0] and x.grad.tolist() == [6.0]
    x.retain_grad()  # a leaf keeps its gradient anyway
    assert not x.retains_grad


def test_retained_gradients_are_what_the_hooks_made_of_them() -> None:
    y = leaf(1.0) * 2
    y.retain_grad()
    y.register_hook(lambda g: g * 10)
    y.sum().backward()
    assert y.grad.tolist() == [10.0]


def test_retained_gradients_follow_a_write_in_place() -> None:
    x = leaf(3.0)
    y = x * 2
    y.retain_grad()
    y.pow_(2)
    y.sum().backward()
    assert y.grad.tolist() == [1.0] and x.grad.tolist() == [24.0]


def test_hooks_stay_with_the_value_they_were_set_on() -> None:
    x = leaf(3.0)
    y = x * 1
    y.register_hook(lambda g: g * 10)
    y.pow_(2)
    y.register_hook(lambda g: g * 2)
    y.sum().backward()
    assert x.grad.tolist() == [2 * 6 * 10.0]


def test_node_hooks() -> None:
    x = leaf(2.0)
    y = x * x
    node: Any = y.grad_fn
    calls: list[Any] = []
    node.register_prehook(lambda outputs: (outputs[0] * 2,))
    node.register_hook(lambda inputs, outputs: calls.append((inputs[0].item(), outputs[0].item())))
    node.register_hook(lambda inputs, outputs: (inputs[0] + 1, inputs[1]))
    y.sum().backward()
    assert calls == [(4.0, 2.0)] and x.grad.tolist() == [9.0]


def test_hooks_after_accumulation() -> None:
    x = leaf(1.0)
    seen: list[Any] = []
    handle = x.register_post_accumulate_grad_hook(lambda t: seen.append(t.grad.item()))
    (x * 2).sum().backward()
    (x * 2).sum().backward()
    handle.remove()
    (x * 2).sum().backward()
    assert seen == [2.0, 4.0]
    with pytest.raises(RuntimeError, match="cannot be registered on non-leaf"):
        (x * 2).register_post_accumulate_grad_hook(print)


def test_hooks_run_for_captured_gradients_too() -> None:
    x = leaf(1.0)
    y = x * 2
    y.register_hook(lambda g: g * 10)
    x.register_hook(lambda g: g + 1)
    (first,) = rl.autograd.grad((y * 3).sum(), y)
    (second,) = rl.autograd.grad((y * 3).sum(), x)
    assert first.tolist() == [30.0] and second.tolist() == [61.0]


def test_hooks_record_where_the_graph_is_created() -> None:
    x = leaf(2.0)
    y = x * x
    y.register_hook(lambda g: g * x)
    (found,) = rl.autograd.grad(y.sum(), x, create_graph=True)  # x * 2 x
    (second,) = rl.autograd.grad(found.sum(), x)
    assert found.tolist() == [8.0] and second.tolist() == [8.0]


def test_gradient_kept_by_a_hook_is_not_the_memory_of_grad() -> None:
    kept = []
    x = rl.ones(3, requires_grad=True)
    x.register_hook(lambda gradient: kept.append(gradient))
    (x * 2).sum().backward()
    x.grad.add_(1)
    assert kept[0].tolist() == [2.0, 2.0, 2.0]


@pytest.mark.parametrize("leaf", [True, False])
def test_what_a_hook_returns_must_be_like_what_it_was_given(leaf: bool) -> None:
    def run(hook: Any) -> None:
        x = rl.ones(3, requires_grad=True)
        y = x if leaf else x * 2
        y.register_hook(hook)
        (y * 2).sum().backward()

    with pytest.raises(TypeError, match="expected Variable, but hook returned 'int'"):
        run(lambda g: 3)
    with pytest.raises(RuntimeError, match="hook '<lambda>' has changed the size of value"):
        run(lambda g: g[:2])
    with pytest.raises(RuntimeError, match=r"hook '<lambda>' has changed the type of value \(was "
                       r"torch.FloatTensor got torch.DoubleTensor\)"):
        run(lambda g: g.double())
    run(lambda g: None)


def test_hooks_of_nodes_return_as_many_gradients_as_they_were_given() -> None:
    x = rl.ones(3, requires_grad=True)
    for register in ("register_hook", "register_prehook"):
        y = x * x.exp()
        getattr(y.grad_fn, register)(lambda *_: (x,) * 3)
        with pytest.raises(RuntimeError, match="has returned an incorrect number of values"):
            y.sum().backward()
