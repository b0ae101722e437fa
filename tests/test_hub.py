"""Weights by address: downloaded once, whole or not at all, checked where asked."""

from __future__ import annotations

import hashlib
from pathlib import Path
from urllib.error import URLError

import pytest

import rushlight as rl
from rushlight import hub


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    file = tmp_path / "source" / "net.pth"
    file.parent.mkdir()
    rl.save({"w": rl.ones(2)}, file)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()[:8]
    return file.rename(file.with_name(f"net-{digest}.pth"))


def test_downloaded_once_and_checked(weights: Path, tmp_path: Path,
                                     capsys: pytest.CaptureFixture[str]) -> None:
    kept = tmp_path / "kept"
    for _ in range(2):
        state = hub.load_state_dict_from_url(weights.as_uri(), str(kept), check_hash=True)
        assert state["w"].tolist() == [1, 1]
    assert capsys.readouterr().err.count("Downloading") == 1
    assert [path.name for path in kept.iterdir()] == [weights.name]


def test_wrong_hash_leaves_nothing(weights: Path, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="invalid hash value"):
        hub.download_url_to_file(weights.as_uri(), tmp_path / "kept" / "x", hash_prefix="00")
    assert not list((tmp_path / "kept").iterdir())


def test_unreachable_address_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(URLError, match="put the file at"):
        hub.download_url_to_file("http://127.0.0.1:9/x.pth", tmp_path / "x.pth")
    assert not list(tmp_path.iterdir())


def test_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    assert hub.get_dir() == str(tmp_path / "hub")


def test_entries_of_a_local_folder(tmp_path: Path) -> None:
    (tmp_path / "hubconf.py").write_text("def net(width):\n    'A net.'\n    return width * 2\n")
    assert hub.list(str(tmp_path), source="local") == ["net"]
    assert hub.load(str(tmp_path), "net", 3, source="local") == 6
    assert hub.help(str(tmp_path), "net", source="local") == "A net."
    with pytest.raises(RuntimeError, match="Cannot find callable nothing"):
        hub.load(str(tmp_path), "nothing", source="local")
    with pytest.raises(RuntimeError, match="not downloaded and run"):
        hub.load("owner/name", "net")
