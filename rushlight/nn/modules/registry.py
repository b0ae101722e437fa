"""The ordered indexes of a module's parameters, buffers and submodules."""

from __future__ import annotations

import weakref
from typing import Any

from rushlight.tensor import Tensor

KINDS = ("_parameters", "_buffers", "_modules")


class Registry(dict):
    """An ordered index of one kind of members that keeps the owner's attributes in step.

    The members are plain instance attributes as well, so that ``self.weight`` inside ``forward``
    is an ordinary attribute read. The owner is held weakly: a module is freed the moment its last
    reference goes, without waiting for the garbage collector.
    """

    __slots__ = ("_owner",)

    def __init__(self, owner: Any, items: Any = ()) -> None:
        super().__init__()
        self._owner = weakref.ref(owner)
        self.update(items)

    def __setitem__(self, name: str, value: Any) -> None:
        super().__setitem__(name, value)
        owner = self._owner()
        # A property or method of that name keeps precedence, as for any attribute of the class.
        if owner is not None and owner._mirrored and not hasattr(type(owner), name):
            owner.__dict__[name] = value

    def settle(self) -> None:
        """Give the owner its attributes anew, after it has changed its class."""
        owner = self._owner()
        for name, value in self.items():
            if owner is not None and owner.__dict__.get(name, owner) is value:
                del owner.__dict__[name]
            self[name] = value

    def __delitem__(self, name: str) -> None:
        value = self[name]
        super().__delitem__(name)
        owner = self._owner()
        if owner is not None and owner.__dict__.get(name, owner) is value:
            del owner.__dict__[name]

    def pop(self, name: str, *default: Any) -> Any:
        if name not in self and default:
            return default[0]
        value = self[name]
        del self[name]
        return value

    def popitem(self) -> tuple[str, Any]:
        name = next(reversed(self), None)
        if name is None:
            raise KeyError("popitem(): dictionary is empty")
        return name, self.pop(name)

    def clear(self) -> None:
        for name in list(self):
            del self[name]

    def setdefault(self, name: str, default: Any = None) -> Any:
        if name not in self:
            self[name] = default
        return self[name]

    def update(self, *items: Any, **more: Any) -> None:
        for name, value in dict(*items, **more).items():
            self[name] = value

    def __ior__(self, items: Any) -> Registry:
        self.update(items)
        return self

    def __reduce__(self) -> tuple:
        return dict, (dict(self),)


def typename(value: object) -> str:
    """The name of a value's type as error messages show it: ``torch.FloatTensor``, ``int``."""
    if isinstance(value, Tensor):
        return value.type()
    kind = value if isinstance(value, type) else type(value)
    if kind.__module__ in ("builtins", "__builtin__"):
        return kind.__qualname__
    return f"{kind.__module__}.{kind.__qualname__}"
