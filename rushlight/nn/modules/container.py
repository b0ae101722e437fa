"""Containers of modules: in sequence, as a list, by name."""

from __future__ import annotations

import operator
import warnings
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rushlight.nn.modules.module import Module


class Container(Module):
    """Modules given by name; deprecated, as a Module itself takes them.

    >>> import rushlight as rl
    >>> list(rl.nn.Container(act=rl.nn.ReLU()).named_children())
    [('act', ReLU())]
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__()
        warnings.warn("`nn.Container` is deprecated: a `nn.Module` takes submodules itself.",
                      FutureWarning, stacklevel=2)
        for key, value in kwargs.items():
            self.add_module(key, value)


class _Numbered(Module):
    """Submodules named "0", "1", ...; what Sequential and ModuleList have in common."""

    def _place(self, index: int) -> int:
        """``index`` as a place from 0, negative ones counted from the end."""
        index = operator.index(index)
        size = len(self)
        if not -size <= index < size:
            raise IndexError(f"index {index} is out of range")
        return index % size

    def _renumber(self) -> None:
        modules = self._modules.values()
        self._modules = {str(place): module for place, module in enumerate(modules)}

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules.values())

    def _insert(self, index: int, module: Module) -> None:
        for place in range(len(self), index, -1):
            self._modules[str(place)] = self._modules[str(place - 1)]
        self._modules[str(index)] = module


class Sequential(_Numbered):
    """Calls its modules one after the other, each on what the one before returned.

    Takes modules, or one OrderedDict from name to module.

    >>> import rushlight as rl
    >>> rl.nn.Sequential(rl.nn.Linear(4, 8), rl.nn.ReLU(), rl.nn.Linear(8, 2))
    Sequential(
      (0): Linear(in_features=4, out_features=8, bias=True)
      (1): ReLU()
      (2): Linear(in_features=8, out_features=2, bias=True)
    )
    """

    def __init__(self, *args: Any) -> None:
        super().__init__()
        if len(args) == 1 and isinstance(args[0], OrderedDict):
            for name, module in args[0].items():
                self.add_module(name, module)
        else:
            for place, module in enumerate(args):
                self.add_module(str(place), module)

    def forward(self, input: Any) -> Any:
        for module in self._modules.values():
            input = module(input)
        return input

    def _name(self, index: int) -> str:
        return list(self._modules)[self._place(index)]

    def __getitem__(self, idx: int | slice) -> Any:
        if isinstance(idx, slice):
            return type(self)(OrderedDict(list(self._modules.items())[idx]))
        return self._modules[self._name(idx)]

    def __setitem__(self, idx: int, module: Module) -> None:
        setattr(self, self._name(idx), module)

    def __delitem__(self, idx: int | slice) -> None:
        if isinstance(idx, slice):
            for name in list(self._modules)[idx]:
                delattr(self, name)
        else:
            delattr(self, self._name(idx))
        self._renumber()

    def append(self, module: Module) -> Sequential:
        """Add ``module`` at the end; returns the container."""
        self.add_module(str(len(self)), module)
        return self

    def pop(self, key: int | slice) -> Any:
        """Take out the module or modules at ``key`` and return them."""
        module = self[key]
        del self[key]
        return module

    def insert(self, index: int, module: Module) -> Sequential:
        """Put ``module`` before place ``index``; returns the container."""
        if not isinstance(module, Module):
            raise AssertionError(f"module should be of type: {Module}")
        size = len(self)
        if not -size <= index <= size:
            raise IndexError(f"Index out of range: {index}")
        self._insert(index + size if index < 0 else index, module)
        return self

    def extend(self, sequential: Iterable[Module]) -> Sequential:
        """Add all modules of an iterable at the end; returns the container."""
        for module in sequential:
            self.append(module)
        return self

    def __add__(self, other: Sequential) -> Sequential:
        self._check_addend(other)
        return Sequential(*self, *other)

    def __iadd__(self, other: Sequential) -> Sequential:
        self._check_addend(other)
        return self.extend(list(other))

    def _check_addend(self, other: Any) -> None:
        if not isinstance(other, Sequential):
            raise ValueError(
                "add operator supports only objects of Sequential class, "
                f"but {type(other)} is given."
            )

    def __mul__(self, other: int) -> Sequential:
        self._check_factor(other)
        return Sequential(*(list(self) * other))

    __rmul__ = __mul__

    def __imul__(self, other: int) -> Sequential:
        self._check_factor(other)
        return self.extend(list(self) * (other - 1))

    def _check_factor(self, other: Any) -> None:
        if not isinstance(other, int):
            raise TypeError(f"unsupported operand type(s) for *: {type(self)} and {type(other)}")
        if other <= 0:
            raise ValueError(f"Non-positive multiplication factor {other} for {type(self)}")


class ModuleList(_Numbered):
    """A list of modules that are registered, so that their parameters are found.

    >>> import rushlight as rl
    >>> layers = rl.nn.ModuleList([rl.nn.Linear(10, 10) for _ in range(3)])
    >>> layers.append(rl.nn.ReLU())
    ModuleList(
      (0-2): 3 x Linear(in_features=10, out_features=10, bias=True)
      (3): ReLU()
    )
    """

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.extend(modules)

    def __getitem__(self, idx: int | slice) -> Any:
        if isinstance(idx, slice):
            return type(self)(list(self._modules.values())[idx])
        return self._modules[str(self._place(idx))]

    def __setitem__(self, idx: int, module: Module) -> None:
        setattr(self, str(self._place(idx)), module)

    def __delitem__(self, idx: int | slice) -> None:
        if isinstance(idx, slice):
            for place in range(len(self))[idx]:
                delattr(self, str(place))
        else:
            delattr(self, str(self._place(idx)))
        self._renumber()

    def append(self, module: Module) -> ModuleList:
        """Add ``module`` at the end; returns the container."""
        self.add_module(str(len(self)), module)
        return self

    def pop(self, key: int | slice) -> Any:
        """Take out the module or modules at ``key`` and return them."""
        module = self[key]
        del self[key]
        return module

    def insert(self, index: int, module: Module) -> None:
        """Put ``module`` before place ``index``, as ``list.insert``."""
        place, _, _ = slice(index, None).indices(len(self))
        self._insert(place, module)

    def extend(self, modules: Iterable[Module]) -> ModuleList:
        """Add all modules of an iterable at the end; returns the container."""
        if not isinstance(modules, Iterable):
            raise TypeError(
                "ModuleList.extend should be called with an iterable, "
                f"but got {type(modules).__name__}"
            )
        start = len(self)
        for place, module in enumerate(modules, start):
            self.add_module(str(place), module)
        return self

    def __iadd__(self, modules: Iterable[Module]) -> ModuleList:
        return self.extend(modules)

    def __add__(self, other: Iterable[Module]) -> ModuleList:
        return ModuleList(list(self) + list(other))

    def __repr__(self) -> str:
        """As a module's, equal neighbours shown once with their number."""
        runs: list[list[Any]] = []  # [first place, last place, what is shown]
        for place, shown in enumerate(map(repr, self)):
            if runs and runs[-1][2] == shown:
                runs[-1][1] = place
            else:
                runs.append([place, place, shown])
        if not runs:
            return f"{self._get_name()}()"
        lines = []
        for first, last, shown in runs:
            if first == last:
                line = f"({first}): {shown}"
            else:
                line = f"({first}-{last}): {last - first + 1} x {shown}"
            lines.append("  " + line.replace("\n", "\n  "))
        return f"{self._get_name()}(\n" + "\n".join(lines) + "\n)"


