"""safetensors files: every dtype, both ways with the safetensors package, damage, atomic writes."""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rushlight as rl
from rushlight.serialization import (
    atomic_file,
    load_file,
    load_metadata,
    load_sharded,
    save_file,
)

DTYPES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32",
          "float64", "complex64", "uint16", "uint32", "uint64"]


def tensors() -> dict[str, rl.Tensor]:
    made = {name: rl.tensor([[0, 1, 2], [3, 4, 1]]).to(getattr(rl, name)) for name in DTYPES}
    return made | {"zero-d": rl.tensor(3.5), "empty": rl.ones(0, 4),
                   "view": rl.arange(6).reshape(2, 3).t()}


def test_every_dtype_returns(tmp_path: Path) -> None:
    path = tmp_path / "all.safetensors"
    save_file(tensors(), path, {"step": "3"})
    found = load_file(path)
    assert found.keys() == tensors().keys() and load_metadata(path) == {"step": "3"}
    for name, tensor in tensors().items():
        assert found[name].dtype == tensor.dtype and found[name].shape == tensor.shape
        assert found[name].equal(tensor)
    found["float32"].add_(1)  # its own memory


def test_the_safetensors_package_reads_and_writes_the_same(tmp_path: Path) -> None:
    package = pytest.importorskip("safetensors.numpy")
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    arrays = {name: t.numpy().copy(order="C") for name, t in tensors().items()
              if name not in ("bfloat16", "complex64")}
    save_file(tensors(), ours)
    read = package.load_file(ours)
    for name, array in arrays.items():
        assert read[name].dtype == array.dtype and (read[name] == array).all()
    package.save_file(arrays, theirs)
    for name, tensor in load_file(theirs).items():
        assert tensor.equal(tensors()[name])


def test_what_cannot_be_saved(tmp_path: Path) -> None:
    path = tmp_path / "x"
    for bad, message in [
        ({"a": 3}, "is of type int"), ({3: rl.ones(1)}, "called 3"),
        ({"a": rl.ones(1, dtype=rl.complex128)}, "cannot hold torch.complex128"),
        ({"__metadata__": rl.ones(1)}, "called '__metadata__'"),
        ({"a": rl.ones(1, device="meta")}, "meta tensor"),
    ]:
        with pytest.raises(TypeError, match=message):
            save_file(bad, path)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="metadata are texts"):
        save_file({}, path, {"a": 1})  # type: ignore[dict-item]
    assert not os.listdir(tmp_path)


def written(tmp_path: Path, header: Any, data: bytes = b"") -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path = tmp_path / "bad"
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


def entry(dtype: Any = "F32", shape: Any = (1,), places: Any = (0, 4)) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": places}


@pytest.mark.parametrize(("header", "data", "message"), [
    (b"\x00\xff{", b"", "header cannot be read"),
    (b"[" * 100_000, b"", "header cannot be read"),
    ([1], b"", "header is not an object"),
    ({"a": 3}, b"", "entry of 'a' is not that of a tensor"),
    ({"a": entry("F33")}, b"0000", "unknown dtype 'F33'"),
    ({"a": entry(["F32"])}, b"0000", "unknown dtype"),
    ({"a": entry(shape=[-1])}, b"0000", "for sizes or places"),
    ({"a": entry(shape=[True])}, b"0000", "for sizes or places"),
    ({"a": entry(shape=[2**40, 2**40])}, b"0000", "but has 4 bytes"),
    ({"a": entry(places=[4, 0])}, b"0000", "but has -4 bytes"),
    ({"a": entry(places=[0, 4, 8])}, b"0000", "is not that of a tensor"),
    ({"a": entry(places=[4, 8])}, b"00000000", "begins at 4, not at 0"),
    ({"a": entry(), "b": entry()}, b"0000", "begins at 0, not at 4"),
    ({"a": entry()}, b"000", "take 4 bytes, 3 are there"),
    ({"a": entry()}, b"00000", "take 4 bytes, 5 are there"),
    (b'{"a":' + json.dumps(entry()).encode() + b',"a":' + json.dumps(entry()).encode() + b"}",
     b"0000", "a name stands there twice"),
    ({"__metadata__": {"a": 1}}, b"", "metadata are not texts"),
])
def test_damaged_files_say_what_is_wrong(
    tmp_path: Path, header: Any, data: bytes, message: str
) -> None:
    path = written(tmp_path, header, data)
    with pytest.raises(RuntimeError, match=message):
        load_file(path)


def test_every_truncation_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "whole"
    save_file({"a": rl.ones(3), "b": rl.ones(2, dtype=rl.int8)}, path)
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(RuntimeError, match="is not a complete safetensors file"):
            load_file(path)


