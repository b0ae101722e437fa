"""Events of a profile, their averages by name, and both as text."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

_SORTS = {None: None, "cpu_time_total": "cpu_time_total", "self_cpu_time_total":
          "self_cpu_time_total", "cpu_time": "cpu_time", "count": "count",
          "cpu_memory_usage": "cpu_memory_usage",
          "self_cpu_memory_usage": "self_cpu_memory_usage"}


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
    cpu_memory_usage: int = 0  # bytes of new results, those of inner calls included
    memory_inside: int = 0
    stack: list[str] = field(default_factory=list)  # the program's frames, the innermost first
    cpu_parent: FunctionEvent | None = field(default=None, repr=False)
    cpu_children: list[FunctionEvent] = field(default_factory=list, repr=False)

    @property
    def cpu_time(self) -> float:
        """How long the call took, in microseconds."""
        return self.duration

    @property
    def self_cpu_memory_usage(self) -> int:
        """Bytes of new results, without those of the calls that it made."""
        return self.cpu_memory_usage - self.memory_inside

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
    cpu_memory_usage: int = 0
    self_cpu_memory_usage: int = 0
    input_shapes: list[Any] | None = None  # where they are told apart by shape
    stack: list[str] | None = None  # where they are told apart by stack
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


def _as_text(name: str) -> property:
    def text(self: Any) -> str:
        return _time(getattr(self, name))

    return property(text, doc=f"`{name}` as text.")


for _name in ("cpu_time", "cpu_time_total", "self_cpu_time_total"):
    for _kind in (FunctionEvent, FunctionEventAvg):
        setattr(_kind, f"{_name}_str", _as_text(_name))


class EventList(list[Any]):
    """Events, or their averages; printed as a table. memory: whether it was watched, too."""

    def __init__(self, events: Iterable[Any] = (), memory: bool = False) -> None:
        super().__init__(events)
        self.memory = memory

    def key_averages(self, group_by_input_shape: bool = False, group_by_stack_n: int = 0,
                     **options: Any) -> EventList:
        """The events added up by name, and by shapes or by the frames of the stack if asked."""
        found: dict[Any, FunctionEventAvg] = {}
        for event in self:
            shapes = event.input_shapes if group_by_input_shape else None
            stack = event.stack[:group_by_stack_n] if group_by_stack_n > 0 else None
            average = found.setdefault((event.name, str(shapes), str(stack)), FunctionEventAvg(
                event.name, input_shapes=shapes, stack=stack))
            average.count += 1
            average.cpu_time_total += event.duration
            average.self_cpu_time_total += event.self_cpu_time_total
            average.cpu_memory_usage += event.cpu_memory_usage
            average.self_cpu_memory_usage += event.self_cpu_memory_usage
        return EventList(found.values(), memory=self.memory)

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
            rows = EventList(sorted(rows, key=lambda row: -getattr(row, column)), self.memory)
        total = rows.self_cpu_time_total or 1.0
        shown = rows if row_limit < 0 else rows[:row_limit]
        names = [row.key if len(row.key) <= max_name_column_width
                 else row.key[: max_name_column_width - 3] + "..." for row in shown]
        width = max([4, *map(len, names)]) + 4
        columns = _columns(shown, total, self.memory, max_shapes_column_width,
                           max_src_column_width)
        widths = {head: wide for head, wide, _ in columns}
        line = "  ".join(["-" * width, *("-" * wide for wide in widths.values()), ""])
        head = "  ".join([f"{'Name':>{width}}", *(f"{h:>{w}}" for h, w in widths.items()), ""])
        lines = [line, head, line]
        for i, name in enumerate(names):
            cells = (f"{texts[i]:>{wide}}" for _, wide, texts in columns)
            lines.append("  ".join([f"{name:>{width}}", *cells, ""]))
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


def _columns(rows: list[Any], total: float, memory: bool, shapes: int,
             source: int) -> list[tuple[str, int, list[str]]]:
    """Heads, widths and cells of the columns behind the name."""
    columns = {
        "Self CPU %": [f"{row.self_cpu_time_total / total:.2%}" for row in rows],
        "Self CPU": [_time(row.self_cpu_time_total) for row in rows],
        "CPU total %": [f"{row.cpu_time_total / total:.2%}" for row in rows],
        "CPU total": [_time(row.cpu_time_total) for row in rows],
        "CPU time avg": [_time(row.cpu_time) for row in rows]}
    if memory:
        columns["CPU Mem"] = [_bytes(row.cpu_memory_usage) for row in rows]
        columns["Self CPU Mem"] = [_bytes(row.self_cpu_memory_usage) for row in rows]
    columns["# of Calls"] = [str(row.count) for row in rows]
    found = [(head, 12, texts) for head, texts in columns.items()]
    for head, values, most in (("Input Shapes", [row.input_shapes for row in rows], shapes),
                               ("Source Location", [row.stack for row in rows], source)):
        if any(value is not None for value in values):
            texts = ["" if value is None else str(value) if head[0] == "I" else ", ".join(value)
                     for value in values]
            texts = [text if len(text) <= most else text[: most - 3] + "..." for text in texts]
            found.append((head, max(len(head), *map(len, texts)) + 4, texts))
    return found


def _bytes(count: int) -> str:
    for name, unit in (("GB", 1 << 30), ("MB", 1 << 20), ("KB", 1 << 10)):
        if abs(count) >= unit:
            return f"{count / unit:.2f} {name}"
    return f"{count} B"


def _time(microseconds: float) -> str:
    if microseconds >= 1e6:
        return f"{microseconds / 1e6:.3f}s"
    if microseconds >= 1e3:
        return f"{microseconds / 1e3:.3f}ms"
    return f"{microseconds:.3f}us"
