"""Reading, writing and adding through every kind of index, against NumPy."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rushlight.base import index as indexing

QUIET = [HealthCheck.too_slow, HealthCheck.filter_too_much]


@st.composite
def slices(draw, size):
    bound = st.none() | st.integers(-size - 2, size + 2)
    step = draw(st.sampled_from([None, 1, 2, 3, -1, -2, -3]))
    return slice(draw(bound), draw(bound), step)


@st.composite
def integer_arrays(draw, size, shape):
    shape = shape[draw(st.integers(0, len(shape))) :]  # fewer dimensions broadcast
    shape = tuple(draw(st.sampled_from([n, 1])) for n in shape)
    count = int(np.prod(shape, initial=1))
    values = draw(st.lists(st.integers(-size, size - 1), min_size=count, max_size=count))
    return np.array(values, np.int64).reshape(shape)


@st.composite
def masks(draw, shape):
    count = int(np.prod(shape, initial=1))
    values = draw(st.lists(st.booleans(), min_size=count, max_size=count))
    return np.array(values, bool).reshape(shape)


@st.composite
def cases(draw):
    """An array and a valid index of it: (array, index)."""
    shape = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=4)))
    index_shape = tuple(draw(st.lists(st.integers(1, 3), max_size=2)))
    # A mask picks its own number of elements: never beside integer arrays.
    kinds = draw(st.sampled_from([["array"], ["mask"]]))
    items, axis = [], 0
    dotted = False
    while axis < len(shape):
        kind = draw(st.sampled_from(["integer", "slice", "none", "dots", *kinds]))
        if kind == "dots":
            if dotted:
                break
            dotted = True
            items.append(Ellipsis)
            axis += draw(st.integers(0, len(shape) - axis))
            tail = len(shape) - axis
            items.extend(draw(slices(n)) for n in shape[len(shape) - tail :])
            break
        if kind == "none":
            items.append(None)
            continue
        size = shape[axis]
        if kind == "integer":
            items.append(draw(st.integers(-size, size - 1)))
        elif kind == "slice":
            items.append(draw(slices(size)))
        elif kind == "array":
            array = draw(integer_arrays(size, index_shape))
            items.append(int(array) if array.ndim == 0 else array)
        else:
            span = draw(st.integers(1, len(shape) - axis))
            items.append(draw(masks(shape[axis : axis + span])))
            kinds = []
            axis += span - 1
        axis += 1
    array = np.arange(int(np.prod(shape)), dtype=np.float32).reshape(shape)
    if draw(st.booleans()):
        array = array.transpose()  # not contiguous; the index may no longer suit it
        items = [item for item in items if item is None or item is Ellipsis]
    return array, tuple(items)


def is_array(item):
    return isinstance(item, np.ndarray)


def reference(array, index):
    """NumPy's answer, with integers taken before arrays as torch does."""
    if any(map(is_array, index)) and any(type(item) is int for item in index):
        first = []
        for item in index:
            whole = item.ndim if is_array(item) and item.dtype == bool else 1
            first += [slice(None)] * whole if is_array(item) else [item]
        rest = [item for item in index if type(item) is not int]
        rest = [slice(None) if item is None or type(item) is slice else item for item in rest]
        return np.asarray(array[tuple(first)])[tuple(rest)]
    return np.asarray(array[index])


def check_case(case):
    array, index = case
    expected = reference(array, index)
    result, is_view = indexing.read(array, index)
    assert type(result) is np.ndarray
    assert result.shape == expected.shape
    np.testing.assert_array_equal(result, expected)
    assert is_view == (not any(map(is_array, index)))
    if result.size:
        assert np.shares_memory(result, array) == is_view

    values = np.arange(1, expected.size + 1, dtype=np.float32).reshape(expected.shape)
    written = array.copy()
    indexing.write(written, index, values)
    places = reference(np.arange(array.size).reshape(array.shape), index).ravel()
    by_place = array.copy().reshape(-1)
    for place, value in zip(places, values.ravel(), strict=True):
        by_place[place] = value
    np.testing.assert_array_equal(written, by_place.reshape(array.shape))

    basic, advanced = indexing.split(array.shape, index)
    if advanced is not None:
        total = array.copy()
        indexing.accumulate(total[basic], advanced, values)
        by_place = array.copy().reshape(-1)
        np.add.at(by_place, places, values.ravel())
        np.testing.assert_array_equal(total, by_place.reshape(array.shape))


