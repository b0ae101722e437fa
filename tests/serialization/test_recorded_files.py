"""Files that torch wrote: by 2.13, in the format before 1.6, and in that of 0.1.9."""

from __future__ import annotations

import os
from collections import Counter, OrderedDict
from pathlib import Path
from typing import Any

import pytest

import rushlight as rl

FILES = Path(__file__).parent / "files"
NOW, EARLIER, FIRST = (FILES / name for name in (
    "torch_2_13.pt", "torch_before_1_6.pt", "torch_0_1_9.pt"))
DTYPES = [rl.bool, rl.uint8, rl.int8, rl.int16, rl.int32, rl.int64, rl.float16, rl.bfloat16,
          rl.float32, rl.float64, rl.complex64, rl.complex128]


@pytest.fixture(params=[NOW, EARLIER], ids=["2.13", "before 1.6"])
def found(request: pytest.FixtureRequest) -> dict[str, Any]:
    return rl.load(request.param)


def test_tensors_that_shared_memory_share_it(found: dict[str, Any]) -> None:
    assert found["whole"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert found["columns"].stride() == (1, 3) and found["row"].storage_offset() == 3
    found["whole"][1, 0] = 9
    assert found["row"].tolist() == [9, 4, 5] and found["columns"][0, 1].item() == 9
    assert found["parameter"][1, 0].item() == 9
    assert found["labelled"][1, 0].item() == 3  # a clone


def test_every_dtype(found: dict[str, Any]) -> None:
    assert [x.dtype for x in found["dtypes"]] == DTYPES
    for x in found["dtypes"]:
        assert x.tolist() == [0, 1, 1 if x.dtype is rl.bool else 2]


def test_kinds_of_tensors(found: dict[str, Any]) -> None:
    assert type(found["parameter"]) is rl.nn.Parameter and found["parameter"].requires_grad
    assert type(found["frozen"]) is rl.nn.Parameter and not found["frozen"].requires_grad
    assert found["labelled"].label == "kept" and found["grouped"].group == 3
    assert found["wants"].requires_grad and found["wants"].is_leaf
    assert found["zero"].shape == () and found["zero"].item() == 3.5
    assert found["empty"].shape == (0, 4)
    assert found["expanded"].stride() == (0,) and found["expanded"].tolist() == [1, 1, 1]
    assert found["conjugate"].tolist() == [1 - 2j]
    assert found["meta"].device.type == "meta" and found["meta"].shape == (2, 3)


def test_everything_else(found: dict[str, Any]) -> None:
    assert found["shape"] == rl.Size([2, 3]) and isinstance(found["shape"], rl.Size)
    assert found["dtype"] is rl.float16 and found["device"] == rl.device("cuda", 1)
    assert found["layout"] is rl.strided
    assert found["plain"] == [None, True, False, 1, -2**40, 2**100, 0.5, "text", b"bytes",
                              (1, (2,)), {3}, 1j, Counter("aab"), bytearray(b"x")]


def test_states_of_modules_and_optimizers(found: dict[str, Any]) -> None:
    net = rl.nn.Sequential(rl.nn.Linear(2, 3), rl.nn.BatchNorm1d(3))
    optimizer = rl.optim.Adam(net.parameters())
    assert type(found["model"]) is OrderedDict and found["model"]._metadata[""] == {"version": 1}
    assert str(net.load_state_dict(found["model"])) == "<All keys matched successfully>"
    optimizer.load_state_dict(found["optimizer"])
    assert optimizer.param_groups[0]["lr"] == 0.5
    assert net[1].num_batches_tracked.item() == 1
    state = optimizer.state[net[1].bias]
    assert state["step"].item() == 1 and state["exp_avg"].tolist() == pytest.approx([0.2] * 3)


def test_the_first_format() -> None:
    found = rl.load(FIRST)
    assert list(found) == ["whole", "numbers", "row"]
    assert found["numbers"].tolist() == [7, 8] and found["numbers"].dtype is rl.int64
    found["whole"][1, 2] = 9
    assert found["row"].tolist() == [3, 4, 9]


@pytest.mark.parametrize("file", [EARLIER, FIRST])
def test_old_formats_cannot_be_mapped(file: Path) -> None:
    with pytest.raises(RuntimeError, match="mmap can only be used with files saved with"):
        rl.load(file, mmap=True)


def test_a_mapped_file_is_the_same_and_stays_as_it_is() -> None:
    before = NOW.read_bytes()
    plain, mapped = rl.load(NOW), rl.load(NOW, mmap=True)
    for a, b in zip(plain["dtypes"], mapped["dtypes"], strict=True):
        assert a.equal(b) and a.dtype is b.dtype
    mapped["whole"].add_(1)
    assert mapped["row"].tolist() == [4, 5, 6] and NOW.read_bytes() == before


def test_several_old_checkpoints_in_one_file(tmp_path: Path) -> None:
    path = tmp_path / "two"
    path.write_bytes(EARLIER.read_bytes() + EARLIER.read_bytes())
    with open(path, "rb") as file:
        assert list(rl.load(file)) == list(rl.load(file))
        assert file.tell() == os.path.getsize(path)
