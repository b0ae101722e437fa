"""oneDNN's programs against the NumPy reference in float64."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from rushlight.backends import winograd
from rushlight.backends.cpu import features
from rushlight.backends.cpu import matmul as cpu_matmul
from rushlight.backends.cpu.convolution import backward_data, backward_weights_and_bias, forward
from rushlight.backends.cpu.matmul import linear, matmul
from rushlight.backends.cpu.onednn import cache, invoke, kept_matmul, library, parallel
from rushlight.backends.cpu.onednn import matmul as library_matmul
from rushlight.backends.cpu.onednn.layout import Layout
from rushlight.backends.host import convolution as host
from rushlight.backends.host.convolution import Window, output_space
from rushlight.backends.kept_weights import Kept

needed = pytest.mark.skipif(not library.available(), reason=f"no oneDNN: {library.reason()}")


@pytest.fixture(autouse=True)
def _directly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave 3x3 convolutions to the library too."""
    monkeypatch.setattr(winograd, "enabled", False)


# input, weight, stride, front, behind, dilation, groups
CASES = {
    "first layer": ((2, 1, 28, 28), (6, 1, 5, 5), 1, 0, 0, 1, 1),
    "second layer": ((2, 6, 12, 12), (16, 6, 5, 5), 1, 0, 0, 1, 1),
    "pointwise": ((2, 32, 9, 7), (48, 32, 1, 1), 1, 0, 0, 1, 1),
    "pointwise, strided": ((2, 32, 9, 7), (48, 32, 1, 1), 2, 0, 0, 1, 1),
    "3 channels, strided": ((2, 3, 33, 31), (16, 3, 7, 7), 2, 3, 3, 1, 1),
    "wide": ((2, 32, 10, 11), (64, 32, 3, 3), 1, 1, 1, 1, 1),
    "to 3 channels": ((2, 32, 10, 11), (3, 32, 3, 3), 1, 1, 1, 1, 1),
    "dilated": ((2, 16, 12, 11), (16, 16, 3, 3), 1, 2, 2, 2, 1),
    "grouped": ((2, 8, 9, 9), (12, 2, 3, 3), 1, 1, 1, 1, 4),
    "depthwise": ((2, 32, 9, 9), (32, 1, 3, 3), 1, 1, 1, 1, 32),
    "uneven padding": ((2, 4, 9, 9), (8, 4, 2, 2), 1, 0, 1, 1, 1),
    "rest of the stride": ((2, 4, 10, 10), (8, 4, 3, 3), 3, 0, 0, 1, 1),
    "sequence": ((2, 7, 23), (5, 7, 3), 2, 1, 1, 1, 1),
    "volume": ((2, 4, 5, 6, 7), (8, 4, 3, 3, 3), 1, 1, 1, 1, 1),
}


def _case(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, Window]:
    shape, size, *moves, groups = CASES[name]
    window = Window(*((n,) * (len(shape) - 2) for n in moves), groups)
    generator = np.random.default_rng(0)
    space = output_space(shape[2:], size[2:], window)
    x, w, b, dy = (generator.standard_normal(s, np.float32) for s in (
        shape, size, size[:1], (shape[0], size[0], *space)))
    return x, w, b, dy, window


def _close(found: np.ndarray, wanted: np.ndarray, tolerance: float = 2e-6) -> None:
    assert found.shape == wanted.shape
    error = np.abs(found.astype(np.float64) - wanted).max(initial=0)
    assert error <= tolerance * max(1.0, np.abs(wanted).max(initial=0))


@needed
@pytest.mark.parametrize("name", CASES)
def test_convolution(name: str) -> None:
    x, w, b, dy, window = _case(name)
    wide = [a.astype(np.float64) for a in (x, w, b, dy)]
    _close(forward(x, w, b, window), host.forward(*wide[:3], window))
    _close(forward(x, w, None, window), host.forward(*wide[:2], None, window))
    _close(backward_data(dy, w, window, x.shape),
           host.backward_data(wide[3], wide[1], window, x.shape))
    dw, db = backward_weights_and_bias(x, dy, window, w.shape)
    _close(dw, host.backward_weights(wide[0], wide[3], window, w.shape), 5e-6)
    _close(db, wide[3].sum((0, *range(2, dy.ndim))), 5e-6)


