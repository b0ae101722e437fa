"""Images of bytes are resized in whole numbers: rounded after the rows, and after the columns."""

from __future__ import annotations

import numpy as np
import pytest

import rushlight as rl
from rushlight.nn.functional import interpolate
from rushlight.vision.transforms.v2 import functional as F


def images(*shape: int) -> rl.Tensor:
    return rl.tensor(np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8))


def test_a_pass_is_rounded_before_the_next() -> None:
    x = rl.tensor([[[[0, 1], [1, 1]]]], dtype=rl.uint8)
    assert interpolate(x, (1, 1), mode="bilinear", antialias=True).item() == 1
    assert interpolate(x.float(), (1, 1), mode="bilinear", antialias=True).item() == 0.75
    y = rl.tensor([[[[0, 1, 0, 1], [0, 0, 0, 1]]]], dtype=rl.uint8)  # rows: [1, 1], [0, 1]
    assert interpolate(y, (1, 2), mode="bilinear").tolist() == [[[[1, 1]]]]
    assert interpolate(y.float(), (1, 2), mode="bilinear").tolist() == [[[[0.25, 0.5]]]]


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@pytest.mark.parametrize("antialias", [True, False])
@pytest.mark.parametrize("size", [(20, 20), (74, 100), (37, 20)])
def test_bytes_lie_near_the_numbers_between(mode: str, antialias: bool,
                                            size: tuple[int, int]) -> None:
    x = images(2, 3, 37, 53)
    found = interpolate(x, size, mode=mode, antialias=antialias)
    exact = interpolate(x.double(), size, mode=mode, antialias=antialias).clamp(0, 255)
    assert found.dtype is rl.uint8 and found.shape == (2, 3, *size)
    difference = (found.double() - exact).abs()
    assert difference.mean().item() < 0.75 and (mode == "bicubic" or difference.max().item() < 1.1)
    last = x.contiguous(memory_format=rl.channels_last)
    again = interpolate(last, size, mode=mode, antialias=antialias)
    assert rl.equal(again, found) and again.is_contiguous(memory_format=rl.channels_last)


def test_pictures_of_the_second_interface_stay_bytes() -> None:
    x = images(3, 37, 53)
    found = F.resize(x, [20, 30])
    assert rl.equal(found, interpolate(x[None], (20, 30), mode="bilinear", antialias=True)[0])
    cut = F.resized_crop(x, 2, 3, 20, 30, [17, 19])
    assert rl.equal(cut, F.resize(x[:, 2:22, 3:33], [17, 19])) and cut.dtype is rl.uint8
    assert F.resize(x.float(), [20, 30]).dtype is rl.float32
