"""Tensors as bytes: their dtype and shape, a line feed, their numbers."""

from __future__ import annotations

import numpy as np

from rushlight import ops
from rushlight.base.dtypes import dtype_named, uint8
from rushlight.tensor import Tensor


def packed(tensor: Tensor) -> bytes:
    """The numbers of a tensor, in row-major order, and what they are."""
    name = str(tensor.dtype).rpartition(".")[2]
    flat = tensor.detach().contiguous().reshape(-1)
    numbers = flat.view(uint8).numpy().tobytes() if flat.numel() else b""
    return f"{name} {' '.join(map(str, tensor.shape))}\n".encode() + numbers


def unpacked(message: bytes) -> Tensor:
    """The tensor that was packed."""
    header, _, numbers = message.partition(b"\n")
    name, *shape = header.decode().split(" ")
    dtype = dtype_named(name)
    if not numbers:
        return ops.empty([int(size) for size in shape if size], dtype=dtype)
    raw = ops.from_numpy(np.frombuffer(bytearray(numbers), np.uint8))
    return raw.view(dtype).reshape([int(size) for size in shape if size])


def fill(tensor: Tensor, given: Tensor, what: str) -> None:
    """Write what another process sent. Raises RuntimeError where it does not fit."""
    if tensor.dtype != given.dtype or tensor.numel() != given.numel():
        raise RuntimeError(f"{what}: tensors of all processes must have one dtype and size: here "
                           f"{tensor.dtype} {list(tensor.shape)}, from another "
                           f"{given.dtype} {list(given.shape)}")
    tensor.detach().copy_(given.reshape(tensor.shape))
