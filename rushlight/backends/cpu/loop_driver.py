"""The part of a ufunc loop that every kernel shares, compiled once: which way a call is run.

A kernel hands over its descriptor (see `loop.py`). Contiguous operands go straight through its
vectorised `tile`. Strided and scalar operands are gathered into small buffers, block by block,
and then go through the tile too. Calls with many elements are split over the thread pool.
"""

from __future__ import annotations

from rushlight.backends.cpu import jit
from rushlight.backends.cpu.once import once
from rushlight.backends.cpu.threads import pool_run_address

SHORT = 4  # up to here a strided call is not worth the set-up of a block
BUFFER = 4096  # bytes of a strided or scalar operand gathered at a time
_SKEW = 64  # buffers at equal offsets in their pages would compete for the same cache lines

# What a kernel is: inputs, operands, elements per block, elements per parallel chunk; the loops
# `void (char **operands, i64 n)` for contiguous operands, for a scalar first, for a scalar second
# input, and of three for scalars second and third or only third (null where there is none);
# `void (char **args, i64 *steps, i64 n)` for any steps in order; sizes of the elements in bytes.
KERNEL = "{i64, i64, i64, i64, ptr, ptr, ptr, ptr, ptr, ptr, [0 x i64]}"


def drive_address() -> int:
    """Address of `void rl_drive(char **args, i64 n, i64 *steps, kernel *kernel)`."""
    return _addresses()[0]


def range_address() -> int:
    """Address of `void rl_range(char **args, i64 n, i64 *steps, kernel *kernel)`: the same for one
    of many short calls by someone who knows that each output is an input or apart from all."""
    return _addresses()[1]


@once
def _addresses() -> tuple[int, ...]:
    return jit.load(_driver_ir(), "rl_drive", "rl_range",
                    imports={"rl_pool_run": pool_run_address()})


def _driver_ir() -> str:
    return "\n".join((_DRIVE, _RANGE, _BLOCKS, _gather(), _scatter())).replace("$KERNEL", KERNEL)


