"""Cross entropy of a linear layer's output, as at the head of a language model."""

from __future__ import annotations

from typing import Any

from rushlight.families.composite import function
from rushlight.ops.cross_entropy import cross_entropy
from rushlight.ops.masked_loss import maskable, rows
from rushlight.tensor import Tensor


@function("nn.functional.linear_cross_entropy", samples=lambda x: [
    (x(3, 4), x(5, 4), x.integers(3, low=0, high=5)),
    (x(3, 4), x(5, 2, 4), x.integers(3, 2, low=0, high=5), {"linear_bias": x(5, 2)})])
@maskable(rows("input", "target"))
def linear_cross_entropy(input: Any, linear_weight: Any, target: Any, *, linear_bias: Any = None,
                         weight: Any = None, reduction: str = "mean",
                         ignore_index: int | None = None, label_smoothing: float = 0.0,
                         options: Any = None) -> Tensor:
    """cross_entropy(input @ linear_weight^T + linear_bias, target).

    input: (n, features) or (features). linear_weight: (classes, *, features). linear_bias:
    (classes, *). target: class indices (n, *), or probabilities (n, classes, *). weight, reduction,
    label_smoothing: as for `cross_entropy`. ignore_index: -100 unless given; not with
    probabilities. options: how torch cuts the work into pieces; it changes no result and is not
    used. Raises RuntimeError for what does not fit together.

    >>> import rushlight as rl
    >>> F = rl.nn.functional
    >>> F.linear_cross_entropy(rl.zeros(1, 3), rl.ones(2, 3), rl.tensor([0]))
    tensor(0.6931)
    """
    classes, *places = linear_weight.shape[:-1] if linear_weight.ndim > 1 else (0,)
    _check(input, linear_weight, linear_bias, tuple(places))
    probabilities = target.is_floating_point()
    if probabilities and ignore_index is not None:
        raise RuntimeError("ignore_index cannot be specified when target contains probabilities")
    scores = input @ linear_weight.reshape(-1, linear_weight.shape[-1]).t()
    shape = (*input.shape[:-1], classes, *places)
    scores = scores.reshape(shape)
    if linear_bias is not None:
        scores = scores + linear_bias
    skipped = -100 if ignore_index is None else ignore_index
    return cross_entropy(scores, target, weight, None, skipped, None, reduction, label_smoothing)


def _check(input: Any, weight: Any, bias: Any, places: tuple[int, ...]) -> None:
    if input.ndim not in (1, 2):
        raise RuntimeError(f"expected input with dimensionality 1 or 2, got {input.ndim}")
    if weight.ndim < 2:
        raise RuntimeError("expected linear_weight with dimensionality at least 2, got "
                           f"{weight.ndim}")
    if input.shape[-1] != weight.shape[-1]:
        raise RuntimeError("expected equal input and linear_weight last dimensions (in_features), "
                           f"got {input.shape[-1]} and {weight.shape[-1]}, respectively")
    if places and input.ndim == 1:
        raise RuntimeError(f"K-dimensional loss defined by linear_weight shape "
                           f"{tuple(weight.shape)} requires batched input, "
                           f"(N, {weight.shape[-1]}), got unbatched input with shape "
                           f"{tuple(input.shape)}")
    if bias is not None and tuple(bias.shape) != tuple(weight.shape[:-1]):
        raise RuntimeError(f"expected linear_bias shape {tuple(weight.shape[:-1])}, got "
                           f"{tuple(bias.shape)}")
