"""Compose, Lambda, and transforms of which some are applied, by chance."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

from rushlight import nn
from rushlight.ops import rand


def _listed(name: str, *lines: Any) -> str:
    return "\n".join([f"{name}(", *(f"    {line}" for line in lines), ")"])


class Compose:
    """Apply `transforms` one after the other.

    Example:
        >>> import numpy as np
        >>> from rushlight.vision import transforms
        >>> to_input = transforms.Compose(
        ...     [transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))]
        ... )
        >>> to_input(np.zeros((28, 28), np.uint8)).shape
        torch.Size([1, 28, 28])
    """

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]) -> None:
        self.transforms = transforms

    def __call__(self, img: Any) -> Any:
        for transform in self.transforms:
            img = transform(img)
        return img

    def __repr__(self) -> str:
        return _listed(type(self).__name__, *self.transforms)


class Lambda:
    """Apply the function `lambd`.

    Raises:
        TypeError: `lambd` cannot be called.

    Example:
        >>> from rushlight.vision import transforms
        >>> transforms.Lambda(lambda digit: digit % 2)(7)
        1
    """

    def __init__(self, lambd: Callable[[Any], Any]) -> None:
        if not callable(lambd):
            raise TypeError(f"Argument lambd should be callable, got {type(lambd).__name__!r}")
        self.lambd = lambd

    def __call__(self, img: Any) -> Any:
        return self.lambd(img)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class RandomApply(nn.Module):
    """Apply all of `transforms`, with probability p."""

    def __init__(self, transforms: Sequence[Callable[[Any], Any]], p: float = 0.5) -> None:
        super().__init__()
        self.transforms, self.p = transforms, p

    def forward(self, img: Any) -> Any:
        """The picture, transformed or as it is."""
        if self.p < rand(1).item():
            return img
        for transform in self.transforms:
            img = transform(img)
        return img

    def __repr__(self) -> str:
        return _listed(type(self).__name__, f"p={self.p}", *self.transforms)


class RandomTransforms:
    """What RandomOrder and RandomChoice have in common: a sequence of transforms."""

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]) -> None:
        if not isinstance(transforms, Sequence):
            raise TypeError("Argument transforms should be a sequence")
        self.transforms = transforms

    def __repr__(self) -> str:
        return _listed(type(self).__name__, *self.transforms)


class RandomOrder(RandomTransforms):
    """Apply all of `transforms`, in an order drawn from Python's `random`."""

    def __call__(self, img: Any) -> Any:
        order = list(range(len(self.transforms)))
        random.shuffle(order)
        for number in order:
            img = self.transforms[number](img)
        return img


class RandomChoice(RandomTransforms):
    """Apply one of `transforms`, drawn from Python's `random` with weights `p`."""

    def __init__(self, transforms: Sequence[Callable[..., Any]], p: Any = None) -> None:
        super().__init__(transforms)
        if p is not None and not isinstance(p, Sequence):
            raise TypeError("Argument p should be a sequence")
        self.p = p

    def __call__(self, *arguments: Any) -> Any:
        return random.choices(self.transforms, weights=self.p)[0](*arguments)

    def __repr__(self) -> str:
        return f"{super().__repr__()}(p={self.p})"
