"""Kinds and dtypes of inputs; what is done to their values as a whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rushlight.base import dtypes
from rushlight.tensor import Tensor
from rushlight.vision.image import is_pillow
from rushlight.vision.transforms import drawing
from rushlight.vision.transforms.conversions import check_linear, linear
from rushlight.vision.transforms.v2 import functional as F
from rushlight.vision.transforms.v2.kinds import has_any, is_pure_tensor
from rushlight.vision.transforms.v2.transform import Transform
from rushlight.vision.tv_tensors import Image, TVTensor, Video, wrap


class ToImage(Transform):
    """Tensors, arrays and PIL images as `Image`."""

    _transformed_types = (is_pure_tensor, is_pillow, np.ndarray)

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One input as a picture."""
        return F.to_image(inpt)


class PILToTensor(Transform):
    """PIL images as tensors."""

    _transformed_types = (is_pillow,)

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One image as a tensor."""
        return F.pil_to_tensor(inpt)


class ToTensor(Transform):
    """PIL images and arrays as float tensors in 0..1."""

    _transformed_types = (is_pillow, np.ndarray)

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One image as a tensor."""
        return F.to_tensor(inpt)


class ToPILImage(Transform):
    """Tensors and arrays as PIL images."""

    _transformed_types = (is_pure_tensor, Image, np.ndarray)

    def __init__(self, mode: str | None = None) -> None:
        super().__init__()
        self.mode = mode

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One input as an image."""
        return F.to_pil_image(inpt, mode=self.mode)


class ToPureTensor(Transform):
    """Inputs as tensors that do not say what they show."""

    _transformed_types = (TVTensor,)

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One input as a plain tensor."""
        return inpt.as_subclass(Tensor)


class ToDtype(Transform):
    """In another dtype: that of pictures, or a dictionary by kind, "others" for the rest.

    scale: the range of values of pictures goes with it (0..255 to 0..1).
    """

    _transformed_types = (Tensor,)

    def __init__(self, dtype: Any, scale: bool = False) -> None:
        super().__init__()
        if not isinstance(dtype, dict | dtypes.dtype):
            raise ValueError(f"dtype must be a dict or a torch.dtype, got {type(dtype)} instead")
        self.dtype, self.scale = dtype, scale

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One input in its dtype."""
        if not isinstance(self.dtype, dict):
            is_picture = is_pure_tensor(inpt) or isinstance(inpt, Image | Video)
            return F.to_dtype(inpt, dtype=self.dtype, scale=self.scale) if is_picture else inpt
        if type(inpt) not in self.dtype and "others" not in self.dtype:
            raise ValueError(f"No dtype was specified for type {type(inpt)}. If you only need to "
                             "convert the dtype of images or videos, you can just pass e.g. "
                             "dtype=torch.float32; in a dict, \"others\" stands for the rest.")
        dtype = self.dtype.get(type(inpt), self.dtype.get("others"))
        return inpt if dtype is None else F.to_dtype(inpt, dtype=dtype, scale=self.scale)


class ConvertImageDtype(Transform):
    """Pictures in another dtype, the range of values with it."""

    def __init__(self, dtype: Any = dtypes.float32) -> None:
        super().__init__()
        self.dtype = dtype

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One picture in the dtype."""
        is_picture = is_pure_tensor(inpt) or isinstance(inpt, Image | Video)
        return F.to_dtype(inpt, dtype=self.dtype, scale=True) if is_picture else inpt


class Identity(Transform):
    """Nothing."""

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """The input."""
        return inpt


class Lambda(Transform):
    """The function `lambd` of all inputs, or of those of the types."""

    _transformed_types = (object,)

    def __init__(self, lambd: Callable[[Any], Any], *types: type) -> None:
        super().__init__()
        self.lambd, self.types = lambd, types or (object,)

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """lambd(inpt)."""
        return self.lambd(inpt) if isinstance(inpt, self.types) else inpt

    def extra_repr(self) -> str:
        """The name of the function, and the types."""
        name = getattr(self.lambd, "__name__", None)
        return ", ".join([*([name] if name else []),
                          f"types={[kind.__name__ for kind in self.types]}"])


class _NoPillow(Transform):
    def check_inputs(self, flat_inputs: list[Any]) -> None:
        """Raises TypeError for PIL images."""
        if has_any(flat_inputs, is_pillow):
            raise TypeError(f"{type(self).__name__}() does not support PIL images.")


class Normalize(_NoPillow):
    """(x - mean) / std, channel by channel."""

    def __init__(self, mean: Sequence[float], std: Sequence[float], inplace: bool = False) -> None:
        super().__init__()
        self.mean, self.std, self.inplace = list(mean), list(std), inplace

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One picture, normalised."""
        return self.call(F.normalize, inpt, mean=self.mean, std=self.std, inplace=self.inplace)


class LinearTransformation(_NoPillow):
    """Subtract a mean from the flattened picture and multiply by a matrix, as in whitening."""

    _transformed_types = (is_pure_tensor, Image, Video)

    def __init__(self, transformation_matrix: Tensor, mean_vector: Tensor) -> None:
        super().__init__()
        check_linear(transformation_matrix, mean_vector)
        self.transformation_matrix, self.mean_vector = transformation_matrix, mean_vector

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One picture, transformed."""
        out = linear(inpt.as_subclass(Tensor), self.transformation_matrix, self.mean_vector)
        return out if is_pure_tensor(inpt) else wrap(out, like=inpt)


class GaussianBlur(Transform):
    """Blurred by a normal curve of random width. sigma: (from, to) in pixels, or one number."""

    def __init__(self, kernel_size: Any, sigma: Any = (0.1, 2.0)) -> None:
        super().__init__()
        self.kernel_size = drawing.pair(
            kernel_size, "Kernel size should be a tuple/list of two integers")
        if any(size <= 0 or size % 2 == 0 for size in self.kernel_size):
            raise ValueError("Kernel size value should be an odd and positive number.")
        self.sigma = drawing.floats(sigma, "sigma")
        if not 0.0 < self.sigma[0] <= self.sigma[1]:
            raise ValueError("sigma values should be positive and of the form (min, max). Got "
                             f"{self.sigma}")

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """The width."""
        sigma = drawing.uniform(*self.sigma)
        return {"sigma": [sigma, sigma]}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One picture, blurred."""
        return self.call(F.gaussian_blur, inpt, list(self.kernel_size), **params)


class GaussianNoise(_NoPillow):
    """Normal noise added, for values of 0..1."""

    def __init__(self, mean: float = 0.0, sigma: float = 0.1, clip: bool = True) -> None:
        super().__init__()
        self.mean, self.sigma, self.clip = mean, sigma, clip

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One picture with noise."""
        return self.call(F.gaussian_noise, inpt, mean=self.mean, sigma=self.sigma, clip=self.clip)


class UniformTemporalSubsample(Transform):
    """`num_samples` pictures of a film, at even distances."""

    _transformed_types = (is_pure_tensor, Video)

    def __init__(self, num_samples: int) -> None:
        super().__init__()
        self.num_samples = num_samples

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One film, shorter."""
        return self.call(F.uniform_temporal_subsample, inpt, self.num_samples)
