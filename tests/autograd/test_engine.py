"""The run backwards: what it visits, keeps, accumulates and refuses."""

from __future__ import annotations

import signal
import threading
import time
from typing import Any

import pytest

import rushlight as rl


def leaf(*values: float) -> rl.Tensor:
    return rl.tensor(values, requires_grad=True)


def test_the_graph_as_it_is_seen() -> None:
    x = leaf(1.0, 2.0)
    y = x + 2
    z = y * y
    assert z.grad_fn is not None and z.grad_fn.name() == "MulBackward0"
    assert z.grad_fn.next_functions[0][0] is y.grad_fn
    assert z.grad_fn.next_functions[1] == (y.grad_fn, 0)
    accumulate, index = y.grad_fn.next_functions[0]
    assert type(accumulate).__name__ == "AccumulateGrad" and accumulate.variable is x and index == 0
    assert x.is_leaf and not z.is_leaf and x.grad_fn is None


def test_gradients_of_shared_values_add_up() -> None:
    x = leaf(3.0)
    y = x * x
    (y * y + y).sum().backward()
    assert x.grad.tolist() == [4 * 27.0 + 6.0]


def test_backward_adds_to_grad() -> None:
    x = leaf(1.0, 1.0)
    for _ in range(3):
        (2 * x).sum().backward()
    assert x.grad.tolist() == [6.0, 6.0]
    x.grad = None
    x.sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]


def test_the_gradient_given_to_backward() -> None:
    x = leaf(1.0, 2.0)
    y = x * x
    with pytest.raises(RuntimeError, match="grad can be implicitly created only for scalar"):
        y.backward()
    with pytest.raises(RuntimeError, match="Mismatch in shape: grad_output"):
        y.backward(rl.ones(3))
    y.backward(rl.tensor([1.0, 10.0]))
    assert x.grad.tolist() == [2.0, 40.0]


def test_what_requires_no_grad_has_no_backward() -> None:
    with pytest.raises(RuntimeError, match="element 0 of tensors does not require grad and does "
                                           "not have a grad_fn"):
        rl.ones(1).backward()
    with rl.no_grad():
        y = leaf(1.0) * 2
    with pytest.raises(RuntimeError, match="does not require grad"):
        y.backward()


def test_a_graph_that_was_freed() -> None:
    x = leaf(1.0)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.tolist() == [4.0]
    with pytest.raises(RuntimeError, match=r"Trying to backward through the graph a second time.*"
                                           r"MulBackward0.*retain_graph=True"):
        y.backward()


def test_what_saves_nothing_is_not_freed() -> None:
    x = leaf(1.0, 2.0)
    y = (x + x).view(2, 1).sum()
    y.backward()
    y.backward()
    assert x.grad.tolist() == [4.0, 4.0]


def test_create_graph() -> None:
    x = leaf(2.0)
    (x**3).sum().backward(create_graph=True)
    assert x.grad.requires_grad and x.grad.tolist() == [12.0]
    (second,) = rl.autograd.grad(x.grad.sum(), x, create_graph=True)
    (third,) = rl.autograd.grad(second.sum(), x)
    assert second.tolist() == [12.0] and third.tolist() == [6.0]


def test_inputs_of_backward() -> None:
    x, w = leaf(1.0), leaf(2.0)
    y = x * w
    (y * y).sum().backward(inputs=[x])
    assert x.grad.tolist() == [8.0] and w.grad is None
    z = x * w
    (z * z).sum().backward(inputs=z)
    assert z.grad.tolist() == [4.0] and w.grad is None
    with pytest.raises(RuntimeError, match=r"`inputs` argument to `backward\(\)` cannot be empty"):
        (x * 1).sum().backward(inputs=[])


