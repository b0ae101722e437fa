"""What libraries over torch ask for when they are imported and used: each a class of failures."""

from __future__ import annotations

import importlib
import sys
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rushlight as rl
from rushlight import compat, nn
from rushlight.compat import inside


@pytest.fixture(scope="module")
def torch() -> Iterator[Any]:
    if any(name.split(".")[0] in ("torch", "torchvision") for name in sys.modules):
        pytest.skip("the real torch is imported already")
    compat.install()
    import torch as installed
    yield installed
    compat.uninstall()


def test_names_that_lie_elsewhere(torch: Any) -> None:
    from torch.nn.modules.batchnorm import SyncBatchNorm
    from torch.nn.modules.module import _IncompatibleKeys
    from torch.serialization import MAP_LOCATION
    assert SyncBatchNorm is nn.SyncBatchNorm
    assert type(nn.Linear(1, 1).load_state_dict({}, strict=False)) is _IncompatibleKeys
    assert MAP_LOCATION is not None
    assert torch.torch is torch
    with pytest.raises(ImportError, match="not in Rushlight"):
        from torch.nn.modules.module import nothing  # noqa: F401


@pytest.mark.parametrize("place", [
    "activation.MultiheadAttention", "activation.Softmax", "container.ParameterList",
    "conv.LazyConv2d", "linear.LazyLinear", "loss.TripletMarginLoss", "pooling.AdaptiveAvgPool2d",
    "linear.NonDynamicallyQuantizableLinear", "normalization.CrossMapLRN2d", "rnn.LSTMCell",
    "rnn.RNNCellBase", "batchnorm.SyncBatchNorm"])
def test_classes_of_nn_by_torchs_files(torch: Any, place: str) -> None:
    file, name = place.split(".")
    module = importlib.import_module(f"torch.nn.modules.{file}")
    assert getattr(module, name).__name__ == name


def test_a_program_may_say_which_of_torchs_classes_a_file_holds(torch: Any,
                                                                tmp_path: Path) -> None:
    model = torch.nn.TransformerEncoder(torch.nn.TransformerEncoderLayer(4, 2), 1)
    torch.save(model, tmp_path / "model.pt")
    trusted = {type(module) for module in model.modules()}
    with torch.serialization.safe_globals([*trusted, torch.nn.functional.relu]):
        again = torch.load(tmp_path / "model.pt")
    x = torch.randn(3, 2, 4)
    assert again.eval()(x).equal(model.eval()(x))


def test_the_bar_of_hub_walks_along_with_and_without_tqdm(torch: Any,
                                                          monkeypatch: Any) -> None:
    from torch.hub import tqdm
    assert list(tqdm([1, 2], disable=True)) == [1, 2]
    monkeypatch.setitem(sys.modules, "tqdm", None)
    with torch.hub.tqdm(range(3), desc="epoch") as bar:
        for _ in bar:
            bar.set_postfix(loss=1)
    assert bar.n == 3


def test_annotations_of_modules_can_be_evaluated() -> None:
    class Model(nn.Linear):
        config: int

    assert typing.get_type_hints(Model)["config"] is int


def test_packages_that_are_modules_here_have_their_submodules(torch: Any) -> None:
    import torch.nn.attention.flex_attention as flex
    q = rl.arange(12.0).view(1, 1, 4, 3)
    mask = flex.create_block_mask(lambda b, h, i, j: i >= j, None, None, 4, 4)
    found = flex.flex_attention(q, q, q, block_mask=mask)
    expected = nn.functional.scaled_dot_product_attention(q, q, q, is_causal=True)
    assert rl.allclose(found, expected)


