"""Short programs run in both libraries, statement by statement, with what each one gave.

A program is text in which `torch` is the library. The value of every expression statement is
compared, and where a statement raises, the type of the error and its leading words.
"""

from __future__ import annotations

import ast
import collections
import copy
import functools
import importlib
import math
import pickle
import re
import textwrap
import types
import warnings
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest

import rushlight as rl

from .libraries import TOLERANCE, name_of

torch = pytest.importorskip("torch")
for _name in ("nn.attention.bias", "nn.utils.prune"):  # torch loads these only on demand
    importlib.import_module(f"torch.{_name}")
    importlib.import_module(f"rushlight.{_name}")

LEADING = 40  # characters of an error message that programs may match on


class Raised:
    """An error, as it is compared."""

    def __init__(self, error: BaseException) -> None:
        self.kind, self.words = type(error).__name__, neutral(str(error))

    def __repr__(self) -> str:
        return f"{self.kind}: {self.words[:300]}"

    def matches(self, other: Raised) -> bool:
        words = other.words.split("\n")[0].rstrip(" .!")[:LEADING]
        return self.kind == other.kind and self.words.startswith(words)


def neutral(text: str) -> str:
    """`text` without the library's name and places in memory."""
    text = re.sub(r"0x[0-9a-f]+", "0x", text.replace("rushlight", "torch"))
    return re.sub(r"torch\.[\w.]*\.(\w+)", r"torch.\1", text).replace("<locals>.", "")


def run(library: Any, program: str) -> list[tuple[str, Any]]:
    """Every statement of `program` with its value, or with the error it raised."""
    source = textwrap.dedent(program)
    names: dict[str, Any] = {
        "torch": library, "nn": library.nn, "F": library.nn.functional, "np": np, "copy": copy,
        "pickle": pickle, "warnings": warnings, "OrderedDict": OrderedDict, "log": [],
        "functools": functools, "math": math, "collections": collections, "re": re,
        "__name__": __name__, "data": functools.partial(numbers, library)}
    library.manual_seed(0)
    results = []
    with warnings.catch_warnings(), library.random.fork_rng():
        warnings.simplefilter("ignore")
        for statement in ast.parse(source).body:
            text = ast.get_source_segment(source, statement) or ""
            try:
                if isinstance(statement, ast.Expr):
                    code = compile(ast.Expression(statement.value), "<case>", "eval")
                    value = eval(code, names)
                else:
                    module = ast.Module([statement], [])
                    exec(compile(module, "<case>", "exec"), names)
                    value = None
                value = frozen(value)
            except Exception as error:  # what torch raises is what is compared
                value = Raised(error)
            results.append((text, value))
    return results


def numbers(library: Any, *shape: int, seed: int = 0, dtype: str = "float32",
            grad: bool = False) -> Any:
    """Fixed normal numbers as a tensor of `library`."""
    values = np.random.default_rng(seed).standard_normal(shape)
    return library.tensor(values).to(getattr(library, dtype)).requires_grad_(grad)


def frozen(value: Any) -> Any:
    """`value` as it is now, in types that both libraries share."""
    if isinstance(value, rl.Tensor | torch.Tensor):
        return _nested(value) if value.is_nested else _tensor(value)
    if isinstance(value, rl.nn.Module | torch.nn.Module):
        return "module", neutral(repr(value)), value.training, [
            (key, _shape(each)) for key, each in value.state_dict().items()]
    if isinstance(value, dict):
        return type(value).__name__, [(frozen(k), frozen(v)) for k, v in value.items()]
    if isinstance(value, types.GeneratorType | collections.abc.Iterator):
        return [frozen(each) for each in value]
    if isinstance(value, set | frozenset):
        return "set", sorted(map(str, map(frozen, value)))
    if isinstance(value, tuple | list):
        return type(value).__name__, [frozen(each) for each in value]
    if isinstance(value, bool | int | float | complex | Raised | np.ndarray) or value is None:
        return value
    if isinstance(value, type):
        return value.__name__
    if isinstance(value, str):
        return neutral(value)
    if isinstance(value, types.FunctionType | types.BuiltinFunctionType | types.MethodType):
        return "function", value.__name__
    return neutral(repr(value))


def _nested(value: Any) -> tuple:
    return "nested", str(value.layout), value.requires_grad, value.is_leaf, [
        _tensor(each) for each in value.detach().unbind()]


def _shape(value: Any) -> Any:
    try:
        return tuple(value.shape)
    except (AttributeError, RuntimeError):  # a state of another kind, an uninitialized tensor
        return None


def _tensor(value: Any) -> tuple:
    parameter = type(value).__name__.endswith("Parameter")
    try:
        described = ("tensor", name_of(value.dtype), tuple(value.shape), value.requires_grad,
                     parameter, str(value.device), value.is_leaf)
    except Exception:
        return "tensor", type(value).__name__
    if value.device.type == "meta":
        return (*described, None)
    plain = value.detach()
    if name_of(plain.dtype) in ("bfloat16", "float16"):
        plain = plain.float()
    return (*described, np.array(plain.resolve_conj().resolve_neg().numpy()))


def same(ours: Any, theirs: Any, tolerance: float = 2e-5) -> bool:
    """Whether two frozen values are equal, numbers to the tolerance of their dtype."""
    if isinstance(theirs, Raised):
        return isinstance(ours, Raised) and ours.matches(theirs)
    if isinstance(theirs, np.ndarray):
        if not isinstance(ours, np.ndarray) or ours.shape != theirs.shape:
            return False
        if theirs.dtype.kind not in "fc":
            return bool(np.array_equal(ours, theirs))
        finite = np.abs(theirs[np.isfinite(theirs)])
        scale = max(1.0, float(finite.max())) if finite.size else 1.0
        return bool(np.allclose(ours, theirs, tolerance, tolerance * scale, equal_nan=True))
    if isinstance(theirs, tuple) and theirs[:1] == ("tensor",) and len(theirs) > 2:
        if not isinstance(ours, tuple) or ours[:-1] != theirs[:-1]:
            return False
        return same(ours[-1], theirs[-1], TOLERANCE.get(theirs[1], 0.0))
    if isinstance(theirs, tuple | list):
        return (type(ours) is type(theirs) and len(ours) == len(theirs)
                and all(same(a, b, tolerance) for a, b in zip(ours, theirs, strict=True)))
    if isinstance(theirs, float):
        return isinstance(ours, float) and (
            ours == theirs or abs(ours - theirs) <= 1e-5 * max(1.0, abs(theirs))
            or (ours != ours and theirs != theirs))
    return type(ours) is type(theirs) and bool(ours == theirs)


def differences(program: str) -> list[str]:
    """What rushlight does differently from torch in `program`, a text for each statement."""
    found = []
    for (text, ours), (_, theirs) in zip(run(rl, program), run(torch, program), strict=True):
        if not same(ours, theirs):
            found.append(f">>> {text}\n  torch: {theirs!r}\n  ours:  {ours!r}")
    return found
