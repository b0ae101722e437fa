"""Random operations inside vmap: an error, one draw for all lanes, or one for each."""

from __future__ import annotations

from typing import Any

from rushlight.families.generator import default_generator
from rushlight.families.wrapped import Call, Level, below, highest, levels, override
from rushlight.ops import stack
from rushlight.tensor import Tensor
from rushlight.transforms.batched import Batched, lowered, raised

# Each element is drawn by itself: all lanes can be drawn at once.
ELEMENTWISE = frozenset("""
    rand_like randn_like randint_like bernoulli poisson dropout native_dropout normal
    uniform_ normal_ log_normal_ exponential_ cauchy_ geometric_ bernoulli_ random_ dropout_
    standard_gamma alpha_dropout alpha_dropout_ binomial rrelu rrelu_
""".split())
SIZED = frozenset(("rand", "randn"))


def draw(call: Call) -> Any:
    """Run a random operation while transforms are running."""
    batched = [level for level in levels.stack if level.size >= 0]
    leaves = call.leaves()
    top = highest(leaves)
    if not batched or _draws_nothing(call):
        return call.plainly() if top is None else override(call)
    level = batched[-1]
    if top is not None and top.level > level.number:
        return override(call)
    if level.randomness == "error":
        raise RuntimeError(
            "vmap: called random operation while in randomness error mode. Please either use the "
            "'same' or 'different' randomness flags on vmap or perform the randomness operation "
            f"out of vmap ({call.name})")
    if call.in_place and level.randomness == "different" and not _is_lane(leaves[0], level):
        raise RuntimeError(
            f"vmap: Cannot ask for different inplace randomness on an unbatched tensor. Use "
            f"{call.name.rstrip('_')} out of place, or randomness='same'")
    with below(level.number):
        if level.randomness == "same":
            return _same(call, level)
        return _different(call, level)


def _draws_nothing(call: Call) -> bool:
    """Whether it is dropout outside training."""
    if "dropout" not in call.name and not call.name.startswith("rrelu"):
        return False
    place = 3 if call.name.startswith("rrelu") else 2
    given: Any = call.options.get("training", call.options.get("train"))
    if given is None and len(call.args) > place:
        given = call.args[place]
    return given is False or (given is None and place == 3)


def _is_lane(x: Any, level: Level) -> bool:
    return isinstance(x, Batched) and x.level == level.number


def _lanes(call: Call, level: Level, index: int) -> Any:
    """The call of one lane."""
    return call(lambda x: x.value[index] if _is_lane(x, level) else x)


def _same(call: Call, level: Level) -> Any:
    """Every lane from the same state of the generator."""
    if not any(_is_lane(x, level) for x in call.leaves()):
        return call()
    generator = call.options.get("generator") or default_generator
    state = generator.get_state()
    results = []
    for index in range(level.size):
        generator.set_state(state)
        results.append(_lanes(call, level, index))
    return call.args[0] if call.in_place else collected(results, level.number)


def _different(call: Call, level: Level) -> Any:
    number, size = level.number, level.size
    if call.name in SIZED and call.args:
        sizes = call.args[0] if isinstance(call.args[0], tuple | list) else call.args
        return raised(call.function((size, *sizes), **call.options), number)
    tensors = [x for x in call.leaves() if isinstance(x, Tensor)]
    if call.name in ELEMENTWISE and tensors:
        ranks = {x._array.ndim for x in tensors}
        if len(ranks) == 1:
            made = call(lambda x: lowered(x, number, size).clone()
                        if isinstance(x, Tensor) and not _is_lane(x, level)
                        else x.value if isinstance(x, Batched) else x)
            if call.in_place:
                return call.args[0]
            return tuple(raised(y, number) for y in made) if isinstance(made, tuple) else raised(
                made, number)
    results = [_lanes(call, level, index) for index in range(size)]
    return call.args[0] if call.in_place else collected(results, number)


def collected(results: list[Any], number: int) -> Any:
    """The lanes' results as one, batched at level `number`."""
    first = results[0]
    if isinstance(first, Tensor):
        return raised(stack(results), number)
    if isinstance(first, tuple | list):
        columns = [collected(list(column), number) for column in zip(*results, strict=True)]
        kind = type(first)
        return kind(columns) if kind in (tuple, list) else kind(*columns)
    return first


__all__ = ["collected", "draw"]
