"""Convolution by Winograd's F(2x2, 3x3): 16 products for every 36 of a direct one with 3x3 windows.

It serves float32 images with stride 1, no dilation and no groups, where there are channels enough
to pay for the transforms; the rest goes to oneDNN. Padding, odd sizes and any batch are served.
Where a chunk of tiles sees a pixel that is not finite, infinity and nan spread to all results of a
tile, and finite values near the largest overflow: such calls are told of, and done again directly.
The largest error is within 4 times that of a direct convolution, in 64 to 512 channels.
"""

from __future__ import annotations

from functools import cache
from math import prod
from typing import Any

import numpy as np

from rushlight.backends import winograd as switch
from rushlight.backends.cpu import blocks, features, task
from rushlight.backends.cpu import winograd_gradient_ir as gradient
from rushlight.backends.cpu import winograd_ir as native
from rushlight.backends.cpu.small_product import tile_of
from rushlight.backends.cpu.winograd_tiles import IMAGE
from rushlight.backends.host.convolution import Window, output_space
from rushlight.backends.kept_weights import Kept

Array = Any  # an np.ndarray
_FLOAT = np.dtype(np.float32)
_ONES = (1, 1)
TILES, FEWEST = 64, 8  # in a chunk: as many if there are enough, and not fewer
CHUNKS = 4  # for each thread, if there are tiles enough
PARTS, SUMS = 8, 1 << 21  # of the weights' gradient: sums apart, and elements of all of these
JOBS, SHARE = 8, 64  # of each call, and inputs that are worth transforming all gradients again
APART = 16  # a vector; also elements between a tile's 16 places, which thus share no cache sets

# Where it is faster than a direct convolution, as measured with AVX-512 on one thread.
INPUTS, OUTPUTS = 16, 24  # channels
PAYING, PAYING_BACK = 16, 48  # tiles that pay for transformed weights, which forward may be kept
WASTE = 1.5  # tiles' pixels for each pixel of the result: odd sizes leave part of the last unused


@cache
def available() -> bool:
    """Whether the code can be generated here, for a processor that it was measured on."""
    return task.available() and features.target().has("avx512f")


