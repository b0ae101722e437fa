"""Checkpoints both ways: torch opens ours, and what it then has is what was saved; and back."""

from __future__ import annotations

import io
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rushlight as rl

torch = pytest.importorskip("torch")

FILES = Path(__file__).parents[1] / "serialization" / "files"
DTYPES = ("bool uint8 int8 int16 int32 int64 float16 bfloat16 float32 float64 complex64 "
          "complex128 uint16 uint32 uint64").split()
OLD = {"_use_new_zipfile_serialization": False}


def content(L: Any, dtypes: Any = DTYPES) -> dict[str, Any]:
    x = L.arange(6.0).reshape(2, 3)
    grouped = L.nn.Parameter(L.ones(2))
    grouped.group = 3
    labelled = x.clone()
    labelled.label = "kept"
    ordered = OrderedDict(a=x)
    ordered._metadata = {"version": 1}
    return {
        "whole": x, "row": x[1], "columns": x.t(), "same": x, "parameter": L.nn.Parameter(x),
        "frozen": L.nn.Parameter(L.ones(1), requires_grad=False), "grouped": grouped,
        "labelled": labelled, "ordered": ordered, "buffer": L.nn.Buffer(L.ones(1)),
        "dtypes": [L.tensor([0, 1, 2]).to(getattr(L, name)) for name in dtypes],
        "zero": L.tensor(3.5), "empty": L.zeros(0, 4), "expanded": L.ones(1).expand(3),
        "wants": L.ones(2).requires_grad_(), "meta": L.empty(2, 3, device="meta"),
        "shape": x.shape, "dtype": L.float16, "device": L.device("cpu"), "layout": L.strided,
        "plain": [None, True, 1, -2**40, 2**100, 0.5, "text", b"bytes", (1, (2,)), {3}, 1j,
                  bytearray(b"x")],
    }


def moved(value: Any, save: Any, load: Any, **options: Any) -> Any:
    file = io.BytesIO()
    save(value, file, **options)
    file.seek(0)
    return load(file)


def described(value: Any) -> Any:
    """A value in terms that are the same for both libraries."""
    if isinstance(value, torch.Tensor | rl.Tensor):
        if value.is_meta:
            return "meta", tuple(value.shape), tuple(value.stride())
        plain = value.detach()
        plain = plain.float() if str(value.dtype) == "torch.bfloat16" else plain
        kind = type(value).__name__.replace("Buffer", "Tensor")  # to torch buffers are tensors
        return (kind, str(value.dtype), tuple(value.shape), tuple(value.stride()),
                value.storage_offset(), value.requires_grad, plain.tolist(),
                getattr(value, "group", None), getattr(value, "label", None))
    if isinstance(value, OrderedDict):
        return [(key, described(v)) for key, v in value.items()], getattr(value, "_metadata", 0)
    if isinstance(value, dict):
        return {key: described(v) for key, v in value.items()}
    if isinstance(value, list):
        return list(map(described, value))
    if isinstance(value, torch.Size | rl.Size):
        return "Size", tuple(value)
    if type(value).__module__.split(".")[0] in ("torch", "rushlight"):
        return str(value)
    return value


@pytest.mark.parametrize("options", [{}, OLD])
def test_torch_opens_ours(options: dict[str, Any]) -> None:
    # torch does not read the wide unsigned types of its own old format either
    dtypes = [name for name in DTYPES if not options or name not in ("uint16", "uint32", "uint64")]
    found = moved(content(rl, dtypes), rl.save, torch.load, **options)
    assert described(found) == described(content(rl, dtypes))
    found["whole"][1, 0] = 9
    assert found["row"][0] == 9 and found["columns"][0, 1] == 9 and found["parameter"][1, 0] == 9
    assert found["same"] is found["whole"] and found["labelled"][1, 0] == 3
    assert torch.is_tensor(found["buffer"]) and type(found["parameter"]) is torch.nn.Parameter


