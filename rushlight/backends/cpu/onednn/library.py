"""Find oneDNN's shared library, load it on first use, and say why when it cannot be used."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from functools import lru_cache
from typing import TYPE_CHECKING

from rushlight.backends.cpu.features import switched_off
from rushlight.base.first_use import Deferred

if TYPE_CHECKING:
    import pathlib
else:
    pathlib = Deferred("pathlib", globals())

PACKAGE = "onednn-cpu-gomp"
FILE = "libdnnl.so.3"
CHOICE = "RUSHLIGHT_ONEDNN"  # the path of a library to use instead of the installed one

_ISA_BFLOAT16 = 0x80  # the bit of dnnl_cpu_isa_avx512_core_bf16 that its predecessors lack

_lock = threading.Lock()
_library: ctypes.CDLL | None = None
_reason: str | None = None
_tried = False


class Unavailable(RuntimeError):
    """oneDNN cannot be loaded here; the message says why."""


def _candidates() -> list[pathlib.Path]:
    """Where the library may be: what the user says, else where pip puts the wheel's libraries."""
    chosen = os.environ.get(CHOICE, "")
    if os.sep in chosen:
        return [pathlib.Path(chosen)]
    folders = [pathlib.Path(sys.prefix) / "lib"]
    for entry in filter(None, sys.path):  # lib/python3.x/site-packages, or pip's --target
        folders += [pathlib.Path(entry).parent.parent, pathlib.Path(entry) / "lib"]
    found = (folder / FILE for folder in folders)
    return list(dict.fromkeys(path for path in found if path.is_file()))


def _load() -> None:
    global _library, _reason, _tried
    with _lock:
        if _tried:
            return
        if reason := switched_off("onednn"):
            _reason = reason
        elif not (paths := _candidates()):
            _reason = f"its library was not found; remedy: pip install {PACKAGE}"
        else:
            _library, _reason = _first_that_loads(paths)
        _tried = True


def _first_that_loads(paths: list[pathlib.Path]) -> tuple[ctypes.CDLL | None, str | None]:
    reason = None
    for path in paths:
        try:
            library = ctypes.CDLL(str(path))
            version = _version_of(library)
        except (OSError, AttributeError) as error:
            hint = "; remedy: install libgomp1 (GNU OpenMP)" if "libgomp" in str(error) else ""
            reason = f"{path} does not load: {error}{hint}"
            continue
        if version[0] == 3:
            return library, None
        reason = f"{path} is version {version[0]}.{version[1]}; 3.x is needed"
    return None, reason


class _Version(ctypes.Structure):
    _fields_ = [("major", ctypes.c_int), ("minor", ctypes.c_int), ("patch", ctypes.c_int)]


def _version_of(library: ctypes.CDLL) -> tuple[int, int, int]:
    function = library.dnnl_version
    function.restype = ctypes.POINTER(_Version)
    v = function().contents
    return v.major, v.minor, v.patch


def available() -> bool:
    """Whether oneDNN can be used; loads it on the first call (about 20 ms)."""
    if not _tried:
        _load()
    return _library is not None


def reason() -> str | None:
    """Why oneDNN is not used, in a sentence; None when it is."""
    available()
    return _reason


@lru_cache(maxsize=1)
def has_bfloat16() -> bool:
    """Whether this CPU multiplies bfloat16 numbers itself, so that oneDNN need not emulate it."""
    return available() and bool(load().dnnl_get_effective_cpu_isa() & _ISA_BFLOAT16)


def version() -> str | None:
    """The library's version, as "3.2.0"; None without the library."""
    return ".".join(map(str, _version_of(load()))) if available() else None


def load() -> ctypes.CDLL:
    """The loaded library.  Raises `Unavailable` with the reason when there is none."""
    if not available():
        raise Unavailable(f"oneDNN is not available: {_reason}")
    assert _library is not None
    return _library
