"""Losses: how far predictions are from targets, reduced to a number or left as they are."""

from __future__ import annotations

import math
import warnings
from typing import Any

from rushlight.backends.meta.array import is_meta
from rushlight.base.errors import operands
from rushlight.base.flags import flags
from rushlight.base.shapes import broadcast_shapes
from rushlight.expr import scalar as s
from rushlight.families.composite import function
from rushlight.families.inplace import title
from rushlight.families.node_names import named
from rushlight.families.pointwise import pointwise
from rushlight.families.refusals import no_kernel
from rushlight.ops.masked_loss import elements, maskable, rows
from rushlight.tensor import Tensor

F = "nn.functional."


def reduced(loss: Any, reduction: str) -> Tensor:
    """The losses' mean, sum, or themselves.

    Raises ValueError for another word than "mean", "sum" or "none".
    """
    if reduction == "mean":
        return loss.mean()
    if reduction == "sum":
        return loss.sum()
    _known(reduction)
    return loss


def _known(reduction: str) -> Any:
    """The word itself, if it is one."""
    if reduction in ("mean", "sum", "none"):
        return reduction
    raise ValueError(f"{reduction} is not a valid value for reduction; use 'mean', 'sum' or "
                     "'none'")


def _reduction(reduction: str, size_average: Any, reduce: Any) -> str:
    """The word that old programs' size_average= and reduce= stand for; called by a loss itself."""
    if size_average is None and reduce is None:
        return _known(reduction)
    word = "none" if reduce is False else ("sum" if size_average is False else "mean")
    warnings.warn(f"size_average and reduce args will be deprecated, please use "
                  f"reduction='{word}' instead.", UserWarning, stacklevel=4)
    return word


def _warn_broadcast(name: str, input: Any, target: Any) -> None:
    if input._array.shape != target._array.shape:
        warnings.warn(
            f"Using a target size ({target.shape}) that is different to the input size "
            f"({input.shape}). This will likely lead to incorrect results due to broadcasting: "
            f"{name} compares each with each then. Please ensure they have the same size.",
            UserWarning, stacklevel=4)


@pointwise("_squared_error", refuse="bool integer complex", inplace=False)
def _squared_error(input, target):
    """(input - target) squared."""
    return (input - target) * (input - target)


@function(F + "mse_loss",
          samples=lambda x: [(x(2, 3), x(2, 3)), (x(3), x(3), {'reduction': 'none'})])
@maskable(elements("input", "target"))
def mse_loss(input: Any, target: Any, size_average: Any = None, reduce: Any = None,
             reduction: str = "mean", weight: Any = None) -> Tensor:
    """(input - target) ** 2, reduced.

    >>> import rushlight as rl
    >>> rl.nn.functional.mse_loss(rl.tensor([1., 3.]), rl.tensor([1., 1.]))
    tensor(2.)
    """
    _warn_broadcast("mse_loss", input, target)
    broadcast_shapes([tuple(input.shape), tuple(target.shape)])  # raises, or they fit
    word = _reduction(reduction, size_average, reduce)
    loss = _squared_error(input, target)
    return reduced(loss, word) if weight is None else _weighted(loss, weight, word)


def _weighted(loss: Any, weight: Any, reduction: str) -> Tensor:
    if weight.shape != loss.shape:
        raise ValueError("Weights and input must have the same size: "
                         f"{list(weight.shape)} and {list(loss.shape)}")
    loss = loss * weight
    if reduction == "mean":
        return loss.sum() / weight.expand_as(loss).sum()
    return reduced(loss, reduction)


@function(F + "l1_loss", samples=lambda x: [(x(2, 3), x(2, 3)), (x(3), x(3), {'reduction': 'sum'})])
@maskable(elements("input", "target"))
def l1_loss(input: Any, target: Any, size_average: Any = None, reduce: Any = None,
            reduction: str = "mean", weight: Any = None) -> Tensor:
    """|input - target|, reduced."""
    _warn_broadcast("l1_loss", input, target)
    loss = (input - target).abs()
    if weight is None:
        return reduced(loss, _reduction(reduction, size_average, reduce))
    return _weighted(loss, weight, _reduction(reduction, size_average, reduce))


