"""Functions made from source text that a debugger can step through, written on first call."""

from __future__ import annotations

import linecache
import threading
from collections.abc import Callable
from types import FunctionType
from typing import Any

from rushlight.base.errors import GENERATED

_lock = threading.RLock()


def _unwritten(*args: Any, **options: Any) -> Any:
    return write_yourself(*args, **options)  # type: ignore[name-defined]  # noqa: F821


UNWRITTEN = _unwritten.__code__


def compile_function(name: str, source: str, environment: dict[str, Any],
                     module: str) -> Callable[..., Any]:
    """The function `name` defined by `source`, with `environment` as its globals.

    The source is kept in `linecache`, so tracebacks and pdb show its lines. It knows the function
    as `itself`, for a parameter may have the function's name.
    """
    filename = f"{GENERATED}{module}.{name}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    environment["__name__"] = module
    exec(compile(source, filename, "exec"), environment)
    function: Callable[..., Any] = environment[name]
    environment["itself"] = function
    return function


def lazy_function(name: str, module: str,
                  write: Callable[[], tuple[str, dict[str, Any]]]) -> Callable[..., Any]:
    """A function whose source is written, by `write()`, when it is first called.

    Importing the package would take a second if every wrapper were compiled then; the function
    object stays the same, only its code is put in.
    """
    environment: dict[str, Any] = {"__name__": module}
    function = FunctionType(UNWRITTEN, environment, name)

    def write_yourself(*args: Any, **options: Any) -> Any:
        materialise(function)
        return function(*args, **options)

    def fill() -> None:
        source, names = write()
        environment.update(names)
        written = compile_function(name, source, environment, module)
        function.__defaults__ = written.__defaults__
        function.__kwdefaults__ = written.__kwdefaults__
        function.__code__ = written.__code__
        environment[name] = environment["itself"] = function

    environment["write_yourself"] = write_yourself
    environment["fill_in"] = fill
    return function


def materialise(function: Any) -> Any:
    """`function` with its code written, for whoever wants to inspect it."""
    fill = getattr(function, "__globals__", {}).get("fill_in")
    if fill is not None:
        with _lock:
            if function.__code__ is UNWRITTEN:
                fill()
    return function
