"""ToTensor, Normalize, Compose and Lambda."""

from __future__ import annotations

import numpy as np
import pytest

import rushlight as rl
from rushlight.vision import transforms


def test_to_tensor_from_bytes() -> None:
    array = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)  # (height, width, channels)
    tensor = transforms.ToTensor()(array)
    assert tensor.dtype == rl.float32
    assert tuple(tensor.shape) == (3, 2, 4)
    np.testing.assert_array_equal(tensor.numpy(), array.transpose(2, 0, 1) / np.float32(255))


def test_to_tensor_keeps_other_types_and_copies() -> None:
    array = np.ones((2, 2), np.float64)
    tensor = transforms.ToTensor()(array)
    array[0, 0] = 5
    assert tensor.dtype == rl.float64
    assert tensor.tolist() == [[[1.0, 1.0], [1.0, 1.0]]]
    assert transforms.ToTensor()(array > 2).tolist() == [[[1.0, 0.0], [0.0, 0.0]]]


def test_to_tensor_from_images() -> None:
    image = pytest.importorskip("PIL.Image")
    pixels = np.arange(18, dtype=np.uint8).reshape(2, 3, 3)
    np.testing.assert_array_equal(
        transforms.ToTensor()(image.fromarray(pixels)).numpy(),
        transforms.ToTensor()(pixels).numpy(),
    )
    black_and_white = image.fromarray(pixels[:, :, 0] > 5)
    assert transforms.ToTensor()(black_and_white).tolist() == [[[0.0, 0.0, 1.0], [1.0, 1.0, 1.0]]]
    palette = image.fromarray(pixels).convert("P")
    assert tuple(transforms.ToTensor()(palette).shape) == (3, 2, 3)


def test_to_tensor_errors() -> None:
    with pytest.raises(TypeError, match=r"pic should be PIL Image or ndarray\. Got"):
        transforms.ToTensor()([[1]])
    with pytest.raises(ValueError, match="pic should be 2/3 dimensional"):
        transforms.ToTensor()(np.zeros(3))


def test_normalize() -> None:
    image = rl.arange(8.0).reshape(2, 2, 2)
    normalize = transforms.Normalize((1.0, 2.0), (0.5, 0.25))
    expected = [[[-2.0, 0.0], [2.0, 4.0]], [[8.0, 12.0], [16.0, 20.0]]]
    assert normalize(image).tolist() == expected
    assert image[0, 0, 0] == 0
    assert normalize(image.unsqueeze(0)).tolist() == [expected]
    assert transforms.Normalize((1.0, 2.0), (0.5, 0.25), inplace=True)(image) is image
    assert image.tolist() == expected


def test_normalize_errors() -> None:
    normalize = transforms.Normalize((0.5,), (0.0,))
    with pytest.raises(ValueError, match="std evaluated to zero"):
        normalize(rl.zeros(1, 2, 2))
    with pytest.raises(ValueError, match="tensor image of size"):
        normalize(rl.zeros(2, 2))
    with pytest.raises(TypeError, match="should be a float tensor"):
        normalize(rl.zeros(1, 2, 2, dtype=rl.uint8))
    with pytest.raises(TypeError, match="Tensor Image"):
        normalize(np.zeros((1, 2, 2)))


def test_compose_and_lambda() -> None:
    plus, twice = transforms.Lambda(lambda x: x + 1), transforms.Lambda(lambda x: x * 2)
    assert transforms.Compose([plus, twice])(1) == 4
    text = repr(transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))]))
    assert text == "Compose(\n    ToTensor()\n    Normalize(mean=(0.5,), std=(0.5,))\n)"
    with pytest.raises(TypeError, match="should be callable"):
        transforms.Lambda(3)
