"""A linear layer and the cross entropy of what it gives, in one module."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rushlight.nn import functional as F
from rushlight.nn.modules.linear import Linear
from rushlight.nn.modules.module import Module
from rushlight.tensor import Tensor


@dataclass(frozen=True)
class LinearCrossEntropyOptions:
    """How torch cuts `linear_cross_entropy` into pieces: taken from programs, but not needed here.

    The whole scores are computed at once whatever they say; results do not depend on them.

    >>> import rushlight as rl
    >>> rl.nn.LinearCrossEntropyOptions().chunking_method
    'auto'
    """

    allow_retain_graph: bool = False
    batch_chunk_size: int | None = None
    chunking_method: str | None = "auto"
    acc_policy: str = "auto"
    acc_dtype: Any = None


class LinearCrossEntropyLoss(Module):
    """cross_entropy(linear(input), target): input (N, in_features), target (N, *out_features).

    The layer gives num_classes scores for each place of `out_features`; the other options are
    those of :class:`CrossEntropyLoss`.

    >>> import rushlight as rl
    >>> loss = rl.nn.LinearCrossEntropyLoss(3, 4)
    >>> loss(rl.zeros(1, 3), rl.tensor([2]))
    tensor(1.3863, grad_fn=<NllLossBackward0>)
    """

    def __init__(self, in_features: int, num_classes: int, *, out_features: tuple[int, ...] = (),
                 bias: bool = False, device: Any = None, dtype: Any = None,
                 reduction: str = "mean", weight: Tensor | None = None,
                 ignore_index: int | None = None, label_smoothing: float = 0.0,
                 options: LinearCrossEntropyOptions | None = None) -> None:
        super().__init__()
        self.in_features, self.num_classes = in_features, num_classes
        self.out_features = tuple(out_features)
        width = num_classes
        for size in self.out_features:
            width *= size
        self.linear = Linear(in_features, width, bias, device, dtype)
        self.register_buffer("weight", weight)
        self.reduction, self.ignore_index = reduction, ignore_index
        self.label_smoothing, self.options = label_smoothing, options

    def forward(
        self, input: Tensor, target: Tensor, *, mask: Tensor | None = None, lengths: Any = None
    ) -> Tensor:
        shape = (self.num_classes, *self.out_features)
        bias: Any = self.linear.bias
        return F.linear_cross_entropy(
            input, self.linear.weight.reshape(*shape, self.in_features), target,
            linear_bias=None if bias is None else bias.reshape(shape), weight=self.weight,
            reduction=self.reduction, ignore_index=self.ignore_index,
            label_smoothing=self.label_smoothing, options=self.options,
            mask=mask,
            lengths=lengths,
        )

    def extra_repr(self) -> str:
        return (f"in_features={self.in_features}, num_classes={self.num_classes}, "
                f"out_features={self.out_features}, bias={self.linear.bias is not None}, "
                f"reduction={self.reduction}, ignore_index={self.ignore_index}, "
                f"label_smoothing={self.label_smoothing}, options={self.options}")
