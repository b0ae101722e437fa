"""Weights of convolutions kept channels last."""

from __future__ import annotations

from typing import Any, TypeVar

from rushlight.autograd import no_grad
from rushlight.nn.modules.conv import Conv2d, Conv3d, ConvTranspose2d, ConvTranspose3d
from rushlight.nn.modules.module import Module

ModuleT = TypeVar("ModuleT", bound=Module)


def convert_conv2d_weight_memory_format(module: ModuleT, memory_format: Any) -> ModuleT:
    """Store the weights of all 2d convolutions inside `module` in `memory_format`.

    Values, shapes and results stay; returns the module.

    >>> import rushlight as rl
    >>> conv = rl.nn.Conv2d(3, 4, 2)
    >>> convert = rl.nn.utils.convert_conv2d_weight_memory_format
    >>> convert(conv, rl.channels_last).weight.stride()
    (12, 1, 6, 3)
    """
    return _converted(module, memory_format, (Conv2d, ConvTranspose2d))


def convert_conv3d_weight_memory_format(module: ModuleT, memory_format: Any) -> ModuleT:
    """:func:`convert_conv2d_weight_memory_format` for 3d convolutions, as channels_last_3d."""
    return _converted(module, memory_format, (Conv3d, ConvTranspose3d))


def _converted(module: ModuleT, memory_format: Any, kinds: tuple[type, ...]) -> ModuleT:
    with no_grad():
        for layer in module.modules():
            if isinstance(layer, kinds):
                weight: Any = layer.weight
                weight.data = weight.detach().clone().contiguous(memory_format=memory_format)
    return module
