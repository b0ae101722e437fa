"""A group of one process, its collectives, and what is said where there is none."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import rushlight as rl
from rushlight import distributed as dist
from rushlight.nn.parallel import DistributedDataParallel


@pytest.fixture
def alone() -> Iterator[None]:
    dist.init_process_group("gloo", "tcp://localhost:1", rank=0, world_size=1)
    yield
    if dist.is_initialized():
        dist.destroy_process_group()


def test_a_group_of_one_answers(alone: None) -> None:
    assert dist.is_available() and dist.is_initialized()
    assert (dist.get_rank(), dist.get_world_size(), dist.get_backend()) == (0, 1, "gloo")
    with pytest.raises(ValueError, match="trying to initialize the default process group twice"):
        dist.init_process_group("gloo", rank=0, world_size=1)
    few = dist.new_group([0])
    assert dist.get_world_size(few) == 1 and dist.get_process_group_ranks(few) == [0]
    dist.destroy_process_group()
    assert not dist.is_initialized() and dist.group.WORLD is None


def test_collectives_of_one_leave_values_as_they_are(alone: None) -> None:
    x = rl.arange(4.0)
    for op in (dist.ReduceOp.SUM, dist.ReduceOp.AVG, dist.ReduceOp.MAX, dist.ReduceOp.PRODUCT):
        dist.all_reduce(x, op)
    dist.broadcast(x, 0), dist.reduce(x, 0), dist.barrier()
    assert x.tolist() == [0, 1, 2, 3]
    work = dist.all_reduce(x, async_op=True)
    assert work is not None and not work.is_completed() and work.wait() and work.is_completed()
    parts, flat = [rl.zeros(4)], rl.zeros(4)
    dist.all_gather(parts, x), dist.all_gather_into_tensor(flat, x)
    assert parts[0].tolist() == flat.tolist() == x.tolist()
    dist.scatter(flat, [rl.ones(4)], src=0), dist.reduce_scatter(x, [rl.full((4,), 7.0)])
    assert flat.tolist() == [1] * 4 and x.tolist() == [7] * 4
    objects: list[Any] = [None]
    dist.all_gather_object(objects, {"epoch": 3})
    dist.broadcast_object_list(objects)
    assert objects == [{"epoch": 3}]


@pytest.mark.parametrize("dtype", [rl.bfloat16, rl.complex64, rl.bool, rl.int64, rl.float16])
def test_every_dtype_travels(alone: None, dtype: rl.dtype) -> None:
    x = rl.tensor([[1, 0], [0, 1]], dtype=dtype)
    parts = [rl.zeros(2, 2, dtype=dtype)]
    dist.all_gather(parts, x.t())
    assert rl.equal(parts[0], x) and parts[0].dtype == dtype
    scalar = rl.ones((), dtype=dtype)
    dist.broadcast(scalar, 0), dist.broadcast(rl.empty(0, 3, dtype=dtype), 0)
    assert scalar.item() == 1


def test_a_model_trains_as_without(alone: None) -> None:
    rl.manual_seed(0)
    plain = rl.nn.Linear(3, 2)
    model = DistributedDataParallel(plain)
    assert list(model.state_dict()) == ["module.weight", "module.bias"]
    x = rl.randn(4, 3)
    with model.no_sync():
        model(x).sum().backward()
    rl.testing.assert_close(plain.weight.grad[0], x.sum(0))
    sampler = rl.utils.data.DistributedSampler(range(5))
    assert (sampler.num_replicas, sampler.rank) == (1, 0)
    with pytest.raises(RuntimeError, match="not needed when a module doesn't have any parameter"):
        DistributedDataParallel(rl.nn.ReLU())


def test_without_a_group() -> None:
    assert not dist.is_initialized()
    for ask in (dist.get_rank, dist.get_world_size, lambda: dist.all_reduce(rl.ones(1)),
                lambda: DistributedDataParallel(rl.nn.Linear(1, 1))):
        with pytest.raises(ValueError, match="Default process group has not been initialized"):
            ask()


@pytest.mark.parametrize(("options", "kind", "words"), [
    ({"backend": "nccl"}, RuntimeError, "doesn't have NCCL built in"),
    ({"backend": "smoke"}, ValueError, "Invalid backend: 'smoke'"),
    ({"init_method": "post://x"}, RuntimeError, "No rendezvous handler for post://"),
    ({"init_method": "tcp://localhost:1"}, ValueError, "rank parameter expected, but not set"),
    ({"rank": 2, "world_size": 2}, ValueError, "rank 2 of 2"),
    ({}, ValueError, "environment variable RANK expected, but not set"),
    ({"rank": 0, "world_size": 1}, ValueError, "environment variable MASTER_ADDR expected"),
    ({"store": dist.HashStore()}, ValueError, "rank .* and world_size .* must be given"),
])
def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch, options: dict[str, Any],
                                 kind: type[Exception], words: str) -> None:
    for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(kind, match=words):
        dist.init_process_group(**options)
    assert not dist.is_initialized()


def test_places_in_the_environment_and_in_a_file(monkeypatch: pytest.MonkeyPatch,
                                                 tmp_path: Path) -> None:
    for name, value in {"RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "localhost",
                        "MASTER_PORT": "1"}.items():
        monkeypatch.setenv(name, value)
    dist.init_process_group()
    dist.destroy_process_group()
    dist.init_process_group(init_method=f"file://{tmp_path}/meet", rank=0, world_size=1)
    dist.destroy_process_group()


def test_a_store_holds_values_waits_and_gives_up() -> None:
    store = dist.PrefixStore("mine", dist.HashStore())
    store.set("a", "1")
    assert store.get("a") == b"1" and store.add("n", 2) == 2 and store.add("n", 3) == 5
    assert store.compare_set("a", "1", "2") == b"2" and store.compare_set("a", "1", "3") == b"2"
    assert store.check(["a", "n"]) and not store.check(["b"])
    assert store.num_keys() == 2 and store.delete_key("a") and not store.delete_key("a")
    store.set_timeout(timedelta(milliseconds=20))
    with pytest.raises(dist.DistStoreError, match="wait timeout after 20ms, keys: mine/b"):
        store.get("b")
    with pytest.raises(dist.DistStoreError, match="wait timeout"):
        store.wait(["n", "b"], timedelta(milliseconds=10))


def test_a_store_reached_through_a_socket() -> None:
    master = dist.TCPStore("localhost", 0, is_master=True)
    client = dist.TCPStore("localhost", master.port, rank=1)
    client.set("word", b"\x00hello")
    assert master.get("word") == b"\x00hello" and client.add("n", 1) == 1
    master._server.board.leave(2)
    with pytest.raises(dist.DistStoreError, match="process 2 ended before it sent k"):
        client.ask(b"take", b"1", b"60", b"2 k")
    client.settle(0)
    master.settle(0)
    with pytest.raises(dist.DistStoreError, match="timed out"):
        dist.TCPStore("localhost", master.port, timeout=timedelta(0))
    assert os.getpid()  # this process is well
