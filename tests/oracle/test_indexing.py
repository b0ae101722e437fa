"""Random mixed indices against torch: reading, writing and the placement of picked dimensions."""

from __future__ import annotations

import random

import numpy as np
import pytest

from rushlight.base import index as indexing

torch = pytest.importorskip("torch")


def random_index(choose: random.Random, shape: tuple[int, ...]) -> tuple:
    length = choose.randint(1, 3)
    items, axis, dotted = [], 0, False
    while axis < len(shape) and choose.random() < 0.9:
        size = shape[axis]
        kind = choose.choice(["int", "slice", "none", "array", "array", "mask", "dots", "bool"])
        if kind == "int":
            items.append(choose.randrange(-size, size))
        elif kind == "slice":
            items.append(slice(choose.choice([None, 0, -2]), None, choose.choice([None, 1, 2])))
        elif kind == "array":
            count = choose.choice([length, 1])
            values = [choose.randrange(-size, size) for _ in range(count)]
            items.append(np.array(values).reshape(choose.choice([(count,), (1, count)])))
        elif kind == "mask":
            mask = np.zeros(size, bool)
            mask[choose.sample(range(size), min(length, size))] = True
            items.append(mask)
        elif kind == "dots":
            if not dotted:
                items.append(Ellipsis)
                axis += choose.randint(0, len(shape) - axis)
            dotted = True
            continue
        else:
            items.append({"none": None, "bool": True}[kind])
            continue
        axis += 1
    return tuple(items)


def for_torch(index: tuple) -> tuple:
    return tuple(torch.from_numpy(i) if isinstance(i, np.ndarray) else i for i in index)


@pytest.mark.parametrize("seed", range(20))
def test_as_torch(seed):
    choose = random.Random(seed)
    for _ in range(100):
        shape = tuple(choose.randint(1, 4) for _ in range(choose.randint(1, 4)))
        array = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
        index = random_index(choose, shape)
        tensor = torch.from_numpy(array.copy())
        try:
            expected = tensor[for_torch(index)]
        except IndexError as error:
            with pytest.raises(IndexError, match=str(error)[:20]):
                indexing.read(array, index)
            continue
        result, is_view = indexing.read(array, index)
        assert result.shape == tuple(expected.shape), index
        np.testing.assert_array_equal(result, expected.numpy())
        shared = expected.untyped_storage().data_ptr() == tensor.untyped_storage().data_ptr()
        assert is_view == shared, index

        values = np.arange(100, 100 + result.size, dtype=np.float32).reshape(result.shape)
        tensor[for_torch(index)] = torch.from_numpy(values)
        written = array.copy()
        indexing.write(written, index, values)
        np.testing.assert_array_equal(written, tensor.numpy(), err_msg=str(index))

        tensor[for_torch(index)] = 7
        indexing.write(written, index, 7)
        np.testing.assert_array_equal(written, tensor.numpy(), err_msg=str(index))
