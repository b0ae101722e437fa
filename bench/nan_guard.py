"""What `nan_guard` costs: training steps with and without it, in turns (A B A B ...).

    python bench/nan_guard.py [--seconds 10]

Prints for each program the median step without and with the guard, and the ratio. The claim is
a ratio below 1.10.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import models

import rushlight as rl

CLAIM = 1.10


def resnet() -> tuple[Any, Callable[[], None]]:
    """ResNet-18 on 32 x 32 pixels, batches of 16."""
    model = models.resnet18(rl)
    return model, step_of(model, rl.randn(16, 3, 32, 32), rl.randint(0, 10, (16,)))


def gpt() -> tuple[Any, Callable[[], None]]:
    """A small GPT, 16 sequences of 128 tokens."""
    model = models.gpt(rl)
    tokens = rl.randint(0, 256, (16, 128))
    return model, step_of(model, tokens, tokens)


def step_of(model: Any, x: Any, y: Any) -> Callable[[], None]:
    """One training step with SGD."""
    optimizer = rl.optim.SGD(model.parameters(), lr=1e-4)
    return models.training_step(rl, model, optimizer, x, y)


def seconds_of(step: Callable[[], None]) -> float:
    """One step, timed."""
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


def main() -> int:
    """Measure both programs; exit code 1 where the claim does not hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10.0, help="for each program")
    seconds = parser.parse_args().seconds
    worst = 0.0
    for name, make in (("ResNet-18", resnet), ("GPT", gpt)):
        model, step = make()
        for _ in range(2):
            step()
        plain, guarded, ratios = [], [], []
        stop = time.perf_counter() + seconds
        while len(plain) < 5 or time.perf_counter() < stop:
            plain.append(seconds_of(step))
            with rl.nan_guard(model):
                guarded.append(seconds_of(step))
            ratios.append(guarded[-1] / plain[-1])
        ratio = statistics.median(guarded) / statistics.median(plain)
        worst = max(worst, ratio)
        print(f"{name:10} plain {1e3 * statistics.median(plain):8.2f} ms   guarded "
              f"{1e3 * statistics.median(guarded):8.2f} ms   ratio {ratio:.3f} "
              f"(median of pairs {statistics.median(ratios):.3f})")
    return int(worst > CLAIM)


if __name__ == "__main__":
    sys.exit(main())
