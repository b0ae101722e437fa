"""Kill a child process at a chosen system call, through the kernel's tracing interface."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable

TRACE_ME, SYSTEM_CALL = 0, 24  # requests of ptrace


def _ptrace(request: int, process: int, data: int = 0) -> int:
    function = ctypes.CDLL(None, use_errno=True).ptrace
    function.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)
    function.restype = ctypes.c_long
    return int(function(request, process, None, data))


def run_until(action: Callable[[], None], stops: int) -> bool:
    """Run `action` in a forked child that is killed at its `stops`-th entry to, or return from, a
    system call. True if it ended before that, without an error."""
    child = os.fork()
    if not child:
        code = 1
        try:
            _ptrace(TRACE_ME, 0)
            os.kill(os.getpid(), signal.SIGSTOP)
            action()
            code = 0
        finally:
            os._exit(code)
    os.waitpid(child, 0)
    for _ in range(stops):
        if _ptrace(SYSTEM_CALL, child) < 0:
            raise OSError(ctypes.get_errno(), "ptrace")
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            if os.WEXITSTATUS(status):
                raise RuntimeError("the action failed in the child process")
            return True
        if os.WIFSIGNALED(status):
            raise RuntimeError(f"the child process died of signal {os.WTERMSIG(status)}")
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def can_trace() -> bool:
    """Whether this system lets a process trace its children."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        return run_until(lambda: None, 10_000)
    except (OSError, RuntimeError):
        return False
