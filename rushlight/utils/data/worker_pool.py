"""The workers of a loader, seen from the main process: who does what, and what came back."""

from __future__ import annotations

import _thread
import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import connection
from typing import Any

from rushlight.utils.data import worker as process
from rushlight.utils.data.fetch import Recipe
from rushlight.utils.data.randomness import EpochSeeds, TorchSeeds
from rushlight.utils.data.transport import Reader
from rushlight.utils.data.worker import Answer, Epoch, Task

FITS = 32768  # bytes that every pipe takes without a reader
PATIENCE = 2.0  # seconds that a worker has to end by itself
AGAIN = 0.05  # seconds until an interrupt that met a finalizer is raised again


# The main process's ends of all pipes. A worker ends when its pipe closes, which it does not while
# a process that was forked meanwhile, such as another pool's worker, has a copy of that end.
_ends: weakref.WeakSet[connection.Connection] = weakref.WeakSet()


def _forget_ends() -> None:
    for end in list(_ends):
        end.close()
    _ends.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_ends)


class _Member:
    """One worker: its process, the pipe to it, and how many tasks it has."""

    __slots__ = ("active", "busy", "pipe", "process", "reader")

    def __init__(self, process: Any, pipe: connection.Connection) -> None:
        self.process = process
        self.pipe = pipe
        self.reader = Reader(pipe)
        self.busy = 0
        self.active = True  # an iterable data set's worker is so until its samples end


def context_of(chosen: Any) -> Any:
    """The way to start processes: as chosen, as set for the program, or by fork on Linux."""
    if chosen is not None and not isinstance(chosen, str):
        return chosen
    name = chosen or multiprocessing.get_start_method(allow_none=True)
    if name is None and sys.platform == "linux":
        name = "fork"
    return multiprocessing.get_context(name)


class WorkerPool:
    """Workers that make batches of `recipe`.

    count: of workers. seeds: of the first epoch; the workers' own are its `rushlight` and those
    that follow. init: called in each with its number. start: as `multiprocessing_context` of the
    loader.
    """

    def __init__(self, recipe: Recipe, count: int, seeds: EpochSeeds | TorchSeeds,
                 init: Callable[[int], None] | None, start: Any) -> None:
        self.members: list[_Member] = []
        self._owner = os.getpid()
        self.epoch = 0
        self._turn = 0
        self._answers: dict[int, Answer] = {}
        context = context_of(start)
        self._unless_closed = weakref.finalize(self, _finalize, self.members, self._owner)
        try:
            for number in range(count):
                ours, theirs = context.Pipe()
                _ends.add(ours)
                made = context.Process(
                    target=process.main, daemon=True, name=f"DataLoader worker {number}",
                    args=(theirs, recipe, number, count, seeds.rushlight + number,
                          type(seeds), init))
                self.members.append(_Member(made, ours))
                made.start()
                theirs.close()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End all workers, once."""
        if self._unless_closed.detach():
            _close(self.members, self._owner)

    @property
    def alive(self) -> bool:
        """Whether it can be used: it was not closed, and is not the copy of a forked process."""
        return bool(self.members) and os.getpid() == self._owner

    def begin(self, seeds: EpochSeeds | TorchSeeds) -> int:
        """Start an epoch and return its number; what is still on its way to another is dropped."""
        self.epoch += 1
        self._turn = 0
        self._answers.clear()
        for member in self.members:
            member.active = True
            self._send(member, Epoch(self.epoch, seeds))
        return self.epoch

    def submit(self, number: int, index: Any) -> bool:
        """Let the next worker in turn fetch a batch; False if the samples of all have ended."""
        for _ in self.members:
            member = self.members[self._turn]
            self._turn = (self._turn + 1) % len(self.members)
            if member.active:
                unused = member.reader.unused()
                self._send(member, Task(self.epoch, number, index, unused))
                member.busy += 1
                return True
        return False

    def _send(self, member: _Member, message: Any) -> None:
        data = pickle.dumps(message, protocol=5)
        # What does not fit into the pipe waits until the worker reads. It must not be waiting for
        # us to read a batch meanwhile.
        while len(data) > FITS and member.busy:
            self._wait(None)
        try:
            member.pipe.send_bytes(data)
        except OSError:
            raise self._died([member]) from None

    def answer(self, number: int | None, timeout: float) -> Answer:
        """The answer to a task, or the first to any for None; waits for it.

        Raises RuntimeError when a worker has died, or after `timeout` seconds (0: never).
        """
        deadline = time.monotonic() + timeout if timeout > 0 else None
        while True:
            if number is None and self._answers:
                return self._answers.pop(next(iter(self._answers)))
            if number in self._answers:
                return self._answers.pop(number)
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                raise RuntimeError(f"DataLoader timed out after {timeout} seconds")
            self._wait(left)

    def _wait(self, timeout: float | None) -> None:
        """Take in what has arrived, or note who has died."""
        pipes: dict[Any, _Member] = {member.pipe: member for member in self.members}
        ends: dict[Any, _Member] = {member.process.sentinel: member for member in self.members}
        ready = connection.wait([*pipes, *ends], timeout)
        arrived = [pipes[item] for item in ready if item in pipes]
        for member in arrived:
            self._take(member)
        if ready and not arrived:  # some have died, and all that they sent is taken in
            raise self._died([ends[item] for item in ready])

    def _take(self, member: _Member) -> None:
        try:
            answer: Answer = member.reader.receive()
        except (EOFError, OSError):
            raise self._died([member]) from None
        member.busy -= 1
        if answer.epoch != self.epoch:
            return
        if answer.kind == "end":
            member.active = False
        self._answers[answer.number] = answer

    def _died(self, members: list[_Member]) -> RuntimeError:
        described = []
        for member in members:
            member.process.join(1)
            described.append(f"{member.process.pid}{_cause(member.process.exitcode)}")
        self.close()
        return RuntimeError(f"DataLoader worker (pid(s) {', '.join(described)}) exited "
                            "unexpectedly. Memory that ran out, or a crash in a library that the "
                            "data set uses, ends workers so; num_workers=0 shows where")


def _cause(code: int | None) -> str:
    if code is None:
        return ""
    if code >= 0:
        return f", exit code {code}"
    try:
        return f", killed by {signal.Signals(-code).name}"
    except ValueError:
        return f", killed by signal {-code}"


def _finalize(members: list[_Member], owner: int) -> None:
    """As a finalizer, from which nothing can be raised: Ctrl-C comes again when it is over."""
    try:
        _close(members, owner)
    except KeyboardInterrupt:
        with suppress(RuntimeError):  # the interpreter itself is ending
            threading.Timer(AGAIN, _thread.interrupt_main).start()


def _close(members: list[_Member], owner: int) -> None:
    """End all workers, also where Ctrl-C arrives meanwhile."""
    try:
        _end(members, owner)
    except KeyboardInterrupt:
        _end(members, owner)
        raise


def _end(members: list[_Member], owner: int) -> None:
    """End all workers: those that wait for a task at once, others when theirs is done, or soon."""
    if os.getpid() != owner:
        return  # a forked copy: the workers are not ours
    for member in members:
        member.pipe.close()
    deadline = time.monotonic() + PATIENCE
    started = [member.process for member in members if member.process.pid is not None]
    for end in ("wait", "terminate", "kill"):
        for made in started:
            if end != "wait" and made.is_alive():
                getattr(made, end)()
        for made in started:
            made.join(max(0.0, deadline - time.monotonic()))
        if not any(made.is_alive() for made in started):
            break
        deadline = time.monotonic() + PATIENCE
    members.clear()
