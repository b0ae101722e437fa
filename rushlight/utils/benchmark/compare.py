"""`Compare`: measurements as tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rushlight.utils.benchmark.measurement import Measurement, unit_of

COLOURS = ("\033[92m\033[1m", "\033[92m", "\033[2m\033[91m", "\033[31m\033[1m")  # best to worst
LIMITS = (1.1, 1.25, 1.5)


class Compare:
    """Measurements as tables: one for each label, a row a sub_label, a column a description.

    >>> from rushlight.utils.benchmark import Compare, Measurement, TaskSpec
    >>> tasks = [TaskSpec("f", label="speed", sub_label="4", description=d) for d in ("a", "b")]
    >>> results = [Measurement(1, [2e-6 * i], task) for i, task in enumerate(tasks, 1)]
    >>> str(Compare(results)).splitlines()[3]
    '      4  |  2.0  |  4.0'
    """

    def __init__(self, results: Iterable[Measurement]) -> None:
        self._results = list(results)
        self._trim = False
        self._colour: str | None = None

    def extend_results(self, results: Iterable[Measurement]) -> None:
        """Add measurements. Raises ValueError for anything else."""
        results = list(results)
        for result in results:
            if not isinstance(result, Measurement):
                raise ValueError("Expected an instance of `Measurement`, "
                                 f"got {type(result)} instead.")
        self._results += results

    def trim_significant_figures(self) -> None:
        """Show only digits that the spread of the times supports."""
        self._trim = True

    def colorize(self, rowwise: bool = False) -> None:
        """Colour fast and slow times, compared along a column, or along a row."""
        self._colour = "row" if rowwise else "column"

    def print(self) -> None:
        """Print the tables."""
        print(self)

    def __str__(self) -> str:
        merged = Measurement.merge(self._results)
        labels = dict.fromkeys(result.label for result in merged)
        return "\n".join(self._table([r for r in merged if r.label == label])
                         for label in labels)

    def _table(self, results: list[Measurement]) -> str:
        scale, unit = unit_of(min(result.median for result in results))
        columns = list(dict.fromkeys(_column(result) for result in results))
        rows = sorted(dict.fromkeys(_row(result) for result in results), key=lambda row: row[0])
        cells = {(_row(result), _column(result)): result for result in results}
        digits = 0 if self._trim else 1
        texts = {place: f"{result.median / scale:.{digits}f}" for place, result in cells.items()}
        figures = [max(len(texts.get((row, column), "")) for row in rows) for column in columns]
        widths = [max(len(c), n) for c, n in zip(columns, figures, strict=True)]
        left = max(len(name) for _, name, _ in rows) + 6
        head = " " * left + "".join(f"  |  {c:^{w}}" for c, w in zip(columns, widths, strict=True))
        lines = [head]
        threads = None
        for row in rows:
            if row[0] != threads:
                threads = row[0]
                title = f"{threads} threads: "
                lines.append(title + "-" * (len(head) - len(title)))
            line = f"{'      ' + row[1]:<{left}}"
            for column, width, inner in zip(columns, widths, figures, strict=True):
                text = f"{texts.get((row, column), ''):>{inner}}".center(width)
                line += "  |  " + self._coloured(text, cells, row, column)
            lines.append(line)
        label = results[0].label or ""
        side = max(len(head) - len(label) - 4, 2)
        lines.insert(0, f"[{'-' * (side // 2)} {label} {'-' * (side - side // 2)}]")
        names = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
        return "\n".join([*lines, "", f"Times are in {names[unit]} ({unit}).", ""])

    def _coloured(self, text: str, cells: dict[Any, Measurement], row: Any, column: Any) -> str:
        if self._colour is None or (row, column) not in cells:
            return text
        others = [result.median for (r, c), result in cells.items()
                  if (r == row if self._colour == "row" else c == column)]
        slower = cells[row, column].median / min(others)
        level = sum(slower > limit for limit in LIMITS)
        return f"{COLOURS[level]}{text}\033[0m\033[0m"


def _column(result: Measurement) -> str:
    return result.description or ""


def _row(result: Measurement) -> tuple[int, str, str]:
    name = f"({result.env}): " if result.env else ""
    return result.num_threads, name + result.as_row_name, result.env or ""
