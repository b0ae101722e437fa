"""Pooling over time, within each sequence: sums, means, extremes, softmax; and over everything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rushlight.families.declaration import FUNCTIONS
from rushlight.families.override import title
from rushlight.ops.sequence_rows import (
    first_greatest_rows,
    greatest_rows,
    spread_rows,
    sum_rows,
)
from rushlight.sequences.layout import Layout
from rushlight.sequences.ragged import Ragged, join
from rushlight.sequences.rules import by_place, dimensions, no_meaning, rule, signature
from rushlight.tensor import Tensor, wrap


def _counts(values: Any, layout: Layout) -> Tensor:
    """The lengths, (batch, 1, ...) as the values' dtype."""
    lengths: Any = wrap(layout.lengths.reshape(-1, *(1,) * (values.ndim - 1)))
    found: Tensor = lengths.to(values.dtype)
    return found


def _sum(values: Any, layout: Layout) -> Any:
    if not values.is_floating_point() and not values.is_complex():
        values = values.long()
    return sum_rows(values, layout.offsets)


def _mean(values: Any, layout: Layout) -> Any:
    return sum_rows(values, layout.offsets) / _counts(values, layout)


def _greatest(values: Any, layout: Layout) -> Any:
    return greatest_rows(values, layout.offsets)


def _least(values: Any, layout: Layout) -> Any:
    return -greatest_rows(-values, layout.offsets)


def _centred(values: Any, layout: Layout) -> tuple[Any, Any]:
    """The values less the greatest of their sequence, and that."""
    greatest = greatest_rows(values.detach(), layout.offsets)
    greatest = greatest.masked_fill(greatest.isinf(), 0)
    return values - spread_rows(greatest, layout.offsets), greatest


def _softmax(values: Any, layout: Layout) -> Any:
    e = _centred(values, layout)[0].exp()
    return e / spread_rows(sum_rows(e, layout.offsets), layout.offsets)


def _log_softmax(values: Any, layout: Layout) -> Any:
    centred, _ = _centred(values, layout)
    total = sum_rows(centred.exp(), layout.offsets).log()
    return centred - spread_rows(total, layout.offsets)


def _logsumexp(values: Any, layout: Layout) -> Any:
    centred, greatest = _centred(values, layout)
    return sum_rows(centred.exp(), layout.offsets).log() + greatest


def _all(values: Any, layout: Layout) -> Any:
    return sum_rows((~values.bool()).long(), layout.offsets) == 0


def _any(values: Any, layout: Layout) -> Any:
    return sum_rows(values.bool().long(), layout.offsets) > 0


POOLS = {"sum": _sum, "mean": _mean, "amax": _greatest, "amin": _least, "logsumexp": _logsumexp,
         "all": _all, "any": _any}
ALONG: dict[str, Callable[[Any, Layout], Any]] = {
    "softmax": _softmax, "log_softmax": _log_softmax,
    "softmin": lambda values, layout: _softmax(-values, layout)}
NEED_STEPS = ("amax", "amin", "max", "min", "argmax", "argmin")
ORDER = ("sum", "amax", "amin", "mean", "all", "any")  # may be taken over features, then time


@rule("""sum mean amax amin logsumexp all any prod std var norm linalg.vector_norm nansum nanmean
    argmax argmin softmax log_softmax softmin nn.functional.softmax nn.functional.log_softmax
    nn.functional.softmin median count_nonzero""")
def reduced(function: Any, input: Any, *args: Any, **options: Any) -> Any:
    """Over features, over time within each sequence, or over all there is (dim=None)."""
    bound = signature(function).bind(input, *args, **options)
    dim = bound.arguments.pop("dim", None)
    given = {n: v for n, v in bound.arguments.items() if n != next(iter(bound.arguments))}
    name = title(function).rpartition(".")[2]
    if dim is None or dim == ():
        if name in ALONG:
            raise no_meaning(function, (input,), "without a dimension")
        return function(input.values, **given)
    dims = dimensions(function, input, dim)
    if 0 in dims:
        if sorted(dims) in ([0, 1], list(range(input.ndim))) and name not in ALONG:
            return function(input.values, dim=[max(d - 1, 0) for d in dims][1:], **given)
        raise no_meaning(function, (input,), f"over dim={dim}, across sequences")
    features = tuple(d - 1 for d in dims if d > 1)
    if 1 not in dims:
        lowered = features[0] if isinstance(dim, int) else features
        result = function(input.values, dim=lowered, **given)
        return input.with_values(result) if isinstance(result, Tensor) else tuple.__new__(
            type(result), [input.with_values(part) for part in result])
    return _over_time(function, name, input, features, given)


