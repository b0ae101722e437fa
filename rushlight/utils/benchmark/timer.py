"""`Timer`, as Python's timeit, with threads set and several measurements at once."""

from __future__ import annotations

import timeit
from collections.abc import Callable
from enum import Enum
from textwrap import dedent
from typing import Any

from rushlight.backends.cpu.features import get_num_threads, set_num_threads
from rushlight.utils.benchmark.measurement import Measurement, TaskSpec


class Language(Enum):
    """What a statement is written in: Python; there is no compiler for the other."""

    PYTHON, CPP = range(2)


class Timer:
    """Times a statement of Python, or a call.

    stmt, setup, globals: as timeit.Timer takes them. num_threads: for kernels, 1 by default.
    label, sub_label, description: how `Compare` shows it.

    >>> from rushlight.utils.benchmark import Timer
    >>> Timer("x + x", globals={"x": 1}).timeit(10).number_per_run
    10
    """

    def __init__(self, stmt: str | Callable[[], Any] = "pass", setup: str = "pass",
                 global_setup: str = "", timer: Callable[[], float] = timeit.default_timer,
                 globals: dict[str, Any] | None = None, label: str | None = None,
                 sub_label: str | None = None, description: str | None = None,
                 env: str | None = None, num_threads: int = 1, language: Any = None) -> None:
        if language in (Language.CPP, "cpp", "c++"):
            raise NotImplementedError("Timer(language='c++'): statements are Python here, without "
                                      "a compiler")
        if isinstance(stmt, str):
            stmt, setup = dedent(stmt).strip(), dedent(setup).strip()
        self._timer = timeit.Timer(stmt, setup or "pass", timer, globals)
        self._threads = num_threads
        self._task = TaskSpec(str(stmt), setup, global_setup, label, sub_label, description, env,
                              num_threads)

    def _run(self, number: int) -> float:
        before = get_num_threads()
        set_num_threads(self._threads)
        try:
            return self._timer.timeit(number)
        finally:
            set_num_threads(before)

    def timeit(self, number: int = 1_000_000) -> Measurement:
        """Time `number` runs at once, after one that does not count."""
        self._run(max(number // 100, 1))
        return Measurement(number, [self._run(number)], self._task)

    def blocked_autorange(self, callback: Any = None,
                          min_run_time: float = 0.2) -> Measurement:
        """Time blocks of runs for `min_run_time` seconds; a block takes at least a hundredth."""
        number = 1
        while (taken := self._run(number)) < min_run_time / 100:
            number *= 10 if taken < min_run_time / 1000 else 2
        times = [taken]
        while sum(times) < min_run_time:
            times.append(self._run(number))
        return Measurement(number, times, self._task)

    def adaptive_autorange(self, threshold: float = 0.1, *, min_run_time: float = 0.01,
                           max_run_time: float = 10.0, callback: Any = None) -> Measurement:
        """As `blocked_autorange`, until quartiles lie within `threshold` of the median."""
        limit = min_run_time
        while True:
            measured = self.blocked_autorange(min_run_time=limit)
            if measured.iqr <= threshold * measured.median or limit >= max_run_time:
                return measured
            limit = min(limit * 4, max_run_time)
