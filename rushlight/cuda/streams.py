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


class CudaTensorType(type):
    """Tensors on a CUDA device: none is an instance, and none can be made."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return False

    def __call__(cls, *arguments: Any, **options: Any) -> NoReturn:
        raise TypeError(f"type torch.cuda.{cls.__name__} not available. Torch not compiled with "
                        "CUDA enabled: ask cuda.is_available() first")
