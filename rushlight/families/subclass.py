"""Subclasses of Tensor: they take part in `__torch_function__`, with methods and properties too.

Operations ask by themselves (see `override`). What Tensor has besides, its properties and the
methods that are no operations, asks through members that a subclass is given when it is made, so
plain tensors pay nothing.
"""

from __future__ import annotations

from functools import cache
from types import FunctionType
from typing import Any

from rushlight.families.declaration import PATHS
from rushlight.families.overloads import asks, dispatched
from rushlight.families.override import UNCLAIMED, arm, ask, default, disabled
from rushlight.tensor import Buffer, Parameter, Tensor
from rushlight.tensor.geometry import Geometry

# Members that Python calls, and those that return tensors whatever the class says.
PROTOCOL = ("__len__ __bool__ __int__ __float__ __complex__ __index__ __repr__ __format__ "
            "__array__ __deepcopy__ __dlpack__").split()
TENSORS = "T mT H mH data detach".split()


def install() -> None:
    """Give Tensor and its kinds their `__torch_function__`; once, when operations are declared."""
    members: dict[str, Any] = {"__torch_function__": classmethod(default),
                               "__init_subclass__": classmethod(_subclassed)}
    for name, member in members.items():
        setattr(Tensor, name, member)
    for kind in (Parameter, Buffer):
        setattr(kind, "__torch_function__", staticmethod(disabled))  # noqa: B010


def _subclassed(cls: Any, /, **options: Any) -> None:
    """What Python calls when a subclass of Tensor is made."""
    super(Tensor, cls).__init_subclass__(**options)
    if asks(cls):
        cls.__torch_function__ = classmethod(dispatched)
        for name, place in PLACES.items():
            if _found(cls, name) is vars(Geometry)[name]:
                setattr(cls, name, place)
    handler = cls.__torch_function__
    if handler is disabled:
        return
    arm()
    own = getattr(handler, "__func__", handler) not in (default, dispatched)
    for name in members() if own else TENSORS:
        member = vars(Tensor).get(name) or _inherited(name)
        if _found(cls, name) is member:
            setattr(cls, name, asking(name))


def _place(self: Any) -> Any:
    """Where a wrapper says that its elements lie; it has none of its own."""
    return vars(self).get("_wrapper_device") or vars(Geometry)["device"].fget(self)


PLACES = {"device": property(_place), "is_meta": property(lambda self: self.device.type == "meta"),
          "is_cpu": property(lambda self: self.device.type == "cpu")}


def _inherited(name: str) -> Any:
    """A member that Tensor has from one of its bases."""
    return next(vars(base)[name] for base in Tensor.__mro__ if name in vars(base))


def _found(cls: type, name: str) -> Any:
    """The member as it stands in the class that defines it."""
    return next((vars(base)[name] for base in cls.__mro__ if name in vars(base)), None)


@cache
def members() -> tuple[str, ...]:
    """The properties and methods of Tensor that are no declared operations."""
    names = {name for base in Tensor.__mro__[:-1] for name, member in vars(base).items()
             if isinstance(member, property | FunctionType)
             and f"Tensor.{name}" not in PATHS
             and (not name.startswith("_") or name in PROTOCOL or name == "_base")}
    return tuple(sorted(names))


@cache
def asking(name: str) -> Any:
    """The member of Tensor, for a class that is asked about it."""
    member = _inherited(name)
    return _property(member) if isinstance(member, property) else _method(member)


def _method(member: Any) -> Any:
    def method(self: Tensor, *args: Any, **options: Any) -> Any:
        found = ask(member, (self, *args), options, [self])
        return member(self, *args, **options) if found is UNCLAIMED else found

    method.__name__, method.__qualname__ = member.__name__, member.__qualname__
    method.__doc__, method.__wrapped__ = member.__doc__, member  # type: ignore[attr-defined]
    return method


def _property(member: property) -> property:
    def read(self: Tensor) -> Any:
        found = ask(member.__get__, (self,), {}, [self])
        return member.__get__(self) if found is UNCLAIMED else found

    def write(self: Tensor, value: Any) -> None:
        if ask(member.__set__, (self, value), {}, [self]) is UNCLAIMED:
            member.__set__(self, value)

    return property(read, write if member.fset else None, member.fdel, member.__doc__)
