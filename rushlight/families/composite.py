"""Composite ops: plain Python in terms of other ops, which bring their gradients along."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight.families.declaration import Declaration, register


def composite(paths: str) -> Callable[[Callable], Any]:
    """Declare a function of tensors under the torch `paths`; returns the function itself.

    A bare name stands for the function and, unless it is private, the method.
    """

    def declare(function: Any) -> Any:
        declaration = Declaration(function.__name__, "composite", function)
        declaration.function = declaration.op = function
        for path in paths.split():
            holder, _, name = path.rpartition(".")
            register(declaration, path, function)
            if not holder and not name.startswith("_"):
                register(declaration, f"Tensor.{name}", function)
        return function

    return declare


def function(paths: str) -> Callable[[Callable], Any]:
    """Declare a function that is no method (a creation function, say) under `paths`."""

    def declare(body: Any) -> Any:
        declaration = Declaration(body.__name__, "function", body)
        declaration.function = declaration.op = body
        for path in paths.split():
            register(declaration, path, body)
        return body

    return declare
