"""Loaders with worker processes: the same batches as without, and every option."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rushlight as rl
from rushlight.utils.data import (
    DataLoader,
    IterableDataset,
    get_worker_info,
    transport,
    worker_pool,
)


class Squares:
    """The square of each index, as numbers and as an array that is large enough to be shared."""

    def __len__(self) -> int:
        return 11

    def __getitem__(self, index: int) -> tuple[int, rl.Tensor]:
        return index, rl.full((40, 40), float(index * index))


class Augmented:
    """Samples that draw random numbers of every sort."""

    def __len__(self) -> int:
        return 13

    def __getitem__(self, index: int) -> Any:
        draws = [rl.rand(()).item(), rl.randn(3).sum().item(), np.random.rand(),
                 np.random.standard_normal(), random.random(), random.gauss(0, 1)]
        return index, np.array(draws[:index % 7])[:, None].sum(), draws[-1]


class Shared(IterableDataset):
    """Numbers that workers share among them."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __iter__(self) -> Iterator[Any]:
        worker = get_worker_info()
        first, step = (0, 1) if worker is None else (worker.id, worker.num_workers)
        for i in range(first, self.count, step):
            yield i, random.random()


def values(batch: Any) -> Any:
    if isinstance(batch, list | tuple):
        return list(map(values, batch))
    return batch.tolist() if hasattr(batch, "tolist") else batch


def epochs(count: int, data: Any, **options: Any) -> list[Any]:
    """All batches of some epochs after fixed seeds, and what the main program draws meanwhile."""
    rl.manual_seed(3)
    np.random.seed(4)
    random.seed(5)
    loader = DataLoader(data, **options)
    found: list[Any] = []
    for _ in range(count):
        for batch in loader:
            found += [values(batch), np.random.standard_normal(), random.gauss(0, 1)]
        found += [rl.rand(1).item(), np.random.rand(), random.random()]
    return found


@pytest.mark.parametrize("options", [
    {"num_workers": 1}, {"num_workers": 2}, {"num_workers": 4},
    {"num_workers": 2, "persistent_workers": True, "prefetch_factor": 5},
    {"num_workers": 3, "batch_size": None}, {"num_workers": 2, "drop_last": True},
    {"num_workers": 2, "multiprocessing_context": "spawn"},
    pytest.param({"num_workers": 1, "multiprocessing_context": "spawn"}, marks=pytest.mark.slow),
    pytest.param({"num_workers": 4, "multiprocessing_context": "spawn"}, marks=pytest.mark.slow),
    pytest.param({"num_workers": 2, "multiprocessing_context": "forkserver"},
                 marks=pytest.mark.slow)])
def test_batches_are_the_same_with_any_number_of_workers(options: dict[str, Any]) -> None:
    same = {"batch_size": 3, "shuffle": True} | {
        k: v for k, v in options.items() if k in ("batch_size", "drop_last")}
    alone = epochs(2, Augmented(), **same)
    assert epochs(2, Augmented(), **(same | options)) == alone
    assert alone[0] != alone[len(alone) // 2]  # epochs differ


def test_random_numbers_follow_all_seeds_and_only_them() -> None:
    def drawn(a: int, b: int, c: int) -> Any:
        rl.manual_seed(a)
        np.random.seed(b)
        random.seed(c)
        return [values(batch) for batch in DataLoader(Augmented(), 13)]

    first = drawn(0, 0, 0)
    assert drawn(0, 0, 0) == first
    assert len({str(drawn(*seeds)) for seeds in ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1))}) == 4


def test_loaders_inside_data_sets() -> None:
    class Nested:
        def __len__(self) -> int:
            return 3

        def __getitem__(self, index: int) -> Any:
            before = np.random.rand(), random.random(), rl.rand(1).item()
            inner = [values(batch) for batch in DataLoader(Augmented(), 5)]
            return str((index, before, inner, np.random.rand(), random.random(), rl.rand(1).item()))

    rl.manual_seed(0)
    alone = list(DataLoader(Nested()))
    rl.manual_seed(0)
    assert list(DataLoader(Nested(), num_workers=2)) == alone


