"""Modules that pass through torch's script compiler: what they show of themselves."""

from __future__ import annotations

import io
from typing import Any

import pytest

import rushlight as rl


class Gate(rl.nn.Module):
    def forward(self, x: Any) -> Any:
        if x.sum() > 0:
            return x
        return -x


class Cell(rl.nn.Module):
    def __init__(self, gate: rl.nn.Module) -> None:
        super().__init__()
        self.gate, self.linear = gate, rl.nn.Linear(4, 4)

    def forward(self, x: Any, h: Any) -> Any:
        return rl.tanh(self.gate(self.linear(x)) + h)


class Graphs(rl.nn.Module):
    """Has names of its own that compiled modules have too."""

    def __init__(self) -> None:
        super().__init__()
        self.graph = rl.nn.Linear(2, 2)
        self.code = 7

    def forward(self, x: Any) -> Any:
        return self.graph(x)


def test_a_traced_module_shows_its_code_and_graph() -> None:
    cell = rl.jit.trace(Cell(rl.nn.ReLU()), (rl.ones(2, 4), rl.ones(2, 4)))
    assert cell.code.startswith("def forward(self, x: Any, h: Any)")
    assert [node.op for node in cell.graph.nodes].count("call_module") == 2
    gated = rl.jit.script(Cell(Gate()))
    assert "if x.sum() > 0:" in gated.gate.code
    with pytest.raises(Exception, match="control flow"):
        gated.graph


def test_names_that_a_module_has_stay_its_own() -> None:
    module = rl.jit.script(Graphs())
    assert isinstance(module.graph, rl.nn.Linear) and module.code == 7
    module.graph = rl.nn.Identity()
    assert isinstance(module.graph, rl.nn.Identity)

    class Later(rl.nn.Module):
        def forward(self, x: Any) -> Any:
            return x

    rl.jit.script(Later())
    later = Later()
    later.register_buffer("code", rl.ones(1))
    later.graph = rl.nn.Linear(1, 1)
    assert later.code.item() == 1 and list(later.state_dict()) == [
        "code", "graph.weight", "graph.bias"] and isinstance(later.graph, rl.nn.Linear)
    assert not hasattr(rl.nn.Module, "graph") and not hasattr(rl.nn.Module, "code")


def test_what_was_traced_is_saved_and_read() -> None:
    x, h = rl.ones(2, 4), rl.ones(2, 4)
    cell = rl.jit.script(Cell(Gate()))
    file = io.BytesIO()
    cell.save(file)
    file.seek(0)
    again = rl.jit.load(file)
    assert rl.equal(again(x, h), cell(x, h)) and again.code == cell.code
