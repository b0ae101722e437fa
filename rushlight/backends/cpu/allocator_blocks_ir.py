"""The native code of the recycling allocator, first half: the arena and its blocks."""

from __future__ import annotations

GRANULE_BITS = 16  # blocks begin at multiples of 64 KiB, the smallest block
HUGE_BITS = 21  # from 2 MiB on they begin at multiples of 2 MiB, the size of a huge page
CLASSES = 256
COMMIT = 64 << 20  # bytes made accessible at a time
STATISTICS = ("current", "peak", "retained", "hits", "misses", "reserved")

# Table entries are numbers of granules plus one, so that zero is the end of a list.
_STATE = f"""
@lock = internal global i32 0, align 64
@stats = internal global [{len(STATISTICS)} x i64] zeroinitializer, align 64
@retention = internal global i64 0
@tick = internal global i64 0
@base = internal global i64 0                  ; the arena: small blocks below, large ones above
@extent = internal global i64 0
@bump = internal global [2 x i64] zeroinitializer  ; offset of fresh space: small, large
@ready = internal global [2 x i64] zeroinitializer ; offset up to which it is accessible
@end = internal global [2 x i64] zeroinitializer
@class = internal global ptr null              ; u8 of each granule: size class + 1 of a block there
@next = internal global ptr null               ; u32 of each granule: the next block on its list
@warm = internal global [{CLASSES} x i32] zeroinitializer ; free blocks with memory, by class
@cold = internal global [{CLASSES} x i32] zeroinitializer ; free blocks without
@used = internal global [{CLASSES} x i64] zeroinitializer ; tick of the last request, by class
"""

_HELPERS = f"""
declare i32 @madvise(ptr, i64, i32)
declare i32 @mprotect(ptr, i64, i32)
declare i32 @sched_yield()
declare i64 @llvm.ctlz.i64(i64, i1)
declare i64 @llvm.umin.i64(i64, i64)
declare {{i64, i1}} @llvm.umul.with.overflow.i64(i64, i64)
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)

define internal void @acquire() noinline nounwind {{
entry:
  br label %try
try:
  %turn = phi i32 [0, %entry], [%count, %spin], [0, %yield]
  %swap = cmpxchg ptr @lock, i32 0, i32 1 acquire monotonic
  %mine = extractvalue {{i32, i1}} %swap, 1
  br i1 %mine, label %end, label %spin
spin:
  %count = add i32 %turn, 1
  %long = icmp sgt i32 %count, 100
  br i1 %long, label %yield, label %try
yield:
  %y = call i32 @sched_yield()
  br label %try
end:
  ret void
}}

define internal void @release() alwaysinline nounwind {{
  store atomic i32 0, ptr @lock release, align 4
  ret void
}}

define internal void @count(i64 %which, i64 %change) alwaysinline nounwind {{
  %at = getelementptr i64, ptr @stats, i64 %which
  %old = load i64, ptr %at
  %new = add i64 %old, %change
  store i64 %new, ptr %at
  ret void
}}

; Eight classes to a doubling of the size: at most an eighth of a block is waste.
define internal i64 @class_of(i64 %size) alwaysinline nounwind {{
  %less = sub i64 %size, 1
  %zeros = call i64 @llvm.ctlz.i64(i64 %less, i1 false)
  %top = sub i64 63, %zeros
  %shift = sub i64 %top, 3
  %step = lshr i64 %less, %shift
  %octave = sub i64 %top, {GRANULE_BITS - 1}
  %eight = shl i64 %octave, 3
  %sum = add i64 %eight, %step
  %class = sub i64 %sum, 8
  ret i64 %class
}}
define internal i64 @class_size(i64 %class) alwaysinline nounwind {{
  %octave = lshr i64 %class, 3
  %low = and i64 %class, 7
  %steps = add i64 %low, 9
  %shift = add i64 %octave, {GRANULE_BITS - 4}
  %size = shl i64 %steps, %shift
  ret i64 %size
}}

define internal void @push(ptr %lists, i64 %class, i64 %granule) alwaysinline nounwind {{
  %list = getelementptr i32, ptr %lists, i64 %class
  %head = load i32, ptr %list
  %table = load ptr, ptr @next
  %at = getelementptr i32, ptr %table, i64 %granule
  store i32 %head, ptr %at
  %number = trunc i64 %granule to i32
  %entry = add i32 %number, 1
  store i32 %entry, ptr %list
  ret void
}}
; The granule of a block taken off a list, or -1.
define internal i64 @pop(ptr %lists, i64 %class) alwaysinline nounwind {{
entry:
  %list = getelementptr i32, ptr %lists, i64 %class
  %head = load i32, ptr %list
  %none = icmp eq i32 %head, 0
  br i1 %none, label %empty, label %take
take:
  %wide = zext i32 %head to i64
  %granule = sub i64 %wide, 1
  %table = load ptr, ptr @next
  %at = getelementptr i32, ptr %table, i64 %granule
  %after = load i32, ptr %at
  store i32 %after, ptr %list
  ret i64 %granule
empty:
  ret i64 -1
}}
define internal ptr @address(i64 %granule) alwaysinline nounwind {{
  %offset = shl i64 %granule, {GRANULE_BITS}
  %base = load i64, ptr @base
  %sum = add i64 %base, %offset
  %p = inttoptr i64 %sum to ptr
  ret ptr %p
}}
"""

