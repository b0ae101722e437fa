"""A worker process of a loader: it is sent indices and sends batches, until the pipe closes."""

from __future__ import annotations

import gc
import pickle
import signal
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from rushlight.backends.cpu.features import set_num_threads
from rushlight.utils.data.dataset import IterableDataset
from rushlight.utils.data.fetch import Fetcher, Recipe
from rushlight.utils.data.randomness import START, EpochSeeds, TorchSeeds, start_worker
from rushlight.utils.data.transport import Writer
from rushlight.utils.data.worker_info import WorkerInfo, set_worker_info

PHRASE = "Caught {} in DataLoader worker process {}.{}\nOriginal {}"


class Epoch(NamedTuple):
    """Start an epoch: what was asked for before is not wanted any more."""

    number: int
    seeds: EpochSeeds | TorchSeeds


class Task(NamedTuple):
    """Fetch a batch: its number in the epoch, its index or indices."""

    epoch: int
    number: int
    index: Any
    unused: list[int]  # segments that the main process has no more arrays over


class Answer(NamedTuple):
    """What became of a task: `kind` is "batch", "end" (of an iterable data set) or "error"."""

    epoch: int
    number: int
    kind: str
    value: Any


class WorkerError(NamedTuple):
    """An exception that has to be raised in the main process."""

    kind: type[BaseException]
    text: str

    def error(self) -> BaseException:
        """The exception, of the type that it had."""
        text: Any = _Plain(self.text) if issubclass(self.kind, KeyError) else self.text
        try:
            return self.kind(text)
        except Exception:  # a class with arguments of its own
            return RuntimeError(self.text)


class _Plain(str):
    """A text that shows its lines as they are: the message of a KeyError is its repr."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _described(error: BaseException, worker: int, fetcher: Fetcher | None) -> WorkerError:
    kind = type(error)
    try:
        pickle.loads(pickle.dumps(kind))
    except Exception:  # of a class that the main process does not know
        kind = RuntimeError
    sample = None if fetcher is None else fetcher.sample
    where = "" if sample is None else f" It was fetching sample {sample!r:.200}."
    trace = "".join(traceback.format_exception(error))
    return WorkerError(kind, PHRASE.format(type(error).__name__, worker, where, trace))


class _Worker:
    """Answers tasks."""

    def __init__(self, connection: Connection, recipe: Recipe, number: int, count: int) -> None:
        self._connection = connection
        self._writer = Writer(connection)
        self._recipe = recipe
        self._number = number
        self._count = count
        self._iterable = isinstance(recipe.dataset, IterableDataset)
        self._fetcher: Fetcher | None = None
        self._seeds: EpochSeeds | TorchSeeds | None = None
        self._failure: WorkerError | None = None  # while an epoch was being started
        self._steps = 0  # batches of an iterable data set

    def prepare(self, seed: int, seeds: type[EpochSeeds | TorchSeeds],
                init: Callable[[int], None] | None) -> None:
        """What is done once in a process."""
        set_worker_info(WorkerInfo(self._number, self._count, seed, self._recipe.dataset))
        start_worker(seed, self._number, seeds)
        try:
            if init is not None:
                init(self._number)
        except Exception as error:
            self._failure = _described(error, self._number, None)

    def run(self) -> None:
        """Answer until the main process closes its end."""
        while True:
            try:
                message = pickle.loads(self._connection.recv_bytes())
            except (EOFError, OSError):
                return
            if isinstance(message, Epoch):
                self._start(message)
            else:
                self._answer(message)

    def _start(self, epoch: Epoch) -> None:
        self._seeds, self._steps = epoch.seeds, 0
        if self._failure is not None:
            return
        epoch.seeds.start(START, self._number if self._iterable else 0)
        try:
            self._fetcher = Fetcher(self._recipe)
        except Exception as error:
            self._failure = _described(error, self._number, None)

    def _answer(self, task: Task) -> None:
        self._writer.release(task.unused)
        kind, value = self._fetch(task)
        try:
            self._writer.send(Answer(task.epoch, task.number, kind, value))
        except (BrokenPipeError, ConnectionResetError):
            return  # the main process has gone on without us
        except Exception as error:  # a batch that cannot be pickled
            failure = _described(error, self._number, self._fetcher)
            self._writer.send(Answer(task.epoch, task.number, "error", failure))

    def _fetch(self, task: Task) -> tuple[str, Any]:
        fetcher, seeds = self._fetcher, self._seeds
        if self._failure is not None or fetcher is None or seeds is None:
            return "error", self._failure
        if self._iterable:
            seeds.start(self._steps, self._number)
            self._steps += 1
        else:
            seeds.start(task.number)
        try:
            return "batch", fetcher.fetch(task.index)
        except StopIteration:
            return "end", None
        except Exception as error:
            return "error", _described(error, self._number, fetcher)


def main(connection: Connection, recipe: Recipe, number: int, count: int, seed: int,
         seeds: type[EpochSeeds | TorchSeeds], init: Callable[[int], None] | None) -> None:
    """The life of a worker process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches us too; the main process acts
    gc.freeze()  # the collector would touch, and so copy, every page that is shared after a fork
    set_num_threads(1)
    worker = _Worker(connection, recipe, number, count)
    worker.prepare(seed, seeds, init)
    worker.run()
    connection.close()