def test_foreach(torch: Any) -> None:
    a, b = [rl.tensor([1.0, 4.0]), rl.tensor([9.0])], [rl.tensor([2.0, 3.0]), rl.tensor([1.0])]
    assert [x.tolist() for x in torch._foreach_add(a, b, alpha=2)] == [[5.0, 10.0], [11.0]]
    assert [x.tolist() for x in torch._foreach_maximum(a, b)] == [[2.0, 4.0], [9.0]]
    assert [x.item() for x in torch._foreach_norm([rl.tensor([3.0, 4.0])])] == [5.0]
    assert torch._foreach_mul_(a, [2.0, 3.0]) is None
    torch._foreach_addcdiv_(a, b, [rl.tensor([2.0, 1.0]), rl.tensor([1.0])], -1.0)
    torch._foreach_sqrt_(a)
    assert a[0].tolist() == pytest.approx([1.0, 5.0 ** 0.5])
    assert a[1].tolist() == pytest.approx([26.0 ** 0.5])
    with pytest.raises(RuntimeError, match="same number of tensors"):
        torch._foreach_add(a, b[:1])
    with pytest.raises(AttributeError):
        torch._foreach_nothing


def test_checks_raise_their_type(torch: Any) -> None:
    torch._check(True)
    with pytest.raises(RuntimeError, match="too long"):
        torch._check(False, lambda: "too long")
    with pytest.raises(AssertionError, match="odd"):
        torch._assert(False, "odd")
    torch._check_tensor_all_with(ValueError, torch.tensor([True, True]))
    with pytest.raises(ValueError, match="some are not"):
        torch._check_tensor_all_with(ValueError, torch.tensor([True, False]),
                                     lambda: "some are not")


def test_futures(torch: Any) -> None:
    first: Any = torch.futures.Future()
    after = first.then(lambda done: done.wait() + 1)
    both = torch.futures.collect_all([first, after])
    first.set_result(2)
    assert after.wait() == 3 and [f.value() for f in both.wait()] == [2, 3]


def test_functorch_modules_as_functions(torch: Any) -> None:
    import functorch
    models = [nn.Linear(3, 2) for _ in range(4)]
    call, params, buffers = functorch.combine_state_for_ensemble(models)
    x = rl.randn(5, 3)
    outputs = functorch.vmap(call, in_dims=(0, 0, None))(params, buffers, x)
    assert rl.allclose(outputs, rl.stack([m(x) for m in models]), atol=1e-6)


def test_floats_of_eight_bits_are_stored_and_converted() -> None:
    x = rl.tensor([0.5, -1.25, 3.0]).to(rl.float8_e4m3fn)
    assert x.dtype is rl.float8_e4m3fn and x.element_size() == 1
    assert x.to(rl.bfloat16).tolist() == [0.5, -1.25, 3.0]
    with pytest.raises(RuntimeError, match="Promotion for Float8 Types is not supported"):
        x + rl.ones(3)


def test_element_types_without_tensors_are_named(torch: Any) -> None:
    assert isinstance(torch.complex32, torch.dtype) and torch.complex32.is_complex
    with pytest.raises(NotImplementedError, match="no tensors of this type"):
        torch.zeros(2, dtype=torch.complex32)


def test_the_older_name_of_the_row_major_format(torch: Any) -> None:
    x = torch.ones(2, 3).t()
    made = torch.zeros_like(x, memory_format=torch.legacy_contiguous_format)
    assert torch.legacy_contiguous_format is torch.contiguous_format and made.is_contiguous()


def test_optimizers_that_wrap_another(torch: Any) -> None:
    class Wrapper(torch.optim.Optimizer):
        def __init__(self, inner: Any) -> None:
            self.inner = inner
            self._patch_step_function()

        def step(self, closure: Any = None) -> Any:
            return self.inner.step(closure)

    p = nn.Parameter(rl.ones(2))
    p.grad = rl.ones(2)
    Wrapper(torch.optim.SGD([p], 0.5)).step()
    assert p.tolist() == [0.5, 0.5]


