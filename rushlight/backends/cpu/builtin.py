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
BYTES = bytes.__basicsize__ - 1  # bytes from the start of a bytes object to what it holds
_METH_FASTCALL = 0x80
_FUNCTIONS = ("Py_IncRef", "PyErr_Clear", "PyErr_Format", "PyEval_SaveThread",
              "PyEval_RestoreThread", "PyLong_AsLongLong", "PyLong_FromLongLong")
_OBJECTS = ("PyExc_RuntimeError", "_Py_NoneStruct")

DECLARATIONS = """
@PyExc_RuntimeError = external global ptr
@_Py_NoneStruct = external global i8
declare i64 @PyLong_AsLongLong(ptr)
declare ptr @PyLong_FromLongLong(i64)
declare void @Py_IncRef(ptr)
declare void @PyErr_Clear()
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
    array, word = np.empty(3), b"bytes"
    return (ctypes.c_void_p.from_address(id(array) + DATA).value == array.ctypes.data
            and ctypes.string_at(id(word) + BYTES, len(word)) == word)


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


def loaded(name: str, word: int, array: bool) -> str:
    """IR that loads %name, a word of %table; of an array object there, its data pointer."""
    kind, at = ("ptr", f"%object_{name}") if array else ("i64", f"%{name}")
    lines = [f"%at_{name} = getelementptr i64, ptr %table, i64 {word}",
             f"{at} = load {kind}, ptr %at_{name}, align 1"]
    if array:
        lines += [f"%data_{name} = getelementptr i8, ptr {at}, i64 {DATA}",
                  f"%{name} = load ptr, ptr %data_{name}"]
    return "\n  ".join(lines)


# What calls `void (ptr context, i64 count, i64 grain)`, whose address its block holds.
_RUN = f"""{DECLARATIONS}
define ptr @run(ptr %self, ptr %arguments, i64 %given) nounwind {{
  %slot = getelementptr i8, ptr %self, i64 {DATA}
  %block = load ptr, ptr %slot
  %function = load ptr, ptr %block
  %bytes = load ptr, ptr %arguments
  %context = getelementptr i8, ptr %bytes, i64 {BYTES}
  %second = getelementptr ptr, ptr %arguments, i64 1
  %count.object = load ptr, ptr %second
  %count = call i64 @PyLong_AsLongLong(ptr %count.object)
  %third = getelementptr ptr, ptr %arguments, i64 2
  %grain.object = load ptr, ptr %third
  %grain = call i64 @PyLong_AsLongLong(ptr %grain.object)
  %state = call ptr @PyEval_SaveThread()
  call void %function(ptr %context, i64 %count, i64 %grain)
  call void @PyEval_RestoreThread(ptr %state)
  call void @Py_IncRef(ptr @_Py_NoneStruct)
  ret ptr @_Py_NoneStruct
}}
"""


def runner(address: int) -> Callable[[bytes, int, int], None]:
    """`run(context, count, grain)` of the code `void (ptr context, i64 count, i64 grain)`; the
    interpreter's lock is released meanwhile. Arguments of other types are not looked for."""
    if not supported():
        run: Callable[[bytes, int, int], None] = ctypes.CFUNCTYPE(
            None, ctypes.c_char_p, ctypes.c_int64, ctypes.c_int64)(address)
        return run
    return bind(_runner(), np.array([address]))


@lru_cache(maxsize=1)
def _runner() -> _Method:
    return method(jit.load(_RUN, "run", imports=imports())[0])
