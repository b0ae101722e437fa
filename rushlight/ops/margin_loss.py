"""Losses that ask for a margin between the scores of classes, or between distances."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight.families.composite import function
from rushlight.families.inplace import title
from rushlight.families.node_names import named
from rushlight.ops.activation import relu
from rushlight.ops.arithmetic import minimum
from rushlight.ops.geometry import pairwise_distance
from rushlight.ops.loss import _reduction, reduced
from rushlight.ops.masked_loss import maskable, rows
from rushlight.tensor import Tensor


@function("nn.functional.multi_margin_loss", samples=lambda x: [
    (x(3, 6), x.integers(3)), (x(3, 6), x.integers(3), 2, 0.5, x(6, low=0.5), {"reduction": "sum"}),
    (x(6), x.integers())])
@maskable(rows("input", "target"))
def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p: int = 1,
    margin: float = 1.0,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """sum_i w_y max(0, margin - x_y + x_i)^p / C over the classes i other than y, reduced.

    Args:
        input: scores (N, C) or (C,). target: class numbers (N,) or ().
        weight: (C,), a factor for each class.

    Unlike torch, gradients flow to `weight` too.

    >>> import rushlight as rl
    >>> rl.nn.functional.multi_margin_loss(rl.tensor([[0.5, 0.25]]), rl.tensor([0]))
    tensor(0.3750)
    """
    if p not in (1, 2):
        raise ValueError(f"only p == 1 and p == 2 supported, got {p}")
    word = _reduction(reduction, size_average, reduce)
    single = input.dim() < 2
    scores, labels = (input.reshape(1, -1), target.reshape(1)) if single else (input, target)
    count, classes = scores.shape
    if tuple(labels.shape) != (count,):
        raise RuntimeError(
            "multi_margin_loss: target tensor should be 1-D with size equal to the number of "
            f"input samples (batch size). Expected target size [{count}], but got "
            f"{list(labels.shape)}. Input has shape {list(input.shape)}."
        )
    if weight is not None and weight.dim() != 1:
        raise ValueError("weight must be one-dimensional")
    if weight is not None and tuple(weight.shape) != (classes,):
        raise RuntimeError(
            f"inconsistent weight size, expected {classes} but got {list(weight.shape)}"
        )
    if input.dtype.category < 2:
        raise NotImplementedError('"multi_margin_loss_cpu_kernel" not implemented for '
                                  f"'{title(input.dtype)}'; convert the input with .float()")
    if count and not labels.is_meta and not 0 <= labels.min() <= labels.max() < classes:
        raise RuntimeError(f"target out of range: class numbers must lie in [0, {classes})")
    labels = labels.unsqueeze(1)
    excess = relu(margin - scores.gather(1, labels) + scores)
    excess = excess if p == 1 else excess * excess
    if weight is not None:
        excess = excess * weight[labels]
    losses = excess.scatter(1, labels, 0.0).sum(1) / classes
    found = reduced(losses.reshape(target.shape), word)
    return named(found, "MultiMarginLoss")  # type: ignore[no-any-return]


@function("nn.functional.multilabel_margin_loss", samples=lambda x: [
    (x(2, 3), x.tensor([[2, 0, -1], [1, -1, 0]])),
    (x(3), x.tensor([2, -1, 0]), {"reduction": "none"})])
@maskable(rows("input", "target"))
def multilabel_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """sum max(0, 1 - (x_y - x_i)) / C over target classes y and all other classes i, reduced.

    Args:
        input: scores (N, C) or (C,).
        target: class numbers of the same shape; the first -1 ends each list.

    >>> import rushlight as rl
    >>> x, y = rl.tensor([[0.1, 0.2, 0.4]]), rl.tensor([[2, -1, -1]])
    >>> rl.nn.functional.multilabel_margin_loss(x, y)
    tensor(0.5000)
    """
    word = _reduction(reduction, size_average, reduce)
    if input.shape != target.shape:
        raise RuntimeError(
            f"inconsistent target size: {list(target.shape)} for input of size: {list(input.shape)}"
        )
    if input.dim() > 2 or (input.dim() and not input.shape[-1]):
        raise RuntimeError("Expected non-empty vector or matrix with optional 0-dim batch size, "
                           f"but got: {list(input.shape)}")
    _check_labels(input, target)
    single = input.dim() < 2
    scores, labels = (x.reshape(1, -1) if single else x for x in (input, target))
    listed = (labels >= 0).to(scores.dtype).cumprod(1)  # 1 up to the first -1, then 0
    labels = labels.clamp(min=0)
    is_target = scores.new_zeros(scores.shape).scatter_add(1, labels, listed) > 0
    # (N, listed class, every class)
    excess = relu(1 - scores.gather(1, labels).unsqueeze(2) + scores.unsqueeze(1))
    excess = excess * listed.unsqueeze(2)
    losses = excess.masked_fill(is_target.unsqueeze(1), 0).sum((1, 2)) / scores.size(1)
    found = reduced(losses[0] if single else losses, word)
    return named(found, "MultilabelMarginLoss")  # type: ignore[no-any-return]


def _check_labels(input: Tensor, target: Tensor) -> None:
    if input.dtype.category < 2:
        raise NotImplementedError('"multilabel_margin_loss_forward_out_frame" not implemented for '
                                  f"'{title(input.dtype)}'; convert the input with .float()")
    if target._array.dtype.kind not in "iu":
        raise RuntimeError(f"expected scalar type Long but found {title(target.dtype)}: "
                           "multilabel_margin_loss takes class numbers as target")
    if not target.is_meta and target.numel() and int(target.max()) >= input.shape[-1]:
        raise RuntimeError(f"argument #2 'target' is out of range: {int(target.max())} is no "
                           f"class of {input.shape[-1]}")


@function("nn.functional.triplet_margin_with_distance_loss", samples=lambda x: [
    (x(2, 3), x(2, 3), x(2, 3)),
    (x(2, 3), x(2, 3), x(2, 3), {"margin": 2.0, "swap": True, "reduction": "sum"})])
@maskable(rows("anchor", "positive", "negative"))
def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Callable[[Any, Any], Tensor] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """max(0, d(anchor, positive) - d(anchor, negative) + margin), reduced.

    Args:
        distance_function: d, of two tensors; the euclidean distance if None.
        swap: take d(positive, negative) where that is smaller (Balntas et al., 2016).

    >>> import rushlight as rl
    >>> a, b = rl.zeros(1, 2), rl.tensor([[3., 4.]])
    >>> rl.nn.functional.triplet_margin_with_distance_loss(a, b, b)
    tensor(1.)
    """
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    if not anchor.dim() == positive.dim() == negative.dim():
        raise RuntimeError(
            "The anchor, positive, and negative tensors are expected to have the same number of "
            f"dimensions, but got: anchor {anchor.dim()}D, positive {positive.dim()}D, and "
            f"negative {negative.dim()}D inputs"
        )
    distance = pairwise_distance if distance_function is None else distance_function
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = minimum(far, distance(positive, negative))
    return reduced((margin + near - far).clamp(min=0), reduction)
