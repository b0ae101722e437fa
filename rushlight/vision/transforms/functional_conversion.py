"""Pictures to tensors and back, between dtypes, and to mean 0 and deviation 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rushlight.base import dtypes
from rushlight.ops import as_tensor, from_numpy
from rushlight.tensor import Tensor
from rushlight.vision.image import is_pillow, pillow
from rushlight.vision.transforms.functional_dimensions import max_value, require_tensor

_TWO, _THREE, _FOUR = ("LA",), ("RGB", "YCbCr", "HSV", "LAB"), ("RGBA", "CMYK", "RGBX")


def pil_to_tensor(pic: Any) -> Tensor:
    """A Pillow picture as a tensor of (channels, height, width), values as they are (uint8)."""
    if not is_pillow(pic):
        raise TypeError(f"pic should be PIL Image. Got {type(pic)}")
    array = np.array(pic, copy=True)
    array = array[:, :, None] if array.ndim == 2 else array
    return from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1)))


def to_tensor(pic: Any) -> Tensor:
    """A Pillow picture or array (height, width[, channels]) as a tensor (channels, height, width).

    Bytes 0..255 become floats of the default dtype in 0..1 (x / 255), booleans 0 and 1; other
    values stay. The tensor never shares memory with the input. Raises TypeError for anything else,
    ValueError for an array of another number of dimensions.

    Example:
        >>> import numpy as np
        >>> from rushlight.vision.transforms import functional as F
        >>> F.to_tensor(np.full((1, 2), 255, np.uint8)).tolist()
        [[[1.0, 1.0]]]
    """
    if is_pillow(pic):
        # Palette images hold colour numbers, which are no brightness; 16-bit ones stay integer.
        array = np.asarray(pic.convert("RGB") if pic.mode == "P" else pic)
    elif isinstance(pic, np.ndarray):
        array = pic
    else:
        raise TypeError(f"pic should be PIL Image or ndarray. Got {type(pic)}")
    if array.ndim not in (2, 3):
        raise ValueError(f"pic should be 2/3 dimensional. Got {array.ndim} dimensions.")
    array = array[:, :, None] if array.ndim == 2 else array
    planes = np.array(array.transpose(2, 0, 1), order="C")  # (channels, height, width)
    if planes.dtype == np.uint8:
        return from_numpy(planes).to(dtypes.default_dtype()) / 255
    if planes.dtype == np.bool_:
        return from_numpy(planes).to(dtypes.default_dtype())
    return from_numpy(planes)


def to_pil_image(pic: Any, mode: str | None = None) -> Any:
    """A tensor (channels, height, width), or an array (height, width, channels), as Pillow's image.

    Floats in 0..1 are multiplied by 255, unless `mode` is "F"; `mode` is Pillow's. Raises TypeError
    and ValueError for other shapes, dtypes and modes.
    """
    if isinstance(pic, Tensor):
        array = pic.detach().numpy()
        array = array.transpose(1, 2, 0) if array.ndim == 3 else array
    elif isinstance(pic, np.ndarray):
        array = pic
    else:
        raise TypeError(f"pic should be Tensor or ndarray. Got {type(pic)}.")
    array = array[:, :, None] if array.ndim == 2 else array
    if array.ndim != 3:
        raise ValueError(f"pic should be 2/3 dimensional. Got {array.ndim} dimensions.")
    if array.shape[-1] > 4:
        raise ValueError(f"pic should not have > 4 channels. Got {array.shape[-1]} channels.")
    if np.issubdtype(array.dtype, np.floating) and mode != "F":
        array = (array * 255).astype(np.uint8)
    mode = _mode(array, mode)
    array = np.ascontiguousarray(array[:, :, 0] if array.shape[2] == 1 else array)
    image = pillow()
    if mode not in ("YCbCr", "HSV", "LAB", "CMYK", "RGBX"):  # which arrays themselves tell
        return image.fromarray(array)
    return image.frombytes(mode, array.shape[1::-1], array.tobytes())


def _mode(array: np.ndarray, mode: str | None) -> str:
    """Pillow's mode of `array`, (height, width, channels)."""
    channels = array.shape[2]
    if channels == 1:
        found = {"uint8": "L", "int16": "I;16", "int32": "I", "float32": "F"}.get(array.dtype.name)
        if mode is not None and mode != found:
            raise ValueError(f"Incorrect mode ({mode}) supplied for input type {array.dtype}. "
                             f"Should be {found}")
    else:
        permitted = {2: _TWO, 3: _THREE, 4: _FOUR}[channels]
        if mode is not None and mode not in permitted:
            raise ValueError(f"Only modes {list(permitted)} are supported for {channels}D inputs")
        found = mode or (permitted[0] if array.dtype == np.uint8 else None)
    if found is None:
        raise TypeError(f"Input type {array.dtype} is not supported")
    return found


def convert_image_dtype(image: Any, dtype: Any = dtypes.float32) -> Tensor:
    """The picture in another dtype; between integers and floats the range is scaled to [0, 1].

    Raises TypeError for what is no tensor, RuntimeError where a float cannot hold the integers.
    """
    if not isinstance(image, Tensor):
        raise TypeError("Input img should be Tensor Image")
    if image.dtype is dtype:
        return image
    if image.is_floating_point():
        if dtype.is_floating_point:
            return image.to(dtype)
        wide = dtype in (dtypes.int32, dtypes.int64)
        if (image.dtype is dtypes.float32 and wide) or (
                image.dtype is dtypes.float64 and dtype is dtypes.int64):
            raise RuntimeError(f"The cast from {image.dtype} to {dtype} cannot be performed "
                               "safely.")
        return (image * (max_value(dtype) + 1.0 - 1e-3)).to(dtype)
    largest = max_value(image.dtype)
    if dtype.is_floating_point:
        return image.to(dtype) / largest
    other = max_value(dtype)
    if largest > other:
        return (image // ((largest + 1) // (other + 1))).to(dtype)
    return image.to(dtype) * ((other + 1) // (largest + 1))


def normalize(tensor: Any, mean: Sequence[float] | Tensor, std: Sequence[float] | Tensor,
              inplace: bool = False) -> Tensor:
    """(x - mean) / std, channel by channel.

    Raises TypeError for what is no tensor of floats, ValueError for std 0 or no channels.
    """
    if not isinstance(tensor, Tensor):
        raise TypeError(f"img should be Tensor Image. Got {type(tensor)}")
    require_tensor(tensor)
    if not tensor.is_floating_point():
        raise TypeError(f"Input tensor should be a float tensor. Got {tensor.dtype}.")
    if tensor.ndim < 3:
        raise ValueError("Expected tensor to be a tensor image of size (..., C, H, W). "
                         f"Got tensor.size() = {tuple(tensor.shape)}")
    by = as_tensor(std, dtype=tensor.dtype)
    if (by == 0).any():
        raise ValueError(f"std evaluated to zero after conversion to {tensor.dtype}, leading to "
                         "division by zero.")
    center = as_tensor(mean, dtype=tensor.dtype)
    center = center.reshape(-1, 1, 1) if center.ndim == 1 else center  # (channels, 1, 1)
    by = by.reshape(-1, 1, 1) if by.ndim == 1 else by
    target = tensor if inplace else tensor.clone()
    return target.sub_(center).div_(by)
