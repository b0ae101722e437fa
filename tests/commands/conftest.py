"""A small MNIST folder, so that commands run in a moment."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from rushlight.vision.datasets import embedded_mnist
from rushlight.vision.datasets.idx import find_idx, read_idx


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The four idx files with the first 256 training and 64 test images of the embedded ones."""
    folder = tmp_path_factory.mktemp("digits")
    for part, count in (("train", 256), ("t10k", 64)):
        for name in (f"{part}-images-idx3-ubyte", f"{part}-labels-idx1-ubyte"):
            array = read_idx(find_idx(embedded_mnist(), name))[:count]
            header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
            (folder / f"{name}.gz").write_bytes(gzip.compress(header + array.tobytes()))
    return folder
