"""Names of torch that are read as attributes of modules within modules."""

from __future__ import annotations

import sys
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
    with pytest.raises(RuntimeError, match="Default process group has not been initialized"):
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


def test_modes_below_the_functions_say_so(torch: Any) -> None:
    from torch.nn.modules.module import _EXTRA_STATE_KEY_SUFFIX
    from torch.utils._python_dispatch import TorchDispatchMode
    assert _EXTRA_STATE_KEY_SUFFIX == "_extra_state" and not torch.distributed.rpc.is_available()
    with pytest.raises(NotImplementedError, match="no operations below the functions"):
        with TorchDispatchMode():
            pass
