"""Pointwise calls in general: promotion, numbers, out=, in place, double gradients, errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from rushlight.backends.copies import copied, distinct
from rushlight.backends.memory_order import arranged
from rushlight.backends.meta.array import MetaArray, is_meta
from rushlight.base import dtypes
from rushlight.base.errors import describe, operands, type_name, user_site
from rushlight.base.flags import flags
from rushlight.base.promotion import of_number, promote_ranks
from rushlight.engine.node import edge_of, next_sequence, version_of
from rushlight.families.broadcast import mismatch
from rushlight.families.cast import astype, cast
from rushlight.families.inplace import (
    check_in_place,
    check_overlap,
    record_in_place,
    run_in_turn,
    title,
    write_out,
    wrote,
)
from rushlight.families.kernels import LARGE, Kernels, number_beside
from rushlight.families.promoted import settle
from rushlight.families.refusals import no_kernel
from rushlight.families.wrapped import is_wrapped, levels, override_op, refuse_out
from rushlight.tensor import Tensor, wrap


def apply(op: Any, arguments: Mapping[str, Any], out: Tensor | None = None) -> Any:
    """Run a pointwise op on any mix of tensors and numbers."""
    if levels.stack and is_wrapped(arguments.values()):
        refuse_out(op.name, out)
        return override_op(apply, op, arguments)
    variant, values = _settle(op, arguments)
    given = tuple(values.values())
    tensors, arrays, dtype = _operands(op, variant, values)
    settle(variant, given, dtype)
    if out is not None and _takes(out, variant, arrays, dtype, values) and not (
            flags.grad_enabled and (out._node is not None or _recording(tensors))):
        check_overlap(out)
        _run(variant, arrays, dtype, values, out=out._array)
        wrote(out)
        return out
    array = _run(variant, arrays, dtype, values)
    if out is not None:
        return write_out(out, array, op.name, recorded=_recording(tensors))
    result = wrap(array)
    _record(variant, result, tensors, arrays)
    return result


def _takes(out: Any, variant: Any, arrays: list[Any], dtype: np.dtype,
           values: Mapping[str, Any]) -> bool:
    """Whether the result can be computed where `out` lies: no other shape, dtype or device."""
    return (isinstance(out, Tensor) and not is_meta(out._array) and out._array.dtype == dtype
            and not variant.boolean and variant.op.result != "real"
            and not any(is_meta(a) for a in arrays)
            and out._array.shape == _broadcast(variant.op, arrays, values))


def apply_in_place(op: Any, arguments: Mapping[str, Any]) -> Tensor:
    """Run a pointwise op and put the result where its first operand is."""
    if levels.stack and is_wrapped(arguments.values()):
        return override_op(apply_in_place, op, arguments, in_place=True)
    variant, values = _settle(op, arguments)
    target = values[variant.names[0]]
    if not isinstance(target, Tensor):
        raise TypeError(f"{op.name}_(): argument 'input' (position 1) must be Tensor, not "
                        f"{type_name(target)}")
    tensors, arrays, dtype = _operands(op, variant, values)
    result_dtype = dtypes.bool_ if variant.boolean else dtypes.from_array(dtype)
    own = target.dtype
    if result_dtype.category > own.category:
        raise RuntimeError(f"result type {title(result_dtype)} can't be cast to the desired "
                           f"output type {title(own)}: {op.name}_({operands(**values)})")
    if op.result == "real" and own.is_complex:
        raise RuntimeError(f"In-place {op.name} is not supported for complex tensors: "
                           f"{operands(**values)}")
    recorded = _recording(tensors)
    check_in_place(target, recorded)
    shape = _broadcast(op, arrays, values)
    if shape != target._array.shape:
        raise RuntimeError(f"output with shape {list(target._array.shape)} doesn't match the "
                           f"broadcast shape {list(shape)}: {op.name}_({operands(**values)})")
    if recorded:
        tensors, arrays = _before(variant, tensors, arrays)
    array = _run(variant, arrays, dtype, values,
                 out=target._array if target._array.dtype == dtype and not variant.boolean
                 and not is_meta(target._array) else None)
    if array is not target._array:
        target._array[...] = array if is_meta(array) else astype(array, own.array)
    if not recorded:
        wrote(target)
        return target
    result = wrap(target._array)
    result._writes = version_of(target)
    _record(variant, result, tensors, arrays, writes=1)  # before wrote: other operands may share
    record_in_place(target, result)
    return target


def _before(variant: Any, tensors: list[Any], arrays: list[Any]) -> tuple[list[Any], list[Any]]:
    """The operands with a stand-in for the first: what it held, and its edge, before the write."""
    edges = [None if t is None else edge_of(t) for t in tensors]
    reads = variant.read_by([edges[variant.names.index(n)] for n in variant.differentiable])
    first = wrap(copied(arrays[0]) if variant.names[0] in reads else arrays[0])
    first._node = edges[0]
    return [first, *tensors[1:]], [first._array, *arrays[1:]]


def _settle(op: Any, arguments: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The variant for these arguments, and the values of its names."""
    given = {n: arguments[n] for n in arguments if n in op.defaults}
    variant = op.variant(given)
    return variant, {n: arguments[n] for n in variant.names}


