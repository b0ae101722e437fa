"""Order along a dimension as LLVM IR: sort, the first k, the n-th.

Each element becomes a word of twice its width (of at least 64 bits): a key, an unsigned integer in
the order of the elements, above its place in the row. Words are all different, and their order is
the stable one. In a short row each word is compared with each, which takes no branches; a few
smallest are kept in a list while blocks that hold nothing smaller are passed over; anything else
is a radix sort, a byte of the key at a time, from which words that the highest byte of the key
rules out are dropped first.
"""

from __future__ import annotations

import numpy as np

from rushlight.backends.cpu import builtin

SHORT = {"i64": 96, "i128": 32}  # words of a row up to which comparing each with each is quickest
LIST = 64  # elements up to which the smallest so far are kept in a list
SPARSE = 32  # times as many elements as the list holds, from which the list is the fastest way
BLOCK = 32  # elements of which the smallest is compared with the last of the list

FLOATS = {"float16": "half", "bfloat16": "bfloat", "float32": "float", "float64": "double"}
INTEGERS = "iub"


def _key(dtype: np.dtype, bits: int, descending: bool) -> str:
    """%key, an unsigned number of `bits`, in the order of the elements %x; NaN is the greatest."""
    kind = _kind(dtype)
    if dtype.name in FLOATS:
        wide = {32: "float", 64: "double"}[bits]
        number = "%x" if kind == wide else "%wide"
        lines = [f"%wide = fpext {kind} %x to {wide}"] if kind != wide else []
        lines += [
            f"%plus = fadd {wide} {number}, 0.0",  # -0 becomes 0: the two are equal
            f"%bits = bitcast {wide} %plus to i{bits}",
            f"%negative = ashr i{bits} %bits, {bits - 1}",
            f"%turn = or i{bits} %negative, {-(1 << (bits - 1))}",
            f"%turned = xor i{bits} %bits, %turn",
            f"%nan = fcmp uno {wide} {number}, 0.0",
            f"%rising = select i1 %nan, i{bits} -1, i{bits} %turned"]
    else:
        signed = dtype.kind == "i"
        extend = "sext" if signed else "zext"
        lines = [f"%same = {extend} {kind} %x to i{bits}" if kind != f"i{bits}" else
                 f"%same = add {kind} %x, 0",
                 f"%rising = xor i{bits} %same, {-(1 << (bits - 1)) if signed else 0}"]
    lines.append(f"%key = xor i{bits} %rising, {-1 if descending else 0}")
    return "\n  ".join(lines)


def _kind(dtype: np.dtype) -> str:
    return FLOATS.get(dtype.name, f"i{8 * dtype.itemsize}")


def order_ir(dtype: np.dtype, descending: bool) -> str:
    """`order(table, rows, grain)`: rows in parallel."""
    kind, size = _kind(dtype), dtype.itemsize
    bits = 64 if size == 8 else 32
    word, width = f"i{2 * bits}", bits // 4
    return "".join([
        _words_ir(kind, size, word, bits, _key(dtype, bits, descending)),
        _insertion_ir(word), _ranked_ir(word), _list_ir(word), _radix_ir(word, width),
        _row_ir(kind, size, word, bits), _sharing_ir(size, width)])


def _words_ir(kind: str, size: int, word: str, bits: int, key: str) -> str:
    """`@words`: the words of a row, whose elements stand `inner` apart."""
    return f"""
define internal void @words(ptr noalias %data, ptr noalias %words, i64 %n, i64 %inner) nounwind {{
entry:
  br label %each
each:
  %j = phi i64 [0, %entry], [%next, %each]
  %from = mul i64 %j, %inner
  %at = getelementptr {kind}, ptr %data, i64 %from
  %x = load {kind}, ptr %at, align {size}
  {key}
  %whole = zext i{bits} %key to {word}
  %high = shl {word} %whole, {bits}
  %place = {"add i64 %j, 0" if word == "i64" else f"zext i64 %j to {word}"}
  %made = or {word} %high, %place
  %to = getelementptr {word}, ptr %words, i64 %j
  store {word} %made, ptr %to, align 8
  %next = add nuw nsw i64 %j, 1
  %more = icmp ult i64 %next, %n
  br i1 %more, label %each, label %done
done:
  ret void
}}
"""


