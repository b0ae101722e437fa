"""Constructors by name: a wrong call of a layer is reported as a call of that layer."""

from __future__ import annotations

from types import FunctionType
from typing import Any

# Families whose errors name the base in torch too.
BASES = {"_AdaptiveAvgPoolNd", "_AdaptiveMaxPoolNd", "_BatchNorm", "_DropoutNd", "_InstanceNorm",
         "_LPPoolNd", "_LazyNormBase", "_Loss", "_MaxPoolNd", "_WeightedLoss", "Module"}


def name_constructor(cls: Any) -> None:
    """Give a layer that inherits its constructor a copy that bears the layer's name.

    Otherwise `Conv2d()` is told what `_Conv.__init__()` misses, a name no program mentions.
    """
    inherited = cls.__init__
    if cls.__name__[0] == "_" and cls.__name__ != "_BatchNorm":
        return
    if "__init__" in vars(cls) or inherited.__qualname__.split(".")[0] in BASES:
        return
    copied = FunctionType(inherited.__code__, inherited.__globals__, "__init__",
                          inherited.__defaults__, inherited.__closure__)
    copied.__kwdefaults__ = inherited.__kwdefaults__
    copied.__annotations__ = inherited.__annotations__
    copied.__doc__ = inherited.__doc__
    copied.__module__ = cls.__module__
    copied.__qualname__ = f"{cls.__name__}.__init__"
    cls.__init__ = copied
