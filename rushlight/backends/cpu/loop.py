"""The LLVM IR of a NumPy ufunc loop around a scalar function.

A kernel module holds `@loop`, which NumPy calls, the loops over elements that are particular to
the scalar function, and a descriptor of them for the driver that all kernels share.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rushlight.backends.cpu.features import target
from rushlight.backends.cpu.loop_driver import BUFFER, KERNEL

GRAIN = 1 << 15  # elements of cost 1 (one float32 addition) that are worth handing to a thread
LONG = 1.5  # from this cost on a few elements one by one take noticeable time
CHEAP = 4.0  # up to this cost a loop of its own for a scalar operand is worth compiling


class Operand(NamedTuple):
    """How an element type lies in memory and what `@body` is given for it."""

    memory: str
    body: str
    size: int
    floating: bool


OPERANDS = {
    "bool": Operand("i8", "i1", 1, False),
    "uint8": Operand("i8", "i8", 1, False),
    "int8": Operand("i8", "i8", 1, False),
    "int16": Operand("i16", "i16", 2, False),
    "int32": Operand("i32", "i32", 4, False),
    "int64": Operand("i64", "i64", 8, False),
    "float16": Operand("half", "float", 2, True),
    "bfloat16": Operand("i16", "float", 2, True),
    "float32": Operand("float", "float", 4, True),
    "float64": Operand("double", "double", 8, True),
    "complex64": Operand("{float, float}", "{float, float}", 8, True),
    "complex128": Operand("{double, double}", "{double, double}", 16, True),
}
LLVM_NAMES = {"i1": "bool", "i8": "int8", "i16": "int16", "i32": "int32", "i64": "int64",
              "half": "float16", "bfloat": "bfloat16", "float": "float32", "double": "float64"}


def canonical(name: str) -> str:
    """The name of an element type, given that name or LLVM's."""
    name = LLVM_NAMES.get(name, name)
    if name not in OPERANDS:
        raise ValueError(f"no element type {name!r} in kernels; there are {', '.join(OPERANDS)}")
    return name


