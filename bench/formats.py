"""Whole training steps of conv nets in both orders of memory, on Rushlight and on torch.

    python bench/formats.py [--rounds 12] [--threads 1] [--wall] [NAME ...]

Every side takes one step in turn, in one process, and the least time of all rounds is kept. It is
processor time, which other programs on the machine hardly disturb (with `--wall` the clock's: for
an idle machine, and for several threads). "gain": row-major time over channels-last time.
"""

from __future__ import annotations

import argparse
import importlib
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import models

Step = Callable[[], Any]


def _bottleneck(torch: Any, inside: int, middle: int, stride: int) -> Any:
    """ResNet-50's block: 1x1, 3x3, 1x1, and a shortcut."""
    nn, outside = torch.nn, 4 * middle

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Sequential(
                nn.Conv2d(inside, middle, 1, bias=False), nn.BatchNorm2d(middle), nn.ReLU(),
                nn.Conv2d(middle, middle, 3, stride, 1, bias=False), nn.BatchNorm2d(middle),
                nn.ReLU(), nn.Conv2d(middle, outside, 1, bias=False), nn.BatchNorm2d(outside))
            self.shortcut = nn.Sequential() if stride == 1 and inside == outside else nn.Sequential(
                nn.Conv2d(inside, outside, 1, stride, bias=False), nn.BatchNorm2d(outside))

        def forward(self, x: Any) -> Any:
            return torch.relu(self.body(x) + self.shortcut(x))

    return Block()


def resnet50(torch: Any) -> Any:
    """ResNet-50 (He et al., 2015) for 10 classes."""
    nn, inside = torch.nn, 64
    layers = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(),
              nn.MaxPool2d(3, 2, 1)]
    for count, middle in ((3, 64), (4, 128), (6, 256), (3, 512)):
        for i in range(count):
            layers.append(_bottleneck(torch, inside, middle, 2 if middle > 64 and not i else 1))
            inside = 4 * middle
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inside, 10))


def _inverted(torch: Any, inside: int, outside: int, stride: int, widening: int) -> Any:
    """MobileNetV2's block: wide in the middle, where each channel is convolved by itself."""
    nn, wide = torch.nn, inside * widening

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            widen = [] if widening == 1 else [nn.Conv2d(inside, wide, 1, bias=False),
                                              nn.BatchNorm2d(wide), nn.ReLU6()]
            self.body = nn.Sequential(
                *widen, nn.Conv2d(wide, wide, 3, stride, 1, groups=wide, bias=False),
                nn.BatchNorm2d(wide), nn.ReLU6(), nn.Conv2d(wide, outside, 1, bias=False),
                nn.BatchNorm2d(outside))

        def forward(self, x: Any) -> Any:
            return x + self.body(x) if stride == 1 and inside == outside else self.body(x)

    return Block()


def mobilenet(torch: Any) -> Any:
    """MobileNetV2 (Sandler et al., 2018) for 10 classes."""
    nn, inside = torch.nn, 32
    layers = [nn.Conv2d(3, 32, 3, 2, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU6()]
    for widening, outside, count, stride in ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2),
                                             (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2),
                                             (6, 320, 1, 1)):
        for i in range(count):
            layers.append(_inverted(torch, inside, outside, 1 if i else stride, widening))
            inside = outside
    layers += [nn.Conv2d(inside, 1280, 1, bias=False), nn.BatchNorm2d(1280), nn.ReLU6()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1280, 10))


NETS: dict[str, tuple[Callable[[Any], Any], tuple[int, ...]]] = {
    "resnet18": (models.resnet18, (16, 3, 32, 32)),
    "resnet50": (resnet50, (4, 3, 96, 96)),
    "mobilenet_v2": (mobilenet, (8, 3, 96, 96)),
}
ORDERS = ("contiguous_format", "channels_last")


def step(torch: Any, name: str, order: str) -> Step:
    """A training step of the net with its weights and input in one order of memory."""
    torch.manual_seed(0)
    make, shape = NETS[name]
    model = make(torch).to(memory_format=getattr(torch, order))
    x = torch.randn(*shape).contiguous(memory_format=getattr(torch, order))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    return models.training_step(torch, model, optimizer, x, torch.arange(shape[0]) % 10)


def least(steps: list[Step], rounds: int, clock: Callable[[], float]) -> list[float]:
    """The least time of each, in seconds; the first turn of each is not counted."""
    best = [float("inf")] * len(steps)
    for turn in range(rounds + 1):
        for i, run in enumerate(steps):
            start = clock()
            run()
            if turn:
                best[i] = min(best[i], clock() - start)
    return best


def main() -> None:
    """Measure and print a line for each net and module."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="only nets whose name contains one of these")
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--wall", action="store_true", help="the clock's time")
    options = parser.parse_args()
    modules = ["rushlight", *(["torch"] if find_spec("torch") else [])]
    found = [importlib.import_module(name) for name in modules]
    for module in found:
        module.set_num_threads(options.threads)
    clock = time.perf_counter if options.wall else time.process_time
    print(f"{'milliseconds a step':30}{'row-major':>12}{'channels last':>15}{'gain':>8}")
    for name in NETS:
        if options.names and not any(part in name for part in options.names):
            continue
        times = least([step(module, name, order) for module in found for order in ORDERS],
                      options.rounds, clock)
        for i, module_name in enumerate(modules):
            plain, last = times[2 * i : 2 * i + 2]
            print(f"{name:16}{module_name:14}{1e3 * plain:12.1f}{1e3 * last:15.1f}"
                  f"{plain / last:8.2f}", flush=True)


if __name__ == "__main__":
    main()