def test_only_what_leads_to_the_inputs_is_computed() -> None:
    class Refusing(rl.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 1

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            raise AssertionError("nobody asked for this gradient")

    x, w = leaf(1.0), leaf(2.0)
    y = x * 3 + Refusing.apply(w)
    (found,) = rl.autograd.grad(y.sum(), x)
    assert found.tolist() == [3.0] and x.grad is None


def test_leaves_never_share_the_memory_of_their_gradients() -> None:
    a, b = leaf(1.0, 2.0), leaf(3.0, 4.0)
    given = rl.ones(2)
    (a + b).backward(given)
    assert len({a.grad.data_ptr(), b.grad.data_ptr(), given.data_ptr()}) == 3
    c = leaf(1.0)
    c.backward(given[:1])
    c.grad += 5
    assert given.tolist() == [1.0, 1.0]
    d = leaf(1.0, 2.0)
    e = d * 1
    e.retain_grad()
    (e + 0).backward(rl.ones(2))
    assert d.grad.data_ptr() != e.grad.data_ptr()
    x = leaf(1.0, 2.0)
    x.sum().backward()
    assert x.grad.is_contiguous()  # not the expanded 1 that the sum sends


def test_grad_must_fit() -> None:
    x = leaf(1.0, 2.0)
    for wrong, error in ((rl.ones(3), RuntimeError), (rl.ones(2).double(), RuntimeError),
                         (1.0, TypeError), (x, RuntimeError)):
        with pytest.raises(error):
            x.grad = wrong


def test_requires_grad() -> None:
    with pytest.raises(RuntimeError, match="only Tensors of floating point"):
        rl.tensor([1]).requires_grad_()
    y = leaf(1.0) * 2
    with pytest.raises(RuntimeError, match="you can only change requires_grad flags of leaf"):
        y.requires_grad = False
    assert not y.detach().requires_grad
    assert y.requires_grad_() is y


def test_detach_in_place() -> None:
    x = leaf(1.0)
    y = x * 2
    assert y.detach_() is y and y.is_leaf and not y.requires_grad
    view = (x * 2)[:]
    with pytest.raises(RuntimeError, match="Can't detach views in-place"):
        view.detach_()


def test_a_leaf_detached_meanwhile_gets_no_gradient() -> None:
    x, w = leaf(1.0), leaf(1.0)
    y = (x * w).sum()
    x.detach_()
    y.backward()
    assert x.grad is None and w.grad.tolist() == [1.0]


def test_data_is_exchanged_behind_the_graph() -> None:
    x = leaf(1.0, 2.0)
    y = (x * x).sum()
    x.data = rl.tensor([5.0, 6.0])
    y.backward()
    assert x.tolist() == [5.0, 6.0] and x.grad.tolist() == [2.0, 4.0]
    x.data.mul_(2)  # an in-place op on a leaf, unseen
    assert x.tolist() == [10.0, 12.0] and x.is_leaf


def test_threads_have_their_own_modes() -> None:
    seen: list[bool] = []
    x = leaf(1.0)
    with rl.no_grad():
        thread = threading.Thread(target=lambda: seen.append((x * 2).requires_grad))
        thread.start()
        thread.join()
        assert not (x * 2).requires_grad
    assert seen == [True]


def test_threads_run_backward_at_once() -> None:
    x = rl.zeros(100, requires_grad=True)
    start = threading.Barrier(8)

    def work() -> None:
        start.wait()
        for _ in range(50):
            ((x + 1) * 2).sum().backward()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert x.grad.unique().tolist() == [8 * 50 * 2.0]


def test_backward_within_backward() -> None:
    class Inner(rl.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x * 1

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            (x,) = ctx.saved_tensors
            with rl.enable_grad():
                own = x.detach().requires_grad_()
                (own * own).sum().backward()
            return g * own.grad

    x = leaf(3.0)
    Inner.apply(x).sum().backward()
    assert x.grad.tolist() == [6.0]


def test_after_an_error_the_engine_goes_on() -> None:
    x = leaf(1.0)
    y = x * 2
    y.register_hook(lambda g: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        y.sum().backward()
    assert rl.is_grad_enabled() and x.grad is None
    (x * 3).sum().backward()
    assert x.grad.tolist() == [3.0]


def test_interrupting_backward() -> None:
    x = leaf(1.0)
    y = x
    for _ in range(200):
        y = y * 1.0
    y.register_hook(lambda g: signal.raise_signal(signal.SIGINT) or time.sleep(0))
    with pytest.raises(KeyboardInterrupt):
        y.sum().backward()
    assert rl.is_grad_enabled() and x.grad is None
    (x * 3).sum().backward()
    assert x.grad.tolist() == [3.0]


def test_anomalies_name_the_forward_line() -> None:
    x = leaf(0.0)
    with pytest.warns(UserWarning, match="Anomaly Detection"), rl.autograd.detect_anomaly():
        y = (x * 0).sqrt() * 0  # here
        with pytest.raises(RuntimeError, match=r"'SqrtBackward0' returned nan.*# here"):
            y.sum().backward()
    assert not rl.autograd.anomaly_mode.is_anomaly_enabled()