@settings(max_examples=500, deadline=None, suppress_health_check=QUIET, derandomize=True)
@given(cases())
def test_as_numpy(case):
    check_case(case)


@pytest.mark.slow
@settings(max_examples=20_000, deadline=None, suppress_health_check=QUIET)
@given(cases())
def test_as_numpy_many(case):
    check_case(case)


ARRAY = np.arange(24.0, dtype=np.float32).reshape(2, 3, 4)


@pytest.mark.parametrize(
    ("index", "shape", "is_view"),
    [
        (2 - 1, (3, 4), True),
        ((..., slice(1, 3)), (2, 3, 2), True),
        ((0, 0, 0), (), True),
        ((), (2, 3, 4), True),
        ((..., 0, ...), (2, 3), True),
        ((0, ..., ...), (3, 4), True),
        (np.int64(1), (3, 4), True),
        (np.array(1), (3, 4), True),
        (True, (1, 2, 3, 4), False),
        (False, (0, 2, 3, 4), False),
        ((True, [0, 1]), (2, 3, 4), False),
        ((slice(None), True, [0, 1]), (2, 2, 4), False),
        ((0, False), (0, 3, 4), False),
        ([], (0, 3, 4), False),
        ([0, 1], (2, 3, 4), False),
        ([True, False], (1, 3, 4), False),
        (range(2), (2, 3, 4), False),
        ((([0, 1], [1, 0]),), (2, 2, 3, 4), False),
        ((0, slice(None), [0, 1]), (3, 2), False),
        ((slice(None), 0, [0, 1]), (2, 2), False),
        (([0, 1], None, [0, 1]), (2, 1, 4), False),
        (([0, 1], 0, [0, 1]), (2,), False),
        (([0, 1], slice(None), [0, 1]), (2, 3), False),
        (np.ones((2, 3), bool), (6, 4), False),
        ((0, np.ones((3, 4), bool)), (12,), False),
        ((slice(None), np.array([True, False, True]), [0, 1]), (2, 2), False),
        (np.array([0, 1], np.int32), (2, 3, 4), False),
    ],
)
def test_shapes_as_recorded_from_torch(index, shape, is_view):
    result, shared = indexing.read(ARRAY, index)
    assert (result.shape, shared) == (shape, is_view)


@pytest.mark.parametrize(
    ("index", "error", "message"),
    [
        (5, IndexError, r"index 5 is out of bounds for dimension 0 with size 2"),
        ((0, -4), IndexError, r"index -4 is out of bounds for dimension 1 with size 3"),
        ([0, 5], IndexError, r"index 5 is out of bounds for dimension 0 with size 2"),
        ((slice(None), [0, -4]), IndexError, r"index -4 is out of bounds for dimension 1"),
        ((0, 0, 0, 0), IndexError, r"too many indices for tensor of dimension 3"),
        (np.ones((2, 3, 4, 1), bool), IndexError, r"too many indices for tensor of dimension 3"),
        (
            ([0, 1], [0, 1, 2]),
            IndexError,
            r"shape mismatch: indexing tensors could not be broadcast together with shapes "
            r"\[2\], \[3\]",
        ),
        (
            (slice(None), np.ones(2, bool)),
            IndexError,
            r"The shape of the mask \[2\] at index 0 does not match the shape of the indexed "
            r"tensor \[2, 3, 4\] at index 1",
        ),
        (1.5, IndexError, r"only integers, slices \(`:`\).*got float"),
        ((0, {}), IndexError, r"only integers, slices \(`:`\).*got dict"),
        ("x", TypeError, r"invalid data type 'str'"),
        (slice(0, "x"), TypeError, r"slice indices must be integers or None"),
        (slice(None, None, 0), ValueError, r"slice step cannot be zero"),
        (np.array([0.0]), IndexError, r"tensors used as indices must be long, int, byte or bool"),
        (np.array([0], np.int8), IndexError, r"tensors used as indices must be long"),
    ],
)
def test_errors(index, error, message):
    with pytest.raises(error, match=message):
        indexing.read(ARRAY, index)
    with pytest.raises(error, match=message):
        indexing.write(ARRAY.copy(), index, 1.0)


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (0, r"invalid index of a 0-dim tensor"),
        (slice(None), r"slice\(\) cannot be applied to a 0-dim tensor"),
        ([0], r"too many indices for tensor of dimension 0"),
    ],
)
def test_errors_without_dimensions(index, message):
    with pytest.raises(IndexError, match=message):
        indexing.read(np.array(1.0), index)


