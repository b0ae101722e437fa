"""Call a program: point memory objects at arrays and execute, in one native call of 0.2 us.

With LLVM the call is a builtin function of our own making. It reads the arrays' data pointers from
the array objects themselves, and runs the jobs of each phase on our thread pool. Every job is one
thread's work for oneDNN, so its own OpenMP threads are never woken: their barriers spin, and cost
a scheduler slice (8 ms) when another process holds a core. Without LLVM the same is done through
ctypes, on one thread.

The block of 64-bit words that describes a call:
    0 arrays   1 memory objects   2 phases   3 1: give up the GIL   4 the stream
    5 the number of the workspace among the arrays, -1 if there is none
    (memory object, number of its array, offset in bytes) for each memory object to be pointed
    (number of jobs, word where its jobs begin) for each phase
    (word where its steps begin, number of steps) for each job
    (primitive, number of arguments, arguments) for each step
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from rushlight.backends.cpu import builtin, jit
from rushlight.backends.cpu.features import Unavailable
from rushlight.backends.cpu.onednn.interface import Argument, interface
from rushlight.backends.cpu.threads import pool_run_address

HEADER = 6
ALIGNMENT = 64  # bytes: a cache line, and a whole AVX-512 register

_IR = f"""
@problem = private constant [49 x i8] c"oneDNN: a primitive failed to run with status %d\\00"
@amount = private constant [40 x i8] c"oneDNN: a program got %d arrays, not %d\\00"

define ptr @call(ptr %self, ptr %arrays, i64 %given) {{
entry:
  %context = alloca [4 x i64], align 8
  %block.at = getelementptr i8, ptr %self, i64 {builtin.DATA}
  %block = load ptr, ptr %block.at
  %expected = load i64, ptr %block
  %memories.at = getelementptr i64, ptr %block, i64 1
  %memories = load i64, ptr %memories.at
  %phases.at = getelementptr i64, ptr %block, i64 2
  %phases = load i64, ptr %phases.at
  %release.at = getelementptr i64, ptr %block, i64 3
  %release.64 = load i64, ptr %release.at
  %release = icmp ne i64 %release.64, 0
  %space.at = getelementptr i64, ptr %block, i64 5
  %space = load i64, ptr %space.at
  %list = getelementptr i64, ptr %block, i64 {HEADER}
  %right = icmp eq i64 %expected, %given
  br i1 %right, label %point, label %wrong
wrong:
  %kind.1 = load ptr, ptr @PyExc_RuntimeError
  %given.32 = trunc i64 %given to i32
  %expected.32 = trunc i64 %expected to i32
  %e1 = call ptr (ptr, ptr, ...) @PyErr_Format(ptr %kind.1, ptr @amount, i32 %given.32,
                                               i32 %expected.32)
  ret ptr null

point:
  %i = phi i64 [0, %entry], [%i.next, %pointed]
  %i.more = icmp slt i64 %i, %memories
  br i1 %i.more, label %pointed, label %run
pointed:
  %word = mul i64 %i, 3
  %memory.at = getelementptr i64, ptr %list, i64 %word
  %memory = load ptr, ptr %memory.at
  %number.at = getelementptr i64, ptr %memory.at, i64 1
  %number = load i64, ptr %number.at
  %offset.at = getelementptr i64, ptr %memory.at, i64 2
  %offset = load i64, ptr %offset.at
  %array.at = getelementptr ptr, ptr %arrays, i64 %number
  %array = load ptr, ptr %array.at
  %data.at = getelementptr i8, ptr %array, i64 {builtin.DATA}
  %data = load i64, ptr %data.at
  %up = add i64 %data, {ALIGNMENT - 1}
  %aligned = and i64 %up, {-ALIGNMENT}
  %is.space = icmp eq i64 %number, %space
  %base = select i1 %is.space, i64 %aligned, i64 %data
  %address.64 = add i64 %base, %offset
  %address = inttoptr i64 %address.64 to ptr
  %s = call i32 @dnnl_memory_set_data_handle(ptr %memory, ptr %address)
  %i.next = add i64 %i, 1
  br label %point

run:
  %words = mul i64 %memories, 3
  %phase.list = getelementptr i64, ptr %list, i64 %words
  %status.at = getelementptr i64, ptr %context, i64 2
  store i64 0, ptr %status.at
  store ptr %block, ptr %context
  br i1 %release, label %let.go, label %ready
let.go:
  %state.saved = call ptr @PyEval_SaveThread()
  br label %ready
ready:
  %state = phi ptr [null, %run], [%state.saved, %let.go]
  br label %phase
phase:
  %k = phi i64 [0, %ready], [%k.next, %phase.end]
  %k.more = icmp slt i64 %k, %phases
  br i1 %k.more, label %phase.body, label %done
phase.body:
  %k.word = shl i64 %k, 1
  %jobs.at = getelementptr i64, ptr %phase.list, i64 %k.word
  %jobs = load i64, ptr %jobs.at
  %begin.at = getelementptr i64, ptr %jobs.at, i64 1
  %begin = load i64, ptr %begin.at
  %begin.slot = getelementptr i64, ptr %context, i64 1
  store i64 %begin, ptr %begin.slot
  %k.next = add i64 %k, 1
  %alone = icmp eq i64 %jobs, 1
  br i1 %alone, label %inline, label %parallel
inline:
  call void @task(ptr %context, i64 0, i64 1)
  br label %phase.end
parallel:
  call void @pool_run(ptr @task, ptr %context, i64 %jobs, i64 1)
  br label %phase.end
phase.end:
  br label %phase

done:
  br i1 %release, label %take.back, label %result
take.back:
  call void @PyEval_RestoreThread(ptr %state)
  br label %result
result:
  %status = load i64, ptr %status.at
  %good = icmp eq i64 %status, 0
  br i1 %good, label %none, label %failed
failed:
  %kind.2 = load ptr, ptr @PyExc_RuntimeError
  %status.32 = trunc i64 %status to i32
  %e2 = call ptr (ptr, ptr, ...) @PyErr_Format(ptr %kind.2, ptr @problem, i32 %status.32)
  ret ptr null
none:
  call void @Py_IncRef(ptr @_Py_NoneStruct)
  ret ptr @_Py_NoneStruct
}}