@pointwise("_smooth_l1", refuse="bool integer complex", inplace=False)
def _smooth_l1(input, target, beta: Scalar = 1.0):
    """Quadratic within beta of the target, linear beyond."""
    error = s.abs(input - target)
    return s.where(error < beta, 0.5 * error * error / beta, error - 0.5 * beta)


@function(F + "smooth_l1_loss", samples=lambda x: [(x(2, 3), x(2, 3)), (x(3), x(3), {'beta': 0.5})])
@maskable(elements("input", "target"))
def smooth_l1_loss(input: Any, target: Any, size_average: Any = None, reduce: Any = None,
                   reduction: str = "mean", beta: float = 1.0) -> Tensor:
    """0.5 (x - y)**2 / beta where |x - y| < beta, |x - y| - 0.5 beta beyond; reduced."""
    _warn_broadcast("smooth_l1_loss", input, target)
    broadcast_shapes([tuple(input.shape), tuple(target.shape)])  # raises, or they fit
    word = _reduction(reduction, size_average, reduce)
    if beta < 0:
        raise RuntimeError("smooth_l1_loss does not support negative values for beta.")
    if beta == 0:
        return l1_loss(input, target, reduction=word)
    return reduced(_smooth_l1(input, target, float(beta)), word)


@pointwise("_huber", refuse="bool integer complex", inplace=False)
def _huber(input, target, delta: Scalar = 1.0):
    """Quadratic within delta of the target, linear beyond."""
    error = s.abs(input - target)
    return s.where(error <= delta, 0.5 * error * error, delta * (error - 0.5 * delta))


def _in_dtype_of(input: Any, loss: Any) -> Any:
    """The loss in the dtype of the input, whatever that of the target is."""
    if loss.dtype is input.dtype:
        return loss
    if input.dtype.category < 2:
        raise RuntimeError(f"result type {title(loss.dtype)} can't be cast to the desired output "
                           f"type {title(input.dtype)}: convert the input with .to(dtype)")
    return loss.to(input.dtype)


@function(F + "huber_loss", samples=lambda x: [(x(2, 3), x(2, 3)), (x(3), x(3), {'delta': 0.5})])
@maskable(elements("input", "target"))
def huber_loss(input: Any, target: Any, reduction: str = "mean", delta: float = 1.0,
               weight: Any = None) -> Tensor:
    """0.5 (x - y)**2 within delta, delta (|x - y| - 0.5 delta) beyond; reduced (Huber, 1964)."""
    _warn_broadcast("huber_loss", input, target)
    broadcast_shapes([tuple(input.shape), tuple(target.shape)])  # raises, or they fit
    word = _known(reduction)
    if delta <= 0:
        raise RuntimeError("huber_loss does not support non-positive values for delta.")
    loss = _in_dtype_of(input, _huber(input, target, float(delta)))
    if weight is not None:
        if weight.shape != input.shape:
            raise ValueError("Weights and input must have the same size. "
                             f"huber_loss({operands(input=input, weight=weight)})")
        loss = loss * weight  # the mean is over the places, unlike that of mse_loss
    return reduced(loss, word)


@pointwise("_cross_entropy_of", refuse="bool integer complex", inplace=False,
           grad={"input": lambda gradient, input, target: gradient * (input - target) / s.maximum(
               (1 - input) * input, 1e-12),
               "target": lambda gradient, input: gradient * (s.log(1 - input) - s.log(input))},
           domain=(0.1, 0.9))
def _cross_entropy_of(input, target):
    """-(target log(input) + (1 - target) log(1 - input)), the logarithms at least -100."""
    return (target - 1) * s.maximum(s.log1p(-input), -100) - target * s.maximum(
        s.log(input), -100)


@function(F + "binary_cross_entropy",
          samples=lambda x: [(x(2, 3, low=0.1, high=0.9), x(2, 3, low=0, high=1))])
