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

import rushlight as rl

F = rl.nn.functional
CLAIM = 1.10


class Block(rl.nn.Module):
    """Two convolutions beside the identity, as in ResNet-18."""

    def __init__(self, inside: int, outside: int, stride: int) -> None:
        super().__init__()
        self.conv1 = rl.nn.Conv2d(inside, outside, 3, stride, 1, bias=False)
        self.norm1 = rl.nn.BatchNorm2d(outside)
        self.conv2 = rl.nn.Conv2d(outside, outside, 3, 1, 1, bias=False)
        self.norm2 = rl.nn.BatchNorm2d(outside)
        self.relu = rl.nn.ReLU()
        self.skip: Any = rl.nn.Identity()
        if stride > 1 or inside != outside:
            self.skip = rl.nn.Sequential(rl.nn.Conv2d(inside, outside, 1, stride, bias=False),
                                         rl.nn.BatchNorm2d(outside))

    def forward(self, x: Any) -> Any:
        """(batch, channels, height, width)."""
        y = self.relu(self.norm1(self.conv1(x)))
        return self.relu(self.norm2(self.conv2(y)) + self.skip(x))


def resnet() -> tuple[Any, Callable[[], None]]:
    """ResNet-18 on 32 x 32 pixels, batches of 16."""
    widths = [(64, 64, 1), (64, 64, 1), (64, 128, 2), (128, 128, 1), (128, 256, 2), (256, 256, 1),
              (256, 512, 2), (512, 512, 1)]
    model = rl.nn.Sequential(
        rl.nn.Conv2d(3, 64, 3, 1, 1, bias=False), rl.nn.BatchNorm2d(64), rl.nn.ReLU(),
        *(Block(*width) for width in widths), rl.nn.AdaptiveAvgPool2d(1), rl.nn.Flatten(),
        rl.nn.Linear(512, 10))
    x, y = rl.randn(16, 3, 32, 32), rl.randint(0, 10, (16,))
    return model, step_of(model, x, y)


class Layer(rl.nn.Module):
    """One layer of a small GPT."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = rl.nn.LayerNorm(width), rl.nn.LayerNorm(width)
        self.qkv, self.out = rl.nn.Linear(width, 3 * width), rl.nn.Linear(width, width)
        self.mlp = rl.nn.Sequential(rl.nn.Linear(width, 4 * width), rl.nn.GELU(),
                                    rl.nn.Linear(4 * width, width))

    def forward(self, x: Any) -> Any:
        """(batch, time, width)."""
        batch, time_, width = x.shape
        split = self.qkv(self.norm1(x)).view(batch, time_, 3, self.heads, width // self.heads)
        q, k, v = split.permute(2, 0, 3, 1, 4).unbind(0)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(y.transpose(1, 2).reshape(batch, time_, width))
        return x + self.mlp(self.norm2(x))


class GPT(rl.nn.Module):
    """Four layers of width 256."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens, self.places = rl.nn.Embedding(256, 256), rl.nn.Embedding(128, 256)
        self.layers = rl.nn.Sequential(*(Layer(256, 8) for _ in range(4)))
        self.head = rl.nn.Linear(256, 256)

    def forward(self, x: Any) -> Any:
        """(batch, time) token numbers give (batch, 256, time) scores."""
        x = self.tokens(x) + self.places(rl.arange(x.shape[1]))
        return self.head(self.layers(x)).transpose(1, 2)


def gpt() -> tuple[Any, Callable[[], None]]:
    """A small GPT, 8 sequences of 128 tokens."""
    model = GPT()
    tokens = rl.randint(0, 256, (8, 129))
    return model, step_of(model, tokens[:, :-1], tokens[:, 1:])


def step_of(model: Any, x: Any, y: Any) -> Callable[[], None]:
    """One training step: forward, backward, update."""
    optimizer = rl.optim.SGD(model.parameters(), lr=1e-4)

    def step() -> None:
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()

    return step


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
