"""House numbers (SVHN) and postal digits (USPS)."""

from __future__ import annotations

import bz2
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


def _matlab(path: Path) -> dict[str, Any]:
    """The variables of a .mat file. Raises ModuleNotFoundError without SciPy."""
    try:
        from scipy.io import loadmat
    except ImportError as error:
        raise ModuleNotFoundError("No module named 'scipy': SVHN's files are MATLAB's, which SciPy "
                                  "reads. Install it with `pip install scipy`.") from error
    return loadmat(path)


class SVHN(VisionDataset):
    """Digits of house numbers, 32x32 in colour (Netzer et al., 2011). SciPy is needed.

    Args:
        root: the folder that holds, or gets, `train_32x32.mat` and its siblings.
        split: "train" (73,257 pictures), "test" (26,032) or "extra" (531,131).
        transform, target_transform, download: as of `CIFAR10`.

    Attributes:
        data: uint8 array of (count, 3, 32, 32). labels: int64 array of the digits.
    """

    split_list: ClassVar[dict[str, list[str]]] = {
        "train": ["http://ufldl.stanford.edu/housenumbers/train_32x32.mat", "train_32x32.mat",
                  "e26dedcc434d2e4c54c9b2d4a06d8373"],
        "test": ["http://ufldl.stanford.edu/housenumbers/test_32x32.mat", "test_32x32.mat",
                 "eb5a983be6a315427106f1b164d9cef3"],
        "extra": ["http://ufldl.stanford.edu/housenumbers/extra_32x32.mat", "extra_32x32.mat",
                  "a93ce644f1a588dc4d68dda5feec44a7"],
    }

    def __init__(self, root: str | Path, split: str = "train", transform: Transform = None,
                 target_transform: Transform = None, download: bool = False) -> None:
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.split = choice(split, "split", tuple(self.split_list))
        self.url, self.filename, self.file_md5 = self.split_list[split]
        if download:
            self.download()
        if not intact(self.folder / self.filename, self.file_md5):
            raise RuntimeError(f"{NOT_FOUND}. It is looked for at {self.folder / self.filename}.")
        found = _matlab(self.folder / self.filename)
        self.data = found["X"].transpose(3, 2, 0, 1)  # (count, channels, height, width)
        self.labels = found["y"].astype(np.int64).reshape(-1) % 10  # the files write 0 as 10

    def download(self) -> None:
        """Fetch the file of this split, unless it is there."""
        fetch(self.url, self.folder, self.filename, self.file_md5)

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        image = as_image(np.ascontiguousarray(self.data[index].transpose(1, 2, 0)))
        return self.apply_transforms(image, int(self.labels[index]))

    def extra_repr(self) -> str:
        """Return which part of the data this is."""
        return f"Split: {self.split}"


class USPS(VisionDataset):
    """9,298 digits of postal codes, 16x16 in grey (Hull, 1994).

    root: the folder that holds, or gets, `usps.bz2` and `usps.t.bz2`. Other arguments as of
    `CIFAR10`. data: uint8 array of (count, 16, 16). targets: a list of the digits.
    """

    split_list: ClassVar[dict[str, list[str]]] = {
        "train": ["https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass/usps.bz2",
                  "usps.bz2", "ec16c51db3855ca6c91edd34d0e9b197"],
        "test": ["https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass/usps.t.bz2",
                 "usps.t.bz2", "8ea070ee2aca1ac39742fdd1ef5ed118"],
    }

    def __init__(self, root: str | Path, train: bool = True, transform: Transform = None,
                 target_transform: Transform = None, download: bool = False) -> None:
        super().__init__(root, transform=transform, target_transform=target_transform)
        url, name, md5 = self.split_list["train" if train else "test"]
        if download and not (self.folder / name).exists():
            fetch(url, self.folder, name, md5)
        if not (self.folder / name).exists():
            raise RuntimeError(f"{NOT_FOUND}. It is looked for at {self.folder / name}.")
        with bz2.open(self.folder / name, "rt") as file:
            rows = [line.split() for line in file]  # class, then place:value, values in -1..1
        values = np.array([[word.split(":")[-1] for word in row[1:]] for row in rows], np.float32)
        self.data = ((values.reshape(-1, 16, 16) + 1) / 2 * 255).astype(np.uint8)
        self.targets = [int(row[0]) - 1 for row in rows]

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return self.apply_transforms(as_image(self.data[index]), self.targets[index])
