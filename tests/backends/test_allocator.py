"""The recycling allocator: what arrays see of it, and what it does to memory."""

from __future__ import annotations

import contextvars
import gc
import os
import subprocess
import sys
import threading
from typing import Any

import numpy as np
import pytest
from numpy._core.multiarray import get_handler_name

import rushlight as rl
from rushlight.backends.cpu import allocator

MISSING = allocator.available()
pytestmark = pytest.mark.skipif(MISSING is not None, reason=str(MISSING))
OURS = "rushlight recycling allocator"
LARGE = 1 << 20


@pytest.fixture(autouse=True)
def recycling():
    gc.collect()
    before = allocator.installed()  # ops install it once in a thread, and rely on that
    allocator.install()
    retention = allocator.memory_stats()["retention"]
    allocator.empty_cache()
    yield
    allocator.set_retention(retention)
    allocator.install() if before else allocator.uninstall()


def run_python(code: str) -> subprocess.CompletedProcess:
    prelude = ("import os, threading, sys\nimport numpy as np\n"
               "from rushlight.backends.cpu import allocator\nallocator.install()\n")
    return subprocess.run([sys.executable, "-c", prelude + code], capture_output=True, text=True,
                          timeout=300, env=os.environ, check=False)


def change(before: dict[str, int]) -> dict[str, int]:
    return {name: value - before[name] for name, value in allocator.memory_stats().items()}


def test_a_dead_arrays_memory_comes_back() -> None:
    before = allocator.memory_stats()
    first = np.empty(LARGE, np.uint8)
    address = first.ctypes.data
    assert get_handler_name(first) == OURS
    assert change(before)["current"] == LARGE
    del first
    assert change(before)["retained"] == LARGE
    second = np.empty(LARGE - 5000, np.uint8)  # the same class of sizes
    assert second.ctypes.data == address
    assert change(before)["hits"] == 1
    assert change(before)["retained"] == 0


@pytest.mark.parametrize("size", [65536, 65537, 100_000, 131_073, 1_000_000, 2_097_152, 2_200_000,
                                  5_000_001, 40_000_000])
def test_blocks_are_aligned_and_waste_an_eighth_at_most(size: int) -> None:
    before = allocator.memory_stats()
    arrays = [np.empty(size, np.uint8) for _ in range(3)]
    for number, array in enumerate(arrays):
        assert array.ctypes.data % (1 << 21 if size >= 1 << 21 else 64) == 0
        array.fill(number)
    assert [int(array.min()) for array in arrays] == [int(array.max()) for array in arrays]
    assert size <= change(before)["current"] / 3 <= size * 9 / 8


def test_zeros_are_zero_also_in_used_memory() -> None:
    for size in (LARGE, 3 * LARGE):
        dirty = np.full(size, 7, np.uint8)
        address = dirty.ctypes.data
        del dirty
        clean = np.zeros(size, np.uint8)
        assert clean.ctypes.data == address
        assert not clean.any()
        del clean
        allocator.empty_cache()
        assert not np.zeros(size, np.uint8).any()


def test_resizing_keeps_the_content() -> None:
    array = np.arange(10, dtype=np.int64)
    for size in (100_000, 100_001, 1_000_000, 300_000, 50_000, 20, 200_000):
        kept = min(size, array.size)
        expected = array[:kept].copy()
        array.resize(size, refcheck=False)
        np.testing.assert_array_equal(array[:kept], expected)
        array[:] = np.arange(size)


def test_a_changed_shape_does_not_confuse_free() -> None:
    before = allocator.memory_stats()
    for _ in range(3):
        array = np.empty((0, 1 << 20), np.float64)
        array.shape = (0,)
        del array
        array = np.empty(1 << 20, np.uint8)
        array.dtype = np.float64
        array.shape = (1 << 10, 1 << 7)
        del array
    assert change(before)["current"] == 0


def test_arrays_cross_handlers() -> None:
    ours = np.ones(LARGE)
    allocator.uninstall()
    assert not allocator.installed()
    theirs = np.ones(LARGE)
    assert get_handler_name(theirs) == "default_allocator"
    before = allocator.memory_stats()["current"]
    del ours
    assert allocator.memory_stats()["current"] < before
    allocator.install()
    theirs.resize(2 * LARGE, refcheck=False)
    assert theirs[:LARGE].all()
    del theirs
    assert allocator.installed()


def test_a_thread_installs_for_itself_and_frees_for_others() -> None:
    shared = [np.ones(LARGE, np.uint8) for _ in range(50)]
    before = allocator.memory_stats()
    names = []

    def work() -> None:
        names.append(get_handler_name(np.empty(LARGE)))
        allocator.install()
        names.append(get_handler_name(np.empty(LARGE)))
        shared.clear()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert names == ["default_allocator", OURS]
    assert change(before)["current"] == -50 * LARGE
    context = contextvars.Context()
    assert context.run(allocator.installed) is False
    assert contextvars.copy_context().run(allocator.installed) is True


