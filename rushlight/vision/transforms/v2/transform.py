"""Transform: what the classes of the second interface have in common."""

from __future__ import annotations

import enum
from typing import Any

from rushlight import nn
from rushlight.ops import rand
from rushlight.tensor import Tensor
from rushlight.utils.pytree import tree_flatten, tree_unflatten
from rushlight.vision.image import is_pillow
from rushlight.vision.transforms.v2.dispatch import Functional
from rushlight.vision.transforms.v2.kinds import Check, check_type, has_any, is_pure_tensor
from rushlight.vision.tv_tensors import Image, Video


class Transform(nn.Module):
    """Transforms all inputs of a sample together: nested lists, tuples and dictionaries.

    A subclass defines `transform(inpt, params)`, and `make_params(flat_inputs)` where it draws.
    Plain tensors are pictures, unless there is an `Image`, `Video` or PIL image; then they stay as
    they are. Of several plain tensors the first is the picture.
    """

    _transformed_types: tuple[Check, ...] = (Tensor, is_pillow)

    def check_inputs(self, flat_inputs: list[Any]) -> None:
        """Raises where the inputs are none for this transform."""

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """What is drawn once for the whole sample."""
        return {}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One input, transformed."""
        raise NotImplementedError

    def call(self, functional: Any, inpt: Any, *args: Any, **options: Any) -> Any:
        """`functional` of the input; the input itself where it has no kernel for its kind."""
        if isinstance(functional, Functional) and functional.kernel(inpt) is None:
            return inpt
        return functional(inpt, *args, **options)

    def happens(self) -> bool:
        """Whether anything is done this time."""
        return True

    def forward(self, *inputs: Any) -> Any:
        """The sample, transformed, in its structure."""
        sample = inputs if len(inputs) > 1 else inputs[0]
        flat, spec = tree_flatten(sample)
        self.check_inputs(flat)
        if not self.happens():
            return sample
        chosen = self._chosen(flat)
        params = self.make_params([each for each, is_in in zip(flat, chosen, strict=True)
                                   if is_in])
        return tree_unflatten([self.transform(each, params) if is_in else each
                               for each, is_in in zip(flat, chosen, strict=True)], spec)

    def _chosen(self, flat: list[Any]) -> list[bool]:
        """Which inputs are transformed."""
        plain = not has_any(flat, Image, Video, is_pillow)
        chosen = []
        for each in flat:
            is_in = check_type(each, self._transformed_types)
            if is_in and is_pure_tensor(each):
                is_in, plain = plain, False
            chosen.append(is_in)
        return chosen

    def extra_repr(self) -> str:
        """The plain attributes."""
        kinds = (bool, int, float, str, tuple, list, enum.Enum)
        return ", ".join(f"{name}={value}" for name, value in self.__dict__.items()
                         if not name.startswith("_") and name != "training"
                         and isinstance(value, kinds))


class RandomApplyTransform(Transform):
    """A transform that is applied with probability p. Raises ValueError for p outside 0..1."""

    def __init__(self, p: float = 0.5) -> None:
        if not 0.0 <= p <= 1.0:
            raise ValueError("`p` should be a floating point value in the interval [0.0, 1.0].")
        super().__init__()
        self.p = p

    def happens(self) -> bool:
        """True with probability p."""
        return bool(rand(1).item() < self.p)


def checked_fill(fill: Any) -> Any:
    """`fill`, a number, a sequence, or a dictionary of them by kind. Raises TypeError."""
    for value in fill.values() if isinstance(fill, dict) else [fill]:
        if value is not None and not isinstance(value, int | float | tuple | list):
            raise TypeError("Got inappropriate fill arg, only Numbers, tuples, lists and dicts are "
                            "allowed.")
    return fill


def fill_of(fill: Any, inpt: Any) -> Any:
    """The fill for an input of this kind."""
    if isinstance(fill, dict):
        return fill.get(type(inpt), fill.get("others"))
    return fill
