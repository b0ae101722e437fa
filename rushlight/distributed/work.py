"""What an operation returns that is still under way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Work:
    """An operation between processes; `wait` brings its result to where it belongs."""

    def __init__(self, finish: Callable[[], Any] | None = None, source: int = -1) -> None:
        self._finish, self._source = finish, source
        self._result: Any = None

    def wait(self, timeout: Any = None) -> bool:
        """Block until it is done; True. Raises RuntimeError where a process has ended."""
        if self._finish is not None:
            finish, self._finish = self._finish, None
            self._result = finish()
        return True

    def is_completed(self) -> bool:
        """Whether `wait` would return at once."""
        return self._finish is None

    def is_success(self) -> bool:
        """Whether it is done."""
        return self._finish is None

    def result(self) -> Any:
        """The tensors that it has filled."""
        self.wait()
        return self._result

    def source_rank(self) -> int:
        """Who sent what `irecv` has received."""
        return self._source if self._result is None else int(self._result)


def started(finish: Callable[[], Any], async_op: bool) -> Work | None:
    """The rest of an operation: done now, or when somebody waits for it."""
    work = Work(finish)
    if async_op:
        return work
    work.wait()
    return None