def grain_of(cost: float) -> int:
    """Elements in a parallel chunk of a body that costs `cost` times a float32 addition."""
    return max(1024, int(GRAIN / max(cost, 1e-3)) // 1024 * 1024)


def flag_family() -> str:
    """The key of this CPU in `FLAG_CODE`: "" where its flags cannot be hidden from NumPy."""
    return {"x86_64": "x86", "aarch64": "aarch64", "arm64": "aarch64"}.get(target().family, "")


def loop_ir(body_ir: str, in_types: Sequence[str], out_types: Sequence[str], cost: float = 1.0,
            save_flags: str = "") -> str:
    """A module whose `@loop` is a NumPy inner loop, `void (char**, npy_intp*, npy_intp*, void*)`,
    and whose `@run` is the same on one thread, for callers that look after the exception flags
    themselves and know that each output is an input or apart from all of them.

    `body_ir` defines `@body`, marked `alwaysinline`, from the body types of `in_types` to that of
    the one output, or to a struct of them; it may define and declare whatever else it needs, under
    names that do not begin with `rl_`, and numbered metadata below 900. Types are those of
    `OPERANDS` or their LLVM spellings. `bool` reaches the body as i1, `float16` and `bfloat16` as
    float, complex types as a struct of two. `cost` is the time of the body as a multiple of a
    float32 addition: it decides from how many elements on the work is split. `save_flags` names
    the CPU family (`"x86"`, `"aarch64"`) whose floating-point exception flags the loop hides from
    NumPy, which would warn about them.
    """
    return LoopWriter(body_ir, in_types, out_types, cost, save_flags).module()


class LoopWriter:
    """Writes the module of one kernel; a subclass may wrap its loops."""

    def __init__(self, body_ir: str, in_types: Sequence[str], out_types: Sequence[str],
                 cost: float, save_flags: str) -> None:
        self.body_ir = body_ir
        self.names = [canonical(name) for name in (*in_types, *out_types)]
        self.operands = [OPERANDS[name] for name in self.names]
        self.nin = len(in_types)
        self.nout = len(out_types)
        self.count = range(len(self.operands))
        self.grain = grain_of(cost)
        # Inputs that are scalars in a loop of its own, by the loop's number in the descriptor.
        self.scalars: dict[int, tuple[int, ...]] = {}
        if cost <= CHEAP and self.nin == 2:
            self.scalars = {1: (0,), 2: (1,)}
        elif cost <= CHEAP and self.nin == 3:
            self.scalars = {3: (1, 2), 4: (2,)}
        self.masked = cost > LONG and target().has("avx512bw")
        self.save_flags = save_flags if any(o.floating for o in self.operands) else ""

    def module(self) -> str:
        return "\n".join((self.body_ir, _BFLOAT if "bfloat16" in self.names else "",
                          self.tile("rl_tile"),
                          *(self.tile(f"rl_tile{k}", numbers)
                            for k, numbers in self.scalars.items()), self.serial(),
                          self.descriptor(), self.entry(), _METADATA))

    def tile(self, name: str, scalars: Sequence[int] = ()) -> str:
        """Contiguous operands, inputs `scalars` excepted. The driver has made sure that an output
        is an input or apart from all of them, so iterations are independent: the access group
        says so, or LLVM would test for overlap and take in-place calls for dependent ones.

        Where the CPU has masks and the body is long, the rest after the last full vectors runs
        under a mask, not one element at a time: short calls are mostly rest."""
        arguments = [f"ptr %p{k}" for k in self.count]
        loaded: list[str] = []
        for k in scalars:
            arguments[k] = f"{self.operands[k].body} %v{k}"
            loaded += [f"%e{k} = bitcast ptr %p{k} to ptr", *self.load(k, "")]
        call = f"call void @{name}.element({', '.join(arguments)}, i64"
        if self.masked:
            full = -256 // max(1, min(4, min(operand.size for operand in self.operands)))
            loops = _loop("bulk", call, "0", str(full), 901) + _loop("tail", call, "%bulk.n", "-1",
                                                                    907)
        else:
            loops = _loop("tail", call, "0", "-1", 901)
        return f"""{self.element(name, arguments, scalars)}
define internal void @{name}(ptr %operands, i64 %n) nounwind {{
{self.pointers("operands", "p", "ptr")}
{joined(loaded)}
{loops}
  ret void
}}"""

    def element(self, name: str, arguments: Sequence[str], scalars: Sequence[int]) -> str:
        """Element %i of contiguous operands; the values of inputs `scalars` are arguments."""
        moving = [k for k in self.count if k not in scalars]
        steps = [f"%e{k} = getelementptr inbounds [{self.operands[k].size} x i8], "
                 f"ptr %p{k}, i64 %i" for k in moving]
        loads = [line for k in moving if k < self.nin for line in self.load(k, _ACCESS)]
        return f"""
define internal void @{name}.element({', '.join(arguments)}, i64 %i) alwaysinline nounwind {{
{joined([*steps, *loads, *self.call(_ACCESS)])}
  ret void
}}"""

    def serial(self) -> str:
        """Any steps, one element after the other: for short calls, `reduce` and `accumulate`."""
        steps = joined(line for k in self.count for line in (
            f"%o{k} = mul i64 %i, %s{k}", f"%e{k} = getelementptr i8, ptr %p{k}, i64 %o{k}"))
        loads = [line for k in range(self.nin) for line in self.load(k, "")]
        return f"""
define internal void @rl_serial(ptr %args, ptr %steps, i64 %n) nounwind {{
entry:
{self.pointers("args", "p", "ptr")}
{self.pointers("steps", "s", "i64")}
  br label %each
each:
  %i = phi i64 [0, %entry], [%next, %each]
{steps}
{joined(loads)}
{joined(self.call(""))}
  %next = add nuw nsw i64 %i, 1
  %more = icmp slt i64 %next, %n
  br i1 %more, label %each, label %end, !llvm.loop !904
end:
  ret void
}}"""

    def pointers(self, array: str, prefix: str, kind: str) -> str:
        """Load %prefix0, %prefix1, ... from an array."""
        return joined(line for k in self.count for line in (
            f"%{prefix}{k}.at = getelementptr {kind}, ptr %{array}, i64 {k}",
            f"%{prefix}{k} = load {kind}, ptr %{prefix}{k}.at"))

    def call(self, access: str) -> list[str]:
        """Call the body on the loaded inputs and store its results."""
        arguments = ", ".join(f"{self.operands[k].body} %v{k}" for k in range(self.nin))
        outs = [operand.body for operand in self.operands[self.nin:]]
        if self.nout == 1:
            return [f"%v{self.nin} = call {outs[0]} @body({arguments})",
                    *self.store(self.nin, access)]
        result = "{" + ", ".join(outs) + "}"
        lines = [f"%r = call {result} @body({arguments})"]
        for k in range(self.nin, self.nin + self.nout):
            lines.append(f"%v{k} = extractvalue {result} %r, {k - self.nin}")
            lines += self.store(k, access)
        return lines

    def load(self, k: int, access: str) -> list[str]:
        """Read %vk at %ek, as the body wants it."""
        name, operand = self.names[k], self.operands[k]
        convert = {"bool": f"icmp ne i8 %m{k}, 0", "float16": f"fpext half %m{k} to float",
                   "bfloat16": f"call float @rl_from_bfloat(i16 %m{k})"}.get(name)
        if name.startswith("complex"):
            part, size = operand.body.strip("{}").split(", ")[0], operand.size // 2
            return [f"%re{k} = load {part}, ptr %e{k}, align {size}{access}",
                    f"%ie{k} = getelementptr inbounds i8, ptr %e{k}, i64 {size}",
                    f"%im{k} = load {part}, ptr %ie{k}, align {size}{access}",
                    f"%h{k} = insertvalue {operand.body} poison, {part} %re{k}, 0",
                    f"%v{k} = insertvalue {operand.body} %h{k}, {part} %im{k}, 1"]
        load = f"load {operand.memory}, ptr %e{k}, align {operand.size}{access}"
        return [f"%m{k} = {load}", f"%v{k} = {convert}"] if convert else [f"%v{k} = {load}"]

    def store(self, k: int, access: str) -> list[str]:
        """Write %vk at %ek."""
        name, operand = self.names[k], self.operands[k]
        convert = {"bool": f"zext i1 %v{k} to i8", "float16": f"fptrunc float %v{k} to half",
                   "bfloat16": f"call i16 @rl_to_bfloat(float %v{k})"}.get(name)
        if name.startswith("complex"):
            part, size = operand.body.strip("{}").split(", ")[0], operand.size // 2
            return [f"%re{k} = extractvalue {operand.body} %v{k}, 0",
                    f"store {part} %re{k}, ptr %e{k}, align {size}{access}",
                    f"%ie{k} = getelementptr inbounds i8, ptr %e{k}, i64 {size}",
                    f"%im{k} = extractvalue {operand.body} %v{k}, 1",
                    f"store {part} %im{k}, ptr %ie{k}, align {size}{access}"]
        value = f"%w{k}" if convert else f"%v{k}"
        store = f"store {operand.memory} {value}, ptr %e{k}, align {operand.size}{access}"
        return [f"%w{k} = {convert}", store] if convert else [store]

    def descriptor(self) -> str:
        """The constant that the driver reads: `loop_driver.KERNEL`."""
        sizes = [operand.size for operand in self.operands]
        kind = KERNEL.replace("[0 x i64]", f"[{len(sizes)} x i64]")
        tiles = ["@rl_tile",
                 *(f"@rl_tile{k}" if k in self.scalars else "null" for k in range(1, 5))]
        fields = [f"i64 {self.nin}", f"i64 {len(sizes)}", f"i64 {BUFFER // max(sizes)}",
                  f"i64 {self.grain}", *(f"ptr {tile}" for tile in tiles), "ptr @rl_serial",
                  f"[{len(sizes)} x i64] [" + ", ".join(f"i64 {size}" for size in sizes) + "]"]
        return f"@rl_kernel = internal constant {kind} {{" + ", ".join(fields) + "}"

    def entry(self) -> str:
        save, restore, declare = FLAG_CODE[self.save_flags]
        return f"""
declare void @rl_drive(ptr, i64, ptr, ptr)
declare void @rl_range(ptr, i64, ptr, ptr)
define void @run(ptr %args, ptr %dimensions, ptr %steps, ptr %data) nounwind {{
  %n = load i64, ptr %dimensions
  call void @rl_range(ptr %args, i64 %n, ptr %steps, ptr @rl_kernel)
  ret void
}}
define void @loop(ptr %args, ptr %dimensions, ptr %steps, ptr %data) nounwind {{
{save}
  %n = load i64, ptr %dimensions
  call void @rl_drive(ptr %args, i64 %n, ptr %steps, ptr @rl_kernel)
{restore}
  ret void
}}
{declare}"""


_ACCESS = ", !llvm.access.group !900"
_METADATA = """
!900 = distinct !{}
!901 = distinct !{!901, !902, !903}
!902 = !{!"llvm.loop.parallel_accesses", !900}
!903 = !{!"llvm.loop.vectorize.enable", i1 true}
!904 = distinct !{!904, !905, !906}
!905 = !{!"llvm.loop.vectorize.enable", i1 false}
!906 = !{!"llvm.loop.unroll.disable"}
!907 = distinct !{!907, !902, !903, !908, !906}
!908 = !{!"llvm.loop.vectorize.predicate.enable", i1 true}"""


def _loop(name: str, call: str, begin: str, multiple: str, metadata: int) -> str:
    """Call an element function from `begin` up to %n, rounded down by a mask of `multiple`."""
    return f"""
  br label %{name}.entry
{name}.entry:
  %{name}.n = and i64 %n, {multiple}
  %{name}.some = icmp slt i64 {begin}, %{name}.n
  br i1 %{name}.some, label %{name}, label %{name}.end
{name}:
  %{name}.i = phi i64 [{begin}, %{name}.entry], [%{name}.next, %{name}]
  {call} %{name}.i)
  %{name}.next = add nuw nsw i64 %{name}.i, 1
  %{name}.more = icmp slt i64 %{name}.next, %{name}.n
  br i1 %{name}.more, label %{name}, label %{name}.end, !llvm.loop !{metadata}
{name}.end:"""


def joined(lines: Iterable[str]) -> str:
    """The instructions as text, one to a line."""
    return "\n".join("  " + line for line in lines)


# bfloat16 is the upper half of a float32; rounding to nearest even, NaN kept a NaN.
_BFLOAT = """
define internal float @rl_from_bfloat(i16 %x) alwaysinline nounwind {
  %wide = zext i16 %x to i32
  %bits = shl i32 %wide, 16
  %y = bitcast i32 %bits to float
  ret float %y
}
define internal i16 @rl_to_bfloat(float %x) alwaysinline nounwind {
  %bits = bitcast float %x to i32
  %high = lshr i32 %bits, 16
  %odd = and i32 %high, 1
  %half = add i32 %odd, 32767
  %sum = add i32 %bits, %half
  %near = lshr i32 %sum, 16
  %quiet = or i32 %high, 64
  %nan = fcmp uno float %x, 0.0
  %chosen = select i1 %nan, i32 %quiet, i32 %near
  %y = trunc i32 %chosen to i16
  ret i16 %y
}"""

# Save and restore of the floating-point status register, and declarations, by CPU family.
FLAG_CODE = {
    "": ("", "", ""),
    "x86": ("  %flags = alloca i32\n  call void @llvm.x86.sse.stmxcsr(ptr %flags)",
            "  call void @llvm.x86.sse.ldmxcsr(ptr %flags)",
            "declare void @llvm.x86.sse.stmxcsr(ptr)\ndeclare void @llvm.x86.sse.ldmxcsr(ptr)"),
    "aarch64": ('  %flags = call i64 asm sideeffect "mrs $0, fpsr", "=r"()',
                '  call void asm sideeffect "msr fpsr, $0", "r"(i64 %flags)', ""),
}
