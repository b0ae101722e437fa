"""Functions that other types and modes may answer: torch's `__torch_function__` protocol.

A subclass of Tensor, or any class that defines the class method `__torch_function__(cls, function,
types, args=(), kwargs=None)`, is offered every operation that one of its instances is given to,
alone or in a list. It returns the result, or NotImplemented to leave it to the next. Subclasses
are asked before their bases, otherwise from left to right. What a subclass of Tensor inherits
runs the operation and returns tensors of the subclass.

Operations written in plain Python (`cat`, `conv2d`, ...) learn to ask when the first subclass of
Tensor is defined, a mode is entered, a foreign object meets `add` or another flat operation, or
this module is imported: a program whose only such class is no Tensor imports it.
"""

from __future__ import annotations

import functools
import inspect
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import suppress
from importlib import import_module
from types import TracebackType
from typing import Any

from rushlight.families.declaration import FUNCTIONS
from rushlight.families.override import (
    UNCLAIMED,
    all_ask,
    answers,
    arm,
    ask,
    claimants,
    ignored,
    no_implementation,
    overridable,
    state,
    title,
)
from rushlight.families.subclass import members
from rushlight.tensor import Tensor

__all__ = [
    "BaseTorchFunctionMode", "DisableTorchFunction", "DisableTorchFunctionSubclass",
    "TorchFunctionMode", "get_ignored_functions", "get_overridable_functions",
    "get_testing_overrides", "handle_torch_function", "has_torch_function",
    "has_torch_function_unary", "has_torch_function_variadic", "is_tensor_like",
    "is_tensor_method_or_property", "resolve_name", "wrap_torch_function",
]

arm()


def has_torch_function(relevant_args: Iterable[Any]) -> bool:
    """Whether a call with these arguments is to be offered to their types or to a mode.

    >>> import rushlight as rl
    >>> class Units(rl.Tensor): pass
    >>> rl.overrides.has_torch_function([rl.ones(2), rl.ones(2).as_subclass(Units)])
    True
    """
    if state.modes and state.off < 2:
        return True
    return state.off == 0 and bool(claimants(tuple(relevant_args)))


def has_torch_function_unary(argument: Any) -> bool:
    """`has_torch_function` of one argument."""
    return has_torch_function((argument,))


def has_torch_function_variadic(*arguments: Any) -> bool:
    """`has_torch_function` of several arguments."""
    return has_torch_function(arguments)


def handle_torch_function(public_api: Callable[..., Any], relevant_args: Iterable[Any],
                          *args: Any, **kwargs: Any) -> Any:
    """Offer the call `public_api(*args, **kwargs)` to the types of `relevant_args`.

    Returns what the first of them answers that does not return NotImplemented. Raises TypeError
    where all do, or none is there to ask.
    """
    found = ask(public_api, args, kwargs, tuple(relevant_args))
    if found is UNCLAIMED:
        raise no_implementation(public_api, [])
    return found


