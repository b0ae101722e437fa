"""A loader goes on in the middle of an epoch, in another program, with other workers."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import rushlight as rl
from rushlight.utils.data import (
    BatchSampler,
    DataLoader,
    IterableDataset,
    RandomSampler,
    Sampler,
    WeightedRandomSampler,
    get_worker_info,
)


class Augmented:
    """Samples with random numbers in them; it counts how often it is asked."""

    asked = 0

    def __len__(self) -> int:
        return 23

    def __getitem__(self, index: int) -> Any:
        self.asked += 1
        return index, rl.rand(()).item(), np.random.rand(), random.random()


class Halves(Sampler[int]):
    """A sampler of one's own that draws from all three streams."""

    def __iter__(self) -> Iterator[int]:
        order = list(range(23))
        random.shuffle(order)
        order = order[np.random.randint(5):]
        yield from (order[i] for i in rl.randperm(len(order)).tolist())

    def __len__(self) -> int:
        return 23


def values(batch: Any) -> Any:
    return [x.tolist() if hasattr(x, "tolist") else x for x in batch]


def seeded(seed: int) -> None:
    rl.manual_seed(seed)
    np.random.seed(seed)
    random.seed(seed)


def saved(state: Any) -> Any:
    """Through a file, as a checkpoint is."""
    file = io.BytesIO()
    rl.save(state, file)
    file.seek(0)
    return rl.load(file)


ORDERS = {
    "shuffled": lambda: {"shuffle": True, "batch_size": 4},
    "in order": lambda: {"batch_size": 4, "drop_last": True},
    "own generator": lambda: {"shuffle": True, "batch_size": 4,
                              "generator": rl.Generator().manual_seed(5)},
    "with replacement": lambda: {"sampler": RandomSampler(range(23), True, 40), "batch_size": 4},
    "weighted": lambda: {"sampler": WeightedRandomSampler([1.0] * 23, 30), "batch_size": 4},
    "own sampler": lambda: {"sampler": Halves(), "batch_size": 4},
    "batches": lambda: {"batch_sampler": BatchSampler(RandomSampler(range(23)), 5, False)},
    "single": lambda: {"batch_size": None, "shuffle": True},
}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("before", "after"), [(0, 0), (0, 2), (2, 0), (1, 3)])
def test_the_rest_of_the_epoch_is_the_same(order: str, before: int, after: int) -> None:
    seeded(7)
    loader = DataLoader(Augmented(), num_workers=before, **ORDERS[order]())
    passing = iter(loader)
    for _ in range(2):
        next(passing)
    state = saved(loader.state_dict())
    rest = [values(batch) for batch in passing]
    streams = rl.get_rng_state()

    seeded(99)  # another program
    again = DataLoader(Augmented(), num_workers=after, **ORDERS[order]())
    again.load_state_dict(state)
    assert [values(batch) for batch in again] == rest and rest
    expected = np.random.RandomState(99)
    assert np.random.rand() == expected.rand()  # its own numbers are untouched
    rl.set_rng_state(streams)
    if order == "own generator":  # which has moved on as the first one has
        assert [values(b) for b in again] == [values(b) for b in loader]


def test_nothing_is_fetched_again() -> None:
    data = Augmented()
    loader = DataLoader(data, 4)
    passing = iter(loader)
    for _ in range(4):
        next(passing)
    state = loader.state_dict()
    data.asked = 0
    loader.load_state_dict(state)
    assert len(list(loader)) == 2 and data.asked == 7


def test_batches_that_were_made_ahead_are_not_lost() -> None:
    loader = DataLoader(Augmented(), 4, num_workers=2, prefetch_factor=3)
    passing = iter(loader)
    assert values(next(passing))[0] == [0, 1, 2, 3]
    again = DataLoader(Augmented(), 4)
    again.load_state_dict(loader.state_dict())
    assert [values(b)[0][0] for b in again] == [4, 8, 12, 16, 20]


def test_a_state_that_was_gone_on_from() -> None:
    seeded(0)
    loader = DataLoader(Augmented(), 4, shuffle=True)
    whole = [values(batch) for batch in loader]
    seeded(0)
    found: list[Any] = []
    state: Any = {}
    for _ in whole:  # a new program for every batch
        loader = DataLoader(Augmented(), 4, shuffle=True)
        loader.load_state_dict(state)
        assert loader.state_dict() == state or state
        passing = iter(loader)
        found.append(values(next(passing)))
        state = saved(loader.state_dict())
        seeded(len(found))
    assert found == whole


def test_between_epochs_there_is_nothing_to_go_on_with() -> None:
    loader = DataLoader(Augmented(), 4)
    assert loader.state_dict() == {}
    list(loader)
    assert loader.state_dict() == {}
    again = DataLoader(Augmented(), 4)
    again.load_state_dict({})
    assert len(list(again)) == 6
    passing = iter(loader)
    for _ in range(6):
        next(passing)
    again.load_state_dict(loader.state_dict())
    assert list(again) == [] and len(list(again)) == 6  # the epoch's end, then a whole epoch


class Stream(IterableDataset):
    def __iter__(self) -> Iterator[Any]:
        worker = get_worker_info()
        first, step = (0, 1) if worker is None else (worker.id, worker.num_workers)
        for i in range(first, 20, step):
            yield i, random.random(), rl.rand(()).item(), np.random.rand()


@pytest.mark.parametrize("workers", [0, 2])
def test_iterable_data_are_read_again_up_to_the_place(workers: int) -> None:
    seeded(1)
    loader = DataLoader(Stream(), 3, num_workers=workers)
    passing = iter(loader)
    for _ in range(3):
        next(passing)
    state = saved(loader.state_dict())
    rest = [values(batch) for batch in passing]
    seeded(2)
    again = DataLoader(Stream(), 3, num_workers=workers)
    again.load_state_dict(state)
    assert [values(batch) for batch in again] == rest and rest
    with pytest.raises(ValueError, match=f"the state is of {workers} workers, which shared"):
        DataLoader(Stream(), 3, num_workers=1).load_state_dict(state)


def test_other_dictionaries_are_refused() -> None:
    with pytest.raises(ValueError, match=r"takes what state_dict\(\) of a loader returned"):
        DataLoader(Augmented()).load_state_dict({"epoch": 3})