def test_old_spellings_warn():
    with pytest.warns(UserWarning, match="non-tuple sequence"):
        result, _ = indexing.read(ARRAY, [[0, 1], [1, 2]])
    assert result.shape == (2, 4)
    with pytest.warns(UserWarning, match=r"dtype torch\.uint8 is now deprecated"):
        result, _ = indexing.read(ARRAY, np.array([1, 0], np.uint8))
    assert result.shape == (1, 3, 4)


@pytest.mark.parametrize(
    ("index", "value", "error", "message"),
    [
        (0, np.ones(2, np.float32), RuntimeError, r"The expanded size of the tensor \(4\) must"),
        (0, np.ones((2, 3, 4), np.float32), RuntimeError, r"expand\(.*the number of sizes"),
        ([0, 1], np.ones(2, np.float32), RuntimeError, r"shape mismatch: value tensor of shape"),
        ([0, 1], np.ones(4), RuntimeError, r"Index put requires the source and destination"),
        (0, 1j, RuntimeError, r"value cannot be converted to type float without overflow"),
        ([0], 1e300, RuntimeError, r"value cannot be converted to type float without overflow"),
        (0, [1.0], TypeError, r"can't assign a list to a"),
        ([0], "x", TypeError, r"can't assign a str to a"),
    ],
)
def test_write_errors(index, value, error, message):
    array = ARRAY.copy()
    with pytest.raises(error, match=message):
        indexing.write(array, index, value)
    np.testing.assert_array_equal(array, ARRAY)


@pytest.mark.parametrize(
    ("dtype", "value", "expected"),
    [
        (np.int64, 1.7, 1),
        (np.int64, 2**63, None),
        (np.int64, float("nan"), None),
        (np.int32, 2**33, None),
        (np.int8, 300, None),
        (np.uint8, -1, 255),
        (np.uint8, -300, None),
        (np.bool_, 2, True),
        (np.bool_, 1j, True),
        (np.float16, 1e6, np.inf),
        (ml_dtypes.bfloat16, 1e39, np.inf),
        (np.float32, float("inf"), np.inf),
        (np.complex64, 1j, 1j),
        (np.int32, np.float64(2.5), 2),
    ],
)
def test_numbers_must_fit(dtype, value, expected):
    for index in (0, [0]):
        array = np.zeros(2, dtype)
        if expected is None:
            with pytest.raises(RuntimeError, match="value cannot be converted to type"):
                indexing.write(array, index, value)
        else:
            indexing.write(array, index, value)
            assert array[0] == expected


def test_write_casts_through_basic_indices_and_masks():
    array = np.zeros(3, np.int64)
    indexing.write(array, slice(0, 2), np.array([1.9, np.nan], np.float32))
    assert array[0] == 1
    indexing.write(array, np.array([True, False, True]), np.array([5.5]))
    assert array.tolist()[::2] == [5, 5]
    with pytest.warns(UserWarning, match="discards the imaginary part"):
        indexing.write(array, 0, np.array(2 + 1j))
    assert array[0] == 2


def test_leading_ones_of_the_value_do_not_matter():
    array = ARRAY.copy()
    indexing.write(array, 0, np.ones((1, 1, 3, 4), np.float32))
    indexing.write(array, ([1],), np.ones((1, 1, 1, 3, 4), np.float32))
    assert (array == 1).all()


@pytest.mark.parametrize("width", [1, 3, 300])
@pytest.mark.parametrize("dtype", [np.float32, np.int64, ml_dtypes.bfloat16])
def test_accumulate_repeated_rows(width, dtype):
    numbers = np.random.default_rng(0)
    rows = np.zeros((5, width), dtype)
    where = numbers.integers(-5, 5, 40)
    values = numbers.integers(-3, 4, (40, width)).astype(dtype)
    expected = np.zeros((5, width), np.int64)
    np.add.at(expected, where, values.astype(np.int64))
    indexing.accumulate(rows, (where,), values)
    np.testing.assert_array_equal(rows.astype(np.int64), expected)


def test_accumulate_errors():
    rows = np.zeros((5, 2), np.float32)
    with pytest.raises(IndexError, match="index 5 is out of bounds for dimension 0 with size 5"):
        indexing.accumulate(rows, (np.array([0, 5]),), np.ones((2, 2), np.float32))
    with pytest.raises(RuntimeError, match="shape mismatch: value tensor of shape"):
        indexing.accumulate(rows, (np.array([0, 1]),), np.ones(3, np.float32))
