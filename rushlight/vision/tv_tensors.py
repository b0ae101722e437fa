"""Tensors that know what they show: pictures, films, masks, boxes, points.

The transforms of `transforms.v2` treat each kind as it needs. Operations on them return plain
tensors, save clone, to, detach, requires_grad_ and pin_memory; `wrap` makes a result such a tensor.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

from rushlight.ops import as_tensor
from rushlight.overrides import DisableTorchFunctionSubclass
from rushlight.tensor import Tensor
from rushlight.vision.image import is_pillow
from rushlight.vision.transforms.functional_conversion import pil_to_tensor

__all__ = ["BoundingBoxFormat", "BoundingBoxes", "Image", "KeyPoints", "Mask", "TVTensor", "Video",
           "is_rotated_bounding_format", "set_return_type", "wrap"]

KEEPING = {"clone", "to", "detach", "requires_grad_", "pin_memory"}  # their results stay such
_keep_all = False


class set_return_type:
    """Whether operations return "tensor" (the default) or "tvtensor"; also as a context."""

    def __init__(self, return_type: str) -> None:
        global _keep_all
        kinds = {"tensor": False, "tvtensor": True}
        if return_type.lower() not in kinds:
            raise ValueError(f"return_type must be 'TVTensor' or 'Tensor', got {return_type}")
        self.before, _keep_all = _keep_all, kinds[return_type.lower()]

    def __enter__(self) -> set_return_type:
        return self

    def __exit__(self, *error: Any) -> None:
        global _keep_all
        _keep_all = self.before


class TVTensor(Tensor):
    """What all kinds have in common."""

    _facts: tuple[str, ...] = ()  # what an instance knows beside its values

    @staticmethod
    def _made(data: Any, dtype: Any, device: Any, requires_grad: bool | None) -> Tensor:
        if requires_grad is None:
            requires_grad = data.requires_grad if isinstance(data, Tensor) else False
        plain = data.as_subclass(Tensor) if isinstance(data, TVTensor) else data
        made = as_tensor(plain, dtype=dtype, device=device)
        return made.requires_grad_(requires_grad) if requires_grad else made

    @classmethod
    def _marked(cls, tensor: Tensor, **facts: Any) -> Any:
        out = tensor.as_subclass(cls)
        for name, value in facts.items():
            setattr(out, name, value)
        return out

    @classmethod
    def wrap(cls, tensor: Tensor, like: Any, **facts: Any) -> Any:
        """`tensor` as one of this kind, which knows what `like` knows, or `facts`."""
        return cls._marked(tensor, **{name: facts.get(name, getattr(like, name))
                                      for name in cls._facts})

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if not all(issubclass(cls, kind) for kind in types):
            return NotImplemented
        with DisableTorchFunctionSubclass():
            out = func(*args, **(kwargs or {}))
        own = next((each for each in args if isinstance(each, cls)), None)
        if own is not None and (_keep_all or getattr(func, "__name__", "") in KEEPING):
            return _rewrapped(out, own)
        if isinstance(out, cls):
            return out.as_subclass(Tensor)
        return out

    def __repr__(self, *, tensor_contents: Any = None) -> str:
        text = repr(self.as_subclass(Tensor)).removeprefix("tensor")
        facts = ", ".join(f"{name}={getattr(self, name)}" for name in self._facts)
        return f"{type(self).__name__}{text[:-1]}, {facts})"

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return wrap(self.detach().clone().requires_grad_(self.requires_grad), like=self)


def _rewrapped(out: Any, like: Any) -> Any:
    if isinstance(out, Tensor):
        return wrap(out, like=like)
    if isinstance(out, tuple | list):
        return type(out)(_rewrapped(part, like) for part in out)
    return out


def wrap(wrappee: Tensor, *, like: Any, **kwargs: Any) -> Any:
    """`wrappee` as a tensor of the kind of `like`, which knows what that knows, or `kwargs`.

    >>> import rushlight as rl
    >>> from rushlight.vision import tv_tensors
    >>> boxes = tv_tensors.BoundingBoxes([[0, 0, 4, 4]], format="XYXY", canvas_size=(8, 8))
    >>> tv_tensors.wrap(boxes + 1, like=boxes).canvas_size
    (8, 8)
    """
    kind = type(like)
    if issubclass(kind, TVTensor):
        return kind.wrap(wrappee, like, **kwargs)
    return wrappee.as_subclass(kind)


class Image(TVTensor):
    """A picture, or several: (..., channels, height, width); of a tensor, an array, PIL image."""

    def __new__(cls, data: Any, *, dtype: Any = None, device: Any = None,
                requires_grad: bool | None = None) -> Any:
        data = pil_to_tensor(data) if is_pillow(data) else data
        made = cls._made(data, dtype, device, requires_grad)
        if made.ndim < 2:
            raise ValueError(f"Tensor must be 2D or higher, got {made.ndim}D tensor.")
        return cls._marked(made.unsqueeze(0) if made.ndim == 2 else made)


class Video(TVTensor):
    """A film: (..., time, channels, height, width)."""

    def __new__(cls, data: Any, *, dtype: Any = None, device: Any = None,
                requires_grad: bool | None = None) -> Any:
        made = cls._made(data, dtype, device, requires_grad)
        if made.ndim < 4:
            raise ValueError(f"Expected tensor to have at least 4 dimensions, got {made.ndim}")
        return cls._marked(made)


class Mask(TVTensor):
    """Masks: (..., height, width) of classes or booleans."""

    def __new__(cls, data: Any, *, dtype: Any = None, device: Any = None,
                requires_grad: bool | None = None) -> Any:
        data = pil_to_tensor(data) if is_pillow(data) else data
        return cls._marked(cls._made(data, dtype, device, requires_grad))


class BoundingBoxFormat(Enum):
    """What the numbers of a box are: corners, corner and size, or centre and size."""

    XYXY = "XYXY"
    XYWH = "XYWH"
    CXCYWH = "CXCYWH"
    XYWHR = "XYWHR"
    CXCYWHR = "CXCYWHR"
    XYXYXYXY = "XYXYXYXY"


def is_rotated_bounding_format(format: BoundingBoxFormat | str) -> bool:
    """Whether the boxes of a format may be turned."""
    name = format.value if isinstance(format, BoundingBoxFormat) else format
    return name in ("XYWHR", "CXCYWHR", "XYXYXYXY")


class BoundingBoxes(TVTensor):
    """Boxes (count, 4) in a `format`, on a picture of `canvas_size` (height, width).

    clamping_mode: what transforms do with what lies outside: "soft" and "hard" clamp, None leaves.
    Raises ValueError for other shapes. Turned boxes can be held, but not transformed.
    """

    _facts = ("format", "canvas_size", "clamping_mode")
    format: BoundingBoxFormat
    canvas_size: tuple[int, int]
    clamping_mode: str | None

    def __new__(cls, data: Any, *, format: Any, canvas_size: tuple[int, int],
                clamping_mode: str | None = "soft", dtype: Any = None, device: Any = None,
                requires_grad: bool | None = None) -> Any:
        made = cls._made(data, dtype, device, requires_grad)
        if not made.is_floating_point() and is_rotated_bounding_format(format):
            raise ValueError("Rotated bounding boxes should be floating point tensors, got "
                             f"{made.dtype}.")
        if made.ndim == 1:
            made = made.unsqueeze(0)
        elif made.ndim != 2:
            raise ValueError(f"Expected a 1D or 2D tensor, got {made.ndim}D")
        if clamping_mode not in (None, "hard", "soft"):
            raise ValueError(f"clamping_mode must be None, hard or soft, got {clamping_mode}.")
        kind = BoundingBoxFormat[format.upper()] if isinstance(format, str) else format
        return cls._marked(made, format=kind, canvas_size=tuple(canvas_size),
                           clamping_mode=clamping_mode)


class KeyPoints(TVTensor):
    """Points (..., 2) of x, y on a picture of `canvas_size` (height, width)."""

    _facts = ("canvas_size",)
    canvas_size: tuple[int, int]

    def __new__(cls, data: Any, *, canvas_size: tuple[int, int], dtype: Any = None,
                device: Any = None, requires_grad: bool | None = None) -> Any:
        made = cls._made(data, dtype, device, requires_grad)
        made = made.unsqueeze(0) if made.ndim == 1 else made
        if made.shape[-1] != 2:
            raise ValueError(f"Expected a tensor of shape (..., 2), not {made.shape}")
        return cls._marked(made, canvas_size=tuple(canvas_size))
