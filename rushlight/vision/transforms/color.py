"""Random changes of colour, blur, and rectangles erased."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rushlight import nn
from rushlight.ops import randperm
from rushlight.tensor import Tensor
from rushlight.vision.transforms import drawing
from rushlight.vision.transforms import functional as F


class ColorJitter(nn.Module):
    """Brightness, contrast, saturation and hue changed by random factors, in a random order.

    brightness, contrast, saturation: factors (from, to), or one number a for (1 - a, 1 + a).
    hue: (from, to) in -0.5..0.5, or one number a for (-a, a).
    """

    def __init__(self, brightness: Any = 0, contrast: Any = 0, saturation: Any = 0, hue: Any = 0
                 ) -> None:
        super().__init__()
        self.brightness = drawing.jitter_range(brightness, "brightness")
        self.contrast = drawing.jitter_range(contrast, "contrast")
        self.saturation = drawing.jitter_range(saturation, "saturation")
        self.hue = drawing.jitter_range(hue, "hue", 0, -0.5, 0.5)

    @staticmethod
    def get_params(brightness: Any, contrast: Any, saturation: Any, hue: Any) -> tuple[Any, ...]:
        """(order, and the four factors or None), drawn."""
        order = randperm(4)
        return order, *(None if bounds is None else drawing.uniform(*bounds)
                        for bounds in (brightness, contrast, saturation, hue))

    def forward(self, img: Any) -> Any:
        """The picture, changed."""
        order, *factors = self.get_params(self.brightness, self.contrast, self.saturation, self.hue)
        for number in order.tolist():
            if factors[number] is not None:
                img = CHANGES[number](img, factors[number])
        return img

    def __repr__(self) -> str:
        return (f"{type(self).__name__}(brightness={self.brightness}, contrast={self.contrast}, "
                f"saturation={self.saturation}, hue={self.hue})")


CHANGES = (F.adjust_brightness, F.adjust_contrast, F.adjust_saturation, F.adjust_hue)


class Grayscale(nn.Module):
    """The picture in grey, with 1 or 3 channels."""

    def __init__(self, num_output_channels: int = 1) -> None:
        super().__init__()
        self.num_output_channels = num_output_channels

    def forward(self, img: Any) -> Any:
        """The grey picture."""
        return F.rgb_to_grayscale(img, num_output_channels=self.num_output_channels)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(num_output_channels={self.num_output_channels})"


class RandomGrayscale(nn.Module):
    """The picture in grey, with as many channels as before, with probability p."""

    def __init__(self, p: float = 0.1) -> None:
        super().__init__()
        self.p = p

    def forward(self, img: Any) -> Any:
        """The picture, grey or as it is."""
        channels = F.get_dimensions(img)[0]
        return F.rgb_to_grayscale(img, channels) if drawing.happens(self.p) else img

    def __repr__(self) -> str:
        return f"{type(self).__name__}(p={self.p})"


class RandomErasing(nn.Module):
    """A random rectangle of a tensor overwritten, with probability p (Zhong et al., 2017).

    scale: its area, as parts of the picture. ratio: height over width. value: a number, one a
    channel, or "random" for normal noise.
    """

    def __init__(self, p: float = 0.5, scale: Sequence[float] = (0.02, 0.33),
                 ratio: Sequence[float] = (0.3, 3.3), value: Any = 0, inplace: bool = False
                 ) -> None:
        super().__init__()
        drawing.check_erasing(p, scale, ratio, value)
        self.p, self.scale, self.ratio = p, scale, ratio
        self.value, self.inplace = value, inplace

    @staticmethod
    def get_params(img: Tensor, scale: Sequence[float], ratio: Sequence[float],
                   value: Sequence[float] | None = None) -> tuple[Any, ...]:
        """(top, left, height, width, what is written), drawn."""
        channels, height, width = img.shape[-3:]
        found = drawing.erased_place(channels, height, width, scale, ratio, value)
        return (0, 0, height, width, img) if found is None else found

    def forward(self, img: Tensor) -> Tensor:
        """The picture, with a rectangle erased or as it is."""
        if not drawing.happens(self.p):
            return img
        value = erased_value(self.value)
        if value is not None and len(value) not in (1, img.shape[-3]):
            raise ValueError("If value is a sequence, it should have either a single value or "
                             f"{img.shape[-3]} (number of input channels)")
        return F.erase(img, *self.get_params(img, self.scale, self.ratio, value), self.inplace)

    def __repr__(self) -> str:
        return (f"{type(self).__name__}(p={self.p}, scale={self.scale}, ratio={self.ratio}, "
                f"value={self.value}, inplace={self.inplace})")


def erased_value(value: Any) -> list[float] | None:
    """What is written, as floats; None for noise."""
    if isinstance(value, str):
        return None
    return [float(each) for each in (value if isinstance(value, list | tuple) else [value])]


class GaussianBlur(nn.Module):
    """Blurred by a normal curve of random width. sigma: (from, to) in pixels, or one number."""

    def __init__(self, kernel_size: Any, sigma: Any = (0.1, 2.0)) -> None:
        super().__init__()
        self.kernel_size = drawing.pair(
            kernel_size, "Kernel size should be a tuple/list of two integers")
        if any(size <= 0 or size % 2 == 0 for size in self.kernel_size):
            raise ValueError("Kernel size value should be an odd and positive number.")
        if isinstance(sigma, int | float):
            if sigma <= 0:
                raise ValueError("If sigma is a single number, it must be positive.")
            sigma = (sigma, sigma)
        elif not isinstance(sigma, Sequence) or len(sigma) != 2:
            raise ValueError("sigma should be a single number or a list/tuple with length 2.")
        elif not 0.0 < sigma[0] <= sigma[1]:
            raise ValueError("sigma values should be positive and of the form (min, max).")
        self.sigma = sigma

    @staticmethod
    def get_params(sigma_min: float, sigma_max: float) -> float:
        """A width, drawn."""
        return drawing.uniform(sigma_min, sigma_max)

    def forward(self, img: Any) -> Any:
        """The picture, blurred."""
        sigma = self.get_params(*self.sigma)
        return F.gaussian_blur(img, list(self.kernel_size), [sigma, sigma])

    def __repr__(self) -> str:
        return f"{type(self).__name__}(kernel_size={self.kernel_size}, sigma={self.sigma})"


class _Chance(nn.Module):
    """What is done with probability p."""

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = p

    def forward(self, img: Any) -> Any:
        """The picture, changed or as it is."""
        return self.change(img) if drawing.happens(self.p) else img

    def change(self, img: Any) -> Any:
        """The picture, changed."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"{type(self).__name__}(p={self.p})"


