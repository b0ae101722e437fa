"""What is said of a name that torch has and Rushlight lacks: what is missing, where to look."""

from __future__ import annotations

import dis
import importlib
import sys
from difflib import get_close_matches
from types import ModuleType
from typing import Any, NoReturn

from rushlight.base.first_use import names_so_far
from rushlight.compat.names import ABSENT, member, resolve
from rushlight.families.declaration import PATHS

_IMPORT_FROM = dis.opmap["IMPORT_FROM"]
_explained: list[tuple[ModuleType, Any]] = []  # modules and the `__getattr__` that they had


def absent(name: str, within: ModuleType | None = None) -> str:
    """The message for the missing torch name `name`, looked for in the module `within`."""
    parent, _, last = name.rpartition(".")
    reason = next((why for which, why in ABSENT.items()
                   if name == which or name.startswith(which + ".")), None)
    if reason is not None:
        return f"'{name}' is not in Rushlight: {reason}"
    said = f"'{name}' is not in Rushlight (`torch` is Rushlight here)"
    near = get_close_matches(last, _names(parent, within), n=3, cutoff=0.75)
    paths = [path for path in PATHS if path.rpartition(".")[2] == last]
    close = [f"{parent}.{other}" for other in near] + [f"torch.{path}" for path in paths]
    if close:
        said += f". Nearest: {', '.join(dict.fromkeys(close))}"
    return f"{said}. `rushlight where NAME` looks names up; docs/run.md says what is left out"


def _names(parent: str, within: ModuleType | None) -> list[str]:
    if within is None:
        target = resolve(parent)
        within = None if target is None else importlib.import_module(target)
    return [] if within is None else [name for name in dir(within) if name[0] != "_"]


def refuse(module: ModuleType, alias: str, name: str) -> NoReturn:
    """Raise what Python raises for the missing `name` of `module`, with a better message.

    For `from module import name` that is an ImportError: the interpreter would replace the text of
    an AttributeError. Must be called by the module's `__getattr__` itself.
    """
    asker = sys._getframe(2)
    if name.startswith("__"):
        raise AttributeError(f"module '{alias}' has no attribute '{name}'", name=name, obj=module)
    if asker.f_code.co_code[asker.f_lasti] == _IMPORT_FROM:
        raise ImportError(f"cannot import name '{name}' from '{alias}': "
                          f"{absent(f'{alias}.{name}', module)}", name=alias)
    raise AttributeError(f"module '{alias}' has no attribute '{name}': "
                         f"{absent(f'{alias}.{name}', module)}", name=name, obj=module)


def explain(module: ModuleType, alias: str) -> None:
    """Let `module` say what is missing, under its torch name `alias`."""
    own = names_so_far(module).get("__getattr__")
    if getattr(own, "explains", False):
        return

    def __getattr__(name: str) -> Any:
        if own is not None:
            try:
                return own(name)
            except AttributeError:
                pass
        full = f"{alias}.{name}"
        if full in sys.modules:  # put there by the program
            return sys.modules[full]
        try:
            return member(full)
        except AttributeError:
            pass
        if not name.startswith("__") and full not in ABSENT and resolve(full) is not None:
            return importlib.import_module(full)
        refuse(module, alias, name)

    __getattr__.explains = True  # type: ignore[attr-defined]
    _explained.append((module, own))
    module.__getattr__ = __getattr__  # type: ignore[method-assign]


def forget() -> None:
    """Undo every `explain`."""
    while _explained:
        module, own = _explained.pop()
        if own is None:
            del names_so_far(module)["__getattr__"]
        else:
            names_so_far(module)["__getattr__"] = own