# For each operand: bit k of `loose` says that operand k is not contiguous, of `zeros` that it is
# a scalar. An input that overlaps an output without being it (`accumulate`, where an iteration
# reads what the one before has written) or an output that stays in place (`reduce`) forces order.
_DRIVE = f"""
%kernel = type $KERNEL

declare void @rl_pool_run(ptr, ptr, i64, i64)
declare i64 @llvm.smin.i64(i64, i64)
declare i64 @llvm.umin.i64(i64, i64)
declare i64 @llvm.umax.i64(i64, i64)

define void @rl_drive(ptr %args, i64 %n, ptr %steps, ptr %kernel) nounwind {{
entry:
  %some = icmp sgt i64 %n, 0
  br i1 %some, label %start, label %end
start:
  %loose = call i64 @loose(ptr %steps, ptr %kernel)
  %strided = icmp ne i64 %loose, 0
  %few = icmp sle i64 %n, {SHORT}
  %brief = and i1 %strided, %few
  br i1 %brief, label %ordered, label %check
check:
  %nin.p = getelementptr %kernel, ptr %kernel, i64 0, i32 0
  %nin = load i64, ptr %nin.p
  %nops.p = getelementptr %kernel, ptr %kernel, i64 0, i32 1
  %nops = load i64, ptr %nops.p
  %reach = sub i64 %n, 1
  br label %outs
outs:
  %o = phi i64 [%nin, %check], [%o.next, %outs.more]
  %q.p = getelementptr ptr, ptr %args, i64 %o
  %q = load i64, ptr %q.p
  %t.p = getelementptr i64, ptr %steps, i64 %o
  %t = load i64, ptr %t.p
  %q.span = mul i64 %t, %reach
  %q.last = add i64 %q, %q.span
  %q.low = call i64 @llvm.umin.i64(i64 %q, i64 %q.last)
  %q.high = call i64 @llvm.umax.i64(i64 %q, i64 %q.last)
  %stays = icmp eq i64 %t, 0
  br i1 %stays, label %stuck, label %ins
stuck:
  %one = icmp eq i64 %n, 1
  br i1 %one, label %ins, label %ordered
ins:
  %i = phi i64 [0, %outs], [0, %stuck], [%i.next, %ins.more]
  %in.left = icmp slt i64 %i, %nin
  br i1 %in.left, label %in, label %outs.more
in:
  %p.p = getelementptr ptr, ptr %args, i64 %i
  %p = load i64, ptr %p.p
  %s.p = getelementptr i64, ptr %steps, i64 %i
  %s = load i64, ptr %s.p
  %p.span = mul i64 %s, %reach
  %p.last = add i64 %p, %p.span
  %p.low = call i64 @llvm.umin.i64(i64 %p, i64 %p.last)
  %p.high = call i64 @llvm.umax.i64(i64 %p, i64 %p.last)
  %below = icmp ult i64 %p.high, %q.low
  %above = icmp ult i64 %q.high, %p.low
  %disjoint = or i1 %below, %above
  %at = icmp eq i64 %p, %q
  %pace = icmp eq i64 %s, %t
  %same = and i1 %at, %pace
  %apart = or i1 %disjoint, %same
  br i1 %apart, label %ins.more, label %ordered
ins.more:
  %i.next = add i64 %i, 1
  br label %ins
outs.more:
  %o.next = add i64 %o, 1
  %out.left = icmp slt i64 %o.next, %nops
  br i1 %out.left, label %outs, label %independent
independent:
  %grain.p = getelementptr %kernel, ptr %kernel, i64 0, i32 3
  %grain = load i64, ptr %grain.p
  %two = shl i64 %grain, 1
  %large = icmp sge i64 %n, %two
  br i1 %large, label %parallel, label %alone
parallel:
  %call = alloca [3 x ptr]
  %call1 = getelementptr ptr, ptr %call, i64 1
  %call2 = getelementptr ptr, ptr %call, i64 2
  store ptr %args, ptr %call
  store ptr %steps, ptr %call1
  store ptr %kernel, ptr %call2
  ; An even number of equal chunks: two, four ... threads end at once.
  %up = add i64 %n, %grain
  %short = sub i64 %up, 1
  %pieces = udiv i64 %short, %grain
  %odd = and i64 %pieces, 1
  %even = add i64 %pieces, %odd
  %share = udiv i64 %n, %even
  %beyond = add i64 %share, 64
  %equal = and i64 %beyond, -64
  call void @rl_pool_run(ptr @chunk, ptr %call, i64 %n, i64 %equal)
  ret void
alone:
  call void @range(ptr %args, ptr %steps, ptr %kernel, i64 %loose, i64 0, i64 %n)
  ret void
ordered:
  %serial.p = getelementptr %kernel, ptr %kernel, i64 0, i32 9
  %serial = load ptr, ptr %serial.p
  call void %serial(ptr %args, ptr %steps, i64 %n)
  ret void
end:
  ret void
}}

define void @rl_range(ptr %args, i64 %n, ptr %steps, ptr %kernel) nounwind {{
  %loose = call i64 @loose(ptr %steps, ptr %kernel)
  call void @range(ptr %args, ptr %steps, ptr %kernel, i64 %loose, i64 0, i64 %n)
  ret void
}}

define internal void @chunk(ptr %call, i64 %begin, i64 %end) nounwind {{
  %call1 = getelementptr ptr, ptr %call, i64 1
  %call2 = getelementptr ptr, ptr %call, i64 2
  %args = load ptr, ptr %call
  %steps = load ptr, ptr %call1
  %kernel = load ptr, ptr %call2
  %loose = call i64 @loose(ptr %steps, ptr %kernel)
  call void @range(ptr %args, ptr %steps, ptr %kernel, i64 %loose, i64 %begin, i64 %end)
  ret void
}}

define internal i64 @loose(ptr %steps, ptr %kernel) alwaysinline nounwind {{
entry:
  %nops.p = getelementptr %kernel, ptr %kernel, i64 0, i32 1
  %nops = load i64, ptr %nops.p
  br label %each
each:
  %k = phi i64 [0, %entry], [%next, %each]
  %bits = phi i64 [0, %entry], [%grown, %each]
  %s.p = getelementptr i64, ptr %steps, i64 %k
  %s = load i64, ptr %s.p
  %size.p = getelementptr %kernel, ptr %kernel, i64 0, i32 10, i64 %k
  %size = load i64, ptr %size.p
  %off = icmp ne i64 %s, %size
  %bit = zext i1 %off to i64
  %placed = shl i64 %bit, %k
  %grown = or i64 %bits, %placed
  %next = add i64 %k, 1
  %more = icmp slt i64 %next, %nops
  br i1 %more, label %each, label %end, !llvm.loop !0
end:
  ret i64 %grown
}}

!0 = distinct !{{!0, !1, !2}}
!1 = !{{!"llvm.loop.vectorize.enable", i1 false}}
!2 = !{{!"llvm.loop.unroll.disable"}}
"""

