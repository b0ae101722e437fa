"""LLVM IR of random fills: torch's transforms of the words of the Mersenne twister.

Every fill is a module of its own, compiled when it is first called, that exports
`fill(state, array, n, ...)`: the address of the state (624 words, then the position in them, 32
bits each); the NumPy array object, whose memory is found at offset 16 of it; and how many numbers
to draw. The arithmetic is that of `backends/host/draws.py`: fused where that says fma.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from rushlight.backends.cpu import builtin, normal_fill
from rushlight.backends.cpu.normal_fill import LANES, VECTOR
from rushlight.backends.cpu.twister import CHUNK, TWISTER

ARRAY_DATA = 16  # where an array object keeps the address of its memory

# A loop over chunks, of which {width} words make one number: {words} fills the words, {body} turns
# chunk-relative element %i into its number.
FILL = """
define internal void @{name}(ptr %state, ptr noalias %out, i64 %n{arguments}) {{
entry:
{before}
  %none = icmp eq i64 %n, 0
  br i1 %none, label %done, label %chunk
chunk:
  %first = phi i64 [0, %entry], [%upto, %end]
  %rest = sub i64 %n, %first
  %count = call i64 @llvm.umin.i64(i64 %rest, i64 {elements})
  %base = getelementptr {unit}, ptr %out, i64 %first
  %wordcount = mul i64 %count, {width}
  call void @words(ptr %state, ptr {words}, i64 %wordcount)
  br label %loop
loop:
  %i = phi i64 [0, %chunk], [%i1, %loop]
  %target = getelementptr {unit}, ptr %base, i64 %i
{body}
  store {unit} %value, ptr %target
  %i1 = add i64 %i, 1
  %more = icmp ult i64 %i1, %count
  br i1 %more, label %loop, label %end
end:
  %upto = add i64 %first, %count
  %unfinished = icmp ult i64 %upto, %n
  br i1 %unfinished, label %chunk, label %done
done:
  ret void
}}
"""

UNIFORM32 = """
  %word = load i32, ptr %target
  %low24 = and i32 %word, 16777215
  %float = uitofp i32 %low24 to float
  %u = fmul float %float, 0x3E70000000000000
  %value = call float @llvm.fma.f32(float %u, float %width, float %low)
"""

# A long word has its high half first; the 53 low bits make the fraction.
FRACTION53 = """
  %pair = load i64, ptr {place}
  %long = call i64 @llvm.fshl.i64(i64 %pair, i64 %pair, i64 32)
  %low53 = and i64 %long, 9007199254740991
"""
UNIFORM64 = "  %value = call double @llvm.fma.f64(double %u, double %width, double %low)\n"
BETWEEN = "  %width = fsub {0} %high, %low\n"


def _bernoulli(bits: int) -> str:
    """Store the bits of `one` where the fraction is below `limit` (p * 2**53), else 0."""
    place = "  %place = getelementptr i64, ptr %buffer, i64 %i"
    body = place + FRACTION53.format(place="%place") + f"""
  %hit = icmp ult i64 %low53, %limit
  %value = select i1 %hit, i{bits} %unit, i{bits} 0
"""
    before = f"""
  %buffer = alloca [{CHUNK} x i32], align 64
  %unit = {f"trunc i64 %one to i{bits}" if bits < 64 else "add i64 %one, 0"}
"""
    return FILL.format(name=f"bernoulli{bits}", arguments=", i64 %limit, i64 %one", before=before,
                       elements=CHUNK // 2, unit=f"i{bits}", width=2, words="%buffer", body=body)



# Real numbers in float64, by the C library's functions, as torch has them.
EXPONENTIAL = """
  %minus = fneg double %u
  %log = call double @log1p(double %minus)
  %value = fmul double %log, %factor
"""
GEOMETRIC = """
  %log = call double @log(double %u)
  %trials = fdiv double %log, %failure
  %value = call double @llvm.ceil.f64(double %trials)
"""
CAUCHY = """
  %centred = fsub double %u, 0.5
  %angle = fmul double %centred, 0x400921FB54442D18
  %tan = call double @tan(double %angle)
  %value = call double @llvm.fma.f64(double %tan, double %sigma, double %median)
"""


def _real64(name: str, arguments: str, transform: str, before: str = "") -> str:
    body = FRACTION53.format(place="%target") + """
  %double = uitofp i64 %low53 to double
  %u = fmul double %double, 0x3CA0000000000000
""" + transform
    return FILL.format(name=name, arguments=arguments, before=before, elements=CHUNK // 2,
                       unit="double", width=2, words="%base", body=body)


def _uniform32() -> str:
    return FILL.format(name="uniform32", arguments=", float %low, float %high",
                       before=BETWEEN.format("float"), elements=CHUNK, unit="float", width=1,
                       words="%base", body=UNIFORM32)


def _uniform64() -> str:
    return _real64("uniform64", ", double %low, double %high", UNIFORM64,
                   BETWEEN.format("double"))


def _integers(bits: int) -> str:
    """int64 numbers: low + word % range, of words of 32 or 64 bits."""
    if bits == 32:
        body, range_ = """
  %place = getelementptr i32, ptr %buffer, i64 %i
  %word = load i32, ptr %place
  %left = urem i32 %word, %range32
  %step = zext i32 %left to i64
""", "  %range32 = trunc i64 %range to i32\n"
    else:
        body, range_ = """
  %pair = load i64, ptr %target
  %long = call i64 @llvm.fshl.i64(i64 %pair, i64 %pair, i64 32)
  %step = urem i64 %long, %range
