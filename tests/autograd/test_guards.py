"""Guards: where a NaN comes from, what is alive, what a graph keeps, graphs that grow."""

from __future__ import annotations

import math
import sys
import warnings
from typing import Any

import pytest

import rushlight as rl
from rushlight.autograd.nan_guard import NonFiniteError
from rushlight.backends.finite import all_finite
from rushlight.base.flags import flags

nn, F = rl.nn, rl.nn.functional


class Log(nn.Module):
    """A linear layer and a logarithm of what may be negative."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.drop, self.second = nn.Linear(4, 4), nn.Dropout(), nn.Linear(4, 4)
        self.shift = 0.0

    def forward(self, x: Any) -> Any:
        hidden = self.drop(self.first(x)).sigmoid() - self.shift
        hidden = hidden.log()  # here
        return self.second(hidden)


class Root(nn.Module):
    """A square root whose gradient at 0 is infinite."""

    def forward(self, x: Any) -> Any:
        return (x * 0).abs().sqrt()  # there


@pytest.fixture
def model() -> Any:
    rl.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 4), Log())


X = rl.ones(2, 4)


def raised(guard: Any, run: Any) -> NonFiniteError:
    with guard, pytest.raises(NonFiniteError) as caught:
        run()
    assert not flags.anomaly and flags.gradient_check is None
    return caught.value


def test_forward_names_module_op_and_line(model: Any) -> None:
    model[1].shift = 2.0
    error = raised(rl.nan_guard(model), lambda: model(X))
    assert (error.module, error.op, error.kind) == ("1", "log", "nan")
    assert "test_guards.py" in error.line and "hidden = hidden.log()  # here" in error.line
    assert "module '1' (Log) made nan: log" in str(error)
    assert "output of module '1.second' (Linear)" in str(error)
    assert "8 of 8 elements of float32[2, 4]" in str(error)
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())
    assert sys.getprofile() is None


def test_the_same_random_numbers_are_drawn_when_searching(model: Any) -> None:
    class Sometimes(nn.Module):
        def forward(self, x: Any) -> Any:
            return (rl.rand(4) - 0.9).log() if self.training else x

    sometimes = Sometimes()
    state = rl.get_rng_state()
    error = raised(rl.nan_guard(sometimes), lambda: sometimes(X))
    assert (error.module, error.op) == ("", "log")
    rl.set_rng_state(state)
    rl.rand(4)
    expected = rl.rand(1)
    rl.set_rng_state(state)
    raised(rl.nan_guard(sometimes), lambda: sometimes(X))
    assert rl.equal(rl.rand(1), expected)  # the search left the stream where it was


def test_infinities_count_unless_they_are_meant(model: Any) -> None:
    exploding = nn.Sequential(nn.Linear(4, 4), nn.Identity())
    exploding[0].weight.data.fill_(3e38)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the product overflows, that is the point
        error = raised(rl.nan_guard(exploding), lambda: exploding(X * 4))
        assert "0.weight" not in str(error)
        assert (error.module, error.op, error.kind) == ("0", "linear", "inf")
        with rl.nan_guard(exploding, inf=False):
            exploding(X)

    class Masked(nn.Module):
        def forward(self, x: Any) -> Any:
            scores = x.masked_fill(x > 0, -rl.inf)
            return scores.exp().log2().softmax(-1)

    masked = Masked()
    assert raised(rl.nan_guard(masked), lambda: masked(X)).op == "softmax"


class Divided(nn.Module):
    """An infinity in the model itself, of which the layer behind it makes something else."""

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Any) -> Any:
        ratio = x / (x * 0)  # where it began
        return self.layer(ratio)


@pytest.mark.parametrize("layer", [nn.Linear(4, 2), nn.Tanhshrink(), nn.ReLU()], ids=str)
@pytest.mark.parametrize("recorded", [True, False])
def test_the_first_infinity_is_named_not_what_was_made_of_it(layer: Any, recorded: bool) -> None:
    model = Divided(layer)
    with rl.set_grad_enabled(recorded):
        error = raised(rl.nan_guard(model), lambda: model(X))
    assert (error.module, error.op, error.kind) == ("", "truediv", "inf")
    assert "ratio = x / (x * 0)  # where it began" in error.line
    assert "the model (Divided) made inf: truediv" in str(error)


def test_infinities_that_were_given_are_nobodys_making() -> None:
    class Masked(nn.Module):
        def forward(self, x: Any) -> Any:
            x = x.masked_fill(x > 0, -math.inf)
            x[0] = -math.inf
            return (x + rl.full((4,), -math.inf)).softmax(-1)

    masked = Masked()
    error = raised(rl.nan_guard(masked), lambda: masked(X))
    assert (error.op, error.kind) == ("softmax", "nan")


def test_a_number_that_was_written_into_a_tensor_is_found() -> None:
    class Written(nn.Module):
        def forward(self, x: Any) -> Any:
            x = x + 1
            x[0, 0] = math.nan  # written
            return x * 2

    written = Written()
    for recorded in (True, False):
        with rl.set_grad_enabled(recorded):
            error = raised(rl.nan_guard(written), lambda: written(X))
        assert error.op == "setitem" and "# written" in error.line


def test_what_came_in_is_told_from_what_was_made(model: Any) -> None:
    error = raised(rl.nan_guard(model), lambda: model(X * rl.nan))
    assert "the model's input held it already" in str(error)
    model[1].second.weight.data[1] = rl.nan  # seen only when its own layer is reached
    model[1].shift = 2.0
    assert raised(rl.nan_guard(model), lambda: model(X)).op == ""
    model[1].shift = 0.0
    error = raised(rl.nan_guard(model), lambda: model(X))
    assert "1.second.weight was not finite already, so the step before" in str(error)


def test_backward_names_node_module_and_line() -> None:
    model = nn.Sequential(nn.Linear(4, 4), Root())
    error = raised(rl.nan_guard(model), lambda: model(X).sum().backward())
    assert (error.module, error.op, error.kind) == ("1", "SqrtBackward0", "inf")
    assert "# there" in error.line
    error = raised(rl.nan_guard(model), lambda: (model(X).sum() * 0).sqrt().backward())
    assert error.module is None and "outside of the model" in str(error)
    linear = nn.Linear(4, 4)
    run = lambda: linear(X).backward(rl.full((2, 4), rl.nan))  # noqa: E731
    assert "was given held nan already" in str(raised(rl.nan_guard(linear), run))
    with rl.nan_guard(model, backward=False):
        model(X).sum().backward()


def test_a_guard_without_a_block_and_healthy_steps(model: Any) -> None:
    expected = None
    for guarded in (False, True):
        rl.manual_seed(1)
        guard = rl.nan_guard(model) if guarded else None
        model.zero_grad()
        for _ in range(2):
            model(X).square().sum().backward()
        grad = model[0].weight.grad
        if guard is None:
            expected = grad.clone()
        else:
            assert rl.equal(grad, expected)
            guard.remove()
            guard.remove()
    assert not flags.anomaly
    with pytest.raises(TypeError, match="needs a Module, got int"):
        rl.nan_guard(3)


def test_all_finite() -> None:
    for dtype in (rl.float16, rl.bfloat16, rl.float32, rl.float64, rl.complex64):
        x = rl.ones(100, dtype=dtype)
        assert all_finite(x._array)
        x[7] = rl.inf
        assert not all_finite(x._array)
    assert all_finite(rl.full((70000,), 60000.0, dtype=rl.float16)._array)
    assert all_finite(rl.empty(0)._array) and all_finite(rl.ones(3, dtype=rl.int64)._array)
    assert all_finite(rl.full((4,), 3e38)._array)  # though their sum is not


def test_saved_bytes() -> None:
    x, weight = rl.ones(100, 10), rl.ones(10, 10, requires_grad=True)
    hidden = (x @ weight).tanh()
    loss = hidden.square().sum()
    kept = rl.saved_bytes(loss)
    # tanh keeps its output, square keeps the same memory, the product keeps x.
    assert kept.total == int(kept) == 4000 + 4000
    assert kept.nodes == 4
    assert [row.node[:4] for row in kept.rows] == ["PowB", "Tanh", "MmBa"]
    assert "kept already" in kept.rows[1].values[0]
    assert "8,000 bytes" in str(kept)
    loss.backward()
    assert rl.saved_bytes(loss).total == 0  # backward gave it up
    with pytest.raises(RuntimeError, match="does not require grad"):
        rl.saved_bytes(x)


def test_saved_bytes_tells_leaves_apart_and_knows_lines() -> None:
    model = nn.Linear(10, 10)
    with rl.nan_guard(model):
        loss = model(rl.ones(5, 10, requires_grad=True)).sum()
    kept = rl.saved_bytes(loss)
    assert kept.leaves >= 4 * 100  # the weight lives anyway
    assert any("test_guards.py" in row.line for row in kept.rows)


def test_memory_report_names_lines() -> None:
    with rl.track_memory():
        kept = [rl.zeros(50, 50) for _ in range(4)]  # made here
        view = kept[0][1:]
        report = rl.memory_report()
        line = next(line for line in report.lines if "# made here" in line.line)
        assert (line.count, line.bytes) == (4, 40000)
        assert line.shapes == {"float32[50, 50]": 4}
        assert next(x for x in report.lines if "view = kept" in x.line).bytes == 0
        assert "40,000" in str(report) and report.total >= 40000
        del kept[1:]
        again = rl.memory_report()
        assert next(x for x in again.lines if "# made here" in x.line).bytes == 10000
    assert view is not None and sys.getprofile() is None


def grow(add: Any, steps: int = 30) -> list[str]:
    """The warnings of a training loop that adds up its losses."""
    model, total = nn.Linear(3, 1), 0
    with rl.track_memory(), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(steps):
            loss = model(rl.ones(2, 3)).sum()
            loss.backward()
            total = add(total, loss)
    return [str(warning.message) for warning in caught]


def test_a_graph_that_grows_warns_once_and_names_the_line() -> None:
    def careless(total: Any, loss: Any) -> Any:
        total += loss  # keeps every graph
        return total

    (message,) = grow(careless)
    assert "grows from step to step" in message and "total += loss  # keeps every graph" in message
    assert grow(lambda total, loss: total + loss.item()) == []
    assert grow(lambda total, loss: total + loss.detach()) == []
    assert grow(careless, steps=4) == []


def test_evaluation_that_keeps_graphs_warns() -> None:
    model, total = nn.Linear(3, 1), 0
    with rl.track_memory(), pytest.warns(UserWarning, match=r"total = total \+ model"):
        for _ in range(20):
            total = total + model(rl.ones(2, 3)).sum()


def test_long_graphs_of_one_step_are_no_growth() -> None:
    cell, layer = nn.GRUCell(3, 4), nn.Linear(4, 4)
    with rl.track_memory(), warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(3):
            hidden = rl.zeros(1, 4)
            for _ in range(30):
                hidden = layer(cell(rl.ones(1, 3), hidden))
            hidden.sum().backward()
