"""LLVM IR of an update rule over a list of tensors: one native call for a whole optimizer step.

The kernel takes Python's own lists of arrays and reads pointers, sizes and flags out of the
objects, so that a step costs no table building. Layouts it relies on (CPython lists, NumPy
arrays) are checked once by `multi_tensor.layouts_hold`.

`update(table)` checks every tensor before it changes any, computes what is one number per tensor
(`step`, bias corrections) in double precision, then runs the loop; where there is enough work, in
chunks on the thread pool. It returns 1, or 0 with nothing changed where an array does not fit.

The table is 8-byte words: count, scratch array, the type ndarray, dtype object of elements and
of counters, one list a column (param, grad, counters..., state...), one double an option. The
scratch holds one record a tensor: elements, chunks before it, one pointer a column, one double a
uniform.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from rushlight.expr import scalar
from rushlight.expr.expression import Expression, symbol, walk

GRAIN = 1 << 16  # elements a thread takes at a time, of a rule without divisions and roots
OBJECT_TYPE, LIST_ITEMS = 8, 24  # where things lie in objects, in bytes
ARRAY_DATA, ARRAY_NDIM, ARRAY_SHAPE, ARRAY_DTYPE, ARRAY_FLAGS = 16, 24, 32, 56, 64
READ_FLAGS, WRITE_FLAGS = 0x101, 0x501  # C-contiguous and aligned; and writeable
HEADER = 5  # words before the lists

_TYPES = {"float32": "float", "float64": "double"}
_COMPARE = {"eq": "oeq", "ne": "une", "lt": "olt", "le": "ole", "gt": "ogt", "ge": "oge"}
_ARITHMETIC = {"add": "fadd", "sub": "fsub", "mul": "fmul", "div": "fdiv"}


@dataclass
class Trace:
    """A rule run on symbols."""

    counters: tuple[str, ...]
    state: tuple[str, ...]
    options: tuple[str, ...]  # the ones that are numbers, in the order of the table
    param: Expression
    new: dict[str, Expression]  # of every counter and state
    scalars: set[int] = field(default_factory=set)  # ids of expressions without elements
    uniforms: list[Expression] = field(default_factory=list)  # scalars that the loop reads
    grain: int = GRAIN


def trace(
    rule: Callable[..., Any],
    counters: tuple[str, ...],
    state: tuple[str, ...],
    options: Mapping[str, Any],
    numbers: tuple[str, ...],
) -> Trace:
    """Run `rule` on symbols; options outside `numbers` are decided here, once."""
    given = SimpleNamespace(**{
        name: symbol("option " + name) if name in numbers else value
        for name, value in options.items()
    })
    memory = SimpleNamespace(**{name: symbol(name) for name in (*counters, *state)})
    param = rule(scalar, symbol("param"), symbol("grad"), memory, given)
    traced = Trace(counters, state, numbers, param,
                   {name: getattr(memory, name) for name in (*counters, *state)})
    _find_uniforms(traced)
    return traced


def _find_uniforms(traced: Trace) -> None:
    elements = {"param", "grad", *traced.state}
    roots = [traced.param, *traced.new.values()]
    for node in walk(roots):
        if node.name == "symbol":
            if str(node.value) not in elements:
                traced.scalars.add(id(node))
        elif all(id(x) in traced.scalars for x in node.operands):
            traced.scalars.add(id(node))
    looped = walk([traced.param, *(traced.new[name] for name in traced.state)])
    slow = sum(node.name in ("div", "sqrt") for node in looped if id(node) not in traced.scalars)
    traced.grain = GRAIN >> min(slow, 3)
    used = [x for node in looped if id(node) not in traced.scalars for x in node.operands]
    for root in [*used, traced.param, *(traced.new[name] for name in traced.state)]:
        scalar_root = id(root) in traced.scalars and root.name != "constant"
        if scalar_root and root not in traced.uniforms:
            traced.uniforms.append(root)


class _Writer:
    """Numbers values and collects lines."""

    def __init__(self, prefix: str) -> None:
        self.lines: list[str] = []
        self.prefix, self.count = prefix, 0

    def let(self, text: str) -> str:
        self.count += 1
        name = f"%{self.prefix}{self.count}"
        self.lines.append(f"  {name} = {text}")
        return name

    def at(self, base: str, offset: int, kind: str) -> str:
        """Load a `kind` at `offset` bytes from `base`."""
        place = self.let(f"getelementptr i8, ptr {base}, i64 {offset}")
        return self.let(f"load {kind}, ptr {place}")

    def put(self, kind: str, value: str, base: str, offset: int) -> None:
        place = self.let(f"getelementptr i8, ptr {base}, i64 {offset}")
        self.lines.append(f"  store {kind} {value}, ptr {place}")


def _literal(value: Any, kind: str) -> str:
    number = float(value)
    if kind == "float":
        number = struct.unpack("f", struct.pack("f", number))[0]
    return "0x" + struct.pack(">d", number).hex().upper()


class _Arithmetic:
    """Writes expressions of one type; `known` maps expressions to names of values."""

    def __init__(self, out: _Writer, kind: str, known: dict[int, str], fuse: bool) -> None:
        self.out, self.kind, self.known, self.fuse = out, kind, known, fuse
        self.suffix = "f32" if kind == "float" else "f64"

    def write(self, root: Expression) -> str:
        if root.name == "constant":
            return self._constant(root)
        needed: dict[int, Expression] = {}
        stack = [root]
        while stack:
            node = stack.pop()
            if node.name != "constant" and id(node) not in self.known:
                needed[node.number] = node
                stack.extend(node.operands)
        for _, node in sorted(needed.items()):  # operands come before what uses them
            self.known[id(node)] = self._node(node)
        return self.known[id(root)]

    def _constant(self, node: Expression) -> str:
        if node.boolean:
            return "true" if node.value else "false"
        return _literal(node.value, self.kind)

    def _of(self, node: Expression) -> str:
        return self._constant(node) if node.name == "constant" else self.known[id(node)]

    def _node(self, node: Expression) -> str:
        name, kind, let = node.name, self.kind, self.out.let
        if self.fuse and name in ("add", "sub") and node.operands[1].name == "mul":
            return self._fused(node)
        args = [self._of(x) for x in node.operands]
        if name in _ARITHMETIC:
            return let(f"{_ARITHMETIC[name]} {kind} {args[0]}, {args[1]}")
        if name in _COMPARE:
            return let(f"fcmp {_COMPARE[name]} {kind} {args[0]}, {args[1]}")
        if name == "neg":
            return let(f"fneg {kind} {args[0]}")
        if name in ("sqrt", "abs"):
            return self._call({"sqrt": "sqrt", "abs": "fabs"}[name], args)
        if name in ("maximum", "minimum"):
            return self._extreme("ogt" if name == "maximum" else "olt", *args)
        if name == "sign":
            zero, one = _literal(0, kind), _literal(1, kind)
            below = let(f"fcmp olt {kind} {args[0]}, {zero}")
            above = let(f"fcmp ogt {kind} {args[0]}, {zero}")
            low = let(f"select i1 {below}, {kind} {_literal(-1, kind)}, {kind} {zero}")
            return let(f"select i1 {above}, {kind} {one}, {kind} {low}")
        if name == "where":
            return let(f"select i1 {args[0]}, {kind} {args[1]}, {kind} {args[2]}")
        if name == "cast":
            return let(f"uitofp i1 {args[0]} to {kind}")
        if name == "pow" and kind == "double":
            return self._call("pow", args)
        raise NotImplementedError(f"update rules cannot use {name} on elements")

    def _fused(self, node: Expression) -> str:
        addend, (a, b) = node.operands[0], node.operands[1].operands
        first = self._of(a)
        if node.name == "sub":
            first = self.out.let(f"fneg {self.kind} {first}")
        return self._call("fma", [first, self._of(b), self._of(addend)])

    def _call(self, function: str, args: list[str]) -> str:
        given = ", ".join(f"{self.kind} {x}" for x in args)
        return self.out.let(f"call {self.kind} @llvm.{function}.{self.suffix}({given})")

    def _extreme(self, order: str, a: str, b: str) -> str:
        """The larger or smaller operand, or the one that is NaN."""
        kind, let = self.kind, self.out.let
        ordered = let(f"fcmp {order} {kind} {a}, {b}")
        chosen = let(f"select i1 {ordered}, {kind} {a}, {kind} {b}")
        nan = let(f"fcmp uno {kind} {a}, {a}")
        return let(f"select i1 {nan}, {kind} {a}, {kind} {chosen}")


def _declarations() -> list[str]:
    lines = ["declare void @pool_run(ptr, ptr, i64, i64)"]
    for kind, suffix in (("float", "f32"), ("double", "f64")):
        for function, arity in (("sqrt", 1), ("fabs", 1), ("fma", 3), ("pow", 2)):
            given = ", ".join([kind] * arity)
            lines.append(f"declare {kind} @llvm.{function}.{suffix}({given})")
    return lines


def _loop(traced: Trace, kind: str) -> list[str]:
    """The loop over elements; `noalias` lets LLVM vectorise it without run-time checks."""
    columns = ("param", "grad", *traced.state)
    given = [f"ptr noalias %{c}" for c in columns]
    given += [f"{kind} %u{i}" for i in range(len(traced.uniforms))]
    out = _Writer("v")
    lines = [
        f"define internal void @loop({', '.join(given)}, i64 %first, i64 %last) noinline {{",
        "entry:",
    ]
    known: dict[int, str] = {}
    for i, uniform in enumerate(traced.uniforms):
        known[id(uniform)] = f"%u{i}"
        if uniform.boolean:
            known[id(uniform)] = out.let(f"fcmp une {kind} %u{i}, {_literal(0, kind)}")
    lines += [*out.lines, "  br label %body", "body:",
              "  %i = phi i64 [ %first, %entry ], [ %next, %body ]"]
    out.lines = []
    for column in columns:
        place = out.let(f"getelementptr {kind}, ptr %{column}, i64 %i")
        known[id(symbol(column))] = out.let(f"load {kind}, ptr {place}")
    arithmetic = _Arithmetic(out, kind, known, fuse=True)
    for name, root in (("param", traced.param), *((n, traced.new[n]) for n in traced.state)):
        value = arithmetic.write(root)
        place = out.let(f"getelementptr {kind}, ptr %{name}, i64 %i")
        out.lines.append(f"  store {kind} {value}, ptr {place}")
    return [*lines, *out.lines, "  %next = add nuw nsw i64 %i, 1",
            "  %more = icmp slt i64 %next, %last", "  br i1 %more, label %body, label %done",
            "done:", "  ret void", "}"]


@dataclass(frozen=True)
class Layout:
    """Places of a record's fields, in bytes."""

    columns: tuple[str, ...]
    uniforms: int

    def pointer(self, column: str) -> int:
        return 16 + 8 * self.columns.index(column)

    def uniform(self, i: int) -> int:
        return 16 + 8 * (len(self.columns) + i)

    @property
    def size(self) -> int:
        return 16 + 8 * (len(self.columns) + self.uniforms)


