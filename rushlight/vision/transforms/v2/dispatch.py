"""A function for each kind of input: how `v2.functional` finds what to do with it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from rushlight.tensor import Tensor
from rushlight.vision.image import is_pillow
from rushlight.vision.transforms.functional_dimensions import InterpolationMode
from rushlight.vision.transforms.v2.boxes import as_format
from rushlight.vision.tv_tensors import BoundingBoxes, Image, KeyPoints, Mask, TVTensor, Video, wrap

Kernel = Callable[..., Any]


class Pillow:
    """Stands for Pillow's images in the table of kernels."""


class Functional:
    """A function of inputs of several kinds, each treated by its own kernel."""

    def __init__(self, name: str, picture: Kernel, kernels: dict[type, Kernel]) -> None:
        self.__name__ = self.__qualname__ = name
        self.__doc__ = picture.__doc__
        self.__signature__ = inspect.signature(picture)
        self.kernels = kernels

    def kernel(self, inpt: Any) -> Kernel | None:
        """What treats this input; None where nothing does."""
        kind = Pillow if is_pillow(inpt) else type(inpt)
        found = self.kernels.get(kind)
        if found is None and isinstance(inpt, Tensor) and not isinstance(inpt, TVTensor):
            return self.kernels.get(Tensor)
        if found is None:
            found = next((self.kernels[base] for base in kind.__mro__[1:]
                          if base in self.kernels and base is not Tensor), None)
        return found

    def __call__(self, inpt: Any, *args: Any, **options: Any) -> Any:
        kernel = self.kernel(inpt)
        if kernel is None:
            known = ", ".join(kind.__name__ for kind in self.kernels)
            raise TypeError(f"Functional F.{self.__name__} supports inputs of type {known}, but "
                            f"got {type(inpt)} instead.")
        return kernel(inpt, *args, **options)

    def __repr__(self) -> str:
        return f"<function {self.__name__}>"


def register_kernel(functional: Any, tv_tensor_cls: type) -> Callable[[Kernel], Kernel]:
    """Decorate what treats a class of your own, derived from TVTensor, in a functional.

    Raises ValueError for another class, or one that has its kernel.
    """
    if not isinstance(functional, Functional):
        raise ValueError(f"Kernels can only be registered on functionals, got {functional}.")
    if not issubclass(tv_tensor_cls, TVTensor) or tv_tensor_cls in functional.kernels:
        raise ValueError(f"Kernels can only be registered once, for subclasses of TVTensor, but "
                         f"got {tv_tensor_cls}.")

    def decorate(kernel: Kernel) -> Kernel:
        functional.kernels[tv_tensor_cls] = kernel
        return kernel

    return decorate


def functional(picture: Kernel, name: str = "", *, mask: bool = True, pillow: bool = True,
               boxes: Kernel | None = None, points: Kernel | None = None,
               plain: bool = True) -> Functional:
    """The function of all kinds that `picture` is of pictures.

    mask: masks are treated as pictures, nearest neighbours for interpolation. boxes, points: take
    what they name of the arguments, of `format`, `canvas_size` and `clamping_mode`; return tensors,
    or (tensor, the new size). plain: results are of the input's kind.
    """
    signature = inspect.signature(picture)
    first = next(iter(signature.parameters))

    def on_tensor(inpt: Any, *args: Any, **options: Any) -> Any:
        out = picture(inpt.as_subclass(Tensor), *args, **options)
        if not plain:
            return out
        return tuple(wrap(part, like=inpt) for part in out) if isinstance(out, tuple) else wrap(
            out, like=inpt)

    def on_mask(inpt: Any, *args: Any, **options: Any) -> Any:
        given = _given(inpt, args, options)
        if "interpolation" in signature.parameters:
            mode = given.get("interpolation")
            given["interpolation"] = mode if mode is InterpolationMode.NEAREST_EXACT else (
                InterpolationMode.NEAREST)
        return wrap(picture(inpt.as_subclass(Tensor), **given), like=inpt)

    def _given(inpt: Any, args: Any, options: Any) -> dict[str, Any]:
        found = dict(signature.bind(inpt, *args, **options).arguments)
        del found[first]
        return found

    def on_facts(kernel: Kernel) -> Kernel:
        wanted = list(inspect.signature(kernel).parameters)[1:]

        def run(inpt: Any, *args: Any, **options: Any) -> Any:
            given = _given(inpt, args, options)
            if isinstance(inpt, BoundingBoxes):
                as_format(inpt.format)  # refuses turned boxes
            for fact in ("format", "canvas_size", "clamping_mode"):
                given.setdefault(fact, getattr(inpt, fact, None))
            taken = {key: given[key] for key in wanted if key in given}
            out = kernel(inpt.as_subclass(Tensor), **taken)
            if isinstance(out, tuple):
                return wrap(out[0], like=inpt, canvas_size=tuple(out[1]))
            return wrap(out, like=inpt)

        return run

    kernels: dict[type, Kernel] = {Tensor: picture, Image: on_tensor, Video: on_tensor}
    if pillow:
        kernels[Pillow] = picture
    if mask:
        kernels[Mask] = on_mask
    if boxes is not None:
        kernels[BoundingBoxes] = on_facts(boxes)
    if points is not None:
        kernels[KeyPoints] = on_facts(points)
    return Functional(name or picture.__name__, picture, kernels)
