"""`share_memory_()`: memory that forked processes write into, and that keeps a tensor's layout."""

from __future__ import annotations

import copy
import os
import pickle
from collections.abc import Callable

import pytest

import rushlight as rl


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_writes_into_it() -> None:
    private, shared = rl.zeros(4), rl.zeros(4).share_memory_()
    child = os.fork()
    if child == 0:
        private.add_(1)
        shared.add_(1)
        os._exit(0)
    os.waitpid(child, 0)
    assert private.tolist() == [0] * 4 and shared.tolist() == [1] * 4


def test_values_layout_and_history_stay() -> None:
    x = rl.arange(12.0).reshape(3, 4).t()
    same = x.share_memory_()
    assert same is x and x.is_shared() and x[1:].is_shared()
    assert x.stride() == (1, 4) and x.sum().item() == 66
    weight = rl.nn.Linear(2, 2)
    weight.share_memory()
    weight(rl.ones(1, 2)).sum().backward()
    assert weight.weight.is_shared() and weight.weight.grad is not None
    assert rl.ones(2).bfloat16().share_memory_().tolist() == [1, 1]
    assert not rl.ones(2).is_shared() and not rl.empty(0).share_memory_().is_shared()


def test_copies_are_the_processs_own() -> None:
    x = rl.ones(2).share_memory_()
    for other in (x.clone(), copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert not other.is_shared() and other.equal(x)


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc")
def test_descriptors_are_closed(open_descriptors: Callable[[int], int]) -> None:
    rl.ones(2).share_memory_()
    before = open_descriptors(0)
    for _ in range(20):
        rl.ones(2).share_memory_()
    assert open_descriptors(before) <= before