def layout_of(traced: Trace) -> Layout:
    """The record of one tensor."""
    return Layout(("param", "grad", *traced.counters, *traced.state), len(traced.uniforms))


def _run_record(traced: Trace, layout: Layout, kind: str) -> list[str]:
    """`run(record, first, last)`: the loop on part of one tensor."""
    out = _Writer("r")
    given = [f"ptr {out.at('%record', layout.pointer(c), 'ptr')}"
             for c in ("param", "grad", *traced.state)]
    for i in range(layout.uniforms):
        value = out.at("%record", layout.uniform(i), "double")
        if kind == "float":
            value = out.let(f"fptrunc double {value} to float")
        given.append(f"{kind} {value}")
    return ["define internal void @run(ptr %record, i64 %first, i64 %last) {",
            "  %some = icmp slt i64 %first, %last", "  br i1 %some, label %work, label %done",
            "work:", *out.lines,
            f"  call void @loop({', '.join(given)}, i64 %first, i64 %last)",
            "  br label %done", "done:", "  ret void", "}"]


def _size() -> list[str]:
    """`size(array)`: the number of elements of an array object."""
    return f"""define internal i64 @size(ptr %array) {{
entry:
  %where = getelementptr i8, ptr %array, i64 {ARRAY_NDIM}
  %ndim = load i32, ptr %where
  %place = getelementptr i8, ptr %array, i64 {ARRAY_SHAPE}
  %shape = load ptr, ptr %place
  br label %test
test:
  %d = phi i32 [ 0, %entry ], [ %after, %step ]
  %n = phi i64 [ 1, %entry ], [ %product, %step ]
  %more = icmp slt i32 %d, %ndim
  br i1 %more, label %step, label %done
step:
  %wide = zext i32 %d to i64
  %at = getelementptr i64, ptr %shape, i64 %wide
  %extent = load i64, ptr %at
  %product = mul i64 %n, %extent
  %after = add i32 %d, 1
  br label %test
done:
  ret i64 %n
}}""".splitlines()


