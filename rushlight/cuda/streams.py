"""Streams, events and graphs of CUDA: names for annotations and tests; none can be made."""

from __future__ import annotations

from typing import Any, NoReturn


def refuse() -> NoReturn:
    """Raise what torch raises where CUDA is missing."""
    raise AssertionError("Torch not compiled with CUDA enabled: this build computes on 'cpu'. "
                         "Ask cuda.is_available() first")


class Stream:
    """A queue of work on a CUDA device. Making one raises AssertionError."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        refuse()


class ExternalStream(Stream):
    """A queue that another library made. Making one raises AssertionError."""


class Event(Stream):
    """A mark in a queue of work on a CUDA device. Making one raises AssertionError."""


class CUDAGraph(Stream):
    """A recorded sequence of work. Making one raises AssertionError."""


class OutOfMemoryError(RuntimeError):
    """The memory of a CUDA device is used up; never raised here."""