# Elements begin to end: through the tile that fits the steps, or through blocks.
_RANGE = """
define internal void @range(ptr %args, ptr %steps, ptr %kernel, i64 %loose, i64 %begin,
                            i64 %end) nounwind {
entry:
  %n = sub i64 %end, %begin
  %second.p = getelementptr i64, ptr %steps, i64 1
  %third.p = getelementptr i64, ptr %steps, i64 2
  switch i64 %loose, label %blocks [ i64 0, label %contiguous
                                     i64 1, label %first
                                     i64 2, label %second
                                     i64 4, label %third
                                     i64 6, label %both ]
contiguous:
  br label %find
first:
  %s0 = load i64, ptr %steps
  %zero0 = icmp eq i64 %s0, 0
  br i1 %zero0, label %find, label %blocks
second:
  %s1 = load i64, ptr %second.p
  %zero1 = icmp eq i64 %s1, 0
  br i1 %zero1, label %find, label %blocks
both:
  %s1.both = load i64, ptr %second.p
  %s2.both = load i64, ptr %third.p
  %either = or i64 %s1.both, %s2.both
  %zeros = icmp eq i64 %either, 0
  br i1 %zeros, label %find, label %blocks
third:
  %s2 = load i64, ptr %third.p
  %zero2 = icmp eq i64 %s2, 0
  br i1 %zero2, label %find, label %blocks
find:
  %field = phi i64 [0, %contiguous], [1, %first], [2, %second], [3, %both], [4, %third]
  %tiles = getelementptr %kernel, ptr %kernel, i64 0, i32 4
  %tile.p = getelementptr ptr, ptr %tiles, i64 %field
  %tile = load ptr, ptr %tile.p
  %none = icmp eq ptr %tile, null
  br i1 %none, label %blocks, label %whole
whole:
  %moved = icmp ne i64 %begin, 0
  br i1 %moved, label %move, label %run
run:
  call void %tile(ptr %args, i64 %n)
  ret void
move:
  %nops.p = getelementptr %kernel, ptr %kernel, i64 0, i32 1
  %nops = load i64, ptr %nops.p
  %here = alloca ptr, i64 %nops
  br label %each
each:
  %k = phi i64 [0, %move], [%next, %each]
  %p.p = getelementptr ptr, ptr %args, i64 %k
  %p = load ptr, ptr %p.p
  %s.p = getelementptr i64, ptr %steps, i64 %k
  %s = load i64, ptr %s.p
  %offset = mul i64 %s, %begin
  %q = getelementptr i8, ptr %p, i64 %offset
  %q.p = getelementptr ptr, ptr %here, i64 %k
  store ptr %q, ptr %q.p
  %next = add i64 %k, 1
  %more = icmp slt i64 %next, %nops
  br i1 %more, label %each, label %moved.run, !llvm.loop !0
moved.run:
  call void %tile(ptr %here, i64 %n)
  ret void
blocks:
  call void @blocks(ptr %args, ptr %steps, ptr %kernel, i64 %begin, i64 %end)
  ret void
}
"""