def _check(traced: Trace, layout: Layout) -> list[str]:
    """Of tensor i: fill its record's pointers; `%fits` is false where a kernel cannot serve it."""
    out = _Writer("c")
    sizes, arrays, fits = {}, [], "true"
    for k in range(len(layout.columns)):
        place = out.let(f"getelementptr ptr, ptr %items{k}, i64 %i")
        arrays.append(out.let(f"load ptr, ptr {place}"))
        kind = out.at(arrays[k], OBJECT_TYPE, "ptr")
        fits = out.let(f"and i1 {fits}, {out.let(f'icmp eq ptr {kind}, %ndarray')}")
    # Nothing more may be read of what is no array.
    out.lines += [f"  br i1 {fits}, label %inspect, label %misfit", "inspect:"]
    fits = "true"
    for array, column in zip(arrays, layout.columns, strict=True):
        out.put("ptr", out.at(array, ARRAY_DATA, "ptr"), "%record", layout.pointer(column))
        wanted = "%counter_dtype" if column in traced.counters else "%dtype"
        same = out.let(f"icmp eq ptr {out.at(array, ARRAY_DTYPE, 'ptr')}, {wanted}")
        flags = READ_FLAGS if column == "grad" else WRITE_FLAGS
        held = out.let(f"and i32 {out.at(array, ARRAY_FLAGS, 'i32')}, {flags}")
        flat = out.let(f"icmp eq i32 {held}, {flags}")
        sizes[column] = out.let(f"call i64 @size(ptr {array})")
        wanted_size = "1" if column in traced.counters else sizes["param"]
        sized = out.let(f"icmp eq i64 {sizes[column]}, {wanted_size}")
        for condition in (same, flat, sized):
            fits = out.let(f"and i1 {fits}, {condition}")
    n = sizes["param"]
    out.put("i64", n, "%record", 0)
    out.put("i64", "%chunks", "%record", 8)
    out.lines += [
        f"  %elements_more = add i64 %elements, {n}",
        f"  %rounded = add i64 {n}, {traced.grain - 1}",
        f"  %own = udiv i64 %rounded, {traced.grain}",
        "  %chunks_more = add i64 %chunks, %own",
        f"  br i1 {fits}, label %check_next, label %misfit",
    ]
    return out.lines


