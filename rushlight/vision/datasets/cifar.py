"""CIFAR10 and CIFAR100: 60,000 colour pictures of 32x32 (Krizhevsky, 2009)."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from rushlight.serialization.unpickler import Unpickler
from rushlight.utils.download import intact
from rushlight.vision.datasets.vision import NOT_FOUND, Transform, VisionDataset, as_image, fetch


class CIFAR10(VisionDataset):
    """Pictures of ten kinds of things: 50,000 for training, 10,000 for tests.

    Args:
        root: the folder that holds, or gets, the folder `cifar-10-batches-py`.
        train: the training pictures; False for those of the test.
        transform, target_transform: called with the PIL image, and with the number of the class.
        download: fetch what is missing.

    Attributes:
        data: all pictures, a uint8 array of (count, 32, 32, 3).
        targets: their classes, a list of numbers. `classes`: the names; `class_to_idx`: numbers.

    Raises:
        RuntimeError: files are missing or damaged, by their MD5.

    The files are pickles; they are read by a reader that calls nothing that they name.
    """

    base_folder = "cifar-10-batches-py"
    url = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
    filename = "cifar-10-python.tar.gz"
    tgz_md5 = "c58f30108f718f92721af3b95e74349a"
    train_list: ClassVar[list[list[str]]] = [
        ["data_batch_1", "c99cafc152244af753f735de768cd75f"],
        ["data_batch_2", "d4bba439e000b95fd0a9bffe97cbabec"],
        ["data_batch_3", "54ebc095f3ab1f0389bbae665268c751"],
        ["data_batch_4", "634d18415352ddfa80567beed471001a"],
        ["data_batch_5", "482c414d41f54cd18b22e5b47cb7c3cb"],
    ]
    test_list: ClassVar[list[list[str]]] = [["test_batch", "40351d587109b95175f43aff81a1287e"]]
    meta: ClassVar[dict[str, str]] = {"filename": "batches.meta", "key": "label_names",
                                      "md5": "5ff9c542aee3614f3951f8cda6e48888"}

    def __init__(self, root: str | Path, train: bool = True, transform: Transform = None,
                 target_transform: Transform = None, download: bool = False) -> None:
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.train = train
        if download:
            self.download()
        if not self._check_integrity():
            raise RuntimeError(f"{NOT_FOUND}. It is looked for in "
                               f"{self.folder / self.base_folder}.")
        parts = []
        self.targets: list[int] = []
        for name, _ in self.train_list if train else self.test_list:
            entry = self._read(name)
            parts.append(np.asarray(entry["data"], np.uint8).reshape(-1, 3, 32, 32))
            self.targets += entry["labels" if "labels" in entry else "fine_labels"]
        self.data = np.concatenate(parts).transpose(0, 2, 3, 1)  # (count, height, width, channels)
        self.classes: list[str] = self._read(self.meta["filename"])[self.meta["key"]]
        self.class_to_idx = {name: number for number, name in enumerate(self.classes)}

    def _read(self, name: str) -> dict[str, Any]:
        """One pickle. Raises RuntimeError where it is none, or holds other than arrays."""
        path = self.folder / self.base_folder / name
        try:
            found = Unpickler(path.read_bytes(), encoding="latin1").load()
        except (pickle.UnpicklingError, EOFError) as error:
            raise RuntimeError(f"{path} is damaged: {error}") from error
        if not isinstance(found, dict):
            raise RuntimeError(f"{path} is damaged: it holds {type(found).__name__}, no dict")
        return found

    def _check_integrity(self) -> bool:
        files = [*self.train_list, *self.test_list, [self.meta["filename"], self.meta["md5"]]]
        return all(intact(self.folder / self.base_folder / name, md5) for name, md5 in files)

    def download(self) -> None:
        """Fetch and unpack the archive, unless all files are there."""
        if not self._check_integrity():
            fetch(self.url, self.folder, self.filename, self.tgz_md5, unpack=True)

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return self.apply_transforms(as_image(self.data[index]), self.targets[index])

    def extra_repr(self) -> str:
        """Return which part of the data this is."""
        return f"Split: {'Train' if self.train else 'Test'}"


class CIFAR100(CIFAR10):
    """As `CIFAR10`, of a hundred kinds, 600 pictures each."""

    base_folder = "cifar-100-python"
    url = "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz"
    filename = "cifar-100-python.tar.gz"
    tgz_md5 = "eb9058c3a382ffc7106e4002c42a8d85"
    train_list: ClassVar[list[list[str]]] = [["train", "16019d7e3df5f24257cddd939b257f8d"]]
    test_list: ClassVar[list[list[str]]] = [["test", "f0ef6b0ae62326f3e7ffdfab6717acfc"]]
    meta: ClassVar[dict[str, str]] = {"filename": "meta", "key": "fine_label_names",
                                      "md5": "7973b15100ade9c7d40fb424638fde48"}