def test_batches_keep_their_values() -> None:
    """Memory that workers write to again must not be what somebody still looks at."""
    loader = DataLoader(Squares(), 2, num_workers=2, prefetch_factor=1)
    kept = [batch for _ in range(4) for batch in loader]
    views = [batch[1][-1, 3:5] for batch in kept]
    assert len(kept) == 24
    for (index, data), view in zip(kept, views, strict=True):
        assert data.tolist() == (index.double() ** 2)[:, None, None].expand(-1, 40, 40).tolist()
        data.add_(1)
        assert view[0, 0].item() == data[-1, 3, 0].item()


def test_memory_is_used_again() -> None:
    loader = DataLoader(range(400), 1, num_workers=1, persistent_workers=True,
                        collate_fn=lambda items: rl.full((50_000,), float(items[0])))
    for _ in loader:
        pass
    assert len(loader._pool.members[0].reader._segments) <= 5
    loader.collate_fn = rl.tensor


def test_batches_that_grow() -> None:
    loader = DataLoader(range(30), 1, num_workers=1,
                        collate_fn=lambda items: np.full(1000 * items[0] ** 2, items[0]))
    for i, batch in enumerate(loader):
        assert batch.shape == (1000 * i * i,) and (batch == i).all()


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_without_shared_memory(start: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "available", lambda: False)
    if start == "fork":  # a spawned process would not see the change
        found = [values(b)[0] for b in DataLoader(Squares(), 4, num_workers=2)]
        assert found == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10]]
    writer = transport.Writer(None)  # type: ignore[arg-type]
    assert not writer._shared


def test_when_shared_memory_runs_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    for index, data in DataLoader(Squares(), 4, num_workers=2):
        assert data[:, 0, 0].tolist() == [i * i for i in index.tolist()]


def test_all_that_a_batch_may_hold() -> None:
    large = rl.arange(5000.0)
    parameter = rl.nn.Parameter(large.clone())
    value = {"text": "x", "list": [1, (2.5, None)], "bf": large.bfloat16(), "turned":
             large.view(50, 100).t(), "part": large[::3], "p": parameter, "a": np.arange(9000),
             "order": np.asfortranarray(np.ones((70, 80))), "empty": rl.ones(0), "twice":
             [large, large], "bytes": b"y" * 100_000}
    (found,) = DataLoader([value], batch_size=None, num_workers=1, collate_fn=lambda x: x)
    assert list(found) == list(value) and found["text"] == "x" and found["list"] == value["list"]
    for name in ("bf", "turned", "part", "empty"):
        assert found[name].equal(value[name]) and found[name].dtype is value[name].dtype
    assert type(found["p"]) is rl.nn.Parameter and found["p"].requires_grad
    assert found["twice"][0] is found["twice"][1] and found["bytes"] == value["bytes"]
    assert (found["a"] == value["a"]).all() and found["order"].flags.f_contiguous
    found["a"][0] = 7  # all of it can be written to
    found["bf"].add_(1)


def test_large_orders_and_batches_do_not_block_each_other() -> None:
    """More than a pipe holds, both ways at once."""
    loader = DataLoader(range(600_000), 200_000, num_workers=2, prefetch_factor=3,
                        collate_fn=lambda items: [bytes(2_000_000), len(items)])
    assert [batch[1] for batch in loader] == [200_000] * 3


# ---- iterable data sets -------------------------------------------------------------------------

def test_iterable_data_are_shared_by_the_user() -> None:
    alone = [values(b) for b in DataLoader(Shared(7), 2)]
    assert [b[0] for b in alone] == [[0, 1], [2, 3], [4, 5], [6]]
    rl.manual_seed(0)
    two = [values(b) for b in DataLoader(Shared(7), 2, num_workers=2)]
    assert [b[0] for b in two] == [[0, 2], [1, 3], [4, 6], [5]]
    rl.manual_seed(0)
    assert [values(b) for b in DataLoader(Shared(7), 2, num_workers=2)] == two
    rl.manual_seed(0)
    one = [values(b) for b in DataLoader(Shared(7), 2, num_workers=1)]
    rl.manual_seed(0)
    assert [values(b) for b in DataLoader(Shared(7), 2)] == one
    assert [values(b)[0] for b in DataLoader(Shared(7), 2, num_workers=3, drop_last=True)] == [
        [0, 3], [1, 4], [2, 5]]
    assert [values(b)[0] for b in DataLoader(Shared(3), 2, num_workers=4)] == [[0], [1], [2]]
    assert len(list(DataLoader(Shared(0), num_workers=2))) == 0


