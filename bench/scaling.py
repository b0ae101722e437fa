"""How time grows with batch, width, depth and sequence length, on Rushlight and on torch.

    python bench/scaling.py [--rounds 3] [--pictures docs/pictures] [NAME ...]

Both modules take turns in processes of their own. For each program the times are printed with the
slope of the last half of the curve in log-log scale (1: twice the size takes twice the time), and
drawn to `scaling_NAME.svg` where matplotlib is installed. The claim: no slope is worse than
torch's by more than `TOLERANCE`, unless Rushlight is still ahead at the largest size.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
from collections.abc import Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import models
from limits import Case
from sidebyside import Side, serve

TOLERANCE = 0.1
CURVES: dict[str, tuple[str, dict[int, Case]]] = {
    "lenet_batch": ("batch", {n: partial(models.lenet, batch=n)
                              for n in (1, 4, 16, 64, 256, 1024)}),
    "mlp_width": ("hidden width", {n: partial(models.mlp, batch=64, width=n)
                                   for n in (32, 64, 128, 256, 512, 1024, 2048)}),
    "mlp_depth": ("hidden layers", {n: partial(models.mlp, batch=16, width=64, depth=n)
                                    for n in (1, 4, 16, 64, 256)}),
    "lstm_time": ("time steps", {n: partial(models.recurrent, batch=16, time=n)
                                 for n in (4, 16, 64, 256, 1024)}),
    "gpt_time": ("tokens", {n: partial(models.gpt_step, batch=2, context=n, layers=2)
                            for n in (16, 64, 256, 1024)}),
    "transformer_width": ("width", {n: partial(models.transformer_layer, time=64, width=n)
                                    for n in (64, 128, 256, 512)}),
}
CASES = {f"{name}/{size}": case for name, (_, curve) in CURVES.items()
         for size, case in curve.items()}


def slope(sizes: Sequence[int], times: Sequence[float]) -> float:
    """The slope of log time over log size between the middle and the end of the curve."""
    middle = len(sizes) // 2
    return math.log(times[-1] / times[middle]) / math.log(sizes[-1] / sizes[middle])


def draw(name: str, label: str, curves: dict[str, tuple[list[int], list[float]]],
         folder: Path) -> None:
    """Write one picture; both axes are logarithmic."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.5, 3.2), layout="constrained")
    axes = figure.add_subplot()
    for module, (sizes, times) in curves.items():
        axes.loglog(sizes, [1e3 * value for value in times], marker="o", label=module)
    axes.set(xlabel=label, ylabel="milliseconds a step", title=name.replace("_", ", "))
    axes.legend()
    figure.savefig(folder / f"scaling_{name}.svg", metadata={"Date": None})


def measure(name: str, sizes: Sequence[int], sides: Sequence[Side],
            rounds: int) -> dict[str, tuple[list[int], list[float]]]:
    """Median times of each module over the sizes."""
    curves: dict[str, tuple[list[int], list[float]]] = {}
    for size in sizes:
        turns = [[side.time(f"{name}/{size}") for side in sides] for _ in range(rounds)]
        for side, times in zip(sides, zip(*turns, strict=True), strict=True):
            curve = curves.setdefault(side.module_name, ([], []))
            curve[0].append(size)
            curve[1].append(statistics.median(times))
    return curves


def report(name: str, curves: dict[str, tuple[list[int], list[float]]]) -> bool:
    """Print one table; False where the claim does not hold."""
    print(f"\n{name}")
    for module, (sizes, times) in curves.items():
        row = "".join(f"{size:>7}:{1e3 * value:9.2f}" for size, value in zip(sizes, times,
                                                                             strict=True))
        print(f"  {module:10}{row}  ms   slope {slope(sizes, times):.2f}", flush=True)
    if "torch" not in curves:
        return True
    ours, theirs = curves["rushlight"], curves["torch"]
    return slope(*ours) <= slope(*theirs) + TOLERANCE or ours[1][-1] <= theirs[1][-1]


def main() -> int:
    """Measure, print, draw; exit code 1 where a curve is steeper than torch's."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="only programs whose name contains one of these")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.2)
    parser.add_argument("--pictures", type=Path, help="folder for the pictures")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(CASES, options.serve, options.seconds)
        return 0
    modules = ["rushlight", *(["torch"] if find_spec("torch") else [])]
    sides: list[Any] = [Side(module, options.seconds) for module in modules]
    steep = []
    for name, (label, curve) in CURVES.items():
        if options.names and not any(part in name for part in options.names):
            continue
        curves = measure(name, list(curve), sides, options.rounds)
        if not report(name, curves):
            steep.append(name)
        if options.pictures:
            draw(name, label, curves, options.pictures)
    for side in sides:
        side.process.kill()
        side.process.wait()
    if steep:
        print(f"\nsteeper than torch: {', '.join(steep)}")
    return int(bool(steep))


if __name__ == "__main__":
    sys.exit(main())
