"""The native code of max pooling: forward over rows of windows, backward as a scatter.

Forward kernels are written for one window (size, stride, padding, dilation), so that the window is
unrolled and LLVM can vectorise over the windows of a row. An element of a window that lies outside
the plane is replaced by the window's nearest element inside: a repetition changes no maximum.
"""

from __future__ import annotations

from rushlight.backends.cpu import builtin
from rushlight.backends.host.pooling import Windows

TYPES = {"float32": "float", "float64": "double"}

# The block of a call: planes, planes a chunk, 1: give up the GIL, then the kernel's own numbers.
HEADER = 3
_CALL = """
declare void @pool_run(ptr, ptr, i64, i64)

define ptr @call(ptr %self, ptr %arrays, i64 %given) {{
  %context = alloca [{total} x i64], align 8
  %block.at = getelementptr i8, ptr %self, i64 {data}
  %block = load ptr, ptr %block.at
  {arguments}
  {numbers}
  %planes = load i64, ptr %block
  %grain.at = getelementptr i64, ptr %block, i64 1
  %grain = load i64, ptr %grain.at
  %release.at = getelementptr i64, ptr %block, i64 2
  %release = load i64, ptr %release.at
  %let.go = icmp ne i64 %release, 0
  br i1 %let.go, label %free, label %held
held:
  call void @pool_run(ptr @task, ptr %context, i64 %planes, i64 %grain)
  br label %end
free:
  %state = call ptr @PyEval_SaveThread()
  call void @pool_run(ptr @task, ptr %context, i64 %planes, i64 %grain)
  call void @PyEval_RestoreThread(ptr %state)
  br label %end
end:
  call void @Py_IncRef(ptr @_Py_NoneStruct)
  ret ptr @_Py_NoneStruct
}}
"""


def call_ir(arrays: int, numbers: int) -> str:
    """`@call`, which puts the arrays' pointers and the block's numbers before `@task`."""
    arguments = "\n  ".join(
        f"%array.at{i} = getelementptr ptr, ptr %arrays, i64 {i}\n"
        f"  %array{i} = load ptr, ptr %array.at{i}\n"
        f"  %data.at{i} = getelementptr i8, ptr %array{i}, i64 {builtin.DATA}\n"
        f"  %data{i} = load ptr, ptr %data.at{i}\n"
        f"  %slot{i} = getelementptr i64, ptr %context, i64 {i}\n"
        f"  store ptr %data{i}, ptr %slot{i}" for i in range(arrays))
    copied = "\n  ".join(
        f"%number.at{i} = getelementptr i64, ptr %block, i64 {HEADER + i}\n"
        f"  %number{i} = load i64, ptr %number.at{i}\n"
        f"  %place{i} = getelementptr i64, ptr %context, i64 {arrays + i}\n"
        f"  store i64 %number{i}, ptr %place{i}" for i in range(numbers))
    return builtin.DECLARATIONS + _CALL.format(
        total=arrays + numbers, data=builtin.DATA, arguments=arguments, numbers=copied)


