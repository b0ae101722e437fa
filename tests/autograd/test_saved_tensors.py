"""What nodes saved can be read by name, and hooks decide how it is kept meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

import rushlight as rl
from rushlight.engine.node import Node

F: Any = rl.nn.functional
graph: Any = rl.autograd.graph


def leaf(*size: int) -> Any:
    return (rl.rand(*size) + 0.5).requires_grad_()


def test_saved_operands_are_the_leaves_themselves() -> None:
    a, b = leaf(3), leaf(3)
    node: Any = (a * b).grad_fn
    assert node._saved_self is a and node._saved_other is b
    assert {"_saved_self", "_saved_other"} <= set(dir(node))


def test_saved_results_and_intermediate_values_have_their_place() -> None:
    x = leaf(3)
    y: Any = x.exp()
    assert y.grad_fn._saved_result is not y and rl.equal(y.grad_fn._saved_result, y)
    assert (y * x).grad_fn._saved_self.grad_fn is y.grad_fn
    with pytest.raises(AttributeError, match="'ExpBackward0' object has no attribute '_saved_x'"):
        y.grad_fn._saved_x
    y.sum().backward()
    with pytest.raises(RuntimeError, match="second time"):
        y.grad_fn._saved_result


def test_saved_values_that_were_overwritten_are_refused() -> None:
    x = leaf(3)
    y = (x * 2).detach().requires_grad_() * 1
    z: Any = y * y
    y.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.grad_fn._saved_self


def test_hooks_see_what_is_saved_and_what_is_asked_for() -> None:
    said: list[str] = []

    def pack(x: rl.Tensor) -> rl.Tensor:
        said.append(f"pack {x.tolist()} {x.grad_fn is not None}")
        return x

    def unpack(x: rl.Tensor) -> rl.Tensor:
        said.append(f"unpack {x.tolist()}")
        return x

    a, b = rl.ones(1, requires_grad=True), rl.ones(1, requires_grad=True) * 2
    with graph.saved_tensors_hooks(pack, unpack):
        y = a * b
    (y.sum() * b).sum().backward()
    assert said == ["pack [2.0] True", "pack [1.0] False", "unpack [2.0]", "unpack [1.0]"]


LOSSES: dict[str, Callable[[rl.Tensor], rl.Tensor]] = {
    "pointwise": lambda x: (x.exp() * x + x.tanh() ** 2).sum(),
    "rowwise": lambda x: (x.softmax(1) * x.log_softmax(0)).sum(),
    "matmul": lambda x: (x @ x.t()).square().sum(),
    "linear": lambda x: F.linear(x, x, x[0]).relu().sum(),
    "conv2d": lambda x: F.conv2d(x.view(1, 1, 4, 4), x[:2, :2].reshape(1, 1, 2, 2)).sum(),
    "norms": lambda x: F.layer_norm(x, (4,), x[0], x[1]).pow(3).sum(),
    "index": lambda x: (x.gather(1, rl.tensor([[0], [1]])) * x[rl.tensor([1, 2])].sum()).sum(),
    "reductions": lambda x: x.prod() + x.std() + x.norm() + x.amax(0).sum() + x.cumprod(1).sum(),
    "attention": lambda x: F.scaled_dot_product_attention(x[None], x[None], x[None]).sum(),
    "lstm": lambda x: rl.nn.LSTM(4, 3)(x)[0].sum(),
    "in place": lambda x: (x * 2).mul_(x).exp_().sum(),
}


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("create", [False, True])
def test_gradients_are_those_without_hooks(name: str, create: bool) -> None:
    x = leaf(4, 4)
    rl.manual_seed(1)
    expected, = rl.autograd.grad(LOSSES[name](x), x)
    kept: list[Any] = []

    def pack(t: rl.Tensor) -> int:
        kept.append(t.detach().clone().numpy())
        return len(kept) - 1

    rl.manual_seed(1)
    with graph.saved_tensors_hooks(pack, lambda i: rl.from_numpy(kept[i].copy())):
        loss = LOSSES[name](x)
    found, = rl.autograd.grad(loss, x, create_graph=create)
    assert kept
    rl.testing.assert_close(found.detach(), expected)


def test_functions_of_ones_own() -> None:
    class Cube(rl.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x, x * x)
            return x**3

        @staticmethod
        def backward(ctx: Any, gradient: Any) -> Any:
            _, square = ctx.saved_tensors
            return 3 * square * gradient

    x = leaf(2)
    with graph.saved_tensors_hooks(lambda t: (t * 4).tolist(), lambda t: rl.tensor(t) / 4):
        y = Cube.apply(x)
    y.sum().backward()
    rl.testing.assert_close(x.grad, 3 * x.detach() ** 2)
    assert repr(y.grad_fn).startswith("<torch.autograd.function.CubeBackward object at 0x")


def test_blocks_nest_end_and_belong_to_their_thread() -> None:
    slot, x = Node.saved, leaf(2)
    seen: list[str] = []

    def logging(name: str) -> Any:
        def pack(t: rl.Tensor) -> rl.Tensor:
            seen.append(name)
            return t

        return graph.saved_tensors_hooks(pack, lambda t: t)

    outer, inner = logging("outer"), logging("inner")
    with outer:
        with inner:
            x.exp()
        x.exp()
        thread = threading.Thread(target=x.exp)
        thread.start()
        thread.join()
    x.exp()
    assert seen == ["inner", "outer"] and Node.saved is slot


def test_what_is_kept_is_given_up_with_the_graph() -> None:
    gone: list[int] = []

    class Keeper:
        def __init__(self, x: rl.Tensor) -> None:
            self.x = x

        def __del__(self) -> None:
            gone.append(1)

    x = leaf(2)
    with graph.saved_tensors_hooks(Keeper, lambda kept: kept.x):
        y = x.pow(2)
    assert not gone
    y.sum().backward()
    assert len(gone) == 1


def test_save_on_cpu_and_errors() -> None:
    x = leaf(2)
    with graph.save_on_cpu(pin_memory=True):
        y = (x * x).sum()
    y.backward()
    rl.testing.assert_close(x.grad, 2 * x.detach())
    with graph.saved_tensors_hooks(lambda t: t, lambda t: 1):
        y = x.exp()
    with pytest.raises(TypeError, match="unpack_hook expected to be a Tensor but got"):
        y.sum().backward()
    refused = pytest.raises(RuntimeError, match="not here")
    with graph.disable_saved_tensors_hooks("not here"), refused, graph.save_on_cpu():
        pass
    with graph.save_on_cpu():
        pass


def test_increment_version() -> None:
    x = leaf(2)
    y = x.exp()
    graph.increment_version([y])
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_results_without_their_gradient_warn() -> None:
    x = leaf(2)
    y = x * 2
    with pytest.warns(UserWarning, match=r"not a leaf Tensor is being accessed.*retain_grad"):
        assert y.grad is None
    y.retain_grad()
    assert y.grad is None and x.grad is None and y.detach().grad is None
