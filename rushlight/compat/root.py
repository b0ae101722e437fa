"""The packages `torch` and `torchvision` themselves: Rushlight's names, torch's version."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

from rushlight.compat.missing import absent, explain, refuse
from rushlight.compat.names import ABSENT, ELSEWHERE, ROOTS, VERSIONS, member, resolve
from rushlight.compat.torch_version import TorchVersion

_OWN = frozenset(("__name__", "__loader__", "__package__", "__spec__", "__path__", "__getattr__",
                  "__version__", "__dict__"))


class Root(ModuleType):
    """A package that has the names of `rushlight` (or `rushlight.vision`) and its own version."""

    def fill(self) -> None:
        """Take over all names that are there now; the others come when they are asked for."""
        target = importlib.import_module(ROOTS[self.__name__])
        table = vars(self)
        for name, value in list(vars(target).items()):
            full = f"{self.__name__}.{name}"
            if isinstance(value, ModuleType):
                if resolve(full) != value.__name__:  # our own, or torch has another of that name
                    continue
                explain(value, full)
            if name not in _OWN:
                table[name] = value
        table["__path__"] = []
        table[self.__name__] = self  # torch imports itself by name, and programs say torch.torch
        version = VERSIONS[self.__name__]
        table["__version__"] = TorchVersion(version) if self.__name__ == "torch" else version

    def __getattr__(self, name: str) -> Any:
        full = f"{self.__name__}.{name}"
        try:
            value = member(full)
        except AttributeError:
            pass
        else:
            setattr(self, name, value)
            return value
        if not name.startswith("__") or full in ELSEWHERE:
            if full in ABSENT:
                raise AttributeError(absent(full), name=name, obj=self)
            if resolve(full) is not None:
                return importlib.import_module(full)
            target = importlib.import_module(ROOTS[self.__name__])
            if hasattr(target, name) and not isinstance(getattr(target, name), ModuleType):
                value = getattr(target, name)
                setattr(self, name, value)
                return value
        refuse(self, self.__name__, name)

    def __dir__(self) -> list[str]:
        target = importlib.import_module(ROOTS[self.__name__])
        return sorted({*vars(self), *getattr(target, "__all__", ())})
