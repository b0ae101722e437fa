"""Events of a profile, their averages by name, and both as text."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

_SORTS = {None: None, "cpu_time_total": "cpu_time_total", "self_cpu_time_total":
          "self_cpu_time_total", "cpu_time": "cpu_time", "count": "count",
          "cpu_memory_usage": "count", "self_cpu_memory_usage": "count"}


@dataclass
class FunctionEvent:
    """One call: its name, when it began, how long it took (microseconds), what it called."""

    name: str
    start: float
    duration: float = 0.0
    inside: float = 0.0  # time in the calls that it made
    thread: int = 0
    is_user_annotation: bool = False
    input_shapes: list[Any] = field(default_factory=list)

    @property
    def key(self) -> str:
        """The name."""
        return self.name

    @property
    def cpu_time_total(self) -> float:
        """How long the call took, in microseconds."""
        return self.duration

    @property
    def self_cpu_time_total(self) -> float:
        """The same without the calls that it made."""
        return self.duration - self.inside


@dataclass
class FunctionEventAvg:
    """All calls of one name: how many, and how long they took together (microseconds)."""

    key: str
    count: int = 0
    cpu_time_total: float = 0.0
    self_cpu_time_total: float = 0.0
    input_shapes: list[Any] = field(default_factory=list)
    cpu_memory_usage = self_cpu_memory_usage = 0
    cuda_time_total = self_cuda_time_total = device_time_total = self_device_time_total = 0.0
    flops = 0

    @property
    def name(self) -> str:
        """The name."""
        return self.key

    @property
    def cpu_time(self) -> float:
        """How long one call took on average, in microseconds."""
        return self.cpu_time_total / self.count if self.count else 0.0


class EventList(list[Any]):
    """Events, or their averages; printed as a table."""

    def key_averages(self, **options: Any) -> EventList:
        """The events added up by name."""
        found: dict[str, FunctionEventAvg] = {}
        for event in self:
            average = found.setdefault(event.name, FunctionEventAvg(event.name))
            average.count += 1
            average.cpu_time_total += event.duration
            average.self_cpu_time_total += event.self_cpu_time_total
        return EventList(found.values())

    total_average = key_averages

    @property
    def self_cpu_time_total(self) -> float:
        """All time, in microseconds."""
        return sum(event.self_cpu_time_total for event in self)

    def table(self, sort_by: str | None = None, row_limit: int = 100,
              max_src_column_width: int = 75, max_name_column_width: int = 55,
              max_shapes_column_width: int = 80,
              header: str | None = None, top_level_events_only: bool = False) -> str:
        """The averages as text, the largest of `sort_by` first; row_limit -1 means all.

        Raises ValueError for a sort_by that is no column.
        """
        rows = self if self and isinstance(self[0], FunctionEventAvg) else self.key_averages()
        sort = (sort_by or "").replace("cuda", "cpu").replace("device", "cpu") or None
        if sort not in _SORTS:
            raise ValueError(f"sort_by must be one of {[*filter(None, _SORTS)]}, not {sort_by!r}")
        column = _SORTS[sort]
        if column is not None:
            rows = EventList(sorted(rows, key=lambda row: -getattr(row, column)))
        total = rows.self_cpu_time_total or 1.0
        shown = rows if row_limit < 0 else rows[:row_limit]
        names = [row.key if len(row.key) <= max_name_column_width
                 else row.key[: max_name_column_width - 3] + "..." for row in shown]
        width = max([4, *map(len, names)]) + 4
        heads = ("Self CPU %", "Self CPU", "CPU total %", "CPU total", "CPU time avg",
                 "# of Calls")
        line = "  ".join(["-" * width, *(("-" * 12),) * len(heads), ""])
        lines = [line, "  ".join([f"{'Name':>{width}}", *(f"{head:>12}" for head in heads), ""]),
                 line]
        for name, row in zip(names, shown, strict=True):
            figures = (f"{row.self_cpu_time_total / total:.2%}", _time(row.self_cpu_time_total),
                       f"{row.cpu_time_total / total:.2%}", _time(row.cpu_time_total),
                       _time(row.cpu_time), str(row.count))
            lines.append("  ".join([f"{name:>{width}}", *(f"{text:>12}" for text in figures), ""]))
        lines += [line, f"Self CPU time total: {_time(rows.self_cpu_time_total)}"]
        return "\n".join(([header] if header else []) + lines) + "\n"

    def __str__(self) -> str:
        return self.table()

    def export_chrome_trace(self, path: str) -> None:
        """Write the events as JSON for chrome://tracing or Perfetto."""
        events = [{"ph": "X", "cat": "user_annotation" if event.is_user_annotation else "cpu_op",
                   "name": event.name, "pid": 0, "tid": event.thread, "ts": event.start,
                   "dur": event.duration} for event in self]
        with open(path, "w") as file:
            json.dump({"schemaVersion": 1, "traceEvents": events}, file)


def _time(microseconds: float) -> str:
    if microseconds >= 1e6:
        return f"{microseconds / 1e6:.3f}s"
    if microseconds >= 1e3:
        return f"{microseconds / 1e3:.3f}ms"
    return f"{microseconds:.3f}us"