def _insertion_ir(word: str) -> str:
    """`@insert`: put a word in its place in the first `count` of a sorted list, which moves those
    behind it up by one; `@insertion`: sort words by inserting each."""
    return f"""
define internal void @insert(ptr %list, i64 %count, {word} %x) nounwind {{
entry:
  br label %look
look:
  %p = phi i64 [%count, %entry], [%below, %shift]
  %first = icmp eq i64 %p, 0
  br i1 %first, label %found, label %compare
compare:
  %below = sub i64 %p, 1
  %at_y = getelementptr {word}, ptr %list, i64 %below
  %y = load {word}, ptr %at_y, align 8
  %before = icmp ult {word} %x, %y
  br i1 %before, label %shift, label %found
shift:
  %at_next = getelementptr {word}, ptr %list, i64 %p
  store {word} %y, ptr %at_next, align 8
  br label %look
found:
  %at = getelementptr {word}, ptr %list, i64 %p
  store {word} %x, ptr %at, align 8
  ret void
}}

define internal void @insertion(ptr noalias %words, ptr noalias %list, i64 %n) nounwind {{
entry:
  br label %each
each:
  %j = phi i64 [0, %entry], [%next, %each]
  %at = getelementptr {word}, ptr %words, i64 %j
  %x = load {word}, ptr %at, align 8
  call void @insert(ptr %list, i64 %j, {word} %x)
  %next = add nuw nsw i64 %j, 1
  %more = icmp ult i64 %next, %n
  br i1 %more, label %each, label %done
done:
  ret void
}}
"""


def _ranked_ir(word: str) -> str:
    """`@ranked`: sort words, each of which goes to the place that counting the smaller ones
    gives."""
    longest = SHORT[word]
    return f"""
define internal void @ranked(ptr noalias %words, ptr noalias %list, i64 %n) nounwind {{
entry:
  %ranks = alloca [{longest} x i64], align 64
  call void @llvm.memset.p0.i64(ptr %ranks, i8 0, i64 {8 * longest}, i1 false)
  br label %each
each:
  %j = phi i64 [0, %entry], [%next, %each_end]
  %at = getelementptr {word}, ptr %words, i64 %j
  %x = load {word}, ptr %at, align 8
  br label %other
other:
  %i = phi i64 [0, %each], [%i_next, %other]
  %at_i = getelementptr {word}, ptr %words, i64 %i
  %y = load {word}, ptr %at_i, align 8
  %at_rank = getelementptr i64, ptr %ranks, i64 %i
  %rank = load i64, ptr %at_rank, align 8
  %smaller = icmp ult {word} %x, %y
  %one = zext i1 %smaller to i64
  %sum = add i64 %rank, %one
  store i64 %sum, ptr %at_rank, align 8
  %i_next = add nuw nsw i64 %i, 1
  %i_more = icmp ult i64 %i_next, %n
  br i1 %i_more, label %other, label %each_end
each_end:
  %next = add nuw nsw i64 %j, 1
  %more = icmp ult i64 %next, %n
  br i1 %more, label %each, label %put
put:
  %p = phi i64 [0, %each_end], [%p_next, %put]
  %at_p = getelementptr {word}, ptr %words, i64 %p
  %w = load {word}, ptr %at_p, align 8
  %at_r = getelementptr i64, ptr %ranks, i64 %p
  %r = load i64, ptr %at_r, align 8
  %to = getelementptr {word}, ptr %list, i64 %r
  store {word} %w, ptr %to, align 8
  %p_next = add nuw nsw i64 %p, 1
  %p_more = icmp ult i64 %p_next, %n
  br i1 %p_more, label %put, label %done
done:
  ret void
}}
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)
"""


