"""Tiles of images for Winograd's convolution: tasks that turn pixels and transform them.

A thread takes a chunk of tiles at a time, so few that all it makes of them stays in the nearest
caches: some rows of tiles of one image, or some whole small images. Pixels are turned so that their
channels lie together, and everything runs on vectors of channels. Pixels outside an image are read
from a row of zeros. Pitches, sizes and strides are in elements.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from rushlight.backends.cpu import blocks, task
from rushlight.backends.cpu.small_product import tile_of
from rushlight.backends.cpu.values import Value, select
from rushlight.backends.cpu.winograd_transforms import PLACES, Lanes, Matrix, both, of_input

SIZE = 4  # bytes of an element

# Of an image, x or y: channels, and those rounded up to what vectors fill; how it is copied (a mode
# of `blocks`), and the strides of images, pixels and channels.
IMAGE = ("height", "width", "channels", "pitch", "mode", "n", "p", "c")
# images, rows: of tiles in a chunk; slices: chunks of an image; top, left: padding of x.
CHUNK = ("batch", "images", "rows", "slices", "tile_rows", "tile_columns", "top", "left",
         *(f"{image}_{word}" for image in "xy" for word in IMAGE), "space", "places")


class Turned(NamedTuple):
    """Pixels (image, row and column, channel) of a chunk: rows from `above` on."""

    part: Value
    above: Value
    pixels: Value  # of an image
    height: Value
    width: Value
    pitch: Value


class Vectors(task.Task):
    """A task with vectors of float32."""

    def __init__(self, numbers: tuple[str, ...], arrays: tuple[str, ...]) -> None:
        super().__init__("float32", numbers, arrays)
        self.lanes, self.panel = tile_of("float32").lanes, tile_of("float32").width
        self.vector = f"<{self.lanes} x float>"
        self.zero = self.integer(0)
        self.nothing = Value(self, self.vector, "zeroinitializer")

    def read(self, place: Value) -> Lanes:
        return Lanes(self, self.load(self.vector, place, SIZE))

    def write(self, lanes: Lanes, place: Value) -> None:
        self.store(lanes.value, place, SIZE)

    def write_all(self, made: Matrix, to: Value, step: Value) -> None:
        """The 16 vectors of a tile, `step` elements apart."""
        for k in range(PLACES):
            self.write(made[k // 4][k % 4], self.at(to, step * k, SIZE))

    def block(self, mode: Value | int, to: Value, to_row: Value | int, to_column: Value | int,
              source: Value, from_row: Value | int, from_column: Value | int, rows: Value,
              columns: Value) -> None:
        """Copy to[r, c] = source[r, c]; steps in elements."""
        steps = [x * SIZE if isinstance(x, Value) else self.integer(x * SIZE)
                 for x in (to_row, to_column, from_row, from_column)]
        self.call("rl_block", self.zero + mode, self.integer(SIZE), to, *steps[:2], source,
                  *steps[2:], rows, columns)

    def leading(self, value: Lanes, count: Value) -> Lanes:
        """The first `count` lanes, and 0 in the others."""
        kind, numbers = f"<{self.lanes} x i64>", ", ".join(f"i64 {i}" for i in range(self.lanes))
        one = self.emit(kind, f"insertelement {kind} poison, i64 {count.text}, i64 0")
        all_ = self.emit(kind, f"shufflevector {kind} {one.text}, {kind} poison, "
                               f"<{self.lanes} x i32> zeroinitializer")
        inside = self.emit(f"<{self.lanes} x i1>", f"icmp slt {kind} <{numbers}>, {all_.text}")
        return Lanes(self, self.emit(self.vector, f"select {inside.kind} {inside.text}, "
                                     f"{self.vector} {value.value.text}, {self.vector} "
                                     "zeroinitializer"))

    def checking(self) -> Value:
        """A variable for `check`."""
        found = self.slot(self.vector)
        self.store(self.nothing, found, 64)
        return found

    def check(self, found: Value, *values: Lanes) -> None:
        """Let `found` be nan in lanes that see infinity or nan."""
        total = Lanes(self, self.load(self.vector, found, 64))
        for value in values:
            total = total + value * 0.0
        self.store(total.value, found, 64)

    def report(self, found: Value, bad: Value) -> None:
        """Write 1 to `bad` if something was not finite."""
        lanes, last = f"<{self.lanes} x i1>", self.load(self.vector, found, 64).text
        nans = self.emit(lanes, f"fcmp uno {self.vector} {last}, zeroinitializer")
        bits = nans.convert("bitcast", f"i{self.lanes}")
        with self.when(bits.differs(0)):
            self.store(self.integer(1), bad)


class Chunks(Vectors):
    """Works on chunks of tiles, in a part of the workspace that it holds meanwhile."""

    def __init__(self, numbers: tuple[str, ...], arrays: tuple[str, ...],
                 parts: dict[str, str]) -> None:
        super().__init__(numbers, arrays)
        own, f = self.slot("i64"), self.field
        self.call("claim", f["taken"], f["places"], own)
        self.place = self.load("i64", own)
        free = self.at(f["workspace"], self.place * f["space"], SIZE)
        self.part = {}
        for name, room in parts.items():
            self.part[name] = free
            free = self.at(free, f[room], SIZE)

    def leave(self) -> None:
        self.call("leave", self.field["taken"], self.place)

    def chunk(self, number: Value) -> None:
        """Set what chunk `number` is: images from `first`, rows of tiles from `row` on."""
        f = self.field
        group = self.emit("i64", f"sdiv i64 {number.text}, {f['slices'].text}")
        self.first, self.row = group * f["images"], (number - group * f["slices"]) * f["rows"]
        self.images = self.intrinsic("smin", f["images"], f["batch"] - self.first)
        self.rows = self.intrinsic("smin", f["rows"], f["tile_rows"] - self.row)
        self.tiles = self.images * self.rows * f["tile_columns"]

    def over_tiles(self, body: Callable[[Value, Value, Value, Value], None]) -> None:
        """`body(image, row, column, tile)` for all of the chunk; counted from its first."""
        with (self.loop(self.zero, self.images) as i, self.loop(self.zero, self.rows) as r,
              self.loop(self.zero, self.field["tile_columns"]) as c):
            body(i, r, c, (i * self.rows + r) * self.field["tile_columns"] + c)

    def window(self, image: str, part: Value, begin: Value, end: Value) -> Turned:
        """Room in `part` for the chunk's pixels of an image's rows from begin to end."""
        height, width, pitch = (self.field[f"{image}_{w}"] for w in ("height", "width", "pitch"))
        begin = self.intrinsic("smax", begin, self.zero)
        end = self.intrinsic("smin", end, height)
        return Turned(part, begin, (end - begin) * width, height, width, pitch)

    def outputs(self, part: Value) -> Turned:
        """Room for the results of the chunk, or for their gradients."""
        return self.window("y", part, self.row * 2, (self.row + self.rows) * 2)

    def inputs(self, part: Value) -> Turned:
        """Room for what the chunk sees of the input."""
        begin = self.row * 2 - self.field["top"]
        return self.window("x", part, begin, begin + self.rows * 2 + 2)

    def turn(self, image: str, turned: Turned, channel: Value, channels: Value) -> None:
        """Fill `turned` with some channels of an image from the caller's array."""
        f = self.field
        n, p, c, mode = (f[f"{image}_{word}"] for word in ("n", "p", "c", "mode"))
        with self.loop(self.zero, self.images) as i:
            source = (self.first + i) * n + turned.above * turned.width * p + channel * c
            self.block(mode, self.at(turned.part, i * turned.pixels * turned.pitch, SIZE),
                       turned.pitch, 1, self.at(f[image], source, SIZE), p, c, turned.pixels,
                       channels)

    def square(self, turned: Turned, image: Value, y: Value, x: Value, side: int, spare: Value,
               ) -> list[list[Value]]:
        """Addresses of side x side pixels from (y, x) on; `spare` for those outside."""
        found = []
        for i in range(side):
            line = []
            for j in range(side):
                inside = _below(y + i, turned.height) & _below(x + j, turned.width)
                pixel = image * turned.pixels + (y + i - turned.above) * turned.width + x + j
                line.append(select(inside, self.at(turned.part, pixel * turned.pitch, SIZE), spare))
            found.append(line)
        return found

    def read_all(self, places: list[list[Value]], channel: Value) -> Matrix:
        """Some channels of a square of pixels."""
        return [[self.read(self.at(place, channel, SIZE)) for place in line] for line in places]

    def input_tiles(self, turned: Turned, step: Value, channels: Value,
                    place: Callable[[Value, Value], Value]) -> None:
        """B^T d B of each tile of the input to `place(tile, channel)`."""
        f = self.field

        def tile(i: Value, r: Value, c: Value, t: Value) -> None:
            y, x = (self.row + r) * 2 - f["top"], c * 2 - f["left"]
            at = self.square(turned, i, y, x, 4, f["zeros"])
            with self.loop(self.zero, channels, self.lanes) as channel:
                self.write_all(both(of_input, self.read_all(at, channel)), place(t, channel), step)

        self.over_tiles(tile)


def _below(x: Value, extent: Value) -> Value:
    """0 <= x < extent"""
    return x.writer.emit("i1", f"icmp ult i64 {x.text}, {extent.text}")


def compiled(code: Vectors, *parts: tuple[str, dict[str, str]],
             ) -> Callable[[bytes, int, int], None]:
    """`run(context, count, grain)` of a task."""
    declared = {**code.declarations, "rl_block": blocks.DECLARATIONS}
    return task.compiled([*parts, (code.text(), declared)], blocks.imports())
