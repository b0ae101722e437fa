"""Compilation, the ufuncs made of compiled loops, and what happens without llvmlite."""

from __future__ import annotations

import ctypes
import itertools
import os
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from rushlight.backends.cpu import cgroup, features, jit
from rushlight.backends.cpu.loop import OPERANDS, loop_ir
from rushlight.backends.cpu.ufunc import compile_loop, compile_ufunc, make_ufunc
from rushlight.base.dtypes import dtype_named

if jit.available() is not None:
    pytest.skip(jit.available(), allow_module_level=True)

ADD_ONE = "define i64 @f(i64 %x) {\n  %y = add i64 %x, 1\n  ret i64 %y\n}\n"


def run_python(code: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300,
                          env={**os.environ, **environment}, check=False)


def binary(kind: str, operation: str) -> str:
    return (f"define internal {kind} @body({kind} %x, {kind} %y) alwaysinline {{\n"
            f"  %r = {operation} {kind} %x, %y\n  ret {kind} %r\n}}\n")


@pytest.fixture(scope="module")
def add() -> np.ufunc:
    return compile_ufunc("add", binary("float", "fadd"), ["float32"] * 2, ["float32"])


@pytest.fixture(scope="module")
def costly_add() -> np.ufunc:
    """The same with the cost of a long body: other loops are compiled, and work is split sooner."""
    return compile_ufunc("add", binary("float", "fadd"), ["float32"] * 2, ["float32"], cost=50.0)


def test_load_gives_addresses() -> None:
    (address,) = jit.load(ADD_ONE, "f")
    assert ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(address)(41) == 42
    assert jit.load(ADD_ONE, "f") == (address,)


def test_imports_are_linked_by_name() -> None:
    (inner,) = jit.load(ADD_ONE, "f")
    (outer,) = jit.load("declare i64 @callee(i64)\n" + ADD_ONE.replace("@f", "@g").replace(
        "add i64 %x, 1", "call i64 @callee(i64 %x)"), "g", imports={"callee": inner})
    assert ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(outer)(1) == 2


NOT_DEFINED = """
declare void @nobody_has_this()
define void @f() {
  call void @nobody_has_this()
  ret void
}
"""


@pytest.mark.parametrize("ir", ["define nonsense", NOT_DEFINED])
def test_bad_code_is_an_error_and_not_the_end(ir: str) -> None:
    with pytest.raises(RuntimeError):
        jit.load(ir, "f")
    assert jit.load(ADD_ONE, "f")


def test_objects_are_shared_through_the_disk(tmp_path: Path) -> None:
    code = f"""
from rushlight.backends.cpu import jit
compiled = []
compile_ = jit._compile
jit._compile = lambda ir: compiled.append(ir) or compile_(ir)
jit.load({ADD_ONE!r}, "f")
print(len(compiled), jit.object_cache().directory)
"""
    first = run_python(code, RUSHLIGHT_CACHE_DIR=str(tmp_path)).stdout
    assert first == f"1 {tmp_path}\n"
    assert run_python(code, RUSHLIGHT_CACHE_DIR=str(tmp_path)).stdout == f"0 {tmp_path}\n"
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-5])
    assert run_python(code, RUSHLIGHT_CACHE_DIR=str(tmp_path)).stdout == f"1 {tmp_path}\n"
    assert run_python(code, RUSHLIGHT_CACHE_DIR="").stdout == "1 None\n"


def test_without_llvmlite_the_reason_is_told() -> None:
    result = run_python("""
import sys
sys.modules["llvmlite"] = None
from rushlight.backends.cpu import allocator, jit
from rushlight.backends.cpu.features import Unavailable
from rushlight.backends.cpu.ufunc import compile_ufunc
print(jit.available())
print(allocator.install(), allocator.available())
try:
    compile_ufunc("f", "", ["float32"], ["float32"])
except Unavailable as error:
    print(type(error).__name__)
""")
    lines = result.stdout.splitlines()
    assert "llvmlite cannot be used" in lines[0]
    assert lines[1].startswith("False llvmlite cannot be used")
    assert lines[2] == "Unavailable", result.stderr


def test_importing_the_run_time_imports_no_compiler() -> None:
    result = run_python("""
import sys
from rushlight.backends.cpu import allocator, features, jit, threads, ufunc
print("llvmlite" in sys.modules)
""")
    assert result.stdout == "False\n", result.stderr