@maskable(elements("input", "target"))
def binary_cross_entropy(input: Any, target: Any, weight: Any = None, size_average: Any = None,
                         reduce: Any = None, reduction: str = "mean") -> Tensor:
    """-(y log(x) + (1 - y) log(1 - x)) of probabilities x, reduced.

    Raises RuntimeError for an x outside [0, 1].
    """
    word = _reduction(reduction, size_average, reduce)
    if target._array.shape != input._array.shape:
        raise ValueError(f"Using a target size ({target.shape}) that is different to the input "
                         f"size ({input.shape}) is deprecated. Please ensure they have the same "
                         "size.")
    if target.dtype is not input.dtype:
        raise RuntimeError(f"Found dtype {title(target.dtype)} but expected {title(input.dtype)}: "
                           f"binary_cross_entropy({operands(input=input, target=target)}); "
                           "convert the target with .to(input.dtype)")
    if input.dtype.category < 2:
        raise no_kernel("_cross_entropy_of", title(input.dtype))
    if weight is not None:
        _check_expands(weight, input)
    for name, array in (("input", input._array), ("target", target._array)):
        if not is_meta(array) and array.size and not ((array >= 0) & (array <= 1)).all():
            raise RuntimeError(
                f"all elements of {name} should be between 0 and 1: apply sigmoid() first, "
                "or use binary_cross_entropy_with_logits")
    loss: Any = _cross_entropy_of(input, target)
    return reduced(loss if weight is None else loss * weight, word)


def _check_expands(weight: Any, input: Any) -> None:
    """That a weight can be expanded to the shape of the input."""
    for place in range(1, weight.ndim + 1):
        own, size = weight.shape[-place], (1, *input.shape)[max(-place, -input.ndim - 1)]
        if own not in (1, size):
            raise RuntimeError(
                f"Attempting to broadcast a dimension of length {own} at -{place}! Mismatching "
                f"argument at index 1 had {weight.shape}; but expected shape should be "
                f"broadcastable to {list(input.shape)}")


@pointwise("_logit_cross_entropy", refuse="bool integer complex", inplace=False,
           grad={"input": lambda gradient, input, target: gradient * (s.sigmoid(input) - target),
                 "target": lambda gradient, input: gradient * -input})
def _logit_cross_entropy(input, target):
    """Binary cross entropy of sigmoid(input), without overflow."""
    return s.maximum(input, 0) - input * target + s.log1p(s.exp(-s.abs(input)))


@function(F + "binary_cross_entropy_with_logits",
          samples=lambda x: [(x(2, 3), x(2, 3, low=0, high=1)), (x(3), x(3, low=0, high=1),
              {'pos_weight': x(3, low=1, high=2)})])
@maskable(elements("input", "target"))
def binary_cross_entropy_with_logits(input: Any, target: Any, weight: Any = None,
                                     size_average: Any = None, reduce: Any = None,
                                     reduction: str = "mean", pos_weight: Any = None) -> Tensor:
    """Binary cross entropy of sigmoid(x), reduced; pos_weight scales the positive term.

    >>> import rushlight as rl
    >>> rl.nn.functional.binary_cross_entropy_with_logits(rl.zeros(1), rl.ones(1))
    tensor(0.6931)
    """
    word = _reduction(reduction, size_average, reduce)
    if target._array.shape != input._array.shape:
        raise ValueError(f"Target size ({target.shape}) must be the same as input size "
                         f"({input.shape})")
    if pos_weight is None:
        loss: Any = _logit_cross_entropy(input, target)
    else:
        scale = (pos_weight - 1) * target + 1
        loss = (1 - target) * input + scale * _softplus_of_negative(input)
    return reduced(loss if weight is None else loss * weight, word)


@pointwise("_softplus_of_negative", refuse="bool integer complex", inplace=False,
           grad=lambda gradient, input: gradient * (s.sigmoid(input) - 1))
def _softplus_of_negative(input):
    """log(1 + e**-x), without overflow."""
    return s.log1p(s.exp(-s.abs(input))) + s.maximum(-input, 0)


@function(F + "kl_div kl_div",
          samples=lambda x: [(x(2, 3), x(2, 3, low=0.1, high=1)), (x(3), x(3), {'log_target':
              True})])
@maskable(elements("input", "target"))
def kl_div(input: Any, target: Any, size_average: Any = None, reduce: Any = None,
           reduction: str = "mean", log_target: bool = False) -> Tensor:
    """y (log y - x) of log-probabilities x, reduced; "batchmean" divides by the batch size."""
    if input.dtype.category < 2 or target.dtype.category < 2:
        raise RuntimeError("kl_div: Integral inputs not supported. "
                           f"kl_div({operands(input=input, target=target)})")
    if log_target:
        loss = target.exp() * (target - input)
    else:
        loss = target.xlogy(target) - target * input
    if reduction == "batchmean":
        return loss.sum() / (input.shape[0] if input.ndim else 1)
    word = _reduction(reduction, size_average, reduce)
    if word == "mean" and size_average is None and reduce is None:
        warnings.warn("reduction: 'mean' divides the total loss by both the batch size and the "
                      "support size; 'batchmean' is the divergence itself, averaged over the "
                      "batch.", UserWarning, stacklevel=3)
    return reduced(loss, word)


