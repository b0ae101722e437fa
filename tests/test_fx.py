"""Programs as graphs: tracing, reading, changing, running, keeping."""

from __future__ import annotations

import copy
import io
import operator
from collections.abc import Callable
from typing import Any

import pytest

import rushlight as rl
from rushlight import fx, nn
from rushlight.compat.inside.checks import _assert
from rushlight.fx.node import map_arg
from rushlight.fx.passes.shape_prop import ShapeProp


class Net(rl.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = rl.nn.Sequential(rl.nn.Linear(3, 3), rl.nn.ReLU())
        self.weight = rl.nn.Parameter(rl.full((3,), 2.0))
        self.register_buffer("shift", rl.ones(3))

    def forward(self, x: Any, scale: int = 2, *rest: Any) -> Any:
        y = self.body(x) * self.weight + self.shift
        top, _ = rl.max(y, 1)
        return {"flat": rl.cat([y, -y], dim=1).view(y.size(0), -1)[:, 1:], "top": (top, scale)}


def twice(x: Any) -> Any:
    return x + x


def half(x: Any) -> Any:
    return x / 2


fx.wrap(half)
fx.wrap("len")


def uses_wrapped(x: Any) -> Any:
    return half(x) * len(x)


def test_a_traced_module_computes_the_same_and_shares_its_weights() -> None:
    net = Net()
    traced = fx.symbolic_trace(net)
    x = rl.randn(2, 3)
    want, got = net(x), traced(x)
    assert got["flat"].equal(want["flat"]) and got["top"][0].equal(want["top"][0])
    assert got["top"][1] == 2 and traced(x, 7)["top"][1] == 7
    assert traced.weight is net.weight
    got["flat"].sum().backward()
    assert net.weight.grad is not None and net.body[0].weight.grad is not None
    assert sorted(traced.state_dict()) == sorted(net.state_dict())


def test_code_reads_as_a_program() -> None:
    code = fx.symbolic_trace(Net()).code
    assert "scale : int = 2, *rest" in code
    assert 'getattr(self.body, "0")(x);  x = None' in code
    assert "cat = torch.cat([add, neg], dim = 1);  neg = None" in code
    assert "[(slice(None, None, None), slice(1, None, None))]" in code


def test_nodes_are_named_by_what_they_call() -> None:
    def f(x: Any) -> Any:
        return rl.relu(x).sum() + rl.max(x) + x.T

    names = [node.name for node in fx.symbolic_trace(f).graph.nodes]
    assert names == ["x", "relu", "sum_1", "max_1", "add", "getattr_1", "add_1", "output"]


@pytest.mark.parametrize(("function", "text"), [
    (lambda x: x if x.sum() > 0 else -x, "symbolically traced variables cannot be used as inputs"),
    (lambda x: [row + 1 for row in x], "Proxy object cannot be iterated"),
    (lambda x: [0][x], "symbolically traced variables cannot be used as inputs")])
def test_what_needs_values_is_refused(function: Callable[..., Any], text: str) -> None:
    with pytest.raises(fx.TraceError, match=text):
        fx.symbolic_trace(function)
    assert type(rl.nn.ReLU()(rl.ones(1))) is rl.Tensor  # modules are as before
    assert "__getattribute__" not in vars(rl.nn.Module)


def test_concrete_arguments_decide_and_are_checked() -> None:
    def f(x: Any, flag: bool) -> Any:
        return x + 1 if flag else x - 1

    traced = fx.symbolic_trace(f, concrete_args={"flag": True})
    assert traced(rl.ones(1), True).item() == 2
    with pytest.raises(AssertionError, match="flag has been specialized to have value True"):
        traced(rl.ones(1), False)


def test_wrapped_functions_are_one_node() -> None:
    traced = fx.symbolic_trace(uses_wrapped)
    calls = [n.target for n in traced.graph.nodes if n.op == "call_function"]
    assert calls == [half, len, operator.mul]
    assert traced(rl.ones(4)).tolist() == [2.0] * 4
    assert uses_wrapped.__globals__["half"] is half and "len" not in uses_wrapped.__globals__


def test_tracers_may_follow_more_and_note_more() -> None:
    class Deep(fx.Tracer):
        def is_leaf_module(self, m: Any, module_qualified_name: str) -> bool:
            return (not isinstance(m, rl.nn.ReLU)
                    and super().is_leaf_module(m, module_qualified_name))

        def create_node(self, *args: Any, **options: Any) -> fx.Node:
            node = super().create_node(*args, **options)
            node.meta["seen"] = True
            return node

    graph = Deep().trace(Net())
    assert all(node.meta["seen"] for node in graph.nodes)
    assert rl.nn.functional.relu in {n.target for n in graph.nodes}
    assert not any(n.target == "body.1" for n in graph.nodes)


def test_nodes_are_replaced_and_erased() -> None:
    traced = fx.symbolic_trace(twice)
    for node in traced.graph.nodes:
        if node.target is operator.add:
            with traced.graph.inserting_after(node):
                other = traced.graph.call_function(operator.mul, (node.args[0], 5))
            node.replace_all_uses_with(other)
            traced.graph.erase_node(node)
    traced.graph.lint()
    assert traced(rl.ones(1)).item() == 2  # until it is compiled again
    traced.recompile()
    assert traced(rl.ones(1)).item() == 5
    with pytest.raises(RuntimeError, match="still had 1 users in the graph"):
        traced.graph.erase_node(next(iter(traced.graph.nodes)))


def test_a_module_call_is_replaced_by_what_it_does() -> None:
    traced = fx.symbolic_trace(rl.nn.Sequential(rl.nn.Flatten(0), rl.nn.ReLU()))
    for node in traced.graph.nodes:
        if node.target == "1":
            with traced.graph.inserting_before(node):
                result = traced.get_submodule("1")(*map_arg(node.args, fx.Proxy))
            node.replace_all_uses_with(result.node)
            traced.graph.erase_node(node)
    traced.recompile()
    assert [n.op for n in traced.graph.nodes] == ["placeholder", "call_module", "call_function",
                                                  "output"]
    traced.delete_all_unused_submodules()
    assert [name for name, _ in traced.named_children()] == ["0"]
    assert traced(rl.tensor([[-1.0, 1.0]])).tolist() == [0.0, 1.0]


def test_lint_finds_disorder_and_what_is_missing() -> None:
    traced = fx.symbolic_trace(twice)
    x, add, _ = traced.graph.nodes
    add.append(x)
    with pytest.raises(RuntimeError, match="was used before it has been defined"):
        traced.graph.lint()
    add.prepend(x)
    traced.graph.lint()
    with traced.graph.inserting_before(add):
        traced.graph.call_module("nope", (x,))
    with pytest.raises(AttributeError, match="has no attribute `nope`"):
        traced.graph.lint()


def test_dead_code_goes_and_effects_stay() -> None:
    def f(x: Any) -> Any:
        rl.sin(x)
        x.add_(1)
        return x

    traced = fx.symbolic_trace(f)
    assert traced.graph.eliminate_dead_code()
    assert [node.name for node in traced.graph.nodes] == ["x", "add_", "output"]


def test_patterns_are_replaced_where_nothing_else_uses_their_inside() -> None:
    def f(x: Any, y: Any) -> Any:
        inner = rl.neg(y)
        return rl.neg(x).sum() + rl.neg(y).sum() + inner.sum() + inner.max()

    traced = fx.symbolic_trace(f)
    found = fx.replace_pattern(traced, lambda a: rl.neg(a).sum(), lambda a: rl.mean(a) * 10)
    assert len(found) == 2
    assert traced(rl.ones(2), rl.ones(2)).item() == 10 + 10 - 2 - 1


def test_interpreters_and_transformers_see_every_node() -> None:
    traced = fx.symbolic_trace(lambda x: rl.relu(x) * 3)
    seen = []

    class Watch(fx.Interpreter):
        def run_node(self, n: fx.Node) -> Any:
            seen.append(n.name)
            return super().run_node(n)

    class Swap(fx.Transformer):
        def call_function(self, target: Any, args: Any, kwargs: Any) -> Any:
            return super().call_function(rl.neg if target is rl.relu else target, args, kwargs)

    assert Watch(traced).run(rl.ones(1)).item() == 3
    assert seen == ["x", "relu", "mul", "output"]
    assert Swap(traced).transform()(rl.ones(1)).item() == -3
    with pytest.raises(RuntimeError, match="Expected positional argument for parameter x"):
        Watch(traced).run()


def test_graphs_are_copied_saved_and_long_ones_too() -> None:
    def long(x: Any) -> Any:
        for _ in range(3000):
            x = x + 1
        return x

    traced = fx.symbolic_trace(long)
    assert copy.deepcopy(traced)(rl.zeros(1)).item() == 3000
    net = fx.symbolic_trace(Net())
    file = io.BytesIO()
    rl.save(net, file)
    file.seek(0)
    again = rl.load(file, weights_only=False)
    assert again.code == net.code and type(again).__name__ == "Net"
    x = rl.randn(2, 3)
    assert again(x)["flat"].equal(net(x)["flat"])


def test_shapes_are_noted() -> None:
    traced = fx.symbolic_trace(lambda x: x.sum(dim=0))
    ShapeProp(traced).propagate(rl.ones(2, 3))
    assert [tuple(n.meta["tensor_meta"].shape) for n in traced.graph.nodes] == [(2, 3), (3,), (3,)]


def test_graphs_are_shown_as_lines_and_as_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    graph = fx.symbolic_trace(lambda x: rl.add(x, 2, alpha=3)).graph
    assert str(graph).splitlines()[1:] == [
        "    %x : [num_users=1] = placeholder[target=x]",
        "    %add : [num_users=1] = call_function[target=torch.add](args = (%x, 2), "
        "kwargs = {alpha: 3})",
        "    return add"]
    graph.print_tabular()
    assert capsys.readouterr().out.splitlines()[0].split() == ["opcode", "name", "target", "args",
                                                              "kwargs"]


def test_operands_of_einsum_stand_one_by_one() -> None:
    graph = fx.Graph()
    a, b = (fx.Proxy(graph.placeholder(name)) for name in "ab")
    one, other = rl.einsum("ij,jk->ik", a, b), rl.einsum("ij,jk->ik", (a, b))
    assert one.node.args == other.node.args == ("ij,jk->ik", a.node, b.node)
    assert other.node.target is rl.einsum


def test_stated_conditions_are_recorded() -> None:
    graph = fx.Graph()
    x = fx.Proxy(graph.placeholder("x"))
    _assert(x.shape[-1] == 3, "three columns")
    graph.output(x.node)
    program = fx.GraphModule(nn.Module(), graph)
    assert program(rl.ones(2, 3)).shape == (2, 3)
    with pytest.raises(AssertionError, match="three columns"):
        program(rl.ones(2, 4))
