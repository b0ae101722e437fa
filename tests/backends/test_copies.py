"""Large copies: every layout against NumPy, in kernels and without."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from rushlight.backends import copies
from rushlight.backends.cpu import copies as native
from rushlight.backends.cpu import features

DTYPES = [np.bool_, np.int8, np.float16, np.float32, np.int64, np.complex128]
SHAPES = [(), (1,), (0, 3), (5,), (3, 70), (70, 3), (100, 131), (64, 64), (7, 33, 65),
          (3, 4, 40, 50)]


def numbers(shape, dtype):
    return np.random.default_rng(0).integers(0, 100, shape).astype(dtype)


def sources(array):
    """Arrays of every order of dimensions, reversed, with gaps, and repeated."""
    for order in itertools.permutations(range(array.ndim)):
        turned = array.transpose(order)
        yield turned
        if array.ndim:
            yield from (turned[::-1], turned[..., ::-1], turned[..., ::2], turned[::2])
            yield np.broadcast_to(turned[..., :1], turned.shape)
            yield np.broadcast_to(turned[:1], turned.shape)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_blocks_copy_what_numpy_copies(dtype, shape):
    if not native.available():
        pytest.skip("no code can be generated here")
    for source in sources(numbers(shape, dtype)):
        for target in (np.empty(source.shape, dtype), np.empty(source.shape[::-1], dtype).T,
                       np.empty((2, *source.shape), dtype)):
            target.fill(77)
            assert native.copy_into(target, source)
            assert np.array_equal(target, np.broadcast_to(source, target.shape))


def test_blocks_write_nothing_beside_their_target():
    room = np.zeros((300, 300), np.float32)
    copies.assign(room[10:290, 20:270], np.ones((250, 280), np.float32).T)
    assert room.sum() == 280 * 250 == room[10:290, 20:270].sum()


@pytest.mark.parametrize("dtype", DTYPES)
def test_copied(dtype):
    array = numbers((40, 70, 90), dtype)
    for source in (array, array.transpose(2, 0, 1), array[:, ::-1], array[1:, 3:, 5:]):
        for order in "CK":
            made, expected = copies.copied(source, order), source.copy(order)
            assert np.array_equal(made, source) and made.strides == expected.strides
            assert not np.shares_memory(made, source)
    assert copies.contiguous(array) is array
    assert copies.contiguous(array.T).flags.c_contiguous


def test_assign_where_memory_is_shared():
    array = numbers((300, 300), np.float32)
    expected = array.T.copy()
    copies.assign(array, array.T)
    assert np.array_equal(array, expected)
    moved = array.copy()
    copies.assign(moved[1:], moved[:-1])
    assert np.array_equal(moved[1:], array[:-1])


def test_assign_refuses_what_does_not_broadcast():
    with pytest.raises(ValueError):
        copies.assign(np.zeros((300, 300), np.float32), np.zeros((299, 300), np.float32))
    target = np.zeros((300, 300), np.float32)
    target.flags.writeable = False
    with pytest.raises(ValueError):
        copies.assign(target, np.zeros((300, 300), np.float32))


@pytest.mark.parametrize("dim", [0, 1, 2, -1])
def test_joined(dim):
    parts = [numbers([30 + i * (k == dim % 3) for k in range(3)], np.float32) for i in range(4)]
    parts[2] = parts[2].transpose(2, 1, 0).copy().transpose(2, 1, 0)
    assert np.array_equal(copies.joined(parts, dim), np.concatenate(parts, dim))


def test_joined_refuses_other_sizes():
    parts = [np.zeros((300, 300), np.float32), np.zeros((300, 1), np.float32)]
    with pytest.raises(ValueError):
        copies.joined(parts, 0)
    with pytest.raises(ValueError):
        copies.joined([parts[0], parts[0]], 2)


def test_joined_keeps_channels_last():
    images = [numbers((2, 60, 60, 16), np.float32).transpose(0, 3, 1, 2) for _ in range(3)]
    made = copies.joined(images, 1)
    assert np.array_equal(made, np.concatenate(images, 1))
    assert made.transpose(0, 2, 3, 1).flags.c_contiguous


def test_copies_do_not_depend_on_the_number_of_threads():
    source, before = numbers((700, 500), np.float32).T, features.get_num_threads()
    try:
        for count in (1, 2, 3):
            features.set_num_threads(count)
            assert np.array_equal(copies.copied(source), source)
    finally:
        features.set_num_threads(before)
