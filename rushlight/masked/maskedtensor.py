"""Tensors that carry a mask along: elements that it does not select count as absent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight import ops
from rushlight.masked.text import text
from rushlight.ops import masked_reductions as _reductions
from rushlight.overrides import DisableTorchFunctionSubclass
from rushlight.tensor import Tensor

reductions: Any = _reductions
_GRAD: Any = Tensor.grad
ELEMENTWISE = frozenset("""
    abs absolute acos arccos acosh arccosh angle asin arcsin asinh arcsinh atan arctan atanh arctanh
    bitwise_not ceil clamp clip cos cosh deg2rad digamma erf erfc erfinv exp exp2 expm1 fix floor
    frac lgamma log log10 log1p log2 logit i0 isnan nan_to_num neg negative positive pow rad2deg
    reciprocal round rsqrt sigmoid sign sgn signbit sin sinc sinh sqrt square tan tanh trunc
    add atan2 arctan2 bitwise_and bitwise_or bitwise_xor bitwise_left_shift bitwise_right_shift div
    divide floor_divide fmod logaddexp logaddexp2 mul multiply nextafter remainder sub subtract rsub
    true_divide truediv eq ne le ge greater greater_equal gt less_equal lt less maximum minimum fmax
    fmin not_equal ones_like to float double half bfloat16 int long short bool type
""".split())
LAYOUT = frozenset("""
    getitem select view view_as reshape reshape_as transpose t swapaxes expand expand_as unsqueeze
    squeeze flatten unflatten contiguous clone detach cat stack index_select narrow split chunk
    movedim broadcast_to repeat ravel
""".split())
REDUCTIONS = frozenset(("sum", "mean", "amin", "amax", "argmin", "argmax", "prod", "norm", "var",
                        "std"))
AS_ARE = frozenset("""
    backward requires_grad_ register_hook retain_grad item size dim numel stride is_contiguous len
    is_floating_point is_complex data_ptr element_size nelement ndimension get_device storage_offset
    __get__ __set__ __len__ bool __bool__ __hash__ as_subclass
