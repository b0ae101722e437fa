"""Time the same program on Rushlight and on torch, in turns, and print the ratio.

    from sidebyside import compare
    compare({"add": lambda torch: (lambda x=torch.ones(8): x + x)})

Each case is a function of the module (`rushlight` or `torch`) that returns the function to time.
Each side runs in a process of its own and is measured in turns (A B A B ...), so that a drift of
the machine meets both; the figures are medians. The ratio is torch's time over Rushlight's: above
1, Rushlight is faster. Without torch only Rushlight's times are printed.
"""

from __future__ import annotations

import argparse
import importlib
import json
import math
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any

from limits import Case, share

WARM_SECONDS = 0.2
PART_SECONDS = 0.02  # one timed part repeats the function for this long


def measure(run: Callable[[], Any], seconds: float) -> float:
    """Return the median time of one call of `run`, in seconds."""
    stop = time.perf_counter() + WARM_SECONDS
    calls = 0
    start = time.perf_counter()
    while calls < 3 or time.perf_counter() < stop:
        run()
        calls += 1
    repeat = max(1, round(PART_SECONDS * calls / (time.perf_counter() - start)))
    parts = []
    stop = time.perf_counter() + seconds
    while len(parts) < 5 or time.perf_counter() < stop:
        start = time.perf_counter()
        for _ in range(repeat):
            run()
        parts.append((time.perf_counter() - start) / repeat)
    return statistics.median(parts)


def serve(cases: Mapping[str, Case], module_name: str, seconds: float) -> None:
    """Child process: for each case named on stdin, print its time on stdout."""
    module = importlib.import_module(module_name)
    for name in sys.stdin:
        print(json.dumps(measure(cases[name.strip()](module), seconds)), flush=True)


class Side:
    """A process that measures cases with one module.

    Where its memory lies decides a good part of some figures, so each turn gets a new process."""

    def __init__(self, module_name: str, seconds: float) -> None:
        self.module_name = module_name
        command = [sys.executable, *sys.argv[:1], "--serve", module_name]
        command += ["--seconds", str(seconds)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def time(self, name: str) -> float:
        """Return the time of case `name`; raises RuntimeError where the process died."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(f"{name}\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{name}: the measuring process ended")
        return json.loads(line)


def busy(count: int) -> list[subprocess.Popen[bytes]]:
    """Start processes that keep a core busy each, for as long as this one lives."""
    program = "import os\nparent = os.getppid()\nwhile os.getppid() == parent: pass"
    return [subprocess.Popen([sys.executable, "-c", program]) for _ in range(count)]


def geometric_mean(ratios: list[float]) -> float:
    """The mean of ratios: of 2 and 1/2 it is 1."""
    return math.exp(sum(map(math.log, ratios)) / len(ratios))


def _options(title: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=title)
    parser.add_argument("names", nargs="*", help="only cases whose name contains one of these")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each side")
    parser.add_argument("--seconds", type=float, default=0.2, help="time of one turn")
    parser.add_argument("--busy", type=int, default=0, help="other processes that keep a core busy")
    parser.add_argument("--json", help="write the rows to this file, too")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    return parser.parse_args()


def _turn(module: str, name: str, seconds: float) -> float:
    """The time of a case in a process of its own."""
    side = Side(module, seconds)
    try:
        return side.time(name)
    finally:
        side.process.kill()
        side.process.wait()


def _row(name: str, case: Case, modules: list[str], options: Any) -> dict[str, Any]:
    """Medians over turns, their ratio, and the share of the machine's limit."""
    turns = [[_turn(module, name, options.seconds) for module in modules]
             for _ in range(options.rounds)]
    times = [statistics.median(column) for column in zip(*turns, strict=True)]
    libraries = tuple(map(importlib.import_module, modules))
    return {"name": name, "seconds": times, "limit": share(case, times[0], libraries),
            "ratio": times[1] / times[0] if len(times) > 1 else None}


def _print(row: dict[str, Any]) -> None:
    print(f"{row['name']:36}" + "".join(f"{1e6 * value:14.2f}" for value in row["seconds"]), end="")
    print(f"{row['ratio']:8.2f}" if row["ratio"] else f"{'':8}", end="")
    print(f"{row['limit']:8.0%}" if row["limit"] else "", flush=True)


def compare(cases: Mapping[str, Case], title: str) -> None:
    """Measure the cases chosen on the command line on both sides and print a table.

    The last column is how near Rushlight comes to the machine's limit (see `limits.py`)."""
    options = _options(title)
    if options.serve:
        serve(cases, options.serve, options.seconds)
        return
    chosen = [n for n in cases if not options.names or any(part in n for part in options.names)]
    modules = ["rushlight", *(["torch"] if find_spec("torch") else [])]
    print(f"{title}\n{'':36}" + "".join(f"{module + ' us':>14}" for module in modules), end="")
    print(f"{'ratio':>8}{'limit':>8}" if len(modules) > 1 else "  (torch is not installed)")
    hogs = busy(options.busy)
    rows = []
    for name in chosen:
        rows.append(_row(name, cases[name], modules, options))
        _print(rows[-1])
    ratios = [row["ratio"] for row in rows if row["ratio"]]
    if ratios:
        print(f"{'geometric mean':36}{'':28}{geometric_mean(ratios):8.2f}")
    for process in hogs:
        process.kill()
        process.wait()
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"title": title, "rows": rows}, file, indent=1)
