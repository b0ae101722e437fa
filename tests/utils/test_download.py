"""Downloads from a server on this machine: mirrors, resuming, checksums; archives."""

from __future__ import annotations

import hashlib
import http.server
import io
import tarfile
import threading
import urllib.error
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rushlight.utils.archives import extract
from rushlight.utils.download import ChecksumError, download

CONTENT = bytes(range(256)) * 2000
MD5 = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    """/whole, /breaks (half of what is asked for, once), /ignores (ranges), else 404."""

    seen: list[tuple[str, str | None]]
    broken: bool

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        type(self).seen.append((self.path, wanted))
        if self.path not in ("/whole", "/breaks", "/ignores"):
            self.send_error(404)
            return
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        if self.path == "/ignores":
            start = 0
        if start >= len(CONTENT):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(CONTENT)}")
            self.end_headers()
            return
        body = CONTENT[start:]
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.path == "/breaks" and not type(self).broken:
            type(self).broken = True
            body = body[:len(body) // 2]
        self.wfile.write(body)

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Any]:
    handler = type("Own", (Handler,), {"seen": [], "broken": False})
    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    handler.url = f"http://127.0.0.1:{running.server_address[1]}"
    yield handler
    running.shutdown()
    running.server_close()
    thread.join()


def test_whole(server: Any, tmp_path: Path) -> None:
    target = download(f"{server.url}/whole", tmp_path / "new" / "file", md5=MD5, progress=False)
    assert target.read_bytes() == CONTENT
    assert [path.name for path in target.parent.iterdir()] == ["file"]


def test_goes_on_after_a_break(server: Any, tmp_path: Path) -> None:
    assert download(f"{server.url}/breaks", tmp_path / "file", progress=False
                    ).read_bytes() == CONTENT
    assert server.seen == [("/breaks", None), ("/breaks", f"bytes={len(CONTENT) // 2}-")]


def test_goes_on_from_an_earlier_call(server: Any, tmp_path: Path) -> None:
    (tmp_path / "file.partial").write_bytes(CONTENT[:1000])
    assert download(f"{server.url}/whole", tmp_path / "file", md5=MD5, progress=False
                    ).read_bytes() == CONTENT
    assert server.seen == [("/whole", "bytes=1000-")]
    assert not (tmp_path / "file.partial").exists()


def test_starts_again_where_the_beginning_was_of_another_file(server: Any, tmp_path: Path) -> None:
    (tmp_path / "file.partial").write_bytes(b"x" * 1000)
    assert download(f"{server.url}/whole", tmp_path / "file", md5=MD5, progress=False
                    ).read_bytes() == CONTENT
    assert server.seen == [("/whole", "bytes=1000-"), ("/whole", None)]


@pytest.mark.parametrize("path", ["/whole", "/ignores"])
def test_starts_again_where_it_cannot_go_on(server: Any, tmp_path: Path, path: str) -> None:
    longer = CONTENT + b"more" if path == "/whole" else b"xyz"
    (tmp_path / "file.partial").write_bytes(longer)
    assert download(server.url + path, tmp_path / "file", md5=MD5, progress=False
                    ).read_bytes() == CONTENT


def test_a_complete_partial_file_is_taken(server: Any, tmp_path: Path) -> None:
    (tmp_path / "file.partial").write_bytes(CONTENT)
    assert download(f"{server.url}/whole", tmp_path / "file", md5=MD5, progress=False
                    ).read_bytes() == CONTENT


def test_wrong_checksum_leaves_nothing(server: Any, tmp_path: Path) -> None:
    with pytest.raises(ChecksumError, match="invalid hash value"):
        download(f"{server.url}/whole", tmp_path / "file", md5="0" * 32, progress=False)
    assert not list(tmp_path.iterdir())


def test_mirrors_in_order(server: Any, tmp_path: Path) -> None:
    urls = ["http://127.0.0.1:9/dead", f"{server.url}/missing", f"{server.url}/whole"]
    assert download(urls, tmp_path / "file", md5=MD5, progress=False).read_bytes() == CONTENT
    assert [path for path, _ in server.seen] == ["/missing", "/whole"]


def test_missing_and_offline(server: Any, tmp_path: Path) -> None:
    with pytest.raises(urllib.error.HTTPError, match="404") as refused:
        download(f"{server.url}/missing", tmp_path / "file", progress=False)
    assert refused.value.closed  # its connection, too
    with pytest.raises(urllib.error.URLError, match=r"put the file at .*file yourself"):
        download(["http://127.0.0.1:9/a", "http://127.0.0.1:9/b"], tmp_path / "file",
                 progress=False)
    assert not list(tmp_path.iterdir())


def _tar(path: Path, name: str, link: bool = False) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        member = tarfile.TarInfo(name)
        member.size = 0 if link else 3
        if link:
            member.type, member.linkname = tarfile.SYMTYPE, "/etc"
        tar.addfile(member, io.BytesIO(b"abc"))
    return path


def test_extract(tmp_path: Path) -> None:
    extract(_tar(tmp_path / "good.tar.gz", "folder/file"), tmp_path / "out")
    assert (tmp_path / "out/folder/file").read_bytes() == b"abc"
    for name in ("../evil", "/evil", "a/../../evil"):
        with pytest.raises(RuntimeError, match="outside its folder"):
            extract(_tar(tmp_path / "bad.tgz", name), tmp_path / "out")
        with zipfile.ZipFile(tmp_path / "bad.zip", "w") as packed:
            packed.writestr(name, "abc")
        with pytest.raises(RuntimeError, match="outside its folder"):
            extract(tmp_path / "bad.zip", tmp_path / "out")
    with pytest.raises(RuntimeError, match="neither file nor folder"):
        extract(_tar(tmp_path / "link.tar.gz", "link", link=True), tmp_path / "out")
    with pytest.raises(RuntimeError, match="Unknown compression"):
        extract(tmp_path / "bad.rar", tmp_path / "out")
    assert not (tmp_path / "evil").exists()