@pytest.mark.parametrize("options", [{}, OLD])
def test_we_open_torchs(options: dict[str, Any]) -> None:
    found = moved(content(torch), torch.save, rl.load, **options)
    assert described(found) == described(content(torch))
    assert described(found) == described(content(rl))
    found["whole"][1, 0] = 9
    assert found["row"][0] == 9 and found["columns"][0, 1] == 9 and found["parameter"][1, 0] == 9


def test_one_memory_with_two_dtypes() -> None:
    """torch cannot save this, but reads it."""
    x = rl.ones(2)
    a, b = moved([x, x.view(rl.int32)], rl.save, torch.load)
    assert b.tolist() == [0x3F800000] * 2
    a.zero_()
    assert b.tolist() == [0, 0]


def test_torch_maps_our_files(tmp_path: Path) -> None:
    rl.save(content(rl), tmp_path / "x.pt")
    assert described(torch.load(tmp_path / "x.pt", mmap=True)) == described(content(rl))
    torch.save(content(torch), tmp_path / "y.pt")
    assert described(rl.load(tmp_path / "y.pt", mmap=True)) == described(content(torch))


def test_without_checksums(tmp_path: Path) -> None:
    torch.serialization.set_crc32_options(False)
    try:
        found = moved(content(torch), torch.save, rl.load)
    finally:
        torch.serialization.set_crc32_options(True)
    assert described(found) == described(content(torch))


def net(L: Any) -> Any:
    nn = L.nn
    return nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 2))


def step(L: Any, model: Any, optimizer: Any, scheduler: Any) -> list[float]:
    optimizer.zero_grad()
    x = L.tensor(np.linspace(-1, 1, 20, dtype="float32").reshape(5, 4))
    loss = (model(x) ** 2).sum()
    loss.backward()
    optimizer.step()
    scheduler.step()
    return [loss.item(), scheduler.get_last_lr()[0]]


def trained(L: Any, name: str, options: dict[str, Any], state: Any = None) -> tuple[Any, Any, Any]:
    model = net(L)
    optimizer = getattr(L.optim, name)(model.parameters(), lr=0.01, **options)
    scheduler = L.optim.lr_scheduler.StepLR(optimizer, 2)
    if state is not None:
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        scheduler.load_state_dict(state["scheduler"])
    return model, optimizer, scheduler


@pytest.mark.parametrize(("name", "options"), [
    ("SGD", {"momentum": 0.9}), ("Adam", {"amsgrad": True}), ("AdamW", {}), ("RMSprop", {}),
    ("Adagrad", {}), ("NAdam", {})])
@pytest.mark.parametrize("direction", ["to torch", "from torch"])
def test_training_goes_on_in_the_other_library(
    name: str, options: dict[str, Any], direction: str
) -> None:
    here, there = (rl, torch) if direction == "to torch" else (torch, rl)
    parts = trained(here, name, options)
    for _ in range(3):
        step(here, *parts)
    state = dict(zip(("model", "optimizer", "scheduler"), (p.state_dict() for p in parts),
                     strict=True))
    others = trained(there, name, options, moved(state, here.save, there.load))
    for _ in range(3):
        assert step(here, *parts) == pytest.approx(step(there, *others), rel=1e-4)


def trainer(L: Any) -> tuple[Any, Any, list[Any]]:
    """A model, an optimizer with groups, and schedulers, as training frameworks have them."""
    model = L.nn.Sequential(L.nn.Linear(3, 4), L.nn.Linear(4, 1))
    optimizer = L.optim.AdamW([{"params": model[0].parameters(), "name": "body", "lr": 1e-3},
                               {"params": model[1].parameters(), "weight_decay": 0.0}], lr=1e-2)
    lrs = L.optim.lr_scheduler
    return model, optimizer, [
        lrs.SequentialLR(optimizer, [lrs.LinearLR(optimizer), lrs.CosineAnnealingLR(optimizer, 9)],
                         [3]), lrs.LambdaLR(optimizer, lambda epoch: 1.0)]


def advance(L: Any, model: Any, optimizer: Any, schedulers: list[Any]) -> list[float]:
    optimizer.zero_grad()
    model(L.ones(2, 3)).sum().backward()
    optimizer.step()
    for scheduler in schedulers:
        scheduler.step()
    return [p.detach().sum().item() for p in model.parameters()]