def _over_time(function: Any, name: str, input: Ragged, features: tuple[int, ...],
               given: dict[str, Any]) -> Any:
    values, layout = input.values, input.layout
    if given.get("dtype") is not None:
        values = values.to(given["dtype"])
    if name in ALONG and not features:
        return input.with_values(ALONG[name](values, layout))
    if name in NEED_STEPS:
        _need_steps(function, input)
    keepdim = given.get("keepdim", False)
    if features:
        if name not in ORDER:
            raise no_meaning(function, (input,), "over time and features at once")
        values = function(values, dim=features, keepdim=keepdim)
    if name in ("argmax", "argmin"):
        rows = first_greatest_rows(values if name == "argmax" else -values, layout.offsets)
        found = rows - wrap(layout.offsets[:-1].reshape(-1, *(1,) * (values.ndim - 1)))
    elif name in POOLS:
        found = POOLS[name](values, layout)
    else:
        return FUNCTIONS["stack"]([function(each, dim=0, **given) for each in input.unbind()])
    return found.unsqueeze(1) if keepdim else found


def _need_steps(function: Any, input: Ragged) -> None:
    short = np.flatnonzero(input.layout.lengths == 0)
    if len(short):
        raise IndexError(f"{title(function)}(): Expected reduction dim 1 to have non-zero size, "
                         f"but sequence {int(short[0])} of {input._short()} has no steps")


@rule("max min")
def extreme(function: Any, input: Any, dim: Any = None, keepdim: bool = False,
            **options: Any) -> Any:
    """Of all, of two batches by place, or over one dimension with the places."""
    other = options.get("other", dim)
    if isinstance(other, Tensor | Ragged):
        return by_place(function, input, other)
    if dim is None:
        return function(input.values)
    at = dimensions(function, input, dim)[0]
    if at == 0:
        raise no_meaning(function, (input,), f"over dim={dim}, across sequences")
    if at > 1:
        result = function(input.values, at - 1, keepdim)
        return tuple.__new__(type(result), [input.with_values(part) for part in result])
    _need_steps(function, input)
    values, offsets = input.values, input.layout.offsets
    largest = title(function).endswith("max")
    rows = first_greatest_rows(values.detach() if largest else -values.detach(), offsets)
    starts = wrap(offsets[:-1].reshape(-1, *(1,) * (values.ndim - 1)))
    parts = [values.gather(0, rows), rows - starts]
    shaped = [part.unsqueeze(1) if keepdim else part for part in parts]
    return tuple.__new__(type(function(values[:1], 0)), shaped)


@rule("cumsum cumprod flip sort argsort cummax cummin logcumsumexp")
def along(function: Any, input: Any, dim: Any = -1, *args: Any, **options: Any) -> Any:
    """Along the features, or along the time of one sequence after the other."""
    dim = options.pop("dims", options.pop("dim", dim))
    dims = dimensions(function, input, dim)
    if 0 in dims:
        raise no_meaning(function, (input,), f"along dim={dim}, across sequences")
    lowered = dims[0] - 1 if isinstance(dim, int) else [d - 1 for d in dims]
    if 1 not in dims:
        result = function(input.values, lowered, *args, **options)
        return input.with_values(result) if isinstance(result, Tensor) else tuple.__new__(
            type(result), [input.with_values(part) for part in result])
    found = [function(each, lowered, *args, **options) for each in input.unbind()]
    if isinstance(found[0], Tensor):
        return join(found)
    return tuple.__new__(type(found[0]), [join(list(parts)) for parts in zip(*found, strict=True)])
