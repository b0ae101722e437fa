"""Tensors of drawn shapes and layouts, to measure an operation over many inputs."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from rushlight import ops
from rushlight.base.dtypes import dtype as _dtype
from rushlight.base.dtypes import float32
from rushlight.families.generator import default_generator
from rushlight.tensor import Tensor

_ATTEMPTS = 1000  # draws for one sample before constraints count as impossible


class ParameterAlias:
    """In a distribution: the value of another parameter."""

    def __init__(self, alias_to: str) -> None:
        self.alias_to = alias_to

    def __repr__(self) -> str:
        return f"ParameterAlias[alias_to: {self.alias_to}]"


class FuzzedParameter:
    """A number, or another value, that is drawn.

    distribution: "uniform" or "loguniform" between minval and maxval (whole numbers where both
    are), or a mapping of values to probabilities that sum to 1. Raises ValueError otherwise.
    """

    def __init__(self, name: str, minval: float | None = None, maxval: float | None = None,
                 distribution: str | Mapping[Any, float] | None = None,
                 strict: bool = False) -> None:
        self.name, self.strict = name, strict
        self._low, self._high = minval, maxval
        if isinstance(distribution, Mapping):
            if abs(sum(distribution.values()) - 1) > 1e-6:
                raise ValueError("Distribution is not normalized: its probabilities sum to "
                                 f"{sum(distribution.values())}")
        elif distribution not in ("uniform", "loguniform"):
            raise ValueError(f"Unknown distribution: {distribution!r} is neither 'uniform', "
                             "'loguniform' nor a mapping of values to probabilities")
        elif minval is None or maxval is None:
            raise ValueError(f"{name}: a {distribution} distribution needs minval and maxval")
        self._distribution = distribution

    def sample(self, state: np.random.RandomState) -> Any:
        """A value drawn with NumPy's generator `state`."""
        if isinstance(self._distribution, Mapping):
            values = list(self._distribution)
            weights = np.array(list(self._distribution.values()))
            return values[state.choice(len(values), p=weights / weights.sum())]
        assert self._low is not None and self._high is not None
        whole = isinstance(self._low, int) and isinstance(self._high, int)
        if self._distribution == "loguniform":
            drawn = 2 ** state.uniform(math.log2(self._low), math.log2(self._high))
            drawn = int(drawn) if whole else drawn
            return drawn if self.strict else min(max(drawn, self._low), self._high)
        return int(state.randint(int(self._low), int(self._high) + 1)) if whole \
            else state.uniform(self._low, self._high)


class FuzzedTensor:
    """A tensor whose `size` and `steps` are numbers or names of parameters.

    probability_contiguous: of an order of memory that is the dimensions'. min_elements,
    max_elements, max_allocation_bytes: other draws are rejected. tensor_constructor: called with
    size and dtype (and the parameters); random numbers by default.
    """

    def __init__(self, name: str, size: Sequence[str | int],
                 steps: Sequence[str | int] | None = None, probability_contiguous: float = 0.5,
                 min_elements: int | None = None, max_elements: int | None = None,
                 max_allocation_bytes: int | None = None, dim_parameter: str | None = None,
                 roll_parameter: str | None = None, dtype: _dtype = float32, cuda: bool = False,
                 tensor_constructor: Callable[..., Tensor] | None = None) -> None:
        self.name = name
        self._size, self._steps = tuple(size), tuple(steps or (1,) * len(size))
        self._contiguous = probability_contiguous
        self._least, self._most = min_elements, max_elements
        self._bytes = max_allocation_bytes
        self._dims, self._roll = dim_parameter, roll_parameter
        self._dtype = dtype
        self._make = tensor_constructor or self.default_tensor_constructor

    @staticmethod
    def default_tensor_constructor(size: Sequence[int], dtype: _dtype, **parameters: Any) -> Tensor:
        """Random numbers: normal ones for floating dtypes, others below 128."""
        if dtype.is_floating_point or dtype.is_complex:
            return ops.rand(*size, dtype=dtype)
        return ops.randint(0, 2 if dtype.itemsize == 1 else 127, tuple(size), dtype=dtype)

    def satisfies_constraints(self, params: Mapping[str, Any]) -> bool:
        """Whether a tensor of these parameters is neither too small nor too large."""
        size, _, allocated = self._sizes(params)
        count = math.prod(size)
        return not ((self._least is not None and count < self._least)
                    or (self._most is not None and count > self._most)
                    or (self._bytes is not None
                        and math.prod(allocated) * self._dtype.itemsize > self._bytes))

    def _sizes(self, params: Mapping[str, Any]) -> tuple[list[int], list[int], list[int]]:
        """Size, steps and the size of the memory that is sliced with those steps."""
        dims = len(self._size) if self._dims is None else params[self._dims]

        def resolved(values: Sequence[str | int]) -> list[int]:
            found = [params[one] if isinstance(one, str) else one for one in values[:dims]]
            return [int(one) for one in found] + [1] * (dims - len(found))

        size, steps = resolved(self._size), resolved(self._steps)
        return size, steps, [n * step for n, step in zip(size, steps, strict=True)]

    def sample(self, params: Mapping[str, Any],
               state: np.random.RandomState) -> tuple[Tensor, dict[str, Any]]:
        """A tensor, and how it lies: its number of elements, order of memory, steps."""
        size, steps, allocated = self._sizes(params)
        made = self._make(size=allocated, dtype=self._dtype, **params)
        order = np.arange(len(size))
        if len(size) > 1 and state.rand() > self._contiguous:
            while (order == np.arange(len(size))).all():
                order = state.permutation(len(size))
            back = tuple(int(i) for i in np.argsort(order))
            made = made.permute(tuple(int(i) for i in order)).contiguous().permute(back)
        made = made[tuple(slice(None, None, step) for step in steps)]
        return made, {"numel": made.numel(), "order": order, "steps": tuple(steps),
                      "is_contiguous": made.is_contiguous(), "dtype": str(self._dtype)}


