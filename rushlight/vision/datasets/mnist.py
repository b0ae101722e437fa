"""MNIST: 70,000 handwritten digits of 28x28 bytes (LeCun et al., 1998)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from rushlight.ops import from_numpy
from rushlight.tensor import Tensor
from rushlight.vision.datasets.idx import find_idx, read_idx
from rushlight.vision.datasets.vision import VisionDataset
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
        download: accepted where the files are already there; nothing is fetched yet.

    Attributes:
        data: all images, uint8 of shape (count, 28, 28).
        targets: all digits, int64 of shape (count,).

    Raises:
        RuntimeError: a file is not there.
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
        self.data, self.targets = self._load(Path(root).expanduser(), download)
        self._pillow = has_pillow()

    @property
    def class_to_idx(self) -> dict[str, int]:
        """The number of each class name."""
        return {name: number for number, name in enumerate(self.classes)}

    def _load(self, root: Path, download: bool) -> tuple[Tensor, Tensor]:
        part = "train" if self.train else "t10k"
        try:
            images_path = find_idx(root, f"{part}-images-idx3-ubyte")
            labels_path = find_idx(root, f"{part}-labels-idx1-ubyte")
        except FileNotFoundError as error:
            remedy = "Downloading is not available yet: put" if download else "Put"
            raise RuntimeError(
                f"Dataset not found. {error}. {remedy} the idx files of MNIST there, or use "
                "rushlight.vision.datasets.embedded_mnist() as root."
            ) from error
        images, labels = read_idx(images_path), read_idx(labels_path)
        if images.dtype != np.uint8 or images.ndim != 3:
            raise ValueError(
                f"{images_path} holds {images.dtype} of shape {images.shape}, not "
                "uint8 images of shape (count, height, width)"
            )
        if labels.dtype != np.uint8 or labels.shape != images.shape[:1]:
            raise ValueError(
                f"{labels_path} holds {labels.dtype} of shape {labels.shape}, not one "
                f"uint8 label for each of the {len(images)} images"
            )
        if labels.size and labels.max() >= len(self.classes):
            raise ValueError(f"{labels_path} holds label {labels.max()}, above 9")
        return from_numpy(images), from_numpy(labels.astype(np.int64))

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        image = self.data[index].numpy()  # (28, 28)
        if self._pillow or self.transform is None:
            image = to_pillow(image)
        return self.apply_transforms(image, int(self.targets[index]))

    def extra_repr(self) -> str:
        """Return which part of the data this is."""
        return f"Split: {'Train' if self.train else 'Test'}"
