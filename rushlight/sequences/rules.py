"""Which operations take ragged sequences, and how: a rule for each, found by the function called.

A rule is a function of the operation's function and the arguments of the call. Whatever has no
rule has no meaning for sequences of different lengths, and says so.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from rushlight.base.errors import describe
from rushlight.families.declaration import FUNCTIONS, PATHS
from rushlight.families.override import title
from rushlight.families.source import materialise
from rushlight.ops.sequence_rows import spread_rows
from rushlight.sequences.layout import Layout
from rushlight.sequences.ragged import Ragged
from rushlight.tensor import Tensor

T = TypeVar("T")
Rule = Callable[..., Any]
RULES: dict[Any, Rule] = {}


def rule(paths: str) -> Callable[[Rule], Rule]:
    """Let the operations at these paths, and the methods of their names, follow a rule."""

    def declare(body: Rule) -> Rule:
        for path in paths.split():
            for known in (path, f"Tensor.{path.rpartition('.')[2]}"):
                if known in FUNCTIONS:
                    RULES.setdefault(FUNCTIONS[known], body)
        return body

    return declare


def dispatch(cls: type, function: Any, types: tuple[type, ...], args: tuple[Any, ...] = (),
             kwargs: dict[str, Any] | None = None) -> Any:
    """`Ragged.__torch_function__`: run the call by its rule. Raises TypeError without one."""
    if not all(issubclass(kind, Ragged | Tensor) for kind in types) or any(
            getattr(kind, "is_nested", False) is True for kind in types):  # they answer
        return NotImplemented
    options = kwargs or {}
    if options.get("out") is not None:
        raise TypeError(f"{title(function)}(): out= is not for ragged sequences; use what is "
                        "returned")
    found = RULES.get(function)
    if found is None:
        raise no_meaning(function, (*args, *options.values()))
    return found(function, *args, **options)


def install() -> None:
    """Give Ragged its `__torch_function__`, and the methods and operators of tensors."""
    members: dict[str, Any] = {"__torch_function__": classmethod(dispatch)}
    for path, function in FUNCTIONS.items():
        holder, _, name = path.rpartition(".")
        in_place = name.startswith("__i") and name != "__invert__"
        if holder == "Tensor" and name not in vars(Ragged) and not in_place:
            members[name] = function
    members["__hash__"] = object.__hash__
    for name, member in members.items():
        setattr(Ragged, name, member)
    for path in PATHS:
        if PATHS[path].family == "pointwise":
            RULES.setdefault(FUNCTIONS[path], by_place)


def no_meaning(function: Any, arguments: Any, why: str = "") -> TypeError:
    """The error for an operation that sequences of different lengths cannot go through."""
    batch = ragged_among(arguments)[0]
    reason = f", {why}" if why else ""
    error: Any = TypeError(
        f"{title(function)}(): no meaning for sequences of different lengths{reason}, but got "
        f"{batch._short()}; apply it to each one with map(), or to a padded tensor from "
        "to_padded()")
    error.no_meaning = True  # told from other errors of type where nested tensors ask
    return error


# ---- arguments -----------------------------------------------------------------------------------


def among(kind: type[T], arguments: Any) -> list[T]:
    """Those of a kind among arguments, lists opened."""
    found = []
    for value in arguments:
        if isinstance(value, kind):
            found.append(value)
        elif isinstance(value, list | tuple):
            found += [x for x in value if isinstance(x, kind)]
    return found


def ragged_among(arguments: Any) -> list[Ragged]:
    """The ragged ones among arguments, lists opened."""
    return among(Ragged, arguments)


def common(function: Any, arguments: Any) -> Layout:
    """The one layout of all ragged arguments. Raises RuntimeError where lengths differ."""
    first, *others = ragged_among(arguments)
    for other in others:
        if not first.layout.agrees(other.layout):
            raise RuntimeError(f"{title(function)}(): the lengths must match: {first._short()} and "
                               f"{other._short()}")
    return first.layout


def rewrapped(result: Any, layout: Layout, arguments: Any = ()) -> Any:
    """What an operation on all steps returned, ragged again; in place: the argument itself."""
    if isinstance(result, Tensor):
        for given in arguments:
            if isinstance(given, Ragged) and given.values is result:
                return given
        return Ragged(result, layout)
    if isinstance(result, tuple | list):
        items = [rewrapped(item, layout, arguments) for item in result]
        return tuple.__new__(type(result), items) if isinstance(result, tuple) else items
    return result


def by_place(function: Any, *args: Any, **options: Any) -> Any:
    """Run on all steps; dense operands broadcast: (*features), (batch, 1, *features)."""
    given = (*args, *options.values())
    layout = common(function, given)
    dims = {batch.ndim for batch in ragged_among(given)}
    if len(dims) > 1:
        shapes = " and ".join(batch._short() for batch in ragged_among(given))
        raise RuntimeError(f"{title(function)}(): ragged operands must have the same number of "
                           f"dimensions: {shapes}; add features with unsqueeze(-1)")
    ndim = dims.pop()

    def lower(value: Any) -> Any:
        if isinstance(value, Ragged):
            return value.values
        return dense(function, value, layout, ndim) if isinstance(value, Tensor) else value

    result = function(*map(lower, args), **{n: lower(v) for n, v in options.items()})
    return rewrapped(result, layout, given)


def dense(function: Any, value: Tensor, layout: Layout, ndim: int) -> Tensor:
    """A dense operand beside ragged ones of `ndim` dimensions, as one that all steps broadcast
    with. Raises RuntimeError where its time dimension is neither missing nor 1."""
    if value.ndim < ndim - 1 or (value.ndim == ndim - 1 and len(value) == 1):
        return value
    if value.ndim == ndim and value.size(1) == 1 and value.size(0) in (1, layout.batch):
        row = value[:, 0]
        return row if value.size(0) == 1 else spread_rows(row, layout.offsets)
    raise RuntimeError(f"{title(function)}(): {describe(value)} does not broadcast with ragged "
                       f"(batch={layout.batch}, time, {ndim - 2} more dimensions) of {layout}; "
                       "give (*features) or (batch, 1, *features), or make it ragged with "
                       "rl.ragged(padded, lengths=...)")


def on_steps(function: Any, *args: Any, **options: Any) -> Any:
    """Run on all steps at once; dense arguments (weights, statistics) as they are."""
    given = (*args, *options.values())
    layout = common(function, given)

    def lower(value: Any) -> Any:
        return value.values if isinstance(value, Ragged) else value

    result = function(*map(lower, args), **{n: lower(v) for n, v in options.items()})
    return rewrapped(result, layout, given)


# ---- dimensions ----------------------------------------------------------------------------------


@cache
def signature(function: Any) -> inspect.Signature:
    """The parameters of an operation."""
    return inspect.signature(materialise(function))


def dimensions(function: Any, batch: Ragged, dim: Any, more: int = 0) -> list[int]:
    """Dimensions counted from the front; more: dimensions that the result has besides."""
    n, given = batch.ndim + more, [dim] if isinstance(dim, int) else list(dim)
    for each in given:
        if not -n <= each < n:
            raise IndexError(f"Dimension out of range (expected to be in range of [{-n}, {n - 1}], "
                             f"but got {each}): {title(function)}() of {batch._short()}")
    return [each % n for each in given]


def feature_dims(function: Any, *args: Any, **options: Any) -> Any:
    """Run on all steps an operation whose dimensions are those of the features."""
    batch = ragged_among((*args, *options.values()))[0]
    bound = signature(function).bind(*args, **options)
    bound.apply_defaults()
    more = int(function in _ADD_ONE)
    for name in DIMENSIONS & set(bound.arguments):
        dim = bound.arguments[name]
        if dim is None and name == "axis":  # the other name of dim, not given
            continue
        if dim is None or dim == () or isinstance(dim, str):
            raise no_meaning(function, (batch,), f"{name}={dim} takes batch and time along")
        found = dimensions(function, batch, dim, more)
        if any(d < 2 for d in found):
            raise no_meaning(function, (batch,), f"{name}={dim} is not among the features")
        lowered = [d - 1 for d in found]
        bound.arguments[name] = lowered[0] if isinstance(dim, int) else tuple(lowered)
    given = {n: v for n, v in bound.kwargs.items() if n != "out" or v is not None}
    return on_steps(function, *bound.args, **given)


DIMENSIONS = {"dim", "dims", "dim0", "dim1", "start_dim", "end_dim", "axis", "axis0", "axis1",
              "source", "destination"}
_ADD_ONE = {FUNCTIONS["unsqueeze"]}