class RandomInvert(_Chance):
    """White less the picture, with probability p."""

    def change(self, img: Any) -> Any:
        """The picture, inverted."""
        return F.invert(img)


class RandomAutocontrast(_Chance):
    """Channels stretched from black to white, with probability p."""

    def change(self, img: Any) -> Any:
        """The picture, stretched."""
        return F.autocontrast(img)


class RandomEqualize(_Chance):
    """Values spread evenly, with probability p."""

    def change(self, img: Any) -> Any:
        """The picture, equalized."""
        return F.equalize(img)


class RandomPosterize(_Chance):
    """Only the highest `bits` of each value, with probability p."""

    def __init__(self, bits: int, p: float = 0.5) -> None:
        super().__init__(p)
        self.bits = bits

    def change(self, img: Any) -> Any:
        """The picture, posterized."""
        return F.posterize(img, self.bits)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(bits={self.bits},p={self.p})"


class RandomSolarize(_Chance):
    """Values at and above the threshold inverted, with probability p."""

    def __init__(self, threshold: float, p: float = 0.5) -> None:
        super().__init__(p)
        self.threshold = threshold

    def change(self, img: Any) -> Any:
        """The picture, solarized."""
        return F.solarize(img, self.threshold)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(threshold={self.threshold},p={self.p})"


class RandomAdjustSharpness(_Chance):
    """Sharper or smoother by a factor, with probability p."""

    def __init__(self, sharpness_factor: float, p: float = 0.5) -> None:
        super().__init__(p)
        self.sharpness_factor = sharpness_factor

    def change(self, img: Any) -> Any:
        """The picture, sharpened."""
        return F.adjust_sharpness(img, self.sharpness_factor)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(sharpness_factor={self.sharpness_factor},p={self.p})"
