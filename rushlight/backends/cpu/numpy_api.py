"""NumPy's C functions, through the capsules that extension modules get them from."""

from __future__ import annotations

import ctypes
from importlib import import_module
from typing import Any

_capsule_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_capsule_pointer.restype = ctypes.c_void_p
_capsule_pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]


def api_entry(table: str, slot: int) -> int:
    """The pointer in a slot of `"_ARRAY_API"` or `"_UFUNC_API"`; slots never change meaning."""
    capsule = getattr(import_module("numpy._core._multiarray_umath"), table)
    entries = ctypes.cast(_capsule_pointer(capsule, None), ctypes.POINTER(ctypes.c_void_p))
    return entries[slot] or 0


def api_function(table: str, slot: int, result: Any, *arguments: Any) -> Any:
    """The function in a slot, to be called with the GIL held, its Python errors raised."""
    return ctypes.PYFUNCTYPE(result, *arguments)(api_entry(table, slot))
