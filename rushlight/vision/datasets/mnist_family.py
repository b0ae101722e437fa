"""Data sets in MNIST's format: FashionMNIST, KMNIST, EMNIST, QMNIST."""

from __future__ import annotations

import shutil
import string
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from rushlight.vision.datasets.mnist import MNIST
from rushlight.vision.datasets.vision import choice, fetch

_PARTS = ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz",
          "t10k-labels-idx1-ubyte.gz")


class FashionMNIST(MNIST):
    """70,000 grey pictures of clothes, 28x28, in MNIST's format (Xiao et al., 2017).

    Arguments, attributes and errors as of `MNIST`; the files lie in `root/FashionMNIST/raw/`.
    """

    mirrors: ClassVar[list[str]] = ["http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"]
    resources: ClassVar[Any] = list(zip(_PARTS, (
        "8d4fb7e6c68d591d4c3dfef9ec88bf0d", "25c81989df183df01b3e8a0aad5dffbe",
        "bef4ecab320f06d8554ea6380940ec79", "bb300cfdad3c16e7a12a480ee83cd310"), strict=True))
    classes: ClassVar[list[str]] = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
                                    "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]


class KMNIST(MNIST):
    """70,000 cursive Japanese characters, 28x28, in MNIST's format (Clanuwat et al., 2018)."""

    mirrors: ClassVar[list[str]] = ["http://codh.rois.ac.jp/kmnist/dataset/kmnist/"]
    resources: ClassVar[Any] = list(zip(_PARTS, (
        "bdb82020997e1d708af4cf47b453dcf7", "e144d726b3acfaa3e44228e80efcd344",
        "5c965bf0a639b31b8f53240b1b52f4d7", "7320c461ea6c1c855c0b718fb2a4b134"), strict=True))
    classes: ClassVar[list[str]] = ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"]


_ALL = sorted(string.digits + string.ascii_letters)
_MERGED = sorted(set(_ALL) - set("cijklmopsuvwxyz"))


class EMNIST(MNIST):
    """Handwritten letters and digits, 28x28, in six `split`s (Cohen et al., 2017).

    split: "byclass", "bymerge", "balanced", "letters", "digits" or "mnist". Pictures lie on their
    side, as in the files.
    """

    url = "https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip"
    md5 = "58c8d27c78d21e728a6bc7b3cc06412e"
    classes_split_dict: ClassVar[dict[str, list[str]]] = {
        "byclass": _ALL, "bymerge": _MERGED, "balanced": _MERGED,
        "letters": ["N/A", *string.ascii_lowercase], "digits": list(string.digits),
        "mnist": list(string.digits),
    }
    splits = tuple(classes_split_dict)

    def __init__(self, root: str | Path, split: str, **options: Any) -> None:
        self.split = choice(split, "split", self.splits)
        self.classes = self.classes_split_dict[split]  # type: ignore[misc]
        super().__init__(root, **options)

    def names(self) -> tuple[str, str]:
        """The names of the files of images and of labels."""
        start = f"emnist-{self.split}-{'train' if self.train else 'test'}"
        return f"{start}-images-idx3-ubyte", f"{start}-labels-idx1-ubyte"

    def download(self) -> None:
        """Fetch all splits. Raises RuntimeError where that fails."""
        raw = Path(self.raw_folder)
        fetch(self.url, raw, "gzip.zip", self.md5, unpack=True)
        for file in (raw / "gzip").glob("*.gz"):
            shutil.move(file, raw / file.name)
        shutil.rmtree(raw / "gzip")


_QMNIST = "https://raw.githubusercontent.com/facebookresearch/qmnist/master/"


class QMNIST(MNIST):
    """MNIST rebuilt from its sources, with 60,000 test pictures (Yadav and Bottou, 2019).

    what: "train", "test", "test10k" (MNIST's), "test50k" (the others) or "nist"; by default what
    `train` says. compat: the digit alone as target; False for the tensor of all eight numbers.
    """

    subsets: ClassVar[dict[str, str]] = {"train": "train", "test": "test", "test10k": "test",
                                         "test50k": "test", "nist": "nist"}
    resources: ClassVar[Any] = {
        "train": [("qmnist-train-images-idx3-ubyte.gz", "ed72d4157d28c017586c42bc6afe6370"),
                  ("qmnist-train-labels-idx2-int.gz", "0058f8dd561b90ffdd0f734c6a30e5e4")],
        "test": [("qmnist-test-images-idx3-ubyte.gz", "1394631089c404de565df7b7aeaf9412"),
                 ("qmnist-test-labels-idx2-int.gz", "5b5b05890a5e13444e108efe57b788aa")],
        "nist": [("xnist-images-idx3-ubyte.xz", "7f124b3b8ab81486c9d8c2749c17f834"),
                 ("xnist-labels-idx2-int.xz", "5ed0e788978e45d4a8bd4b7caec3d79d")],
    }

    def __init__(self, root: str | Path, what: str | None = None, compat: bool = True,
                 train: bool = True, **options: Any) -> None:
        self.what = choice(what or ("train" if train else "test"), "what", tuple(self.subsets))
        self.compat = compat
        super().__init__(root, train, **options)
        places = {"test10k": slice(0, 10_000), "test50k": slice(10_000, None)}.get(self.what)
        if places is not None:
            self.data, self.targets = self.data[places].clone(), self.targets[places].clone()

    def names(self) -> tuple[str, str]:
        """The names of the files of images and of labels."""
        images, labels = self.resources[self.subsets[self.what]]
        return images[0][:-3], labels[0][:-3]

    def download(self) -> None:
        """Fetch the files of this subset. Raises RuntimeError where that fails."""
        for name, md5 in self.resources[self.subsets[self.what]]:
            try:
                fetch(_QMNIST + name, Path(self.raw_folder), name, md5)
            except (OSError, RuntimeError) as error:
                raise RuntimeError(f"Error downloading {name}:\n{error}") from error

    def _labels(self, labels: np.ndarray, path: Path, count: int) -> np.ndarray:
        if labels.ndim != 2 or len(labels) != count:
            raise ValueError(f"{path} holds {labels.dtype} of shape {labels.shape}, not rows of "
                             f"numbers for each of the {count} images")
        return labels.astype(np.int64)

    def _target(self, index: int) -> Any:
        return int(self.targets[index][0]) if self.compat else self.targets[index]

    def extra_repr(self) -> str:
        """Return which part of the data this is."""
        return f"Split: {self.what}"
