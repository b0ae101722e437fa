"""Functions of floats for which AVX-512 has an instruction that no plain LLVM code becomes.

Each is written twice: as a function of one number, which elements one by one call, and in forms
for vectors of 16 and of 8, which LLVM's loop vectoriser puts in its place. Those are inlined when
it is done: see `jit.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from rushlight.backends.cpu.features import llvm, target
from rushlight.backends.cpu.jit import VARIANTS
from rushlight.backends.cpu.values import Value, Writer

ENTRIES = 16  # numbers of a table: as many floats as a register holds

_PURE = "nounwind willreturn memory(none)"
_NEEDED = ("avx512f", "avx512dq", "avx512vl")


@cache
def available() -> bool:
    """Whether this CPU has the instructions, and this LLVM is one that they were tried with."""
    return llvm().llvm_version_info[0] >= 20 and all(map(target().has, _NEEDED))


def pick(name: str, table: Sequence[float], index: Value) -> Value:
    """Entry `index` modulo 16 of a table of 16 floats, which has a name of its own."""
    writer = index.writer
    numbers = ", ".join(f"float {writer.constant('float', value).text}" for value in table)
    name = f"pick.{name}"
    writer.declarations[f"@{name}.table"] = (
        f"@{name}.table = internal constant [{ENTRIES} x float] [{numbers}], align 64\n")
    one = f"""
  %place = and i32 %a, {ENTRIES - 1}
  %at = getelementptr float, ptr @{name}.table, i32 %place
  %r = load float, ptr %at"""
    sixteen = f"""
  %t = load <16 x float>, ptr @{name}.table, align 64
  %r = call <16 x float> {_declared(writer, 'permvar.sf.512', '<16 x float>, <16 x i32>')}(
    <16 x float> %t, <16 x i32> %a)"""
    eight = f"""
  %t = load <8 x float>, ptr @{name}.table, align 32
  %at = getelementptr float, ptr @{name}.table, i32 8
  %u = load <8 x float>, ptr %at, align 32
  %r = call <8 x float> {_declared(
    writer, 'vpermi2var.ps.256', '<8 x float>, <8 x i32>, <8 x float>')}(
    <8 x float> %t, <8 x i32> %a, <8 x float> %u)"""
    return _call(name, (index,), one, {16: sixteen, 8: eight})


def scale(x: Value, power: Value) -> Value:
    """x * 2 ** floor(power), for any two floats: overflow, subnormal results and nan included."""
    writer, name = x.writer, "scale"
    one = f"""
  %x = insertelement <4 x float> zeroinitializer, float %a, i32 0
  %y = insertelement <4 x float> zeroinitializer, float %b, i32 0
  %s = call <4 x float> {_declared(
    writer, 'mask.scalef.ss', '<4 x float>, <4 x float>, <4 x float>, i8, i32')}(
    <4 x float> %x, <4 x float> %y, <4 x float> %x, i8 -1, i32 4)
  %r = extractelement <4 x float> %s, i32 0"""
    vector = "<16 x float>"
    sixteen = f"""
  %r = call {vector} {_declared(
    writer, 'mask.scalef.ps.512', f'{vector}, {vector}, {vector}, i16, i32')}(
    {vector} %a, {vector} %b, {vector} %a, i16 -1, i32 4)"""
    half = "<8 x float>"
    eight = f"""
  %r = call {half} {_declared(writer, 'mask.scalef.ps.256', f'{half}, {half}, {half}, i8')}(
    {half} %a, {half} %b, {half} %a, i8 -1)"""
    return _call(name, (x, power), one, {16: sixteen, 8: eight})


def within(x: Value, limit: float) -> Value:
    """x where |x| <= limit, else the limit with the sign of x, also for nan."""
    writer = x.writer
    bound = writer.constant("float", limit).text
    one = f"""
  %x = insertelement <4 x float> zeroinitializer, float %a, i32 0
  %s = call <4 x float> {_declared(
    writer, 'mask.range.ss', '<4 x float>, <4 x float>, <4 x float>, i8, i32, i32')}(
    <4 x float> %x, <4 x float> splat (float {bound}), <4 x float> %x, i8 -1, i32 2, i32 4)
  %r = extractelement <4 x float> %s, i32 0"""
    vector = "<16 x float>"
    sixteen = f"""
  %r = call {vector} {_declared(
    writer, 'mask.range.ps.512', f'{vector}, {vector}, i32, {vector}, i16, i32')}(
    {vector} %a, {vector} splat (float {bound}), i32 2, {vector} %a, i16 -1, i32 4)"""
    half = "<8 x float>"
    eight = f"""
  %r = call {half} {_declared(
    writer, 'mask.range.ps.256', f'{half}, {half}, i32, {half}, i8')}(
    {half} %a, {half} splat (float {bound}), i32 2, {half} %a, i8 -1)"""
    return _call(f"within.{bound}", (x,), one, {16: sixteen, 8: eight})


def exponent(x: Value) -> Value:
    """The whole n with 2^n <= |x| < 2^(n + 1), as a float; -inf for zero, inf and nan for these."""
    writer = x.writer
    one = f"""
  %x = insertelement <4 x float> zeroinitializer, float %a, i32 0
  %s = call <4 x float> {_declared(
    writer, 'mask.getexp.ss', '<4 x float>, <4 x float>, <4 x float>, i8, i32')}(
    <4 x float> %x, <4 x float> %x, <4 x float> %x, i8 -1, i32 4)
  %r = extractelement <4 x float> %s, i32 0"""
    vector = "<16 x float>"
    sixteen = f"""
  %r = call {vector} {_declared(writer, 'mask.getexp.ps.512', f'{vector}, {vector}, i16, i32')}(
    {vector} %a, {vector} %a, i16 -1, i32 4)"""
    half = "<8 x float>"
    eight = f"""
  %r = call {half} {_declared(writer, 'mask.getexp.ps.256', f'{half}, {half}, i8')}(
    {half} %a, {half} %a, i8 -1)"""
    return _call("exponent", (x,), one, {16: sixteen, 8: eight})


def mantissa(x: Value) -> Value:
    """x / 2^exponent(x), from 1 to 2; 1 for zero and inf, nan below zero."""
    writer = x.writer
    one = f"""
  %x = insertelement <4 x float> zeroinitializer, float %a, i32 0
  %s = call <4 x float> {_declared(
    writer, 'mask.getmant.ss', '<4 x float>, <4 x float>, i32, <4 x float>, i8, i32')}(
    <4 x float> %x, <4 x float> %x, i32 8, <4 x float> %x, i8 -1, i32 4)
  %r = extractelement <4 x float> %s, i32 0"""
    vector = "<16 x float>"
    sixteen = f"""
  %r = call {vector} {_declared(
    writer, 'mask.getmant.ps.512', f'{vector}, i32, {vector}, i16, i32')}(
    {vector} %a, i32 8, {vector} %a, i16 -1, i32 4)"""
    half = "<8 x float>"
    eight = f"""
  %r = call {half} {_declared(
    writer, 'mask.getmant.ps.256', f'{half}, i32, {half}, i8')}(
    {half} %a, i32 8, {half} %a, i8 -1)"""
    return _call("mantissa", (x,), one, {16: sixteen, 8: eight})


def _declared(writer: Writer, intrinsic: str, types: str) -> str:
    symbol = f"@llvm.x86.avx512.{intrinsic}"
    result = types.split(", ")[0]
    marked = ", ".join("i32 immarg" if part == "i32" else part for part in types.split(", "))
    writer.declarations[symbol] = f"declare {result} {symbol}({marked})\n"
    return symbol


def _call(name: str, operands: Sequence[Value], one: str, forms: Mapping[int, str]) -> Value:
    """A call of a function of floats whose bodies are given: their operands are %a and %b, their
    results %r."""
    writer = operands[0].writer
    typed = [(x.kind, letter) for x, letter in zip(operands, "ab", strict=False)]
    parameters = ", ".join(f"{kind} %{letter}" for kind, letter in typed)
    text = (f"define internal float @{name}({parameters}) noinline {_PURE} {{{one}\n"
            "  ret float %r\n}\n")
    variants = []
    for lanes, body in forms.items():
        parameters = ", ".join(f"<{lanes} x {kind}> %{letter}" for kind, letter in typed)
        # Not internal: nothing calls it before loops are vectorised.
        text += (f"define hidden <{lanes} x float> @{name}.{lanes}({parameters}) alwaysinline "
                 f"{_PURE} {{{body}\n  ret <{lanes} x float> %r\n}}\n")
        variants.append(f"_ZGV_LLVM_N{lanes}{'v' * len(typed)}_{name}({name}.{lanes})")
    writer.declarations[f"@{name}"] = text
    arguments = ", ".join(f"{x.kind} {x.text}" for x in operands)
    return writer.emit("float", f'call float @{name}({arguments}) "{VARIANTS}"="'
                                f'{",".join(variants)}"')
