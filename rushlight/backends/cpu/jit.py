"""LLVM IR text to machine code: compiled for this CPU, cached on disk, linked, never freed.

Code stays mapped until the process is gone: NumPy may call a kernel or the allocator from an
object that dies after the interpreter has cleared our modules.
"""

from __future__ import annotations

import _thread
import atexit
import ctypes
import os
import sys
import threading
from _blake2 import blake2b  # hashlib's, without the OpenSSL that it loads
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any, TypeVar

from rushlight.backends.cpu.cache import ObjectCache, default_directory
from rushlight.backends.cpu.features import llvm, target
from rushlight.backends.cpu.once import Unavailable, once

VARIANTS = "vector-function-abi-variant"  # LLVM's attribute of calls with forms for vectors
FORMAT = 1  # raise it when the same IR has to be compiled anew (other passes, other options)

_lock = threading.Lock()
_serial = count()  # the linker wants a new name for every library
# Key of the IR and imports -> address by exported name.
_libraries: dict[tuple[object, ...], dict[str, int]] = {}

# A fork in the middle of a compilation would leave the child with locks that nobody holds.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release,
                        after_in_child=_lock.release)


@atexit.register
def _finish() -> None:
    """Do not end the process under a compilation."""
    with _lock:
        pass


T = TypeVar("T")


def immortal(thing: T) -> T:
    """Keep `thing` alive until the process ends, also while the interpreter takes itself apart."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))
    return thing


@once
def object_cache() -> ObjectCache:
    """The process's cache of compiled objects."""
    return ObjectCache(default_directory())


def available() -> str | None:
    """None if code can be generated here, else the reason why not."""
    try:
        _linker()
    except Unavailable as reason:
        return str(reason)
    return None


def _undisturbed(work: Callable[[], T]) -> T:
    """The result of `work`, done in a thread of its own, where Ctrl-C does not come.

    In the main thread it could end in a finaliser of LLVM's objects, where Python drops
    exceptions, free one of them twice, or leave llvmlite's lock closed.
    """
    if threading.current_thread() is not threading.main_thread():
        return work()
    found: list[T] = []
    failed: list[BaseException] = []
    done = _thread.allocate_lock()
    done.acquire()

    def run() -> None:
        try:
            found.append(work())
        except BaseException as error:
            failed.append(error)
        done.release()

    try:
        _thread.start_new_thread(run, ())  # `Thread.start` can itself be interrupted half-way
    except RuntimeError:  # the system has no thread to give
        return work()
    done.acquire()  # Ctrl-C ends the waiting, not the work
    if failed:
        raise failed.pop()  # kept here, its traceback would keep the callers' variables alive
    return found.pop()


def load(ir: str, *exports: str, imports: Mapping[str, int] | None = None) -> tuple[int, ...]:
    """Addresses of the functions or globals `exports` that the IR text defines.

    `imports` gives the addresses of symbols that the text declares; those of the C library are
    found without. Raises `Unavailable` without llvmlite and RuntimeError for IR that LLVM refuses
    or that declares a symbol nobody defines.
    """
    return _undisturbed(lambda: _load(ir, exports, imports or {}))


def _load(ir: str, exports: tuple[str, ...], imports: Mapping[str, int]) -> tuple[int, ...]:
    linker, key = _linker(), _key(ir)
    place = (key, *sorted(imports.items()))
    with _lock:
        library = _libraries.get(place)
        if library is None or not library.keys() >= set(exports):
            code = object_cache().get(key)
            if code is None:
                code = _compile(ir)
                object_cache().put(key, code)
            library = _link(linker, code, f"{key}.{next(_serial)}", exports, imports)
            _libraries[place] = library
    return tuple(library[name] for name in exports)


def assembly(ir: str) -> str:
    """The assembly text that `ir` compiles to on this machine, for people who tune kernels."""
    with _lock:
        machine = _machine()
        return str(machine.emit_assembly(_optimise(ir, machine)))


def _key(ir: str) -> str:
    return blake2b(_salt() + ir.encode(), digest_size=20).hexdigest()


@once
def _salt() -> bytes:
    """Everything that the code depends on, besides the IR."""
    version = llvm().llvm_version_info
    return repr((FORMAT, sys.modules["llvmlite"].__version__, version, target())).encode()


def _machine() -> Any:
    """A target machine. Position-independent code of the small model reaches its constants and
    callees relative to the instruction; LLVM's own choice for JIT code, the large model, spends
    a register and an instruction on the address of each constant."""
    triple, cpu, features = target()
    return llvm().Target.from_triple(triple).create_target_machine(
        cpu=cpu, features=features, opt=3, reloc="pic", codemodel="small", jit=True)


@once
def _linker() -> Any:
    return _undisturbed(_new_linker)


def _new_linker() -> Any:
    binding = llvm()
    try:
        # JITLink places a module's code and constants side by side, which the small model needs.
        return immortal(binding.create_lljit_compiler(
            _machine(), use_jit_link=sys.platform == "linux", suppress_errors=True))
    except RuntimeError as error:
        raise Unavailable(f"LLVM cannot generate code on this machine: {error}") from error


def _optimise(ir: str, machine: Any) -> Any:
    binding = llvm()
    module = binding.parse_assembly(ir, binding.create_context())
    module.verify()
    options = binding.create_pipeline_tuning_options(speed_level=3)
    options.loop_vectorization = options.slp_vectorization = options.loop_interleaving = True
    builder = binding.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)
    if VARIANTS in ir:  # the vectoriser has put in calls that no inliner has seen
        passes = binding.create_new_module_pass_manager()
        passes.add_always_inliner_pass()
        passes.run(module, builder)
    return module


def _compile(ir: str) -> bytes:
    machine = _machine()
    return bytes(machine.emit_object(_optimise(ir, machine)))


def _link(linker: Any, code: bytes, name: str, exports: tuple[str, ...],
          imports: Mapping[str, int]) -> dict[str, int]:
    builder = llvm().JITLibraryBuilder().add_object_img(code)
    for symbol, address in imports.items():
        builder.import_symbol(symbol, address)
    for symbol in exports:
        builder.export_symbol(symbol)
    try:
        tracker = immortal(builder.link(linker, name))
    except RuntimeError as error:
        raise RuntimeError(f"cannot link {', '.join(exports)}: the code lacks it or calls a symbol "
                           f"that nothing defines; imports: {sorted(imports)}; {error}") from error
    return {symbol: tracker[symbol] for symbol in exports}
