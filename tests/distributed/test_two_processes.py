"""Two processes: what each gets from the other, gradients averaged, an end that is noticed."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import rushlight as rl
from rushlight import distributed as dist
from rushlight.multiprocessing import ProcessRaisedException, spawn
from rushlight.nn.parallel import DistributedDataParallel


def join(rank: int, folder: str) -> None:
    dist.init_process_group("gloo", f"file://{folder}/meet", rank=rank, world_size=2,
                            timeout=timedelta(minutes=2))


def collectives(rank: int, folder: str) -> None:
    join(rank, folder)
    found: dict[str, Any] = {}
    x = rl.tensor([1.0, 2.0]) * (rank + 1)
    dist.all_reduce(x)
    found["all_reduce"] = x.tolist()
    x = rl.full((2,), float(rank))
    dist.broadcast(x, src=1)
    found["broadcast"] = x.tolist()
    parts = [rl.zeros(1), rl.zeros(1)]
    dist.all_gather(parts, rl.full((1,), 5.0 + rank))
    found["all_gather"] = rl.cat(parts).tolist()
    x = rl.ones(1) * (rank + 1)
    dist.reduce(x, dst=0, op=dist.ReduceOp.MAX)
    found["reduce"] = x.tolist()
    dist.scatter(x, [rl.ones(1) * 8, rl.ones(1) * 9] if rank == 0 else None, src=0)
    found["scatter"] = x.tolist()
    out = rl.zeros(2)
    dist.all_to_all_single(out, rl.tensor([10.0 * rank, 10.0 * rank + 1]))
    found["all_to_all"] = out.tolist()
    dist.reduce_scatter_tensor(x, rl.tensor([1.0, 2.0]))
    found["reduce_scatter"] = x.tolist()
    if rank == 0:
        dist.send(rl.tensor([3.0]), dst=1)
        dist.send(rl.tensor([4.0]), dst=1)
    else:
        found["from"] = [dist.recv(x, src=0), x.item(), dist.recv(x), x.item()]
    everything: list[Any] = [None, None]
    dist.all_gather_object(everything, {"rank": rank})
    found["objects"] = everything
    alone = dist.new_group([1])
    found["member"] = dist.get_rank(alone)
    dist.barrier()
    Path(folder, f"{rank}.json").write_text(json.dumps(found))
    dist.destroy_process_group()


def test_what_processes_get_from_each_other(tmp_path: Path) -> None:
    spawn(collectives, args=(str(tmp_path),), nprocs=2)
    first, second = (json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(2))
    for found in (first, second):
        assert found["all_reduce"] == [3, 6] and found["broadcast"] == [1, 1]
        assert found["all_gather"] == [5, 6] and found["objects"] == [{"rank": 0}, {"rank": 1}]
    assert first["reduce"] == [2] and first["scatter"] == [8] and second["scatter"] == [9]
    assert first["all_to_all"] == [0, 10] and second["all_to_all"] == [1, 11]
    assert first["reduce_scatter"] == [2] and second["reduce_scatter"] == [4]
    assert second["from"] == [0, 3, 0, 4]
    assert (first["member"], second["member"]) == (-1, 0)


class Net(rl.nn.Module):
    """Its second layer serves rank 1 only."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = rl.nn.Linear(3, 3), rl.nn.Linear(3, 3)
        self.norm = rl.nn.BatchNorm1d(3)

    def forward(self, x: Any, deep: bool = True) -> Any:
        x = self.norm(self.first(x))
        return self.second(x) if deep else x


def batches() -> Any:
    return rl.randn(2, 8, 3, generator=rl.Generator().manual_seed(5))


def train(rank: int, folder: str) -> None:
    join(rank, folder)
    rl.manual_seed(rank)  # other weights in each, until rank 0's are taken
    model = DistributedDataParallel(Net())
    optimizer = rl.optim.SGD(model.parameters(), 0.1)
    share = batches()[:, rank::2]
    for batch in share:
        optimizer.zero_grad()
        (model(batch) ** 2).mean().backward()
        optimizer.step()
    means = {name: p.grad.tolist() for name, p in model.module.named_parameters()
             if p.grad is not None}
    loose = DistributedDataParallel(Net(), find_unused_parameters=True)
    (loose(share[0], deep=rank == 1) ** 2).mean().backward()
    unused = loose.module.second.weight.grad
    assert unused is not None
    found = {"weights": rl.cat([p.reshape(-1) for p in model.parameters()]).tolist(),
             "means": means, "loose": unused.tolist()}
    strict = DistributedDataParallel(Net())
    strict(share[0], deep=False).sum().backward()
    try:
        strict(share[0])
    except RuntimeError as error:
        found["said"] = str(error)
    Path(folder, f"{rank}.json").write_text(json.dumps(found))
    dist.destroy_process_group()


def test_gradients_are_those_of_the_whole_batch(tmp_path: Path) -> None:
    spawn(train, args=(str(tmp_path),), nprocs=2)
    first, second = (json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(2))
    assert first["weights"] == second["weights"] and first["loose"] == second["loose"]
    assert any(any(row) for row in first["loose"])
    assert "Expected to have finished reduction in the prior iteration" in first["said"]
    assert "second.weight, second.bias" in first["said"]

    rl.manual_seed(0)
    model = Net()
    optimizer = rl.optim.SGD(model.parameters(), 0.1)
    for batch in batches():
        optimizer.zero_grad()
        for share in range(2):  # as the processes do it: each norm sees its own share
            ((model(batch[share::2]) ** 2).mean() / 2).backward()
        optimizer.step()
    for name, parameter in model.named_parameters():
        rl.testing.assert_close(rl.tensor(first["means"][name]), parameter.grad,
                                rtol=1e-4, atol=1e-6)


def leave(rank: int, folder: str) -> None:
    join(rank, folder)
    if rank == 0:
        dist.recv(rl.zeros(1), src=1)


def test_an_end_is_noticed(tmp_path: Path) -> None:
    with pytest.raises(ProcessRaisedException, match="process 1 ended before it sent"):
        spawn(leave, args=(str(tmp_path),), nprocs=2)