def _prologue(traced: Trace, layout: Layout, counter_kind: str) -> list[str]:
    """Of one tensor: what is a number to the rule, in double precision."""
    out = _Writer("p")
    known: dict[int, str] = {}
    first_option = 8 * (HEADER + len(layout.columns))
    for i, name in enumerate(traced.options):
        known[id(symbol("option " + name))] = out.at("%table", first_option + 8 * i, "double")
    places = {}
    for name in traced.counters:
        places[name] = out.at("%record2", layout.pointer(name), "ptr")
        value = out.let(f"load {counter_kind}, ptr {places[name]}")
        if counter_kind == "float":
            value = out.let(f"fpext float {value} to double")
        known[id(symbol(name))] = value
    arithmetic = _Arithmetic(out, "double", known, fuse=False)
    for name in traced.counters:
        value = arithmetic.write(traced.new[name])
        if counter_kind == "float":  # what follows uses the number that is kept
            value = out.let(f"fptrunc double {value} to float")
            known[id(traced.new[name])] = out.let(f"fpext float {value} to double")
        out.lines.append(f"  store {counter_kind} {value}, ptr {places[name]}")
    for i, uniform in enumerate(traced.uniforms):
        value = arithmetic.write(uniform)
        if uniform.boolean:
            value = out.let(f"uitofp i1 {value} to double")
        out.put("double", value, "%record2", layout.uniform(i))
    return out.lines


