"""Cross entropy: losses of classifiers, from scores or log-probabilities and class indices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.backends import reduce as reductions
from rushlight.backends.meta.array import MetaArray, is_meta
from rushlight.backends.quiet import quiet
from rushlight.base.errors import describe, operands, type_name
from rushlight.base.first_use import Deferred
from rushlight.families import index_kernels as places
from rushlight.families.cast import astype
from rushlight.families.composite import function
from rushlight.families.inplace import real_only, title
from rushlight.families.kernels import number
from rushlight.families.library import library
from rushlight.families.node_names import named
from rushlight.ops.loss import F, _reduction, reduced
from rushlight.ops.masked_loss import classes, maskable
from rushlight.ops.softmax import log_softmax, softmax
from rushlight.tensor import Tensor

if TYPE_CHECKING:
    from rushlight.backends import rowwise
    from rushlight.backends.cpu import few_places as few
else:
    few = Deferred("rushlight.backends.cpu.few_places", globals())
    rowwise = Deferred("rushlight.backends.rowwise", globals())


def _check_classes(input: Any, target: Any, op: str) -> None:
    if input.ndim == 0 and target.ndim == 0 and op == "cross_entropy":
        raise RuntimeError("Expected floating point type for target with class probabilities, got "
                           f"{title(target.dtype)}: the input has no dimension for classes")
    if input.ndim == 0:
        raise RuntimeError("input tensor should be 1D or 2D" if op == "nll_loss" else
                           f"{op}: expected input with at least one dimension, got a 0-d tensor")
    expected = input.shape[:1] + input.shape[2:] if input.ndim > 1 else ()
    if tuple(target.shape) != tuple(expected) and (input.ndim > 1 or tuple(target.shape) != (1,)):
        _refuse_shapes(input, target, list(expected), op)
    if target._array.dtype != np.int64 and target._array.dtype != np.uint8:
        raise RuntimeError(f"expected target dtype to be Long or Byte, but got "
                           f"{title(target.dtype)}: the target of {op} holds class indices "
                           f"({describe(target)}); convert it with .long()")


def _refuse_shapes(input: Any, target: Any, expected: list[int], op: str) -> None:
    shown = f"{op}({operands(input=input, target=target)})"
    sizes = f"(got input: {list(input.shape)} , target: {list(target.shape)})"
    batch = target.shape[0] if target.ndim else 0
    if input.ndim == 1:
        raise ValueError(f"For 1D input, 1D target must have size 1, but got target size: {batch}. "
                         f"{shown}")
    if input.shape[0] != batch:
        raise ValueError(f"Expected input batch_size ({input.shape[0]}) to match target "
                         f"batch_size ({batch}). {shown}")
    if input.ndim == 2:
        problem = f"0D or 1D target tensor expected, multi-target not supported {sizes}"
    elif input.ndim == 4 and target.ndim != 3:
        problem = ("only batches of spatial targets supported (3D tensors) but got targets of "
                   f"dimension: {target.ndim}")
    elif input.ndim == 4:
        problem = f"size mismatch {sizes}"
    else:
        problem = f"Expected target size {expected}, got {list(target.shape)}"
    raise RuntimeError(f"{problem}: {shown}; the target holds one class index for each sample, "
                       "without the class dimension")


def _check_weight(weight: Any, input: Any, op: str = "") -> None:
    """Raise RuntimeError unless there is one weight for each class."""
    classes = input.shape[1] if input.ndim > 1 else input.shape[0]
    if tuple(weight.shape) != (classes,):
        raise RuntimeError(
            f"{op}weight tensor should be defined either for all {classes} classes or "
            f"no classes but got weight tensor of shape: {list(weight.shape)}")


def _check_range(target: np.ndarray, classes: int, ignore_index: int) -> None:
    bad = (target != ignore_index) & ((target < 0) | (target >= classes))
    if bad.any():
        raise IndexError(f"Target {int(target[bad][0])} is out of bounds: there are {classes} "
                         f"classes, so targets go from 0 to {classes - 1}")


def _picked(input: np.ndarray, target: np.ndarray, ignore_index: int) -> tuple[np.ndarray, int]:
    """-x[y] of each sample, 0 for ignored ones, and how many are not ignored."""
    real_only("nll_loss_out_frame", input)
    samples, classes = input.shape
    if not 0 <= ignore_index < classes:
        found = few.gather(input, 1, target.reshape(samples, 1))
        if found is not None:  # all in range, so none is ignored
            return np.negative(found, out=found).reshape(samples), samples
    _check_range(target, classes, ignore_index)
    counted = target != ignore_index
    safe = np.where(counted, target, 0)
    picked = -np.take_along_axis(input, safe[:, None], 1)[:, 0]
    return np.where(counted, picked, input.dtype.type(0)), int(np.count_nonzero(counted))


@library("_mean_nll")
class _mean_nll:
    """The mean of -x[y] over samples that are not ignored: x is (samples, classes)."""

    node = "nll_loss"
    keeps = ("count",)

    def forward(input, target, ignore_index: Option):
        if is_meta(input):
            return MetaArray((), input.dtype), 0
        losses, count = _picked(input, target, ignore_index)
        total = reductions.sum(losses, (0,))
        mean = quiet(np.divide)(total, number(count, total.dtype), out=...)
        return astype(mean, input.dtype), count

    def backward(gradient, target, shape, ignore_index, count):
        return _mean_nll_backward(gradient, target, shape, ignore_index, count), None


@library("_mean_nll_backward")
class _mean_nll_backward:
    """-g / count at the class of each sample that is not ignored."""

    def forward(gradient, target, shape: Option, ignore_index: Option, count: Option):
        if is_meta(gradient):
            return MetaArray(shape, gradient.dtype)
        result = np.zeros(shape, gradient.dtype)
        if not count:
            return result
        share = np.empty((len(target), 1), gradient.dtype)
        share[...] = gradient / -count
        index = target[:, None]
        if 0 <= ignore_index < shape[1] or not few.scatter(result, 1, index, share):
            rows = np.flatnonzero(target != ignore_index)
            result[rows, target[rows]] = share[0, 0]
        return result

    def backward(second, target, shape, ignore_index, count):
        return _mean_nll(second, target, ignore_index) if count else second.sum() * 0, None


def _apart(target: np.ndarray, classes: int, ignore_index: int) -> tuple[Any, Any, int]:
    """For targets (batch, *): the class of each as an index (batch, 1, *), where they count (None:
    everywhere), and how many do."""
    _check_range(target, classes, ignore_index)
    counted = target != ignore_index
    count = int(np.count_nonzero(counted))
    if count == target.size:
        return target[:, None], None, count
    return np.where(counted, target, 0)[:, None], counted[:, None], count


@library("_mean_nll_apart")
class _mean_nll_apart:
    """`_mean_nll` of x (batch, classes, *) as it lies in memory."""

    node = "nll_loss2d"

    def forward(input, target, ignore_index: Option):
        if is_meta(input):
            return MetaArray((), input.dtype)
        real_only("nll_loss_out_frame", input)
        index, counted, count = _apart(target, input.shape[1], ignore_index)
        picked = places.gather(input, 1, index)
        if counted is not None:
            picked = np.where(counted, picked, picked.dtype.type(0))
        total = reductions.sum(picked, tuple(range(picked.ndim)))
        mean = quiet(np.divide)(total, number(-count, total.dtype), out=...)
        return astype(mean, input.dtype)

    def backward(gradient, target, shape, ignore_index):
        return _mean_nll_apart_backward(gradient, target, shape, ignore_index), None


@library("_mean_nll_apart_backward")
class _mean_nll_apart_backward:
    """-g / count at the class of each sample that is not ignored."""

    def forward(gradient, target, shape: Option, ignore_index: Option):
        if is_meta(gradient) or is_meta(target):
            return MetaArray(shape, gradient.dtype)
        index, counted, count = _apart(target, shape[1], ignore_index)
        result = np.zeros(shape, gradient.dtype)
        if count:
            share = np.empty(index.shape, gradient.dtype)
            share[...] = gradient / number(-count, gradient.dtype)
            if counted is not None:
                share = np.where(counted, share, share.dtype.type(0))
            places.scatter(result, 1, index, share)
        return result

    def backward(second, target, ignore_index):
        counted = bool((target._array != ignore_index).any())
        return _mean_nll_apart(second, target, ignore_index) if counted else second.sum() * 0, None


@library("_pick")
class _pick:
    """-x[y] of each sample: x is (samples, classes), y its classes; ignored ones 0."""

    def forward(input, target, ignore_index: Option):
        if is_meta(input):
            return MetaArray(target.shape, input.dtype)
        return _picked(input, target, ignore_index)[0]

    def backward(gradient, shape, target, ignore_index):
        safe = target.masked_fill(target == ignore_index, 0)
        value = (-gradient).masked_fill(target == ignore_index, 0)
        return gradient.new_zeros(shape).scatter(1, safe.unsqueeze(1), value.unsqueeze(1)), None


def _rows(input: Any) -> Any:
    """(batch, classes, *) as (samples, classes)."""
    if input.ndim == 1:
        return input.reshape(1, -1)
    return input if input.ndim == 2 else input.movedim(1, -1).reshape(-1, input.shape[1])


def _one_row_each(input: Any, target: Any) -> bool:
    """Whether the operands are (samples, classes) and (samples) already."""
    x, y = input._array, target._array
    return x.ndim == 2 and y.ndim == 1 and x.shape[0] == y.shape[0] and y.dtype == np.int64


@function(F + "nll_loss", samples=lambda x: [
    (x(3, 6), x.integers(3)), (x(2, 6, 2), x.integers(2, 2), x(6, low=0.5), {"reduction": "none"}),
    (x(6), x.integers()), (x(3, 6), x.integers(3), {"ignore_index": 2, "reduction": "sum"})])
@maskable(classes)
def nll_loss(input: Any, target: Any, weight: Any = None, size_average: Any = None,
             ignore_index: int = -100, reduce: Any = None, reduction: str = "mean") -> Tensor:
    """-x[y] of log-probabilities x and classes y, reduced (the mean is weighted).

    input: (batch, classes, *) or (classes). target: (batch, *) int64. weight: (classes).

    Unlike torch, gradients flow to `weight` too, and `mask` or `lengths` say what counts.
    """
    word = reduction
    if size_average is not None or reduce is not None or word not in ("mean", "sum", "none"):
        word = _reduction(reduction, size_average, reduce)
    if word == "mean" and weight is None and _one_row_each(input, target) and (
            input.dtype.category > 1):
        return _mean_nll(input, target, ignore_index)
    _check_classes(input, target, "nll_loss")
    if input.dtype.category < 2:
        raise NotImplementedError(f"\"nll_loss_out_frame\" not implemented for "
                                  f"'{title(input.dtype)}'; convert the input with .float()")
    if weight is not None:
        _check_weight(weight, input)
        if weight.dtype is not input.dtype:
            raise RuntimeError(f"expected scalar type {title(input.dtype)} but found "
                               f"{title(weight.dtype)}: nll_loss("
                               f"{operands(input=input, weight=weight)}); convert one with .to()")
    flat = target.reshape(-1).long()
    name = _node_name(input)
    if word == "mean" and weight is None:
        return named(_mean_nll(_rows(input), flat, ignore_index), name)
    loss: Any = _pick(_rows(input), flat, ignore_index)
    if weight is not None:
        ignored = flat == ignore_index
        counted = weight[flat.masked_fill(ignored, 0)].masked_fill(ignored, 0)
        loss = loss * counted
        if word == "mean":
            return named(loss.sum() / counted.sum(), name)
    return named(reduced(loss.reshape(() if input.ndim == 1 else target.shape), word), name)


def _node_name(input: Any) -> str:
    return "NllLoss" if input.ndim < 3 else "NllLoss2D"


@library("_mean_cross_entropy", family="rowwise")
class _mean_cross_entropy:
    """The mean over samples of log(sum(e**x)) - x[y]: softmax and loss in one pass."""

    node = "nll_loss"

    keeps = ("total", "count")

    def forward(input, target, ignore_index: Option):
        return rowwise.cross_entropy(input, target, ignore_index)

    def backward(gradient, input, target, ignore_index, total, count):
        return _mean_cross_entropy_backward(gradient, input, target, ignore_index, total,
                                            count), None


@library("_mean_cross_entropy_backward", family="rowwise")
class _mean_cross_entropy_backward:
    """g (softmax(x) - onehot(y)) / samples."""

    def forward(gradient, input, target, ignore_index: Option, total: Option, count: Option):
        return rowwise.mean_cross_entropy_backward(gradient, input, target, ignore_index, total,
                                                   count)

    def backward(second, gradient, input, target, ignore_index, count):
        by_row, to_input = _cross_entropy_curvature(second, input, target, ignore_index)
        return by_row.sum() / count, to_input * (gradient / count), None


@library("_cross_entropy", family="rowwise")
class _cross_entropy:
    """log(sum(e**x)) - x[y] of each sample."""

    keeps = ("total",)

    def forward(input, target, ignore_index: Option):
        losses, total, _ = rowwise.cross_entropy_rows(input, target, ignore_index)
        return astype(losses, input.dtype), total

    def backward(gradient, input, target, ignore_index, total):
        return _cross_entropy_backward(gradient, input, target, ignore_index, total), None


@library("_cross_entropy_backward", family="rowwise")
class _cross_entropy_backward:
    """g (softmax(x) - onehot(y)) of each sample."""

    def forward(gradient, input, target, ignore_index: Option, total: Option):
        return rowwise.cross_entropy_backward(gradient, input, target, ignore_index, total)

    def backward(second, gradient, input, target, ignore_index):
        by_row, to_input = _cross_entropy_curvature(second, input, target, ignore_index)
        return by_row, to_input * gradient.unsqueeze(1), None


def _cross_entropy_curvature(second: Any, input: Any, target: Any, ignore_index: int) -> Any:
    """sum(second (softmax(x) - onehot(y))) of each sample, and its gradient by x."""
    counts = (target != ignore_index).to(input.dtype).unsqueeze(1)
    probability = softmax(input, 1)
    inner = (second * probability).sum(1, keepdim=True)
    safe = target.masked_fill(target == ignore_index, 0).unsqueeze(1)
    by_row = (counts * (inner - second.gather(1, safe))).squeeze(1)
    return by_row, counts * probability * (second - inner)


@function(F + "cross_entropy", samples=lambda x: [
    (x(3, 6), x.integers(3)), (x(2, 6, 2), x.integers(2, 2), x(6, low=0.5), {"reduction": "none"}),
    (x(2, 3), x(2, 3, low=0.1), {"label_smoothing": 0.2}),
    (x(3, 6), x.integers(3), {"label_smoothing": 0.1, "ignore_index": 2})])
@maskable(classes)
def cross_entropy(input: Any, target: Any, weight: Any = None, size_average: Any = None,
                  ignore_index: int = -100, reduce: Any = None, reduction: str = "mean",
                  label_smoothing: float = 0.0) -> Tensor:
    """-log softmax(x)[y] of scores x and classes y, reduced.

    input: (batch, classes, *) or (classes). target: class indices (batch, *) int64, or
    probabilities of input's shape. weight: (classes). label_smoothing: what part of the target
    is spread over all classes (Szegedy et al., 2015).

    Unlike torch, gradients flow to `weight` too, and `mask` or `lengths` say what counts.

    >>> import rushlight as rl
    >>> rl.nn.functional.cross_entropy(rl.zeros(1, 2), rl.tensor([0]))
    tensor(0.6931)
    """
    word = reduction
    if size_average is not None or reduce is not None or word not in ("mean", "sum", "none"):
        word = _reduction(reduction, size_average, reduce)
    for place, (name, x) in enumerate((("self", input), ("target", target)), 1):
        if isinstance(x, list | tuple | int | float | np.ndarray):
            raise TypeError(f"cross_entropy_loss(): argument '{name}' (position {place}) must be "
                            f"Tensor, not {type_name(x)}")
    if target.dtype.category < 2 and target.ndim and target.shape == input.shape and (
            input.ndim > 1 or input.shape[0] > 1):
        raise RuntimeError("Expected floating point type for target with class probabilities, got "
                           f"{title(target.dtype)}: cross_entropy("
                           f"{operands(input=input, target=target)})")
    if weight is None and label_smoothing == 0.0 and target._array.dtype == np.int64 and (
            input.dtype.category == 2):
        return _plain_cross_entropy(input, target, ignore_index, word)
    logs: Any = log_softmax(input, 1 if input.ndim > 1 else 0)
    soft = tuple(target.shape) == tuple(input.shape) and target._array.dtype.kind in "fV"
    if target.is_floating_point() and ignore_index >= 0:
        raise RuntimeError("ignore_index is not supported for floating point target: cross_entropy("
                           f"{operands(input=input, target=target)})")
    if soft and weight is not None:
        _check_weight(weight, input, "cross_entropy: ")
    if not 0 <= label_smoothing <= 1:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    if soft:
        return _soft_cross_entropy(logs, target, weight, word, label_smoothing)
    loss = nll_loss(logs, target, weight, None, ignore_index, None, word)
    if label_smoothing == 0.0:
        return loss
    return loss * (1 - label_smoothing) + _smooth_part(  # type: ignore[operator]
        logs, target, weight, word, ignore_index) * (label_smoothing / logs.shape[
            1 if logs.ndim > 1 else 0])


def _plain_cross_entropy(input: Any, target: Any, ignore_index: int, word: str) -> Any:
    """Cross entropy of class indices, without weights: one fused kernel."""
    if _one_row_each(input, target):
        rows, flat = input, target
    else:
        _check_classes(input, target, "cross_entropy")
        if word == "mean" and input.ndim > 2 and target._array.size:
            return _mean_nll_apart(log_softmax(input, 1), target, ignore_index)
        rows, flat = _rows(input), target.reshape(-1)
    if word == "mean":
        return _mean_cross_entropy(rows, flat, ignore_index)
    losses = _cross_entropy(rows, flat, ignore_index)
    losses = losses.reshape(() if input.ndim == 1 else target.shape)
    return named(reduced(losses, word), _node_name(input))


def _class_weights(weight: Any, ndim: int) -> Any:
    return weight if ndim == 1 else weight.reshape((1, -1) + (1,) * (ndim - 2))


def _soft_cross_entropy(logs: Any, target: Any, weight: Any, word: str,
                        smoothing: float) -> Tensor:
    axis = 1 if logs.ndim > 1 else 0
    if smoothing:
        target = target * (1 - smoothing) + smoothing / logs.shape[axis]
    terms = logs * target
    if weight is not None:
        terms = terms * _class_weights(weight, logs.ndim)
    loss = -terms.sum(axis)
    if word == "mean":
        return loss.sum() / (loss.numel() if loss.ndim else 1)
    return reduced(loss, word)


def _smooth_part(logs: Any, target: Any, weight: Any, word: str, ignore_index: int) -> Any:
    """-sum of all log-probabilities of each sample, reduced like the loss itself."""
    axis = 1 if logs.ndim > 1 else 0
    terms = logs if weight is None else logs * _class_weights(weight, logs.ndim)
    ignored = target == ignore_index
    loss = (-terms.sum(axis)).masked_fill(ignored, 0)
    if word != "mean":
        return reduced(loss, word)
    if weight is None:
        return loss.sum() / (~ignored).sum().to(loss.dtype)
    counted = weight[target.masked_fill(ignored, 0)].masked_fill(ignored, 0)
    return loss.sum() / counted.sum()
