"""Function transforms: the page about them runs; what they refuse, keep and leave as it was."""

from __future__ import annotations

import doctest
import threading
from pathlib import Path

import pytest

import rushlight as rl
from rushlight import func

PAGE = Path(__file__).parents[1] / "docs/func.md"
OPTIONS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def test_page() -> None:
    inside, lines = False, []
    for line in PAGE.read_text().splitlines():
        if line.startswith("```"):
            inside, line = line == "```pycon", ""
        lines.append(line if inside else "")  # empty lines keep the numbers
    test = doctest.DocTestParser().get_doctest("\n".join(lines) + "\n", {}, "func", str(PAGE), 0)
    assert len(test.examples) > 20
    report: list[str] = []
    doctest.DocTestRunner(optionflags=OPTIONS).run(test, out=report.append)
    assert not report, "".join(report)


def test_results_have_no_history_unless_something_outside_has() -> None:
    x, w = rl.tensor(2.0), rl.tensor(3.0, requires_grad=True)
    assert not func.grad(lambda a: a ** 3)(x).requires_grad
    assert not func.vjp(lambda a: a ** 3, x)[0].requires_grad
    assert not func.jvp(lambda a: a.sin(), (x,), (x,))[1].requires_grad
    assert not func.hessian(lambda a: a ** 3)(x).requires_grad
    found = func.grad(lambda a: a ** 3 * w)(x)
    assert found.requires_grad
    found.backward()
    assert w.grad is not None and w.grad.item() == 12
    with rl.no_grad():
        assert not func.grad(lambda a: a ** 3 * w)(x).requires_grad


def test_grad_leaves_the_gradients_of_leaves_alone() -> None:
    w = rl.tensor(3.0, requires_grad=True)
    func.grad(lambda a: a * w)(rl.tensor(2.0))
    assert w.grad is None


def test_a_tensor_and_its_views_are_written_to_through_lanes() -> None:
    x = rl.zeros(3, 4)
    rl.vmap(lambda row, i: row[1:3].fill_(1).add_(i))(x, rl.arange(3.0))
    assert x.tolist() == [[0, 1 + i, 1 + i, 0] for i in range(3)]


def test_levels_are_left_after_an_error() -> None:
    def fails(x: rl.Tensor) -> rl.Tensor:
        raise KeyError("here")

    for transform in (rl.vmap(fails), func.grad(fails), func.jacrev(fails), func.jacfwd(fails)):
        with pytest.raises(KeyError):
            transform(rl.ones(3))
    assert rl.rand(2).shape == (2,)  # no vmap that would refuse
    assert (rl.ones(2) + 1).tolist() == [2, 2]


def test_threads_have_transforms_of_their_own() -> None:
    started, done, seen = threading.Event(), threading.Event(), []

    def other() -> None:
        started.wait(10)
        seen.append(rl.rand(2).shape)
        done.set()

    thread = threading.Thread(target=other)
    thread.start()

    def wait(x: rl.Tensor) -> rl.Tensor:
        started.set()
        assert done.wait(10)
        return x

    rl.vmap(wait)(rl.ones(2))
    thread.join()
    assert seen == [(2,)]


def test_perturbations_are_not_confused() -> None:
    def inner(y: rl.Tensor) -> rl.Tensor:
        return func.jvp(lambda x: x + y, (rl.tensor(1.0),), (rl.tensor(1.0),))[1]

    value, tangent = func.jvp(lambda y: y * inner(y), (rl.tensor(5.0),), (rl.tensor(1.0),))
    assert (value.item(), tangent.item()) == (5, 1)
    assert func.grad(lambda y: y * func.grad(lambda x: x + y)(y))(rl.tensor(5.0)).item() == 1


def test_a_dual_level_ends() -> None:
    fw = rl.autograd.forward_ad
    with fw.dual_level():
        x = fw.make_dual(rl.ones(2), rl.ones(2))
        with pytest.raises(RuntimeError, match="Nested forward mode AD"):
            fw.enter_dual_level()
        with pytest.raises(RuntimeError, match="same shape"):
            fw.make_dual(rl.ones(2), rl.ones(3))
        with pytest.raises(ValueError, match="Expected primal to be floating point"):
            fw.make_dual(rl.ones(2, dtype=rl.int64), rl.ones(2))
        y = x * 2
    assert fw.unpack_dual(y).tangent is None
    assert (y + 1).tolist() == [3, 3]
    with pytest.raises(RuntimeError, match="enter_dual_level"):
        fw.make_dual(rl.ones(2), rl.ones(2))


def test_random_state_is_one_for_all_lanes_where_asked() -> None:
    rl.manual_seed(3)
    same = rl.vmap(lambda x: rl.rand_like(x) + rl.nn.functional.dropout(x), randomness="same")
    first, *others = same(rl.ones(4, 5))
    assert all(rl.equal(first, other) for other in others)
    different = rl.vmap(lambda x: rl.rand_like(x), randomness="different")(rl.ones(4, 5))
    assert len({tuple(row) for row in different.tolist()}) == 4


def test_a_function_of_ones_own_has_rules_of_its_own() -> None:
    class Scaled(rl.autograd.Function):
        @staticmethod
        def forward(x: rl.Tensor, by: float) -> rl.Tensor:
            return x * by

        @staticmethod
        def setup_context(ctx, inputs, output) -> None:
            ctx.by = inputs[1]

        @staticmethod
        def backward(ctx, g: rl.Tensor) -> tuple:
            return g * ctx.by, None

    x = rl.ones(3, 2)
    with pytest.raises(RuntimeError, match="You tried to vmap over Scaled"):
        rl.vmap(lambda a: Scaled.apply(a, 2.0))(x)
    assert func.jvp(lambda a: Scaled.apply(a, 2.0), (x,), (x,))[1].sum().item() == 12

    class Doubled(Scaled):
        @staticmethod
        def vmap(info, in_dims, x, by):
            assert (info.batch_size, in_dims) == (3, (0, None))
            return Doubled.apply(x, by), 0

    assert rl.vmap(lambda a: Doubled.apply(a, 2.0))(x).tolist() == [[2, 2]] * 3


def test_out_is_refused_inside() -> None:
    with pytest.raises(RuntimeError, match="functions with out="):
        rl.vmap(lambda a: rl.add(a, 1, out=rl.zeros(2)))(rl.ones(3, 2))


def test_sizes_of_chunks() -> None:
    x = rl.arange(10.0)
    seen = []

    def f(a: rl.Tensor) -> rl.Tensor:
        seen.append(None)
        return a * 2

    assert rl.equal(rl.vmap(f, chunk_size=4)(x), x * 2)
    assert len(seen) == 3
    assert rl.equal(func.jacrev(lambda a: a * 2, chunk_size=3)(x), 2 * rl.eye(10))
    with pytest.raises(ValueError, match="chunk_size should be"):
        rl.vmap(f, chunk_size=0)
