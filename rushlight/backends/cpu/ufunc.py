"""Genuine NumPy ufuncs over generated loops: strides, broadcasting and `out=` come with them."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from rushlight.backends.cpu import jit
from rushlight.backends.cpu.features import check_half
from rushlight.backends.cpu.loop import LoopWriter, canonical, flag_family
from rushlight.backends.cpu.loop_driver import drive_address, range_address
from rushlight.backends.cpu.numpy_api import api_function
from rushlight.base.dtypes import dtype_named


class Loop(NamedTuple):
    """What a ufunc of one loop runs, for others who run it: the address of a loop that leaves the
    floating-point exception flags as they come, runs on one thread and takes each output for an
    input or apart from all of them; and the dtypes of its operands."""

    address: int
    types: tuple[np.dtype, ...]


LOOPS: dict[np.ufunc, Loop] = {}

_NO_IDENTITY = -1
_LARGEST_CODE = 127  # NumPy stores the types of a loop in chars; types of extensions have more

# (functions, data, types, loops, nin, nout, identity, name, doc, unused)
_from_loops = api_function(
    "_UFUNC_API", 1, ctypes.py_object, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p,
    ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_char_p,
    ctypes.c_int)
# The same and a signature: of a generalised ufunc, such as "(n),(n)->()".
_from_loops_and_signature = api_function(
    "_UFUNC_API", 31, ctypes.py_object, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p,
    ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_char_p,
    ctypes.c_int, ctypes.c_char_p)
# (ufunc, user type, function, types of the operands, data)
_register_loop = api_function(
    "_UFUNC_API", 2, ctypes.c_int, ctypes.py_object, ctypes.c_int, ctypes.c_void_p,
    ctypes.c_void_p, ctypes.c_void_p)


def make_ufunc(name: str, loops: Sequence[tuple[Any, ...]], nin: int, nout: int,
               doc: str = "", identity: int = _NO_IDENTITY, signature: str = "") -> np.ufunc:
    """A `numpy.ufunc` of native loops.

    Each loop is the NumPy type numbers of its `nin` inputs and `nout` outputs with the address of
    a `void (char **args, npy_intp *dimensions, npy_intp *steps, void *data)`, and optionally what
    it gets as data. NumPy takes the first loop that the operands can be cast to safely. identity:
    what reductions start from, 0 or 1; -1 for nothing, -2 if they may go in any order. signature:
    of a generalised ufunc, as NumPy writes it.
    """
    builtin = [loop for loop in loops if max(loop[0]) <= _LARGEST_CODE]
    others = [loop for loop in loops if max(loop[0]) > _LARGEST_CODE]
    count = max(1, len(builtin))
    functions = (ctypes.c_void_p * count)(*(loop[1] for loop in builtin))
    data = (ctypes.c_void_p * count)(*(
        ctypes.addressof(loop[2]) if len(loop) > 2 else None for loop in builtin))
    types = bytes(number for loop in builtin for number in loop[0])
    codes = ctypes.create_string_buffer(types, len(types) + 1)
    texts = [name.encode(), doc.encode(), *([signature.encode()] if signature else [])]
    # The ufunc keeps pointers to all of these, and to nothing that would keep them alive.
    jit.immortal((functions, data, codes, texts))
    make = _from_loops_and_signature if signature else _from_loops
    ufunc: np.ufunc = make(functions, data, codes, len(builtin), nin, nout, identity, *texts[:2], 0,
                           *texts[2:])
    for numbers, address, *_ in others:
        codes_of = jit.immortal((ctypes.c_int * len(numbers))(*numbers))
        if _register_loop(ufunc, max(numbers), address, codes_of, None) < 0:
            raise RuntimeError(f"NumPy refuses a loop of {name} for type numbers {numbers}")
    return ufunc


def compile_loop(body_ir: str, in_types: Sequence[str], out_types: Sequence[str],
                 cost: float = 1.0, writer: type[LoopWriter] = LoopWriter,
                 ) -> tuple[tuple[int, ...], int]:
    """Compile a loop around `@body`; the pair of type numbers and address for `make_ufunc`.

    The arguments are those of `loop_ir`; `writer` is what prints the loops. Raises `Unavailable`
    where the kernel cannot be compiled.
    """
    dtypes, address, _ = _compiled(body_ir, in_types, out_types, cost, writer)
    return tuple(dtype.num for dtype in dtypes), address


def _compiled(body_ir: str, in_types: Sequence[str], out_types: Sequence[str], cost: float,
              writer: type[LoopWriter]) -> tuple[tuple[np.dtype, ...], int, int]:
    """The dtypes of a kernel's operands, and the addresses of its two forms."""
    types = [canonical(name) for name in (*in_types, *out_types)]
    if "float16" in types:
        check_half("float16")
    ir = writer(body_ir, in_types, out_types, cost, flag_family()).module()
    loop, run = jit.load(ir, "loop", "run", imports={
        "rl_drive": drive_address(), "rl_range": range_address()})
    return tuple(dtype_named(name).array for name in types), loop, run


def compile_ufunc(name: str, body_ir: str, in_types: Sequence[str], out_types: Sequence[str],
                  cost: float = 1.0, doc: str = "",
                  writer: type[LoopWriter] = LoopWriter) -> np.ufunc:
    """A ufunc of one loop around the scalar function `@body` of an LLVM IR text.

    >>> double = compile_ufunc("double", '''
    ... define float @body(float %x) alwaysinline {
    ...   %y = fadd float %x, %x
    ...   ret float %y
    ... }''', ["float32"], ["float32"])
    >>> double(np.float32([1, 2])).tolist()
    [2.0, 4.0]
    """
    dtypes, loop, run = _compiled(body_ir, in_types, out_types, cost, writer)
    numbers = tuple(dtype.num for dtype in dtypes)
    ufunc = make_ufunc(name, [(numbers, loop)], len(in_types), len(out_types), doc)
    LOOPS[ufunc] = Loop(run, dtypes)
    return ufunc
