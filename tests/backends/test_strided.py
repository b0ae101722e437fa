"""Large pointwise calls on broadcast, transposed and sliced operands, against NumPy's own way."""

from __future__ import annotations

import struct

import numpy as np
import pytest

import rushlight as rl
from rushlight.backends.cpu import features, strided
from rushlight.backends.memory_order import empty
from rushlight.families.kernels import recycling

f32 = np.dtype(np.float32)


@pytest.fixture
def add():
    if not strided.available():
        pytest.skip("no code can be generated here")
    return kernel_of(lambda x, y: x + y)


def kernel_of(function):
    """The compiled ufunc of a function of two float32 arrays."""
    x = rl.zeros(40000)
    function(x, x)
    return next(k for k, loop in strided.LOOPS.items()
                if k.__name__ == "add(input, other)" and loop.types == (f32, f32, f32))


def numbers(*shape):
    return np.random.default_rng(len(shape)).standard_normal(shape).astype(np.float32)


PAIRS = {
    "row": (numbers(300, 200), numbers(200)),
    "column": (numbers(300, 200), numbers(300, 1)),
    "short row": (numbers(30000, 3), numbers(3)),
    "short column": (numbers(30000, 3), numbers(30000, 1)),
    "long row": (numbers(3, 50000), numbers(50000)),
    "outer": (numbers(300, 1), numbers(1, 200)),
    "transposed": (numbers(203, 301).T, numbers(301, 203)),
    "both transposed": (numbers(203, 301).T, numbers(203, 301).T),
    "transposed inside": (numbers(5, 101, 107).transpose(0, 2, 1), numbers(5, 107, 101)),
    "two ways": (numbers(40, 41, 42).transpose(2, 1, 0), numbers(41, 42, 40).transpose(1, 0, 2)),
    "sliced": (numbers(300, 400)[:, 10:210], numbers(300, 200)),
    "every other": (numbers(300, 400)[:, ::2], numbers(600, 200)[::2]),
    "reversed": (numbers(300, 200)[::-1], numbers(300, 200)[:, ::-1]),
    "reversed both": (numbers(300, 200)[::-1, ::-1], numbers(300, 200)[::-1, ::-1]),
    "channels": (numbers(4, 30, 20, 25), numbers(1, 30, 1, 1)),
    "channels last": (numbers(4, 20, 25, 30).transpose(0, 3, 1, 2), numbers(1, 30, 1, 1)),
    "expanded": (np.broadcast_to(numbers(200), (300, 200)), numbers(300, 200)),
    "five dimensions": (numbers(4, 5, 6, 7, 90), numbers(5, 1, 7, 1)),
    "nothing": (numbers(0, 50000), numbers(50000)),
}


@pytest.mark.parametrize("name", PAIRS)
def test_values_are_those_of_the_ufunc_and_the_first_operand_decides_the_order(add, name):
    for x, y in (PAIRS[name], PAIRS[name][::-1]):
        expected = add(x, y, out=...)
        result = strided.apply(add, (x, y))
        assert np.array_equal(result, expected)
        if result.size:
            assert result.strides == empty(result.shape, result.dtype, (x, y)).strides


def test_the_order_of_results():
    for name, first in (("transposed", (4, 1204)), ("reversed", (800, 4)),
                        ("reversed both", (800, 4)), ("row", (4 * PAIRS["row"][0].shape[1], 4))):
        x, y = PAIRS[name]
        assert empty(np.broadcast_shapes(x.shape, y.shape), x.dtype, (x, y)).strides == first


@pytest.mark.parametrize("name", PAIRS)
def test_into_an_output(add, name):
    x, y = PAIRS[name]
    expected = x + y
    out = np.zeros(expected.shape, np.float32)
    assert strided.apply(add, (x, y), out) is out
    assert np.array_equal(out, expected)
    turned = np.zeros(expected.shape[::-1], np.float32).T
    strided.apply(add, (x, y), turned)
    assert np.array_equal(turned, expected)


def test_output_that_shares_memory(add):
    x = numbers(300, 300)
    expected = x + x.T
    strided.apply(add, (x, x.T), x)
    assert np.array_equal(x, expected)
    y = numbers(301, 300)
    expected = y[:-1] + y[1:]
    strided.apply(add, (y[:-1], y[1:]), y[1:])
    assert np.array_equal(y[1:], expected)


def test_nothing_beside_a_sliced_output_is_written(add):
    room = np.zeros((320, 320), np.float32)
    strided.apply(add, (numbers(200, 300).T, np.ones((300, 200), np.float32)), room[5:305, 7:207])
    room[5:305, 7:207] = 0
    assert not room.any()


def test_shapes_that_do_not_fit(add):
    with pytest.raises(ValueError):
        strided.apply(add, (numbers(300, 200), numbers(300)))
    with pytest.raises(ValueError):
        strided.apply(add, (numbers(300, 200), numbers(200)), np.zeros((200,), np.float32))


def test_the_number_of_threads_does_not_show():
    x, row = rl.randn(400, 300), rl.randn(300)
    before, results = features.get_num_threads(), []
    try:
        for count in (1, 2, 3):
            features.set_num_threads(count)
            results.append((rl.nn.functional.gelu(x.t()) * row[:, None] + x.t()).numpy().tobytes())
    finally:
        features.set_num_threads(before)
    assert len(set(results)) == 1


@pytest.mark.parametrize("dtype", [rl.bool, rl.int16, rl.bfloat16, rl.float16, rl.float64,
                                   rl.complex64])
def test_other_dtypes(dtype):
    x = (rl.randn(203, 301) * 10).to(dtype)
    y = (rl.randn(301, 1) * 10).to(dtype)
    whole = rl.where(x.t() == y, x.t(), y.expand(301, 203))
    for i in (0, 150, 300):
        assert rl.equal(whole[i], rl.where(x[:, i] == y[i], x[:, i], y[i].expand(203)))


def test_extremes_in_every_layout():
    values = np.array([np.inf, -np.inf, np.nan, 0.0, -0.0, 1e38, -1e38, 1e-45, 3.0], np.float32)
    x = rl.from_numpy(np.resize(values, (300, 211)).T.copy())
    row = rl.from_numpy(np.resize(values[::-1], 300).copy())
    with np.errstate(all="ignore"):
        expected = x.numpy() * row.numpy() + x.numpy()
    assert np.array_equal((x * row + x).numpy(), expected, equal_nan=True)


def test_recycling_takes_numbers_and_other_shapes():
    seen = []
    run = recycling(lambda *arrays, out: seen.append(len(arrays)) or np.add(*arrays, out=out))
    x = numbers(300, 200)
    assert np.array_equal(run(np.array(1, np.float32), x), x + 1)
    assert np.array_equal(run(x, x[0]), x + x[0])
    assert seen == [2, 2]


@pytest.mark.parametrize("order", [(2, 1, 0), (1, 2, 0), (0, 2, 1)])
def test_results_are_written_along_their_memory(add, order) -> None:
    """Also where the operands lie across each other, whichever of them has the result's order."""
    turned = np.zeros((40, 50, 60), np.float32).transpose(order)
    plain = np.ones(turned.shape, np.float32)
    for arrays in ((turned, plain), (plain, turned)):
        plan = strided._planned(strided.LOOPS[add], arrays, ...)
        assert plan is not None
        words = struct.unpack(f"{len(plan.words) // 8}q", plan.words)
        out = 7 + 2 * 5  # after the fields of the plan and those of two inputs
        column, size = words[out + 2], words[out + 3]
        assert column == size == 4
