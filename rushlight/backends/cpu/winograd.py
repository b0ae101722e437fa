"""Convolution by Winograd's F(2x2, 3x3): 16 products for every 36 of a direct one with 3x3 windows.

It serves float32 images with stride 1, no dilation and no groups, where there are channels enough
to pay for the transforms; the rest goes to oneDNN. Padding, odd sizes and any batch are served.
Where a chunk of tiles sees a pixel that is not finite, infinity and nan spread to all results of a
tile, and finite values near the largest overflow: such calls are told of, and done again directly.
"""

from __future__ import annotations

from functools import cache
from math import prod
from typing import Any

import numpy as np

from rushlight.backends import winograd as switch
from rushlight.backends.cpu import blocks, features, task
from rushlight.backends.cpu import winograd_ir as native
from rushlight.backends.cpu.small_product import tile_of
from rushlight.backends.host.convolution import Window, output_space
from rushlight.backends.kept_weights import Kept

Array = Any  # an np.ndarray
_FLOAT = np.dtype(np.float32)
_ONES = (1, 1)
TILES, FEWEST = 64, 8  # in a chunk: as many if there are enough, and not fewer
CHUNKS = 4  # for each thread, if there are tiles enough
APART = 16  # elements between the 16 places of a tile, so that they do not share sets of a cache

# Where it is faster than a direct convolution, as measured with AVX-512 on one thread.
INPUTS, OUTPUTS = 16, 24  # channels
PAYING, PAYING_BACK = 16, 48  # tiles that pay for transformed weights, which forward may be kept
WASTE = 1.5  # tiles' pixels for each pixel of the result: odd sizes leave part of the last unused


@cache
def available() -> bool:
    """Whether the code can be generated here, for a processor that it was measured on."""
    return task.available() and features.target().has("avx512f")


