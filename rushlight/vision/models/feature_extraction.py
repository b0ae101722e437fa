"""The outputs of modules inside a model, by their paths.

torchvision follows a model's program symbolically, so that there every operation has a name. Here
the model runs, and hooks pick up what its modules return: names are those of modules
("layer4", "layer4.1.relu"), with a number for a further call of the same one ("layer4.1.relu_1" is
the second), and operations that are no modules have none.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

from rushlight import nn

Names = Sequence[str] | Mapping[str, str]
_FURTHER_CALL = re.compile(r"(.+)_(\d+)")
_HINT = ("Hint: use `get_graph_node_names` to make sure the `return_nodes` you specified are "
         "present. Names are paths of modules, such as 'layer4.1.relu', with _1, _2, ... for "
         "further calls of the same module; operations that are no modules have none.")


class _Enough(BaseException):
    """Everything wanted is there: the rest of the model need not run."""


def get_graph_node_names(model: nn.Module, tracer_kwargs: Any = None,
                         suppress_diff_warning: bool = False) -> tuple[list[str], list[str]]:
    """The paths of a model's modules, twice: torchvision tells training and evaluation apart.

    The last two arguments are accepted and change nothing.

    >>> import rushlight as rl
    >>> from rushlight.vision.models.feature_extraction import get_graph_node_names
    >>> get_graph_node_names(rl.nn.Sequential(rl.nn.Linear(2, 2), rl.nn.ReLU()))[1]
    ['0', '1']
    """
    names = [name for name, _ in model.named_modules() if name]
    return names, list(names)


def create_feature_extractor(model: nn.Module, return_nodes: Names | None = None,
                             train_return_nodes: Names | None = None,
                             eval_return_nodes: Names | None = None, tracer_kwargs: Any = None,
                             suppress_diff_warning: bool = False) -> nn.Module:
    """A module that gives what modules inside `model` return, in a dict; it shares its weights.

    Args:
        return_nodes: paths of modules, as a list, or a dict from paths to the names of outputs.
        train_return_nodes, eval_return_nodes: both, in its place, where they differ.
        tracer_kwargs, suppress_diff_warning: accepted; they change nothing.

    The model runs only until the last output wanted is there. Raises ValueError for a path that is
    not in the model, and when called, for a module that was not.

    >>> import rushlight as rl
    >>> from rushlight.vision.models import resnet18
    >>> from rushlight.vision.models.feature_extraction import create_feature_extractor
    >>> body = create_feature_extractor(resnet18(), {"layer1": "fine", "layer3": "coarse"})
    >>> {name: tuple(y.shape) for name, y in body(rl.rand(1, 3, 32, 32)).items()}
    {'fine': (1, 64, 8, 8), 'coarse': (1, 256, 2, 2)}
    """
    if (train_return_nodes is None) != (eval_return_nodes is None):
        raise ValueError("If any of `train_return_nodes` and `eval_return_nodes` are specified, "
                         "then both should be specified")
    if (return_nodes is None) == (train_return_nodes is None):
        raise ValueError("Either `return_nodes` or `train_return_nodes` and `eval_return_nodes` "
                         "together, should be specified")
    both = ((return_nodes, return_nodes) if train_return_nodes is None
            else (train_return_nodes, eval_return_nodes))
    return FeatureExtractor(model, *({str(name): str(new) for name, new in nodes.items()}
                                     if isinstance(nodes, Mapping) else
                                     {str(name): str(name) for name in nodes or ()}
                                     for nodes in both))


class FeatureExtractor(nn.Module):
    """What `create_feature_extractor` makes; its parameters have the model's names."""

    def __init__(self, model: nn.Module, train_nodes: Mapping[str, str],
                 eval_nodes: Mapping[str, str]) -> None:
        super().__init__()
        self._model = (model,)  # in a tuple, or its parameters would be here a second time
        for name, child in model.named_children():
            self.add_module(name, child)
        for name, parameter in model.named_parameters(recurse=False):
            self.register_parameter(name, parameter)
        for name, buffer in model.named_buffers(recurse=False):
            self.register_buffer(name, buffer)
        modules = dict(model.named_modules())
        self._wanted = {True: _places(modules, train_nodes), False: _places(modules, eval_nodes)}
        self.training = model.training

    def train(self, mode: bool = True) -> FeatureExtractor:
        """Set the mode, the model's too."""
        super().train(mode)
        self._model[0].training = mode
        return self

    def forward(self, *inputs: Any, **options: Any) -> OrderedDict[str, Any]:
        """The model's arguments give outputs by name."""
        wanted = self._wanted[self.training]
        found: dict[str, Any] = {}
        calls: dict[str, int] = {}

        def watch(path: str) -> Any:
            def hook(_: nn.Module, __: Any, output: Any) -> None:
                number = calls[path] = calls.get(path, -1) + 1
                for new in wanted.get((path, number), ()):
                    found[new] = output
                if len(found) == sum(map(len, wanted.values())):
                    raise _Enough

            return hook

        modules = dict(self._model[0].named_modules())
        handles = [modules[path].register_forward_hook(watch(path)) for path in
                   dict.fromkeys(path for path, _ in wanted)]
        try:
            self._model[0](*inputs, **options)
        except _Enough:
            pass
        finally:
            for handle in handles:
                handle.remove()
        missing = [path for (path, _), names in wanted.items() if not set(names) <= set(found)]
        if missing:
            raise ValueError(f"the model did not call {', '.join(missing)} so often. {_HINT}")
        return OrderedDict((new, found[new]) for names in wanted.values() for new in names)


def _places(modules: Mapping[str, nn.Module],
            nodes: Mapping[str, str]) -> dict[tuple[str, int], list[str]]:
    """From a path and the number of a call to the names of outputs."""
    found: dict[tuple[str, int], list[str]] = {}
    for name, new in nodes.items():
        further = _FURTHER_CALL.fullmatch(name)
        if name in modules and name:
            place = name, 0
        elif further and further[1] in modules:
            place = further[1], int(further[2])
        else:
            raise ValueError(f"node: '{name}' is not present in model. {_HINT}")
        found.setdefault(place, []).append(new)
    return found
