"""What a profile notes besides times: shapes, memory, the program's lines."""

from __future__ import annotations

import rushlight as rl
from rushlight.profiler import profile, record_function


def test_shapes_are_told_apart() -> None:
    with profile(record_shapes=True) as measured:
        for n in (2, 3, 3):
            rl.ones(n) + rl.ones(n)
    rows = {str(row.input_shapes): row.count
            for row in measured.key_averages(group_by_input_shape=True) if row.key == "aten::add"}
    assert sorted(rows.values()) == [1, 2] and any(key.startswith("[[3], [3]") for key in rows)
    table = measured.key_averages(group_by_input_shape=True).table(sort_by="cpu_time_total")
    assert "Input Shapes" in table.splitlines()[1] and "[[2], [2]" in table
    assert "Input Shapes" not in measured.key_averages().table()


def test_memory_of_results_counts() -> None:
    x = rl.ones(256)
    with profile(profile_memory=True) as measured, record_function("block"):
        y = x * x
        y.view(16, 16)
        y.mul_(2)
    rows = {row.key: row for row in measured.key_averages()}
    assert rows["aten::mul"].cpu_memory_usage == 1024
    assert rows["aten::mul_"].cpu_memory_usage == 0
    assert rows["block"].cpu_memory_usage >= 1024 and rows["block"].self_cpu_memory_usage == 0
    head, first = measured.key_averages().table(sort_by="cpu_memory_usage").splitlines()[1:4:2]
    assert "CPU Mem" in head and "1.00 KB" in first


def test_lines_of_the_program() -> None:
    with profile(with_stack=True) as measured:
        rl.ones(2) + 1
    event = next(event for event in measured.events() if event.name == "aten::add")
    assert "test_columns.py" in event.stack[0]
    table = measured.key_averages(group_by_stack_n=1).table()
    assert "Source Location" in table and "test_columns.py" in table


def test_events_know_who_called_them() -> None:
    with profile() as measured, record_function("block"):
        rl.ones(2) + 1
    event = next(event for event in measured.events() if event.name == "aten::add")
    assert event.cpu_parent.name == "block" and event in event.cpu_parent.cpu_children
