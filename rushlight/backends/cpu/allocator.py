"""Memory for arrays that is used again: NumPy's data memory handler (NEP 49) in generated code.

A fresh large array costs a page fault for every page, more than most kernels cost. Blocks from
64 KiB on therefore go to free lists when their array dies, and the next array of that size class
gets one that is warm in the caches. Smaller requests go to NumPy's own allocator unchanged.

Blocks lie in one reserved range of addresses, so an address alone tells whose a block is: arrays
may die in any thread, context or order, also after the handler is gone, and blocks need no
headers. Size classes are an eighth of a power of two apart. From 2 MiB on blocks begin on huge
pages, which the system is asked for.

At most `retention` bytes of free blocks keep their memory. Beyond that, blocks of the size class
asked for longest ago give theirs back to the system. The default, a quarter of the memory this
process may use, keeps all that a training step frees and asks for again in ordinary use, and
leaves three quarters for live arrays, other processes and the file cache.
"""

from __future__ import annotations

import ctypes
import os
import sys
from typing import Any, NamedTuple

from rushlight.backends.cpu import features, jit
from rushlight.backends.cpu.allocator_blocks_ir import GRANULE_BITS, STATISTICS
from rushlight.backends.cpu.allocator_ir import allocator_ir
from rushlight.backends.cpu.numpy_api import api_entry, api_function
from rushlight.backends.cpu.once import Unavailable, once

if sys.platform != "win32":
    import resource

_SET_HANDLER, _GET_HANDLER, _DEFAULT_HANDLER = 304, 305, 306
_CAPSULE_NAME = b"mem_handler"
_NAME_LENGTH = 127
_PROT_NONE, _PROT_READ_WRITE = 0, 3
_MAP_PRIVATE, _MAP_ANONYMOUS, _MAP_NORESERVE = 0x02, 0x20, 0x4000
_LARGEST_ARENA = 1 << 45  # a quarter of what x86-64 and arm64 programs can address


class _Functions(ctypes.Structure):
    _fields_ = [(name, ctypes.c_void_p) for name in ("ctx", "malloc", "calloc", "realloc", "free")]


class _Handler(ctypes.Structure):
    """`PyDataMem_Handler`."""

    _fields_ = [("name", ctypes.c_char * _NAME_LENGTH), ("version", ctypes.c_uint8),
                ("functions", _Functions)]


class _Allocator(NamedTuple):
    handler: Any  # the capsule that NumPy keeps with every array
    set_handler: Any
    get_handler: Any
    stats: Any
    retain: Any
    reset_peak: Any


def available() -> str | None:
    """None if the allocator can be used here, else the reason why not."""
    try:
        _allocator()
    except Unavailable as reason:
        return str(reason)
    return None


def install() -> bool:
    """Let NumPy take the memory of new arrays from here, in the current context.

    NumPy keeps its handler in a context variable, so every thread, and every `contextvars`
    context made before, calls this for itself; it costs a fraction of a microsecond. False if the
    allocator is unavailable; `available()` says why.
    """
    try:
        allocator = _allocator()
    except Unavailable:
        return False
    allocator.set_handler(allocator.handler)
    return True


def uninstall() -> None:
    """Go back to NumPy's own allocator in the current context; arrays made meanwhile stay valid."""
    if installed():
        _allocator().set_handler(_default_capsule())


def installed() -> bool:
    """Whether new arrays of the current context come from here."""
    if available() is not None:
        return False
    allocator = _allocator()
    return allocator.get_handler() is allocator.handler


def memory_stats() -> dict[str, int]:
    """Bytes and counts of the blocks of 64 KiB and more; all zero where it is unavailable.

    `current` and `peak` bytes in use; `retained` bytes that are free but keep their memory; `hits`
    and `misses`, requests served from retained blocks and others; `reserved`, the bytes of all
    blocks ever made; `retention`, the bound on `retained`. Sizes are those of the size classes.
    """
    if available() is not None:
        return dict.fromkeys((*STATISTICS, "retention"), 0)
    stats = dict(zip(STATISTICS, _allocator().stats, strict=True))
    return {**stats, "retention": _retention[0]}


def reset_peak_memory_stats() -> None:
    """Let `peak` start again from the bytes in use now."""
    if available() is None:
        _allocator().reset_peak()


