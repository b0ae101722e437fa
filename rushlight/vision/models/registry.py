"""Models by name: `list_models`, `get_model` and their relatives."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from fnmatch import fnmatch
from types import ModuleType
from typing import Any

from rushlight.vision.models.weights import BUILDERS, WeightsEnum, weights_enum


def register_model(name: str | None = None) -> Callable[[Any], Any]:
    """Make a builder of one's own known to `get_model` and `list_models`."""

    def register(build: Any) -> Any:
        key = build.__name__ if name is None else name
        if key in BUILDERS:
            raise ValueError(f"An entry is already registered under the name '{key}'.")
        BUILDERS[key] = build
        return build

    return register


def list_models(module: ModuleType | None = None, include: Iterable[str] | str | None = None,
                exclude: Iterable[str] | str | None = None) -> list[str]:
    """Names of models, sorted.

    module: only those written in it, or in a module that it holds. include, exclude: patterns
    such as "resnet*".

    >>> from rushlight.vision.models import list_models
    >>> list_models(include="resnet*")
    ['resnet101', 'resnet152', 'resnet18', 'resnet34', 'resnet50']
    """
    names = [name for name, build in BUILDERS.items() if module is None
             or build.__module__.rpartition(".")[0] == module.__name__
             or build.__module__ == module.__name__]
    if include:
        names = [name for name in names if _matches(name, include)]
    return sorted(name for name in names if not (exclude and _matches(name, exclude)))


def _matches(name: str, patterns: Iterable[str] | str) -> bool:
    patterns = [patterns] if isinstance(patterns, str) else patterns
    return any(fnmatch(name, pattern) for pattern in patterns)


def get_model_builder(name: str) -> Callable[..., Any]:
    """The function that builds the model `name`. Raises ValueError for an unknown one."""
    key = name.lower()
    if key not in BUILDERS:
        close = get_close_matches(key, BUILDERS)
        hint = f"; did you mean {' or '.join(close)}?" if close else ""
        raise ValueError(f"Unknown model {name}{hint}")
    return BUILDERS[key]


def get_model(name: str, **config: Any) -> Any:
    """The model `name`, built with `config` (`weights=`, `num_classes=`, ...).

    >>> from rushlight.vision.models import get_model
    >>> get_model("resnet18", num_classes=10).fc
    Linear(in_features=512, out_features=10, bias=True)
    """
    return get_model_builder(name)(**config)


def get_model_weights(name: Callable[..., Any] | str) -> type[WeightsEnum]:
    """The enumeration of the weights of a model, given its name or builder."""
    build: Any = get_model_builder(name) if isinstance(name, str) else name
    if not hasattr(build, "weights_name"):
        raise ValueError(f"{build.__name__} declares no weights")
    return weights_enum(build.weights_name)


def get_weight(name: str) -> WeightsEnum:
    """One set of weights by its full name, such as "ResNet18_Weights.IMAGENET1K_V1".

    >>> from rushlight.vision.models import get_weight
    >>> get_weight("ResNet18_Weights.DEFAULT").meta["num_params"]
    11689512
    """
    enum_name, _, member = name.partition(".")
    if not member:
        raise ValueError(f"Invalid weight name provided: '{name}'.")
    try:
        enum = weights_enum(enum_name)
    except KeyError:
        raise ValueError(f"The weight enum '{enum_name}' for the specific method couldn't be "
                         "retrieved") from None
    return enum.verify(member)
