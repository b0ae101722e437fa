"""Classes and functions of one's own that `load` may call for a file: the user says which."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rushlight.serialization.torch_names import torch_name

_state = threading.local()


def _table() -> dict[tuple[str, str], Any]:
    table: dict[tuple[str, str], Any] | None = getattr(_state, "table", None)
    if table is None:
        table = _state.table = {}
    return table


def _places(item: Any) -> dict[tuple[str, str], Any]:
    """Under which modules and names a file asks for the object."""
    if isinstance(item, tuple) and len(item) == 2 and isinstance(item[1], str):
        module, _, name = item[1].rpartition(".")
        return {(module, name): item[0]}
    place = getattr(item, "__module__", None), getattr(item, "__qualname__", None)
    if not isinstance(place[0], str) or not isinstance(place[1], str):
        raise TypeError("add_safe_globals takes classes and functions, or pairs (object, "
                        f"'module.name'), but got {item!r}")
    # Files have torch's names for what Rushlight has of torch.
    return dict.fromkeys(((place[0], place[1]), torch_name(item) or (place[0], place[1])), item)


def add_safe_globals(safe_globals: Sequence[Any]) -> None:
    """Let `load` make objects of these classes, and call these functions, where a file says so.

    safe_globals: classes and functions, or pairs (object, "module.name") for those that a file
    knows by another name. In the calling thread only. Raises TypeError for other objects.

    >>> import argparse
    >>> import rushlight as rl
    >>> rl.serialization.add_safe_globals([argparse.Namespace])
    >>> rl.serialization.get_safe_globals()
    [<class 'argparse.Namespace'>]
    >>> rl.serialization.clear_safe_globals()
    """
    for item in safe_globals:
        _table().update(_places(item))


def clear_safe_globals() -> None:
    """Forget what `add_safe_globals` was told."""
    _table().clear()


def get_safe_globals() -> list[Any]:
    """What `add_safe_globals` was told."""
    return list({id(item): item for item in _table().values()}.values())


@contextmanager
def safe_globals(safe_globals: Sequence[Any]) -> Iterator[None]:
    """As `add_safe_globals`, for the time of a block."""
    before = dict(_table())
    try:
        add_safe_globals(safe_globals)
        yield
    finally:
        _state.table = before


def registered(module: str, name: str) -> Any:
    """The object that the user trusts under that name; None if there is none."""
    return _table().get((module, name))