class Writer:
    """Lines of IR, with fresh names for values."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._count = 0

    def __call__(self, expression: str, hint: str = "v") -> str:
        """`%name = expression`; the name."""
        self._count += 1
        name = f"%{hint}.{self._count}"
        self.lines.append(f"  {name} = {expression}")
        return name

    def say(self, *lines: str) -> None:
        """Lines that give no value."""
        self.lines += [line if line.endswith(":") else f"  {line}" for line in lines]


def max_pool_ir(windows: Windows, kind: str, with_places: bool) -> str:
    """The kernel of (input, values[, places]) with numbers H, W, OH, OW, first, last.

    Windows `first` to `last` of a row lie inside the plane from left to right.
    """
    w = Writer()
    arrays = ["x", "values", "places"] if with_places else ["x", "values"]
    numbers = ["H", "W", "OH", "OW", "first", "last"]
    for place, name in enumerate(arrays + numbers):
        w.say(f"%{name}.at = getelementptr i64, ptr %context, i64 {place}",
              f"%{name} = load {'ptr' if name in arrays else 'i64'}, ptr %{name}.at")
    w.say("%size = mul i64 %H, %W", "%count = mul i64 %OH, %OW", "br label %planes", "planes:",
          "%p = phi i64 [%begin, %entry], [%p.next, %planes.end]",
          "%p.more = icmp slt i64 %p, %end",
          "br i1 %p.more, label %plane, label %done", "plane:",
          "%x.skip = mul i64 %p, %size",
          f"%plane.x = getelementptr {TYPES[kind]}, ptr %x, i64 %x.skip",
          "%o.skip = mul i64 %p, %count",
          f"%plane.v = getelementptr {TYPES[kind]}, ptr %values, i64 %o.skip")
    if with_places:
        w.say("%plane.i = getelementptr i64, ptr %places, i64 %o.skip")
    w.say("br label %rows", "rows:", "%oh = phi i64 [0, %plane], [%oh.next, %segment2.end]",
          "%oh.more = icmp slt i64 %oh, %OH", "br i1 %oh.more, label %row, label %planes.end",
          "row:")
    rows = _coordinates(w, "%oh", "%H", windows, 0, clamp=True)
    rows = [w(f"mul i64 {row}, %W", "row") for row in rows]
    w.say("%out.skip = mul i64 %oh, %OW")
    previous = "row"
    for segment, (start, stop) in enumerate((("0", "%first"), ("%first", "%last"),
                                             ("%last", "%OW"))):
        loop = f"segment{segment}"
        w.say(f"br label %{loop}.loop", f"{loop}.loop:",
              f"%ow{segment} = phi i64 [{start}, %{previous}], [%ow{segment}.next, %{loop}.body]",
              f"%more{segment} = icmp slt i64 %ow{segment}, {stop}",
              f"br i1 %more{segment}, label %{loop}.body, label %{loop}.end", f"{loop}.body:")
        _cell(w, windows, kind, rows, f"%ow{segment}", segment != 1, with_places)
        w.say(f"%ow{segment}.next = add nuw nsw i64 %ow{segment}, 1", f"br label %{loop}.loop",
              f"{loop}.end:")
        previous = f"{loop}.end"
    w.say("%oh.next = add i64 %oh, 1", "br label %rows", "planes.end:",
          "%p.next = add i64 %p, 1", "br label %planes", "done:", "ret void")
    body = "\n".join(w.lines)
    return (f"define internal void @task(ptr noalias %context, i64 %begin, i64 %end) {{\nentry:\n"
            f"{body}\n}}\ndeclare i64 @llvm.smax.i64(i64, i64)\n"
            f"declare i64 @llvm.smin.i64(i64, i64)\n{scopes()}{call_ir(len(arrays), 6)}")


def _coordinates(w: Writer, window: str, extent: str, windows: Windows, axis: int,
                 clamp: bool) -> list[str]:
    """Where each place of the window is along a dimension, moved inside if `clamp`."""
    size, step, gap = windows.size[axis], windows.stride[axis], windows.dilation[axis]
    scaled = w(f"mul nsw i64 {window}, {step}", "scaled")
    start = w(f"sub nsw i64 {scaled}, {windows.padding[axis]}", "start")
    if not clamp:
        return [w(f"add nsw i64 {start}, {i * gap}", "at") for i in range(size)]
    missing = w(f"sub i64 {gap - 1}, {start}", "missing")  # (-start + gap - 1) / gap, if positive
    missing = w(f"call i64 @llvm.smax.i64(i64 {missing}, i64 0)")
    first = w(f"udiv i64 {missing}, {gap}", "first.in")
    room = w(f"sub i64 {extent}, {start}", "room")
    room = w(f"sub i64 {room}, 1", "room")
    last = w(f"sdiv i64 {room}, {gap}", "last.in")
    found = []
    for i in range(size):
        inside = w(f"call i64 @llvm.smax.i64(i64 {i}, i64 {first})")
        inside = w(f"call i64 @llvm.smin.i64(i64 {inside}, i64 {last})")
        offset = w(f"mul i64 {inside}, {gap}", "offset")
        found.append(w(f"add i64 {start}, {offset}", "at"))
    return found


def _cell(w: Writer, windows: Windows, kind: str, rows: list[str], ow: str, clamp: bool,
          with_places: bool) -> None:
    """The maximum of one window, and its place."""
    t = TYPES[kind]
    columns = _coordinates(w, ow, "%W", windows, 1, clamp)
    best = at = None
    for row in rows:
        for column in columns:
            place = w(f"add nsw i64 {row}, {column}", "place")
            address = w(f"getelementptr inbounds {t}, ptr %plane.x, i64 {place}")
            value = w(f"load {t}, ptr {address}, !alias.scope !2, !noalias !4")
            short = w(f"trunc i64 {place} to i32") if with_places else ""
            if best is None:
                best, at = value, short
                continue
            larger = w(f"fcmp ogt {t} {value}, {best}")
            nan = w(f"fcmp uno {t} {value}, 0.0")
            better = w(f"or i1 {larger}, {nan}")
            best = w(f"select i1 {better}, {t} {value}, {t} {best}", "best")
            if with_places:
                at = w(f"select i1 {better}, i32 {short}, i32 {at}", "best.at")
    out = w(f"add nsw i64 %out.skip, {ow}", "out")
    address = w(f"getelementptr inbounds {t}, ptr %plane.v, i64 {out}")
    w.say(f"store {t} {best}, ptr {address}, !alias.scope !4, !noalias !2")
    if with_places:
        wide = w(f"sext i32 {at} to i64")
        address = w(f"getelementptr inbounds i64, ptr %plane.i, i64 {out}")
        w.say(f"store i64 {wide}, ptr {address}, !alias.scope !5, !noalias !6")


def scopes() -> str:
    """What tells LLVM that input, values and places do not overlap."""
    return """
