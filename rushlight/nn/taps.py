"""Taps: the outputs of named submodules, out of one call of a model."""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Any

from rushlight.autograd.nested import tensors_in
from rushlight.base.errors import describe_site
from rushlight.engine.node import SITE
from rushlight.nn.modules.hooks import RemovableHandle
from rushlight.nn.modules.module import Module
from rushlight.tensor import Tensor


class Tapped(dict[str, Any]):
    """Outputs by the paths of their modules."""

    def __missing__(self, path: str) -> Any:
        have = ", ".join(self) or "none"
        raise KeyError(f"no output of {path!r}: it is not tapped, or did not run in this call; "
                       f"there are: {have}")


class _Stop(BaseException):
    """Ends the call when every tap has its output; no program's `except Exception` meets it."""

    def __init__(self, owner: taps) -> None:
        super().__init__("the taps have what they want")
        self.owner = owner


class taps:  # noqa: N801 - used as a function
    """The outputs of submodules in one call of a model, by path.

    Args:
        model: any Module.
        wanted: a path as in `named_modules` ("layer3.0.conv1"; "" is the model itself), a pattern
            with * ? [] ("layer*.conv?"; * takes dots too), a class of modules, or a list of these.
        stop: end the call as soon as every tapped module has run: what follows is not computed,
            and an enclosing `with` block ends there.

    As a function of the model's arguments it returns a dict; as a context manager it gives a dict
    that calls inside the block fill. A module that runs more than once in a call has the list of
    its outputs. Outputs are the model's own tensors, not copies: gradients flow through them, and
    backward() leaves theirs in `.grad`. An output that the model overwrites in place afterwards
    is reported by a warning. No hook stays behind, whatever happens.

    Raises ValueError where nothing has a wanted path, TypeError for other things than the above.

    >>> import rushlight as rl
    >>> model = rl.nn.Sequential(rl.nn.Linear(4, 3), rl.nn.ReLU(), rl.nn.Linear(3, 2))
    >>> found = rl.taps(model, ["0", rl.nn.ReLU])(rl.ones(5, 4))
    >>> {path: tuple(output.shape) for path, output in found.items()}
    {'0': (5, 3), '1': (5, 3)}
    >>> with rl.taps(model, "*") as found:
    ...     model(rl.ones(5, 4)).sum().backward()
    >>> found["1"].grad.shape
    torch.Size([5, 3])
    """

    def __init__(self, model: Module, wanted: Any, *, stop: bool = False) -> None:
        if not isinstance(model, Module):
            raise TypeError(f"taps() needs a Module, got {type(model).__name__}")
        self.model, self.stop = model, stop
        self.modules = find_modules(model, wanted)
        self._handles: list[RemovableHandle] = []
        self._found = Tapped()
        self._versions: list[tuple[str, Tensor, int]] = []

    def __call__(self, *args: Any, **kwargs: Any) -> Tapped:
        """Run the model on the arguments and return the outputs."""
        with self as found:
            self.model(*args, **kwargs)
        return found

    def __enter__(self) -> Tapped:
        if self._handles:
            raise RuntimeError("these taps are in use already: make others for a nested block")
        self._found, self._versions = Tapped(), []
        try:
            begin = self.model.register_forward_pre_hook(self._begin, prepend=True)
            self._handles.append(begin)
            for path, module in self.modules.items():
                self._handles.append(module.register_forward_hook(self._hook(path)))
        except BaseException:
            self._remove()
            raise
        return self._found

    def __exit__(self, kind: Any, error: Any, trace: Any) -> bool:
        self._remove()
        for path, tensor, version in self._versions:
            if kind is None and tensor._writes is not None and tensor._version != version:
                warnings.warn(
                    f"the output of {path!r} was overwritten in place after it was tapped, at "
                    f"{describe_site(tensor._writes[SITE])}; what the taps hold is "
                    "the later value. Tap the module that wrote, or make that step out of place",
                    UserWarning, stacklevel=2)
        self._versions = []
        return isinstance(error, _Stop) and error.owner is self

    def _remove(self) -> None:
        while self._handles:
            self._handles.pop().remove()

    def _begin(self, module: Module, args: Any) -> None:
        """A new call of the model: what an earlier one left is dropped."""
        self._found.clear()
        self._versions.clear()

    def _hook(self, path: str) -> Any:
        def hook(module: Module, args: Any, output: Any) -> None:
            self._keep(path, output)
            if self.stop and len(self._found) == len(self.modules):
                raise _Stop(self)

        return hook

    def _keep(self, path: str, output: Any) -> None:
        for tensor in tensors_in(output):
            if tensor.requires_grad:
                tensor.retain_grad()
            self._versions.append((path, tensor, tensor._version))
        if path not in self._found:
            self._found[path] = output
        elif isinstance(self._found[path], _Several):
            self._found[path].append(output)
        else:
            self._found[path] = _Several([self._found[path], output])


class _Several(list[Any]):
    """The outputs of a module that ran several times."""


def find_modules(model: Module, wanted: Any) -> dict[str, Module]:
    """The modules of `model` that paths, patterns or classes name, in the model's order."""
    several = isinstance(wanted, Iterable) and not isinstance(wanted, str | type)
    requests = list(wanted) if several else [wanted]
    everything = dict(model.named_modules(remove_duplicate=True))
    chosen: set[str] = set()
    for request in requests:
        chosen |= _matching(everything, request)
    return {path: module for path, module in everything.items() if path in chosen}


def _matching(everything: dict[str, Module], request: Any) -> set[str]:
    if isinstance(request, type) and issubclass(request, Module):
        found = {path for path, module in everything.items() if isinstance(module, request)}
    elif not isinstance(request, str):
        raise TypeError("a tap is a path, a pattern or a class of modules, got "
                        f"{type(request).__name__}")
    elif request in everything:
        return {request}
    else:
        found = {path for path in everything if path and fnmatchcase(path, request)}
    if not found:
        name = request if isinstance(request, str) else request.__name__
        near = difflib.get_close_matches(str(name), everything, n=3, cutoff=0.5)
        hint = f"; did you mean {', '.join(map(repr, near))}?" if near else ""
        raise ValueError(f"no module of {type(everything['']).__name__} is at or matches "
                         f"{name!r}{hint or ';'} named_modules() lists the paths")
    return found
