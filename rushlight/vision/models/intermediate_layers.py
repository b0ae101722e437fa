"""Features from inside a net, for those built on top of it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

from rushlight import nn
from rushlight.tensor import Tensor


class IntermediateLayerGetter(nn.ModuleDict):
    """A net's children up to the last one wanted, run in turn; it gives some of their outputs.

    Args:
        model: its children must be called in the order they were registered in.
        return_layers: from the names of children to those of the outputs.

    Raises ValueError for a name that `model` has no child of.

    >>> import rushlight as rl
    >>> from rushlight.vision.models import resnet18
    >>> from rushlight.vision.models.intermediate_layers import IntermediateLayerGetter
    >>> body = IntermediateLayerGetter(resnet18(), {"layer1": "fine", "layer3": "coarse"})
    >>> {name: tuple(y.shape) for name, y in body(rl.rand(1, 3, 32, 32)).items()}
    {'fine': (1, 64, 8, 8), 'coarse': (1, 256, 2, 2)}
    """

    _version = 2

    def __init__(self, model: nn.Module, return_layers: Mapping[str, str]) -> None:
        children = dict(model.named_children())
        wanted = [str(name) for name in return_layers]
        missing = [name for name in wanted if name not in children]
        if missing:
            raise ValueError(f"return_layers are not present in model: {', '.join(missing)}; it "
                             f"has {', '.join(children)}")
        names = list(children)
        last = max((names.index(name) for name in wanted), default=len(names) - 1)
        super().__init__(OrderedDict((name, children[name]) for name in names[: last + 1]))
        self.return_layers = return_layers

    def forward(self, x: Tensor) -> OrderedDict[str, Tensor]:
        """The outputs wanted, by their new names."""
        named = {str(name): str(new) for name, new in self.return_layers.items()}
        found = OrderedDict()
        for name, layer in self.items():
            x = layer(x)
            if name in named:
                found[named[name]] = x
        return found


def stage_ends(features: nn.Sequential) -> list[int]:
    """Places of a MobileNet's first layer, of the layers that halve the size, and of the last."""
    inside = [i for i, layer in enumerate(features) if getattr(layer, "_is_cn", False)]
    return [0, *inside, len(features) - 1]
