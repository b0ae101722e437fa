"""Convolution by Winograd's F(2x2, 3x3): 16 products for every 36 of a direct one with 3x3 windows.

It serves float32 images with stride 1, no dilation and no groups, where there are channels enough
to pay for the transforms; the rest goes to oneDNN. Padding, odd sizes and any batch are served.
Where a chunk of tiles sees a pixel that is not finite, infinity and nan spread to all results of a
tile, and finite values near the largest overflow: such calls are told of, and done again directly.
The largest error is within 4 times that of a direct convolution, in 64 to 512 channels.
"""

from __future__ import annotations

from functools import cache, lru_cache
from math import prod
from typing import Any, NamedTuple

import numpy as np

from rushlight.backends import winograd as switch
from rushlight.backends.channels_last import arranged, empty, is_last
from rushlight.backends.cpu import blocks, features, task
from rushlight.backends.cpu import winograd_gradient_ir as gradient
from rushlight.backends.cpu import winograd_ir as native
from rushlight.backends.cpu.small_product import tile_of
from rushlight.backends.cpu.winograd_tiles import IMAGE
from rushlight.backends.host.convolution import Window, output_space
from rushlight.backends.kept_weights import Kept

Array = Any  # an np.ndarray
_FLOAT = np.dtype(np.float32)
_ONES, _SIZE = (1, 1), (3, 3)
TILES, FEWEST = 64, 8  # in a chunk: as many if there are enough, and not fewer
NEAR = 1 << 19  # bytes of weights that stay near while chunks come and go
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
    if size != _SIZE or x.shape[1] < INPUTS or outputs < OUTPUTS or x.dtype is not _FLOAT:
        return False
    tiles = len(x) * -(-space[0] // 2) * -(-space[1] // 2)
    return (tiles >= paying
            and window.stride == _ONES == window.dilation and window.groups == 1
            and min(window.front) >= 0 and max(*window.front, *window.behind) <= 2
            and min(window.behind) >= 0 and 4 * tiles <= WASTE * len(x) * prod(space)
            and switch.enabled and available())


def forward(input: Array, weight: Array, bias: Array | None, window: Window,
            kept: Kept | None = None, last: bool = False) -> Array | None:
    """The convolution; None where another way has to be taken.

    kept: where the transformed weights may be kept for the next call.
    last: whether the result has its channels last in memory.
    """
    size = weight.shape[2:]
    if size != _SIZE or len(weight) < OUTPUTS or weight.dtype is not _FLOAT:
        return None  # known at once
    space = output_space(input.shape[2:], size, window)
    if not serves(input, len(weight), space, size, window, PAYING):
        return None
    y = empty((len(input), len(weight), *space), _FLOAT, last)
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
                  last: bool = False) -> Array | None:
    """The gradient of the input (of `shape`): a convolution as well; None as in `forward`."""
    if weight.dtype is not _FLOAT or not serves(
            grad, shape[1], shape[2:], weight.shape[2:], window, PAYING_BACK):
        return None
    out = empty(shape, _FLOAT, last)
    pad = 2 - window.front[0], 2 - window.front[1]
    return out if convolve(dense(grad), transformed(weight, True), None, pad, out) else None


