"""Names of classes and functions in whole objects: torch's, so that either library opens the file.

A module saved whole refers to its class by name. Ours are written by the names that torch has for
them, and torch's are looked up here; what only Rushlight has keeps its own name.
"""

from __future__ import annotations

import sys
from importlib import import_module
from operator import attrgetter
from typing import Any

OWN, TORCH = "rushlight.", "torch."
VISION = ("rushlight.vision", "torchvision")
# The packages whose classes torch has under the same names.
MIRRORED = ("rushlight.nn.", "rushlight.optim.", "rushlight.distributions.",
            "rushlight.utils.data.")
# Files of ours (or packages, which end in a point) whose classes lie elsewhere in torch.
FILES = {
    "nn.modules.adaptive_pooling": "nn.modules.pooling",
    "nn.modules.adaptive_softmax": "nn.modules.adaptive",
    "nn.modules.attention": "nn.modules.activation",
    "nn.modules.cross_map_lrn": "nn.modules.normalization",
    "nn.modules.lazy_layers": "nn.modules",
    "nn.modules.linear_cross_entropy": "nn.modules",
    "nn.modules.margin_loss": "nn.modules.loss",
    "nn.modules.parameter_container": "nn.modules.container",
    "nn.modules.pixelshuffle": "nn.modules",
    "nn.modules.rnn_cell": "nn.modules.rnn",
    "nn.modules.softmax": "nn.modules.activation",
    "nn.modules.sync_batchnorm": "nn.modules.batchnorm",
    "nn.parallel": "nn",
    "nn.uninitialized": "nn.parameter",
    "optim.lr_scheduler.": "optim.lr_scheduler",
    "distributions.elementwise_transforms": "distributions.transforms",
    "distributions.joined_transforms": "distributions.transforms",
    "distributions.transform": "distributions.transforms",
    "distributions.vector_transforms": "distributions.transforms",
    "utils.data.collate": "utils.data",
    "utils.data.worker_info": "utils.data",
}
# Where torch's functions of neural networks say that they are.
FUNCTIONS = {"torch._C._nn": "torch.nn.functional", "torch._VF": "torch"}


def torch_name(value: Any) -> tuple[str, str] | None:
    """The module and name that torch has for a class or function of ours; None for others."""
    module = getattr(value, "__module__", None)
    name = getattr(value, "__qualname__", None)
    if not isinstance(module, str) or not isinstance(name, str) or not module.startswith(OWN):
        return None
    if module.startswith("rushlight.ops."):
        functional = sys.modules.get("rushlight.nn.functional")  # loaded where its users are
        found = getattr(functional, name, None) is value
        return ("torch.nn.functional" if found else "torch"), name
    if module.startswith(VISION[0]):
        return VISION[1] + module.removeprefix(VISION[0]), name
    if not f"{module}.".startswith(MIRRORED):
        return None
    place = module.removeprefix(OWN)
    if not name.startswith("_"):  # what is private in a file is only there
        package = place.rpartition(".")[0] + "."
        place = FILES.get(place) or FILES.get(package) or place
    return TORCH + place, name


def counterpart(module: str, name: str) -> Any:
    """The object here that has the place of torch's. Raises LookupError if there is none."""
    module = FUNCTIONS.get(module, module)
    root, _, rest = module.partition(".")
    place = VISION[0] if root == VISION[1] else "rushlight"
    below = place
    place = f"{place}.{rest}" if rest else place
    while len(place) >= len(below):  # another file here is still in one of the packages above
        try:
            return attrgetter(name)(import_module(place))
        except (ImportError, AttributeError):
            place = place.rpartition(".")[0]
    raise LookupError(f"{module}.{name}")
