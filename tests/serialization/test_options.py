"""Settings of save and load: mapping, byte order, leaving data out."""

from __future__ import annotations

import io
import mmap
import zipfile
from pathlib import Path

import numpy as np
import pytest

import rushlight as rl
from rushlight.serialization import LoadEndianness
from rushlight.utils.serialization import config

S = rl.serialization


def test_shared_maps_write_to_the_file(tmp_path: Path) -> None:
    path = tmp_path / "x.pt"
    rl.save({"x": rl.zeros(3)}, path)
    assert S.get_default_mmap_options() == mmap.MAP_PRIVATE
    rl.load(path, mmap=True)["x"].fill_(1)
    assert rl.load(path)["x"].tolist() == [0] * 3
    with S.set_default_mmap_options(mmap.MAP_SHARED):
        rl.load(path, mmap=True)["x"].fill_(2)
        assert rl.load(path, mmap=True)["x"].tolist() == [2] * 3
    assert S.get_default_mmap_options() == mmap.MAP_PRIVATE
    S.set_default_mmap_options(mmap.MAP_SHARED)
    assert S.get_default_mmap_options() == mmap.MAP_SHARED
    S.set_default_mmap_options(mmap.MAP_PRIVATE)
    with pytest.raises(ValueError, match=r"expected mmap\.MAP_PRIVATE or"):
        S.set_default_mmap_options(77)


def test_mapping_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.pt"
    rl.save({"x": rl.ones(3)}, path)
    monkeypatch.setattr(config.load, "mmap", True)
    assert isinstance(rl.load(path)["x"]._array.base.base.obj, mmap.mmap)
    assert rl.load(io.BytesIO(path.read_bytes()))["x"].tolist() == [1] * 3  # no path: read
    assert not isinstance(rl.load(path, mmap=False)["x"]._array.base.base, memoryview)


def test_the_order_of_files_that_do_not_say_it() -> None:
    made, bare = io.BytesIO(), io.BytesIO()
    rl.save(rl.tensor([1, 2]), made)
    with zipfile.ZipFile(made) as old, zipfile.ZipFile(bare, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name.endswith("data/0"):
                data = np.frombuffer(data, "<i8").astype(">i8").tobytes()
            if not name.endswith("byteorder"):
                new.writestr(name, data)

    def loaded() -> list[int]:
        bare.seek(0)
        return rl.load(bare).tolist()

    assert S.get_default_load_endianness() is None and loaded() == [1 << 56, 2 << 56]
    S.set_default_load_endianness(LoadEndianness.BIG)
    try:
        assert S.get_default_load_endianness() is LoadEndianness.BIG and loaded() == [1, 2]
    finally:
        S.set_default_load_endianness(None)
    with pytest.raises(TypeError, match="Invalid argument type in function"):
        S.set_default_load_endianness("big")  # type: ignore[arg-type]


def test_data_are_left_out() -> None:
    whole, empty = io.BytesIO(), io.BytesIO()
    value = {"x": rl.arange(3.0), "flag": rl.tensor([True]), "half": rl.ones(2).bfloat16()}
    rl.save(value, whole)
    with S.skip_data():
        rl.save(value, empty)
        whole.seek(0)
        found = rl.load(whole)
    assert [t.tolist() for t in found.values()] == [[0] * 3, [False], [0] * 2]
    assert [t.dtype for t in found.values()] == [t.dtype for t in value.values()]
    empty.seek(0)
    assert rl.load(empty)["x"].tolist() == [0] * 3
    assert len(empty.getvalue()) == len(whole.getvalue())
    whole.seek(0)
    assert rl.load(whole)["x"].tolist() == [0, 1, 2]


def test_checksums_are_always_written() -> None:
    S.set_crc32_options(False)
    try:
        assert S.get_crc32_options() is False and config.save.compute_crc32 is False
        file = io.BytesIO()
        rl.save(rl.ones(2), file)
        assert zipfile.ZipFile(file).testzip() is None
    finally:
        S.set_crc32_options(True)
