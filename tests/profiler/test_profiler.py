"""The profiler: what is recorded, when, and how it is shown."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

import rushlight as rl
from rushlight.profiler import (
    ProfilerAction,
    ProfilerActivity,
    profile,
    record_function,
    schedule,
    tensorboard_trace_handler,
)


def test_operations_and_blocks_are_counted() -> None:
    x = rl.ones(8, requires_grad=True)
    with profile(activities=[ProfilerActivity.CPU]) as measured:
        with record_function("mine"):
            for _ in range(3):
                x.exp()
        (x * 2).sum().backward()
    rows = {row.key: row for row in measured.key_averages()}
    assert rows["mine"].count == 1 and rows["aten::exp"].count == 3
    assert rows["mine"].cpu_time_total >= rows["aten::exp"].cpu_time_total > 0
    assert rows["mine"].self_cpu_time_total <= rows["mine"].cpu_time_total
    table = measured.key_averages().table(sort_by="cpu_time_total", row_limit=2)
    assert "Self CPU time total" in table and table.count("\n") <= 7
    assert "mine" in str(measured) and "aten::exp" in str(measured)
    with pytest.raises(ValueError, match="sort_by must be one of"):
        measured.key_averages().table(sort_by="colour")


def test_nothing_is_watched_afterwards() -> None:
    before = sys.getprofile()
    with pytest.raises(KeyError), profile():
        raise KeyError
    assert sys.getprofile() is before
    with record_function("outside"):
        pass


def test_schedule() -> None:
    plan = schedule(wait=1, warmup=1, active=2, repeat=1, skip_first=1)
    assert [plan(step).name for step in range(6)] == [
        "NONE", "NONE", "WARMUP", "RECORD", "RECORD_AND_SAVE", "NONE"]
    assert schedule(wait=0, warmup=0, active=1)(100) is ProfilerAction.RECORD_AND_SAVE


def test_each_cycle_is_handed_over(tmp_path: Path) -> None:
    seen = []

    def ready(cycle: profile) -> None:
        seen.append(({row.key: row.count for row in cycle.key_averages()}, cycle.step_num))

    x = rl.ones(4)
    with profile(schedule=schedule(wait=1, warmup=1, active=2), on_trace_ready=ready) as measured:
        for _ in range(8):
            x.tanh()
            measured.step()
    assert [step for _, step in seen] == [4, 8]
    assert [counts["aten::tanh"] for counts, _ in seen] == [2, 2]


def test_traces(tmp_path: Path) -> None:
    with profile(on_trace_ready=tensorboard_trace_handler(str(tmp_path))):
        rl.ones(4).tanh()
    (file,) = tmp_path.glob("*.pt.trace.json")
    events = json.loads(file.read_text())["traceEvents"]
    assert "aten::tanh" in {event["name"] for event in events}
    assert all(event["dur"] >= 0 for event in events)


def test_operators_are_called_as_torch_calls_them() -> None:
    x = rl.rand(2)
    with rl.profiler.profile() as measured:
        _ = (2 * x / x) + 1, 1 / x, ~(x > 0)
    assert {row.key for row in measured.key_averages()} >= {
        "aten::div", "aten::mul", "aten::add", "aten::bitwise_not"}
    assert "CPU total %" in measured.table()