@needed
def test_any_strides_are_read_in_place_or_copied() -> None:
    x, w, b, dy, window = _case("wide")
    plain = forward(x, w, b, window)
    last = np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    spread = np.repeat(x, 2, axis=3)[..., ::2]
    swapped = np.ascontiguousarray(w.swapaxes(2, 3)).swapaxes(2, 3)
    for other in (last, spread, x[::-1][::-1]):
        _close(forward(other, swapped, b, window), plain, 1e-6)
    reversed_ = forward(x[:, ::-1], w[:, ::-1], b, window)
    _close(reversed_, plain, 1e-6)
    ones = np.broadcast_to(np.float32(1), dy.shape)  # the gradient of a sum: strides of zero
    _close(backward_data(ones, w, window, x.shape),
           backward_data(np.ones_like(dy), w, window, x.shape), 1e-6)


@needed
def test_common_shapes_get_fast_implementations() -> None:
    cache.clear()
    for name in CASES:
        x, w, b, dy, window = _case(name)
        forward(x, w, b, window)
        backward_data(dy, w, window, x.shape)
        backward_weights_and_bias(x, dy, window, w.shape)
    slow = [i for p in cache.programs() for i in p.implementations if i.startswith("ref")]
    assert not slow


@needed
def test_bfloat16() -> None:
    x, w, b, _, window = _case("wide")
    half = [a.astype(ml_dtypes.bfloat16) for a in (x, w, b)]
    found = forward(*half, window)
    assert found.dtype == ml_dtypes.bfloat16
    _close(found.astype(np.float64), host.forward(*(a.astype(np.float64) for a in half), window),
           1e-2)


@pytest.mark.parametrize("a, b", [
    ((3,), (3,)), ((3,), (3, 4)), ((5, 3), (3,)), ((64, 80), (80, 70)), ((2, 64, 80), (80, 70)),
    ((70,), (3, 70, 400)), ((6, 1, 40, 30), (5, 30, 20)), ((2, 0, 5), (5, 3)), ((4, 0), (0, 3))])
def test_matmul(a: tuple, b: tuple) -> None:
    generator = np.random.default_rng(0)
    x, y = generator.standard_normal(a, np.float32), generator.standard_normal(b, np.float32)
    wanted = np.matmul(x.astype(np.float64), y.astype(np.float64))
    _close(matmul(x, y), np.asarray(wanted), 1e-5)
    if x.ndim > 1 and y.ndim > 1:
        column_major = [np.ascontiguousarray(v.swapaxes(-1, -2)).swapaxes(-1, -2) for v in (x, y)]
        _close(matmul(*column_major), wanted, 1e-5)
        _close(matmul(x[..., ::-1], y[..., ::-1, :]), wanted, 1e-5)


