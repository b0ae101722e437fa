"""Collation and the loader in process."""

from __future__ import annotations

from collections import OrderedDict, defaultdict, namedtuple
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import rushlight as rl
from rushlight.utils.data import (
    BatchSampler,
    DataLoader,
    IterableDataset,
    TensorDataset,
    default_collate,
    default_convert,
)

Point = namedtuple("Point", "x y")


class Stream(IterableDataset):
    def __iter__(self) -> Iterator[int]:
        return iter(range(5))

    def __len__(self) -> int:
        return 4  # wrong on purpose


def test_collates_what_samples_are_made_of() -> None:
    batch = default_collate([
        {"image": rl.ones(2, 3), "label": 1, "weight": 0.5, "name": "a", "flag": True,
         "point": Point(1, [2.0, "z"]), "array": np.float32([1, 2]), "number": np.int16(4)},
        {"image": rl.zeros(2, 3), "label": 2, "weight": 1.5, "name": "b", "flag": False,
         "point": Point(3, [4.0, "y"]), "array": np.float32([3, 4]), "number": np.int16(5)},
    ])
    assert batch["image"].shape == (2, 2, 3) and batch["image"][1].sum() == 0
    assert (batch["label"].dtype, batch["label"].tolist()) == (rl.int64, [1, 2])
    assert (batch["weight"].dtype, batch["weight"].tolist()) == (rl.float64, [0.5, 1.5])
    assert (batch["flag"].dtype, batch["flag"].tolist()) == (rl.bool, [True, False])
    assert batch["name"] == ["a", "b"]
    assert isinstance(batch["point"], Point) and batch["point"].x.tolist() == [1, 3]
    assert batch["point"].y[0].tolist() == [2.0, 4.0] and batch["point"].y[1] == ("z", "y")
    assert (batch["array"].dtype, batch["array"].tolist()) == (rl.float32, [[1, 2], [3, 4]])
    assert (batch["number"].dtype, batch["number"].tolist()) == (rl.int16, [4, 5])


def test_kinds_of_containers_are_kept() -> None:
    ordered = default_collate([OrderedDict(a=1), OrderedDict(a=2)])
    assert type(ordered) is OrderedDict and ordered["a"].tolist() == [1, 2]
    counts = defaultdict(int, a=1)
    assert default_collate([counts, counts]).default_factory is int
    assert type(default_collate([(1, 2), (3, 4)])) is list


def test_collated_batches_share_nothing_with_the_samples() -> None:
    sample = rl.ones(2)
    batch = default_collate([sample, sample])
    batch[0, 0] = 5
    assert sample.tolist() == [1.0, 1.0] and batch[1, 0] == 1


def test_collation_keeps_gradients() -> None:
    x = rl.ones(2, requires_grad=True)
    default_collate([x, 2 * x]).sum().backward()
    assert x.grad is not None and x.grad.tolist() == [3.0, 3.0]


