"""Losses of predictions against target values.

``reduction``: "mean", "sum", or "none" for the loss of each element. ``size_average`` and
``reduce`` are its older spelling. Every call takes ``mask=`` (bool, broadcastable to the losses of
``reduction="none"``; True counts) or ``lengths=`` ((batch,), how much of dimension 1 counts): what
does not count is never read, and its gradient is exactly zero.
"""

from __future__ import annotations

import warnings
from typing import Any

from rushlight.nn import functional as F
from rushlight.nn.modules.module import Module
from rushlight.tensor import Tensor


class _Loss(Module):
    def __init__(
        self, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean"
    ) -> None:
        super().__init__()
        if isinstance(size_average, Tensor) or isinstance(reduce, Tensor):
            raise RuntimeError("Boolean value of Tensor with more than one value is ambiguous: "
                               f"{type(self).__name__} is made first and called then, as "
                               f"{type(self).__name__}()(input, target)")
        if size_average is not None or reduce is not None:
            reduction = _older_reduction(size_average, reduce)
        self.reduction = reduction


def _older_reduction(size_average: bool | None, reduce: bool | None) -> str:
    if reduce is False:
        reduction = "none"
    else:
        reduction = "sum" if size_average is False else "mean"
    warnings.warn(
        "size_average and reduce args will be deprecated, "
        f"please use reduction='{reduction}' instead.",
        stacklevel=4,
    )
    return reduction


class _WeightedLoss(_Loss):
    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)


class L1Loss(_Loss):
    """|input - target|.

    >>> import rushlight as rl
    >>> rl.nn.L1Loss()(rl.tensor([1.0, 4.0]), rl.zeros(2))
    tensor(2.5000)
    """

    def forward(
        self, input: Tensor, target: Tensor, *, mask: Tensor | None = None, lengths: Any = None
    ) -> Tensor:
        return F.l1_loss(
            input, target, reduction=self.reduction,
            mask=mask, lengths=lengths,
        )


class MSELoss(_Loss):
    """(input - target)^2.

    >>> import rushlight as rl
    >>> rl.nn.MSELoss()(rl.tensor([1.0, 3.0]), rl.zeros(2))
    tensor(5.)
    """

    def forward(
        self, input: Tensor, target: Tensor, *, mask: Tensor | None = None, lengths: Any = None
    ) -> Tensor:
        return F.mse_loss(
            input, target, reduction=self.reduction,
            mask=mask, lengths=lengths,
        )


class SmoothL1Loss(_Loss):
    """d^2 / (2 beta) where d = |input - target| < beta, else d - beta / 2 (Girshick, 2015).

    >>> import rushlight as rl
    >>> rl.nn.SmoothL1Loss()(rl.tensor([1.0, 3.0]), rl.zeros(2))
    tensor(1.5000)
    """

    def __init__(
        self,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        beta: float = 1.0,
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.beta = beta

    def forward(
        self, input: Tensor, target: Tensor, *, mask: Tensor | None = None, lengths: Any = None
    ) -> Tensor:
        return F.smooth_l1_loss(
            input, target, reduction=self.reduction, beta=self.beta,
            mask=mask, lengths=lengths,
        )


class HuberLoss(_Loss):
    """d^2 / 2 where d = |input - target| < delta, else delta (d - delta / 2) (Huber, 1964).

    >>> import rushlight as rl
    >>> rl.nn.HuberLoss()(rl.tensor([1.0, 3.0]), rl.zeros(2))
    tensor(1.5000)
    """

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        if not isinstance(delta, float | int):
            raise TypeError(f"delta must be a float or int, got: {type(delta)}")
        super().__init__(reduction=reduction)
        self.delta = delta

    def forward(
        self, input: Tensor, target: Tensor, *, mask: Tensor | None = None, lengths: Any = None
    ) -> Tensor:
        return F.huber_loss(
            input, target, reduction=self.reduction, delta=self.delta,
            mask=mask, lengths=lengths,
        )


class NLLLoss(_WeightedLoss):
    """-weight[target] * input[target] for log-probabilities (N, C, *) and class indices (N, *).

    Targets equal to ``ignore_index`` do not count; the mean is over the weights of the others.

    >>> import rushlight as rl
    >>> rl.nn.NLLLoss()(rl.tensor([[-1.0, -2.0]]), rl.tensor([1]))
    tensor(2.)
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index = ignore_index

    def forward(
        self, input: Tensor, target: Tensor, *, mask: Tensor | None = None, lengths: Any = None
    ) -> Tensor:
        return F.nll_loss(
            input,
            target,
            weight=self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            mask=mask,
            lengths=lengths,
        )


class NLLLoss2d(NLLLoss):
    """The older name of :class:`NLLLoss` for images."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        warnings.warn(
            "`NLLLoss2d` has been deprecated. Please use `NLLLoss` instead as a drop-in "
            "replacement",
            FutureWarning,
            stacklevel=2,
        )
        super().__init__(*args, **kwargs)


