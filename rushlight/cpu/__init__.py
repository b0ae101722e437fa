"""The CPU seen as an accelerator, for programs that do not ask which kind they run on.

Operations are finished when they return, so streams and waiting do nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["Event", "Stream", "StreamContext", "current_device", "current_stream", "device_count",
           "is_available", "is_initialized", "set_device", "stream", "synchronize"]


class Stream:
    """A queue of operations: each is finished when its call returns."""

    def __init__(self, priority: int = -1) -> None:
        self.priority = priority

    def wait_stream(self, stream: Any) -> None:
        """Wait for another stream: nothing is left to be waited for."""

    def record_event(self) -> Event:
        """An event that has happened."""
        return Event()

    def wait_event(self, event: Any) -> None:
        """Wait for an event: it has happened."""


class Event:
    """A point in a stream: it has happened once the call that made it returns."""

    def query(self) -> bool:
        """Whether it has happened: True."""
        return True

    def record(self, stream: Any = None) -> None:
        """Mark the present point of a stream."""

    def synchronize(self) -> None:
        """Wait until it has happened."""

    def wait(self, stream: Any = None) -> None:
        """Let a stream wait for it."""


class StreamContext:
    """`with stream(s):` runs what is inside as ever."""

    def __init__(self, stream: Stream | None) -> None:
        self.stream = stream

    def __enter__(self) -> StreamContext:
        return self

    def __exit__(self, *error: object) -> None:
        return None


_stream = Stream()


def is_available() -> bool:
    """Whether there is a CPU: True."""
    return True


def is_initialized() -> bool:
    """Whether the CPU is in use: True."""
    return True


def device_count() -> int:
    """The number of CPUs that tensors can lie on: 1."""
    return 1


def current_device() -> str:
    """The device in use: "cpu"."""
    return "cpu"


def set_device(device: Any) -> None:
    """Choose a CPU: there is one."""


def current_stream(device: Any = None) -> Stream:
    """The queue in use."""
    return _stream


def stream(stream: Stream | None) -> StreamContext:
    """A context whose operations go to `stream`; they are finished when they return anyway.

    >>> import rushlight as rl
    >>> with rl.cpu.stream(rl.cpu.Stream()):
    ...     print(rl.ones(2).sum())
    tensor(2.)
    """
    return StreamContext(stream)


def synchronize(device: Any = None) -> None:
    """Wait until all operations are finished: they are."""


def __getattr__(name: str) -> Any:
    if name == "amp":  # mixed precision is imported when it is first used
        return import_module("rushlight.cpu.amp")
    raise AttributeError(f"module 'rushlight.cpu' has no attribute '{name}'")
