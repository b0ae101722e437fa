"""Making nested tensors: of lists, of values and offsets, of spans and masks of padded tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rushlight.base import dtypes
from rushlight.base.errors import describe, type_name
from rushlight.nested.tensor import NestedTensor, build
from rushlight.ops import as_tensor, cat
from rushlight.sequences.layout import Layout
from rushlight.sequences.ragged import Ragged
from rushlight.tensor import Tensor, wrap
from rushlight.tensor.storage import jagged, strided


def nested_tensor(tensor_list: Sequence[Any], *, dtype: Any = None, layout: Any = None,
                  device: Any = None, requires_grad: bool = False,
                  pin_memory: bool = False) -> NestedTensor:
    """A nested tensor with copies of the components: a leaf, whatever they are.

    tensor_list: tensors of one number of dimensions, or lists of numbers. layout: `rl.strided`
    (default), any sizes, or `rl.jagged`, sizes that differ in one dimension at most; for that one
    `size()` has a symbol. Raises RuntimeError for components that do not go together, TypeError
    for other things than lists. `as_nested_tensor` keeps the graph of its components.

    >>> import rushlight as rl
    >>> rl.nested.nested_tensor([[1, 2], [3]])
    nested_tensor([
      tensor([1, 2]),
      tensor([3])
    ])
    >>> rl.nested.nested_tensor([rl.ones(2, 3), rl.ones(1, 3)], layout=rl.jagged).values().shape
    torch.Size([3, 3])
    """
    if not isinstance(tensor_list, list | tuple):
        raise TypeError("Only lists (List[Tensor] and List[List...[Scalar]]) are accepted in "
                        f"nested_tensor, not {type_name(tensor_list)}")
    kind = _layout(layout)
    parts = [_component(x, dtype, device).detach() for x in tensor_list]
    made = from_components(parts, kind)
    if len(parts) == 1:  # where there is nothing to join there is nothing copied
        made = made._alike(made._ragged.values.clone())
    return made.requires_grad_(requires_grad)


def as_nested_tensor(ts: Any, dtype: Any = None, device: Any = None,
                     layout: Any = None) -> NestedTensor:
    """A nested tensor of the components `ts`, through which gradients flow to them.

    ts: a list of tensors; a tensor (batch, ...), whose rows are the components; a Ragged batch; or
    a nested tensor, which is returned as it is where dtype and device agree.

    >>> import rushlight as rl
    >>> a, b = rl.ones(2, requires_grad=True), rl.ones(3, requires_grad=True)
    >>> (3 * rl.nested.as_nested_tensor([a, b])).values().sum().backward()
    >>> a.grad
    tensor([3., 3.])
    """
    if isinstance(ts, NestedTensor):
        if layout is not None and layout is not ts.layout:
            raise RuntimeError("as_nested_tensor(): Converting between nested tensor layouts is "
                               f"not supported: this is {ts.layout}; give unbind()")
        same = dtype in (None, ts.dtype) and device is None
        return ts if same else ts._alike(_component(ts._ragged.values, dtype, device))
    kind = _layout(layout)
    if isinstance(ts, Ragged):
        return build(ts.with_values(_component(ts.values, dtype, device)), 1, kind)
    if isinstance(ts, Tensor):
        if ts.dim() < 2:
            raise RuntimeError("as_nested_tensor(): Expected tensor argument to have dim() > 1, "
                               f"not {describe(ts)}")
        layout_ = Layout.of([ts.size(1)] * len(ts))
        return build(Ragged(_component(ts.flatten(0, 1), dtype, device), layout_), 1, kind)
    if not isinstance(ts, list | tuple) or not all(isinstance(x, Tensor) for x in ts):
        raise TypeError("as_nested_tensor(): Expected first argument to be a tensor or a list / "
                        f"tuple of tensors, not {type_name(ts)}")
    return from_components([_component(x, dtype, device) for x in ts], kind)


def _layout(layout: Any) -> Any:
    if layout not in (None, strided, jagged):
        raise RuntimeError(f"Specified layout is unsupported for nested tensors: {layout}; there "
                           "are torch.strided and torch.jagged")
    return layout or strided


def _component(value: Any, dtype: Any, device: Any) -> Tensor:
    made = value if isinstance(value, Tensor) else as_tensor(value)
    if dtype is not None or device is not None:
        made = made.to(device=device or made.device, dtype=dtype or made.dtype)
    return made


def from_components(parts: Sequence[Tensor], kind: Any,
                    like: NestedTensor | None = None) -> NestedTensor:
    """The nested tensor of these components, through which gradients flow to them.

    like: one whose lengths they may have; then both have the same symbol.
    """
    if kind is jagged:
        _check_jagged(parts)
    elif not parts:
        return build(Ragged(as_tensor([]), Layout.of([])), None, kind, ())
    for place, each in enumerate(parts):
        if each.dim() != parts[0].dim():
            raise RuntimeError("All Tensors given to nested_tensor must have the same dimension. "
                               f"Found dimension {each.dim()} for Tensor at index {place} and "
                               f"dimension {parts[0].dim()} for Tensor at index 0.")
    if any(each.dtype is not parts[0].dtype for each in parts):  # strided: the first one's
        parts = [each.to(parts[0].dtype) for each in parts]
    differ = _differing(parts)
    if len(differ) > 1 or not parts[0].dim():
        flat = cat([each.flatten() for each in parts])
        layout = Layout.of([each.numel() for each in parts])
        return build(Ragged(flat, layout), None, kind, [each.shape for each in parts])
    at = differ[0] if differ else 0
    layout = Layout.of([each.size(at) for each in parts])
    if like is not None and like._ragged.layout.agrees(layout):
        layout = like._ragged.layout
    return build(Ragged(cat([each.movedim(at, 0) for each in parts]), layout), at + 1, kind)


def _differing(parts: Sequence[Tensor]) -> list[int]:
    """The dimensions in which sizes differ."""
    return [at for at, sizes in enumerate(zip(*(each.shape for each in parts), strict=True))
            if len(set(sizes)) > 1]


def _check_jagged(parts: Sequence[Tensor]) -> None:
    if not parts:
        raise RuntimeError("Cannot construct a nested tensor from an empty tensor list: it says "
                           "neither dtype nor sizes")
    if any(each.dtype is not parts[0].dtype for each in parts):
        raise RuntimeError("When constructing a nested tensor, all tensors in list must have the "
                           f"same dtype, not {[str(each.dtype) for each in parts]}")
    if any(each.dim() != parts[0].dim() for each in parts):
        raise RuntimeError("When constructing a nested tensor, all tensors in list must have the "
                           f"same dim, not {[each.dim() for each in parts]}")
    if not parts[0].dim():
        raise RuntimeError("Cannot construct a nested tensor from a list of zero-dim tensors: "
                           "stack() them")
    if len(_differing(parts)) > 1:
        raise RuntimeError("Cannot represent given tensor list as a nested tensor with the jagged "
                           "layout. Note that the jagged layout only allows for a single ragged "
                           f"dimension, but the sizes are {[tuple(x.shape) for x in parts]}; "
                           "layout=torch.strided takes them")


def nested_tensor_from_jagged(values: Tensor, offsets: Tensor | None = None,
                              lengths: Tensor | None = None, jagged_dim: int | None = None,
                              min_seqlen: int | None = None,
                              max_seqlen: int | None = None) -> NestedTensor:
    """A jagged nested tensor over values that lie end to end; shares their memory.

    values: (..., steps, ...), the components joined. offsets: (batch + 1,), where each begins in
    `values` and where the last one ends. lengths: (batch,); without offsets they fill the values,
    with both, component i is the first lengths[i] steps from offsets[i], and what no component has
    is left out of all operations. jagged_dim: the ragged dimension of the result, 1 by default.
    min_seqlen, max_seqlen: accepted; lengths are known here. Raises RuntimeError and ValueError
    for arguments that do not go together.

    >>> import rushlight as rl
    >>> x = rl.nested.nested_tensor_from_jagged(rl.arange(5), offsets=rl.tensor([0, 2, 5]))
    >>> x.unbind()
    (tensor([0, 1]), tensor([2, 3, 4]))
    """
    if offsets is None and lengths is None:
        raise RuntimeError("nested_tensor_from_jagged(): At least one of offsets or lengths is "
                           "required.")
    place = 1 if jagged_dim is None else jagged_dim
    if place < 1:
        raise ValueError(f"Expected jagged_dim >=1, but got {place}.")
    if place > values.dim():
        raise ValueError(f"nested_tensor_from_jagged(): jagged_dim={place} of values with "
                         f"{values.dim()} dimensions: there are 1 to {values.dim()}")
    steps = values.movedim(place - 1, 0)
    if offsets is None:
        layout = Layout.of(_whole_numbers("lengths", lengths))
        _ends("lengths", layout, steps)
        return build(Ragged(steps, layout), place, jagged)
    layout = Layout(_whole_numbers("offsets", offsets))
    _ends("offsets", layout, steps)
    if lengths is None:
        return build(Ragged(steps, layout), place, jagged)
    counts = _whole_numbers("lengths", lengths)
    if counts.shape != (layout.batch,) or (counts > layout.lengths).any():
        raise RuntimeError("nested_tensor_from_jagged(): lengths must say for each component how "
                           f"much of its {layout.lengths.tolist()} steps it takes, but got "
                           f"{counts.tolist()}")
    return _with_holes(values, steps, place, layout.offsets, counts)


def _with_holes(values: Tensor, steps: Tensor, place: int, offsets: np.ndarray,
                counts: np.ndarray) -> NestedTensor:
    """Components that begin at offsets[i] and have counts[i] steps, not all there are."""
    kept = Layout.of(counts)
    rows = kept.places + np.repeat(offsets[:-1], counts)
    ragged = Ragged(steps.index_select(0, wrap(rows)), kept)
    return build(ragged, place, jagged, (), (values, wrap(offsets.copy()), wrap(counts.copy())))


def _whole_numbers(name: str, given: Any) -> np.ndarray:
    if not isinstance(given, Tensor) or given.dim() != 1 or given.numpy().dtype.kind not in "iu":
        raise RuntimeError(f"nested_tensor_from_jagged(): {name} must be a tensor of whole numbers "
                           "with one dimension, not "
                           f"{describe(given) if isinstance(given, Tensor) else given!r}")
    found: np.ndarray = given.detach().numpy().astype(np.int64)
    return found


def _ends(name: str, layout: Layout, steps: Tensor) -> None:
    offsets = layout.offsets
    if not len(offsets) or offsets[0] < 0 or (np.diff(offsets) < 0).any() or (
            offsets[0] != 0 or offsets[-1] != len(steps)):
        raise RuntimeError(f"nested_tensor_from_jagged(): {name} must lead from 0 to the "
                           f"{len(steps)} steps of values and never fall, but offsets are "
                           f"{offsets.tolist()}")


def narrow(tensor: Tensor, dim: int, start: Any, length: Any,
           layout: Any = strided) -> NestedTensor:
    """The nested tensor of a span of each row of a padded tensor (batch, time, *features).

    start, length: numbers, or with layout `rl.jagged` also tensors (batch,), of dimension 1. With
    layout `rl.strided` dim is 0: some of the rows. Raises RuntimeError for other arguments.

    >>> import rushlight as rl
    >>> padded, lengths = rl.arange(6).reshape(2, 3), rl.tensor([3, 1])
    >>> rl.nested.narrow(padded, 1, rl.tensor([0, 0]), lengths, layout=rl.jagged).unbind()
    (tensor([0, 1, 2]), tensor([3]))
    """
    for name, each in (("start", start), ("length", length)):
        if not isinstance(each, int | Tensor):
            raise RuntimeError(f"{name} must be an integer or a tensor, not {type_name(each)}")
    if layout is strided:
        if isinstance(start, Tensor) or isinstance(length, Tensor):
            raise RuntimeError("start and length must be integers for the strided layout NT impl; "
                               "layout=torch.jagged takes tensors")
        if dim:
            raise RuntimeError("narrow(): only dim=0 supported for nested tensors, but got: "
                               f"{dim}; layout=torch.jagged takes dim=1")
        return as_nested_tensor(list(tensor.narrow(0, start, length).unbind()))
    if layout is not jagged:
        raise RuntimeError(f"Specified layout is unsupported for nested narrow: {layout}")
    if dim != 1:
        raise RuntimeError(f"jagged layout only supports dim=1, not {dim}")
    batch, time = tensor.shape[:2]
    starts, counts = (np.broadcast_to(each.numpy() if isinstance(each, Tensor) else each, (batch,))
                      .astype(np.int64) for each in (start, length))
    if (starts < 0).any() or (counts < 0).any() or (starts + counts > time).any():
        raise RuntimeError(f"narrow(): start {starts.tolist()} and length {counts.tolist()} leave "
                           f"the {time} steps of {describe(tensor)}")
    begins = np.arange(batch) * time + starts
    values = tensor.flatten(0, 1)
    return _with_holes(values, values, 1, np.append(begins, (begins + counts)[-1:]), counts)


def masked_select(tensor: Tensor, mask: Tensor) -> NestedTensor:
    """The jagged nested tensor of what `mask` selects of each row of `tensor`, in their order.

    >>> import rushlight as rl
    >>> x = rl.tensor([[1, 5], [7, 2]])
    >>> rl.nested.masked_select(x, x < 6).unbind()
    (tensor([1, 5]), tensor([2]))
    """
    if mask.dtype is not dtypes.bool_:
        raise RuntimeError("masked_select: expected BoolTensor for mask, not "
                           f"{describe(mask)}")
    chosen = mask.expand(tensor.shape)
    counts = chosen.sum(-1).flatten().numpy()
    return build(Ragged(tensor.masked_select(chosen), Layout.of(counts)), 1, jagged)


def to_padded_tensor(input: NestedTensor, padding: float,
                     output_size: Sequence[int] | None = None) -> Tensor:
    """A tensor (batch, *greatest sizes), filled up with `padding`; see the method.

    >>> import rushlight as rl
    >>> x = rl.nested.nested_tensor([rl.tensor([1, 2]), rl.tensor([3])])
    >>> rl.nested.to_padded_tensor(x, 0)
    tensor([[1, 2],
            [3, 0]])
    """
    if not isinstance(input, NestedTensor):
        raise NotImplementedError("Could not run 'aten::to_padded_tensor' with arguments from the "
                                  "'CPU' backend: it takes nested tensors, not "
                                  f"{type_name(input)}")
    return input.to_padded_tensor(padding, output_size)
