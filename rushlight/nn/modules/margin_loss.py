"""Losses that ask for a margin between scores, labels or distances.

Options ``reduction``, ``size_average`` and ``reduce`` as in the module ``loss``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight.nn import functional as F
from rushlight.nn.modules.distance import PairwiseDistance
from rushlight.nn.modules.loss import _Loss, _WeightedLoss
from rushlight.tensor import Tensor


class _MarginLoss(_Loss):
    def __init__(
        self,
        margin: float = 0.0,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.margin = margin


class MarginRankingLoss(_MarginLoss):
    """max(0, margin - target (input1 - input2)), target 1 or -1; the margin is 0 by default.

    >>> import rushlight as rl
    >>> rl.nn.MarginRankingLoss()(rl.tensor([1.0]), rl.tensor([3.0]), rl.tensor([1.0]))
    tensor(2.)
    """

    def forward(
        self, input1: Tensor, input2: Tensor, target: Tensor, *,
        mask: Tensor | None = None, lengths: Any = None
    ) -> Tensor:
        return F.margin_ranking_loss(
            input1, input2, target, margin=self.margin, reduction=self.reduction,
            mask=mask, lengths=lengths,
        )


class HingeEmbeddingLoss(_MarginLoss):
    """input where target is 1, max(0, margin - input) where it is -1; the margin is 1 by default.

    >>> import rushlight as rl
    >>> rl.nn.HingeEmbeddingLoss()(rl.tensor([0.5, 0.25]), rl.tensor([1, -1]))
    tensor(0.6250)
    """

    def __init__(
        self,
        margin: float = 1.0,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(margin, size_average, reduce, reduction)

    def forward(
        self, input: Tensor, target: Tensor, *, mask: Tensor | None = None, lengths: Any = None
    ) -> Tensor:
        return F.hinge_embedding_loss(
            input, target, margin=self.margin, reduction=self.reduction,
            mask=mask, lengths=lengths,
        )


class CosineEmbeddingLoss(_MarginLoss):
    """1 - cos(input1, input2) where target is 1, max(0, cos - margin) where it is -1.

    >>> import rushlight as rl
    >>> x = rl.tensor([[1.0, 0.0]])
    >>> rl.nn.CosineEmbeddingLoss()(x, 2 * x, rl.tensor([-1]))
    tensor(1.)
    """

    def forward(
        self, input1: Tensor, input2: Tensor, target: Tensor, *,
        mask: Tensor | None = None, lengths: Any = None
    ) -> Tensor:
        return F.cosine_embedding_loss(
            input1, input2, target, margin=self.margin, reduction=self.reduction,
            mask=mask, lengths=lengths,
        )


class SoftMarginLoss(_Loss):
    """log(1 + exp(-target input)), target 1 or -1.

    >>> import rushlight as rl
    >>> rl.nn.SoftMarginLoss()(rl.zeros(1), rl.ones(1))
    tensor(0.6931)
    """

    def forward(
        self, input: Tensor, target: Tensor, *, mask: Tensor | None = None, lengths: Any = None
    ) -> Tensor:
        return F.soft_margin_loss(
            input, target, reduction=self.reduction,
            mask=mask, lengths=lengths,
        )


class MultiLabelSoftMarginLoss(_WeightedLoss):
    """Binary cross entropy of sigmoid(input), averaged over the classes of (N, C).

    >>> import rushlight as rl
    >>> rl.nn.MultiLabelSoftMarginLoss()(rl.zeros(1, 3), rl.tensor([[1.0, 0.0, 1.0]]))
    tensor(0.6931)
    """

    def forward(
        self, input: Tensor, target: Tensor, *, mask: Tensor | None = None, lengths: Any = None
    ) -> Tensor:
        return F.multilabel_soft_margin_loss(
            input, target, weight=self.weight, reduction=self.reduction,
            mask=mask, lengths=lengths,
        )


class MultiLabelMarginLoss(_Loss):
    """The sum of max(0, 1 - (x_y - x_i)) / C over target classes y and others i.

    Targets (N, C) list class indices; the first -1 ends the list.

    >>> import rushlight as rl
    >>> rl.nn.MultiLabelMarginLoss()(rl.tensor([[0.1, 0.2, 0.4]]), rl.tensor([[2, -1, -1]]))
    tensor(0.5000)
    """

    def forward(
        self, input: Tensor, target: Tensor, *, mask: Tensor | None = None, lengths: Any = None
    ) -> Tensor:
        return F.multilabel_margin_loss(
            input, target, reduction=self.reduction,
            mask=mask, lengths=lengths,
        )


class MultiMarginLoss(_WeightedLoss):
    """The sum of weight_y max(0, margin - x_y + x_i)^p / C over the classes i other than y.

    >>> import rushlight as rl
    >>> rl.nn.MultiMarginLoss()(rl.tensor([[0.5, 0.25]]), rl.tensor([0]))
    tensor(0.3750)
    """

    def __init__(
        self,
        p: int = 1,
        margin: float = 1.0,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        if p != 1 and p != 2:
            raise ValueError("only p == 1 and p == 2 supported")
        if weight is not None and weight.dim() != 1:
            raise ValueError(
                "MultiMarginLoss: expected weight to be None or 1D tensor, "
                f"got {weight.dim()}D instead"
            )
        self.p = p
        self.margin = margin

    def forward(
        self, input: Tensor, target: Tensor, *, mask: Tensor | None = None, lengths: Any = None
    ) -> Tensor:
        return F.multi_margin_loss(
            input,
            target,
            p=self.p,
            margin=self.margin,
            weight=self.weight,
            reduction=self.reduction,
            mask=mask,
            lengths=lengths,
        )


class TripletMarginLoss(_Loss):
    """max(0, d(anchor, positive) - d(anchor, negative) + margin), d the p-norm of the difference.

    ``swap=True`` takes d(positive, negative) where that is smaller (Balntas et al., 2016).

    >>> import rushlight as rl
    >>> a, b = rl.zeros(1, 2), rl.tensor([[3.0, 4.0]])
    >>> rl.nn.TripletMarginLoss()(a, b, b)
    tensor(1.)
    """

    def __init__(
        self,
        margin: float = 1.0,
        p: float = 2.0,
        eps: float = 1e-6,
        swap: bool = False,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        _check_margin("TripletMarginLoss", margin)
        self.margin = margin
        self.p = p
        self.eps = eps
        self.swap = swap

    def forward(
        self, anchor: Tensor, positive: Tensor, negative: Tensor, *,
        mask: Tensor | None = None, lengths: Any = None
    ) -> Tensor:
        return F.triplet_margin_loss(
            anchor,
            positive,
            negative,
            margin=self.margin,
            p=self.p,
            eps=self.eps,
            swap=self.swap,
            reduction=self.reduction,
            mask=mask,
            lengths=lengths,
        )


class TripletMarginWithDistanceLoss(_Loss):
    """:class:`TripletMarginLoss` with any ``distance_function`` of two tensors.

    >>> import rushlight as rl
    >>> loss = rl.nn.TripletMarginWithDistanceLoss(
    ...     distance_function=lambda x, y: (x - y).abs().sum(1)
    ... )
    >>> loss(rl.zeros(1, 2), rl.ones(1, 2), rl.zeros(1, 2))
    tensor(3.)
    """

    def __init__(
        self,
        *,
        distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
        margin: float = 1.0,
        swap: bool = False,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction=reduction)
        _check_margin("TripletMarginWithDistanceLoss", margin)
        if distance_function is None:
            distance_function = PairwiseDistance()
        self.distance_function = distance_function
        self.margin = margin
        self.swap = swap

    def forward(
        self, anchor: Tensor, positive: Tensor, negative: Tensor, *,
        mask: Tensor | None = None, lengths: Any = None
    ) -> Tensor:
        return F.triplet_margin_with_distance_loss(
            anchor,
            positive,
            negative,
            distance_function=self.distance_function,
            margin=self.margin,
            swap=self.swap,
            reduction=self.reduction,
            mask=mask,
            lengths=lengths,
        )


def _check_margin(name: str, margin: float) -> None:
    if margin <= 0:
        raise ValueError(f"{name}: expected margin to be greater than 0, got {margin} instead")
