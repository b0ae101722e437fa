"""Pictures in folders: the folder's name is the class."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rushlight.vision.datasets.vision import Transform, VisionDataset
from rushlight.vision.image import pillow

IMG_EXTENSIONS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")


def has_file_allowed_extension(filename: str, extensions: str | tuple[str, ...]) -> bool:
    """Whether the name ends in one of the extensions, whatever the case."""
    return filename.lower().endswith(extensions)


def is_image_file(filename: str) -> bool:
    """Whether the name ends as a picture's does."""
    return has_file_allowed_extension(filename, IMG_EXTENSIONS)


def find_classes(directory: str | Path) -> tuple[list[str], dict[str, int]]:
    """(names of the folders in `directory`, sorted; name -> number). FileNotFoundError for none."""
    classes = sorted(entry.name for entry in os.scandir(directory) if entry.is_dir())
    if not classes:
        raise FileNotFoundError(f"Couldn't find any class folder in {directory}.")
    return classes, {name: number for number, name in enumerate(classes)}


def make_dataset(directory: str | Path, class_to_idx: dict[str, int] | None = None,
                 extensions: str | tuple[str, ...] | None = None,
                 is_valid_file: Callable[[str], bool] | None = None, allow_empty: bool = False
                 ) -> list[tuple[str, int]]:
    """(path, number of the class) of all files, sorted; links to folders are followed.

    Exactly one of `extensions` and `is_valid_file` says which files count (ValueError otherwise).
    Raises FileNotFoundError for a class without files, unless `allow_empty`.
    """
    top = os.path.expanduser(directory)
    if class_to_idx is None:
        _, class_to_idx = find_classes(top)
    elif not class_to_idx:
        raise ValueError("'class_to_index' must have at least one entry to collect any samples.")
    if (extensions is None) == (is_valid_file is None):
        raise ValueError("Both extensions and is_valid_file cannot be None or not None at the "
                         "same time")
    found: list[tuple[str, int]] = []
    for name in sorted(class_to_idx):
        for folder, _, files in sorted(os.walk(os.path.join(top, name), followlinks=True)):
            for file in sorted(files):
                path = os.path.join(folder, file)
                counts = is_valid_file(path) if is_valid_file is not None else (
                    has_file_allowed_extension(path, extensions or ""))
                if counts:
                    found.append((path, class_to_idx[name]))
    full = {number for _, number in found}
    empty = sorted(name for name, number in class_to_idx.items() if number not in full)
    if empty and not allow_empty:
        text = f"Found no valid file for the classes {', '.join(empty)}. "
        if extensions is not None:
            known = extensions if isinstance(extensions, str) else ", ".join(extensions)
            text += f"Supported extensions are: {known}"
        raise FileNotFoundError(text)
    return found


def pil_loader(path: str | Path) -> Any:
    """The picture in the file, in RGB. Pillow is needed."""
    with open(path, "rb") as file:
        return pillow().open(file).convert("RGB")


default_loader = pil_loader


class DatasetFolder(VisionDataset):
    """Samples `root/class/.../file`, read by `loader(path)`.

    Args:
        extensions, is_valid_file: which files count; exactly one of them.
        allow_empty: classes without files are no error.
        transform, target_transform: called with the sample, and with the number of the class.

    Attributes:
        classes, class_to_idx: names and numbers. samples: (path, class) pairs. targets: classes.

    `find_classes` and `make_dataset` are there to be overridden.
    """

    def __init__(self, root: str | Path, loader: Callable[[str], Any],
                 extensions: tuple[str, ...] | None = None, transform: Transform = None,
                 target_transform: Transform = None,
                 is_valid_file: Callable[[str], bool] | None = None, allow_empty: bool = False
                 ) -> None:
        super().__init__(root, transform=transform, target_transform=target_transform)
        classes, class_to_idx = self.find_classes(self.folder)
        self.samples = self.make_dataset(self.folder, class_to_idx, extensions, is_valid_file,
                                         allow_empty)
        self.loader, self.extensions = loader, extensions
        self.classes, self.class_to_idx = classes, class_to_idx
        self.targets = [target for _, target in self.samples]

    @staticmethod
    def make_dataset(directory: str | Path, class_to_idx: dict[str, int],
                     extensions: tuple[str, ...] | None = None,
                     is_valid_file: Callable[[str], bool] | None = None, allow_empty: bool = False
                     ) -> list[tuple[str, int]]:
        """(path, class) of all files; see the function of this name."""
        if class_to_idx is None:
            raise ValueError("The class_to_idx parameter cannot be None.")
        return make_dataset(directory, class_to_idx, extensions, is_valid_file, allow_empty)

    def find_classes(self, directory: str | Path) -> tuple[list[str], dict[str, int]]:
        """(names, name -> number); see the function of this name."""
        return find_classes(directory)

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        path, target = self.samples[index]
        return self.apply_transforms(self.loader(path), target)


class ImageFolder(DatasetFolder):
    """Pictures `root/class/.../name.png`, as PIL images in RGB.

    Arguments and attributes as of `DatasetFolder`; `imgs` is `samples`.
    """

    def __init__(self, root: str | Path, transform: Transform = None,
                 target_transform: Transform = None, loader: Callable[[str], Any] = default_loader,
                 is_valid_file: Callable[[str], bool] | None = None, allow_empty: bool = False
                 ) -> None:
        super().__init__(root, loader, IMG_EXTENSIONS if is_valid_file is None else None,
                         transform, target_transform, is_valid_file, allow_empty)
        self.imgs = self.samples