def serves(x: Array, outputs: int, space: tuple[int, ...], weight: Array, window: Window,
           paying: int) -> bool:
    """Whether a result of `outputs` channels in `space` is had sooner than by a direct one."""
    tiles = len(x) * -(-space[0] // 2) * -(-space[1] // 2)
    return (x.dtype is _FLOAT and weight.dtype is _FLOAT and weight.shape[2:] == (3, 3)
            and x.shape[1] >= INPUTS and outputs >= OUTPUTS and tiles >= paying
            and window.stride == _ONES == window.dilation and window.groups == 1
            and min(window.front) >= 0 and max(*window.front, *window.behind) <= 2
            and min(window.behind) >= 0 and 4 * tiles <= WASTE * len(x) * prod(space)
            and switch.enabled and available())


def forward(input: Array, weight: Array, bias: Array | None, window: Window,
            kept: Kept | None = None) -> Array | None:
    """The convolution; None where another way has to be taken.

    The largest error is within 4 times that of a direct convolution. kept: where the transformed
    weights may be kept for the next call.
    """
    if input.ndim != 4 or weight.ndim != 4:
        return None
    space = output_space(input.shape[2:], weight.shape[2:], window)
    if not serves(input, len(weight), space, weight, window, PAYING):
        return None
    y = np.empty((len(input), len(weight), *space), _FLOAT)
    return y if convolve(dense(input), _weights(weight, kept), bias, window.front, y) else None


def _weights(weight: Array, kept: Kept | None) -> Array:
    """The transformed weights, from an earlier call if nobody can have written to them."""
    key = ("winograd", weight.shape)
    u = None if kept is None else kept.copies.get(key)
    if u is None:
        u = transformed(weight, False)
        if kept is not None:
            kept.add(key, u)
    return u


def backward_data(grad: Array, weight: Array, window: Window, shape: tuple[int, ...],
                  ) -> Array | None:
    """The gradient of the input (of `shape`): a convolution as well; None as in `forward`."""
    if grad.ndim != 4 or weight.ndim != 4 or not serves(
            grad, shape[1], shape[2:], weight, window, PAYING_BACK):
        return None
    out = np.empty(shape, _FLOAT)
    pad = 2 - window.front[0], 2 - window.front[1]
    return out if convolve(dense(grad), transformed(weight, True), None, pad, out) else None


def dense(array: Array) -> Array:
    """`array` if its pixels follow one another, channels outermost or innermost; else a copy."""
    if array.flags.c_contiguous or array.transpose(0, 2, 3, 1).flags.c_contiguous:
        return array
    return np.ascontiguousarray(array)


def up(extent: int, multiple: int) -> int:
    """`extent` rounded up to a multiple."""
    return -(-extent // multiple) * multiple


def chunk_of(batch: int, tile_rows: int, tile_columns: int) -> tuple[int, int]:
    """(images, rows of tiles) of a chunk. Every result is summed alike, whatever that is."""
    image = tile_rows * tile_columns
    share = batch * image // (CHUNKS * features.get_num_threads())
    tiles = max(FEWEST, min(TILES, share))
    if image <= tiles:
        return min(batch, tiles // image), tile_rows
    rows = max(1, tiles // tile_columns)
    slices = -(-tile_rows // rows)
    return 1, -(-tile_rows // slices)


def transformed(weight: Array, flipped: bool) -> Array:
    """G g G^T of (out, in, 3, 3), as (16, panels of outputs, in, outputs of a panel).

    flipped: for the gradient of the input: outputs and inputs change places, windows are turned.
    """
    if weight.strides[2:] != (12, 4):
        weight = np.ascontiguousarray(weight)
    outputs, inputs = weight.shape[:2][::-1] if flipped else weight.shape[:2]
    w_o, w_i = (stride // 4 for stride in (weight.strides[:2][::-1] if flipped
                                           else weight.strides[:2]))
    panel = tile_of("float32").width
    panels = -(-outputs // panel)
    u = np.empty((16, panels, inputs, panel), _FLOAT)
    numbers = {"inputs": inputs, "outputs": outputs, "w_i": w_i, "w_o": w_o, "panels": panels,
               "span": native.SPAN if w_i == native.TAPS else 1,
               "mode": blocks.TRANSPOSED if w_i == native.TAPS else blocks.ELEMENTS}
    fields = task.context(numbers, {"w": weight, "u": u},
                          (native.WEIGHT_NUMBERS, native.WEIGHT_ARRAYS))
    native.weights(flipped)(fields, panels, task.grain_of(panels, 8 * u.size))
    return u


def convolve(x: Array, u: Array, bias: Array | None, pad: tuple[int, ...], y: Array) -> bool:
    """y = the convolution; whether all of it is finite (else `y` holds nothing of use)."""
    (batch, inputs, height, width), (outputs, out_height, out_width) = x.shape, y.shape[1:]
    lanes, panel = tile_of("float32").lanes, tile_of("float32").width
    output_pitch, input_pitch = u.shape[1] * panel, up(inputs, lanes)
    tile_rows, tile_columns = -(-out_height // 2), -(-out_width // 2)
    images, rows = chunk_of(batch, tile_rows, tile_columns)
    tiles = images * rows * tile_columns
    slices = -(-tile_rows // rows)
    count = slices * -(-batch // images)
    offset = np.zeros(output_pitch, _FLOAT)
    if bias is not None:
        offset[:outputs] = bias
    pixel_room = max(images * (2 * rows + 2) * width * input_pitch,
                     (images * 2 * rows * out_width + 1) * output_pitch)
    tile_step, product_step = tiles * input_pitch + APART, tiles * output_pitch + APART
    x_p = x.strides[3] // 4
    numbers = {
        "batch": batch, "inputs": inputs, "outputs": outputs, "input_pitch": input_pitch,
        "output_pitch": output_pitch, "height": height, "width": width, "out_height": out_height,
        "out_width": out_width, "top": pad[0], "left": pad[1], "tile_rows": tile_rows,
        "tile_columns": tile_columns, "images": images, "rows": rows, "slices": slices,
        "panels": u.shape[1], "input_mode": blocks.TRANSPOSED if x_p == 1 else blocks.LINES,
        "x_n": x.strides[0] // 4, "x_p": x_p, "x_c": x.strides[1] // 4, "pixel_room": pixel_room,
        "tile_step": tile_step, "product_step": product_step, "tile_room": 16 * tile_step,
        "product_room": 16 * product_step}
    numbers["space"] = space = up(pixel_room + 16 * (tile_step + product_step), APART)
    numbers["places"] = places = min(count, features.get_num_threads())
    bad = np.zeros(1, np.int64)
    arrays = {"x": x, "u": u, "bias": offset, "y": y,
              "zeros": np.zeros(max(input_pitch, output_pitch), _FLOAT),
              "workspace": np.empty(places * space, _FLOAT),
              "taken": np.zeros(places, np.int64), "bad": bad}
    fields = task.context(numbers, arrays, (native.NUMBERS, native.ARRAYS))
    work = count * tiles * 16 * inputs * outputs
    native.forward()(fields, count, task.grain_of(count, work))
    return not bad[0]
