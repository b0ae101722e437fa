"""Modules that are imported when something of them is first used, so that importing is quick."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any


def names_on_first_use(
    names: dict[str, Any], places: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` of the package with the globals `names`.

    places: for each name imported on first use the module that has it, seen from the package;
    the last part of a module's name stands for the module itself. Who asks for the package's
    `__dict__`, as programs do that walk through torch.optim's, finds all names in it.
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

    class Package(ModuleType):
        @property
        def __dict__(self) -> dict[str, Any]:  # type: ignore[override]
            for name in places:
                if name not in names:
                    __getattr__(name)
            return names

    sys.modules[package].__class__ = Package
    return __getattr__, __dir__


def names_so_far(module: ModuleType) -> dict[str, Any]:
    """The globals of `module` without those that are imported on first use."""
    found: dict[str, Any] = _RAW.__get__(module)
    return found


_RAW: Any = vars(ModuleType)["__dict__"]


class Deferred:
    """A module that is imported when one of its members is first read.

    names: the globals of the importing module, where the module itself then takes this place; so
    later calls find it as if it had been imported there.

    >>> from rushlight.base.first_use import Deferred
    >>> shapes = Deferred("rushlight.base.shapes", globals())
    >>> shapes.Size((2, 3)).numel(), type(shapes).__name__
    (6, 'module')
    """

    __slots__ = ("_module", "_names")

    def __init__(self, module: str, names: dict[str, Any]) -> None:
        self._module, self._names = module, names

    def __getattr__(self, member: str) -> Any:
        module = import_module(self._module)
        for name, value in list(self._names.items()):
            if value is self:
                self._names[name] = module
        return getattr(module, member)
