"""The import hook in this process: identities, versions, what is said of missing names."""

from __future__ import annotations

import importlib
import importlib.util
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from typing import Any

import pytest

import rushlight
from rushlight import compat
from rushlight.compat.names import ABSENT, ELSEWHERE


@pytest.fixture
def alias() -> Iterator[None]:
    """The alias, in a process where the real torch was not imported."""
    if any(name.split(".")[0] in ("torch", "torchvision") for name in sys.modules):
        pytest.skip("the real torch is imported already")
    compat.install()
    yield
    compat.uninstall()


def test_modules_are_the_same_objects(alias: None) -> None:
    import torch
    import torch.nn.functional as F
    import torchvision
    from torch import nn
    from torch.utils.data import DataLoader

    assert nn is rushlight.nn and F is rushlight.nn.functional
    assert DataLoader is rushlight.utils.data.DataLoader
    assert importlib.import_module("torch.optim.lr_scheduler") is rushlight.optim.lr_scheduler
    assert torch.Tensor is rushlight.Tensor and torch.compile is rushlight.compile
    assert torchvision.datasets is rushlight.vision.datasets
    assert nn.__spec__.name == "rushlight.nn"
    import torch.nn.utils.weight_norm  # does not hide the function of that name
    assert callable(torch.nn.utils.weight_norm)


def test_versions(alias: None) -> None:
    import torch
    import torchvision

    assert torch.__version__ == metadata.version("torch") == "2.13.0"
    assert torchvision.__version__ == metadata.version("torchvision")
    assert torch.version.cuda is None
    assert importlib.util.find_spec("torch") is not None
    assert importlib.util.find_spec("torch.nn") is not None


@pytest.mark.parametrize("name", [name for name in ELSEWHERE if name not in ABSENT])
def test_every_row_of_the_table_can_be_imported(name: str, alias: None) -> None:
    assert importlib.import_module(name) is sys.modules[name]


@pytest.mark.parametrize("statement", [
    "from torch.nn.modules.utils import _pair, _ntuple, _triple",
    "from torch.optim.optimizer import Optimizer",
    "from torch.optim.lr_scheduler import _LRScheduler, StepLR",
    "from torch.utils.data.dataloader import default_collate",
    "from torch.utils.data._utils.collate import default_collate",
    "from torch.nn.parallel import DataParallel, DistributedDataParallel",
    "from torch.nn.modules.batchnorm import _BatchNorm",
    "from torch.autograd import Variable",
    "from torch.autograd.profiler import record_function",
    "from torch.cuda.amp import GradScaler, autocast",
    "from torch.utils.model_zoo import load_url",
    "from torch.utils.tensorboard import SummaryWriter",
    "from torch.utils.benchmark import Timer",
    "from torch._utils import _flatten_dense_tensors",
    "from torch.types import Device, Number",
    "from torch.jit.annotations import List",
    "import torch._dynamo; torch._dynamo.config.cache_size_limit = 8; torch._dynamo.reset()",
    "import torch._inductor.config as c; c.triton.cudagraphs = True",
    "import torch; torch._logging.set_logs(recompiles=True)",
    "import torch; torch._C._profiler._ExperimentalConfig(verbose=True)",
    "from torch.autograd.graph import save_on_cpu, saved_tensors_hooks",
    "from torch.utils.benchmark import Compare, Language, Measurement",
    "import torch.backends.cudnn as cudnn; cudnn.benchmark = False",
    "from torch.nested._internal.nested_tensor import NestedTensor",
    "from torch.nested import nested_tensor; import torch; torch.nested.to_padded_tensor",
    "import torch; torch.return_types.max; torch.ops.aten.relu(torch.ones(1))",
    "import torch; torch._C._log_api_usage_once('x'); torch.__config__.show()",
])
def test_what_programs_import(statement: str, alias: None) -> None:
    exec(statement, {})


@pytest.mark.parametrize(("statement", "error", "words"), [
    ("from torch.nn import Conv2D", ImportError, "Nearest: torch.nn.Conv2d"),
    ("from torch.nn.functional import relux", ImportError, "torch.nn.functional.relu"),
    ("import torch.nn.nothing", ModuleNotFoundError, "'torch.nn.nothing' is not in Rushlight"),
    ("import torch.export", ModuleNotFoundError, "save the state_dict"),
    ("import torch; torch.nn.Conv2D", AttributeError, "Nearest: torch.nn.Conv2d"),
    ("import torch; torch.softmaxx", AttributeError, "torch.softmax"),
    ("import torch; torch.families", AttributeError, "docs/run.md"),
    ("import torch.families", ModuleNotFoundError, "is not in Rushlight"),
    ("import torch; torch.zeros(1).cuda()", (RuntimeError, AssertionError), "cpu"),
])
def test_missing_names_say_where_to_look(statement: str, error: type[Exception], words: str,
                                         alias: None) -> None:
    with pytest.raises(error, match=words.replace(".", r"\.")):
        exec(statement, {})