def empty_cache() -> None:
    """Give the memory of all free blocks back to the system."""
    if available() is None:
        _allocator().retain(0)
        _allocator().retain(_retention[0])


def set_retention(size: int) -> None:
    """Keep at most `size` bytes of free blocks; 0 recycles nothing.

    Raises ValueError for a negative size.
    """
    if size < 0:
        raise ValueError(f"retention must not be negative, but got {size} bytes")
    if available() is None:
        _retention[0] = size
        _allocator().retain(size)


_retention = [0]


@once
def _allocator() -> _Allocator:
    if sys.platform != "linux" or ctypes.sizeof(ctypes.c_void_p) != 8:
        raise Unavailable("the recycling allocator is made for 64-bit Linux")
    if resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY:
        raise Unavailable("the address space of this process is limited (ulimit -v)")
    default = _default_functions()
    handled = ("malloc", "calloc", "realloc", "free")
    names = (*handled, "stats", "setup", "retain", "reset_peak", "forked")
    code = dict(zip(names, jit.load(
        allocator_ir(), *(f"recycle_{name}" for name in names),
        imports={f"numpy_{name}": getattr(default, name) for name in handled}), strict=True))
    _reserve(code["setup"])
    retain = ctypes.CFUNCTYPE(None, ctypes.c_uint64)(code["retain"])
    _retention[0] = features.usable_memory() // 4
    retain(_retention[0])
    os.register_at_fork(after_in_child=ctypes.CFUNCTYPE(None)(code["forked"]))
    stats = (ctypes.c_int64 * len(STATISTICS)).from_address(
        ctypes.CFUNCTYPE(ctypes.c_void_p)(code["stats"])())
    return _Allocator(_capsule(default.ctx, *(code[name] for name in handled)),
                      api_function("_ARRAY_API", _SET_HANDLER, ctypes.py_object, ctypes.py_object),
                      api_function("_ARRAY_API", _GET_HANDLER, ctypes.py_object),
                      stats, retain, ctypes.CFUNCTYPE(None)(code["reset_peak"]))


def _reserve(setup: int) -> None:
    """Reserve addresses, not memory: sixteen times what the process may use, so that each size
    class can have grown to its peak at a different time."""
    half = 1 << (min(_LARGEST_ARENA, 16 * features.usable_memory()) - 1).bit_length() - 1
    granules = 2 * half >> GRANULE_BITS
    arena = _map(2 * half, _PROT_NONE)
    huge = 1 << 21
    begin = (arena + huge - 1) // huge * huge
    half -= huge  # what the alignment may have cost
    classes, following = _map(granules, _PROT_READ_WRITE), _map(4 * granules, _PROT_READ_WRITE)
    ctypes.CFUNCTYPE(None, ctypes.c_uint64, ctypes.c_uint64, ctypes.c_void_p, ctypes.c_void_p)(
        setup)(begin, half, classes, following)


def _map(size: int, protection: int) -> int:
    mmap = ctypes.CDLL(None, use_errno=True).mmap
    mmap.restype = ctypes.c_void_p
    mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
    flags = _MAP_PRIVATE | _MAP_ANONYMOUS | _MAP_NORESERVE
    address = mmap(None, size, protection, flags, -1, 0)
    if address in (None, ctypes.c_void_p(-1).value):
        raise Unavailable(f"cannot reserve {size} bytes of addresses: "
                          f"{os.strerror(ctypes.get_errno())}")
    return int(address)


def _default_capsule() -> Any:
    return ctypes.cast(api_entry("_ARRAY_API", _DEFAULT_HANDLER),
                       ctypes.POINTER(ctypes.py_object)).contents.value


def _default_functions() -> _Functions:
    """NumPy's own allocator, which serves what is not for us."""
    pointer = ctypes.pythonapi.PyCapsule_GetPointer(_default_capsule(), _CAPSULE_NAME)
    functions: _Functions = _Handler.from_address(pointer).functions
    return functions


def _capsule(context: int | None, *functions: int) -> Any:
    handler = jit.immortal(_Handler(b"rushlight recycling allocator", 1,
                                    _Functions(context, *functions)))
    new = ctypes.pythonapi.PyCapsule_New
    new.restype = ctypes.py_object
    new.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    # The capsule keeps the pointer to its name.
    return jit.immortal(new(ctypes.addressof(handler), jit.immortal(_CAPSULE_NAME), None))
