"""Pictures of several sizes as one tensor."""

from __future__ import annotations

from typing import Any

from rushlight.tensor import Tensor


class ImageList:
    """tensors: (batch, channels, height, width), padded. image_sizes: (height, width) of each."""

    def __init__(self, tensors: Tensor, image_sizes: list[tuple[int, int]]) -> None:
        self.tensors, self.image_sizes = tensors, image_sizes

    def to(self, device: Any) -> ImageList:
        """The same pictures on another device."""
        return ImageList(self.tensors.to(device), self.image_sizes)
