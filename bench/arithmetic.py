"""Matrix products and convolutions: python bench/arithmetic.py [NAME ...]"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from limits import Case, computes
from sidebyside import compare

# batch, channels in, height and width, channels out, kernel
CONVOLUTIONS = {
    "3x3, 64 of 56 x 56": (16, 64, 56, 64, 3),
    "3x3, 128 of 28 x 28": (16, 128, 28, 128, 3),
    "3x3, 256 of 14 x 14": (16, 256, 14, 256, 3),
    "1x1, 64 to 256 of 56 x 56": (16, 64, 56, 256, 1),
    "3x3, RGB of 32 x 32": (64, 3, 32, 64, 3),
    "5x5, grey of 28 x 28": (64, 1, 28, 32, 5),
}


def matmul(size: int) -> Case:
    """A square product."""

    @computes(2 * size**3)
    def case(torch: Any) -> Callable[[], Any]:
        a, b = torch.randn(size, size), torch.randn(size, size)
        return lambda: a @ b

    return case


@computes(2 * 64 * 128 * 64 * 128)
def bmm(torch: Any) -> Callable[[], Any]:
    a, b = torch.randn(64, 128, 64), torch.randn(64, 64, 128)
    return lambda: a @ b


def convolution(batch: int, inside: int, size: int, outside: int, kernel: int,
                groups: int = 1, backward: bool = False) -> Case:
    """`conv2d` that keeps height and width."""

    @computes(2 * batch * inside * size**2 * outside * kernel**2 / groups * (3 if backward else 1))
    def case(torch: Any) -> Callable[[], Any]:
        x = torch.randn(batch, inside, size, size, requires_grad=backward)
        weight = torch.randn(outside, inside // groups, kernel, kernel, requires_grad=backward)
        conv2d = torch.nn.functional.conv2d

        def run() -> Any:
            y = conv2d(x, weight, padding=kernel // 2, groups=groups)
            if backward:
                x.grad = weight.grad = None
                y.sum().backward()
            return y

        return run

    return case


def svd(torch: Any) -> Callable[[], Any]:
    a = torch.randn(16, 128, 128)
    return lambda: torch.linalg.svd(a)


def solve(torch: Any) -> Callable[[], Any]:
    a = torch.randn(16, 128, 128)
    return lambda: torch.linalg.solve(a, a)


CASES: dict[str, Case] = {
    **{f"matmul {size}": matmul(size) for size in (64, 256, 1024, 2048)},
    "bmm 64 of 128 x 64 x 128": bmm,
    **{f"conv {name}": convolution(*sizes) for name, sizes in CONVOLUTIONS.items()},
    **{f"conv {name}, f+b": convolution(*sizes, backward=True)
       for name, sizes in CONVOLUTIONS.items()},
    "conv depthwise 128 of 28 x 28, f+b": convolution(16, 128, 28, 128, 3, 128, True),
    "svd, 16 of 128 x 128": svd,
    "solve, 16 of 128 x 128": solve,
}

if __name__ == "__main__":
    compare(CASES, "Arithmetic")
