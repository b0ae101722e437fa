"""Ufunc loops with a fast body for most operands and an exact one for the rare others.

sin reduces angles below 2^45 in a few vector instructions, fmod divides when the quotient is
below 2^52. A first pass over the operands asks whether all are of that kind; only if one is not,
the elements go through the exact body, which calls the C library for each.
"""

from __future__ import annotations

from collections.abc import Sequence

from rushlight.backends.cpu.loop import LoopWriter, joined


class GuardedLoopWriter(LoopWriter):
    """A loop around `@body`, `@guard` and `@exact`, which take the same operands."""

    def tile(self, name: str, scalars: Sequence[int] = ()) -> str:
        """The pass over the guard, and behind it the loop over either body."""
        fast = super().tile(f"{name}.fast", scalars)
        exact = super().tile(f"{name}.exact", scalars).replace("@body(", "@exact(")
        moving = [k for k in range(self.nin) if k not in scalars]
        steps = joined(f"%e{k} = getelementptr inbounds [{self.operands[k].size} x i8], "
                       f"ptr %p{k}, i64 %i" for k in moving)
        loads = joined(line for k in moving for line in self.load(k, ""))
        once = [line for k in scalars for line in (f"%e{k} = bitcast ptr %p{k} to ptr",
                                                   *self.load(k, ""))]
        arguments = ", ".join(f"{self.operands[k].body} %v{k}" for k in range(self.nin))
        return f"""{fast}{exact}
define internal void @{name}(ptr %operands, i64 %n) nounwind {{
entry:
{self.pointers("operands", "p", "ptr")}
{joined(once)}
  br label %each
each:
  %i = phi i64 [0, %entry], [%next, %each]
  %any = phi i1 [false, %entry], [%found, %each]
{steps}
{loads}
  %rare = call i1 @guard({arguments})
  %found = or i1 %any, %rare
  %next = add nuw nsw i64 %i, 1
  %more = icmp slt i64 %next, %n
  br i1 %more, label %each, label %asked
asked:
  br i1 %found, label %slow, label %quick
slow:
  call void @{name}.exact(ptr %operands, i64 %n)
  ret void
quick:
  call void @{name}.fast(ptr %operands, i64 %n)
  ret void
}}"""

    def serial(self) -> str:
        return super().serial().replace("@body(", "@exact(")
