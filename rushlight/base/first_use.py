"""Modules that are imported when something of them is first used, so that importing is quick."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def names_on_first_use(
    names: dict[str, Any], places: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` of the package with the globals `names`.

    places: for each name imported on first use the module that has it, seen from the package;
    the last part of a module's name stands for the module itself.
    """
    package: str = names["__name__"]
    modules = set(places.values())

    def __getattr__(name: str) -> Any:
        place = places.get(name, name)
        if place not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        found = import_module(f"{package}.{place}")
        names[name] = found = found if place == name else getattr(found, name)
        return found

    def __dir__() -> list[str]:
        return sorted({*names, *places, *modules})

    return __getattr__, __dir__


class Deferred:
    """A module, imported when one of its members is first read.

    >>> from rushlight.base.first_use import Deferred
    >>> Deferred("rushlight.base.shapes").Size((2, 3)).numel()
    6
    """

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, member: str) -> Any:
        return getattr(import_module(self._name), member)
