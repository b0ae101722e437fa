"""Random fills on arrays: compiled ones draw what NumPy does; engines in forks and threads."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
import threading
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from rushlight.backends.cpu import draws as cpu
from rushlight.backends.host import draws as host
from rushlight.backends.host.fused import fma32, fma64
from rushlight.backends.host.mersenne import LAYOUT, Mersenne

FLOATS = (np.float32, np.float64, np.float16, ml_dtypes.bfloat16)
WHOLE = (np.int64, np.int32, np.uint8, np.bool_)
SIZES = (0, 1, 5, 15, 16, 17, 63, 624, 700, 5001)
DRAWS = {
    "uniform": (FLOATS, ((0.0, 1.0), (-1.0, 2.0), (0.1, 0.7))),
    "normal": (FLOATS, ((0.0, 1.0), (0.1, 0.7))),
    "log_normal": (FLOATS, ((0.1, 0.7),)),
    "exponential": (FLOATS, ((1.0,), (0.3,))),
    "geometric": (FLOATS, ((0.3,),)),
    "cauchy": (FLOATS, ((0.1, 0.7),)),
    "bernoulli": (FLOATS + WHOLE, ((0.0,), (0.3,), (1.0,), (0.25, 1))),
    "integers": ((np.int64, np.int32), ((0, 10), (-7, 100), (0, 2**28), (0, 2**28 - 1))),
    "digits": (FLOATS + WHOLE, ((),)),
}


@pytest.mark.parametrize("name", DRAWS)
def test_compiled_fills_draw_what_numpy_does(name: str) -> None:
    types, settings = DRAWS[name]
    for dtype in types:
        for size in SIZES:
            for arguments in settings:
                engines = Mersenne(size), Mersenne(size)
                arrays = np.zeros(size, dtype), np.zeros(size, dtype)
                for backend, engine, array in zip((cpu, host), engines, arrays, strict=True):
                    engine.words(3)
                    getattr(backend, name)(engine, array, *arguments)
                assert arrays[0].tobytes() == arrays[1].tobytes(), (dtype, size, arguments)
                assert (engines[0].get_state() == engines[1].get_state()).all()


@pytest.mark.parametrize("count", [0, 1, 2, 3, 10, 513, 3000])
def test_permutations(count: int) -> None:
    engines = Mersenne(1), Mersenne(1)
    orders = cpu.permutation(engines[0], count), host.permutation(engines[1], count)
    assert (orders[0] == orders[1]).all()
    assert sorted(orders[0].tolist()) == list(range(count))
    assert (engines[0].get_state() == engines[1].get_state()).all()


@pytest.mark.parametrize("backend", [cpu, host])
def test_order_is_that_of_memory(backend: Any) -> None:
    flat, turned = np.empty((4, 5), np.float32), np.empty((5, 4), np.float32).T
    backend.uniform(Mersenne(0), flat)
    backend.uniform(Mersenne(0), turned)
    assert (flat.ravel() == turned.T.ravel()).all()
    gaps = np.zeros(10, np.float32)
    backend.uniform(Mersenne(0), gaps[::2])
    assert (gaps[::2] == flat.ravel()[:5]).all() and not gaps[1::2].any()


def test_scaled_bernoulli() -> None:
    for dtype in FLOATS:
        scale = float(dtype(1.7))
        for backend in (cpu, host):
            one, other = np.empty(100, dtype), np.empty(100, dtype)
            backend.bernoulli(Mersenne(0), one, 0.4)
            backend.bernoulli(Mersenne(0), other, 0.4, scale)
            assert (other == one * dtype(scale)).all()


def test_words_are_the_published_ones() -> None:
    # Matsumoto and Nishimura's mt19937ar with init_genrand(5489): also C++'s std::mt19937.
    engine = Mersenne(5489)
    assert engine.words(1)[0] == 3499211612
    engine.words(9998)
    assert engine.words(1)[0] == 4123659995  # the 10,000th


def test_long_words_join_two() -> None:
    for count in (5, 1000):
        words = Mersenne(9).words(2 * count).astype(np.uint64)
        assert (Mersenne(9).long_words(count) == (words[::2] << np.uint64(32) | words[1::2])).all()


def test_fma_rounds_once() -> None:
    from fractions import Fraction

    random = np.random.default_rng(0)
    a = random.standard_normal(300)
    for b, c in random.standard_normal((20, 2)):
        exact = [float(Fraction(x) * Fraction(b) + Fraction(c)) for x in a.tolist()]
        assert fma64(a, b, c).tolist() == exact
    # half way between two float32 numbers but for a term that float64 drops
    one = np.array([1 + 2.0**-23], np.float32)
    half = np.float32(2.0**-24)
    assert fma32(one, np.float32(1), half)[0] == np.float32(1 + 2.0**-22)
    tiny = np.float32(-(2.0**-60))
    product = np.array([1.0], np.float32)
    assert fma32(np.array([half], np.float32), product, one)[0] == np.float32(1 + 2.0**-22)
    low = fma32(np.array([tiny], np.float32), np.float32(1), np.float32(1 + 2.0**-23))
    assert low[0] == np.float32(1 + 2.0**-23)


def test_state_round_trip() -> None:
    engine = Mersenne(4)
    state = engine.get_state()
    assert state.nbytes == LAYOUT.size == 5056
    for _ in range(3):
        engine.words(300)
        cpu.normal(engine, np.empty(3))
        twin = Mersenne()
        twin.set_state(engine.get_state())
        for other in (twin, copy.deepcopy(twin), pickle.loads(pickle.dumps(twin))):
            assert other.next_normal == engine.next_normal
            assert other.initial_seed() == 4
            assert (other.get_state() == engine.get_state()).all()


@pytest.mark.parametrize("change", [(8, 0), (8, 700), (12, 0), (16, 9)])
def test_damaged_states_are_refused(change: tuple[int, int]) -> None:
    engine = Mersenne(4)
    engine.words(5)
    state = engine.get_state()
    at, value = change
    state[at:at + 2] = value & 255, value >> 8
    with pytest.raises(RuntimeError, match="Invalid mt19937 state"):
        Mersenne().set_state(state)


def test_threads_share_an_engine_without_losing_numbers() -> None:
    engine = Mersenne(0)
    chunks: list[np.ndarray] = []

    def work() -> None:
        for _ in range(50):
            array = np.empty(100, np.float32)
            cpu.uniform(engine, array)
            chunks.append(array)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = np.empty(20000, np.float32)
    cpu.uniform(Mersenne(0), expected)
    assert sorted(c.tobytes() for c in chunks) == sorted(
        c.tobytes() for c in expected.reshape(200, 100))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_can_draw_while_a_thread_does() -> None:
    engine, stop = Mersenne(0), threading.Event()

    def work() -> None:
        array = np.empty(100_000)
        while not stop.is_set():
            host.uniform(engine, array)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        for _ in range(10):
            child = os.fork()
            if not child:
                host.uniform(engine, np.empty(10))
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0
    finally:
        stop.set()
        thread.join()


INTERRUPTED = """
import os, sys, threading
import rushlight as rl
generator = rl.Generator().manual_seed(0)

def forked(at):
    '''Fork, with Ctrl-C at one of the events on the way.'''
    seen = 0
    def trace(frame, event, argument):
        nonlocal seen
        seen += 1
        if seen == at:
            raise KeyboardInterrupt
        return trace
    parent = os.getpid()
    sys.settrace(trace)
    try:
        child = os.fork()
    finally:
        sys.settrace(None)
        if os.getpid() != parent:
            os._exit(0)
    os.waitpid(child, 0)

def draw():
    rl.Generator().manual_seed(1)
    drawn.append(rl.rand(1, generator=generator))

sys.unraisablehook = lambda _: None
for at in range(1, 40):
    drawn = []
    forked(at)
    thread = threading.Thread(target=draw, daemon=True)
    thread.start()
    thread.join(100)
    assert drawn, at
print("done")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_an_interrupt_while_forking_leaves_no_lock_closed() -> None:
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True,
                          timeout=300)
    assert done.stdout == "done\n", done.stderr
