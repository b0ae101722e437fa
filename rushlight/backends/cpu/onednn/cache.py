"""Programs kept by what they were built for, and forgotten after a fork."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from rushlight.backends.cpu.onednn.program import Program

LIMIT = 2048  # programs; each holds some kilobytes of code and descriptors

_programs: dict[Hashable, Program] = {}
find = _programs.get


def build(key: Hashable, make: Callable[[], Program]) -> Program:
    """Make the program of `key` and keep it; the oldest half goes when there are too many."""
    if len(_programs) >= LIMIT:
        for old in list(_programs)[: LIMIT // 2]:
            _programs.pop(old, None)
    program = make()
    _programs[key] = program
    return program


def clear() -> None:
    """Forget all programs, as after a change of the number of threads."""
    _programs.clear()


def programs() -> list[Program]:
    """What is kept now, the oldest first."""
    return list(_programs.values())
