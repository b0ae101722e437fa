"""Names of torch that are read as attributes of modules within modules."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from rushlight import compat, nn


@pytest.fixture(scope="module")
def torch() -> Iterator[Any]:
    if any(name.split(".")[0] in ("torch", "torchvision") for name in sys.modules):
        pytest.skip("the real torch is imported already")
    compat.install()
    import torch as installed
    yield installed
    compat.uninstall()


def test_parallel_classes_are_found_as_attributes(torch: Any) -> None:
    options = (torch.nn.parallel.DistributedDataParallel, torch.nn.DataParallel)
    assert not isinstance(nn.Linear(1, 1), options)
    with pytest.raises(ValueError, match="Default process group has not been initialized"):
        torch.nn.parallel.DistributedDataParallel(nn.Linear(1, 1))
    from torch.nn.parallel.distributed import DistributedDataParallel
    assert DistributedDataParallel is options[0]


def test_hidden_dimensions_of_containers(torch: Any) -> None:
    from torch._functorch.vmap import _add_batch_dim, _maybe_remove_batch_dim, _remove_batch_dim
    x = torch.arange(6.0).view(2, 3)
    lane = _add_batch_dim(x, 1, 1)
    assert lane.shape == (2,) and torch._C._functorch.is_batchedtensor(lane)
    assert _remove_batch_dim(lane, 1, 3, 1).tolist() == x.tolist()
    assert _maybe_remove_batch_dim("f", lane, 1, 3, 0).tolist() == x.t().tolist()
    with pytest.raises(ValueError, match="must only return Tensors, got type"):
        _maybe_remove_batch_dim("f", 1, 1, 3, 0)


def test_elements_as_text(torch: Any) -> None:
    from torch._tensor_str import PRINT_OPTS, _tensor_str
    assert PRINT_OPTS.threshold == 1000 and PRINT_OPTS.precision == 4
    assert _tensor_str(torch.tensor([[1, 2], [3, 4]]), indent=2) == "[[1, 2],\n   [3, 4]]"
    assert _tensor_str(torch.tensor([0.5], requires_grad=True), 0) == "[0.5000]"
    assert _tensor_str(torch.tensor(3.0), 0) == "3."


def test_contexts_that_decorate(torch: Any) -> None:
    from torch.utils._contextlib import _DecoratorContextManager, _NoParamDecoratorContextManager
    seen = []

    class Tagged(_DecoratorContextManager):
        def __init__(self, tag: str) -> None:
            self.tag = tag

        def clone(self) -> Tagged:
            return Tagged(self.tag)

        def __enter__(self) -> None:
            seen.append(self.tag)

        def __exit__(self, *exception: object) -> None:
            seen.append("out")

    class Plain(_NoParamDecoratorContextManager):
        def __enter__(self) -> None:
            seen.append("in")

        def __exit__(self, *exception: object) -> None:
            seen.append("out")

    assert Tagged("a")(lambda: 1)() == Plain(lambda: 1)() == Plain()(lambda: 1)() == 1
    assert seen == ["a", "out", "in", "out", "in", "out"]


def test_modes_see_operations_by_the_names_of_aten(torch: Any) -> None:
    from torch.nn.modules.module import _EXTRA_STATE_KEY_SUFFIX
    from torch.utils._python_dispatch import TorchDispatchMode
    assert _EXTRA_STATE_KEY_SUFFIX == "_extra_state" and not torch.distributed.rpc.is_available()
    seen: list[str] = []

    class Log(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (),
                               kwargs: Any = None) -> Any:
            seen.append(str(func))
            assert func._schema.name == func.name().partition(".")[0]
            return func(*args, **(kwargs or {}))

    with Log():
        x = torch.ones(2, 2)
        y = (x @ x).mul_(2) + 1
        torch.softmax(y, 0)
        shape = y.shape
    x + 1
    assert seen == ["aten.ones.default", "aten.mm.default", "aten.mul_.Tensor", "aten.add.Tensor",
                    "aten._softmax.default"]
    assert shape == (2, 2) and y.tolist() == [[5.0, 5.0], [5.0, 5.0]]
    with pytest.raises(NotImplementedError, match="defines no __torch_dispatch__"), \
            TorchDispatchMode():
        torch.ones(2)


def test_sequences_with_their_keys(torch: Any) -> None:
    from torch.utils import _pytree
    (first, second), context = _pytree._list_flatten_with_keys(["a", "b"])
    assert (first[0].idx, first[1], second[0].idx, context) == (0, "a", 1, None)
    assert _pytree.is_structseq_instance(time.gmtime())
    assert not _pytree.is_structseq_instance(torch.ones(2).max(0))
    assert _pytree.tree_is_leaf(1) and not _pytree.tree_is_leaf([1])
    assert _pytree.tree_is_leaf([1], lambda x: isinstance(x, list))
    assert torch._utils._get_device_module("cpu") is torch.cpu


def test_members_are_exchanged(torch: Any) -> None:
    from torch.nn.utils._named_member_accessor import swap_tensor
    layer, other = nn.Linear(2, 1), torch.zeros(1, 2)
    weight = layer.weight
    assert swap_tensor(layer, "weight", other) is weight and layer.weight is other
    assert swap_tensor(layer, "weight", weight) is other and layer.weight is weight
    with pytest.raises(AttributeError, match="has no attribute `none`"):
        swap_tensor(layer, "none", other)
    assert swap_tensor(layer, "none", other, allow_missing=True) is None
    with pytest.raises(KeyError, match="tensor name cannot contain"):
        swap_tensor(layer, "a.b", other)


def test_modules_as_functions_have_their_classes(torch: Any) -> None:
    from functorch import FunctionalModule, make_functional, make_functional_with_buffers
    layer, norm = nn.Linear(2, 3), nn.BatchNorm1d(2)
    call, params = make_functional(layer)
    assert isinstance(call, FunctionalModule) and call.param_names == ("weight", "bias")
    x = torch.ones(1, 2)
    assert torch.equal(call([2 * p for p in params], x), 2 * layer(x))
    call, params, buffers = make_functional_with_buffers(norm.eval())
    assert torch.equal(call(params, buffers, x), norm(x))


def test_options_are_spread_over_leaves(torch: Any) -> None:
    from torch._functorch.vmap import _broadcast_to_and_flatten, tree_flatten
    _, spec = tree_flatten({"a": [1, 2], "b": 3})
    assert _broadcast_to_and_flatten({"a": 0, "b": 1}, spec) == [0, 0, 1]
    assert _broadcast_to_and_flatten(7, spec) == [7, 7, 7]
    assert _broadcast_to_and_flatten({"a": [1, 2, 3], "b": 3}, spec) is None


def test_modes_that_are_asked(torch: Any) -> None:
    class Mode(torch.overrides.TorchFunctionMode):
        pass

    assert not torch._C._is_torch_function_mode_enabled()
    with Mode():
        assert torch._C._is_torch_function_mode_enabled()
    assert not torch._C._is_torch_function_mode_enabled()


def test_storages_are_tested_for(torch: Any) -> None:
    assert isinstance(torch.ones(2).untyped_storage(), torch.StorageBase)
    assert not isinstance(torch.ones(2), torch.StorageBase)
    assert torch._guards.active_fake_mode() is None