def _operands(op: Any, variant: Any,
              values: dict[str, Any]) -> tuple[list[Any], list[Any], np.dtype]:
    """Operands as tensors (None for numbers), and all values as arrays of the compute dtype."""
    for position, (name, value) in enumerate(values.items()):
        values[name] = _checked(op, name, value, position)
        if name in op.tensors and not isinstance(values[name], Tensor):
            raise _not_a_tensor(op, name, value, position)
    if not any(isinstance(v, Tensor) for v in values.values()):
        first = next(iter(values))
        if not op.numbers:
            raise _not_a_tensor(op, first, values[first], 0)
        values[first] = wrap(np.array(values[first], dtype=of_number(values[first]).array))
    given = [v for n, v in values.items() if n != "condition" and n not in op.scalars]
    scalars = [values[n] for n in variant.names if n in op.scalars]
    tensors = [v for v in given if isinstance(v, Tensor)]
    common = promote_ranks(
        [t.dtype for t in tensors if t._array.ndim], [t.dtype for t in tensors
                                                      if not t._array.ndim],
        [of_number(v) for v in given if not isinstance(v, Tensor)])
    if op.refusal and any(variant.refuses(v.dtype if isinstance(v, Tensor) else of_number(v))
                          for v in given):
        raise RuntimeError(f"{op.refusal} ({op.name}({operands(**values)}))")
    if op.natural and common.category < 2 and type(values[op.natural]) is int and (
            values[op.natural] < 0):
        raise RuntimeError(f"Integers to negative integer powers are not allowed. "
                           f"({op.name}({operands(**values)}); convert it with .float() first)")
    compute = variant.computes_in(common)
    if compute is None:
        raise no_kernel(op.name, title(common),
                        f": {op.name}({operands(**values)}); convert it with .to(dtype)")
    for value in scalars:
        if of_number(value).category > common.category and common.category < 2 and not (
                op.casts or variant.promote == "floating"):
            raise RuntimeError(f"For integral input tensors, argument {op.scalars[0]} must not be "
                               "a floating point number.")
    _same_device(op, [v for v in values.values() if isinstance(v, Tensor)])
    dtype = compute.array
    result: list[Any] = []
    arrays: list[Any] = []
    for name, value in values.items():
        if not isinstance(value, Tensor):
            arrays.append(number_beside(op, name, value, dtype))
            result.append(None)
            continue
        wanted = np.dtype(np.bool_) if name == "condition" else dtype
        converted = cast(value, wanted)
        result.append(converted)
        arrays.append(converted._array)
    return result, arrays, dtype


def _checked(op: Any, name: str, value: Any, position: int) -> Any:
    if isinstance(value, Tensor | bool | int | float | complex):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return wrap(np.array(value, dtype=dtypes.from_array(value.dtype).array))
    raise _not_a_tensor(op, name, value, position)


def _not_a_tensor(op: Any, name: str, value: Any, position: int) -> TypeError:
    return TypeError(f"{op.name}(): argument '{name}' (position {position + 1}) must be Tensor, "
                     f"not {type(value).__name__}")


def _same_device(op: Any, tensors: list[Tensor]) -> None:
    if any(is_meta(t._array) for t in tensors):
        for t in tensors:
            if not is_meta(t._array) and t._array.ndim:
                raise RuntimeError(
                    "Expected all tensors to be on the same device, but found at least two "
                    f"devices, meta and cpu! ({op.name} on {', '.join(map(describe, tensors))})")


