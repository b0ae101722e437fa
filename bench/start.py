"""How long a fresh process takes to import, and to its first result: python bench/start.py"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from importlib.util import find_spec

ROUNDS = 7
PROGRAMS = {
    "import": "import {0}",
    "import, x * 2 backward": (
        "import {0} as t\nx = t.ones(8, requires_grad=True)\n(x * 2).sum().backward()"
    ),
}


def seconds(program: str) -> float:
    """Return how long a fresh interpreter takes to run `program`."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", program], check=True)
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
        bare.append(seconds("pass"))
        for row, program in rows.items():
            times[row].append(seconds(program))
    print(f"milliseconds above a bare interpreter ({1e3 * statistics.median(bare):.0f} ms)")
    for row, values in times.items():
        print(f"{row:36}{1e3 * (statistics.median(values) - statistics.median(bare)):8.0f}")


if __name__ == "__main__":
    main()