@pytest.mark.parametrize("direction", ["to torch", "from torch"])
def test_checkpoints_of_training_frameworks(direction: str) -> None:
    """In the shape of Lightning's and timm's files: states, loops, callbacks, averages."""
    here, there = (rl, torch) if direction == "to torch" else (torch, rl)
    model, optimizer, schedulers = parts = trainer(here)
    for _ in range(2):
        advance(here, *parts)
    state = {
        "epoch": 1, "global_step": 2, "pytorch-lightning_version": "2.5", "arch": "resnet18",
        "state_dict": OrderedDict(model.state_dict()), "state_dict_ema": model.state_dict(),
        "optimizer_states": [optimizer.state_dict()], "hyper_parameters": {"lr": 0.1},
        "lr_schedulers": [s.state_dict() for s in schedulers],
        "amp_scaler": here.amp.GradScaler("cpu").state_dict(),
        "loops": {"fit_loop": {"state_dict": {}, "epoch_progress": {"total": {"ready": 1}}}},
        "callbacks": {"ModelCheckpoint{'monitor': None}": {
            "best_model_score": here.tensor(0.5), "kth_value": here.tensor(float("inf"))}}}
    found = moved(state, here.save, there.load)
    assert list(found) == list(state) and found["loops"] == state["loops"]
    again = trainer(there)
    again[0].load_state_dict(found["state_dict"])
    again[1].load_state_dict(found["optimizer_states"][0])
    for scheduler, saved in zip(again[2], found["lr_schedulers"], strict=True):
        scheduler.load_state_dict(saved)
    assert again[1].param_groups[0]["name"] == "body"
    for _ in range(3):
        assert advance(there, *again) == pytest.approx(advance(here, *parts), rel=1e-4)


def test_whole_modules_of_torch() -> None:
    nn = torch.nn
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(2),
                          nn.Flatten(), nn.Dropout(), nn.Linear(18, 3), nn.LayerNorm(3)).eval()
    found = moved(model, torch.save, lambda f: rl.load(f, weights_only=False))
    x = np.random.RandomState(0).standard_normal((2, 1, 8, 8)).astype("float32")
    assert type(found) is rl.nn.Sequential
    expected = model(torch.tensor(x)).detach().numpy()
    assert np.allclose(found(rl.tensor(x)).detach().numpy(), expected, atol=1e-5)


def test_the_first_format_is_as_torch_reads_it() -> None:
    path = FILES / "torch_0_1_9.pt"
    ours, theirs = rl.load(path), torch.load(path, weights_only=False)
    assert list(ours) == list(theirs)
    for name, tensor in theirs.items():
        assert ours[name].tolist() == tensor.tolist() and str(ours[name].dtype) == str(tensor.dtype)


def test_locations_of_other_machines() -> None:
    """The error, and the remedy that it names, for what was saved on a GPU."""
    plain = io.BytesIO()
    torch.serialization.set_crc32_options(False)
    try:
        torch.save({"x": torch.ones(3)}, plain)
    finally:
        torch.serialization.set_crc32_options(True)
    data = plain.getvalue().replace(b"X\x03\0\0\0cpu", b"X\x03\0\0\0xpu")
    with pytest.raises(RuntimeError, match="Attempting to deserialize object on a XPU device"):
        rl.load(io.BytesIO(data))
    assert rl.load(io.BytesIO(data), map_location="cpu")["x"].tolist() == [1, 1, 1]
    assert rl.load(io.BytesIO(data), map_location={"xpu": "cpu"})["x"].tolist() == [1, 1, 1]


@pytest.mark.parametrize("data", [b"", b"PK\3\4"])
def test_errors_begin_as_torchs(data: bytes) -> None:
    errors = []
    for L in (torch, rl):
        with pytest.raises((EOFError, RuntimeError)) as caught:
            L.load(io.BytesIO(data))
        errors.append(caught)
    assert errors[0].type is errors[1].type
    assert str(errors[1].value)[:40] == str(errors[0].value)[:40] or not data
