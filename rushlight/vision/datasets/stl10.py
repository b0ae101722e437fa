"""STL10: 96x96 pictures of ten kinds, and many without labels (Coates et al., 2011)."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from rushlight.utils.download import intact
from rushlight.vision.datasets.vision import (
    NOT_FOUND,
    Transform,
    VisionDataset,
    as_image,
    choice,
    fetch,
)


class STL10(VisionDataset):
    """5,000 pictures for training, 8,000 for tests, 100,000 without labels.

    Args:
        root: the folder that holds, or gets, the folder `stl10_binary`.
        split: "train", "test", "unlabeled" or "train+unlabeled"; -1 is the label of the unlabeled.
        folds: one of the ten folds (0..9) of 1,000 training pictures; all by default.
        transform, target_transform, download: as of `CIFAR10`.

    Attributes:
        data: uint8 array of (count, 3, 96, 96). labels: array of the classes. classes: names.
    """

    base_folder = "stl10_binary"
    url = "http://ai.stanford.edu/~acoates/stl10/stl10_binary.tar.gz"
    filename = "stl10_binary.tar.gz"
    tgz_md5 = "91f7769df0f17e558f3565bffb0c7dfb"
    train_list: ClassVar[list[list[str]]] = [
        ["train_X.bin", "918c2871b30a85fa023e0c44e0bee87f"],
        ["train_y.bin", "5a34089d4802c674881badbb80307741"],
        ["unlabeled_X.bin", "5242ba1fed5e4be9e1e742405eb56ca4"],
    ]
    test_list: ClassVar[list[list[str]]] = [["test_X.bin", "7f263ba9f9e0b06b93213547f721ac82"],
                                            ["test_y.bin", "36f9794fa4beb8a2c72628de14fa638e"]]
    splits = ("train", "train+unlabeled", "unlabeled", "test")

    def __init__(self, root: str | Path, split: str = "train", folds: int | None = None,
                 transform: Transform = None, target_transform: Transform = None,
                 download: bool = False) -> None:
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.split = choice(split, "split", self.splits)
        if folds is not None and not isinstance(folds, int):
            raise ValueError("Expected type None or int for argument folds, but got type "
                             f"{type(folds)}.")
        if folds is not None and folds not in range(10):
            raise ValueError("Value for argument folds should be in the range [0, 10), but got "
                             f"{folds}.")
        self.folds = folds
        if download:
            self.download()
        if not self._check_integrity():
            raise RuntimeError(f"{NOT_FOUND}. It is looked for in "
                               f"{self.folder / self.base_folder}.")
        parts = [self._part(name) for name in split.split("+")]
        self.data = np.concatenate([images for images, _ in parts])
        self.labels = np.concatenate([labels for _, labels in parts])
        names = self.folder / self.base_folder / "class_names.txt"
        self.classes = names.read_text().splitlines() if names.is_file() else []

    def _part(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        folder = self.folder / self.base_folder
        pixels = np.fromfile(folder / f"{name}_X.bin", np.uint8).reshape(-1, 3, 96, 96)
        images = pixels.transpose(0, 1, 3, 2)  # the files hold columns
        if name == "unlabeled":
            return images, np.full(len(images), -1)
        labels = np.fromfile(folder / f"{name}_y.bin", np.uint8).astype(np.int64) - 1
        if name == "train" and self.folds is not None:
            line = (folder / "fold_indices.txt").read_text().splitlines()[self.folds]
            chosen = np.array(line.split(), np.int64)
            return images[chosen], labels[chosen]
        return images, labels

    def _check_integrity(self) -> bool:
        return all(intact(self.folder / self.base_folder / name, md5)
                   for name, md5 in self.train_list + self.test_list)

    def download(self) -> None:
        """Fetch and unpack the archive, unless all files are there."""
        if not self._check_integrity():
            fetch(self.url, self.folder, self.filename, self.tgz_md5, unpack=True)

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        image = as_image(np.ascontiguousarray(self.data[index].transpose(1, 2, 0)))
        return self.apply_transforms(image, int(self.labels[index]))

    def extra_repr(self) -> str:
        """Return which part of the data this is."""
        return f"Split: {self.split}"
