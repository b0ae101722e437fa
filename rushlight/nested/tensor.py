"""NestedTensor: a batch of tensors of different sizes, as `torch.nested` shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

from rushlight.base.shapes import Size
from rushlight.nested.size import RaggedInt
from rushlight.ops import cat, constant_pad_nd, stack, tensor
from rushlight.sequences.ragged import Ragged
from rushlight.tensor import Tensor
from rushlight.tensor.storage import jagged, strided

NO_SIZES = ("Internal error: NestedTensorImpl doesn't support sizes: the components of a strided "
            "nested tensor have sizes of their own; ask size(dim) for one that they share, "
            "_nested_tensor_size() for all, or unbind() it")


class NestedTensor(Tensor):
    """A batch of tensors of different sizes; made by `nested_tensor` and `as_nested_tensor`.

    Its elements are a `Ragged` batch, and its operations are those of one: what has a meaning for
    sequences of different lengths runs on all of them at once. Layout `jagged` has one ragged
    dimension, whose size is a symbol; layout `strided` may differ in more.

    >>> import rushlight as rl
    >>> x = rl.nested.nested_tensor([rl.ones(2, 3), rl.ones(1, 3)], layout=rl.jagged)
    >>> x.is_nested, x.dim(), x.offsets()
    (True, 3, tensor([0, 2, 3]))
    """

    _ragged: Ragged  # (batch, ragged, *others), or all elements end to end where `_place` is None
    _place: int | None  # which dimension is ragged; None: components differ in several
    _sizes: tuple[Size, ...]  # of the components, where `_place` is None
    _kind: Any  # jagged or strided
    # Values, offsets and lengths as they were given, where not all values belong to a component.
    _holes: tuple[Tensor, Tensor, Tensor] | None

    is_nested = True
    _view = None
    _writes = None
    _answer: Callable[..., Any]  # attached by rushlight.nested.dispatch

    @classmethod
    def __torch_function__(cls, function: Any, types: Any, args: tuple[Any, ...] = (),
                           kwargs: dict[str, Any] | None = None) -> Any:
        return cls._answer(function, types, args, kwargs or {})

    # ---- as a tensor -----------------------------------------------------------------------------

    @property
    def _array(self) -> Any:  # type: ignore[override]
        return self._ragged.values._array

    @property
    def _node(self) -> Any:
        return self._ragged.values._node

    @property
    def shape(self) -> Size:
        """(batch, ..., j1, ...): the ragged dimension has a symbol for its size (jagged only)."""
        if self._kind is strided:
            raise RuntimeError(NO_SIZES)
        return self._shape()

    def _shape(self) -> Size:
        layout = self._ragged.layout
        sizes: list[Any] = [layout.batch, *self._ragged.values.shape[1:]]
        if self._place is not None:
            sizes.insert(self._place, RaggedInt(layout))
        return Size(sizes)

    def size(self, dim: int | None = None) -> Any:
        """The shape, or the size of one dimension. Raises RuntimeError where components differ."""
        if dim is None:
            return self.shape
        at = self._ragged_dim(dim)
        if self._kind is jagged or at == 0:
            return self._shape()[at]
        sizes = {size[at - 1] for size in self._component_sizes()}
        if len(sizes) != 1:
            raise RuntimeError(f"Given dimension {dim} is irregular and does not have a size: "
                               f"components have {sorted(sizes)}")
        return sizes.pop()

    def _ragged_dim(self, dim: int) -> int:
        """A dimension counted from the front. Raises IndexError."""
        n = self.ndim
        if not isinstance(dim, int):
            raise TypeError(f"argument 'dim' must be int, not {type(dim).__name__}")
        if not -n <= dim < n:
            raise IndexError(f"Dimension out of range (expected to be in range of [{-n}, {n - 1}], "
                             f"but got {dim})")
        return dim % n

    def _component_sizes(self) -> list[Size]:
        if self._place is None:
            return list(self._sizes)
        others = list(self._ragged.values.shape[1:])
        at = self._place - 1
        return [Size([*others[:at], n, *others[at:]]) for n in self._ragged.layout.lengths.tolist()]

    def _nested_tensor_size(self) -> Tensor:
        """(batch, dimensions) int64: the sizes of the components."""
        return tensor([list(size) for size in self._component_sizes()])

    @property
    def ndim(self) -> int:
        """The number of dimensions, the batch among them."""
        if self._place is None:
            return len(self._sizes[0]) + 1 if self._sizes else 1
        return self._ragged.ndim

    def dim(self) -> int:
        """The number of dimensions, the batch among them."""
        return self.ndim

    ndimension = dim

    @property
    def layout(self) -> Any:
        """`jagged` or `strided`."""
        return self._kind

    def numel(self) -> int:
        """The number of elements of all components."""
        return self._ragged.numel()

    nelement = numel

    def stride(self, dim: int | None = None) -> Any:
        """The strides of `values()`, those of the batch first (jagged only)."""
        if self._kind is strided:
            raise RuntimeError("Internal error: NestedTensorImpl doesn't support strides: see "
                               "those of the components, unbind()")
        inner: list[Any] = list(self._values().stride())
        place = self._place or 1
        strides = (RaggedInt(self._ragged.layout, max(inner[place - 1], 1)) if place == 1
                   else inner[0] * self._shape()[1], *inner)
        return strides if dim is None else strides[dim]

    def is_contiguous(self, memory_format: Any = None) -> bool:
        """Whether `values()` is contiguous and all of it belongs to components."""
        return self._holes is None and self._values().is_contiguous()

    def is_same_size(self, other: Tensor) -> bool:
        """Whether `other` is nested too, with components of the same sizes."""
        return isinstance(other, NestedTensor) and (
            self._component_sizes() == other._component_sizes())

    def __len__(self) -> int:
        return self._ragged.layout.batch

    def __bool__(self) -> bool:
        if self.numel() == 1:
            return bool(self._ragged.values)
        raise RuntimeError("Boolean value of Tensor with more than one value is ambiguous: this is "
                           "a nested one; use all() or any() of its values()")

    def __hash__(self) -> int:
        return id(self)

    # ---- components ------------------------------------------------------------------------------

    def unbind(self, dim: int = 0, *, axis: Any = None) -> tuple[Tensor, ...]:
        """The components, views. Raises RuntimeError for a dimension other than 0."""
        if self._ragged_dim(dim if axis is None else axis):
            start = f"NestedTensor can only be unbound along dimension 0 got dimension {dim}"
            if self._kind is jagged:
                start = "unbind(): only supported for NestedTensor on dim=0"
            raise RuntimeError(f"{start}: for dim={dim} take chunk() or split()")
        return tuple(self._components())

    def _components(self) -> list[Tensor]:
        values, layout = self._ragged.values, self._ragged.layout
        if self._place is None:
            ends = pairwise(layout.offsets.tolist())
            return [values[a:b].view(size) for (a, b), size in zip(ends, self._sizes, strict=True)]
        place = self._place
        parts = self._ragged.unbind()
        return parts if place == 1 else [part.movedim(0, place - 1) for part in parts]

    def __iter__(self) -> Iterator[Tensor]:
        return iter(self.unbind())

    def tolist(self) -> list[Any]:
        """The components as nested lists of Python numbers."""
        return [each.tolist() for each in self._components()]

    def item(self) -> Any:
        """The one element as a Python number. Raises RuntimeError where there are others."""
        if self.numel() != 1:
            raise RuntimeError(f"a Tensor with {self.numel()} elements cannot be converted to "
                               "Scalar")
        return self._ragged.values.item()

    def numpy(self, *, force: bool = False) -> Any:
        """Refused: arrays have one size. Raises RuntimeError."""
        raise RuntimeError(".numpy() is not supported for tensor subclasses: components differ in "
                           "size; take values().numpy(), or to_padded_tensor() first")

    def __array__(self, *args: Any, **options: Any) -> Any:
        return self.numpy()

    __dlpack__ = __array__

    @property
    def mT(self) -> Any:
        """The last two dimensions exchanged."""
        return self.transpose(-2, -1)

    @property
    def T(self) -> Any:
        """Refused: the batch stays in front. Raises RuntimeError."""
        raise RuntimeError("Nested tensor dimension 0 cannot be transposed: T reverses all "
                           "dimensions; mT exchanges the last two")

    H = mH = T

    # ---- what it is made of ----------------------------------------------------------------------

    def values(self) -> Tensor:
        """The elements of all components, joined along the ragged dimension; a view.

        Of layout `strided`: one component's elements after the other, one dimension.
        """
        if self._holes is not None:
            return self._holes[0]
        if self._kind is strided:
            return self._ragged.values.flatten() if self._place in (None, 1) else (
                cat([part.flatten() for part in self._components()]))
        return self._values()[:]

    def _values(self) -> Tensor:
        """The values with the ragged dimension where it stands in the components."""
        values = self._ragged.values
        return values if self._place in (None, 1) else values.movedim(0, (self._place or 1) - 1)

    def offsets(self) -> Tensor:
        """(batch + 1,) int64: where each component begins in `values()` (jagged only)."""
        self._only_jagged("offsets")
        return self._ragged.offsets if self._holes is None else self._holes[1]

    def lengths(self) -> Tensor | None:
        """(batch,) int64 where components do not fill `values()`, else None (jagged only)."""
        self._only_jagged("lengths")
        return None if self._holes is None else self._holes[2]

    def _only_jagged(self, name: str) -> None:
        if self._kind is not jagged:
            raise AttributeError(f"'Tensor' object has no attribute '{name}': it has one with "
                                 "layout=torch.jagged")

    def to_padded_tensor(self, padding: float, output_size: Sequence[int] | None = None) -> Tensor:
        """A tensor (batch, *greatest sizes), filled up with `padding` behind each component.

        output_size: sizes to fill up to. Raises RuntimeError where it is less than a component.

        >>> import rushlight as rl
        >>> rl.nested.nested_tensor([rl.ones(2), rl.ones(1)]).to_padded_tensor(0.0)
        tensor([[1., 1.],
                [1., 0.]])
        """
        greatest = [max(sizes) for sizes in zip(*self._component_sizes(), strict=True)]
        wanted = [len(self), *greatest] if output_size is None else list(output_size)
        if len(wanted) != self.ndim or wanted[0] < 0:
            raise RuntimeError(f"to_padded_tensor(): output_size {tuple(wanted)} needs {self.ndim} "
                               f"dimensions, the first for the {len(self)} components")
        if any(size < least for size, least in zip(wanted[1:], greatest, strict=True)):
            raise RuntimeError("Value in output_size is less than NestedTensor padded size. "
                               f"Truncation is not supported: {tuple(wanted)} for components of at "
                               f"most {tuple(greatest)}")
        place = self._place
        if place is not None:
            padded = self._ragged.to_padded(padding, length=wanted[place]).movedim(1, place)
            greatest[place - 1] = wanted[place]
        else:
            padded = stack([_fill_up(part, greatest, padding) for part in self._components()])
        return _fill_up(padded, [max(wanted[0], len(self)), *wanted[1:]], padding)

    # ---- gradients -------------------------------------------------------------------------------

    @property
    def requires_grad(self) -> bool:
        """Whether gradients flow to the components."""
        return self._ragged.values.requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self._ragged.values.requires_grad = value

    def requires_grad_(self, requires_grad: bool = True) -> NestedTensor:
        """Let gradients flow to the components; returns itself."""
        self._ragged.values.requires_grad_(requires_grad)
        return self

    @property
    def grad(self) -> Any:
        """The gradient that backward accumulated, nested alike; None before."""
        grad = self._ragged.values.grad
        return None if grad is None else self._alike(grad)

    @grad.setter
    def grad(self, value: Any) -> None:
        nested = isinstance(value, NestedTensor)
        self._ragged.values.grad = value._ragged.values if nested else value

    @property
    def grad_fn(self) -> Any:
        """What it was computed by; None for a leaf."""
        return self._ragged.values.grad_fn

    @property
    def is_leaf(self) -> bool:
        """Whether no operation on tensors that require gradients made it."""
        return self._ragged.values.is_leaf

    def detach(self) -> NestedTensor:
        """The same memory, cut off from the graph."""
        return self._alike(self._ragged.values.detach())

    def detach_(self) -> NestedTensor:
        """Cut it off from the graph, in place."""
        self._ragged.values.detach_()
        return self

    @property  # type: ignore[misc]
    def data(self) -> Any:
        """The same memory without a graph."""
        return self.detach()

    def backward(self, gradient: Any = None, retain_graph: bool | None = None,
                 create_graph: bool = False, inputs: Any = None, **options: Any) -> None:
        """Add the gradients of this nested tensor; `gradient` is nested alike."""
        given = gradient._ragged.values if isinstance(gradient, NestedTensor) else gradient
        self._ragged.values.backward(given, retain_graph, create_graph, inputs, **options)

    def retain_grad(self) -> None:
        """Keep the gradient of a tensor that is no leaf."""
        self._ragged.values.retain_grad()

    @property
    def retains_grad(self) -> bool:
        """Whether `retain_grad` was called, for a tensor that is no leaf."""
        return self._ragged.values.retains_grad

    def register_hook(self, hook: Callable[[Any], Any]) -> Any:
        """Call `hook` with the gradient, nested alike; what it returns takes its place."""

        def nested_hook(gradient: Tensor) -> Any:
            found = hook(self._alike(gradient))
            return found._ragged.values if isinstance(found, NestedTensor) else found

        return self._ragged.values.register_hook(nested_hook)

    def register_post_accumulate_grad_hook(self, hook: Callable[[Any], None]) -> Any:
        """Call `hook` with the leaf itself when its gradient has been accumulated."""
        return self._ragged.values.register_post_accumulate_grad_hook(lambda values: hook(self))

    # ---- others of its kind ----------------------------------------------------------------------

    def _alike(self, values: Tensor) -> NestedTensor:
        """Components of the same sizes with other values, as `_ragged.values` has them."""
        return build(self._ragged.with_values(values), self._place, self._kind,
                     self._sizes if self._place is None else ())

    def __deepcopy__(self, memo: dict[int, Any]) -> NestedTensor:
        if not self.is_leaf:
            raise RuntimeError("Only Tensors created explicitly by the user (graph leaves) support "
                               "the deepcopy protocol at the moment: detach() it first")
        made = self._alike(self._ragged.values.detach().clone())
        memo[id(self)] = made.requires_grad_(self.requires_grad)
        return made

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        sizes = [tuple(size) for size in self._sizes] if self._place is None else None
        return rebuild, (self._ragged, self._place, self._kind is jagged, sizes)

    def __repr__(self, *, tensor_contents: Any = None) -> str:
        if self._kind is jagged:
            made = f", grad_fn={self.grad_fn}" if self.grad_fn else (
                ", requires_grad=True" if self.requires_grad else "")
            return (f"NestedTensor(size={tuple(self._shape())}, offsets={self.offsets()}{made}, "
                    f"contiguous={self.is_contiguous()})")
        parts = [repr(part.detach().requires_grad_(self.requires_grad)) if self.requires_grad
                 else repr(part) for part in self._components()]
        shown = ",\n".join(part.replace("\n", "\n  ").join(("  ", "")) for part in parts)
        made = f", grad_fn=<{type(self.grad_fn).__name__}>" if self.grad_fn else (
            ", requires_grad=True" if self.requires_grad else "")
        return f"nested_tensor([\n{shown}\n]{made})"

    __str__ = __repr__


def build(ragged: Ragged, place: int | None, kind: Any, sizes: Sequence[Any] = (),
          holes: tuple[Tensor, Tensor, Tensor] | None = None) -> NestedTensor:
    """The nested tensor with these elements; see the attributes of NestedTensor."""
    made: NestedTensor = object.__new__(NestedTensor)
    made._ragged, made._place, made._kind, made._holes = ragged, place, kind, holes
    made._sizes = tuple(map(Size, sizes))
    return made


def rebuild(ragged: Any, place: Any, is_jagged: bool, sizes: Any) -> NestedTensor:
    """A pickled nested tensor. Raises ValueError for parts that do not go together."""
    whole = isinstance(ragged, Ragged) and (
        place in range(1, ragged.ndim) if sizes is None else place is None and not is_jagged
        and [Size(size).numel() for size in sizes] == ragged.layout.lengths.tolist())
    if not whole:
        raise ValueError("a nested tensor is saved as a ragged batch and its ragged dimension, or "
                         "the sizes of its components")
    return build(ragged, place, jagged if is_jagged else strided, sizes or ())




def _fill_up(x: Tensor, sizes: Sequence[int], value: float) -> Tensor:
    """`x` with `value` behind its elements, up to `sizes`."""
    if tuple(x.shape) == tuple(sizes):
        return x
    pads = [n for have, want in zip(reversed(x.shape), reversed(sizes), strict=True)
            for n in (0, want - have)]
    return constant_pad_nd(x, pads, value)
