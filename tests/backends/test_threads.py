"""The thread pool: every element once, whatever happens around it."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from rushlight.backends.cpu import features, jit, threads

pytestmark = pytest.mark.skipif(jit.available() is not None, reason=str(jit.available()))

# Adds 1 to every element of its range, and notes where a chunk begins with -1 in a second array.
TASK = """
define void @task(ptr %context, i64 %begin, i64 %end) {
entry:
  %counts = load ptr, ptr %context
  %marks.p = getelementptr ptr, ptr %context, i64 1
  %marks = load ptr, ptr %marks.p
  %mark = getelementptr i64, ptr %marks, i64 %begin
  store i64 -1, ptr %mark
  br label %each
each:
  %i = phi i64 [%begin, %entry], [%next, %each]
  %p = getelementptr i64, ptr %counts, i64 %i
  %old = load volatile i64, ptr %p
  %new = add i64 %old, 1
  store volatile i64 %new, ptr %p
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, %end
  br i1 %more, label %each, label %end.all
end.all:
  ret void
}
"""
PRELUDE = f"""
import ctypes, os, threading, time
import numpy as np
from rushlight.backends.cpu import features, jit, threads
(task,) = jit.load({TASK!r}, "task")
def job(n=100_000, grain=100):
    counts, marks = np.zeros(n, np.int64), np.zeros(n, np.int64)
    context = (ctypes.c_void_p * 2)(counts.ctypes.data, marks.ctypes.data)
    threads.parallel(task, ctypes.addressof(context), n, grain)
    assert (counts == 1).all()
features.set_num_threads(4)
"""


def run_python(code: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-c", PRELUDE + code], capture_output=True, text=True,
                          timeout=300, env=os.environ, check=False)


def run(n: int, grain: int) -> tuple[np.ndarray, np.ndarray]:
    (task,) = jit.load(TASK, "task")
    counts, marks = np.zeros(n + 1, np.int64), np.zeros(n + 1, np.int64)
    context = (ctypes.c_void_p * 2)(counts.ctypes.data, marks.ctypes.data)
    threads.parallel(task, ctypes.addressof(context), n, grain)
    assert counts[n] == 0
    return counts[:n], marks[:n]


@pytest.fixture(autouse=True)
def restore_threads():
    before = features.get_num_threads()
    yield
    features.set_num_threads(before)


@pytest.mark.parametrize("count", [1, 2, 4, 9])
@pytest.mark.parametrize(("n", "grain"), [(0, 5), (1, 1), (1, 100), (7, 7), (8, 7), (1000, 1),
                                          (1000, 3), (100_003, 1000)])
def test_every_element_once_and_chunks_where_the_grain_says(count: int, n: int,
                                                            grain: int) -> None:
    features.set_num_threads(count)
    for _ in range(20):
        counts, marks = run(n, grain)
        assert (counts == 1).all()
        np.testing.assert_array_equal(np.flatnonzero(marks), np.arange(0, n, grain))


def test_a_bad_grain_is_an_error() -> None:
    with pytest.raises(ValueError, match="grain"):
        run(10, 0)


def test_workers_come_and_go() -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("the pool is serial here")
    features.set_num_threads(4)
    wait_for(lambda: workers_after_a_job() == 3)
    features.set_num_threads(2)
    wait_for(lambda: workers_after_a_job() == 1)
    features.set_num_threads(1)
    wait_for(lambda: threads.worker_count() == 0)
    run(10_000, 10)
    assert threads.worker_count() == 0


def workers_after_a_job() -> int:
    # One job need not start all of them: while another test's workers are leaving their places are
    # taken, and after a stall on a crowded machine the caller goes on alone for a while.
    run(10_000, 10)
    return threads.worker_count()


def wait_for(condition, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.001)


def test_no_worker_before_the_first_large_job() -> None:
    result = run_python("print(threads.worker_count()); job(100, 100); "
                        "print(threads.worker_count()); job(); print(threads.worker_count())")
    expected = "0\n0\n3\n" if sys.platform == "linux" else "0\n0\n0\n"
    assert result.stdout == expected, result.stderr


def test_python_threads_that_launch_at_once() -> None:
    features.set_num_threads(3)
    failures = []

    def work() -> None:
        for _ in range(200):
            counts, _ = run(20_000, 500)
            if not (counts == 1).all():
                failures.append(counts)

    launchers = [threading.Thread(target=work) for _ in range(4)]
    for launcher in launchers:
        launcher.start()
    for launcher in launchers:
        launcher.join()
    assert failures == []


def test_sizes_change_while_others_launch() -> None:
    stop = threading.Event()

    def resize() -> None:
        k = 0
        while not stop.is_set():
            features.set_num_threads(1 + k % 4)
            k += 1

    resizer = threading.Thread(target=resize)
    resizer.start()
    try:
        for _ in range(300):
            counts, _ = run(20_000, 500)
            assert (counts == 1).all()
    finally:
        stop.set()
        resizer.join()


def test_a_task_may_start_a_job() -> None:
    (outer,) = jit.load("""
declare void @pool_run(ptr, ptr, i64, i64)
define void @outer(ptr %context, i64 %begin, i64 %end) {
  %task = load ptr, ptr %context
  %inner.p = getelementptr ptr, ptr %context, i64 1
  %inner = load ptr, ptr %inner.p
  %n = sub i64 %end, %begin
  call void @pool_run(ptr %task, ptr %inner, i64 %n, i64 10)
  ret void
}
""", "outer", imports={"pool_run": threads.pool_run_address()})
    (task,) = jit.load(TASK, "task")
    features.set_num_threads(2)
    counts, marks = np.zeros((2, 100), np.int64)
    inner = (ctypes.c_void_p * 2)(counts.ctypes.data, marks.ctypes.data)
    context = (ctypes.c_void_p * 2)(task, ctypes.addressof(inner))
    threads.parallel(outer, ctypes.addressof(context), 100, 100)
    assert (counts == 1).all()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_has_no_workers_and_starts_its_own() -> None:
    result = run_python("""
job()
stop = False
def work():
    while not stop:
        job(10_000)
thread = threading.Thread(target=work); thread.start()
codes = []
for turn in range(20):
    child = os.fork()
    if child == 0:
        assert threads.worker_count() == 0
        for _ in range(20):
            job()
        os._exit(0 if threads.worker_count() in (0, 3) else 1)
    codes.append(os.waitpid(child, 0)[1])
stop = True
thread.join()
job()
print(set(codes))
""")
    assert result.stdout == "{0}\n", result.stderr


def test_exit_with_workers_does_not_hang() -> None:
    for ending in ("", "raise SystemExit(0)", "os._exit(0)"):
        result = run_python(f"job()\n{ending}")
        assert result.returncode == 0, result.stderr


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_an_interrupt_arrives_and_leaves_the_pool_usable() -> None:
    result = run_python("""
import signal
def late():
    time.sleep(0.2)
    os.kill(os.getpid(), signal.SIGINT)
try:
    threading.Thread(target=late).start()
    while True:
        job(10_000)
except KeyboardInterrupt:
    print("interrupted")
job()
job()
print("usable")
""")
    assert result.stdout == "interrupted\nusable\n", result.stderr