def wrap_torch_function(dispatcher: Callable[..., Iterable[Any]]
                        ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator that offers a function's calls to the types of what `dispatcher` picks.

    dispatcher: given the same arguments, returns those whose types are asked.

    >>> import rushlight as rl
    >>> @rl.overrides.wrap_torch_function(lambda a: (a,))
    ... def twice(a): return a + a
    >>> twice(rl.ones(2))
    tensor([2., 2.])
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            found = ask(wrapped, args, kwargs, tuple(dispatcher(*args, **kwargs)))
            return function(*args, **kwargs) if found is UNCLAIMED else found

        return wrapped

    return decorate


def is_tensor_like(inp: Any) -> bool:
    """Whether an object is a Tensor or its type defines `__torch_function__`."""
    return isinstance(inp, Tensor) or answers(type(inp))


def is_tensor_method_or_property(func: Callable[..., Any]) -> bool:
    """Whether a function that `__torch_function__` was given is a method or property of Tensor."""
    return func in _methods() or getattr(func, "__name__", "") in ("__get__", "__set__")


@functools.cache
def _methods() -> frozenset[Any]:
    return frozenset(f for path, f in FUNCTIONS.items() if path.startswith("Tensor.")) | {
        getattr(Tensor, name) for name in members()}


def resolve_name(f: Callable[..., Any]) -> str | None:
    """The name that users call a function by, "torch.add"; None for what is not overridable.

    >>> import rushlight as rl
    >>> rl.overrides.resolve_name(rl.add)
    'torch.add'
    """
    if isinstance(f, str):
        return f
    known = any(f is other for other in FUNCTIONS.values()) or f in _methods() or isinstance(
        getattr(f, "__self__", None), property)
    return title(f) if known else None


def get_overridable_functions() -> dict[Any, list[Callable[..., Any]]]:
    """The functions that are offered to types, by the module or class that they are found in."""
    found: defaultdict[Any, list[Callable[..., Any]]] = defaultdict(list)
    package = __name__.partition(".")[0]
    for path, function in FUNCTIONS.items():
        if overridable(path):
            holder = path.rpartition(".")[0]
            place = Tensor if holder == "Tensor" else import_module(
                f"{package}.{holder}" if holder else package)
            found[place].append(function)
    found[Tensor] += [member.__get__ if isinstance(member, property) else member
                      for member in (getattr(Tensor, name) for name in members())]
    return dict(found)


def get_ignored_functions() -> set[Callable[..., Any]]:
    """The functions that no type is asked about: most of them make tensors from other things."""
    return {function for path, function in FUNCTIONS.items() if ignored(path)}


def get_testing_overrides() -> dict[Callable[..., Any], Callable[..., Any]]:
    """For each overridable function one of the same parameters that returns -1."""
    found: dict[Callable[..., Any], Callable[..., Any]] = {}
    for functions in get_overridable_functions().values():
        for function in functions:
            found[function] = _minus_one(function)
    return found


def _minus_one(function: Callable[..., Any]) -> Callable[..., Any]:
    def stand_in(*args: Any, **kwargs: Any) -> int:
        return -1

    with suppress(ValueError):  # built into Python
        stand_in.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
    return stand_in


class TorchFunctionMode:
    """A context in which every operation of the thread is offered to `__torch_function__` first.

    Meanwhile only the modes around it are active, so the handler may call the function. Contexts
    nest; the innermost is asked first.

    >>> import rushlight as rl
    >>> class Log(rl.overrides.TorchFunctionMode):
    ...     def __torch_function__(self, function, types, args=(), kwargs=None):
    ...         print(rl.overrides.resolve_name(function))
    ...         return function(*args, **(kwargs or {}))
    >>> with Log():
    ...     y = rl.ones(2) * 3
    torch.ones
    torch.mul
    """

    def __torch_function__(self, func: Any, types: tuple[type, ...], args: tuple[Any, ...] = (),
                           kwargs: dict[str, Any] | None = None) -> Any:
        """The result of `func(*args, **kwargs)`, or NotImplemented; to be written by subclasses."""
        raise NotImplementedError(f"{type(self).__name__} defines no __torch_function__(self, "
                                  "func, types, args=(), kwargs=None)")

    def __enter__(self) -> TorchFunctionMode:
        all_ask(1)
        state.modes = (*state.modes, self)
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 traceback: TracebackType | None) -> None:
        state.modes = state.modes[:-1]
        all_ask(-1)


class BaseTorchFunctionMode(TorchFunctionMode):
    """A mode that runs every function as it is."""

    def __torch_function__(self, func: Any, types: tuple[type, ...], args: tuple[Any, ...] = (),
                           kwargs: dict[str, Any] | None = None) -> Any:
        return func(*args, **(kwargs or {}))


class _Off:
    """A context in which nobody is asked, up to a degree."""

    degree = 1

    def __init__(self) -> None:
        self._before: list[int] = []

    def __enter__(self) -> None:
        self._before.append(state.off)
        state.off = max(state.off, self.degree)

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 traceback: TracebackType | None) -> None:
        state.off = self._before.pop()


class DisableTorchFunctionSubclass(_Off):
    """A context in which no type is asked; modes still are.

    >>> import rushlight as rl
    >>> class Units(rl.Tensor): pass
    >>> with rl.overrides.DisableTorchFunctionSubclass():
    ...     type(rl.ones(2).as_subclass(Units) + 1).__name__
    'Tensor'
    """


class DisableTorchFunction(_Off):
    """A context in which neither types nor modes are asked."""

    degree = 2