def _list_ir(word: str) -> str:
    """`@smallest`: the first `need` words in order, in a list; blocks that hold nothing smaller
    than the last of the list are passed over."""
    return f"""
define internal void @smallest(ptr noalias %words, ptr noalias %list, i64 %n, i64 %need) nounwind {{
entry:
  call void @insertion(ptr %words, ptr %list, i64 %need)
  %last = sub i64 %need, 1
  %at_last = getelementptr {word}, ptr %list, i64 %last
  br label %block
block:
  %b = phi i64 [%need, %entry], [%to, %block_end]
  %some = icmp ult i64 %b, %n
  br i1 %some, label %begin, label %done
begin:
  %end = add i64 %b, {BLOCK}
  %to = call i64 @llvm.umin.i64(i64 %end, i64 %n)
  %limit = load {word}, ptr %at_last, align 8
  br label %least
least:
  %i = phi i64 [%b, %begin], [%i_next, %least]
  %so_far = phi {word} [-1, %begin], [%less, %least]
  %at_i = getelementptr {word}, ptr %words, i64 %i
  %w = load {word}, ptr %at_i, align 8
  %smaller = icmp ult {word} %w, %so_far
  %less = select i1 %smaller, {word} %w, {word} %so_far
  %i_next = add nuw nsw i64 %i, 1
  %i_more = icmp ult i64 %i_next, %to
  br i1 %i_more, label %least, label %decide
decide:
  %any = icmp ult {word} %less, %limit
  br i1 %any, label %scan, label %block_end
scan:
  %j = phi i64 [%b, %decide], [%j_next, %scanned]
  %at_j = getelementptr {word}, ptr %words, i64 %j
  %x = load {word}, ptr %at_j, align 8
  %bound = load {word}, ptr %at_last, align 8
  %belongs = icmp ult {word} %x, %bound
  br i1 %belongs, label %put, label %scanned
put:
  call void @insert(ptr %list, i64 %last, {word} %x)
  br label %scanned
scanned:
  %j_next = add nuw nsw i64 %j, 1
  %j_more = icmp ult i64 %j_next, %to
  br i1 %j_more, label %scan, label %block_end
block_end:
  br label %block
done:
  ret void
}}
declare i64 @llvm.umin.i64(i64, i64)
"""


