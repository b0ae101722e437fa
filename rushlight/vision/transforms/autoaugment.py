"""AutoAugment, RandAugment, TrivialAugmentWide and AugMix: chains of random operations."""

from __future__ import annotations

from typing import Any

from rushlight import nn
from rushlight.ops import _sample_dirichlet, rand, randint, tensor
from rushlight.tensor import Tensor
from rushlight.vision.transforms import functional as F
from rushlight.vision.transforms.drawing import integer
from rushlight.vision.transforms.functional_dimensions import InterpolationMode
from rushlight.vision.transforms.operations import (
    apply_operation,
    auto_space,
    draw_operation,
    mix_space,
    rand_space,
    wide_space,
)
from rushlight.vision.transforms.policies import AutoAugmentPolicy, policies
from rushlight.vision.transforms.warping import fill_of

__all__ = ["AugMix", "AutoAugment", "AutoAugmentPolicy", "RandAugment", "TrivialAugmentWide"]


class AutoAugment(nn.Module):
    """One of 25 pairs of operations that were found by search (Cubuk et al., 2019)."""

    def __init__(self, policy: AutoAugmentPolicy = AutoAugmentPolicy.IMAGENET,
                 interpolation: InterpolationMode = InterpolationMode.NEAREST,
                 fill: Any = None) -> None:
        super().__init__()
        self.policy, self.interpolation, self.fill = policy, interpolation, fill
        self.policies = policies(policy)

    @staticmethod
    def get_params(transform_num: int) -> tuple[int, Tensor, Tensor]:
        """(which pair, two probabilities, two signs), drawn."""
        number = int(randint(transform_num, (1,)).item())
        probabilities = rand(2)
        return number, probabilities, randint(2, (2,))

    def forward(self, img: Any) -> Any:
        """The picture, augmented."""
        fill = fill_of(self.fill, img)
        number, drawn, signs = self.get_params(len(self.policies))
        _, height, width = F.get_dimensions(img)
        choices = auto_space(10, height, width)
        for place, (name, probability, level) in enumerate(self.policies[number]):
            if drawn[place].item() <= tensor(probability).item():
                magnitudes, signed = choices[name]
                magnitude = 0.0 if level is None else float(magnitudes[level].item())
                if signed and signs[place].item() == 0:
                    magnitude = -magnitude
                img = apply_operation(img, name, magnitude, self.interpolation, fill)
        return img

    def __repr__(self) -> str:
        return f"{type(self).__name__}(policy={self.policy}, fill={self.fill})"


class RandAugment(nn.Module):
    """`num_ops` random operations, all of one magnitude (Cubuk et al., 2020)."""

    def __init__(self, num_ops: int = 2, magnitude: int = 9, num_magnitude_bins: int = 31,
                 interpolation: InterpolationMode = InterpolationMode.NEAREST,
                 fill: Any = None) -> None:
        super().__init__()
        self.num_ops, self.magnitude = num_ops, magnitude
        self.num_magnitude_bins, self.interpolation, self.fill = (num_magnitude_bins,
                                                                  interpolation, fill)

    def forward(self, img: Any) -> Any:
        """The picture, augmented."""
        fill = fill_of(self.fill, img)
        _, height, width = F.get_dimensions(img)
        choices = rand_space(self.num_magnitude_bins, height, width)
        for _ in range(self.num_ops):
            name, magnitude = draw_operation(choices, lambda of: float(of[self.magnitude].item()))
            img = apply_operation(img, name, magnitude, self.interpolation, fill)
        return img

    def __repr__(self) -> str:
        return (f"{type(self).__name__}(num_ops={self.num_ops}, magnitude={self.magnitude}, "
                f"num_magnitude_bins={self.num_magnitude_bins}, "
                f"interpolation={self.interpolation}, fill={self.fill})")


