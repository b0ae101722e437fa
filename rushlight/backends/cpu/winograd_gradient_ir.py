"""The native code of Winograd's weight gradient: products of tiles, summed over all of them.

    d[k, out, in] = sum over tiles of (A dy A^T)[k, tile, out] * (B^T x B)[k, tile, in]

and G^T d G is the gradient. A job sums over some of the chunks for some of the inputs; sums of
different chunks are added in the order of these, whoever made them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from rushlight.backends.cpu import blocks, task
from rushlight.backends.cpu.small_product import product_ir
from rushlight.backends.cpu.values import Value, select
from rushlight.backends.cpu.winograd_ir import TAPS
from rushlight.backends.cpu.winograd_tiles import CHUNK, SIZE, Chunks, Turned, Vectors, compiled
from rushlight.backends.cpu.winograd_transforms import PLACES, both, of_output, to_weight

# parts: of the chunks, each with sums of its own; share: inputs of a job, in `splits` ranges.
FIELDS = ((*CHUNK, "chunks", "parts", "splits", "share", "d_pitch", "d_step", "g_pitch",
           "capacity", "pixel_room", "gradient_room", "tile_step", "gradient_step"),
          ("x", "y", "d", "bias", "zeros", "workspace", "taken"))
FINISH_FIELDS = (("parts", "inputs", "outputs", "d_pitch", "d_step"), ("d", "w", "bad"))


@cache
def sums() -> Callable[[bytes, int, int], None]:
    """`run(context, parts * splits, 1)`: d[part, k, out, in], and bias[part, out] the sums of y."""
    code = Chunks(*FIELDS, {"pixels": "pixel_room", "gradients": "gradient_room",
                            "tiles": "pixel_room"})
    f, part, zero = code.field, code.part, code.zero
    with code.loop(code.begin, code.end) as job:
        which = code.emit("i64", f"sdiv i64 {job.text}, {f['splits'].text}")
        first = (job - which * f["splits"]) * f["share"]
        count = code.intrinsic("smin", f["share"], f["x_channels"] - first)
        bias = code.at(f["bias"], which * f["y_pitch"], SIZE)
        begin, end = (code.emit("i64", f"sdiv i64 {(f['chunks'] * w).text}, {f['parts'].text}")
                      for w in (which, which + 1))
        with code.loop(begin, end) as number:
            code.chunk(number)
            inputs = code.inputs(part["pixels"])
            code.turn("x", inputs, first, count)
            up = (count + (code.lanes - 1)) & -code.lanes
            code.input_tiles(inputs, f["tile_step"], up, lambda t, channel: _in_panels(
                code, t, channel))
            outputs = code.outputs(part["pixels"])
            code.turn("y", outputs, zero, f["y_channels"])
            _gradient_tiles(code, outputs, bias, first.equals(0))
            _products(code, which, first, count, number.equals(begin))
    code.leave()
    return compiled(code, product_ir("float32"), (task.CLAIM, {}))


def _in_panels(code: Chunks, tile: Value, channel: Value) -> Value:
    """Where the channels of a tile of the input go: panels of all tiles, as products read them."""
    inside = channel & (code.panel - 1)
    row = (channel - inside) * code.field["capacity"] + tile * code.panel
    return code.at(code.part["tiles"], row + inside, SIZE)


def _gradient_tiles(code: Chunks, turned: Turned, bias: Value, counted: Value) -> None:
    """A dy A^T of each tile; `bias` gets the sums of dy, where `counted`."""
    f, part = code.field, code.part

    def tile(i: Value, r: Value, c: Value, t: Value) -> None:
        at = code.square(turned, i, (code.row + r) * 2, c * 2, 2, f["zeros"])
        with code.loop(code.zero, f["y_pitch"], code.lanes) as channel:
            made = both(of_output, code.read_all(at, channel))
            to = code.at(part["gradients"], t * f["g_pitch"] + channel, SIZE)
            code.write_all(made, to, f["gradient_step"])
            with code.when(counted):
                total = code.at(bias, channel, SIZE)
                code.write(code.read(total) + made[1][1], total)  # the sum of all four

    code.over_tiles(tile)


def _products(code: Chunks, which: Value, first: Value, count: Value, fresh: Value) -> None:
    """Add the products of the chunk to the sums, or begin these."""
    f, part, zero = code.field, code.part, code.zero
    panels = (count + (code.panel - 1)) >> (code.panel.bit_length() - 1)
    with code.loop(zero, code.integer(PLACES)) as k:
        out = code.at(f["d"], (which * PLACES + k) * f["d_step"] + first, SIZE)
        code.call("product", code.at(part["gradients"], k * f["gradient_step"], SIZE),
                  code.integer(1), f["g_pitch"], code.at(part["tiles"], k * f["tile_step"], SIZE),
                  f["capacity"], out, f["d_pitch"], select(fresh, f["zeros"], out),
                  select(fresh, zero, f["d_pitch"]), code.tiles, f["y_channels"], panels)


@cache
def finish(last: bool) -> Callable[[bytes, int, int], None]:
    """`run(context, outputs, grain)`: w = G^T (sum of the parts of d) G; `last`: its channels come
    last in memory."""
    code = Vectors(*FINISH_FIELDS)
    f, zero, lanes = code.field, code.zero, code.lanes
    found = code.checking()
    square, windows = (code.slot(f"[{lanes * lanes} x float]") for _ in range(2))
    total = [code.slot(code.vector) for _ in range(PLACES)]
    with code.loop(code.begin, code.end) as o, code.loop(zero, f["inputs"], lanes) as c:
        for slot in total:
            code.store(code.nothing, slot, 64)
        with code.loop(zero, f["parts"]) as p:
            at = code.at(f["d"], p * PLACES * f["d_step"] + o * f["d_pitch"] + c, SIZE)
            for k, slot in enumerate(total):
                more = code.read(code.at(at, f["d_step"] * k, SIZE))
                code.store((code.read(slot) + more).value, slot, 64)
        values = [code.read(slot) for slot in total]
        made = both(to_weight, [values[k : k + 4] for k in range(0, PLACES, 4)])
        count = code.intrinsic("smin", f["inputs"] - c, code.integer(lanes))
        taps = [code.leading(value, count) for line in made for value in line]
        code.check(found, *taps)
        for tap, value in enumerate(taps):
            code.write(value, code.at(square, tap * lanes, SIZE))
        if last:
            for tap in range(TAPS):
                at = (o * TAPS + tap) * f["inputs"] + c
                code.copy(code.at(f["w"], at, SIZE), code.at(square, tap * lanes, SIZE), count)
        else:
            blocks.tile(code, SIZE, windows, code.integer(TAPS * SIZE), square,
                        code.integer(lanes * SIZE))
            code.copy(code.at(f["w"], (o * f["inputs"] + c) * TAPS, SIZE), windows, count * TAPS)
    code.report(found, f["bad"])
    return compiled(code)
