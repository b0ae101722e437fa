"""Compose, and transforms of which some are applied, by chance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rushlight import nn
from rushlight.ops import multinomial, rand, randperm, tensor
from rushlight.vision.transforms.v2.transform import Transform


class Container(Transform):
    """A transform of transforms. Raises TypeError and ValueError for none."""

    def __init__(self, transforms: Sequence[Callable[..., Any]]) -> None:
        super().__init__()
        if not isinstance(transforms, Sequence | nn.ModuleList):
            raise TypeError("Argument transforms should be a sequence of callables")
        if not transforms:
            raise ValueError("Pass at least one transform")
        self.transforms = transforms

    def run(self, order: Any, inputs: tuple[Any, ...]) -> Any:
        """The inputs after these transforms, one after the other."""
        several = len(inputs) > 1
        for number in order:
            outputs = self.transforms[number](*inputs)
            inputs = outputs if several else (outputs,)
        return inputs if several else inputs[0]

    def extra_repr(self) -> str:
        """The transforms, a line each."""
        return "\n".join(f"    {transform}" for transform in self.transforms)


class Compose(Container):
    """Apply `transforms` one after the other."""

    def forward(self, *inputs: Any) -> Any:
        """The sample, transformed."""
        return self.run(range(len(self.transforms)), inputs)


class RandomApply(Container):
    """Apply all of `transforms`, with probability p."""

    def __init__(self, transforms: Sequence[Callable[..., Any]], p: float = 0.5) -> None:
        super().__init__(transforms)
        if not 0.0 <= p <= 1.0:
            raise ValueError("`p` should be a floating point value in the interval [0.0, 1.0].")
        self.p = p

    def forward(self, *inputs: Any) -> Any:
        """The sample, transformed or as it is."""
        happens = rand(1).item() < self.p
        return self.run(range(len(self.transforms)) if happens else (), inputs)


class RandomChoice(Container):
    """Apply one of `transforms`, with probabilities in proportion to `p`."""

    def __init__(self, transforms: Sequence[Callable[..., Any]], p: list[float] | None = None
                 ) -> None:
        super().__init__(transforms)
        weights = [1.0] * len(transforms) if p is None else p
        if len(weights) != len(transforms):
            raise ValueError("Length of p doesn't match the number of transforms: "
                             f"{len(weights)} != {len(transforms)}")
        self.p = [weight / sum(weights) for weight in weights]

    def forward(self, *inputs: Any) -> Any:
        """The sample, transformed."""
        return self.run([int(multinomial(tensor(self.p), 1).item())], inputs)

    def extra_repr(self) -> str:
        """The plain attributes."""
        return Transform.extra_repr(self)


class RandomOrder(Container):
    """Apply all of `transforms`, in a random order."""

    def forward(self, *inputs: Any) -> Any:
        """The sample, transformed."""
        return self.run(randperm(len(self.transforms)).tolist(), inputs)

    def extra_repr(self) -> str:
        """The plain attributes."""
        return Transform.extra_repr(self)
