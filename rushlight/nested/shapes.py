"""Shapes of nested tensors: dimensions exchanged, split, merged, added, taken apart and joined.

`values` here has the ragged dimension where the components have it, one less than in the batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rushlight.nested.dispatch import (
    by_rule,
    handles,
    inner_dims,
    joined,
    name_of,
    nested_among,
    one_by_one,
    shown,
)
from rushlight.nested.size import RaggedInt
from rushlight.nested.tensor import NestedTensor, build
from rushlight.sequences import rules
from rushlight.sequences.ragged import Ragged
from rushlight.tensor import Tensor
from rushlight.tensor.storage import jagged


def regular(batch: NestedTensor) -> bool:
    """Whether one dimension alone is ragged."""
    return batch._place is not None


def moved(batch: NestedTensor, values: Any, place: int) -> NestedTensor:
    """The nested tensor of other values, whose dimension `place - 1` is the ragged one."""
    steps = values if place == 1 else values.movedim(place - 1, 0)
    return build(Ragged(steps, batch._ragged.layout), place, batch._kind)


def sizes_of(given: tuple[Any, ...]) -> list[Any]:
    """Sizes or dimensions, given one by one or as one list."""
    return list(given[0]) if len(given) == 1 and isinstance(given[0], list | tuple) else list(given)


def _inside(function: Any, batch: NestedTensor, dim: int) -> int:
    """A dimension that is neither the batch nor the ragged one."""
    at = batch._ragged_dim(dim)
    if at in (0, batch._place):
        where = "ragged dim" if at else "dim=0"
        raise RuntimeError(f"{name_of(function)}(): not supported for NestedTensor on {where}: "
                           f"{shown(batch)}")
    return at


# ---- order ---------------------------------------------------------------------------------------


@handles("transpose swapaxes swapdims")
def transpose(function: Any, input: NestedTensor, dim0: int, dim1: int) -> NestedTensor:
    """Two dimensions exchanged, neither of them the batch."""
    one, other = input._ragged_dim(dim0), input._ragged_dim(dim1)
    if one == other:
        return input
    if not one or not other:
        if input._kind is jagged and input._place not in (one, other):
            raise RuntimeError("transpose(): not supported for NestedTensor on dim=0: "
                               f"{shown(input)}")
        if input._kind is jagged:
            raise ValueError("Transpose is not supported on the batch dimension for jagged NT: "
                             f"dimensions {dim0} and {dim1} of {shown(input)}")
        raise RuntimeError(f"Nested tensor dimension 0 cannot be transposed: {dim0} and {dim1} of "
                           f"{shown(input)}")
    if not regular(input):
        return joined([x.transpose(one - 1, other - 1) for x in input._components()], input)
    place = {one: other, other: one}.get(input._place or 1, input._place)
    return moved(input, input._values().transpose(one - 1, other - 1), place or 1)


@handles("permute")
def permute(function: Any, input: NestedTensor, *dims: Any) -> NestedTensor:
    """Dimensions in another order, the batch first."""
    order = sizes_of(dims)
    if len(order) != input.ndim:
        raise RuntimeError("permute(): number of dimensions in the tensor input "
                           f"({input.ndim}) does not match the length of the desired ordering of "
                           f"dimensions ({len(order)}).")
    found = [input._ragged_dim(dim) for dim in order]
    if len(set(found)) < len(found):
        raise RuntimeError(f"permute(): duplicate dims are not allowed: {order}")
    if found[0]:
        raise ValueError("Permute is not supported on the batch dimension for jagged NT: "
                         f"{order} of {shown(input)}")
    inner = [dim - 1 for dim in found[1:]]
    if not regular(input):
        return joined([x.permute(inner) for x in input._components()], input)
    return moved(input, input._values().permute(inner), found.index(input._place or 1))


@handles("movedim moveaxis")
def movedim(function: Any, input: NestedTensor, source: Any, destination: Any) -> Any:
    """Dimensions put at other places, the batch in front."""
    moves = [[input._ragged_dim(d) for d in ([dims] if isinstance(dims, int) else dims)]
             for dims in (source, destination)]
    order = [dim for dim in range(input.ndim) if dim not in moves[0]]
    for place, dim in sorted(zip(moves[1], moves[0], strict=True)):
        order.insert(place, dim)
    return input.permute(order)


@handles("contiguous")
def contiguous(function: Any, input: NestedTensor, *args: Any, **options: Any) -> NestedTensor:
    """The same with values that lie in order, and without holes."""
    if input.is_contiguous():
        return input
    if not regular(input):
        return input._alike(input._ragged.values.contiguous())
    return moved(input, input._values().contiguous(), input._place or 1)


# ---- other sizes ---------------------------------------------------------------------------------


@handles("reshape Tensor.view")
def view(function: Any, input: NestedTensor, *shape: Any, **options: Any) -> Any:
    """(batch, ..., -1 or the ragged size, ...): the other dimensions split and merged."""
    wanted = sizes_of((*shape, *options.values()))
    if len(wanted) == 1 and not isinstance(wanted[0], int | RaggedInt):  # view(dtype)
        return input._alike(function(input._ragged.values, wanted[0]))
    place = _ragged_place(input, wanted)
    if not wanted or wanted[0] not in (len(input), -1) or (input._kind is jagged and place is None):
        raise RuntimeError(f"{name_of(function)}(): cannot view shape {_shape(input)} as {wanted}: "
                           "the batch and the ragged dimension stay, as "
                           f"({len(input)}, -1, ...)")
    if place is None or not regular(input):
        parts = [function(x, _filled(wanted[1:], x)) for x in input._components()]
        return joined(parts, input)
    inner = list(wanted[1:])
    inner[place - 1] = input._ragged.layout.steps
    return moved(input, function(input._values(), inner), place)


def _ragged_place(input: NestedTensor, wanted: list[Any]) -> int | None:
    """Where the ragged dimension stands among wanted sizes: its symbol, or -1 at its place."""
    for at, size in enumerate(wanted):
        if isinstance(size, RaggedInt) and size.factor == 1 and (
                size.layout.agrees(input._ragged.layout)):
            return at
    place = input._place
    return place if place is not None and wanted[place:place + 1] == [-1] else None


def _filled(sizes: Sequence[Any], component: Tensor) -> list[Any]:
    """Sizes of one component: of several -1 the first ones keep the size they have."""
    found = list(sizes)
    while found.count(-1) > 1:
        at = found.index(-1)
        found[at] = component.size(at)
    return found


def _shape(input: NestedTensor) -> Any:
    return tuple(input._shape()) if input._kind is jagged else shown(input)


@handles("Tensor.view_as Tensor.reshape_as")
def view_as(function: Any, input: NestedTensor, other: Any) -> Any:
    """With the shape of another nested tensor."""
    if input._kind is jagged:
        return input.reshape(other.shape)
    pairs = zip(input._components(), other._components(), strict=True)
    return joined([function(one, another) for one, another in pairs], input)


@handles("unflatten")
def unflatten(function: Any, input: NestedTensor, dim: int, sizes: Any) -> NestedTensor:
    """One dimension in place of which there are several."""
    if not regular(input):
        return one_by_one(function, (input, dim, sizes), {})
    at, place = _inside(function, input, dim), input._place or 1
    return moved(input, function(input._values(), at - 1, sizes),
                 place + (len(sizes) - 1 if at < place else 0))


@handles("flatten")
def flatten(function: Any, input: NestedTensor, start_dim: int = 0,
            end_dim: int = -1) -> NestedTensor:
    """Several dimensions as one, the ragged one not among them."""
    start, end, place = input._ragged_dim(start_dim), input._ragged_dim(end_dim), input._place
    if start == end:
        return input
    if start and (place is None or (start <= place <= end and input._kind is not jagged)):
        return joined([x.flatten(start - 1, end - 1) for x in input._components()], input)
    if place is None or start <= place <= end or not start:
        where = "dim=0" if place is None or place > end else "ragged dim"
        raise RuntimeError(f"flatten(): not supported for NestedTensor on {where}: {shown(input)}")
    return moved(input, input._values().flatten(start - 1, end - 1),
                 place - (end - start if end < place else 0))


@handles("unsqueeze")
def unsqueeze(function: Any, input: NestedTensor, dim: int) -> NestedTensor:
    """With a dimension of size 1 more, behind the batch."""
    n, place = input.ndim + 1, input._place
    if not -n <= dim < n:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-n}, {n - 1}], but "
                         f"got {dim})")
    at = dim % n
    if not at:
        raise RuntimeError("unsqueeze(): not supported for NestedTensor on dim=0: "
                           f"{shown(input)}")
    if place is None:
        return joined([x.unsqueeze(at - 1) for x in input._components()], input)
    return moved(input, input._values().unsqueeze(at - 1), place + (at <= place))


@handles("squeeze")
def squeeze(function: Any, input: NestedTensor, dim: Any = None) -> NestedTensor:
    """Without dimensions of size 1; they have to be named."""
    if dim is None:
        raise RuntimeError("squeeze(): for nested tensors, dim must be specified: the ragged "
                           f"dimension of {shown(input)} stays whatever its sizes are")
    place = input._place
    if place is None:
        return one_by_one(function, (input, dim), {})
    dims = [_inside(function, input, d) for d in ([dim] if isinstance(dim, int) else dim)]
    gone = [d for d in dims if input._values().size(d - 1) == 1]
    return moved(input, input._values().squeeze([d - 1 for d in dims]),
                 place - sum(d < place for d in gone))


@handles("Tensor.expand broadcast_to")
def expand(function: Any, input: NestedTensor, *sizes: Any, **options: Any) -> NestedTensor:
    """Dimensions of size 1 repeated without a copy; the batch and the ragged one stay."""
    wanted = sizes_of((*sizes, *options.values()))
    place = _ragged_place(input, wanted)
    if place is None or place != input._place or wanted[0] not in (len(input), -1) or (
            len(wanted) != input.ndim):
        raise RuntimeError(f"expand(): cannot expand shape {_shape(input)} -> {wanted}: the batch "
                           "and the ragged dimension stay")
    inner = list(wanted[1:])
    inner[place - 1] = -1
    return moved(input, input._values().expand(inner), place)


@handles("Tensor.expand_as")
def expand_as(function: Any, input: NestedTensor, other: NestedTensor) -> Any:
    """With the shape of another nested tensor."""
    return input.expand(*other.shape)


# ---- parts ---------------------------------------------------------------------------------------


@handles("chunk split tensor_split split_with_sizes narrow select index_select")
def parted(function: Any, input: NestedTensor, *args: Any, **options: Any) -> Any:
    """Parts along a dimension of the components, or of the batch."""
    bound = rules.signature(function).bind(input, *args, **options)
    bound.apply_defaults()
    dim = bound.arguments["dim"]
    at = input._ragged_dim(dim)
    name = name_of(function)
    if not at:
        return _of_batch(function, input, bound)
    if not regular(input) or (at == input._place and input._kind is not jagged):
        bound.arguments["dim"] = inner_dims(function, input, dim)
        own = [x for x in bound.arguments.values() if x is not input]
        return joined([function(x, *own) for x in input._components()], input)
    bound.arguments["dim"] = _inside(function, input, dim) - 1
    bound.arguments[next(iter(bound.arguments))] = input._values()
    place = (input._place or 1) - (name == "select" and at < (input._place or 1))
    found = function(*bound.args, **bound.kwargs)
    if isinstance(found, Tensor):
        return moved(input, found, place)
    return type(found)(moved(input, part, place) for part in found)


def _of_batch(function: Any, input: NestedTensor, bound: Any) -> Any:
    """Some of the components: the function says which, asked about their numbers."""
    name = name_of(function)
    refused = {"narrow", "split", "split_with_sizes", "tensor_split", "index_select"}
    if input._kind is jagged and name in refused:
        raise RuntimeError(f"{name}(): not supported for NestedTensor on dim=0: {shown(input)}; "
                           "take some of unbind()")
    parts = input._components()
    if name == "select":
        return parts[_number(bound.arguments["index"], len(parts))]
    own = list(bound.arguments.values())[1:]
    found = function(input._ragged.lengths.new_tensor(range(len(parts))), *own)
    chosen = [found] if isinstance(found, Tensor) else found
    made = [joined([parts[i] for i in each.tolist()], input) for each in chosen]
    return made[0] if isinstance(found, Tensor) else tuple(made)


def _number(index: Any, size: int) -> int:
    """The number of a component. Raises IndexError."""
    at = int(index)
    if not -size <= at < size:
        raise IndexError(f"index {at} is out of bounds for dimension 0 with size {size}")
    return at % size


# ---- joining -------------------------------------------------------------------------------------


@handles("cat concat concatenate")
def cat(function: Any, tensors: Any, dim: int = 0, **options: Any) -> NestedTensor:
    """Along the batch (strided only), or along a dimension of the components."""
    first = nested_among([tensors])[0]
    at = first._ragged_dim(options.get("axis", dim))
    if at and first._kind is jagged:
        _inside(function, first, at)
    if at == 0:
        if first._kind is jagged or not all(isinstance(x, NestedTensor) for x in tensors):
            raise RuntimeError("cat(): not supported for NestedTensor on dim=0: give the unbind() "
                               "of all to as_nested_tensor()")
        return joined([part for x in tensors for part in x._components()], first)
    if at == first._place:
        return one_by_one(function, (list(tensors), at), {})
    made: NestedTensor = by_rule(function, rules.RULES[function], (list(tensors), at), {})
    return made


@handles("stack")
def stack(function: Any, tensors: Any, dim: int = 0) -> NestedTensor:
    """Along a new dimension of the components."""
    first = tensors[0]
    if not all(isinstance(x, NestedTensor) for x in tensors):
        raise RuntimeError("stack(): expected all nested tensors inputs")
    if any(not first.is_same_size(x) for x in tensors):
        raise RuntimeError("stack(): expected all nested tensors to have the same nested structure"
                           f": {' and '.join(map(shown, tensors))}")
    n = first.ndim + 1
    if not -n <= dim < n or dim % n == 0:
        raise RuntimeError(f"stack(): not supported for NestedTensor on dim=0: {shown(first)}")
    at = dim % n
    if any(x._place is None or x._place != first._place for x in tensors):
        parts = zip(*(x._components() for x in tensors), strict=True)
        return joined([function(list(own), at - 1) for own in parts], first)
    return moved(first, function([x._values() for x in tensors], at - 1),
                 first._place + (at <= first._place))


@handles("unbind")
def unbind(function: Any, input: NestedTensor, dim: int = 0) -> tuple[Tensor, ...]:
    """The components."""
    return input.unbind(dim)


