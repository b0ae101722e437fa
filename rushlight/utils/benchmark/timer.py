"""`Timer`, as Python's timeit, with threads set and several measurements at once."""

from __future__ import annotations

import timeit
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from statistics import mean, median, quantiles
from typing import Any

from rushlight.backends.cpu.features import get_num_threads, set_num_threads


@dataclass
class Measurement:
    """Times of a statement, each of `number_per_run` runs, in seconds."""

    number_per_run: int
    raw_times: list[float]
    label: str = ""
    sub_label: str = ""
    description: str = ""
    num_threads: int = 1
    env: str | None = None
    stmt: str = ""
    metadata: dict[Any, Any] = field(default_factory=dict)

    @property
    def times(self) -> list[float]:
        """Seconds of one run, once for each measurement."""
        return [time / self.number_per_run for time in self.raw_times]

    @property
    def median(self) -> float:
        """The median of `times`."""
        return median(self.times)

    @property
    def mean(self) -> float:
        """The mean of `times`."""
        return mean(self.times)

    @property
    def iqr(self) -> float:
        """The distance of the quartiles of `times`."""
        if len(self.times) < 2:
            return 0.0
        low, _, high = quantiles(self.times, n=4)
        return high - low

    @property
    def title(self) -> str:
        """What was measured."""
        return ": ".join(filter(None, (self.label, self.sub_label))) or self.stmt

    def __repr__(self) -> str:
        return (f"<Measurement: {self.title}\n  {_time(self.median)} (median of "
                f"{len(self.times)} measurements of {self.number_per_run} runs, "
                f"{self.num_threads} threads)>")


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
        self._timer = timeit.Timer(stmt, setup, timer, globals)
        self._threads = num_threads
        self._words: dict[str, Any] = {"label": label or "", "sub_label": sub_label or "",
                                       "description": description or "", "env": env,
                                       "num_threads": num_threads, "stmt": str(stmt)}

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
        return Measurement(number, [self._run(number)], **self._words)

    def blocked_autorange(self, callback: Any = None,
                          min_run_time: float = 0.2) -> Measurement:
        """Time blocks of runs for `min_run_time` seconds; a block takes at least a hundredth."""
        number = 1
        while (taken := self._run(number)) < min_run_time / 100:
            number *= 10 if taken < min_run_time / 1000 else 2
        times = [taken]
        while sum(times) < min_run_time:
            times.append(self._run(number))
        return Measurement(number, times, **self._words)

    def adaptive_autorange(self, threshold: float = 0.1, *, min_run_time: float = 0.01,
                           max_run_time: float = 10.0, callback: Any = None) -> Measurement:
        """As `blocked_autorange`, until quartiles lie within `threshold` of the median."""
        limit = min_run_time
        while True:
            measured = self.blocked_autorange(min_run_time=limit)
            if measured.iqr <= threshold * measured.median or limit >= max_run_time:
                return measured
            limit = min(limit * 4, max_run_time)


class Compare:
    """Measurements as a table: a row a sub_label, a column a description."""

    def __init__(self, results: Iterable[Measurement]) -> None:
        self._results = list(results)

    def extend_results(self, results: Iterable[Measurement]) -> None:
        """Add measurements."""
        self._results.extend(results)

    def trim_significant_figures(self) -> None:
        """Accepted; figures have four digits anyway."""

    def colorize(self, rowwise: bool = False) -> None:
        """Accepted; the table has no colours."""

    def __str__(self) -> str:
        columns = list(dict.fromkeys(result.description for result in self._results))
        rows = list(dict.fromkeys((result.num_threads, result.sub_label or result.stmt)
                                  for result in self._results))
        table = {(r.num_threads, r.sub_label or r.stmt, r.description): _time(r.median)
                 for r in self._results}
        width = max([len(name) for _, name in rows] + [8])
        lines = [" | ".join([" " * width, *(f"{column:>14}" for column in columns)])]
        lines += [" | ".join([f"{name:<{width}}",
                              *(f"{table.get((n, name, c), ''):>14}" for c in columns)])
                  for n, name in rows]
        return "\n".join(lines)

    def print(self) -> None:
        """Print the table."""
        print(self)


def _time(seconds: float) -> str:
    for factor, unit in ((1, "s"), (1e3, "ms"), (1e6, "us")):
        if seconds * factor >= 1:
            return f"{seconds * factor:.4g} {unit}"
    return f"{seconds * 1e9:.4g} ns"