def backward_weights(input: Array, grad: Array, window: Window, shape: tuple[int, ...],
                     bias: Array | None = None, last: bool = False) -> Array | None:
    """The gradient of the weight (of `shape`), and in `bias`, where given, that of the bias; None
    as in `forward`."""
    if grad.dtype is not _FLOAT or not serves(
            input, shape[0], grad.shape[2:], shape[2:], window, PAYING):
        return None
    weight = empty(shape, _FLOAT, last)
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
    """G g G^T of (out, in, 3, 3), as 16 times (panels of outputs, in, outputs of a panel).

    flipped: for the gradient of the input: outputs and inputs change places, windows are turned.
    """
    last = is_last(weight)
    weight = arranged(weight, last)
    outputs, inputs = weight.shape[:2][:: -1 if flipped else 1]
    panel = tile_of("float32").width
    panels = -(-outputs // panel)
    u = np.empty((16, panels * inputs * panel + APART), _FLOAT)
    fields = task.context({"inputs": inputs, "outputs": outputs, "u_step": u.shape[1]},
                          {"w": weight, "u": u}, native.WEIGHT_FIELDS)
    native.weights(flipped, last)(fields, panels, task.grain_of(panels, 8 * u.size))
    return u


class Plan(NamedTuple):
    """How a call is cut into jobs: what tasks are told of it in numbers, and the room they need."""

    numbers: dict[str, int]
    words: bytes
    jobs: int
    grain: int
    zeros: Array

    @classmethod
    def of(cls, numbers: dict[str, int], room: int, jobs: int, grain: int,
           names: tuple[str, ...]) -> Plan:
        """The plan of `jobs` for threads with `room` elements each."""
        numbers["space"] = up(room, APART)
        numbers["places"] = min(-(-jobs // grain), features.get_num_threads())
        most = max(up(numbers[f"{name}_channels"], 2 * APART) for name in "xy")
        return cls(numbers, task.context(numbers, {}, (names, ())), jobs, grain,
                   np.zeros(most, _FLOAT))

    def run(self, run: Any, names: tuple[str, ...], **arrays: Array) -> bool:
        """Do the jobs; whether they reported nothing bad."""
        places, bad = self.numbers["places"], np.zeros(1, np.int64)
        arrays |= {"workspace": np.empty(places * self.numbers["space"], _FLOAT), "bad": bad,
                   "taken": np.zeros(places, np.int64), "zeros": self.zeros}
        run(self.words + task.context({}, arrays, ((), names)), self.jobs, self.grain)
        return not bad[0]


Form = tuple[tuple[int, ...], tuple[int, ...]]  # shape and strides of an array


def image(name: str, form: Form, pitch: int) -> dict[str, int]:
    """What tasks are told of an array of images."""
    shape, strides = form
    n, c, _, p = (stride // 4 for stride in strides)
    words = (*shape[2:], shape[1], pitch, blocks.TRANSPOSED if p == 1 else blocks.LINES, n, p, c)
    return {f"{name}_{word}": value for word, value in zip(IMAGE, words, strict=True)}


def cut(x: Form, y: Form, pad: tuple[int, ...], tiles: int) -> dict[str, int]:
    """How tiles of the result are cut into chunks of about `tiles`."""
    batch, (tile_rows, tile_columns) = x[0][0], (-(-extent // 2) for extent in y[0][2:])
    images, rows = chunk_of(batch, tile_rows, tile_columns, tiles)
    slices = -(-tile_rows // rows)
    return {"batch": batch, "top": pad[0], "left": pad[1], "tile_rows": tile_rows,
            "tile_columns": tile_columns, "images": images, "rows": rows, "slices": slices,
            "chunks": slices * -(-batch // images), "capacity": images * rows * tile_columns}


def room(chunk: dict[str, int]) -> int:
    """Elements that the pixels of a chunk take, of the input or of the result, and one more."""
    return max((chunk["images"] * (2 * chunk["rows"] + border) * chunk[f"{name}_width"] + 1)
               * chunk[f"{name}_pitch"] for name, border in (("x", 2), ("y", 0)))


@lru_cache(maxsize=1024)
def forward_plan(x: Form, y: Form, pad: tuple[int, ...], threads: int) -> Plan:
    """Jobs are chunks, or parts of the outputs of chunks where weights are many and chunks few:
    each reads all the weights of its outputs. Every result is summed alike, whatever they are."""
    inputs, outputs, panel = x[0][1], y[0][1], tile_of("float32").width
    tiles, panels = prod(y[0]) // (4 * outputs), -(-outputs // panel)
    work = 16 * tiles * inputs * outputs
    wanted = -(-tiles // task.grain_of(tiles, work))
    many = 64 * inputs * outputs > NEAR
    n = cut(x, y, pad, TILES if many else max(FEWEST, min(TILES, tiles // wanted)))
    share = -(-panels // max(1, min(panels, wanted // n["chunks"]))) if many else panels
    n |= image("x", x, up(inputs, APART)) | image("y", y, share * panel) | {
        "panels": panels, "share": share, "splits": -(-panels // share),
        "u_step": panels * inputs * panel + APART}
    n["tile_step"], n["product_step"] = (
        n["capacity"] * pitch + APART for pitch in (n["x_pitch"], n["y_pitch"]))
    n["tile_room"] = 16 * max(n["tile_step"], n["product_step"])
    n["pixel_room"], n["sum_room"] = room(n), n["capacity"] * n["y_pitch"]
    jobs = n["chunks"] * n["splits"]
    return Plan.of(n, n["pixel_room"] + 2 * n["tile_room"] + n["sum_room"], jobs,
                   task.grain_of(jobs, work), native.FIELDS[0])


def convolve(x: Array, u: Array, bias: Array | None, pad: tuple[int, ...], y: Array) -> bool:
    """y = the convolution; whether all of it is finite (else `y` holds nothing of use)."""
    plan = forward_plan((x.shape, x.strides), (y.shape, y.strides), pad,
                        features.get_num_threads())
    offset = plan.zeros
    if bias is not None:
        offset = np.zeros_like(offset)
        offset[: len(bias)] = bias
    return plan.run(native.forward(), native.FIELDS[1], x=x, u=u, bias=offset, y=y)


@lru_cache(maxsize=1024)
def gradient_plan(x: Form, y: Form, pad: tuple[int, ...], threads: int) -> Plan:
    """Jobs are parts of the chunks, which have sums of their own, for parts of the inputs: they
    depend on the shapes alone, as results do on them."""
    inputs, outputs = x[0][1], y[0][1]
    n = cut(x, y, pad, TILES)
    n["parts"] = parts = max(1, min(PARTS, n["chunks"], SUMS // (16 * outputs * inputs)))
    splits = max(1, min(JOBS // parts, inputs // SHARE))
    n["share"] = share = up(-(-inputs // splits), 2 * APART)
    n["splits"] = splits = -(-inputs // share)
    n |= image("x", x, up(min(share, inputs), APART)) | image("y", y, up(outputs, APART))
    n["d_pitch"], n["g_pitch"] = up(inputs, 2 * APART), n["y_pitch"] + APART
    n["d_step"] = outputs * n["d_pitch"] + APART
    n["tile_step"] = n["capacity"] * share + APART
    n["gradient_step"] = n["capacity"] * n["g_pitch"] + APART
    n["pixel_room"], n["gradient_room"] = room(n), 16 * n["gradient_step"]
    return Plan.of(n, n["pixel_room"] + n["gradient_room"] + 16 * n["tile_step"], parts * splits,
                   1, gradient.FIELDS[0])


def correlate(x: Array, dy: Array, pad: tuple[int, ...], w: Array, bias: Array | None) -> bool:
    """w = the gradient of the weight, given that of the output; `bias`, where given, the sums of
    that; whether all of it is finite."""
    outputs, inputs = w.shape[:2]
    plan = gradient_plan((x.shape, x.strides), (dy.shape, dy.strides), pad,
                         features.get_num_threads())
    parts = plan.numbers["parts"]
    d = np.empty((parts, 16, plan.numbers["d_step"]), _FLOAT)
    sums = np.zeros((parts, plan.numbers["y_pitch"]), _FLOAT)
    plan.run(gradient.sums(), gradient.FIELDS[1], x=x, y=dy, d=d, bias=sums)
    bad = np.zeros(1, np.int64)
    numbers = plan.numbers | {"inputs": inputs, "outputs": outputs}
    context = task.context(numbers, {"d": d, "w": w, "bad": bad}, gradient.FINISH_FIELDS)
    gradient.finish(not w.flags.c_contiguous)(context, outputs, task.grain_of(outputs, 4 * d.size))
    if bias is not None:
        np.add.reduce(sums[:, :outputs], 0, out=bias)
    return not bad[0]
