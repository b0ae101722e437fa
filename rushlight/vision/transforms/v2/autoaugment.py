"""AutoAugment, RandAugment, TrivialAugmentWide and AugMix on the picture of a sample."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight.ops import rand, randint
from rushlight.tensor import Tensor
from rushlight.utils.pytree import tree_flatten, tree_unflatten
from rushlight.vision.transforms import autoaugment as first
from rushlight.vision.transforms import functional as F
from rushlight.vision.transforms.functional_dimensions import interpolation_mode, max_value
from rushlight.vision.transforms.operations import (
    Space,
    apply_operation,
    auto_space,
    rand_space,
    wide_space,
)
from rushlight.vision.transforms.policies import AutoAugmentPolicy, policies
from rushlight.vision.transforms.v2.kinds import PICTURES, check_type, is_pure_tensor
from rushlight.vision.transforms.v2.transform import Transform, checked_fill, fill_of
from rushlight.vision.tv_tensors import BoundingBoxes, KeyPoints, Mask, TVTensor, wrap


def _sign(magnitude: float, signed: bool) -> float:
    return -magnitude if signed and rand(()).item() <= 0.5 else magnitude


def _number(count: int) -> int:
    return int(randint(count, ()).item())


def draw(choices: Space, pick: Callable[[Tensor], float]) -> tuple[str, float]:
    """(name, magnitude): one of the choices, `pick` of its magnitudes, a random sign."""
    name = list(choices)[_number(len(choices))]
    magnitudes, signed = choices[name]
    return name, _sign(pick(magnitudes), signed) if magnitudes.ndim > 0 else 0.0


class _Augment(Transform):
    """What changes the one picture of a sample. Raises TypeError for none, several, or boxes."""

    def __init__(self, interpolation: Any = "nearest", fill: Any = None) -> None:
        super().__init__()
        self.interpolation, self.fill = interpolation, checked_fill(fill)

    def forward(self, *inputs: Any) -> Any:
        """The sample, its picture augmented."""
        flat, spec = tree_flatten(inputs if len(inputs) > 1 else inputs[0])
        places = []
        for place, (each, is_in) in enumerate(zip(flat, self._chosen(flat), strict=True)):
            if is_in and check_type(each, PICTURES):
                places.append(place)
            elif isinstance(each, BoundingBoxes | Mask | KeyPoints):
                raise TypeError(f"Inputs of type {type(each).__name__} are not supported by "
                                f"{type(self).__name__}()")
        if len(places) != 1:
            raise TypeError("Found no image in the sample." if not places else
                            "Auto augment transformations are only properly defined for a single "
                            f"image or video, but found {len(places)}.")
        picture = flat[places[0]]
        plain = picture.as_subclass(Tensor) if isinstance(picture, TVTensor) else picture
        out = self.augment(plain, fill_of(self.fill, picture))
        is_plain = is_pure_tensor(picture) or not isinstance(picture, Tensor)
        flat[places[0]] = out if is_plain else wrap(out, like=picture)
        return tree_unflatten(flat, spec)

    def augment(self, img: Any, fill: Any) -> Any:
        """The picture, augmented."""
        raise NotImplementedError

    def apply(self, img: Any, name: str, magnitude: float, fill: Any) -> Any:
        """The picture after one operation; thresholds are parts of white."""
        if name == "Solarize" and isinstance(img, Tensor):
            magnitude = max_value(img.dtype) * (magnitude / 255.0)
        return apply_operation(img, name, magnitude, interpolation_mode(self.interpolation), fill)


class AutoAugment(_Augment):
    """One of 25 pairs of operations that were found by search (Cubuk et al., 2019)."""

    def __init__(self, policy: AutoAugmentPolicy = AutoAugmentPolicy.IMAGENET,
                 interpolation: Any = "nearest", fill: Any = None) -> None:
        super().__init__(interpolation, fill)
        self.policy, self._policies = policy, policies(policy)

    def augment(self, img: Any, fill: Any) -> Any:
        """The picture, augmented."""
        choices = auto_space(10, *F.get_dimensions(img)[1:])
        for name, probability, level in self._policies[_number(len(self._policies))]:
            if rand(()).item() <= probability:
                magnitudes, signed = choices[name]
                magnitude = 0.0 if level is None or magnitudes.ndim == 0 else _sign(
                    float(magnitudes[level].item()), signed)
                img = self.apply(img, name, magnitude, fill)
        return img


class RandAugment(_Augment):
    """`num_ops` random operations, all of one magnitude (Cubuk et al., 2020)."""

    def __init__(self, num_ops: int = 2, magnitude: int = 9, num_magnitude_bins: int = 31,
                 interpolation: Any = "nearest", fill: Any = None) -> None:
        super().__init__(interpolation, fill)
        self.num_ops, self.magnitude = num_ops, magnitude
        self.num_magnitude_bins = num_magnitude_bins

    def augment(self, img: Any, fill: Any) -> Any:
        """The picture, augmented."""
        choices = rand_space(self.num_magnitude_bins, *F.get_dimensions(img)[1:])
        for _ in range(self.num_ops):
            name, magnitude = draw(choices, lambda of: float(of[self.magnitude].item()))
            img = self.apply(img, name, magnitude, fill)
        return img


class TrivialAugmentWide(_Augment):
    """One random operation of a random magnitude (Müller and Hutter, 2021)."""

    def __init__(self, num_magnitude_bins: int = 31, interpolation: Any = "nearest",
                 fill: Any = None) -> None:
        super().__init__(interpolation, fill)
        self.num_magnitude_bins = num_magnitude_bins

    def augment(self, img: Any, fill: Any) -> Any:
        """The picture, augmented."""
        choices = wide_space(self.num_magnitude_bins)
        name, magnitude = draw(choices, lambda of: float(of[_number(len(of))].item()))
        return self.apply(img, name, magnitude, fill)


class AugMix(_Augment):
    """The picture mixed with random chains of operations on it (Hendrycks et al., 2020).

    Arguments as of the first interface's.
    """

    def __init__(self, severity: int = 3, mixture_width: int = 3, chain_depth: int = -1,
                 alpha: float = 1.0, all_ops: bool = True, interpolation: Any = "bilinear",
                 fill: Any = None) -> None:
        super().__init__(interpolation, fill)
        self._mixer = first.AugMix(severity, mixture_width, chain_depth, alpha, all_ops)
        self._mixer.draw, self._mixer.apply = draw, self.apply  # type: ignore[method-assign]
        self.severity, self.mixture_width, self.chain_depth = severity, mixture_width, chain_depth
        self.alpha, self.all_ops = alpha, all_ops

    def augment(self, img: Any, fill: Any) -> Any:
        """The picture, augmented."""
        mixed = self._mixer.mix(img if isinstance(img, Tensor) else F.pil_to_tensor(img), fill)
        return mixed if isinstance(img, Tensor) else F.to_pil_image(mixed)
