"""LLVM IR of the Mersenne twister, in place: where the host backend keeps the state."""

from __future__ import annotations

CHUNK = 4096  # words taken at a time; their memory stays in the first cache

# Refill the state, in place. The recurrence reaches 397 words ahead, so the loops have no carried
# dependence within a vector, and LLVM vectorises them.
TWISTER = """
define internal i32 @twist(i32 %far, i32 %here, i32 %next) alwaysinline {
  %top = and i32 %here, -2147483648
  %rest = and i32 %next, 2147483647
  %y = or i32 %top, %rest
  %half = lshr i32 %y, 1
  %low = and i32 %next, 1
  %odd = sub i32 0, %low
  %matrix = and i32 %odd, -1727483681
  %a = xor i32 %far, %half
  %b = xor i32 %a, %matrix
  ret i32 %b
}

define internal void @advance(ptr %state, i64 %from, i64 %to, i64 %reach) alwaysinline {
entry:
  br label %loop
loop:
  %i = phi i64 [%from, %entry], [%after, %loop]
  %after = add i64 %i, 1
  %f = add i64 %i, %reach
  %place = getelementptr i32, ptr %state, i64 %i
  %ahead = getelementptr i32, ptr %state, i64 %after
  %away = getelementptr i32, ptr %state, i64 %f
  %here = load i32, ptr %place
  %next = load i32, ptr %ahead
  %far = load i32, ptr %away
  %new = call i32 @twist(i32 %far, i32 %here, i32 %next)
  store i32 %new, ptr %place
  %more = icmp ult i64 %after, %to
  br i1 %more, label %loop, label %done
done:
  ret void
}

define internal void @refill(ptr %state) noinline {
  call void @advance(ptr %state, i64 0, i64 227, i64 397)
  call void @advance(ptr %state, i64 227, i64 623, i64 -227)
  %last = getelementptr i32, ptr %state, i64 623
  %middle = getelementptr i32, ptr %state, i64 396
  %here = load i32, ptr %last
  %next = load i32, ptr %state
  %far = load i32, ptr %middle
  %new = call i32 @twist(i32 %far, i32 %here, i32 %next)
  store i32 %new, ptr %last
  ret void
}

; The next %n words into %out.
define internal void @words(ptr %state, ptr noalias %out, i64 %n) noinline {
entry:
  %at = getelementptr i32, ptr %state, i64 624
  %none = icmp eq i64 %n, 0
  br i1 %none, label %done, label %block
block:
  %taken = phi i64 [0, %entry], [%total, %end]
  %p = load i32, ptr %at
  %empty = icmp sge i32 %p, 624
  br i1 %empty, label %again, label %ready
again:
  call void @refill(ptr %state)
  br label %ready
ready:
  %from32 = phi i32 [%p, %block], [0, %again]
  %from = zext i32 %from32 to i64
  %left = sub i64 624, %from
  %wanted = sub i64 %n, %taken
  %take = call i64 @llvm.umin.i64(i64 %left, i64 %wanted)
  br label %loop
loop:
  %i = phi i64 [0, %ready], [%i1, %loop]
  %s = add i64 %from, %i
  %t = add i64 %taken, %i
  %source = getelementptr i32, ptr %state, i64 %s
  %target = getelementptr i32, ptr %out, i64 %t
  %y0 = load i32, ptr %source
  %a = lshr i32 %y0, 11
  %y1 = xor i32 %y0, %a
  %b = shl i32 %y1, 7
  %b1 = and i32 %b, -1658038656
  %y2 = xor i32 %y1, %b1
  %c = shl i32 %y2, 15
  %c1 = and i32 %c, -272236544
  %y3 = xor i32 %y2, %c1
  %d = lshr i32 %y3, 18
  %y4 = xor i32 %y3, %d
  store i32 %y4, ptr %target
  %i1 = add i64 %i, 1
  %more = icmp ult i64 %i1, %take
  br i1 %more, label %loop, label %end
end:
  %total = add i64 %taken, %take
  %position = add i64 %from, %take
  %position32 = trunc i64 %position to i32
  store i32 %position32, ptr %at
  %unfinished = icmp ult i64 %total, %n
  br i1 %unfinished, label %block, label %done
done:
  ret void
}
"""