def _radix_ir(word: str, width: int) -> str:
    """`@count`: how often each value of each byte of the key occurs; `@keep`: copy the words whose
    highest byte does not put them behind the first `need`; `@pass`: order by one byte."""
    passes = width // 2
    counting = "\n".join(f"""  %b{p} = getelementptr i8, ptr %at, i64 {passes + p}
  %d{p} = load i8, ptr %b{p}
  %e{p} = zext i8 %d{p} to i64
  %f{p} = add i64 %e{p}, {256 * p}
  %h{p} = getelementptr i32, ptr %counts, i64 %f{p}
  %o{p} = load i32, ptr %h{p}, align 4
  %n{p} = add i32 %o{p}, 1
  store i32 %n{p}, ptr %h{p}, align 4""" for p in range(passes))
    return f"""
define internal void @count(ptr noalias %words, ptr noalias %counts, i64 %n) nounwind {{
entry:
  call void @llvm.memset.p0.i64(ptr %counts, i8 0, i64 {1024 * passes}, i1 false)
  br label %each
each:
  %j = phi i64 [0, %entry], [%next, %each]
  %at = getelementptr {word}, ptr %words, i64 %j
{counting}
  %next = add nuw nsw i64 %j, 1
  %more = icmp ult i64 %next, %n
  br i1 %more, label %each, label %done
done:
  ret void
}}

define internal i64 @keep(ptr noalias %from, ptr noalias %to, ptr noalias %counts, i64 %n,
    i64 %need) nounwind {{
entry:
  %top = getelementptr i32, ptr %counts, i64 {256 * (passes - 1)}
  br label %find
find:
  %v = phi i64 [0, %entry], [%v_next, %find]
  %total = phi i64 [0, %entry], [%sum, %find]
  %at_v = getelementptr i32, ptr %top, i64 %v
  %often = load i32, ptr %at_v, align 4
  %wide = zext i32 %often to i64
  %sum = add i64 %total, %wide
  %v_next = add i64 %v, 1
  %few = icmp ult i64 %sum, %need
  br i1 %few, label %find, label %each
each:
  %j = phi i64 [0, %find], [%next, %each]
  %m = phi i64 [0, %find], [%m_next, %each]
  %at = getelementptr {word}, ptr %from, i64 %j
  %w = load {word}, ptr %at, align 8
  %at_byte = getelementptr i8, ptr %at, i64 {width - 1}
  %byte = load i8, ptr %at_byte
  %digit = zext i8 %byte to i64
  %kept = icmp ule i64 %digit, %v
  %at_m = getelementptr {word}, ptr %to, i64 %m
  store {word} %w, ptr %at_m, align 8
  %one = zext i1 %kept to i64
  %m_next = add nuw nsw i64 %m, %one
  %next = add nuw nsw i64 %j, 1
  %more = icmp ult i64 %next, %n
  br i1 %more, label %each, label %done
done:
  ret i64 %m_next
}}

define internal i1 @pass(ptr noalias %from, ptr noalias %to, ptr noalias %counts, i64 %n,
    i64 %byte) nounwind {{
entry:
  %first = getelementptr i8, ptr %from, i64 %byte
  %value = load i8, ptr %first
  %v0 = zext i8 %value to i64
  %at_v0 = getelementptr i32, ptr %counts, i64 %v0
  %like = load i32, ptr %at_v0, align 4
  %like_wide = zext i32 %like to i64
  %all = icmp eq i64 %like_wide, %n
  br i1 %all, label %same, label %starts
same:
  ret i1 false
starts:
  %v = phi i64 [0, %entry], [%v_next, %starts]
  %start = phi i32 [0, %entry], [%start_next, %starts]
  %at_v = getelementptr i32, ptr %counts, i64 %v
  %often = load i32, ptr %at_v, align 4
  store i32 %start, ptr %at_v, align 4
  %start_next = add i32 %start, %often
  %v_next = add nuw nsw i64 %v, 1
  %v_more = icmp ult i64 %v_next, 256
  br i1 %v_more, label %starts, label %each
each:
  %j = phi i64 [0, %starts], [%next, %each]
  %at = getelementptr {word}, ptr %from, i64 %j
  %w = load {word}, ptr %at, align 8
  %at_digit = getelementptr i8, ptr %at, i64 %byte
  %digit = load i8, ptr %at_digit
  %d = zext i8 %digit to i64
  %at_d = getelementptr i32, ptr %counts, i64 %d
  %place = load i32, ptr %at_d, align 4
  %place_next = add i32 %place, 1
  store i32 %place_next, ptr %at_d, align 4
  %p = zext i32 %place to i64
  %at_p = getelementptr {word}, ptr %to, i64 %p
  store {word} %w, ptr %at_p, align 8
  %next = add nuw nsw i64 %j, 1
  %more = icmp ult i64 %next, %n
  br i1 %more, label %each, label %done
done:
  ret i1 true
}}

define internal ptr @radix(ptr %a, ptr %b, i64 %given, i64 %need) nounwind {{
entry:
  %counts = alloca [{256 * passes} x i32], align 64
  call void @count(ptr %a, ptr %counts, i64 %given)
  %twice = mul i64 %need, 2
  %part = icmp ule i64 %twice, %given
  br i1 %part, label %drop, label %begin
drop:
  %kept = call i64 @keep(ptr %a, ptr %b, ptr %counts, i64 %given, i64 %need)
  call void @count(ptr %b, ptr %counts, i64 %kept)
  br label %begin
begin:
  %n = phi i64 [%given, %entry], [%kept, %drop]
  %source = phi ptr [%a, %entry], [%b, %drop]
  %target = phi ptr [%b, %entry], [%a, %drop]
  br label %each
each:
  %p = phi i64 [0, %begin], [%next, %each]
  %from = phi ptr [%source, %begin], [%from_next, %each]
  %to = phi ptr [%target, %begin], [%to_next, %each]
  %place = mul i64 %p, 256
  %table = getelementptr i32, ptr %counts, i64 %place
  %byte = add i64 %p, {passes}
  %moved = call i1 @pass(ptr %from, ptr %to, ptr %table, i64 %n, i64 %byte)
  %from_next = select i1 %moved, ptr %to, ptr %from
  %to_next = select i1 %moved, ptr %from, ptr %to
  %next = add i64 %p, 1
  %more = icmp ult i64 %next, {passes}
  br i1 %more, label %each, label %done
done:
  ret ptr %from_next
}}
"""


