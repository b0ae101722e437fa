"""All rows, or all columns, of a Jacobian at once: one run on a batch of unit vectors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from rushlight import ops
from rushlight.families.wrapped import entered
from rushlight.tensor import Tensor
from rushlight.transforms import batching  # noqa: F401  (its rules)
from rushlight.transforms.batched import lowered, raised
from rushlight.transforms.dual import Dual, parted
from rushlight.transforms.forward import rule  # noqa: F401
from rushlight.transforms.reverse import pulled
from rushlight.transforms.teach import teach


def units(tensors: Sequence[Tensor], chunk: int | None) -> Iterator[tuple[int, list[Tensor]]]:
    """The unit vectors of the joint space of `tensors`, in chunks, each as a batch of tensors."""
    sizes = [x.numel() for x in tensors]
    total = sum(sizes)
    step = total if chunk is None else min(chunk, total)
    for start in range(0, total, max(step, 1)):
        count = min(step, total - start)
        parts, offset = [], 0
        for x, size in zip(tensors, sizes, strict=True):
            part = ops.zeros(count, size, dtype=x.dtype)
            first, last = max(start, offset), min(start + count, offset + size)
            if first < last:
                places = ops.arange(first, last)
                part[places - start, places - offset] = 1
            parts.append(part.reshape(count, *x.shape))
            offset += size
        yield count, parts


def rows(outputs: Sequence[Tensor], inputs: Sequence[Tensor], create: bool,
         chunk: int | None = None) -> list[list[Tensor]]:
    """For each output and each input the Jacobian, shape (output's shape, input's shape)."""
    teach()
    pieces: list[list[Any]] = [[] for _ in inputs]
    for count, basis in units(outputs, chunk):
        with entered(count) as level:
            found = pulled(outputs, inputs, [raised(u, level.number) for u in basis], create)
            for piece, g, x in zip(pieces, found, inputs, strict=True):
                piece.append(lowered(ops.zeros_like(x).detach() if g is None else g,
                                     level.number, count))
    stacked = [ops.cat(piece) if piece else x.new_zeros(0, *x.shape)
               for piece, x in zip(pieces, inputs, strict=True)]
    result, start = [], 0
    for y in outputs:
        size = y.numel()
        result.append([whole[start:start + size].reshape(*y.shape, *x.shape)
                       for whole, x in zip(stacked, inputs, strict=True)])
        start += size
    return result


def columns(function: Callable[..., Sequence[Tensor]], inputs: Sequence[Tensor],
            randomness: str = "error") -> tuple[list[Tensor], list[list[Tensor]]]:
    """Outputs of `function(*inputs)`, and for each output and each input the Jacobian."""
    teach()
    primals: list[Tensor] = []
    blocks: list[list[Tensor]] = []
    for count, basis in units(inputs, None):
        with entered(count, randomness) as lanes, entered() as level:
            duals = [Dual(x, raised(t, lanes.number), level.number)
                     for x, t in zip(inputs, basis, strict=True)]
            for y in function(*duals):
                primal, tangent = parted(y, level.number)
                if tangent is None:
                    tangent = ops.zeros_like(primal)
                primals.append(lowered(primal, lanes.number, count)[0])
                whole = lowered(tangent, lanes.number, count).movedim(0, -1)
                own, start = [], 0
                for x in inputs:
                    own.append(whole[..., start:start + x.numel()].reshape(
                        *primal.shape, *x.shape))
                    start += x.numel()
                blocks.append(own)
    return primals, blocks
