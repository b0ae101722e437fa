"""Products of nested tensors: matrices, and attention within each component."""

from __future__ import annotations

from typing import Any

from rushlight.families.declaration import FUNCTIONS
from rushlight.nested.dispatch import by_rule, handles, joined, name_of, one_by_one, shown
from rushlight.nested.making import _differing
from rushlight.nested.shapes import moved
from rushlight.nested.tensor import NestedTensor, _fill_up, build
from rushlight.ops import stack
from rushlight.sequences import rules
from rushlight.tensor import Tensor
from rushlight.tensor.storage import jagged


@handles("matmul mm bmm Tensor.__matmul__")
def matmul(function: Any, input: Any, other: Any) -> Any:
    """Each component times a matrix, times a matrix of its own, or times its fellow component."""
    nested = input if isinstance(input, NestedTensor) else other
    place = nested._place
    product: Any = FUNCTIONS["matmul"]
    if name_of(function) == "bmm":
        for name, each in (("input", input), ("mat2", other)):
            if each.ndim != 3:
                raise ValueError(f"bmm(): {name} must be 3D, but has {each.ndim} dimensions")
        if len(input) != len(other):
            raise _other_batch(input, other)
    if nested is input and isinstance(other, Tensor) and not isinstance(other, NestedTensor) and (
            other.ndim <= 2 and place is not None and place < nested.ndim - 1):
        return moved(nested, product(nested._values(), other), place)
    if not isinstance(other, Tensor) or (
            not (isinstance(input, NestedTensor) and isinstance(other, NestedTensor))
            and max(input.ndim, other.ndim) > nested.ndim):
        raise _no_product(function, input, other)
    pairs = zip(_rows(function, input, other), _rows(function, other, input), strict=True)
    found = [product(one, another) for one, another in pairs]
    if nested._kind is not jagged:
        return joined(found, nested)
    differing = _differing(found)
    if len(differing) > 1:
        raise _no_product(function, input, other)
    return joined(found, nested) if differing or _stays_ragged(input, other) else (
        stack(found))


def _stays_ragged(input: Any, other: Any) -> bool:
    """Whether the ragged dimension is not the one that the product sums over."""
    left = isinstance(input, NestedTensor) and input._place != input.ndim - 1
    return left or (isinstance(other, NestedTensor) and other._place != other.ndim - 2)


def _rows(function: Any, value: Any, beside: Any) -> list[Tensor]:
    """What is multiplied for each component."""
    if isinstance(value, NestedTensor):
        if isinstance(beside, NestedTensor) and len(value) != len(beside):
            raise _no_product(function, value, beside)
        return value._components()
    if value.ndim == beside.ndim and len(value) == len(beside):
        return list(value.unbind())
    if value.ndim < beside.ndim:
        return [value] * len(beside)
    raise _no_product(function, value, beside)


def _other_batch(input: Any, other: Any) -> RuntimeError:
    n, m = len(input), len(other)
    if input.layout is jagged or other.layout is jagged:
        return RuntimeError(f"The size of tensor a ({n}) must match the size of tensor b ({m}) at "
                            "non-singleton dimension 0: bmm() multiplies one matrix by one")
    return RuntimeError("Expected size for the 1st dimension of batch2 tensor to be: "
                        f"{n} but got: {m}: bmm() multiplies one matrix by one")


def _no_product(function: Any, input: Any, other: Any) -> RuntimeError:
    if input.layout is not jagged and not other.is_nested:
        return RuntimeError("Expected both to be nested, but got a nested self and non-nested other"
                            f": {shown(input)} and {tuple(other.shape)}; multiply the components "
                            "of unbind()")
    sizes = [shown(x) if isinstance(x, NestedTensor) else str(tuple(x.shape))
             for x in (input, other)]
    return RuntimeError(f"{name_of(function)}(): not supported between inputs of shapes {sizes[0]} "
                        f"and {sizes[1]}; multiply the components of unbind()")


@handles("Tensor.__rmatmul__")
def reflected_matmul(function: Any, input: Any, other: Any) -> Any:
    """other @ input."""
    return matmul(FUNCTIONS["matmul"], other, input)


@handles("nn.functional.scaled_dot_product_attention")
def scaled_dot_product_attention(function: Any, query: Any, key: Any, value: Any,
                                 *args: Any, **options: Any) -> Any:
    """(batch, heads, ragged, dim), or (batch, ragged, dim): within each component."""
    given = [query, key, value]
    if not all(isinstance(x, NestedTensor) for x in given):
        if any(isinstance(x, NestedTensor) and x._kind is not jagged for x in given):
            raise RuntimeError("Expected both to be nested, but got a nested self and non-nested "
                               "other: make query, key and value nested with "
                               "torch.nested.as_nested_tensor()")
        which = ", ".join(f"{name}.is_nested: {x.is_nested}" for name, x in zip(
            ("query", "key", "value"), given, strict=True))
        raise ValueError(f"Expected query, key, and value to be nested tensors, but got {which} "
                         "instead: make all nested with torch.nested.as_nested_tensor()")
    grouped = options.get("enable_gqa") or len(args) > 4
    places = {x._place for x in given}
    if places != {query.ndim - 2} or query.ndim not in (3, 4) or grouped or (
            {x.ndim for x in given} != {query.ndim}):
        return one_by_one(function, (*given, *args), options)
    found = rules.RULES[function](function, *(x._ragged for x in given), *args, **options)
    return build(found, query._place, query._kind)


@handles("nn.functional.multi_head_attention_forward")
def multi_head_attention_forward(function: Any, *args: Any, **options: Any) -> Any:
    """(batch, ragged, width): the output nested alike; weights that are asked for are padded."""
    given = [options.get(name, value) for name, value in
             zip(("query", "key", "value"), (*args, None, None, None), strict=False)]
    if not all(isinstance(x, NestedTensor) and x._place == 1 for x in given):
        raise RuntimeError("MultiheadAttention: query, key and value must all be nested, (batch, "
                           "ragged, width), where one is: transpose or nest the others")
    output, weights = by_rule(function, rules.RULES[function], args, options)
    if weights is None:
        return output, None
    longest = max(len(x) for x in given[0]), max(len(x) for x in given[1])
    return output, stack([_fill_up(x, (*x.shape[:-2], *longest), 0.0) for x in weights])
