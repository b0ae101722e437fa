"""The profiler: a hook of the interpreter on calls of operations, and blocks with names."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import ContextDecorator, nullcontext
from enum import Enum
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from rushlight.profiler.calls import new_bytes, shapes_of, stack_of
from rushlight.profiler.names import name_of, of_python
from rushlight.profiler.table import EventList, FunctionEvent

Schedule = Callable[[int], "ProfilerAction"]
_running: list[profile] = []  # the last one is told of blocks with names


class ProfilerActivity(Enum):
    """What is watched: CPU; the others are accepted, and empty."""

    CPU, CUDA, XPU, MTIA, HPU, PrivateUse1 = range(6)


class ProfilerAction(Enum):
    """What a profile does in a step."""

    NONE, WARMUP, RECORD, RECORD_AND_SAVE = range(4)


def supported_activities() -> set[ProfilerActivity]:
    """What can be watched: the CPU."""
    return {ProfilerActivity.CPU}


def schedule(*, wait: int, warmup: int, active: int, repeat: int = 0, skip_first: int = 0,
             skip_first_wait: int = 0, **options: Any) -> Schedule:
    """Which steps are recorded: after `skip_first`, cycles of `wait`, `warmup`, `active` steps.

    repeat: how many cycles; 0 means until the end.

    >>> import rushlight as rl
    >>> plan = rl.profiler.schedule(wait=1, warmup=1, active=1, repeat=1)
    >>> [plan(step).name for step in range(4)]
    ['NONE', 'WARMUP', 'RECORD_AND_SAVE', 'NONE']
    """
    length = wait + warmup + active

    def plan(step: int) -> ProfilerAction:
        step -= skip_first
        if step < 0 or (repeat > 0 and step >= repeat * length):
            return ProfilerAction.NONE
        place = step % length
        if place < wait:
            return ProfilerAction.NONE
        if place < wait + warmup:
            return ProfilerAction.WARMUP
        return ProfilerAction.RECORD_AND_SAVE if place == length - 1 else ProfilerAction.RECORD

    return plan


def tensorboard_trace_handler(dir_name: str, worker_name: str | None = None,
                              use_gzip: bool = False) -> Callable[[profile], None]:
    """An `on_trace_ready` that writes each trace into the folder, as JSON."""

    def handler(finished: profile) -> None:
        folder = Path(dir_name)
        folder.mkdir(parents=True, exist_ok=True)
        worker = worker_name or f"{socket.gethostname()}_{os.getpid()}"
        finished.export_chrome_trace(str(folder / f"{worker}.{time.time_ns()}.pt.trace.json"))

    return handler


class profile(ContextDecorator):  # noqa: N801 - torch's name
    """A block whose operations are counted and timed, in the thread that runs it.

    record_shapes: note the shapes of operands; profile_memory: the bytes of new results;
    with_stack: the program's lines. activities, with_flops, with_modules: accepted; what is
    measured is the time on the CPU. schedule: which of the steps that `step()` ends are
    recorded. on_trace_ready: called with the profile after each recorded cycle, or at the end.

    >>> import rushlight as rl
    >>> with rl.profiler.profile() as measured:
    ...     _ = rl.ones(3) + rl.ones(3)
    >>> "aten::add" in {row.key for row in measured.key_averages()}
    True
    """

    def __init__(self, activities: Iterable[ProfilerActivity] | bool | None = None,
                 schedule: Schedule | None = None,
                 on_trace_ready: Callable[[profile], Any] | None = None, enabled: bool = True,
                 record_shapes: bool = False, profile_memory: bool = False,
                 with_stack: bool = False, **options: Any) -> None:
        self.record_shapes, self.profile_memory = record_shapes, profile_memory
        self.with_stack = with_stack
        self.enabled = enabled and activities is not False
        self._plan = schedule
        self._ready = on_trace_ready
        self.step_num = 0
        self._events = EventList(memory=profile_memory)
        self._open: list[tuple[FrameType | None, FunctionEvent]] = []
        self._before: Any = None
        self._python: dict[CodeType, str] = {}
        self._recording = False

    def __enter__(self) -> profile:
        self.start()
        return self

    def __exit__(self, *error: Any) -> None:
        self.stop()

    def start(self) -> None:
        """Begin, as entering the block does."""
        self._act(self._action())

    def stop(self) -> None:
        """End, as leaving the block does."""
        recorded = self._recording
        self._pause()
        if self._ready is not None and recorded:
            self._ready(self)

    def step(self) -> None:
        """End a step, and do what the schedule says for the next."""
        last = self._action()
        self.step_num += 1
        if self._plan is None:
            return
        if last is ProfilerAction.RECORD_AND_SAVE:
            self._pause()
            if self._ready is not None:
                self._ready(self)
        self._act(self._action(), fresh=last is ProfilerAction.RECORD_AND_SAVE)

    def _action(self) -> ProfilerAction:
        return ProfilerAction.RECORD if self._plan is None else self._plan(self.step_num)

    def _act(self, action: ProfilerAction, fresh: bool = False) -> None:
        record = action in (ProfilerAction.RECORD, ProfilerAction.RECORD_AND_SAVE)
        if record and self.enabled and not self._recording:
            if fresh or self._plan is not None:
                self._events = EventList(memory=self.profile_memory)
            self._recording = True
            _running.append(self)
            self._python = of_python()
            self._before = sys.getprofile()
            sys.setprofile(self._watch)
        elif not record:
            self._pause()

    def _pause(self) -> None:
        if self._recording:
            sys.setprofile(self._before)
            self._recording = False
            _running.remove(self)
            while self._open:
                self._close()

    def _watch(self, frame: FrameType, event: str, argument: Any) -> None:
        code = frame.f_code
        if event == "call":
            if code.co_name == "<module>":
                return
            inside = bool(self._open) and self._open[-1][0] is not None
            name = name_of(frame, self._python, inside)
            if name is not None:
                self._begin(name, frame)
        elif event == "return" and self._open and self._open[-1][0] is frame:
            if self.profile_memory:
                self._open[-1][1].cpu_memory_usage = max(
                    self._open[-1][1].memory_inside, new_bytes(frame, argument))
            self._close()

    def _begin(self, name: str, frame: FrameType | None, annotation: bool = False) -> None:
        event = FunctionEvent(name, time.perf_counter_ns() / 1000, thread=threading.get_ident(),
                              is_user_annotation=annotation)
        if frame is not None and self.record_shapes:
            event.input_shapes = shapes_of(frame)
        if self.with_stack:
            event.stack = stack_of(frame or sys._getframe(2))
        if self._open:
            event.cpu_parent = self._open[-1][1]
            event.cpu_parent.cpu_children.append(event)
        self._events.append(event)
        self._open.append((frame, event))

    def _close(self) -> None:
        event = self._open.pop()[1]
        event.duration = time.perf_counter_ns() / 1000 - event.start
        if self._open:
            self._open[-1][1].inside += event.duration
            self._open[-1][1].memory_inside += event.cpu_memory_usage
            self._open[-1][1].cpu_memory_usage += (
                event.cpu_memory_usage if self._open[-1][0] is None else 0)

    def events(self) -> EventList:
        """All calls, in the order in which they began."""
        return self._events

    @property
    def function_events(self) -> EventList:
        """All calls, in the order in which they began."""
        return self._events

    def key_averages(self, group_by_input_shape: bool = False, group_by_stack_n: int = 0,
                     **options: Any) -> EventList:
        """The calls added up by name; `.table(sort_by="cpu_time_total")` shows them.

        group_by_input_shape: shapes apart, where they were recorded; group_by_stack_n: apart by so
        many lines of the program, where the stack was recorded.
        """
        return self._events.key_averages(group_by_input_shape, group_by_stack_n)

    total_average = key_averages

    @property
    def self_cpu_time_total(self) -> float:
        """All time in operations and named blocks, in microseconds."""
        return self._events.self_cpu_time_total

    def table(self, sort_by: str | None = None, row_limit: int = 100, **options: Any) -> str:
        """The averages as text."""
        return self._events.table(sort_by, row_limit, **options)

    def __str__(self) -> str:
        return str(self._events) if self._events else object.__repr__(self)

    def export_chrome_trace(self, path: str) -> None:
        """Write the calls as JSON for chrome://tracing or Perfetto."""
        self._events.export_chrome_trace(path)

    def export_stacks(self, path: str, metric: str = "self_cpu_time_total") -> None:
        """Write one line a name: the name and its time, for a flame graph."""
        with open(path, "w") as file:
            for row in self.key_averages():
                file.write(f"{row.key} {int(row.self_cpu_time_total)}\n")

    def add_metadata(self, key: str, value: str) -> None:
        """Accepted; the trace has no place for it."""

    add_metadata_json = add_metadata


class record_function(ContextDecorator):  # noqa: N801 - torch's name
    """A block that a profile shows under `name`; outside of a profile it does nothing."""

    def __init__(self, name: str, args: str | None = None) -> None:
        self.name = name
        self._told: list[tuple[profile, FunctionEvent] | None] = []

    def __enter__(self) -> record_function:
        if _running and sys.getprofile() is not None:
            _running[-1]._begin(self.name, None, annotation=True)
            self._told.append((_running[-1], _running[-1]._open[-1][1]))
        else:
            self._told.append(None)
        return self

    def __exit__(self, *error: Any) -> None:
        told = self._told.pop()
        if told is None:
            return
        watching, event = told
        while any(event is opened for _, opened in watching._open):
            watching._close()


def emit_nvtx(*arguments: Any, **options: Any) -> Any:
    """A block whose operations NVIDIA's profiler would see: without CUDA nothing is done."""
    return nullcontext()


emit_itt = emit_nvtx
