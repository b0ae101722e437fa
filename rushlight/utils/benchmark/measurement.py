"""`Measurement`, the times of a statement, and `TaskSpec`, what was measured."""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import mean, median
from typing import Any

import numpy as np

UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns"))


@dataclass(frozen=True)
class TaskSpec:
    """What a `Timer` runs, and the words that describe it in a table."""

    stmt: str
    setup: str = "pass"
    global_setup: str = ""
    label: str | None = None
    sub_label: str | None = None
    description: str | None = None
    env: str | None = None
    num_threads: int = 1

    @property
    def title(self) -> str:
        """The label, or the statement without one."""
        if self.label is not None:
            return self.label + (f": {self.sub_label}" if self.sub_label else "")
        if "\n" not in self.stmt:
            return self.stmt
        return f"stmt:{(': ' + self.sub_label) if self.sub_label else ''}\n" + textwrap.indent(
            self.stmt, "  ")

    def setup_str(self) -> str:
        """The setup for printing; nothing where there is none."""
        if self.setup == "pass" or not self.setup:
            return ""
        if "\n" in self.setup:
            return f"setup:\n{textwrap.indent(self.setup, '  ')}\n"
        return f"setup: {self.setup}"

    def summarize(self) -> str:
        """Title, description and setup, a part to a line."""
        parts = (self.title, self.description or "", self.setup_str())
        return "\n".join(part for part in parts if part)


@dataclass(init=True, repr=False)
class Measurement:
    """Times of a statement, each of `number_per_run` runs, in seconds.

    What `task_spec` holds (`label`, `num_threads`, ...) can be asked of the measurement itself.

    >>> from rushlight.utils.benchmark import Measurement, TaskSpec
    >>> Measurement(2, [4.0, 6.0], TaskSpec("f()")).median
    2.5
    """

    number_per_run: int
    raw_times: list[float]
    task_spec: TaskSpec
    metadata: dict[Any, Any] | None = None

    def __getattr__(self, name: str) -> Any:
        if name in {field.name for field in dataclasses.fields(TaskSpec)}:
            return getattr(self.task_spec, name)
        raise AttributeError(f"'Measurement' object has no attribute {name!r}")

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

    def _quartiles(self) -> tuple[float, float]:
        low, high = np.quantile(self.times, (0.25, 0.75))
        return float(low), float(high)

    @property
    def iqr(self) -> float:
        """The distance of the quartiles of `times`."""
        low, high = self._quartiles()
        return high - low

    @property
    def significant_figures(self) -> int:
        """How many digits of the median the spread of the times lets one believe."""
        spread = max(self.iqr, self.median * 1e-9) / max(np.sqrt(len(self.times)), 1.0)
        if spread <= 0 or self.median <= 0:
            return 3
        return int(np.clip(np.floor(np.log10(self.median / spread)) + 1, 1, 5))

    @property
    def has_warnings(self) -> bool:
        """Whether the quartiles lie more than a tenth of the median apart."""
        return not self.meets_confidence()

    def meets_confidence(self, threshold: float = 0.1) -> bool:
        """Whether the quartiles lie within `threshold` of the median."""
        return self.iqr / self.median < threshold

    @property
    def title(self) -> str:
        """What was measured."""
        return self.task_spec.title

    @property
    def as_row_name(self) -> str:
        """The name of the row in a table."""
        return self.task_spec.sub_label or self.task_spec.stmt or "[Unknown]"

    def __repr__(self) -> str:
        number, runs = len(self.raw_times), self.number_per_run
        threads = self.task_spec.num_threads
        unit, word = unit_of(self.median)
        lines = [f"<torch.utils.benchmark.utils.common.Measurement object at {hex(id(self))}>",
                 self.task_spec.summarize()]
        if number == 1:
            lines.append(f"  {self.median / unit:.2f} {word}")
        else:
            low, high = self._quartiles()
            lines += [f"  Median: {self.median / unit:.2f} {word}",
                      f"  IQR:    {self.iqr / unit:.2f} {word} "
                      f"({low / unit:.2f} to {high / unit:.2f})"]
        lines.append(f"  {number} measurement{'s' * (number > 1)}, {runs} runs "
                     f"{'per measurement' * (number > 1)}, {threads} thread{'s' * (threads > 1)}")
        if number > 1 and self.has_warnings:
            share = self.iqr / self.median
            lines += [f"  WARNING: Interquartile range is {share * 100:.1f}% of the median "
                      "measurement.",
                      "           This " + ("suggests significant environmental influence."
                                            if share > 0.25 else
                                            "could indicate system fluctuation.")]
        return "\n".join(lines)

    @staticmethod
    def merge(measurements: Iterable[Measurement]) -> list[Measurement]:
        """Measurements of the same task and number of runs, each kind as one with all times."""
        found: dict[Any, list[float]] = {}
        for one in measurements:
            found.setdefault((one.number_per_run, one.task_spec), []).extend(one.raw_times)
        return [Measurement(number, times, task) for (number, task), times in found.items()]


def unit_of(seconds: float) -> tuple[float, str]:
    """The unit (its length in seconds, its name) in which a time is best written."""
    return next((unit for unit in UNITS if seconds >= unit[0]), UNITS[-1])
