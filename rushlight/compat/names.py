"""The one table of names: which module of Rushlight stands for a module of torch.

A module without a row stands under the same name: `torch.nn.modules.linear` is
`rushlight.nn.modules.linear`.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

from rushlight.serialization.torch_names import FILES

ROOTS = {"torch": "rushlight", "torchvision": "rushlight.vision",
         "functorch": "rushlight.compat.inside.functorch"}

# Programs compare them, to choose between old and new ways of saying something.
VERSIONS = {"torch": "2.13.0", "torchvision": "0.28.0", "functorch": "2.13.0"}

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
    "torch._dynamo._trace_wrapped_higher_order_op": _INSIDE + "dynamo",
    "torch._dynamo.eval_frame": _INSIDE + "dynamo",
    "torch._dynamo.config": _INSIDE + "config",
    "torch._guards": _INSIDE + "fake_tensor",
    "torch._functorch": _INSIDE + "inductor",
    "torch._functorch.config": _INSIDE + "config",
    "torch._functorch.vmap": _INSIDE + "vmap",
    "torch._higher_order_ops": _INSIDE + "higher_order_ops",
    "torch._higher_order_ops.associative_scan": _INSIDE + "scan",
    "torch._logging": _INSIDE + "logs",
    "torch._inductor": _INSIDE + "inductor",
    "torch._inductor.config": _INSIDE + "config",
    "torch._jit_internal": _INSIDE + "jit_internal",
    "torch._tensor": _INSIDE + "tensor",
    "torch._tensor_str": _INSIDE + "tensor_str",
    "torch._utils": _INSIDE + "utils",
    "torch._utils_internal": _INSIDE + "utils",
    "torch._C._distributed_c10d": "rushlight.distributed",
    "torch._C._functorch": _INSIDE + "c_functorch",
    "torch._ops": _INSIDE + "ops",
    "torch._prims_common": _INSIDE + "prims_common",
    "torch.autograd.profiler": "rushlight.profiler",
    "torch.profiler.profiler": "rushlight.profiler",
    "torch.cuda.amp.autocast_mode": "rushlight.cuda.amp",
    "torch.cuda.amp.grad_scaler": "rushlight.cuda.amp",
    "torch.cuda.memory": "rushlight.cuda",
    "torch.cuda.random": "rushlight.cuda",
    "torch._subclasses": _INSIDE + "fake_tensor",
    "torch._subclasses.fake_tensor": _INSIDE + "fake_tensor",
    "torch.distributed._composable": _INSIDE + "distributed_parts",
    "torch.distributed._composable.fsdp": _INSIDE + "distributed_parts",
    "torch.distributed._functional_collectives": _INSIDE + "distributed_parts",
    "torch.distributed._tensor": _INSIDE + "distributed_parts",
    "torch.distributed._tensor.experimental": _INSIDE + "distributed_parts",
    "torch.distributed.algorithms": _INSIDE + "distributed_parts",
    "torch.distributed.algorithms.join": _INSIDE + "distributed_parts",
    "torch.distributed.checkpoint": _INSIDE + "distributed_parts",
    "torch.distributed.checkpoint.hf_storage": _INSIDE + "distributed_parts",
    "torch.distributed.constants": "rushlight.distributed",
    "torch.distributed.device_mesh": _INSIDE + "distributed_parts",
    "torch.distributed.distributed_c10d": "rushlight.distributed",
    "torch.distributed.fsdp": _INSIDE + "distributed_parts",
    "torch.distributed.fsdp.wrap": _INSIDE + "distributed_parts",
    "torch.distributed.fsdp.sharded_grad_scaler": _INSIDE + "distributed_parts",
    "torch.distributed.fsdp.fully_sharded_data_parallel": _INSIDE + "distributed_parts",
    "torch.distributed.nn": _INSIDE + "distributed_parts",
    "torch.distributed.nn.functional": _INSIDE + "distributed_parts",
    "torch.distributed.optim": _INSIDE + "distributed_parts",
    "torch.distributed.rpc": _INSIDE + "distributed_parts",
    "torch.distributed.tensor": _INSIDE + "distributed_parts",
    "torch.distributed.tensor.placement_types": _INSIDE + "distributed_parts",
    "torch.distributed.tensor.parallel": _INSIDE + "distributed_parts",
    "torch.distributed.tensor._utils": _INSIDE + "distributed_parts",
    "torch.futures": _INSIDE + "futures",
    "torch.fx.experimental": _INSIDE + "fx",
    "torch.fx.experimental.proxy_tensor": _INSIDE + "fx",
    "torch.fx.experimental.symbolic_shapes": _INSIDE + "fx",
    "torch.jit.annotations": _INSIDE + "annotations",
    "torch.jit._script": "rushlight.jit",
    "torch.jit._trace": "rushlight.jit",
    "torch.library": _INSIDE + "library",
    "torch.masked.maskedtensor.core": "rushlight.masked.maskedtensor",
    "torch.nested._internal": _INSIDE + "nested",
    "torch.nested._internal.nested_tensor": "rushlight.nested.tensor",
    "torch.nn.attention.flex_attention": "rushlight.nn.attention.flex_attention",
    "torch.nn.common_types": _INSIDE + "common_types",
    "torch.nn.modules.adaptive": "rushlight.nn.modules.adaptive_softmax",
    "torch.nn.modules.channelshuffle": "rushlight.nn.modules.pixelshuffle",
    "torch.nn.modules.utils": _INSIDE + "sizes",
    "torch.nn.utils._named_member_accessor": _INSIDE + "member_accessor",
    "torch.nn.parallel": _INSIDE + "parallel",
    "torch.nn.parallel.data_parallel": _INSIDE + "parallel",
    "torch.nn.parallel.distributed": _INSIDE + "parallel",
    "torch.nn.parallel.scatter_gather": _INSIDE + "parallel",
    "torch.ops": _INSIDE + "ops",
    "torch.return_types": _INSIDE + "return_types",
    "torch.storage": _INSIDE + "storage",
    "torch.torch_version": "rushlight.compat.torch_version",
    "torch.types": _INSIDE + "types",
    "torch.utils._contextlib": _INSIDE + "context_managers",
    "torch.utils._foreach_utils": _INSIDE + "foreach",
    "torch.utils._python_dispatch": _INSIDE + "python_dispatch",
    "torch.utils._pytree": _INSIDE + "pytree",
    "torch.utils.data._utils": "rushlight.utils.data",
    "torch.utils.data._utils.collate": "rushlight.utils.data.collate",
    "torch.utils.data._utils.fetch": "rushlight.utils.data.fetch",
    "torch.utils.data._utils.worker": _INSIDE + "worker",
    "torch.utils.flop_counter": _INSIDE + "flop_counter",
    "torch.utils.weak": _INSIDE + "weak",
    "torch.version": _INSIDE + "version",
    "torchvision._internally_replaced_utils": "rushlight.hub",
    "torchvision.datasets.svhn": "rushlight.vision.datasets.digits",
    "torchvision.io.image": "rushlight.vision.io",
    "torchvision.models._api": "rushlight.vision.models",
    "torchvision.models._utils": "rushlight.vision.models.intermediate_layers",
    "torchvision.models.detection._utils": _INSIDE + "vision",
    "torchvision.models.mobilenet": "rushlight.vision.models",
    "torchvision.models.segmentation._utils": _INSIDE + "vision",
    "torchvision.models.utils": "rushlight.hub",
    "torchvision.ops.boxes": "rushlight.vision.ops",
    "torchvision.ops.deform_conv": "rushlight.vision.ops",
    "torchvision.ops.drop_block": "rushlight.vision.ops",
    "torchvision.ops.feature_pyramid_network": "rushlight.vision.ops.feature_pyramid",
    "torchvision.ops.focal_loss": "rushlight.vision.ops",
    "torchvision.ops.misc": "rushlight.vision.ops",
    "torchvision.ops.poolers": "rushlight.vision.ops.feature_pyramid",
    "torchvision.transforms._functional_pil": "rushlight.vision.transforms.functional",
    "torchvision.transforms._functional_tensor": "rushlight.vision.transforms.functional",
    "torchvision.transforms._presets": "rushlight.vision.transforms.presets",
    "torchvision.transforms.functional_tensor": "rushlight.vision.transforms.functional",
}

# Single names that lie in another module here, and some that only programs of old have.
_CHECKS = ("_assert", "_assert_async", "_check", "_check_index", "_check_is_size",
           "_check_not_implemented", "_check_tensor_all", "_check_tensor_all_with", "_check_type",
           "_check_value", "_check_with")
NAMES = {
    **{f"torch.{name}": _INSIDE + "checks" for name in _CHECKS},
    **dict.fromkeys((f"torch.serialization.{name}" for name in (
        "DEFAULT_PROTOCOL", "FILE_LIKE", "FileLike", "MAP_LOCATION", "StorageType")),
        _INSIDE + "serialization"),
    **{f"torch.cuda.{name}": _INSIDE + "cuda" for name in (
        "StreamContext", "_initialized", "graph")},
    **{f"torch.{name}": _INSIDE + "element_types" for name in (
        "chalf", "complex32", "qint32", "qint8", "quint2x4", "quint4x2", "quint8",
        *(f"{kind}{bits}" for kind in ("int", "uint") for bits in range(1, 8)))},
    "torch.utils.data._utils.collate.np_str_obj_array_pattern": _INSIDE + "worker",
    "torch.utils.data.collate.np_str_obj_array_pattern": _INSIDE + "worker",
    "torch.StorageBase": _INSIDE + "storage",
    "torch.Future": _INSIDE + "futures",
    "torch.Event": _INSIDE + "cuda",
    "torch.Stream": _INSIDE + "cuda",
    "torch.ScriptModule": "rushlight.jit",
    "torch._C._nn._parse_to": _INSIDE + "states",
    "torch.nn.functional._parse_to": _INSIDE + "states",
    "torch._utils._get_device_module": _INSIDE + "states",
    "torch._shape_as_tensor": _INSIDE + "states",
    "torch.legacy_contiguous_format": _INSIDE + "states",
    "torch.autograd.profiler.kineto_available": _INSIDE + "states",
    "torch.profiler.kineto_available": _INSIDE + "states",
    "torch.hub._get_torch_home": _INSIDE + "states",
    "torch.hub.tqdm": _INSIDE + "bars",
    "torch.utils.checkpoint.get_device_states": _INSIDE + "states",
    "torch.utils.checkpoint.set_device_states": _INSIDE + "states",
    "torch.utils.swap_tensors": _INSIDE + "states",
    "torch.functional.F": "rushlight.nn.modules.linear",
    "torch.distributed.init_device_mesh": _INSIDE + "distributed_parts",
    "torch.jit.Error": _INSIDE + "jit_internal",
    "torch.jit.TracerWarning": _INSIDE + "jit_internal",
    "torch.jit._overload": _INSIDE + "jit_internal",
    "torch.jit._overload_method": _INSIDE + "jit_internal",
    "torch.nn.modules.module._EXTRA_STATE_KEY_SUFFIX": _INSIDE + "states",
    "torch.nn.modules.module._global_parameter_registration_hooks": _INSIDE + "states",
    "torch.nn.modules.module._IncompatibleKeys": "rushlight.nn.modules.state_dict",
    "torch.PyTorchFileReader": _INSIDE + "serialization",
    "torch.TensorType": _INSIDE + "c",
    "torch.distributions.transforms._InverseTransform": "rushlight.distributions.transform",
    **{f"torch.utils.data.dataloader.{name}": _INSIDE + "worker" for name in (
        "_BaseDataLoaderIter", "_DatasetKind", "_MultiProcessingDataLoaderIter",
        "_SingleProcessDataLoaderIter", "_collate_fn_t", "_worker_init_fn_t")},
    "torchvision.models.vgg.make_layers": _INSIDE + "vision",
    "torch.nn.modules.batchnorm.SyncBatchNorm": "rushlight.nn.modules.sync_batchnorm",
}

# What torch has and Rushlight does not: said where it is asked for.
ABSENT = {
    "torch.ao": "quantised tensors are not there yet",
    "torch.quantization": "quantised tensors are not there yet",
    "torch.nn.quantized": "quantised tensors are not there yet",
    "torch.nn.intrinsic": "quantised tensors are not there yet",
    "torch.export": "exporting programs is not there yet; save the state_dict and keep the class",
    "torch.package": "packages of code are not there; save the state_dict and keep the class",
    "torch.monitor": "counters for services are not there; utils.tensorboard writes figures",
    "torch.utils.cpp_extension": "there is no C++ to extend: write the operation in Python (see "
                                 "docs/architecture.md, Adding an operation)",
    **dict.fromkeys(
        [f"torch.utils.data.{name}" for name in ("datapipes", "IterDataPipe", "MapDataPipe",
                                                 "DFIterDataPipe", "functional_datapipe")],
        "data pipes are left out; write an IterableDataset, or a Dataset with a DataLoader"),
    "torch.utils.bottleneck": "use Python's cProfile together with rushlight.profiler",
    "torch.utils.mobile_optimizer": "programs for telephones are not there",
    "torchvision.models.optical_flow": "RAFT is not there; kornia and others have it in Python",
    "torchvision.models.quantization": "quantised tensors are not there yet; torchvision.models "
                                       "has these nets in float32",
    "torchvision.models.video": "nets for films are not there; timm and pytorchvideo have them in "
                                "Python",
}


def resolve(name: str) -> str | None:
    """The module of Rushlight that stands for torch's module `name`; None if there is none."""
    if name in ELSEWHERE:
        return ELSEWHERE[name]
    if name in NAMES:
        return None
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


def member(name: str) -> Any:
    """What stands for torch's `name`, of the table NAMES and of the families of names.

    Raises AttributeError if it is in neither.
    """
    last = name.rpartition(".")[2]
    if name.startswith("torch._foreach_"):
        return getattr(importlib.import_module(_INSIDE + "foreach"), last)
    # Not for `__path__` and the like, which an import asks of files that are being loaded.
    if name.startswith("torch.nn.modules.") and name not in NAMES and not last.startswith("__"):
        return _class_of_another_file(name)
    if name not in NAMES:
        raise AttributeError(name)
    return getattr(importlib.import_module(NAMES[name]), last)


def _class_of_another_file(name: str) -> Any:
    """A class that torch has in another file of `nn.modules` than Rushlight."""
    place, _, last = name.removeprefix("torch.").rpartition(".")
    for ours, torchs in FILES.items():
        if torchs in (place, "nn.modules") and ours.startswith("nn.modules."):
            # Not by getattr: a module that lacks the name would ask here again.
            found = vars(importlib.import_module(f"rushlight.{ours}")).get(last)
            if isinstance(found, type):
                return found
    raise AttributeError(name)


def _exists(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (ModuleNotFoundError, ValueError):  # its parent is no package, or is just being made
        return False
