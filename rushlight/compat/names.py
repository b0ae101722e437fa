"""The one table of names: which module of Rushlight stands for a module of torch.

A module without a row stands under the same name: `torch.nn.modules.linear` is
`rushlight.nn.modules.linear`.
"""

from __future__ import annotations

import importlib.util

ROOTS = {"torch": "rushlight", "torchvision": "rushlight.vision"}

# Programs compare them, to choose between old and new ways of saying something.
VERSIONS = {"torch": "2.13.0", "torchvision": "0.28.0"}

# Packages of Rushlight's own inside, which torch does not have or has for something else.
OWN = frozenset(("base", "commands", "compat", "engine", "expr", "families", "legacy", "ops",
                 "switches", "tensor"))

_INSIDE = "rushlight.compat.inside."
ELSEWHERE = {
    "torch.__config__": _INSIDE + "configuration",
    "torch.__future__": _INSIDE + "future",
    "torch._C": _INSIDE + "c",
    "torch._C._nn": "rushlight.nn.functional",
    "torch._dynamo": _INSIDE + "dynamo",
    "torch._dynamo.config": _INSIDE + "config",
    "torch._functorch": _INSIDE + "inductor",
    "torch._functorch.config": _INSIDE + "config",
    "torch._inductor": _INSIDE + "inductor",
    "torch._inductor.config": _INSIDE + "config",
    "torch._jit_internal": _INSIDE + "jit_internal",
    "torch._tensor": _INSIDE + "tensor",
    "torch._utils": _INSIDE + "utils",
    "torch._utils_internal": _INSIDE + "utils",
    "torch.autograd.profiler": "rushlight.profiler",
    "torch.cuda.amp.autocast_mode": "rushlight.cuda.amp",
    "torch.cuda.amp.grad_scaler": "rushlight.cuda.amp",
    "torch.cuda.memory": "rushlight.cuda",
    "torch.cuda.random": "rushlight.cuda",
    "torch.fx": _INSIDE + "fx",
    "torch.jit.annotations": _INSIDE + "annotations",
    "torch.jit._script": "rushlight.jit",
    "torch.jit._trace": "rushlight.jit",
    "torch.library": _INSIDE + "library",
    "torch.nn.common_types": _INSIDE + "common_types",
    "torch.nn.modules.adaptive": "rushlight.nn.modules.adaptive_softmax",
    "torch.nn.modules.channelshuffle": "rushlight.nn.modules.pixelshuffle",
    "torch.nn.modules.utils": _INSIDE + "sizes",
    "torch.nn.parallel": _INSIDE + "parallel",
    "torch.nn.parallel.data_parallel": _INSIDE + "parallel",
    "torch.nn.parallel.distributed": _INSIDE + "parallel",
    "torch.ops": _INSIDE + "ops",
    "torch.return_types": _INSIDE + "return_types",
    "torch.storage": _INSIDE + "storage",
    "torch.types": _INSIDE + "types",
    "torch.utils._pytree": "rushlight.utils.pytree",
    "torch.utils.data._utils": "rushlight.utils.data",
    "torch.utils.data._utils.collate": "rushlight.utils.data.collate",
    "torch.utils.data._utils.fetch": "rushlight.utils.data.fetch",
    "torch.utils.data._utils.worker": "rushlight.utils.data.worker_info",
    "torch.version": _INSIDE + "version",
}

# What torch has and Rushlight does not: said where it is asked for.
ABSENT = {
    "torch.ao": "quantised tensors are not there yet",
    "torch.quantization": "quantised tensors are not there yet",
    "torch.nn.quantized": "quantised tensors are not there yet",
    "torch.nn.intrinsic": "quantised tensors are not there yet",
    "torch.sparse": "sparse tensors are not there yet",
    "torch.nested": "nested tensors are not there yet",
    "torch.export": "exporting programs is not there yet; save the state_dict and keep the class",
    "torch.package": "packages of code are not there; save the state_dict and keep the class",
    "torch.monitor": "counters for services are not there; utils.tensorboard writes figures",
    "torch.utils.cpp_extension": "there is no C++ to extend: write the operation in Python (see "
                                 "docs/architecture.md, Adding an operation)",
    "torch.utils.bottleneck": "use Python's cProfile together with rushlight.profiler",
    "torch.utils.mobile_optimizer": "programs for telephones are not there",
}


def resolve(name: str) -> str | None:
    """The module of Rushlight that stands for torch's module `name`; None if there is none."""
    if name in ELSEWHERE:
        return ELSEWHERE[name]
    root, _, rest = name.partition(".")
    parent, _, last = name.rpartition(".")
    if not rest:
        return ROOTS.get(root)
    if root == "torch" and rest.split(".")[0] in OWN:
        return None
    above = resolve(parent)
    if above is None or not _exists(above):
        return None
    found = f"{above}.{last}"
    return found if _exists(found) else None


def _exists(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (ModuleNotFoundError, ValueError):  # its parent is no package, or is just being made
        return False
