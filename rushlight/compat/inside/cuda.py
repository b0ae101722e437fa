"""Names of `torch.cuda` and of streams, for annotations and isinstance tests."""

from __future__ import annotations

from rushlight.cuda.streams import Event, Stream

__all__ = ["Event", "Stream", "StreamContext", "graph"]

_initialized = False


class StreamContext(Stream):
    """A block whose work goes to a stream. Making one raises AssertionError."""


class graph(Stream):  # noqa: N801 - torch's name
    """A block whose work is recorded. Making one raises AssertionError."""