def _row_ir(kind: str, size: int, word: str, bits: int) -> str:
    """`@row`: order one row, and write `k` elements of the order from place `skip` on."""
    return f"""
define internal void @row(ptr %data, ptr %values, ptr %places, ptr %a, ptr %b, i64 %n, i64 %inner,
    i64 %skip, i64 %k) nounwind {{
entry:
  call void @words(ptr %data, ptr %a, i64 %n, i64 %inner)
  %need = add i64 %skip, %k
  %short = icmp ule i64 %n, {SHORT[word]}
  br i1 %short, label %ranked, label %long
ranked:
  call void @ranked(ptr %a, ptr %b, i64 %n)
  br label %write
long:
  %few = icmp ule i64 %need, {LIST}
  %times = mul i64 %need, {SPARSE}
  %sparse = icmp ule i64 %times, %n
  %listed = and i1 %few, %sparse
  br i1 %listed, label %list, label %sort
list:
  call void @smallest(ptr %a, ptr %b, i64 %n, i64 %need)
  br label %write
sort:
  %sorted = call ptr @radix(ptr %a, ptr %b, i64 %n, i64 %need)
  br label %write
write:
  %result = phi ptr [%b, %ranked], [%b, %list], [%sorted, %sort]
  br label %each
each:
  %q = phi i64 [0, %write], [%next, %each]
  %s = add i64 %skip, %q
  %at = getelementptr {word}, ptr %result, i64 %s
  %w = load {word}, ptr %at, align 8
  %low = trunc {word} %w to i{bits}
  %j = {"zext i32 %low to i64" if bits == 32 else "add i64 %low, 0"}
  %from = mul i64 %j, %inner
  %at_x = getelementptr {kind}, ptr %data, i64 %from
  %x = load {kind}, ptr %at_x, align {size}
  %to = mul i64 %q, %inner
  %at_value = getelementptr {kind}, ptr %values, i64 %to
  store {kind} %x, ptr %at_value, align {size}
  %at_place = getelementptr i64, ptr %places, i64 %to
  store i64 %j, ptr %at_place, align 8
  %next = add nuw nsw i64 %q, 1
  %more = icmp ult i64 %next, %k
  br i1 %more, label %each, label %done
done:
  ret void
}}
"""


def _sharing_ir(size: int, width: int) -> str:
    """What shares the rows out; the table holds four arrays, n, inner, skip and k."""
    names = ("data", "values", "places", "scratch", "n", "inner", "skip", "k")
    loads = "\n  ".join(builtin.loaded(name, i, i < 4) for i, name in enumerate(names))
    return f"""
declare void @pool_run(ptr, ptr, i64, i64)

define internal void @task(ptr %context, i64 %begin, i64 %end) nounwind {{
entry:
  %table = load ptr, ptr %context
  %at_grain = getelementptr i64, ptr %context, i64 1
  %grain = load i64, ptr %at_grain
  {loads}
  %bytes = mul i64 %n, {width}
  %slot = udiv i64 %begin, %grain
  %pair = mul i64 %slot, 2
  %offset = mul i64 %pair, %bytes
  %a = getelementptr i8, ptr %scratch, i64 %offset
  %b = getelementptr i8, ptr %a, i64 %bytes
  %whole = mul i64 %n, %inner
  %part = mul i64 %k, %inner
  br label %each
each:
  %r = phi i64 [%begin, %entry], [%next, %body]
  %more = icmp ult i64 %r, %end
  br i1 %more, label %body, label %done
body:
  %o = udiv i64 %r, %inner
  %i = urem i64 %r, %inner
  %from_o = mul i64 %o, %whole
  %from = add i64 %from_o, %i
  %from_bytes = mul i64 %from, {size}
  %at_row = getelementptr i8, ptr %data, i64 %from_bytes
  %to_o = mul i64 %o, %part
  %to = add i64 %to_o, %i
  %to_bytes = mul i64 %to, {size}
  %at_result = getelementptr i8, ptr %values, i64 %to_bytes
  %at_index = getelementptr i64, ptr %places, i64 %to
  call void @row(ptr %at_row, ptr %at_result, ptr %at_index, ptr %a, ptr %b, i64 %n, i64 %inner,
    i64 %skip, i64 %k)
  %next = add i64 %r, 1
  br label %each
done:
  ret void
}}

define void @order(ptr %table, i64 %rows, i64 %grain) nounwind {{
  %context = alloca [2 x ptr]
  store ptr %table, ptr %context
  %second = getelementptr i64, ptr %context, i64 1
  store i64 %grain, ptr %second
  call void @pool_run(ptr @task, ptr %context, i64 %rows, i64 %grain)
  ret void
}}
"""