def _update(traced: Trace, layout: Layout, counter_kind: str) -> list[str]:
    head = _Writer("h")
    head.lines.append("  %count = load i64, ptr %table")
    array = head.at("%table", 8, "ptr")
    head.lines.append(f"  %scratch = bitcast ptr {head.at(array, ARRAY_DATA, 'ptr')} to ptr")
    for name, word in (("ndarray", 2), ("dtype", 3), ("counter_dtype", 4)):
        head.lines.append(f"  %{name} = bitcast ptr {head.at('%table', 8 * word, 'ptr')} to ptr")
    for k in range(len(layout.columns)):
        held = head.at("%table", 8 * (HEADER + k), "ptr")
        head.lines.append(f"  %items{k} = bitcast ptr {head.at(held, LIST_ITEMS, 'ptr')} to ptr")
    return [
        "define i64 @update(ptr %table) {", "entry:", *head.lines, "  br label %check",
        "check:",
        "  %i = phi i64 [ 0, %entry ], [ %i_next, %check_next ]",
        "  %elements = phi i64 [ 0, %entry ], [ %elements_more, %check_next ]",
        "  %chunks = phi i64 [ 0, %entry ], [ %chunks_more, %check_next ]",
        f"  %offset = mul i64 %i, {layout.size}",
        "  %record = getelementptr i8, ptr %scratch, i64 %offset",
        *_check(traced, layout),
        "misfit:", "  ret i64 0",
        "check_next:", "  %i_next = add i64 %i, 1", "  %i_more = icmp slt i64 %i_next, %count",
        "  br i1 %i_more, label %check, label %prepare",
        "prepare:",
        f"  %serial = icmp slt i64 %elements_more, {2 * traced.grain}", "  br label %each",
        "each:",
        "  %j = phi i64 [ 0, %prepare ], [ %j_next, %each_next ]",
        f"  %offset2 = mul i64 %j, {layout.size}",
        "  %record2 = getelementptr i8, ptr %scratch, i64 %offset2",
        *_prologue(traced, layout, counter_kind),
        "  br i1 %serial, label %now, label %each_next",
        "now:", "  %n = load i64, ptr %record2",
        "  call void @run(ptr %record2, i64 0, i64 %n)", "  br label %each_next",
        "each_next:", "  %j_next = add i64 %j, 1", "  %j_more = icmp slt i64 %j_next, %count",
        "  br i1 %j_more, label %each, label %done",
        "done:", "  br i1 %serial, label %end, label %parallel",
        "parallel:",
        "  call void @pool_run(ptr @chunks, ptr %table, i64 %chunks_more, i64 1)",
        "  br label %end",
        "end:", "  ret i64 1", "}",
    ]


def _chunk(layout: Layout, grain: int) -> list[str]:
    """`chunk(table, k)`: find the tensor that chunk k belongs to, run its part of the loop.

    `chunks(table, begin, end)`, a task of the pool, runs several.
    """
    return f"""define internal void @chunks(ptr %table, i64 %begin, i64 %end) {{
entry:
  br label %each
each:
  %k = phi i64 [ %begin, %entry ], [ %next, %each ]
  call void @chunk(ptr %table, i64 %k)
  %next = add i64 %k, 1
  %more = icmp slt i64 %next, %end
  br i1 %more, label %each, label %done
done:
  ret void
}}
define internal void @chunk(ptr %table, i64 %k) {{
entry:
  %count = load i64, ptr %table
  %held = getelementptr i8, ptr %table, i64 8
  %array = load ptr, ptr %held
  %data = getelementptr i8, ptr %array, i64 {ARRAY_DATA}
  %scratch = load ptr, ptr %data
  br label %search
search:
  %low = phi i64 [ 0, %entry ], [ %low_next, %look ]
  %high = phi i64 [ %count, %entry ], [ %high_next, %look ]
  %width = sub i64 %high, %low
  %wide = icmp sgt i64 %width, 1
  br i1 %wide, label %look, label %found
look:
  %sum = add i64 %low, %high
  %middle = lshr i64 %sum, 1
  %skip = mul i64 %middle, {layout.size}
  %looked = getelementptr i8, ptr %scratch, i64 %skip
  %before_place = getelementptr i8, ptr %looked, i64 8
  %before = load i64, ptr %before_place
  %right = icmp sle i64 %before, %k
  %low_next = select i1 %right, i64 %middle, i64 %low
  %high_next = select i1 %right, i64 %high, i64 %middle
  br label %search
found:
  %offset = mul i64 %low, {layout.size}
  %record = getelementptr i8, ptr %scratch, i64 %offset
  %n = load i64, ptr %record
  %start_place = getelementptr i8, ptr %record, i64 8
  %start = load i64, ptr %start_place
  %own = sub i64 %k, %start
  %first = mul i64 %own, {grain}
  %end = add i64 %first, {grain}
  %over = icmp sgt i64 %end, %n
  %last = select i1 %over, i64 %n, i64 %end
  call void @run(ptr %record, i64 %first, i64 %last)
  ret void
}}""".splitlines()


def write(traced: Trace, dtype: str, counter_dtype: str) -> str:
    """The whole module: `i64 update(ptr table)`."""
    kind, counter_kind = _TYPES[dtype], _TYPES[counter_dtype]
    layout = layout_of(traced)
    return "\n".join([
        *_declarations(), *_loop(traced, kind), *_run_record(traced, layout, kind), *_size(),
        *_update(traced, layout, counter_kind), *_chunk(layout, traced.grain),
    ])