@function(F + "poisson_nll_loss poisson_nll_loss",
          samples=lambda x: [(x(2, 3), x(2, 3, low=2, high=4)), (x(3, low=1, high=2), x(3, low=2,
              high=4), False, True)])
@maskable(elements("input", "target"))
def poisson_nll_loss(input: Any, target: Any, log_input: bool = True, full: bool = False,
                     size_average: Any = None, eps: float = 1e-8, reduce: Any = None,
                     reduction: str = "mean") -> Tensor:
    """e**x - y x (or x - y log(x + eps)), with Stirling's term for y > 1 if full; reduced."""
    loss = input.exp() - target * input if log_input else input - target * (input + eps).log()
    if full:
        stirling = target * target.log() - target + 0.5 * (2 * math.pi * target).log()
        loss = loss + stirling.masked_fill(target <= 1, 0)
    return reduced(loss, _reduction(reduction, size_average, reduce))


@function(F + "gaussian_nll_loss", samples=lambda x: [(x(2, 3), x(2, 3), x(2, 3, low=0.5, high=2))])
@maskable(elements("input", "target"))
def gaussian_nll_loss(input: Any, target: Any, var: Any, full: bool = False, eps: float = 1e-6,
                      reduction: str = "mean") -> Tensor:
    """0.5 (log var + (x - y)**2 / var), reduced; var is at least eps."""
    if isinstance(var, float | int):
        if var < 0:
            raise ValueError("var has negative entry/entries")
        var = input.new_full(input.shape, var)
    elif not var.is_meta and bool((var < 0).any()):
        raise ValueError("var has negative entry/entries")
    if var.shape != input.shape:
        if var.shape == input.shape[:-1]:
            var = var.unsqueeze(-1)
        elif var.ndim != input.ndim or [
            own for own, size in zip(var.shape, input.shape, strict=True) if own != size
        ] != [1]:
            raise ValueError("var is of incorrect size")
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not valid")
    safe = var + (var.detach().clamp(min=eps) - var.detach())
    loss = 0.5 * (safe.log() + (input - target) ** 2 / safe)
    if full:
        loss = loss + 0.5 * math.log(2 * math.pi)
    return reduced(loss, reduction)


@function(F + "hinge_embedding_loss hinge_embedding_loss",
          samples=lambda x: [(x(3), x(3).sign().detach())])
@maskable(elements("input", "target"))
def hinge_embedding_loss(input: Any, target: Any, margin: float = 1.0, size_average: Any = None,
                         reduce: Any = None, reduction: str = "mean") -> Tensor:
    """x where y is 1, max(0, margin - x) where it is -1; reduced."""
    word = _reduction(reduction, size_average, reduce)
    if word == "mean" and input.dtype.category < 2:
        raise RuntimeError("mean(): could not infer output dtype. Input dtype must be either a "
                           f"floating point or complex dtype. Got: {title(input.dtype)}")
    close = input.masked_fill(target == -1, 0)
    far = (margin - input).clamp(min=0).masked_fill(target == 1, 0)
    return reduced(close + far, word)


@function(F + "margin_ranking_loss margin_ranking_loss",
          samples=lambda x: [(x(3), x(3), x(3).sign().detach(), 0.5)])
@maskable(elements("input1", "input2", "target"))
def margin_ranking_loss(input1: Any, input2: Any, target: Any, margin: float = 0,
                        size_average: Any = None, reduce: Any = None,
                        reduction: str = "mean") -> Tensor:
    """max(0, -y (x1 - x2) + margin), reduced."""
    word = _reduction(reduction, size_average, reduce)
    if not input1.ndim == input2.ndim == target.ndim:
        raise RuntimeError(f"margin_ranking_loss : All input tensors should have same dimension "
                           f"but got sizes: input1: {input1.shape}, input2: {input2.shape}, "
                           f"target: {target.shape} ")
    return reduced((-target * (input1 - input2) + margin).clamp(min=0), word)


