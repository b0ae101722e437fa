"""Masks of losses: which places count.

One mechanism serves every loss. What does not count is taken out before the loss is computed, so
nothing that stands there (NaN, inf, a class that does not exist) is ever read, its gradient is
exactly zero, and means and weights are those of the remaining places alone.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from rushlight.base.errors import describe, operands, type_name
from rushlight.families.late_signature import LateSignature, with_keywords
from rushlight.tensor import Tensor, wrap

Shape = tuple[int, ...]
Select = Callable[[Tensor], dict[str, Any]]  # from a mask the arguments at its True places
# From the arguments of a loss by name: the shape of its losses, and how to select places.
Layout = Callable[[dict[str, Any]], tuple[Shape, Select]]


def maskable(layout: Layout) -> Callable[[Callable[..., Any]], Any]:
    """Give a loss the keywords mask= and lengths=.

    mask: bool, broadcastable to the shape of the losses (what reduction="none" gives); True
    counts. lengths: (batch,) whole numbers; of sample n the first lengths[n] places of the second
    dimension count. With both, what both let through counts. The mean of nothing is 0.
    """

    def declare(loss: Callable[..., Any]) -> Any:
        @functools.wraps(loss)
        def function(*args: Any, mask: Any = None, lengths: Any = None, **options: Any) -> Any:
            if mask is None and lengths is None:
                try:
                    return loss(*args, **options)
                except AttributeError:
                    _must_be_tensors(loss, args, options)
                    raise
            given = inspect.signature(loss).bind(*args, **options)
            given.apply_defaults()
            return _masked(loss, layout, given.arguments, mask, lengths)

        made: Any = function
        made.__wrapped__ = LateSignature(
            loss, lambda: with_keywords(loss, "mask", "lengths", annotation="Any"))
        return made

    return declare


def _must_be_tensors(loss: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]
                     ) -> None:
    """Say which of the two that are compared is no tensor."""
    given = list(inspect.signature(loss).bind(*args, **options).arguments.items())
    for place, (name, value) in enumerate(given[:2], 1):
        if value is None or isinstance(value, list | tuple | int | float | np.ndarray):
            raise TypeError(f"{loss.__name__}(): argument '{name}' (position {place}) must be "
                            f"Tensor, not {type_name(value)}") from None


def _masked(loss: Callable[..., Any], layout: Layout, arguments: dict[str, Any], mask: Any,
            lengths: Any) -> Any:
    """The loss of the places that count."""
    places, select = layout(arguments)
    kept = _kept(mask, lengths, places, loss.__name__)
    word = _word(arguments)
    chosen = {**arguments, **select(kept)}
    if word == "batchmean":
        samples = kept.reshape(places[0], -1).any(1).sum() if places else kept.sum()
        return loss(**{**chosen, "reduction": "sum"}) / samples.clamp(min=1)
    if word == "mean" and not kept._array.any():
        older = dict.fromkeys(arguments.keys() & {"size_average", "reduce"})
        return loss(**{**chosen, **older, "reduction": "sum"})
    result = loss(**chosen)
    if word != "none":
        return result
    return result.new_zeros((*places, *result.shape[1:])).index_put((kept,), result)


def _word(arguments: dict[str, Any]) -> str:
    """The reduction that is asked for, the older spellings included."""
    average, reduce = arguments.get("size_average"), arguments.get("reduce")
    if average is None and reduce is None:
        return str(arguments["reduction"])
    return "none" if reduce is False else ("sum" if average is False else "mean")


def _kept(mask: Any, lengths: Any, places: Shape, op: str) -> Tensor:
    """The places that count, as a bool tensor of the losses' shape."""
    kept = None if lengths is None else _within(lengths, places, op)
    if mask is None:
        return kept  # type: ignore[return-value]
    if not isinstance(mask, Tensor) or mask._array.dtype != np.bool_:
        raise TypeError(f"{op}: mask must be a bool tensor, True where a place counts, got "
                        f"{describe(mask) if isinstance(mask, Tensor) else type(mask).__name__}; "
                        "convert numbers with mask.bool()")
    try:
        array = np.broadcast_to(mask._array, places)
    except ValueError:
        raise ValueError(
            f"{op}: mask {describe(mask)} does not broadcast to the shape of the losses, "
            f"{list(places)}; a mask of whole samples or time steps takes unsqueeze(-1) for each "
            "dimension after it") from None
    return wrap(array if kept is None else array & kept._array)


