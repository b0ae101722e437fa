"""Batching: how each family runs on all lanes at once.

    pointwise            lanes lined up in front of broadcasting
    views                the same view of each lane, which is one view of all
    folds, sorts, ...    the same dimensions, one further on
    products, convolutions   the lanes as one more batch dimension, or as groups (`batched_ops`)
    composites           run as they are: what they call is batched

Whatever else there is runs lane by lane, and the results are stacked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from rushlight.backends.meta.array import is_meta
from rushlight.base.promotion import of_number, promote_ranks
from rushlight.families.index import IndexOp
from rushlight.families.library import Library
from rushlight.families.pointwise import Pointwise
from rushlight.families.view import View
from rushlight.families.wrapped import Call, below, leaves_of, levels, mapped
from rushlight.tensor import Tensor
from rushlight.transforms import batched
from rushlight.transforms.batched import Batched, lowered, raised
from rushlight.transforms.batched_ops import IN_PLACE, RULES, aligned
from rushlight.transforms.geometry import GEOMETRY, reshaped
from rushlight.transforms.lanes import unstacked, view_of_lanes
from rushlight.transforms.randomness import collected


def rule(level: int, call: Call) -> Any:
    """Run a call of which an argument is batched at `level`."""
    if call.name in GEOMETRY:
        return reshaped(call)
    if call.in_place:
        with below(level):
            return _in_place(level, call)
    if call.name in RULES:
        with below(level):
            result = RULES[call.name](level, call)
        if result is not NotImplemented:
            return wrapped(result, level)
    if call.family == "autograd":
        return _custom(level, call)
    if call.op is None:
        return _composite(level, call)
    with below(level):
        for kind, family in FAMILIES.items():
            if isinstance(call.op, kind):
                result = family(level, call)
                if result is not NotImplemented:
                    return wrapped(result, level)
        return each_lane(level, call)


def wrapped(result: Any, level: int) -> Any:
    """A result that has the lanes in front, batched."""
    return mapped(result, lambda y: raised(y, level) if isinstance(y, Tensor) else y)


def _here(x: Any, level: int) -> bool:
    return isinstance(x, Batched) and x.level == level


def _size(level: int, call: Call) -> int:
    return next(x.value._array.shape[0] for x in call.leaves() if _here(x, level))


def each_lane(level: int, call: Call) -> Any:
    """The call on one lane after the other, the results stacked."""
    lanes = {id(x): unstacked(x.value) for x in call.leaves() if _here(x, level)}
    results = [call(lambda x: lanes[id(x)][i] if _here(x, level) else x)  # noqa: B023
               for i in range(_size(level, call))]
    return collected(results, level)


def _pointwise(level: int, call: Call) -> Any:
    values = call.args[0]
    tensors = {n: v for n, v in values.items() if isinstance(v, Tensor)}
    rank = max(v._array.ndim for v in tensors.values())
    common = _common(values)
    changed = dict(values)
    for position, (name, value) in enumerate(tensors.items()):
        if not _here(value, level):
            continue
        lanes = aligned(value, level, rank)
        if common is not None and name != "condition" and lanes.dtype is not common and not (
                call.in_place and position == 0):
            lanes = lanes.to(common)
        changed[name] = lanes
    return call.function(changed)


def _common(values: dict[str, Any]) -> Any:
    """The type that operands promote to by the shapes of one lane; None where they agree."""
    given = {n: v for n, v in values.items() if n != "condition"}
    tensors = [v for v in given.values() if isinstance(v, Tensor)]
    if len({t.dtype for t in tensors}) < 2:
        return None
    return promote_ranks([t.dtype for t in tensors if t._array.ndim],
                         [t.dtype for t in tensors if not t._array.ndim],
                         [of_number(v) for v in given.values()
                          if isinstance(v, bool | int | float | complex)])


def _view(level: int, call: Call) -> Any:
    first, *arguments = call.args
    return view_of_lanes(first.value, call.function, tuple(arguments))


# Without a dimension they count through all elements.
OF_ALL = ("argmax", "argmin")
# They would give one lane other memory.
OTHER_MEMORY = ("resize_", "resize_as_", "set_")


def _library(level: int, call: Call) -> Any:
    """Folds, sorts and transforms along dimensions."""
    values, op = call.args[0], call.op
    batched = [n for n, v in values.items() if _here(v, level)]
    tensors = [n for n, v in values.items() if isinstance(v, Tensor)]
    if batched != tensors or len(tensors) != 1:
        return NotImplemented
    [name] = batched
    if op.declaration.family == "linalg":  # of matrices, however many
        return call.function({**values, name: values[name].value})
    option = next((n for n in ("dim", "dims") if n in values), None)
    rank = values[name]._array.ndim
    if option is None or rank == 0 or (values[option] is None and op.name in OF_ALL):
        return NotImplemented
    dim = behind(values[option], rank)
    if dim is None:
        return NotImplemented
    return call.function({**values, name: values[name].value, option: dim})


def behind(dim: Any, rank: int) -> Any:
    """Dimensions behind that of the lanes; all for None. None for what is out of range."""
    if dim is None or (isinstance(dim, tuple | list) and not dim):
        return tuple(range(1, rank + 1))
    if isinstance(dim, tuple | list):
        found = tuple(behind(d, rank) for d in dim)
        return None if None in found else found
    if not isinstance(dim, int) or not -rank <= dim < rank:
        return None
    return dim if dim < 0 else dim + 1


FAMILIES: dict[type, Callable[[int, Call], Any]] = {
    Pointwise: _pointwise, View: _view, Library: _library,
    IndexOp: lambda level, call: NotImplemented,
}


def _composite(level: int, call: Call) -> Any:
    """Plain Python runs as it is, unless it looks at elements: then lane by lane."""
    before = levels.stack
    try:
        result = call.plainly()
        if not any(isinstance(y, Tensor) and not isinstance(y, Batched) and is_meta(y._array)
                   for y in leaves_of(result)):
            return result
    except Exception as error:
        if "randomness" in str(error):
            raise
        levels.stack = before
    with below(level):
        return each_lane(level, call)


def _custom(level: int, call: Call) -> Any:
    """An `autograd.Function`: by its own `vmap`, or lane by lane where it asks for that."""
    function, size = call.op, _size(level, call)
    if function.generate_vmap_rule:
        with below(level):
            return each_lane(level, call)
    if function.vmap is None:
        raise RuntimeError(
            f"You tried to vmap over {call.name}, but it does not have vmap support. Please "
            "override and implement the vmap staticmethod or set generate_vmap_rule=True.")
    info = VmapInfo(size, next(x.randomness for x in levels.stack if x.number == level))
    with below(level):
        result, places = function.vmap(
            info, mapped(call.args, lambda x: 0 if _here(x, level) else None),
            *mapped(call.args, lambda x: x.value if _here(x, level) else x))
        if not isinstance(result, tuple):
            return result if places is None else raised(_in_front(result, places), level)
        places = places if isinstance(places, tuple) else (places,) * len(result)
        return tuple(y if p is None else raised(_in_front(y, p), level)
                     for y, p in zip(result, places, strict=True))


def _in_front(lanes: Any, place: int) -> Any:
    """The lanes along dimension 0; as they are, under their own `grad_fn`, where they lie so."""
    return lanes if place == 0 else lanes.movedim(place, 0)


class VmapInfo(NamedTuple):
    """What a Function's `vmap` is told of the transform."""

    batch_size: int
    randomness: str


