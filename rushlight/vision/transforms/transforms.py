"""The transforms themselves: Compose, Lambda, Normalize, ToTensor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rushlight.ops import from_numpy
from rushlight.tensor import Tensor
from rushlight.vision.image import is_pillow


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
        lines = [f"    {transform}" for transform in self.transforms]
        return "\n".join([f"{type(self).__name__}(", *lines, ")"])


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
            raise TypeError(f"Argument lambd should be callable, got {type(lambd).__name__}")
        self.lambd = lambd

    def __call__(self, img: Any) -> Any:
        return self.lambd(img)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class ToTensor:
    """Turn a PIL image or array into a tensor of shape (channels, height, width).

    Takes an image, or an array of shape (height, width) or (height, width, channels). Bytes
    0..255 become float32 in 0..1 (x / 255), booleans 0 and 1; arrays of other types keep their
    type and values. The tensor never shares memory with the input.

    Raises:
        TypeError: neither an image nor an array.
        ValueError: an array of another number of dimensions.

    Example:
        >>> import numpy as np
        >>> from rushlight.vision import transforms
        >>> transforms.ToTensor()(np.full((2, 3), 255, np.uint8)).tolist()
        [[[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]]
    """

    def __call__(self, pic: Any) -> Tensor:
        if is_pillow(pic):
            # Palette images hold colour numbers, which are no brightness; 16-bit ones stay integer.
            array = np.asarray(pic.convert("RGB") if pic.mode == "P" else pic)
        elif isinstance(pic, np.ndarray):
            array = pic
        else:
            raise TypeError(f"pic should be PIL Image or ndarray. Got {type(pic)}")
        if array.ndim not in (2, 3):
            raise ValueError(f"pic should be 2/3 dimensional. Got {array.ndim} dimensions.")
        if array.ndim == 2:
            array = array[:, :, None]
        planes = np.array(array.transpose(2, 0, 1), order="C")  # (channels, height, width)
        if planes.dtype == np.uint8:
            return from_numpy(planes.astype(np.float32) / np.float32(255))
        if planes.dtype == np.bool_:
            return from_numpy(planes.astype(np.float32))
        return from_numpy(planes)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class Normalize:
    """Shift and scale each channel of a tensor image: (x - mean) / std.

    Args:
        mean: one number a channel.
        std: one number a channel, none of them zero.
        inplace: write into the given tensor instead of a new one.

    Raises:
        TypeError: the input is not a floating-point tensor.
        ValueError: a `std` of zero, or an input without channels.

    Example:
        >>> import rushlight as rl
        >>> from rushlight.vision import transforms
        >>> transforms.Normalize((0.5,), (0.25,))(rl.ones(1, 1, 2))
        tensor([[[2., 2.]]])
    """

    def __init__(self, mean: Sequence[float], std: Sequence[float], inplace: bool = False) -> None:
        self.mean, self.std, self.inplace = mean, std, inplace

    def __call__(self, tensor: Tensor) -> Tensor:
        if not isinstance(tensor, Tensor):
            raise TypeError(f"img should be Tensor Image. Got {type(tensor)}")
        if not tensor.is_floating_point():
            raise TypeError(f"Input tensor should be a float tensor. Got {tensor.dtype}.")
        if tensor.ndim < 3:
            raise ValueError(
                "Expected tensor to be a tensor image of size (..., C, H, W). "
                f"Got tensor.size() = {tuple(tensor.shape)}"
            )
        mean = tensor.new_tensor(self.mean).view(-1, 1, 1)  # (channels, 1, 1)
        std = tensor.new_tensor(self.std).view(-1, 1, 1)
        if (std == 0).any():
            raise ValueError(f"std evaluated to zero, leading to division by zero: {self.std}")
        result = tensor if self.inplace else tensor.clone()
        return result.sub_(mean).div_(std)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(mean={self.mean}, std={self.std})"