@function(F + "soft_margin_loss", samples=lambda x: [(x(3), x(3).sign().long())])
@maskable(elements("input", "target"))
def soft_margin_loss(input: Any, target: Any, size_average: Any = None, reduce: Any = None,
                     reduction: str = "mean") -> Tensor:
    """log(1 + e**(-y x)), reduced."""
    word = _reduction(reduction, size_average, reduce)
    if target.requires_grad and flags.grad_enabled:
        raise RuntimeError("The function 'soft_margin_loss' is not differentiable with respect to "
                           "argument 'target'. This input cannot have requires_grad True.")
    losses = _in_dtype_of(input, (input * -target).exp().log1p())
    return named(reduced(losses, word), "SoftMarginLoss")  # type: ignore[no-any-return]


@function(F + "cosine_embedding_loss cosine_embedding_loss",
          samples=lambda x: [(x(2, 3), x(2, 3), x(2).sign().detach())])
@maskable(rows("input1", "input2", "target"))
def cosine_embedding_loss(input1: Any, input2: Any, target: Any, margin: float = 0,
                          size_average: Any = None, reduce: Any = None,
                          reduction: str = "mean") -> Tensor:
    """1 - cos(x1, x2) where y is 1, max(0, cos - margin) where it is -1; reduced."""
    word = _reduction(reduction, size_average, reduce)
    if target.ndim > 1:
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported: "
                           f"cosine_embedding_loss({operands(input1=input1, target=target)})")
    if (target.ndim == 1 and input1.ndim != 2) or (target.ndim == 0 and input1.ndim != 1):
        raise RuntimeError(f"{target.ndim}D target tensor expects {target.ndim + 1}D input "
                           f"tensors, but found inputs with sizes {list(input1.shape)} and "
                           f"{list(input2.shape)}.")
    axis = target.ndim
    epsilon = 1e-12
    product = (input1 * input2).sum(axis)
    lengths = ((input1 * input1).sum(axis) + epsilon) * ((input2 * input2).sum(axis) + epsilon)
    cosine = product / lengths.sqrt()
    loss = (1 - cosine).masked_fill(target != 1, 0) + (cosine - margin).clamp(min=0).masked_fill(
        target != -1, 0)
    return reduced(loss, word)


@function(F + "triplet_margin_loss triplet_margin_loss",
          samples=lambda x: [(x(2, 3), x(2, 3), x(2, 3)), (x(2, 3), x(2, 3), x(2, 3), {'swap':
              True})])
@maskable(rows("anchor", "positive", "negative"))
def triplet_margin_loss(anchor: Any, positive: Any, negative: Any, margin: float = 1.0,
                        p: float = 2, eps: float = 1e-6, swap: bool = False,
                        size_average: Any = None, reduce: Any = None,
                        reduction: str = "mean") -> Tensor:
    """max(0, d(anchor, positive) - d(anchor, negative) + margin), reduced."""
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    word = _reduction(reduction, size_average, reduce)
    if not anchor.ndim == positive.ndim == negative.ndim:
        raise RuntimeError(
            "The anchor, positive, and negative tensors are expected to have the same number of "
            f"dimensions, but got: anchor {anchor.ndim}D, positive {positive.ndim}D, and negative "
            f"{negative.ndim}D inputs")
    distance = lambda a, b: (a - b + eps).norm(p, -1)  # noqa: E731
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = far.minimum(distance(positive, negative))
    return reduced((near - far + margin).clamp(min=0), word)


@function(F + "multilabel_soft_margin_loss", samples=lambda x: [(x(2, 3), x(2, 3, low=0, high=1))])
@maskable(rows("input", "target"))
def multilabel_soft_margin_loss(input: Any, target: Any, weight: Any = None,
                                size_average: Any = None, reduce: Any = None,
                                reduction: str = "mean") -> Tensor:
    """The mean over classes of binary cross entropy of sigmoid(x), reduced."""
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not valid: use 'mean', 'sum' or 'none'")
    if target.shape != input.shape:
        broadcast_shapes([tuple(target.shape), tuple(input.shape)])  # raises, or they fit
    loss: Any = _logit_cross_entropy(input, target)
    if weight is not None:
        loss = loss * weight
    return reduced(loss.mean(-1), _reduction(reduction, size_average, reduce))
