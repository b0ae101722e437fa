"""`torch.ops`: operations by namespace: those that `torch.library` was told, and ATen's."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any, NoReturn

import rushlight
from rushlight.families.overloads import Overloads, packet
from rushlight.families.override import UNCLAIMED, ask
from rushlight.fx import has_side_effect
from rushlight.profiler import record_function

__all__ = ["Overloads", "load_library", "namespace"]

_spaces: dict[str, Namespace] = {}


def _missing(name: str, *arguments: Any, **options: Any) -> NoReturn:
    raise NotImplementedError(f"torch.ops.aten.{name} is not in Rushlight; call the function of "
                              "torch that stands for it")


def _slice(self: Any, dim: int = 0, start: Any = None, end: Any = None, step: int = 1) -> Any:
    return self[(slice(None),) * (dim % self.dim()) + (slice(start, end, step),)]


# Operations of ATen that are methods by another name.
_INNER: dict[str, Callable[..., Any]] = {
    "_to_copy": lambda self, **options: self.to(copy=True, **options),
    "_pin_memory": rushlight.Tensor.pin_memory,
    "_unsafe_view": rushlight.Tensor.view,
    "alias": lambda self: self.view_as(self),
    "index": lambda self, indices: self[tuple(slice(None) if i is None else i for i in indices)],
    "slice": _slice,
    "sym_numel": rushlight.Tensor.numel,
    "sym_size": rushlight.Tensor.size,
    "sym_stride": rushlight.Tensor.stride,
}


class Namespace(SimpleNamespace):
    """The operations of one namespace."""

    def __getattr__(self, name: str) -> Any:
        space = self.__dict__.get("space", "")
        found = None
        if space in ("aten", "prims") and not name.startswith("__"):
            found = getattr(rushlight, name, None) or getattr(rushlight.nn.functional, name, None) \
                or _INNER.get(name) or getattr(rushlight.Tensor, name, None)
        if found is None and (space != "aten" or name.startswith("__")):
            raise AttributeError(f"'_OpNamespace' '{space}' object has no attribute '{name}'")
        if found is None:  # a name to register something for; what is missing is told by a call
            return packet(f"{space}.{name}", partial(_missing, name))
        return packet(f"{space}.{name}", found)


def namespace(name: str) -> Namespace:
    """The namespace `name`, made where it is new."""
    return _spaces.setdefault(name, Namespace(space=name))


def _record_function_enter(name: str, args: str | None = None) -> Any:
    """Begin a block that a profile shows under `name`; what is returned ends it."""
    return record_function(name, args).__enter__()


def _record_function_exit(handle: Any) -> Any:
    """End a block."""
    answer = ask(_record_function_exit, (handle,), {})
    return handle.__exit__(None, None, None) if answer is UNCLAIMED else answer


vars(namespace("profiler")).update(
    (function.__name__, has_side_effect(function))
    for function in (_record_function_enter, _record_function_exit))


def load_library(path: str) -> None:
    """Raises OSError: operations compiled for torch cannot be loaded."""
    raise OSError(f"cannot load {path}: operations compiled for torch need torch; write them in "
                  "Python with torch.library.custom_op or autograd.Function")


def __getattr__(name: str) -> Namespace:
    if name.startswith("__"):
        raise AttributeError(name)
    return namespace(name)
