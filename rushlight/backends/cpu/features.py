"""What this machine offers the cpu backend: the CPU as LLVM sees it, and the cores we may use."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from typing import Any, NamedTuple

from rushlight.backends.cpu import cgroup
from rushlight.backends.cpu.once import Unavailable as Unavailable
from rushlight.backends.cpu.once import once
from rushlight.base.collector import no_collections

DISABLE = "RUSHLIGHT_DISABLE"  # libraries to do without: "llvmlite", "onednn", or both with a comma


class Target(NamedTuple):
    """The processor that code is generated for: triple, CPU name and feature string of LLVM."""

    triple: str
    cpu: str
    features: str

    @property
    def family(self) -> str:
        """The instruction set: "x86_64", "aarch64", ..."""
        return self.triple.split("-")[0]

    def has(self, feature: str) -> bool:
        """Whether the CPU has `feature`, in LLVM's spelling (`"avx512f"`, `"f16c"`)."""
        return f"+{feature}" in self.features.split(",")


def switched_off(library: str) -> str | None:
    """Why the user does not want `library` to be used; None if it may be."""
    value = os.environ.get(DISABLE, "")
    names = value.lower().replace(",", " ").split()
    return f"switched off by {DISABLE}={value}" if library in names else None


@once
def llvm() -> Any:
    """`llvmlite.binding`, imported and initialised on first use; else raises `Unavailable`."""
    if reason := switched_off("llvmlite"):
        raise Unavailable(f"llvmlite is {reason}")
    try:
        with no_collections():
            import llvmlite.binding as binding

        binding.initialize_native_target()
        binding.initialize_native_asmprinter()
        binding.initialize_native_asmparser()  # for inline assembly
    except (ImportError, OSError, AttributeError, RuntimeError) as error:
        raise Unavailable(f"llvmlite cannot be used: {error}; run: pip install llvmlite") from error
    return binding


@once
def target() -> Target:
    """The host CPU. Vectors of 512 bits are asked for where the CPU has them."""
    binding = llvm()
    features = binding.get_host_cpu_features()
    flags = features.flatten() if features else ""
    if features.get("avx512f"):
        flags += ",-prefer-256-bit"
    return Target(binding.get_process_triple(), binding.get_host_cpu_name(), flags)


def usable_cores() -> int:
    """Cores this process may use: the affinity mask, cut by a cgroup CPU quota (rounded up)."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # macOS and Windows have no affinity mask
        cores = os.cpu_count() or 1
    quota = cgroup.cpu_quota()
    return cores if quota is None else max(1, min(cores, math.ceil(quota)))


def usable_memory() -> int:
    """Bytes of memory this process may use: the machine's, cut by a cgroup limit."""
    try:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # Windows, or a system that does not tell
        memory = 4 << 30
    return min(memory, cgroup.memory_limit() or memory)


_threads: int | None = None
_listeners: list[Callable[[int], None]] = []


def has_half(kind: str) -> bool:
    """Whether there are instructions for the numbers of a half type."""
    here = target()
    return kind != "float16" or here.family != "x86_64" or here.has("f16c")


def check_half(kind: str) -> None:
    """Raises `Unavailable` where there are none."""
    if not has_half(kind):
        raise Unavailable("this CPU has no float16 conversions (F16C)")


def get_num_threads() -> int:
    """Threads that a parallel kernel may use, the calling one included.

    `set_num_threads` decides; before any call of it, `OMP_NUM_THREADS`, else the usable cores.

    >>> get_num_threads() >= 1
    True
    """
    global _threads
    if _threads is None:
        first = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
        _threads = int(first) if first.isdecimal() and int(first) > 0 else usable_cores()
    return _threads


def set_num_threads(count: int) -> None:
    """Let parallel kernels use `count` threads, the calling one included; 1 means no workers."""
    global _threads
    if type(count) is not int:
        raise RuntimeError(f"set_num_threads expects an int, but got {type(count).__name__}")
    if count < 1:
        raise RuntimeError(f"set_num_threads expects a positive integer, but got {count}")
    _threads = count
    for listener in _listeners:
        listener(count)


def on_num_threads(listener: Callable[[int], None]) -> None:
    """Call `listener(count)` after every `set_num_threads`."""
    _listeners.append(listener)
