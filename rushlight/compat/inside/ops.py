"""`torch.ops`: operations by namespace: those that `torch.library` was told, and ATen's."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import rushlight

_spaces: dict[str, Namespace] = {}


class Overloads:
    """An operation: called, or by overload as in `torch.ops.aten.add.Tensor`."""

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        self.__name__ = name
        self._function = function

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return self._function(*arguments, **options)

    @property
    def default(self) -> Overloads:
        """The operation itself."""
        return self

    def __getattr__(self, name: str) -> Overloads:
        if name.startswith("_"):
            raise AttributeError(name)
        return self


class Namespace(SimpleNamespace):
    """The operations of one namespace."""

    def __getattr__(self, name: str) -> Any:
        space = self.__dict__.get("space", "")
        found = None
        if space in ("aten", "prims") and not name.startswith("__"):
            found = getattr(rushlight, name, None) or getattr(rushlight.nn.functional, name, None)
        if found is None:
            raise AttributeError(f"'_OpNamespace' '{space}' object has no attribute '{name}'")
        return Overloads(f"{space}.{name}", found)


def namespace(name: str) -> Namespace:
    """The namespace `name`, made where it is new."""
    return _spaces.setdefault(name, Namespace(space=name))


def load_library(path: str) -> None:
    """Raises OSError: operations compiled for torch cannot be loaded."""
    raise OSError(f"cannot load {path}: operations compiled for torch need torch; write them in "
                  "Python with torch.library.custom_op or autograd.Function")


def __getattr__(name: str) -> Namespace:
    if name.startswith("__"):
        raise AttributeError(name)
    return namespace(name)
