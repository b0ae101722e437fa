"""The native code of Winograd's convolution: transformed weights, and products with them.

    pixels (places, channels) -> tiles (16, tiles, in) -> products (16, tiles, out) -> results
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from rushlight.backends.cpu import blocks, task
from rushlight.backends.cpu.small_product import product_ir
from rushlight.backends.cpu.values import Value, select
from rushlight.backends.cpu.winograd_tiles import CHUNK, SIZE, Chunks, Vectors, compiled
from rushlight.backends.cpu.winograd_transforms import PLACES, both, of_weight, to_output

TAPS = 9  # weights of a window
SPAN = 16  # channels of weights that are turned at once
SUMMED = 256  # inputs in a sum

# splits: of the outputs, each of `share` panels; a job makes these of a chunk.
# *_room: elements of a part of the workspace; *_step: from one of a tile's 16 places to the next.
FIELDS = ((*CHUNK, "splits", "share", "panels", "u_step", "pixel_room", "tile_room", "tile_step",
           "product_step", "sum_room"),
          ("x", "u", "bias", "y", "zeros", "workspace", "taken", "bad"))
WEIGHT_FIELDS = (("inputs", "outputs", "u_step"), ("w", "u"))


@cache
def weights(flipped: bool, last: bool) -> Callable[[bytes, int, int], None]:
    """`run(context, panels, grain)`: u[k, panel, input, output] = G g G^T; `flipped`: of a weight
    (in, out, ...), with windows turned by half a circle; `last`: channels come last in memory."""
    code = Vectors(*WEIGHT_FIELDS)
    f, zero, panel = code.field, code.zero, code.panel
    turned = code.slot(f"[{SPAN * TAPS * panel} x float]")
    line = code.slot(f"[{panel * TAPS + code.lanes} x float]")
    span = 1 if flipped else SPAN
    with code.loop(code.begin, code.end) as p:
        columns = code.intrinsic("smin", f["outputs"] - p * panel, code.integer(panel))
        with code.when(columns < panel):
            code.clear(turned, code.integer(SPAN * TAPS * panel))
            code.clear(line, code.integer(panel * TAPS))
        with code.loop(zero, f["inputs"], span) as first:
            count = code.intrinsic("smin", code.integer(span), f["inputs"] - first)
            if last:
                _gather(code, turned, first, p * panel, count, columns, flipped)
            elif flipped:
                _turn_line(code, turned, line, first * f["outputs"] + p * panel, columns)
            else:
                source = code.at(f["w"], (p * panel * f["inputs"] + first) * TAPS, SIZE)
                code.block(blocks.TRANSPOSED, turned, panel, 1, source, 1, f["inputs"] * TAPS,
                           count * TAPS, columns)
            with code.loop(zero, count) as c:
                to = code.at(f["u"], (p * f["inputs"] + first + c) * panel, SIZE)
                for v in range(0, panel, code.lanes):
                    taps = [code.read(code.at(turned, (c * TAPS + tap) * panel + v, SIZE))
                            for tap in range(TAPS)]
                    taps = taps[::-1] if flipped else taps
                    made = both(of_weight, [taps[i : i + 3] for i in range(0, TAPS, 3)])
                    code.write_all(made, code.at(to, v, SIZE), f["u_step"])
    return compiled(code)


def _gather(code: Vectors, turned: Value, first: Value, output: Value, count: Value,
            columns: Value, flipped: bool) -> None:
    """turned[input, tap, output] of weights (out, 3, 3, in), or (in, 3, 3, out) if `flipped`."""
    f, panel = code.field, code.panel
    for tap in range(TAPS):
        to = code.at(turned, tap * panel, SIZE)
        if flipped:
            at = (first * TAPS + tap) * f["outputs"] + output
            code.copy(to, code.at(f["w"], at, SIZE), columns)
        else:
            at = (output * TAPS + tap) * f["inputs"] + first
            code.block(blocks.TRANSPOSED, to, TAPS * panel, 1, code.at(f["w"], at, SIZE), 1,
                       f["inputs"] * TAPS, count, columns)


def _turn_line(code: Vectors, turned: Value, line: Value, window: Value, columns: Value) -> None:
    """turned[tap, column] = the weights of as many windows, from number `window` on. A tile reads
    beyond the windows, so they are copied first."""
    code.copy(line, code.at(code.field["w"], window * TAPS, SIZE), columns * TAPS)
    for v in range(0, code.panel, code.lanes):
        blocks.tile(code, SIZE, code.at(turned, v, SIZE), code.integer(code.panel * SIZE),
                    code.at(line, v * TAPS, SIZE), code.integer(TAPS * SIZE))


@cache
def forward() -> Callable[[bytes, int, int], None]:
    """`run(context, chunks * splits, grain)`: y = the convolution of x with the weights that u was
    made of, plus bias."""
    code = Chunks(*FIELDS, {"pixels": "pixel_room", "tiles": "tile_room", "products": "tile_room",
                            "sums": "sum_room"})
    f, part, zero = code.field, code.part, code.zero
    found = code.checking()
    with code.loop(code.begin, code.end) as job:
        number = code.emit("i64", f"sdiv i64 {job.text}, {f['splits'].text}")
        code.chunk(number)
        first = (job - number * f["splits"]) * f["share"]
        panels = code.intrinsic("smin", f["share"], f["panels"] - first)
        inputs = code.inputs(part["pixels"])
        code.turn("x", inputs, zero, f["x_channels"])
        code.input_tiles(inputs, f["tile_step"], f["x_pitch"], lambda t, channel: code.at(
            part["tiles"], t * f["x_pitch"] + channel, SIZE))
        _products(code, first, panels)
        _results(code, first * code.panel, panels * code.panel, found)
    code.report(found, f["bad"])
    code.leave()
    return compiled(code, product_ir("float32"), (task.CLAIM, {}))


def _products(code: Chunks, first: Value, panels: Value) -> None:
    """The 16 products of the tiles with some panels of the weights, in sums over `SUMMED` inputs
    that are added up: one sum over very many would round more than a direct convolution does."""
    f, part, zero = code.field, code.part, code.zero
    weights = code.at(f["u"], first * f["x_channels"] * code.panel, SIZE)
    with (code.loop(zero, code.integer(PLACES)) as k,
          code.loop(zero, f["x_channels"], SUMMED) as c):
        total = code.at(part["products"], k * f["product_step"], SIZE)
        out = select(c.equals(0), total, part["sums"])
        code.call("product", code.at(part["tiles"], k * f["tile_step"] + c, SIZE), f["x_pitch"],
                  code.integer(1), code.at(weights, k * f["u_step"] + c * code.panel, SIZE),
                  f["x_channels"], out, f["y_pitch"], f["zeros"], zero,
                  code.intrinsic("smin", code.integer(SUMMED), f["x_channels"] - c), code.tiles,
                  panels)
        with code.when(c > 0), code.loop(zero, code.tiles * f["y_pitch"], code.lanes) as i:
            place = code.at(total, i, SIZE)
            code.write(code.read(place) + code.read(code.at(part["sums"], i, SIZE)), place)


def _results(code: Chunks, first: Value, channels: Value, found: Value) -> None:
    """A^T m A of each tile plus bias to pixels of the result, and these to some channels of the
    caller's array."""
    f, part, zero = code.field, code.part, code.zero
    results = code.outputs(part["pixels"])
    spare = code.at(part["pixels"], f["pixel_room"] - f["y_pitch"], SIZE)  # nobody reads it

    def tile(i: Value, r: Value, c: Value, t: Value) -> None:
        at = code.square(results, i, (code.row + r) * 2, c * 2, 2, spare)
        with code.loop(zero, channels, code.lanes) as channel:
            source = code.at(part["products"], t * f["y_pitch"] + channel, SIZE)
            products = [code.read(code.at(source, f["product_step"] * k, SIZE))
                        for k in range(PLACES)]
            four = both(to_output, [products[k : k + 4] for k in range(0, PLACES, 4)])
            bias = code.read(code.at(f["bias"], first + channel, SIZE))
            values = [value + bias for line in four for value in line]
            code.check(found, *values)
            for value, place in zip(values, [*at[0], *at[1]], strict=True):
                code.write(value, code.at(place, channel, SIZE))

    code.over_tiles(tile)
    with code.loop(zero, code.images) as i:
        pixel = results.above * results.width
        to = (code.first + i) * f["y_n"] + first * f["y_c"] + pixel * f["y_p"]
        made = code.at(part["pixels"], i * results.pixels * results.pitch, SIZE)
        count = code.intrinsic("smin", channels, f["y_channels"] - first)
        turned = f["y_mode"].equals(blocks.TRANSPOSED)
        with code.when(turned):
            code.block(blocks.TRANSPOSED, code.at(f["y"], to, SIZE), f["y_c"], 1, made, 1,
                       results.pitch, count, results.pixels)
        with code.when(~turned):
            code.block(blocks.LINES, code.at(f["y"], to, SIZE), f["y_p"], 1, made, results.pitch,
                       1, results.pixels, count)
