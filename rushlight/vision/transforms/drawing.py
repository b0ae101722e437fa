"""What random transforms draw, from the global generator in torchvision's order; their checks."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

from rushlight.ops import cat, empty, exp, log, rand, randint, tensor
from rushlight.tensor import Tensor
from rushlight.vision.transforms.functional_filter import gaussian_blur


def uniform(low: float, high: float) -> float:
    """One number of [low, high)."""
    return empty(1).uniform_(float(low), float(high)).item()


def integer(low: int, high: int) -> int:
    """One of low, ..., high - 1."""
    return int(randint(low, high, (1,)).item())


def happens(p: float) -> bool:
    """True with probability p."""
    return bool(rand(1).item() < p)


def rectangle(height: int, width: int, scale: Sequence[float], ratio: Sequence[float]
              ) -> tuple[int, int]:
    """(long side, other side): an area of `scale` of the picture, sides in a `ratio`."""
    bounds = log(tensor([float(value) for value in ratio]))
    area = height * width * uniform(scale[0], scale[1])
    aspect = exp(empty(1).uniform_(bounds[0].item(), bounds[1].item())).item()
    return round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))


def resized_crop_place(height: int, width: int, scale: Sequence[float], ratio: Sequence[float]
                       ) -> tuple[int, int, int, int]:
    """(top, left, height, width) of a crop; after ten misfits one from the middle."""
    for _ in range(10):
        columns, rows = rectangle(height, width, scale, ratio)
        if 0 < columns <= width and 0 < rows <= height:
            return integer(0, height - rows + 1), integer(0, width - columns + 1), rows, columns
    rows, columns = height, width
    if width / height < min(ratio):
        rows = round(width / min(ratio))
    elif width / height > max(ratio):
        columns = round(height * max(ratio))
    return (height - rows) // 2, (width - columns) // 2, rows, columns


def erased_place(channels: int, height: int, width: int, scale: Sequence[float],
                 ratio: Sequence[float], value: Sequence[float] | None
                 ) -> tuple[int, int, int, int, Tensor] | None:
    """(top, left, height, width, what is written); None after ten misfits."""
    for _ in range(10):
        rows, columns = rectangle(height, width, scale, ratio)
        if rows < height and columns < width:
            written = empty([channels, rows, columns]).normal_() if value is None else tensor(
                list(value))[:, None, None]
            top, left = integer(0, height - rows + 1), integer(0, width - columns + 1)
            return top, left, rows, columns, written
    return None


def perspective_corners(width: int, height: int, distortion_scale: float
                        ) -> tuple[list[list[int]], list[list[int]]]:
    """(corners, where they go): each moves inwards by up to half the picture times the scale."""
    across = int(distortion_scale * (width // 2)) + 1
    down = int(distortion_scale * (height // 2)) + 1
    moved = [[integer(0, across), integer(0, down)],
             [integer(width - across, width), integer(0, down)],
             [integer(width - across, width), integer(height - down, height)],
             [integer(0, across), integer(height - down, height)]]
    return [[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]], moved


def affine_parameters(degrees: Sequence[float], translate: Sequence[float] | None,
                      scale: Sequence[float] | None, shear: Sequence[float] | None,
                      size: Sequence[int]) -> tuple[float, tuple[int, int], float, Any]:
    """(angle, (x, y) in pixels, scale, (x, y) shear in degrees) for a picture (width, height)."""
    angle = uniform(degrees[0], degrees[1])
    moved = (0, 0)
    if translate is not None:
        x, y = (float(part * side) for part, side in zip(translate, size, strict=True))
        moved = (round(uniform(-x, x)), round(uniform(-y, y)))
    factor = 1.0 if scale is None else uniform(scale[0], scale[1])
    slant = [0.0, 0.0]
    if shear is not None:
        slant[0] = uniform(shear[0], shear[1])
        if len(shear) == 4:
            slant[1] = uniform(shear[2], shear[3])
    return angle, moved, factor, tuple(slant)


def displacement(alpha: Sequence[float], sigma: Sequence[float], size: Sequence[int]) -> Tensor:
    """(1, height, width, 2): noise, smoothed over `sigma` pixels, of up to `alpha` pixels."""
    fields = []
    for axis in (0, 1):
        noise = rand(1, 1, *size) * 2 - 1
        if sigma[axis] > 0.0:
            width = int(8 * sigma[axis] + 1) | 1  # odd
            noise = gaussian_blur(noise, [width, width], list(sigma))
        fields.append(noise * alpha[axis] / size[1 - axis])
    return cat(fields, 1).permute(0, 2, 3, 1)


def pair(size: Any, message: str = "Please provide only two dimensions (h, w) for size.") -> Any:
    """(height, width) of a number, or of one or two. Raises ValueError otherwise."""
    if isinstance(size, int | float):
        return int(size), int(size)
    if isinstance(size, Sequence) and len(size) == 1:
        return size[0], size[0]
    if len(size) != 2:
        raise ValueError(message)
    return size


def check_sequence(value: Any, name: str, lengths: tuple[int, ...]) -> None:
    """Raises TypeError and ValueError for what is no sequence of one of the lengths."""
    text = f"{name} should be a sequence of length {' or '.join(map(str, lengths))}."
    if not isinstance(value, Sequence):
        raise TypeError(text)
    if len(value) not in lengths:
        raise ValueError(text)


def angles(value: Any, name: str, lengths: tuple[int, ...] = (2,)) -> list[float]:
    """[from, to] of angles in degrees; one number a stands for [-a, a]."""
    if isinstance(value, int | float):
        if value < 0:
            raise ValueError(f"If {name} is a single number, it must be positive.")
        return [-float(value), float(value)]
    check_sequence(value, name, lengths)
    return [float(each) for each in value]


def check_affine(translate: Any, scale: Any, center: Any) -> None:
    """Raises TypeError and ValueError for what RandomAffine cannot take."""
    if translate is not None:
        check_sequence(translate, "translate", (2,))
        if not all(0.0 <= part <= 1.0 for part in translate):
            raise ValueError("translation values should be between 0 and 1")
    if scale is not None:
        check_sequence(scale, "scale", (2,))
        if not all(factor > 0 for factor in scale):
            raise ValueError("scale values should be positive")
    if center is not None:
        check_sequence(center, "center", (2,))


def check_rectangle(scale: Any, ratio: Any) -> None:
    """Raises TypeError for what are no ranges; warns of those that run backwards."""
    if not isinstance(scale, Sequence):
        raise TypeError("Scale should be a sequence")
    if not isinstance(ratio, Sequence):
        raise TypeError("Ratio should be a sequence")
    if scale[0] > scale[1] or ratio[0] > ratio[1]:
        warnings.warn("Scale and ratio should be of kind (min, max)", stacklevel=3)


def check_erasing(p: float, scale: Any, ratio: Any, value: Any) -> None:
    """Raises TypeError and ValueError for what RandomErasing cannot take."""
    if not isinstance(value, int | float | str | tuple | list):
        raise TypeError("Argument value should be either a number or str or a sequence")
    if isinstance(value, str) and value != "random":
        raise ValueError("If value is str, it should be 'random'")
    check_rectangle(scale, ratio)
    if scale[0] < 0 or scale[1] > 1:
        raise ValueError("Scale should be between 0 and 1")
    if p < 0 or p > 1:
        raise ValueError("Random erasing probability should be between 0 and 1")


def jitter_range(value: Any, name: str, center: float = 1.0, low: float = 0.0,
                 high: float = math.inf) -> tuple[float, float] | None:
    """(from, to) of a factor: about `center` for one number; None where nothing changes."""
    if isinstance(value, int | float):
        if value < 0:
            raise ValueError(f"If {name} is a single number, it must be non negative.")
        first = center - float(value)
        found = (max(first, 0.0) if center else first, center + float(value))
    elif isinstance(value, tuple | list) and len(value) == 2:
        found = (float(value[0]), float(value[1]))
    else:
        raise TypeError(f"{name} should be a single number or a list/tuple with length 2.")
    if not low <= found[0] <= found[1] <= high:
        raise ValueError(f"{name} values should be between {(low, high)}, but got {list(found)}.")
    return None if found[0] == found[1] == center else found


def floats(value: Any, name: str) -> list[float]:
    """[x, y] of a number, or of one or two. Raises TypeError and ValueError."""
    if isinstance(value, int | float):
        return [float(value), float(value)]
    if not isinstance(value, Sequence):
        raise TypeError(f"{name} should be a number or a sequence of numbers. Got {type(value)}")
    if len(value) not in (1, 2):
        raise ValueError(f"If {name} is a sequence its length should be 1 or 2. Got {len(value)}")
    return [float(each) for each in value] * (3 - len(value))