def test_epochs_of_iterable_data_with_persistent_workers() -> None:
    loader = DataLoader(Shared(5), 1, num_workers=2, persistent_workers=True)
    for _ in range(3):
        assert sorted(b[0].item() for b in loader) == [0, 1, 2, 3, 4]


# ---- options ------------------------------------------------------------------------------------

class Who:
    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> Any:
        info = get_worker_info()
        assert info is not None and info.dataset is not None
        return info.id, info.num_workers, info.seed, os.getpid(), rl.get_num_threads()


def test_what_workers_know() -> None:
    rows = [values(b) for b in DataLoader(Who(), 2, num_workers=2)]
    assert [row[0] for row in rows] == [[0, 0], [1, 1], [0, 0], [1, 1]]
    assert rows[1][2][0] == rows[0][2][0] + 1 and all(row[1] == [2, 2] for row in rows)
    assert len({row[3][0] for row in rows}) == 2 and os.getpid() not in rows[0][3]
    assert all(row[4] == [1, 1] for row in rows)
    assert get_worker_info() is None


@pytest.mark.parametrize("persistent", [False, True])
def test_workers_persist_or_not(persistent: bool) -> None:
    loader = DataLoader(Who(), 8, num_workers=1, persistent_workers=persistent)
    seen = {values(next(iter(loader)))[3][0] for _ in range(3)}
    assert len(seen) == (1 if persistent else 3)


def test_a_pass_that_is_given_up() -> None:
    loader = DataLoader(Squares(), 1, num_workers=2, persistent_workers=True)
    for _ in range(5):
        for i, (index, _) in enumerate(loader):
            assert index.item() == i
            if i == 2:
                break
    first, second = iter(loader), iter(loader)
    assert next(second)[0].item() == 0
    with pytest.raises(RuntimeError, match="persistent workers serve one at a time"):
        next(first)


def test_two_passes_at_once() -> None:
    loader = DataLoader(range(3), num_workers=2)
    assert [(a.item(), b.item()) for a, b in zip(loader, loader, strict=True)] == [
        (0, 0), (1, 1), (2, 2)]


def held_back(gate: Path, number: int) -> None:
    """Let worker 0 begin once a file is there."""
    end = time.monotonic() + 300
    while number == 0 and not gate.exists() and time.monotonic() < end:
        time.sleep(0.005)


class Opening:
    """Numbers; whoever fetches 1 opens the gate."""

    def __init__(self, gate: Path) -> None:
        self.gate = gate

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> int:
        if index == 1:
            self.gate.touch()
        return index


def test_order_may_be_given_up(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    loader = DataLoader(range(8), num_workers=2, in_order=False,
                        worker_init_fn=partial(held_back, gate))
    passing = iter(loader)
    first = next(passing).item()
    gate.touch()
    assert sorted([first, *(batch.item() for batch in passing)]) == list(range(8))
    assert first % 2 == 1  # of the other worker, which did not wait
    gate.unlink()
    ordered = DataLoader(Opening(gate), num_workers=2, worker_init_fn=partial(held_back, gate))
    assert [batch.item() for batch in ordered] == list(range(8))
    with pytest.raises(RuntimeError, match="in_order=False"):
        passing = iter(loader)
        loader.state_dict()
    del passing


def test_timeouts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_pool, "PATIENCE", 0.1)  # with one that would wait for ever
    loader = DataLoader(range(2), num_workers=1, timeout=0.2,
                        worker_init_fn=partial(held_back, tmp_path / "never"))
    with pytest.raises(RuntimeError, match=r"DataLoader timed out after 0\.2 seconds"):
        list(loader)


def test_accepted_options() -> None:
    loader = DataLoader(range(2), num_workers=1, pin_memory=True, pin_memory_device="cuda",
                        prefetch_factor=7)
    assert loader.prefetch_factor == 7 and [b.item() for b in loader] == [0, 1]
    assert DataLoader(range(2), num_workers=1).prefetch_factor == 2
    with pytest.raises(ValueError, match="cannot find context for 'thread'"):
        list(DataLoader(range(2), num_workers=1, multiprocessing_context="thread"))