def test_hasattr_answers(alias: None) -> None:
    import torch

    assert not hasattr(torch, "nothing") and not hasattr(torch.nn, "nothing")
    assert hasattr(torch, "jit") and not hasattr(torch, "__wrapped__")


def test_uninstall_leaves_nothing(alias: None) -> None:
    import torch  # noqa: F401

    compat.uninstall()
    assert not any(name.split(".")[0] == "torch" for name in sys.modules)
    assert "compat" not in os.environ.get("PYTHONPATH", "")
    assert not compat.installed()
    assert "__getattr__" not in vars(rushlight.nn.functional) \
        or not hasattr(rushlight.nn.functional.__getattr__, "explains")


def test_install_refuses_after_the_real_torch() -> None:
    code = ("import sys, types; sys.modules['torch'] = types.ModuleType('torch')\n"
            "from rushlight import compat; compat.install()")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "RuntimeError: torch is imported already" in done.stderr


def test_classes_bear_torchs_names_and_pickles_are_rushlights(alias: None) -> None:
    values = (rushlight.ones(2), rushlight.nn.Parameter(rushlight.ones(2)), rushlight.Size([2]),
              rushlight.float32, rushlight.device("cpu"))
    assert [str(type(value)) for value in values] == [
        "<class 'torch.Tensor'>", "<class 'torch.nn.parameter.Parameter'>", "<class 'torch.Size'>",
        "<class 'torch.dtype'>", "<class 'torch.device'>"]
    stored = pickle.dumps(values)
    assert b"torch" not in stored  # so that plain programs can read it
    compat.uninstall()
    again = pickle.loads(stored)
    assert [type(one) for one in again] == [type(one) for one in values]
    assert str(type(again[0])) == "<class 'rushlight.tensor._tensor.Tensor'>"


def test_layers_and_what_is_loaded_later_bear_torchs_names(alias: None) -> None:
    import torch.optim.lr_scheduler
    import torchvision.models.resnet

    named = {torch.nn.Linear: "torch.nn.modules.linear",
             torch.nn.Softmax: "torch.nn.modules.activation",
             torch.nn.LazyConvTranspose2d: "torch.nn.modules.conv",
             torch.Generator: "torch._C", torch.autograd.Function: "torch.autograd.function",
             type(torch.ones(2, 2).max(0)): "torch.return_types",
             torch.optim.SGD: "torch.optim.sgd",
             torch.optim.lr_scheduler.StepLR: "torch.optim.lr_scheduler",
             torchvision.models.resnet.ResNet: "torchvision.models.resnet"}
    assert {kind: kind.__module__ for kind in named} == named
    for kind in named:  # found where their names say
        assert pickle.loads(pickle.dumps(kind)) is kind
    compat.uninstall()
    assert rushlight.nn.Linear.__module__ == "rushlight.nn.modules.linear"


def test_swapped_tensors_exchange_everything(alias: None) -> None:
    from torch.utils import swap_tensors

    one, other = rushlight.nn.Parameter(rushlight.ones(2)), rushlight.arange(3)
    one.note = "mine"
    swap_tensors(one, other)
    assert type(one) is rushlight.Tensor and one.tolist() == [0, 1, 2]
    assert type(other) is rushlight.nn.Parameter and other.note == "mine" and other.requires_grad
    (other * 2).sum().backward()
    assert other.grad.tolist() == [2.0, 2.0]


def test_what_an_operation_of_ones_own_declares_is_checked(alias: None) -> None:
    from torch import library

    @library.custom_op("checked::twice", mutates_args=())
    def twice(x: rushlight.Tensor) -> rushlight.Tensor:
        return 2 * x

    @library.custom_op("checked::liar", mutates_args=())
    def liar(x: rushlight.Tensor) -> rushlight.Tensor:
        x.add_(1)
        return x

    twice.register_fake(lambda x: rushlight.empty_like(x))
    assert set(library.opcheck(twice, (rushlight.ones(2),)).values()) == {"SUCCESS"}
    twice.register_fake(lambda x: rushlight.empty(3, device="meta"))
    found = library.opcheck(twice, (rushlight.ones(2),), raise_exception=False)
    assert "returns (3,)" in str(found["test_faketensor"])
    with pytest.raises(Exception, match="x is not defined as mutable but was mutated"):
        library.opcheck(liar, (rushlight.ones(2),))


def test_the_version_is_compared_number_by_number(alias: None) -> None:
    import torch
    from torch.torch_version import TorchVersion

    version: Any = torch.__version__
    assert version == "2.13.0" and str(version) == "2.13.0"
    assert TorchVersion in type(version).__mro__ and version.split(".")[0] == "2"
    assert version >= "2.4" and version > "2.9.1" and version >= (1, 8) and not version < "2.13"
    assert version < "2.13.1" and version < (3,) and version != "2.1" and version == (2, 13)
    assert version > "2.13.0a0" and version > "2.13.dev20260101" and version < "2.13.0+cu130"
    assert {version: 1}["2.13.0"] == 1
