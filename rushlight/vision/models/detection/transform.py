"""What detection models do to pictures and targets first, and to their results last."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from rushlight import nn
from rushlight.base.dtypes import float32
from rushlight.ops import as_tensor, cat, empty, stack, tensor
from rushlight.tensor import Tensor
from rushlight.vision.models.detection.image_list import ImageList
from rushlight.vision.models.detection.masks import paste_masks_in_image

F = nn.functional
Size = tuple[int, int]
Target = dict[str, Tensor]


class GeneralizedRCNNTransform(nn.Module):
    """Normalise, resize, and batch pictures; resize their targets.

    Args:
        min_size: of the shorter side after resizing; where several are given, training draws one
            and evaluation takes the last.
        max_size: of the longer side, which may not be exceeded.
        image_mean, image_std: of the channels. size_divisible: batches are padded to multiples.
        fixed_size: (width, height) in place of min_size and max_size.
    """

    def __init__(self, min_size: int | Sequence[int], max_size: int, image_mean: Sequence[float],
                 image_std: Sequence[float], size_divisible: int = 32,
                 fixed_size: Size | None = None, **options: Any) -> None:
        super().__init__()
        self.min_size = (min_size,) if isinstance(min_size, int) else tuple(min_size)
        self.max_size, self.size_divisible, self.fixed_size = max_size, size_divisible, fixed_size
        self.image_mean, self.image_std = image_mean, image_std
        self._skip_resize = options.pop("_skip_resize", False)

    def forward(self, images: Sequence[Tensor],
                targets: Sequence[Target] | None = None) -> tuple[ImageList, list[Target] | None]:
        """Pictures (3, height, width) and targets give a batch and new targets.

        Raises ValueError for pictures of another number of dimensions, TypeError for integers.
        """
        made, changed = [], []
        for i, image in enumerate(images):
            if image.dim() != 3:
                raise ValueError("images is expected to be a list of 3d tensors of shape "
                                 f"[C, H, W], got {image.shape}")
            target = None if targets is None else dict(targets[i])
            image, target = self.resize(self.normalize(image), target)
            made.append(image)
            changed.append(target)
        sizes = [(image.shape[-2], image.shape[-1]) for image in made]
        batch = ImageList(self.batch_images(made, self.size_divisible), sizes)
        return batch, None if targets is None else changed  # type: ignore[return-value]

    def normalize(self, image: Tensor) -> Tensor:
        """Less the mean, by the deviation."""
        if not image.is_floating_point():
            raise TypeError("Expected input images to be of floating type (in range [0, 1]), but "
                            f"found type {image.dtype} instead")
        mean = as_tensor(self.image_mean, dtype=image.dtype)
        deviation = as_tensor(self.image_std, dtype=image.dtype)
        return (image - mean[:, None, None]) / deviation[:, None, None]

    def torch_choice(self, k: Sequence[int]) -> int:
        """One of them, drawn from the default generator."""
        return k[int(empty(1).uniform_(0.0, float(len(k))).item())]

    def resize(self, image: Tensor, target: Target | None = None) -> tuple[Tensor, Target | None]:
        """The picture and its boxes, masks and keypoints."""
        before = image.shape[-2:]
        if self.training and self._skip_resize:
            return image, target
        side = self.torch_choice(self.min_size) if self.training else self.min_size[-1]
        options = self._scaling(before, side)
        image = F.interpolate(image[None], mode="bilinear", align_corners=False, **options)[0]
        if target is None:
            return image, None
        after = image.shape[-2:]
        if "masks" in target:
            masks = F.interpolate(target["masks"][:, None].float(), **options)
            target["masks"] = masks[:, 0].byte()
        target["boxes"] = resize_boxes(target["boxes"], before, after)
        if "keypoints" in target:
            target["keypoints"] = resize_keypoints(target["keypoints"], before, after)
        return image, target

    def _scaling(self, size: Sequence[int], side: int) -> dict[str, Any]:
        if self.fixed_size is not None:
            return {"size": [self.fixed_size[1], self.fixed_size[0]]}
        return {"scale_factor": min(side / min(size), self.max_size / max(size)),
                "recompute_scale_factor": True}

    def batch_images(self, images: Sequence[Tensor], size_divisible: int = 32) -> Tensor:
        """(batch, channels, height, width), zeros at the right and below."""
        channels, height, width = (max(image.shape[i] for image in images) for i in range(3))
        height, width = (math.ceil(n / size_divisible) * size_divisible for n in (height, width))
        return stack([F.pad(image, (0, width - image.shape[2], 0, height - image.shape[1], 0,
                                    channels - image.shape[0])) for image in images])

    def postprocess(self, result: list[Target], image_shapes: Sequence[Size],
                    original_image_sizes: Sequence[Size]) -> list[Target]:
        """Results in the pixels of the pictures as they were given."""
        if self.training:
            return result
        for found, now, before in zip(result, image_shapes, original_image_sizes, strict=True):
            found["boxes"] = resize_boxes(found["boxes"], now, before)
            if "masks" in found:
                found["masks"] = paste_masks_in_image(found["masks"], found["boxes"], before)
            if "keypoints" in found:
                found["keypoints"] = resize_keypoints(found["keypoints"], now, before)
        return result

    def __repr__(self) -> str:
        return (f"{type(self).__name__}(\n"
                f"    Normalize(mean={self.image_mean}, std={self.image_std})\n"
                f"    Resize(min_size={self.min_size}, max_size={self.max_size}, "
                "mode='bilinear')\n)")


def _ratios(original_size: Sequence[int], new_size: Sequence[int]) -> Tensor:
    """(2,): of widths and of heights."""
    return (tensor([*new_size][::-1], dtype=float32)
            / tensor([*original_size][::-1], dtype=float32))


def resize_boxes(boxes: Tensor, original_size: Sequence[int], new_size: Sequence[int]) -> Tensor:
    """(n, 4) of a picture that was resized; sizes: (height, width)."""
    ratios = _ratios(original_size, new_size)
    return boxes * cat([ratios, ratios])


def resize_keypoints(keypoints: Tensor, original_size: Sequence[int],
                     new_size: Sequence[int]) -> Tensor:
    """(..., 3), x, y and visibility, of a picture that was resized."""
    places = keypoints[..., :2] * _ratios(original_size, new_size)
    return cat([places, keypoints[..., 2:]], -1)
