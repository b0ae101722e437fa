"""Trained weights of models, by name: where they are, what they expect, what they tell apart.

`weights.json` lists those that torchvision offers, with their addresses, the preprocessing they
were trained with and their measured accuracy; `classes.json` the names of their classes. Weights
come from there, from a mirror (`RUSHLIGHT_WEIGHTS_MIRROR`, the address of a folder of the same
files), or from a local file (.pth, .pt or .safetensors) given in their place.
"""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cache, partial, wraps
from pathlib import Path
from typing import Any, TypeVar

from rushlight import hub
from rushlight.serialization import load, load_file
from rushlight.vision.transforms import presets

HERE = Path(__file__).parent
MIRROR = "RUSHLIGHT_WEIGHTS_MIRROR"
M = TypeVar("M", bound=Callable[..., Any])

BUILDERS: dict[str, Callable[..., Any]] = {}  # the register of models


@dataclass(frozen=True)
class Weights:
    """One set of weights: its address, a callable that makes its preprocessing, what is known."""

    url: str
    transforms: Callable[..., Any]
    meta: dict[str, Any] = field(hash=False)


class WeightsEnum(Enum):
    """The sets of weights of one model; `DEFAULT` is the best."""

    @classmethod
    def verify(cls, obj: Any) -> Any:
        """A member, given it or its name; None for None. Raises TypeError for another's weights."""
        if obj is None or isinstance(obj, cls):
            return obj
        if isinstance(obj, str):
            try:
                return cls[obj.replace(f"{cls.__name__}.", "")]
            except KeyError:
                raise ValueError(f"{cls.__name__} has no weights {obj!r}; it has "
                                 f"{', '.join(cls.__members__)}. A local file ends in .pth, .pt or "
                                 ".safetensors") from None
        raise TypeError(f"Invalid Weight class provided; expected {cls.__name__} but received "
                        f"{type(obj).__name__}.")

    def get_state_dict(self, progress: bool = True, check_hash: bool = True,
                       **options: Any) -> Mapping[str, Any]:
        """The weights, downloaded on first use to the folder of `hub.get_dir()`.

        Raises URLError, naming the file's place, where they cannot be reached.
        """
        url, mirror = self.url, os.environ.get(MIRROR)
        if mirror:
            url = f"{mirror.rstrip('/')}/{url.rpartition('/')[2]}"
        return hub.load_state_dict_from_url(url, progress=progress, check_hash=check_hash,
                                            **options)

    @property
    def url(self) -> str:
        """Where the file is."""
        return self.value.url

    @property
    def transforms(self) -> Callable[..., Any]:
        """A callable that makes the preprocessing these weights were trained with."""
        return self.value.transforms

    @property
    def meta(self) -> dict[str, Any]:
        """"categories" (names of classes), "num_params", "_metrics" (measured accuracy), ..."""
        return self.value.meta

    def __repr__(self) -> str:
        return f"{type(self).__name__}.{self.name}"


@cache
def _listed(file: str) -> dict[str, Any]:
    return json.loads((HERE / file).read_text(encoding="utf-8"))


@cache
def weights_enum(name: str) -> type[WeightsEnum]:
    """The enumeration `ResNet18_Weights`, ... from the list."""
    members: dict[str, Weights] = {}
    for member, fact in _listed("weights.json")[name].items():
        if "alias" in fact:
            members[member] = members[fact["alias"]]
            continue
        meta: dict[str, Any] = {"num_params": fact["num_params"], "_metrics": fact["metrics"]}
        if "classes" in fact:
            meta["categories"] = _listed("classes.json")[fact["classes"]]
        if "keypoints" in fact:
            meta["keypoint_names"] = _listed("classes.json")[fact["keypoints"]]
        if "min_size" in fact:
            size = fact["min_size"]
            meta["min_size"] = size if isinstance(size, int) else tuple(size)
        preset = partial(getattr(presets, fact["preset"]), **fact["options"])
        members[member] = Weights(fact["url"], preset, meta)
    return WeightsEnum(name, members, module="rushlight.vision.models", qualname=name)


