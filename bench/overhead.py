"""The cost of a call where the numbers are few: python bench/overhead.py [NAME ...]"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from limits import Case
from sidebyside import compare

SMALL = 8


def add(torch: Any) -> Callable[[], Any]:
    a, b = torch.ones(SMALL), torch.ones(SMALL)
    return lambda: a + b


def add_recorded(torch: Any) -> Callable[[], Any]:
    a, b = torch.ones(SMALL, requires_grad=True), torch.ones(SMALL)
    return lambda: a + b


def multiply_backward(torch: Any) -> Callable[[], Any]:
    x, b = torch.ones(SMALL, requires_grad=True), torch.ones(SMALL)
    one = torch.ones(SMALL)

    def run() -> None:
        x.grad = None
        (x * b).backward(one)

    return run


def scalar(torch: Any) -> Callable[[], Any]:
    a = torch.ones(SMALL)
    return lambda: a * 2 + 1


def in_place(torch: Any) -> Callable[[], Any]:
    a, b = torch.ones(SMALL), torch.ones(SMALL)
    return lambda: a.add_(b)


def views(torch: Any) -> Callable[[], Any]:
    a = torch.ones(4, 6)
    return lambda: a.view(2, 12).transpose(0, 1)[1:3].unsqueeze(0)


def total(torch: Any) -> Callable[[], Any]:
    a = torch.ones(SMALL, SMALL)
    return lambda: a.sum(1)


def softmax(torch: Any) -> Callable[[], Any]:
    a = torch.ones(SMALL, SMALL)
    return lambda: torch.softmax(a, 1)


def linear(torch: Any) -> Callable[[], Any]:
    layer, x = torch.nn.Linear(SMALL, SMALL), torch.ones(1, SMALL)
    return lambda: layer(x)


def linear_step(torch: Any) -> Callable[[], Any]:
    layer, x = torch.nn.Linear(SMALL, 1), torch.ones(1, SMALL)
    optimizer = torch.optim.SGD(layer.parameters(), lr=1e-9)

    def run() -> None:
        optimizer.zero_grad()
        layer(x).sum().backward()
        optimizer.step()

    return run


CASES: dict[str, Case] = {
    "a + b": add,
    "a + b, recorded": add_recorded,
    "x * b, backward": multiply_backward,
    "a * 2 + 1": scalar,
    "a.add_(b)": in_place,
    "four views": views,
    "a.sum(1)": total,
    "softmax(a, 1)": softmax,
    "Linear(8, 8)": linear,
    "Linear(8, 1), SGD step": linear_step,
}

if __name__ == "__main__":
    compare(CASES, "Call overhead, tensors of 8 to 64 elements")