class ModuleDict(Module):
    """Modules by name, in insertion order.

    >>> import rushlight as rl
    >>> choices = rl.nn.ModuleDict({"relu": rl.nn.ReLU(), "tanh": rl.nn.Tanh()})
    >>> choices["tanh"](rl.zeros(1))
    tensor([0.])
    """

    def __init__(self, modules: Mapping[str, Module] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.update(modules)

    def __getitem__(self, key: str) -> Module:
        return self._modules[key]

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        del self._modules[key]

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __contains__(self, key: str) -> bool:
        return key in self._modules

    def clear(self) -> None:
        """Remove all modules."""
        self._modules.clear()

    def pop(self, key: str) -> Module:
        """Remove the module ``key`` and return it."""
        module = self[key]
        del self[key]
        return module

    def keys(self) -> Any:
        """The names."""
        return self._modules.keys()

    def items(self) -> Any:
        """Pairs of name and module."""
        return self._modules.items()

    def values(self) -> Any:
        """The modules."""
        return self._modules.values()

    def update(self, modules: Any) -> None:
        """Add from a mapping, another ModuleDict, or pairs of name and module."""
        for key, module in pairs("ModuleDict", "ModuleDict", modules):
            self[key] = module


def pairs(kind: str, name: str, items: Any) -> Iterable[tuple[str, Any]]:
    """The (key, value) pairs of a mapping or an iterable of pairs, checked."""
    if not isinstance(items, Iterable):
        raise TypeError(
            f"{name}.update should be called with an iterable of key/value pairs, "
            f"but got {type(items).__name__}"
        )
    if hasattr(items, "items"):
        return list(items.items())
    found = []
    for place, item in enumerate(items):
        where = f"{kind} update sequence element #{place}"
        if not isinstance(item, Iterable):
            raise TypeError(f"{where} should be Iterable; is{type(item).__name__}")
        if len(item) != 2:
            raise ValueError(f"{where} has length {len(item)}; 2 is required")
        found.append((item[0], item[1]))
    return found