def serves(x: Array, outputs: int, space: tuple[int, ...], size: tuple[int, ...], window: Window,
           paying: int) -> bool:
    """Whether a result of `outputs` channels in `space` is had sooner than by a direct one."""
    tiles = len(x) * -(-space[0] // 2) * -(-space[1] // 2)
    return (x.dtype is _FLOAT and size == (3, 3) and x.shape[1] >= INPUTS
            and outputs >= OUTPUTS and tiles >= paying
            and window.stride == _ONES == window.dilation and window.groups == 1
            and min(window.front) >= 0 and max(*window.front, *window.behind) <= 2
            and min(window.behind) >= 0 and 4 * tiles <= WASTE * len(x) * prod(space)
            and switch.enabled and available())


def forward(input: Array, weight: Array, bias: Array | None, window: Window,
            kept: Kept | None = None) -> Array | None:
    """The convolution; None where another way has to be taken.

    kept: where the transformed weights may be kept for the next call.
    """
    if input.ndim != 4 or weight.dtype is not _FLOAT:
        return None
    size = weight.shape[2:]
    space = output_space(input.shape[2:], size, window)
    if not serves(input, len(weight), space, size, window, PAYING):
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
    if grad.ndim != 4 or weight.dtype is not _FLOAT or not serves(
            grad, shape[1], shape[2:], weight.shape[2:], window, PAYING_BACK):
        return None
    out = np.empty(shape, _FLOAT)
    pad = 2 - window.front[0], 2 - window.front[1]
    return out if convolve(dense(grad), transformed(weight, True), None, pad, out) else None


def backward_weights(input: Array, grad: Array, window: Window, shape: tuple[int, ...],
                     bias: Array | None = None) -> Array | None:
    """The gradient of the weight (of `shape`), and in `bias`, where given, that of the bias; None
    as in `forward`."""
    if input.ndim != 4 or grad.dtype is not _FLOAT:
        return None
    if not serves(input, shape[0], grad.shape[2:], shape[2:], window, PAYING):
        return None
    weight = np.empty(shape, _FLOAT)
    done = correlate(dense(input), dense(grad), window.front, weight, bias)
    return weight if done else None


def dense(array: Array) -> Array:
    """`array` if its pixels follow one another, channels outermost or innermost; else a copy."""
    if array.flags.c_contiguous or array.transpose(0, 2, 3, 1).flags.c_contiguous:
        return array
    return np.ascontiguousarray(array)


def up(extent: int, multiple: int) -> int:
    """`extent` rounded up to a multiple."""
    return -(-extent // multiple) * multiple


def chunk_of(batch: int, tile_rows: int, tile_columns: int, tiles: int) -> tuple[int, int]:
    """(images, rows of tiles) of a chunk of about so many tiles."""
    image = tile_rows * tile_columns
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
    turn = -1 if flipped else 1
    outputs, inputs = weight.shape[:2][::turn]
    w_o, w_i = (stride // 4 for stride in weight.strides[:2][::turn])
    panel = tile_of("float32").width
    panels = -(-outputs // panel)
    u = np.empty((16, panels, inputs, panel), _FLOAT)
    together = w_i == native.TAPS
    numbers = {"inputs": inputs, "outputs": outputs, "w_i": w_i, "w_o": w_o, "panels": panels,
               "span": native.SPAN if together else 1,
               "mode": blocks.TRANSPOSED if together else blocks.ELEMENTS}
    fields = task.context(numbers, {"w": weight, "u": u}, native.WEIGHT_FIELDS)
    native.weights(flipped)(fields, panels, task.grain_of(panels, 8 * u.size))
    return u


def image(name: str, array: Array, pitch: int) -> dict[str, int]:
    """What tasks are told of an array of images."""
    n, c, _, p = (stride // 4 for stride in array.strides)
    words = (*array.shape[2:], array.shape[1], pitch,
             blocks.TRANSPOSED if p == 1 else blocks.LINES, n, p, c)
    return {f"{name}_{word}": value for word, value in zip(IMAGE, words, strict=True)}


def cut(x: Array, y: Array, pad: tuple[int, ...], tiles: int) -> dict[str, int]:
    """How tiles of the result are cut into chunks of about `tiles`."""
    tile_rows, tile_columns = (-(-extent // 2) for extent in y.shape[2:])
    images, rows = chunk_of(len(x), tile_rows, tile_columns, tiles)
    slices = -(-tile_rows // rows)
    return {"batch": len(x), "top": pad[0], "left": pad[1], "tile_rows": tile_rows,
            "tile_columns": tile_columns, "images": images, "rows": rows, "slices": slices,
            "chunks": slices * -(-len(x) // images), "capacity": images * rows * tile_columns}


def room(chunk: dict[str, int], name: str, border: int) -> int:
    """Elements of a chunk's pixels, and one pixel more."""
    pixels = chunk["images"] * (2 * chunk["rows"] + border) * chunk[f"{name}_width"]
    return (pixels + 1) * chunk[f"{name}_pitch"]


def workspace(numbers: dict[str, int], count: int, size: int) -> dict[str, Array]:
    """Memory of `size` elements for each thread that `count` jobs may keep busy."""
    numbers["space"] = size = up(size, APART)
    numbers["places"] = places = min(count, features.get_num_threads())
    pitch = max(up(numbers[f"{name}_channels"], 2 * APART) for name in "xy")
    return {"workspace": np.empty(places * size, _FLOAT), "taken": np.zeros(places, np.int64),
            "zeros": np.zeros(pitch, _FLOAT), "bad": np.zeros(1, np.int64)}


def convolve(x: Array, u: Array, bias: Array | None, pad: tuple[int, ...], y: Array) -> bool:
    """y = the convolution; whether all of it is finite (else `y` holds nothing of use).

    Every result is summed alike, whatever the chunks are; so they may depend on the threads.
    """
    panels, inputs, panel = u.shape[1:]
    tiles = y.size // (4 * y.shape[1] * CHUNKS * features.get_num_threads())
    n = cut(x, y, pad, max(FEWEST, min(TILES, tiles)))
    n |= image("x", x, up(inputs, APART)) | image("y", y, panels * panel) | {"panels": panels}
    n["tile_step"], n["product_step"] = (
        n["capacity"] * pitch + APART for pitch in (n["x_pitch"], n["y_pitch"]))
    n["tile_room"] = 16 * max(n["tile_step"], n["product_step"])
    n["pixel_room"] = max(room(n, "x", 2), room(n, "y", 0))
    offset = np.zeros(n["y_pitch"], _FLOAT)
    if bias is not None:
        offset[: len(bias)] = bias
    arrays = workspace(n, n["chunks"], n["pixel_room"] + 2 * n["tile_room"])
    arrays |= {"x": x, "u": u, "bias": offset, "y": y}
    work = n["chunks"] * n["capacity"] * 16 * inputs * y.shape[1]
    native.forward()(task.context(n, arrays, native.FIELDS), n["chunks"],
                     task.grain_of(n["chunks"], work))
    return not arrays["bad"][0]


def correlate(x: Array, dy: Array, pad: tuple[int, ...], w: Array, bias: Array | None) -> bool:
    """w = the gradient of the weight, given that of the output; `bias`, where given, the sums of
    that; whether all of it is finite. Parts of the sums depend on the shapes alone."""
    outputs, inputs = w.shape[:2]
    n = cut(x, dy, pad, TILES)
    n["parts"] = parts = max(1, min(PARTS, n["chunks"], SUMS // (16 * outputs * inputs)))
    n["splits"] = splits = max(1, min(JOBS // parts, inputs // SHARE))
    n["share"] = share = up(-(-inputs // splits), 2 * APART)
    n["splits"] = splits = -(-inputs // share)
    n |= image("x", x, up(min(share, inputs), APART)) | image("y", dy, up(outputs, APART))
    n["d_pitch"], n["g_pitch"] = up(inputs, 2 * APART), n["y_pitch"] + APART
    n["tile_step"] = n["capacity"] * share + APART
    n["gradient_step"] = n["capacity"] * n["g_pitch"] + APART
    n["pixel_room"] = up(max(room(n, "x", 2), room(n, "y", 0)), APART)
    n["gradient_room"] = 16 * n["gradient_step"]
    d = np.empty((parts, 16, outputs, n["d_pitch"]), _FLOAT)
    sums = np.zeros((parts, n["y_pitch"]), _FLOAT)
    arrays = workspace(n, parts * splits,
                       n["pixel_room"] + n["gradient_room"] + 16 * n["tile_step"])
    arrays |= {"x": x, "y": dy, "d": d, "bias": sums, "w": w}
    gradient.sums()(task.context(n, arrays, gradient.FIELDS), parts * splits, 1)
    n |= {"inputs": inputs, "outputs": outputs}
    gradient.finish()(task.context(n, arrays, gradient.FINISH_FIELDS), outputs,
                      task.grain_of(outputs, 4 * d.size))
    if bias is not None:
        np.add.reduce(sums[:, :outputs], 0, out=bias)
    return not arrays["bad"][0]