def _flat(values: Sequence[Any]) -> list[Any]:
    return list(itertools.chain.from_iterable(
        one if isinstance(one, (list, tuple)) else [one] for one in values))


class Fuzzer:
    """Draws parameters, and tensors made from them, until all constraints hold.

    constraints: functions of the parameters, by name. The same seed gives the same samples,
    numbers included: taking them seeds the default generator, as in torch.

    >>> from rushlight.utils.benchmark import FuzzedParameter, FuzzedTensor, Fuzzer
    >>> fuzzer = Fuzzer([FuzzedParameter("k", 2, 8, "uniform")], [FuzzedTensor("x", ("k", 3))],
    ...                 seed=0)
    >>> for tensors, tensor_parameters, parameters in fuzzer.take(1):
    ...     tensors["x"].shape[1], tensor_parameters["x"]["numel"] == 3 * parameters["k"]
    (3, True)
    """

    def __init__(self, parameters: Sequence[Any], tensors: Sequence[Any],
                 constraints: Sequence[Callable[..., bool]] | None = None,
                 seed: int | None = None) -> None:
        self._seed = int(np.random.RandomState().randint(0, 2 ** 31)) if seed is None else seed
        self._parameters: list[FuzzedParameter] = _flat(parameters)
        self._tensors: list[FuzzedTensor] = _flat(tensors)
        self._constraints = list(constraints or ())
        names = [*(one.name for one in self._parameters), *(one.name for one in self._tensors)]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(f"names of parameters and tensors must differ: {sorted(twice)}")
        self._rejected = self._drawn = 0

    def take(self, n: int) -> Iterator[tuple[dict[str, Tensor], dict[str, Any], dict[str, Any]]]:
        """Yield `n` samples: tensors, how each lies, and the parameters, all by name."""
        state = np.random.RandomState(self._seed)
        default_generator.manual_seed(int(state.randint(0, 2 ** 63, dtype=np.int64)))
        for _ in range(n):
            params = self._parameters_that_hold(state)
            tensors, lies = {}, {}
            for one in self._tensors:
                tensors[one.name], lies[one.name] = one.sample(params, state)
            yield tensors, lies, params

    @property
    def rejection_rate(self) -> float:
        """The share of draws that broke a constraint."""
        return self._rejected / self._drawn if self._drawn else 0.0

    def _parameters_that_hold(self, state: np.random.RandomState) -> dict[str, Any]:
        for _ in range(_ATTEMPTS):
            drawn = {one.name: one.sample(state) for one in self._parameters}
            params = {name: _resolved(value, drawn) for name, value in drawn.items()}
            self._drawn += 1
            if all(holds(**params) for holds in self._constraints) and all(
                    one.satisfies_constraints(params) for one in self._tensors):
                return params
            self._rejected += 1
        raise ValueError("Failed to generate a set of valid parameters: none of "
                         f"{_ATTEMPTS} draws satisfied all constraints; widen the parameters, or "
                         "the limits of the tensors")


def _resolved(value: Any, drawn: Mapping[str, Any]) -> Any:
    seen: set[str] = set()
    while isinstance(value, ParameterAlias):
        if value.alias_to in seen:
            raise ValueError(f"the aliases of {value.alias_to} lead to themselves")
        seen.add(value.alias_to)
        value = drawn[value.alias_to]
    return value