class CrossEntropyLoss(_WeightedLoss):
    """-log softmax(input)[target] for scores (N, C, *) and class indices (N, *).

    Targets may be probabilities (N, C, *) instead. ``label_smoothing`` mixes the target with the
    uniform distribution (Szegedy et al., 2015); other options as :class:`NLLLoss`.

    >>> import rushlight as rl
    >>> rl.nn.CrossEntropyLoss()(rl.zeros(1, 2), rl.tensor([1]))
    tensor(0.6931)
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing

    def forward(
        self, input: Tensor, target: Tensor, *, mask: Tensor | None = None, lengths: Any = None
    ) -> Tensor:
        return F.cross_entropy(
            input,
            target,
            weight=self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
            mask=mask,
            lengths=lengths,
        )


class BCELoss(_WeightedLoss):
    """-(t log p + (1 - t) log(1 - p)) for probabilities p and targets t; logarithms stop at -100.

    >>> import rushlight as rl
    >>> rl.nn.BCELoss()(rl.tensor([0.5]), rl.tensor([1.0]))
    tensor(0.6931)
    """

    def forward(
        self, input: Tensor, target: Tensor, *, mask: Tensor | None = None, lengths: Any = None
    ) -> Tensor:
        return F.binary_cross_entropy(
            input, target, weight=self.weight, reduction=self.reduction,
            mask=mask, lengths=lengths,
        )


class BCEWithLogitsLoss(_Loss):
    """Binary cross entropy of sigmoid(input), computed without overflow.

    ``pos_weight`` multiplies the part of the positive targets.

    >>> import rushlight as rl
    >>> rl.nn.BCEWithLogitsLoss()(rl.zeros(1), rl.tensor([1.0]))
    tensor(0.6931)
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        pos_weight: Tensor | None = None,
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)
        self.register_buffer("pos_weight", pos_weight)

    def forward(
        self, input: Tensor, target: Tensor, *, mask: Tensor | None = None, lengths: Any = None
    ) -> Tensor:
        return F.binary_cross_entropy_with_logits(
            input, target, self.weight, pos_weight=self.pos_weight, reduction=self.reduction,
            mask=mask, lengths=lengths,
        )


class KLDivLoss(_Loss):
    """target (log target - input), input being log-probabilities.

    ``log_target=True``: so are the targets. ``reduction="batchmean"`` is the divergence itself.

    >>> import rushlight as rl
    >>> rl.nn.KLDivLoss(reduction="batchmean")(rl.tensor([[0.5, 0.5]]).log(), rl.ones(1, 2))
    tensor(1.3863)
    """

    def __init__(
        self,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        log_target: bool = False,
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.log_target = log_target

    def forward(
        self, input: Tensor, target: Tensor, *, mask: Tensor | None = None, lengths: Any = None
    ) -> Tensor:
        return F.kl_div(
            input, target, reduction=self.reduction, log_target=self.log_target,
            mask=mask, lengths=lengths,
        )


class PoissonNLLLoss(_Loss):
    """exp(input) - target * input for a Poisson rate given as its logarithm.

    ``log_input=False``: the rate itself. ``full=True`` adds Stirling's term of log target!.

    >>> import rushlight as rl
    >>> rl.nn.PoissonNLLLoss()(rl.zeros(1), rl.ones(1))
    tensor(1.)
    """

    def __init__(
        self,
        log_input: bool = True,
        full: bool = False,
        size_average: bool | None = None,
        eps: float = 1e-8,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.log_input = log_input
        self.full = full
        self.eps = eps

    def forward(
        self, log_input: Tensor, target: Tensor, *, mask: Tensor | None = None, lengths: Any = None
    ) -> Tensor:
        return F.poisson_nll_loss(
            log_input,
            target,
            log_input=self.log_input,
            full=self.full,
            eps=self.eps,
            reduction=self.reduction,
            mask=mask,
            lengths=lengths,
        )


class GaussianNLLLoss(_Loss):
    """(log var + (input - target)^2 / var) / 2, the variance at least ``eps``.

    Nix & Weigend, 1994.

    >>> import rushlight as rl
    >>> rl.nn.GaussianNLLLoss()(rl.zeros(1), rl.tensor([2.0]), rl.ones(1))
    tensor(2.)
    """

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        super().__init__(None, None, reduction)
        self.full = full
        self.eps = eps

    def forward(
        self, input: Tensor, target: Tensor, var: Tensor | float, *,
        mask: Tensor | None = None, lengths: Any = None
    ) -> Tensor:
        return F.gaussian_nll_loss(
            input, target, var, full=self.full, eps=self.eps, reduction=self.reduction,
            mask=mask, lengths=lengths,
        )


class CTCLoss(_Loss):
    """-log of the summed probability of all alignments of a target sequence (Graves et al., 2006).

    Log-probabilities are (T, N, C), class ``blank`` among them.

    >>> import rushlight as rl
    >>> scores = rl.zeros(2, 1, 2).log_softmax(2)
    >>> rl.nn.CTCLoss()(scores, rl.tensor([[1]]), rl.tensor([2]), rl.tensor([1]))
    tensor(0.2877)
    """

    def __init__(
        self, blank: int = 0, reduction: str = "mean", zero_infinity: bool = False
    ) -> None:
        super().__init__(reduction=reduction)
        self.blank = blank
        self.zero_infinity = zero_infinity

    def forward(
        self, log_probs: Tensor, targets: Tensor, input_lengths: Any, target_lengths: Any, *,
        mask: Tensor | None = None, lengths: Any = None
    ) -> Tensor:
        return F.ctc_loss(
            log_probs,
            targets,
            input_lengths,
            target_lengths,
            self.blank,
            self.reduction,
            self.zero_infinity,
            mask=mask,
            lengths=lengths,
        )
