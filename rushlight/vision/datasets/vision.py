"""VisionDataset: what every image data set has in common."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rushlight.utils.archives import extract
from rushlight.utils.data import Dataset
from rushlight.utils.download import download, intact
from rushlight.vision.image import to_pillow

Transform = Callable[[Any], Any] | None
NOT_FOUND = "Dataset not found or corrupted. You can use download=True to download it"


class StandardTransform:
    """The pair of a transform of images and one of targets, called with both."""

    def __init__(self, transform: Transform = None, target_transform: Transform = None) -> None:
        self.transform, self.target_transform = transform, target_transform

    def __call__(self, input: Any, target: Any) -> tuple[Any, Any]:
        if self.transform is not None:
            input = self.transform(input)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return input, target

    def __repr__(self) -> str:
        lines = [type(self).__name__]
        for head, transform in (("Transform: ", self.transform),
                                ("Target transform: ", self.target_transform)):
            if transform is not None:
                first, *rest = repr(transform).splitlines()
                lines += [head + first, *(" " * len(head) + line for line in rest)]
        return "\n".join(lines)


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
        self.root = os.path.expanduser(root) if isinstance(root, str) else root  # as it was given
        self.transform = transform
        self.target_transform = target_transform
        if transform is not None or target_transform is not None:
            transforms = StandardTransform(transform, target_transform)
        self.transforms = transforms

    @property
    def folder(self) -> Path:
        """`root` as a path. Raises ValueError where there is none."""
        if self.root is None:
            raise ValueError(f"{type(self).__name__} needs a root folder")
        return Path(self.root).expanduser()

    def apply_transforms(self, image: Any, target: Any) -> tuple[Any, Any]:
        """Return (image, target) after the transforms that were given."""
        if isinstance(self.transforms, StandardTransform) or self.transforms is None:
            return StandardTransform(self.transform, self.target_transform)(image, target)
        return self.transforms(image, target)

    def extra_repr(self) -> str:
        """Return the lines that a subclass adds to its printed form."""
        return ""

    def __repr__(self) -> str:
        lines = [f"Number of datapoints: {len(self)}"]
        if self.root is not None:
            lines.append(f"Root location: {self.root}")
        lines += self.extra_repr().splitlines()
        if self.transforms is not None:
            lines.append(repr(self.transforms))  # torchvision moves its first line in only
        return "\n    ".join([f"Dataset {type(self).__name__}", *lines])


def choice(value: Any, name: str, choices: Sequence[str]) -> str:
    """`value`, if it is one of the choices. Raises ValueError otherwise."""
    if not isinstance(value, str):
        raise ValueError(f"Expected type str for argument {name}, but got type {type(value)}.")
    if value not in choices:
        raise ValueError(f"Unknown value '{value}' for argument {name}. Valid values are "
                         f"{{{', '.join(map(repr, choices))}}}.")
    return value


def fetch(url: str | Sequence[str], folder: Path, name: str, md5: str | None, unpack: bool = False
          ) -> None:
    """Bring the file `name` to the folder, unless it is there intact; unpack it beside itself.

    Raises:
        RuntimeError: its checksum is wrong, or an entry of it leads out of the folder.
        urllib.error.URLError: it cannot be reached; says where to put it.
    """
    if not intact(folder / name, md5):
        download(url, folder / name, md5=md5)
    if unpack:
        extract(folder / name, folder)


def as_image(array: Any) -> Any:
    """The PIL image of bytes (height, width[, channels]); Pillow is needed."""
    return to_pillow(array)
