"""Composite ops: plain Python in terms of other ops, which bring their gradients along."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from rushlight.base.flags import flags
from rushlight.families.declaration import Declaration, Samples, register
from rushlight.families.inplace import title, write_out
from rushlight.families.late_signature import LateSignature, with_keywords
from rushlight.tensor import Tensor


def composite(paths: str, *, out: bool = False, inplace: bool = False,
              samples: Samples | None = None) -> Callable[[Callable[..., Any]], Any]:
    """Declare a function of tensors under the torch `paths`; returns the function itself.

    A bare name stands for the function and, unless it is private, the method. out: the family
    gives it `out=`. inplace: it has in-place forms, which keep shape and dtype. samples: calls
    for the derived tests.
    """

    def declare(body: Any) -> Any:
        declaration = Declaration(body.__name__, "composite", body, samples=samples)
        function = with_out(body) if out else body
        declaration.function = declaration.op = function
        for path in paths.split():
            holder, _, name = path.rpartition(".")
            register(declaration, path, function)
            if holder or name.startswith("_"):
                continue
            register(declaration, f"Tensor.{name}", function)
            if inplace:
                own = in_place_form(body, f"{name}_")
                register(declaration, f"{name}_", own)
                register(declaration, f"Tensor.{name}_", own)
        return function

    return declare


def function(paths: str, *, out: bool = False,
             samples: Samples | None = None) -> Callable[[Callable[..., Any]], Any]:
    """Declare a function that is no method (a creation function, say) under `paths`."""

    def declare(body: Any) -> Any:
        declaration = Declaration(body.__name__, "function", body, samples=samples)
        given = with_out(body) if out else body
        declaration.function = declaration.op = given
        for path in paths.split():
            register(declaration, path, given)
        return given

    return declare


def with_out(body: Callable[..., Any]) -> Any:
    """`body` with a keyword `out`: the tensor, or the tensors, that the result is put into."""
    name = body.__name__

    @functools.wraps(body)
    def function(*args: Any, out: Any = None, **options: Any) -> Any:
        if options:  # NumPy's names, which torch takes as well
            if "axis" in options:
                options["dim"] = options.pop("axis")
            if "keepdims" in options:
                options["keepdim"] = options.pop("keepdims")
        result = body(*args, **options)
        return result if out is None else delivered(result, out, name)

    vars(function).pop("__signature__", None)  # the body's, which knows no `out`
    made: Any = function
    made.__wrapped__ = LateSignature(body, lambda: with_keywords(body, "out"))
    return made


def delivered(result: Any, out: Any, name: str) -> Any:
    """A result put into `out`: one tensor, or a tuple of them."""
    if isinstance(result, Tensor):
        return write_out(out, result._array, name, recorded=result._node is not None)
    if not isinstance(out, tuple | list) or len(out) != len(result):
        raise TypeError(f"{name}(): argument 'out' must be a tuple of {len(result)} tensors, not "
                        f"{type(out).__name__}")
    written = [delivered(r, o, name) for r, o in zip(result, out)]
    return tuple(written) if type(result) is tuple else type(result)(*written)


def in_place_form(body: Callable[..., Any], name: str) -> Any:
    """The form of `body` that puts its result where its first argument is."""

    def function(input: Tensor, *args: Any, **options: Any) -> Tensor:
        before = input
        if flags.grad_enabled:
            for x in (input, *args, *options.values()):
                if isinstance(x, Tensor) and x._node is not None:
                    before = input.clone()  # what the body keeps must survive the write
                    break
        result = body(before, *args, **options)
        if (result._array.dtype is not input._array.dtype
                and result.dtype.category > input.dtype.category):
            raise RuntimeError(f"result type {title(result.dtype)} can't be cast to the desired "
                               f"output type {title(input.dtype)}")
        if result._array.shape != input._array.shape:
            raise RuntimeError(f"output with shape {list(input._array.shape)} doesn't match the "
                               f"broadcast shape {list(result._array.shape)}")
        return input.copy_(result)

    function.__name__ = function.__qualname__ = name
    function.__doc__, function.__module__ = body.__doc__, body.__module__
    function.__signature__ = inspect.signature(body)  # type: ignore[attr-defined]
    return function