def test_custom_operations_take_arguments_by_name(torch: Any) -> None:
    @torch.library.custom_op("ours::scaled", mutates_args=())
    def scaled(x: Any, factor: float = 2.0) -> Any:
        return x * factor

    scaled.register_autograd(lambda ctx, g: (g * 10, None))
    x = rl.ones(2, requires_grad=True)
    torch.ops.ours.scaled(x, factor=3.0).sum().backward()
    assert x.grad is not None and x.grad.tolist() == [10.0, 10.0]


def test_associative_scan(torch: Any) -> None:
    from torch._higher_order_ops.associative_scan import associative_scan
    x = rl.arange(1.0, 8.0)
    assert associative_scan(rl.mul, x, 0).tolist() == x.cumprod(0).tolist()
    assert associative_scan(rl.add, x, 0, reverse=True).tolist() \
        == x.flip(0).cumsum(0).flip(0).tolist()


def test_storages_of_files_and_their_parts(tmp_path: Path) -> None:
    path = tmp_path / "bytes"
    np.arange(6, dtype=np.float32).tofile(path)
    storage = rl.UntypedStorage.from_file(str(path), False, 24)
    assert rl.asarray(storage[8:16], dtype=rl.uint8).view(rl.float32).tolist() == [2.0, 3.0]
    assert len(storage) == 24 and storage[0] == 0
    with pytest.raises(RuntimeError, match="unable to open file"):
        rl.UntypedStorage.from_file(str(tmp_path / "missing"), False, 4)


def test_parameters_of_a_librarys_own_kind() -> None:
    class Kind(nn.Parameter):
        def __new__(cls, data: Any) -> Any:
            return rl.Tensor._make_subclass(cls, data, True)

    p = Kind(rl.ones(2))
    (p * 2).sum().backward()
    assert type(p) is Kind and p.is_leaf and p.grad is not None and p.grad.tolist() == [2.0, 2.0]
    assert isinstance(p, nn.Parameter)


def test_dictionaries_by_identity(torch: Any) -> None:
    from torch.utils.weak import WeakIdKeyDictionary
    x, y = rl.ones(2), rl.ones(2)
    names = WeakIdKeyDictionary()
    names[x], names[y] = "x", "y"
    assert names[x] == "x" and names[y] == "y" and len(names) == 2
    del y
    assert len(names) == 1


def test_text_of_tensors(torch: Any) -> None:
    import torch._tensor_str
    assert torch._tensor_str._str(rl.ones(2)) == "tensor([1., 1.])"


def test_cuda_types_are_there_for_tests(torch: Any) -> None:
    assert not isinstance(rl.ones(1), torch.cuda.FloatTensor)
    with pytest.raises(TypeError, match="not available"):
        torch.cuda.FloatTensor(2)
    assert torch.cuda._initialized is False


def test_operations_of_aten_are_keys_of_tables(torch: Any) -> None:
    from torch.utils._python_dispatch import TorchDispatchMode
    aten, counts = torch.ops.aten, {}
    table = {aten.mm: "product", aten.add: "sum"}

    class Counting(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (),
                               kwargs: Any = None) -> Any:
            kind = table.get(func.overloadpacket)
            counts[kind] = counts.get(kind, 0) + 1
            return func(*args, **(kwargs or {}))

    with torch.no_grad(), Counting():
        x = torch.ones(2, 2) @ torch.ones(2, 2) + 1
        torch.sin(x).add(x)
    assert counts["product"] == 1 and counts["sum"] == 2
    assert aten.mm is aten.mm and aten.mm.default._overloadpacket is aten.mm
    assert str(aten.mm) == "aten.mm" and repr(aten.mm) == "<OpOverloadPacket(op='aten.mm')>"


def test_modules_have_no_names_that_they_lack(torch: Any) -> None:
    for module in (inside, *[m for n, m in list(sys.modules.items()) if n.startswith("torch")]):
        getattr(module, "no_such_name", None)  # pickle asks every module so: nothing is raised
    assert not hasattr(inside, "no_such_name")


