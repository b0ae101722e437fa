"""A training step of the demo's LeNet, forward to update: python bench/demo.py [NAME ...]"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sidebyside import compare


def lenet(torch: Any) -> Any:
    """The demo's net, made of either module's layers."""
    nn = torch.nn
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )  # fmt: skip


def step(batch: int) -> Callable[[Any], Callable[[], Any]]:
    """A training step with Adam on `batch` images."""

    def make(torch: Any) -> Callable[[], Any]:
        net = lenet(torch)
        optimizer = torch.optim.Adam(net.parameters(), lr=0.003)
        images, labels = torch.rand(batch, 1, 28, 28), torch.arange(batch) % 10

        def run() -> None:
            loss = torch.nn.functional.cross_entropy(net(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

        return run

    return make


def evaluation(torch: Any) -> Callable[[], Any]:
    """Scores of 500 images, nothing recorded."""
    net, images = lenet(torch).eval(), torch.rand(500, 1, 28, 28)

    def run() -> None:
        with torch.no_grad():
            net(images)

    return run


if __name__ == "__main__":
    compare(
        {
            "training step, batch 4": step(4),
            "training step, batch 64": step(64),
            "evaluation, 500 images": evaluation,
        },
        "LeNet on 28x28 images",
    )
