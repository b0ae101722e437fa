"""What a frame tells of a call: its operands' shapes, the program's lines, the memory it took."""

from __future__ import annotations

from pathlib import Path
from types import FrameType
from typing import Any

from rushlight.base.errors import GENERATED
from rushlight.tensor import Tensor

_PACKAGE = str(Path(__file__).parent.parent)


def _arguments(frame: FrameType) -> list[Any]:
    code = frame.f_code
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    values = frame.f_locals
    return [values.get(name) for name in names]


def shapes_of(frame: FrameType) -> list[list[Any]]:
    """For each argument of a call its shape, [] for what is no tensor."""
    return [list(value.shape) if isinstance(value, Tensor)
            else [list(one.shape) for one in value if isinstance(one, Tensor)]
            if isinstance(value, (list, tuple)) else [] for value in _arguments(frame)]


def stack_of(frame: FrameType | None) -> list[str]:
    """The program's frames as "file(line): function", the innermost first."""
    found = []
    while frame is not None:
        code = frame.f_code
        if not code.co_filename.startswith((GENERATED, _PACKAGE)):
            found.append(f"{code.co_filename}({frame.f_lineno}): {code.co_name}")
        frame = frame.f_back
    return found


def new_bytes(frame: FrameType, result: Any) -> int:
    """Bytes of the tensors that a call returns and that share no memory with its arguments."""
    given = {id(value) for value in _arguments(frame)}
    results = result if isinstance(result, (tuple, list)) else (result,)
    return sum(one._array.nbytes for one in results
               if isinstance(one, Tensor) and one._view is None and id(one) not in given
               and not one.is_meta)