@pytest.mark.parametrize(("batch", "error", "message"), [
    ([rl.ones(2), rl.ones(3)], RuntimeError, "stack expects each tensor to be equal size"),
    ([[1, 2], [1]], RuntimeError, "each element in list of batch should be of equal size"),
    ([object()], TypeError, "must contain tensors, numpy arrays, numbers, dicts or lists; found"),
    ([np.array(["a"])], TypeError, "must contain tensors, numpy arrays"),
    ([None], TypeError, "found <class 'NoneType'>"),
])
def test_what_cannot_be_collated(batch: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        default_collate(batch)


def test_conversion() -> None:
    given = {"a": np.arange(2), "b": (np.float32(1), "x"), "c": [1, np.array(["s"])]}
    found = default_convert(given)
    assert found["a"].tolist() == [0, 1] and found["b"][0].item() == 1.0 and found["b"][1] == "x"
    assert found["c"][0] == 1 and isinstance(found["c"][1], np.ndarray)
    assert default_convert(Point(np.arange(1), 2)).x.tolist() == [0]


def batches(loader: DataLoader) -> list[Any]:
    return [batch.tolist() for batch in loader]


def test_batches_in_order() -> None:
    assert batches(DataLoader(range(5), 2)) == [[0, 1], [2, 3], [4]]
    assert batches(DataLoader(range(5), 2, drop_last=True)) == [[0, 1], [2, 3]]
    assert len(DataLoader(range(5), 2)) == 3 and len(DataLoader(range(5), 2, drop_last=True)) == 2
    assert list(DataLoader(range(3), batch_size=None)) == [0, 1, 2]
    assert batches(DataLoader(range(4), sampler=[3, 1], batch_size=2)) == [[3, 1]]
    assert batches(DataLoader(range(4), batch_sampler=[[3], [1, 2]])) == [[3], [1, 2]]
    assert list(DataLoader(range(3), 2, collate_fn=tuple)) == [(0, 1), (2,)]


def test_shuffled_batches_of_a_seed_are_torchs() -> None:
    rl.manual_seed(3)
    loader = DataLoader(list(range(10)), batch_size=4, shuffle=True)
    assert batches(loader) == [[6, 2, 0, 1], [8, 3, 5, 4], [7, 9]]
    assert batches(loader) == [[3, 4, 0, 9], [6, 7, 1, 2], [5, 8]]
    assert rl.rand(1).item() == pytest.approx(0.5944212079048157, abs=1e-7)
    generator = rl.Generator().manual_seed(5)
    assert batches(DataLoader(list(range(6)), 2, shuffle=True, generator=generator)) == [
        [1, 0], [4, 2], [3, 5]]


def test_whole_batches_are_asked_for_at_once() -> None:
    asked: list[Any] = []

    class Data:
        def __len__(self) -> int:
            return 4

        def __getitem__(self, index: int) -> int:
            raise AssertionError("not one by one")

        def __getitems__(self, indices: list[int]) -> list[int]:
            asked.append(indices)
            return indices

    assert batches(DataLoader(Data(), 3)) == [[0, 1, 2], [3]]
    assert asked == [[0, 1, 2], [3]]


def test_iterable_data() -> None:
    assert batches(DataLoader(Stream(), 2)) == [[0, 1], [2, 3], [4]]
    assert batches(DataLoader(Stream(), 2, drop_last=True)) == [[0, 1], [2, 3]]
    loader = DataLoader(Stream(), batch_size=None)
    assert [sample for sample in loader] == [0, 1, 2, 3, 4]  # noqa: C416 - list() asks for len()
    assert len(loader) == 4
    with pytest.warns(UserWarning, match="was reported to be 4"):
        list(loader)


def test_iterating_twice_at_once() -> None:
    loader = DataLoader(TensorDataset(rl.arange(3)))
    assert [(a[0].item(), b[0].item()) for a in loader for b in loader] == [
        (i, j) for i in range(3) for j in range(3)]


@pytest.mark.parametrize(("options", "message"), [
    ({"num_workers": -1}, "num_workers option should be non-negative"),
    ({"timeout": -1}, "timeout option should be non-negative"),
    ({"prefetch_factor": 2}, "prefetch_factor option could only be specified"),
    ({"persistent_workers": True}, "persistent_workers option needs num_workers > 0"),
    ({"shuffle": True, "sampler": [1]}, "sampler option is mutually exclusive with shuffle"),
    ({"batch_sampler": [[1]], "batch_size": 2}, "batch_sampler option is mutually exclusive"),
    ({"batch_size": None, "drop_last": True}, "batch_size=None option disables auto-batching"),
    ({"batch_size": 0}, "batch_size should be a positive integer value"),
])
def test_options_that_exclude_each_other(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DataLoader(range(3), **options)


@pytest.mark.parametrize("options", [
    {"shuffle": True}, {"sampler": [1]}, {"batch_sampler": BatchSampler([1], 1, False)}])
def test_iterable_data_have_no_order(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="DataLoader with IterableDataset: expected unspecified"):
        DataLoader(Stream(), **options)


def test_the_loader_is_fixed() -> None:
    loader = DataLoader(range(3))
    with pytest.raises(ValueError, match="batch_size attribute should not be set after"):
        loader.batch_size = 3
    loader.num_workers = 0


def test_errors_of_a_data_set_come_through() -> None:
    class Broken:
        def __len__(self) -> int:
            return 2

        def __getitem__(self, index: int) -> int:
            raise KeyError("sample 1 is damaged")

    with pytest.raises(KeyError, match="sample 1 is damaged"):
        list(DataLoader(Broken()))


def test_a_subclass_may_unlock_the_loader() -> None:
    """As loaders that never end do, by torch's private name."""
    class Repeating(DataLoader):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self._DataLoader__initialized = False
            self.batch_sampler = [*self.batch_sampler] * 2
            self._DataLoader__initialized = True

    loader = Repeating(range(4), 2)
    assert [batch.tolist() for batch in loader] == [[0, 1], [2, 3]] * 2
    with pytest.raises(ValueError, match="batch_sampler attribute should not be set"):
        loader.batch_sampler = []