@needed
@pytest.mark.parametrize("step", [(2, 1), (1, 2), (2, 2)])
def test_matrices_of_which_no_numbers_lie_together_are_copied(
        step: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    real = cpu_matmul.library.matmul

    def spy(a: np.ndarray, b: np.ndarray, *rest: Any) -> np.ndarray:
        seen.extend((a, b))
        return real(a, b, *rest)

    monkeypatch.setattr(cpu_matmul.library, "matmul", spy)
    whole = np.random.default_rng(0).standard_normal((2, 128 * step[0], 128 * step[1]), np.float32)
    x = whole[:, ::step[0], ::step[1]]
    for a, b in ((x, x), (x[0], x[1]), (x.swapaxes(1, 2), x)):
        exact = a.astype(float) @ b.astype(float)
        assert np.allclose(matmul(a, b), exact, atol=1e-4)
    assert len(seen) == 6 and all(4 in each.strides[-2:] for each in seen)


@pytest.mark.parametrize("kind", ["float16", "bfloat16", "float64", "int64", "complex64"])
def test_matmul_of_other_types(kind: str) -> None:
    dtype = np.dtype(getattr(ml_dtypes, kind, kind))
    x = (np.arange(90 * 80).reshape(90, 80) % 5).astype(dtype)
    found = matmul(x, x.T)
    assert found.dtype == dtype
    exact = np.matmul(x.astype(np.complex128), x.T.astype(np.complex128))
    assert np.abs(found.astype(np.complex128) - exact).max() <= 4e-3 * np.abs(exact).max()


@pytest.mark.parametrize("rows", [1, 3, 300])
def test_linear(rows: int) -> None:
    generator = np.random.default_rng(0)
    x, w, b = (generator.standard_normal(s, np.float32) for s in ((rows, 90), (40, 90), (40,)))
    wanted = x.astype(np.float64) @ w.T.astype(np.float64) + b
    _close(linear(x, w, b), wanted, 1e-5)
    _close(linear(x.reshape(rows, 1, 90), w, b), wanted[:, None], 1e-5)


@needed
def test_a_program_refuses_a_wrong_number_of_arrays() -> None:
    cache.clear()
    x, w, b, _, window = _case("first layer")
    forward(x, w, b, window)
    (program,) = cache.programs()
    with pytest.raises((RuntimeError, ValueError)):
        program.run(x)


@needed
def test_threads_share_programs() -> None:
    x, w, b, _, window = _case("wide")
    big = np.repeat(x, 64, 0)  # above the work for which the GIL is given up
    inputs = [big + i for i in range(4)]
    wanted = [forward(v, w, b, window) for v in inputs]
    wrong: list[int] = []

    def work(i: int) -> None:
        for _ in range(5):
            if not np.array_equal(forward(inputs[i], w, b, window), wanted[i]):
                wrong.append(i)

    workers = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not wrong


@needed
def test_threads_that_are_first_share_an_engine() -> None:
    code = """
import sys, threading
from rushlight.backends.cpu.onednn.interface import interface
sys.setswitchinterval(1e-6)
start, found = threading.Barrier(8), []
def use():
    start.wait()
    found.append(interface())
threads = [threading.Thread(target=use) for _ in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(len(found), len(set(map(id, found))))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.stdout == "8 1\n", done.stderr


@needed
def test_without_generated_code_programs_run_through_ctypes(monkeypatch: Any) -> None:
    x, w, b, _, window = _case("wide")
    big = np.repeat(x, 16, 0)
    wanted = [forward(v, w, b, window) for v in (x, big)]
    monkeypatch.setattr(invoke, "_method", lambda: None)
    cache.clear()
    for v, result in zip((x, big), wanted, strict=True):
        assert np.array_equal(forward(v, w, b, window), result)
    with pytest.raises(RuntimeError, match="a program got"):
        cache.programs()[0].run(x)
    cache.clear()


@needed
@pytest.mark.parametrize("jobs", [1, 3, 32])
@pytest.mark.parametrize("name", CASES)
def test_work_cut_into_jobs(name: str, jobs: int, monkeypatch: Any) -> None:
    x, w, b, dy, window = _case(name)
    wide = [a.astype(np.float64) for a in (x, w, b, dy)]
    monkeypatch.setattr(parallel, "JOB", 1.0)
    monkeypatch.setattr(parallel, "MOST", jobs)
    cache.clear()
    _close(forward(x, w, b, window), host.forward(*wide[:3], window))
    _close(backward_data(dy, w, window, x.shape),
           host.backward_data(wide[3], wide[1], window, x.shape))
    dw, db = backward_weights_and_bias(x, dy, window, w.shape)
    _close(dw, host.backward_weights(wide[0], wide[3], window, w.shape), 5e-6)
    _close(db, wide[3].sum((0, *range(2, dy.ndim))), 5e-6)
    assert max(len(phase) for p in cache.programs() for phase in p.phases) <= jobs
    cache.clear()


@needed
def test_results_do_not_depend_on_the_number_of_threads() -> None:
    x, w, b, _, window = _case("wide")
    x = np.repeat(x, 32, 0)
    before, results = features.get_num_threads(), []
    try:
        for threads in (1, 2, 5):
            features.set_num_threads(threads)
            dy = forward(x, w, b, window)
            results.append((dy, *backward_weights_and_bias(x, dy, window, w.shape),
                            matmul(x.reshape(-1, 352), x.reshape(-1, 352).T)))
    finally:
        features.set_num_threads(before)
    for other in results[1:]:
        assert all(np.array_equal(a, c) for a, c in zip(results[0], other, strict=True))


@needed
def test_the_cache_is_bounded() -> None:
    for n in range(1, 12):
        matmul(np.ones((n + 500, 600), np.float32), np.ones((600, 3), np.float32))
    before = len(cache.programs())
    limit, cache.LIMIT = cache.LIMIT, before
    try:
        matmul(np.ones((700, 600), np.float32), np.ones((600, 3), np.float32))
        assert len(cache.programs()) == before - before // 2 + 1
    finally:
        cache.LIMIT = limit


@needed
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_child_computes() -> None:
    a = np.ones((700, 700), np.float32)
    matmul(a, a)
    child = os.fork()
    if child == 0:
        good = matmul(a, a)[0, 0] == 700
        os._exit(0 if good else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_without_the_library_there_is_a_reason_and_the_same_result() -> None:
    code = ("import numpy as np\n"
            "from rushlight.backends.cpu.onednn import library\n"
            "from rushlight.backends.cpu.convolution import Window, forward\n"
            "from rushlight.backends.cpu.matmul import matmul\n"
            "assert not library.available() and 'RUSHLIGHT_DISABLE' in library.reason()\n"
            "try: library.load()\n"
            "except library.Unavailable as error: assert 'RUSHLIGHT_DISABLE' in str(error)\n"
            "x = np.ones((1, 2, 4, 4), np.float32)\n"
            "y = forward(x, x[:, :, :2, :2], None, Window((1, 1), (0, 0), (0, 0), (1, 1), 1))\n"
            "a = np.ones((100, 100), np.float32)\n"
            "print(int(y.sum()), int(matmul(a, a).sum()))")
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                           env={**os.environ, "RUSHLIGHT_DISABLE": "onednn"})
    assert found.stdout.split() == ["72", "1000000"], found.stderr


@pytest.mark.parametrize("rows", [2, 3, 8, 15])
@pytest.mark.parametrize("columns", [17, 40, 65, 512])
def test_few_rows_times_a_transposed_matrix(rows: int, columns: int) -> None:
    generator = np.random.default_rng(rows)
    x, w, b = (generator.standard_normal(s, np.float32)
               for s in ((rows, 4096), (columns, 4096), (columns,)))
    wanted = x.astype(np.float64) @ w.T.astype(np.float64)
    _close(matmul(x, w.T), wanted, 1e-5)
    _close(linear(x, w, b), wanted + b, 1e-5)


def test_new_dimensions_have_strides_that_the_library_knows() -> None:
    x = np.ones((5, 6, 7), np.float32)
    assert Layout.of(x[None]).strides == (210, 42, 7, 1)
    assert Layout.of(x[:, None]).strides == (42, 210, 7, 1)
    assert Layout.of(np.broadcast_to(x[:1], x.shape)).strides == (0, 7, 1)


def test_one_product_in_a_batch_is_a_product_of_matrices() -> None:
    a, b = (np.random.default_rng(i).standard_normal((80, 80), np.float32) for i in range(2))
    for x, y in ((a[None], b[None]), (a[None], b.T[None, None]), (a[None, None], b[None])):
        out = matmul(x, y)
        assert out.shape == np.matmul(x, y).shape
        _close(out, np.matmul(x.astype(np.float64), y), 1e-5)


@needed
@pytest.mark.parametrize("order", ["nn", "nt", "tn"])
@pytest.mark.parametrize(("rows", "columns"), [(512, 512), (700, 259), (256, 1030)])
def test_tiles_of_a_product_on_many_cores(
    rows: int, columns: int, order: str, monkeypatch: Any
) -> None:
    random = np.random.default_rng(0)
    a, b = (random.integers(-8, 9, shape).astype(np.float32)  # sums that are exact in any order
            for shape in ((rows, 300), (300, columns)))
    bias = random.integers(-8, 9, columns).astype(np.float32)
    a = np.asfortranarray(a) if order[0] == "t" else a
    b = np.asfortranarray(b) if order[1] == "t" else b
    monkeypatch.setattr(library_matmul, "MANY_CORES", True)
    cache.clear()
    out = library_matmul.matmul(a, b, bias, np.empty((rows, columns), np.float32))
    assert np.array_equal(out, a @ b + bias)
    cuts = library_matmul.jobs(out.shape, 2.0 * rows * columns * 300)
    assert len(cuts) > 4 and all(len(ranges) == 2 for ranges in cuts)
    kept = Kept(b, [0])
    for _ in range(2):
        assert np.array_equal(kept_matmul.matmul(a, b, bias, np.empty_like(out), kept), out)
    cache.clear()
