"""Expressions run by NumPy calls, one per primitive: always right, and the reference in tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import EllipsisType
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from rushlight.backends.host.functions import FUNCTIONS
from rushlight.backends.meta.array import is_meta
from rushlight.expr.expression import Expression, specialise, symbols, walk

Array: TypeAlias = Any  # an np.ndarray; NumPy's stubs know little more of most results
Output = np.ndarray | EllipsisType | None

# Half types are stored, not computed in: intermediate results are float32, as torch's are.
STORAGE_ONLY = frozenset(("float16", "bfloat16"))


def evaluate(root: Expression, inputs: Mapping[str, Array], dtype: np.dtype) -> Array:
    """`root` on arrays named as its symbols, computed in `dtype`; returns a new array."""
    names = list(inputs)
    return HostKernel(root, names, np.dtype(dtype))(*(inputs[name] for name in names))


def kernel(
    root: Expression, names: Sequence[str], dtype: np.dtype | None = None
) -> Callable[..., Array]:
    """A function of arrays, in the order of `names`, that computes `root` as a ufunc would.

    One primitive on the symbols in order is NumPy's own ufunc, where there is one: nothing is
    faster on small arrays. Call it with `out=...`, so that 0-d results stay arrays, and where
    NumPy's floating-point warnings are off. `dtype` is what to compute in; None: what the
    first number among the arrays has.
    """
    function = FUNCTIONS.get(root.name)
    plain = all(x.name == "symbol" for x in root.operands)
    if isinstance(function, np.ufunc) and plain and [x.value for x in root.operands] == [*names]:
        return function
    return HostKernel(root, names, dtype)


class Step(NamedTuple):
    """One NumPy call on numbered values."""

    function: Callable[..., Array]
    operands: tuple[int, ...]
    boolean: bool  # whether it gives truth values
    reusable: tuple[int, ...]  # temporaries that nobody reads afterwards


class Plan(NamedTuple):
    """The steps for one dtype; values are numbered: inputs, constants, results of the steps."""

    steps: list[Step]
    constants: list[Array]
    result: int


class HostKernel:
    """An expression as a function of arrays that broadcast against each other."""

    __slots__ = ("_dtype", "_numbers", "_plans", "_root", "_spreads", "names")

    def __init__(self, root: Expression, names: Sequence[str], dtype: np.dtype | None) -> None:
        self.names = tuple(names)
        self._root = root
        self._dtype = dtype
        self._plans: dict[np.dtype, Plan] = {}
        truths = {x.value for x in walk([root]) if x.name == "symbol" and x.boolean}
        self._numbers = [i for i, name in enumerate(self.names) if name not in truths]
        self._spreads = set(symbols([root])) != set(self.names)

    def __repr__(self) -> str:
        return f"<host kernel {', '.join(self.names)} -> {self._root}>"

    def __call__(self, *arrays: Array, out: Output = ...) -> Array:
        """The expression on `arrays`, into `out` if it is an array; 0-d results stay arrays."""
        if len(arrays) != len(self.names):
            raise TypeError(f"{self!r} takes {len(self.names)} arrays, got {len(arrays)}")
        if any(map(is_meta, arrays)):
            raise ValueError("there are no elements to compute with on the meta device")
        arrays = tuple(map(np.asarray, arrays))
        dtype = self._computed_in(arrays, out)
        target = out if isinstance(out, np.ndarray) else None
        with np.errstate(all="ignore"):
            if dtype.name in STORAGE_ONLY:
                return self._run_half(arrays, dtype, target)
            result = self._run(arrays, dtype, target)
        return _deliver(result, target)

    def _computed_in(self, arrays: tuple[Array, ...], out: Output) -> np.dtype:
        if self._dtype is not None:
            return self._dtype
        if self._numbers:
            first: np.ndarray = arrays[self._numbers[0]]
            return first.dtype
        return out.dtype if isinstance(out, np.ndarray) else np.dtype(np.bool_)

    def _run_half(self, arrays: tuple[Array, ...], dtype: np.dtype, target: Array | None) -> Array:
        single = np.dtype(np.float32)
        wide = tuple(x.astype(single) if x.dtype == dtype else x for x in arrays)
        result = self._run(wide, single, None)
        return _deliver(result.astype(dtype) if result.dtype == single else result, target)

    def _run(self, arrays: tuple[Array, ...], dtype: np.dtype, target: Array | None) -> Array:
        plan = self._plans.get(dtype)
        if plan is None:
            plan = self._plans[dtype] = _plan(self._root, self.names, dtype)
        values: list[Any] = [*arrays, *plan.constants]
        for step in plan.steps:
            last = step is plan.steps[-1]
            values.append(_apply(step, values, dtype, target if last else None))
            for used in step.reusable:
                values[used] = None
        result = values[plan.result]
        if not plan.steps:
            result = result.copy()
        if self._spreads:
            shape = np.broadcast_shapes(*(x.shape for x in arrays))
            result = result if result.shape == shape else np.broadcast_to(result, shape).copy()
        return result


def _deliver(result: Array, target: Array | None) -> Array:
    if target is None or result is target:
        return result
    np.copyto(target, result, casting="same_kind")
    return target


def _apply(step: Step, values: list[Any], dtype: np.dtype, target: Array | None) -> Array:
    """One step; its result has the dtype of the kernel, whatever NumPy promotes to."""
    operands = [values[i] for i in step.operands]
    expected = np.dtype(np.bool_) if step.boolean else dtype
    if not isinstance(step.function, np.ufunc):
        result = np.asarray(step.function(*operands))
    elif target is not None and target.dtype == expected:
        return step.function(*operands, out=target)
    else:
        result = step.function(*operands, out=_dying(step, values, operands, expected))
    if dtype.kind == "c" or result.dtype == expected:
        return result
    return result.astype(expected)


def _dying(step: Step, values: list[Any], operands: list[Array], expected: np.dtype) -> Output:
    """A temporary that can hold the result, or `...` for a new array."""
    if expected.kind != "c":
        for i in step.reusable:
            buffer: np.ndarray = values[i]
            if buffer.dtype == expected and all(
                x.ndim == 0 or x.shape == buffer.shape for x in operands
            ):
                return buffer
    return ...


def _plan(root: Expression, names: tuple[str, ...], dtype: np.dtype) -> Plan:
    root = specialise(root, dtype.kind == "c")
    nodes = walk([root])
    place: dict[Expression, int] = {}
    given = {name: i for i, name in enumerate(names)}
    fixed = [x for x in nodes if x.name == "constant"]
    calls = [x for x in nodes if x.operands]
    for node in nodes:
        if node.name == "symbol":
            place[node] = given[str(node.value)]
    for i, node in enumerate([*fixed, *calls], start=len(names)):
        place[node] = i
    last_use = {x: node for node in calls for x in node.operands}
    owned = {node for node in calls if isinstance(FUNCTIONS[node.name], np.ufunc)}
    steps = [
        Step(
            _cast(dtype) if node.name == "cast" else FUNCTIONS[node.name],
            tuple(place[x] for x in node.operands),
            node.boolean,
            tuple({place[x] for x in node.operands if x in owned and last_use[x] is node}),
        )
        for node in calls
    ]
    return Plan(steps, [_constant(x, dtype) for x in fixed], place[root])


def _cast(dtype: np.dtype) -> Callable[[Array], Array]:
    """Truth values as numbers: real ones, which mix with complex ones without a change."""
    real = np.empty(0, dtype).real.dtype
    return lambda x: x.astype(real if x.dtype == np.bool_ else x.dtype)


def _constant(node: Expression, dtype: np.dtype) -> Array:
    """A constant in the dtype of the kernel, so that nothing is promoted; integers wrap."""
    value = node.value
    if node.boolean:
        return np.array(value, np.bool_)
    if isinstance(value, complex):
        if dtype.kind != "c":
            raise TypeError(f"the constant {value} does not fit a kernel of {dtype}")
        return np.array(value, dtype)
    if dtype.kind == "c":
        return np.array(value, np.empty(0, dtype).real.dtype)
    if dtype.kind in "iu":
        if value != int(value):  # type: ignore[call-overload]
            raise TypeError(f"the constant {value} is no integer, in a kernel of {dtype}")
        bits = 8 * dtype.itemsize
        return np.array(int(value) % 2**bits, f"u{dtype.itemsize}").view(dtype)  # type: ignore
    return np.array(value, dtype)