!0 = distinct !{!0}
!1 = distinct !{!1, !0}
!2 = !{!1}
!3 = distinct !{!3, !0}
!7 = distinct !{!7, !0}
!4 = !{!3}
!5 = !{!7}
!6 = !{!1, !3}
"""


def scatter_ir(kind: str) -> str:
    """The kernel of (grad, places, out) with numbers windows and elements a plane."""
    t = TYPES[kind]
    size = {"float": 4, "double": 8}[t]
    return f"""
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)

define internal void @task(ptr noalias %context, i64 %begin, i64 %end) {{
entry:
  %g = load ptr, ptr %context
  %places.at = getelementptr i64, ptr %context, i64 1
  %places = load ptr, ptr %places.at
  %out.at = getelementptr i64, ptr %context, i64 2
  %out = load ptr, ptr %out.at
  %windows.at = getelementptr i64, ptr %context, i64 3
  %windows = load i64, ptr %windows.at
  %size.at = getelementptr i64, ptr %context, i64 4
  %size = load i64, ptr %size.at
  %bytes = mul i64 %size, {size}
  br label %planes
planes:
  %p = phi i64 [%begin, %entry], [%p.next, %plane.end]
  %p.more = icmp slt i64 %p, %end
  br i1 %p.more, label %plane, label %done
plane:
  %skip = mul i64 %p, %size
  %plane.out = getelementptr {t}, ptr %out, i64 %skip
  call void @llvm.memset.p0.i64(ptr %plane.out, i8 0, i64 %bytes, i1 false)
  %o.skip = mul i64 %p, %windows
  %o.end = add i64 %o.skip, %windows
  br label %each
each:
  %o = phi i64 [%o.skip, %plane], [%o.next, %body]
  %more = icmp slt i64 %o, %o.end
  br i1 %more, label %body, label %plane.end
body:
  %at.at = getelementptr i64, ptr %places, i64 %o
  %at = load i64, ptr %at.at
  %g.at = getelementptr {t}, ptr %g, i64 %o
  %value = load {t}, ptr %g.at
  %target = getelementptr {t}, ptr %plane.out, i64 %at
  %old = load {t}, ptr %target
  %new = fadd {t} %old, %value
  store {t} %new, ptr %target
  %o.next = add i64 %o, 1
  br label %each
plane.end:
  %p.next = add i64 %p, 1
  br label %planes
done:
  ret void
}}
{call_ir(3, 2)}"""