""".split())


class MaskedTensor(Tensor):
    """`data` and a mask of its shape, True where an element counts; made by `masked_tensor`.

    Elementwise functions keep the mask, reductions leave out what it does not select, two masked
    operands must have the same mask. `get_data()`, `get_mask()` and `to_tensor(value)` lead back.
    """

    _mask: Tensor

    def get_data(self) -> Tensor:
        """The elements, absent ones too."""
        with DisableTorchFunctionSubclass():
            return self.as_subclass(Tensor)

    def get_mask(self) -> Tensor:
        """True where an element counts."""
        return self._mask

    def to_tensor(self, value: Any) -> Tensor:
        """The elements, with `value` for absent ones."""
        return self.get_data().masked_fill(~self._mask, value)

    @property
    def T(self) -> Any:
        """The last two dimensions exchanged, mask included."""
        return _masked(self.get_data().T, self._mask.T)

    @property
    def grad(self) -> Any:
        """The gradient, under the same mask; None before `backward`."""
        with DisableTorchFunctionSubclass():
            found = _GRAD.__get__(self)
        return None if found is None else _masked(found, self._mask)

    @grad.setter
    def grad(self, value: Any) -> None:
        with DisableTorchFunctionSubclass():
            _GRAD.__set__(self, value)

    def __repr__(self, **options: Any) -> str:
        return text(self.get_data().detach().tolist(), self._mask.tolist())

    __str__ = __repr__

    @classmethod
    def __torch_function__(cls, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (),
                           kwargs: dict[str, Any] | None = None) -> Any:
        name = getattr(func, "__name__", "")
        options = kwargs or {}
        if name in AS_ARE:
            with DisableTorchFunctionSubclass():
                return func(*args, **options)
        if name.rstrip("_") in ELEMENTWISE:
            return _elementwise(func, name, args, options)
        if name in LAYOUT:
            return _layout(func, args, options)
        if name in REDUCTIONS or name in ("all", "softmax"):
            return _reduce(name, *args, **options)
        if name == "where":
            return _where(*args)
        raise TypeError(
            f"Multiple dispatch failed for 'torch._ops.aten.{name}'; all __torch_dispatch__ "
            f"handlers returned NotImplemented: {name} is not defined for a MaskedTensor. Use "
            "to_tensor(value) to give absent elements a value, or get_data() and get_mask()")


def _masked(data: Any, mask: Any) -> Any:
    with DisableTorchFunctionSubclass():
        made = data.as_subclass(MaskedTensor)
    made._mask = mask
    return made


def _data(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return type(value)(map(_data, value))
    return value.get_data() if isinstance(value, MaskedTensor) else value


def _mask(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return type(value)(map(_mask, value))
    return value._mask if isinstance(value, MaskedTensor) else value


def _elementwise(func: Any, name: str, args: Any, options: Any) -> Any:
    masks = [one._mask for one in (*args, *options.values()) if isinstance(one, MaskedTensor)]
    if len(masks) > 1 and not masks[0].equal(masks[1]):
        raise ValueError("Input masks must match. If you need support for this, please open an "
                         f"issue on Github. ({name} of masks {masks[0].tolist()} and "
                         f"{masks[1].tolist()}; to_tensor(value) gives absent elements a value)")
    result = func(*map(_data, args), **{key: _data(one) for key, one in options.items()})
    if name.endswith("_") and not name.endswith("__"):
        return args[0]
    return _masked(result, masks[0].expand(result.shape))


def _layout(func: Any, args: Any, options: Any) -> Any:
    data = func(*map(_data, args), **options)
    mask = func(*map(_mask, args), **options)
    if isinstance(data, (list, tuple)):
        return type(data)(map(_masked, data, mask))
    return _masked(data, mask)


def _reduce(name: str, input: Any, dim: Any = None, *args: Any, **options: Any) -> Any:
    data, mask = _data(input), _mask(input)
    if name == "softmax":
        return _masked(reductions.softmax(data, dim, mask=mask, **options), mask)
    if name == "norm":
        dim, args = (args[0] if args else None), (2.0 if dim is None else dim, *args[1:])
    keep = bool(options.get("keepdim", False))
    left = mask.any() if dim is None else mask.any(dim, keepdim=keep)
    if name == "all":
        filled = data.masked_fill(~mask, True)
        return _masked(filled.all() if dim is None else filled.all(dim, keepdim=keep), left)
    function: Any = getattr(reductions, name, None) or reductions.sum_
    if name == "norm":
        result = function(data, args[0], dim, mask=mask, **options)
    elif dim is None and name in ("var", "std") and "unbiased" not in options:
        result = function(data, mask=mask, **options)
    else:
        result = function(data, dim, *args, mask=mask, **options)
    return _masked(result.to(data.dtype) if name[:3] == "arg" else result, left)


def _where(condition: Any, input: Any = None, other: Any = None) -> Any:
    parts = []
    for one in (input, other):
        full = _mask(one) if isinstance(one, MaskedTensor) else ops.ones_like(
            condition)
        parts.append(full)
    return _masked(ops.where(condition, _data(input), _data(other)),
                   ops.where(condition, *parts))


def masked_tensor(data: Tensor, mask: Tensor, requires_grad: bool = False) -> MaskedTensor:
    """A leaf on the memory of `data` whose elements count where the bool `mask` is True.

    mask: of the shape of `data`.

    Raises TypeError for a mask that is not bool, ValueError for another shape.

    >>> import rushlight as rl
    >>> x = rl.masked.masked_tensor(rl.arange(3.0), rl.tensor([True, False, True]))
    >>> x * 2
    MaskedTensor(
      [  0.0000,       --,   4.0000]
    )
    >>> x.sum()
    MaskedTensor(  2.0000, True)
    """
    made = as_masked_tensor(data.detach(), mask)
    with DisableTorchFunctionSubclass():
        made.requires_grad_(requires_grad)
    return made


def as_masked_tensor(data: Tensor, mask: Tensor) -> MaskedTensor:
    """`data` under a mask, through which gradients reach it."""
    if not isinstance(data, Tensor) or not isinstance(mask, Tensor):
        raise TypeError(f"data and mask must be tensors, not {type(data).__name__} and "
                        f"{type(mask).__name__}")
    if isinstance(data, MaskedTensor) or isinstance(mask, MaskedTensor):
        raise TypeError("data and mask must not be MaskedTensors themselves")
    if data.is_complex():
        raise TypeError(f"{data.dtype} is not supported in MaskedTensor.")
    if mask.dtype is not ops.tensor(True).dtype:
        raise TypeError(f"mask must have dtype bool. It is {mask.dtype}; mask != 0 is bool")
    if data.dim() != mask.dim():
        raise ValueError(f"data.dim() must equal mask.dim(): {data.dim()} and {mask.dim()}")
    if data.shape != mask.shape:
        raise ValueError(f"data.size() must equal mask.size(): {list(data.shape)} and "
                         f"{list(mask.shape)}")
    return _masked(data.view(data.shape), mask)


def is_masked_tensor(obj: Any, /) -> bool:
    """Whether an object is a MaskedTensor."""
    return isinstance(obj, MaskedTensor)
