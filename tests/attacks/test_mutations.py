"""Damaged files: a clear error or what was saved, in bounded memory; never a crash."""

from __future__ import annotations

import io
import pickle
import random
import resource
import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rushlight as rl

FILES = Path(__file__).parents[1] / "serialization" / "files"
ERRORS = (pickle.UnpicklingError, RuntimeError, EOFError)
MEMORY = 300_000  # kilobytes that all of this may take: the files have some 10,000 bytes


def of_ours() -> bytes:
    net = rl.nn.Sequential(rl.nn.Linear(3, 2), rl.nn.BatchNorm1d(2))
    x = rl.arange(10.0)
    file = io.BytesIO()
    rl.save({"net": net.state_dict(), "x": x, "part": x[3:5], "list": [1, 2.5, "text", None],
             "halves": rl.ones(3, dtype=rl.bfloat16), "numbers": np.arange(3)}, file)
    return file.getvalue()


def safetensors(tmp_path: Path) -> bytes:
    rl.save_file({"a": rl.ones(3), "b": rl.ones(2, dtype=rl.bool)}, tmp_path / "x", {"k": "v"})
    return (tmp_path / "x").read_bytes()


def same(a: Any, b: Any) -> bool:
    """Whether two results are alike in every part."""
    if type(a) is not type(b):
        return False
    if isinstance(a, rl.Tensor):
        return (a.dtype is b.dtype and a.shape == b.shape and a.requires_grad == b.requires_grad
                and (a.is_meta or a.detach().numpy().tobytes() == b.detach().numpy().tobytes()))
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and np.array_equal(a, b)
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


def mutated(data: bytes, chance: random.Random) -> bytes:
    """`data` with one sort of damage."""
    result = bytearray(data)
    at = chance.randrange(len(data))
    end = min(len(data), at + chance.choice((1, 4, 64, 1000)))
    sort = chance.randrange(8)
    if sort <= 2:
        result[at] ^= 1 << chance.randrange(8)
    elif sort == 3:
        del result[at:]
    elif sort == 4:
        del result[at:end]
    elif sort == 5:
        result[at:at] = chance.randbytes(end - at)
    elif sort == 6:
        result[at:end] = chance.choice((b"\0", b"\xff")) * (end - at)
    else:
        other = chance.randrange(len(data))
        result[at:end] = data[other:other + end - at]
    return bytes(result)


def attack(data: bytes, load: Callable[[bytes], Any], count: int, checked: bool) -> None:
    """Load `count` damaged copies; with checksums in the file nothing wrong may come out."""
    chance = random.Random(len(data))
    whole = load(data)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    silent = 0
    for i in range(count):
        damaged = mutated(data, chance)
        try:
            found = load(damaged)
        except ERRORS as error:
            assert str(error) and len(str(error)) < 1000
            continue
        silent += 1
        assert not checked or same(found, whole), f"mutation {i} gave something else"
    assert silent < count
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MEMORY


def loaded(data: bytes) -> Any:
    return rl.load(io.BytesIO(data))


KINDS = ["ours", "torch_2_13", "torch_before_1_6", "torch_0_1_9", "safetensors"]


def run(kind: str, count: int, tmp_path: Path) -> None:
    if kind == "safetensors":
        path = tmp_path / "damaged"

        def load(data: bytes) -> Any:
            path.write_bytes(data)
            return rl.load_file(path)

        attack(safetensors(tmp_path), load, count, False)
    elif kind == "ours":
        attack(of_ours(), loaded, count, True)
    else:
        attack((FILES / f"{kind}.pt").read_bytes(), loaded, count, kind == "torch_2_13")


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_files(kind: str, tmp_path: Path) -> None:
    run(kind, 80, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_damaged_files_at_length(kind: str, tmp_path: Path) -> None:
    run(kind, 10_000, tmp_path)


@pytest.mark.parametrize("kind", ["ours", "torch_2_13"])
def test_every_truncation_is_noticed(kind: str) -> None:
    data = of_ours() if kind == "ours" else (FILES / f"{kind}.pt").read_bytes()
    for length in [0, 1, 3, 4, 5, 30, *range(64, len(data), 97), *range(len(data) - 70, len(data))]:
        with pytest.raises(ERRORS):
            loaded(data[:length])


@pytest.mark.slow
def test_pickles_at_random() -> None:
    """Streams of opcodes without sense, in archives whose checksums are right."""
    from rushlight.serialization.zip_file import ZipWriter

    chance = random.Random(0)
    sample = io.BytesIO()
    pickle.Pickler(sample, 2).dump({"a": [1, 2.5, ("x", None)], "b": {3}})
    seeds = [sample.getvalue(), *(of_archive((FILES / "torch_2_13.pt").read_bytes()) for _ in "ab")]
    for _ in range(20_000):
        data = chance.choice(seeds)
        for _ in range(chance.randrange(1, 6)):
            data = mutated(data, chance)
            if not data:
                data = b"N."
        file = io.BytesIO()
        writer = ZipWriter(file)
        writer.write("archive/data.pkl", data)
        for key in range(30):
            writer.write(f"archive/data/{key}", struct.pack("<4f", 1, 2, 3, 4))
        writer.close()
        file.seek(0)
        with suppress(*ERRORS):
            rl.load(file)


def of_archive(data: bytes) -> bytes:
    import zipfile

    archive = zipfile.ZipFile(io.BytesIO(data))
    return archive.read(archive.namelist()[0])
