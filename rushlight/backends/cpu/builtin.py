"""Builtin functions over generated code: called with arrays, at 0.05 us, without ctypes.

The code is `ptr (ptr self, ptr arguments, i64 count)`, CPython's fast calling convention. `self` is
an array of 64-bit words that holds whatever the call has to know; `arguments` are arrays. Both are
read at fixed places of the array object: `DATA` bytes in is the pointer to the elements.
"""

from __future__ import annotations

import ctypes
import sysconfig
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from rushlight.backends.cpu import jit

DATA = 16  # bytes from the start of an array object to its data pointer
_METH_FASTCALL = 0x80
_FUNCTIONS = ("Py_IncRef", "PyErr_Format", "PyEval_SaveThread", "PyEval_RestoreThread")
_OBJECTS = ("PyExc_RuntimeError", "_Py_NoneStruct")

DECLARATIONS = """
@PyExc_RuntimeError = external global ptr
@_Py_NoneStruct = external global i8
declare void @Py_IncRef(ptr)
declare ptr @PyErr_Format(ptr, ptr, ...)
declare ptr @PyEval_SaveThread()
declare void @PyEval_RestoreThread(ptr)
"""


class _Method(ctypes.Structure):
    """PyMethodDef: the name, address and calling convention of a builtin function."""

    _fields_ = [("name", ctypes.c_char_p), ("address", ctypes.c_void_p),
                ("convention", ctypes.c_int), ("doc", ctypes.c_char_p)]


@lru_cache(maxsize=1)
def supported() -> bool:
    """Whether array objects are laid out as in builds of CPython with a GIL."""
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        return False
    array = np.empty(3)
    return ctypes.c_void_p.from_address(id(array) + DATA).value == array.ctypes.data


@lru_cache(maxsize=1)
def imports() -> dict[str, int]:
    """Addresses of what `DECLARATIONS` declares."""
    python = ctypes.pythonapi
    found = {name: address_of(getattr(python, name)) for name in _FUNCTIONS}
    found |= {name: ctypes.addressof(ctypes.c_char.in_dll(python, name)) for name in _OBJECTS}
    return found


def address_of(function: Any) -> int:
    """Where the code of a ctypes function is."""
    return ctypes.cast(function, ctypes.c_void_p).value or 0


def method(address: int, name: bytes = b"run") -> _Method:
    """The definition of a builtin function for `bind`; it lives as long as the process."""
    return jit.immortal(_Method(name, address, _METH_FASTCALL, None))


def bind(definition: _Method, block: np.ndarray) -> Callable[..., Any]:
    """The builtin function with `block` (int64) as its self, which it keeps alive."""
    function: Callable[..., Any] = _new(ctypes.addressof(definition), block, None)
    return function


_new = ctypes.pythonapi.PyCFunction_NewEx
_new.restype = ctypes.py_object
_new.argtypes = [ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p]
