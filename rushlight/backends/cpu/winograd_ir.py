"""The native code of Winograd's convolution: tasks that transform, multiply and transform back.

A thread takes a chunk of tiles at a time, so few that all it makes of them stays in the nearest
caches: some rows of tiles of one image, or some whole small images. Pixels are turned so that their
channels lie together, and everything runs on vectors of channels:

    pixels (places, channels) -> tiles (16, tiles, in) -> products (16, tiles, out) -> results

Pixels outside the image are read from a row of zeros; results outside are written to one that
nobody reads. Pitches, sizes and strides of the caller's arrays are in elements.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from rushlight.backends.cpu import blocks, task
from rushlight.backends.cpu import winograd_transforms as transforms
from rushlight.backends.cpu.small_product import product_ir, tile_of
from rushlight.backends.cpu.values import Value, select
from rushlight.backends.cpu.winograd_transforms import PLACES, Lanes

SIZE = 4  # bytes of an element
TAPS = 9  # weights of a window
SPAN = 16  # channels of weights that are turned at once

# images, rows: of tiles in a chunk; slices: chunks of an image; *_room: elements of a part of the
# workspace; *_pitch: channels rounded up to what vectors fill.
NUMBERS = ("batch", "inputs", "outputs", "input_pitch", "output_pitch", "height", "width",
           "out_height", "out_width", "top", "left", "tile_rows", "tile_columns", "images", "rows",
           "slices", "panels", "input_mode", "x_n", "x_p", "x_c", "pixel_room", "tile_room",
           "product_room", "tile_step", "product_step", "space", "places")
ARRAYS = ("x", "u", "bias", "y", "zeros", "workspace", "taken", "bad")
WEIGHT_NUMBERS = ("inputs", "outputs", "w_i", "w_o", "span", "mode", "panels")
WEIGHT_ARRAYS = ("w", "u")


class _Task(task.Task):
    """A task with vectors of float32."""

    def __init__(self, numbers: tuple[str, ...], arrays: tuple[str, ...]) -> None:
        super().__init__("float32", numbers, arrays)
        self.lanes = tile_of("float32").lanes
        self.vector = f"<{self.lanes} x float>"
        self.zero = self.integer(0)

    def read(self, place: Value) -> Lanes:
        return Lanes(self, self.load(self.vector, place, SIZE))

    def write(self, lanes: Lanes, place: Value) -> None:
        self.store(lanes.value, place, SIZE)

    def block(self, mode: Value | int, to: Value, to_row: Value | int, to_column: Value | int,
              source: Value, from_row: Value | int, from_column: Value | int, rows: Value,
              columns: Value) -> None:
        """Copy to[r, c] = source[r, c]; steps in elements."""
        steps = [x * SIZE if isinstance(x, Value) else self.integer(x * SIZE)
                 for x in (to_row, to_column, from_row, from_column)]
        self.call("rl_block", self.zero + mode, self.integer(SIZE), to, *steps[:2], source,
                  *steps[2:], rows, columns)


def _weights(flipped: bool) -> _Task:
    """Panels of outputs, begin to end: u[k, panel, input, output] = G g G^T."""
    code = _Task(WEIGHT_NUMBERS, WEIGHT_ARRAYS)
    f, zero = code.field, code.zero
    panel = tile_of("float32").width
    turned = code.emit("ptr", f"alloca [{SPAN * TAPS * panel * SIZE} x i8], align 64")
    with code.loop(code.begin, code.end) as p:
        columns = code.intrinsic("smin", f["outputs"] - p * panel, code.integer(panel))
        with code.when(columns < panel), code.loop(zero, code.integer(SPAN * TAPS)) as r:
            code.clear(code.at(turned, r * panel, SIZE), code.integer(panel))
        with code.loop(zero, f["inputs"], f["span"]) as first:
            count = code.intrinsic("smin", f["span"], f["inputs"] - first)
            code.block(f["mode"], turned, panel, 1,
                       code.at(f["w"], p * panel * f["w_o"] + first * f["w_i"], SIZE), 1,
                       f["w_o"], count * TAPS, columns)
            with code.loop(zero, count) as c:
                for v in range(0, panel, code.lanes):
                    taps = [code.read(code.at(turned, (c * TAPS + tap) * panel + v, SIZE))
                            for tap in range(TAPS)]
                    taps = taps[::-1] if flipped else taps
                    made = transforms.both(transforms.of_weight,
                                           [taps[i : i + 3] for i in range(0, TAPS, 3)])
                    for k in range(PLACES):
                        row = (f["panels"] * k + p) * f["inputs"] + first + c
                        code.write(made[k // 4][k % 4], code.at(code.at(
                            f["u"], row * panel, SIZE), v, SIZE))
    return code


class _Chunks(_Task):
    """`task(context, begin, end)`: chunks of tiles."""

    def __init__(self, numbers: tuple[str, ...], arrays: tuple[str, ...],
                 parts: dict[str, str]) -> None:
        super().__init__(numbers, arrays)
        own = self.slot("i64")
        f = self.field
        self.call("claim", f["taken"], f["places"], own)
        self.place = self.load("i64", own)
        free = self.at(f["workspace"], self.place * f["space"], SIZE)
        self.part = {}
        for name, room in parts.items():
            self.part[name] = free
            free = self.at(free, f[room], SIZE)

    def chunk(self, number: Value) -> None:
        """Set what chunk `number` is: images from `first`, rows of tiles from `row` on."""
        f = self.field
        group = self.emit("i64", f"sdiv i64 {number.text}, {f['slices'].text}")
        self.first, self.row = group * f["images"], (number - group * f["slices"]) * f["rows"]
        self.images = self.intrinsic("smin", f["images"], f["batch"] - self.first)
        self.rows = self.intrinsic("smin", f["rows"], f["tile_rows"] - self.row)
        self.tiles = self.images * self.rows * f["tile_columns"]

    def range(self, begin: Value, end: Value, height: Value) -> tuple[Value, Value]:
        """The rows from begin to end that lie inside the image."""
        return self.intrinsic("smax", begin, self.zero), self.intrinsic("smin", end, height)

    def over_tiles(self, body: Callable[[Value, Value, Value, Value], None]) -> None:
        """`body(image, row, column, tile)` for all of the chunk; counted from its first."""
        with (self.loop(self.zero, self.images) as i, self.loop(self.zero, self.rows) as r,
              self.loop(self.zero, self.field["tile_columns"]) as c):
            body(i, r, c, (i * self.rows + r) * self.field["tile_columns"] + c)

    def pixels(self) -> None:
        """Turn what the chunk sees of the input: pixels (image, row and column, channel)."""
        f = self.field
        self.above = self.row * 2 - f["top"]
        self.above, below = self.range(self.above, self.above + self.rows * 2 + 2, f["height"])
        self.seen = (below - self.above) * f["width"]
        with self.loop(self.zero, self.images) as i:
            source = (self.first + i) * f["x_n"] + self.above * f["width"] * f["x_p"]
            self.block(f["input_mode"], self.at(self.part["pixels"], i * self.seen
                                                * f["input_pitch"], SIZE),
                       f["input_pitch"], 1, self.at(f["x"], source, SIZE), f["x_p"], f["x_c"],
                       self.seen, f["inputs"])

    def places_of(self, part: Value, base: Value, above: Value, rows: tuple[Value, Value],
                  columns: tuple[Value, Value], pitch: Value, side: int, spare: Value,
                  ) -> list[list[Value]]:
        """Addresses of a square of pixels of `part`; of `spare` for those outside."""
        y, height = rows
        x, width = columns
        found = []
        for i in range(side):
            line = []
            for j in range(side):
                inside = self.inside(y + i, height) & self.inside(x + j, width)
                pixel = base + (y + i - above) * width + x + j
                line.append(select(inside, self.at(part, pixel * pitch, SIZE), spare))
            found.append(line)
        return found

    def inside(self, x: Value, extent: Value) -> Value:
        return self.emit("i1", f"icmp ult i64 {x.text}, {extent.text}")

    def input_tiles(self, store: Callable[[Value, Value], Value], pitch: str) -> None:
        """B^T d B of each tile; `store(tile, channel)` says where to, `pitch` is the step from
        one of the 16 to the next."""
        f = self.field

        def tile(i: Value, r: Value, c: Value, t: Value) -> None:
            y, x = (self.row + r) * 2 - f["top"], c * 2 - f["left"]
            at = self.places_of(self.part["pixels"], i * self.seen, self.above,
                                (y, f["height"]), (x, f["width"]), f["input_pitch"], 4, f["zeros"])
            with self.loop(self.zero, f["input_pitch"], self.lanes) as channel:
                made = transforms.both(transforms.of_input, [
                    [self.read(self.at(place, channel, SIZE)) for place in line] for line in at])
                to = store(t, channel)
                for k in range(PLACES):
                    self.write(made[k // 4][k % 4], self.at(to, f[pitch] * k, SIZE))

        self.over_tiles(tile)


def _forward() -> _Chunks:
    """y = the convolution of x with the weights transformed to u, plus bias."""
    code = _Chunks(NUMBERS, ARRAYS, {"pixels": "pixel_room", "tiles": "tile_room",
                                     "products": "product_room"})
    f, part, zero = code.field, code.part, code.zero
    panel = tile_of("float32").width
    check = code.slot(code.vector)
    code.store(_zeros(code), check, 64)
    with code.loop(code.begin, code.end) as number:
        code.chunk(number)
        code.pixels()
        code.input_tiles(lambda t, channel: code.at(
            part["tiles"], t * f["input_pitch"] + channel, SIZE), "tile_step")
        with code.loop(zero, code.integer(PLACES)) as k:
            code.call("product", code.at(part["tiles"], k * f["tile_step"], SIZE),
                      f["input_pitch"], code.integer(1),
                      code.at(f["u"], k * f["panels"] * f["inputs"] * panel, SIZE), f["inputs"],
                      code.at(part["products"], k * f["product_step"], SIZE), f["output_pitch"],
                      f["zeros"], zero, f["inputs"], code.tiles, f["panels"])
        _results(code, check)
    bad = code.load(code.vector, check, 64)
    lanes = code.emit(f"<{code.lanes} x i1>", f"fcmp uno {code.vector} {bad.text}, zeroinitializer")
    mask = code.emit(f"i{code.lanes}", f"bitcast <{code.lanes} x i1> {lanes.text} to i{code.lanes}")
    with code.when(mask.differs(0)):
        code.store(code.integer(1), f["bad"])
    code.call("leave", f["taken"], code.place)
    return code


def _zeros(code: _Task) -> Value:
    return Value(code, code.vector, "zeroinitializer")


def _results(code: _Chunks, check: Value) -> None:
    """A^T m A of each tile plus bias to pixels of the result, and these to the caller's array.

    `check` becomes nan in the lanes that ever see something that is not finite.
    """
    f, part, zero = code.field, code.part, code.zero
    begin, end = code.range(code.row * 2, (code.row + code.rows) * 2, f["out_height"])
    made = (end - begin) * f["out_width"]
    spare = code.at(part["pixels"], f["pixel_room"] - f["output_pitch"], SIZE)

    def tile(i: Value, r: Value, c: Value, t: Value) -> None:
        at = code.places_of(part["pixels"], i * made, begin,
                            ((code.row + r) * 2, f["out_height"]), (c * 2, f["out_width"]),
                            f["output_pitch"], 2, spare)
        with code.loop(zero, f["output_pitch"], code.lanes) as channel:
            source = code.at(part["products"], t * f["output_pitch"] + channel, SIZE)
            products = [code.read(code.at(source, f["product_step"] * k, SIZE))
                        for k in range(PLACES)]
            four = transforms.both(transforms.to_output,
                                   [products[k : k + 4] for k in range(0, PLACES, 4)])
            bias = code.read(code.at(f["bias"], channel, SIZE))
            found = Lanes(code, code.load(code.vector, check, 64))
            for line, places in zip(four, at, strict=True):
                for value, place in zip(line, places, strict=True):
                    value = value + bias
                    found = found + value * 0.0
                    code.write(value, code.at(place, channel, SIZE))
            code.store(found.value, check, 64)

    code.over_tiles(tile)
    plane = f["out_height"] * f["out_width"]
    with code.loop(zero, code.images) as i:
        to = (code.first + i) * f["outputs"] * plane + begin * f["out_width"]
        code.block(blocks.TRANSPOSED, code.at(f["y"], to, SIZE), plane, 1,
                   code.at(part["pixels"], i * made * f["output_pitch"], SIZE), 1,
                   f["output_pitch"], f["outputs"], made)


@cache
def weights(flipped: bool) -> Callable[[bytes, int, int], None]:
    """`run(context, panels, grain)` that transforms weights; `flipped`: turned by half a circle."""
    return _compiled(_weights(flipped))


@cache
def forward() -> Callable[[bytes, int, int], None]:
    """`run(context, chunks, grain)` of the convolution with transformed weights."""
    return _compiled(_forward(), product_ir("float32"), (task.CLAIM, {}))


def _compiled(code: _Task, *parts: tuple[str, dict[str, str]],
              ) -> Callable[[bytes, int, int], None]:
    declared = {**code.declarations, "rl_block": blocks.DECLARATIONS}
    return task.compiled([*parts, (code.text(), declared)], blocks.imports())
