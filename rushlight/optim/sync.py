"""A model that changes while it is trained: its optimizer follows, and keeps what still holds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

from rushlight.autograd import no_grad
from rushlight.ops import zeros
from rushlight.tensor import Tensor

Shape = tuple[int, ...]


class Change(NamedTuple):
    """What became of one parameter: "kept", "resized", "added" or "dropped"."""

    what: str
    name: str
    before: Shape | None
    after: Shape | None

    def __str__(self) -> str:
        shapes = [str(list(shape)) for shape in (self.before, self.after) if shape is not None]
        if self.before == self.after:
            shapes = shapes[:1]
        return f"{self.what:8}{self.name}  {' -> '.join(shapes)}"


class SyncReport(list[Change]):
    """What `optimizer.sync` did, a `Change` for each parameter; prints as a table."""

    def __str__(self) -> str:
        return "\n".join(map(str, self))

    __repr__ = __str__

    def of(self, what: str) -> list[str]:
        """The names of the parameters that were "kept", "resized", "added" or "dropped"."""
        return [change.name for change in self if change.what == what]


class Held(NamedTuple):
    """A parameter that the optimizer has."""

    param: Tensor
    name: str | None
    group: int


def sync(optimizer: Any, models: Iterable[Any]) -> SyncReport:
    """Make the groups and the state of an optimizer those of the models as they are now."""
    named = _named_parameters(models)
    held = _held(optimizer)
    partners = _partners(held, named)
    groups: list[list[tuple[str, Tensor]]] = [[] for _ in optimizer.param_groups]
    state: defaultdict[Any, Any] = defaultdict(dict)
    report, group, waiting = SyncReport(), None, []
    for name, param in named:
        old = partners.get(id(param))
        if old is None and not param.requires_grad:
            continue  # frozen, and never the optimizer's
        if old is None:
            report.append(Change("added", name, None, tuple(param.shape)))
            if group is None:
                waiting.append((name, param))  # joins the group of the first that has one
            else:
                groups[group].append((name, param))
            continue
        group = old.group
        groups[group] += [*waiting, (name, param)]
        waiting.clear()
        report.append(_carry(optimizer, old, name, param, state))
    groups[0] += waiting
    carried = {id(old.param) for old in partners.values()}
    report += [Change("dropped", old.name or f"parameter {i}", tuple(old.param.shape), None)
               for i, old in enumerate(held) if id(old.param) not in carried]
    if not any(groups):
        raise ValueError("optimizer got an empty parameter list: no parameter of the models "
                         "requires a gradient")
    for members, settings in zip(groups, optimizer.param_groups, strict=True):
        settings["params"] = [param for _, param in members]
        settings["param_names"] = [name for name, _ in members]
    optimizer.__setstate__({"state": state, "param_groups": optimizer.param_groups})
    return report


def _named_parameters(models: Iterable[Any]) -> list[tuple[str, Tensor]]:
    """All parameters, each once; names of several models are told apart by a number before them."""
    models = list(models)
    found: dict[int, tuple[str, Tensor]] = {}
    for number, model in enumerate(models):
        if not callable(getattr(model, "named_parameters", None)):
            raise TypeError(f"sync() takes modules, but got a {type(model).__name__}")
        prefix = f"{number}." if len(models) > 1 else ""
        for name, param in model.named_parameters():
            found.setdefault(id(param), (prefix + name, param))
    return list(found.values())


def _held(optimizer: Any) -> list[Held]:
    return [Held(param, name, number) for number, group in enumerate(optimizer.param_groups)
            for param, name in zip(group["params"],
                                   group.get("param_names") or [None] * len(group["params"]),
                                   strict=True)]


def _partners(held: list[Held], named: list[tuple[str, Tensor]]) -> dict[int, Held]:
    """Which of the optimizer's parameters each of the model's was: the same object; else the same
    name; else, where names are not known, the same place between others of the same objects."""
    by_identity = {id(old.param): old for old in held}
    found = {id(param): by_identity[id(param)] for _, param in named if id(param) in by_identity}
    lost = [old for old in held if id(old.param) not in found]
    by_name = {old.name: old for old in lost if old.name is not None}
    for name, param in named:
        if id(param) not in found and name in by_name:
            found[id(param)] = by_name[name]
    if any(old.name is None for old in lost):
        _partners_by_place(held, named, found)
    return found


def _partners_by_place(held: list[Held], named: list[tuple[str, Tensor]],
                       found: dict[int, Held]) -> None:
    """In gaps with as many lost parameters as new ones, of as many dimensions, pair them off."""
    survivors = set(found)
    lost: defaultdict[int, list[Held]] = defaultdict(list)  # by the survivor before them
    new: defaultdict[int, list[Tensor]] = defaultdict(list)
    before = 0
    for old in held:
        if id(old.param) in survivors:
            before = id(old.param)
        else:
            lost[before].append(old)
    before = 0
    for _, param in named:
        if id(param) in survivors:
            before = id(param)
        elif param.requires_grad:
            new[before].append(param)
    for gap, olds in lost.items():
        if [old.param.dim() for old in olds] == [param.dim() for param in new[gap]]:
            found.update((id(param), old) for old, param in zip(olds, new[gap], strict=True))


def _carry(optimizer: Any, old: Held, name: str, param: Tensor,
           state: defaultdict[Any, Any]) -> Change:
    """Move the state of `old` to `param`; what changed."""
    values = optimizer.state.get(old.param)
    before = _shape_of(values, old.param) if old.param is param else tuple(old.param.shape)
    after = tuple(param.shape)
    if values:
        state[param] = {key: _fitted(value, before, after) for key, value in values.items()}
    return Change("kept" if before == after else "resized", name, before, after)


def _shape_of(values: Any, param: Tensor) -> Shape:
    """The shape that a parameter had when its state was made."""
    shapes = [tuple(value.shape) for value in (values or {}).values()
              if isinstance(value, Tensor) and value.dim() == param.dim()]
    return tuple(map(max, zip(*shapes, strict=True))) if shapes else tuple(param.shape)


def _fitted(value: Any, before: Shape, after: Shape) -> Any:
    """State for a parameter of another shape: the common corner; zeros where it is new."""
    if before == after or not isinstance(value, Tensor) or value.dim() != len(before):
        return value
    if value.dim() == 0 or len(before) != len(after):
        return value if value.dim() == 0 else zeros(after, dtype=value.dtype)
    shape = tuple(n if have == full else 1  # 1: one factor for a whole dimension
                  for have, full, n in zip(value.shape, before, after, strict=True))
    with no_grad():
        fitted = value.new_zeros(shape)
        corner = tuple(slice(min(a, b)) for a, b in zip(value.shape, shape, strict=True))
        fitted[corner] = value[corner]
    return fitted
