"""Run every group of rows and write docs/performance.md: python bench/performance.py

Takes about half an hour on an idle machine; `--rounds` and `--seconds` are handed on to the groups.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

from limits import THREADS, copy_seconds
from sidebyside import geometric_mean

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "performance.md"
GROUPS = {  # script, further options
    "overhead": ["overhead.py"],
    "bandwidth": ["bandwidth.py"],
    "arithmetic": ["arithmetic.py"],
    "steps": ["steps.py"],
    "steps, one core busy with another process": ["steps.py", "--busy", "1"],
    "bandwidth, one core busy with another process": ["bandwidth.py", "--busy", "1"],
    "memory": ["memory.py"],
}
INTRODUCTION = """# Speed, measured

Each row runs the same program on Rushlight and on torch {torch}, in processes of their own that
take turns, and the figures are medians. **Ratio** is torch's time over Rushlight's: above 1,
Rushlight is faster; rows below 1 are in bold. **Limit** is how near Rushlight comes to what the
machine can do: for passes over memory the time of a copy that reads and writes as many bytes, for
arithmetic the rate of the best float32 matrix product of any library here.

Measured on {date}: {processor}, {threads} threads, {system}, CPython {python}, NumPy {numpy};
copying 10 million floats takes {copy:.2f} ms. The command is `{command}`; it wrote this page.
"""
GROWTH = """
## Growth

Time of a training step against batch, width, depth and length (`python bench/scaling.py`):

{pictures}
"""


def processor() -> str:
    """The processor's name where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def run_group(command: list[str]) -> dict[str, Any]:
    """Run one script with its output shown; its rows."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.json"
        script = [sys.executable, str(HERE / command[0]), *command[1:], "--json", str(file)]
        subprocess.run(script, check=True)
        return json.loads(file.read_text(encoding="utf-8"))


def cells(row: dict[str, Any]) -> list[str]:
    """Name, Rushlight, torch, ratio, limit."""
    amounts = ([f"{value / 1e6:,.0f} MB" for value in row["bytes"]] if "bytes" in row
               else [f"{1e6 * value:,.2f} us" for value in row["seconds"]])
    ratio = f"{row['ratio']:.2f}"
    limit = f"{row['limit']:.0%}" if row.get("limit") else ""
    return [row["name"], *amounts, f"**{ratio}**" if row["ratio"] < 1 else ratio, limit]


def section(name: str, rows: list[dict[str, Any]]) -> str:
    """One table with its geometric mean."""
    ratios = [row["ratio"] for row in rows]
    ahead = sum(ratio >= 1 for ratio in ratios)
    mean = f"{geometric_mean(ratios):.2f} in the geometric mean"
    lines = [f"\n## {name[0].upper()}{name[1:]}: {mean}, {ahead} of {len(rows)} rows ahead\n",
             "| row | Rushlight | torch | ratio | limit |", "|---|---|---|---|---|"]
    return "\n".join([*lines, *("| " + " | ".join(cells(row)) + " |" for row in rows)]) + "\n"


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", default="3")
    parser.add_argument("--seconds", default="0.2")
    options = parser.parse_args()
    timing = ["--rounds", options.rounds, "--seconds", options.seconds]
    tables = [section(name, run_group(command + timing * (name != "memory"))["rows"])
              for name, command in GROUPS.items()]
    pictures = sorted((PAGE.parent / "pictures").glob("scaling_*.svg"))
    shown = "\n".join(f"![{file.stem}](pictures/{file.name})" for file in pictures)
    head = INTRODUCTION.format(
        torch=version("torch"), date=datetime.date.today().isoformat(), processor=processor(),
        threads=THREADS, system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(), numpy=version("numpy"),
        copy=1e3 * copy_seconds(80_000_000),
        command=" ".join(["python", "bench/performance.py", *sys.argv[1:]]))
    part = PAGE.with_suffix(".part")
    part.write_text(head + "".join(tables) + GROWTH.format(pictures=shown), encoding="utf-8")
    os.replace(part, PAGE)


if __name__ == "__main__":
    main()
