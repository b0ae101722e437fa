"""NumPy's own ufuncs without its floating-point warnings, at no cost.

NumPy asks the processor after each call whether anything overflowed or was invalid, and warns or
raises as `np.seterr` says. For tensors infinities and NaN are results like any other. The user's
settings are left alone; instead, a ufunc of the very same loops puts the processor's flags back.
"""

from __future__ import annotations

import ctypes

import numpy as np

from rushlight.backends.cpu import jit
from rushlight.backends.cpu.features import Unavailable
from rushlight.backends.cpu.loop import FLAG_CODE, flag_family
from rushlight.backends.cpu.once import once
from rushlight.backends.cpu.ufunc import make_ufunc

KINDS = "?bBhHiIlLqQefdFD"  # element types whose loops are taken over
EXTREMES = (np.maximum, np.minimum, np.fmax, np.fmin)  # no identity, but any order will do


class _Ufunc(ctypes.Structure):
    """The head of NumPy's `PyUFuncObject`."""

    _fields_ = [("head", ctypes.c_ssize_t * 2), ("nin", ctypes.c_int), ("nout", ctypes.c_int),
                ("nargs", ctypes.c_int), ("identity", ctypes.c_int),
                ("functions", ctypes.POINTER(ctypes.c_void_p)),
                ("data", ctypes.POINTER(ctypes.c_void_p)), ("ntypes", ctypes.c_int),
                ("reserved", ctypes.c_int), ("name", ctypes.c_char_p),
                ("types", ctypes.POINTER(ctypes.c_ubyte))]


def quiet_ufunc(ufunc: np.ufunc) -> np.ufunc:
    """A ufunc of the loops of one of NumPy's that neither warns nor raises for what it computes.

    Raises `Unavailable` where no code can be generated.
    """
    address = _around()
    given = _Ufunc.from_address(id(ufunc))
    accepted = {np.dtype(kind).num for kind in KINDS}
    loops = []
    for i in range(given.ntypes):
        numbers = tuple(given.types[i * given.nargs + j] for j in range(given.nargs))
        if accepted.issuperset(numbers) and given.functions[i]:
            inner = given.functions[i], given.data[i] if given.data else None
            loops.append((numbers, address, jit.immortal((ctypes.c_void_p * 2)(*inner))))
    identity = {0: 0, 1: 1}.get(ufunc.identity, -2 if ufunc in EXTREMES else -1)
    return make_ufunc(ufunc.__name__, loops, given.nin, given.nout, "without warnings", identity,
                      ufunc.signature or "")


@once
def _around() -> int:
    """A loop that calls the loop its data points to, and puts the flags back."""
    family = flag_family()
    if not family:
        raise Unavailable("the floating-point flags of this CPU family cannot be put back")
    save, restore, declare = FLAG_CODE[family]
    # The C library raises some exceptions in the old unit of x86, which NumPy looks at, too.
    old = '  call void asm sideeffect "fnclex", ""()' if family == "x86" else ""
    (address,) = jit.load(f"""
define void @loop(ptr %args, ptr %dimensions, ptr %steps, ptr %data) nounwind {{
{save}
  %inner = load ptr, ptr %data
  %next = getelementptr ptr, ptr %data, i64 1
  %own = load ptr, ptr %next
  call void %inner(ptr %args, ptr %dimensions, ptr %steps, ptr %own)
{restore}
{old}
  ret void
}}
{declare}""", "loop")
    return address
