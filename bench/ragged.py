"""Sequences of 1 to 100 steps, ragged and padded: python bench/ragged.py [NAME ...]

Each row is one training step (forward and backward) of the same model on the same lengths: ragged,
padded with a mask, and padded with a mask in torch. The sides are measured in turns; the figures
are the least of all turns, the ratios those of the padded steps to the ragged one.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from typing import Any

from sidebyside import Side, geometric_mean, serve

LONGEST, WIDTH = 100, 128
Run = Callable[[], Any]


def lengths(batch: int) -> list[int]:
    """Uniform between 1 and 100, the same on every side."""
    draw = random.Random(batch)
    return [draw.randint(1, LONGEST) for _ in range(batch)]


def inputs(torch: Any, batch: int) -> tuple[Any, Any]:
    """(batch, longest, width), and where the steps are."""
    torch.manual_seed(0)
    sizes = torch.tensor(lengths(batch))
    x = torch.randn(batch, int(sizes.max()), WIDTH)
    return x, torch.arange(x.shape[1]) < sizes[:, None]


def step(model: Any, loss: Callable[[], Any]) -> Run:
    """One forward and backward."""

    def run() -> Any:
        for parameter in model.parameters():
            parameter.grad = None
        loss().backward()

    return run


def recurrent(torch: Any, kind: str, batch: int, ragged: bool) -> Run:
    """One layer, and the mean of squares over the real steps."""
    x, mask = inputs(torch, batch)
    model = getattr(torch.nn, kind)(WIDTH, WIDTH, batch_first=True)
    if ragged:
        r = torch.ragged(x, mask=mask)
        return step(model, lambda: model(r)[0].square().mean())
    return step(model, lambda: model(x)[0][mask].square().mean())


def attention(torch: Any, layers: int, batch: int, ragged: bool) -> Run:
    """A transformer's encoder, and the mean of squares over the real steps."""
    x, mask = inputs(torch, batch)
    layer = torch.nn.TransformerEncoderLayer(WIDTH, 4, 2 * WIDTH, 0.0, batch_first=True)
    model = torch.nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
    if ragged:
        r = torch.ragged(x, mask=mask)
        return step(model, lambda: model(r).square().mean())
    return step(model, lambda: model(x, src_key_padding_mask=~mask)[mask].square().mean())


MODELS = {
    "LSTM, batch 16": partial(recurrent, kind="LSTM", batch=16),
    "LSTM, batch 64": partial(recurrent, kind="LSTM", batch=64),
    "GRU, batch 64": partial(recurrent, kind="GRU", batch=64),
    "attention layer, batch 16": partial(attention, layers=1, batch=16),
    "attention layer, batch 64": partial(attention, layers=1, batch=64),
    "attention, 2 layers, batch 32": partial(attention, layers=2, batch=32),
}
CASES = {f"{name}: {kind}": partial(model, ragged=kind == "ragged")
         for name, model in MODELS.items() for kind in ("ragged", "padded")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="only rows whose name contains one of these")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each side")
    parser.add_argument("--seconds", type=float, default=0.2, help="time of one turn")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(CASES, options.serve, options.seconds)
        return
    own = Side("rushlight", options.seconds)
    other = Side("torch", options.seconds) if find_spec("torch") else None
    columns = [(own, "ragged"), (own, "padded"), *([(other, "padded")] if other else [])]
    titles = ["ragged ms", "padded ms", "torch ms", "padded / ragged", "torch / ragged"]
    print(f"{'':32}" + "".join(f"{title:>17}" for title in titles))
    ratios = []
    for name in MODELS:
        if options.names and not any(part in name for part in options.names):
            continue
        turns = [[side.time(f"{name}: {kind}") for side, kind in columns]
                 for _ in range(options.rounds)]
        ragged, *padded = (min(column) for column in zip(*turns, strict=True))
        ratios.append([each / ragged for each in padded])
        figures = [f"{1e3 * t:17.2f}" for t in (ragged, *padded)]
        print(f"{name:32}" + "".join(figures) + ("" if other else f"{'':17}")
              + "".join(f"{ratio:17.2f}" for ratio in ratios[-1]), flush=True)
    means = [geometric_mean(list(column)) for column in zip(*ratios, strict=True)]
    print(f"{'geometric mean':83}" + "".join(f"{mean:17.2f}" for mean in means))
    for side in (own, other):
        if side is not None:
            side.process.kill()
            side.process.wait()


if __name__ == "__main__":
    main()