def test_a_huge_header_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge"
    path.write_bytes(struct.pack("<Q", 2**62) + b"{}")
    with pytest.raises(RuntimeError, match="header would be"):
        load_file(path)


def test_missing_files(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="No such file or directory"):
        load_file(tmp_path / "nothing")
    with pytest.raises(OSError):
        save_file({"a": rl.ones(1)}, tmp_path / "no folder" / "x")


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "model"
    save_file({"a": rl.ones(1)}, path)
    before = path.read_bytes()
    with pytest.raises(KeyboardInterrupt), atomic_file(path) as file:
        file.write(b"half of")
        raise KeyboardInterrupt
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["model"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"old")
    link.symlink_to(target)
    save_file({"a": rl.ones(1)}, link)
    assert link.is_symlink() and load_file(target)["a"].item() == 1.0


def test_files_are_mapped_and_never_written_to(tmp_path: Path) -> None:
    path = tmp_path / "x"
    save_file({"a": rl.ones(5000), "b": rl.ones(3, dtype=rl.bool), "c": rl.ones(3).half()}, path)
    before = path.read_bytes()
    found, other = load_file(path), load_file(path)
    for tensor in found.values():
        tensor.zero_()  # copied when written to
    found["a"][1:].add_(2)
    assert path.read_bytes() == before and other["a"].sum().item() == 5000
    assert found["a"][:2].tolist() == [0, 2] and other["b"].all()
    save_file({"a": rl.zeros(5000)}, path)  # in the file's place: what is mapped stays
    assert other["a"].sum().item() == 5000
    path.unlink()
    assert other["c"].tolist() == [1, 1, 1]


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")
def test_nothing_is_copied(tmp_path: Path) -> None:
    def private() -> int:
        text = Path("/proc/self/smaps_rollup").read_text()
        return sum(int(line.split()[1]) for line in text.splitlines()
                   if line.startswith("Private_Dirty"))

    path = tmp_path / "x"
    save_file({"a": rl.ones(20_000_000)}, path)
    rl.ones(1).sum().item()
    before = private()
    found = load_file(path)
    assert found["a"].sum().item() == 20_000_000
    assert private() - before < 20_000  # kilobytes, of 80,000
    assert load_file(path, mmap=False)["a"].sum().item() == 20_000_000
    assert private() - before < 20_000 + 80_000


def test_tensors_at_odd_places(tmp_path: Path) -> None:
    """Other programs pad neither the header nor the bytes."""
    header = (b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},'
              b'"b":{"dtype":"F32","shape":[2],"data_offsets":[1,9]}}')
    path = tmp_path / "x"
    path.write_bytes(len(header).to_bytes(8, "little") + header + b"\7"
                     + np.array([1.5, 2.5], "f4").tobytes())
    found = load_file(path)
    assert found["a"].tolist() == [7] and found["b"].tolist() == [1.5, 2.5]
    assert found["b"].data_ptr() % 4 == 0


def index(tmp_path: Path, weight_map: object) -> Path:
    path = tmp_path / "model.safetensors.index.json"
    path.write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": weight_map}))
    return path


def test_models_in_several_files(tmp_path: Path) -> None:
    save_file({"a": rl.ones(2), "b": rl.zeros(1)}, tmp_path / "1.safetensors")
    save_file({"c": rl.full((2,), 3)}, tmp_path / "2.safetensors")
    places = {"c": "2.safetensors", "a": "1.safetensors", "b": "1.safetensors"}
    found = load_sharded(index(tmp_path, places))
    assert list(found) == list(places) and found["c"].tolist() == [3, 3]
    with pytest.raises(RuntimeError, match=r"'d' is not in '1\.safetensors'"):
        load_sharded(index(tmp_path, {"d": "1.safetensors"}))
    with pytest.raises(FileNotFoundError, match=r"3\.safetensors"):
        load_sharded(index(tmp_path, {"a": "3.safetensors"}))


@pytest.mark.parametrize("place", ["../x", "/etc/passwd", "a\\b", "C:x", "..", "", "a\0b", 3])
def test_an_index_stays_in_its_folder(tmp_path: Path, place: object) -> None:
    with pytest.raises(RuntimeError, match="is not an index of safetensors files"):
        load_sharded(index(tmp_path, {"a": place}))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"weight_map": []}', "[" * 100_000])
def test_damaged_indices(tmp_path: Path, text: str) -> None:
    path = tmp_path / "index.json"
    path.write_text(text)
    with pytest.raises(RuntimeError, match="is not an index of safetensors files"):
        load_sharded(path)
