"""FakeData: noise in place of pictures, the same at every index each time."""

from __future__ import annotations

from typing import Any

from rushlight.ops import randint, randn
from rushlight.random import get_rng_state, manual_seed, set_rng_state
from rushlight.vision.datasets.vision import Transform, VisionDataset
from rushlight.vision.transforms.functional import to_pil_image


class FakeData(VisionDataset):
    """`size` random PIL images of (channels, height, width) with random classes.

    Sample i is drawn with the seed i + random_offset; the global generator stays as it was.
    Raises IndexError beyond the last.
    """

    def __init__(self, size: int = 1000, image_size: tuple[int, int, int] = (3, 224, 224),
                 num_classes: int = 10, transform: Transform = None,
                 target_transform: Transform = None, random_offset: int = 0) -> None:
        super().__init__(transform=transform, target_transform=target_transform)
        self.size, self.image_size = size, image_size
        self.num_classes, self.random_offset = num_classes, random_offset

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        if index >= self.size:
            raise IndexError(f"{type(self).__name__} index out of range")
        state = get_rng_state()
        try:
            manual_seed(index + self.random_offset)
            image = randn(*self.image_size)
            target = int(randint(0, self.num_classes, (1,)).item())
        finally:
            set_rng_state(state)
        return self.apply_transforms(to_pil_image(image), target)