@pytest.mark.parametrize("kernel", ["add", "costly_add"])
@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 5, 8, 17, 64, 1023, 1025, 5000, 300_001])
def test_every_layout_gives_what_numpy_gives(kernel: str, n: int, request) -> None:
    f = request.getfixturevalue(kernel)
    random = np.random.default_rng(n)
    a, b = random.standard_normal((2, n)).astype(np.float32)
    scalar = np.float32(1.5)
    equal = np.testing.assert_array_equal
    equal(f(a, b), a + b)
    equal(f(a, scalar), a + scalar)
    equal(f(scalar, a), scalar + a)
    equal(f(a[::2], b[::-2]), a[::2] + b[::-2])
    equal(f(a[::3], scalar), a[::3] + scalar)
    target = np.zeros((n, 3), np.float32)
    f(a, b, out=target[:, 1])
    equal(target[:, 1], a + b)
    assert not target[:, ::2].any()
    for update in (a.copy(), a[::-1].copy()):
        expected = update + b
        assert f(update, b, out=update) is update
        equal(update, expected)
    shifted = a.copy()
    f(shifted[1:], b[1:], out=shifted[:-1])
    equal(shifted[:-1], a[1:] + b[1:])


def test_broadcasting_and_reduction(add: np.ufunc) -> None:
    a = np.arange(7 * 5 * 9, dtype=np.float32).reshape(7, 5, 9)
    np.testing.assert_array_equal(add(a, a[0, :, :1]), a + a[0, :, :1])
    np.testing.assert_array_equal(add(a.T, a.T), a.T + a.T)
    row = a[0, 0]
    assert add.reduce(row) == row.sum()
    np.testing.assert_array_equal(add.accumulate(row), list(itertools.accumulate(row)))
    np.testing.assert_array_equal(add.outer(row, row), np.add.outer(row, row))


def test_threads_do_not_change_the_result(costly_add: np.ufunc) -> None:
    a = np.random.default_rng(0).standard_normal(100_003).astype(np.float32)
    before = features.get_num_threads()
    try:
        for count in (1, 2, 5):
            features.set_num_threads(count)
            np.testing.assert_array_equal(costly_add(a, a[::-1]), a + a[::-1])
    finally:
        features.set_num_threads(before)


IDENTITY = {name: f"define internal {operand.body} @body({operand.body} %x) alwaysinline {{\n"
                  f"  ret {operand.body} %x\n}}\n" for name, operand in OPERANDS.items()}


@pytest.mark.parametrize("name", OPERANDS)
@pytest.mark.skipif(not features.target().has("f16c") and "x86" in features.target().triple,
                    reason="no float16 conversions")
def test_every_element_type_passes_through(name: str) -> None:
    identity = compile_ufunc("identity", IDENTITY[name], [name], [name])
    kind = dtype_named(name).array
    bits = np.random.default_rng(1).integers(0, 256, 777 * kind.itemsize, np.uint8)
    values = (bits % 2).view(kind)[:777] if name == "bool" else bits.view(kind)
    if kind.kind in "fcV":
        with np.errstate(invalid="ignore"):
            values = np.where(np.isfinite(values), values, kind.type(1))
    for source in (values, values[::2], values[:1]):
        result = identity(source)
        assert result.dtype == kind
        assert result.tobytes() == source.tobytes()


def test_half_types_round_to_nearest_even() -> None:
    values = np.float32([1, 1.00390625, 1.01171875, -1.00390625, 3.4e38, 1e-40, np.inf, 0.1, 65520])
    half = "define internal float @body(float %x) alwaysinline {\n  ret float %x\n}\n"
    for name in ("bfloat16", "float16"):
        kind = dtype_named(name).array
        to = compile_ufunc("to", half, ["float32"], [name])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert to(values).tobytes() == values.astype(kind).tobytes()
        assert np.isnan(to(np.float32([np.nan]))).all()


def test_several_outputs_and_mixed_types() -> None:
    divmod_ir = """
define internal {i64, i1} @body(i32 %x, i1 %flip) alwaysinline {
  %wide = sext i32 %x to i64
  %minus = sub i64 0, %wide
  %y = select i1 %flip, i64 %minus, i64 %wide
  %negative = icmp slt i64 %y, 0
  %a = insertvalue {i64, i1} poison, i64 %y, 0
  %b = insertvalue {i64, i1} %a, i1 %negative, 1
  ret {i64, i1} %b
}
"""
    f = compile_ufunc("f", divmod_ir, ["int32", "bool"], ["int64", "bool"])
    x = np.arange(-500, 500, dtype=np.int32)
    flip = x % 3 == 0
    y, negative = f(x, flip)
    np.testing.assert_array_equal(y, np.where(flip, -x, x))
    np.testing.assert_array_equal(negative, y < 0)
    wide = np.zeros((1000, 2), np.int64)
    f(x[::-1], flip[::-1], out=(wide[:, 0], negative))
    np.testing.assert_array_equal(wide[:, 0], y[::-1])
    np.testing.assert_array_equal(f(x, True)[0], -x)


def test_one_ufunc_of_several_loops() -> None:
    loops = [compile_loop(binary(kind, "fadd"), [name] * 2, [name])
             for name, kind in (("float32", "float"), ("float64", "double"), ("bfloat16", "float"))]
    f = make_ufunc("plus", loops, 2, 1, "Sum.")
    assert isinstance(f, np.ufunc) and f.__name__ == "plus" and "Sum." in (f.__doc__ or "")
    for name in ("float32", "float64", "bfloat16"):
        kind = dtype_named(name).array
        result = f(np.ones(5, kind), np.ones(5, kind))
        assert result.dtype == kind and (result == kind.type(2)).all()