_BLOCKS = f"""
define internal void @blocks(ptr %args, ptr %steps, ptr %kernel, i64 %begin,
                             i64 %end) noinline nounwind {{
entry:
  %nin = load i64, ptr %kernel
  %nops.p = getelementptr %kernel, ptr %kernel, i64 0, i32 1
  %nops = load i64, ptr %nops.p
  %block.p = getelementptr %kernel, ptr %kernel, i64 0, i32 2
  %block = load i64, ptr %block.p
  %tile.p = getelementptr %kernel, ptr %kernel, i64 0, i32 4
  %tile = load ptr, ptr %tile.p
  %bytes = mul i64 %nops, {BUFFER + _SKEW}
  %buffers = alloca i8, i64 %bytes, align 64
  %here = alloca ptr, i64 %nops
  br label %each
each:
  %b = phi i64 [%begin, %entry], [%b.next, %written]
  %first = icmp eq i64 %b, %begin
  %left = sub i64 %end, %b
  %m = call i64 @llvm.smin.i64(i64 %left, i64 %block)
  br label %read
read:
  %k = phi i64 [0, %each], [%k.next, %read.set]
  %p.p = getelementptr ptr, ptr %args, i64 %k
  %p = load ptr, ptr %p.p
  %s.p = getelementptr i64, ptr %steps, i64 %k
  %s = load i64, ptr %s.p
  %size.p = getelementptr %kernel, ptr %kernel, i64 0, i32 10, i64 %k
  %size = load i64, ptr %size.p
  %offset = mul i64 %s, %b
  %from = getelementptr i8, ptr %p, i64 %offset
  %room = mul i64 %k, {BUFFER + _SKEW}
  %buffer = getelementptr i8, ptr %buffers, i64 %room
  %q.p = getelementptr ptr, ptr %here, i64 %k
  %direct = icmp eq i64 %s, %size
  br i1 %direct, label %read.set, label %read.copy
read.copy:
  %input = icmp slt i64 %k, %nin
  %scalar = icmp eq i64 %s, 0
  %filled = xor i1 %first, true
  %kept = and i1 %scalar, %filled
  %fresh = xor i1 %kept, true
  %fetch = and i1 %input, %fresh
  br i1 %fetch, label %read.gather, label %read.set
read.gather:
  call void @gather(i64 %size, ptr %from, i64 %s, ptr %buffer, i64 %m)
  br label %read.set
read.set:
  %q = phi ptr [%from, %read], [%buffer, %read.copy], [%buffer, %read.gather]
  store ptr %q, ptr %q.p
  %k.next = add i64 %k, 1
  %k.more = icmp slt i64 %k.next, %nops
  br i1 %k.more, label %read, label %work
work:
  call void %tile(ptr %here, i64 %m)
  br label %write
write:
  %o = phi i64 [%nin, %work], [%o.next, %write.next]
  %op.p = getelementptr ptr, ptr %args, i64 %o
  %op = load ptr, ptr %op.p
  %os.p = getelementptr i64, ptr %steps, i64 %o
  %os = load i64, ptr %os.p
  %osize.p = getelementptr %kernel, ptr %kernel, i64 0, i32 10, i64 %o
  %osize = load i64, ptr %osize.p
  %placed = icmp eq i64 %os, %osize
  br i1 %placed, label %write.next, label %write.copy
write.copy:
  %ooffset = mul i64 %os, %b
  %to = getelementptr i8, ptr %op, i64 %ooffset
  %done.p = getelementptr ptr, ptr %here, i64 %o
  %done = load ptr, ptr %done.p
  call void @scatter(i64 %osize, ptr %done, ptr %to, i64 %os, i64 %m)
  br label %write.next
write.next:
  %o.next = add i64 %o, 1
  %o.more = icmp slt i64 %o.next, %nops
  br i1 %o.more, label %write, label %written
written:
  %b.next = add i64 %b, %block
  %b.more = icmp slt i64 %b.next, %end
  br i1 %b.more, label %each, label %end.all
end.all:
  ret void
}}
"""

