"""Modules saved whole: each library opens the other's, and they compute the same."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rushlight as rl

torch = pytest.importorskip("torch")

ROOT = Path(__file__).parents[2]
OLD = {"_use_new_zipfile_serialization": False}


def x(*shape: int) -> np.ndarray:
    return np.random.RandomState(0).standard_normal(shape).astype("float32")


Case = tuple[Callable[[Any], Any], tuple[np.ndarray, ...]]
CASES: dict[str, Case] = {
    "convolutional": (lambda nn: nn.Sequential(
        nn.Conv2d(1, 2, 3, padding=1, padding_mode="reflect"), nn.BatchNorm2d(2), nn.GELU(),
        nn.MaxPool2d(2), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Dropout(), nn.Linear(8, 3),
        nn.LayerNorm(3), nn.Softmax(1)).eval(), (x(2, 1, 8, 8),)),
    "LSTM": (lambda nn: nn.LSTM(4, 5, 2, batch_first=True, bidirectional=True), (x(2, 6, 4),)),
    "GRU": (lambda nn: nn.GRU(4, 5), (x(2, 6, 4),)),
    "RNN": (lambda nn: nn.RNN(4, 5, nonlinearity="relu"), (x(2, 6, 4),)),
    "LSTMCell": (lambda nn: nn.LSTMCell(4, 5), (x(2, 4),)),
    "attention": (lambda nn: nn.MultiheadAttention(8, 2).eval(), (x(3, 2, 8),) * 3),
    "encoder": (lambda nn: nn.TransformerEncoder(nn.TransformerEncoderLayer(
        8, 2, 16, batch_first=True, activation="gelu"), 2).eval(), (x(2, 3, 8),)),
    "transformer": (lambda nn: nn.Transformer(8, 2, 1, 1, 16, batch_first=True).eval(),
                    (x(2, 3, 8), x(2, 2, 8))),
    "transposed": (lambda nn: nn.ConvTranspose2d(2, 3, 3, stride=2), (x(1, 2, 4, 4),)),
    "norms": (lambda nn: nn.Sequential(nn.GroupNorm(2, 4), nn.InstanceNorm1d(4, affine=True),
                                       nn.LocalResponseNorm(2), nn.RMSNorm(3)), (x(2, 4, 3),)),
    "embedding": (lambda nn: nn.Embedding(5, 3, padding_idx=0), (np.array([1, 2]),)),
    "bag": (lambda nn: nn.EmbeddingBag(5, 3), (np.array([[1, 2]]),)),
    "loss": (lambda nn: nn.CrossEntropyLoss(label_smoothing=0.1), (x(2, 3), np.array([0, 1]))),
    "adaptive": (lambda nn: nn.AdaptiveLogSoftmaxWithLoss(4, 10, [3]),
                 (x(2, 4), np.array([1, 5]))),
    "parallel": (lambda nn: nn.DataParallel(nn.Linear(2, 2)), (x(1, 2),)),
    "bilinear": (lambda nn: nn.Bilinear(4, 3, 2), (x(2, 4), x(2, 3))),
}
for _name in ("ReLU ELU SELU GELU SiLU Mish Sigmoid Softplus Hardswish LogSigmoid LeakyReLU PReLU "
              "Softmin LogSoftmax GLU Identity Softshrink Tanhshrink").split():
    CASES[_name] = (lambda nn, name=_name: getattr(nn, name)(), (x(2, 4),))  # type: ignore[misc]
for _name in ("PixelShuffle", "ChannelShuffle", "ZeroPad2d", "AvgPool2d", "AdaptiveMaxPool2d",
              "Unfold", "ReflectionPad2d"):
    CASES[_name] = (lambda nn, name=_name: getattr(nn, name)(2), (x(2, 4, 6, 6),))  # type: ignore[misc]
for _name in ("MSELoss L1Loss HuberLoss BCEWithLogitsLoss PoissonNLLLoss SoftMarginLoss "
              "MultiLabelSoftMarginLoss CosineSimilarity PairwiseDistance").split():
    CASES[_name] = (lambda nn, name=_name: getattr(nn, name)(),  # type: ignore[misc]
                    (x(2, 3), x(2, 3) + 1))


def parts(result: Any) -> list[np.ndarray]:
    if isinstance(result, tuple | list):
        return [part for each in result for part in parts(each)]
    return [result.detach().numpy()]


@pytest.mark.parametrize("direction", ["to torch", "from torch"])
@pytest.mark.parametrize("name", CASES)
def test_the_other_library_opens_it(name: str, direction: str) -> None:
    here, there = (rl, torch) if direction == "to torch" else (torch, rl)
    make, arguments = CASES[name]
    module = make(here.nn)
    for options in ({}, OLD):
        file = io.BytesIO()
        here.save(module, file, **options)
        file.seek(0)
        found = there.load(file, weights_only=False)
        assert type(found).__module__.startswith(there.__name__)
        assert list(found.state_dict()) == list(module.state_dict()) and repr(found) == repr(module)
        expected = parts(module(*map(here.tensor, arguments)))
        for a, b in zip(expected, parts(found(*map(there.tensor, arguments))), strict=True):
            assert np.allclose(a, b, atol=1e-5)


@pytest.mark.parametrize("name", ["ModuleList", "ModuleDict", "ParameterList", "ParameterDict"])
def test_containers(name: str) -> None:
    content = {"a": rl.nn.Parameter(rl.ones(2))} if "Parameter" in name else {"a": rl.nn.ReLU()}
    module = getattr(rl.nn, name)(content if "Dict" in name else list(content.values()))
    file = io.BytesIO()
    rl.save(module, file)
    file.seek(0)
    found = torch.load(file, weights_only=False)
    assert type(found) is getattr(torch.nn, name) and len(found) == 1


def test_names_are_where_torch_looks_for_them() -> None:
    """So that torch's own list of harmless classes can allow ours."""
    file = io.BytesIO()
    rl.save(rl.nn.Sequential(rl.nn.Linear(2, 3), rl.nn.Softmax(1), rl.nn.GRUCell(2, 2)), file)
    file.seek(0)
    nn = torch.nn
    with torch.serialization.safe_globals([nn.Sequential, nn.Linear, nn.Softmax, nn.GRUCell]):
        assert type(torch.load(file)[0]) is nn.Linear


PROGRAM = """
import sys
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
        self.act = torch.nn.functional.softplus
        self.register_buffer("scale", torch.full((2,), 0.5))
    def forward(self, x):
        return self.act(self.layers(x)) * self.scale

if sys.argv[1] == "save":
    torch.manual_seed(0)
    torch.save(Net(), sys.argv[2])
net = torch.load(sys.argv[2], weights_only=False)
print([round(v, 5) for v in net(torch.ones(3)).tolist()])
"""


@pytest.mark.parametrize("order", [0, 1])
def test_a_class_of_the_main_program(order: int, tmp_path: Path) -> None:
    """Saved by a program under the alias and opened by the same program under torch, and back."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    commands = [[sys.executable, "-m", "rushlight", "run", str(program)],
                [sys.executable, str(program)]]
    found = []
    for command, task in zip(commands[::-1] if order else commands, ("save", "load"), strict=True):
        run = subprocess.run([*command, task, str(tmp_path / "net.pt")], cwd=ROOT,
                             capture_output=True, text=True, timeout=120)
        assert run.returncode == 0, run.stderr
        found.append(run.stdout)
    assert found[0] == found[1] and found[0].startswith("[")
