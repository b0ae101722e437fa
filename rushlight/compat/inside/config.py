"""Settings of torch's compiler: whatever a program sets is kept, and changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class _Settings:
    """Settings below settings, as in `config.triton.cudagraphs`; each is false until it is set."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        found = _Settings()
        setattr(self, name, found)
        return found

    def __bool__(self) -> bool:
        return False


_settings = _Settings()


@contextmanager
def patch(*changes: Any, **settings: Any) -> Iterator[None]:
    """Set what has no effect, for the time of a block or a function."""
    yield


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    return getattr(_settings, name)
