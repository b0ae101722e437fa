"""Python's multiprocessing, with parameters that processes share and `spawn` for many processes.

A tensor made shared with `share_memory_()` (a module with `share_memory()`) is one memory for the
processes that are forked afterwards, or that are sent it. A tensor of 4 KiB or more that the main
process sends (through a queue or pipe, or as an argument of a spawned process) is moved to shared
memory first, where no other tensor looks at its memory. What is smaller, and what child processes
send, is copied: so it can be received when they have ended.
"""

from __future__ import annotations

import multiprocessing as _multiprocessing
from multiprocessing import *  # noqa: F403
from typing import Any

from rushlight.multiprocessing.spawn import (
    ProcessContext,
    ProcessExitedException,
    ProcessRaisedException,
    SpawnContext,
    spawn,
    start_processes,
)
from rushlight.tensor.shared import share_what_is_sent

__all__ = [*_multiprocessing.__all__, "ProcessContext", "ProcessExitedException",
           "ProcessRaisedException", "SpawnContext", "get_all_sharing_strategies",
           "get_sharing_strategy", "set_sharing_strategy", "spawn", "start_processes"]

_STRATEGIES = ("file_descriptor", "file_system")
_strategy = "file_descriptor"

share_what_is_sent()


def get_all_sharing_strategies() -> set[str]:
    """The names that `set_sharing_strategy` takes."""
    return set(_STRATEGIES)


def get_sharing_strategy() -> str:
    """What `set_sharing_strategy` was last given."""
    return _strategy


def set_sharing_strategy(new_strategy: str) -> None:
    """Choose how memory is shared: kept, without effect. Raises AssertionError for other names.

    >>> import rushlight as rl
    >>> rl.multiprocessing.set_sharing_strategy("file_system")
    """
    global _strategy
    if new_strategy not in _STRATEGIES:
        raise AssertionError(f"sharing strategy {new_strategy!r} is none of {_STRATEGIES}")
    _strategy = new_strategy


def __getattr__(name: str) -> Any:
    return getattr(_multiprocessing, name)
