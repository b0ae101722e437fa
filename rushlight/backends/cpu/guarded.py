"""Ufunc loops with a fast body for most operands and an exact one for the rare others.

sin reduces angles below 2^45 in a few vector instructions, fmod divides when the quotient is
below 2^52. A first pass over the operands asks whether all are of that kind; only if one is not,
the elements go through the exact body, which calls the C library for each.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rushlight.backends.cpu import jit
from rushlight.backends.cpu.features import Unavailable, target
from rushlight.backends.cpu.loop import _lines, _LoopWriter, canonical
from rushlight.backends.cpu.loop_driver import drive_address
from rushlight.backends.cpu.ufunc import make_ufunc
from rushlight.base.dtypes import dtype_named


class GuardedLoopWriter(_LoopWriter):
    """A loop around `@body`, `@guard` and `@exact`, which take the same operands."""

    def tile(self, name: str, scalar: int = -1) -> str:
        """The pass over the guard, and behind it the loop over either body."""
        fast = super().tile(f"{name}.fast", scalar)
        exact = super().tile(f"{name}.exact", scalar).replace("@body(", "@exact(")
        moving = [k for k in range(self.nin) if k != scalar]
        steps = _lines(f"%e{k} = getelementptr inbounds [{self.operands[k].size} x i8], "
                       f"ptr %p{k}, i64 %i" for k in moving)
        loads = _lines(line for k in moving for line in self.load(k, ""))
        once = [] if scalar < 0 else [f"%e{scalar} = bitcast ptr %p{scalar} to ptr",
                                      *self.load(scalar, "")]
        arguments = ", ".join(f"{self.operands[k].body} %v{k}" for k in range(self.nin))
        return f"""{fast}{exact}
define internal void @{name}(ptr %operands, i64 %n) nounwind {{
entry:
{self.pointers("operands", "p", "ptr")}
{_lines(once)}
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


def compile_guarded(name: str, body_ir: str, in_types: Sequence[str], out_types: Sequence[str],
                    cost: float = 1.0) -> np.ufunc:
    """A ufunc of one loop around the functions of `body_ir`; arguments as of `compile_ufunc`."""
    family = target().triple.split("-")[0]
    if "float16" in (*in_types, *out_types) and family == "x86_64" and not target().has("f16c"):
        raise Unavailable("this CPU has no float16 conversions (F16C)")
    flags = {"x86_64": "x86", "aarch64": "aarch64", "arm64": "aarch64"}.get(family, "")
    ir = GuardedLoopWriter(body_ir, in_types, out_types, cost, flags).module()
    (address,) = jit.load(ir, "loop", imports={"rl_drive": drive_address()})
    numbers = tuple(dtype_named(canonical(t)).array.num for t in (*in_types, *out_types))
    return make_ufunc(name, [(numbers, address)], len(in_types), len(out_types))
