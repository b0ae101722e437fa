"""The native code of the recycling allocator, second half: NumPy's handler, and control.

`allocator.py` says how it works.
"""

from __future__ import annotations

from rushlight.backends.cpu.allocator_blocks_ir import CLASSES, GRANULE_BITS, blocks_ir

# NumPy's own functions, imported under these names, get what is not for us, and their own context.
_FALLBACK = """
declare ptr @numpy_malloc(ptr, i64)
declare ptr @numpy_calloc(ptr, i64, i64)
declare ptr @numpy_realloc(ptr, ptr, i64)
declare void @numpy_free(ptr, ptr, i64)
"""

_HANDLER = _FALLBACK + f"""
define ptr @recycle_malloc(ptr %ctx, i64 %size) nounwind {{
entry:
  %large = icmp uge i64 %size, {1 << GRANULE_BITS}
  br i1 %large, label %obtain, label %plain
plain:
  %p = tail call ptr @numpy_malloc(ptr %ctx, i64 %size)
  ret ptr %p
obtain:
  %block = call ptr @obtain.any(i64 %size)
  %none = icmp eq ptr %block, null
  br i1 %none, label %plain, label %done
done:
  ret ptr %block
}}
define internal ptr @obtain.any(i64 %size) noinline nounwind {{
  %zero = alloca i1
  %block = call ptr @obtain(i64 %size, ptr %zero)
  ret ptr %block
}}

define ptr @recycle_calloc(ptr %ctx, i64 %count, i64 %each) nounwind {{
entry:
  %product = call {{i64, i1}} @llvm.umul.with.overflow.i64(i64 %count, i64 %each)
  %size = extractvalue {{i64, i1}} %product, 0
  %overflow = extractvalue {{i64, i1}} %product, 1
  %large = icmp uge i64 %size, {1 << GRANULE_BITS}
  %normal = xor i1 %overflow, true
  %ours = and i1 %large, %normal
  br i1 %ours, label %obtain, label %plain
plain:
  %p = tail call ptr @numpy_calloc(ptr %ctx, i64 %count, i64 %each)
  ret ptr %p
obtain:
  %block = call ptr @obtain.zero(i64 %size)
  %none = icmp eq ptr %block, null
  br i1 %none, label %plain, label %done
done:
  ret ptr %block
}}
define internal ptr @obtain.zero(i64 %size) noinline nounwind {{
entry:
  %zero = alloca i1
  %block = call ptr @obtain(i64 %size, ptr %zero)
  %none = icmp eq ptr %block, null
  br i1 %none, label %done, label %check
check:
  %clean = load i1, ptr %zero
  br i1 %clean, label %done, label %clear
clear:
  call void @llvm.memset.p0.i64(ptr %block, i8 0, i64 %size, i1 false)
  br label %done
done:
  ret ptr %block
}}

; The size that NumPy passes is not trusted: an array's shape may have changed. The address tells.
define void @recycle_free(ptr %ctx, ptr %p, i64 %size) nounwind {{
entry:
  %at = ptrtoint ptr %p to i64
  %base = load i64, ptr @base
  %offset = sub i64 %at, %base
  %extent = load i64, ptr @extent
  %ours = icmp ult i64 %offset, %extent
  br i1 %ours, label %recycle, label %plain
recycle:
  tail call void @give_back(i64 %offset)
  ret void
plain:
  tail call void @numpy_free(ptr %ctx, ptr %p, i64 %size)
  ret void
}}

define ptr @recycle_realloc(ptr %ctx, ptr %p, i64 %size) nounwind {{
entry:
  %at = ptrtoint ptr %p to i64
  %base = load i64, ptr @base
  %offset = sub i64 %at, %base
  %extent = load i64, ptr @extent
  %ours = icmp ult i64 %offset, %extent
  br i1 %ours, label %block, label %plain
plain:
  %q = tail call ptr @numpy_realloc(ptr %ctx, ptr %p, i64 %size)
  ret ptr %q
block:
  %granule = lshr i64 %offset, {GRANULE_BITS}
  %table = load ptr, ptr @class
  %class.p = getelementptr i8, ptr %table, i64 %granule
  %entry.b = load i8, ptr %class.p
  %number = zext i8 %entry.b to i64
  %class = sub i64 %number, 1
  %have = call i64 @class_size(i64 %class)
  %enough = icmp ule i64 %size, %have
  %half = lshr i64 %have, 1
  %near = icmp ugt i64 %size, %half
  %stay = and i1 %enough, %near
  br i1 %stay, label %same, label %move
same:
  ret ptr %p
move:
  %new = call ptr @recycle_malloc(ptr %ctx, i64 %size)
  %none = icmp eq ptr %new, null
  br i1 %none, label %failed, label %copy
copy:
  %length = call i64 @llvm.umin.i64(i64 %size, i64 %have)
  call void @llvm.memcpy.p0.p0.i64(ptr %new, ptr %p, i64 %length, i1 false)
  call void @give_back(i64 %offset)
  ret ptr %new
failed:
  ret ptr null
}}
"""

_CONTROL = f"""
define ptr @recycle_stats() nounwind {{
  ret ptr @stats
}}
define void @recycle_setup(i64 %base, i64 %half, ptr %class, ptr %next) nounwind {{
  store i64 %base, ptr @base
  %extent = shl i64 %half, 1
  store ptr %class, ptr @class
  store ptr %next, ptr @next
  %bump1 = getelementptr i64, ptr @bump, i64 1
  %ready1 = getelementptr i64, ptr @ready, i64 1
  %end1 = getelementptr i64, ptr @end, i64 1
  store i64 %half, ptr %bump1
  store i64 %half, ptr %ready1
  store i64 %half, ptr @end
  store i64 %extent, ptr %end1
  store i64 %extent, ptr @extent
  ret void
}}
; Change how many bytes may be retained, and release what is too much.
define void @recycle_retain(i64 %limit) nounwind {{
  store atomic i64 %limit, ptr @retention seq_cst, align 8
  call void @make_room(i64 0)
  ret void
}}
define void @recycle_reset_peak() nounwind {{
  call void @acquire()
  %current = load i64, ptr @stats
  %peak.p = getelementptr i64, ptr @stats, i64 1
  store i64 %current, ptr %peak.p
  call void @release()
  ret void
}}
; In the child of a fork: if another thread held the lock, its lists may be half-changed.
define void @recycle_forked() nounwind {{
entry:
  %held = load i32, ptr @lock
  %busy = icmp ne i32 %held, 0
  br i1 %busy, label %forget, label %end
forget:
  call void @llvm.memset.p0.i64(ptr @warm, i8 0, i64 {4 * CLASSES}, i1 false)
  call void @llvm.memset.p0.i64(ptr @cold, i8 0, i64 {4 * CLASSES}, i1 false)
  %retained.p = getelementptr i64, ptr @stats, i64 2
  store i64 0, ptr %retained.p
  store atomic i32 0, ptr @lock seq_cst, align 4
  ret void
end:
  ret void
}}
"""


def allocator_ir() -> str:
    """The allocator, for Linux."""
    return blocks_ir() + _HANDLER + _CONTROL
