"""How long a fresh process takes to import, and to its first result: python bench/start.py

The rows that say "cold" begin with an empty cache of compiled kernels; torch has none, so its cold
rows are as its warm ones.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

ROUNDS = 7
PROGRAMS = {
    "import": "import {0}",
    "import, x * 2 backward": (
        "import {0} as t\nx = t.ones(8, requires_grad=True)\n(x * 2).sum().backward()"
    ),
    "import, LeNet step": "import {0}, models\nmodels.lenet({0}, 64)()",
    "import, LeNet step, cold": "import {0}, models\nmodels.lenet({0}, 64)()",
}


def seconds(program: str, cold: bool) -> float:
    """Return how long a fresh interpreter takes to run `program`."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(
        [str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])}
    with tempfile.TemporaryDirectory() as cache:
        if cold:
            environment["RUSHLIGHT_CACHE_DIR"] = cache
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", program], check=True, env=environment)
        return time.perf_counter() - start


def main() -> None:
    """Print medians over rounds in which the programs take turns."""
    modules = [name for name in ("numpy", "rushlight", "torch") if find_spec(name)]
    rows = {
        f"{title} {module}": program.format(module)
        for title, program in PROGRAMS.items()
        for module in modules
        if module != "numpy" or title == "import"
    }
    bare = []
    times: dict[str, list[float]] = {row: [] for row in rows}
    for _ in range(ROUNDS):
        bare.append(seconds("pass", False))
        for row, program in rows.items():
            times[row].append(seconds(program, "cold" in row))
    print(f"milliseconds above a bare interpreter ({1e3 * statistics.median(bare):.0f} ms)")
    for row, values in times.items():
        print(f"{row:36}{1e3 * (statistics.median(values) - statistics.median(bare)):8.0f}")


if __name__ == "__main__":
    main()