def attribute(module: str, name: str) -> Any:
    """What modules answer for names that they do not have: enumerations, made when asked for."""
    if name.endswith("_Weights") and name in _listed("weights.json"):
        return weights_enum(name)
    raise AttributeError(f"module {module!r} has no attribute {name!r}")


def model(weights_name: str, load: Callable[..., Any] | None = None,
          **with_weights: Any) -> Callable[[M], M]:
    """Register a function that builds a model, and let it take `weights=` and `progress=`.

    Args:
        weights_name: the enumeration of its weights.
        load: called with the function, the published state, the member and the options, in place
            of building and loading.
        with_weights: options of the function that published weights ask for; a callable is given
            the weights.

    `weights` is then a member of the enumeration, its name, or a local file. A file named as a
    published one is taken to be it. `is_trained`, where the function has such a parameter, is
    whether weights are given; `weights_backbone` is None where they are.
    """

    def declare(build: M) -> M:
        parameters = inspect.signature(build).parameters

        @wraps(build)
        def built(*, weights: Any = None, progress: bool = True, **options: Any) -> Any:
            weights = _chosen(weights_name, weights, options)
            if "is_trained" in parameters:
                options["is_trained"] = weights is not None
            if weights is None:
                return build(**options)
            if "weights_backbone" in parameters:
                options["weights_backbone"] = None
            published = _published(weights_name, weights)
            if published is not None:
                classes = published.meta.get("categories")
                known = {} if classes is None else {"num_classes": len(classes)}
                _demand(options, {**known, **with_weights}, published)
            state = (weights.get_state_dict(progress=progress, check_hash=True)
                     if isinstance(weights, WeightsEnum) else _from_file(weights))
            if published is not None and load is not None:
                return load(build, state, published, **options)
            made = build(**options)
            made.load_state_dict(state)
            return made

        keyword = inspect.Parameter.KEYWORD_ONLY
        own = [each if each.kind == each.VAR_KEYWORD else each.replace(kind=keyword)
               for each in parameters.values() if each.name != "is_trained"]
        built.__signature__ = inspect.Signature([  # type: ignore[attr-defined]
            inspect.Parameter("weights", keyword, default=None),
            inspect.Parameter("progress", keyword, default=True), *own])
        built.weights_name = weights_name  # type: ignore[attr-defined]
        BUILDERS[build.__name__] = built
        module = build.__globals__  # type: ignore[attr-defined]  # the enumeration lies there too
        module.setdefault("__getattr__", partial(attribute, module["__name__"]))
        return built  # type: ignore[return-value]

    return declare


def _chosen(name: str, weights: Any, options: dict[str, Any]) -> Any:
    """A member, a path, or None; `pretrained=` as older programs give it."""
    if options.pop("pretrained", False):
        weights = "DEFAULT" if weights is None else weights
    if "pretrained_backbone" in options and not options.pop("pretrained_backbone"):
        options["weights_backbone"] = None
    is_file = isinstance(weights, os.PathLike) or (
        isinstance(weights, str) and weights.endswith((".pth", ".pt", ".safetensors")))
    return weights if is_file else weights_enum(name).verify(weights)


def _published(name: str, weights: Any) -> WeightsEnum | None:
    """The member, also for a local file of its name; None for a file of one's own."""
    if isinstance(weights, WeightsEnum):
        return weights
    stem = Path(weights).stem
    return next((each for each in weights_enum(name) if Path(each.url).stem == stem), None)


def _demand(options: dict[str, Any], wanted: dict[str, Any], weights: WeightsEnum) -> None:
    """Set what the weights ask for; refuse what contradicts it."""
    for name, value in wanted.items():
        value = value(weights) if callable(value) else value
        if options.get(name) is None:
            options[name] = value
        elif options[name] != value:
            raise ValueError(f"The parameter '{name}' expected value {value} but got "
                             f"{options[name]} instead: {weights} are of that model")


def _from_file(path: Any) -> Mapping[str, Any]:
    """The state in a local file."""
    if os.fspath(path).endswith(".safetensors"):
        return load_file(path)
    state = load(path, map_location="cpu")
    return state.get("model", state) if isinstance(state, dict) else state
