"""How libraries written for the Python array API standard find their functions for tensors."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any

from rushlight.families.composite import composite
from rushlight.tensor import Tensor

VERSIONS = ("2021.12", "2022.12", "2023.12")


@composite("Tensor.__array_namespace__")
def __array_namespace__(input: Tensor, *, api_version: str | None = None) -> ModuleType:
    """The functions of the array API standard for tensors: the module `rushlight.array_api`.

    api_version: a version of the standard. Raises ValueError for one after 2023.12.

    >>> import rushlight as rl
    >>> rl.ones(2).__array_namespace__() is rl.array_api
    True
    """
    if api_version is not None and api_version not in VERSIONS:
        raise ValueError(f"version {api_version!r} of the array API standard is not supported: "
                         f"there are {', '.join(VERSIONS)}")
    return import_module("rushlight.array_api")  # a door above this layer, loaded on first use


@composite("Tensor.to_device", samples=lambda x: [(x(2, 3), "cpu")])
def to_device(input: Tensor, device: Any, /, *, stream: Any = None) -> Tensor:
    """`to(device)` under the array API standard's name. Raises ValueError for a stream."""
    if stream is not None:
        raise ValueError("to_device: streams are not supported, every call is finished when it "
                         "returns")
    return input.to(device)
