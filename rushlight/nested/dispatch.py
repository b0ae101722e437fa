"""What operations make of nested tensors: their own handler's work, or that of the ragged rule.

A nested tensor of one ragged dimension goes through as the Ragged batch it is made of, dimensions
counted as that has them: (batch, ragged, *others). Components that differ in more dimensions, or
ragged dimensions at different places, go through one by one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight.families.declaration import FUNCTIONS
from rushlight.families.override import disabled, title
from rushlight.families.subclass import members
from rushlight.nested.making import from_components
from rushlight.nested.tensor import NestedTensor, build
from rushlight.sequences import over_time, rules
from rushlight.sequences.making import from_padded
from rushlight.sequences.ragged import Ragged
from rushlight.tensor import Tensor
from rushlight.tensor.storage import jagged, strided

Handler = Callable[..., Any]
HANDLERS: dict[Any, Handler] = {}
OVER_DIMENSIONS = {over_time.reduced, over_time.extreme, over_time.along}


def handles(paths: str) -> Callable[[Handler], Handler]:
    """Let a handler answer the operations at these paths, and the methods of their names."""

    def declare(body: Handler) -> Handler:
        for path in paths.split():
            for known in (path, f"Tensor.{path.rpartition('.')[2]}"):
                if known in FUNCTIONS:
                    HANDLERS[FUNCTIONS[known]] = body
        return body

    return declare


def dispatch(function: Any, types: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """The answer of nested tensors to a call. Raises NotImplementedError where there is none."""
    if not all(issubclass(kind, Ragged | Tensor) for kind in types):
        return NotImplemented
    if options.get("out") is not None:
        raise RuntimeError(f"{name_of(function)}(): out= is not supported for nested tensors; use "
                           "what is returned")
    handler = HANDLERS.get(function)
    if handler is not None:
        return handler(function, *args, **options)
    body = rules.RULES.get(function)
    if body is not None:
        return by_rule(function, body, args, options)
    if isinstance(getattr(function, "__self__", None), property) or (
            getattr(function, "__name__", "") in members()):
        return disabled(function, types, args, options)
    raise unsupported(function, nested_among((*args, *options.values())))


NestedTensor._answer = staticmethod(dispatch)


@handles("Tensor.pin_memory Tensor.cuda Tensor.type Tensor.share_memory_")
def of_values(function: Any, input: NestedTensor, *args: Any, **options: Any) -> Any:
    """What concerns the memory and its type."""
    values = input._ragged.values
    found = function(values, *args, **options)
    if found is values:
        return input
    return input._alike(found) if isinstance(found, Tensor) else found


@handles("nn.functional.dropout dropout")
def dropout(function: Any, input: NestedTensor, p: float = 0.5, training: bool = True,
            inplace: bool = False, *, train: bool | None = None) -> Any:
    """As of all values; for p of 0 and 1 numbers are drawn too, as torch does of nested ones."""
    training = training if train is None else train
    if training and p in (0, 1):
        input._ragged.values.detach().clone().bernoulli_(1 - p)
    return by_rule(function, rules.by_place, (input, p, training), {"inplace": inplace})


# ---- by the rules of ragged sequences ------------------------------------------------------------


def by_rule(function: Any, body: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Run a call on the Ragged batches, or where they have no one ragged dimension one by one."""
    given = nested_among((*args, *options.values()))
    places = {each._place for each in given}
    place = next(iter(places))
    if len(places) > 1 or place is None:
        return one_by_one(function, args, options)
    agree(function, given)
    dims: list[int] = []
    if body in OVER_DIMENSIONS or place != 1:
        args, options, dims = _as_ragged_dims(function, body, args, options, given[0])
    elementwise = body is rules.by_place
    if not elementwise and body not in OVER_DIMENSIONS and place == given[0].ndim - 1 > 1:
        raise RuntimeError(f"{name_of(function)}(): not supported for NestedTensor on ragged dim: "
                           f"{shown(given[0])}; transpose() it")

    def lower(value: Any) -> Any:
        if isinstance(value, NestedTensor):
            return value._ragged
        if isinstance(value, list | tuple):
            return type(value)(map(lower, value)) if type(value) in (list, tuple) else value
        return _beside(value, given[0]) if elementwise and isinstance(value, Tensor) else value

    try:
        result = body(function, *map(lower, args), **{n: lower(v) for n, v in options.items()})
    except TypeError as error:
        if not hasattr(error, "no_meaning"):
            raise
        raise _refusal(function, given[0], dims, error) from None
    return _raised(result, given, dims)


