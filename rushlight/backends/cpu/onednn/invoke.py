"""Call a program: point memory objects at arrays and execute, in one native call of 0.2 us.

With LLVM the call is a builtin function of our own making. It reads the arrays' data pointers from
the array objects themselves and stays in machine code until the last step is done. Without LLVM
the same is done through ctypes, at 0.3 us a pointer.

The block of 64-bit words that describes a call:
    0 number of the caller's arrays   1 number of places in the workspace   2 number of steps
    3 threads                         4 1: give up the GIL                  5 the stream
    then a memory object for each of the caller's arrays,
    (memory object, offset) for each place in the workspace,
    (primitive, number of arguments, arguments) for each step.
The arrays of a call come in the order of the memory objects, the workspace last.
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

_HEADER = 6

_IR = """
@problem = private constant [49 x i8] c"oneDNN: a primitive failed to run with status %d\\00"
@amount = private constant [40 x i8] c"oneDNN: a program got %d arrays, not %d\\00"

define ptr @call(ptr %self, ptr %arrays, i64 %given) {
entry:
  %block.at = getelementptr i8, ptr %self, i64 16
  %block = load ptr, ptr %block.at
  %outer = load i64, ptr %block
  %inner.at = getelementptr i64, ptr %block, i64 1
  %inner = load i64, ptr %inner.at
  %steps.at = getelementptr i64, ptr %block, i64 2
  %steps = load i64, ptr %steps.at
  %threads.at = getelementptr i64, ptr %block, i64 3
  %threads.64 = load i64, ptr %threads.at
  %threads = trunc i64 %threads.64 to i32
  %release.at = getelementptr i64, ptr %block, i64 4
  %release.64 = load i64, ptr %release.at
  %release = icmp ne i64 %release.64, 0
  %stream.at = getelementptr i64, ptr %block, i64 5
  %stream = load ptr, ptr %stream.at
  %memories = getelementptr i64, ptr %block, i64 6
  %some.inner = icmp ne i64 %inner, 0
  %extra = zext i1 %some.inner to i64
  %expected = add i64 %outer, %extra
  %right = icmp eq i64 %expected, %given
  br i1 %right, label %outer.loop, label %wrong
wrong:
  %runtime.error = load ptr, ptr @PyExc_RuntimeError
  %given.32 = trunc i64 %given to i32
  %expected.32 = trunc i64 %expected to i32
  %e1 = call ptr (ptr, ptr, ...) @PyErr_Format(ptr %runtime.error, ptr @amount, i32 %given.32,
                                               i32 %expected.32)
  ret ptr null

outer.loop:
  %i = phi i64 [0, %entry], [%i.next, %outer.body]
  %outer.more = icmp slt i64 %i, %outer
  br i1 %outer.more, label %outer.body, label %inner.begin
outer.body:
  %memory.at = getelementptr ptr, ptr %memories, i64 %i
  %memory = load ptr, ptr %memory.at
  %array.at = getelementptr ptr, ptr %arrays, i64 %i
  %array = load ptr, ptr %array.at
  %data.at = getelementptr i8, ptr %array, i64 16
  %data = load ptr, ptr %data.at
  %s1 = call i32 @dnnl_memory_set_data_handle(ptr %memory, ptr %data)
  %i.next = add i64 %i, 1
  br label %outer.loop

inner.begin:
  %places = getelementptr ptr, ptr %memories, i64 %outer
  br i1 %some.inner, label %workspace, label %run
workspace:
  %space.at = getelementptr ptr, ptr %arrays, i64 %outer
  %space = load ptr, ptr %space.at
  %start.at = getelementptr i8, ptr %space, i64 16
  %start.any = load i64, ptr %start.at
  %start.up = add i64 %start.any, 63
  %start = and i64 %start.up, -64
  br label %inner.loop
inner.loop:
  %j = phi i64 [0, %workspace], [%j.next, %inner.body]
  %inner.more = icmp slt i64 %j, %inner
  br i1 %inner.more, label %inner.body, label %run
inner.body:
  %pair = shl i64 %j, 1
  %place.at = getelementptr i64, ptr %places, i64 %pair
  %place = load ptr, ptr %place.at
  %offset.at = getelementptr i64, ptr %place.at, i64 1
  %offset = load i64, ptr %offset.at
  %address.64 = add i64 %start, %offset
  %address = inttoptr i64 %address.64 to ptr
  %s2 = call i32 @dnnl_memory_set_data_handle(ptr %place, ptr %address)
  %j.next = add i64 %j, 1
  br label %inner.loop

run:
  %inner.words = shl i64 %inner, 1
  %program = getelementptr i64, ptr %places, i64 %inner.words
  br i1 %release, label %let.go, label %ready
let.go:
  %state.saved = call ptr @PyEval_SaveThread()
  br label %ready
ready:
  %state = phi ptr [null, %run], [%state.saved, %let.go]
  call void @omp_set_num_threads(i32 %threads)
  br label %step.loop
step.loop:
  %k = phi i64 [0, %ready], [%k.next, %step.done]
  %step.more = icmp slt i64 %k, %steps
  br i1 %step.more, label %step.body, label %done
step.body:
  %word = mul i64 %k, 3
  %primitive.at = getelementptr i64, ptr %program, i64 %word
  %primitive = load ptr, ptr %primitive.at
  %count.at = getelementptr i64, ptr %primitive.at, i64 1
  %count.64 = load i64, ptr %count.at
  %count = trunc i64 %count.64 to i32
  %list.at = getelementptr i64, ptr %primitive.at, i64 2
  %list = load ptr, ptr %list.at
  %status.step = call i32 @dnnl_primitive_execute(ptr %primitive, ptr %stream, i32 %count,
                                                  ptr %list)
  %fine = icmp eq i32 %status.step, 0
  %k.next = add i64 %k, 1
  br i1 %fine, label %step.done, label %done
step.done:
  br label %step.loop

done:
  %status = phi i32 [0, %step.loop], [%status.step, %step.body]
  br i1 %release, label %take.back, label %result
take.back:
  call void @PyEval_RestoreThread(ptr %state)
  br label %result
result:
  %good = icmp eq i32 %status, 0
  br i1 %good, label %none, label %failed
failed:
  %error = load ptr, ptr @PyExc_RuntimeError
  %e2 = call ptr (ptr, ptr, ...) @PyErr_Format(ptr %error, ptr @problem, i32 %status)
  ret ptr null
none:
  call void @Py_IncRef(ptr @_Py_NoneStruct)
  ret ptr @_Py_NoneStruct
}

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
            "omp_set_num_threads", "dnnl_memory_set_data_handle", "dnnl_primitive_execute")
    }
    try:
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
    outer, inner, count, threads, _, stream = words[:_HEADER]
    memories = words[_HEADER : _HEADER + outer]
    rest = words[_HEADER + outer :]
    places = [(rest[2 * j], rest[2 * j + 1]) for j in range(inner)]
    rest = rest[2 * inner :]
    steps = [(rest[3 * k], stream, rest[3 * k + 1],
              ctypes.cast(rest[3 * k + 2], ctypes.POINTER(Argument)))
             for k in range(count)]
    set_handle, execute = interface().set_handle, interface().execute
    set_threads = interface().set_threads

    def run(*arrays: np.ndarray) -> None:
        for memory, array in zip(memories, arrays, strict=False):
            set_handle(memory, array.ctypes.data)
        if places:
            start = (arrays[-1].ctypes.data + 63) & -64
            for memory, offset in places:
                set_handle(memory, start + offset)
        set_threads(threads)
        for step in steps:
            if status := execute(*step):
                raise RuntimeError(f"oneDNN: a primitive failed to run with status {status}")

    return run