def test_the_size_of_a_storage_is_that_of_its_memory(torch: Any) -> None:
    for storage in (torch.zeros(1000).untyped_storage(), torch.zeros(1000).storage()):
        assert 4000 <= sys.getsizeof(storage) < 4400


@pytest.mark.parametrize("statement", [
    # What transformers, diffusers and accelerate import where torch.distributed is available.
    "from torch.distributed.checkpoint.hf_storage import HuggingFaceStorageReader",
    "from torch.distributed.tensor.placement_types import _StridedShard",
    "from torch.distributed.fsdp.wrap import transformer_auto_wrap_policy",
    "from torch.distributed.fsdp.fully_sharded_data_parallel import FullyShardedDataParallel",
    "from torch.distributed.device_mesh import DeviceMesh, init_device_mesh",
    "from torch.distributed.tensor import DTensor, Replicate, Shard, distribute_tensor"])
def test_divided_models_are_named_and_refused(statement: str, torch: Any) -> None:
    names: dict[str, Any] = {}
    exec(statement, names)
    assert torch.distributed.is_available()
    if "DTensor" in names or "HuggingFaceStorageReader" in names:
        kind = names.get("DTensor") or names["HuggingFaceStorageReader"]
        assert not isinstance(torch.ones(1), kind)
        with pytest.raises(RuntimeError, match="divided between processes are left out"):
            kind("here")


def test_packages_are_whole_for_who_walks_through_them(torch: Any) -> None:
    kinds = {name for name, kind in torch.optim.__dict__.items()
             if isinstance(kind, type) and issubclass(kind, torch.optim.Optimizer)}
    assert {"Adam", "SGD", "LBFGS", "SparseAdam"} <= kinds  # pyro makes its own of each
    assert torch.nn.__dict__["Linear"] is torch.nn.Linear and "Transformer" in vars(torch.nn)


def test_memory_is_freed_by_setting_none() -> None:
    x = rl.ones(3)
    assert x.set_() is x and x.shape == (0,) and x.dtype is rl.float32


def test_torchvisions_inside_that_model_zoos_take(torch: Any) -> None:
    from torch.functional import F  # what editors import by mistake
    from torchvision._internally_replaced_utils import load_state_dict_from_url
    from torchvision.models.detection._utils import BoxCoder, Matcher, retrieve_out_channels
    from torchvision.models.mobilenet import mobilenet_v2
    from torchvision.models.segmentation._utils import _SimpleSegmentationModel
    from torchvision.ops.feature_pyramid_network import FeaturePyramidNetwork, LastLevelMaxPool
    from torchvision.ops.poolers import MultiScaleRoIAlign

    from rushlight import vision
    assert F is nn.functional and load_state_dict_from_url is rl.hub.load_state_dict_from_url
    assert MultiScaleRoIAlign is vision.ops.MultiScaleRoIAlign
    assert FeaturePyramidNetwork is vision.ops.FeaturePyramidNetwork
    assert issubclass(LastLevelMaxPool, nn.Module) and callable(BoxCoder((1, 1, 1, 1)).encode)
    assert Matcher(0.5, 0.3)(rl.tensor([[0.9, 0.1]])).tolist() == [0, -1]
    assert retrieve_out_channels(nn.Conv2d(3, 5, 1), (8, 8)) == [5]
    assert isinstance(vision.models.segmentation.fcn_resnet50(weights_backbone=None),
                      _SimpleSegmentationModel)
    assert mobilenet_v2 is vision.models.mobilenet_v2


@pytest.mark.parametrize("name", ["video", "optical_flow", "quantization"])
def test_nets_that_are_left_out_say_so(name: str, torch: Any) -> None:
    with pytest.raises(ModuleNotFoundError, match="not there"):
        importlib.import_module(f"torchvision.models.{name}")
    with pytest.raises(ModuleNotFoundError, match="not there"):
        importlib.import_module(f"torchvision.models.{name}.resnet")
