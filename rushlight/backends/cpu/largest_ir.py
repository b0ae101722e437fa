"""The native code of max pooling over boxes: windows of any extents, in up to three dimensions.

For windows that `pooling_ir` does not unroll; the tables of ranges are those of average pooling.
"""

from __future__ import annotations

from rushlight.backends.cpu.average_pooling_ir import count_loop, rows_of_windows, span_ir, task_ir
from rushlight.backends.cpu.pooling_ir import TYPES

ARRAYS = ("source", "values", "places", "spans")


def largest_ir(kind: str, wide: bool) -> str:
    """(planes, windows) of the largest elements and their places (int64) in the plane.

    nan counts as largest, the last of several; of equals the first is taken. wide: for windows of
    many elements, of which few are larger than all before: a branch then costs less than a choice.
    """
    t = TYPES[kind]
    choose = f"""
  %best = select i1 %better, {t} %v, {t} %best2
  %at = select i1 %better, i64 %v.at, i64 %at2
  br label %i2.latch
i2.latch:""" if not wide else f"""
  br i1 %better, label %i2.take, label %i2.latch, !prof !0
i2.take:
  br label %i2.latch
i2.latch:
  %best = phi {t} [%best2, %i2.body], [%v, %i2.take]
  %at = phi i64 [%at2, %i2.body], [%v.at, %i2.take]"""
    scan = f"""
  %f0 = mul i64 %s0.first, %image
  %f1 = mul i64 %s1.first, %I2
  %f01 = add i64 %f0, %f1
  %f = add i64 %f01, %s2.first
  %f.p = getelementptr {t}, ptr %x, i64 %f
  %f.v = load {t}, ptr %f.p
  br label %i0.head
i0.head:
  %i0 = phi i64 [%s0.first, %o2.body], [%i0.next, %i1.end]
  %best0 = phi {t} [%f.v, %o2.body], [%best1, %i1.end]
  %at0 = phi i64 [%f, %o2.body], [%at1, %i1.end]
  %i0.more = icmp slt i64 %i0, %s0.last
  br i1 %i0.more, label %i0.body, label %i0.end
i0.body:
  %image.at = mul i64 %i0, %image
  br label %i1.head
i1.head:
  %i1 = phi i64 [%s1.first, %i0.body], [%i1.next, %i2.end]
  %best1 = phi {t} [%best0, %i0.body], [%best2, %i2.end]
  %at1 = phi i64 [%at0, %i0.body], [%at2, %i2.end]
  %i1.more = icmp slt i64 %i1, %s1.last
  br i1 %i1.more, label %i1.body, label %i1.end
i1.body:
  %line.in = mul i64 %i1, %I2
  %row.in = add i64 %image.at, %line.in
  br label %i2.head
i2.head:
  %i2 = phi i64 [%s2.first, %i1.body], [%i2.next, %i2.latch]
  %best2 = phi {t} [%best1, %i1.body], [%best, %i2.latch]
  %at2 = phi i64 [%at1, %i1.body], [%at, %i2.latch]
  %i2.more = icmp slt i64 %i2, %s2.last
  br i1 %i2.more, label %i2.body, label %i2.end
i2.body:
  %v.at = add i64 %row.in, %i2
  %v.p = getelementptr {t}, ptr %x, i64 %v.at
  %v = load {t}, ptr %v.p
  %larger = fcmp ogt {t} %v, %best2
  %nan = fcmp uno {t} %v, 0.0
  %better = or i1 %larger, %nan{choose}
  %i2.next = add nuw nsw i64 %i2, 1
  br label %i2.head
i2.end:
  %i1.next = add nuw nsw i64 %i1, 1
  br label %i1.head
i1.end:
  %i0.next = add nuw nsw i64 %i0, 1
  br label %i0.head
i0.end:
  %w = add i64 %cell, %o2
  %y.p = getelementptr {t}, ptr %y, i64 %w
  store {t} %best0, ptr %y.p
  %n.p = getelementptr i64, ptr %n, i64 %w
  store i64 %at0, ptr %n.p"""
    cells = count_loop("o2", "0", "%O2", span_ir("s2", "%begin2", "%o2") + scan, "o1.body")
    plane = f"""
  %x.skip = mul i64 %p, %size
  %x = getelementptr {t}, ptr %source, i64 %x.skip
  %y.skip = mul i64 %p, %windows
  %y = getelementptr {t}, ptr %values, i64 %y.skip
  %n = getelementptr i64, ptr %places, i64 %y.skip"""
    weights = '\n!0 = !{!"branch_weights", i32 1, i32 2000}\n'
    return task_ir(t, ARRAYS, rows_of_windows(plane, cells)) + weights
