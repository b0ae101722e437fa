"""The MNIST data set: the embedded subset, other folders, samples, errors."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

import rushlight as rl
from rushlight.vision import image as pillow_door
from rushlight.vision.datasets import MNIST, embedded_mnist
from rushlight.vision.transforms import ToTensor

RAW = embedded_mnist() / "MNIST" / "raw"


@pytest.fixture(scope="module")
def test_digits() -> MNIST:
    return MNIST(embedded_mnist(), train=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A folder with the embedded test files, to be damaged."""
    for file in RAW.glob("t10k*"):
        shutil.copy(file, tmp_path)
    return tmp_path


def test_embedded_subset(test_digits: MNIST) -> None:
    training = MNIST(embedded_mnist(), train=True)
    assert tuple(training.data.shape) == (10_000, 28, 28)
    assert tuple(test_digits.data.shape) == (2_000, 28, 28)
    assert training.data.dtype == rl.uint8
    assert training.targets.dtype == rl.int64
    # Shares of the digits and sum of the pixels, as counted in the full files at the same stride.
    counts = np.bincount(training.targets.numpy()).tolist()
    assert counts == [941, 1132, 1032, 1022, 958, 925, 997, 1026, 978, 989]
    counts = np.bincount(test_digits.targets.numpy()).tolist()
    assert counts == [189, 222, 212, 242, 196, 186, 158, 215, 193, 187]
    assert 0.12 < training.data.numpy().mean() / 255 < 0.14


def test_embedded_subset_is_small_and_licensed() -> None:
    files = list((embedded_mnist() / "MNIST").rglob("*"))
    assert sum(file.stat().st_size for file in files if file.is_file()) < 2.5e6
    assert "Attribution-ShareAlike 3.0" in (RAW.parent / "LICENSE.txt").read_text()


def test_sample_with_transforms() -> None:
    digits = MNIST(embedded_mnist(), False, ToTensor(), target_transform=lambda digit: digit + 10)
    image, digit = digits[0]
    assert digit == 17
    assert tuple(image.shape) == (1, 28, 28)
    assert image.dtype == rl.float32
    np.testing.assert_array_equal(image[0].numpy() * np.float32(255), digits.data[0].numpy())
    assert np.array_equal(digits[-1][0].numpy(), digits[1999][0].numpy())
    with pytest.raises(IndexError):
        digits[2000]


def test_sample_is_an_image_as_in_torchvision(test_digits: MNIST) -> None:
    pytest.importorskip("PIL")
    image, digit = test_digits[0]
    assert (image.size, image.mode, digit) == ((28, 28), "L", 7)


def test_without_pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    assert not pillow_door.has_pillow()
    digits = MNIST(embedded_mnist(), train=False)
    with pytest.raises(ModuleNotFoundError, match="pip install pillow"):
        digits[0]
    digits = MNIST(embedded_mnist(), train=False, transform=ToTensor())
    assert tuple(digits[0][0].shape) == (1, 28, 28)


def test_repr(test_digits: MNIST) -> None:
    text = repr(test_digits)
    assert text.startswith("Dataset MNIST\n    Number of datapoints: 2000\n    Root location: ")
    assert text.endswith("Split: Test")


def test_class_names(test_digits: MNIST) -> None:
    assert test_digits.classes[7] == "7 - seven"
    assert test_digits.class_to_idx["7 - seven"] == 7


def test_files_right_in_the_folder(copy: Path) -> None:
    assert len(MNIST(copy, train=False)) == 2000
    assert len(MNIST(str(copy), train=False, download=True)) == 2000


def test_missing(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RuntimeError, match=r"Dataset not found\..*train-images.*Put the idx files"):
        MNIST(copy, train=True)
    monkeypatch.setattr(MNIST, "mirrors", ["http://127.0.0.1:9/"])
    with pytest.raises(RuntimeError, match=r"Error downloading train-images[^$]*put the file at"):
        MNIST(copy, train=True, download=True)


def write_idx(folder: Path, name: str, array: np.ndarray) -> None:
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    (folder / name).write_bytes(header + array.astype(np.uint8).tobytes())


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("t10k-labels-idx1-ubyte", np.zeros(1999), "not one uint8 label for each of the 2000"),
        ("t10k-labels-idx1-ubyte", np.zeros((2000, 1)), "not one uint8 label"),
        ("t10k-labels-idx1-ubyte", np.full(2000, 10), "label 10, above 9"),
        ("t10k-images-idx3-ubyte", np.zeros((2000, 784)), "not uint8 images"),
    ],
)
def test_files_that_do_not_fit(copy: Path, name: str, array: np.ndarray, message: str) -> None:
    write_idx(copy, name, array)  # a plain file is found before the packed one
    with pytest.raises(ValueError, match=message):
        MNIST(copy, train=False)
