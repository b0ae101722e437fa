"""VisionDataset: what every image data set has in common."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from rushlight.utils.data import Dataset


class VisionDataset(Dataset):
    """A data set below the folder `root`, with transforms of its samples.

    Args:
        root: the folder that holds the files.
        transforms: called with (image, target), returns both; excludes the next two.
        transform: called with the image.
        target_transform: called with the target.

    Raises:
        ValueError: `transforms` together with `transform` or `target_transform`.
    """

    def __init__(
        self,
        root: str | Path | None = None,
        transforms: Callable[[Any, Any], tuple[Any, Any]] | None = None,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
    ) -> None:
        if transforms is not None and (transform or target_transform):
            raise ValueError(
                "Only transforms or transform/target_transform can be passed as argument"
            )
        self.root = Path(root).expanduser() if isinstance(root, str) else root
        self.transforms = transforms
        self.transform = transform
        self.target_transform = target_transform

    def apply_transforms(self, image: Any, target: Any) -> tuple[Any, Any]:
        """Return (image, target) after the transforms that were given."""
        if self.transforms is not None:
            return self.transforms(image, target)
        if self.transform is not None:
            image = self.transform(image)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return image, target

    def extra_repr(self) -> str:
        """Return the lines that a subclass adds to its printed form."""
        return ""

    def __repr__(self) -> str:
        lines = [f"Number of datapoints: {len(self)}"]
        if self.root is not None:
            lines.append(f"Root location: {self.root}")
        lines += self.extra_repr().splitlines()
        if self.transform is not None:
            lines.append(f"Transform: {self.transform}")
        text = "\n".join([f"Dataset {type(self).__name__}", *lines])
        return text.replace("\n", "\n    ")
