"""`spawn`: one function in several processes, whose errors come back with their tracebacks."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import tempfile
import traceback
from collections.abc import Callable
from multiprocessing import connection
from typing import Any


class ProcessException(Exception):
    """A process of `spawn` has failed: `error_index` is its number, `error_pid` its id."""

    def __init__(self, msg: str, error_index: int, pid: int) -> None:
        super().__init__(msg)
        self.msg = msg
        self.error_index = error_index
        self.error_pid = self.pid = pid


class ProcessRaisedException(ProcessException):
    """A process has raised; the message has its traceback."""


class ProcessExitedException(ProcessException):
    """A process has ended with an exit code or by a signal, without saying why."""

    def __init__(self, msg: str, error_index: int, error_pid: int, exit_code: int,
                 signal_name: str | None = None) -> None:
        super().__init__(msg, error_index, error_pid)
        self.exit_code = exit_code
        self.signal_name = signal_name


def _run(function: Callable[..., Any], number: int, arguments: tuple[Any, ...],
         report: str) -> None:
    try:
        function(number, *arguments)
    except KeyboardInterrupt:
        pass  # the main process says so
    except Exception:
        with open(report, "wb") as file:
            pickle.dump(traceback.format_exc(), file)
        raise SystemExit(1) from None


class ProcessContext:
    """The processes that `spawn(join=False)` has started."""

    def __init__(self, processes: list[Any], reports: list[str]) -> None:
        self.processes = processes
        self._reports = reports
        self._waiting = {process.sentinel: i for i, process in enumerate(processes)}

    def pids(self) -> list[int]:
        """The ids of the processes."""
        return [process.pid for process in self.processes]

    def join(self, timeout: float | None = None, grace_period: float | None = None) -> bool:
        """Wait until one or more have ended; return whether all have.

        Raises ProcessRaisedException or ProcessExitedException when one has failed, after the
        others have been told to end, and killed where they did not within `grace_period` seconds.
        """
        failed = None
        for sentinel in connection.wait(list(self._waiting), timeout=timeout):
            index = self._waiting.pop(sentinel)
            self.processes[index].join()
            if self.processes[index].exitcode != 0:
                failed = index if failed is None else failed
        if failed is not None:
            self._end(grace_period)
            raise self._error(failed)
        if not self._waiting:
            self._forget()
        return not self._waiting

    def _end(self, grace_period: float | None) -> None:
        for process in self.processes:
            if process.is_alive():
                process.terminate()
        for process in self.processes:
            process.join(30 if grace_period is None else grace_period)
            if process.is_alive():
                process.kill()
                process.join()

    def _error(self, index: int) -> ProcessException:
        process = self.processes[index]
        with open(self._reports[index], "rb") as file:
            text = file.read()
        self._forget()
        if text:
            return ProcessRaisedException(
                f"\n\n-- Process {index} terminated with the following error:\n"
                f"{pickle.loads(text)}", index, process.pid)
        code = process.exitcode
        if code < 0:
            name = signal.Signals(-code).name
            return ProcessExitedException(f"process {index} terminated with signal {name}",
                                          index, process.pid, code, name)
        return ProcessExitedException(f"process {index} terminated with exit code {code}",
                                      index, process.pid, code)

    def _forget(self) -> None:
        for report in self._reports:
            if os.path.exists(report):
                os.unlink(report)


SpawnContext = ProcessContext


def start_processes(fn: Callable[..., Any], args: tuple[Any, ...] = (), nprocs: int = 1,
                    join: bool = True, daemon: bool = False,
                    start_method: str = "spawn") -> ProcessContext | None:
    """Run `fn(number, *args)` in `nprocs` processes, started by `start_method`.

    join: wait for all of them; else a ProcessContext is returned at once.
    """
    context = multiprocessing.get_context(start_method)
    processes, reports = [], []
    for number in range(nprocs):
        handle, report = tempfile.mkstemp(prefix="rushlight-process-")
        os.close(handle)
        process = context.Process(  # type: ignore[attr-defined]
            target=_run, args=(fn, number, args, report), daemon=daemon)
        process.start()
        processes.append(process)
        reports.append(report)
    started = ProcessContext(processes, reports)
    if not join:
        return started
    while not started.join():
        pass
    return None


def spawn(fn: Callable[..., Any], args: tuple[Any, ...] = (), nprocs: int = 1, join: bool = True,
          daemon: bool = False, start_method: str = "spawn") -> ProcessContext | None:
    """Run `fn(number, *args)` in `nprocs` new processes.

    fn: a function at the top of a module. join: wait for all; else a ProcessContext comes back at
    once. Raises ProcessRaisedException, with the traceback, when one of them raises: the others
    are ended. Raises ProcessExitedException when one ends with another exit code than 0.
    """
    return start_processes(fn, args, nprocs, join, daemon, start_method)
