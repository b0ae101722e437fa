"""Error messages: the user's line, and operands with their names, shapes and dtypes."""

from __future__ import annotations

import linecache
import os
import sys
from types import CodeType, FrameType
from typing import Any

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
GENERATED = "<rushlight "  # file names of generated wrappers begin so


def is_internal(filename: str) -> bool:
    """Whether code of that file belongs to the package, generated wrappers included."""
    return filename.startswith((PACKAGE, GENERATED))


class _Internal(dict[str, bool]):
    """Whether code of a file is internal: asked at every write in place."""

    def __missing__(self, filename: str) -> bool:
        self[filename] = found = is_internal(filename)
        return found


_internal = _Internal()


def user_frame(depth: int = 1) -> FrameType | None:
    """The innermost frame outside the package."""
    frame: FrameType | None = sys._getframe(depth)
    while frame is not None and _internal[frame.f_code.co_filename]:
        frame = frame.f_back
    return frame


Site = tuple[CodeType, int]  # code and instruction: a line number costs more, and is rarely asked


def user_site(depth: int = 1) -> Site | None:
    """Where the user's program is now, cheaply: each frame that is looked at takes a while.

    depth: how many frames are the package's own for certain, this one included.
    """
    frame: FrameType | None = sys._getframe(depth)
    while frame is not None and _internal[frame.f_code.co_filename]:
        frame = frame.f_back
    return None if frame is None else (frame.f_code, frame.f_lasti)


def describe_site(site: Site | None) -> str:
    """`file:line (source)` of a site."""
    if site is None:
        return "an unknown line"
    code, instruction = site
    line = code.co_firstlineno
    for start, stop, number in code.co_lines():
        if start <= instruction < stop and number is not None:
            line = number
    source = linecache.getline(code.co_filename, line).strip()
    return f"{code.co_filename}:{line}" + (f" ({source})" if source else "")


def type_name(value: Any) -> str:
    """The type of a value in a message: `list`, or with its package `numpy.ndarray`."""
    kind = type(value)
    package = kind.__module__.partition(".")[0]
    return kind.__name__ if package == "builtins" else f"{package}.{kind.__name__}"


def describe(value: Any) -> str:
    """An operand in a message: `float32[2, 3]`, or the Python value itself."""
    shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    if shape is None or dtype is None:
        return f"{type(value).__name__} {value!r}"
    return f"{getattr(dtype, 'name', dtype)}{list(shape)}"


def operands(**values: Any) -> str:
    """Named operands in a message: `input float32[2, 3], other int64[4]`."""
    return ", ".join(f"{name} {describe(value)}" for name, value in values.items()
                     if value is not None)