def _run(variant: Any, arrays: list[Any], dtype: np.dtype, values: Mapping[str, Any],
         out: Any = None) -> Any:
    if any(is_meta(a) for a in arrays):
        if variant.op.result == "real":
            dtype = dtypes.FROM_ARRAY[dtype].to_real().array
        return MetaArray(_broadcast(variant.op, arrays, values),
                         np.dtype(np.bool_) if variant.boolean else dtype)
    size = max((a.size for a in arrays), default=0)
    tables: tuple[Kernels, Kernels] = (variant.small, variant.large)
    table = tables[size >= LARGE]
    kernel = table[dtype]
    if kernel is None:
        raise no_kernel(variant.op.name, title(dtypes.from_array(dtype)))
    with np.errstate(all="ignore"):
        try:
            if out is not None and not distinct(out):
                run_in_turn(kernel, arrays, out)
                return out
            array = kernel(*arrays, out=... if out is None else out)
        except ValueError:
            raise mismatch(variant.op.name, **values) from None
        except FloatingPointError as error:
            raise RuntimeError(str(error)) from None
    ordered = out is not None or len(arrays) == 1 or arrays[0].flags.c_contiguous
    return array if ordered else arranged(array, arrays)


def _broadcast(op: Any, arrays: list[Any], values: Mapping[str, Any]) -> tuple[int, ...]:
    try:
        return np.broadcast_shapes(*(a.shape for a in arrays))
    except ValueError:
        raise mismatch(op.name, **values) from None


def _recording(tensors: list[Any]) -> bool:
    return flags.grad_enabled and any(t is not None and t._node is not None for t in tensors)


def _record(variant: Any, result: Tensor, tensors: list[Any], arrays: list[Any],
            writes: int = 0) -> None:
    """Record `result` as the flat wrappers do; writes: to its memory, not counted yet."""
    if variant.boolean or not _recording(tensors) or result._array.dtype.kind in "biu":
        return
    if all(g is None for g in variant.gradients.values()):
        return
    node = result._node = variant.node_class()
    node._sequence = next_sequence()
    node.edges = tuple(None if tensors[i] is None else edge_of(tensors[i])
                       for i, n in enumerate(variant.names) if n in variant.differentiable)
    wanted = variant.read_by(node.edges)
    shape = result._array.shape
    same = all(a.shape == shape for a in arrays)
    saved: list[Any] = [None if same else tuple(a.shape for a in arrays)]
    for name in variant.saves:
        if name not in wanted:
            saved += [None, None, 0]
        elif name == "output":
            version = version_of(result)
            saved += [result._array, version, version[0] + writes]
        else:
            i = variant.names.index(name)
            version_or_none = None if tensors[i] is None else version_of(tensors[i])
            saved += [arrays[i], version_or_none,
                      0 if version_or_none is None else version_or_none[0]]
    node.saved = tuple(saved)
    if flags.anomaly:
        node.site = user_site()


def differentiable_gradients(variant: Any, node: Any, gradient: Tensor) -> tuple[Any, ...]:
    """The gradients of a node as recorded pointwise ops, for higher orders."""
    saved = node.saved
    shapes, known = saved[0], {"gradient": gradient}
    for i, name in enumerate(variant.saves):
        array, version, _ = saved[1 + 3 * i: 4 + 3 * i]
        if array is not None:
            known[name] = _unpack(variant, node, name, array, version)
    results: list[Any] = []
    for i, operand in enumerate(variant.differentiable):
        g = variant.gradients[operand]
        if g is None or node.edges[i] is None:
            results.append(None)
            continue
        if g.passes:
            results.append(_sum_to_shape(gradient, shapes[variant.names.index(operand)])
                           if shapes is not None else gradient)
            continue
        numbers = any(t._array.dtype.kind == "c" for t in known.values())
        op = g.op(complex_numbers=numbers)
        result = op.flat(*[known[name] for name in g.operands(numbers)])
        if shapes is not None:
            result = _sum_to_shape(result, shapes[variant.names.index(operand)])
        results.append(result)
    return tuple(results)


def _unpack(variant: Any, node: Any, name: str, array: Any, version: Any) -> Tensor:
    """A saved value as a tensor with its place in the graph."""
    made = wrap(array)
    made._writes = version
    if name == "output":
        made._node = node
    elif name in variant.differentiable:
        edge = node.edges[variant.differentiable.index(name)]
        if isinstance(edge, Tensor):
            return edge if edge._array is array else _alias(edge, array)
        made._node = edge
    return made


def _alias(leaf: Tensor, array: Any) -> Tensor:
    """What a leaf held when it was saved, with gradients going to the leaf."""
    made = wrap(array)
    made._node = leaf
    return made


def _sum_to_shape(tensor: Tensor, shape: tuple[int, ...]) -> Tensor:
    return tensor if tensor._array.shape == shape else tensor.sum_to_size(shape)


def unsupported_operand(other: Any) -> Any:
    """An operator's answer to a type it does not know: let Python ask the other one."""
    return NotImplemented


__all__ = ["apply", "apply_in_place", "differentiable_gradients"]