""", ""
    body += "  %value = add i64 %step, %low\n"
    before = range_ + f"  %buffer = alloca [{CHUNK} x i32], align 64\n"
    return FILL.format(name=f"integers{bits}", arguments=", i64 %low, i64 %range", before=before,
                       elements=CHUNK * 32 // bits, unit="i64", width=bits // 32,
                       words="%buffer" if bits == 32 else "%base", body=body)

# Fisher and Yates on %n < 2**32 / 20 whole numbers.
SHUFFLE = """
define internal void @shuffle(ptr %state, ptr noalias %order, i64 %n) {
entry:
  %buffer = alloca [512 x i32], align 64
  %steps = sub i64 %n, 1
  %none = icmp slt i64 %steps, 1
  br i1 %none, label %done, label %chunk
chunk:
  %first = phi i64 [0, %entry], [%upto, %end]
  %left = sub i64 %steps, %first
  %count = call i64 @llvm.umin.i64(i64 %left, i64 512)
  call void @words(ptr %state, ptr %buffer, i64 %count)
  br label %loop
loop:
  %i = phi i64 [0, %chunk], [%i1, %loop]
  %place = getelementptr i32, ptr %buffer, i64 %i
  %word = load i32, ptr %place
  %here = add i64 %first, %i
  %open = sub i64 %n, %here
  %open32 = trunc i64 %open to i32
  %step32 = urem i32 %word, %open32
  %step = zext i32 %step32 to i64
  %there = add i64 %here, %step
  %a = getelementptr i64, ptr %order, i64 %here
  %b = getelementptr i64, ptr %order, i64 %there
  %x = load i64, ptr %a
  %y = load i64, ptr %b
  store i64 %y, ptr %a
  store i64 %x, ptr %b
  %i1 = add i64 %i, 1
  %more = icmp ult i64 %i1, %count
  br i1 %more, label %loop, label %end
end:
  %upto = add i64 %first, %count
  %unfinished = icmp ult i64 %upto, %steps
  br i1 %unfinished, label %chunk, label %done
done:
  ret void
}
"""

DECLARATIONS = f"""
declare i64 @llvm.umin.i64(i64, i64)
declare i64 @llvm.fshl.i64(i64, i64, i64)
declare float @llvm.fma.f32(float, float, float)
declare double @llvm.fma.f64(double, double, double)
declare double @llvm.sqrt.f64(double)
declare double @llvm.ceil.f64(double)
declare {VECTOR} @llvm.fma.v{LANES}f32({VECTOR}, {VECTOR}, {VECTOR})
declare {VECTOR} @llvm.sqrt.v{LANES}f32({VECTOR})
declare double @log(double)
declare double @log1p(double)
declare double @sin(double)
declare double @cos(double)
declare double @tan(double)
"""

# By name: the types of the arguments after `n`, and what writes the fill.
FILLS: dict[str, tuple[str, Callable[[], str]]] = {
    "uniform32": ("float float", _uniform32),
    "uniform64": ("double double", _uniform64),
    "normal32": ("float float i64", partial(normal_fill.normal, 32)),
    "normal64": ("double double i64", lambda: _uniform64() + normal_fill.normal(64)),
    "pairs": ("", lambda: _uniform64() + normal_fill.PAIRS),
    "pairs32": ("", lambda: _uniform64() + normal_fill.PAIRS + normal_fill.PAIRS32),
    "exponential64": ("double", partial(_real64, "exponential64", ", double %factor", EXPONENTIAL)),
    "geometric64": ("double", partial(_real64, "geometric64", ", double %failure", GEOMETRIC)),
    "cauchy64": ("double double",
                 partial(_real64, "cauchy64", ", double %median, double %sigma", CAUCHY)),
    "integers32": ("i64 i64", partial(_integers, 32)),
    "integers64": ("i64 i64", partial(_integers, 64)),
    "shuffle": ("", lambda: SHUFFLE),
    **{f"bernoulli{bits}": ("i64 i64", partial(_bernoulli, bits)) for bits in (8, 16, 32, 64)},
}


def write(name: str) -> str:
    """The module of the fill `name`: `fill`, and `few`, a builtin function of the array, whose
    block has the state, the count and the arguments, real numbers in double."""
    kinds, body = FILLS[name]
    arguments = "".join(f", {kind} %a{k}" for k, kind in enumerate(kinds.split()))
    loads, given = [], ""
    for k, kind in enumerate(kinds.split()):
        wide = "double" if kind == "float" else kind
        loads += [f"%at{k} = getelementptr i64, ptr %block, i64 {k + 2}",
                  f"%wide{k} = load {wide}, ptr %at{k}"]
        loads += [f"%narrow{k} = fptrunc double %wide{k} to float"] if kind == "float" else []
        given += f", {kind} {'%narrow' if kind == 'float' else '%wide'}{k}"
    newline = "\n  "
    return DECLARATIONS + builtin.DECLARATIONS + TWISTER + body() + f"""
define ptr @few(ptr %self, ptr %arrays, i64 %given) {{
  %block_slot = getelementptr i8, ptr %self, i64 {ARRAY_DATA}
  %block = load ptr, ptr %block_slot
  %state = load ptr, ptr %block
  %at_count = getelementptr i64, ptr %block, i64 1
  %count = load i64, ptr %at_count
  {newline.join(loads)}
  %array = load ptr, ptr %arrays
  call void @fill(ptr %state, ptr %array, i64 %count{given})
  call void @Py_IncRef(ptr @_Py_NoneStruct)
  ret ptr @_Py_NoneStruct
}}

define void @fill(ptr %state, ptr %array, i64 %n{arguments}) {{
  %slot = getelementptr i8, ptr %array, i64 {ARRAY_DATA}
  %out = load ptr, ptr %slot
  call void @{name}(ptr %state, ptr %out, i64 %n{arguments})
  ret void
}}
"""