# A new block from fresh space, lock held; -1 when the arena or the system has no more.
_CARVE = f"""
define internal i64 @carve(i64 %class) noinline nounwind {{
entry:
  %size = call i64 @class_size(i64 %class)
  %large = icmp uge i64 %size, {1 << HUGE_BITS}
  %bits = select i1 %large, i64 {HUGE_BITS}, i64 {GRANULE_BITS}
  %unit = shl i64 1, %bits
  %part = sub i64 %unit, 1
  %up = add i64 %size, %part
  %units = lshr i64 %up, %bits
  %slot = shl i64 %units, %bits
  %which = zext i1 %large to i64
  %bump.p = getelementptr i64, ptr @bump, i64 %which
  %begin = load i64, ptr %bump.p
  %stop = add i64 %begin, %slot
  %end.p = getelementptr i64, ptr @end, i64 %which
  %end = load i64, ptr %end.p
  %over = icmp ugt i64 %stop, %end
  br i1 %over, label %none, label %room
room:
  %ready.p = getelementptr i64, ptr @ready, i64 %which
  %ready = load i64, ptr %ready.p
  %open = icmp ule i64 %stop, %ready
  br i1 %open, label %take, label %commit
commit:
  %beyond = add i64 %stop, {COMMIT - 1}
  %round = and i64 %beyond, {-COMMIT}
  %until = call i64 @llvm.umin.i64(i64 %round, i64 %end)
  %length = sub i64 %until, %ready
  %base = load i64, ptr @base
  %from = add i64 %base, %ready
  %from.p = inttoptr i64 %from to ptr
  %error = call i32 @mprotect(ptr %from.p, i64 %length, i32 3)
  %failed = icmp ne i32 %error, 0
  br i1 %failed, label %none, label %opened
opened:
  store i64 %until, ptr %ready.p
  br label %take
take:
  store i64 %stop, ptr %bump.p
  %granule = lshr i64 %begin, {GRANULE_BITS}
  %table = load ptr, ptr @class
  %at = getelementptr i8, ptr %table, i64 %granule
  %class.b = trunc i64 %class to i8
  %entry.b = add i8 %class.b, 1
  store i8 %entry.b, ptr %at
  call void @count(i64 5, i64 %size)
  br i1 %large, label %advise, label %done
advise:
  %whole = and i64 %size, {-(1 << HUGE_BITS)}
  %block = call ptr @address(i64 %granule)
  %a = call i32 @madvise(ptr %block, i64 %whole, i32 14)
  br label %done
done:
  ret i64 %granule
none:
  ret i64 -1
}}
"""

# A block of at least `size` bytes or null; `zero` is set where its memory is known to be zero.
_OBTAIN = f"""
define internal ptr @obtain(i64 %size, ptr %zero) noinline nounwind {{
entry:
  %class = call i64 @class_of(i64 %size)
  %bytes = call i64 @class_size(i64 %class)
  %minus = sub i64 0, %bytes
  %known = icmp ult i64 %class, {CLASSES - 8}
  br i1 %known, label %locked, label %refused
refused:
  ret ptr null
locked:
  call void @acquire()
  %tick = load i64, ptr @tick
  %later = add i64 %tick, 1
  store i64 %later, ptr @tick
  %used = getelementptr i64, ptr @used, i64 %class
  store i64 %later, ptr %used
  %hot = call i64 @pop(ptr @warm, i64 %class)
  %hit = icmp sge i64 %hot, 0
  br i1 %hit, label %warm, label %miss
warm:
  call void @count(i64 2, i64 %minus)
  call void @count(i64 3, i64 1)
  store i1 false, ptr %zero
  br label %found
miss:
  store i1 true, ptr %zero
  %old = call i64 @pop(ptr @cold, i64 %class)
  %spare = icmp sge i64 %old, 0
  br i1 %spare, label %cold, label %fresh
fresh:
  %new = call i64 @carve(i64 %class)
  %full = icmp slt i64 %new, 0
  br i1 %full, label %none, label %cold
cold:
  %unused = phi i64 [%old, %miss], [%new, %fresh]
  call void @count(i64 4, i64 1)
  br label %found
found:
  %granule = phi i64 [%hot, %warm], [%unused, %cold]
  call void @count(i64 0, i64 %bytes)
  %peak.p = getelementptr i64, ptr @stats, i64 1
  %peak = load i64, ptr %peak.p
  %current = load i64, ptr @stats
  %higher = icmp ugt i64 %current, %peak
  %top = select i1 %higher, i64 %current, i64 %peak
  store i64 %top, ptr %peak.p
  call void @release()
  %block = call ptr @address(i64 %granule)
  ret ptr %block
none:
  call void @release()
  ret ptr null
}}
"""

