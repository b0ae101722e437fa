"""`torch.futures`: values that another part of the program will set."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future as _Promise
from typing import Any, Generic, TypeVar

T = TypeVar("T")

__all__ = ["Future", "collect_all", "wait_all"]


class Future(Generic[T]):
    """A value to come: `set_result` gives it, `wait` waits for it, `then` goes on with it."""

    def __init__(self, *, devices: Any = None) -> None:
        self._promise: _Promise[Any] = _Promise()

    def set_result(self, result: Any) -> None:
        """Give the value. Raises RuntimeError where there is one."""
        if self.done():
            raise RuntimeError("Future can only be marked completed once")
        self._promise.set_result(result)

    def set_exception(self, result: BaseException) -> None:
        """Give an error, which `wait` raises."""
        self._promise.set_exception(result)

    def done(self) -> bool:
        """Whether there is a value or an error."""
        return self._promise.done()

    def wait(self) -> Any:
        """The value, waited for."""
        return self._promise.result()

    def value(self) -> Any:
        """The value. Raises RuntimeError where it is still to come."""
        if not self.done():
            raise RuntimeError("The future has not been completed: call wait()")
        return self._promise.result()

    def then(self, callback: Callable[[Future[Any]], Any]) -> Future[Any]:
        """A future of `callback(self)`."""
        after: Future[Any] = Future()

        def finish(_: Any) -> None:
            try:
                after.set_result(callback(self))
            except Exception as error:
                after.set_exception(error)

        self._promise.add_done_callback(finish)
        return after

    def add_done_callback(self, callback: Callable[[Future[Any]], Any]) -> None:
        """Call `callback(self)` when there is a value."""
        self.then(callback)


def collect_all(futures: list[Future[Any]]) -> Future[Any]:
    """A future of the list itself, when all have their values."""
    made: Future[Any] = Future()
    left = [len(futures)]

    def count(_: Future[Any]) -> None:
        left[0] -= 1
        if left[0] == 0:
            made.set_result(futures)

    if not futures:
        made.set_result(futures)
    for future in futures:
        future.add_done_callback(count)
    return made


def wait_all(futures: list[Future[Any]]) -> list[Any]:
    """The values of all, waited for."""
    return [future.wait() for future in futures]
