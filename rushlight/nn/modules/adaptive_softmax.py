"""A softmax over many classes that spends little on the rare ones."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Sequence
from typing import Any

from rushlight.nn import functional as F
from rushlight.nn.modules.container import ModuleList, Sequential
from rushlight.nn.modules.linear import Linear
from rushlight.nn.modules.module import Module
from rushlight.ops import argmax, cat, where
from rushlight.ops.masked_loss import maskable, rows
from rushlight.tensor import Tensor

_ASMoutput = namedtuple("_ASMoutput", ["output", "loss"])


@maskable(rows("input", "target"))
def adaptive_loss(input: Any, target: Any, model: Any, reduction: str = "none") -> Tensor:
    """Minus the log-probability that an adaptive softmax gives to each target."""
    if target.dim() == 0:
        return -model._log_probability(input.unsqueeze(0), target.unsqueeze(0)).squeeze(0)
    return -model._log_probability(input, target)


class AdaptiveLogSoftmaxWithLoss(Module):
    """Log-softmax in two steps: a head of frequent classes and clusters, then within the cluster.

    Classes are sorted by falling frequency; `cutoffs` say where clusters begin. Cluster i is
    projected to in_features / div_value^(i + 1) features. Grave et al., 2017.

    `forward(input, target)` returns `output`, the log-probability of each target (N,), and
    `loss`, minus its mean. Input (N, in_features) or (in_features,), target (N,) or (). mask (N,):
    only samples where it is True count; the output of others is zero.

    Raises ValueError for cutoffs that are not increasing, RuntimeError for targets out of range.

    >>> import rushlight as rl
    >>> m = rl.nn.AdaptiveLogSoftmaxWithLoss(8, 20, [5, 10])
    >>> m(rl.randn(4, 8), rl.tensor([0, 4, 7, 19])).output.shape
    torch.Size([4])
    """

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        cutoffs = _checked(list(cutoffs), n_classes)
        self.in_features = in_features
        self.n_classes = n_classes
        self.cutoffs = [*cutoffs, n_classes]
        self.div_value = div_value
        self.head_bias = head_bias
        self.shortlist_size = self.cutoffs[0]
        self.n_clusters = len(self.cutoffs) - 1
        self.head_size = self.shortlist_size + self.n_clusters
        made = {"device": device, "dtype": dtype}
        self.head = Linear(in_features, self.head_size, bias=head_bias, **made)
        self.tail = ModuleList()
        for i in range(self.n_clusters):
            hidden = int(in_features // div_value ** (i + 1))
            size = self.cutoffs[i + 1] - self.cutoffs[i]
            self.tail.append(Sequential(
                Linear(in_features, hidden, bias=False, **made),
                Linear(hidden, size, bias=False, **made),
            ))

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        self.head.reset_parameters()
        for first, second in self.tail:
            first.reset_parameters()
            second.reset_parameters()

    def forward(
        self, input_: Tensor, target_: Tensor, *, mask: Tensor | None = None, lengths: Any = None
    ) -> Any:
        _check_target(input_, target_)
        losses = adaptive_loss(input_, target_, self, "none", mask=mask, lengths=lengths)
        if mask is None:
            return _ASMoutput(-losses, losses.mean())
        counted = mask.expand(losses.shape).sum().clamp(min=1)
        return _ASMoutput(-losses, losses.sum() / counted)

    def _log_probability(self, input: Tensor, target: Tensor) -> Tensor:
        """That of each target: (N, in_features) and (N,) give (N,)."""
        self._check_range(target)
        head = F.log_softmax(self.head(input), dim=1)
        # The place of each target in the head: itself, or its cluster.
        place = target
        output = input.new_zeros(target.shape[0])
        for i in range(self.n_clusters):
            low, high = self.cutoffs[i], self.cutoffs[i + 1]
            inside = (target >= low) & (target < high)
            rows = inside.nonzero().squeeze(1)
            if rows.numel() == 0:
                continue
            place = where(inside, self.shortlist_size + i, place)
            within = F.log_softmax(self.tail[i](input.index_select(0, rows)), dim=1)
            own = within.gather(1, (target[rows] - low).unsqueeze(1)).squeeze(1)
            output = output.index_add(0, rows, own.to(output.dtype))
        return output + head.gather(1, place.unsqueeze(1)).squeeze(1)

    def _check_range(self, target: Tensor) -> None:
        least, most = (int(target.min()), int(target.max())) if target.numel() else (0, 0)
        if least < 0 or most >= self.n_classes:
            raise RuntimeError(
                f"Target values should be in [0, {self.n_classes - 1}], but values in range "
                f"[{least}, {most}] were found. "
            )

    def log_prob(self, input: Tensor) -> Tensor:
        """The log-probabilities of all classes, (N, n_classes), of input (N, in_features)."""
        head = F.log_softmax(self.head(input), dim=1)
        parts = [head[:, : self.shortlist_size]]
        for i in range(self.n_clusters):
            cluster = head[:, self.shortlist_size + i].unsqueeze(1)
            parts.append(F.log_softmax(self.tail[i](input), dim=1) + cluster)
        return cat(parts, dim=1)

    def predict(self, input: Tensor) -> Tensor:
        """The class of highest probability, (N,), of input (N, in_features)."""
        return argmax(self.log_prob(input), dim=1)


def _checked(cutoffs: list[int], n_classes: int) -> list[int]:
    if not cutoffs:
        raise ValueError("cutoffs should be a sequence of length larger than 0")
    if (
        cutoffs != sorted(set(cutoffs))
        or any(int(c) != c or c <= 0 for c in cutoffs)
        or cutoffs[-1] > n_classes - 1
    ):
        raise ValueError(
            "cutoffs should be a sequence of unique, positive integers sorted in an increasing "
            "order, where each value is between 1 and n_classes-1"
        )
    return cutoffs


def _check_target(input: Tensor, target: Tensor) -> None:
    if target.dim() > 1:
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    if target.dim() == 1 and input.shape[0] != target.shape[0]:
        raise RuntimeError("Input and target should have the same size in the batch dimension.")
    if input.dim() != target.dim() + 1:
        raise RuntimeError(
            f"{target.dim()}D target tensor expects {target.dim() + 1}D input tensors, but found "
            f"inputs with size {input.shape}"
        )