# Give the memory of a free block back to the system and keep its addresses.
_RETURN = f"""
define internal void @chill(i64 %class, i64 %granule) noinline nounwind {{
entry:
  %size = call i64 @class_size(i64 %class)
  %up = add i64 %size, {(1 << GRANULE_BITS) - 1}
  %slot = and i64 %up, {-(1 << GRANULE_BITS)}
  %block = call ptr @address(i64 %granule)
  %error = call i32 @madvise(ptr %block, i64 %slot, i32 4)
  %failed = icmp ne i32 %error, 0
  br i1 %failed, label %clear, label %keep
clear:
  call void @llvm.memset.p0.i64(ptr %block, i8 0, i64 %size, i1 false)
  br label %keep
keep:
  call void @acquire()
  call void @push(ptr @cold, i64 %class, i64 %granule)
  call void @release()
  ret void
}}

; The class with free blocks that was asked for longest ago, lock held; -1 if there is none.
define internal i64 @stalest() noinline nounwind {{
entry:
  br label %each
each:
  %k = phi i64 [0, %entry], [%k.next, %each]
  %best = phi i64 [-1, %entry], [%best.next, %each]
  %age = phi i64 [-1, %entry], [%age.next, %each]
  %list = getelementptr i32, ptr @warm, i64 %k
  %head = load i32, ptr %list
  %some = icmp ne i32 %head, 0
  %used = getelementptr i64, ptr @used, i64 %k
  %tick = load i64, ptr %used
  %older = icmp ult i64 %tick, %age
  %take = and i1 %some, %older
  %best.next = select i1 %take, i64 %k, i64 %best
  %age.next = select i1 %take, i64 %tick, i64 %age
  %k.next = add i64 %k, 1
  %more = icmp ult i64 %k.next, {CLASSES}
  br i1 %more, label %each, label %end
end:
  ret i64 %best
}}

; Release free blocks, the stalest classes first, until `room` more bytes may be retained.
define internal void @make_room(i64 %room) noinline nounwind {{
entry:
  br label %again
again:
  call void @acquire()
  %retained.p = getelementptr i64, ptr @stats, i64 2
  %retained = load i64, ptr %retained.p
  %sum = add i64 %retained, %room
  %limit = load i64, ptr @retention
  %fits = icmp ule i64 %sum, %limit
  br i1 %fits, label %done, label %search
search:
  %class = call i64 @stalest()
  %none = icmp slt i64 %class, 0
  br i1 %none, label %done, label %evict
evict:
  %granule = call i64 @pop(ptr @warm, i64 %class)
  %size = call i64 @class_size(i64 %class)
  %minus = sub i64 0, %size
  call void @count(i64 2, i64 %minus)
  call void @release()
  call void @chill(i64 %class, i64 %granule)
  br label %again
done:
  call void @release()
  ret void
}}

define internal void @give_back(i64 %offset) noinline nounwind {{
entry:
  %granule = lshr i64 %offset, {GRANULE_BITS}
  %table = load ptr, ptr @class
  %at = getelementptr i8, ptr %table, i64 %granule
  %entry.b = load i8, ptr %at
  %number = zext i8 %entry.b to i64
  %class = sub i64 %number, 1
  %size = call i64 @class_size(i64 %class)
  %minus = sub i64 0, %size
  call void @acquire()
  call void @count(i64 0, i64 %minus)
  br label %check
check:
  %tried = phi i1 [false, %entry], [true, %room]
  %retained.p = getelementptr i64, ptr @stats, i64 2
  %retained = load i64, ptr %retained.p
  %sum = add i64 %retained, %size
  %limit = load i64, ptr @retention
  %fits = icmp ule i64 %sum, %limit
  br i1 %fits, label %keep, label %full
keep:
  call void @count(i64 2, i64 %size)
  call void @push(ptr @warm, i64 %class, i64 %granule)
  call void @release()
  ret void
full:
  call void @release()
  %possible = icmp ule i64 %size, %limit
  %fresh = xor i1 %tried, true
  %try = and i1 %possible, %fresh
  br i1 %try, label %room, label %drop
room:
  call void @make_room(i64 %size)
  call void @acquire()
  br label %check
drop:
  call void @chill(i64 %class, i64 %granule)
  ret void
}}
"""


def blocks_ir() -> str:
    """`@obtain(size, zero)` and `@give_back(offset)`, and what they rest on."""
    return _STATE + _HELPERS + _CARVE + _OBTAIN + _RETURN
