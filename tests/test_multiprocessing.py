"""Tensors between processes, through queues, pipes, pools and arguments, under fork and spawn."""

from __future__ import annotations

import gc
import os
import sys
import threading
from collections.abc import Callable
from multiprocessing import resource_sharer
from typing import Any

import numpy as np
import pytest

import rushlight as rl
from rushlight import multiprocessing as mp
from rushlight.tensor.segment import Segment

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sends descriptors")
STARTS = ["fork", "spawn"]


def double(questions: Any, answers: Any) -> None:
    """Doubles what it is sent, in place, and says whether it is shared; None ends it."""
    for x in iter(questions.get, None):
        x.mul_(2)
        answers.put((x.is_shared(), x.sum().item()))


def answer_by_pipe(pipe: Any) -> None:
    x = pipe.recv()
    x.add_(1)
    pipe.send((x.is_shared(), x.reshape(-1)[:3000]))


def fill(x: rl.Tensor, module: rl.nn.Module) -> None:
    x.fill_(7)
    with rl.no_grad():
        module.weight.fill_(3)


def squared(x: rl.Tensor) -> rl.Tensor:
    return x.square_() if x.is_shared() else x * x


def send_and_end(queue: Any) -> None:
    queue.put(rl.arange(100_000.0))


@pytest.mark.parametrize("start", STARTS)
def test_queues(start: str) -> None:
    context: Any = mp.get_context(start)
    questions, answers = context.Queue(), context.Queue()
    process = context.Process(target=double, args=(questions, answers))
    process.start()
    large, small = rl.ones(3000), rl.ones(3)
    half = rl.ones(5000).bfloat16()
    for x, is_shared in ((large, True), (large, True), (small, False), (half, True)):
        questions.put(x)
        assert answers.get(timeout=300)[0] is is_shared
    questions.put(None)
    process.join()
    assert large.is_shared() and large.tolist() == [4] * 3000  # written to by the other process
    assert small.tolist() == [1, 1, 1] and half.tolist() == [2] * 5000


@pytest.mark.parametrize("start", STARTS)
def test_pipes(start: str) -> None:
    context: Any = mp.get_context(start)
    ours, theirs = context.Pipe()
    process = context.Process(target=answer_by_pipe, args=(theirs,))
    process.start()
    x = rl.zeros(50, 100).t().clone()
    ours.send(x)
    is_shared, part = ours.recv()
    process.join()
    assert is_shared and x.stride() == (1, 100) and x.tolist() == [[1] * 50] * 100
    assert not part.is_shared() and part.tolist() == [1] * 3000  # what a child sends is copied


@pytest.mark.parametrize("start", STARTS)
def test_pools(start: str) -> None:
    with mp.get_context(start).Pool(2) as pool:
        found = pool.map(squared, [rl.full((3000,), float(i)) for i in range(6)])
    assert [x[0].item() for x in found] == [0, 1, 4, 9, 16, 25]


def test_arguments_of_spawned_processes() -> None:
    x, module = rl.zeros(5000), rl.nn.Linear(40, 40)
    context: Any = mp.get_context("spawn")
    process = context.Process(target=fill, args=(x, module))
    process.start()
    process.join()
    assert x.tolist() == [7] * 5000 and (module.weight == 3).all()
    assert isinstance(module.weight, rl.nn.Parameter) and module.weight.requires_grad


@pytest.mark.parametrize("start", STARTS)
def test_what_a_child_sends_outlives_it(start: str) -> None:
    context: Any = mp.get_context(start)
    queue = context.Queue()
    process = context.Process(target=send_and_end, args=(queue,))
    process.start()
    found = queue.get(timeout=300)
    process.join()
    assert found.sum().item() == rl.arange(100_000.0).sum().item()


def sent(value: Any) -> Any:
    """What arrives at the other end of a pipe, in this process."""
    ours, theirs = mp.Pipe()
    with ours, theirs:
        thread = threading.Thread(target=ours.send, args=(value,))
        thread.start()
        try:
            return theirs.recv()
        finally:
            thread.join()


def test_memory_that_others_look_at_stays_where_it_is() -> None:
    array = np.ones(3000)
    x, y = rl.from_numpy(array), rl.ones(3000)
    part = y[1:]
    z = rl.ones(3000, requires_grad=True)
    loss = (z * z).sum()
    for value in (x, y, part, z):
        found = sent(value)
        assert found.is_shared() and found.equal(value) and not value.is_shared()
        with rl.no_grad():
            found.zero_()
        assert value.all()
    x[0], y[1] = 5, 6
    assert array[0] == 5 and part[0].item() == 6
    loss.backward()
    assert z.grad is not None and (z.grad == 2).all()
    computed = z * 2
    with pytest.raises(RuntimeError, match="detach"):
        mp.reduction.ForkingPickler.dumps(computed)
    assert sent(rl.empty(3000, device="meta")).is_meta


def test_a_sole_tensor_moves_and_both_ends_are_one_memory() -> None:
    for x in (rl.ones(3000), rl.arange(6000.0) * 2, rl.nn.Parameter(rl.ones(3000))):
        found = sent(x)
        assert x.is_shared() and type(found) is type(x) and found.requires_grad is x.requires_grad
        with rl.no_grad():
            x.zero_()
        assert not found.any() and not sent(found).any()


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc")
def test_nothing_is_left_behind(left_in_memory: Callable[[], set[str]],
                                open_descriptors: Callable[[int], int]) -> None:
    sent(rl.ones(3000))  # starts what sends descriptors
    gc.collect()
    descriptors, segments = open_descriptors(0), Segment.alive
    for _ in range(20):
        sent(rl.ones(3000))
    gc.collect()
    assert open_descriptors(descriptors) <= descriptors and Segment.alive == segments
    assert not left_in_memory()


def test_copies_where_descriptors_are_scarce(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Segment, "alive", 1 << 40)
    x = rl.ones(3000)
    found = sent(x)
    assert not found.is_shared() and not x.is_shared() and found.equal(x)
    monkeypatch.setattr(Segment, "alive", 0)

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    assert not sent(x).is_shared()


def test_a_sender_that_has_ended() -> None:
    """What it sent cannot be received: the error says why."""
    data = mp.reduction.ForkingPickler.dumps(rl.ones(3000).share_memory_())
    resource_sharer.stop()
    with pytest.raises(RuntimeError, match=r"shape \(3000,\) cannot be received: the process"):
        mp.reduction.ForkingPickler.loads(data)