def test_floating_point_exceptions_stay_silent() -> None:
    divide = compile_ufunc("divide", binary("float", "fdiv"), ["float32"] * 2, ["float32"])
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        result = divide(np.float32([1, 0, -1]), np.float32([0, 0, 0]))
    assert result[0] == np.inf and np.isnan(result[1]) and result[2] == -np.inf


def test_an_unknown_element_type_is_named() -> None:
    with pytest.raises(ValueError, match="uint16"):
        loop_ir("", ["uint16"], ["float32"])


def test_kernels_outlive_the_interpreters_modules() -> None:
    result = run_python(f"""
import os, sys
import numpy as np
from rushlight.backends.cpu.ufunc import compile_ufunc
f = compile_ufunc("f", {binary("float", "fadd")!r}, ["float32"] * 2, ["float32"])
class Late:
    def __init__(self):
        self.f, self.a, self.write = f, np.ones(1_000_000, np.float32), os.write
    def __del__(self):
        self.write(1, b"%d" % self.f(self.a, self.a)[-1])
sys.late = Late()
""")
    assert result.stdout == "2" and result.returncode == 0, result.stderr


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers here")
def test_an_interrupt_while_compiling_arrives_and_leaves_no_trace() -> None:
    result = run_python(f"""
import os, signal
from rushlight.backends.cpu import jit
ir = {ADD_ONE!r}
jit.load(ir, "f")
rung = caught = 0
def ring(*args):
    global rung
    rung += 1
    raise InterruptedError
signal.signal(signal.SIGALRM, ring)
for k in range(2, 60):
    try:
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.0001 * k)
            jit.load(ir.replace("1", str(k)), "f")
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except InterruptedError:
        caught += 1
assert 0 < rung == caught, (rung, caught)
child = os.fork()
assert jit.load(ir.replace("1", "77"), "f")
if child == 0:
    os._exit(0)
print(os.waitpid(child, 0)[1])
""", RUSHLIGHT_CACHE_DIR="")
    assert (result.stdout, result.stderr) == ("0\n", "")


def test_compiling_in_a_forked_child() -> None:
    result = run_python(f"""
import os, threading, time
from rushlight.backends.cpu import jit
ir = {ADD_ONE!r}
stop = False
def work():
    k = 2
    while not stop:
        jit.load(ir.replace("1", str(k)), "f"); k += 1
        time.sleep(0.001)
thread = threading.Thread(target=work); thread.start()
codes = []
for turn in range(5):
    child = os.fork()
    if child == 0:
        jit.load(ir.replace("1", str(-turn - 1)), "f")
        os._exit(0)
    codes.append(os.waitpid(child, 0)[1])
stop = True
thread.join()
print(codes)
""", RUSHLIGHT_CACHE_DIR="")
    assert result.stdout == "[0, 0, 0, 0, 0]\n", result.stderr


def test_cgroup_limits(tmp_path: Path) -> None:
    process, root = tmp_path / "cgroup", tmp_path / "fs"
    (root / "a" / "b").mkdir(parents=True)
    process.write_text("0::/a/b\n")
    assert cgroup.cpu_quota(process, root) is None
    (root / "a" / "b" / "cpu.max").write_text("max 100000\n")
    (root / "a" / "cpu.max").write_text("150000 100000\n")
    (root / "a" / "memory.max").write_text("1048576\n")
    (root / "a" / "b" / "memory.max").write_text("max\n")
    if sys.platform == "linux":
        assert cgroup.cpu_quota(process, root) == 1.5
        assert cgroup.memory_limit(process, root) == 1048576
        (root / "cpu" / "c").mkdir(parents=True)
        (root / "cpu" / "c" / "cpu.cfs_quota_us").write_text("50000\n")
        (root / "cpu" / "c" / "cpu.cfs_period_us").write_text("100000\n")
        process.write_text("4:cpu,cpuacct:/c\nnonsense\n")
        assert cgroup.cpu_quota(process, root) == 0.5
    assert cgroup.cpu_quota(tmp_path / "absent", root) is None


def test_num_threads(monkeypatch) -> None:
    assert features.usable_cores() >= 1
    for bad in (0, -1, 1.5, "2", True):
        with pytest.raises(RuntimeError, match="set_num_threads expects"):
            features.set_num_threads(bad)  # type: ignore[arg-type]
    monkeypatch.setattr(features, "_threads", None)
    monkeypatch.setenv("OMP_NUM_THREADS", "3,2")
    assert features.get_num_threads() == 3
    monkeypatch.setattr(features, "_threads", None)
    monkeypatch.setenv("OMP_NUM_THREADS", "many")
    assert features.get_num_threads() == features.usable_cores()