class TrivialAugmentWide(nn.Module):
    """One random operation of a random magnitude (Müller and Hutter, 2021)."""

    def __init__(self, num_magnitude_bins: int = 31,
                 interpolation: InterpolationMode = InterpolationMode.NEAREST,
                 fill: Any = None) -> None:
        super().__init__()
        self.num_magnitude_bins, self.interpolation, self.fill = (num_magnitude_bins,
                                                                  interpolation, fill)

    def forward(self, img: Any) -> Any:
        """The picture, augmented."""
        name, magnitude = draw_operation(wide_space(self.num_magnitude_bins),
                                         lambda of: float(of[integer(0, len(of))].item()))
        return apply_operation(img, name, magnitude, self.interpolation, fill_of(self.fill, img))

    def __repr__(self) -> str:
        return (f"{type(self).__name__}(num_magnitude_bins={self.num_magnitude_bins}, "
                f"interpolation={self.interpolation}, fill={self.fill})")


class AugMix(nn.Module):
    """The picture mixed with random chains of operations on it (Hendrycks et al., 2020).

    severity: 1..10. mixture_width: chains. chain_depth: their length, 1..3 drawn where not
    positive. alpha: of the Dirichlet and beta distributions of the weights. all_ops: brightness,
    colour, contrast and sharpness too.
    """

    def __init__(self, severity: int = 3, mixture_width: int = 3, chain_depth: int = -1,
                 alpha: float = 1.0, all_ops: bool = True,
                 interpolation: InterpolationMode = InterpolationMode.BILINEAR,
                 fill: Any = None) -> None:
        super().__init__()
        if not 1 <= severity <= 10:
            raise ValueError(f"The severity must be between [1, 10]. Got {severity} instead.")
        self.severity, self.mixture_width, self.chain_depth = severity, mixture_width, chain_depth
        self.alpha, self.all_ops = alpha, all_ops
        self.interpolation, self.fill = interpolation, fill

    def forward(self, orig_img: Any) -> Any:
        """The picture, augmented."""
        img = orig_img if isinstance(orig_img, Tensor) else F.pil_to_tensor(orig_img)
        mixed = self.mix(img, fill_of(self.fill, orig_img))
        return mixed if isinstance(orig_img, Tensor) else F.to_pil_image(mixed)

    def mix(self, img: Tensor, fill: Any) -> Tensor:
        """The weighted sum of the picture and its chains; each picture of a batch has weights."""
        choices = mix_space(10, *img.shape[-2:], self.all_ops)
        batch = img.reshape([1] * max(4 - img.ndim, 0) + list(img.shape))
        ones = [batch.shape[0]] + [1] * (batch.ndim - 1)
        parts = self._weights(2, len(batch))  # of the picture, of its chains
        weights = self._weights(self.mixture_width, len(batch)) * parts[:, 1:]
        mixed = parts[:, 0].reshape(ones) * batch
        for number in range(self.mixture_width):
            chain = batch
            depth = self.chain_depth if self.chain_depth > 0 else integer(1, 4)
            for _ in range(depth):
                name, magnitude = self.draw(
                    choices, lambda of: float(of[integer(0, self.severity)].item()))
                chain = self.apply(chain, name, magnitude, fill)
            mixed = mixed + weights[:, number].reshape(ones) * chain
        return mixed.reshape(img.shape).to(img.dtype)

    draw = staticmethod(draw_operation)

    def apply(self, img: Any, name: str, magnitude: float, fill: Any) -> Any:
        """The picture after one operation."""
        return apply_operation(img, name, magnitude, self.interpolation, fill)

    def _weights(self, count: int, pictures: int) -> Tensor:
        """(pictures, count) random weights, each row with sum 1."""
        return _sample_dirichlet(tensor([float(self.alpha)] * count).expand(pictures, -1))

    def __repr__(self) -> str:
        return (f"{type(self).__name__}(severity={self.severity}, "
                f"mixture_width={self.mixture_width}, chain_depth={self.chain_depth}, "
                f"alpha={self.alpha}, all_ops={self.all_ops}, "
                f"interpolation={self.interpolation}, fill={self.fill})")
