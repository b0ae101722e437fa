"""Peak resident memory of whole programs, each in a fresh process: python bench/memory.py"""

from __future__ import annotations

import argparse
import importlib
import json
import resource
import subprocess
import sys
from importlib.util import find_spec

import models

STEPS = 5
PROGRAMS = {
    "import": None,
    "ResNet-18 on 32 x 32, SGD": models.resnet18_step,
    "small GPT, AdamW": models.gpt_step,
    "LSTM, f+b": models.recurrent,
    "LeNet, SGD, batch 512": lambda torch: models.lenet(torch, 512),
}
UNIT = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss, in bytes


def serve(module_name: str, program: str) -> None:
    """Child process: run the steps and print the peak in bytes."""
    torch = importlib.import_module(module_name)
    make = PROGRAMS[program]
    step = make(torch) if make else int
    for _ in range(STEPS):
        step()
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * UNIT)


def peak(module_name: str, program: str) -> int:
    """The peak of a fresh process, in bytes."""
    command = [sys.executable, __file__, "--serve", module_name, program]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--json", help="write the rows to this file, too")
    options = parser.parse_args()
    if options.serve:
        serve(*options.serve)
        return
    modules = ["rushlight", *(["torch"] if find_spec("torch") else [])]
    title = f"Peak resident memory after {STEPS} steps, MB"
    print(f"{title}\n{'':36}" + "".join(f"{module:>14}" for module in modules) + f"{'ratio':>8}")
    rows = []
    for program in PROGRAMS:
        peaks = [peak(module, program) for module in modules]
        ratio = peaks[1] / peaks[0] if len(peaks) > 1 else None
        rows.append({"name": program, "bytes": peaks, "ratio": ratio})
        print(f"{program:36}" + "".join(f"{value / 1e6:14.0f}" for value in peaks)
              + (f"{ratio:8.2f}" if ratio else ""), flush=True)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"title": title, "rows": rows}, file, indent=1)


if __name__ == "__main__":
    main()
