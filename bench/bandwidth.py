"""Operations that pass over memory once: python bench/bandwidth.py [NAME ...]"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from limits import Case, moves
from sidebyside import compare

POINTWISE = ("add", "exp", "tanh", "gelu", "sigmoid", "relu")
FLOAT = 4  # bytes


def pointwise(name: str, count: int) -> Case:
    """One call of a pointwise operation on `count` elements."""

    @moves(FLOAT * count * (3 if name == "add" else 2))
    def case(torch: Any) -> Callable[[], Any]:
        a, b = torch.randn(count), torch.randn(count)
        if name == "add":
            return lambda: a + b
        function = getattr(torch.nn.functional if name == "gelu" else torch, name)
        return lambda: function(a)

    return case


def total(count: int) -> Case:
    """The sum of `count` elements."""
    return lambda torch: torch.randn(count).sum


@moves(FLOAT * (2 * 2048 * 1024 + 1024))
def broadcast_row(torch: Any) -> Callable[[], Any]:
    a, b = torch.randn(2048, 1024), torch.randn(1024)
    return lambda: a + b


@moves(FLOAT * 3 * 1024 * 2048)
def transposed(torch: Any) -> Callable[[], Any]:
    a, b = torch.randn(1024, 2048), torch.randn(2048, 1024)
    return lambda: a.t() + b


@moves(FLOAT * 2 * 4096 * 1024)
def softmax(torch: Any) -> Callable[[], Any]:
    a = torch.randn(4096, 1024)
    return lambda: torch.softmax(a, -1)


def layer_norm(torch: Any) -> Callable[[], Any]:
    layer, x = torch.nn.LayerNorm(1024), torch.randn(4096, 1024, requires_grad=True)
    return lambda: layer(x).sum().backward()


def cross_entropy(torch: Any) -> Callable[[], Any]:
    scores = torch.randn(2048, 10000, requires_grad=True)
    target = torch.randint(0, 10000, (2048,))

    def run() -> None:
        scores.grad = None
        torch.nn.functional.cross_entropy(scores, target).backward()

    return run


def sum_rows(torch: Any) -> Callable[[], Any]:
    a = torch.randn(4096, 1024)
    return lambda: a.sum(0)


def argmax(torch: Any) -> Callable[[], Any]:
    a = torch.randn(1000, 1000)
    return lambda: a.argmax(1)


def topk(torch: Any) -> Callable[[], Any]:
    a = torch.randn(1000, 1000)
    return lambda: a.topk(5, 1)


def sort(torch: Any) -> Callable[[], Any]:
    a = torch.randn(1000, 1000)
    return lambda: a.sort(1)


def embedding(torch: Any) -> Callable[[], Any]:
    layer, tokens = torch.nn.Embedding(20000, 256), torch.randint(0, 20000, (64, 128))

    def run() -> None:
        layer.weight.grad = None
        layer(tokens).sum().backward()

    return run


def index_add(torch: Any) -> Callable[[], Any]:
    a, zeros = torch.randn(20000, 128), torch.zeros(20000, 128)
    index = torch.randint(0, 20000, (30000,))
    return lambda: zeros.index_add(0, index, a.index_select(0, index))


@moves(FLOAT * 4 * 8 * 32 * 64 * 64)
def stack_permute(torch: Any) -> Callable[[], Any]:
    parts = [torch.randn(32, 64, 64) for _ in range(8)]
    return lambda: torch.stack(parts).permute(1, 0, 3, 2).contiguous()


CASES: dict[str, Case] = {
    **{f"{name}, {count:,}": pointwise(name, count)
       for count in (1_000, 1_000_000, 10_000_000) for name in POINTWISE},
    "sum, 1,000,000": total(1_000_000),
    "sum, 10,000,000": total(10_000_000),
    "(2048, 1024) + (1024,)": broadcast_row,
    "(1024, 2048).t() + (2048, 1024)": transposed,
    "softmax, 4096 x 1024": softmax,
    "layer norm, forward and backward": layer_norm,
    "cross entropy, 2048 x 10000, f+b": cross_entropy,
    "sum over rows, 4096 x 1024": sum_rows,
    "argmax, 1000 x 1000": argmax,
    "topk 5, 1000 x 1000": topk,
    "sort, 1000 x 1000": sort,
    "embedding, forward and backward": embedding,
    "index_select, index_add": index_add,
    "stack, permute, contiguous": stack_permute,
}

if __name__ == "__main__":
    compare(CASES, "One pass over memory")
