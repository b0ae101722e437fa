"""`torch._jit_internal`: marks for torch's script compiler, which leave functions as they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from rushlight.jit import export, ignore, is_scripting, unused

_overload = _overload_method = export
_copy_to_script_wrapper = export
Future = Any
BroadcastingList1 = BroadcastingList2 = BroadcastingList3 = list

__all__ = ["BroadcastingList1", "BroadcastingList2", "BroadcastingList3", "Final", "Future",
           "boolean_dispatch", "export", "ignore", "is_scripting", "unused"]


def boolean_dispatch(arg_name: str, arg_index: int, default: bool, if_true: Callable[..., Any],
                     if_false: Callable[..., Any], module_name: str, func_name: str) -> Any:
    """A function that calls `if_true` or `if_false`, as the argument named says."""

    def chosen(*arguments: Any, **options: Any) -> Any:
        flag = options.get(arg_name, arguments[arg_index] if arg_index < len(arguments)
                           else default)
        return (if_true if flag else if_false)(*arguments, **options)

    return chosen


class TracerWarning(Warning):
    """What torch warns of while it traces; programs silence it."""


Error = RuntimeError