def _in_place(level: int, call: Call) -> Any:
    target = call.leaves()[0]
    if call.name in OTHER_MEMORY:
        raise RuntimeError(f"vmap: {call.name} is not possible: the lanes share their memory, and "
                           "none of them can have another; use reshape(), narrow() or clone()")
    if not _here(target, level):
        raise RuntimeError(
            f"vmap: {_title(call)}(self, *extra_args) is not possible because there exists a "
            "Tensor `other` in extra_args that has more elements than `self`: `other` has lanes, "
            "and every lane would write to the same `self`. Write out of place, or make `self` "
            "with new_zeros() of a tensor that has lanes")
    if isinstance(call.op, Pointwise):
        rank = max(v._array.ndim for v in call.args[0].values() if isinstance(v, Tensor))
        if rank == target._array.ndim:
            _pointwise(level, call)
            return target
    elif call.name in IN_PLACE and IN_PLACE[call.name](level, call) is not NotImplemented:
        return target
    for i in range(target.value._array.shape[0]):
        call(lambda x: x.value[i] if _here(x, level) else x)  # noqa: B023
    return target


def _title(call: Call) -> str:
    """What torch calls a write in this message."""
    name = call.name.strip("_")
    if name in ("add", "sub", "mul", "div", "copy", "setitem", "masked_fill"):
        return "inplace arithmetic"
    return f"{name}_" if name in ("fill", "index_add") else f"aten::{name}_"


batched.RULE.append(rule)
__all__ = ["each_lane", "lowered", "rule"]
