"""Names of nodes, and the paths by which a program's text speaks of functions."""

from __future__ import annotations

import builtins
import keyword
import operator
import re
from collections import Counter
from typing import Any

from rushlight.families.override import title

_ENDING = re.compile(r"(.*)_(\d+)")
_RESERVED = frozenset((*dir(builtins), *keyword.kwlist, "self", "torch", "device", "inf", "nan"))
SPOKEN: dict[Any, str] = {}  # functions of this package that stand for one of torch's


class Names:
    """The names that are taken in a graph."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._count: Counter[str] = Counter()

    def create(self, wish: str) -> str:
        """A name that is an identifier, and free: `wish`, or with the next number behind it."""
        wish = re.sub(r"\W", "_", wish) or "_unnamed"
        if wish[0].isdigit():
            wish = f"_{wish}"
        match = _ENDING.fullmatch(wish)
        base, number = (match[1], int(match[2])) if match else (wish, 0)
        name, number = wish, number or self._count[base]
        while name in self._taken or name in _RESERVED:
            number += 1
            name = f"{base}_{number}"
        self._taken.add(name)
        self._count[base] = number
        return name

    def take(self, name: str) -> None:
        """Note that `name` is in use."""
        self._taken.add(name)


def wish_for(target: Any) -> str:
    """What a node that calls `target` would like to be called: `__add__` is add, ReLU re_lu."""
    name = target if isinstance(target, str) else getattr(target, "__name__", "call")
    if name.startswith("__") and name.endswith("__"):
        name = name[2:-2]
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def path_of(function: Any) -> str:
    """The dotted path under which a program names a function: torch's own name where it has one."""
    if function in SPOKEN:
        return SPOKEN[function]
    name = getattr(function, "__name__", None)
    if name is not None and getattr(builtins, name, None) is function:
        return f"builtins.{name}"
    if name is not None and getattr(operator, name, None) is function:
        return f"operator.{name}"
    if name is None or getattr(function, "__module__", None) is None:
        return f"{type(function).__module__}.{type(function).__qualname__}"
    return title(function)
