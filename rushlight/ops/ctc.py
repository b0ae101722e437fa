"""The loss of connectionist temporal classification: -log of the probability of a target sequence,
summed over all its alignments with the input (Graves et al., 2006)."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.families.composite import function
from rushlight.families.inplace import real_only, title
from rushlight.families.library import library
from rushlight.ops.masked_loss import maskable, sequences
from rushlight.tensor import Tensor, wrap

Option = Any
Array = np.ndarray
MINUS_INFINITY = -np.inf


def _log_sum(*terms: Array) -> Array:
    """log of the sum of exponentials, element by element; minus infinity adds nothing."""
    highest = np.maximum.reduce(terms)
    finite = np.where(np.isneginf(highest), 0.0, highest)
    with np.errstate(divide="ignore"):  # log(0) is what is meant where nothing is possible
        return finite + np.log(sum(np.exp(term - finite) for term in terms))


def _states(targets: Array, lengths: Array, blank: int) -> tuple[Array, Array]:
    """(N, 2 S + 1): each target's classes with blanks around them; and where a blank between two
    different classes may be left out."""
    count, size = targets.shape
    labels = np.full((count, 2 * size + 1), blank)
    labels[:, 1::2] = targets
    skippable = np.zeros(labels.shape, bool)
    skippable[:, 3::2] = targets[:, 1:] != targets[:, :-1]
    return labels, skippable


def _shifted(scores: Array, by: int) -> Array:
    """Scores moved to later states (earlier ones for by < 0), minus infinity coming in."""
    result = np.full_like(scores, MINUS_INFINITY)
    if by > 0:
        result[:, by:] = scores[:, :-by]
    else:
        result[:, :by] = scores[:, -by:]
    return result


def _forward(emitted: Array, skippable: Array, input_lengths: Array) -> Array:
    """alpha (T, N, states): log-probability of the input up to t, ending in each state."""
    alpha = np.full(emitted.shape, MINUS_INFINITY)
    alpha[0, :, :2] = emitted[0, :, :2]
    for t in range(1, len(emitted)):
        before = alpha[t - 1]
        skipped = np.where(skippable, _shifted(before, 2), MINUS_INFINITY)
        alpha[t] = emitted[t] + _log_sum(before, _shifted(before, 1), skipped)
    return alpha


def _backward(emitted: Array, skippable: Array, last: Array, input_lengths: Array) -> Array:
    """beta (T, N, states): log-probability of the input from t on, starting in each state."""
    time, count, _ = emitted.shape
    beta = np.full(emitted.shape, MINUS_INFINITY)
    skips = np.zeros_like(skippable)
    skips[:, :-2] = skippable[:, 2:]
    rows = np.arange(count)
    following = np.full(emitted.shape[1:], MINUS_INFINITY)
    for t in reversed(range(time)):
        skipped = np.where(skips, _shifted(following, -2), MINUS_INFINITY)
        beta[t] = emitted[t] + _log_sum(following, _shifted(following, -1), skipped)
        ends = input_lengths == t + 1
        beta[t][ends] = MINUS_INFINITY
        for state in (last, last - 1):
            here = ends & (state >= 0)
            beta[t][rows[here], state[here]] = emitted[t][rows[here], state[here]]
        following = beta[t]
    return beta


@library("")
class ctc:  # noqa: N801 - an op
    """The loss of each sample; keeps the gradient of log_probs."""

    keeps = ("slope",)

    def forward(input, problem=None):
        real_only("ctc_loss_cpu", input)
        targets, input_lengths, target_lengths, blank = problem
        labels, skippable = _states(targets, target_lengths, blank)
        scores = input.astype(np.float64)
        emitted = np.take_along_axis(
            scores, np.broadcast_to(labels, (len(scores), *labels.shape)), 2
        )
        beyond = np.arange(labels.shape[1]) > 2 * target_lengths[:, None]
        emitted[:, beyond] = MINUS_INFINITY
        alpha = _forward(emitted, skippable, input_lengths)
        rows, last = np.arange(len(labels)), 2 * target_lengths
        final = alpha[input_lengths - 1, rows]
        ends = [final[rows, last], np.where(last > 0, final[rows, last - 1], MINUS_INFINITY)]
        loss = -_log_sum(*ends)
        loss = np.where(input_lengths > 0, loss, np.where(target_lengths > 0, np.inf, 0.0))
        beta = _backward(emitted, skippable, last, input_lengths)
        with np.errstate(invalid="ignore"):  # where there is no way, or beyond an input's end
            together = alpha + beta - emitted  # log-probability of alignments through a state
        posterior = np.zeros_like(scores)
        share = np.exp(together + loss[:, None])
        for state in range(labels.shape[1]):
            posterior[:, rows, labels[:, state]] += np.nan_to_num(share[:, :, state])
        slope = np.exp(scores) - posterior
        slope[:, np.isinf(loss)] = np.nan
        slope[np.arange(len(scores))[:, None] >= input_lengths] = 0.0
        return loss.astype(input.dtype), slope.astype(input.dtype)

    def backward(gradient, input, slope, problem):
        return _ctc_loss_backward(gradient, input, slope)


@library("")
class _ctc_loss_backward:
    """The slope of each sample's loss times its gradient."""

    def forward(gradient, input, slope: Option):
        # The slope is that of log_softmax's input; for log-probabilities the two agree.
        ignore = np.isnan(slope)
        result = np.where(ignore, 0, slope) * gradient[:, None]
        # Zero gradients, as zero_infinity gives, stay zero even for an infinite loss.
        result[ignore & (gradient != 0)[:, None]] = np.nan
        return result.astype(slope.dtype, copy=False)

    def backward(gradient, needs):
        raise RuntimeError("the derivative for '_ctc_loss_backward' is not implemented: there is "
                           "no second derivative of ctc_loss, and no forward mode")