def one_by_one(function: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Run a call on component after component; dense (batch, ...) operands go along row by row."""
    given = nested_among((*args, *options.values()))
    first = given[0]
    if len({len(each) for each in given}) > 1:
        raise RuntimeError(f"{name_of(function)}(): nested tensors of one number of components are "
                           f"needed, but got {' and '.join(map(shown, given))}")
    pointwise = rules.RULES.get(function) is rules.by_place
    if pointwise and any(not first.is_same_size(each) for each in given[1:]):
        raise disagree(function, given)
    name, place = _dimension_option(function, args, options)
    parts = {id(each): each._components() for each in given}
    found = []
    for number in range(len(first)):

        def lower(value: Any, number: int = number) -> Any:
            if isinstance(value, NestedTensor):
                return parts[id(value)][number]
            if isinstance(value, Tensor) and value.ndim == first.ndim and (
                    len(value) == len(first)):
                return value[number]
            return [lower(x) for x in value] if type(value) is list else value

        own = [lower(value) for value in args]
        named = {key: lower(value) for key, value in options.items()}
        if name is not None and place is not None:
            own[place] = inner_dims(function, first, own[place])
        elif name is not None:
            named[name] = inner_dims(function, first, named[name])
        found.append(function(*own, **named))
    if pointwise and name_of(function).endswith("_"):
        return args[0]
    return joined(found, first)


def joined(found: list[Any], like: NestedTensor) -> Any:
    """The nested tensor of results for each component; of tuples, a tuple of such."""
    if isinstance(found[0], Tensor):
        return from_components(found, like._kind, like)
    if isinstance(found[0], tuple | list):
        items = [joined(list(parts), like) for parts in zip(*found, strict=True)]
        return tuple.__new__(type(found[0]), items) if isinstance(found[0], tuple) else items
    return found


def _dimension_option(function: Any, args: Any, options: Any) -> tuple[str | None, int | None]:
    """Which argument of a call counts dimensions: its name, and its place if given by position."""
    names = list(rules.signature(function).parameters)
    for name in ("dim", "axis"):
        if name in options:
            return name, None
        if name in names and names.index(name) < len(args):
            return name, names.index(name)
    return None, None


def inner_dims(function: Any, batch: NestedTensor, dim: Any) -> Any:
    """Dimensions of a nested tensor as its components count them."""
    if dim is None or isinstance(dim, Tensor | str):
        return dim
    found = []
    for each in [dim] if isinstance(dim, int) else dim:
        at = batch._ragged_dim(each)
        if at == 0:
            raise RuntimeError(f"{name_of(function)}(): not supported for NestedTensor on dim=0: "
                               f"{shown(batch)}")
        found.append(at - 1)
    return found[0] if isinstance(dim, int) else found


# ---- between nested and ragged -------------------------------------------------------------------


def _as_ragged_dims(function: Any, body: Any, args: Any, options: Any, batch: NestedTensor
                    ) -> tuple[tuple[Any, ...], dict[str, Any], list[int]]:
    """The call with dimensions as Ragged counts them, and those that it goes over, as given."""
    name, place = _dimension_option(function, args, options)
    dim = options.get(name) if place is None else args[place]
    if name is None or dim is None or isinstance(dim, Tensor | str) or dim == ():
        return args, options, []
    given = [batch._ragged_dim(each) for each in ([dim] if isinstance(dim, int) else dim)]
    at = batch._place or 1
    if body not in OVER_DIMENSIONS and any(d == at for d in given):
        raise RuntimeError(f"{name_of(function)}(): not supported for NestedTensor on ragged dim: "
                           f"{shown(batch)}")
    changed: Any = [0 if d == 0 else 1 if d == at else d + (d < at) for d in given]
    changed = changed[0] if isinstance(dim, int) else changed
    if place is None:
        return args, {**options, name: changed}, given
    return (*args[:place], changed, *args[place + 1:]), options, given


def _beside(value: Tensor, batch: NestedTensor) -> Any:
    """A dense operand of a pointwise operation, as the rule for Ragged takes it."""
    place, n = batch._place or 1, batch.ndim
    if value.ndim > n:
        raise NotImplementedError(f"NYI: broadcasting NT with T with larger dim: {shown(batch)} "
                                  f"and {tuple(value.shape)}")
    if place > 1 and n > value.ndim > n - place - 1:
        value = value[(None,) * (n - value.ndim)]
    if value.ndim < n:
        return value
    value = value.movedim(place, 1)
    longest = batch._ragged.layout.longest
    if value.size(1) == longest != 1 and len(value) == len(batch):
        return from_padded(value, batch._ragged.lengths)
    return value


def _raised(result: Any, given: list[NestedTensor], dims: list[int]) -> Any:
    """What a rule returned, nested again; in place: the argument itself."""
    first = given[0]
    place, n = first._place or 1, first.ndim
    if isinstance(result, Ragged):
        for each in given:
            if result is each._ragged:
                return each
        gone = sum(d < place for d in dims) if result.ndim < n else 0
        return build(result, place - gone, first._kind)
    if isinstance(result, Tensor):
        return result.movedim(1, place) if place > 1 and result.ndim == n and place in dims else (
            result)
    if isinstance(result, tuple | list):
        items = [_raised(item, given, dims) for item in result]
        return tuple.__new__(type(result), items) if isinstance(result, tuple) else items
    return result


# ---- arguments and refusals ----------------------------------------------------------------------


def nested_among(arguments: Any) -> list[NestedTensor]:
    """The nested ones among arguments, lists opened."""
    return rules.among(NestedTensor, arguments)


def agree(function: Any, given: list[NestedTensor]) -> None:
    """Refuse nested tensors of different lengths, but where an operation joins them."""
    first = given[0]._ragged.layout
    if rules.RULES[function] is rules.by_place and not all(
            first.agrees(each._ragged.layout) for each in given):
        raise disagree(function, given)


def disagree(function: Any, given: list[NestedTensor]) -> RuntimeError:
    """The error for operands whose components differ in size."""
    sizes = " and ".join(map(shown, given))
    name = name_of(function)
    if given[0]._kind is strided:
        return RuntimeError(f"{name} does not support broadcasting when given a NestedTensor: the "
                            f"components must have the same sizes, but got {sizes}")
    return RuntimeError(f"cannot call binary pointwise function {name}.Tensor with inputs of "
                        f"shapes {sizes}: the lengths differ")


def name_of(function: Any) -> str:
    """The name of an operation, alone."""
    return title(function).rpartition(".")[2].removeprefix("__").removesuffix("__")


def shown(batch: NestedTensor) -> str:
    """The shape of a nested tensor in messages, with the sizes of its first components."""
    sizes = ", ".join(str(tuple(size)) for size in batch._component_sizes()[:4])
    more = ", ..." if len(batch) > 4 else ""
    shape = f"{tuple(batch._shape())} of " if batch._kind is jagged else ""
    return f"{shape}components {sizes}{more}"


def unsupported(function: Any, given: list[NestedTensor]) -> NotImplementedError:
    """The error for an operation that has no meaning for components of different sizes."""
    name = name_of(function)
    start = f"aten.{name}.default" if given[0]._kind is jagged else (
        f"Could not run 'aten::{name}' with arguments from the 'NestedTensorCPU' backend")
    return NotImplementedError(f"{start}: not for nested tensors, but got {shown(given[0])}; apply "
                               "it to each component of unbind(), to values(), or to "
                               "to_padded_tensor()")


def _refusal(function: Any, batch: NestedTensor, dims: list[int],
             error: Exception) -> Exception:
    """What a ragged rule refuses, as nested tensors say it."""
    name = name_of(function)
    if 0 in dims and batch._kind is strided:
        start = ("Cannot apply softmax across nested dimension 0" if name.endswith("softmax") else
                 "NestedTensor can only be reduced across the last dimension for now got dimension "
                 "0 instead")
        return RuntimeError(f"{start}: {name}() of {shown(batch)}")
    if name.endswith("softmax"):
        return RuntimeError(f"{name}(): not supported when reducing across the batch dimension for "
                            f"NestedTensor: {shown(batch)}")
    if 0 in dims:
        return RuntimeError(f"{name}(): reducing along the batch dimension but not the ragged "
                            f"dimension is not supported for nested tensors: {shown(batch)}")
    if dims or rules.RULES[function] is rules.feature_dims:
        return RuntimeError(f"{name}(): not supported for NestedTensor on ragged dim: "
                            f"{shown(batch)}; {error}")
    return unsupported(function, [batch])
