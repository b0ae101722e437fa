"""Data sets and samplers; orders of a seed are recorded from torch."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import Any

import pytest

import rushlight as rl
from rushlight.utils import data
from rushlight.utils.data import (
    BatchSampler,
    ChainDataset,
    ConcatDataset,
    Dataset,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    StackDataset,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
    random_split,
)


class Counting(IterableDataset):
    def __init__(self, *numbers: int) -> None:
        self.numbers = numbers

    def __iter__(self) -> Iterator[int]:
        return iter(self.numbers)

    def __len__(self) -> int:
        return len(self.numbers)


def test_tensors() -> None:
    data = TensorDataset(rl.arange(4), rl.ones(4, 2))
    assert len(data) == 4
    assert data[2][0].item() == 2 and data[2][1].tolist() == [1.0, 1.0]
    with pytest.raises(AssertionError, match="Size mismatch between tensors"):
        TensorDataset(rl.ones(2), rl.ones(3))


def test_concatenation() -> None:
    data = ConcatDataset([[0, 1], [2], [], [3, 4]])
    assert [data[i] for i in range(5)] == [0, 1, 2, 3, 4]
    assert data[-5] == 0 and data.cumulative_sizes == [2, 3, 3, 5]
    with pytest.raises(ValueError, match="absolute value of index should not exceed"):
        data[-6]
    with pytest.raises(AssertionError, match="should not be an empty iterable"):
        ConcatDataset([])
    with pytest.raises(AssertionError, match="does not support IterableDataset"):
        ConcatDataset([Counting(1)])
    sets = TensorDataset(rl.arange(2)) + TensorDataset(rl.arange(3))
    assert isinstance(sets, ConcatDataset) and len(sets) == 5


def test_chain() -> None:
    chain = Counting(1, 2) + Counting(3)
    assert isinstance(chain, ChainDataset)
    assert list(chain) == [1, 2, 3] and len(chain) == 3
    with pytest.raises(AssertionError, match="only supports IterableDataset"):
        list(ChainDataset([[1]]))


def test_stack() -> None:
    assert StackDataset([1, 2], ["a", "b"])[1] == (2, "b")
    named = StackDataset(x=[1, 2], y=Subset([5, 6, 7], [2, 0]))
    assert named[0] == {"x": 1, "y": 7}
    assert named.__getitems__([1, 0]) == [{"x": 2, "y": 5}, {"x": 1, "y": 7}]
    assert StackDataset([1, 2], ["a", "b"]).__getitems__([1]) == [(2, "b")]
    with pytest.raises(ValueError, match="Size mismatch between datasets"):
        StackDataset([1], [1, 2])
    with pytest.raises(ValueError, match="At least one dataset"):
        StackDataset()
    with pytest.raises(ValueError, match="both types are given"):
        StackDataset([1], x=[1])


def test_subset() -> None:
    part = Subset([10, 11, 12], [2, 1])
    assert (len(part), part[0], part.__getitems__([1, 0])) == (2, 12, [11, 12])

    class Doubled(Subset):
        def __getitem__(self, index: Any) -> Any:
            return 2 * super().__getitem__(index)

    with pytest.raises(NotImplementedError, match="overrides __getitem__ but not __getitems__"):
        Doubled([1], [0])


def test_unwritten_methods_say_so() -> None:
    with pytest.raises(NotImplementedError, match="should implement __getitem__"):
        Dataset()[0]
    with pytest.raises(NotImplementedError, match="should implement __iter__"):
        iter(IterableDataset())


def test_random_split_is_torchs() -> None:
    rl.manual_seed(42)
    parts = random_split(range(10), [0.5, 0.3, 0.2])
    assert [list(p) for p in parts] == [[2, 6, 1, 8, 4], [5, 0, 9], [3, 7]]
    assert [len(p) for p in random_split(range(11), [0.5, 0.5])] == [6, 5]
    with pytest.raises(ValueError, match="does not equal the length of the input dataset"):
        random_split(range(10), [5, 6])
    with pytest.raises(ValueError, match="Fraction at index 0 is not between 0 and 1"):
        random_split(range(10), [1.5, -0.5])
    with pytest.warns(UserWarning, match="Length of split at index 1 is 0"):
        random_split(range(1), [0.9, 0.1])


def test_random_orders_of_a_seed() -> None:
    generator = rl.Generator().manual_seed(5)
    drawn = list(RandomSampler(range(5), replacement=True, num_samples=40, generator=generator))
    assert len(drawn) == 40 and drawn[:12] == [1, 4, 2, 0, 1, 0, 2, 3, 3, 4, 4, 0]
    assert list(RandomSampler(range(5), num_samples=8, generator=generator)) == [
        1, 2, 0, 4, 3, 0, 3, 4]
    assert list(WeightedRandomSampler([0.1, 0.5, 0.4], 5, generator=generator)) == [2, 1, 1, 1, 1]
    assert list(SubsetRandomSampler([7, 8, 9], generator=generator)) == [9, 8, 7]


def test_each_pass_has_another_order() -> None:
    rl.manual_seed(0)
    sampler = RandomSampler(range(50))
    first, second = list(sampler), list(sampler)
    assert sorted(first) == sorted(second) == list(range(50)) and first != second


def test_batches() -> None:
    assert list(BatchSampler(SequentialSampler(range(5)), 2, False)) == [[0, 1], [2, 3], [4]]
    assert list(BatchSampler(SequentialSampler(range(5)), 2, True)) == [[0, 1], [2, 3]]
    assert len(BatchSampler(range(5), 2, False)) == 3 and len(BatchSampler(range(5), 2, True)) == 2


@pytest.mark.parametrize(("make", "error", "message"), [
    (lambda: RandomSampler(range(0)), ValueError, "num_samples should be a positive integer"),
    (lambda: RandomSampler(range(3), replacement=1), TypeError, "replacement should be a boolean"),
    (lambda: RandomSampler(range(3), num_samples=-1), ValueError, "num_samples=-1"),
    (lambda: WeightedRandomSampler([1.0], 0), ValueError, "num_samples=0"),
    (lambda: WeightedRandomSampler([[1.0]], 1), ValueError, "weights should be a 1d sequence"),
    (lambda: BatchSampler(range(3), 0, False), ValueError, "batch_size should be a positive"),
    (lambda: BatchSampler(range(3), True, False), ValueError, "batch_size=True"),
    (lambda: BatchSampler(range(3), 1, 0), ValueError, "drop_last should be a boolean"),
])
def test_bad_arguments(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()


def test_packed_lists() -> None:
    items = [("a.png", 0), {"x": rl.ones(2)}, None, "text", [1.5] * 10]
    packed = data.PackedList(items)
    assert len(packed) == 5 and packed[0] == ("a.png", 0) and packed[-1] == [1.5] * 10
    assert packed[1]["x"].tolist() == [1, 1] and packed[2:4] == [None, "text"]
    assert [type(item) for item in packed] == [type(item) for item in items]
    packed[4].append(3)  # of an object made anew
    assert packed[4] == [1.5] * 10 and "text" in packed and "5 items" in repr(packed)
    again = pickle.loads(pickle.dumps(packed))
    assert again[0] == packed[0] and len(data.PackedList()) == 0
    for index in (5, -6):
        with pytest.raises(IndexError):
            packed[index]
    loader = data.DataLoader(data.PackedList(range(6)), 3, num_workers=2)
    assert [batch.tolist() for batch in loader] == [[0, 1, 2], [3, 4, 5]]


def test_data_pipes_say_what_to_use() -> None:
    for name in ("IterDataPipe", "datapipes", "functional_datapipe"):
        with pytest.raises(AttributeError, match=r"data pipes are left out.*IterableDataset"):
            getattr(data, name)
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        _ = data.nonsense
