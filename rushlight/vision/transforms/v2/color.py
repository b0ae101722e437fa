"""Random changes of colour of whole samples, and rectangles erased."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rushlight.ops import rand, randint, randperm
from rushlight.vision.transforms import drawing
from rushlight.vision.transforms.color import erased_value
from rushlight.vision.transforms.v2 import functional as F
from rushlight.vision.transforms.v2.kinds import query_chw
from rushlight.vision.transforms.v2.transform import RandomApplyTransform, Transform


class ColorJitter(Transform):
    """Brightness, contrast, saturation and hue changed by random factors; see v1's."""

    def __init__(self, brightness: Any = None, contrast: Any = None, saturation: Any = None,
                 hue: Any = None) -> None:
        super().__init__()
        self.brightness = drawing.jitter_range(brightness or 0, "brightness")
        self.contrast = drawing.jitter_range(contrast or 0, "contrast")
        self.saturation = drawing.jitter_range(saturation or 0, "saturation")
        self.hue = drawing.jitter_range(hue or 0, "hue", 0, -0.5, 0.5)

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """The order, and four factors or None."""
        order = randperm(4).tolist()
        bounds = (self.brightness, self.contrast, self.saturation, self.hue)
        return {"order": order,
                "factors": [None if each is None else drawing.uniform(*each) for each in bounds]}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One input, changed."""
        for number in params["order"]:
            if params["factors"][number] is not None:
                inpt = self.call(CHANGES[number], inpt, params["factors"][number])
        return inpt


CHANGES = (F.adjust_brightness, F.adjust_contrast, F.adjust_saturation, F.adjust_hue)


class RandomPhotometricDistort(Transform):
    """Brightness, contrast, saturation, hue and channels, each changed with probability p."""

    def __init__(self, brightness: tuple[float, float] = (0.875, 1.125),
                 contrast: tuple[float, float] = (0.5, 1.5),
                 saturation: tuple[float, float] = (0.5, 1.5),
                 hue: tuple[float, float] = (-0.05, 0.05), p: float = 0.5) -> None:
        super().__init__()
        self.brightness, self.contrast, self.hue = brightness, contrast, hue
        self.saturation, self.p = saturation, p

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """Four factors or None, whether contrast comes early, the order of channels or None."""
        channels = query_chw(flat_inputs)[0]
        bounds = (self.brightness, self.contrast, self.saturation, self.hue)
        factors = [drawing.uniform(*each) if drawing.happens(self.p) else None for each in bounds]
        early = bool(rand(()).item() < 0.5)
        order = randperm(channels) if drawing.happens(self.p) else None
        return {"factors": factors, "order": (0, 1, 2, 3) if early else (0, 2, 3, 1),
                "channels": order}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One input, changed."""
        for number in params["order"]:
            if params["factors"][number] is not None:
                inpt = self.call(CHANGES[number], inpt, params["factors"][number])
        if params["channels"] is not None:
            inpt = self.call(F.permute_channels, inpt, params["channels"])
        return inpt


class RandomChannelPermutation(Transform):
    """The channels in a random order."""

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """The order."""
        return {"permutation": randperm(query_chw(flat_inputs)[0])}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One input, permuted."""
        return self.call(F.permute_channels, inpt, params["permutation"])


class Grayscale(Transform):
    """In grey, with 1 or 3 channels."""

    def __init__(self, num_output_channels: int = 1) -> None:
        super().__init__()
        self.num_output_channels = num_output_channels

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One input in grey."""
        return self.call(F.rgb_to_grayscale, inpt, num_output_channels=self.num_output_channels)


class RGB(Transform):
    """Grey pictures with three channels."""

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One input with three channels."""
        return self.call(F.grayscale_to_rgb, inpt)


class RandomGrayscale(RandomApplyTransform):
    """In grey, with as many channels as before, with probability p."""

    def __init__(self, p: float = 0.1) -> None:
        super().__init__(p)

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """The number of channels."""
        return {"channels": query_chw(flat_inputs)[0]}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One input in grey."""
        return self.call(F.rgb_to_grayscale, inpt, num_output_channels=params["channels"])


class RandomErasing(RandomApplyTransform):
    """A random rectangle overwritten, with probability p (Zhong et al., 2017); see v1's."""

    def __init__(self, p: float = 0.5, scale: Sequence[float] = (0.02, 0.33),
                 ratio: Sequence[float] = (0.3, 3.3), value: Any = 0.0, inplace: bool = False
                 ) -> None:
        super().__init__(p)
        drawing.check_erasing(p, scale, ratio, value)
        self.scale, self.ratio = scale, ratio
        self.value, self.inplace = erased_value(value), inplace

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """The place, and what is written; nothing where none was found."""
        channels, height, width = query_chw(flat_inputs)
        if self.value is not None and len(self.value) not in (1, channels):
            raise ValueError("If value is a sequence, it should have either a single value or "
                             f"{channels} (number of inpt channels)")
        found = drawing.erased_place(channels, height, width, self.scale, self.ratio, self.value)
        return {} if found is None else dict(zip("ijhwv", found, strict=True))

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One input with the rectangle."""
        return self.call(F.erase, inpt, **params, inplace=self.inplace) if params else inpt


class RandomInvert(RandomApplyTransform):
    """White less the picture, with probability p."""

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One input, inverted."""
        return self.call(F.invert, inpt)


class RandomEqualize(RandomApplyTransform):
    """Values spread evenly, with probability p."""

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One input, equalized."""
        return self.call(F.equalize, inpt)


class RandomAutocontrast(RandomApplyTransform):
    """Channels stretched from black to white, with probability p."""

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One input, stretched."""
        return self.call(F.autocontrast, inpt)


class RandomPosterize(RandomApplyTransform):
    """Only the highest `bits` of each value, with probability p."""

    def __init__(self, bits: int, p: float = 0.5) -> None:
        super().__init__(p)
        self.bits = bits

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One input, posterized."""
        return self.call(F.posterize, inpt, bits=self.bits)


class RandomSolarize(RandomApplyTransform):
    """Values at and above the threshold inverted, with probability p."""

    def __init__(self, threshold: float, p: float = 0.5) -> None:
        super().__init__(p)
        self.threshold = threshold

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One input, solarized."""
        return self.call(F.solarize, inpt, threshold=self.threshold)


class RandomAdjustSharpness(RandomApplyTransform):
    """Sharper or smoother by a factor, with probability p."""

    def __init__(self, sharpness_factor: float, p: float = 0.5) -> None:
        super().__init__(p)
        self.sharpness_factor = sharpness_factor

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One input, sharpened."""
        return self.call(F.adjust_sharpness, inpt, sharpness_factor=self.sharpness_factor)


class JPEG(Transform):
    """Written as JPEG of a random quality, (from, to) in 1..100, and read again."""

    def __init__(self, quality: Any) -> None:
        super().__init__()
        bounds = [quality, quality] if isinstance(quality, int) else quality
        drawing.check_sequence(bounds, "quality", (2,))
        if not 1 <= bounds[0] <= bounds[1] <= 100:
            raise ValueError(f"quality must be an integer from 1 to 100, got quality ={quality}")
        self.quality = bounds

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """The quality."""
        return {"quality": int(randint(self.quality[0], self.quality[1] + 1, ()).item())}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One input, compressed."""
        return self.call(F.jpeg, inpt, quality=params["quality"])
