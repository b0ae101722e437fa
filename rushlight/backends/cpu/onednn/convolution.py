"""Convolution by oneDNN: forward, gradient of the input, gradient of weight and bias.

Arrays are (batch, channels, *space) in any strides; weights (out, in / groups, *window). A
transposed convolution is the input gradient of the convolution with the same weight, so these
three programs, each bilinear in its two arrays, serve it too.
"""

from __future__ import annotations

import numpy as np

from rushlight.backends.cpu.onednn import cache
from rushlight.backends.cpu.onednn import convolution_programs as programs
from rushlight.backends.cpu.onednn.convolution_problem import (
    BACKWARD_DATA,
    BACKWARD_WEIGHTS,
    FORWARD,
    Problem,
)
from rushlight.backends.cpu.onednn.invoke import ALIGNMENT
from rushlight.backends.cpu.onednn.layout import Layout
from rushlight.backends.cpu.onednn.library import has_bfloat16
from rushlight.backends.cpu.onednn.program import Program
from rushlight.backends.host.convolution import Window
from rushlight.backends.kept_weights import Kept

FORWARD_KEPT, LAYOUT = "forward_kept", "layout"


def supports(kind: str) -> bool:
    """Whether oneDNN convolves this data type here."""
    return kind == "float32" or (kind == "bfloat16" and has_bfloat16())


def forward(input: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, window: Window,
            out: np.ndarray) -> np.ndarray:
    """out = the convolution of `input` with `weight`, plus `bias` by channel.

    `out` is (batch, out channels, *space), of the input's data type; its contents are overwritten.
    """
    key = (FORWARD, input.shape, input.strides, weight.shape, weight.strides, out.shape,
           out.strides, window, bias is None, input.dtype)
    program = cache.find(key)
    if program is None:
        problem = Problem(Layout.of(input), Layout.of(weight), Layout.of(out), window,
                          bias is not None)
        program = cache.build(key, lambda: programs.forward(problem))
    if bias is None:
        program.run(input, weight, out)
    else:
        program.run(input, weight, bias, out)
    return out


def forward_kept(input: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, window: Window,
                 out: np.ndarray, kept: Kept) -> np.ndarray:
    """`forward` with the weight in the library's layout, made now or at an earlier call."""
    key = (FORWARD_KEPT, input.shape, input.strides, weight.shape, weight.strides, out.shape,
           out.strides, window, bias is None, input.dtype)
    program, own = cache.find(key), kept.copies.get(key)
    if program is None or own is None:
        problem = Problem(Layout.of(input), Layout.of(weight), Layout.of(out), window,
                          bias is not None)
        program = program or cache.build(key, lambda: programs.forward(problem, kept=True))
        preparing = (LAYOUT, *key[1:])
        own = _laid_out(weight, cache.find(preparing) or cache.build(
            preparing, lambda: programs.weight_layout(problem)))
        kept.add(key, own)
    if bias is None:
        program.run(input, own, out)
    else:
        program.run(input, own, bias, out)
    return out


def _laid_out(weight: np.ndarray, layout: Program) -> np.ndarray:
    """The bytes of the weight as `layout` lays it out."""
    size = max(slot.offset + slot.descriptor.size for slot in layout.slots if slot.array == 1)
    memory = np.empty(size + ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    own = memory[start : start + size]
    layout.run(weight, own)
    return own


def backward_data(grad: np.ndarray, weight: np.ndarray, window: Window, out: np.ndarray
                  ) -> np.ndarray:
    """out = the gradient of the convolution's input, given the gradient of its output."""
    key = (BACKWARD_DATA, grad.shape, grad.strides, weight.shape, weight.strides, out.shape,
           out.strides, window, grad.dtype)
    program = cache.find(key)
    if program is None:
        problem = Problem(Layout.of(out), Layout.of(weight), Layout.of(grad), window, False)
        program = cache.build(key, lambda: programs.backward_data(problem))
    program.run(grad, weight, out)
    return out


def backward_weights(input: np.ndarray, grad: np.ndarray, window: Window, out: np.ndarray,
                     bias: np.ndarray | None = None) -> np.ndarray:
    """out = the gradient of the weight, and `bias`, where given, that of the bias."""
    key = (BACKWARD_WEIGHTS, input.shape, input.strides, grad.shape, grad.strides, out.shape,
           out.strides, window, bias is None, input.dtype)
    program = cache.find(key)
    if program is None:
        problem = Problem(Layout.of(input), Layout.of(out), Layout.of(grad), window,
                          bias is not None)
        program = cache.build(key, lambda: programs.backward_weights(problem))
    if bias is None:
        program.run(input, grad, out)
    else:
        program.run(input, grad, out, bias)
    return out