def _within(lengths: Any, places: Shape, op: str) -> Tensor:
    """True at the first lengths[n] places of sample n."""
    given = np.asarray(lengths._array if isinstance(lengths, Tensor) else lengths)
    if len(places) < 2:
        raise ValueError(f"{op}: lengths= needs losses of shape (batch, time, *), but these have "
                         f"shape {list(places)}; leave them in that shape, or give mask=")
    if given.shape != places[:1] or (given.dtype.kind not in "iu" and given.size):
        raise ValueError(f"{op}: lengths must be one whole number for each of {places[0]} samples "
                         f"of losses of shape {list(places)}, got {given.dtype}{list(given.shape)}")
    if given.size and not 0 <= given.min() <= given.max() <= places[1]:
        raise ValueError(f"{op}: lengths must lie between 0 and {places[1]}, the size of dimension "
                         f"1 of losses of shape {list(places)}, got {given.min()} to {given.max()}")
    within = np.arange(places[1]) < given[:, None]
    return wrap(np.broadcast_to(within.reshape(within.shape + (1,) * (len(places) - 2)), places))


# ---- layouts: where in the arguments the places of the losses are


def elements(*names: str) -> Layout:
    """Losses of single elements of the tensors `names`; weights and the like broadcast to them."""

    def layout(arguments: dict[str, Any]) -> tuple[Shape, Select]:
        tensors = {n: v for n, v in arguments.items() if isinstance(v, Tensor)}
        shapes = {n: tuple(tensors[n].shape) for n in names}
        if "input" in shapes and len(set(shapes.values())) > 1:
            raise ValueError("with mask= or lengths= the target must have the input's shape: "
                             + operands(**{n: tensors[n] for n in names}))
        places = np.broadcast_shapes(*shapes.values())
        var = tensors.get("var")
        if var is not None and tuple(var.shape) == places[:-1] != places:
            tensors["var"] = var.unsqueeze(-1)  # one variance for a whole row
        return places, lambda mask: {n: v.expand(places)[mask] for n, v in tensors.items()}

    return layout


def rows(*names: str) -> Layout:
    """One loss for each row (last dimension) of the tensors `names`."""

    def layout(arguments: dict[str, Any]) -> tuple[Shape, Select]:
        tensors = {n: arguments[n] for n in names}
        first = tensors[names[0]]
        places = tuple(first.shape[:-1])
        if arguments.get("distance_function") is not None:
            places = tuple(first.shape[:1])  # what it sums over is unknown
        if any(tuple(t.shape[:len(places)]) != places for t in tensors.values()):
            raise ValueError(f"with mask= or lengths= all operands need the leading dimensions "
                             f"{list(places)}: {operands(**tensors)}")
        weight = arguments.get("weight")
        if weight is not None and weight.ndim > 1:
            tensors["weight"] = weight.expand(first.shape)
        return places, lambda mask: {n: t[mask] for n, t in tensors.items()}

    return layout


def classes(arguments: dict[str, Any]) -> tuple[Shape, Select]:
    """Scores (batch, classes, *) or (classes) of targets (batch, *), or of probabilities."""
    input, target = arguments["input"], arguments["target"]
    places = tuple(input.shape[:1] + input.shape[2:]) if input.ndim > 1 else ()
    soft = target.is_floating_point() and target.shape == input.shape
    if not soft and tuple(target.shape) != places:
        raise RuntimeError(f"Expected target size {list(places)}, got {list(target.shape)}: "
                           f"{operands(input=input, target=target)}")

    def select(mask: Tensor) -> dict[str, Any]:
        last = [x.movedim(1, -1) if x.ndim > 1 else x for x in (input, target)]
        return {"input": last[0][mask], "target": (last[1] if soft else target)[mask]}

    return places, select


def sequences(arguments: dict[str, Any]) -> tuple[Shape, Select]:
    """The log-probabilities (time, batch, classes) and targets of ctc_loss: whole samples count."""
    scores, targets = arguments["log_probs"], arguments["targets"]
    places = tuple(scores.shape[1:2]) if scores.ndim == 3 else ()

    def select(mask: Tensor) -> dict[str, Any]:
        kept = np.atleast_1d(mask._array)
        sizes = [_numbers(arguments[n]) for n in ("input_lengths", "target_lengths")]
        of_target = np.repeat(kept, sizes[1]) if targets.ndim == 1 else kept
        return {"log_probs": (scores if places else scores.unsqueeze(1))[:, wrap(kept)],
                "targets": targets[wrap(of_target)],
                "input_lengths": sizes[0][kept], "target_lengths": sizes[1][kept]}

    return places, select


def _numbers(lengths: Any) -> np.ndarray:
    return np.atleast_1d(np.asarray(lengths._array if isinstance(lengths, Tensor) else lengths,
                                    np.int64))