@function("nn.functional.ctc_loss ctc_loss", samples=lambda x: [
    (x(4, 2, 4).log_softmax(2), x.integers(2, 2, high=4), (4, 4), (2, 1), {"reduction": "sum"}),
    (x(4, 4).log_softmax(1), x.integers(2, high=4), x.tensor(4), x.tensor(2), 0, "none", True)])
@maskable(sequences)
def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """-log of the probability of ``targets`` over all alignments with the input.

    Args:
        log_probs: (T, N, C) or (T, C), logarithms of probabilities.
        targets: class numbers other than ``blank``: (N, S), or all targets joined.
        input_lengths, target_lengths: (N,), how much of each counts.
        reduction: "mean" divides each loss by its target's length, then averages.
        zero_infinity: losses of targets that do not fit the input count as zero.

    >>> import rushlight as rl
    >>> scores = rl.zeros(2, 1, 2).log_softmax(2)
    >>> rl.nn.functional.ctc_loss(scores, rl.tensor([[1]]), [2], [1])
    tensor(0.2877)
    """
    single = log_probs.dim() == 2
    scores = log_probs.unsqueeze(1) if single else log_probs
    time, count, classes = scores.shape
    if scores.is_meta:
        return scores.new_empty(() if single or reduction != "none" else (count,))
    if not (scores.is_floating_point() or scores.is_complex()):
        raise NotImplementedError(f"\"ctc_loss_cpu\" not implemented for '{title(scores.dtype)}': "
                                  "log_probs are floating point numbers")
    inputs = _numbers("input_lengths", input_lengths)
    lengths = _numbers("target_lengths", target_lengths)
    _check(time, count, classes, inputs, lengths, blank)
    labels = _padded(targets._array.astype(np.int64), lengths, blank)
    counted = labels[np.arange(labels.shape[1]) < lengths[:, None]]
    if counted.size and not 0 <= counted.min() <= counted.max() < classes:
        raise IndexError(f"ctc_loss: targets lie in [0, {classes}), the classes of log_probs, but "
                         f"go from {counted.min()} to {counted.max()}")
    losses = ctc(scores, (labels, inputs, lengths, blank))
    if zero_infinity:
        losses = losses.masked_fill(losses.isinf(), 0.0)
    if reduction == "mean":
        return (losses / wrap(np.maximum(lengths, 1)).to(losses.dtype)).mean()
    if reduction == "sum":
        return losses.sum()
    if reduction != "none":
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return losses.squeeze(0) if single else losses


def _numbers(name: str, lengths: Any) -> Array:
    values = lengths._array if isinstance(lengths, Tensor) else lengths
    if isinstance(lengths, Tensor) and values.dtype.kind not in "iu":
        raise RuntimeError(f"{name} must be integral: got {lengths.dtype}")
    return np.atleast_1d(np.asarray(values, np.int64))


def _check(time: int, count: int, classes: int, inputs: Array, lengths: Array, blank: int) -> None:
    if not 0 <= blank < classes:
        raise RuntimeError(f"blank must be in label range [0, {classes}), got {blank}")
    for name, given in (("input_lengths", inputs), ("target_lengths", lengths)):
        if given.shape != (count,):
            raise RuntimeError(f"{name} must be of size batch_size ({count}), got {given.shape}")
        if given.size and given.min() < 0:
            raise RuntimeError(f"Expected {name} to have value at least 0, but got value "
                               f"{given.min()} (while checking arguments for ctc_loss)")
    if inputs.size and inputs.max() > time:
        raise RuntimeError(
            f"Expected input_lengths to have value at most {time}, but got value {inputs.max()} "
            "(while checking arguments for ctc_loss)"
        )


def _padded(targets: Array, lengths: Array, blank: int) -> Array:
    """Targets as (N, S), whether they came so or joined."""
    longest = int(lengths.max()) if lengths.size else 0
    if targets.ndim == 2:
        if targets.shape[1] < longest:
            raise RuntimeError(
                f"Expected tensor to have size at least {longest} at dimension 1, but got size "
                f"{targets.shape[1]} for argument #2 'targets' (while checking arguments for "
                "ctc_loss)"
            )
        return targets[:, :longest]
    if targets.size != lengths.sum():
        raise RuntimeError(
            f"Expected tensor to have size {lengths.sum()} at dimension 0, but got size "
            f"{targets.size} for argument #2 'targets' (while checking arguments for ctc_loss)"
        )
    padded = np.full((lengths.size, longest), blank)
    padded[np.arange(longest) < lengths[:, None]] = targets
    return padded