; Run the jobs `first` to `last` of a phase: all their steps, on one thread.
define internal void @task(ptr %context, i64 %first, i64 %last) {{
entry:
  call void @omp_set_num_threads(i32 1)
  %block = load ptr, ptr %context
  %begin.at = getelementptr i64, ptr %context, i64 1
  %begin = load i64, ptr %begin.at
  %stream.at = getelementptr i64, ptr %block, i64 4
  %stream = load ptr, ptr %stream.at
  %table = getelementptr i64, ptr %block, i64 %begin
  br label %job
job:
  %j = phi i64 [%first, %entry], [%j.next, %job.end]
  %j.more = icmp slt i64 %j, %last
  br i1 %j.more, label %job.body, label %end
job.body:
  %j.word = shl i64 %j, 1
  %steps.at = getelementptr i64, ptr %table, i64 %j.word
  %steps.word = load i64, ptr %steps.at
  %steps = getelementptr i64, ptr %block, i64 %steps.word
  %count.at = getelementptr i64, ptr %steps.at, i64 1
  %count = load i64, ptr %count.at
  br label %step
step:
  %i = phi i64 [0, %job.body], [%i.next, %step.body]
  %i.more = icmp slt i64 %i, %count
  br i1 %i.more, label %step.body, label %job.end
step.body:
  %word = mul i64 %i, 3
  %primitive.at = getelementptr i64, ptr %steps, i64 %word
  %primitive = load ptr, ptr %primitive.at
  %n.at = getelementptr i64, ptr %primitive.at, i64 1
  %n.64 = load i64, ptr %n.at
  %n = trunc i64 %n.64 to i32
  %arguments.at = getelementptr i64, ptr %primitive.at, i64 2
  %arguments = load ptr, ptr %arguments.at
  %status = call i32 @dnnl_primitive_execute(ptr %primitive, ptr %stream, i32 %n, ptr %arguments)
  %fine = icmp eq i32 %status, 0
  %i.next = add i64 %i, 1
  br i1 %fine, label %step, label %failed
failed:
  %status.64 = sext i32 %status to i64
  %status.at = getelementptr i64, ptr %context, i64 2
  store atomic i64 %status.64, ptr %status.at monotonic, align 8
  br label %job.end
job.end:
  %j.next = add i64 %j, 1
  br label %job
end:
  ret void
}}

declare void @pool_run(ptr, ptr, i64, i64)
declare void @omp_set_num_threads(i32)
declare i32 @dnnl_memory_set_data_handle(ptr, ptr)
declare i32 @dnnl_primitive_execute(ptr, ptr, i32, ptr)
"""


@lru_cache(maxsize=1)
def _method() -> Any:
    """The builtin function's definition; None where it cannot be made."""
    if not builtin.supported():
        return None
    native = interface().library
    imports = builtin.imports() | {
        name: builtin.address_of(getattr(native, name)) for name in (
            "omp_set_num_threads", "dnnl_memory_set_data_handle", "dnnl_primitive_execute")}
    try:
        imports["pool_run"] = pool_run_address()
        (address,) = jit.load(_IR + builtin.DECLARATIONS, "call", imports=imports)
    except Unavailable:
        return None
    return builtin.method(address)


def native() -> bool:
    """Whether calls are machine code of our own."""
    return _method() is not None


def bind(block: np.ndarray) -> Callable[..., Any]:
    """A function of the call's arrays for `block`, which it keeps alive."""
    definition = _method()
    return _through_ctypes(block) if definition is None else builtin.bind(definition, block)


def _through_ctypes(block: np.ndarray) -> Callable[..., Any]:
    """The same call for interpreters where the builtin cannot be made."""
    words = block.tolist()
    arrays, memories, phases, _, stream, space = words[:HEADER]
    pointed = [words[HEADER + 3 * i : HEADER + 3 * i + 3] for i in range(memories)]
    first = HEADER + 3 * memories
    steps = []
    for k in range(phases):
        jobs, begin = words[first + 2 * k : first + 2 * k + 2]
        for j in range(jobs):
            at, count = words[begin + 2 * j : begin + 2 * j + 2]
            for i in range(count):
                primitive, n, arguments = words[at + 3 * i : at + 3 * i + 3]
                steps.append((primitive, stream, n,
                              ctypes.cast(arguments, ctypes.POINTER(Argument))))
    set_handle, execute = interface().set_handle, interface().execute
    set_threads = interface().set_threads

    def run(*given: np.ndarray) -> None:
        if len(given) != arrays:
            raise RuntimeError(f"oneDNN: a program got {len(given)} arrays, not {arrays}")
        bases = [array.ctypes.data for array in given]
        if space >= 0:
            bases[space] = -(-bases[space] // ALIGNMENT) * ALIGNMENT
        for memory, number, offset in pointed:
            set_handle(memory, bases[number] + offset)
        set_threads(1)
        for step in steps:
            if status := execute(*step):
                raise RuntimeError(f"oneDNN: a primitive failed to run with status {status}")

    return run