def test_many_threads_at_once() -> None:
    before = allocator.memory_stats()
    wrong = []

    def work(seed: int) -> None:
        allocator.install()
        random = np.random.default_rng(seed)
        kept: list[np.ndarray] = []
        for turn in range(300):
            array = np.empty(int(random.integers(60_000, 400_000)), np.uint8)
            array[::4096] = seed
            kept.append(array)
            if len(kept) > 10:
                old = kept.pop(int(random.integers(10)))
                if (old[::4096] != seed).any():
                    wrong.append(turn)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert change(before)["current"] == 0


def test_retention_is_bounded_and_stale_sizes_go_first() -> None:
    allocator.set_retention(10 * LARGE)
    for array in [np.ones(LARGE, np.uint8) for _ in range(30)]:
        del array
    assert allocator.memory_stats()["retained"] <= 10 * LARGE
    arrays = [np.ones(2 * LARGE, np.uint8) for _ in range(4)]
    del arrays
    stats = allocator.memory_stats()
    assert stats["retained"] <= 10 * LARGE
    before = stats
    arrays = [np.empty(2 * LARGE, np.uint8) for _ in range(4)]
    assert change(before)["hits"] == 4
    allocator.set_retention(0)
    del arrays
    assert allocator.memory_stats()["retained"] == 0
    with pytest.raises(ValueError, match="retention"):
        allocator.set_retention(-1)


def resident() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_empty_cache_returns_memory_to_the_system() -> None:
    array = np.ones(64 << 20, np.uint8)
    del array
    full = resident()
    allocator.empty_cache()
    assert full - resident() > 60 << 20
    assert allocator.memory_stats()["retained"] == 0


def test_peak() -> None:
    array = np.ones(8 * LARGE, np.uint8)
    del array
    assert allocator.memory_stats()["peak"] >= allocator.memory_stats()["current"] + 8 * LARGE
    allocator.reset_peak_memory_stats()
    assert allocator.memory_stats()["peak"] == allocator.memory_stats()["current"]


def test_an_impossible_size_is_a_memory_error() -> None:
    for size in (1 << 46, 1 << 59):
        with pytest.raises(MemoryError):
            np.empty(size)


def test_a_forked_child_goes_on() -> None:
    result = run_python("""
kept = [np.full(1 << 20, 3, np.uint8) for _ in range(5)]
stop = False
def work():
    allocator.install()
    while not stop:
        np.empty(1 << 18, np.uint8)
thread = threading.Thread(target=work); thread.start()
codes = []
for turn in range(20):
    child = os.fork()
    if child == 0:
        assert all((array == 3).all() for array in kept)
        del kept[2:]
        fresh = [np.full(1 << 20, 9, np.uint8) for _ in range(10)]
        assert all((array == 3).all() for array in kept)
        assert all((array == 9).all() for array in fresh)
        os._exit(0)
    codes.append(os.waitpid(child, 0)[1])
stop = True
thread.join()
assert all((array == 3).all() for array in kept)
print(set(codes))
""")
    assert result.stdout == "{0}\n", result.stderr


def test_arrays_that_outlive_the_interpreters_modules() -> None:
    result = run_python("""
class Late:
    def __init__(self):
        self.a, self.write = np.ones(1 << 20), os.write
    def __del__(self):
        self.write(1, b"%d" % (self.a + self.a)[-1])
sys.late = Late()
sys.also = np.ones(1 << 22)
""")
    assert result.stdout == "2" and result.returncode == 0, result.stderr


def test_a_limited_address_space_is_respected() -> None:
    result = subprocess.run([sys.executable, "-c", """
import resource
resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
import rushlight as rl
from rushlight.backends.cpu import allocator
print(allocator.install(), allocator.available(), allocator.memory_stats()["current"])
"""], capture_output=True, text=True, timeout=300, env=os.environ, check=False)
    assert result.stdout.startswith("False the address space"), result.stderr


GIVEN = np.linspace(0, 1, 1 << 17, dtype=np.float32)


@pytest.mark.parametrize("make", [
    lambda: rl.tensor(GIVEN), lambda: rl.zeros(1 << 17), lambda: rl.ones((512, 256)),
    lambda: rl.empty(1 << 17), lambda: rl.full((1 << 17,), 2.0), lambda: rl.Tensor(512, 256),
    lambda: rl.rand(1 << 17), lambda: rl.randn(1 << 17), lambda: rl.randint(0, 5, (1 << 17,)),
    lambda: rl.rand_like(rl.from_numpy(GIVEN)), lambda: rl.zeros_like(rl.from_numpy(GIVEN)),
    lambda: rl.from_numpy(GIVEN).clone(), lambda: rl.nn.Linear(512, 256).weight])
def test_a_threads_first_large_tensor_begins_with_a_cache_line(make: Any) -> None:
    made: list[rl.Tensor] = []
    thread = threading.Thread(target=lambda: made.append(make()))
    thread.start()
    thread.join()
    assert made[0].data_ptr() % 64 == 0