_SIZES = (1, 2, 4, 8, 16)


def _gather() -> str:
    """Strided elements, or one scalar over and over, to a contiguous buffer."""
    loops = "\n".join(f"""
copy{size}:
  %scalar{size} = icmp eq i64 %s, 0
  br i1 %scalar{size}, label %same{size}, label %each{size}
same{size}:
  %value{size} = load i{8 * size}, ptr %from, align {min(size, 8)}
  br label %fill{size}
fill{size}:
  %j{size} = phi i64 [0, %same{size}], [%jnext{size}, %fill{size}]
  %jto{size} = getelementptr inbounds i{8 * size}, ptr %to, i64 %j{size}
  store i{8 * size} %value{size}, ptr %jto{size}, align {min(size, 8)}
  %jnext{size} = add nuw nsw i64 %j{size}, 1
  %jmore{size} = icmp slt i64 %jnext{size}, %m
  br i1 %jmore{size}, label %fill{size}, label %end
each{size}:
  %i{size} = phi i64 [0, %copy{size}], [%inext{size}, %each{size}]
  %source{size} = phi ptr [%from, %copy{size}], [%forward{size}, %each{size}]
  %x{size} = load i{8 * size}, ptr %source{size}, align {min(size, 8)}
  %ito{size} = getelementptr inbounds i{8 * size}, ptr %to, i64 %i{size}
  store i{8 * size} %x{size}, ptr %ito{size}, align {min(size, 8)}
  %forward{size} = getelementptr i8, ptr %source{size}, i64 %s
  %inext{size} = add nuw nsw i64 %i{size}, 1
  %imore{size} = icmp slt i64 %inext{size}, %m
  br i1 %imore{size}, label %each{size}, label %end""" for size in _SIZES)
    return f"""
define internal void @gather(i64 %size, ptr noalias %from, i64 %s, ptr noalias %to,
                             i64 %m) noinline nounwind {{
  {_switch()}
{loops}
end:
  ret void
}}
"""


def _scatter() -> str:
    """A contiguous buffer to strided elements."""
    loops = "\n".join(f"""
copy{size}:
  br label %each{size}
each{size}:
  %i{size} = phi i64 [0, %copy{size}], [%inext{size}, %each{size}]
  %target{size} = phi ptr [%to, %copy{size}], [%forward{size}, %each{size}]
  %ifrom{size} = getelementptr inbounds i{8 * size}, ptr %from, i64 %i{size}
  %x{size} = load i{8 * size}, ptr %ifrom{size}, align {min(size, 8)}
  store i{8 * size} %x{size}, ptr %target{size}, align {min(size, 8)}
  %forward{size} = getelementptr i8, ptr %target{size}, i64 %s
  %inext{size} = add nuw nsw i64 %i{size}, 1
  %imore{size} = icmp slt i64 %inext{size}, %m
  br i1 %imore{size}, label %each{size}, label %end""" for size in _SIZES)
    return f"""
define internal void @scatter(i64 %size, ptr noalias %from, ptr noalias %to, i64 %s,
                              i64 %m) noinline nounwind {{
  {_switch()}
{loops}
end:
  ret void
}}
"""


def _switch() -> str:
    return "switch i64 %size, label %end [ " + " ".join(
        f"i64 {size}, label %copy{size}" for size in _SIZES) + " ]"
