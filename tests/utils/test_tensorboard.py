"""Event files: their records, check sums and messages, read back by hand."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rushlight as rl
from rushlight.utils.tensorboard import SummaryWriter
from rushlight.utils.tensorboard.records import checksum


def records(folder: Path) -> list[bytes]:
    """All records of a folder's one event file; their check sums must be right."""
    (file,) = folder.glob("events.out.tfevents.*")
    data, found = file.read_bytes(), []
    while data:
        (length,), (check,) = struct.unpack("<Q", data[:8]), struct.unpack("<I", data[8:12])
        assert check == checksum(data[:8])
        content = data[12:12 + length]
        assert struct.unpack("<I", data[12 + length:16 + length]) == (checksum(content),)
        found.append(content)
        data = data[16 + length:]
    return found


def message(data: bytes) -> dict[int, list[Any]]:
    """The fields of a message by number."""
    fields: dict[int, list[Any]] = {}

    def varint() -> int:
        nonlocal data
        value = shift = 0
        while True:
            byte, data = data[0], data[1:]
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while data:
        key = varint()
        if key & 7 == 0:
            value: Any = varint()
        else:
            size = {1: 8, 5: 4}.get(key & 7) or varint()
            value, data = data[:size], data[size:]
            if key & 7 != 2:
                (value,) = struct.unpack("<d" if size == 8 else "<f", value)
        fields.setdefault(key >> 3, []).append(value)
    return fields


def values(folder: Path) -> list[tuple[int, dict[int, list[Any]]]]:
    """Step and value of every event after the first, which names the version."""
    first, *rest = records(folder)
    assert message(first)[3] == [b"brain.Event:2"]
    return [(event.get(2, [0])[0], message(value)) for event in map(message, rest)
            for value in message(event[5][0])[1]]


def test_checksum_is_crc32c() -> None:
    crc = checksum(b"123456789")  # the check value of the standard, before it is masked
    rotated = (crc - 0xA282EAD8) & 0xFFFFFFFF
    assert (rotated << 15 | rotated >> 17) & 0xFFFFFFFF == 0xE3069283


def test_scalars(tmp_path: Path) -> None:
    with SummaryWriter(tmp_path) as writer:
        writer.add_scalar("loss", rl.tensor(0.5, requires_grad=True), 3)
        writer.add_scalar("negative step", 2, -1)
    (step, value), (other, _) = values(tmp_path)
    assert step == 3 and value == {1: [b"loss"], 2: [0.5]}
    assert other == (1 << 64) - 1


def test_histogram(tmp_path: Path) -> None:
    with SummaryWriter(tmp_path) as writer:
        writer.add_histogram("h", rl.tensor([1.0, 2.0, 2.0, -3.0]), 0)
    histogram = message(values(tmp_path)[0][1][5][0])
    assert [histogram[i][0] for i in (1, 2, 3, 4, 5)] == [-3.0, 2.0, 4.0, 2.0, 18.0]
    (limits,), (counts,) = histogram[6], histogram[7]
    assert len(limits) == len(counts)
    assert sum(struct.unpack(f"<{len(counts) // 8}d", counts)) == 4


def test_image_is_a_png(tmp_path: Path) -> None:
    picture = rl.zeros(3, 2, 4)
    picture[0, 0, 0] = 1.0
    with SummaryWriter(tmp_path) as writer:
        writer.add_image("i", picture, 1)
        writer.add_images("grid", rl.ones(9, 1, 2, 2))
    found = message(values(tmp_path)[0][1][4][0])
    assert [found[i][0] for i in (1, 2, 3)] == [2, 4, 3]
    png = found[4][0]
    assert png.startswith(b"\x89PNG")
    start = png.index(b"IDAT") + 4
    rows = zlib.decompress(png[start:png.index(b"IEND")])
    assert rows[:4] == b"\x00\xff\x00\x00" and len(rows) == 2 * (1 + 4 * 3)
    grid = message(values(tmp_path)[1][1][4][0])
    assert [grid[i][0] for i in (1, 2)] == [4, 16]


def test_text_embedding_and_settings(tmp_path: Path) -> None:
    with SummaryWriter(tmp_path) as writer:
        writer.add_text("note", "hello")
        writer.add_embedding(rl.eye(3), metadata=["a", "b", "c"], label_img=rl.ones(3, 1, 2, 2))
        writer.add_hparams({"lr": 0.1}, {"accuracy": 1.0}, run_name="settings")
        writer.add_scalars("both", {"a": 1, "b": 2}, 5)
        with pytest.warns(UserWarning, match="not traced into graphs"):
            writer.add_graph(rl.nn.Linear(1, 1))
    value = values(tmp_path)[0][1]
    assert value[1] == [b"note/text_summary"] and message(value[8][0])[8] == [b"hello"]
    assert (tmp_path / "00000" / "default" / "metadata.tsv").read_text() == "a\nb\nc\n"
    assert (tmp_path / "00000" / "default" / "sprite.png").read_bytes().startswith(b"\x89PNG")
    assert values(tmp_path / "settings")[0][1][1] == [b"accuracy"]
    assert values(tmp_path / "both_b")[0] == (5, {1: [b"both"], 2: [2.0]})


def test_errors(tmp_path: Path) -> None:
    with SummaryWriter(tmp_path) as writer:
        with pytest.raises(ValueError, match="takes one number, not 2"):
            writer.add_scalar("x", rl.ones(2))
        with pytest.raises(ValueError, match="dataformats 'CHW'"):
            writer.add_image("x", rl.ones(2, 2))


def test_precision_and_recall(tmp_path: Path) -> None:
    scores, labels = np.array([0.1, 0.4, 0.6, 0.9]), np.array([False, True, False, True])
    with SummaryWriter(tmp_path) as writer:
        writer.add_pr_curve("curve", rl.from_numpy(labels), rl.from_numpy(scores), 3,
                            num_thresholds=11)
        with pytest.raises(ValueError, match="4 labels and 1 predictions"):
            writer.add_pr_curve("curve", labels, [0.5])
    step, value = values(tmp_path)[0]
    assert step == 3 and value[1] == [b"curve"]
    rows = np.frombuffer(message(value[8][0])[5][0], "<f4").reshape(6, 11)
    for i in range(11):
        found = np.floor(scores * 10) >= i
        right, wrong = (found & labels).sum(), (found & ~labels).sum()
        want = [right, wrong, 2 - wrong, 2 - right, right / max(right + wrong, 1), right / 2]
        np.testing.assert_allclose(rows[:, i], want)
