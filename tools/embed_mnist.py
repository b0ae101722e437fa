"""Write the MNIST subset that travels inside the package.

    python tools/embed_mnist.py DIR_WITH_THE_FOUR_FULL_IDX_FILES

Keeps every 6th training image (10,000 of 60,000) and every 5th test image (2,000 of 10,000), in
their order, as gzip idx files under the names of the full ones. An even stride, because the first
half of the test file is known to be easier than the second: the subset has the same share of both.
Running it again gives the same bytes.
"""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import numpy as np

from rushlight.vision.datasets.idx import find_idx, read_idx

TARGET = Path(__file__).parents[1] / "rushlight/vision/datasets/embedded/MNIST/raw"
EVERY = {
    "train-images-idx3-ubyte": 6,
    "train-labels-idx1-ubyte": 6,
    "t10k-images-idx3-ubyte": 5,
    "t10k-labels-idx1-ubyte": 5,
}


def idx_bytes(array: np.ndarray) -> bytes:
    """Return uint8 `array` in idx format: magic number, big-endian sizes, then the bytes."""
    header = bytes([0, 0, 0x08, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return header + array.tobytes()


def main(source: str) -> None:
    """Read the full files below `source` and write the subset into the package."""
    TARGET.mkdir(parents=True, exist_ok=True)
    for name, stride in EVERY.items():
        subset = read_idx(find_idx(Path(source), name))[::stride]
        # mtime=0 and no file name in the header: the same input gives the same bytes.
        packed = gzip.compress(idx_bytes(subset), compresslevel=9, mtime=0)
        (TARGET / f"{name}.gz").write_bytes(packed)
        print(f"{name}.gz: {subset.shape}, {len(packed):,} bytes")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
