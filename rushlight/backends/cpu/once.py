"""Things made on first use, once in a process, whatever threads and forks do meanwhile."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from functools import wraps
from typing import TypeVar

T = TypeVar("T")


class Unavailable(RuntimeError):
    """A native part cannot be used here; the message says why. Callers take the host backend."""


def once(make: Callable[[], T]) -> Callable[[], T]:
    """`make` run at the first call only; later calls get its result, or its `Unavailable` again."""
    results: list[T] = []
    failures: list[str] = []
    lock = threading.RLock()
    if hasattr(os, "register_at_fork"):  # or a child could find the lock held by nobody
        os.register_at_fork(before=lock.acquire, after_in_parent=lock.release,
                            after_in_child=lock.release)

    @wraps(make)
    def made() -> T:
        if not results:
            with lock:
                if failures:
                    raise Unavailable(failures[0])
                if not results:
                    try:
                        results.append(make())
                    except Unavailable as failure:
                        failures.append(str(failure))
                        raise
        return results[0]

    return made
