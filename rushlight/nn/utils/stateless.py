"""A module called with other parameters than its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rushlight.nn.modules.module import Module
from rushlight.tensor import Tensor


def functional_call(
    module: Module,
    parameter_and_buffer_dicts: Mapping[str, Tensor] | tuple[Mapping[str, Tensor], ...],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Call ``module`` with the given tensors in place of its parameters and buffers.

    Paths are those of ``state_dict``. ``tie_weights``: a parameter under several paths is
    replaced under all of them. ``strict=True`` demands every path and no other; else the module
    has further tensors as buffers meanwhile. It is unchanged afterwards. Raises ``RuntimeError``
    for paths that do not fit, ``AttributeError`` for those of no submodule.

    >>> import rushlight as rl
    >>> layer = rl.nn.Linear(1, 1)
    >>> new = {"weight": rl.tensor([[2.0]]), "bias": rl.tensor([1.0])}
    >>> rl.nn.utils.stateless.functional_call(layer, new, rl.tensor([3.0]))
    tensor([7.])
    """
    given = parameter_and_buffer_dicts
    if not isinstance(given, Mapping | list | tuple):
        raise ValueError("Expected parameter_and_buffer_dicts to be a dict, or a list/tuple of "
                         f"dicts, but got {type(given)}")
    tensors = _merged(given) if isinstance(given, list | tuple) else dict(given)
    _check(module, tensors, strict)
    if tie_weights:
        tensors = _with_tied(module, tensors)
    args = () if args is None else args if isinstance(args, tuple) else (args,)
    with _replaced(module, tensors):
        return module(*args, **(kwargs or {}))


def _merged(dictionaries: Any) -> dict[str, Tensor]:
    merged: dict[str, Tensor] = {}
    for dictionary in dictionaries:
        repeated = merged.keys() & dictionary.keys()
        if repeated:
            raise ValueError(f"{sorted(repeated)} appeared in multiple dictionaries")
        merged.update(dictionary)
    return merged


def _members(module: Module) -> dict[str, Tensor]:
    members = dict(module.named_parameters(remove_duplicate=False))
    members.update(module.named_buffers(remove_duplicate=False))
    return members


def _check(module: Module, tensors: dict[str, Tensor], strict: bool) -> None:
    members = _members(module)
    unexpected = [path for path in tensors if path not in members]
    missing = [path for path in members if path not in tensors]
    if strict and (unexpected or missing):
        problems = [f"{kind} key(s): {', '.join(map(repr, sorted(paths)))}."
                    for kind, paths in (("Unexpected", unexpected), ("Missing", missing)) if paths]
        raise RuntimeError(f"Error(s) in reparametrizing for {type(module).__name__}:\n\t"
                           + "\n\t".join(problems))


def _with_tied(module: Module, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """``tensors`` with an entry for every other path of each parameter that it replaces."""
    paths: dict[int, list[str]] = {}
    for path, member in _members(module).items():
        paths.setdefault(id(member), []).append(path)
    tied = dict(tensors)
    for group in paths.values():
        given = [path for path in group if path in tensors]
        if len({id(tensors[path]) for path in given}) > 1:
            raise ValueError(f"functional_call got multiple values for keys {sorted(given)}")
        for path in group if given else ():
            tied[path] = tensors[given[0]]
    return tied


@contextmanager
def _replaced(module: Module, tensors: dict[str, Tensor]) -> Iterator[None]:
    """Within, the registries hold ``tensors``; afterwards what they held before."""
    before: list[tuple[dict, str, Any]] = []
    try:
        for path, tensor in tensors.items():
            parent, _, name = path.rpartition(".")
            owner = module.get_submodule(parent)
            registry = owner._parameters if name in owner._parameters else owner._buffers
            before.append((registry, name, registry.get(name, registry)))
            registry[name] = tensor
        yield
    finally:
        for registry, name, value in reversed(before):
            if value is registry:  # there was nothing of that name
                del registry[name]
            else:
                registry[name] = value
