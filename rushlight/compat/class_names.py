"""Classes by torch's names: `type(layer)` prints `torch.nn.modules.linear.Linear` under the alias.

Only `__module__` changes, to where `import` finds the same class, so pickles that name it open.
What is loaded when the alias is switched on is renamed then, other modules as they are loaded.
"""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType
from typing import Any

from rushlight.base.first_use import names_so_far
from rushlight.base.structure import Structure
from rushlight.compat.names import ELSEWHERE, OWN
from rushlight.serialization.torch_names import torch_name

_ROOT = "rushlight."
# Classes of ours whose place in torch the names of their files do not say.
PLACES = {
    "torch": """
        base.device.device base.dtypes.dtype base.dtypes.finfo base.dtypes.iinfo base.shapes.Size
        cuda.streams.OutOfMemoryError devices.AcceleratorError ops.symbolic_numbers.SymBool
        ops.symbolic_numbers.SymFloat ops.symbolic_numbers.SymInt tensor._tensor.Tensor
        tensor.storage.layout tensor.storage.memory_format""",
    "torch._C": "families.generator.Generator",
    "torch._dynamo.eval_frame": "nn.optimized.OptimizedModule",
    "torch.autograd.graph": """
        autograd.gradient_edge.GradientEdge autograd.saved_tensors.save_on_cpu
        autograd.saved_tensors.saved_tensors_hooks engine.node.Node""",
    "torch.autograd.profiler": "profiler.profile.record_function",
    "torch.fx.graph": "fx.writing.CodeGen",
    "torch.linalg": "ops.linear_triangular.LinAlgError",
    "torch.masked.maskedtensor.core": "masked.maskedtensor.MaskedTensor",
    "torch.nn.modules.batchnorm": "nn.modules.lazy_layers.LazyBatchNorm",
    "torch.nn.modules.conv": "nn.modules.lazy_layers.LazyConv",
    "torch.nn.modules.instancenorm": "nn.modules.lazy_layers.LazyInstanceNorm",
    "torch.nn.modules.linear": "nn.modules.lazy_layers.LazyLinear",
    "torch.nn.modules.channelshuffle": "nn.modules.pixelshuffle.ChannelShuffle",
    "torch.nn.modules.pixelshuffle": """
        nn.modules.pixelshuffle.PixelShuffle nn.modules.pixelshuffle.PixelUnshuffle""",
    "torch.nn.parallel.data_parallel": "nn.parallel.DataParallel",
    "torch.nn.parameter": "tensor._parameter.Buffer tensor._parameter.Parameter",
    "torch.nn.utils.prune": """
        nn.utils.pruning_methods.BasePruningMethod nn.utils.pruning_methods.CustomFromMask
        nn.utils.pruning_methods.Identity nn.utils.pruning_methods.L1Unstructured
        nn.utils.pruning_methods.LnStructured nn.utils.pruning_methods.PruningContainer
        nn.utils.pruning_methods.RandomStructured nn.utils.pruning_methods.RandomUnstructured""",
    "torch.optim": "optim.adafactor.Adafactor optim.muon.Muon",
    "torch.profiler.profiler": "profiler.profile.profile profiler.profile.ProfilerAction",
    "torch.quasirandom": "quasirandom.sobol.SobolEngine",
    "torch.serialization": """
        serialization.options.LoadEndianness serialization.options.set_default_mmap_options""",
    "torch.storage": "tensor.storage.UntypedStorage",
    "torch.utils.checkpoint": "utils.checkpoint_settings.CheckpointError",
}
_PLACE = {path: place for place, paths in PLACES.items() for path in paths.split()}
_own: list[tuple[type, str]] = []


def place_in_torch(kind: type) -> str | None:
    """The module in which torch has the class `kind` of ours; None where it has no place there."""
    if issubclass(kind, Structure):
        return "torch.return_types"
    module = kind.__module__.removeprefix(_ROOT)
    path = f"{module}.{kind.__name__}"
    # The lazy layers of one, two and three dimensions share a row.
    found = _PLACE.get(path) or _PLACE.get(path.rstrip("d").rstrip("123").removesuffix("Transpose"))
    if found is not None:
        return found
    if module.partition(".")[0] in {*OWN, "backends"} or f"torch.{module}" in ELSEWHERE:
        return None
    known = torch_name(kind)
    return f"torch.{module}" if known is None else known[0]


def rename(module: ModuleType) -> None:
    """Give the classes that are defined in a module of ours torch's places."""
    for kind in list(names_so_far(module).values()):
        if isinstance(kind, type) and kind.__module__ == module.__name__:
            _rename(kind)


def _rename(kind: type) -> None:
    place = place_in_torch(kind)
    if place is not None:
        _own.append((kind, kind.__module__))
        kind.__module__ = place


def rename_all() -> None:
    """Rename the classes of every module that is loaded."""
    for name, module in list(sys.modules.items()):
        if name.startswith(_ROOT) and name == getattr(module, "__name__", None):
            rename(module)
    for kind in Structure.__subclasses__():
        if kind.__module__.startswith(_ROOT):
            _rename(kind)


def restore() -> None:
    """Undo every `rename`."""
    while _own:
        kind, module = _own.pop()
        kind.__module__ = module


class _Loader(SourceFileLoader):
    """Loads a module of ours and renames its classes."""

    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        rename(module)


def find(name: str, path: Any) -> ModuleSpec | None:
    """The specification of a module of ours, whose classes are renamed when it is loaded."""
    spec = PathFinder.find_spec(name, path)
    if spec is not None and type(spec.loader) is SourceFileLoader:
        spec.loader = _Loader(spec.loader.name, spec.loader.path)
    return spec
