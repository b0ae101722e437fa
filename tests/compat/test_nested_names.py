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
