"""Grids, files and drawings, beside torchvision 0.29's figures (drawing.json); reading pictures."""

from __future__ import annotations

import io as bytes_io
import json
import zlib
from pathlib import Path

import numpy as np
import pytest

import rushlight as rl
from rushlight import vision
from rushlight.vision import io, utils
from rushlight.vision.image import has_pillow

from . import drawing_cases
from . import functional_cases as given

RECORDED = json.loads((Path(__file__).parent / "drawing.json").read_text())


def test_drawings() -> None:
    drawn = drawing_cases.run(utils, rl, given.picture(), has_pillow())
    assert len(drawn) >= 9
    for name, out in drawn.items():
        given.check(name, [out], RECORDED[name])


def unpacked(path: Path) -> np.ndarray:
    """The pixels of an RGB or grey PNG without filters, (height, width, channels)."""
    content = path.read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = (int.from_bytes(content[at:at + 4], "big") for at in (16, 20))
    channels = {0: 1, 2: 3}[content[25]]
    size = int.from_bytes(content[33:37], "big")
    rows = zlib.decompress(content[41:41 + size])
    assert zlib.crc32(content[37:41 + size]) == (
        int.from_bytes(content[41 + size:45 + size], "big"))
    return np.frombuffer(rows, np.uint8).reshape(height, 1 + width * channels)[:, 1:].reshape(
        height, width, channels)


def test_save_image_needs_nothing(tmp_path: Path) -> None:
    batch = rl.linspace(0, 1, 2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    utils.save_image(batch, tmp_path / "grid.png", padding=1)
    want = utils.make_grid(batch, padding=1).mul(255).add(0.5).clamp(0, 255).to(rl.uint8)
    np.testing.assert_array_equal(unpacked(tmp_path / "grid.png"), want.permute(1, 2, 0).numpy())
    target = bytes_io.BytesIO()
    utils.save_image(batch, target, format="png", padding=1)
    assert target.getvalue() == (tmp_path / "grid.png").read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["grid.png"]


def test_write_png(tmp_path: Path) -> None:
    pixels = rl.from_numpy(given.picture(1).transpose(2, 0, 1).copy())
    io.write_png(pixels, tmp_path / "grey.png")
    np.testing.assert_array_equal(unpacked(tmp_path / "grey.png")[:, :, 0], pixels[0].numpy())
    with pytest.raises(RuntimeError, match="dtype should be uint8"):
        io.write_png(pixels.float(), tmp_path / "x.png")
    with pytest.raises(RuntimeError, match="3-dimensional"):
        io.write_png(pixels[0], tmp_path / "x.png")
    assert io.read_file(tmp_path / "grey.png")[1:4].tolist() == list(b"PNG")


def test_read_image(tmp_path: Path) -> None:
    pytest.importorskip("PIL")
    pixels = rl.from_numpy(given.picture().transpose(2, 0, 1).copy())
    io.write_png(pixels, tmp_path / "a.png")
    assert (io.read_image(str(tmp_path / "a.png")) == pixels).all()
    assert io.read_image(tmp_path / "a.png", "RGB_ALPHA").shape == (4, 18, 25)
    assert io.decode_image(io.read_file(tmp_path / "a.png"), io.ImageReadMode.GRAY).shape == (
        1, 18, 25)
    slope = rl.arange(16 * 24).reshape(1, 16, 24).div(2).to(rl.uint8).expand(3, 16, 24)
    io.write_jpeg(slope, tmp_path / "a.jpg", 95)
    near = io.read_image(tmp_path / "a.jpg").float() - slope.float()
    assert near.abs().mean() < 1.5
    utils.save_image(pixels.float() / 255, tmp_path / "b.jpg")
    assert io.read_image(tmp_path / "b.jpg").shape == (3, 18, 25)
    with pytest.raises(RuntimeError, match="Unsupported image file"):
        io.decode_image(rl.arange(9).to(rl.uint8))
    with pytest.raises(ValueError, match="unknown file extension"):
        utils.save_image(pixels.float(), tmp_path / "b.what")
    assert not (tmp_path / "b.what").exists()


def test_errors() -> None:
    picture = rl.zeros(3, 4, 5, dtype=rl.uint8)
    with pytest.raises(TypeError, match="tensor or list of tensors expected"):
        utils.make_grid([1])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="xmin, ymin, xmax, ymax"):
        utils.draw_bounding_boxes(picture, rl.tensor([[3, 0, 1, 2]]))
    with pytest.raises(ValueError, match="dtype bool"):
        utils.draw_segmentation_masks(picture, rl.zeros(4, 5))
    with pytest.raises(ValueError, match="num_instances, K, 2"):
        utils.draw_keypoints(picture, rl.zeros(4, 2))
    with pytest.raises(ValueError, match="Input flow should have shape"):
        utils.flow_to_image(rl.zeros(3, 4, 5))


def test_backend() -> None:
    vision.set_image_backend("PIL")
    assert vision.get_image_backend() == "PIL"
    with pytest.raises(ValueError, match="Invalid backend"):
        vision.set_image_backend("accimage")
