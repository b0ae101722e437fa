"""Layers that zero random elements or channels while training, and do nothing in evaluation."""

from __future__ import annotations

from rushlight.nn import functional as F
from rushlight.nn.modules.module import Module
from rushlight.tensor import Tensor


class _DropoutNd(Module):
    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        if p < 0 or p > 1:
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
        self.p = p
        self.inplace = inplace

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_DropoutNd):
    """Zero each element with probability ``p``, scale the rest by 1 / (1 - p) (Hinton, 2012).

    >>> import rushlight as rl
    >>> rl.nn.Dropout(p=0.2).eval()(rl.ones(2))
    tensor([1., 1.])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout(input, self.p, self.training, self.inplace)


class Dropout1d(_DropoutNd):
    """Zero whole channels of (batch, channels, length) with probability ``p``.

    >>> import rushlight as rl
    >>> rl.nn.Dropout1d()(rl.ones(20, 16, 32)).shape
    torch.Size([20, 16, 32])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout1d(input, self.p, self.training, self.inplace)


class Dropout2d(_DropoutNd):
    """Zero whole channels of (batch, channels, height, width) with probability ``p``.

    Tompson et al., 2015.

    >>> import rushlight as rl
    >>> rl.nn.Dropout2d()(rl.ones(20, 16, 4, 4)).shape
    torch.Size([20, 16, 4, 4])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout2d(input, self.p, self.training, self.inplace)


class Dropout3d(_DropoutNd):
    """Zero whole channels of (batch, channels, depth, height, width) with probability ``p``.

    >>> import rushlight as rl
    >>> rl.nn.Dropout3d()(rl.ones(2, 16, 4, 4, 4)).shape
    torch.Size([2, 16, 4, 4, 4])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout3d(input, self.p, self.training, self.inplace)


class AlphaDropout(_DropoutNd):
    """Dropout for SELU networks: mean 0 and variance 1 stay (Klambauer et al., 2017).

    >>> import rushlight as rl
    >>> rl.nn.AlphaDropout(p=0.2)(rl.ones(20, 16)).shape
    torch.Size([20, 16])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.alpha_dropout(input, self.p, self.training)  # never in place, as in torch


class FeatureAlphaDropout(_DropoutNd):
    """AlphaDropout of whole channels.

    >>> import rushlight as rl
    >>> rl.nn.FeatureAlphaDropout(p=0.2)(rl.ones(2, 16, 4, 4, 4)).shape
    torch.Size([2, 16, 4, 4, 4])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.feature_alpha_dropout(input, self.p, self.training)
