"""Local response normalization as old networks had it."""

from __future__ import annotations

from rushlight.nn import functional as F
from rushlight.nn.modules.module import Module
from rushlight.tensor import Tensor


class CrossMapLRN2d(Module):
    """x / (k + alpha / size * s)^beta, s the sum of x^2 over the neighbouring channels.

    Input (N, C, H, W). The sum takes (size + 1) // 2 - 1 channels each side, and, as torch's
    running sum does, the first channel wherever it lies before those; see
    :class:`LocalResponseNorm` for the plain window.

    >>> import rushlight as rl
    >>> rl.nn.CrossMapLRN2d(5)(rl.ones(1, 8, 2, 2)).shape
    torch.Size([1, 8, 2, 2])
    """

    def __init__(
        self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1
    ) -> None:
        super().__init__()
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def forward(self, input: Tensor) -> Tensor:
        if input.dim() != 4:
            raise ValueError(
                f"CrossMapLRN2d: Expected input to be 4D, got {input.dim()}D instead."
            )
        reach = (self.size + 1) // 2
        square = input * input  # (batch, channel, height, width)
        sides = F.pad(square, (0, 0, 0, 0, reach - 1, reach - 1))
        total = sum(sides.narrow(1, start, input.shape[1]) for start in range(2 * reach - 1))
        if input.shape[1] > reach:
            first = square[:, :1].expand(-1, input.shape[1] - reach, -1, -1)
            total = total + F.pad(first, (0, 0, 0, 0, reach, 0))
        return input * (self.k + total * (self.alpha / self.size)) ** -self.beta

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"
