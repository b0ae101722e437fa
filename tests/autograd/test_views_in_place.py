"""Writes in place: on leaves, views and overlapping memory, and what the graph is afterwards."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import rushlight as rl


def leaf(*values: float) -> rl.Tensor:
    return rl.tensor(values, requires_grad=True)


WRITES: list[Callable[[rl.Tensor], object]] = [
    lambda t: t.add_(1), lambda t: t.zero_(), lambda t: t.fill_(2), lambda t: t.copy_(rl.ones(2)),
    lambda t: t.__setitem__(0, 1), lambda t: t.__iadd__(1), lambda t: t.masked_fill_(t > 0, 0),
    lambda t: t.uniform_(), lambda t: t.clamp_(0), lambda t: t.sigmoid_()]


@pytest.mark.parametrize("write", WRITES)
def test_leaves_are_not_written_to(write: Callable[[rl.Tensor], object]) -> None:
    x = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad is being used in an "
                                           "in-place operation"):
        write(x)
    with pytest.raises(RuntimeError, match="a view of a leaf Variable that requires grad is being "
                                           "used in an in-place operation"):
        write(x[:])
    assert x.tolist() == [1.0, 2.0]
    with rl.no_grad():
        write(x)
    assert x.is_leaf and x.requires_grad


def test_versions_are_shared_by_views_and_detached_tensors() -> None:
    x = rl.zeros(2, 2)
    view, cut, own = x[0], x.detach(), x.clone()
    x.add_(1)
    view.mul_(2)
    cut.sub_(1)
    assert {t._version for t in (x, view, cut)} == {3}
    assert own._version == 0 and x.tolist() == [[1.0, 1.0], [0.0, 0.0]]
    x[0, 0] = 5
    assert x._version == 4


def test_an_overwritten_value_names_the_op_and_the_line() -> None:
    x = leaf(1.0, 2.0)
    y = x * 1
    z = y * y
    y.add_(1)  # overwritten here
    with pytest.raises(RuntimeError, match="modified by an inplace operation: MulBackward0 saved a "
                                           "value at version 0, and it is now at version 1; it "
                                           r"was overwritten at .*test_views_in_place.py:\d+ .*"
                                           "# overwritten here"):
        z.sum().backward()


def test_overwriting_through_views_and_detached_tensors_is_noticed() -> None:
    for way in (lambda t: t[:1], lambda t: t.detach(), lambda t: t.view(2, 1), lambda t: t.T):
        y = leaf(1.0, 2.0) * 1
        z = y.exp()
        with rl.no_grad():
            way(z).zero_()
        with pytest.raises(RuntimeError, match="ExpBackward0 saved a value"):
            z.sum().backward()


def test_what_is_not_needed_may_be_overwritten() -> None:
    x, w = leaf(1.0), rl.tensor([3.0])
    y = x * 1
    z = y * w  # w's gradient would need y, but w requires none
    y.zero_()
    z.sum().backward()
    assert x.grad.tolist() == [3.0]


def test_an_output_saved_by_a_write_in_place() -> None:
    x = leaf(0.0)
    y = (x * 1).exp_()
    y.sum().backward()
    assert x.grad.tolist() == [1.0]
    z = (x * 1).exp_()
    z.add_(1)
    with pytest.raises(RuntimeError, match="ExpBackward0 saved a value"):
        z.sum().backward()


def test_the_history_of_a_write_in_place() -> None:
    x, w = leaf(1.0, 2.0), leaf(3.0, 4.0)
    y = x * 1
    same = y
    y *= w
    assert y is same and y.grad_fn.name() == "MulBackward0"
    y.sum().backward()
    assert x.grad.tolist() == [3.0, 4.0] and w.grad.tolist() == [1.0, 2.0]


def test_a_write_to_the_base_is_in_its_views() -> None:
    x = leaf(1.0, 2.0)
    base = rl.zeros(2)
    view = base[:1]
    base.add_(x * x)
    assert view.requires_grad and view.tolist() == [1.0]
    (view * 10).sum().backward()
    assert x.grad.tolist() == [20.0, 0.0]


def test_a_write_to_a_view_is_in_its_base_and_in_other_views() -> None:
    x = leaf(1.0, 2.0)
    base = rl.zeros(2, 2)
    first, second, flat = base[0], base[:, 1], base.view(-1)
    first.copy_(x)
    first.mul_(x)
    assert base.grad_fn.name() == "torch::autograd::CopySlices"
    (base.sum() + second.sum() * 10 + flat[0] * 100).backward()
    assert x.grad.tolist() == [2.0 * 101, 4.0 * 11]


def test_views_of_views() -> None:
    x = leaf(2.0)
    base = rl.zeros(2, 3) + x * 0
    inner = base[1].view(3)[1:]
    inner[0].mul_(5).add_(x[0])
    assert base.tolist() == [[0.0] * 3, [0.0, 2.0, 0.0]]
    (base * base).sum().backward()
    assert x.grad.tolist() == [4.0]


def test_the_gradient_of_what_is_overwritten_is_zero() -> None:
    x, w = leaf(1.0, 2.0, 3.0), leaf(5.0)
    y = x * 2
    y[1] = w[0] * 3
    (y * y).sum().backward()
    assert x.grad.tolist() == [8.0, 0.0, 24.0] and w.grad.tolist() == [90.0]
    x.grad = None
    (x * 2).zero_().sum().backward()
    assert x.grad.tolist() == [0.0, 0.0, 0.0]


def test_copy_converts_and_broadcasts_with_gradient() -> None:
    x = rl.tensor([1.0, 2.0], dtype=rl.float64, requires_grad=True)
    y = rl.zeros(3, 2)
    y.copy_(x)
    assert y.dtype is rl.float32 and y.tolist() == [[1.0, 2.0]] * 3
    (y * y).sum().backward()
    assert x.grad.dtype is rl.float64 and x.grad.tolist() == [6.0, 12.0]
    with pytest.raises(RuntimeError, match="doesn't match the broadcast shape"):
        rl.zeros(2).copy_(rl.zeros(1, 2))


def test_pieces_of_one_call_are_not_written_to() -> None:
    y = leaf(1.0, 2.0, 3.0) * 1
    for piece in (y.chunk(2)[0], y.split(1)[0], y.unbind()[0], y.chunk(2)[0][:1]):
        with pytest.raises(RuntimeError, match=r"Output .*of a function that returns multiple "
                                               r"views"):
            piece.add_(1)
    with rl.no_grad():
        y.chunk(2)[0].add_(1)
    assert y.tolist() == [2.0, 3.0, 3.0]
    plain = rl.zeros(2)
    plain.unbind()[0].add_(1)  # without gradients they are views as any
    assert plain.tolist() == [1.0, 0.0]


def test_elements_that_share_memory_are_not_written_to() -> None:
    for shared in (rl.zeros(1).expand(3), rl.zeros(2, 1).expand(2, 3)):
        with pytest.raises(RuntimeError, match="unsupported operation: more than one element of "
                                               "the written-to tensor refers to a single memory "
                                               "location"):
            shared.add_(1)
        assert not shared.any()
    rl.zeros(3).expand(1, 3).add_(1)  # expanded, but nothing twice


def test_operands_that_overlap_are_read_before_they_are_written() -> None:
    x = rl.arange(6)
    x[1:] += x[:-1]
    assert x.tolist() == [0, 1, 3, 5, 7, 9]
    y = rl.arange(4).reshape(2, 2)
    y += y.T
    assert y.tolist() == [[0, 3], [3, 6]]


def test_read_only_memory() -> None:
    array = np.zeros(2, np.float32)
    array.setflags(write=False)
    x = rl.from_numpy(array)
    with pytest.raises(RuntimeError, match="read-only"):
        x.add_(1)
    assert (x + 1).tolist() == [1.0, 1.0]


def test_shapes_and_dtypes_of_the_target_stay() -> None:
    with pytest.raises(RuntimeError, match=r"output with shape \[1\] doesn't match the broadcast "
                                           r"shape \[2\]"):
        rl.zeros(1).add_(rl.zeros(2))
    with pytest.raises(RuntimeError, match="result type Float can't be cast to the desired output "
                                           "type Long"):
        rl.tensor([1]).add_(0.5)
    x = rl.tensor([1.0])
    assert x.add_(rl.tensor([1.0], dtype=rl.float64)).dtype is rl.float32


def test_writes_of_another_dtype_have_gradients() -> None:
    w = rl.tensor([2.0, 3.0], dtype=rl.float64, requires_grad=True)
    x = leaf(5.0, 7.0)
    y = x * 1
    y.mul_(w)
    y[:1].mul_(w[:1])
    assert y.dtype is rl.float32 and y.tolist() == [20.0, 21.0]
    y.sum().backward()
    assert x.grad.dtype is rl.float32 and x.grad.tolist() == [4.0, 3.0]
    assert w.grad.dtype is rl.float64 and w.grad.tolist() == [20.0, 7.0]


def test_second_gradients_through_writes_to_views() -> None:
    def write(x: rl.Tensor, w: rl.Tensor) -> rl.Tensor:
        y = x * 1
        y[0].mul_(w).sin_()
        y[:, 1] = w * w
        return y

    x = rl.tensor([[0.1, 0.2], [0.3, 0.4]], dtype=rl.float64, requires_grad=True)
    w = rl.tensor([0.5, 0.6], dtype=rl.float64, requires_grad=True)
    assert rl.autograd.gradcheck(write, (x, w))
    assert rl.autograd.gradgradcheck(write, (x, w))


def test_iteration_writes_through() -> None:
    x = rl.zeros(2, 2)
    for i, row in enumerate(x):
        row += i
    assert x.tolist() == [[0.0, 0.0], [1.0, 1.0]]
    for item in x[0]:
        item.fill_(7)
    assert x.tolist() == [[7.0, 7.0], [1.0, 1.0]]
    assert x[0][0].squeeze()._is_view() and x.squeeze().unbind()[0]._base is x


@pytest.mark.parametrize("write", [
    lambda y: y.eq_(2.0), lambda y: y.gt_(0), lambda y: y.sign_(), lambda y: y.zero_(),
    lambda y: y.div_(2.0, rounding_mode="floor"), lambda y: y[:].lt_(0)])
def test_no_gradient_passes_a_write_that_is_flat(write: Callable[[rl.Tensor], object]) -> None:
    x = leaf(1.0, 2.0)
    y = x * 1
    write(y)
    (y * 5).sum().backward()
    assert x.grad.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("write", [lambda v: v.add_(1), lambda v: v.zero_(), lambda v: v.fill_(2.0),
                                   lambda v: v.mul_(rl.ones(4, requires_grad=True)),
                                   lambda v: v.__setitem__(0, 1.0)])
def test_views_of_what_requires_grad_that_were_taken_without_recording(
        write: Callable[[rl.Tensor], object]) -> None:
    leaf = rl.ones(3, 4, requires_grad=True)
    for base in (leaf, leaf * 2):
        with rl.no_grad():
            view = base[0]
            write(view)  # in the same mode
        with pytest.raises(RuntimeError, match="A view was created in no_grad mode and is being "
                           "modified inplace with grad mode enabled"):
            write(view)
    plain = rl.ones(3, 4)
    with rl.no_grad():
        view = plain[0]
    view.add_(1)
    assert plain[0, 0] == 2
    leaf.data[0].add_(1)
    leaf.detach()[0].add_(1)
