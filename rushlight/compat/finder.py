"""The import hook: `import torch.nn` gives the module `rushlight.nn` itself, not a copy of it."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Sequence
from importlib import metadata
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

from rushlight.base.first_use import names_so_far
from rushlight.compat.class_names import find
from rushlight.compat.missing import absent, explain
from rushlight.compat.names import ABSENT, ELSEWHERE, ROOTS, resolve
from rushlight.compat.root import Root

# What child processes find: packages that install the alias, and the versions that they stand for.
FOLDER = Path(__file__).parent / "path"


class AliasLoader(Loader):
    """Loads nothing: hands out a module of Rushlight as a module of torch."""

    def __init__(self, target: str) -> None:
        self.target = target

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return the module that stands for `spec.name`."""
        module = importlib.import_module(self.target)
        self._own = module.__spec__
        # What is loaded already is known under both names. Loading it a second time would set the
        # parent's attribute, and hide a function that is called as its module is (weight_norm).
        for name, loaded in list(sys.modules.items()):
            if name.startswith(self.target + "."):
                alias = spec.name + name.removeprefix(self.target)
                if alias not in ELSEWHERE:
                    _prepare(sys.modules.setdefault(alias, loaded), alias)
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Give the module its own specification back, which the import has replaced."""
        alias = module.__spec__.name if module.__spec__ else module.__name__
        module.__spec__ = self._own
        _prepare(module, alias)


def _prepare(module: ModuleType, alias: str) -> None:
    """Let the module say what is missing, and have the submodules that torch's has."""
    if any(name.startswith(alias + ".") for name in ELSEWHERE):
        names_so_far(module).setdefault("__path__", [])
    explain(module, alias)


class RootLoader(Loader):
    """Makes the packages `torch` and `torchvision`."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return the package named `spec.name`."""
        return Root(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Fill the package with the names that it has now."""
        assert isinstance(module, Root)
        module.fill()


class Finder(MetaPathFinder):
    """Answers for torch, torchvision and what lies in them, and for their versions."""

    def find_spec(self, name: str, path: Sequence[str] | None = None,
                  target: ModuleType | None = None) -> ModuleSpec | None:
        """The specification of `name`; None for what is not torch's.

        Raises ModuleNotFoundError, with the nearest names, for a module that Rushlight lacks.
        """
        root = name.partition(".")[0]
        if root == "rushlight":
            return find(name, path)
        if root not in ROOTS:
            return None
        if name == root:
            return ModuleSpec(name, RootLoader(), is_package=True)
        found = None if name in ABSENT else resolve(name)
        if found is None:
            raise ModuleNotFoundError(absent(name), name=name)
        origin = importlib.import_module(found)
        spec = ModuleSpec(name, AliasLoader(found), origin=getattr(origin, "__file__", None))
        spec.submodule_search_locations = list(getattr(origin, "__path__", [])) or None
        return spec

    def find_distributions(self, context: Any = None) -> Iterator[metadata.Distribution]:
        """The installed packages torch and torchvision, for `importlib.metadata.version`."""
        wanted = getattr(context, "name", None)
        for folder in FOLDER.glob("*.dist-info"):
            if wanted in (None, folder.name.partition("-")[0]):
                yield metadata.PathDistribution(folder)
