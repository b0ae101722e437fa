"""MNIST: 70,000 handwritten digits of 28x28 bytes (LeCun et al., 1998)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from rushlight.ops import from_numpy
from rushlight.tensor import Tensor
from rushlight.vision.datasets.idx import find_idx, read_idx
from rushlight.vision.datasets.vision import VisionDataset, fetch
from rushlight.vision.image import has_pillow, to_pillow


def embedded_mnist() -> Path:
    """Return the root of the MNIST subset inside this package: 10,000 training, 2,000 test images.

    It is real MNIST (every 6th training image, every 5th test image), under CC BY-SA 3.0; the
    licence lies beside it.

    Example:
        >>> from rushlight.vision.datasets import MNIST, embedded_mnist
        >>> len(MNIST(embedded_mnist(), train=False))
        2000
    """
    return Path(__file__).parent / "embedded"


class MNIST(VisionDataset):
    """Handwritten digits, read from the four idx files of MNIST, gzip or not.

    Args:
        root: folder that holds the files: torchvision's layout (`root/MNIST/raw/`), `root/raw/`,
            or the files right in `root`.
        train: the training images; False for the test images.
        transform: called with the image. It gets a PIL image as in torchvision; where Pillow is
            not installed, the uint8 array of shape (28, 28), which `ToTensor` takes as well.
        target_transform: called with the digit, an int.
        download: fetch the files that are missing into `root/MNIST/raw/`.

    Attributes:
        data: all images, uint8 of shape (count, 28, 28).
        targets: all digits, int64 of shape (count,).

    Raises:
        RuntimeError: a file is not there, or cannot be fetched.
        ValueError: a file is truncated, damaged, no idx file, or does not fit the other one.

    Example:
        >>> from rushlight.vision.datasets import MNIST, embedded_mnist
        >>> from rushlight.vision.transforms import ToTensor
        >>> image, digit = MNIST(embedded_mnist(), train=False, transform=ToTensor())[0]
        >>> image.shape, digit
        (torch.Size([1, 28, 28]), 7)

    Source: Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to
    document recognition", 1998.
    """

    mirrors: ClassVar[list[str]] = [
        "https://ossci-datasets.s3.amazonaws.com/mnist/", "http://yann.lecun.com/exdb/mnist/"]
    resources: ClassVar[Any] = [
        ("train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
        ("train-labels-idx1-ubyte.gz", "d53e105ee54ea40749a09fcbcd1e9432"),
        ("t10k-images-idx3-ubyte.gz", "9fb629c4189551a2d022fa330f9573f3"),
        ("t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c"),
    ]
    classes: ClassVar[list[str]] = [
        "0 - zero", "1 - one", "2 - two", "3 - three", "4 - four",
        "5 - five", "6 - six", "7 - seven", "8 - eight", "9 - nine",
    ]  # fmt: skip

    def __init__(
        self,
        root: str | Path,
        train: bool = True,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        download: bool = False,
    ) -> None:
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.train = train
        if download and not self._found():
            self.download()
        self.data, self.targets = self._load_data()
        self._pillow = has_pillow()

    @property
    def class_to_idx(self) -> dict[str, int]:
        """The number of each class name."""
        return {name: number for number, name in enumerate(self.classes)}

    @property
    def raw_folder(self) -> str:
        """Where downloads go."""
        return str(self.folder / type(self).__name__ / "raw")

    def names(self) -> tuple[str, str]:
        """The names of the files of images and of labels."""
        part = "train" if self.train else "t10k"
        return f"{part}-images-idx3-ubyte", f"{part}-labels-idx1-ubyte"

    def _path(self, name: str) -> Path:
        return find_idx(self.folder, name, type(self).__name__)

    def _found(self) -> bool:
        try:
            return all(self._path(name) for name in self.names())
        except FileNotFoundError:
            return False

    def download(self) -> None:
        """Fetch the files that are missing. Raises RuntimeError where no mirror has one."""
        for name, md5 in self.resources:
            try:
                fetch([mirror + name for mirror in self.mirrors], Path(self.raw_folder), name, md5)
            except (OSError, RuntimeError) as error:
                raise RuntimeError(f"Error downloading {name}:\n{error}") from error

    def _load_data(self) -> tuple[Tensor, Tensor]:
        kind = type(self).__name__
        try:
            images_path, labels_path = (self._path(name) for name in self.names())
        except FileNotFoundError as error:
            remedy = " or use rushlight.vision.datasets.embedded_mnist() as root," if (
                kind == "MNIST") else ""
            raise RuntimeError(
                f"Dataset not found. {error}. Put the idx files of {kind} there,{remedy} "
                "or pass download=True."
            ) from error
        images, labels = read_idx(images_path), read_idx(labels_path)
        if images.dtype != np.uint8 or images.ndim != 3:
            raise ValueError(
                f"{images_path} holds {images.dtype} of shape {images.shape}, not "
                "uint8 images of shape (count, height, width)"
            )
        return from_numpy(images), from_numpy(self._labels(labels, labels_path, len(images)))

    def _labels(self, labels: np.ndarray, path: Path, count: int) -> np.ndarray:
        """The labels as int64, checked."""
        if labels.dtype != np.uint8 or labels.shape != (count,):
            raise ValueError(
                f"{path} holds {labels.dtype} of shape {labels.shape}, not one "
                f"uint8 label for each of the {count} images"
            )
        last = len(self.classes) - 1
        if labels.size and labels.max() > last:
            raise ValueError(f"{path} holds label {labels.max()}, above {last}")
        return labels.astype(np.int64)

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        image = self.data[index].numpy()  # (28, 28)
        if self._pillow or self.transform is None:
            image = to_pillow(image)
        return self.apply_transforms(image, self._target(index))

    def _target(self, index: int) -> Any:
        return int(self.targets[index])

    def extra_repr(self) -> str:
        """Return which part of the data this is."""
        return f"Split: {'Train' if self.train else 'Test'}"
