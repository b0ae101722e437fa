"""Pictures to tensors, dtypes, mean 0 and deviation 1; linear maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rushlight import nn
from rushlight.tensor import Tensor
from rushlight.vision.transforms import functional as F


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
        return F.to_tensor(pic)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class PILToTensor:
    """Turn a PIL image into a tensor of (channels, height, width), values as they are."""

    def __call__(self, pic: Any) -> Tensor:
        return F.pil_to_tensor(pic)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class ConvertImageDtype(nn.Module):
    """Change the dtype of a tensor, and its range with it."""

    def __init__(self, dtype: Any) -> None:
        super().__init__()
        self.dtype = dtype

    def forward(self, image: Tensor) -> Tensor:
        """The tensor in the dtype."""
        return F.convert_image_dtype(image, self.dtype)


class ToPILImage:
    """Turn a tensor or array into a PIL image; `mode` is Pillow's."""

    def __init__(self, mode: str | None = None) -> None:
        self.mode = mode

    def __call__(self, pic: Any) -> Any:
        return F.to_pil_image(pic, self.mode)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({'' if self.mode is None else f'mode={self.mode}'})"


class Normalize(nn.Module):
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
        super().__init__()
        self.mean, self.std, self.inplace = mean, std, inplace

    def forward(self, tensor: Tensor) -> Tensor:
        """(tensor - mean) / std."""
        return F.normalize(tensor, self.mean, self.std, self.inplace)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(mean={self.mean}, std={self.std})"


def check_linear(matrix: Tensor, mean: Tensor) -> None:
    """Raises ValueError for what LinearTransformation cannot take."""
    if matrix.shape[0] != matrix.shape[1]:
        raise ValueError("transformation_matrix should be square. Got "
                         f"{tuple(matrix.shape)} rectangular matrix.")
    if mean.shape[0] != matrix.shape[0]:
        raise ValueError(f"mean_vector should have the same length {mean.shape[0]} as any one of "
                         f"the dimensions of the transformation_matrix [{tuple(matrix.shape)}]")
    if matrix.dtype is not mean.dtype:
        raise ValueError("Input tensors should have the same dtype. Got "
                         f"{matrix.dtype} and {mean.dtype}")


def linear(tensor: Tensor, matrix: Tensor, mean: Tensor) -> Tensor:
    """(flattened picture - mean) @ matrix, in the picture's shape. Raises ValueError."""
    count = tensor.shape[-3] * tensor.shape[-2] * tensor.shape[-1]
    if count != matrix.shape[0]:
        raise ValueError("Input tensor and transformation matrix have incompatible shape."
                         f"[{tensor.shape[-3]} x {tensor.shape[-2]} x {tensor.shape[-1]}] != "
                         f"{matrix.shape[0]}")
    flat = tensor.reshape(-1, count) - mean
    return (flat @ matrix.to(flat.dtype)).reshape(tensor.shape)


class LinearTransformation(nn.Module):
    """Subtract a mean from the flattened picture and multiply by a matrix, as in whitening."""

    def __init__(self, transformation_matrix: Tensor, mean_vector: Tensor) -> None:
        super().__init__()
        check_linear(transformation_matrix, mean_vector)
        self.transformation_matrix, self.mean_vector = transformation_matrix, mean_vector

    def forward(self, tensor: Tensor) -> Tensor:
        """(..., channels, height, width), of as many values as the matrix has rows."""
        return linear(tensor, self.transformation_matrix, self.mean_vector)

    def __repr__(self) -> str:
        return (f"{type(self).__name__}(transformation_matrix="
                f"{self.transformation_matrix.tolist()}, "
                f"mean_vector={self.mean_vector.tolist()})")
