"""The on-disk cache of compiled objects: round trips, corruption, sharing, bounds."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from rushlight.backends.cpu import cache as cache_module
from rushlight.backends.cpu.cache import ObjectCache, default_directory


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_is_put_is_got(tmp_path: Path) -> None:
    cache = ObjectCache(tmp_path / "deep" / "folder")
    assert cache.get("a") is None
    cache.put("a", b"code")
    cache.put("b", b"")
    assert cache.get("a") == b"code"
    assert cache.get("b") == b""
    assert ObjectCache(tmp_path / "deep" / "folder").get("a") == b"code"


@pytest.mark.parametrize("damage", [
    lambda content: content[:-1],
    lambda content: content + b"x",
    lambda content: b"",
    lambda content: b"XX" + content[2:],
    lambda content: content[:30] + bytes([content[30] ^ 1]) + content[31:],
])
def test_a_damaged_file_is_a_miss_and_is_removed(tmp_path: Path, damage) -> None:
    cache = ObjectCache(tmp_path)
    cache.put("a", b"some object code")
    (path,) = tmp_path.iterdir()
    path.write_bytes(damage(path.read_bytes()))
    assert cache.get("a") is None
    assert files(tmp_path) == []
    cache.put("a", b"new")
    assert cache.get("a") == b"new"


def test_the_oldest_objects_go_when_the_limit_is_passed(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(cache_module, "_WRITES_PER_SWEEP", 1)
    cache = ObjectCache(tmp_path, limit=10_000)
    for k in range(20):
        cache.put(f"k{k:02}", bytes(1000))
        os.utime(tmp_path / f"k{k:02}.rlo", (k + 1, k + 1))
    assert cache.size() <= 10_000
    assert cache.get("k19") is not None
    assert cache.get("k00") is None


def test_a_dead_writers_file_is_swept(tmp_path: Path) -> None:
    stale, recent = tmp_path / "x.1.1.partial", tmp_path / "x.2.2.partial"
    stale.write_bytes(b"half")
    recent.write_bytes(b"half")
    os.utime(stale, (1, 1))
    ObjectCache(tmp_path).put("a", b"code")
    assert files(tmp_path) == ["a.rlo", "x.2.2.partial"]


def test_clear(tmp_path: Path) -> None:
    cache = ObjectCache(tmp_path)
    cache.put("a", b"code")
    cache.clear()
    assert cache.get("a") is None and cache.size() == 0


def test_no_folder_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for cache in (ObjectCache(None), ObjectCache(tmp_path / "file" / "below")):
        cache.put("a", b"code")
        assert cache.get("a") is None
        assert cache.directory is None
        assert cache.size() == 0


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_a_folder_that_others_can_write_to_is_not_used(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    assert ObjectCache(tmp_path).directory is None
    tmp_path.chmod(0o755)
    assert ObjectCache(tmp_path).directory == tmp_path


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_a_new_folder_is_private(tmp_path: Path) -> None:
    ObjectCache(tmp_path / "new")
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


def test_a_full_disk_is_no_error(tmp_path: Path, monkeypatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    cache = ObjectCache(tmp_path)
    monkeypatch.setattr(cache_module.os, "replace", full)
    cache.put("a", b"code")
    assert files(tmp_path) == []


def test_the_environment_chooses_the_folder(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("RUSHLIGHT_CACHE_DIR", str(tmp_path))
    assert default_directory() == tmp_path
    monkeypatch.setenv("RUSHLIGHT_CACHE_DIR", "")
    assert default_directory() is None
    monkeypatch.delenv("RUSHLIGHT_CACHE_DIR")
    monkeypatch.setattr(cache_module.sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_directory() == tmp_path / "rushlight" / "objects"


WRITER = """
import sys
from pathlib import Path
from rushlight.backends.cpu.cache import ObjectCache
cache = ObjectCache(Path(sys.argv[1]))
for turn in range(200):
    for key in ("a", "b"):
        content = cache.get(key)
        if content is not None and content != key.encode() * 50_000:
            sys.exit("torn read")
        cache.put(key, key.encode() * 50_000)
"""


def test_processes_that_write_the_same_keys(tmp_path: Path) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)]) for _ in range(3)]
    assert [writer.wait(300) for writer in writers] == [0, 0, 0]
    assert files(tmp_path) == ["a.rlo", "b.rlo"]


def test_threads_that_write_the_same_key(tmp_path: Path) -> None:
    cache = ObjectCache(tmp_path)
    torn = []

    def work() -> None:
        for _ in range(100):
            cache.put("a", b"x" * 10_000)
            content = cache.get("a")
            if content not in (None, b"x" * 10_000):
                torn.append(content)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert torn == []
    assert files(tmp_path) == ["a.rlo"]
